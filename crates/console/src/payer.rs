//! The payer's page: what is owed and how to pay for anybody with the link, the invoice itself after a one-time code.
//!
//! The views hold the link's token, so they have no `Debug`.

use crate::asking::{Asked, KindChoice, kinds, stands};
use crate::event::{Event, Shown, newest_first};
use crate::frame::Frame;
use crate::html::{Html, escape};
use crate::icon::Icon;
use crate::invoice::{InvoiceLine, LineRow, VatRow, line_row, vat_words};
use crate::shell::{Section, Shell};
use crate::words::{AskingWords, PayerWords, asking_words, fill, payer_words};
use crate::{ConsoleError, channel, format};
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use domain::customer::Language;
use domain::invoice::Kind;
use domain::money::Money;

/// The organisation that is paid.
pub struct PayerSeller {
    /// Its name.
    pub name: String,
    /// Its organisation number, nine digits.
    pub org_number: Option<String>,
    /// Where payers write.
    pub email: Option<String>,
    /// Where payers call.
    pub phone: Option<String>,
    /// Its mark as a `data:` address.
    pub logo: Option<String>,
}

/// What the visitor has just been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayerSaid {
    /// A code is on its way.
    Sent,
    /// Mail cannot leave now.
    Away,
    /// Enough codes for today.
    TooMany,
    /// The mail was refused.
    Refused,
    /// The code is wrong.
    Wrong,
    /// There is no code that works.
    Dead,
    /// The form did not come from this browser's page.
    Form,
    /// The invoice is closed.
    Closed,
    /// A request about personal data is taken in.
    Asked,
    /// What was asked for cannot be taken in as it stands.
    NotAsked,
}

impl PayerSaid {
    const ALL: [Self; 10] = [
        Self::Sent,
        Self::Away,
        Self::TooMany,
        Self::Refused,
        Self::Wrong,
        Self::Dead,
        Self::Form,
        Self::Closed,
        Self::Asked,
        Self::NotAsked,
    ];

    /// Name in the address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Away => "away",
            Self::TooMany => "too_many",
            Self::Refused => "refused",
            Self::Wrong => "wrong",
            Self::Dead => "dead",
            Self::Form => "form",
            Self::Closed => "closed",
            Self::Asked => "asked",
            Self::NotAsked => "not_asked",
        }
    }

    /// From its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }
}

/// What the code opens.
pub struct PayerInvoice {
    /// Name of the payer.
    pub name: String,
    /// Number of the document.
    pub number: u64,
    /// Lines.
    pub lines: Vec<InvoiceLine>,
    /// VAT by rate.
    pub vat: Vec<VatRow>,
    /// Sum without VAT.
    pub net: Money,
    /// What happened and what is planned, in any order.
    pub events: Vec<Event>,
    /// What the payer has asked for about their data, the newest first.
    pub requests: Vec<Asked>,
}

/// What stands between the visitor and the invoice.
pub enum PayerDoor {
    /// No code can be sent.
    NoAddress,
    /// A code can be sent.
    Closed {
        /// Where to, masked.
        masked: String,
        /// Tries left of a code that works.
        tries_left: Option<u64>,
    },
    /// The code was right.
    Open(Box<PayerInvoice>),
}

/// What the payer's page shows.
pub struct PayerView {
    /// Path of the page, `/i/` and the token.
    pub path: String,
    /// Language of the page.
    pub language: Language,
    /// What time it is.
    pub now: DateTime<Utc>,
    /// Token of the forms.
    pub csrf: String,
    /// What the visitor has just been told.
    pub said: Option<PayerSaid>,
    /// Who is paid.
    pub seller: PayerSeller,
    /// Invoice or credit note.
    pub kind: Kind,
    /// Sum with VAT.
    pub total: Money,
    /// Left to pay.
    pub remaining: Money,
    /// Taken back by credit notes.
    pub credited: Money,
    /// Due date.
    pub due_on: Option<NaiveDate>,
    /// KID.
    pub kid: Option<String>,
    /// Account to pay to, eleven digits.
    pub account: String,
    /// Where the seller's privacy statement is read.
    pub privacy: Option<String>,
    /// What stands between the visitor and the invoice.
    pub door: PayerDoor,
}

struct CopyRow {
    label: &'static str,
    shown: Html,
    copied: String,
}

#[derive(Template)]
#[template(path = "payer.html")]
struct Page<'a> {
    p: Shell<'a>,
    y: &'static PayerWords,
    v: &'a PayerView,
    said: Option<(bool, String)>,
    wrong: bool,
    owed: String,
    chip: Html,
    beside: Vec<String>,
    text: Option<&'static str>,
    rows: Vec<CopyRow>,
    lines: Vec<LineRow<'a>>,
    lines_text: String,
    vat: Vec<(String, Money)>,
    planned: Vec<Shown>,
    past: Vec<Shown>,
    next: String,
    a: &'static AskingWords,
    kinds: Vec<KindChoice>,
    asked: Vec<AskedRow>,
    asked_open: bool,
}

