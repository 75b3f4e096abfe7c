//! The organisation's settings and what they do: accounts, VAT, numbers, logo.

use crate::harness::{TestApp, both, skip};
use chrono::{Days, NaiveDate};
use domain::money::Micro;
use formats::customer_list::Mode;
use reskontro::services::invoice::{self, DraftLine, NewDraft, OpeningItem};
use reskontro::services::ledger::ExportPeriod;
use reskontro::services::organisation::{self, GlAccount, NewVatCode, OrganisationPatch};
use reskontro::services::{Actor, ledger};
use reskontro::store::views;
use uuid::Uuid;

const LIST: &str = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post\n1;Kari Nord;Gata 1;0150;Oslo;kari@example.org\n";

async fn begin(app: &TestApp) -> (Actor, Uuid) {
    let actor = app.association().await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let id = views::customers(&tx, Uuid::nil(), 1).await.unwrap()[0].id;
    (actor, id)
}

async fn issue(app: &TestApp, actor: &Actor, customer_id: Uuid, vat_code: &str) -> Uuid {
    let line = DraftLine {
        product_number: None,
        description: Some("Konsulenttime".into()),
        quantity: Micro::ONE,
        unit: Some("HUR".into()),
        unit_price: Micro::parse("1000").ok(),
        discount_percent: Micro::ZERO,
        vat_code: Some(vat_code.into()),
    };
    let new = NewDraft {
        customer_id,
        lines: vec![line],
        due_on: None,
        delivered_from: None,
        delivered_to: None,
        delivery_place: None,
        note: None,
    };
    let id = invoice::create_draft(&app.ctx, actor, &new).await.unwrap();
    invoice::issue_draft(&app.ctx, actor, id).await.unwrap().id
}

both!(settings_are_checked_and_kept, async |app: &TestApp| {
    let (actor, _) = begin(app).await;
    let bad = OrganisationPatch {
        email: Some(Some("nobody".into())),
        fiscal_year_start_month: Some(13),
        write_off_limit_ore: Some(100_001),
        ..OrganisationPatch::default()
    };
    let error = organisation::patch(&app.ctx, &actor, None, bad).await.unwrap_err().to_string();
    assert!(error.contains("3 fields"), "{error}");
    let good = OrganisationPatch {
        vat_registered: Some(true),
        reply_to: Some(Some("svar@fjellbygda.example".into())),
        phone: Some(None),
        write_off_limit_ore: Some(5_000),
        ..OrganisationPatch::default()
    };
    organisation::patch(&app.ctx, &actor, None, good).await.unwrap();
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let org = reskontro::store::organisation::find(&tx).await.unwrap().unwrap();
    assert!(org.vat_registered && org.phone.is_none());
    assert_eq!((org.reply_to.as_deref(), org.write_off_limit_ore), (Some("svar@fjellbygda.example"), 5_000));
});

both!(postings_go_to_the_accounts_that_were_chosen, async |app: &TestApp| {
    let (actor, customer) = begin(app).await;
    let account = |role: &str, code: &str, number: Option<&str>| GlAccount {
        role: role.into(),
        code: code.into(),
        number: number.map(str::to_owned),
    };
    let chosen = [account("receivable", "", Some("1510")), account("revenue", "7", Some("3990"))];
    organisation::set_gl_accounts(&app.ctx, &actor, &chosen).await.unwrap();
    let wrong = organisation::set_gl_accounts(&app.ctx, &actor, &[account("cash", "", Some("1900"))]).await;
    assert!(wrong.unwrap_err().to_string().contains("[0].role"));
    issue(app, &actor, customer, "7").await;
    let day = app.ctx.today();
    let export = ledger::export(&app.ctx, &actor, ExportPeriod { from_on: day, to_on: day }).await.unwrap();
    let csv = ledger::export_csv(&app.ctx, &actor, export.id).await.unwrap();
    assert!(csv.contains(";1510;receivable;") && csv.contains(";3990;revenue;"), "{csv}");
    organisation::set_gl_accounts(&app.ctx, &actor, &[account("receivable", "", None)]).await.unwrap();
    let all = organisation::gl_accounts(&app.ctx, &actor).await.unwrap();
    assert!(all.contains(&account("receivable", "", Some("1500"))), "back to the default");
    assert!(all.contains(&account("output_vat", "25", Some("2700"))));
});

