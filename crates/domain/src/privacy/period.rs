//! How long something is kept: whole years, months and days, written as in ISO 8601 (`P5Y`, `P3Y6M`, `P90D`).

use chrono::{Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Calendar months and days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    months: u32,
    days: u32,
}

/// A text that is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a period is written like P5Y, P3Y6M, P12M, P90D or P0D, and is at most 100 years")]
pub struct BadPeriod;

impl Period {
    /// No time at all: at once.
    pub const NONE: Self = Self { months: 0, days: 0 };

    /// Whole years.
    pub const fn years(years: u32) -> Self {
        Self { months: years * 12, days: 0 }
    }

    /// Calendar months.
    pub const fn months(months: u32) -> Self {
        Self { months, days: 0 }
    }

    /// Days.
    pub const fn days(days: u32) -> Self {
        Self { months: 0, days }
    }

    /// Years, months and days, for who writes it out.
    pub const fn parts(self) -> (u32, u32, u32) {
        (self.months / 12, self.months % 12, self.days)
    }

    /// From its text.
    pub fn parse(text: &str) -> Result<Self, BadPeriod> {
        let mut rest = text.strip_prefix('P').filter(|r| !r.is_empty()).ok_or(BadPeriod)?;
        let (mut months, mut days) = (0_u32, 0_u32);
        for (unit, factor) in [('Y', 12), ('M', 1), ('W', 7), ('D', 1)] {
            let Some((number, after)) = rest.split_once(unit) else { continue };
            if number.is_empty() || number.len() > 5 || !number.bytes().all(|b| b.is_ascii_digit()) {
                return Err(BadPeriod);
            }
            let amount = number.parse::<u32>().map_err(|_| BadPeriod)? * factor;
            if matches!(unit, 'Y' | 'M') {
                months += amount;
            } else {
                days += amount;
            }
            rest = after;
        }
        let sane = months <= 1_200 && days <= 36_525;
        if rest.is_empty() && sane { Ok(Self { months, days }) } else { Err(BadPeriod) }
    }

    /// The day this long after `day`: months first, the end of a short month where there is no such day.
    pub fn after(self, day: NaiveDate) -> NaiveDate {
        let moved = day.checked_add_months(Months::new(self.months));
        moved.and_then(|d| d.checked_add_days(Days::new(u64::from(self.days)))).unwrap_or(NaiveDate::MAX)
    }

    /// Whether this is at least as long as `other`, whatever the months in between.
    pub fn is_at_least(self, other: Self) -> bool {
        let months = i64::from(self.months) - i64::from(other.months);
        let days = i64::from(self.days) - i64::from(other.days);
        months * if months >= 0 { 28 } else { 31 } + days >= 0
    }

    /// The first day of what is too young: everything dated before it has had its time by `today`.
    pub fn cutoff(self, today: NaiveDate) -> NaiveDate {
        let back = today.checked_sub_days(Days::new(u64::from(self.days)));
        let back = back.and_then(|d| d.checked_sub_months(Months::new(self.months))).unwrap_or(NaiveDate::MIN);
        // Months are of unequal length: begin a little late and go back to the last day that is old enough.
        let mut day = back.checked_add_days(Days::new(4)).unwrap_or(back);
        while self.after(day) > today {
            let Some(before) = day.pred_opt() else { return day };
            day = before;
        }
        day.succ_opt().unwrap_or(day)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (years, months, days) = self.parts();
        f.write_str("P")?;
        for (amount, unit) in [(years, 'Y'), (months, 'M'), (days, 'D')] {
            if amount > 0 {
                write!(f, "{amount}{unit}")?;
            }
        }
        if *self == Self::NONE { f.write_str("0D") } else { Ok(()) }
    }
}

impl TryFrom<String> for Period {
    type Error = BadPeriod;
    fn try_from(text: String) -> Result<Self, BadPeriod> {
        Self::parse(&text)
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn periods_are_read_and_written() {
        for text in ["P5Y", "P3Y6M", "P90D", "P0D", "P11M", "P1Y2M3D"] {
            assert_eq!(Period::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Period::parse("P12M").unwrap(), Period::years(1));
        assert_eq!(Period::parse("P2W").unwrap(), Period::days(14));
        for bad in ["", "P", "5Y", "P-1D", "PT24H", "P1D1Y", "P1.5Y", "P1Y2Y", "P101Y", "P99999D", "P Y", "P999999Y"] {
            assert_eq!(Period::parse(bad), Err(BadPeriod), "{bad}");
        }
    }

    #[test]
    fn a_period_that_may_be_shorter_is_not_at_least_as_long() {
        let at_least = |a: &str, b: &str| Period::parse(a).unwrap().is_at_least(Period::parse(b).unwrap());
        assert!(
            at_least("P5Y", "P5Y") && at_least("P61M", "P5Y") && at_least("P31D", "P1M") && at_least("P2M", "P56D")
        );
        assert!(!at_least("P1825D", "P5Y") && !at_least("P59M", "P5Y") && !at_least("P30D", "P1M"));
        assert!(!at_least("P1M", "P29D"), "February has 28 days");
    }

    #[test]
    fn months_end_where_the_month_ends() {
        assert_eq!(Period::months(1).after(day("2027-01-31")), day("2027-02-28"));
        assert_eq!(Period::months(6).after(day("2026-08-31")), day("2027-02-28"));
        assert_eq!(Period::years(5).after(day("2028-02-29")), day("2033-02-28"));
    }

    proptest! {
        #[test]
        fn the_cutoff_parts_what_is_due_from_what_is_not(months in 0_u32..130, days in 0_u32..500, on in 0_u64..20_000) {
            let period = Period { months, days };
            let today = day("2000-01-01") + Days::new(on);
            let cutoff = period.cutoff(today);
            prop_assert!(period.after(cutoff) > today);
            prop_assert!(period.after(cutoff.pred_opt().unwrap()) <= today);
        }

        #[test]
        fn what_is_at_least_as_long_never_ends_before(a in 0_u32..70, b in 0_u32..70, c in 0_u32..200, d in 0_u32..200, on in 0_u64..4_000) {
            let (one, other) = (Period { months: a, days: c }, Period { months: b, days: d });
            let from = day("2020-01-01") + Days::new(on);
            // Clamping at month ends may cost up to three days.
            if one.is_at_least(other) && a == b {
                prop_assert!(one.after(from) >= other.after(from));
            }
        }
    }
}
