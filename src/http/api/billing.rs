//! Drafts, invoices, credit notes and runs.

use crate::ctx::Ctx;
use crate::http::auth::{Reader, Writer, with_body};
use crate::http::extract::{Created, List, Page, created, done, if_match, json, versioned};
use crate::http::problem::{Failure, Problem};
use crate::privacy::reading;
use crate::services::invoice::{self, CreditRequest, NewDraft};
use crate::services::run::{self, CreditRun, NewRun, Preview, Shown};
use crate::services::{Actor, Error, payer, payment};
use crate::store::billing::{self as runs, Run};
use crate::store::views::{self, InvoiceItem, RunSkip};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use domain::calendar::banking_day_on_or_after;
use serde::Serialize;
use serde_json::json as value;
use utoipa::ToSchema;
use uuid::Uuid;

/// Issued invoices and credit notes.
#[utoipa::path(get, path = "/invoices", tag = "billing", params(Page), responses((status = 200, body = List<InvoiceItem>)))]
pub(super) async fn list_invoices(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Query(page): Query<Page>,
) -> Result<Json<List<InvoiceItem>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let items = views::invoices(&tx, page.after()?, page.limit()).await?;
    tx.commit().await?;
    reading::note(&ctx, &actor, "invoices.list", reading::about(items.iter().map(|i| Some(i.customer_id)))).await?;
    Ok(Json(List::new(items, page.limit(), |i| i.id)))
}

/// An issued invoice or credit note with what follows from it.
#[derive(Serialize, ToSchema)]
pub(super) struct InvoiceView {
    #[serde(flatten)]
    invoice: InvoiceItem,
    /// The due date, or the first banking day after it: the last day a payment can arrive in time.
    payable_until_on: Option<NaiveDate>,
}

async fn item(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<InvoiceView, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let found = views::invoice(&tx, id).await?;
    tx.commit().await?;
    let invoice = found.ok_or_else(|| Error::not_found("invoice"))?;
    reading::note(ctx, actor, "invoice.get", invoice.customer_id).await?;
    Ok(InvoiceView { payable_until_on: invoice.due_on.map(banking_day_on_or_after), invoice })
}

/// An issued invoice or credit note.
#[utoipa::path(get, path = "/invoices/{id}", tag = "billing", params(("id" = Uuid, Path)), responses((status = 200, body = InvoiceView), (status = 404, body = Problem)))]
pub(super) async fn get_invoice(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    // Issued documents never change; what is left to pay does, and is no version.
    Ok(versioned(1, &item(&ctx, &actor, id).await?))
}

/// Makes the payer's link of an invoice dead; its next mail carries a new one.
#[utoipa::path(delete, path = "/invoices/{id}/payer-link", tag = "billing", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn revoke_payer_link(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(payer::revoke(&ctx, &actor, id).await)
}

/// Makes a draft.
#[utoipa::path(post, path = "/invoices", tag = "billing", request_body = NewDraft, responses((status = 201, body = Created), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create_draft(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewDraft = json(&body)?;
    created(invoice::create_draft(&ctx, &with_body(actor, &body), &new).await)
}

/// A draft as it would be issued today, and what it lacks.
#[utoipa::path(get, path = "/invoice-drafts/{id}", tag = "billing", params(("id" = Uuid, Path)), responses((status = 200, body = Value), (status = 404, body = Problem)))]
pub(super) async fn get_draft(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    let (version, document, verdict) = invoice::preview_draft(&ctx, &actor, id).await?;
    reading::note(&ctx, &actor, "draft.get", reading::of_draft(id)).await?;
    let missing = match verdict {
        Err(Error::Refused(refusal)) => refusal.errors,
        _ => Vec::new(),
    };
    let body = value!({
        "id": id, "issuable": missing.is_empty(), "missing": missing, "totals": document.totals, "lines": document.lines,
        "due_on": document.due_on, "issued_on": document.issued_on,
    });
    Ok(versioned(version, &body))
}

/// Changes a draft.
#[utoipa::path(patch, path = "/invoice-drafts/{id}", tag = "billing", params(("id" = Uuid, Path), ("If-Match" = String, Header, description = "ETag of the version you saw")), request_body = NewDraft, responses((status = 204), (status = 404, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn patch_draft(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let version = if_match(&headers)?;
    let new: NewDraft = json(&body)?;
    done(invoice::update_draft(&ctx, &with_body(actor, &body), id, version, &new).await)
}

