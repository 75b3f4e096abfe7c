//! Requests about personal data: what the payer's page shows of them, and the form beside the statement.

use crate::ConsoleError;
use crate::frame::Frame;
use crate::icon::Icon;
use crate::shell::{Section, Shell};
use crate::words::{AskingWords, asking_words};
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use domain::customer::Language;
use uuid::Uuid;

/// What may be asked for, by its name in the API; the form has one more, for what is none of them.
pub const REQUEST_KINDS: [&str; 8] = [
    "access",
    "rectification",
    "erasure",
    "restriction",
    "objection",
    "portability",
    "consent_withdrawal",
    "complaint",
];

/// How a request stands, to who has made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedState {
    /// It waits for an answer.
    Waits,
    /// It is answered.
    Answered(NaiveDate),
    /// It is refused.
    Refused(NaiveDate),
}

/// A request, to who has made it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request.
    pub id: Uuid,
    /// What is asked for, by its name in the API.
    pub kind: String,
    /// The day it came.
    pub received_on: NaiveDate,
    /// The day it is answered by.
    pub due_on: NaiveDate,
    /// How it stands.
    pub state: AskedState,
    /// Whether the answer can be downloaded.
    pub package: bool,
}

/// A kind, its name, and whether it is the chosen one.
pub(crate) type KindChoice = (&'static str, &'static str, bool);

/// Kinds with their names; `also` what is none of them.
pub(crate) fn kinds(a: &AskingWords, also: bool, chosen: &str) -> Vec<KindChoice> {
    let kinds = REQUEST_KINDS.into_iter().map(|kind| (kind, a.kind_of(kind), kind == chosen));
    kinds.chain(also.then_some(("unsorted", a.unsorted, chosen == "unsorted"))).collect()
}

/// How it stands, in words.
pub(crate) fn stands(asked: &Asked, a: &AskingWords, p: &Shell<'_>) -> String {
    match asked.state {
        AskedState::Waits => crate::words::fill(
            a.waits,
            &[("date", &p.date_text(&asked.received_on)), ("due", &p.date_text(&asked.due_on))],
        ),
        AskedState::Answered(on) => p.fill(a.answered, "date", p.date_text(&on)),
        AskedState::Refused(on) => p.fill(a.refused, "date", p.date_text(&on)),
    }
}

/// What became of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormSaid {
    /// It is taken in: the case, and when it is answered by.
    Sent {
        /// The case.
        case: Uuid,
        /// When it is answered by.
        due_on: NaiveDate,
    },
    /// Something is missing or too long.
    Incomplete,
    /// It had been open for too long, or was sent too fast.
    Stale,
    /// Enough for this hour.
    TooMany,
}

/// The form beside the statement.
#[derive(Debug, Clone)]
pub struct AskFormView {
    /// Whom it goes to.
    pub organisation: String,
    /// Where they are written to instead.
    pub email: Option<String>,
    /// Path of the form.
    pub path: String,
    /// Path of the statement.
    pub statement: String,
    /// Language of the page.
    pub language: Language,
    /// What time it is.
    pub now: DateTime<Utc>,
    /// Token of the form.
    pub token: String,
    /// What became of it.
    pub said: Option<FormSaid>,
    /// What was typed, where it must be sent again: kind, name, reach, text.
    pub typed: [String; 4],
}

#[derive(Template)]
#[template(path = "ask_form.html")]
struct Page<'a> {
    p: Shell<'a>,
    a: &'static AskingWords,
    v: &'a AskFormView,
    kinds: Vec<KindChoice>,
    lead: String,
    sent: Option<String>,
    wrong: Option<String>,
}

/// The form under which anybody asks, without signing in.
pub fn ask_form(view: &AskFormView) -> Result<String, ConsoleError> {
    let a = asking_words(view.language);
    let frame = Frame { csrf: view.token.clone(), ..Frame::bare(view.language, view.now) };
    let p = Shell::new(&frame, Section::None, a.form_title);
    let (sent, wrong) = match &view.said {
        Some(FormSaid::Sent { case, due_on }) => {
            let values = [("due", p.date_text(due_on)), ("case", case.to_string())];
            let values = values.each_ref().map(|(key, value)| (*key, value.as_str()));
            (Some(crate::words::fill(a.sent, &values)), None)
        }
        Some(FormSaid::Incomplete) => (None, Some(a.incomplete.to_owned())),
        Some(FormSaid::Stale) => (None, Some(a.stale.to_owned())),
        Some(FormSaid::TooMany) => {
            let email = view.email.as_deref().unwrap_or(&view.organisation);
            (None, Some(p.fill(a.too_many, "email", email)))
        }
        None => (None, None),
    };
    let lead = p.fill(a.form_lead, "name", &view.organisation);
    Ok(Page { a, v: view, kinds: kinds(a, true, &view.typed[0]), lead, sent, wrong, p }.render()?)
}
