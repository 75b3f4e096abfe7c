//! The end of the agreement, and packages that hand over what is here.

use crate::ctx::Ctx;
use crate::http::auth::{Admin, Reader, with_body};
use crate::http::extract::{done, json};
use crate::http::problem::{Failure, Problem};
use crate::privacy::certificate::Part;
use crate::privacy::closing;
use crate::privacy::hand_over::{self, Confirmed, Scope, Standing};
use crate::services::Error;
use crate::services::organisation::{self, EndingView, NewEnding};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::hex;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use utoipa::ToSchema;
use uuid::Uuid;

/// The end that is set.
#[utoipa::path(get, path = "/organisation/ending", tag = "organisation", responses((status = 200, body = EndingView), (status = 404, body = Problem)))]
pub(super) async fn get_ending(State(ctx): State<Ctx>, Reader(actor): Reader) -> Result<Json<EndingView>, Failure> {
    let found = organisation::ending(&ctx, &actor).await?;
    Ok(Json(found.ok_or_else(|| Error::not_found("end of the agreement"))?))
}

/// Ends the agreement: nothing is billed after the last day, and thirty days later everything is deleted, or what the
/// bookkeeping act asks for stays until its years are over.
#[utoipa::path(post, path = "/organisation/ending", tag = "organisation", request_body = NewEnding, responses((status = 204), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn set_ending(State(ctx): State<Ctx>, Admin(actor): Admin, body: Bytes) -> Result<Response, Failure> {
    let new: NewEnding = json(&body)?;
    done(organisation::end(&ctx, &with_body(actor, &body), &new).await)
}

/// Calls the end off: the agreement goes on.
#[utoipa::path(delete, path = "/organisation/ending", tag = "organisation", responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn call_ending_off(State(ctx): State<Ctx>, Admin(actor): Admin) -> Result<Response, Failure> {
    done(organisation::call_off(&ctx, &actor).await)
}

/// What deleting the organisation would take today.
#[derive(Serialize, ToSchema)]
pub(super) struct Deletion {
    /// Rows by clock.
    parts: Vec<Part>,
}

/// What deleting the organisation would take today: rows by clock. Nothing is deleted.
#[utoipa::path(get, path = "/organisation/ending/preview", tag = "organisation", responses((status = 200, body = Deletion)))]
pub(super) async fn preview_ending(State(ctx): State<Ctx>, Reader(actor): Reader) -> Result<Json<Deletion>, Failure> {
    Ok(Json(Deletion { parts: closing::preview(&ctx, &actor).await? }))
}

/// How the archive stands, and what was handed over.
#[utoipa::path(get, path = "/hand-overs", tag = "privacy", responses((status = 200, body = Standing)))]
pub(super) async fn list_hand_overs(State(ctx): State<Ctx>, Reader(actor): Reader) -> Result<Json<Standing>, Failure> {
    Ok(Json(hand_over::standing(&ctx, &actor).await?))
}

/// What is to be handed over, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewHandOver {
    /// archive: customers of ended relationships; organisation: everything.
    scope: Scope,
    /// Why, in up to 200 characters; kept with who asked and when.
    reason: String,
}

/// Writes a package and answers with it: a ZIP of each document as it was sent, the books as tables with the fields SAF-T
/// Financial asks for, and a signed manifest. `Location` is where to confirm it, `Content-Digest`
/// (RFC 9530) is what is confirmed.
#[utoipa::path(post, path = "/hand-overs", tag = "privacy", request_body = NewHandOver, responses((status = 200, content_type = "application/zip"), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn make_hand_over(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewHandOver = json(&body)?;
    // A repeat writes another one.
    let actor = crate::services::Actor { idempotency: None, ..actor };
    let (made, file) = hand_over::write(&ctx, &actor, new.scope, &new.reason).await?;
    let hash = STANDARD.encode(hex::decode(&made.sha256).unwrap_or_default());
    let name = format!("attachment; filename=\"{}-{}.zip\"", made.scope, made.made_at.format("%Y-%m-%d"));
    let header = |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/zip")),
        (header::CONTENT_LENGTH, header(made.bytes.to_string())),
        (header::CONTENT_DISPOSITION, header(name)),
        (header::LOCATION, header(format!("/api/v1/hand-overs/{}/confirm", made.id))),
        (header::HeaderName::from_static("content-digest"), header(format!("sha-256=:{hash}:"))),
    ];
    let file = tokio::fs::File::from_std(file.into_file());
    let chunks = futures_util::stream::try_unfold(file, async |mut file| {
        let mut chunk = vec![0; 1 << 16];
        let n = file.read(&mut chunk).await?;
        chunk.truncate(n);
        Ok::<_, std::io::Error>((n > 0).then(|| (Bytes::from(chunk), file)))
    });
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// Proof of having a package.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    /// SHA-256 of the package, hexadecimal.
    sha256: String,
}

/// Confirms that the organisation has a package. Of an archive the copy here is deleted at once (by a policy with
/// `archive_custody` tenant); of an organisation whose agreement is over everything is deleted the next night.
#[utoipa::path(post, path = "/hand-overs/{id}/confirm", tag = "privacy", params(("id" = Uuid, Path)), request_body = Confirmation, responses((status = 200, body = Confirmed), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn confirm_hand_over(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Json<Confirmed>, Failure> {
    let confirmation: Confirmation = json(&body)?;
    // A repeat finds nothing more to delete.
    let actor = crate::services::Actor { idempotency: None, ..actor };
    Ok(Json(hand_over::confirm(&ctx, &actor, id, &confirmation.sha256).await?))
}
