//! Takes the events of segments whose time has come away. The segment keeps its head, so that the chain is reckoned through it.

use super::{heads, link};
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::Actor;
use crate::store::audit::{self as store, Due};
use chrono::{DateTime, Utc};
use domain::audit::Chain;
use domain::privacy::Hold;
use std::collections::BTreeSet;

/// Takes the events of every segment of a chain whose newest event is older than `before` away, but for what holds of these
/// kinds or books that still stand keep; how many events.
pub async fn prune(
    ctx: &Ctx,
    actor: &Actor,
    chain: Chain,
    before: DateTime<Utc>,
    holds: &BTreeSet<Hold>,
) -> Result<u64, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let due = store::list_due(&tx, chain, before).await?;
    tx.commit().await?;
    let mut gone = 0;
    for segment in &due {
        gone += prune_one(ctx, actor, chain, segment, holds).await?;
    }
    Ok(gone)
}

/// One segment, whole, in one transaction; how many events.
async fn prune_one(ctx: &Ctx, actor: &Actor, chain: Chain, due: &Due, holds: &BTreeSet<Hold>) -> Result<u64, Error> {
    let tx = ctx.db.retain(actor.org).await?;
    if store::is_kept(&tx, chain, due, holds).await? {
        return Ok(0);
    }
    let events = store::events_of(&tx, chain, due).await?;
    let gone = store::prune(&tx, chain, due, ctx.now()).await?;
    let (Some(gone), expected) = (gone, u64::try_from(due.events).unwrap_or_default()) else { return Ok(0) };
    // What was changed is not swept away with what was not: it stays until somebody has looked at it.
    if gone != expected || link(&due.previous_hash, &events).as_slice() != due.head_hash {
        tracing::error!(org.id = %actor.org, segment.id = %due.id, "a segment of the audit log does not hold and is kept; look with `reskontro audit verify`");
        return Ok(0);
    }
    // Before the commit: a mark in the database without this line was set by somebody else.
    heads::publish_pruned(ctx, actor.org, due.id, &due.head_hash)?;
    tx.commit().await?;
    Ok(gone)
}
