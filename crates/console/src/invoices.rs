//! The list of invoices, with its two searches.

use crate::ConsoleError;
use crate::channel::{Channel, MoneyState};
use crate::frame::Frame;
use crate::icon::Icon;
use crate::shell::{Section, Shell};
use askama::Template;
use chrono::NaiveDate;
use domain::delivery::State;
use domain::invoice::Kind;
use domain::money::Money;
use uuid::Uuid;

/// One invoice of the list.
#[derive(Debug, Clone)]
pub struct InvoiceRow {
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
    /// Date of the document.
    pub issued_on: NaiveDate,
    /// Due date.
    pub due_on: Option<NaiveDate>,
    /// Sum with VAT.
    pub total: Money,
    /// Where its money stands.
    pub money: MoneyState,
    /// The latest delivery.
    pub delivery: Option<(State, Channel)>,
}

/// What was searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum InvoiceSearch {
    /// Nothing.
    #[default]
    All,
    /// A number or KID, from the address.
    Number(String),
    /// A name, kept on the server under a token.
    Name {
        /// The token in the address.
        token: String,
        /// The name.
        name: String,
    },
}

/// What the list shows.
#[derive(Debug, Clone, Default)]
pub struct InvoicesView {
    /// What was searched for.
    pub search: InvoiceSearch,
    /// Invoices, newest first.
    pub rows: Vec<InvoiceRow>,
    /// Whether these follow an earlier page.
    pub is_later_page: bool,
    /// Cursor of the next page.
    pub next: Option<String>,
}

#[derive(Template)]
#[template(path = "invoices.html")]
struct Page<'a> {
    p: Shell<'a>,
    v: &'a InvoicesView,
    number: &'a str,
    name: &'a str,
    /// Key and value that keep the search in links.
    kept: Vec<(&'static str, &'a str)>,
}

/// The list of invoices.
pub fn invoices(view: &InvoicesView, frame: &Frame) -> Result<String, ConsoleError> {
    let p = Shell::new(frame, Section::Invoices, crate::words::words(frame.language).invoices);
    let (number, name, kept) = match &view.search {
        InvoiceSearch::All => ("", "", Vec::new()),
        InvoiceSearch::Number(number) => (number.as_str(), "", vec![("q", number.as_str())]),
        InvoiceSearch::Name { token, name } => ("", name.as_str(), vec![("search", token.as_str())]),
    };
    Ok(Page { p, v: view, number, name, kept }.render()?)
}
