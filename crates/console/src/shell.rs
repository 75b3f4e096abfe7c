//! What every template asks for: words, formats and the parts of the frame.

use crate::channel::Named as _;
use crate::channel::{self, Channel, MoneyState};
use crate::frame::{Band, Frame, Health, NewStatement, Organisation, Theme};
use crate::html::{Html, escape, url_encode};
use crate::icon::Icon;
use crate::words::{PageWords, Words, fill, page_words, words};
use crate::{Fix, format};
use chrono::{DateTime, NaiveDate, Utc};
use domain::customer::Language;
use domain::delivery::State;
use domain::money::Money;

/// The part of the menu a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// Deliveries that need somebody.
    Deliveries,
    /// Invoices.
    Invoices,
    /// Invoice runs.
    Runs,
    /// The print queue.
    Print,
    /// The desk of privacy.
    Privacy,
    /// Webhook endpoints.
    Webhooks,
    /// None of them.
    None,
}

/// One link of the menu.
pub(crate) struct NavLink {
    pub(crate) href: &'static str,
    pub(crate) icon: Icon,
    pub(crate) name: &'static str,
    pub(crate) count: u64,
    pub(crate) current: bool,
    pub(crate) urgent: bool,
    pub(crate) key: &'static str,
}

/// With a capital first letter; eFaktura keeps its own.
pub(crate) fn capital(text: &str) -> String {
    if text.starts_with("eFaktura") {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A page's frame, words and formats.
pub(crate) struct Shell<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) w: &'static Words,
    pub(crate) t: &'static PageWords,
    pub(crate) title: String,
    pub(crate) section: Section,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option,
    clippy::unused_self,
    reason = "templates pass references"
)]
impl<'a> Shell<'a> {
    pub(crate) fn new(frame: &'a Frame, section: Section, title: impl Into<String>) -> Self {
        let language = frame.language;
        Self { frame, w: words(language), t: page_words(language), title: title.into(), section }
    }

    pub(crate) fn lang(&self) -> Language {
        self.frame.language
    }

    /// Title of the window: the page, whose it is, what this is.
    pub(crate) fn window_title(&self) -> String {
        match &self.frame.organisation {
            Some(organisation) if self.frame.user.is_some() => {
                format!("{} · {} · Reskontro", self.title, organisation.name)
            }
            _ => format!("{} · Reskontro", self.title),
        }
    }

