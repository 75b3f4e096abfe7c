//! Deliveries: claimed, handed over, and noted; two transactions around each external call (I7, decisions 39-41).

use super::error::Error;
use super::invoice::pdf;
use super::work::{Actor, Deed, Work};
use crate::ctx::Ctx;
use crate::ports::{Mail, MailFault, MailOutcome, MailSession};
use crate::store::delivery::{self as store, Attempt, Claimed, Delivery};
use crate::store::{invoice, ledger, organisation};
use chrono::{DateTime, Duration, Utc};
use domain::delivery::{Outcome, State, after_attempt, is_mail_address};
use domain::hex;
use render::mail::{MailParts, compose};
use std::collections::HashMap;
use uuid::Uuid;

/// Deliveries a worker takes at once: few enough that none waits long behind a slow worker.
pub const CLAIM: u64 = 10;

/// Takes due deliveries for one worker.
pub async fn claim(ctx: &Ctx, limit: u64) -> Result<Vec<Claimed>, Error> {
    let now = ctx.now();
    let lease = now + Duration::seconds(ctx.config.worker.lease_seconds);
    let tx = ctx.db.system().await?;
    store::expire_leases(&tx, now).await?;
    let claimed = store::claim(&tx, now, lease, ctx.id(), limit).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// Delivers one claimed delivery and notes how it went.
pub async fn deliver(ctx: &Ctx, session: &mut dyn MailSession, claimed: &Claimed) -> Result<State, Error> {
    let actor = Actor::job(claimed.org_id);
    let tx = ctx.db.write(claimed.org_id).await?;
    let mut row = store::lock(&tx, claimed.id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    if !is_held(&row, claimed) {
        // The lease ran out while earlier mails were sent: another worker has it.
        return Ok(State::parse(&row.state).unwrap_or(State::Unknown));
    }
    // Counted now: a delivery that brings its worker down is not tried for ever.
    let attempt_no = row.attempts + 1;
    row.attempts = attempt_no;
    row.lease_until_at = Some(ctx.now() + Duration::seconds(ctx.config.worker.lease_seconds));
    store::update(&tx, row).await?;
    let attempt = Attempt {
        org_id: claimed.org_id,
        delivery_id: claimed.id,
        attempt_no,
        started_at: ctx.now(),
        ended_at: None,
        outcome: "started".to_owned(),
        code: None,
        detail: None,
    };
    store::keep_attempt(&tx, attempt.clone()).await?;
    tx.commit().await?;
    let outcome = match prepare(ctx, &actor, claimed).await {
        Err(Error::Render(e)) => MailOutcome::Permanent(trouble("document_not_drawn", &e)),
        Err(Error::Io(e)) => MailOutcome::Temporary(trouble("document_not_stored", &e)),
        Err(other) => MailOutcome::Temporary(MailFault {
            code: "internal".to_owned(),
            detail: other.code().unwrap_or("the document could not be read").to_owned(),
        }),
        Ok(Err(fault)) => MailOutcome::Permanent(fault),
        Ok(Ok(mail)) => {
            let before = Box::new(move || -> crate::ports::Pending<'_, Result<(), String>> {
                Box::pin(async move { mark_handing_over(ctx, claimed).await.map_err(|e| e.to_string()) })
            });
            session.send(&mail, before).await
        }
    };
    conclude(ctx, claimed, attempt, outcome).await
}

fn trouble(code: &str, error: &dyn std::error::Error) -> MailFault {
    MailFault { code: code.to_owned(), detail: error.to_string() }
}

/// Whether the worker still holds what it claimed.
fn is_held(row: &Delivery, claimed: &Claimed) -> bool {
    matches!(row.state.as_str(), "sending" | "handing_over") && row.lease_token == claimed.lease_token
}

/// The content is about to leave: from here on a crash leaves the outcome unknown (decision 40).
async fn mark_handing_over(ctx: &Ctx, claimed: &Claimed) -> Result<(), Error> {
    let tx = ctx.db.write(claimed.org_id).await?;
    let mut row = store::lock(&tx, claimed.id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    if !is_held(&row, claimed) {
        return Err(Error::conflict("lease_lost", "another worker took the delivery over"));
    }
    let now = ctx.now();
    row.state = State::HandingOver.as_str().to_owned();
    row.lease_until_at = Some(now + Duration::seconds(ctx.config.worker.lease_seconds));
    row.updated_at = now;
    store::update(&tx, row).await?;
    Ok(tx.commit().await?)
}

async fn conclude(ctx: &Ctx, claimed: &Claimed, mut attempt: Attempt, outcome: MailOutcome) -> Result<State, Error> {
    let now = ctx.now();
    let (outcome, fault) = match outcome {
        MailOutcome::Accepted => (Outcome::Accepted, None),
        MailOutcome::Temporary(f) => (Outcome::Temporary, Some(f)),
        MailOutcome::Permanent(f) => (Outcome::Permanent, Some(f)),
        MailOutcome::Lost(f) => (Outcome::Lost, Some(f)),
    };
    let attempts = u32::try_from(attempt.attempt_no).unwrap_or(u32::MAX);
    let (state, again) = after_attempt(outcome, now, attempts, ctx.jitter());
    let tx = ctx.db.write(claimed.org_id).await?;
    let mut row = store::lock(&tx, claimed.id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    if !is_held(&row, claimed) {
        // The lease ran out and somebody else decided; what they wrote stands.
        return Ok(State::parse(&row.state).unwrap_or(State::Unknown));
    }
    row.state = state.as_str().to_owned();
    row.needs_person = state.needs_person();
    row.reason = fault.as_ref().map(|f| f.code.clone());
    row.not_before_at = again.unwrap_or(row.not_before_at);
    row.lease_until_at = None;
    row.lease_token = None;
    row.updated_at = now;
    store::update(&tx, row).await?;
    attempt.ended_at = Some(now);
    attempt.outcome = state.as_str().to_owned();
    attempt.code = fault.as_ref().map(|f| f.code.clone());
    attempt.detail = fault.map(|f| f.detail);
    store::keep_attempt(&tx, attempt).await?;
    tx.commit().await?;
    metrics::counter!("reskontro_deliveries_total", "channel" => "mail", "state" => state.as_str()).increment(1);
    Ok(state)
}

/// The mail of a delivery, the same bytes every time, or why there can be none.
async fn prepare(ctx: &Ctx, actor: &Actor, claimed: &Claimed) -> Result<Result<Mail, MailFault>, Error> {
    let fault = |code: &str, detail: &str| Ok(Err(MailFault { code: code.to_owned(), detail: detail.to_owned() }));
    let tx = ctx.db.read(actor.org).await?;
    let row = store::find(&tx, claimed.id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    let address = store::address(&tx, claimed.id).await?;
    let org = organisation::find(&tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let found = invoice::load_documents(&tx, &[row.invoice_id]).await?.into_iter().next();
    tx.commit().await?;
    let Some(address) = address else { return fault("no_address", "the customer has no e-mail address") };
    if !is_mail_address(&address) {
        return fault("invalid_address", "the e-mail address cannot be right");
    }
    let Some((facts, document)) = found else { return fault("no_document", "the document is gone") };
    let attachment = pdf(ctx, actor, row.invoice_id).await?;
    let settings = &ctx.config.mail;
    let parts = MailParts {
        document: &document,
        pdf: &attachment,
        max_bytes: settings.max_bytes,
        from_name: &org.sender_name,
        from_address: &org.sender_email,
        reply_to: org.reply_to.as_deref(),
        to_name: &document.buyer.name,
        to_address: &address,
        message_id: format!("{}@{}", claimed.id, settings.domain),
        at: facts.created_at,
    };
    let envelope_from = envelope_sender(ctx, claimed.id, &settings.domain);
    match compose(&parts) {
        Err(e) => fault("mail_not_composed", &e.to_string()),
        Ok(bytes) => Ok(Ok(Mail { id: claimed.id, envelope_from, recipient: address, bytes })),
    }
}

/// `b+<tag>.<mac>@domain`: finds its delivery again, and never holds the recipient (decision 43).
fn envelope_sender(ctx: &Ctx, id: Uuid, domain: &str) -> String {
    let mac = ctx.key.hash(&[b"envelope", id.as_bytes()]);
    format!("b+{}.{}@{domain}", id.simple(), hex::encode(&mac[..8]))
}

/// Sends again what failed or is uncertain; what was delivered needs `even_if_delivered`.
pub async fn resend(ctx: &Ctx, actor: &Actor, id: Uuid, even_if_delivered: bool) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock(&work, id).await?;
    match row.state.as_str() {
        "failed" | "rejected" | "held" | "cancelled" => {}
        "unknown" => row.possibly_sent_twice = true,
        "delivered" if even_if_delivered => row.possibly_sent_twice = true,
        "delivered" => {
            let message = "the customer has got this invoice; ask for even_if_delivered to send it once more";
            return Err(Error::conflict("already_delivered", message));
        }
        _ => return Err(Error::conflict("under_way", "the delivery is under way")),
    }
    refresh_address(ctx, &work, &row).await?;
    row.state = State::Queued.as_str().to_owned();
    row.needs_person = false;
    row.reason = None;
    row.not_before_at = work.at;
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "delivery.resent", subject: "delivery", id, fields: "state" }).await
}

/// The customer's address as it is now; it may have been put right since.
async fn refresh_address(ctx: &Ctx, work: &Work<'_>, row: &Delivery) -> Result<(), Error> {
    let customer = crate::store::customer::load(&work.tx, &[row.customer_id]).await?.into_iter().next();
    let issued = invoice::find(&work.tx, row.invoice_id).await?.ok_or_else(|| Error::not_found("invoice"))?;
    let duty_from = ctx.config.rules.einvoice_duty_from;
    let address = customer.as_ref().map(|c| super::invoice::mail_address(c, issued.issued_on, duty_from));
    match address {
        Some(Ok(address)) => Ok(store::set_address(&work.tx, row.id, address).await?),
        Some(Err("einvoice_required")) => {
            let message = "the customer is a business: send the EHF, or record on what ground it may get mail";
            Err(Error::conflict("einvoice_required", message))
        }
        _ => Err(Error::conflict("no_address", "the customer has no usable e-mail address; add one first")),
    }
}

async fn lock(work: &Work<'_>, id: Uuid) -> Result<Delivery, Error> {
    store::lock(&work.tx, id).await?.ok_or_else(|| Error::not_found("delivery"))
}

/// Takes a delivery back before it has left.
pub async fn cancel(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock(&work, id).await?;
    if !matches!(row.state.as_str(), "queued" | "retrying" | "failed" | "held") {
        return Err(Error::conflict("too_late", "the delivery is under way or done"));
    }
    row.state = State::Cancelled.as_str().to_owned();
    row.needs_person = false;
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "delivery.cancelled", subject: "delivery", id, fields: "state" }).await
}

