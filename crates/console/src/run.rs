//! Invoice runs: how far one is, how it went, and the list of them.

use crate::channel::chip;
use crate::deliveries::{RunBar, run_parts};
use crate::figure::{self, Part};
use crate::frame::Frame;
use crate::html::Html;
use crate::icon::Icon;
use crate::shell::{Section, Shell};
use crate::words::fill;
use crate::{ConsoleError, format};
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use domain::money::Money;
use uuid::Uuid;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Counted, not issued.
    NotStarted,
    /// Being issued.
    Running,
    /// All issued.
    Finished,
    /// Broke off; safe to go on.
    Stopped,
    /// All its invoices are credited.
    TakenBack,
}

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStep {
    /// Customers and lines.
    Collect,
    /// Numbers and KIDs.
    Number,
    /// The ledger.
    Book,
    /// Deliveries.
    Queue,
}

impl RunStep {
    /// Every step, in order.
    pub const ALL: [Self; 4] = [Self::Collect, Self::Number, Self::Book, Self::Queue];

    /// Name in the events of a run.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Collect => "collect",
            Self::Number => "number",
            Self::Book => "book",
            Self::Queue => "queue",
        }
    }
}

/// What the page of a run shows.
#[derive(Debug, Clone)]
pub struct RunView {
    /// The run.
    pub id: Uuid,
    /// The day it bills.
    pub bill_on: NaiveDate,
    /// Where it stands.
    pub state: RunState,
    /// What it is doing.
    pub step: Option<RunStep>,
    /// Invoices in all.
    pub total: u64,
    /// Issued so far.
    pub issued: u64,
    /// Customers left out.
    pub skipped: u64,
    /// Invoices that could not be made.
    pub failed: u64,
    /// Sum with VAT.
    pub sum: Money,
    /// VAT of it.
    pub vat: Money,
    /// First and last number.
    pub numbers: Option<(i64, i64)>,
    /// First and last number of the credit notes that took it back.
    pub credit_numbers: Option<(i64, i64)>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Who began it.
    pub started_by: Option<String>,
    /// How its deliveries stand.
    pub delivery: Option<RunBar>,
    /// Whether this user may start it or let it go on.
    pub may_start: bool,
}

#[derive(Template)]
#[template(path = "run.html")]
struct Page<'a> {
    p: Shell<'a>,
    v: &'a RunView,
    chip: Html,
    done: u64,
    counts: Vec<(&'static str, &'static str, u64)>,
    step: &'static str,
    steps: Vec<(&'static str, &'static str)>,
    delivery: Option<(Html, Vec<Part>)>,
}

impl Page<'_> {
    fn is_running(&self) -> bool {
        self.v.state == RunState::Running
    }

    fn done_words(&self) -> String {
        let (done, total) = (self.p.n(&self.done), self.p.n(&self.v.total));
        fill(self.p.t.done_of, &[("done", &done), ("total", &total)])
    }
}

fn state_chip(state: RunState, p: &Shell<'_>) -> Html {
    match state {
        RunState::NotStarted => chip("neutral", Icon::Clock, p.t.run_preview),
        RunState::Running => chip("info", Icon::Run, p.t.run_running),
        RunState::Finished => chip("ok", Icon::Check, p.t.run_done),
        RunState::Stopped => chip("bad", Icon::Pause, p.t.run_stopped),
        RunState::TakenBack => chip("neutral", Icon::Back, p.t.run_taken_back),
    }
}

fn step_words(step: RunStep, p: &Shell<'_>) -> &'static str {
    match step {
        RunStep::Collect => p.t.step_collect,
        RunStep::Number => p.t.step_number,
        RunStep::Book => p.t.step_book,
        RunStep::Queue => p.t.step_queue,
    }
}

/// One run: not started, under way, done, stopped or taken back.
pub fn run(view: &RunView, frame: &Frame) -> Result<String, ConsoleError> {
    let p = Shell::new(frame, Section::Runs, "");
    let title = p.fill(p.t.run_of, "date", format::date(view.bill_on, p.lang()));
    let p = Shell { title, ..p };
    let done = view.issued + view.skipped + view.failed;
    let left = view.total.saturating_sub(done);
    let delivery = view.delivery.as_ref().map(|bar| {
        let parts = run_parts(bar, &p);
        let label = figure::sentence(&parts, p.lang());
        (figure::stacked(&parts, &label, ""), parts)
    });
    let page = Page {
        chip: state_chip(view.state, &p),
        done,
        counts: vec![
            ("issued", p.t.cnt_issued, view.issued),
            ("skipped", p.t.cnt_skipped, view.skipped),
            ("failed", p.t.cnt_failed, view.failed),
            ("left", p.t.cnt_left, left),
        ],
        step: view.step.map(|step| step_words(step, &p)).unwrap_or_default(),
        steps: RunStep::ALL.map(|step| (step.as_str(), step_words(step, &p))).into(),
        delivery,
        v: view,
        p,
    };
    Ok(page.render()?)
}

/// One run of the list.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// The run.
    pub id: Uuid,
    /// The day it bills.
    pub bill_on: NaiveDate,
    /// Where it stands.
    pub state: RunState,
    /// Invoices in it.
    pub invoices: u64,
    /// First and last number.
    pub numbers: Option<(i64, i64)>,
    /// Sum with VAT.
    pub sum: Money,
    /// Deliveries that need somebody.
    pub needs_you: u64,
}

/// What the list of runs shows.
#[derive(Debug, Clone, Default)]
pub struct RunsView {
    /// Runs, newest first.
    pub rows: Vec<RunRow>,
    /// When the next is due.
    pub next_run_on: Option<NaiveDate>,
    /// Whether these follow an earlier page.
    pub is_later_page: bool,
    /// Cursor of the next page.
    pub next: Option<String>,
}

#[derive(Template)]
#[template(path = "runs.html")]
struct ListPage<'a> {
    p: Shell<'a>,
    v: &'a RunsView,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
impl ListPage<'_> {
    fn chip(&self, state: &RunState) -> Html {
        state_chip(*state, &self.p)
    }
}

/// The list of runs.
pub fn runs(view: &RunsView, frame: &Frame) -> Result<String, ConsoleError> {
    let p = Shell::new(frame, Section::Runs, crate::words::words(frame.language).runs);
    Ok(ListPage { p, v: view }.render()?)
}
