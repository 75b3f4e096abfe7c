//! Reports made for machines: delivery status (RFC 3464, RFC 6533) and complaints (RFC 5965).

use super::mime::{Headers, Letter, Part};
use super::words::{clean, plainest, status_in};
use super::{Action, InboundKind, RecipientReport, auto};
use chrono::{DateTime, Utc};

const STATUS_KINDS: [&str; 2] = ["message/delivery-status", "message/global-delivery-status"];
const MAX_RECIPIENTS: usize = 100;

/// Reads a report; none when the message is not one.
pub fn read(letter: &Letter<'_>) -> Option<InboundKind> {
    let is_report = letter.kind == "multipart/report";
    if let Some(part) = letter.part(&["message/feedback-report"]).filter(|_| is_report) {
        return Some(feedback(part));
    }
    let claims = is_report && letter.report_type().is_none_or(|t| t == "delivery-status");
    let wrapped = letter.kind.starts_with("multipart/") && auto::may_be_bounce(letter);
    if !claims && !wrapped {
        return None;
    }
    match letter.part(&STATUS_KINDS) {
        Some(part) => {
            let recipients = recipients(part);
            let unreadable = InboundKind::Unreadable("a delivery report without a recipient");
            Some(if recipients.is_empty() { unreadable } else { InboundKind::Report(recipients) })
        }
        None if claims && !auto::may_be_bounce(letter) => {
            Some(InboundKind::Unreadable("a delivery report without its status"))
        }
        None => None,
    }
}

/// A complaint, unless it says that the mail was no abuse (`not-spam`) or tells of its signatures (RFC 6591).
fn feedback(part: &Part<'_>) -> InboundKind {
    let bytes = part.bytes();
    let kind = Headers::read(&bytes).get("feedback-type").unwrap_or_default().to_ascii_lowercase();
    match kind.as_str() {
        "" => InboundKind::Unreadable("a complaint without its type"),
        "not-spam" | "auth-failure" => InboundKind::Other,
        _ => InboundKind::Feedback,
    }
}

/// One entry for each group of fields that names a recipient; the first group is about the message.
fn recipients(part: &Part<'_>) -> Vec<RecipientReport> {
    groups(&part.bytes()).iter().filter_map(|group| recipient(&Headers::read(group))).take(MAX_RECIPIENTS).collect()
}

/// Groups of fields, set apart by empty lines.
fn groups(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut groups = vec![Vec::new()];
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        match groups.last_mut() {
            Some(group) if !line.trim_ascii().is_empty() => group.extend_from_slice(line),
            Some(group) if !group.is_empty() => groups.push(Vec::new()),
            _ => {}
        }
    }
    groups
}

fn recipient(fields: &Headers<'_>) -> Option<RecipientReport> {
    let named: Vec<&str> =
        ["final-recipient", "original-recipient"].iter().filter_map(|name| fields.get(name)).map(value).collect();
    let stated = fields.get("status").and_then(status_in);
    let action = action(fields.get("action"), stated)?;
    if named.is_empty() && fields.get("action").is_none() {
        return None;
    }
    let words = fields.get("diagnostic-code").map(value);
    Some(RecipientReport {
        action,
        status: plainest(stated, words.and_then(status_in)),
        diagnostic: words.and_then(|text| clean(text, &named)),
        will_retry_until: fields.get("will-retry-until").and_then(instant),
    })
}

/// What stands after `rfc822;` or `smtp;`.
fn value(field: &str) -> &str {
    match field.split_once(';') {
        Some((kind, rest)) if kind.trim().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => rest.trim(),
        _ => field,
    }
}

/// The action named, or the one the status speaks of when none is.
fn action(named: Option<&str>, status: Option<(u8, u16, u16)>) -> Option<Action> {
    let word: String = named
        .unwrap_or_default()
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_ascii_lowercase();
    match word.as_str() {
        "failed" | "failure" => Some(Action::Failed),
        "delayed" => Some(Action::Delayed),
        "delivered" => Some(Action::Delivered),
        "relayed" => Some(Action::Relayed),
        "expanded" => Some(Action::Expanded),
        _ => status.and_then(|(class, ..)| match class {
            5 => Some(Action::Failed),
            4 => Some(Action::Delayed),
            2 => Some(Action::Relayed),
            _ => None,
        }),
    }
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    let date = mail_parser::DateTime::parse_rfc822(text).filter(mail_parser::DateTime::is_valid)?;
    DateTime::from_timestamp(date.to_timestamp(), 0)
}
