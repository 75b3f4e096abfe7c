//! The ledger and what is made of it.

use crate::ctx::Ctx;
use crate::http::auth::{Reader, Writer, with_body};
use crate::http::extract::{Created, List, Page, created, json};
use crate::http::problem::{Failure, Problem};
use crate::privacy::reading;
use crate::privacy::statistics::{self, StatisticsYear};
use crate::services::audit::{self, ChainReport};
use crate::services::customer;
use crate::services::ledger::{self, CheckResult, ExportPeriod, PostingExport};
use crate::store::views::{self, AuditItem, LedgerLine, OpenItemView, OpeningItemView, SeriesReport};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A customer's ledger with its running balance, oldest first.
#[utoipa::path(get, path = "/customers/{id}/ledger", tag = "ledger", params(("id" = Uuid, Path)), responses((status = 200, body = Vec<LedgerLine>), (status = 404, body = Problem)))]
pub(super) async fn customer_ledger(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<LedgerLine>>, Failure> {
    customer::read(&ctx, &actor, id).await?;
    let tx = ctx.db.read(actor.org).await?;
    let lines = views::customer_ledger(&tx, id).await?;
    tx.commit().await?;
    reading::note(&ctx, &actor, "customer.ledger", id).await?;
    Ok(Json(lines))
}

/// As of which day.
#[derive(Deserialize, IntoParams)]
pub(super) struct AsOf {
    /// Items as they stood at the end of this day; today when left out.
    as_of: Option<NaiveDate>,
}

/// Open items as they stood at the end of a day.
#[utoipa::path(get, path = "/open-items", tag = "ledger", params(Page, AsOf), responses((status = 200, body = List<OpenItemView>)))]
pub(super) async fn open_items(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Query(page): Query<Page>,
    Query(query): Query<AsOf>,
) -> Result<Json<List<OpenItemView>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let as_of = query.as_of.unwrap_or_else(|| ctx.today());
    let items = views::open_items(&tx, as_of, page.after()?, page.limit()).await?;
    tx.commit().await?;
    reading::note(&ctx, &actor, "open_items.list", reading::about(items.iter().map(|i| Some(i.customer_id)))).await?;
    Ok(Json(List::new(items, page.limit(), |i| i.id)))
}

/// What proves that no number is missing, and explains those that are not ours.
#[derive(Serialize, ToSchema)]
pub(super) struct Continuity {
    /// Every series: first, next and missing numbers.
    series: Vec<SeriesReport>,
    /// Claims brought in from an old system: they keep their old numbers and take none of ours.
    opening_items: OpeningSummary,
}

/// Claims brought in from an old system.
#[derive(Serialize, ToSchema)]
pub(super) struct OpeningSummary {
    count: i64,
    amount_ore: i64,
}

/// The continuity report (bokføringsforskriften § 5-1-1 no. 1).
#[utoipa::path(get, path = "/number-series", tag = "ledger", responses((status = 200, body = Continuity)))]
pub(super) async fn number_series(State(ctx): State<Ctx>, Reader(actor): Reader) -> Result<Json<Continuity>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let series = views::series(&tx).await?;
    let opening = views::opening_tally(&tx).await?;
    tx.commit().await?;
    let opening_items = OpeningSummary { count: opening.count, amount_ore: opening.ore };
    Ok(Json(Continuity { series, opening_items }))
}

/// Claims brought in from an old system, with the numbers and KIDs they had.
#[utoipa::path(get, path = "/opening-items", tag = "ledger", params(Page), responses((status = 200, body = List<OpeningItemView>)))]
pub(super) async fn list_opening_items(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Query(page): Query<Page>,
) -> Result<Json<List<OpeningItemView>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let items = views::opening_items(&tx, page.after()?, page.limit()).await?;
    tx.commit().await?;
    reading::note(&ctx, &actor, "opening_items.list", reading::about(items.iter().map(|i| Some(i.customer_id))))
        .await?;
    Ok(Json(List::new(items, page.limit(), |i| i.id)))
}

/// An export of postings.
#[derive(Serialize, ToSchema)]
pub(super) struct ExportView {
    id: Uuid,
    from_on: NaiveDate,
    to_on: NaiveDate,
    /// Highest voucher it holds.
    last_voucher_no: i64,
    /// Ledger entries it holds.
    entries: i64,
    /// Of those, how many had left with an earlier export.
    exported_before: i64,
    created_at: DateTime<Utc>,
}

