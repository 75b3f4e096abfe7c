//! Mail that came back to the envelope sender: what it says of the mail that was sent.
//!
//! A delivery report (RFC 3464), a complaint (RFC 5965), a plain-text bounce of an older server, a machine's answer,
//! or none of these. One message is read at a time, and whatever it holds, nothing worse than `Other` comes of it. Nothing
//! here is proof: anyone can write a bounce, so whoever acts on one first checks the tag.

mod auto;
mod mime;
mod person;
mod plain;
mod report;
mod tag;
mod verdict;
mod words;

pub use person::{PersonLetter, person};
pub use verdict::{Cause, Outlook, Verdict, verdict};
pub use words::clean;

use chrono::{DateTime, Utc};
use mime::Letter;

/// One message that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// What stood after `b+` in the address of ours it went to, in lower case: 32 hex digits, a dot, 16 hex digits.
    pub tag: Option<String>,
    /// What it is.
    pub kind: InboundKind,
}

/// What a message that came in is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InboundKind {
    /// A report of delivery, one entry a recipient: never empty.
    Report(Vec<RecipientReport>),
    /// A machine answered: out of office, a receipt, a list.
    AutoReply,
    /// The recipient complained to the mail provider.
    Feedback,
    /// It gives itself out to be a report but cannot be read; says what is wrong, in words that hold nothing of it.
    Unreadable(&'static str),
    /// Anything else: a person's answer, our own mail come back, junk.
    Other,
}

/// What became of the mail for one recipient.
#[derive(Clone, PartialEq, Eq)]
pub struct RecipientReport {
    /// What the server did.
    pub action: Action,
    /// The status code of RFC 3463, the plainest of those given.
    pub status: Option<(u8, u16, u16)>,
    /// The remote server's words: one line of at most 300 characters, without e-mail addresses.
    pub diagnostic: Option<String>,
    /// How long a delayed mail is tried.
    pub will_retry_until: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for RecipientReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The remote's words are left out: they may name a person.
        f.debug_struct("RecipientReport")
            .field("action", &self.action)
            .field("status", &self.status)
            .field("will_retry_until", &self.will_retry_until)
            .finish_non_exhaustive()
    }
}

/// What a server did with the mail for a recipient (RFC 3464 section 2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It was given up.
    Failed,
    /// It is still tried.
    Delayed,
    /// It lies in the recipient's mailbox.
    Delivered,
    /// It was handed to a server that sends no reports.
    Relayed,
    /// It was passed on to several addresses.
    Expanded,
}

/// Reads one message that came to an address under `domain`, the domain of our bounce addresses.
pub fn read(raw: &[u8], domain: &str) -> Inbound {
    let Some(letter) = Letter::read(raw) else {
        return Inbound { tag: None, kind: InboundKind::Unreadable("no header") };
    };
    Inbound { tag: tag::of(&letter, domain), kind: kind(&letter, domain) }
}

fn kind(letter: &Letter, domain: &str) -> InboundKind {
    // A report goes first: servers mark theirs `Auto-Submitted: auto-replied` just as a holiday answer is marked.
    if let Some(kind) = report::read(letter) {
        return kind;
    }
    if tag::is_ours(letter, domain) {
        return InboundKind::Other;
    }
    if auto::may_be_bounce(letter)
        && let Some(reports) = plain::read(letter)
    {
        return InboundKind::Report(reports);
    }
    if auto::is_auto_reply(letter) { InboundKind::AutoReply } else { InboundKind::Other }
}
