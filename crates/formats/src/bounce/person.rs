//! A letter of a person, written to an address of ours that people may write to: who, what, and whether it may be answered by
//! a machine (RFC 3834 section 2).

use super::mime::Letter;
use chrono::{DateTime, NaiveDate};

/// Characters of a text that are kept.
const MOST: usize = 10_000;
/// Senders that are machines, whatever they write.
const MACHINES: [&str; 8] =
    ["mailer-daemon", "mailerdaemon", "postmaster", "noreply", "no-reply", "donotreply", "do-not-reply", "ikke-svar"];

/// A letter of a person.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonLetter {
    /// Addresses it went to, in lower case.
    pub to: Vec<String>,
    /// The sender's address, in lower case.
    pub from: Option<String>,
    /// What the sender is called.
    pub name: Option<String>,
    /// Its message id, with brackets.
    pub message_id: Option<String>,
    /// What it is about.
    pub subject: String,
    /// What it says, its beginning where it is long.
    pub text: String,
    /// The day it was written, by its own word.
    pub written_on: Option<NaiveDate>,
    /// Attachments, which are not read.
    pub left_out: usize,
    /// Whether a machine may answer it: it came from a person, to us, and through no list.
    pub may_be_answered: bool,
}

impl std::fmt::Debug for PersonLetter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Who wrote and what is left out.
        f.debug_struct("PersonLetter").field("left_out", &self.left_out).finish_non_exhaustive()
    }
}

/// Reads a letter of a person; none where a machine wrote it: a report, a bounce, an automatic answer.
pub fn person(raw: &[u8]) -> Option<PersonLetter> {
    let letter = Letter::read(raw)?;
    if by_machine(&letter) {
        return None;
    }
    let headers = &letter.headers;
    let (name, from) = headers.get("from").map(mailbox).unwrap_or_default();
    let to = ["delivered-to", "x-original-to", "envelope-to", "to", "cc"];
    let to = to.iter().flat_map(|field| headers.all(field)).flat_map(addresses).collect();
    let (text, left_out) = text(&letter);
    let machine = from.as_deref().is_none_or(|f| {
        let local = f.split('@').next().unwrap_or_default();
        MACHINES.iter().any(|m| local.contains(m))
    });
    let answerable = !machine && !through_list(&letter) && headers.get("x-auto-response-suppress").is_none();
    Some(PersonLetter {
        to,
        from,
        name,
        message_id: headers.get("message-id").map(str::to_owned).filter(|id| is_id(id)),
        subject: line(headers.get("subject").unwrap_or_default(), 200),
        text,
        written_on: headers.get("date").and_then(|d| DateTime::parse_from_rfc2822(d).ok()).map(|d| d.date_naive()),
        left_out,
        may_be_answered: answerable,
    })
}

/// Whether a machine says that it wrote the letter. A subject is no proof: people write of their holidays too.
fn by_machine(letter: &Letter<'_>) -> bool {
    let headers = &letter.headers;
    let no_sender = headers.get("return-path").is_some_and(|v| v.chars().all(|c| "<> ".contains(c)));
    let submitted = headers.get("auto-submitted").is_some_and(|v| !v.is_empty() && !v.to_lowercase().starts_with("no"));
    let answered = ["x-failed-recipients", "x-autoreply", "x-autorespond", "x-autoresponder", "x-mail-autoreply"];
    no_sender || submitted || letter.kind == "multipart/report" || answered.iter().any(|f| headers.get(f).is_some())
}

fn through_list(letter: &Letter<'_>) -> bool {
    let headers = &letter.headers;
    let precedence = headers.get("precedence").unwrap_or_default().to_ascii_lowercase();
    ["list-id", "list-unsubscribe", "list-post", "list-help"].iter().any(|f| headers.get(f).is_some())
        || ["bulk", "junk", "list", "auto_reply", "auto-reply"].contains(&precedence.as_str())
}

/// A name and an address: `Kari Nord <kari@x>`, `"Nord, Kari" <kari@x>`, `kari@x`, `kari@x (Kari Nord)`.
fn mailbox(value: &str) -> (Option<String>, Option<String>) {
    let (name, address) = match (value.rfind('<'), value.rfind('>')) {
        (Some(open), Some(close)) if open < close => (&value[..open], &value[open + 1..close]),
        _ => {
            let (address, rest) = value.trim().split_once([' ', '\t']).unwrap_or((value.trim(), ""));
            (rest.trim_matches(|c: char| c.is_whitespace() || c == '(' || c == ')'), address)
        }
    };
    let name = line(name.trim().trim_matches('"'), 120);
    let address = address.trim().to_lowercase();
    (
        Some(name).filter(|n| !n.is_empty()),
        Some(address).filter(|a| a.contains('@') && !a.contains(char::is_whitespace)),
    )
}

