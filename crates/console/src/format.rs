//! Dates, times, amounts and counts as each language writes them; times are Oslo's.

use crate::words::{fill, words};
use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use chrono_tz::{Europe::Oslo, Tz};
use domain::customer::Language;
use domain::money::{Micro, Money, format_ore};

const NBSP: char = '\u{a0}';

/// `1 833,65` or `1,833.65`.
pub(crate) fn amount(money: Money, language: Language) -> String {
    match language {
        Language::English => format_ore(money.ore(), ',', '.'),
        _ => format_ore(money.ore(), NBSP, ','),
    }
}

/// `1 833,65 kr` or `NOK 1,833.65`.
pub(crate) fn kr(money: Money, language: Language) -> String {
    let figures = amount(money, language);
    if language == Language::English { format!("NOK{NBSP}{figures}") } else { format!("{figures}{NBSP}kr") }
}

/// `1 284` or `1,284`.
pub(crate) fn count(n: u64, language: Language) -> String {
    let digits = n.to_string();
    let gap = if language == Language::English { ',' } else { NBSP };
    let mut out = String::with_capacity(digits.len() + 4);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(gap);
        }
        out.push(digit);
    }
    out
}

/// The sentence for one, or the one for many with its count.
pub(crate) fn plural(n: u64, one: &str, many: &str, language: Language) -> String {
    if n == 1 { one.to_owned() } else { fill(many, &[("n", &count(n, language))]) }
}

/// A decimal as written in the language; a price has at least two places.
pub(crate) fn decimal(value: Micro, language: Language, price: bool) -> String {
    if price && value.micro() % 10_000 == 0 {
        return amount(Money::from_ore(value.micro() / 10_000), language);
    }
    let text = value.to_string().replace('-', "\u{2212}");
    if language == Language::English { text } else { text.replace('.', ",") }
}

fn nth(list: &'static str, at: u32) -> &'static str {
    list.split(' ').nth(usize::try_from(at).unwrap_or_default()).unwrap_or_default()
}

/// `20. nov. 2026` or `20 Nov 2026`.
pub(crate) fn date(day: NaiveDate, language: Language) -> String {
    format!("{}{NBSP}{}", day_month(day, language), day.year())
}

/// `20. nov.` or `20 Nov`.
pub(crate) fn day_month(day: NaiveDate, language: Language) -> String {
    let dot = if language == Language::English { "" } else { "." };
    format!("{}{dot}{NBSP}{}", day.day(), nth(words(language).months, day.month0()))
}

/// `Fredag 20. november 2026`.
pub(crate) fn weekday_date(day: NaiveDate, language: Language) -> String {
    let w = words(language);
    let weekday = nth(w.weekdays, day.weekday().num_days_from_monday());
    let dot = if language == Language::English { "" } else { "." };
    format!("{weekday} {}{dot}{NBSP}{} {}", day.day(), nth(w.long_months, day.month0()), day.year())
}

/// The moment in Oslo.
pub(crate) fn oslo(at: DateTime<Utc>) -> DateTime<Tz> {
    at.with_timezone(&Oslo)
}

/// `kl. 16.04` or `16:04`.
pub(crate) fn clock(at: DateTime<Utc>, language: Language) -> String {
    let at = oslo(at);
    let colon = if language == Language::English { ':' } else { '.' };
    format!("{}{:02}{colon}{:02}", words(language).at_clock.replace(' ', "\u{a0}"), at.hour(), at.minute())
}

/// `20. nov. 2026 kl. 16.04` or `20 Nov 2026, 16:04`; the year only when it is another than today's.
pub(crate) fn moment(at: DateTime<Utc>, now: DateTime<Utc>, language: Language) -> String {
    let day = oslo(at).date_naive();
    let shown = if day.year() == oslo(now).year() { day_month(day, language) } else { date(day, language) };
    let comma = if language == Language::English { "," } else { "" };
    format!("{shown}{comma} {}", clock(at, language))
}

/// `315 771 900`.
pub(crate) fn org_number(digits: &str) -> String {
    grouped(digits, &[3, 6])
}

/// `1234 56 78903`.
pub(crate) fn account(digits: &str) -> String {
    if digits.len() == 11 { grouped(digits, &[4, 6]) } else { digits.to_owned() }
}

fn grouped(digits: &str, breaks: &[usize]) -> String {
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if breaks.contains(&i) {
            out.push(NBSP);
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn money_and_counts_are_written_as_the_language_writes_them() {
        let money = Money::from_ore(-183_365);
        assert_eq!(kr(money, Language::Bokmal), "\u{2212}1\u{a0}833,65\u{a0}kr");
        assert_eq!(kr(money, Language::English), "NOK\u{a0}\u{2212}1,833.65");
        assert_eq!(count(1_234_567, Language::Nynorsk), "1\u{a0}234\u{a0}567");
    }

    #[test]
    fn times_are_oslo_time_and_name_the_year_only_when_it_is_another() {
        let now = Utc.with_ymd_and_hms(2026, 11, 20, 9, 0, 0).unwrap();
        let at = Utc.with_ymd_and_hms(2026, 7, 1, 22, 30, 0).unwrap();
        assert_eq!(moment(at, now, Language::Bokmal), "2.\u{a0}juli kl.\u{a0}00.30");
        let at = Utc.with_ymd_and_hms(2025, 12, 1, 15, 4, 0).unwrap();
        assert_eq!(moment(at, now, Language::English), "1\u{a0}Dec\u{a0}2025, 16:04");
    }

    #[test]
    fn numbers_of_companies_and_accounts_are_spaced() {
        assert_eq!(org_number("315771900"), "315\u{a0}771\u{a0}900");
        assert_eq!(account("12345678903"), "1234\u{a0}56\u{a0}78903");
    }
}