    pub(crate) fn color_scheme(&self) -> &'static str {
        match self.frame.theme {
            Theme::System => "light dark",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub(crate) fn nav(&self) -> Vec<NavLink> {
        let w = self.w;
        let link = |href, icon, name, section, count, key| NavLink {
            href,
            icon,
            name,
            count,
            current: section == self.section,
            urgent: section == Section::Deliveries,
            key,
        };
        vec![
            link("/console/deliveries", Icon::Send, w.deliveries, Section::Deliveries, self.frame.needs_you, "d"),
            link("/console/invoices", Icon::File, w.invoices, Section::Invoices, 0, "f"),
            link("/console/runs", Icon::Run, w.runs, Section::Runs, 0, "k"),
            link("/console/print", Icon::Printer, w.print_queue, Section::Print, self.frame.print_waiting, "u"),
            link("/console/privacy", Icon::Lock, w.privacy, Section::Privacy, 0, "p"),
        ]
    }

    pub(crate) fn operations(&self) -> Vec<NavLink> {
        vec![NavLink {
            href: "/console/webhooks",
            icon: Icon::Hook,
            name: self.w.webhooks,
            count: self.frame.webhooks_off,
            current: self.section == Section::Webhooks,
            urgent: false,
            key: "w",
        }]
    }

    pub(crate) fn csrf(&self) -> Html {
        Html(format!("<input type=\"hidden\" name=\"csrf\" value=\"{}\">", escape(&self.frame.csrf)))
    }

    /// Fields of every form of the frame: token and the way back.
    pub(crate) fn frame_fields(&self) -> Html {
        let path = escape(&self.frame.path);
        Html(format!("{}<input type=\"hidden\" name=\"return_to\" value=\"{path}\">", self.csrf()))
    }

    pub(crate) fn initials(name: &str) -> String {
        let first = |word: &str| word.chars().next();
        name.split_whitespace().filter_map(first).take(2).flat_map(char::to_uppercase).collect()
    }

    /// `9300–10580`.
    pub(crate) fn range(range: &(i64, i64)) -> String {
        format!("{}–{}", range.0, range.1)
    }

    pub(crate) fn org_number(organisation: &Organisation) -> String {
        organisation.org_number.as_deref().map(format::org_number).unwrap_or_default()
    }

    pub(crate) fn today(&self) -> NaiveDate {
        format::oslo(self.frame.now).date_naive()
    }

    /// `I dag, 20. nov. 2026`.
    pub(crate) fn today_bar(&self) -> String {
        self.fill(self.t.today_bar, "date", self.date_text(&self.today()))
    }

    pub(crate) fn today_words(&self) -> String {
        format::weekday_date(self.today(), self.lang())
    }

    pub(crate) fn health_ok(&self) -> bool {
        self.frame.health == Health::Fine
    }

    pub(crate) fn health(&self) -> String {
        let w = self.w;
        match self.frame.health {
            Health::Fine => w.jobs_fine.to_owned(),
            Health::Late(n) => self.plural(n, w.jobs_late_one, w.jobs_late),
            Health::Parked(n) => self.plural(n, w.jobs_parked_one, w.jobs_parked),
        }
    }

    pub(crate) fn bank(&self) -> Option<String> {
        let at = self.frame.bank_updated_at?;
        Some(fill(self.w.bank_updated, &[("time", &format::moment(at, self.frame.now, self.lang()))]))
    }

    pub(crate) fn band(&self) -> Option<String> {
        Some(match self.frame.band? {
            Band::Demo => self.w.band_demo.to_owned(),
            Band::TestClock => {
                let at = format!("{} {}", self.date_text(&self.today()), format::clock(self.frame.now, self.lang()));
                fill(self.w.band_clock, &[("time", &at)])
            }
        })
    }

    /// `Personvernerklæringen er ny: versjon 2 gjelder fra 1. januar 2027.`
    pub(crate) fn statement_news(&self, new: &NewStatement) -> String {
        let (no, day) = (new.version_no.to_string(), self.date_text(&new.valid_from));
        fill(self.w.statement_news, &[("n", &no), ("date", &day)])
    }

    pub(crate) fn languages(&self) -> [(&'static str, &'static str, bool); 3] {
        let of = |language: Language, name| (language.as_str(), name, language == self.lang());
        [of(Language::Bokmal, "Norsk bokmål"), of(Language::Nynorsk, "Norsk nynorsk"), of(Language::English, "English")]
    }

    pub(crate) fn themes(&self) -> [(&'static str, &'static str, bool); 3] {
        let name = |theme| match theme {
            Theme::System => self.w.theme_system,
            Theme::Light => self.w.theme_light,
            Theme::Dark => self.w.theme_dark,
        };
        Theme::ALL.map(|theme| (theme.as_str(), name(theme), theme == self.frame.theme))
    }

    /// Keys, what stands between two of them, and what they do.
    pub(crate) fn shortcuts(&self) -> Vec<(Vec<&'static str>, &'static str, String)> {
        let w = self.w;
        let mut out = vec![(vec!["/"], "", w.key_search.to_owned()), (vec!["?"], "", w.key_help.to_owned())];
        for link in self.nav().into_iter().chain(self.operations()) {
            out.push((vec!["g", link.key], w.then, fill(w.key_go, &[("page", link.name)])));
        }
        out.push((vec!["j", "k"], "/", w.key_move.to_owned()));
        out.push((vec!["x"], "/", w.key_select.to_owned()));
        out.push((vec!["Enter"], "/", w.key_open.to_owned()));
        out.push((vec!["r"], "/", w.key_fix.to_owned()));
        out
    }

    /// Links to the first and the next page of a list; `kept` stays in the address.
    pub(crate) fn pager(&self, path: &str, kept: &[(&str, &str)], later: &bool, next: &Option<String>) -> Html {
        if !later && next.is_none() {
            return Html::default();
        }
        let href = |after: Option<&String>| {
            let query = kept.iter().copied().chain(after.map(|after| ("after", after.as_str())));
            let query: Vec<String> = query.map(|(key, value)| format!("{key}={}", url_encode(value))).collect();
            escape(format!("{path}?{}", query.join("&")).trim_end_matches('?'))
        };
        let mut links = String::new();
        if *later {
            links.push_str(&format!("<a class=\"button\" href=\"{}\">{}</a>", href(None), self.w.first_page));
        }
        if next.is_some() {
            let to = href(next.as_ref());
            links.push_str(&format!("<a class=\"button\" rel=\"next\" href=\"{to}\">{}</a>", self.w.next_page));
        }
        Html(format!("<nav class=\"pages\" aria-label=\"{}\">{links}</nav>", self.w.pages))
    }

    pub(crate) fn n(&self, n: &u64) -> String {
        format::count(*n, self.lang())
    }

    pub(crate) fn plural(&self, n: u64, one: &str, many: &str) -> String {
        format::plural(n, one, many, self.lang())
    }

    /// A template with its `{n}`.
    pub(crate) fn n_filled(&self, template: &str, n: u64) -> String {
        fill(template, &[("n", &format::count(n, self.lang()))])
    }

    pub(crate) fn invoices(&self, n: &u64) -> String {
        self.plural(*n, self.w.one_invoice, self.w.n_invoices)
    }

    pub(crate) fn fill(&self, template: &str, key: &str, value: impl std::fmt::Display) -> String {
        debug_assert!(template.contains(&format!("{{{key}}}")), "{template} has no {key}");
        fill(template, &[(key, &value.to_string())])
    }

    pub(crate) fn amount(&self, money: &Money) -> String {
        format::amount(*money, self.lang())
    }

    pub(crate) fn kr(&self, money: &Money) -> String {
        format::kr(*money, self.lang())
    }

    pub(crate) fn date_text(&self, day: &NaiveDate) -> String {
        format::date(*day, self.lang())
    }

    pub(crate) fn date(&self, day: &NaiveDate) -> Html {
        Html(format!("<time datetime=\"{day}\">{}</time>", self.date_text(day)))
    }

    pub(crate) fn moment_text(&self, at: &DateTime<Utc>) -> String {
        format::moment(*at, self.frame.now, self.lang())
    }

    pub(crate) fn moment(&self, at: &DateTime<Utc>) -> Html {
        let machine = format::oslo(*at).format("%Y-%m-%dT%H:%M:%S%:z");
        Html(format!("<time datetime=\"{machine}\">{}</time>", self.moment_text(at)))
    }

    /// `for 7 dager siden`, `i dag`, `om 3 dager`.
    pub(crate) fn days_away(&self, day: &NaiveDate) -> String {
        let (w, days) = (self.w, (*day - self.today()).num_days());
        match days {
            0 => w.today.to_owned(),
            1.. => self.plural(days.unsigned_abs(), w.in_days_one, w.in_days),
            _ => self.plural(days.unsigned_abs(), w.days_ago_one, w.days_ago),
        }
    }

    /// The due date: as a chip when it is near or past, else as a date.
    pub(crate) fn due(&self, day: &Option<NaiveDate>) -> Html {
        let Some(day) = day else { return Html::default() };
        let (w, days) = (self.w, (*day - self.today()).num_days());
        let text = match days {
            ..0 => self.plural(days.unsigned_abs(), w.due_overdue_one, w.due_overdue),
            0 => w.due_today.to_owned(),
            1..=7 => self.plural(days.unsigned_abs(), w.due_soon_one, w.due_soon),
            _ => return self.date(day),
        };
        let class = if days < 0 { "bad" } else { "warn" };
        Html(format!("<time datetime=\"{day}\">{}</time>", channel::chip(class, Icon::Clock, &text)))
    }

    pub(crate) fn money_chip(&self, state: &MoneyState) -> Html {
        channel::money_chip(*state, self.lang())
    }

    pub(crate) fn delivery_chip(&self, state: &State, channel: &Channel) -> Html {
        channel::delivery_chip(*state, Some(*channel), self.lang())
    }

    pub(crate) fn twice_chip(&self) -> Html {
        channel::chip("warn", Icon::Twice, self.w.sent_twice)
    }

    /// `eFaktura`, `e-post`: inside a sentence.
    pub(crate) fn channel_word(&self, channel: &Channel) -> &'static str {
        channel.name(self.lang())
    }

    /// `E-post`: on its own.
    pub(crate) fn channel(&self, channel: &Channel) -> String {
        capital(channel.name(self.lang()))
    }

    /// Somebody else's words in quotation marks.
    pub(crate) fn quote(&self, words: &str) -> String {
        if self.lang() == Language::English { format!("“{words}”") } else { format!("«{words}»") }
    }

    pub(crate) fn fix(&self, fix: &Fix) -> &'static str {
        fix.button(self.lang())
    }
}