/// Delivers what is due with one session until nothing is; how many ended in which state.
pub async fn drain(ctx: &Ctx) -> Result<HashMap<&'static str, u64>, Error> {
    let mut session = ctx.mailer.session();
    let mut states = HashMap::new();
    loop {
        let claimed = claim(ctx, CLAIM).await?;
        if claimed.is_empty() {
            return Ok(states);
        }
        for delivery in &claimed {
            let state = deliver(ctx, session.as_mut(), delivery).await?;
            *states.entry(state.as_str()).or_default() += 1;
        }
    }
}

/// Something that happened to an invoice, or is planned.
#[derive(Debug, Clone)]
pub struct TimelineEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub what: &'static str,
    /// Set when it has not happened yet.
    pub planned: bool,
    /// Outcome, state or reason.
    pub detail: Option<String>,
    /// The delivery or payment.
    pub subject_id: Option<Uuid>,
    /// Money moved, in øre.
    pub amount_ore: Option<i64>,
}

/// Everything that happened to an invoice and what is planned, newest first.
pub async fn timeline(ctx: &Ctx, actor: &Actor, invoice_id: Uuid) -> Result<Vec<TimelineEvent>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let issued = invoice::find(&tx, invoice_id).await?.ok_or_else(|| Error::not_found("invoice"))?;
    let event = |at, what, detail: Option<String>, subject_id, amount_ore| TimelineEvent {
        at,
        what,
        planned: false,
        detail,
        subject_id,
        amount_ore,
    };
    let number = issued.number.to_string();
    let mut events = vec![event(issued.created_at, "issued", Some(number), None, Some(issued.total_ore))];
    for delivery in store::list_of_invoice(&tx, invoice_id).await? {
        for attempt in store::list_attempts(&tx, delivery.id).await? {
            let at = attempt.ended_at.unwrap_or(attempt.started_at);
            let detail = attempt.code.unwrap_or(attempt.outcome);
            events.push(event(at, "delivery_attempt", Some(detail), Some(delivery.id), None));
        }
        match delivery.state.as_str() {
            "queued" | "retrying" => events.push(TimelineEvent {
                planned: true,
                ..event(delivery.not_before_at, "delivery_planned", Some(delivery.state), Some(delivery.id), None)
            }),
            "failed" if delivery.attempts == 0 => {
                events.push(event(delivery.created_at, "delivery_failed", delivery.reason, Some(delivery.id), None));
            }
            _ => {}
        }
    }
    for allocation in ledger::list_allocations_of_invoice(&tx, invoice_id).await? {
        let what = if allocation.credit_note_id.is_some() { "credited" } else { "payment" };
        let subject = allocation.payment_id.or(allocation.credit_note_id);
        events.push(event(allocation.created_at, what, Some(allocation.reason), subject, Some(allocation.amount_ore)));
    }
    tx.commit().await?;
    events.sort_by_key(|e| std::cmp::Reverse(e.at));
    Ok(events)
}
