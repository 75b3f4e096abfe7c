//! What a report means for the mail and for the address (RFC 3463, and what large providers make of it).

use super::{Action, RecipientReport};

/// What a report means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived, or went to a server that says no more.
    Delivered,
    /// It is still tried: nothing is decided.
    Delayed,
    /// It will not arrive.
    Failed {
        /// Whether a new mail would fare better.
        outlook: Outlook,
        /// What it failed of.
        cause: Cause,
    },
}

/// Whether another mail to the same address may arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// It would fail likewise until something is changed.
    ForGood,
    /// It may arrive another day.
    ForNow,
}

/// What a mail failed of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// There is no such address, or it is closed: mail to it only hurts our standing.
    Address,
    /// The mailbox takes no more: full, or out of order.
    Mailbox,
    /// The server or the way to it.
    Host,
    /// This mail: too large, or of a form that is not taken.
    Message,
    /// Refused by rule: spam, missing permission, a blocked sender.
    Policy,
    /// Our own address was refused.
    Sender,
    /// It was not said.
    Unknown,
}

impl Verdict {
    /// Whether the address itself is bad, so that nothing more should be sent to it.
    pub const fn address_is_bad(self) -> bool {
        matches!(self, Self::Failed { cause: Cause::Address, .. })
    }

    /// Whether it will not arrive.
    pub const fn has_failed(self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

const NO_ADDRESS: [&str; 23] = [
    "user unknown",
    "unknown user",
    "no such user",
    "no such address",
    "no such recipient",
    "no such mailbox",
    "no mailbox here",
    "user not found",
    "recipient not found",
    "mailbox not found",
    "address not found",
    "unknown recipient",
    "recipient unknown",
    "address unknown",
    "unknown address",
    "invalid recipient",
    "invalid mailbox",
    "does not exist",
    "doesn't exist",
    "recipient address rejected: access denied",
    "mailbox unavailable",
    "is disabled",
    "host or domain name not found",
];
const FULL: [&str; 6] =
    ["mailbox full", "mailbox is full", "over quota", "overquota", "quota exceeded", "exceeded storage"];
const BY_RULE: [&str; 9] =
    ["spam", "blocked", "blacklist", "blocklist", "block list", "policy", "reputation", "dmarc", "banned"];

/// What a report means for the mail and for the address.
pub fn verdict(report: &RecipientReport) -> Verdict {
    match report.action {
        Action::Delivered | Action::Relayed | Action::Expanded => Verdict::Delivered,
        Action::Delayed => Verdict::Delayed,
        Action::Failed => failed(report),
    }
}

fn failed(report: &RecipientReport) -> Verdict {
    let words = report.diagnostic.as_deref().unwrap_or_default().to_lowercase();
    let (outlook, cause) = match report.status {
        Some((5, subject, detail)) => permanent(subject, detail, &words),
        Some((4, subject, detail)) => (Outlook::ForNow, given_up(subject, detail)),
        _ => said(&words).unwrap_or((Outlook::ForNow, Cause::Unknown)),
    };
    Verdict::Failed { outlook, cause }
}

/// Class 5. Codes that servers use for many things are told apart by the words beside them.
fn permanent(subject: u16, detail: u16, words: &str) -> (Outlook, Cause) {
    use Cause::{Address, Host, Mailbox, Message, Policy, Sender, Unknown};
    use Outlook::{ForGood, ForNow};
    match (subject, detail) {
        // 7, 8 and 9 are faults of the sender's address (RFC 3463, RFC 7505); 5 says that the address is good.
        (1, 7..=9) => (ForGood, Sender),
        (1, 5) => (ForNow, Unknown),
        (1, 0) if words.contains("sender") => (ForGood, Sender),
        // A moved mailbox (1.6) counts as bad: the sender is to ask for the new one. So does a domain with no way in:
        // unroutable (4.4), or unknown to the name service (4.310).
        (1, _) | (2, 1) | (4, 4 | 310) => (ForGood, Address),
        (2, 3) | (3, 4) | (6, _) => (ForGood, Message),
        (2, 4) => (ForGood, Mailbox),
        (2, 0) => said(words).unwrap_or((ForNow, Mailbox)),
        (2, _) => (ForNow, Mailbox),
        (4, 1) => said(words).filter(|s| s.1 == Address).unwrap_or((ForNow, Host)),
        (4, _) => (ForNow, Host),
        (5, 0) => said(words).unwrap_or((ForGood, Host)),
        (3, _) => said(words).unwrap_or((ForNow, Host)),
        (5, _) => (ForGood, Host),
        (7, _) => (ForGood, Policy),
        _ => said(words).unwrap_or((ForGood, Unknown)),
    }
}

/// Class 4 of a mail given up: tried as long as the server cared to.
const fn given_up(subject: u16, detail: u16) -> Cause {
    match (subject, detail) {
        (2, _) => Cause::Mailbox,
        (3 | 4, _) => Cause::Host,
        (6, _) => Cause::Message,
        (7, _) => Cause::Policy,
        _ => Cause::Unknown,
    }
}

/// What words tell that no code does. A rule is looked for first: `blocked: user unknown to policy` is no bad address.
fn said(words: &str) -> Option<(Outlook, Cause)> {
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    if has(&BY_RULE) {
        Some((Outlook::ForGood, Cause::Policy))
    } else if has(&FULL) {
        Some((Outlook::ForNow, Cause::Mailbox))
    } else if words.contains("sender") {
        None
    } else {
        has(&NO_ADDRESS).then_some((Outlook::ForGood, Cause::Address))
    }
}
