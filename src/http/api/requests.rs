//! Requests of persons, consents, restrictions.

use crate::ctx::Ctx;
use crate::http::auth::{Admin, Reader, Writer, with_body};
use crate::http::extract::{Created, created, done, json};
use crate::http::problem::{Failure, Problem};
use crate::privacy::consent::{self, ConsentView, NewConsent, Standing, Withdrawal};
use crate::privacy::consequence::{self, Consequence};
use crate::privacy::reading;
use crate::privacy::request::{self, Decision, NewRequest, Receipt, RequestView, Sorted};
use crate::privacy::restriction::{self, NextReview, Restricted};
use crate::services::{Actor, Error};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::customer::Language;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which requests.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct Which {
    /// Answered ones too, the newest first.
    #[serde(default)]
    all: bool,
}

/// Open requests of persons, the one due first on top.
#[utoipa::path(get, path = "/privacy/requests", tag = "privacy", params(Which), responses((status = 200, body = Vec<RequestView>)))]
pub(super) async fn list_requests(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Query(which): Query<Which>,
) -> Result<Json<Vec<RequestView>>, Failure> {
    let rows = request::list(&ctx, &actor, !which.all).await?;
    reading::note(&ctx, &actor, "requests.list", reading::about(rows.iter().map(|r| r.subject_id))).await?;
    Ok(Json(rows))
}

/// A request as it stands; that it was read is logged.
async fn shown(ctx: &Ctx, actor: &Actor, row: RequestView) -> Result<Json<RequestView>, Failure> {
    reading::note(ctx, actor, "request.get", reading::about([row.subject_id])).await?;
    Ok(Json(row))
}

/// Takes a request of a person in. It is due by the earlier of 30 days and a month. An objection and a withdrawal of consent
/// hold at once.
#[utoipa::path(post, path = "/privacy/requests", tag = "privacy", request_body = NewRequest, responses((status = 201, body = Created), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn receive_request(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewRequest = json(&body)?;
    created(request::receive(&ctx, &with_body(actor, &body), &new).await)
}

/// A request, and who is to be told of it (GDPR article 19).
#[utoipa::path(get, path = "/privacy/requests/{id}", tag = "privacy", params(("id" = Uuid, Path)), responses((status = 200, body = RequestView), (status = 404, body = Problem)))]
pub(super) async fn get_request(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Json<RequestView>, Failure> {
    shown(&ctx, &actor, request::get(&ctx, &actor, id).await?).await
}

/// A signed receipt of a request, for the controller: it names nobody.
#[utoipa::path(get, path = "/privacy/requests/{id}/receipt", tag = "privacy", params(("id" = Uuid, Path)), responses((status = 200, body = Receipt), (status = 404, body = Problem)))]
pub(super) async fn get_receipt(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Json<Receipt>, Failure> {
    Ok(Json(request::receipt(&ctx, &actor, id).await?))
}

/// Says what a request asks for, and whom it is about: letters and forms come unsorted.
#[utoipa::path(post, path = "/privacy/requests/{id}/sort", tag = "privacy", params(("id" = Uuid, Path)), request_body = Sorted, responses((status = 200, body = RequestView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn sort_request(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Json<RequestView>, Failure> {
    let sorted: Sorted = json(&body)?;
    let row = request::sort(&ctx, &Actor { idempotency: None, ..actor.clone() }, id, &sorted).await?;
    shown(&ctx, &actor, row).await
}

/// Sends a one-time code to the customer's address on file.
#[utoipa::path(post, path = "/privacy/requests/{id}/code", tag = "privacy", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn send_request_code(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(request::send_code(&ctx, &actor, id).await)
}

/// The code the person was sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    /// Six digits.
    code: String,
}

/// Takes the code the person was sent: who asks is known then.
#[utoipa::path(post, path = "/privacy/requests/{id}/confirm", tag = "privacy", params(("id" = Uuid, Path)), request_body = Typed, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn confirm_request_code(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let typed: Typed = json(&body)?;
    done(request::confirm_code(&ctx, &with_body(actor, &body), id, &typed.code).await)
}

