//! The desk of privacy: requests by their due date, erasures with their certificates, and what has had its time.

use crate::ConsoleError;
use crate::asking::{KindChoice, kinds};
use crate::channel::chip;
use crate::frame::Frame;
use crate::html::Html;
use crate::icon::Icon;
use crate::shell::{Section, Shell};
use crate::words::{AskingWords, DeskWords, asking_words, desk_words, fill};
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// How a request stands, to who answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestState {
    /// Nobody has said what it asks for, or whom it is about.
    Unsorted,
    /// It is not known who asks.
    Identity,
    /// It can be decided.
    Ready,
    /// It is answered.
    Answered,
    /// It is refused.
    Refused,
}

/// A request in the list.
#[derive(Debug, Clone)]
pub struct RequestRow {
    /// The request.
    pub id: Uuid,
    /// What is asked for, by its name in the API.
    pub kind: String,
    /// Name and number of the customer it is about.
    pub customer: Option<(String, String)>,
    /// How it came, by its name in the API.
    pub channel: String,
    /// The day it came.
    pub received_on: NaiveDate,
    /// The day it is due.
    pub due_on: NaiveDate,
    /// How it stands.
    pub state: RequestState,
    /// The day it was closed.
    pub closed_on: Option<NaiveDate>,
}

/// An erasure; it names nobody.
#[derive(Debug, Clone)]
pub struct ErasureRow {
    /// The case.
    pub id: Uuid,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// When it was done.
    pub done_at: Option<DateTime<Utc>>,
}

/// A retention plan.
#[derive(Debug, Clone)]
pub struct PlanRow {
    /// The plan.
    pub id: Uuid,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// `dry_run`, `planned` or `done`.
    pub state: String,
    /// When it was carried out.
    pub executed_at: Option<DateTime<Utc>>,
    /// Rows that are due, or were deleted.
    pub rows: u64,
    /// Rows that are held.
    pub held: u64,
}

/// What the desk shows.
#[derive(Debug, Clone, Default)]
pub struct DeskView {
    /// Requests: open ones by due date, or all, newest first.
    pub requests: Vec<RequestRow>,
    /// All of them.
    pub all: bool,
    /// Retention plans, newest first.
    pub plans: Vec<PlanRow>,
    /// Erasures, newest first.
    pub erasures: Vec<ErasureRow>,
    /// No customer has the number that was typed.
    pub no_such_customer: bool,
    /// Whether who looks may decide, erase and approve.
    pub owner: bool,
}

struct Line<'a> {
    r: &'a RequestRow,
    kind: &'static str,
    came: String,
    chip: Html,
    due: Html,
}

#[derive(Template)]
#[template(path = "desk.html")]
struct Desk<'a> {
    p: Shell<'a>,
    d: &'static DeskWords,
    v: &'a DeskView,
    lead: String,
    lines: Vec<Line<'a>>,
    plans: Vec<(&'a PlanRow, String, Html)>,
}

fn line<'a>(r: &'a RequestRow, p: &Shell<'_>, d: &DeskWords, a: &AskingWords) -> Line<'a> {
    let came = fill(d.came, &[("date", &p.date_text(&r.received_on)), ("channel", channel(&r.channel, d))]);
    Line { r, kind: short(&r.kind, a), came, chip: state_chip(r.state, d), due: due(r, p, d) }
}

/// What is asked for in short: what stands before the explanation.
fn short(kind: &str, a: &AskingWords) -> &'static str {
    a.kind_of(kind).split(':').next().unwrap_or_default()
}

fn channel(name: &str, d: &DeskWords) -> &'static str {
    match name {
        "payer" => d.by_payer,
        "mail" => d.by_mail,
        "form" => d.by_form,
        "api" => d.by_api,
        _ => d.by_operator,
    }
}

fn state_chip(state: RequestState, d: &DeskWords) -> Html {
    match state {
        RequestState::Unsorted => chip("neutral", Icon::Info, d.st_unsorted),
        RequestState::Identity => chip("info", Icon::Person, d.st_identity),
        RequestState::Ready => chip("warn", Icon::Flag, d.st_ready),
        RequestState::Answered => chip("ok", Icon::Check, d.st_answered),
        RequestState::Refused => chip("neutral", Icon::Cross, d.st_refused),
    }
}

