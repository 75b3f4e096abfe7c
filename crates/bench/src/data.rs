//! Made-up customers and payments.

use chrono::NaiveDate;
use domain::money::Micro;
use domain::numbers::AccountNumber;
use formats::giro::{PaymentToWrite, write_ocr};
use reskontro::services::product::NewProduct;
use std::fmt::Write;
use std::ops::Range;

/// The account that is paid to.
pub(crate) const ACCOUNT: &str = "12345678903";

/// The day the main job is measured on.
pub(crate) fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 24).unwrap_or_default()
}

/// A customer list of these numbers; every hundredth has moved when `moved`.
pub(crate) fn customers(numbers: Range<usize>, moved: bool) -> Vec<u8> {
    let mut out = String::from("Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Mobil;Produkter;Sist endret\n");
    for i in numbers {
        let street = if moved && i % 100 == 0 { "Nyveien" } else { "Gamleveien" };
        let _ = writeln!(
            out,
            "{i:06};Kari Nordmann {i};{street} {};{:04};Oslo;m{i}@example.org;4{:07};A, B;2026-10-01",
            i % 200,
            1 + i % 9_998,
            2_000_000 + i
        );
    }
    out.into_bytes()
}

/// An OCR giro file of payments of a day.
pub(crate) fn payments(kids: &[(String, i64)], day: NaiveDate) -> Vec<u8> {
    let payments: Vec<PaymentToWrite> = kids
        .iter()
        .map(|(kid, ore)| PaymentToWrite {
            kid: kid.clone(),
            amount_ore: *ore,
            kind: 10,
            settled_on: day,
            debit_account: Some("99990686021".to_owned()),
        })
        .collect();
    write_ocr(1, ACCOUNT, &payments)
}

/// Bank accounts: their last digit makes them right.
pub(crate) fn accounts() -> impl Iterator<Item = String> {
    let whole = |core: u64| (0..10).map(|digit| format!("{core}{digit}")).find(|n| AccountNumber::parse(n).is_ok());
    (1_503_123_400..).filter_map(whole)
}

/// A product.
pub(crate) fn product(number: &str, price: &str) -> anyhow::Result<NewProduct> {
    Ok(NewProduct {
        number: number.to_owned(),
        name: format!("Vare {number}"),
        unit: "H87".to_owned(),
        unit_price: Micro::parse(price)?,
        vat_code: "3".to_owned(),
        every_months: 12,
    })
}
