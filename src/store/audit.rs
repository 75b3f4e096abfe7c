//! Who did what, when: ids and field names only, sealed into chains of segments (I14, decision 14). A segment whose time has
//! come loses its events on the retention path and keeps its head.

use super::bulk;
use super::error::Error;
use super::retention::Counted;
use super::sql::{all, run};
use super::tx::OrgTx;
use chrono::{DateTime, Utc};
use domain::audit::Chain;
use domain::privacy::Hold;
use entity::{audit_event, audit_segment};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Select,
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// One row of the audit log.
pub type Event = audit_event::Model;
/// Some rows of the log, linked to all before them by a hash.
pub type Segment = audit_segment::Model;

/// Adds events.
pub async fn record(tx: &OrgTx, events: &[Event]) -> Result<(), Error> {
    bulk::insert::<audit_event::Entity>(tx, events).await
}

fn after_in(tx: &OrgTx, chain: Chain, after: Uuid) -> Select<audit_event::Entity> {
    audit_event::Entity::find()
        .filter(audit_event::Column::OrgId.eq(tx.org()))
        .filter(audit_event::Column::Chain.eq(chain.as_str()))
        .filter(audit_event::Column::Id.gt(after))
}

/// Events of a chain after an id, in order.
pub async fn list(tx: &OrgTx, chain: Chain, after: Uuid, limit: u64) -> Result<Vec<Event>, Error> {
    let rows = after_in(tx, chain, after).order_by_asc(audit_event::Column::Id);
    Ok(rows.limit(limit).all(tx).await?)
}

/// How many events of a chain come after an id.
pub async fn count_after(tx: &OrgTx, chain: Chain, after: Uuid) -> Result<u64, Error> {
    Ok(after_in(tx, chain, after).count(tx).await?)
}

/// Segments of a chain in order.
pub async fn list_segments(tx: &OrgTx, chain: Chain) -> Result<Vec<Segment>, Error> {
    Ok(segments(tx, chain).order_by_asc(audit_segment::Column::Id).all(tx).await?)
}

fn segments(tx: &OrgTx, chain: Chain) -> Select<audit_segment::Entity> {
    audit_segment::Entity::find()
        .filter(audit_segment::Column::OrgId.eq(tx.org()))
        .filter(audit_segment::Column::Chain.eq(chain.as_str()))
}

/// The last segment of a chain.
pub async fn last_segment(tx: &OrgTx, chain: Chain) -> Result<Option<Segment>, Error> {
    Ok(segments(tx, chain).order_by_desc(audit_segment::Column::Id).one(tx).await?)
}

/// Adds a segment.
pub async fn insert_segment(tx: &OrgTx, segment: Segment) -> Result<(), Error> {
    segment.into_active_model().insert(tx).await?;
    Ok(())
}

/// A segment whose newest event is older than its clock.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Due {
    /// The segment.
    pub id: Uuid,
    /// Last event of the segment before it; none before the first.
    pub after: Option<Uuid>,
    /// Its own last event.
    pub last_event_id: Uuid,
    /// How many events it holds.
    pub events: i64,
    /// Head of the segment before it.
    pub previous_hash: Vec<u8>,
    /// Its own head.
    pub head_hash: Vec<u8>,
}

/// Segments of a chain whose newest event is older than a point in time, oldest first.
pub async fn list_due(tx: &OrgTx, chain: Chain, before: DateTime<Utc>) -> Result<Vec<Due>, Error> {
    let sql = "SELECT s.id, s.last_event_id, s.events, s.previous_hash, s.head_hash, (SELECT p.last_event_id \
               FROM audit_segment p WHERE p.org_id = s.org_id AND p.chain = s.chain AND p.id < s.id \
               ORDER BY p.id DESC LIMIT 1) AS after FROM audit_segment s WHERE s.org_id = $1 AND s.chain = $2 \
               AND s.newest_at < $3 AND s.pruned_at IS NULL ORDER BY s.id";
    all(tx, sql, vec![tx.org().into(), chain.as_str().into(), before.into()]).await
}

/// The events of a segment; `$1` organisation, `$2` chain, `$3` and `$4` the events it lies between.
const OF_SEGMENT: &str = "e.org_id = $1 AND e.chain = $2 AND e.id > $3 AND e.id <= $4";

fn between(tx: &OrgTx, chain: Chain, due: &Due) -> Vec<sea_orm::Value> {
    let after = due.after.unwrap_or_default();
    vec![tx.org().into(), chain.as_str().into(), after.into(), due.last_event_id.into()]
}

