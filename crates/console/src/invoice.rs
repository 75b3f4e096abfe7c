//! One invoice: everything that happened to it and everything that will.

use crate::channel::{Channel, MoneyState};
use crate::event::{Event, Shown, newest_first};
use crate::fix::Fix;
use crate::frame::Frame;
use crate::icon::Icon;
use crate::shell::{Section, Shell};
use crate::words::fill;
use crate::{ConsoleError, format};
use askama::Template;
use chrono::NaiveDate;
use domain::delivery::State;
use domain::invoice::Kind;
use domain::money::{Micro, Money};
use domain::vat::Category;
use uuid::Uuid;

/// A line of the document.
#[derive(Debug, Clone)]
pub struct InvoiceLine {
    /// What.
    pub description: String,
    /// How much.
    pub quantity: Micro,
    /// Unit code, as the domain knows it.
    pub unit: String,
    /// Price of one, without VAT.
    pub unit_price: Micro,
    /// Discount in percent.
    pub discount: Micro,
    /// VAT category.
    pub category: Category,
    /// VAT rate in percent.
    pub rate: Micro,
    /// Sum without VAT.
    pub net: Money,
}

/// VAT at one rate.
#[derive(Debug, Clone)]
pub struct VatRow {
    /// Category.
    pub category: Category,
    /// Rate in percent.
    pub rate: Micro,
    /// Basis.
    pub basis: Money,
    /// VAT.
    pub vat: Money,
}

/// Which file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// The document as PDF.
    Pdf,
    /// The document as HTML.
    Html,
    /// The EHF.
    Ehf,
}

impl FileKind {
    /// Last part of the file's path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Html => "html",
            Self::Ehf => "ehf",
        }
    }
}

/// A file of the invoice.
#[derive(Debug, Clone)]
pub struct InvoiceFile {
    /// Which.
    pub kind: FileKind,
    /// SHA-256 in hexadecimal, when it is stored.
    pub sha256: Option<String>,
}

/// Something the user may do with the invoice. The first one given is the page's primary button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoiceAction {
    /// Leads to `/console/invoices/{id}/payment`.
    RegisterPayment,
    /// Leads to `/console/invoices/{id}/credit`.
    Credit,
    /// Posts its delivery to `/console/deliveries/act`.
    Deliver(Fix),
    /// Posts to `/console/invoices/{id}/revoke-link`.
    RevokeLink,
}

/// What the invoice page shows.
#[derive(Debug, Clone)]
pub struct InvoiceView {
    /// The invoice.
    pub id: Uuid,
    /// Invoice or credit note.
    pub kind: Kind,
    /// Its number.
    pub number: i64,
    /// Name of the customer.
    pub customer_name: String,
    /// Number of the customer.
    pub customer_number: String,
    /// Where its money stands.
    pub money: MoneyState,
    /// The latest delivery: id, state, channel.
    pub delivery: Option<(Uuid, State, Channel)>,
    /// The customer may have got it twice.
    pub possibly_sent_twice: bool,
    /// Sum with VAT.
    pub total: Money,
    /// Credited of it.
    pub credited: Money,
    /// Paid of it.
    pub paid: Money,
    /// Left to pay.
    pub remaining: Money,
    /// Date of the document.
    pub issued_on: NaiveDate,
    /// Due date.
    pub due_on: Option<NaiveDate>,
    /// First day of supply.
    pub delivered_from: NaiveDate,
    /// Last day of supply, of a period.
    pub delivered_to: Option<NaiveDate>,
    /// KID.
    pub kid: Option<String>,
    /// Account to pay to, eleven digits.
    pub account: Option<String>,
    /// The buyer's reference.
    pub your_reference: Option<String>,
    /// The buyer's order number.
    pub order_number: Option<String>,
    /// The run that issued it.
    pub run_id: Option<Uuid>,
    /// The invoice a credit note takes back.
    pub credits: Option<(Uuid, i64)>,
    /// Lines.
    pub lines: Vec<InvoiceLine>,
    /// VAT by rate.
    pub vat: Vec<VatRow>,
    /// Sum without VAT.
    pub net: Money,
    /// What happened and what is planned, in any order.
    pub events: Vec<Event>,
    /// First day a fee may be charged, when a reminder is asked for too early.
    pub fee_from: Option<NaiveDate>,
    /// Files.
    pub files: Vec<InvoiceFile>,
    /// What the user may do, the primary first.
    pub actions: Vec<InvoiceAction>,
}

