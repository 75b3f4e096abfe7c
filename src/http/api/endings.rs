//! The end of the agreement, and packages that hand over what is here.

use crate::ctx::Ctx;
use crate::http::auth::{Admin, Reader, with_body};
use crate::http::extract::{done, json};
use crate::http::problem::{Failure, Problem};
use crate::privacy::certificate::Part;
use crate::privacy::closing;
use crate::privacy::hand_over::{self, HandOverView, Scope, Standing};
use crate::services::Error;
use crate::services::organisation::{self, EndingView, NewEnding};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
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
/// Financial asks for, and a signed manifest. It is written while it is fetched, and counts as written when all of it was.
/// `Location` is where to confirm it, by the SHA-256 of the file that was fetched.
#[utoipa::path(post, path = "/hand-overs", tag = "privacy", request_body = NewHandOver, responses((status = 200, content_type = "application/zip"), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn make_hand_over(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewHandOver = json(&body)?;
    // A repeat writes another one.
    let actor = crate::services::Actor { idempotency: None, ..actor };
    let (writing, from) = hand_over::begin(&ctx, &actor, new.scope, &new.reason).await?;
    let name = format!("attachment; filename=\"{}-{}.zip\"", new.scope.as_str(), ctx.today());
    let header = |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/zip")),
        (header::CONTENT_DISPOSITION, header(name)),
        (header::LOCATION, header(format!("/api/v1/hand-overs/{}/confirm", writing.id))),
    ];
    let written = tokio::spawn(writing.write());
    // A package that cannot be finished breaks off: nobody takes half of it for the whole.
    let chunks = futures_util::stream::try_unfold(Some((from, written)), async |state| {
        let Some((mut from, written)) = state else { return Ok(None) };
        if let Some(chunk) = from.recv().await {
            return Ok(Some((chunk, Some((from, written)))));
        }
        match written.await {
            Ok(Ok(_)) => Ok(None),
            Ok(Err(error)) => {
                tracing::error!(error = %error, "a package broke off");
                Err(std::io::Error::other("the package broke off"))
            }
            Err(error) => Err(std::io::Error::other(error.to_string())),
        }
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

/// Confirms that the organisation has a package. Of an archive the copy here is deleted next, by a job (by a policy with
/// `archive_custody` tenant; `still_here` tells how far it is); of an organisation whose agreement is over everything is deleted
/// the next night.
#[utoipa::path(post, path = "/hand-overs/{id}/confirm", tag = "privacy", params(("id" = Uuid, Path)), request_body = Confirmation, responses((status = 202, body = HandOverView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn confirm_hand_over(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<(StatusCode, Json<HandOverView>), Failure> {
    let confirmation: Confirmation = json(&body)?;
    // A repeat finds nothing more to delete.
    let actor = crate::services::Actor { idempotency: None, ..actor };
    let confirmed = hand_over::confirm_later(&ctx, &actor, id, &confirmation.sha256).await?;
    Ok((StatusCode::ACCEPTED, Json(confirmed)))
}
