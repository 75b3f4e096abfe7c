//! EHF: what is issued passes the official validator, whatever the lines; what cannot go says why.

use crate::harness::{TestApp, both, one_of_a, skip};
use chrono::NaiveDate;
use domain::credit_note::{CreditedGroup, credit_totals};
use domain::customer::Language;
use domain::invoice::{Address, Buyer, Credited, Document, Kind, LineInput, Seller, price, total};
use domain::money::{Micro, Money};
use domain::numbers::{AccountNumber, OrgNumber};
use domain::vat::{Vat, default_rows, on_document};
use formats::customer_list::Mode;
use formats::ehf;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reskontro::ctx::Ctx;
use reskontro::services::Actor;
use reskontro::services::access::{self, Scope};
use reskontro::services::invoice;
use reskontro::services::organisation::{self, OrganisationPatch};
use reskontro::store::views;
use std::process::Command;
use uuid::Uuid;

fn address(street: &str) -> Address {
    Address {
        street: Some(street.into()),
        street2: None,
        postal_code: Some("9017".into()),
        city: Some("Tromsø".into()),
        country: "NO".into(),
    }
}

fn vat(code: &str) -> Vat {
    let row = default_rows().into_iter().find(|r| r.code == code).unwrap();
    Vat { code: code.to_owned(), rate: row.rate, category: row.category, reason: row.reason.map(str::to_owned) }
}

fn document(inputs: Vec<LineInput>, registered: bool) -> Option<Document> {
    let day = |d| NaiveDate::from_ymd_opt(2027, 1, d).unwrap();
    let lines = price(inputs).ok()?;
    let totals = total(&lines).ok()?;
    Some(Document {
        kind: Kind::Invoice,
        number: 10_482,
        issued_on: day(1),
        due_on: Some(day(15)),
        delivered_from: day(1),
        delivered_to: None,
        delivery_place: None,
        language: Language::Bokmal,
        seller: Seller {
            name: "Lillevik Grønt AS & Co".into(),
            org_number: OrgNumber::parse("312345676").ok(),
            vat_registered: registered,
            in_business_register: registered,
            address: address("Kaiveien 14"),
            email: Some("faktura@lillevik.example".into()),
            phone: None,
            privacy_url: None,
            account: AccountNumber::parse(crate::harness::ACCOUNT).unwrap(),
            logo: None,
        },
        buyer: Buyer {
            number: "10423".into(),
            name: "Solbakken <Bygg> AS".into(),
            org_number: OrgNumber::parse("315771900").ok(),
            address: address("Skogbrynet 8 B"),
            reference: None,
            order_number: None,
        },
        lines,
        totals,
        kid: Some("000104200001576".into()),
        credits: None,
        note: None,
    })
}

/// Lines of every category, with quantities and prices that round badly; negative ones too.
fn lines() -> impl Strategy<Value = (bool, Vec<LineInput>)> {
    let codes = prop::sample::select(vec!["3", "31", "32", "33", "5", "51", "52", "6"]);
    let units = prop::sample::select(domain::unit::codes().collect::<Vec<_>>());
    let line = (codes, units, -3_000_000i64..50_000_000, 0i64..9_000_000_000, 0i64..100_000_000, any::<bool>());
    (any::<bool>(), prop::collection::vec(line, 1..8)).prop_map(|(registered, lines)| {
        let inputs = lines.into_iter().enumerate().map(|(i, (code, unit, quantity, price, discount, whole))| {
            // Half of them as people write them, half with all six decimals.
            let cut = |n: i64, to: i64| if whole { n / to * to } else { n };
            LineInput {
                description: format!("Vare nr. {} æøå \"&<>", i + 1),
                quantity: Micro::from_micro(if quantity == 0 { 1 } else { cut(quantity, 1_000_000).max(-3_000_000) }),
                unit: unit.to_owned(),
                unit_price: Micro::from_micro(cut(price, 10_000)),
                discount_percent: Micro::from_micro(if discount % 3 == 0 { cut(discount, 1_000_000) } else { 0 }),
                vat: on_document(vat(code), registered),
                product: (i % 2 == 0).then(|| format!("V-{i}")),
            }
        });
        let inputs = inputs
            .map(|l| LineInput { quantity: if l.quantity == Micro::ZERO { Micro::ONE } else { l.quantity }, ..l });
        (registered, inputs.collect())
    })
}