/// Throws a draft away.
#[utoipa::path(delete, path = "/invoice-drafts/{id}", tag = "billing", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn delete_draft(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(invoice::delete_draft(&ctx, &actor, id).await)
}

/// Issues a draft: it gets its number and never changes again. The invoice has the id of the draft.
#[utoipa::path(post, path = "/invoice-drafts/{id}/issue", tag = "billing", params(("id" = Uuid, Path)), responses((status = 201, body = InvoiceView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn issue_draft(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    let id = match invoice::issue_draft(&ctx, &actor, id).await {
        Ok(issued) => issued.id,
        Err(Error::Replayed { id, .. }) => id,
        Err(error) => return Err(error.into()),
    };
    Ok((StatusCode::CREATED, Json(item(&ctx, &actor, id).await?)).into_response())
}

/// Credits an invoice, all of it or part.
#[utoipa::path(post, path = "/invoices/{id}/credit", tag = "billing", params(("id" = Uuid, Path)), request_body = CreditRequest, responses((status = 201, body = InvoiceView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn credit_invoice(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let request: CreditRequest = if body.is_empty() { CreditRequest::default() } else { json(&body)? };
    let note = match invoice::credit(&ctx, &with_body(actor.clone(), &body), id, &request).await {
        Ok(note) => note.id,
        Err(Error::Replayed { id, .. }) => id,
        Err(error) => return Err(error.into()),
    };
    Ok((StatusCode::CREATED, Json(item(&ctx, &actor, note).await?)).into_response())
}

/// The document as PDF/A-3a, the same bytes every time.
#[utoipa::path(get, path = "/invoices/{id}/pdf", tag = "billing", params(("id" = Uuid, Path)), responses((status = 200, content_type = "application/pdf"), (status = 404, body = Problem)))]
pub(super) async fn invoice_pdf(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    let bytes = invoice::pdf(&ctx, &actor, id).await?;
    reading::note(&ctx, &actor, "invoice.pdf", reading::of_invoice(id)).await?;
    Ok(([(header::CONTENT_TYPE, "application/pdf")], bytes).into_response())
}

/// The document as HTML.
#[utoipa::path(get, path = "/invoices/{id}/html", tag = "billing", params(("id" = Uuid, Path)), responses((status = 200, content_type = "text/html"), (status = 404, body = Problem)))]
pub(super) async fn invoice_html(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    let page = invoice::html(&ctx, &actor, id).await?;
    reading::note(&ctx, &actor, "invoice.html", reading::of_invoice(id)).await?;
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)];
    Ok((headers, page).into_response())
}

/// The document as EHF Billing 3.0 with its PDF inside, the same bytes every time.
#[utoipa::path(get, path = "/invoices/{id}/xml", tag = "billing", params(("id" = Uuid, Path)), responses((status = 200, content_type = "application/xml"), (status = 404, body = Problem), (status = 409, body = Problem, description = "A party has no organisation number, or a rule of EHF is broken")))]
pub(super) async fn invoice_xml(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    let bytes = invoice::ehf(&ctx, &actor, id).await?;
    reading::note(&ctx, &actor, "invoice.xml", reading::of_invoice(id)).await?;
    Ok(([(header::CONTENT_TYPE, "application/xml")], bytes).into_response())
}

/// Writes off what little is left of an invoice, up to the organisation's limit.
#[utoipa::path(post, path = "/invoices/{id}/write-off", tag = "billing", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn write_off(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(payment::write_off(&ctx, &actor, id).await)
}

/// A run and how far it is.
#[derive(Serialize, ToSchema)]
pub(super) struct RunView {
    id: Uuid,
    /// `running`, `finished` or `stopped`.
    status: String,
    bill_on: NaiveDate,
    issued_on: NaiveDate,
    due_on: NaiveDate,
    send_after_at: DateTime<Utc>,
    issued_count: i64,
    skipped_count: i64,
    expected_count: i64,
    issued_ore: i64,
    finished_at: Option<DateTime<Utc>>,
    /// When the run is taken back: `running`, `finished`, or `partly_credited` where the rest of some invoices that were
    /// credited in part before must be credited by hand.
    credit_status: Option<String>,
    /// Invoices credited so.
    credited_count: i64,
}

