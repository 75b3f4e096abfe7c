//! Reckons the chains again from their events.

use super::heads::{self, Heads};
use super::link;
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::Actor;
use crate::store::OrgTx;
use crate::store::audit::{self as store, Event, Segment};
use domain::audit::Chain;
use domain::hex;
use serde::Serialize;
use std::collections::{HashSet, VecDeque};
use utoipa::ToSchema;
use uuid::Uuid;

/// Events read at once.
const PAGE: u64 = 5_000;

/// What the chains say of themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChainReport {
    /// Segments that were checked.
    pub segments: usize,
    /// Of those, how many stand by their heads alone: their events have had their time.
    pub pruned: usize,
    /// Of those, how many were compared with `audit-heads.log`; 0 where the file is not there.
    pub published: usize,
    /// Events that stand sealed.
    pub sealed: i64,
    /// Events not sealed yet.
    pub unsealed: u64,
    /// The first segment that does not hold.
    pub broken: Option<Uuid>,
    /// What is wrong with it: not_linked, events_changed, events_back, head_differs, mark_unpublished or segment_gone.
    pub why: Option<&'static str>,
    /// The last head of each chain.
    pub heads: Vec<ChainHead>,
}

/// How far a chain has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChainHead {
    /// books or other.
    pub chain: &'static str,
    /// Hash of its last segment.
    pub head: String,
}

/// Reckons both chains again, and compares them with the heads outside the database.
pub async fn verify(ctx: &Ctx, actor: &Actor) -> Result<ChainReport, Error> {
    let report = reckon(ctx, actor).await?;
    // A segment that lost its events while they were read looks broken once.
    if report.broken.is_some() { reckon(ctx, actor).await } else { Ok(report) }
}

async fn reckon(ctx: &Ctx, actor: &Actor) -> Result<ChainReport, Error> {
    let published = heads::read(ctx, actor.org)?;
    let tx = ctx.db.read(actor.org).await?;
    let mut report = ChainReport {
        segments: 0,
        pruned: 0,
        published: 0,
        sealed: 0,
        unsealed: 0,
        broken: None,
        why: None,
        heads: Vec::new(),
    };
    let mut known = HashSet::new();
    for chain in Chain::ALL {
        let mut reader = Reader { chain, after: Uuid::nil(), read: VecDeque::new(), to: Uuid::nil() };
        let mut previous = vec![0; 32];
        for segment in store::list_segments(&tx, chain).await? {
            report.segments += 1;
            report.pruned += usize::from(segment.pruned_at.is_some());
            known.insert(segment.id);
            let events = reader.take_until(&tx, segment.last_event_id).await?;
            let fault = fault(&segment, &previous, &events)
                .or_else(|| published.as_ref().and_then(|p| differs(&segment, p, &mut report.published)));
            if report.broken.is_none() && fault.is_some() {
                (report.broken, report.why) = (Some(segment.id), fault);
            }
            report.sealed += i64::try_from(events.len()).unwrap_or(i64::MAX);
            previous.clone_from(&segment.head_hash);
        }
        report.unsealed += store::count_after(&tx, chain, reader.to).await?;
        report.heads.push(ChainHead { chain: chain.as_str(), head: hex::encode(&previous) });
    }
    tx.commit().await?;
    if let Some(gone) = published.iter().flat_map(|p| p.heads.keys()).find(|id| !known.contains(id))
        && report.broken.is_none()
    {
        (report.broken, report.why) = (Some(*gone), Some("segment_gone"));
    }
    Ok(report)
}

/// What does not hold within the database.
fn fault(segment: &Segment, previous: &[u8], events: &[Event]) -> Option<&'static str> {
    if segment.previous_hash != previous {
        return Some("not_linked");
    }
    if segment.pruned_at.is_some() {
        return (!events.is_empty()).then_some("events_back");
    }
    let whole = i64::try_from(events.len()).is_ok_and(|n| n == segment.events)
        && link(previous, events).as_slice() == segment.head_hash
        && events.last().is_some_and(|e| e.id == segment.last_event_id);
    (!whole).then_some("events_changed")
}

/// What the file says otherwise. A head it does not know says nothing: a service that is killed right after a segment has
/// not written it down.
fn differs(segment: &Segment, published: &Heads, compared: &mut usize) -> Option<&'static str> {
    let (_, head) = published.heads.get(&segment.id)?;
    *compared += 1;
    if *head != hex::encode(&segment.head_hash) {
        return Some("head_differs");
    }
    let marked = segment.pruned_at.is_some() && !published.pruned.contains(&segment.id);
    marked.then_some("mark_unpublished")
}

/// The events of a chain in order, some at a time.
struct Reader {
    chain: Chain,
    /// The last event read.
    after: Uuid,
    read: VecDeque<Event>,
    /// The last event taken.
    to: Uuid,
}

impl Reader {
    /// Events up to one, that one among them.
    async fn take_until(&mut self, tx: &OrgTx, last: Uuid) -> Result<Vec<Event>, Error> {
        let mut taken = Vec::new();
        self.to = last;
        loop {
            if self.read.is_empty() {
                self.read.extend(store::list(tx, self.chain, self.after, PAGE).await?);
            }
            match self.read.front() {
                Some(event) if event.id <= last => {
                    self.after = event.id;
                    taken.extend(self.read.pop_front());
                }
                _ => return Ok(taken),
            }
        }
    }
}