/// A request as a row: what, how it stands, where its answer is.
struct AskedRow {
    kind: &'static str,
    stands: String,
    answer: Option<String>,
}

/// Digits in groups that only look apart: what is copied is digits alone.
fn spaced(digits: &str, breaks: &[usize]) -> Html {
    let mut out = String::from("<span class=\"digits\">");
    let mut group = String::new();
    for (i, c) in digits.chars().enumerate() {
        if breaks.contains(&i) {
            out.push_str(&format!("<span>{}</span><wbr>", escape(&group)));
            group.clear();
        }
        group.push(c);
    }
    out.push_str(&format!("<span>{}</span></span>", escape(&group)));
    Html(out)
}

impl PayerView {
    fn is_paid(&self) -> bool {
        !self.remaining.is_positive()
    }

    fn is_nothing(&self) -> bool {
        self.kind == Kind::CreditNote || !self.total.is_positive()
    }

    fn is_credited(&self) -> bool {
        self.is_paid() && self.credited >= self.total
    }

    /// A credit note says what it gives back; all else what is left to pay.
    fn amount(&self) -> Money {
        if self.kind == Kind::CreditNote { self.total } else { self.remaining }
    }

    fn paid(&self) -> Money {
        self.total - self.remaining - self.credited
    }

    fn copy_rows(&self, p: &Shell<'_>, y: &PayerWords) -> Vec<CopyRow> {
        if self.is_nothing() || self.is_paid() {
            return Vec::new();
        }
        let plain = format::amount(self.remaining, p.lang()).replace(['\u{a0}'], "");
        let mut rows = vec![CopyRow { label: y.to_pay, shown: Html(escape(&p.kr(&self.remaining))), copied: plain }];
        if let Some(kid) = &self.kid {
            let breaks: Vec<usize> = (4..kid.len()).step_by(4).collect();
            rows.push(CopyRow { label: p.w.kid, shown: spaced(kid, &breaks), copied: kid.clone() });
        }
        let shown = spaced(&self.account, if self.account.len() == 11 { &[4, 6] } else { &[] });
        rows.push(CopyRow { label: y.to_account, shown, copied: self.account.clone() });
        rows
    }

    fn chip(&self, p: &Shell<'_>, y: &PayerWords) -> Html {
        if self.is_nothing() {
            return channel::chip("neutral", Icon::Info, y.nothing);
        }
        if self.is_credited() {
            return channel::chip("neutral", Icon::Back, y.credited);
        }
        if self.is_paid() {
            return channel::chip("ok", Icon::Check, y.paid);
        }
        let Some(due) = self.due_on else { return Html::default() };
        let days = (due - p.today()).num_days();
        let date = p.date_text(&due);
        match days {
            ..0 => channel::chip("warn", Icon::Clock, &p.fill(y.overdue, "date", date)),
            0 => channel::chip("warn", Icon::Clock, y.due_today),
            _ => channel::chip("info", Icon::Clock, &p.fill(y.due, "date", date)),
        }
    }

    /// What has gone off the amount, while something is left.
    fn beside(&self, p: &Shell<'_>, y: &PayerWords) -> Vec<String> {
        if self.is_nothing() || self.is_paid() {
            return Vec::new();
        }
        let part = |words, money: Money| money.is_positive().then(|| p.fill(words, "amount", p.kr(&money)));
        [part(y.part_paid, self.paid()), part(y.part_credited, self.credited)].into_iter().flatten().collect()
    }

    fn text(&self, y: &PayerWords) -> Option<&'static str> {
        match () {
            () if self.is_nothing() => Some(y.nothing_text),
            () if self.is_credited() => Some(y.credited_text),
            () if self.is_paid() => Some(y.paid_thanks),
            () => None,
        }
    }

    fn next(&self, p: &Shell<'_>, y: &PayerWords) -> String {
        match self.due_on {
            Some(due) if !self.is_paid() && due >= p.today() => p.fill(y.next_due, "date", p.date_text(&due)),
            Some(due) if !self.is_paid() => p.fill(y.next_overdue, "date", p.date_text(&due)),
            _ => y.next_nothing.to_owned(),
        }
    }

    /// What has just happened, in words; whether it went well.
    fn told(&self, p: &Shell<'_>, y: &PayerWords) -> Option<(bool, String)> {
        let bad = |text: &str| Some((false, text.to_owned()));
        match (self.said?, &self.door) {
            (PayerSaid::Closed, PayerDoor::Open(_)) => None,
            (PayerSaid::Closed, _) => Some((true, y.said_closed.to_owned())),
            (PayerSaid::Form, _) => bad(y.said_form),
            (PayerSaid::Asked, PayerDoor::Open(_)) => Some((true, asking_words(self.language).said_asked.to_owned())),
            (PayerSaid::NotAsked, PayerDoor::Open(_)) => bad(asking_words(self.language).said_not_asked),
            (PayerSaid::Sent, PayerDoor::Closed { masked, tries_left: Some(_) }) => {
                Some((true, p.fill(y.code_sent, "address", masked)))
            }
            (PayerSaid::Away, PayerDoor::Closed { .. }) => bad(y.said_away),
            (PayerSaid::TooMany, PayerDoor::Closed { .. }) => {
                Some((false, p.fill(y.said_too_many, "seller", &self.seller.name)))
            }
            (PayerSaid::Refused, PayerDoor::Closed { .. }) => {
                Some((false, p.fill(y.said_refused, "seller", &self.seller.name)))
            }
            (PayerSaid::Wrong, PayerDoor::Closed { tries_left: Some(1), .. }) => bad(y.said_wrong_last),
            (PayerSaid::Wrong, PayerDoor::Closed { tries_left: Some(n), .. }) => {
                Some((false, p.fill(y.said_wrong, "n", n)))
            }
            (PayerSaid::Wrong | PayerSaid::Dead, PayerDoor::Closed { tries_left: None, .. }) => bad(y.said_dead),
            _ => None,
        }
    }
}

