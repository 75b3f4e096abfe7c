//! The register of breaches: the 72 hours, whom they concern, letters, notices.

use crate::ctx::Ctx;
use crate::http::auth::{Admin, with_body};
use crate::http::extract::{Created, List, Page, created, done, if_match, json, versioned};
use crate::http::problem::{Failure, Problem};
use crate::privacy::affected::{self, AffectedView, Found, Search, Sent};
use crate::privacy::breach::{self, BreachView, Facts, Notified};
use crate::privacy::reading;
use crate::services::Actor;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::customer::Language;
use render::paper;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which cases.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct WhichBreaches {
    /// Closed ones too, the newest first.
    #[serde(default)]
    all: bool,
}

/// Open cases, the one due first on top, with hours left and what is still to be done. None names anybody.
#[utoipa::path(get, path = "/privacy/breaches", tag = "privacy", params(WhichBreaches), responses((status = 200, body = Vec<BreachView>)))]
pub(super) async fn list_breaches(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Query(which): Query<WhichBreaches>,
) -> Result<Json<Vec<BreachView>>, Failure> {
    Ok(Json(breach::list(&ctx, &actor, !which.all).await?))
}

/// Opens a case. The authority must be told within 72 hours of `noticed_at`; while a case is open, no read is deleted from the log.
#[utoipa::path(post, path = "/privacy/breaches", tag = "privacy", request_body = Facts, responses((status = 201, body = Created), (status = 422, body = Problem)))]
pub(super) async fn open_breach(State(ctx): State<Ctx>, Admin(actor): Admin, body: Bytes) -> Result<Response, Failure> {
    let facts: Facts = json(&body)?;
    created(breach::open(&ctx, &with_body(actor, &body), &facts).await)
}

/// A case.
#[utoipa::path(get, path = "/privacy/breaches/{id}", tag = "privacy", params(("id" = Uuid, Path)), responses((status = 200, body = BreachView), (status = 404, body = Problem)))]
pub(super) async fn get_breach(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    let found = breach::get(&ctx, &actor, id).await?;
    Ok(versioned(found.version, &found))
}

/// Adds what came to be known; what is left out stays.
#[utoipa::path(patch, path = "/privacy/breaches/{id}", tag = "privacy", request_body = Facts, params(("id" = Uuid, Path), ("If-Match" = String, Header, description = "ETag of the version you saw")), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn patch_breach(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let version = if_match(&headers)?;
    let facts: Facts = json(&body)?;
    done(breach::patch(&ctx, &with_body(actor, &body), id, version, &facts).await)
}

/// Whom a breach concerns, and whether they are told.
#[utoipa::path(get, path = "/privacy/breaches/{id}/persons", tag = "privacy", params(("id" = Uuid, Path), Page), responses((status = 200, body = List<AffectedView>), (status = 404, body = Problem)))]
pub(super) async fn list_people(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
    Query(page): Query<Page>,
) -> Result<Json<List<AffectedView>>, Failure> {
    let limit = page.limit();
    let rows = affected::list(&ctx, &actor, id, page.after()?, limit.unsigned_abs()).await?;
    reading::note(&ctx, &actor, "breach.persons", reading::about(rows.iter().map(|r| Some(r.customer_id)))).await?;
    Ok(Json(List::new(rows, limit, |r| r.customer_id)))
}

/// Finds whom a breach concerns, from the log of reads and the audit log, and adds them.
#[utoipa::path(post, path = "/privacy/breaches/{id}/persons", tag = "privacy", params(("id" = Uuid, Path)), request_body = Search, responses((status = 200, body = Found), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn find_people(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Json<Found>, Failure> {
    // A repeat adds nobody twice.
    let actor = Actor { idempotency: None, ..actor };
    Ok(Json(affected::search(&ctx, &actor, id, &json(&body)?).await?))
}

/// Whether letters leave.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Sending {
    /// false: only counts.
    send: bool,
}

/// Mails those who can be mailed and are not told yet; counts those who are to be told on paper.
#[utoipa::path(post, path = "/privacy/breaches/{id}/letters", tag = "privacy", params(("id" = Uuid, Path)), request_body = Sending, responses((status = 200, body = Sent), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn send_letters(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Json<Sent>, Failure> {
    let how: Sending = if body.is_empty() { Sending::default() } else { json(&body)? };
    // A repeat goes on where it was.
    let actor = Actor { idempotency: None, ..actor };
    Ok(Json(affected::send(&ctx, &actor, id, how.send).await?))
}

/// Letters to those who cannot be mailed, one PDF and one HTML file each.
#[utoipa::path(get, path = "/privacy/breaches/{id}/letters.zip", tag = "privacy", params(("id" = Uuid, Path)), responses((status = 200, content_type = "application/zip"), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn letters_on_paper(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    let letters = affected::to_post(&ctx, &actor, id).await?;
    reading::note(&ctx, &actor, "breach.letters", reading::about(letters.iter().map(|l| Some(l.customer_id)))).await?;
    let zip = tokio::task::spawn_blocking(move || affected::zip(&letters)).await;
    let zip = zip.map_err(|e| crate::services::Error::from(std::io::Error::other(e.to_string())))??;
    Ok(([(header::CONTENT_TYPE, "application/zip")], zip).into_response())
}

/// How many were told.
#[derive(Serialize, ToSchema)]
pub(super) struct Posted {
    /// Those whose letters are in the post.
    posted: i64,
}

/// Notes that the letters on paper are in the post.
#[utoipa::path(post, path = "/privacy/breaches/{id}/letters/posted", tag = "privacy", params(("id" = Uuid, Path)), responses((status = 200, body = Posted), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn letters_posted(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
) -> Result<Json<Posted>, Failure> {
    let actor = Actor { idempotency: None, ..actor };
    Ok(Json(Posted { posted: affected::posted(&ctx, &actor, id).await? }))
}

/// Which draft.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct WhichDraft {
    /// authority or controller; authority when left out.
    to: Option<String>,
    /// nb, nn or en; nb when left out.
    language: Option<String>,
}

/// The notification to the authority (article 33 (3)), or the notice to the controller, as a page. What is not known yet is marked so.
#[utoipa::path(get, path = "/privacy/breaches/{id}/draft", tag = "privacy", params(("id" = Uuid, Path), WhichDraft), responses((status = 200, content_type = "text/html"), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn draft_notice(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
    Query(which): Query<WhichDraft>,
) -> Result<Response, Failure> {
    let language = Language::from_code(which.language.as_deref().unwrap_or("nb"));
    let draft = breach::draft(&ctx, &actor, id, which.to.as_deref().unwrap_or("authority"), language).await?;
    let page = paper::html(&draft).map_err(crate::services::Error::from)?;
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response())
}

/// Notes that the authority or the controller was told; after the 72 hours with the reason.
#[utoipa::path(post, path = "/privacy/breaches/{id}/notified", tag = "privacy", params(("id" = Uuid, Path)), request_body = Notified, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn breach_notified(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let told: Notified = if body.is_empty() { Notified::default() } else { json(&body)? };
    done(breach::notified(&ctx, &with_body(actor, &body), id, &told).await)
}

/// Closes a case when nothing is left to do.
#[utoipa::path(post, path = "/privacy/breaches/{id}/close", tag = "privacy", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn close_breach(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(breach::close(&ctx, &actor, id).await)
}
