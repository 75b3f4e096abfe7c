//! Webhooks and the feed of events: two ways to the same facts, ids only.

use crate::ctx::Ctx;
use crate::http::auth::{Admin, Reader, with_body};
use crate::http::extract::{List, Page, done, if_match, json, versioned};
use crate::http::problem::{Failure, Problem};
use crate::services::event::{self, Event, Place};
use crate::services::webhook::{self, NewEndpoint, Wanted, WebhookEndpoint, WebhookMessage};
use crate::services::{Actor, Error};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Endpoints, oldest first, without their secrets.
#[utoipa::path(get, path = "/webhook-endpoints", tag = "webhooks", responses((status = 200, body = Vec<WebhookEndpoint>)))]
pub(super) async fn list_endpoints(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<WebhookEndpoint>>, Failure> {
    Ok(Json(webhook::list(&ctx, &actor).await?))
}

/// A new endpoint with its secret, shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct NewEndpointView {
    id: Uuid,
    /// `whsec_…`; what is sent is signed with it by Standard Webhooks.
    secret: String,
}

/// A secret, shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct SecretView {
    /// `whsec_…`; the one before signs beside it for 24 hours.
    secret: String,
}

fn shown_once(error: Error) -> Failure {
    if !matches!(error, Error::Replayed { .. }) {
        return error.into();
    }
    let detail = "this request was done before; the secret was shown then and cannot be shown again: rotate it";
    Failure::new(StatusCode::GONE, "secret_shown_once", detail)
}

/// Adds an endpoint; it is told what happens from now on.
#[utoipa::path(post, path = "/webhook-endpoints", tag = "webhooks", request_body = NewEndpoint, responses((status = 201, body = NewEndpointView), (status = 409, body = Problem), (status = 410, body = Problem, description = "The request was done before; the secret is shown only once"), (status = 422, body = Problem)))]
pub(super) async fn create_endpoint(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewEndpoint = json(&body)?;
    let made = webhook::create(&ctx, &with_body(actor, &body), &new).await.map_err(shown_once)?;
    Ok((StatusCode::CREATED, Json(NewEndpointView { id: made.id, secret: made.secret })).into_response())
}

/// An endpoint.
#[utoipa::path(get, path = "/webhook-endpoints/{id}", tag = "webhooks", params(("id" = Uuid, Path)), responses((status = 200, body = WebhookEndpoint), (status = 404, body = Problem)))]
pub(super) async fn get_endpoint(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    let (version, found) = webhook::get(&ctx, &actor, id).await?;
    Ok(versioned(version, &found))
}

/// Changes where an endpoint is and what it is told.
#[utoipa::path(put, path = "/webhook-endpoints/{id}", tag = "webhooks", params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = NewEndpoint, responses((status = 204), (status = 404, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn put_endpoint(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let version = if_match(&headers)?;
    let new: NewEndpoint = json(&body)?;
    done(webhook::change(&ctx, &with_body(actor, &body), id, version, &new).await)
}

/// Removes an endpoint with all that was on its way to it.
#[utoipa::path(delete, path = "/webhook-endpoints/{id}", tag = "webhooks", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn delete_endpoint(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(webhook::remove(&ctx, &actor, id).await)
}

/// Gives an endpoint a new secret; the old one signs beside it for 24 hours.
#[utoipa::path(post, path = "/webhook-endpoints/{id}/rotate", tag = "webhooks", params(("id" = Uuid, Path)), responses((status = 200, body = SecretView), (status = 404, body = Problem), (status = 410, body = Problem, description = "The request was done before; the secret is shown only once")))]
pub(super) async fn rotate_secret(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
) -> Result<Json<SecretView>, Failure> {
    let secret = webhook::rotate(&ctx, &actor, id).await.map_err(shown_once)?;
    Ok(Json(SecretView { secret }))
}

/// Switches an endpoint on; what happened while it was off is sent now.
#[utoipa::path(post, path = "/webhook-endpoints/{id}/enable", tag = "webhooks", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn enable_endpoint(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(webhook::switch(&ctx, &actor, id, true).await)
}

/// Switches an endpoint off; what happens meanwhile waits for it.
#[utoipa::path(post, path = "/webhook-endpoints/{id}/disable", tag = "webhooks", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn disable_endpoint(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(webhook::switch(&ctx, &actor, id, false).await)
}

/// How many messages are on their way again.
#[derive(Serialize, ToSchema)]
pub(super) struct Replayed {
    count: u64,
}

/// Sends what failed or waits once more, now.
#[utoipa::path(post, path = "/webhook-endpoints/{id}/replay", tag = "webhooks", params(("id" = Uuid, Path)), responses((status = 200, body = Replayed), (status = 404, body = Problem)))]
pub(super) async fn replay_messages(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
) -> Result<Json<Replayed>, Failure> {
    // A repeat finds what still fails: it needs no key.
    let actor = Actor { idempotency: None, ..actor };
    Ok(Json(Replayed { count: webhook::replay(&ctx, &actor, id).await? }))
}

/// Which messages.
#[derive(Deserialize, IntoParams)]
pub(super) struct MessageQuery {
    /// queued, sent or failed; all when left out.
    state: Option<String>,
}

/// Messages of an endpoint, newest first; kept for 30 days after they were dealt with.
#[utoipa::path(get, path = "/webhook-endpoints/{id}/messages", tag = "webhooks", params(("id" = Uuid, Path), Page, MessageQuery), responses((status = 200, body = List<WebhookMessage>), (status = 404, body = Problem)))]
pub(super) async fn list_messages(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
    Query(page): Query<Page>,
    Query(query): Query<MessageQuery>,
) -> Result<Json<List<WebhookMessage>>, Failure> {
    let limit = page.limit();
    let before = Some(page.after()?).filter(|id| !id.is_nil());
    let wanted = Wanted { state: query.state.as_deref(), before, limit: u64::try_from(limit).unwrap_or(1) };
    let items = webhook::messages(&ctx, &actor, id, wanted).await?;
    Ok(Json(List::new(items, limit, |m| m.event_id)))
}

/// From where, and how many.
#[derive(Deserialize, IntoParams)]
pub(super) struct EventQuery {
    /// `next` of the answer before; from the first event when left out.
    after: Option<String>,
    /// How many, 1 to 1000; 100 when left out.
    limit: Option<usize>,
}

/// Events in the order they were kept, and where to go on.
#[derive(Serialize, ToSchema)]
pub(super) struct EventPage {
    /// The events; none when nothing has happened since.
    items: Vec<Event>,
    /// Give it as `after` next time; always there, also when there are no events.
    next: String,
}

/// What happened, in the order it was kept. Going on from `next` misses nothing and repeats nothing, however many write
/// at once.
#[utoipa::path(get, path = "/events", tag = "webhooks", params(EventQuery), responses((status = 200, body = EventPage), (status = 400, body = Problem)))]
pub(super) async fn list_events(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Query(query): Query<EventQuery>,
) -> Result<Json<EventPage>, Failure> {
    let place = query.after.as_deref().filter(|a| !a.is_empty()).map_or(Some(Place::START), Place::parse);
    let place = place.ok_or_else(|| {
        Failure::new(StatusCode::BAD_REQUEST, "invalid_place", "use next of the answer before, unchanged")
    })?;
    let limit = query.limit.unwrap_or(100).clamp(1, 1_000);
    let (items, next) = event::list(&ctx, &actor, place, limit).await?;
    Ok(Json(EventPage { items, next: next.to_string() }))
}
