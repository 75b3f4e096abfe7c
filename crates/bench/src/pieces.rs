//! Single pieces: parsing and drawing.

use crate::data;
use crate::measure::{Report, cpu_seconds, per_second};
use anyhow::Context;
use chrono::NaiveDate;
use domain::customer::Language;
use domain::invoice::{Address, Buyer, Document, Kind, LineInput, Seller, price, total};
use domain::money::Micro;
use domain::numbers::{AccountNumber, OrgNumber};
use domain::vat::{Category, Vat};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A PDF inside an e-invoice.
const PDF_BYTES: usize = 30_000;

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// Bytes of a giro file parsed a second; the limit is what the bench asks for.
pub(crate) fn parse(report: &mut Report, rows: usize) {
    let kids: Vec<(String, i64)> = (0..rows).map(|i| (format!("{i:014}0"), 45_000)).collect();
    let bytes = data::payments(&kids, data::day());
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        black_box(formats::giro::parse(black_box(&bytes)).is_ok());
        best = best.min(began.elapsed());
    }
    report.add("giro file: parse", "-", megabytes(bytes.len()) / best.as_secs_f64(), "MB/s", 200.0, 1.0);
}

fn document() -> anyhow::Result<Document> {
    let inputs = (1..=10).map(|i| LineInput {
        description: format!("Vare nummer {i} med en beskrivelse"),
        quantity: Micro::whole(i),
        unit: "H87".to_owned(),
        unit_price: Micro::whole(100 + i),
        discount_percent: Micro::ZERO,
        vat: Vat {
            code: if i % 2 == 0 { "3" } else { "31" }.to_owned(),
            rate: Micro::whole(if i % 2 == 0 { 25 } else { 15 }),
            category: Category::S,
            reason: None,
        },
        product: None,
    });
    let lines = price(inputs.collect())?;
    let address = |street: &str| Address {
        street: Some(street.to_owned()),
        street2: None,
        postal_code: Some("9017".to_owned()),
        city: Some("Tromsø".to_owned()),
        country: "NO".to_owned(),
    };
    let day = |d| NaiveDate::from_ymd_opt(2026, 11, d).context("a day of November");
    Ok(Document {
        kind: Kind::Invoice,
        number: 10_482,
        issued_on: day(1)?,
        due_on: Some(day(15)?),
        delivered_from: day(1)?,
        delivered_to: None,
        delivery_place: None,
        language: Language::Bokmal,
        seller: Seller {
            name: "Lillevik Grønt AS".to_owned(),
            org_number: Some(OrgNumber::parse("312345676")?),
            vat_registered: true,
            in_business_register: true,
            address: address("Kaiveien 14"),
            email: Some("faktura@lillevik.example".to_owned()),
            phone: None,
            privacy_url: None,
            account: AccountNumber::parse(data::ACCOUNT)?,
            logo: None,
        },
        buyer: Buyer {
            number: "10423".to_owned(),
            name: "Ingrid Solbakken".to_owned(),
            org_number: None,
            address: address("Skogbrynet 8 B"),
            reference: None,
            order_number: None,
        },
        totals: total(&lines)?,
        lines,
        kid: Some("000104200001576".to_owned()),
        credits: None,
        note: None,
    })
}

/// PDFs of ten lines a CPU second, one thread.
pub(crate) fn pdf(report: &mut Report) -> anyhow::Result<()> {
    let mut document = document()?;
    let count = 1_500;
    let before = cpu_seconds();
    for i in 0..count {
        document.number = i;
        document.buyer.name = format!("Ingrid Solbakken {i}");
        black_box(render::pdf(&document, None, &i.to_be_bytes())?);
    }
    let took = Duration::from_secs_f64(cpu_seconds() - before);
    report.add("PDF/A-3a + UA-1, ten lines", "-", per_second(usize::try_from(count)?, took), "/CPU-s", 450.0, 1.0);
    Ok(())
}

/// E-invoices of ten lines a CPU second, written with their PDF inside and passed by the gate, one thread.
pub(crate) fn einvoice(report: &mut Report) -> anyhow::Result<()> {
    let mut document = document()?;
    document.buyer.org_number = Some(OrgNumber::parse("923609016")?);
    document.buyer.reference = Some("Innkjøp".to_owned());
    let mut pdf = b"%PDF-1.7\n".to_vec();
    pdf.extend((0..PDF_BYTES - pdf.len()).map(|i| (i * i / 251).to_le_bytes()[0]));
    let first = formats::ehf::check(&formats::ehf::write(&document, Some(&pdf))?);
    anyhow::ensure!(first.is_empty(), "the e-invoice breaks rules: {first:?}");
    let count = 3_000;
    let before = cpu_seconds();
    for i in 0..count {
        document.number = i;
        let xml = formats::ehf::write(&document, Some(&pdf))?;
        anyhow::ensure!(black_box(formats::ehf::check(&xml)).is_empty(), "an e-invoice breaks rules");
    }
    let took = Duration::from_secs_f64(cpu_seconds() - before);
    let rate = per_second(usize::try_from(count)?, took);
    report.add("EHF written and checked, PDF given", "-", rate, "/CPU-s", 2_000.0, 1.0);
    Ok(())
}
