//! Files from the giro operator: OCR giro payments and AvtaleGiro mandates (FBO) in the 80-character NY format.
//!
//! May import `fixed`. Column numbers are those of the format note: counted from 1, both ends included.

mod inspect;
mod ocr;
mod types;
mod write;

pub use inspect::inspect;
pub use ocr::parse;
pub use types::{Assignment, GiroFile, Mandate, MandateAssignment, Payment, Registration, Transmission};
pub use write::{PaymentToWrite, write_ocr};
