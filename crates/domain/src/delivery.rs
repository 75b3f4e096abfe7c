//! Deliveries: one set of states for all channels, and when to try again (decisions 39-41).

use chrono::{DateTime, Duration, Utc};
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
