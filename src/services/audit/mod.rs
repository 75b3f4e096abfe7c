//! The audit log as two chains: each segment's hash covers its events and the segment before it, so that a changed, removed
//! or inserted event shows. Only ids, verbs, times and field names are hashed: erasing a person never breaks it (I14).
//!
//! `seal` makes segments, `prune` takes the events of those whose time has come and leaves their heads, `verify` reckons the
//! chains again, `heads` keeps the heads outside the database.

mod heads;
mod prune;
mod seal;
mod verify;

pub use heads::note_restore;
pub use prune::prune;
pub use seal::seal;
pub use verify::{ChainHead, ChainReport, verify};

use crate::ctx::sha256;
use crate::store::audit::Event;

/// The hash of a segment: of the head before it and of its events.
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
