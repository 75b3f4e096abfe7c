//! Deliveries, the home page: what did not arrive, why, and the next step.

use crate::channel::Channel;
use crate::channel::Named as _;
use crate::figure::{self, Part};
use crate::fix::Fix;
use crate::frame::Frame;
use crate::html::Html;
use crate::icon::Icon;
use crate::shell::{Section, Shell};
use crate::words::fill;
use crate::{ConsoleError, cause, format};
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use domain::delivery::State;
use domain::money::Money;
use uuid::Uuid;

/// Which deliveries are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// A person must act.
    #[default]
    NeedsYou,
    /// Failed for now, tried again by itself.
    Retrying,
    /// Queued, being sent or awaiting a receipt.
    UnderWay,
    /// Arrived.
    Delivered,
}

impl Tab {
    /// Every tab.
    pub const ALL: [Self; 4] = [Self::NeedsYou, Self::Retrying, Self::UnderWay, Self::Delivered];

    /// Value of `tab` in the address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeedsYou => "needs_you",
            Self::Retrying => "retrying",
            Self::UnderWay => "under_way",
            Self::Delivered => "delivered",
        }
    }

    /// From the address; anything unknown is the worklist.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|t| t.as_str() == name).unwrap_or_default()
    }
}

/// How the deliveries of a run stand.
#[derive(Debug, Clone)]
pub struct RunBar {
    /// The run.
    pub id: Uuid,
    /// The day it bills.
    pub bill_on: NaiveDate,
    /// When its deliveries began.
    pub sent_on: Option<NaiveDate>,
    /// Invoices in all.
    pub invoices: u64,
    /// Arrived, by channel.
    pub delivered: Vec<(Channel, u64)>,
    /// Under way, retries included.
    pub under_way: u64,
    /// A person must act.
    pub needs_you: u64,
    /// Sum of what needs somebody.
    pub needs_you_amount: Money,
    /// Held back.
    pub held: u64,
}

/// A channel whose provider does not answer.
#[derive(Debug, Clone)]
pub struct ChannelDown {
    /// The channel.
    pub channel: Channel,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Deliveries that wait.
    pub waiting: u64,
    /// The next try.
    pub next_try: Option<DateTime<Utc>>,
}

/// One delivery.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// The delivery; value of `delivery` in forms.
    pub id: Uuid,
    /// Its invoice.
    pub invoice_id: Uuid,
    /// Number of the invoice.
    pub invoice_number: i64,
    /// Name of the customer; a protected one's may be hidden here.
    pub customer_name: String,
    /// Number of the customer.
    pub customer_number: String,
    /// The channel it went by, or would.
    pub channel: Channel,
    /// Where it stands.
    pub state: State,
    /// Cause code; empty when nothing is wrong.
    pub cause: String,
    /// The provider's own words; never an address.
    pub words: Option<String>,
    /// When that was.
    pub at: Option<DateTime<Utc>>,
    /// When it is tried again by itself.
    pub next_try: Option<DateTime<Utc>>,
    /// Due date; credit notes have none.
    pub due_on: Option<NaiveDate>,
    /// The invoice's amount.
    pub amount: Money,
    /// The customer may have got it twice.
    pub possibly_sent_twice: bool,
    /// Another channel known to reach this customer.
    pub can_take: Option<Channel>,
}

/// How many went how far, in one channel.
#[derive(Debug, Clone, Copy)]
pub struct ChannelCounts {
    /// The channel.
    pub channel: Channel,
    /// Issued for it.
    pub issued: u64,
    /// Under way.
    pub under_way: u64,
    /// Arrived.
    pub delivered: u64,
    /// A person must act.
    pub needs_you: u64,
}

/// How often a cause came.
#[derive(Debug, Clone)]
pub struct ReasonCount {
    /// Cause code.
    pub cause: String,
    /// How often.
    pub count: u64,
}

/// What the page shows.
#[derive(Debug, Clone)]
pub struct DeliveriesView {
    /// Deliveries that need somebody, on all pages.
    pub needs_you: u64,
    /// Whether reminders wait for them.
    pub reminders_stopped: bool,
    /// When anything last arrived.
    pub last_delivered_at: Option<DateTime<Utc>>,
    /// The latest run.
    pub latest_run: Option<RunBar>,
    /// Channels whose provider does not answer.
    pub channels_down: Vec<ChannelDown>,
    /// Which deliveries are listed.
    pub tab: Tab,
    /// How many are tried again by themselves.
    pub retrying: u64,
    /// How many are under way.
    pub under_way: u64,
    /// The deliveries of the tab, one page of them, in any order.
    pub rows: Vec<DeliveryRow>,
    /// Whether these follow an earlier page.
    pub is_later_page: bool,
    /// Cursor of the next page.
    pub next: Option<String>,
    /// The last 30 days by channel; empty leaves the figure out.
    pub funnel: Vec<ChannelCounts>,
    /// The last 30 days by cause, most frequent first; empty leaves the figure out.
    pub reasons: Vec<ReasonCount>,
    /// Fixes the service can carry out for this user.
    pub offered: Vec<Fix>,
}

