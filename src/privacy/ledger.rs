//! The erasure ledger: who was erased, outside the database and its backups, so that a restore can erase them again (I10,
//! decision 49). It names nobody: ids that are never used again, and keyed hashes. Each line vouches for all before it.

use crate::ctx::{Ctx, InstallationKey};
use crate::services::error::Error;
use crate::store::{erasure, hand_over};
use chrono::{DateTime, Duration, Utc};
use domain::hex;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The ledger begins.
    Begun,
    /// An erasure is about to be carried out.
    Intent,
    /// It was.
    Done,
    /// It was not.
    Void,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub kind: Kind,
    /// The case.
    pub case: Uuid,
    /// The organisation.
    pub org: Uuid,
    /// customer, contact, user, organisation, or handed_over: who a customer in the archive was.
    pub scope: String,
    /// Whom: an id that is never used again.
    pub subject: Uuid,
    /// Keyed hashes of the customer numbers, hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<String>,
    /// Vouches for this line and all before it.
    #[serde(default)]
    pub seal: String,
}

fn broken(message: String) -> Error {
    Error::conflict("erasure_ledger_broken", message)
}

fn sealed(key: &InstallationKey, previous: &str, line: &Line) -> Result<Line, serde_json::Error> {
    let open = Line { seal: String::new(), ..line.clone() };
    let content = serde_json::to_vec(&open)?;
    let seal = hex::encode(&key.hash(&[b"erasure ledger", previous.as_bytes(), &content]));
    Ok(Line { seal, ..open })
}

fn seal_of(line: Option<&str>) -> String {
    line.and_then(|l| serde_json::from_str::<Line>(l).ok()).map(|l| l.seal).unwrap_or_default()
}

/// Scope of a line about somebody whose archive was handed over.
pub(super) const HANDED_OVER: &str = "handed_over";
/// Scope of a line about a whole organisation.
pub(super) const ORGANISATION: &str = "organisation";

/// Adds a line.
pub(super) async fn append(ctx: &Ctx, line: Line) -> Result<(), Error> {
    append_all(ctx, vec![line]).await
}

/// Adds lines, on disk together.
pub(super) async fn append_all(ctx: &Ctx, lines: Vec<Line>) -> Result<(), Error> {
    let key = ctx.key.clone();
    let next = move |last: Option<&str>| {
        let mut previous = seal_of(last);
        let mut texts = Vec::with_capacity(lines.len());
        for line in &lines {
            let Ok(line) = sealed(&key, &previous, line) else { return Vec::new() };
            let Ok(text) = serde_json::to_string(&line) else { return Vec::new() };
            texts.push(text);
            previous = line.seal;
        }
        texts
    };
    Ok(ctx.erasures.append(Box::new(next)).await?)
}

/// Every line, once all seals hold.
pub async fn read(ctx: &Ctx) -> Result<Vec<Line>, Error> {
    let mut lines = Vec::new();
    let mut previous = String::new();
    for (i, text) in ctx.erasures.lines().await?.iter().enumerate() {
        let number = i + 1;
        let line: Line = serde_json::from_str(text)
            .map_err(|_| broken(format!("line {number} of the erasure ledger cannot be read; restore the ledger")))?;
        let right = sealed(&ctx.key, &previous, &line).is_ok_and(|s| s.seal == line.seal);
        if !right {
            let message = format!(
                "line {number} of the erasure ledger was changed, or was written with another installation key; \
                 restore the ledger and {}",
                ctx.config.files.dir.join("installation.key").display()
            );
            return Err(broken(message));
        }
        previous.clone_from(&line.seal);
        lines.push(line);
    }
    Ok(lines)
}

/// Where the ledger ends: how many lines, and the seal of the last. A backup names it, and a restore looks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How many lines.
    pub lines: usize,
    /// The seal of the last.
    pub seal: String,
}

/// Where the ledger ends. One that is empty is begun: a restore can tell it from one that is lost.
pub async fn head(ctx: &Ctx) -> Result<Head, Error> {
    let mut lines = read(ctx).await?;
    if lines.is_empty() {
        let begun = Line {
            at: ctx.now(),
            kind: Kind::Begun,
            case: Uuid::nil(),
            org: Uuid::nil(),
            scope: String::new(),
            subject: Uuid::nil(),
            numbers: Vec::new(),
            seal: String::new(),
        };
        append(ctx, begun).await?;
        lines = read(ctx).await?;
    }
    Ok(Head { lines: lines.len(), seal: lines.last().map(|l| l.seal.clone()).unwrap_or_default() })
}

