//! The ledger and what is made of it.

use crate::ctx::Ctx;
use crate::http::auth::Reader;
use crate::http::extract::{List, Page};
use crate::http::problem::{Failure, Problem};
use crate::services::audit::{self, ChainReport};
use crate::services::customer;
use crate::services::ledger::{self, CheckResult};
use crate::store::views::{self, AuditItem, LedgerLine, OpenItemView, SeriesReport};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;
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
    Ok(Json(List::new(items, page.limit(), |i| i.id)))
}

/// The continuity report: first, next and missing numbers of every series.
#[utoipa::path(get, path = "/number-series", tag = "ledger", responses((status = 200, body = Vec<SeriesReport>)))]
pub(super) async fn number_series(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<SeriesReport>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let report = views::series(&tx).await?;
    tx.commit().await?;
    Ok(Json(report))
}

/// Which days.
#[derive(Deserialize, IntoParams)]
pub(super) struct Period {
    /// First day.
    from: NaiveDate,
    /// Last day.
    to: NaiveDate,
}

/// Postings of a period as CSV for the accounting system.
#[utoipa::path(get, path = "/reports/postings", tag = "ledger", params(Period), responses((status = 200, content_type = "text/csv")))]
pub(super) async fn export_postings(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Query(period): Query<Period>,
) -> Result<Response, Failure> {
    let csv = ledger::export_postings(&ctx, &actor, period.from, period.to).await?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], csv).into_response())
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
