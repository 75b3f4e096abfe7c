//! The audit log as a chain: each segment's hash covers its events and the segment before it, so that a changed, removed
//! or inserted event shows. Only ids, verbs, times and field names are hashed: erasing a person never breaks it (I14).

use super::error::Error;
use super::work::Actor;
use crate::ctx::{Ctx, sha256};
use crate::store::audit::{self as store, Event, Segment};
use chrono::Duration;
use domain::hex;
use serde::Serialize;
use std::io::Write;
use utoipa::ToSchema;
use uuid::Uuid;

/// Events of one segment at most.
const SEGMENT_EVENTS: u64 = 5_000;
/// Minutes an event rests before it is sealed: longer than any transaction may run.
const REST_MINUTES: i64 = 30;

/// What the chain says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChainReport {
    /// Segments that were checked.
    pub segments: usize,
    /// Events that stand sealed.
    pub sealed: i64,
    /// Events not sealed yet.
    pub unsealed: usize,
    /// The first segment that does not hold.
    pub broken: Option<Uuid>,
    /// Hash of the last segment.
    pub head: String,
}

fn link(previous: &[u8], events: &[Event]) -> [u8; 32] {
    let mut content = previous.to_vec();
    for e in events {
        let subject = e.subject_id.unwrap_or_default();
        let actor = e.actor_id.unwrap_or_default();
        let at = e.at.timestamp_micros();
        let line =
            format!("{}|{at}|{}|{actor}|{}|{}|{subject}|{}\n", e.id, e.actor_kind, e.verb, e.subject_kind, e.fields);
        content.extend_from_slice(line.as_bytes());
    }
    sha256(&content)
}

/// Seals what has rested long enough, and writes each head to a file outside the database.
pub async fn seal(ctx: &Ctx, actor: &Actor) -> Result<u64, Error> {
    let before = ctx.now() - Duration::minutes(REST_MINUTES);
    let mut sealed = 0;
    loop {
        let tx = ctx.db.write(actor.org).await?;
        // Two nodes seal one after the other.
        crate::store::organisation::lock(&tx).await?;
        let last = store::list_segments(&tx).await?.pop();
        let after = last.as_ref().map_or(Uuid::nil(), |s| s.last_event_id);
        let previous = last.map_or_else(|| vec![0; 32], |s| s.head_hash);
        // In order of ids, up to the first that has not rested: a later one may stand before it.
        let mut events = store::list(&tx, after, SEGMENT_EVENTS).await?;
        let rested = events.iter().take_while(|e| e.at < before).count();
        events.truncate(rested);
        let Some(newest) = events.last() else { return Ok(sealed) };
        let head = link(&previous, &events);
        let segment = Segment {
            org_id: actor.org,
            id: ctx.id(),
            last_event_id: newest.id,
            events: i64::try_from(events.len()).unwrap_or(i64::MAX),
            previous_hash: previous,
            head_hash: head.to_vec(),
            sealed_at: ctx.now(),
        };
        let line = format!("{} {} {} {}\n", ctx.now().to_rfc3339(), actor.org, segment.id, hex::encode(&head));
        store::insert_segment(&tx, segment).await?;
        tx.commit().await?;
        sealed += u64::try_from(events.len()).unwrap_or_default();
        publish(ctx, &line)?;
    }
}

/// Appends a head to `audit-heads.log`: whoever changes the database alone is found out.
fn publish(ctx: &Ctx, line: &str) -> Result<(), Error> {
    std::fs::create_dir_all(&ctx.config.files.dir)?;
    let path = ctx.config.files.dir.join("audit-heads.log");
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())?;
    Ok(file.sync_all()?)
}

/// Reckons the chain again from its events.
pub async fn verify(ctx: &Ctx, actor: &Actor) -> Result<ChainReport, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let segments = store::list_segments(&tx).await?;
    let (mut after, mut previous) = (Uuid::nil(), vec![0; 32]);
    let (mut sealed, mut broken) = (0, None);
    for segment in &segments {
        let events = store::list(&tx, after, u64::try_from(segment.events).unwrap_or(0)).await?;
        let holds = segment.previous_hash == previous
            && link(&previous, &events).as_slice() == segment.head_hash
            && events.last().is_some_and(|e| e.id == segment.last_event_id);
        if !holds {
            broken = Some(segment.id);
            break;
        }
        sealed += segment.events;
        after = segment.last_event_id;
        previous.clone_from(&segment.head_hash);
    }
    let unsealed = store::list(&tx, after, 1_000_000).await?.len();
    tx.commit().await?;
    Ok(ChainReport { segments: segments.len(), sealed, unsealed, broken, head: hex::encode(&previous) })
}
