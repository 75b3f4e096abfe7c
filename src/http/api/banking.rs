//! Bank files, payments, mandates and opening items.

use crate::ctx::Ctx;
use crate::http::auth::{Reader, Writer, with_body};
use crate::http::extract::{Created, List, Page, created, done, json, versioned};
use crate::http::problem::{Failure, Problem};
use crate::privacy::reading;
use crate::services::Error;
use crate::services::invoice::{self, OldKid, OpeningItem};
use crate::services::payment::{self, ImportOptions, NewPayment};
use crate::store::views::{self, PaymentItem};
use crate::store::{mandate, payment as store};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A bank file that was imported.
#[derive(Serialize, ToSchema)]
pub(super) struct BankFileView {
    id: Uuid,
    kind: String,
    payments: i64,
    payments_ore: i64,
    /// Payments placed wholly.
    matched: i64,
    mandates: i64,
    imported_at: DateTime<Utc>,
}

impl From<store::BankFile> for BankFileView {
    fn from(f: store::BankFile) -> Self {
        Self {
            id: f.id,
            kind: f.kind,
            payments: f.payments,
            payments_ore: f.payments_ore,
            matched: f.matched,
            mandates: f.mandates,
            imported_at: f.imported_at,
        }
    }
}

/// Bank files, newest first, at most 100.
#[utoipa::path(get, path = "/bank-files", tag = "banking", responses((status = 200, body = Vec<BankFileView>)))]
pub(super) async fn list_bank_files(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<BankFileView>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = store::list_files(&tx, 100).await?;
    tx.commit().await?;
    Ok(Json(rows.into_iter().map(BankFileView::from).collect()))
}

/// A bank file.
#[utoipa::path(get, path = "/bank-files/{id}", tag = "banking", params(("id" = Uuid, Path)), responses((status = 200, body = BankFileView), (status = 404, body = Problem)))]
pub(super) async fn get_bank_file(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Json<BankFileView>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let found = store::find_file(&tx, id).await?.ok_or_else(|| Error::not_found("bank file"))?;
    tx.commit().await?;
    Ok(Json(found.into()))
}

/// How a file is taken.
#[derive(Deserialize, IntoParams)]
pub(super) struct ImportQuery {
    /// Leaves out accounts that are not yours, and keeps nothing of them.
    #[serde(default)]
    only_known_accounts: bool,
}

/// What an import did.
#[derive(Serialize, ToSchema)]
pub(super) struct ImportView {
    #[serde(flatten)]
    file: BankFileView,
    /// The same bytes were imported before; nothing was booked now.
    repeated: bool,
    /// Payments by reason.
    reasons: BTreeMap<String, u64>,
}

/// Imports a bank file: the body is the file as it came from the bank. All or nothing on structure, counts, sums and
/// dates; the same file again books nothing.
#[utoipa::path(post, path = "/bank-files", tag = "banking", params(ImportQuery), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 201, body = ImportView), (status = 200, body = ImportView, description = "Imported before"), (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn import_bank_file(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Query(query): Query<ImportQuery>,
    body: Bytes,
) -> Result<Response, Failure> {
    // The content is the key: an Idempotency-Key adds nothing.
    let actor = crate::services::Actor { idempotency: None, ..actor };
    let options = ImportOptions { only_known_accounts: query.only_known_accounts };
    let done = payment::import(&ctx, &actor, &body, options).await?;
    let status = if done.repeated { StatusCode::OK } else { StatusCode::CREATED };
    let view = ImportView {
        file: done.file.into(),
        repeated: done.repeated,
        reasons: done.reasons.into_iter().map(|(r, n)| (r.to_owned(), n)).collect(),
    };
    Ok((status, Json(view)).into_response())
}

/// Which payments.
#[derive(Deserialize, IntoParams)]
pub(super) struct StateQuery {
    /// matched, partly_matched, unmatched, refunded or reversed; all when left out.
    state: Option<String>,
    /// Only payments of which something waits: to be placed, or paid back.
    #[serde(default)]
    waiting: bool,
}

/// Payments; `waiting=true` is the queue of money that needs a decision: placed on a claim, or paid back.
#[utoipa::path(get, path = "/payments", tag = "banking", params(Page, StateQuery), responses((status = 200, body = List<PaymentItem>)))]
pub(super) async fn list_payments(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Query(page): Query<Page>,
    Query(query): Query<StateQuery>,
) -> Result<Json<List<PaymentItem>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let items = views::payments(&tx, query.state.as_deref(), query.waiting, page.after()?, page.limit()).await?;
    tx.commit().await?;
    reading::note(&ctx, &actor, "payments.list", reading::about(items.iter().map(|p| p.customer_id))).await?;
    Ok(Json(List::new(items, page.limit(), |p| p.id)))
}