fn title(view: &PayerView, p: &Shell<'_>, y: &PayerWords) -> String {
    let invoice = view.kind == Kind::Invoice;
    match &view.door {
        PayerDoor::Open(opened) => {
            let template = if invoice { y.invoice_to } else { y.credit_note_to };
            p.fill(template, "number", opened.number).replace("{name}", &opened.name)
        }
        _ => p.fill(if invoice { y.invoice_from } else { y.credit_note_from }, "seller", &view.seller.name),
    }
}

/// The payer's page.
pub fn payer(view: &PayerView) -> Result<String, ConsoleError> {
    let frame = Frame { csrf: view.csrf.clone(), ..Frame::bare(view.language, view.now) };
    let p = Shell::new(&frame, Section::None, "");
    let y = payer_words(view.language);
    let p = Shell { title: title(view, &p, y), ..p };
    let opened = match &view.door {
        PayerDoor::Open(opened) => Some(opened.as_ref()),
        _ => None,
    };
    let lines: Vec<LineRow<'_>> = opened.iter().flat_map(|o| o.lines.iter()).map(|line| line_row(line, &p)).collect();
    let (planned, past) = opened.map(|o| newest_first(&o.events, &p)).unwrap_or_default();
    let count = u64::try_from(lines.len()).unwrap_or_default();
    let a = asking_words(view.language);
    let asked = opened.iter().flat_map(|o| o.requests.iter()).map(|r| AskedRow {
        kind: a.kind_of(&r.kind),
        stands: stands(r, a, &p),
        answer: r.package.then(|| format!("{}/requests/{}", view.path, r.id)),
    });
    let page = Page {
        a,
        kinds: kinds(a, false, ""),
        asked: asked.collect(),
        asked_open: matches!(view.said, Some(PayerSaid::Asked | PayerSaid::NotAsked)),
        y,
        said: view.told(&p, y),
        wrong: matches!(view.said, Some(PayerSaid::Wrong)),
        owed: p.kr(&view.amount()),
        chip: view.chip(&p, y),
        beside: view.beside(&p, y),
        text: view.text(y),
        rows: view.copy_rows(&p, y),
        lines_text: p.plural(count, y.lines_one, y.lines),
        lines,
        vat: opened.iter().flat_map(|o| o.vat.iter()).map(|row| (vat_words(row, &p), row.vat)).collect(),
        planned: planned.into_iter().map(|event| event.shown(&p)).collect(),
        past: past.into_iter().map(|event| event.shown(&p)).collect(),
        next: view.next(&p, y),
        v: view,
        p,
    };
    Ok(page.render()?)
}

#[derive(Template)]
#[template(path = "payer_dead.html")]
struct Dead<'a> {
    p: Shell<'a>,
    text: String,
}

fn without_invoice(language: Language, title: &str, text: impl Into<String>) -> Result<String, ConsoleError> {
    let frame = Frame::bare(language, DateTime::UNIX_EPOCH);
    let p = Shell::new(&frame, Section::None, title);
    Ok(Dead { p, text: text.into() }.render()?)
}

/// The page of every link that does not work: whether there is an invoice is not said.
pub fn payer_dead(language: Language) -> Result<String, ConsoleError> {
    let y = payer_words(language);
    without_invoice(language, y.dead, y.dead_text)
}

/// The page shown when too many codes were tried from an address: wait so many minutes.
pub fn payer_rests(language: Language, minutes: u64) -> Result<String, ConsoleError> {
    let y = payer_words(language);
    without_invoice(language, y.rests, fill(y.rests_text, &[("n", &format::count(minutes, language))]))
}

/// The page shown at an address that a person has blocked.
pub fn payer_blocked(language: Language) -> Result<String, ConsoleError> {
    let y = payer_words(language);
    without_invoice(language, y.blocked, y.blocked_text)
}

/// The page shown over a line others can read.
pub fn payer_clear(language: Language) -> Result<String, ConsoleError> {
    let y = payer_words(language);
    without_invoice(language, y.clear, y.clear_text)
}

/// The page shown when something fails on our side.
pub fn payer_trouble(language: Language) -> Result<String, ConsoleError> {
    let y = payer_words(language);
    without_invoice(language, y.trouble, y.trouble_text)
}