both!(a_new_vat_rate_holds_from_its_day, async |app: &TestApp| {
    let (actor, customer) = begin(app).await;
    let vat = OrganisationPatch { vat_registered: Some(true), ..OrganisationPatch::default() };
    organisation::patch(&app.ctx, &actor, None, vat).await.unwrap();
    let day = app.ctx.today() + Days::new(10);
    let new = NewVatCode {
        code: "3".into(),
        name: "alminnelig sats".into(),
        rate: Micro::whole(24),
        category: "S".into(),
        reason: None,
        valid_from: day,
    };
    organisation::add_vat_code(&app.ctx, &actor, &new).await.unwrap();
    let twice = organisation::add_vat_code(&app.ctx, &actor, &new).await.unwrap_err();
    assert_eq!(twice.code(), Some("vat_row_exists"));
    for bad in [
        NewVatCode { rate: Micro::ZERO, ..new.clone() },
        NewVatCode { category: "X".into(), ..new.clone() },
        NewVatCode { category: "E".into(), rate: Micro::ZERO, ..new.clone() },
    ] {
        assert!(organisation::add_vat_code(&app.ctx, &actor, &bad).await.is_err());
    }
    let vat_of = async |id: Uuid| {
        let tx = app.ctx.db.read(actor.org).await.unwrap();
        views::invoice(&tx, id).await.unwrap().unwrap().vat_ore
    };
    let before = issue(app, &actor, customer, "3").await;
    assert_eq!(vat_of(before).await, 25_000);
    app.clock.advance(chrono::Duration::days(10));
    let after = issue(app, &actor, customer, "3").await;
    assert_eq!((vat_of(before).await, vat_of(after).await), (25_000, 24_000));
});

both!(numbers_go_on_where_the_old_system_ended, async |app: &TestApp| {
    let (actor, customer) = begin(app).await;
    organisation::start_series(&app.ctx, &actor, "invoice", 2_345).await.unwrap();
    let twice = organisation::start_series(&app.ctx, &actor, "invoice", 1).await.unwrap_err();
    assert_eq!(twice.code(), Some("series_started"));
    let old = OpeningItem {
        customer_number: "1".into(),
        old_number: "2344".into(),
        issued_on: NaiveDate::from_ymd_opt(2026, 9, 1).unwrap(),
        due_on: NaiveDate::from_ymd_opt(2026, 9, 15).unwrap(),
        remaining_ore: 12_300,
        kid: None,
    };
    invoice::take_over(&app.ctx, &actor, &[old]).await.unwrap();
    issue(app, &actor, customer, "7").await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let series = views::series(&tx).await.unwrap();
    assert_eq!((series[0].first_number, series[0].next_number, series[0].missing), (2_345, 2_346, 0));
    assert!(series[0].start_set_at.is_some());
    let opening = views::opening_tally(&tx).await.unwrap();
    assert_eq!((opening.count, opening.ore), (1, 12_300));
    assert_eq!(views::opening_items(&tx, Uuid::nil(), 10).await.unwrap()[0].old_number, "2344");
});

/// A red square as a PNG.
pub fn png() -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, 40, 40);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[200, 30, 30].repeat(1600)).unwrap();
    writer.finish().unwrap();
    out
}

both!(a_logo_stands_on_documents_issued_while_it_was_set, async |app: &TestApp| {
    let (actor, customer) = begin(app).await;
    let set = async |bytes: Option<&[u8]>| organisation::set_logo(&app.ctx, &actor, bytes).await;
    assert!(set(Some(b"not a picture")).await.unwrap_err().to_string().contains("PNG or JPEG"));
    assert!(set(Some(&png()[..200.min(png().len() - 20)])).await.is_err(), "half a picture");
    assert_eq!(set(Some(&vec![0; 600_000])).await.unwrap_err().code(), Some("logo_too_large"));
    let mut bomb = png();
    bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    assert!(set(Some(&bomb)).await.unwrap_err().to_string().contains("pixels"));
    let without = issue(app, &actor, customer, "7").await;
    set(Some(&png())).await.unwrap();
    let with = issue(app, &actor, customer, "7").await;
    set(None).await.unwrap();
    let pictures = async |id: Uuid| {
        let pdf = invoice::pdf(&app.ctx, &actor, id).await.unwrap();
        let path = app.dir.path().join(format!("{id}.pdf"));
        std::fs::write(&path, pdf).unwrap();
        let Ok(out) = std::process::Command::new("pdfimages").arg("-list").arg(&path).output() else {
            skip("poppler", "pdfimages is not installed");
            return None;
        };
        Some(String::from_utf8(out.stdout).unwrap().lines().count().saturating_sub(2))
    };
    let (Some(before), Some(after)) = (pictures(without).await, pictures(with).await) else { return };
    assert_eq!((before, after), (0, 1), "a document keeps the logo it was issued with");
    assert!(invoice::html(&app.ctx, &actor, with).await.unwrap().contains("data:image/png;base64,"));
});
