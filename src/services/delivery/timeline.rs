//! Everything that happened to an invoice, on every channel, and what is planned.

use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::Actor;
use crate::store::delivery::{self as store, Delivery};
use crate::store::{OrgTx, invoice, ledger};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Something that happened to an invoice, or is planned.
#[derive(Debug, Clone)]
pub struct TimelineEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub what: &'static str,
    /// Set when it has not happened yet.
    pub planned: bool,
    /// The channel, where there is one.
    pub channel: Option<String>,
    /// Outcome, state or reason.
    pub detail: Option<String>,
    /// The provider's words, or what else there is to say.
    pub said: Option<String>,
    /// The delivery or payment.
    pub subject_id: Option<Uuid>,
    /// Money moved, in øre.
    pub amount_ore: Option<i64>,
}

fn event(at: DateTime<Utc>, what: &'static str, detail: Option<String>) -> TimelineEvent {
    TimelineEvent { at, what, planned: false, channel: None, detail, said: None, subject_id: None, amount_ore: None }
}

/// Everything that happened to an invoice and what is planned, newest first.
pub async fn timeline(ctx: &Ctx, actor: &Actor, invoice_id: Uuid) -> Result<Vec<TimelineEvent>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let issued = invoice::find(&tx, invoice_id).await?.ok_or_else(|| Error::not_found("invoice"))?;
    let first = event(issued.created_at, "issued", Some(issued.number.to_string()));
    let mut events = vec![TimelineEvent { amount_ore: Some(issued.total_ore), ..first }];
    for delivery in store::list_of_invoice(&tx, invoice_id).await? {
        of_delivery(&tx, &delivery, &mut events).await?;
    }
    for allocation in ledger::list_allocations_of_invoice(&tx, invoice_id).await? {
        let what = if allocation.credit_note_id.is_some() { "credited" } else { "payment" };
        events.push(TimelineEvent {
            subject_id: allocation.payment_id.or(allocation.credit_note_id),
            amount_ore: Some(allocation.amount_ore),
            ..event(allocation.created_at, what, Some(allocation.reason))
        });
    }
    if let Some(due_on) = issued.due_on {
        let at = due_on.and_hms_opt(0, 0, 0).unwrap_or_default().and_utc();
        events.push(TimelineEvent { planned: due_on >= ctx.today(), ..event(at, "due", None) });
    }
    tx.commit().await?;
    events.sort_by_key(|e| std::cmp::Reverse(e.at));
    Ok(events)
}

/// Words of stored events; an unknown one is shown as `noted`.
const KINDS: &[&str] = &[
    "channel_changed",
    "fallback",
    "failed",
    "held",
    "rejected",
    "delivered",
    "taken_back",
    "too_late",
    "bounced",
    "arrived",
    "complained",
    "delayed",
    "redirected",
    "resent",
    "cancelled",
    "posted",
    "handled",
    "take_back_asked",
];

async fn of_delivery(tx: &OrgTx, delivery: &Delivery, events: &mut Vec<TimelineEvent>) -> Result<(), Error> {
    let mine = |e: TimelineEvent| TimelineEvent { subject_id: Some(delivery.id), ..e };
    let noted = store::list_events(tx, delivery.id).await?;
    let first_channel = noted.first().map_or(&delivery.channel, |e| &e.channel);
    let chosen = TimelineEvent {
        channel: Some(first_channel.clone()),
        ..event(delivery.created_at, "channel_chosen", delivery.channel_reason.clone().filter(|_| noted.is_empty()))
    };
    events.push(mine(chosen));
    for attempt in store::list_attempts(tx, delivery.id).await? {
        let at = attempt.ended_at.unwrap_or(attempt.started_at);
        let detail = attempt.code.unwrap_or(attempt.outcome);
        let tried = TimelineEvent { said: attempt.detail, ..event(at, "delivery_attempt", Some(detail)) };
        events.push(mine(TimelineEvent { channel: Some(channel_at(&noted, delivery, at)), ..tried }));
    }
    for e in noted {
        let kind = KINDS.iter().copied().find(|k| *k == e.kind).unwrap_or("noted");
        let happened = TimelineEvent { channel: Some(e.channel), said: e.detail, ..event(e.at, kind, e.code) };
        events.push(mine(happened));
    }
    let planned = |at, what| TimelineEvent {
        planned: true,
        channel: Some(delivery.channel.clone()),
        ..event(at, what, Some(delivery.state.clone()))
    };
    match delivery.state.as_str() {
        "queued" | "retrying" => events.push(mine(planned(delivery.not_before_at, "delivery_planned"))),
        "awaiting_receipt" => events.push(mine(planned(delivery.not_before_at, "receipt_planned"))),
        "failed" | "held" if delivery.attempts == 0 && delivery.created_at == delivery.updated_at => {
            events.push(mine(event(delivery.created_at, "delivery_failed", delivery.reason.clone())));
        }
        _ => {}
    }
    Ok(())
}

/// The channel a delivery was on at a time: what the next move away from it says, else the present one.
fn channel_at(noted: &[store::Event], delivery: &Delivery, at: DateTime<Utc>) -> String {
    let moves = ["channel_changed", "fallback", "redirected"];
    let next = noted.iter().find(|e| moves.contains(&e.kind.as_str()) && e.at >= at);
    next.map_or_else(|| delivery.channel.clone(), |e| e.channel.clone())
}
