//! The print queue: what must leave on paper.

use crate::ConsoleError;
use crate::frame::Frame;
use crate::icon::Icon;
use crate::shell::{Section, Shell};
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use domain::money::Money;
use uuid::Uuid;

/// One delivery that waits for paper.
#[derive(Debug, Clone)]
pub struct PrintRow {
    /// The delivery.
    pub id: Uuid,
    /// Its invoice.
    pub invoice_id: Uuid,
    /// Number of the invoice.
    pub invoice_number: i64,
    /// Name of the customer.
    pub customer_name: String,
    /// Number of the customer.
    pub customer_number: String,
    /// Since when it waits.
    pub queued_at: DateTime<Utc>,
    /// When it was last in a downloaded PDF.
    pub downloaded_at: Option<DateTime<Utc>>,
    /// Due date.
    pub due_on: Option<NaiveDate>,
    /// Amount of the invoice.
    pub amount: Money,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct PrintQueueView {
    /// Deliveries that wait, on all pages.
    pub waiting: u64,
    /// Sheets of the merged PDF, its list included, when known.
    pub pages: Option<u64>,
    /// One page of them, oldest first.
    pub rows: Vec<PrintRow>,
    /// Whether these follow an earlier page.
    pub is_later_page: bool,
    /// Cursor of the next page.
    pub next: Option<String>,
}

#[derive(Template)]
#[template(path = "print_queue.html")]
struct Page<'a> {
    p: Shell<'a>,
    v: &'a PrintQueueView,
}

/// The print queue.
pub fn print_queue(view: &PrintQueueView, frame: &Frame) -> Result<String, ConsoleError> {
    let p = Shell::new(frame, Section::Print, "");
    let title = match view.waiting {
        0 => p.t.print_none.to_owned(),
        n => p.plural(n, p.t.print_head_one, p.t.print_head),
    };
    Ok(Page { p: Shell { title, ..p }, v: view }.render()?)
}