/// Days left, late in red; the day it was closed.
fn due(r: &RequestRow, p: &Shell<'_>, d: &DeskWords) -> Html {
    if let Some(on) = r.closed_on {
        return Html(crate::html::escape(&p.fill(d.closed, "date", p.date_text(&on))));
    }
    let days = (r.due_on - p.today()).num_days();
    let text = match days {
        0 => d.due_now.to_owned(),
        1.. => p.plural(days.unsigned_abs(), d.days_left_one, d.days_left),
        _ => p.plural(days.unsigned_abs(), d.late_one, d.late),
    };
    let class = match days {
        ..0 => "bad",
        0..=7 => "warn",
        _ => "neutral",
    };
    Html(format!("{} {}", chip(class, Icon::Clock, &text), p.date(&r.due_on)))
}

/// The desk.
pub fn desk(view: &DeskView, frame: &Frame) -> Result<String, ConsoleError> {
    let (d, a) = (desk_words(frame.language), asking_words(frame.language));
    let p = Shell::new(frame, Section::Privacy, crate::words::words(frame.language).privacy);
    let open: Vec<&RequestRow> = view.requests.iter().filter(|r| r.closed_on.is_none()).collect();
    let first = open.iter().map(|r| r.due_on).min();
    let lead = match (open.len(), first) {
        (1, Some(on)) => p.fill(d.lead_one, "date", p.date_text(&on)),
        (n, Some(on)) => fill(d.lead, &[("n", &n.to_string()), ("date", &p.date_text(&on))]),
        (_, None) => d.lead_none.to_owned(),
    };
    let lines = view.requests.iter().map(|r| line(r, &p, d, a)).collect();
    let plans = view.plans.iter().map(|plan| {
        let title = p.fill(d.plan, "time", p.moment_text(&plan.made_at));
        (plan, title, plan_chip(&plan.state, plan.executed_at, &p, d))
    });
    let plans = plans.collect();
    Ok(Desk { d, v: view, lead, lines, plans, p }.render()?)
}

fn plan_chip(state: &str, executed_at: Option<DateTime<Utc>>, p: &Shell<'_>, d: &DeskWords) -> Html {
    match (state, executed_at) {
        ("done", Some(at)) => chip("ok", Icon::Check, &p.fill(d.plan_done, "time", p.moment_text(&at))),
        ("dry_run", _) => chip("warn", Icon::Pause, d.plan_dry),
        _ => chip("info", Icon::Clock, d.plan_planned),
    }
}

/// One request, to who answers it.
#[derive(Debug, Clone)]
pub struct RequestPageView {
    /// As it stands in the list.
    pub row: RequestRow,
    /// What the person asks for.
    pub wish: Option<String>,
    /// What the sender is called and how they are reached, as they say.
    pub asker: Option<String>,
    /// Attachments that were not kept.
    pub left_out: u64,
    /// When a receipt was sent.
    pub receipt_at: Option<DateTime<Utc>>,
    /// `unknown`, `by_code`, `by_organisation` or `doubted`.
    pub identity: String,
    /// Why the time was extended.
    pub extended: Option<String>,
    /// Why it was refused.
    pub grounds: Option<String>,
    /// Who is to be told, by name, and whether they were.
    pub notices: Vec<(String, bool)>,
    /// Whether there is a package.
    pub package: bool,
    /// Whether who looks may decide.
    pub owner: bool,
}

#[derive(Template)]
#[template(path = "desk_request.html")]
struct RequestPage<'a> {
    p: Shell<'a>,
    d: &'static DeskWords,
    v: &'a RequestPageView,
    line: Line<'a>,
    kinds: Vec<KindChoice>,
    identity: &'static str,
    open: bool,
    sorted: bool,
    known: bool,
    grant: &'static str,
}

/// The page of a request.
pub fn desk_request(view: &RequestPageView, frame: &Frame) -> Result<String, ConsoleError> {
    let (d, a) = (desk_words(frame.language), asking_words(frame.language));
    let p = Shell::new(frame, Section::Privacy, short(&view.row.kind, a));
    let identity = match view.identity.as_str() {
        "by_code" => d.id_by_code,
        "by_organisation" => d.id_by_organisation,
        "doubted" => d.id_doubted,
        _ => d.id_unknown,
    };
    let page = RequestPage {
        d,
        v: view,
        line: line(&view.row, &p, d, a),
        kinds: kinds(a, false, &view.row.kind),
        identity,
        open: view.row.closed_on.is_none(),
        sorted: view.row.state != RequestState::Unsorted,
        known: view.row.state == RequestState::Ready,
        grant: if view.row.kind == "erasure" { d.grant_erasure } else { d.grant },
        p,
    };
    Ok(page.render()?)
}

