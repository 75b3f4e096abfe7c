//! The print queue, and webhooks.

use super::deliveries::{count, row};
use super::frame::{Page, Trouble, around};
use super::session::{Posted, Visitor};
use crate::ctx::Ctx;
use crate::privacy::reading;
use crate::services::delivery::{self, Act, Bulk};
use crate::services::webhook;
use crate::store::webhook as hooks;
use crate::store::{views, worklist};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect};
use console::{DisabledWhy, Endpoint, EndpointState, PrintQueueView, PrintRow, WebhookFailure, WebhooksView};
use uuid::Uuid;

const ROWS: i64 = 200;

/// What waits for print.
pub(super) async fn print_queue(State(ctx): State<Ctx>, visitor: Visitor) -> Page {
    let actor = visitor.signed.actor(false)?;
    let frame = around(&ctx, &visitor, &actor).await?;
    let tx = ctx.db.read(actor.org).await?;
    let waiting = views::print_queue(&tx, ROWS).await?;
    let ids: Vec<Uuid> = waiting.iter().map(|w| w.id).collect();
    let found = worklist::rows(&tx, &ids).await?;
    tx.commit().await?;
    let about = reading::of_invoices(found.iter().map(|r| r.invoice_id));
    reading::note(&ctx, &actor, "print_queue.list", about).await?;
    let since = |id: Uuid| waiting.iter().find(|w| w.id == id).map_or_else(|| ctx.now(), |w| w.since_at);
    let line = |r: worklist::Row| {
        let r = row(r);
        PrintRow {
            id: r.id,
            invoice_id: r.invoice_id,
            invoice_number: r.invoice_number,
            customer_name: r.customer_name,
            customer_number: r.customer_number,
            queued_at: since(r.id),
            downloaded_at: None,
            due_on: r.due_on,
            amount: r.amount,
        }
    };
    let view = PrintQueueView {
        waiting: frame.print_waiting,
        rows: found.into_iter().map(line).collect(),
        ..PrintQueueView::default()
    };
    Ok(Html(console::print_queue(&view, &frame)?).into_response())
}

/// All that waits as one PDF.
pub(super) async fn print_pdf(State(ctx): State<Ctx>, posted: Posted) -> Page {
    let actor = posted.visitor.signed.actor(true)?;
    let chosen = posted.ids("delivery");
    let Some(printed) = delivery::print_queue(&ctx, &actor, &chosen).await? else {
        return Ok(Redirect::to("/console/print?done=0").into_response());
    };
    reading::note(&ctx, &actor, "print_queue.pdf", printed.customers).await?;
    let headers =
        [(header::CONTENT_TYPE, "application/pdf"), (header::CONTENT_DISPOSITION, "attachment; filename=utskrift.pdf")];
    Ok((headers, printed.pdf).into_response())
}

/// Notes what is in the post.
pub(super) async fn print_posted(State(ctx): State<Ctx>, posted: Posted) -> Page {
    let actor = posted.visitor.signed.actor(true)?;
    let ids = posted.ids("delivery");
    if ids.is_empty() {
        return Ok(Redirect::to("/console/print?done=0").into_response());
    }
    let outcomes = delivery::bulk(&ctx, &actor, &Bulk { act: Act::Posted, ids, even_if_delivered: false }).await?;
    let refused = outcomes.iter().filter(|o| o.refused.is_some()).count();
    let done = outcomes.len() - refused;
    Ok(Redirect::to(&format!("/console/print?done={done}&refused={refused}")).into_response())
}

fn state(e: &hooks::Endpoint) -> EndpointState {
    if e.state == "active" {
        return EndpointState::Active;
    }
    let why = match e.disabled_why.as_deref() {
        Some("gone") => DisabledWhy::Gone,
        Some("failing") => DisabledWhy::Failing,
        _ => DisabledWhy::ByHand,
    };
    EndpointState::Disabled { since: e.disabled_at.unwrap_or(e.updated_at), why }
}

/// Where integrators are told what happens, and how that goes.
pub(super) async fn webhooks(State(ctx): State<Ctx>, visitor: Visitor) -> Page {
    let actor = visitor.signed.actor(false)?;
    let frame = around(&ctx, &visitor, &actor).await?;
    let tx = ctx.db.read(actor.org).await?;
    let mut endpoints = Vec::new();
    for e in hooks::list(&tx).await? {
        let failures = hooks::list_messages(&tx, e.id, Some("failed"), 5).await?;
        let waiting = hooks::list_messages(&tx, e.id, Some("queued"), 1000).await?.len();
        let failure = |m: hooks::Message| WebhookFailure {
            at: m.done_at.unwrap_or(m.happened_at),
            event: m.kind,
            status: m.status.and_then(|s| u16::try_from(s).ok()),
            words: m.error.unwrap_or_default(),
        };
        endpoints.push(Endpoint {
            id: e.id,
            url: e.url.clone(),
            events: e.types.split(',').filter(|t| !t.is_empty()).map(str::to_owned).collect(),
            state: state(&e),
            waiting: count(i64::try_from(waiting).unwrap_or_default()),
            last_success_at: e.last_success_at,
            failures: failures.into_iter().map(failure).collect(),
        });
    }
    tx.commit().await?;
    Ok(Html(console::webhooks(&WebhooksView { endpoints }, &frame)?).into_response())
}

/// Switches an endpoint on again.
pub(super) async fn enable_webhook(State(ctx): State<Ctx>, Path(id): Path<Uuid>, posted: Posted) -> Page {
    let actor = posted.visitor.signed.actor(true)?;
    webhook::switch(&ctx, &actor, id, true).await?;
    Ok(Redirect::to("/console/webhooks?done=1").into_response())
}

/// Sends what failed once more.
pub(super) async fn replay_webhook(State(ctx): State<Ctx>, Path(id): Path<Uuid>, posted: Posted) -> Page {
    let actor = posted.visitor.signed.actor(true)?;
    let count = webhook::replay(&ctx, &actor, id).await.map_err(Trouble::from)?;
    Ok(Redirect::to(&format!("/console/webhooks?done={count}")).into_response())
}
