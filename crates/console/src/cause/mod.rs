//! Why a delivery did not arrive, in words people understand, and what to do about it.

mod address;
mod channel;
mod own;

use crate::fix::Fix;
use crate::words::{Text, fill, pick};
use domain::customer::Language;

/// What is said and offered for one cause code.
pub(crate) struct Cause {
    codes: &'static [&'static str],
    title: Text,
    why: Text,
    advice: Text,
    fixes: &'static [Fix],
}

/// Every cause with words of its own.
pub const KNOWN: &[&str] = &[
    "no_address",
    "invalid_address",
    "einvoice_required",
    "address_suppressed",
    "hard_bounce",
    "refused_by_policy",
    "mailbox_full",
    "smtp_550",
    "smtp_5xx",
    "provider_away",
    "retries_used_up",
    "left_before_restore",
    "restricted",
    "lost_while_handing_over",
    "not_in_peppol",
    "no_credit_note_in_peppol",
    "ehf_refused",
    "access_point_refused",
    "no_consent",
    "blocked_by_receiver",
    "receiver_not_found",
    "deleted_by_consumer",
    "due_date_too_early",
    "issuer_not_active",
    "account_not_registered",
    "document_too_large",
    "mail_too_large",
    "no_channel",
    "protected_no_safe_channel",
    "held",
    "mail_not_composed",
    "document_not_stored",
    "internal",
];

/// Whether a cause has words of its own.
pub fn is_known(code: &str) -> bool {
    find(code).is_some()
}

fn find(code: &str) -> Option<&'static Cause> {
    let all = || address::CAUSES.iter().chain(channel::CAUSES).chain(own::CAUSES);
    let exact = all().find(|c| c.codes.contains(&code));
    let family = if code.starts_with("smtp_4") { "retries_used_up" } else { "smtp_5xx" };
    exact.or_else(|| code.starts_with("smtp_").then(|| all().find(|c| c.codes.contains(&family)))?)
}

/// The words for a code, known or not.
pub(crate) struct Said {
    /// A few words.
    pub(crate) title: String,
    /// What happened.
    pub(crate) why: &'static str,
    /// What to do.
    pub(crate) advice: &'static str,
    /// What helps, the best first.
    pub(crate) fixes: &'static [Fix],
}

/// What to say about a code; an unknown one is shown as it is.
pub(crate) fn say(code: &str, language: Language) -> Said {
    let cause = find(code).unwrap_or(&own::OTHER);
    Said {
        title: fill(pick(&cause.title, language), &[("code", code)]),
        why: pick(&cause.why, language),
        advice: pick(&cause.advice, language),
        fixes: cause.fixes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_cause_has_its_own_words_and_a_fix() {
        for code in KNOWN {
            let cause = find(code).unwrap_or_else(|| panic!("{code}"));
            assert!(!cause.fixes.is_empty(), "{code}");
        }
    }

    #[test]
    fn unknown_codes_are_shown_and_smtp_codes_fall_in_their_family() {
        assert!(say("gremlins", Language::English).title.contains("gremlins"));
        assert!(!say("smtp_554", Language::English).title.contains("554"));
        assert_eq!(say("smtp_450", Language::Bokmal).title, say("retries_used_up", Language::Bokmal).title);
    }
}
