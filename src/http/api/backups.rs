//! Backups, for those who run the installation. A restore is made at the command line, with the service stopped.

use crate::backup::expire::Aged;
use crate::backup::status::{self, BackupView};
use crate::ctx::Ctx;
use crate::http::auth::Operator;
use crate::http::extract::repeatable;
use crate::http::problem::{Failure, Problem};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Backups there are, the newest first. They hold every organisation of the installation.
#[utoipa::path(get, path = "/backups", tag = "backups", responses((status = 200, body = Vec<BackupView>)))]
pub(super) async fn list_backups(
    State(ctx): State<Ctx>,
    _operator: Operator,
) -> Result<Json<Vec<BackupView>>, Failure> {
    Ok(Json(status::list(&ctx).await?))
}

/// Makes a backup now, as a job.
#[utoipa::path(post, path = "/backups", tag = "backups", responses((status = 202), (status = 409, body = Problem)))]
pub(super) async fn start_backup(State(ctx): State<Ctx>, Operator(actor): Operator) -> Result<Response, Failure> {
    repeatable(status::start(&ctx, &actor).await)?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// Reads a backup to its end: hashes and signature. Its content is opened with its key at the command line alone.
#[utoipa::path(post, path = "/backups/{name}/verify", tag = "backups", params(("name" = String, Path)), responses((status = 200, body = BackupView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn verify_backup(
    State(ctx): State<Ctx>,
    _operator: Operator,
    Path(name): Path<String>,
) -> Result<Json<BackupView>, Failure> {
    Ok(Json(status::verify(&ctx, &name).await?))
}

/// The newest certificate of ages: how old the oldest object is, and that none is older than the limit. Signed.
#[utoipa::path(get, path = "/backups/certificate", tag = "backups", responses((status = 200, body = Aged), (status = 404, body = Problem)))]
pub(super) async fn get_certificate(State(ctx): State<Ctx>, _operator: Operator) -> Result<Json<Aged>, Failure> {
    Ok(Json(status::certificate(&ctx).await?))
}