/// Whether the organisation knows who asks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Identified {
    /// false: there is reasonable doubt (article 12 (6)).
    known: bool,
}

/// Notes that the organisation itself knows who asks, or doubts it. Only the result is kept, no copy of a document.
#[utoipa::path(post, path = "/privacy/requests/{id}/identify", tag = "privacy", params(("id" = Uuid, Path)), request_body = Identified, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn identify_request(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let identified: Identified = json(&body)?;
    done(request::identify(&ctx, &with_body(actor, &body), id, identified.known).await)
}

/// Why more time is needed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Extension {
    /// What the person is told.
    reason: String,
}

/// Extends the time by two months, before it is over, with the reason the person is told (article 12 (3)).
#[utoipa::path(post, path = "/privacy/requests/{id}/extend", tag = "privacy", params(("id" = Uuid, Path)), request_body = Extension, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn extend_request(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let extension: Extension = json(&body)?;
    done(request::extend(&ctx, &with_body(actor, &body), id, &extension.reason).await)
}

/// Decides a request and carries it out: erases, restricts, stops marketing, or lets the package be fetched.
#[utoipa::path(post, path = "/privacy/requests/{id}/decide", tag = "privacy", params(("id" = Uuid, Path)), request_body = Decision, responses((status = 200, body = RequestView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn decide_request(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Json<RequestView>, Failure> {
    let decided: Decision = json(&body)?;
    match request::decide(&ctx, &with_body(actor.clone(), &body), id, &decided).await {
        Ok(view) => shown(&ctx, &actor, view).await,
        Err(Error::Replayed { id, .. }) => shown(&ctx, &actor, request::get(&ctx, &actor, id).await?).await,
        Err(error) => Err(error.into()),
    }
}

/// Notes that a recipient of the data was told of the rectification, erasure or restriction.
#[utoipa::path(post, path = "/privacy/requests/{id}/recipients/{recipient}/told", tag = "privacy", params(("id" = Uuid, Path), ("recipient" = String, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn recipient_told(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path((id, recipient)): Path<(Uuid, String)>,
) -> Result<Response, Failure> {
    done(request::told(&ctx, &actor, id, &recipient).await)
}

/// In which language.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct In {
    /// nb, nn or en; nb when left out.
    language: Option<String>,
}

/// What is held of who asks, as a file: JSON, a CSV a table, HTML and PDF. Made anew each time; no copy is kept.
#[utoipa::path(get, path = "/privacy/requests/{id}/package.zip", tag = "privacy", params(("id" = Uuid, Path), In), responses((status = 200, content_type = "application/zip"), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn get_package(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
    Query(wanted): Query<In>,
) -> Result<Response, Failure> {
    let language = Language::from_code(wanted.language.as_deref().unwrap_or("nb"));
    let zip = request::zip_of(&ctx, &actor, id, language).await?;
    let of = request::get(&ctx, &actor, id).await?.subject_id;
    reading::note(&ctx, &actor, "request.package", reading::about([of])).await?;
    Ok(([(header::CONTENT_TYPE, "application/zip")], zip).into_response())
}

/// Where the package is fetched.
#[derive(Serialize, ToSchema)]
pub(super) struct PackageLink {
    /// Works for thirty days, for whoever has it.
    url: String,
}

/// Makes a link from which the package is fetched for thirty days: by the person, or by another controller (article 20 (2)).
#[utoipa::path(post, path = "/privacy/requests/{id}/link", tag = "privacy", params(("id" = Uuid, Path)), responses((status = 200, body = PackageLink), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn make_package_link(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
) -> Result<Json<PackageLink>, Failure> {
    // A link cannot be told again: each call makes a new one, and the one before no longer works.
    let actor = Actor { idempotency: None, ..actor };
    Ok(Json(PackageLink { url: request::make_link(&ctx, &actor, id).await? }))
}

