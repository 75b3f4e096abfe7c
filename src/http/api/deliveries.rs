//! Deliveries and the timeline of an invoice.

use crate::ctx::Ctx;
use crate::http::auth::{Admin, Reader, Writer, with_body};
use crate::http::extract::{List, Page, done, json, versioned};
use crate::http::problem::{Failure, Problem};
use crate::privacy::reading;
use crate::services::{Error, delivery};
use crate::store::delivery as store;
use crate::store::views::{self, DeliveryItem, PrintItem};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
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
    reading::note(&ctx, &actor, "deliveries.list", reading::about(items.iter().map(|d| Some(d.customer_id)))).await?;
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
    reading::note(&ctx, &actor, "delivery.get", found.customer_id).await?;
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

/// Sends on a channel you choose; for mail to another address, where one is given.
#[utoipa::path(post, path = "/deliveries/{id}/redirect", tag = "deliveries", params(("id" = Uuid, Path)), request_body = delivery::Redirect, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn redirect_delivery(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let to: delivery::Redirect = json(&body)?;
    done(delivery::redirect(&ctx, &with_body(actor, &body), id, &to).await)
}

/// Does one thing with many deliveries; each is answered for by itself.
#[utoipa::path(post, path = "/deliveries/bulk", tag = "deliveries", request_body = delivery::Bulk, responses((status = 200, body = Vec<delivery::BulkOutcome>), (status = 422, body = Problem)))]
pub(super) async fn bulk_deliveries(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    body: Bytes,
) -> Result<Json<Vec<delivery::BulkOutcome>>, Failure> {
    let asked: delivery::Bulk = json(&body)?;
    Ok(Json(delivery::bulk(&ctx, &with_body(actor, &body), &asked).await?))
}

/// What waits for print, oldest first.
#[utoipa::path(get, path = "/print-queue", tag = "deliveries", responses((status = 200, body = Vec<PrintItem>)))]
pub(super) async fn list_print_queue(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<PrintItem>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let items = views::print_queue(&tx, 200).await?;
    tx.commit().await?;
    let about = reading::of_invoices(items.iter().map(|i| i.invoice_id));
    reading::note(&ctx, &actor, "print_queue.list", about).await?;
    Ok(Json(items))
}

/// What waits for print as one PDF: a cover list, then each document. 404 when nothing waits.
#[utoipa::path(get, path = "/print-queue.pdf", tag = "deliveries", responses((status = 200, content_type = "application/pdf"), (status = 404, body = Problem)))]
pub(super) async fn print_queue_pdf(State(ctx): State<Ctx>, Reader(actor): Reader) -> Result<Response, Failure> {
    let printed =
        delivery::print_queue(&ctx, &actor, &[]).await?.ok_or_else(|| Error::not_found("document in the queue"))?;
    reading::note(&ctx, &actor, "print_queue.pdf", printed.customers).await?;
    Ok(([(axum::http::header::CONTENT_TYPE, "application/pdf")], printed.pdf).into_response())
}

/// Notes that a printed document is in the post.
#[utoipa::path(post, path = "/deliveries/{id}/posted", tag = "deliveries", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn mark_posted(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(delivery::mark_posted(&ctx, &actor, id).await)
}

/// Lets mail to a customer's address go again after it came back.
#[utoipa::path(post, path = "/customers/{id}/allow-address", tag = "deliveries", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn allow_address(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(delivery::allow_address(&ctx, &actor, id).await)
}

/// Registers the organisation with the eFaktura gateway, with all its accounts.
#[utoipa::path(post, path = "/organisation/efaktura", tag = "deliveries", responses((status = 200, body = EfakturaStatus), (status = 409, body = Problem)))]
pub(super) async fn register_efaktura(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
) -> Result<Json<EfakturaStatus>, Failure> {
    let actor = crate::services::Actor { idempotency: None, ..actor };
    Ok(Json(EfakturaStatus { status: delivery::register_efaktura(&ctx, &actor).await? }))
}

/// Where the organisation stands with the gateway.
#[derive(Serialize, ToSchema)]
pub(super) struct EfakturaStatus {
    /// pending, active or blocked.
    status: String,
}

/// Something that happened to an invoice, or is planned.
#[derive(Serialize, ToSchema)]
pub(super) struct TimelineEvent {
    at: DateTime<Utc>,
    /// What, such as `issued`, `delivery_attempt`, `payment` or `delivery_planned`.
    what: String,
    /// Set when it has not happened yet.
    planned: bool,
    /// ehf, efaktura, mail or print, where it is about a delivery.
    channel: Option<String>,
    /// Outcome, state or reason.
    detail: Option<String>,
    /// The provider's words, or where it went instead.
    said: Option<String>,
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
    reading::note(&ctx, &actor, "invoice.timeline", reading::of_invoice(id)).await?;
    let views = events.into_iter().map(|e| TimelineEvent {
        at: e.at,
        what: e.what.to_owned(),
        planned: e.planned,
        channel: e.channel,
        detail: e.detail,
        said: e.said,
        subject_id: e.subject_id,
        amount_ore: e.amount_ore,
    });
    Ok(Json(views.collect()))
}
