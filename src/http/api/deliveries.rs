//! Deliveries and the timeline of an invoice.

use crate::ctx::Ctx;
use crate::http::auth::{Reader, Writer, with_body};
use crate::http::extract::{List, Page, done, json, versioned};
use crate::http::problem::{Failure, Problem};
use crate::services::{Error, delivery};
use crate::store::delivery as store;
use crate::store::views::{self, DeliveryItem};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which deliveries.
#[derive(Deserialize, IntoParams)]
pub(super) struct StateQuery {
    /// queued, sending, handing_over, awaiting_receipt, delivered, retrying, failed, rejected, held, cancelled or
    /// unknown; all when left out.
    state: Option<String>,
}

/// Deliveries; `state=failed` and `state=unknown` need a person.
#[utoipa::path(get, path = "/deliveries", tag = "deliveries", params(Page, StateQuery), responses((status = 200, body = List<DeliveryItem>)))]
pub(super) async fn list_deliveries(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Query(page): Query<Page>,
    Query(query): Query<StateQuery>,
) -> Result<Json<List<DeliveryItem>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let items = views::deliveries(&tx, query.state.as_deref(), page.after()?, page.limit()).await?;
    tx.commit().await?;
    Ok(Json(List::new(items, page.limit(), |d| d.id)))
}

/// A delivery.
#[utoipa::path(get, path = "/deliveries/{id}", tag = "deliveries", params(("id" = Uuid, Path)), responses((status = 200, body = DeliveryItem), (status = 404, body = Problem)))]
pub(super) async fn get_delivery(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let row = store::find(&tx, id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    let found = views::delivery(&tx, id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    tx.commit().await?;
    Ok(versioned(row.version, &found))
}

/// How to send again.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ResendBody {
    /// Sends although the customer has got it.
    even_if_delivered: bool,
}

/// Sends again, to the customer's address as it is now.
#[utoipa::path(post, path = "/deliveries/{id}/resend", tag = "deliveries", params(("id" = Uuid, Path)), request_body = ResendBody, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn resend_delivery(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let how: ResendBody = if body.is_empty() { ResendBody::default() } else { json(&body)? };
    done(delivery::resend(&ctx, &with_body(actor, &body), id, how.even_if_delivered).await)
}

/// Takes a delivery back before it has left.
#[utoipa::path(post, path = "/deliveries/{id}/cancel", tag = "deliveries", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn cancel_delivery(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(delivery::cancel(&ctx, &actor, id).await)
}

/// Something that happened to an invoice, or is planned.
#[derive(Serialize, ToSchema)]
pub(super) struct TimelineEvent {
    at: DateTime<Utc>,
    /// What, such as `issued`, `delivery_attempt`, `payment` or `delivery_planned`.
    what: String,
    /// Set when it has not happened yet.
    planned: bool,
    /// Outcome, state or reason.
    detail: Option<String>,
    /// The delivery or payment.
    subject_id: Option<Uuid>,
    amount_ore: Option<i64>,
}

/// Everything that happened to an invoice and what is planned, newest first.
#[utoipa::path(get, path = "/invoices/{id}/timeline", tag = "deliveries", params(("id" = Uuid, Path)), responses((status = 200, body = Vec<TimelineEvent>), (status = 404, body = Problem)))]
pub(super) async fn invoice_timeline(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<TimelineEvent>>, Failure> {
    let events = delivery::timeline(&ctx, &actor, id).await?;
    let views = events.into_iter().map(|e| TimelineEvent {
        at: e.at,
        what: e.what.to_owned(),
        planned: e.planned,
        detail: e.detail,
        subject_id: e.subject_id,
        amount_ore: e.amount_ore,
    });
    Ok(Json(views.collect()))
}
