//! The console's pages: typed views in, HTML out; no clock, no database, no network.
//!
//! Every page is a function of its view and the [`Frame`] around it, and works without script.
//! May import `domain` only. To add a page: its view and function in a file named as the page, its template, its words
//! in `words`, its sample in `samples`.

mod asking;
mod cause;
mod channel;
mod deliveries;
mod desk;
mod event;
mod figure;
mod fix;
mod format;
mod frame;
mod html;
mod icon;
mod invoice;
mod invoices;
mod payer;
mod print_queue;
mod questions;
mod reason;
mod run;
pub mod samples;
mod shell;
mod sign_in;
mod sign_ins;
mod trouble;
mod webhooks;
mod words;

pub use asking::{AskFormView, Asked, AskedState, FormSaid, REQUEST_KINDS, ask_form};
pub use cause::{KNOWN as KNOWN_CAUSES, is_known as is_known_cause};
pub use channel::{Channel, MoneyState};
pub use deliveries::{ChannelCounts, ChannelDown, DeliveriesView, DeliveryRow, ReasonCount, RunBar, Tab, deliveries};
pub use desk::{
    DeskView, ErasurePart, ErasureRow, ErasureView, PartFate, PlanItem, PlanRow, PlanView, RequestPageView, RequestRow,
    RequestState, desk, desk_erasure, desk_plan, desk_request,
};
pub use event::{Event, EventAt, EventKind};
pub use fix::Fix;
pub use frame::{Band, Flash, Frame, Health, NewStatement, Organisation, Theme};
pub use invoice::{FileKind, InvoiceAction, InvoiceFile, InvoiceLine, InvoiceView, VatRow, invoice};
pub use invoices::{InvoiceRow, InvoiceSearch, InvoicesView, invoices};
pub use payer::{
    PayerDoor, PayerInvoice, PayerSaid, PayerSeller, PayerView, payer, payer_blocked, payer_clear, payer_dead,
    payer_rests, payer_trouble,
};
pub use print_queue::{PrintQueueView, PrintRow, print_queue};
pub use questions::{ChannelChoice, ConfirmView, QuestionRow, RedirectError, RedirectView, delivery_confirm, redirect};
pub use reason::{KNOWN as KNOWN_REASONS, is_known as is_known_reason};
pub use run::{RunRow, RunState, RunStep, RunView, RunsView, run, runs};
pub use sign_in::{SignInError, SignInView, sign_in};
pub use sign_ins::{SignInOutcome, SignInRow, SignInsView, sign_ins};
pub use trouble::{ErrorView, error};
pub use webhooks::{DisabledWhy, Endpoint, EndpointState, WebhookFailure, WebhooksView, webhooks};

/// The stylesheet, served at `/console/assets/console.css`.
pub const CSS: &str = include_str!("../static/console.css");
/// The script, served at `/console/assets/console.js`. Every page works without it.
pub const JS: &str = include_str!("../static/console.js");
/// The icon of the window, served at `/console/assets/icon.svg` as `image/svg+xml`.
pub const ICON: &str = include_str!("../static/icon.svg");
/// What the payer's page adds to the stylesheet.
const PAYER_CSS: &str = include_str!("../static/payer.css");
/// The script of the payer's page, served at `/i/assets/payer.js`. The page works without it.
pub const PAYER_JS: &str = include_str!("../static/payer.js");
/// The policy the pages are made for.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' \
    data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The stylesheet of the payer's page, served at `/i/assets/payer.css` beside its fonts: payers ask nothing of the console.
pub fn payer_css() -> String {
    CSS.replace("/console/assets/", "/i/assets/") + PAYER_CSS
}

/// Why a page could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The template failed.
    #[error("the page could not be drawn: {0}")]
    Template(#[from] askama::Error),
}
