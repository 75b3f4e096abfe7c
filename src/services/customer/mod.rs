//! Customers: sync by plan and apply, and changes by hand.

mod apply;
mod classify;
mod edit;
mod erased;
mod note;
mod plan;

pub use apply::{Applied, apply, discard};
pub use classify::{Action, PlanRow};
pub use edit::{
    Ending, NewContact, NewDocumentAddress, NewMailGround, Renumbering, Whole, add_contact, contacts, create, end,
    end_by_policy, end_due, patch, read, remove_contact, renumber, reopen, set_document_address, set_mail_ground,
    set_mapping,
};
pub use erased::{Readmission, contact_hashes, number_hash, readmit};
pub use note::{NewNote, NoteView, add_note, close_note, notes};
pub use plan::{
    Counts, Guard, Input, PlanReport, PlanSummary, Renumbered, find_plan, part_of_plan, plan, rows_of_plan,
};
