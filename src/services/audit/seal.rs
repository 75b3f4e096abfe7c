//! Seals events into segments.

use super::{heads, link};
use crate::ctx::{Ctx, oslo_day};
use crate::services::error::Error;
use crate::services::work::Actor;
use crate::store::audit::{self as store, Event, Segment};
use crate::store::organisation;
use chrono::{Duration, NaiveDate};
use domain::audit::Chain;
use uuid::Uuid;

/// Events of one segment at most: they are deleted in one transaction.
const SEGMENT_EVENTS: u64 = 5_000;
/// Minutes an event rests before it is sealed: longer than any transaction may run.
const REST_MINUTES: i64 = 30;

/// Seals what has rested long enough, and writes each head to a file outside the database; how many events.
pub async fn seal(ctx: &Ctx, actor: &Actor) -> Result<u64, Error> {
    let mut sealed = 0;
    for chain in Chain::ALL {
        loop {
            let events = seal_one(ctx, actor, chain).await?;
            sealed += events;
            if events == 0 {
                break;
            }
        }
    }
    Ok(sealed)
}

/// The day in Oslo an event belongs to.
fn day(event: &Event) -> NaiveDate {
    oslo_day(event.at)
}

async fn seal_one(ctx: &Ctx, actor: &Actor, chain: Chain) -> Result<u64, Error> {
    let before = ctx.now() - Duration::minutes(REST_MINUTES);
    let tx = ctx.db.write(actor.org).await?;
    // Two nodes seal one after the other.
    organisation::lock(&tx).await?;
    let last = store::last_segment(&tx, chain).await?;
    let after = last.as_ref().map_or(Uuid::nil(), |s| s.last_event_id);
    let previous = last.map_or_else(|| vec![0; 32], |s| s.head_hash);
    // In order of ids, up to the first that has not rested: a later one may stand before it. A segment holds one day at
    // most, so that nothing is kept longer than its own day for what stands beside it.
    let mut events = store::list(&tx, chain, after, SEGMENT_EVENTS).await?;
    let Some(first) = events.first().map(day) else { return Ok(0) };
    let rested = events.iter().take_while(|e| e.at < before && day(e) == first).count();
    events.truncate(rested);
    let (Some(last), Some(newest_at)) = (events.last(), events.iter().map(|e| e.at).max()) else { return Ok(0) };
    let head = link(&previous, &events);
    let segment = Segment {
        org_id: actor.org,
        id: ctx.id(),
        chain: chain.as_str().to_owned(),
        last_event_id: last.id,
        events: i64::try_from(events.len()).unwrap_or(i64::MAX),
        newest_at,
        previous_hash: previous,
        head_hash: head.to_vec(),
        sealed_at: ctx.now(),
        pruned_at: None,
        pruned_by: None,
    };
    let id = segment.id;
    store::insert_segment(&tx, segment).await?;
    tx.commit().await?;
    heads::publish(ctx, actor.org, id, &head)?;
    Ok(u64::try_from(events.len()).unwrap_or_default())
}