/// A payment.
#[utoipa::path(get, path = "/payments/{id}", tag = "banking", params(("id" = Uuid, Path)), responses((status = 200, body = PaymentItem), (status = 404, body = Problem)))]
pub(super) async fn get_payment(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let row = store::find(&tx, id).await?.ok_or_else(|| Error::not_found("payment"))?;
    let found = views::payment(&tx, id).await?.ok_or_else(|| Error::not_found("payment"))?;
    tx.commit().await?;
    reading::note(&ctx, &actor, "payment.get", reading::about([found.customer_id])).await?;
    Ok(versioned(row.version, &found))
}

/// Registers a payment by hand and places it.
#[utoipa::path(post, path = "/payments", tag = "banking", request_body = NewPayment, responses((status = 201, body = Created), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn register_payment(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewPayment = json(&body)?;
    created(payment::register(&ctx, &with_body(actor, &body), &new).await)
}

/// Where to place a payment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AllocateBody {
    /// The invoice it pays.
    invoice_id: Uuid,
}

/// Places what waits of a payment on an invoice.
#[utoipa::path(post, path = "/payments/{id}/allocate", tag = "banking", params(("id" = Uuid, Path)), request_body = AllocateBody, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn allocate_payment(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let to: AllocateBody = json(&body)?;
    done(payment::allocate(&ctx, &with_body(actor, &body), id, to.invoice_id).await)
}

/// A suspected duplicate is a payment of its own after all.
#[utoipa::path(post, path = "/payments/{id}/confirm", tag = "banking", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn confirm_payment(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(payment::confirm(&ctx, &actor, id).await)
}

/// Why a payment is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonBody {
    reason: String,
}

/// Takes a payment back by reversing entries: what it paid is open again.
#[utoipa::path(post, path = "/payments/{id}/reverse", tag = "banking", params(("id" = Uuid, Path)), request_body = ReasonBody, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn reverse_payment(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let why: ReasonBody = json(&body)?;
    done(payment::reverse(&ctx, &with_body(actor, &body), id, &why.reason).await)
}

/// Notes that what waits of a payment was paid back.
#[utoipa::path(post, path = "/payments/{id}/refund", tag = "banking", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn refund_payment(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(payment::refund(&ctx, &actor, id).await)
}

/// An AvtaleGiro mandate.
#[derive(Serialize, ToSchema)]
pub(super) struct MandateView {
    kid: String,
    customer_id: Option<Uuid>,
    /// The payer wants written notice.
    notify: bool,
    active: bool,
    updated_on: NaiveDate,
}

/// AvtaleGiro mandates.
#[utoipa::path(get, path = "/mandates", tag = "banking", responses((status = 200, body = Vec<MandateView>)))]
pub(super) async fn list_mandates(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<MandateView>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = mandate::list(&tx).await?;
    tx.commit().await?;
    reading::note(&ctx, &actor, "mandates.list", reading::about(rows.iter().map(|m| m.customer_id))).await?;
    let views = rows.into_iter().map(|m| MandateView {
        kid: m.kid,
        customer_id: m.customer_id,
        notify: m.notify,
        active: m.active,
        updated_on: m.updated_on,
    });
    Ok(Json(views.collect()))
}

/// Open items of an old system.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpeningBody {
    items: Vec<OpeningItem>,
}

/// Brings in open items with their old numbers and KIDs.
#[utoipa::path(post, path = "/opening-items", tag = "banking", request_body = OpeningBody, responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn take_over_items(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    body: Bytes,
) -> Result<Response, Failure> {
    let opening: OpeningBody = json(&body)?;
    created(invoice::take_over(&ctx, &with_body(actor, &body), &opening.items).await)
}

/// KIDs of an old system.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OldKids {
    kids: Vec<OldKid>,
}

/// Brings in KIDs that stand for customers: what is paid with one goes to the customer's oldest claim.
#[utoipa::path(post, path = "/imported-kids", tag = "banking", request_body = OldKids, responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn take_over_kids(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    body: Bytes,
) -> Result<Response, Failure> {
    let old: OldKids = json(&body)?;
    created(invoice::take_over_kids(&ctx, &with_body(actor, &body), &old.kids).await)
}