/// A line ready for the template.
pub(crate) struct LineRow<'a> {
    pub(crate) description: &'a str,
    pub(crate) quantity: String,
    pub(crate) price: String,
    pub(crate) discount: Option<String>,
    pub(crate) rate: String,
    pub(crate) net: Money,
}

enum Act {
    Link(String, &'static str),
    Post(Uuid, Fix),
    Form(String, &'static str),
}

#[derive(Template)]
#[template(path = "invoice.html")]
struct Page<'a> {
    p: Shell<'a>,
    v: &'a InvoiceView,
    noun: &'static str,
    lines: Vec<LineRow<'a>>,
    vat: Vec<(String, Money)>,
    planned: Vec<Shown>,
    past: Vec<Shown>,
    first: Option<Act>,
    shown: Vec<Act>,
    more: Vec<Act>,
}

impl Page<'_> {
    fn is_late(&self) -> bool {
        matches!(self.v.money, MoneyState::Overdue | MoneyState::OverduePartlyPaid)
    }
}

/// Everything about one invoice or credit note.
pub fn invoice(view: &InvoiceView, frame: &Frame) -> Result<String, ConsoleError> {
    let p = Shell::new(frame, Section::Invoices, "");
    let noun = if view.kind == Kind::Invoice { p.w.invoice } else { p.w.credit_note };
    let p = Shell { title: format!("{noun} {}", view.number), ..p };
    let (planned, past) = newest_first(&view.events, &p);
    let show = |events: Vec<&Event>| events.into_iter().map(|event| event.shown(&p)).collect();
    let mut acts = view.actions.iter().filter_map(|action| act(*action, view, &p)).peekable();
    // Making a link dead is never what a page is there for.
    let first = acts.next_if(|act| !matches!(act, Act::Form(..)));
    let mut shown: Vec<Act> = acts.collect();
    let more = shown.split_off(shown.len().min(1));
    let page = Page {
        noun,
        lines: view.lines.iter().map(|line| line_row(line, &p)).collect(),
        vat: view.vat.iter().map(|row| (vat_words(row, &p), row.vat)).collect(),
        planned: show(planned),
        past: show(past),
        first,
        shown,
        more,
        v: view,
        p,
    };
    Ok(page.render()?)
}

fn act(action: InvoiceAction, view: &InvoiceView, p: &Shell<'_>) -> Option<Act> {
    let link = |part, text| Some(Act::Link(format!("/console/invoices/{}/{part}", view.id), text));
    match action {
        InvoiceAction::RegisterPayment => link("payment", p.t.register_payment),
        InvoiceAction::Credit => link("credit", p.t.make_credit),
        InvoiceAction::RevokeLink => {
            Some(Act::Form(format!("/console/invoices/{}/revoke-link", view.id), p.t.revoke_link))
        }
        InvoiceAction::Deliver(fix) => view.delivery.map(|(id, _, _)| Act::Post(id, fix)),
    }
}

fn rate(category: Category, rate: Micro, p: &Shell<'_>) -> String {
    match category {
        Category::O | Category::E => p.t.vat_none.to_owned(),
        _ => format!("{}\u{a0}%", format::decimal(rate, p.lang(), false)),
    }
}

pub(crate) fn line_row<'a>(line: &'a InvoiceLine, p: &Shell<'_>) -> LineRow<'a> {
    let unit = domain::unit::name(&line.unit, p.lang());
    LineRow {
        description: &line.description,
        quantity: format!("{}\u{a0}{unit}", format::decimal(line.quantity, p.lang(), false)),
        price: format::decimal(line.unit_price, p.lang(), true),
        discount: (line.discount != Micro::ZERO)
            .then(|| format!("{}\u{a0}%", format::decimal(line.discount, p.lang(), false))),
        rate: rate(line.category, line.rate, p),
        net: line.net,
    }
}

pub(crate) fn vat_words(row: &VatRow, p: &Shell<'_>) -> String {
    let basis = p.amount(&row.basis);
    match row.category {
        Category::O | Category::E => fill(p.t.no_vat, &[("basis", &basis)]),
        _ => fill(p.t.vat_of, &[("rate", &rate(row.category, row.rate, p)), ("basis", &basis)]),
    }
}
