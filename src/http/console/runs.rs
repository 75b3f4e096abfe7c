//! Invoice runs: the list, one with its progress, live by server-sent events.

use super::deliveries::{count, run_bar};
use super::frame::{Page, Trouble, around};
use super::session::{Posted, Visitor};
use crate::ctx::Ctx;
use crate::services::Actor;
use crate::store::{billing, worklist};
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Redirect};
use console::{RunRow, RunState, RunStep, RunView, RunsView};
use domain::money::Money;
use futures_util::stream;
use serde_json::json;
use std::convert::Infallible;
use std::time::Duration;
use uuid::Uuid;

const ROWS: u64 = 50;

fn state(run: &billing::Run) -> RunState {
    match (run.status.as_str(), run.credit_status.as_deref()) {
        (_, Some(_)) => RunState::TakenBack,
        ("finished", _) => RunState::Finished,
        ("stopped", _) => RunState::Stopped,
        _ if run.cursor_customer_id.is_none() && run.issued_count == 0 => RunState::NotStarted,
        _ => RunState::Running,
    }
}

/// The list.
pub(super) async fn list(State(ctx): State<Ctx>, visitor: Visitor) -> Page {
    let actor = visitor.signed.actor(false)?;
    let frame = around(&ctx, &visitor, &actor).await?;
    let tx = ctx.db.read(actor.org).await?;
    let runs = billing::list_runs(&tx, ROWS).await?;
    let numbers = worklist::numbers_of_runs(&tx, runs.len().try_into().unwrap_or(i64::MAX)).await?;
    let needs = worklist::needs_person_by_run(&tx).await?;
    tx.commit().await?;
    let row = |run: billing::Run| RunRow {
        id: run.id,
        bill_on: run.bill_on,
        state: state(&run),
        invoices: count(run.issued_count),
        numbers: numbers.iter().find(|n| n.id == run.id).and_then(|n| n.first.zip(n.last)),
        sum: Money::from_ore(run.issued_ore),
        needs_you: needs.iter().find(|n| n.id == run.id).map_or(0, |n| count(n.count)),
    };
    let view = RunsView { rows: runs.into_iter().map(row).collect(), ..RunsView::default() };
    Ok(Html(console::runs(&view, &frame)?).into_response())
}

async fn find(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<billing::Run, Trouble> {
    let tx = ctx.db.read(actor.org).await?;
    let run = billing::find_run(&tx, id).await?.ok_or(Trouble::NotFound)?;
    tx.commit().await?;
    Ok(run)
}

/// One run.
pub(super) async fn show(State(ctx): State<Ctx>, visitor: Visitor, Path(id): Path<Uuid>) -> Page {
    let actor = visitor.signed.actor(false)?;
    let frame = around(&ctx, &visitor, &actor).await?;
    let run = find(&ctx, &actor, id).await?;
    let tx = ctx.db.read(actor.org).await?;
    let numbers = worklist::numbers_of_run(&tx, run.id).await?.and_then(|n| n.first.zip(n.last));
    let vat_ore = worklist::vat_of_run(&tx, run.id).await?;
    let delivery = run_bar(&tx, &run).await?;
    tx.commit().await?;
    let state = state(&run);
    let view = RunView {
        id,
        bill_on: run.bill_on,
        state,
        step: (state == RunState::Running).then_some(RunStep::Book),
        total: count(run.expected_count),
        issued: count(run.issued_count),
        skipped: count(run.skipped_count),
        failed: 0,
        sum: Money::from_ore(run.issued_ore),
        vat: Money::from_ore(vat_ore),
        numbers,
        credit_numbers: None,
        started_at: Some(run.created_at),
        finished_at: run.finished_at,
        started_by: None,
        delivery: delivery.filter(|_| state == RunState::Finished || state == RunState::Stopped),
        may_start: visitor.signed.actor(true).is_ok() && matches!(state, RunState::NotStarted | RunState::Running),
    };
    Ok(Html(console::run(&view, &frame)?).into_response())
}

/// Seconds between two looks at a run.
const LOOK: Duration = Duration::from_millis(700);

/// The progress of a run while it runs; the stream ends with it.
pub(super) async fn events(
    State(ctx): State<Ctx>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, Trouble> {
    let actor = visitor.signed.actor(false)?;
    find(&ctx, &actor, id).await?;
    let stream = stream::unfold((ctx, actor, false), move |(ctx, actor, over)| async move {
        if over {
            return None;
        }
        tokio::time::sleep(LOOK).await;
        let run = find(&ctx, &actor, id).await.ok()?;
        let running = matches!(state(&run), RunState::Running | RunState::NotStarted);
        let told = json!({
            "state": if running { "running" } else { "finished" },
            "step": "book",
            "total": run.expected_count,
            "issued": run.issued_count,
            "skipped": run.skipped_count,
            "failed": 0,
        });
        let event = Event::default().data(told.to_string());
        Some((Ok::<_, Infallible>(event), (ctx, actor, !running)))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}

/// Lets a run that stands still go on: its job is put into the queue again, where it finds what is left.
pub(super) async fn go_on(State(ctx): State<Ctx>, Path(id): Path<Uuid>, posted: Posted) -> Page {
    let actor = posted.visitor.signed.actor(true)?;
    crate::services::run::go_on(&ctx, &actor, id).await?;
    Ok(Redirect::to(&format!("/console/runs/{id}")).into_response())
}
