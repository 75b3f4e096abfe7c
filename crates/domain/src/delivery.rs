//! Deliveries: one set of states for all channels, and when to try again (decisions 39-41).

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

macro_rules! states {
    ($($variant:ident $name:literal $doc:literal),+ $(,)?) => {
        /// Where a delivery stands.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum State { $(#[doc = $doc] $variant),+ }

        impl State {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Stored name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

states! {
    Queued "queued" "Waits for its turn.",
    Sending "sending" "A worker holds it; nothing has left.",
    HandingOver "handing_over" "The receiver is being given the content.",
    AwaitingReceipt "awaiting_receipt" "Handed over; the channel will report.",
    Delivered "delivered" "The channel's own word for arrived: for mail, accepted by the relay.",
    Retrying "retrying" "Failed for now; tried again later.",
    Failed "failed" "Did not go; a person decides.",
    Rejected "rejected" "The receiver said no.",
    Held "held" "Held back on purpose.",
    Cancelled "cancelled" "Taken back before it left.",
    Unknown "unknown" "Lost between handing over and the answer; never resent by itself.",
}

impl State {
    /// From its stored name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.as_str() == text)
    }

    /// Whether a person must act.
    pub const fn needs_person(self) -> bool {
        matches!(self, Self::Failed | Self::Rejected | Self::Unknown)
    }
}

/// How an attempt ended, as the channel understands it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The relay took it.
    Accepted,
    /// Not now: try later.
    Temporary,
    /// Not ever.
    Permanent,
    /// The content was being handed over when the line went dead.
    Lost,
}

/// Retry schedule: minutes after each failed attempt; after the last one a person decides.
pub const RETRY_MINUTES: [i64; 8] = [1, 5, 15, 60, 180, 360, 720, 1440];

/// When to try again after `attempts` failed ones; `None` when it was the last. `jitter` is 0 to 65535 and moves the
/// wait by up to ±20 %.
pub fn next_try(now: DateTime<Utc>, attempts: u32, jitter: u16) -> Option<DateTime<Utc>> {
    let minutes = RETRY_MINUTES.get(usize::try_from(attempts).ok()?.checked_sub(1)?)?;
    let base = minutes * 60;
    let spread = base * 2 / 5;
    let offset = spread * i64::from(jitter) / i64::from(u16::MAX) - spread / 2;
    now.checked_add_signed(Duration::seconds(base + offset))
}

/// The state after an attempt, and when it is tried again.
pub fn after_attempt(
    outcome: Outcome,
    now: DateTime<Utc>,
    attempts: u32,
    jitter: u16,
) -> (State, Option<DateTime<Utc>>) {
    match outcome {
        Outcome::Accepted => (State::Delivered, None),
        Outcome::Permanent => (State::Failed, None),
        Outcome::Lost => (State::Unknown, None),
        Outcome::Temporary => match next_try(now, attempts, jitter) {
            Some(at) => (State::Retrying, Some(at)),
            None => (State::Failed, None),
        },
    }
}

/// Why an invoice to a business may go as mail although e-invoices are a duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailGround {
    /// Sales of the seller below the threshold of 50 000 kroner.
    BelowThreshold,
    /// Another electronic format is agreed; until the end of 2029.
    OtherFormat,
    /// The buyer keeps no books by law.
    NotBookkeepingLiable,
}

impl MailGround {
    /// Stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BelowThreshold => "below_threshold",
            Self::OtherFormat => "other_format",
            Self::NotBookkeepingLiable => "not_bookkeeping_liable",
        }
    }

    /// From its stored name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::BelowThreshold, Self::OtherFormat, Self::NotBookkeepingLiable].into_iter().find(|g| g.as_str() == text)
    }

    /// Whether it still holds for a document of this day.
    pub fn holds_on(self, issued_on: NaiveDate) -> bool {
        self != Self::OtherFormat || issued_on.year() <= 2029
    }
}

/// Whether a document for a business may go as mail (regulation FOR-2026-09-29-1933; decision 42).
pub fn may_mail_business(issued_on: NaiveDate, duty_from: NaiveDate, ground: Option<MailGround>) -> bool {
    issued_on < duty_from || ground.is_some_and(|g| g.holds_on(issued_on))
}

/// Whether an e-mail address has a shape mail can be sent to: one @, a dotted domain, no blanks, at most 254 bytes.
pub fn is_mail_address(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= 254
        && (1..=64).contains(&local.len())
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c))
        && host.contains('.')
        && host.split('.').all(label)
        && host.rsplit('.').next().is_some_and(|tld| tld.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_stay_within_a_fifth_and_end() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for (i, minutes) in RETRY_MINUTES.iter().enumerate() {
            for jitter in [0, u16::MAX / 2, u16::MAX] {
                let at = next_try(now, u32::try_from(i + 1).unwrap(), jitter).unwrap();
                let wait = (at - now).num_seconds();
                assert!((minutes * 48..=minutes * 72).contains(&wait), "{minutes} {wait}");
            }
        }
        assert_eq!(next_try(now, 9, 0), None);
        assert_eq!(next_try(now, 0, 0), None);
    }

    #[test]
    fn mail_to_a_business_needs_a_ground_from_the_day_of_the_duty() {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        let duty = day(2027, 1, 1);
        assert!(may_mail_business(day(2026, 12, 31), duty, None));
        assert!(!may_mail_business(duty, duty, None));
        assert!(may_mail_business(duty, duty, Some(MailGround::BelowThreshold)));
        assert!(may_mail_business(day(2029, 12, 31), duty, Some(MailGround::OtherFormat)));
        assert!(!may_mail_business(day(2030, 1, 1), duty, Some(MailGround::OtherFormat)));
        assert!(may_mail_business(day(2030, 1, 1), duty, Some(MailGround::NotBookkeepingLiable)));
    }

    #[test]
    fn a_line_lost_while_handing_over_is_unknown_not_retried() {
        let now = DateTime::from_timestamp(0, 0).unwrap();
        assert_eq!(after_attempt(Outcome::Lost, now, 1, 0), (State::Unknown, None));
        let last = after_attempt(Outcome::Temporary, now, 9, 0);
        assert_eq!(last, (State::Failed, None));
    }

    #[test]
    fn addresses_that_cannot_work_are_seen() {
        for good in ["kari@example.org", "faktura+2@myrull-renhold.example", "åse@blåbær.example"] {
            assert!(is_mail_address(good), "{good}");
        }
        for bad in [
            "",
            "kari",
            "kari@",
            "@example.org",
            "kari@example",
            "a b@example.org",
            "a@b..no",
            "a@-b.no",
            "kari@example.org, ola@example.org",
            "a..b@example.org",
            "kari@example.n",
        ] {
            assert!(!is_mail_address(bad), "{bad}");
        }
    }
}