/// Whether a ledger goes on from where it ended then. If not, erasures since may be lost.
pub fn goes_on_from(lines: &[Line], head: &Head) -> bool {
    head.lines == 0 || lines.get(head.lines - 1).is_some_and(|l| l.seal == head.seal)
}

/// Erasures that were carried out, or may have been: the last line of a case decides.
pub fn to_replay(lines: &[Line]) -> Vec<&Line> {
    let last: HashMap<Uuid, Kind> = lines.iter().map(|l| (l.case, l.kind)).collect();
    lines.iter().filter(|l| l.kind == Kind::Intent && last.get(&l.case) != Some(&Kind::Void)).collect()
}

/// Minutes an intent is left alone: another node may be at it.
const REST_MINUTES: i64 = 60;

/// Settles intents that neither ended nor were called off: a process died between. What the database has is done, what it
/// has not is void. Asked at start and each night, by every node.
pub async fn settle(ctx: &Ctx) -> Result<u64, Error> {
    let lines = read(ctx).await?;
    let before = ctx.now() - Duration::minutes(REST_MINUTES);
    let mut settled = 0;
    let ended: HashSet<Uuid> = lines.iter().filter(|l| l.kind != Kind::Intent).map(|l| l.case).collect();
    for intent in lines.iter().filter(|l| l.kind == Kind::Intent && l.at < before && !ended.contains(&l.case)) {
        let tx = ctx.db.read(intent.org).await?;
        let known = if intent.scope == HANDED_OVER {
            hand_over::is_taken(&tx, intent.subject).await?
        } else {
            erasure::find(&tx, intent.case).await?.is_some()
        };
        tx.commit().await?;
        let kind = if known { Kind::Done } else { Kind::Void };
        append(ctx, Line { at: ctx.now(), kind, ..intent.clone() }).await?;
        settled += 1;
    }
    Ok(settled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: u128, kind: Kind) -> Line {
        Line {
            at: DateTime::UNIX_EPOCH,
            kind,
            case: Uuid::from_u128(n),
            org: Uuid::nil(),
            scope: "customer".to_owned(),
            subject: Uuid::from_u128(n),
            numbers: Vec::new(),
            seal: String::new(),
        }
    }

    fn chain(key: &InstallationKey, lines: &[Line]) -> Vec<Line> {
        let mut out: Vec<Line> = Vec::new();
        for line in lines {
            let previous = out.last().map(|l| l.seal.clone()).unwrap_or_default();
            out.push(sealed(key, &previous, line).unwrap());
        }
        out
    }

    #[test]
    fn each_line_vouches_for_those_before_it() {
        let key = InstallationKey::new([7; 32]);
        let whole = chain(&key, &[line(1, Kind::Intent), line(1, Kind::Done), line(2, Kind::Intent)]);
        let without_first = chain(&key, &[line(1, Kind::Done), line(2, Kind::Intent)]);
        assert_ne!(whole[2].seal, without_first[1].seal);
        let other = chain(&InstallationKey::new([8; 32]), &[line(1, Kind::Intent)]);
        assert_ne!(whole[0].seal, other[0].seal);
    }

    #[test]
    fn a_ledger_that_lost_lines_does_not_go_on() {
        let key = InstallationKey::new([7; 32]);
        let whole = chain(&key, &[line(1, Kind::Intent), line(1, Kind::Done), line(2, Kind::Intent)]);
        let head = Head { lines: 2, seal: whole[1].seal.clone() };
        assert!(goes_on_from(&whole, &head) && goes_on_from(&whole[..2], &head));
        assert!(!goes_on_from(&whole[..1], &head) && !goes_on_from(&[], &head));
        assert!(!goes_on_from(&chain(&key, &[line(3, Kind::Intent), line(1, Kind::Done)]), &head));
        assert!(goes_on_from(&whole, &Head::default()), "a backup from before the first erasure");
    }

    #[test]
    fn what_was_called_off_is_not_replayed() {
        let lines = [
            line(1, Kind::Intent),
            line(1, Kind::Done),
            line(2, Kind::Intent),
            line(2, Kind::Void),
            line(3, Kind::Intent),
        ];
        let cases: Vec<u128> = to_replay(&lines).iter().map(|l| l.case.as_u128()).collect();
        assert_eq!(cases, [1, 3], "an intent nobody has settled may have been carried out");
        // Called off by one who thought it dead, and done all the same.
        let done = [line(4, Kind::Intent), line(4, Kind::Void), line(4, Kind::Done)];
        assert_eq!(to_replay(&done).len(), 1);
    }
}
