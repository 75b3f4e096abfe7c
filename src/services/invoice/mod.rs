//! Invoices: drafts, issuing, crediting, and the documents made of them.

mod credit;
mod document;
mod draft;
mod issue;
mod open;

pub(super) use credit::credit_in;
pub use credit::{CreditRequest, credit};
pub(super) use document::logo;
pub use document::{RENDERER_VERSION, document, ehf, html, pdf, stored_files};
pub use draft::{DraftLine, NewDraft, create_draft, delete_draft, issue_draft, preview_draft, update_draft};
pub(super) use issue::{Billing, Prepared, issue_all, language};
pub use open::{OldKid, OpeningItem, take_over, take_over_kids};
