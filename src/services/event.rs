//! What integrators are told: each a fact of the audit log, so that it is written in the transaction of what it tells.

use super::error::Error;
use super::work::Actor;
use crate::ctx::Ctx;
use crate::store::webhook::{self as store, Happened};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Type of an event by what is done. The meaning of a type is part of the API: one is never given another.
const TYPES: &[(&str, &str)] = &[
    ("bank_file.imported", "bank_file.imported"),
    ("credit_note.issued", "credit_note.issued"),
    ("customer.created", "customer.created"),
    ("customer.changed", "customer.changed"),
    ("customer.ended", "customer.ended"),
    ("customer.reopened", "customer.reopened"),
    ("customer.renumbered", "customer.renumbered"),
    ("customer_sync.planned", "customer_sync.planned"),
    ("customer_sync.applied", "customer_sync.applied"),
    ("customer_sync.discarded", "customer_sync.discarded"),
    ("delivery.delivered", "delivery.delivered"),
    ("delivery.failed", "delivery.failed"),
    ("delivery.rejected", "delivery.failed"),
    ("delivery.held", "delivery.held"),
    ("delivery.unknown", "delivery.uncertain"),
    ("delivery.awaiting_receipt", "delivery.uncertain"),
    ("delivery.cancelled", "delivery.cancelled"),
    ("delivery.resent", "delivery.resent"),
    ("delivery.redirected", "delivery.redirected"),
    ("invoice.issued", "invoice.issued"),
    ("invoice.difference_written_off", "invoice.written_off"),
    ("invoice_run.finished", "invoice_run.finished"),
    ("invoice_run.stopped", "invoice_run.stopped"),
    ("payment.registered", "payment.registered"),
    ("payment.allocated", "payment.allocated"),
    ("payment.reversed", "payment.reversed"),
    ("payment.refunded", "payment.refunded"),
    ("customer.archived", "customer.archived"),
    ("customer.deleted", "customer.deleted"),
    ("organisation.dpa_accepted", "organisation.dpa_accepted"),
    ("processor.added", "processor.added"),
    ("processor.ended", "processor.ended"),
    ("privacy_erasure.called_off", "privacy_erasure.called_off"),
    ("privacy_erasure.done", "privacy_erasure.done"),
    ("privacy_erasure.waiting", "privacy_erasure.waiting"),
    ("breach.opened", "breach.opened"),
    ("breach.due", "breach.due"),
    ("breach.authority_notified", "breach.authority_notified"),
    ("breach.closed", "breach.closed"),
    ("privacy_request.received", "privacy_request.received"),
    ("privacy_request.extended", "privacy_request.extended"),
    ("privacy_request.answered", "privacy_request.answered"),
    ("privacy_request.refused", "privacy_request.refused"),
    ("privacy_request.due", "privacy_request.due"),
    ("customer.restriction_due", "customer.restriction_due"),
    ("privacy_hold.placed", "privacy_hold.placed"),
    ("privacy_hold.released", "privacy_hold.released"),
    ("privacy_hold.review_due", "privacy_hold.review_due"),
    ("privacy_policy.published", "privacy_policy.published"),
    ("privacy_policy.approved", "privacy_policy.approved"),
    ("privacy_retention.executed", "privacy_retention.executed"),
    ("privacy_statement.published", "privacy_statement.published"),
    ("privacy_statement.told", "privacy_statement.told"),
    ("privacy_statement.accepted", "privacy_statement.accepted"),
];

/// The type integrators know a deed by; none when it is not told.
pub(super) fn kind_of(verb: &str) -> Option<&'static str> {
    TYPES.iter().find(|(v, _)| *v == verb).map(|(_, kind)| *kind)
}

/// Every type there is.
pub fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<&str> = TYPES.iter().map(|(_, kind)| *kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Something that happened: ids only, what it was stands in the API.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Event {
    /// Names the event for ever; the `webhook-id` of its webhook.
    pub id: Uuid,
    /// Type, such as `invoice.issued`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Kind of thing it is about, such as `invoice`.
    pub subject: String,
    /// The thing.
    pub subject_id: Option<Uuid>,
}

/// A place in the order of events: where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(pub i64, pub Uuid);

impl Place {
    /// Before the first event.
    pub const START: Self = Self(0, Uuid::nil());

    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        let (position, id) = text.split_once('-')?;
        Some(Self(i64::from_str_radix(position, 16).ok()?, Uuid::try_parse(id).ok()?))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}-{}", self.0, self.1.simple())
    }
}

/// Events read in one go, told or not.
const PAGE: u64 = 1_000;

/// Events after a place, and where to go on. Reading again from there misses none, however many write at once.
pub async fn list(ctx: &Ctx, actor: &Actor, after: Place, limit: usize) -> Result<(Vec<Event>, Place), Error> {
    let (mut events, mut place) = (Vec::new(), after);
    loop {
        let tx = ctx.db.read(actor.org).await?;
        let found = store::events(&tx, (place.0, place.1), PAGE).await?;
        tx.commit().await?;
        let last_page = found.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        for happened in found {
            place = Place(happened.position, happened.id);
            events.extend(told(&happened));
            if events.len() == limit {
                return Ok((events, place));
            }
        }
        if last_page {
            return Ok((events, place));
        }
    }
}

fn told(happened: &Happened) -> Option<Event> {
    Some(Event {
        id: happened.id,
        kind: kind_of(&happened.verb)?.to_owned(),
        at: happened.at,
        subject: happened.subject_kind.clone(),
        subject_id: happened.subject_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let place = Place(123_456_789, Uuid::from_u128(42));
        assert_eq!(Place::parse(&place.to_string()), Some(place));
        for bad in ["", "1", "x-y", "1-", "-"] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }
}