/// Part of an invoice taken back, and the rest: the second note's VAT is what the first left.
fn credited(invoice: &Document) -> Vec<Document> {
    let mut before: Vec<CreditedGroup> = Vec::new();
    let mut notes = Vec::new();
    for (numerator, of) in [(1u32, 3u32), (2, 3)] {
        let inputs = invoice.lines.iter().map(|l| {
            let quantity = l.input.quantity.share(numerator, of).unwrap();
            LineInput { quantity: if quantity == Micro::ZERO { l.input.quantity } else { quantity }, ..l.input.clone() }
        });
        let Ok(lines) = price(inputs.collect()) else { continue };
        let Ok(totals) = credit_totals(&invoice.totals, &before, &lines) else { continue };
        if totals.total <= Money::ZERO {
            continue;
        }
        before.extend(totals.groups.iter().map(|g| CreditedGroup {
            category: g.category,
            rate: g.rate,
            basis: g.basis,
            vat: g.vat,
        }));
        notes.push(Document {
            kind: Kind::CreditNote,
            due_on: None,
            kid: None,
            credits: Some(Credited { number: invoice.number, issued_on: invoice.issued_on }),
            note: Some("Feil levering".into()),
            lines,
            totals,
            ..invoice.clone()
        });
    }
    notes
}

/// Several hundred documents, the same ones every time.
fn many() -> Vec<Document> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut documents = Vec::new();
    while documents.len() < 320 {
        let (registered, inputs) = lines().new_tree(&mut runner).unwrap().current();
        let Some(mut invoice) = document(inputs, registered) else { continue };
        if invoice.totals.total < Money::ZERO {
            continue;
        }
        match documents.len() % 4 {
            0 => invoice.delivered_to = NaiveDate::from_ymd_opt(2027, 3, 31),
            1 => invoice.delivery_place = Some("9017 Tromsø".into()),
            2 => invoice.buyer.order_number = Some("PO-1".into()),
            _ => invoice.buyer.reference = Some("Ola".into()),
        }
        documents.extend(credited(&invoice));
        documents.push(invoice);
    }
    documents
}

#[test]
fn several_hundred_documents_pass_our_gate_and_the_official_validator() {
    let dir = tempfile::tempdir().unwrap();
    let documents = many();
    assert!(documents.iter().filter(|d| d.kind == Kind::CreditNote).count() > 60);
    for (i, document) in documents.iter().enumerate() {
        let bytes = ehf::write(document, Some(b"%PDF-1.7\n%%EOF\n")).unwrap();
        let findings = ehf::check(&bytes);
        assert!(findings.is_empty(), "{findings:?}\n{}", String::from_utf8_lossy(&bytes));
        std::fs::write(dir.path().join(format!("{i}.xml")), bytes).unwrap();
    }
    let Some(tool) = crate::harness::shared().map(|d| d.join("tools/validate-ehf")) else { return };
    let Ok(out) = Command::new("python3").arg(tool).arg("-q").arg(dir.path()).output() else {
        return skip("ehf", "python3 is not installed");
    };
    let said = String::from_utf8_lossy(&out.stdout);
    if out.status.code() == Some(2) {
        return skip("ehf", &String::from_utf8_lossy(&out.stderr));
    }
    assert!(out.status.success(), "{said}");
    assert!(said.contains(&format!("{} valid, 0 invalid", documents.len())), "{said}");
}