/// What becomes of one category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartFate {
    /// It goes now.
    Goes,
    /// Law keeps it.
    ByLaw,
    /// Something else keeps it.
    Otherwise,
}

/// What becomes of one category, and until when.
#[derive(Debug, Clone)]
pub struct ErasurePart {
    /// What the category is called, in the language of the page.
    pub title: String,
    /// What becomes of it.
    pub fate: PartFate,
    /// First day it may go.
    pub until: Option<NaiveDate>,
    /// What delays it, in the language of the page.
    pub held: Vec<String>,
    /// How many rows.
    pub rows: u64,
}

/// What an erasure would do, or did.
#[derive(Debug, Clone)]
pub struct ErasureView {
    /// Name and id of who would be erased; none where it is done: a certificate names nobody.
    pub customer: Option<(String, Uuid)>,
    /// The case, where it is done.
    pub case: Option<ErasureRow>,
    /// What becomes of what.
    pub parts: Vec<ErasurePart>,
    /// The day the last backup is gone.
    pub backups_gone_by: Option<NaiveDate>,
}

#[derive(Template)]
#[template(path = "desk_erasure.html")]
struct ErasurePage<'a> {
    p: Shell<'a>,
    d: &'static DeskWords,
    v: &'a ErasureView,
    parts: Vec<(&'a ErasurePart, Html, String)>,
}

/// The question before an erasure, or its certificate after it.
pub fn desk_erasure(view: &ErasureView, frame: &Frame) -> Result<String, ConsoleError> {
    let d = desk_words(frame.language);
    let p = Shell::new(frame, Section::Privacy, "");
    let title = match (&view.customer, &view.case) {
        (Some((name, _)), _) => p.fill(d.erase_title, "name", name),
        (None, Some(case)) => p.fill(d.case, "id", &case.id.to_string()[..8]),
        (None, None) => d.erasures.to_owned(),
    };
    let p = Shell { title, ..p };
    let parts = view.parts.iter().map(|part| {
        let fate = match part.fate {
            PartFate::Goes => chip("ok", Icon::Check, d.goes),
            PartFate::ByLaw => chip("hold", Icon::Lock, d.by_law),
            PartFate::Otherwise => chip("hold", Icon::Lock, d.otherwise),
        };
        let until = match part.until {
            Some(on) if part.fate != PartFate::Otherwise || part.held.is_empty() => {
                p.fill(d.until, "date", p.date_text(&on))
            }
            _ if part.held.is_empty() => String::new(),
            _ => p.fill(d.held_by, "what", part.held.join(", ")),
        };
        (part, fate, until)
    });
    let parts = parts.collect();
    Ok(ErasurePage { d, v: view, parts, p }.render()?)
}

/// What is due by one rule.
#[derive(Debug, Clone)]
pub struct PlanItem {
    /// What the rows are, in the language of the page.
    pub title: String,
    /// How long they are kept, in the language of the page.
    pub period: String,
    /// Rows that are due, or were deleted.
    pub rows: u64,
    /// Rows that are held.
    pub held: u64,
}

/// A retention plan, or its report.
#[derive(Debug, Clone)]
pub struct PlanView {
    /// As it stands in the list.
    pub row: PlanRow,
    /// The policy it was made by.
    pub policy_version: i64,
    /// What is due, by rule.
    pub items: Vec<PlanItem>,
    /// Whether who looks may carry it out.
    pub owner: bool,
}

#[derive(Template)]
#[template(path = "desk_plan.html")]
struct PlanPage<'a> {
    p: Shell<'a>,
    d: &'static DeskWords,
    v: &'a PlanView,
    chip: Html,
    done: bool,
}

/// The page of a retention plan.
pub fn desk_plan(view: &PlanView, frame: &Frame) -> Result<String, ConsoleError> {
    let d = desk_words(frame.language);
    let p = Shell::new(frame, Section::Privacy, "");
    let title = p.fill(d.plan, "time", p.moment_text(&view.row.made_at));
    let p = Shell { title, ..p };
    let chip = plan_chip(&view.row.state, view.row.executed_at, &p, d);
    Ok(PlanPage { d, v: view, chip, done: view.row.state == "done", p }.render()?)
}
