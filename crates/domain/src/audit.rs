//! The two chains of the audit log. What the books need is kept as long as the books, everything else for the months a policy
//! says (retention matrix row 20); which chain an act goes to is decided here, once, when it is recorded.

use crate::privacy::RuleId;

/// A chain of segments, sealed and deleted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// Acts on invoices, payments, ledger and what they rest on.
    Books,
    /// All other acts.
    Other,
}

use Chain::{Books, Other};

/// Kinds of things acts are recorded of, and the chain each goes to. What is done with an `organisation` stands in
/// [`ORGANISATION`].
pub const SUBJECTS: &[(&str, Chain)] = &[
    // Documents, their delivery, their numbers and what they are made of.
    ("invoice", Books),
    ("invoice_run", Books),
    ("delivery", Books),
    ("number_series", Books),
    ("product", Books),
    ("vat_code", Books),
    // Money, and where it comes in and goes on to.
    ("bank_account", Books),
    ("bank_file", Books),
    ("payment", Books),
    ("posting_export", Books),
    // Who has the books of customers whose archive is not here any more.
    ("hand_over", Books),
    // Who is billed, for what from when on: the document says it itself once it is issued.
    ("customer", Other),
    ("customer_note", Other),
    ("customer_sync", Other),
    ("contact", Other),
    ("standing_order", Other),
    ("invoice_draft", Other),
    // Access and other systems.
    ("api_key", Other),
    ("blocked_address", Other),
    ("user", Other),
    ("webhook_endpoint", Other),
    ("job", Other),
    // Personal data.
    ("breach", Other),
    ("erased_number", Other),
    ("privacy_erasure", Other),
    ("privacy_hold", Other),
    ("privacy_policy", Other),
    ("privacy_request", Other),
    ("privacy_retention", Other),
    ("privacy_statement", Other),
    ("privacy_statement_acceptance", Other),
    ("processor", Other),
];

/// What is done with an organisation as a whole, and the chain it goes to.
pub const ORGANISATION: &[(&str, Chain)] = &[
    ("organisation.created", Books),
    // Financial year, registration for VAT and terms among it.
    ("organisation.changed", Books),
    ("gl_accounts.changed", Books),
    ("kids.taken_over", Books),
    ("opening_items.taken_over", Books),
    ("organisation.logo_changed", Other),
    ("organisation.dpa_accepted", Other),
    ("organisation.efaktura_registered", Other),
    ("organisation.ending", Other),
    ("organisation.goes_on", Other),
    ("column_mapping.saved", Other),
    ("customers.archived", Other),
    ("customers.ended", Other),
    ("privacy.scrubbed", Other),
];

impl Chain {
    /// Both.
    pub const ALL: [Self; 2] = [Books, Other];

    /// Its name in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Books => "books",
            Other => "other",
        }
    }

    /// The clock it lives by.
    pub const fn rule(self) -> RuleId {
        match self {
            Books => RuleId::AuditBooks,
            Other => RuleId::AuditOther,
        }
    }

    /// The chain an act was sorted into; none when nobody has.
    pub fn sorted(subject: &str, verb: &str) -> Option<Self> {
        let (list, name) = if subject == "organisation" { (ORGANISATION, verb) } else { (SUBJECTS, subject) };
        list.iter().find(|(known, _)| *known == name).map(|(_, chain)| *chain)
    }

    /// The chain of an act. One that nobody has sorted is kept with the books: too long is mended, too short is not.
    pub fn of(subject: &str, verb: &str) -> Self {
        Self::sorted(subject, verb).unwrap_or(Books)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_kind_is_sorted_once() {
        for list in [SUBJECTS, ORGANISATION] {
            let names: HashSet<&str> = list.iter().map(|(name, _)| *name).collect();
            assert_eq!(names.len(), list.len());
        }
    }

    #[test]
    fn what_the_books_need_is_kept_with_the_books() {
        assert_eq!(Chain::of("invoice", "invoice.issued"), Books);
        assert_eq!(Chain::of("organisation", "gl_accounts.changed"), Books);
        assert_eq!(Chain::of("organisation", "customers.ended"), Other);
        assert_eq!(Chain::of("customer", "customer.changed"), Other);
        assert_eq!((Chain::of("something_new", "x"), Chain::sorted("something_new", "x")), (Books, None));
    }
}
