//! Telling of a new privacy statement, who accepted it, and whether it still says what is done.

use super::privacy::In;
use crate::ctx::Ctx;
use crate::http::auth::{Admin, Reader, Writer, with_body};
use crate::http::extract::{Created, created, json, repeatable};
use crate::http::problem::{Failure, Problem};
use crate::privacy::acceptance::{self, StatementAcceptance};
use crate::privacy::notice::{self, NoticeView};
use crate::privacy::standing::{self, Standing};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::customer::Language;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// How the statement in force stands to the policy in force, and whether people are told of a new one.
#[utoipa::path(get, path = "/privacy/statement-standing", tag = "privacy", responses((status = 200, body = Standing)))]
pub(super) async fn get_standing(State(ctx): State<Ctx>, Reader(actor): Reader) -> Result<Json<Standing>, Failure> {
    Ok(Json(standing::standing(&ctx, &actor).await?))
}

/// Whom a version that follows another is told to, and what it changes: counts, and names nobody. Nobody is written to.
#[utoipa::path(get, path = "/privacy/statements/{version_no}/notice", tag = "privacy", params(("version_no" = i64, Path), In), responses((status = 200, body = NoticeView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn get_notice(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(version_no): Path<i64>,
    Query(wanted): Query<In>,
) -> Result<Json<NoticeView>, Failure> {
    let language = Language::from_code(wanted.language.as_deref().unwrap_or("nb"));
    Ok(Json(notice::look(&ctx, &actor, Some(version_no), language).await?))
}

/// Tells customers and users of the newest version by mail, as a job: each once, however often this is asked for.
#[utoipa::path(post, path = "/privacy/statements/{version_no}/notice", tag = "privacy", params(("version_no" = i64, Path)), responses((status = 202), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn send_notice(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(version_no): Path<i64>,
) -> Result<Response, Failure> {
    repeatable(notice::start(&ctx, &actor, version_no).await)?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// Which users have seen and accepted a version: ids and times.
#[utoipa::path(get, path = "/privacy/statements/{version_no}/acceptances", tag = "privacy", params(("version_no" = i64, Path)), responses((status = 200, body = Vec<StatementAcceptance>), (status = 404, body = Problem)))]
pub(super) async fn list_acceptances(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(version_no): Path<i64>,
) -> Result<Json<Vec<StatementAcceptance>>, Failure> {
    Ok(Json(acceptance::list(&ctx, &actor, version_no).await?))
}

/// An acceptance given in a system of the organisation's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewStatementAcceptance {
    /// The user who has seen and accepted it.
    user_id: Uuid,
}

/// Records that a user has seen and accepted a version; the first time stands.
#[utoipa::path(post, path = "/privacy/statements/{version_no}/acceptances", tag = "privacy", params(("version_no" = i64, Path)), request_body = NewStatementAcceptance, responses((status = 201, body = Created), (status = 404, body = Problem)))]
pub(super) async fn accept_statement(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(version_no): Path<i64>,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewStatementAcceptance = json(&body)?;
    created(acceptance::accept(&ctx, &with_body(actor, &body), version_no, new.user_id, "api").await)
}
