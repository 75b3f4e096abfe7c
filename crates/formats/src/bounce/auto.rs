//! Who wrote a message: a mail server, a machine that answers for a person, or a person.

use super::mime::Letter;

const DAEMONS: [&str; 7] =
    ["mailer-daemon", "mailerdaemon", "postmaster", "mail delivery", "mail-daemon", "maildaemon", "mail administrator"];
const BOUNCE_SUBJECTS: [&str; 12] = [
    "undeliver",
    "failure notice",
    "delivery status notification",
    "mail delivery failed",
    "delivery failure",
    "delivery has failed",
    "returned mail",
    "returned to sender",
    "mail delivery",
    "could not be delivered",
    "delayed",
    "kan ikke leveres",
];
const ANSWER_FIELDS: [&str; 7] = [
    "x-auto-response-suppress",
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-autoreply-from",
    "x-mail-autoreply",
    "list-id",
];
const ANSWER_SUBJECTS: [&str; 14] = [
    "automatic reply",
    "auto-reply",
    "autoreply",
    "auto reply",
    "auto:",
    "out of office",
    "out of the office",
    "automatisk svar",
    "autosvar",
    "automatiskt svar",
    "fravær",
    "feriesvar",
    "ikke til stede",
    "ute av kontoret",
];

/// Whether a mail server wrote the message, so that its words may be read as a bounce.
///
/// An automatic answer is none, save that one server marks its bounces so and names the failed recipients in a field.
pub fn may_be_bounce(letter: &Letter<'_>) -> bool {
    let headers = &letter.headers;
    if headers.get("x-failed-recipients").is_some() {
        return true;
    }
    if headers.get("auto-submitted").is_some_and(|v| starts_with(v, "auto-replied")) {
        return false;
    }
    let from = headers.get("from").unwrap_or_default().to_lowercase();
    let no_sender = headers.get("return-path").is_some_and(|v| v.chars().all(|c| "<> ".contains(c)));
    DAEMONS.iter().any(|name| from.contains(name)) || (no_sender && subject_has(letter, &BOUNCE_SUBJECTS))
}

/// Whether a machine answered for a person. The subject is asked last: people write such words too.
pub fn is_auto_reply(letter: &Letter<'_>) -> bool {
    let headers = &letter.headers;
    let submitted = headers.get("auto-submitted").is_some_and(|v| !v.is_empty() && !starts_with(v, "no"));
    let precedence = headers.get("precedence").unwrap_or_default().to_ascii_lowercase();
    submitted
        || ANSWER_FIELDS.iter().any(|name| headers.get(name).is_some())
        || ["auto_reply", "auto-reply", "bulk", "junk", "list"].contains(&precedence.as_str())
        || letter.kind == "multipart/report" && letter.report_type().as_deref() == Some("disposition-notification")
        || subject_has(letter, &ANSWER_SUBJECTS)
}

/// Whether the message warns that the mail is late rather than lost.
pub fn is_warning(letter: &Letter<'_>) -> bool {
    subject_has(letter, &["delayed", "warning", "still being retried", "forsinket"])
}

fn starts_with(value: &str, word: &str) -> bool {
    value.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn subject_has(letter: &Letter<'_>, phrases: &[&str]) -> bool {
    let subject = letter.headers.get("subject").unwrap_or_default().to_lowercase();
    phrases.iter().any(|phrase| subject.contains(phrase))
}