impl From<PostingExport> for ExportView {
    fn from(e: PostingExport) -> Self {
        Self {
            id: e.id,
            from_on: e.from_on,
            to_on: e.to_on,
            last_voucher_no: e.last_voucher_no,
            entries: e.entries,
            exported_before: e.exported_before,
            created_at: e.created_at,
        }
    }
}

/// Exports of postings, oldest first.
#[utoipa::path(get, path = "/posting-exports", tag = "ledger", responses((status = 200, body = Vec<ExportView>)))]
pub(super) async fn list_exports(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<ExportView>>, Failure> {
    let rows = ledger::exports(&ctx, &actor).await?;
    Ok(Json(rows.into_iter().map(ExportView::from).collect()))
}

/// Records an export of the postings of a period; fetch it as CSV.
#[utoipa::path(post, path = "/posting-exports", tag = "ledger", request_body = ExportPeriod, responses((status = 201, body = Created), (status = 422, body = Problem)))]
pub(super) async fn create_export(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    body: Bytes,
) -> Result<Response, Failure> {
    let period: ExportPeriod = json(&body)?;
    created(ledger::export(&ctx, &with_body(actor, &body), period).await.map(|e| e.id))
}

/// An export as CSV for the accounting system; what left with an earlier export says on which day.
#[utoipa::path(get, path = "/posting-exports/{id}/csv", tag = "ledger", params(("id" = Uuid, Path)), responses((status = 200, content_type = "text/csv"), (status = 404, body = Problem)))]
pub(super) async fn export_csv(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    let csv = ledger::export_csv(&ctx, &actor, id).await?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], csv).into_response())
}

/// Long work of this organisation under way.
#[derive(Serialize, ToSchema)]
pub(super) struct ProgressView {
    /// `customer_sync.plan`, `customer_sync.apply` or `bank_file.import`.
    work: String,
    /// Rows done.
    done: usize,
    /// Rows in all.
    total: usize,
}

/// How far long work is that this node does now. A run tells it itself.
#[utoipa::path(get, path = "/progress", tag = "ledger", responses((status = 200, body = Vec<ProgressView>)))]
pub(super) async fn progress(State(ctx): State<Ctx>, Reader(actor): Reader) -> Json<Vec<ProgressView>> {
    let steps = ctx.progress.of(actor.org).into_iter();
    Json(steps.map(|s| ProgressView { work: s.work.to_owned(), done: s.done, total: s.total }).collect())
}

/// Checks that the ledger balances and the numbers run without a gap.
#[utoipa::path(get, path = "/reports/ledger-checks", tag = "ledger", responses((status = 200, body = Vec<CheckResult>)))]
pub(super) async fn verify_ledger(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<CheckResult>>, Failure> {
    Ok(Json(ledger::verify(&ctx, &actor).await?))
}

/// Who did what, when: ids and field names only.
#[utoipa::path(get, path = "/audit-events", tag = "ledger", params(Page), responses((status = 200, body = List<AuditItem>)))]
pub(super) async fn audit_events(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Query(page): Query<Page>,
) -> Result<Json<List<AuditItem>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let items = views::audit_events(&tx, page.after()?, page.limit()).await?;
    tx.commit().await?;
    Ok(Json(List::new(items, page.limit(), |e| e.id)))
}

/// Reckons the hash chain of the audit log again.
#[utoipa::path(get, path = "/audit-chain", tag = "ledger", responses((status = 200, body = ChainReport)))]
pub(super) async fn audit_chain(State(ctx): State<Ctx>, Reader(actor): Reader) -> Result<Json<ChainReport>, Failure> {
    Ok(Json(audit::verify(&ctx, &actor).await?))
}

/// What is kept of financial years that are over: counts and sums by month, each of which stands for many customers.
#[utoipa::path(get, path = "/statistics", tag = "ledger", responses((status = 200, body = Vec<StatisticsYear>)))]
pub(super) async fn list_statistics(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<StatisticsYear>>, Failure> {
    Ok(Json(statistics::list(&ctx, &actor).await?))
}