impl From<Run> for RunView {
    fn from(r: Run) -> Self {
        Self {
            id: r.id,
            status: r.status,
            bill_on: r.bill_on,
            issued_on: r.issued_on,
            due_on: r.due_on,
            send_after_at: r.send_after_at,
            issued_count: r.issued_count,
            skipped_count: r.skipped_count,
            expected_count: r.expected_count,
            issued_ore: r.issued_ore,
            finished_at: r.finished_at,
            credit_status: r.credit_status,
            credited_count: r.credited_count,
        }
    }
}

/// Runs, newest first, at most 100.
#[utoipa::path(get, path = "/invoice-runs", tag = "billing", responses((status = 200, body = Vec<RunView>)))]
pub(super) async fn list_runs(State(ctx): State<Ctx>, Reader(actor): Reader) -> Result<Json<Vec<RunView>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = runs::list_runs(&tx, 100).await?;
    tx.commit().await?;
    Ok(Json(rows.into_iter().map(RunView::from).collect()))
}

/// What a run would bill. Nothing is issued, nothing numbered.
#[utoipa::path(post, path = "/invoice-runs/preview", tag = "billing", request_body = NewRun, params(Page), responses((status = 200, body = Preview), (status = 409, body = Problem)))]
pub(super) async fn preview_run(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Query(page): Query<Page>,
    body: Bytes,
) -> Result<Json<Preview>, Failure> {
    let limit = usize::try_from(page.limit()).unwrap_or_default();
    let shown = Shown { after: Some(page.after()?), limit };
    let preview = run::preview(&ctx, &actor, &json(&body)?, shown).await?;
    let people = preview.customers.iter().map(|c| Some(c.customer_id));
    reading::note(&ctx, &actor, "run.preview", reading::about(people)).await?;
    Ok(Json(preview))
}

/// Starts a run; a worker issues its invoices. Ask the run how far it is.
#[utoipa::path(post, path = "/invoice-runs", tag = "billing", request_body = NewRun, responses((status = 201, body = Created), (status = 409, body = Problem)))]
pub(super) async fn start_run(State(ctx): State<Ctx>, Writer(actor): Writer, body: Bytes) -> Result<Response, Failure> {
    let new: NewRun = json(&body)?;
    created(run::start(&ctx, &with_body(actor, &body), &new).await)
}

/// A run and how far it is.
#[utoipa::path(get, path = "/invoice-runs/{id}", tag = "billing", params(("id" = Uuid, Path)), responses((status = 200, body = RunView), (status = 404, body = Problem)))]
pub(super) async fn get_run(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Json<RunView>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let found = runs::find_run(&tx, id).await?.ok_or_else(|| Error::not_found("invoice run"))?;
    tx.commit().await?;
    Ok(Json(found.into()))
}

/// Stops a run. What was issued stays.
#[utoipa::path(post, path = "/invoice-runs/{id}/stop", tag = "billing", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn stop_run(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(run::stop(&ctx, &actor, id).await)
}

/// Customers that a run left out, and why.
#[utoipa::path(get, path = "/invoice-runs/{id}/skips", tag = "billing", params(("id" = Uuid, Path), Page), responses((status = 200, body = List<RunSkip>), (status = 404, body = Problem)))]
pub(super) async fn run_skips(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
    Query(page): Query<Page>,
) -> Result<Json<List<RunSkip>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    runs::find_run(&tx, id).await?.ok_or_else(|| Error::not_found("invoice run"))?;
    let skips = views::run_skips(&tx, id, page.after()?, page.limit()).await?;
    tx.commit().await?;
    reading::note(&ctx, &actor, "run.skips", reading::about(skips.iter().map(|s| Some(s.customer_id)))).await?;
    Ok(Json(List::new(skips, page.limit(), |s| s.customer_id)))
}

/// Takes a finished or stopped run back: a job credits each invoice in full, and mail that has not left is withdrawn.
#[utoipa::path(post, path = "/invoice-runs/{id}/credit", tag = "billing", params(("id" = Uuid, Path)), request_body = CreditRun, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn credit_run(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let asked: CreditRun = json(&body)?;
    done(run::start_crediting(&ctx, &with_body(actor, &body), id, &asked).await)
}