/// A button of a group.
struct Button {
    value: String,
    text: String,
}

/// Deliveries with the same cause.
struct Group<'a> {
    id: usize,
    cause: cause::Said,
    takes: Option<Channel>,
    main: Option<Button>,
    others: Vec<Button>,
    rows: Vec<&'a DeliveryRow>,
    total: Money,
    uncertain: bool,
}

struct Funnel {
    name: String,
    bar: Html,
    counts: ChannelCounts,
}

struct Latest<'a> {
    run: &'a RunBar,
    bar: Html,
    parts: Vec<Part>,
}

#[derive(Template)]
#[template(path = "deliveries.html")]
struct Page<'a> {
    p: Shell<'a>,
    v: &'a DeliveriesView,
    latest: Option<Latest<'a>>,
    bands: Vec<(String, String)>,
    tabs: Vec<(&'static str, &'static str, Option<u64>, bool)>,
    groups: Vec<Group<'a>>,
    funnel: Vec<Funnel>,
    reasons: Vec<(String, u64, Html)>,
}

/// Deliveries: the worklist, or the deliveries of another tab.
pub fn deliveries(view: &DeliveriesView, frame: &Frame) -> Result<String, ConsoleError> {
    let p = Shell::new(frame, Section::Deliveries, "");
    let title = match view.needs_you {
        0 => p.t.worklist_none.to_owned(),
        n => p.plural(n, p.t.worklist_one, p.t.worklist),
    };
    let p = Shell { title, ..p };
    let groups = if view.tab == Tab::NeedsYou { groups(view, &p) } else { Vec::new() };
    let greatest = view.reasons.iter().map(|r| r.count).max().unwrap_or_default();
    let reason = |r: &ReasonCount| (cause::say(&r.cause, p.lang()).title, r.count, figure::single(r.count, greatest));
    let page = Page {
        latest: view.latest_run.as_ref().map(|run| latest(run, &p)),
        bands: view.channels_down.iter().map(|down| band(down, &p)).collect(),
        tabs: tabs(view, &p),
        groups,
        funnel: view.funnel.iter().map(|counts| funnel(*counts, &p)).collect(),
        reasons: view.reasons.iter().map(reason).collect(),
        v: view,
        p,
    };
    Ok(page.render()?)
}

fn tabs(view: &DeliveriesView, p: &Shell<'_>) -> Vec<(&'static str, &'static str, Option<u64>, bool)> {
    let look = |tab| match tab {
        Tab::NeedsYou => (p.t.tab_needs_you, Some(view.needs_you)),
        Tab::Retrying => (p.t.tab_retrying, Some(view.retrying)),
        Tab::UnderWay => (p.t.tab_under_way, Some(view.under_way)),
        Tab::Delivered => (p.t.tab_delivered, None),
    };
    let tab = |tab: Tab| {
        let (name, count) = look(tab);
        (tab.as_str(), name, count, tab == view.tab)
    };
    Tab::ALL.map(tab).into()
}

fn band(down: &ChannelDown, p: &Shell<'_>) -> (String, String) {
    let name = p.channel(&down.channel);
    let next = down.next_try.map(|at| p.moment_text(&at));
    let template = if next.is_some() { p.t.channel_down_text } else { p.t.channel_down_stays };
    let text = fill(
        template,
        &[
            ("since", &p.moment_text(&down.since)),
            ("n", &format::count(down.waiting, p.lang())),
            ("next", &next.unwrap_or_default()),
        ],
    );
    (p.fill(p.t.channel_down, "channel", name), text)
}

/// The parts of a run's bar: delivered by channel is one part with its split below.
pub(crate) fn run_parts(run: &RunBar, p: &Shell<'_>) -> Vec<Part> {
    let split: Vec<String> =
        run.delivered.iter().map(|(c, n)| format!("{} {}", c.name(p.lang()), format::count(*n, p.lang()))).collect();
    let delivered = run.delivered.iter().map(|(_, n)| n).sum();
    let held = if run.held == 0 { p.t.nobody_held } else { p.t.waits_for_you };
    let mut parts = vec![
        Part { detail: split.join(" · "), ..Part::new("done", delivered, p.w.n_delivered) },
        Part { detail: p.t.awaits_receipt.to_owned(), ..Part::new("way", run.under_way, p.w.n_under_way) },
        Part { detail: p.kr(&run.needs_you_amount), ..Part::new("needs", run.needs_you, p.w.n_needs_you) },
    ];
    parts.push(Part { detail: held.to_owned(), ..Part::new("held", run.held, p.w.n_held) });
    parts
}