/// Events of a segment, in order.
pub async fn events_of(tx: &OrgTx, chain: Chain, due: &Due) -> Result<Vec<Event>, Error> {
    let rows = after_in(tx, chain, due.after.unwrap_or_default());
    let rows = rows.filter(audit_event::Column::Id.lte(due.last_event_id));
    Ok(rows.order_by_asc(audit_event::Column::Id).all(tx).await?)
}

/// What of a customer acts are recorded of, with the column that names the customer.
const OF_CUSTOMER: &[(&str, &str)] = &[
    ("invoice", "customer_id"),
    ("payment", "customer_id"),
    ("delivery", "customer_id"),
    ("standing_order", "customer_id"),
    ("invoice_draft", "customer_id"),
    ("customer_contact", "customer_id"),
    ("privacy_hold", "customer_id"),
    ("privacy_request", "subject_id"),
    ("privacy_erasure", "subject_id"),
];

/// Whether something keeps a segment whose time has come: a hold of one of these kinds on somebody an act in it is of or
/// about, or, among the books, an invoice, a payment or a delivery that still stands. Acts on it live as long as it does.
pub async fn is_kept(tx: &OrgTx, chain: Chain, due: &Due, holds: &BTreeSet<Hold>) -> Result<bool, Error> {
    #[derive(FromQueryResult)]
    struct Kept {
        kept: i64,
    }
    let mut any = Vec::new();
    if chain == Chain::Books {
        any.extend(["invoice", "payment", "delivery"].map(|table| {
            format!("EXISTS (SELECT 1 FROM {table} t WHERE t.org_id = e.org_id AND t.id = e.subject_id)")
        }));
    }
    // What is owed is looked at claim by claim: the claim stands as long as it is.
    let kinds: Vec<String> =
        holds.iter().filter(|h| **h != Hold::OpenBalance).map(|h| format!("'{}'", h.as_str())).collect();
    if !kinds.is_empty() {
        let stands = format!("h.org_id = $1 AND h.released_at IS NULL AND h.kind IN ({})", kinds.join(", "));
        let held = format!("SELECT h.subject_id FROM privacy_hold h WHERE {stands}");
        any.push(format!("e.subject_id IN ({held})"));
        any.push(format!("e.actor_id IN ({held})"));
        any.extend(OF_CUSTOMER.iter().map(|(table, customer)| {
            format!(
                "e.subject_id IN (SELECT t.id FROM privacy_hold h JOIN {table} t ON t.org_id = h.org_id \
                 AND t.{customer} = h.subject_id WHERE {stands} AND h.subject_kind = 'customer')"
            )
        }));
        any.push(format!(
            "e.subject_id IN (SELECT t.id FROM privacy_hold h JOIN delivery t ON t.org_id = h.org_id \
             AND t.invoice_id = h.subject_id WHERE {stands} AND h.subject_kind = 'invoice')"
        ));
    }
    if any.is_empty() {
        return Ok(false);
    }
    let sql = format!(
        "SELECT CAST(COUNT(*) AS BIGINT) AS kept FROM (SELECT 1 FROM audit_event e WHERE {OF_SEGMENT} AND ({}) LIMIT 1) AS k",
        any.join(" OR ")
    );
    let found = all::<Kept>(tx, &sql, between(tx, chain, due)).await?;
    Ok(found.first().is_some_and(|k| k.kept > 0))
}

/// How many events are due in a chain, and how many are kept.
pub async fn count_due(
    tx: &OrgTx,
    chain: Chain,
    before: DateTime<Utc>,
    holds: &BTreeSet<Hold>,
) -> Result<Counted, Error> {
    let mut counted = Counted { due: 0, held: 0 };
    for due in list_due(tx, chain, before).await? {
        let of = if is_kept(tx, chain, &due, holds).await? { &mut counted.held } else { &mut counted.due };
        *of += due.events;
    }
    Ok(counted)
}

/// Takes the events of a segment away and marks it, on the retention path; how many. None when another node was first.
pub async fn prune(tx: &OrgTx, chain: Chain, due: &Due, now: DateTime<Utc>) -> Result<Option<u64>, Error> {
    let mark = "UPDATE audit_segment SET pruned_at = $3, pruned_by = $4 \
                WHERE org_id = $1 AND id = $2 AND pruned_at IS NULL";
    let values = vec![tx.org().into(), due.id.into(), now.into(), chain.rule().as_str().into()];
    if run(tx, mark, values).await? == 0 {
        return Ok(None);
    }
    let sql = format!("DELETE FROM audit_event AS e WHERE {OF_SEGMENT}");
    Ok(Some(run(tx, &sql, between(tx, chain, due)).await?))
}
