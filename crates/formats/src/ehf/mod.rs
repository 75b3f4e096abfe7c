//! EHF Billing 3.0 (Peppol BIS Billing 3.0, UBL 2.1): written from the frozen document, and checked before it is sent.
//!
//! The writer makes what the rules ask for; the gate knows nothing of the writer and reads any UBL file. To add a rule:
//! `rules`, with the name the official rules give it.

mod order;
mod rules;
mod tree;
mod write;

use serde::Serialize;

pub use rules::check;
pub use write::{EhfError, write};

/// Specification the documents follow (BT-24).
pub const CUSTOMIZATION: &str = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0";
/// Business process (BT-23).
pub const PROFILE: &str = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0";

/// A rule that a document breaks. Nothing that breaks one is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the rule: official, or `RESKONTRO-…` where the official rules leave a gap.
    pub rule: &'static str,
    /// Where in the document.
    pub path: String,
    /// What is wrong.
    pub message: String,
}
