//! Faults and outcomes: read from an invoice number, an e-mail address or a control call.

use super::status::Status;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The codes an invoice may be rejected with.
pub const REJECT_CODES: [&str; 12] = [
    "receiver_not_found",
    "no_consent",
    "blocked_by_receiver",
    "issuer_not_active",
    "account_not_registered",
    "invalid_kid",
    "due_date_too_early",
    "amount_invalid",
    "duplicate_invoice",
    "document_invalid",
    "document_too_large",
    "provider_error",
];

/// What goes wrong with one invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Fault {
    /// Rejected with this code.
    Reject(String),
    /// Stays `received` until the clock is moved.
    Slow,
    /// 503 twice, then taken.
    Unavailable,
    /// Taken; the connection closes without an answer, once.
    Lost,
    /// Taken; no answer comes, once.
    Hang,
    /// This status follows delivery.
    Then(Status),
}

impl Fault {
    /// Reads `reject:<code>` or `reject-<code>`, `slow`, `503`, `unavailable`, `lost`, `hang`, `deleted`, `expired`,
    /// `opened`, `approved`, `paid`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        if let Some(code) = text.strip_prefix("reject:").or_else(|| text.strip_prefix("reject-")) {
            return REJECT_CODES.contains(&code).then(|| Self::Reject(code.to_owned()));
        }
        Some(match text.as_str() {
            "slow" => Self::Slow,
            "503" | "unavailable" => Self::Unavailable,
            "lost" => Self::Lost,
            "hang" => Self::Hang,
            "deleted" => Self::Then(Status::DeletedByConsumer),
            "expired" => Self::Then(Status::Expired),
            "opened" => Self::Then(Status::Opened),
            "approved" => Self::Then(Status::Approved),
            "paid" => Self::Then(Status::Paid),
            _ => return None,
        })
    }

    /// The fault an invoice number ends with.
    pub(super) fn of_number(number: &str) -> Option<Self> {
        let lower = number.to_ascii_lowercase();
        if let Some((_, code)) = lower.rsplit_once("-reject-") {
            return Self::parse(&format!("reject:{code}"));
        }
        ["slow", "503", "lost"].into_iter().find(|word| lower.ends_with(&format!("-{word}"))).and_then(Self::parse)
    }

    /// The fault an e-mail address begins with.
    pub(super) fn of_email(email: &str) -> Option<Self> {
        let local = email.split_once('@')?.0;
        Self::parse(local.split('.').next()?)
    }
}

impl TryFrom<String> for Fault {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("unknown fault: {text}"))
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Reject(code) => format!("reject:{code}"),
            Fault::Slow => "slow".to_owned(),
            Fault::Unavailable => "503".to_owned(),
            Fault::Lost => "lost".to_owned(),
            Fault::Hang => "hang".to_owned(),
            Fault::Then(Status::DeletedByConsumer) => "deleted".to_owned(),
            Fault::Then(status) => status.word().to_owned(),
        }
    }
}

/// What a look-up finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Found, and accepts from everyone.
    Match,
    /// Found, has not consented.
    NoConsent,
    /// Found, has blocked the issuer.
    Blocked,
    /// Several fit.
    Ambiguous,
    /// Nobody fits.
    None,
}

impl Outcome {
    /// The outcome an address stands for.
    pub(super) fn of_email(email: &str) -> Self {
        match email.rsplit_once('@').map(|(_, host)| host) {
            Some("match.example") => Self::Match,
            Some("noconsent.example") => Self::NoConsent,
            Some("blocked.example") => Self::Blocked,
            Some("ambiguous.example") => Self::Ambiguous,
            _ => Self::None,
        }
    }
}

/// The identifier a consumer always has, found from the e-mail address or the national id.
pub fn identifier_of(key: &str) -> String {
    let digest = Sha256::digest(format!("consumer:{}", key.trim().to_lowercase()).as_bytes());
    digest.iter().take(10).fold("EFA-".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_numbers_and_addresses() {
        assert_eq!(Fault::of_number("10007"), None);
        assert_eq!(Fault::of_number("10007-503"), Some(Fault::Unavailable));
        assert_eq!(Fault::of_number("A-REJECT-no_consent"), Some(Fault::Reject("no_consent".to_owned())));
        assert_eq!(Fault::of_number("A-REJECT-nonsense"), None);
        assert_eq!(
            Fault::of_email("reject-invalid_kid.kari@match.example"),
            Some(Fault::Reject("invalid_kid".to_owned()))
        );
        assert_eq!(Fault::of_email("deleted.ola@match.example"), Some(Fault::Then(Status::DeletedByConsumer)));
        assert_eq!(Fault::of_email("kari@match.example"), None);
        for word in ["reject:no_consent", "slow", "503", "lost", "hang", "deleted", "paid"] {
            assert_eq!(String::from(Fault::parse(word).unwrap()), word);
        }
    }
}
