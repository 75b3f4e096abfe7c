//! Personal data in words people read: what is held, why, and until when.

mod answer;
mod breach;
mod certificate;
mod consequence;
mod notice;
mod package;
mod receipt;
mod records;
mod statement;
mod words;

pub use answer::{AnswerFacts, Said, request_answer};
pub use breach::{Addressee, BreachFacts, breach_letter, breach_notice, breach_notification};
pub use certificate::{Certificate, Kept, certificate};
pub use consequence::{Stop, stop};
pub use notice::{ChangeFacts, Changes, change_notice};
pub use package::{DataTable, HeldFacts, PackageFacts, package};
pub use receipt::{ReceiptFacts, request_receipt};
pub use records::{Activity, Records, records, records_paper};
pub use statement::{Cookie, CookiePurpose, Organisation, Processor, Signed, Statement, cookie_declaration, statement};
pub use words::{basis, ground, hold, period, purpose, recipient, subject, title, transfer, trigger};
