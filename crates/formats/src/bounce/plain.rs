//! Bounces written for people only: qmail's, the older ones of Exchange and sendmail, whatever says a code in its text.

use super::mime::Letter;
use super::words::{Status, clean, plainest, reply_in, status_in};
use super::{Action, RecipientReport, auto};
use mail_parser::decoders::html::html_to_text;

/// Lines that begin the copy of the mail returned: codes below them are not the server's.
const COPY_BEGINS: [&str; 7] = [
    "--- below this line is a copy",
    "--- enclosed is a copy",
    "------ this is a copy",
    "-----original message",
    "----- original message",
    "   ----- unsent message follows",
    "original message headers",
];
const MAX_RECIPIENTS: usize = 100;
/// Lines of one answer: servers fold theirs.
const ANSWER_LINES: usize = 4;

/// Reads a bounce; none when its words decide nothing.
pub fn read(letter: &Letter<'_>) -> Option<Vec<RecipientReport>> {
    let text = match letter.part(&["text/plain"]) {
        Some(part) => part.text(),
        None => html_to_text(&letter.part(&["text/html"])?.text()),
    };
    let said = server_words(&text);
    let action = if auto::is_warning(letter) { Action::Delayed } else { Action::Failed };
    let mut reports: Vec<_> = paragraphs(&said).iter().filter_map(|p| per_recipient(p, action)).collect();
    reports.truncate(MAX_RECIPIENTS);
    if reports.is_empty() {
        reports.extend(answer(&said, &[], action));
    }
    Some(reports).filter(|r| !r.is_empty())
}

/// The lines above the copy of our mail.
fn server_words(text: &str) -> Vec<&str> {
    text.lines().take_while(|line| !COPY_BEGINS.iter().any(|mark| starts_with(line, mark))).collect()
}

fn starts_with(line: &str, mark: &str) -> bool {
    line.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark))
}

fn paragraphs<'a, 'b>(lines: &'b [&'a str]) -> Vec<&'b [&'a str]> {
    lines.split(|line| line.trim().is_empty()).filter(|p| !p.is_empty()).collect()
}

/// A paragraph that begins `<address>:`, as qmail writes one for each recipient.
fn per_recipient(paragraph: &[&str], action: Action) -> Option<RecipientReport> {
    let (first, rest) = paragraph.split_first()?;
    let (address, after) = first.trim().strip_prefix('<')?.split_once(">:")?;
    let lines: Vec<&str> = std::iter::once(after).chain(rest.iter().copied()).collect();
    answer(&lines, &[address], action)
}

/// What the first line with a code says, with the lines that follow it.
fn answer(lines: &[&str], recipients: &[&str], action: Action) -> Option<RecipientReport> {
    let at = lines
        .iter()
        .position(|line| refusal(line).is_some())
        .or_else(|| lines.iter().position(|line| reply_in(line).is_some()))?;
    let until = lines[at..].iter().take(ANSWER_LINES).position(|l| l.trim().is_empty()).unwrap_or(ANSWER_LINES);
    let words = lines[at..].iter().take(until).copied().collect::<Vec<_>>().join(" ");
    let status = plainest(reply_in(lines[at]).map(as_status), refusal(&words));
    // qmail's code stands last, after its words: `Sorry, no mailbox here by that name. (#5.1.1)`.
    Some(RecipientReport { action, status, diagnostic: clean(&words, recipients), will_retry_until: None })
}

fn refusal(text: &str) -> Option<Status> {
    status_in(text).filter(|status| status.0 != 2)
}

fn as_status(reply: u16) -> Status {
    (if reply < 500 { 4 } else { 5 }, 0, 0)
}
