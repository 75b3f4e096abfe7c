//! Standing orders: which periods are due to be billed.

use crate::calendar::add_months;
use chrono::NaiveDate;

/// How often a standing order bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// First day of the first period.
    pub from_on: NaiveDate,
    /// Months in a period; 0 bills once.
    pub every_months: u32,
    /// No period starts after this day.
    pub end_on: Option<NaiveDate>,
}

/// One period to bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First day.
    pub from_on: NaiveDate,
    /// Last day; none when billed once.
    pub to_on: Option<NaiveDate>,
}

impl Rhythm {
    /// Period number `n`, counted from 0. Always reckoned from the first day, so that the 31st does not drift.
    pub fn period(&self, n: u32) -> Option<Period> {
        if self.every_months == 0 {
            return (n == 0).then_some(Period { from_on: self.from_on, to_on: None });
        }
        let from_on = add_months(self.from_on, n.checked_mul(self.every_months)?)?;
        if self.end_on.is_some_and(|end| from_on > end) {
            return None;
        }
        let to_on = add_months(self.from_on, (n + 1).checked_mul(self.every_months)?)?.pred_opt();
        Some(Period { from_on, to_on })
    }

    /// How much of a period an end date leaves: days that count, of days in all. None when the period is whole.
    pub fn part(&self, period: Period) -> Option<(u32, u32)> {
        let (end, last) = (self.end_on?, period.to_on?);
        let days = |to: NaiveDate| u32::try_from((to - period.from_on).num_days() + 1).ok();
        if end >= last { None } else { Some((days(end)?, days(last)?)) }
    }

    /// Periods that have started by `bill_on` and are not billed, beginning with number `next`; at most `limit`.
    pub fn due(
        &self,
        next: u32,
        bill_on: NaiveDate,
        limit: usize,
        is_billed: impl Fn(u32) -> bool,
    ) -> Vec<(u32, Period)> {
        (next..)
            .map_while(|n| self.period(n).map(|p| (n, p)))
            .take_while(|(_, p)| p.from_on <= bill_on)
            .filter(|(n, _)| !is_billed(*n))
            .take(limit)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).unwrap()
    }

    #[test]
    fn the_31st_does_not_drift() {
        let r = Rhythm { from_on: day(2026, 1, 31), every_months: 1, end_on: None };
        let starts: Vec<NaiveDate> = r.due(0, day(2026, 4, 30), 99, |_| false).iter().map(|(_, p)| p.from_on).collect();
        assert_eq!(starts, [day(2026, 1, 31), day(2026, 2, 28), day(2026, 3, 31), day(2026, 4, 30)]);
        assert_eq!(r.period(0).unwrap().to_on, Some(day(2026, 2, 27)));
    }

    #[test]
    fn once_means_once_and_an_end_date_ends() {
        let once = Rhythm { from_on: day(2026, 1, 1), every_months: 0, end_on: None };
        assert_eq!(once.due(0, day(2030, 1, 1), 99, |_| false).len(), 1);
        assert!(once.due(1, day(2030, 1, 1), 99, |_| false).is_empty());
        let ended = Rhythm { from_on: day(2026, 1, 1), every_months: 3, end_on: Some(day(2026, 6, 30)) };
        assert_eq!(ended.due(0, day(2030, 1, 1), 99, |_| false).len(), 2);
    }

    #[test]
    fn what_is_billed_takes_no_place_among_what_is_due() {
        let r = Rhythm { from_on: day(2026, 1, 1), every_months: 1, end_on: None };
        let due: Vec<u32> = r.due(0, day(2026, 12, 1), 2, |n| (1..9).contains(&n)).iter().map(|d| d.0).collect();
        assert_eq!(due, [0, 9]);
    }

    #[test]
    fn an_end_date_inside_a_period_leaves_part_of_it() {
        let r = Rhythm { from_on: day(2026, 1, 1), every_months: 12, end_on: Some(day(2026, 3, 31)) };
        assert_eq!(r.part(r.period(0).unwrap()), Some((90, 365)));
        let r = Rhythm { end_on: Some(day(2026, 12, 31)), ..r };
        assert_eq!(r.part(r.period(0).unwrap()), None);
    }

    #[test]
    fn a_period_not_yet_begun_is_not_due() {
        let r = Rhythm { from_on: day(2027, 1, 1), every_months: 12, end_on: None };
        assert!(r.due(0, day(2026, 12, 31), 99, |_| false).is_empty());
    }
}
