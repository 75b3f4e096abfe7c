//! Norwegian public holidays, banking days and the business date.

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

/// Easter Sunday: the Sunday after the first full moon of spring by the Gregorian reckoning (Gauss).
pub fn easter_sunday(year: i32) -> Option<NaiveDate> {
    let century = year.div_euclid(100);
    let golden = year.rem_euclid(19);
    let moon_shift = (15 - (8 * century + 13) / 25 + century - century / 4) % 30;
    let mut epact = (19 * golden + moon_shift).rem_euclid(30);
    if epact == 29 || (epact == 28 && golden > 10) {
        epact -= 1;
    }
    let full_moon = NaiveDate::from_ymd_opt(year, 3, 21)?.checked_add_days(Days::new(u64::try_from(epact).ok()?))?;
    let to_sunday = 7 - u64::from(full_moon.weekday().num_days_from_sunday());
    full_moon.checked_add_days(Days::new(to_sunday))
}

/// Whether the banks are closed for a public holiday (weekends apart).
pub fn is_public_holiday(date: NaiveDate) -> bool {
    if matches!((date.month(), date.day()), (1 | 5, 1) | (5, 17) | (12, 25 | 26)) {
        return true;
    }
    // Maundy Thursday, Good Friday, Easter Sunday and Monday, Ascension Day, Whit Sunday and Monday.
    easter_sunday(date.year()).is_some_and(|easter| [-3, -2, 0, 1, 39, 49, 50].contains(&(date - easter).num_days()))
}

/// Whether banks settle payments on `date`.
pub fn is_banking_day(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun) && !is_public_holiday(date)
}

/// `date` itself when it is a banking day, else the first one after it.
///
/// The due date is never moved by this (decision 22): it is shown, and used where bank days count.
pub fn banking_day_on_or_after(date: NaiveDate) -> NaiveDate {
    let mut day = date;
    while !is_banking_day(day) {
        match day.checked_add_days(Days::new(1)) {
            Some(next) => day = next,
            None => return date,
        }
    }
    day
}

/// `date` plus so many months; the last day of a shorter month stands in for a day it lacks.
pub fn add_months(date: NaiveDate, months: u32) -> Option<NaiveDate> {
    date.checked_add_months(Months::new(months))
}

/// Whether a day is one that business is done on: a slip such as 0206 or 20266 is not.
pub fn is_plausible(date: NaiveDate) -> bool {
    (2000..=2100).contains(&date.year())
}

/// Last day of the financial year that `date` falls in, for a year starting in `first_month`.
pub fn financial_year_end(date: NaiveDate, first_month: u32) -> Option<NaiveDate> {
    let start_year = if date.month() >= first_month { date.year() } else { date.year() - 1 };
    NaiveDate::from_ymd_opt(start_year + 1, first_month, 1)?.pred_opt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).unwrap()
    }

    #[test]
    fn easter_falls_where_the_almanac_says() {
        for (y, m, d) in
            [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28), (2028, 4, 16), (2038, 4, 25), (2285, 3, 22)]
        {
            assert_eq!(easter_sunday(y), Some(day(y, m, d)));
        }
    }

    #[test]
    fn banks_are_closed_on_movable_and_fixed_holidays() {
        for holiday in [
            day(2026, 1, 1),
            day(2026, 4, 2),
            day(2026, 4, 3),
            day(2026, 4, 6),
            day(2026, 5, 1),
            day(2026, 5, 14),
            day(2026, 5, 25),
            day(2027, 5, 17),
            day(2026, 12, 25),
        ] {
            assert!(!is_banking_day(holiday), "{holiday}");
        }
        assert!(is_banking_day(day(2026, 4, 1)));
        assert!(is_banking_day(day(2026, 12, 24)));
        assert_eq!(banking_day_on_or_after(day(2026, 4, 2)), day(2026, 4, 7));
        assert_eq!(banking_day_on_or_after(day(2026, 11, 23)), day(2026, 11, 23));
    }

    #[test]
    fn a_month_after_the_31st_is_the_last_day_of_a_shorter_month() {
        assert_eq!(add_months(day(2027, 1, 31), 1), Some(day(2027, 2, 28)));
        assert_eq!(add_months(day(2027, 1, 31), 2), Some(day(2027, 3, 31)));
    }

    #[test]
    fn financial_years_may_start_in_july() {
        assert_eq!(financial_year_end(day(2026, 8, 15), 7), Some(day(2027, 6, 30)));
        assert_eq!(financial_year_end(day(2026, 3, 1), 1), Some(day(2026, 12, 31)));
    }
}
