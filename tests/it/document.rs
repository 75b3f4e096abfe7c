//! The documents: everything § 5-1 demands stands on the PDF, in three languages, the same bytes every time.

use crate::harness::{TestApp, both, skip};
use chrono::NaiveDate;
use domain::customer::Language;
use domain::invoice::{Address, Buyer, Credited, Document, Kind, LineInput, Seller, price, total};
use domain::money::Micro;
use domain::numbers::{AccountNumber, OrgNumber};
use domain::vat::{Category, Vat};
use std::process::Command;

fn document(language: Language, lines: i32) -> Document {
    let inputs = (1..=lines).map(|i| LineInput {
        description: format!("Grønnsakskasse nr. {i}"),
        quantity: Micro::whole(i),
        unit: "H87".into(),
        unit_price: Micro::parse("338").unwrap(),
        discount_percent: Micro::ZERO,
        vat: Vat {
            code: if i % 2 == 0 { "3" } else { "31" }.into(),
            rate: Micro::whole(if i % 2 == 0 { 25 } else { 15 }),
            category: Category::S,
            reason: None,
        },
        product: None,
    });
    let lines = price(inputs.collect()).unwrap();
    let address = |street: &str, code: &str| Address {
        street: Some(street.into()),
        street2: None,
        postal_code: Some(code.into()),
        city: Some("Tromsø".into()),
        country: "NO".into(),
    };
    let day = |m, d| NaiveDate::from_ymd_opt(2026, m, d).unwrap();
    Document {
        kind: Kind::Invoice,
        number: 10_482,
        issued_on: day(10, 30),
        due_on: Some(day(11, 13)),
        delivered_from: day(11, 2),
        delivered_to: Some(day(11, 27)),
        delivery_place: Some("9017 Tromsø".into()),
        language,
        seller: Seller {
            name: "Lillevik Grønt AS".into(),
            org_number: Some(OrgNumber::parse("312345676").unwrap()),
            vat_registered: true,
            in_business_register: true,
            address: address("Kaiveien 14", "9016"),
            email: Some("faktura@lillevik.example".into()),
            phone: Some("900 00 100".into()),
            privacy_url: Some("lillevik.example/personvern".into()),
            account: AccountNumber::parse("12345678903").unwrap(),
            logo: None,
        },
        buyer: Buyer {
            number: "10423".into(),
            name: "Ingrid Čáhppesjohka Šiellabakti".into(),
            org_number: None,
            address: address("Skogbrynet 8 B", "9017"),
            reference: Some("PO-årsavtale".into()),
            order_number: None,
        },
        totals: total(&lines).unwrap(),
        lines,
        kid: Some("010423010482".into()),
        credits: None,
        note: None,
    }
}

/// The text of a PDF as a reader gets it; none where poppler is not installed.
fn text_of(pdf: &[u8]) -> Option<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pdf).unwrap();
    match Command::new("pdftotext").args(["-layout".as_ref(), file.path().as_os_str(), "-".as_ref()]).output() {
        Ok(out) => Some(String::from_utf8(out.stdout).unwrap().replace('\u{a0}', " ")),
        Err(_) => {
            skip("poppler", "pdftotext is not installed");
            None
        }
    }
}

#[test]
fn the_pdf_holds_every_mandatory_element_in_each_language() {
    for (language, words) in [
        (
            Language::Bokmal,
            ["Faktura", "Fakturadato", "Forfallsdato", "Levering", "Å betale", "1 833", "forsinkelsesrente"],
        ),
        (
            Language::Nynorsk,
            ["Faktura", "Fakturadato", "Forfallsdato", "Leveringsstad", "Å betale", "1 833", "forseinkingsrente"],
        ),
        (Language::English, ["Invoice", "Invoice date", "Due date", "Supply", "To pay", "Amount", "interest"]),
    ] {
        let mut doc = document(language, 2);
        doc.lines[0].input.description = "Kasse til 1 833 kr".into();
        let pdf = render::pdf(&doc, None, b"0123456789abcdef").unwrap();
        let Some(text) = text_of(&pdf) else { return };
        let facts = [
            "10482",
            "Lillevik Grønt AS",
            "312 345 676 MVA",
            "Foretaksregisteret",
            "Ingrid Čáhppesjohka Šiellabakti",
            "Skogbrynet 8 B",
            "9017 Tromsø",
            "10423",
            "PO-årsavtale",
            "010423010482",
            "1234 56 78903",
            "NO71 1234 5678 903",
            "15 %",
            "25 %",
            "faktura@lillevik.example",
            "lillevik.example/personvern",
        ];
        for fact in words.iter().chain(&facts) {
            assert!(text.contains(fact), "{fact} is missing in {}:\n{text}", language.as_str());
        }
    }
}

#[test]
fn many_lines_go_to_more_pages_with_the_totals_last() {
    for lines in [1, 5, 10, 30, 120] {
        let doc = document(Language::Bokmal, lines);
        let Some(text) = text_of(&render::pdf(&doc, None, b"x").unwrap()) else { return };
        for i in 1..=lines {
            assert!(text.contains(&format!("Grønnsakskasse nr. {i}")), "line {i} of {lines} is missing");
        }
        let total = domain::money::Money::from_ore(doc.totals.total.ore()).to_string().replace('\u{a0}', " ");
        assert!(text.contains(&total), "the total {total} of {lines} lines is missing");
    }
}

#[test]
fn a_credit_note_refers_to_its_invoice_and_asks_for_no_payment() {
    let mut doc = document(Language::Bokmal, 1);
    doc.kind = Kind::CreditNote;
    (doc.due_on, doc.kid) = (None, None);
    doc.credits = Some(Credited { number: 10_400, issued_on: NaiveDate::from_ymd_opt(2026, 10, 1).unwrap() });
    let Some(text) = text_of(&render::pdf(&doc, None, b"x").unwrap()) else { return };
    assert!(text.contains("Kreditnotaen gjelder faktura 10400 av 1. oktober 2026."), "{text}");
    assert!(!text.contains("Betalingsinformasjon") && !text.contains("Forfallsdato"), "{text}");
}

#[test]
fn a_letter_the_font_lacks_never_stops_an_invoice() {
    let mut doc = document(Language::Bokmal, 1);
    doc.buyer.name = "山田 太郎 😀".into();
    assert!(render::pdf(&doc, None, b"x").is_ok());
    doc.buyer.name = "x".repeat(500);
    doc.lines[0].input.description = "ord ".repeat(400);
    assert!(render::pdf(&doc, None, b"x").is_ok());
}

#[test]
fn the_html_escapes_what_people_wrote() {
    let mut doc = document(Language::Bokmal, 1);
    doc.buyer.name = "<script>alert(1)</script>".into();
    let page = render::html(&doc, None).unwrap();
    assert!(!page.contains("<script>") && page.contains("&#60;script&#62;"), "{page}");
}

both!(the_same_invoice_gives_the_same_bytes_and_is_kept, async |app: &TestApp| {
    let doc = document(Language::Bokmal, 10);
    let (one, two) = (render::pdf(&doc, None, b"id").unwrap(), render::pdf(&doc, None, b"id").unwrap());
    assert!(one == two);
    let actor = app.association().await;
    let hash = app.ctx.files.put(actor.org, &one).await.unwrap();
    assert!(app.ctx.files.get(actor.org, &hash).await.unwrap() == one);
    std::fs::write(app.ctx.files.path(actor.org, &hash), b"changed").unwrap();
    assert!(app.ctx.files.get(actor.org, &hash).await.is_err(), "a changed file was served");
});
