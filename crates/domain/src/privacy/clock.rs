//! Dates the law and the policy count from. Each is pure; the caller says what day it is.

use super::period::Period;
use chrono::{Datelike, Days, Months, NaiveDate};

/// The first day after the financial year `day` lies in. `start_month` is 1 for a calendar year.
pub fn financial_year_over_on(day: NaiveDate, start_month: u32) -> NaiveDate {
    let start_month = start_month.clamp(1, 12);
    let year = if day.month() >= start_month { day.year() + 1 } else { day.year() };
    NaiveDate::from_ymd_opt(year, start_month, 1).unwrap_or(NaiveDate::MAX)
}

/// The first day of the oldest financial year that must still stand on `today`: everything booked before it is due.
pub fn financial_year_cutoff(today: NaiveDate, period: Period, start_month: u32) -> NaiveDate {
    let mut over = financial_year_over_on(today, start_month);
    while period.after(over) > today {
        let Some(before) = over.checked_sub_months(Months::new(12)) else { return over };
        over = before;
    }
    over
}

/// When a relationship without an ending of its own is over: so long after the last delivery or, when later, the last
/// contact.
pub fn inactive_from(
    last_delivery: Option<NaiveDate>,
    last_contact: Option<NaiveDate>,
    after: Period,
) -> Option<NaiveDate> {
    last_delivery.max(last_contact).map(|last| after.after(last))
}

/// The last day a claim can be pursued: three years from when it fell due, begun anew by each interruption
/// (foreldelsesloven §§ 2, 3, 14).
pub fn claim_lives_until(due_on: NaiveDate, last_interruption: Option<NaiveDate>) -> NaiveDate {
    let from = last_interruption.map_or(due_on, |i| i.max(due_on));
    Period::years(3).after(from)
}

/// When a request of a person must be answered: the earlier of 30 days and one calendar month (GDPR article 12 (3);
/// decision 51).
pub fn request_due_on(received_on: NaiveDate) -> NaiveDate {
    Period::months(1).after(received_on).min(received_on + Days::new(30))
}

/// When a request may be answered at the latest after a reasoned extension: two further months (article 12 (3)).
pub fn request_extended_to(received_on: NaiveDate) -> NaiveDate {
    Period::months(3).after(received_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn five_years_run_from_the_end_of_the_financial_year() {
        for (booked, start_month, deletable) in [
            ("2026-03-01", 1, "2032-01-01"),
            ("2026-08-15", 7, "2032-07-01"),
            ("2026-06-30", 7, "2031-07-01"),
            ("2026-12-20", 1, "2032-01-01"),
            ("2027-01-10", 1, "2033-01-01"),
            ("2026-12-31", 1, "2032-01-01"),
        ] {
            let over = financial_year_over_on(day(booked), start_month);
            assert_eq!(Period::years(5).after(over), day(deletable), "{booked}");
            // On the day itself it is due, the day before it is not.
            let cutoff = |today: NaiveDate| financial_year_cutoff(today, Period::years(5), start_month);
            assert!(day(booked) < cutoff(day(deletable)), "{booked}");
            assert!(day(booked) >= cutoff(day(deletable).pred_opt().unwrap()), "{booked}");
        }
    }

    #[test]
    fn secondary_material_is_kept_three_years_and_six_months() {
        let over = financial_year_over_on(day("2026-05-05"), 1);
        assert_eq!(Period::parse("P3Y6M").unwrap().after(over), day("2030-07-01"));
    }

    #[test]
    fn contact_keeps_a_relationship_alive() {
        let ends = |delivery, contact| inactive_from(delivery, contact, Period::years(3));
        assert_eq!(ends(Some(day("2023-05-10")), Some(day("2026-05-01"))), Some(day("2029-05-01")));
        assert_eq!(ends(Some(day("2023-05-10")), None), Some(day("2026-05-10")));
        assert_eq!(ends(None, None), None);
    }

    #[test]
    fn an_interruption_begins_the_limitation_anew() {
        assert_eq!(claim_lives_until(day("2023-04-01"), None), day("2026-04-01"));
        assert_eq!(claim_lives_until(day("2023-04-01"), Some(day("2025-06-01"))), day("2028-06-01"));
        assert_eq!(claim_lives_until(day("2023-04-01"), Some(day("2022-06-01"))), day("2026-04-01"));
    }

    #[test]
    fn requests_are_due_by_the_shorter_of_thirty_days_and_a_month() {
        assert_eq!(request_due_on(day("2027-01-31")), day("2027-02-28"));
        assert_eq!(request_due_on(day("2027-02-01")), day("2027-03-01"));
        assert_eq!(request_due_on(day("2027-03-01")), day("2027-03-31"));
        assert_eq!(request_extended_to(day("2027-01-31")), day("2027-04-30"));
    }
}
