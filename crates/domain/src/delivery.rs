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
    /// It has arrived, as far as the channel can tell.
    Accepted,
    /// It is handed over; the channel reports later.
    HandedOver,
    /// Not now: try later.
    Temporary,
    /// The provider itself does not answer; nothing of this document has left.
    Away,
    /// Not ever.
    Permanent,
    /// The content was being handed over when the line went dead.
    Lost,
}

/// Retry schedule: minutes after each failed attempt; after the last one a person decides.
pub const RETRY_MINUTES: [i64; 8] = [1, 5, 15, 60, 180, 360, 720, 1440];
/// Days a provider may be away before a person decides.
const AWAY_DAYS: i64 = 5;
/// Seconds after which a receipt is asked for first.
const FIRST_CHECK_SECONDS: i64 = 5;
/// Days a receipt may stay out before a person decides.
const RECEIPT_DAYS: i64 = 5;

/// What is known when an attempt has ended.
#[derive(Debug, Clone, Copy)]
pub struct Attempted {
    /// When it ended.
    pub now: DateTime<Utc>,
    /// Tries on this channel, this one included.
    pub tries: u32,
    /// The first of them.
    pub since: DateTime<Utc>,
    /// 0 to 65535; moves the wait by up to ±20 %.
    pub jitter: u16,
    /// Seconds the provider asked to wait.
    pub retry_after: Option<u32>,
    /// The provider can be asked what became of a document.
    pub can_ask: bool,
}

impl Attempted {
    /// When to try again after this failed try; `None` when it was the last.
    pub fn next_try(&self) -> Option<DateTime<Utc>> {
        let minutes = RETRY_MINUTES.get(usize::try_from(self.tries).ok()?.checked_sub(1)?)?;
        Some(self.wait(*minutes))
    }

    /// A wait with jitter; what the provider asked for lengthens it, up to a day.
    fn wait(&self, minutes: i64) -> DateTime<Utc> {
        let base = minutes * 60;
        let spread = base * 2 / 5;
        let jittered = base + spread * i64::from(self.jitter) / i64::from(u16::MAX) - spread / 2;
        let asked = i64::from(self.retry_after.unwrap_or_default()).min(86_400);
        self.now + Duration::seconds(jittered.max(asked))
    }

    /// Minutes to the next try while the provider is away: often at first. That is its trouble, and costs a document none
    /// of its tries.
    fn away_minutes(&self) -> i64 {
        match (self.now - self.since).num_minutes() {
            ..5 => 1,
            5..30 => 5,
            _ => 15,
        }
    }

    /// The state after the attempt, and when the next step is due.
    pub fn then(&self, outcome: Outcome) -> (State, Option<DateTime<Utc>>) {
        let again = |at: Option<DateTime<Utc>>| at.map_or((State::Failed, None), |at| (State::Retrying, Some(at)));
        match outcome {
            Outcome::Accepted => (State::Delivered, None),
            Outcome::HandedOver => (State::AwaitingReceipt, Some(self.now + Duration::seconds(FIRST_CHECK_SECONDS))),
            Outcome::Permanent => (State::Failed, None),
            // Whoever can be asked is asked; else a person decides (decision 40).
            Outcome::Lost => (State::Unknown, self.can_ask.then_some(self.now)),
            Outcome::Temporary => again(self.next_try()),
            Outcome::Away => {
                let patient = self.now - self.since < Duration::days(AWAY_DAYS);
                again(patient.then(|| self.wait(self.away_minutes())))
            }
        }
    }
}

/// When to ask for a receipt again: soon at first, then every two hours; `None` when it has been out too long.
pub fn next_check(handed_over_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let age = now - handed_over_at;
    let minutes = match age.num_minutes() {
        ..10 => 1,
        10..120 => 10,
        _ => 120,
    };
    (age < Duration::days(RECEIPT_DAYS)).then(|| now + Duration::minutes(minutes))
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

    fn attempted(tries: u32, jitter: u16) -> Attempted {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        Attempted { now, tries, since: now, jitter, retry_after: None, can_ask: false }
    }

    #[test]
    fn waits_grow_stay_within_a_fifth_and_end() {
        for (i, minutes) in RETRY_MINUTES.iter().enumerate() {
            for jitter in [0, u16::MAX / 2, u16::MAX] {
                let tried = attempted(u32::try_from(i + 1).unwrap(), jitter);
                let wait = (tried.next_try().unwrap() - tried.now).num_seconds();
                assert!((minutes * 48..=minutes * 72).contains(&wait), "{minutes} {wait}");
            }
        }
        assert_eq!(attempted(9, 0).next_try(), None);
        assert_eq!(attempted(0, 0).next_try(), None);
    }

    #[test]
    fn a_provider_may_ask_for_a_longer_wait_but_not_for_ever() {
        let asked = |seconds| {
            let tried = Attempted { retry_after: Some(seconds), ..attempted(1, u16::MAX / 2) };
            (tried.next_try().unwrap() - tried.now).num_seconds()
        };
        assert_eq!(asked(600), 600);
        assert!((48..=72).contains(&asked(1)));
        assert_eq!(asked(u32::MAX), 86_400);
    }

    #[test]
    fn a_provider_that_is_away_costs_no_tries_until_days_have_passed() {
        let tried = Attempted { tries: 500, ..attempted(1, 0) };
        assert_eq!(tried.then(Outcome::Away).0, State::Retrying);
        let late = Attempted { since: tried.now - Duration::days(6), ..tried };
        assert_eq!(late.then(Outcome::Away), (State::Failed, None));
    }

    #[test]
    fn receipts_are_asked_for_ever_more_seldom_and_not_for_ever() {
        let handed = DateTime::from_timestamp(0, 0).unwrap();
        let after = |minutes| {
            let now = handed + Duration::minutes(minutes);
            next_check(handed, now).map(|at| (at - now).num_minutes())
        };
        assert_eq!((after(0), after(30), after(600), after(8000)), (Some(1), Some(10), Some(120), None));
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
    fn a_line_lost_while_handing_over_is_unknown_and_asked_about_where_one_can_ask() {
        let tried = attempted(1, 0);
        assert_eq!(tried.then(Outcome::Lost), (State::Unknown, None));
        let askable = Attempted { can_ask: true, ..tried };
        assert_eq!(askable.then(Outcome::Lost), (State::Unknown, Some(tried.now)));
        assert_eq!(attempted(9, 0).then(Outcome::Temporary), (State::Failed, None));
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