fn latest<'a>(run: &'a RunBar, p: &Shell<'_>) -> Latest<'a> {
    let parts = run_parts(run, p);
    let label = figure::sentence(&parts, p.lang());
    Latest { run, bar: figure::stacked(&parts, &label, ""), parts }
}

fn funnel(counts: ChannelCounts, p: &Shell<'_>) -> Funnel {
    let parts = [
        Part::new("done", counts.delivered, p.w.n_delivered),
        Part::new("way", counts.under_way, p.w.n_under_way),
        Part::new("needs", counts.needs_you, p.w.n_needs_you),
    ];
    let name = p.channel(&counts.channel);
    let label = fill(
        p.t.funnel_sentence,
        &[
            ("channel", &name),
            ("n", &format::count(counts.issued, p.lang())),
            ("parts", &figure::sentence(&parts, p.lang())),
        ],
    );
    Funnel { name, bar: figure::stacked(&parts, &label, "thin"), counts }
}

/// Rows by cause: the group with the nearest due date first, and so inside it.
fn groups<'a>(view: &'a DeliveriesView, p: &Shell<'_>) -> Vec<Group<'a>> {
    let mut rows: Vec<&DeliveryRow> = view.rows.iter().collect();
    rows.sort_by_key(|row| (row.due_on.unwrap_or(NaiveDate::MAX), row.invoice_number));
    let mut by_cause: Vec<(cause::Said, Vec<&DeliveryRow>)> = Vec::new();
    for row in rows {
        // Codes that are said with the same words are the same to people.
        let said = cause::say(&row.cause, p.lang());
        match by_cause.iter_mut().find(|(other, _)| other.title == said.title) {
            Some((_, rows)) => rows.push(row),
            None => by_cause.push((said, vec![row])),
        }
    }
    by_cause.into_iter().enumerate().map(|(id, (cause, rows))| group(id, cause, rows, view, p)).collect()
}

fn group<'a>(
    id: usize,
    cause: cause::Said,
    rows: Vec<&'a DeliveryRow>,
    view: &DeliveriesView,
    p: &Shell<'_>,
) -> Group<'a> {
    let offered = |fix: &Fix| view.offered.contains(fix);
    let first = rows.first().and_then(|row| row.can_take);
    let takes = first.filter(|_| rows.iter().all(|row| row.can_take == first) && offered(&Fix::OtherChannel));
    let named = takes.map(|channel| Button {
        value: format!("redirect:{}", channel.as_str()),
        text: p.fill(p.t.send_selected_by, "by", channel.by(p.lang())),
    });
    let button = |fix: &Fix| Button { value: fix.as_str().to_owned(), text: p.fix(fix).to_owned() };
    let mut buttons = named.into_iter().chain(cause.fixes.iter().filter(|f| offered(f)).map(button));
    Group {
        id,
        main: buttons.next(),
        others: buttons.collect(),
        takes,
        total: rows.iter().map(|row| row.amount).sum(),
        uncertain: rows.iter().any(|row| row.state == State::Unknown),
        cause,
        rows,
    }
}

#[cfg(test)]
mod tests {
    use crate::samples;

    #[test]
    fn the_group_with_the_nearest_due_date_comes_first_and_only_its_fix_is_primary() {
        let (view, frame) = samples::worklist(domain::customer::Language::Bokmal);
        let html = super::deliveries(&view, &frame).unwrap();
        let found = |title: &str| html.find(title).unwrap();
        assert!(found("Uvisst om den kom fram</h2>") < found("EHF-en bryter en regel</h2>"));
        assert!(found("EHF-en bryter en regel</h2>") < found("Kunden har ikke sagt ja til eFaktura</h2>"));
        assert_eq!(html.matches("class=\"primary\"").count(), 1);
    }

    #[test]
    fn a_fix_that_is_not_offered_is_not_shown() {
        let (mut view, frame) = samples::worklist(domain::customer::Language::English);
        view.offered = vec![crate::Fix::Resend];
        let html = super::deliveries(&view, &frame).unwrap();
        assert!(!html.contains("value=\"print\""));
    }
}
