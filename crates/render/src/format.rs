//! Dates, amounts and numbers as each language writes them.

use crate::words::words;
use chrono::{Datelike, NaiveDate};
use domain::customer::Language;
use domain::invoice::{Document, Kind, Line};
use domain::money::{Micro, Money, format_ore};

/// `1 833,65` or `1,833.65`.
pub(crate) fn amount(money: Money, language: Language) -> String {
    match language {
        Language::English => format_ore(money.ore(), ',', '.'),
        _ => format_ore(money.ore(), '\u{a0}', ','),
    }
}

/// A decimal in the language, with at least two places when it is a price.
pub(crate) fn decimal(value: Micro, language: Language, price: bool) -> String {
    if price && value.micro() % 10_000 == 0 {
        return amount(Money::from_ore(value.micro() / 10_000), language);
    }
    let text = value.to_string();
    let text = if language == Language::English { text } else { text.replace('.', ",") };
    text.replace('-', "\u{2212}")
}

/// `30. oktober 2026` or `30 October 2026`.
pub(crate) fn long_date(date: NaiveDate, language: Language) -> String {
    let month = words(language).months[usize::try_from(date.month0()).unwrap_or_default() % 12];
    let dot = if language == Language::English { "" } else { "." };
    format!("{}{dot} {month} {}", date.day(), date.year())
}

/// `13. november` or `13 November`: for the subject of a mail.
pub(crate) fn day_and_month(date: NaiveDate, language: Language) -> String {
    let month = words(language).months[usize::try_from(date.month0()).unwrap_or_default() % 12];
    let dot = if language == Language::English { "" } else { "." };
    format!("{}{dot} {month}", date.day())
}

/// `13.11.2026`, or `13 Nov 2026` in English.
pub(crate) fn short_date(date: NaiveDate, language: Language) -> String {
    match language {
        Language::English => {
            let month = words(language).months[usize::try_from(date.month0()).unwrap_or_default() % 12];
            format!("{} {} {}", date.day(), month.get(..3).unwrap_or(month), date.year())
        }
        _ => date.format("%d.%m.%Y").to_string(),
    }
}

/// When it was or will be supplied: a day or a period.
pub(crate) fn supply(doc: &Document) -> String {
    match doc.delivered_to {
        None => long_date(doc.delivered_from, doc.language),
        Some(to) => {
            let short = |d| short_date(d, doc.language);
            format!("{}–{}", short(doc.delivered_from), short(to))
        }
    }
}

/// `4 stk.`
pub(crate) fn quantity(line: &Line, language: Language) -> String {
    let unit = domain::unit::name(&line.input.unit, language);
    format!("{}\u{a0}{unit}", decimal(line.input.quantity, language, false))
}

/// `25 %`, or that there is none.
pub(crate) fn rate(category: domain::vat::Category, rate: Micro, language: Language) -> String {
    use domain::vat::Category;
    match category {
        Category::O | Category::E => words(language).no_vat.to_owned(),
        _ => format!("{}\u{a0}%", decimal(rate, language, false)),
    }
}

/// `Faktura` or `Kreditnota`.
pub(crate) fn title(doc: &Document) -> &'static str {
    let w = words(doc.language);
    match doc.kind {
        Kind::Invoice => w.invoice,
        Kind::CreditNote => w.credit_note,
    }
}

/// Label and value of the facts beside the address.
pub(crate) fn facts(doc: &Document) -> Vec<(&'static str, String, bool)> {
    let w = words(doc.language);
    let number = if doc.kind == Kind::Invoice { w.invoice_number } else { w.credit_note_number };
    let mut facts =
        vec![(number, doc.number.to_string(), true), (w.invoice_date, long_date(doc.issued_on, doc.language), false)];
    if let Some(due) = doc.due_on {
        facts.push((w.due_date, long_date(due, doc.language), true));
    }
    facts.push((w.delivery, supply(doc), false));
    if let Some(place) = &doc.delivery_place {
        facts.push((w.delivery_place, place.clone(), false));
    }
    facts.push((w.customer_number, doc.buyer.number.clone(), false));
    if let Some(number) = &doc.buyer.org_number {
        facts.push((w.org_number, number.grouped(), false));
    }
    if let Some(reference) = &doc.buyer.reference {
        facts.push((w.your_reference, reference.clone(), false));
    }
    if let Some(order) = &doc.buyer.order_number {
        facts.push((w.order_number, order.clone(), false));
    }
    facts
}

/// The texts under the totals: what law demands, and the seller's own.
pub(crate) fn legal(doc: &Document) -> Vec<String> {
    let w = words(doc.language);
    let mut texts: Vec<String> = doc.note.iter().cloned().collect();
    if let Some(credited) = &doc.credits {
        let date = long_date(credited.issued_on, doc.language);
        texts.push(format!("{}{}{}{date}{}", w.credit_of[0], credited.number, w.credit_of[1], w.credit_of[2]));
    }
    let mut reasons: Vec<&str> = doc.totals.groups.iter().filter_map(|g| g.reason.as_deref()).collect();
    reasons.dedup();
    texts.extend(reasons.into_iter().map(|r| format!("{r}.")));
    if doc.kind == Kind::Invoice {
        let mut text = w.late_interest.to_owned();
        if let Some(email) = &doc.seller.email {
            text.push_str(&format!(" {}{email}{}", w.wrong[0], w.wrong[1]));
        }
        texts.push(text);
    }
    if let Some(url) = &doc.seller.privacy_url {
        texts.push(format!("{} {url}", w.privacy));
    }
    texts
}

/// `Org.nr. 315 771 900 MVA`.
pub(crate) fn seller_number(doc: &Document) -> Option<String> {
    let number = doc.seller.org_number.as_ref()?;
    let suffix = if doc.seller.vat_registered { " MVA" } else { "" };
    Some(format!("{} {}{suffix}", words(doc.language).org_number, number.grouped()))
}