both!(an_issued_invoice_to_a_business_is_had_as_ehf, async |app: &TestApp| {
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100.05").await;
    let list = "Kundenr;Navn;Orgnr;Adresse;Postnr;Poststed\n1;Solbakken Bygg AS;315771900;Gata 1;0150;Oslo\n2;Kari Nord;;Gata 2;0150;Oslo\n";
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let customers = views::customers(&tx, Uuid::nil(), 10).await.unwrap();
    tx.commit().await.unwrap();
    let business = issue(&app.ctx, &actor, customers.iter().find(|c| c.number == "1").unwrap().id).await;
    let person = issue(&app.ctx, &actor, customers.iter().find(|c| c.number == "2").unwrap().id).await;
    let first = invoice::ehf(&app.ctx, &actor, business).await.unwrap();
    assert!(ehf::check(&first).is_empty());
    let text = String::from_utf8(first.clone()).unwrap();
    for expected in ["<cbc:EndpointID schemeID=\"0192\">315771900<", "<cbc:PaymentID>", ">100.05<", "JVBERi0"] {
        assert!(text.contains(expected), "{expected}");
    }
    // Served as first made, whatever the organisation is called since.
    let patch = OrganisationPatch { name: Some("Et annet navn".into()), ..OrganisationPatch::default() };
    organisation::patch(&app.ctx, &actor, None, patch).await.unwrap();
    assert_eq!(invoice::ehf(&app.ctx, &actor, business).await.unwrap(), first);
    let refused = invoice::ehf(&app.ctx, &actor, person).await.unwrap_err();
    assert_eq!(refused.code(), Some("no_ehf"));
    assert!(refused.to_string().contains("organisation number"), "{refused}");
    let key = access::create_key(&app.ctx, &actor, "test", Scope::Read, None).await.unwrap().text;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/v1/invoices/{business}/xml", listener.local_addr().unwrap());
    let router = reskontro::http::router(app.ctx.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::builder().build().unwrap();
    let answer = client.get(url).bearer_auth(key).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/xml");
    assert_eq!(answer.bytes().await.unwrap(), first);
});

/// One more invoice, of product A.
pub async fn issue(ctx: &Ctx, actor: &Actor, customer_id: Uuid) -> Uuid {
    let id = invoice::create_draft(ctx, actor, &one_of_a(customer_id)).await.unwrap();
    invoice::issue_draft(ctx, actor, id).await.unwrap().id
}

both!(a_file_is_checked_at_the_command_line, async |app: &TestApp| {
    let good = app.dir.path().join("good.xml");
    let document = document(
        vec![LineInput {
            description: "Vare".into(),
            quantity: Micro::ONE,
            unit: "H87".into(),
            unit_price: Micro::whole(100),
            discount_percent: Micro::ZERO,
            vat: vat("3"),
            product: None,
        }],
        true,
    );
    let bytes = ehf::write(&document.unwrap(), None).unwrap();
    std::fs::write(&good, &bytes).unwrap();
    let bad = app.dir.path().join("bad.xml");
    std::fs::write(&bad, String::from_utf8(bytes).unwrap().replace("125.00", "124.99")).unwrap();
    let check = |path: &std::path::Path| {
        let out = crate::torture::command(app, &["einvoice", "check", &path.display().to_string()])
            .stdout(std::process::Stdio::piped())
            .output()
            .unwrap();
        (out.status.success(), String::from_utf8(out.stdout).unwrap())
    };
    assert!(check(&good).0);
    let (passed, said) = check(&bad);
    assert!(!passed && said.contains("BR-CO-15"), "{said}");
});

both!(vat_is_taken_back_as_it_was_charged, async |app: &TestApp| {
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    let list = "Kundenr;Navn;Orgnr;Adresse;Postnr;Poststed;Skjermet\n1;Solbakken Bygg;315771900;Gata 1;0150;Oslo;ja\n";
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let customer = views::customers(&tx, Uuid::nil(), 1).await.unwrap()[0].id;
    tx.commit().await.unwrap();
    let issued = issue(&app.ctx, &actor, customer).await;
    let first = String::from_utf8(invoice::ehf(&app.ctx, &actor, issued).await.unwrap()).unwrap();
    assert!(!first.contains("Gata 1") && !first.contains("0150"), "a protected identity's address goes nowhere");
    let registered = OrganisationPatch { vat_registered: Some(true), ..OrganisationPatch::default() };
    organisation::patch(&app.ctx, &actor, None, registered).await.unwrap();
    let note = invoice::credit(&app.ctx, &actor, issued, &invoice::CreditRequest::default()).await.unwrap();
    let text = String::from_utf8(invoice::ehf(&app.ctx, &actor, note.id).await.unwrap()).unwrap();
    assert!(!text.contains("MVA</cbc:CompanyID>"), "the invoice was outside VAT, so is its credit note");
});
