//! What the world has seen: numbers of documents, numbers KIDs are made of, and deliveries that may have left. Kept outside the
//! database, so that a restore neither uses one again nor sends twice (decision 23).

use super::error::Error;
use crate::ctx::Ctx;
use crate::store::delivery::Claimed;
use crate::store::seen::{self as store, Counters};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Days a delivery is remembered: longer than any backup.
const MESSAGE_DAYS: i64 = 60;

/// One line: how far the counters of an organisation were, and deliveries about to leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When.
    pub at: DateTime<Utc>,
    /// The organisation.
    pub org: Uuid,
    /// Its counters.
    pub counters: Counters,
    /// Deliveries that may have left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Uuid>,
    /// A backup that was being made: a ledger that does not know it is not the one this installation kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
}

/// Everything seen of one organisation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The highest its counters have been.
    pub counters: Counters,
    /// Deliveries that may have left since.
    pub deliveries: BTreeSet<Uuid>,
}

/// Notes what claimed deliveries show the world, before anything of them leaves.
pub(super) async fn note_claimed(ctx: &Ctx, claimed: &[Claimed]) -> Result<(), Error> {
    let mut by_org: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    for delivery in claimed {
        by_org.entry(delivery.org_id).or_default().push(delivery.id);
    }
    for (org, deliveries) in by_org {
        note(ctx, org, deliveries).await?;
    }
    Ok(())
}

/// Notes how far the counters are, after numbers were given out.
pub(super) async fn note_numbers(ctx: &Ctx, org: Uuid) -> Result<(), Error> {
    note(ctx, org, Vec::new()).await
}

async fn note(ctx: &Ctx, org: Uuid, deliveries: Vec<Uuid>) -> Result<(), Error> {
    let tx = ctx.db.read(org).await?;
    let counters = store::counters(&tx).await?;
    tx.commit().await?;
    append(ctx, &Mark { at: ctx.now(), org, counters, deliveries, backup: None }).await
}

async fn append(ctx: &Ctx, mark: &Mark) -> Result<(), Error> {
    let line = serde_json::to_string(mark).map_err(std::io::Error::other)?;
    Ok(ctx.seen.append(Box::new(move |_| vec![line])).await?)
}

/// Notes that a backup is being made.
pub async fn note_backup(ctx: &Ctx, name: &str) -> Result<(), Error> {
    let (org, counters, deliveries) = (Uuid::nil(), Counters::default(), Vec::new());
    append(ctx, &Mark { at: ctx.now(), org, counters, deliveries, backup: Some(name.to_owned()) }).await
}

/// The backups the ledger knows of.
pub async fn backups(ctx: &Ctx) -> Result<BTreeSet<String>, Error> {
    Ok(marks(ctx).await?.into_iter().filter_map(|m| m.backup).collect())
}

/// Minutes before a backup within which a delivery that was claimed may have left after it: longer than any claim.
const CLAIMED_MINUTES: i64 = 15;

/// Everything seen, by organisation; of deliveries those that may have left after a backup was made.
pub async fn read(ctx: &Ctx, backup_made_at: DateTime<Utc>) -> Result<HashMap<Uuid, Seen>, Error> {
    let since = backup_made_at - Duration::minutes(CLAIMED_MINUTES);
    let mut all: HashMap<Uuid, Seen> = HashMap::new();
    for mark in marks(ctx).await? {
        let seen = all.entry(mark.org).or_default();
        seen.counters.raise(&mark.counters);
        if mark.at >= since {
            seen.deliveries.extend(mark.deliveries);
        }
    }
    Ok(all)
}

async fn marks(ctx: &Ctx) -> Result<Vec<Mark>, Error> {
    let mut marks = Vec::new();
    for (i, line) in ctx.seen.lines().await?.iter().enumerate() {
        let mark = serde_json::from_str(line).map_err(|_| {
            let message = format!("line {} of the ledger of what the world has seen cannot be read; restore it", i + 1);
            Error::conflict("seen_ledger_broken", message)
        })?;
        marks.push(mark);
    }
    Ok(marks)
}

/// Makes the ledger short again: one line an organisation for what is older than any backup, the rest as it is. A line that is
/// added meanwhile is not lost: it is read and written under the journal's own lock.
pub async fn compact(ctx: &Ctx) -> Result<(), Error> {
    let old = ctx.now() - Duration::days(MESSAGE_DAYS);
    let rewritten = move |lines: &[String]| {
        let marks: Option<Vec<Mark>> = lines.iter().map(|l| serde_json::from_str(l).ok()).collect();
        // What cannot be read is left for a person.
        let marks = marks?;
        let mut folded: BTreeMap<Uuid, Mark> = BTreeMap::new();
        let mut kept = Vec::new();
        for mark in marks {
            if mark.at >= old {
                kept.push(mark);
                continue;
            }
            let before = folded.entry(mark.org).or_insert_with(|| Mark { deliveries: Vec::new(), ..mark.clone() });
            before.counters.raise(&mark.counters);
        }
        folded.into_values().chain(kept).map(|m| serde_json::to_string(&m).ok()).collect()
    };
    Ok(ctx.seen.rewrite(Box::new(rewritten)).await?)
}