/// Whether the person was told.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Lifting {
    /// The person was told that the restriction is lifted.
    person_told: bool,
}

/// Lifts the restriction of a customer, after the person has been told (article 18 (3)).
#[utoipa::path(post, path = "/customers/{id}/lift-restriction", tag = "privacy", params(("id" = Uuid, Path)), request_body = Lifting, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn lift_restriction(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let lifting: Lifting = json(&body)?;
    done(restriction::lift(&ctx, &with_body(actor, &body), id, lifting.person_told).await)
}

/// Looks at a restriction again: it stands until the next day of review.
#[utoipa::path(post, path = "/customers/{id}/review-restriction", tag = "privacy", params(("id" = Uuid, Path)), request_body = NextReview, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn review_restriction(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let next: NextReview = json(&body)?;
    done(restriction::review(&ctx, &with_body(actor, &body), id, &next).await)
}

/// Customers whose data is restricted, and the day each restriction is looked at again.
#[utoipa::path(get, path = "/privacy/restrictions", tag = "privacy", responses((status = 200, body = Vec<Restricted>)))]
pub(super) async fn list_restrictions(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<Restricted>>, Failure> {
    Ok(Json(restriction::list(&ctx, &actor).await?))
}

/// Of what the consequences are asked for.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct Of {
    /// restriction, objection or consent_withdrawal; restriction when left out.
    of: Option<String>,
    /// nb, nn or en; nb when left out.
    language: Option<String>,
}

/// What stops for a customer when processing is restricted, objected to, or consents are taken back: to be told before it is
/// confirmed. Nothing is changed.
#[utoipa::path(get, path = "/customers/{id}/consequences", tag = "privacy", params(("id" = Uuid, Path), Of), responses((status = 200, body = Vec<Consequence>), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list_consequences(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
    Query(asked): Query<Of>,
) -> Result<Json<Vec<Consequence>>, Failure> {
    let language = Language::from_code(asked.language.as_deref().unwrap_or("nb"));
    let of = asked.of.as_deref().unwrap_or("restriction");
    let stops = consequence::preview(&ctx, &actor, of, ("customer", id), language).await?;
    reading::note(&ctx, &actor, "consequences.list", id).await?;
    Ok(Json(stops))
}

/// What a customer has consented to, and what may be sent.
#[derive(Serialize, ToSchema)]
pub(super) struct Consents {
    /// Every word, oldest first.
    words: Vec<ConsentView>,
    /// What may be sent for each purpose on each channel, and why.
    standing: Vec<Standing>,
}

/// What a customer has consented to, in which words and when, and what may be sent.
#[utoipa::path(get, path = "/customers/{id}/consents", tag = "privacy", params(("id" = Uuid, Path)), responses((status = 200, body = Consents), (status = 404, body = Problem)))]
pub(super) async fn list_consents(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Json<Consents>, Failure> {
    let (words, standing) = consent::list(&ctx, &actor, id).await?;
    reading::note(&ctx, &actor, "consents.list", id).await?;
    Ok(Json(Consents { words, standing }))
}

/// Records a consent: to what, by which channel, in which words, where it was given.
#[utoipa::path(post, path = "/customers/{id}/consents", tag = "privacy", params(("id" = Uuid, Path)), request_body = NewConsent, responses((status = 201, body = Created), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn give_consent(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewConsent = json(&body)?;
    created(consent::give(&ctx, &with_body(actor, &body), id, &new).await)
}

/// Takes consents back: of a purpose, of a channel, or all of them.
#[utoipa::path(post, path = "/customers/{id}/consents/withdraw", tag = "privacy", params(("id" = Uuid, Path)), request_body = Withdrawal, responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn withdraw_consents(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let what: Withdrawal = json(&body)?;
    done(consent::withdraw(&ctx, &with_body(actor, &body), id, &what).await)
}