/// Every address of a field.
fn addresses(value: &str) -> Vec<String> {
    let parts = value.split([',', ';', ' ', '<', '>', '"', '(', ')', '\t']);
    parts.filter(|p| p.contains('@')).map(str::to_lowercase).collect()
}

/// One line of at most so many characters, without control characters.
fn line(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect::<String>().trim().to_owned()
}

fn is_id(id: &str) -> bool {
    id.len() <= 500 && id.starts_with('<') && id.ends_with('>') && !id.contains(char::is_whitespace) && id.is_ascii()
}

/// What it says, and how many parts are not read.
fn text(letter: &Letter<'_>) -> (String, usize) {
    let plain = letter.part(&["text/plain"]).map(super::mime::Part::text);
    let said = plain.or_else(|| letter.part(&["text/html"]).map(|p| without_tags(&p.text()))).unwrap_or_default();
    let kept: String = said.chars().filter(|c| *c == '\n' || !c.is_control()).take(MOST).collect();
    let cut = if said.chars().count() > MOST { "\n[…]" } else { "" };
    let left_out = letter.parts.iter().filter(|p| !matches!(p.kind.as_str(), "text/plain" | "text/html")).count();
    (format!("{}{cut}", kept.trim()), left_out)
}

/// The text of a page: good enough for somebody to read what is asked for.
fn without_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len() / 2);
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                if !out.ends_with(['\n', ' ']) {
                    out.push(' ');
                }
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let entities = [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.iter().fold(out, |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: &str = "Return-Path: <kari@kunde.example>\r\nTo: Lag <privacy@lag.example>, annen@x.example\r\n\
        Message-ID: <1@kunde.example>\r\nDate: Sun, 28 Feb 2027 10:00:00 +0100\r\nSubject: Innsyn\r\n";

    fn read(from: &str, more: &str, body: &str) -> Option<PersonLetter> {
        person(format!("From: {from}\r\n{HEAD}{more}\r\n{body}").as_bytes())
    }

    #[test]
    fn who_wrote_is_read_however_it_stands() {
        for (from, name) in [
            ("Kari Nord <Kari@Kunde.example>", Some("Kari Nord")),
            ("\"Nord, Kari\" <kari@kunde.example>", Some("Nord, Kari")),
            ("kari@kunde.example", None),
            ("kari@kunde.example (Kari Nord)", Some("Kari Nord")),
        ] {
            let letter = read(from, "", "Hva har dere om meg?").unwrap();
            assert_eq!((letter.from.as_deref(), letter.name.as_deref()), (Some("kari@kunde.example"), name), "{from}");
            assert_eq!(letter.to, ["privacy@lag.example", "annen@x.example"]);
            assert_eq!((letter.text.as_str(), letter.left_out), ("Hva har dere om meg?", 0));
            assert_eq!(letter.written_on, "2027-02-28".parse().ok());
            assert!(letter.may_be_answered && letter.message_id.as_deref() == Some("<1@kunde.example>"));
        }
    }

    #[test]
    fn machines_write_no_letters_and_lists_get_no_answer() {
        for more in ["Auto-Submitted: auto-replied\r\n", "X-Autoreply: yes\r\n", "X-Failed-Recipients: a@b.example\r\n"]
        {
            assert!(read("kari@kunde.example", more, "x").is_none(), "{more}");
        }
        let empty = format!("From: kari@kunde.example\r\n{}\r\nx", HEAD.replace("<kari@kunde.example>", "<>"));
        assert!(person(empty.as_bytes()).is_none(), "a bounce");
        for more in ["List-Id: <l.example>\r\n", "Precedence: bulk\r\n", "X-Auto-Response-Suppress: All\r\n"] {
            assert!(!read("kari@kunde.example", more, "x").unwrap().may_be_answered, "{more}");
        }
        for from in ["noreply@x.example", "MAILER-DAEMON@x.example", ""] {
            assert!(!read(from, "", "x").unwrap().may_be_answered, "{from}");
        }
        // A person may write of a holiday, and a machine may say it is none.
        assert!(read("kari@kunde.example", "Auto-Submitted: no\r\n", "fravær").unwrap().may_be_answered);
    }

    #[test]
    fn attachments_are_counted_and_not_read() {
        let body = "--x\r\nContent-Type: text/html\r\n\r\n<p>Slett <b>meg</b> &amp; mine</p>\r\n--x\r\n\
                    Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--x--\r\n";
        let letter = read("kari@kunde.example", "Content-Type: multipart/mixed; boundary=x\r\n", body).unwrap();
        assert_eq!((letter.text.as_str(), letter.left_out), ("Slett meg  & mine", 1));
        let long = read("kari@kunde.example", "", &"a".repeat(20_000)).unwrap();
        assert!(long.text.chars().count() < 10_010 && long.text.ends_with("[…]"));
    }

    proptest! {
        #[test]
        fn nothing_that_comes_panics(raw in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let _ = person(&raw);
        }
    }
}
