//! `audit-heads.log` beside the files: the head of each segment, and which segments have lost their events. Whoever changes
//! the database alone is found out.
//!
//! A line is `TIME ORGANISATION SEGMENT HEAD`, with `pruned` at its end where the events of the segment go; or
//! `TIME restored TIME` after a restore: the first is when, the second when the backup was made. What cannot be read is the
//! end of a line that was cut off, and is passed over.

use crate::ctx::Ctx;
use crate::services::error::Error;
use chrono::{DateTime, Utc};
use domain::hex;
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::PathBuf;
use uuid::Uuid;

/// At the end of a line of a segment whose events go.
const PRUNED: &str = "pruned";
/// In a line that tells of a restore.
const RESTORED: &str = "restored";

fn path(ctx: &Ctx) -> PathBuf {
    ctx.config.files.dir.join("audit-heads.log")
}

fn append(ctx: &Ctx, line: &str) -> Result<(), Error> {
    std::fs::create_dir_all(&ctx.config.files.dir)?;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path(ctx))?;
    file.write_all(line.as_bytes())?;
    Ok(file.sync_all()?)
}

fn line(ctx: &Ctx, org: Uuid, segment: Uuid, head: &[u8]) -> String {
    format!("{} {org} {segment} {}", ctx.now().to_rfc3339(), hex::encode(head))
}

/// Writes the head of a segment down.
pub(super) fn publish(ctx: &Ctx, org: Uuid, segment: Uuid, head: &[u8]) -> Result<(), Error> {
    append(ctx, &format!("{}\n", line(ctx, org, segment, head)))
}

/// Writes down that the events of a segment go.
pub(super) fn publish_pruned(ctx: &Ctx, org: Uuid, segment: Uuid, head: &[u8]) -> Result<(), Error> {
    append(ctx, &format!("{} {PRUNED}\n", line(ctx, org, segment, head)))
}

/// Notes that the database is as it was at a time: heads from after it are of a state that is lost.
pub fn note_restore(ctx: &Ctx, as_of: DateTime<Utc>) -> Result<(), Error> {
    append(ctx, &format!("{} {RESTORED} {}\n", ctx.now().to_rfc3339(), as_of.to_rfc3339()))
}

/// What the file says of one organisation.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// Heads by segment, with the time they were written down.
    pub(super) heads: HashMap<Uuid, (DateTime<Utc>, String)>,
    /// Segments whose events went.
    pub(super) pruned: HashSet<Uuid>,
}

/// Reads the file; none where there is none.
pub(super) fn read(ctx: &Ctx, org: Uuid) -> Result<Option<Heads>, Error> {
    let file = match std::fs::File::open(path(ctx)) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let own = org.to_string();
    let mut heads = Heads::default();
    for line in BufReader::new(file).lines() {
        heads.take(&own, &line?);
    }
    Ok(Some(heads))
}

impl Heads {
    fn take(&mut self, org: &str, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let at = |text: &str| DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
        match words.as_slice() {
            [_, RESTORED, as_of] => {
                if let Some(as_of) = at(as_of) {
                    self.heads.retain(|_, (written, _)| *written < as_of);
                }
            }
            [when, of, segment, head, mark @ ..] if *of == org => {
                let (Some(when), Ok(segment)) = (at(when), Uuid::parse_str(segment)) else { return };
                match mark {
                    [] => {
                        self.heads.entry(segment).or_insert_with(|| (when, (*head).to_owned()));
                    }
                    [PRUNED] => {
                        self.pruned.insert(segment);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_a_state_that_was_lost_are_not_asked_for() {
        let (org, old, lost) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let mut heads = Heads::default();
        for line in [
            format!("2027-01-01T01:30:00+00:00 {org} {old} aa"),
            format!("2027-01-03T01:30:00+00:00 {org} {lost} bb"),
            format!("2027-01-03T01:30:00+00:00 {} {} cc", Uuid::from_u128(9), Uuid::from_u128(8)),
            "2027-01-03T01:30:00+00:00 cut o".to_owned(),
            format!("2027-01-03T03:15:00+00:00 {org} {old} aa pruned"),
        ] {
            heads.take(&org.to_string(), &line);
        }
        assert_eq!((heads.heads.len(), heads.pruned.len()), (2, 1));
        heads.take(&org.to_string(), "2027-01-04T01:30:00+00:00 restored 2027-01-02T01:30:00+00:00");
        assert_eq!(heads.heads.keys().collect::<Vec<_>>(), [&old]);
        // What had gone before the backup had gone with a mark.
        assert_eq!(heads.pruned.len(), 1);
    }
}
