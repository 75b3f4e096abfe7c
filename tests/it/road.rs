//! The main job end to end: sync, bill, mail, book, verify.

use crate::harness::{ACCOUNT, TestApp, both};
use formats::customer_list::Mode;
use reskontro::services::payment::{ImportOptions, import};
use reskontro::services::run::{self, NewRun, Shown};
use reskontro::services::{delivery, ledger};
use reskontro::store::views;
use uuid::Uuid;

const LIST: &str = "Medlemsnr;Navn;Adresse;Postnr;Poststed;E-post;Kontingent\n\
    1;Kari Nord;Gata 1;7760;Snåsa;kari@example.org;MEDL\n\
    2;Ola Sør;Gata 2;7760;Snåsa;ola@example.org;MEDL, TREN\n\
    3;Liv Vest;Gata 3;7760;Snåsa;;MEDL\n\
    4;Per Øst;Gata 4;7760;Snåsa;per@example.org;MEDL\n\
    5;Siv Dal;Gata 5;7760;Snåsa;siv@example.org;UKJENT\n";

/// An OCR giro file of payments: KID and øre.
pub fn ocr_file(payments: &[(&str, i64)]) -> Vec<u8> {
    let sum: i64 = payments.iter().map(|p| p.1).sum();
    let mut lines = vec![
        format!("{:0<80}", "NY00001000008080123456700012345"),
        format!("{:0<80}", format!("NY0900200010085660000001{ACCOUNT}")),
    ];
    for (i, (kid, ore)) in payments.iter().enumerate() {
        let n = i + 1;
        lines.push(format!("{:0<80}", format!("NY091030{n:07}2311260123100000{ore:018}{kid:>25}")));
        lines.push(format!("{:0<80}", format!("NY091031{n:07}000000000012345678900000002311269999068602100")));
    }
    let n = payments.len();
    lines.push(format!("{:0<80}", format!("NY090088{n:08}{:08}{sum:017}231126231126231126", 2 * n + 2)));
    lines.push(format!("{:0<80}", format!("NY000089{n:08}{:08}{sum:017}231126", 2 * n + 4)));
    let mut text = lines.join("\r\n");
    text.push_str("\r\n");
    text.into_bytes()
}

both!(an_association_bills_its_members_and_books_what_they_pay, async |app: &TestApp| {
    let actor = app.association().await;
    app.product(&actor, "MEDL", "Medlemskontingent 2027", "450").await;
    app.product(&actor, "TREN", "Treningsavgift", "1250.50").await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;

    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let preview = run::preview(&app.ctx, &actor, &new, Shown { after: None, limit: 3 }).await.unwrap();
    assert_eq!((preview.invoices, preview.total_ore, preview.undeliverable.values().sum::<u64>()), (4, 305_050, 1));
    assert_eq!(preview.skipped.get("unknown_product"), Some(&1));
    assert_eq!((preview.customers[1].lines.len(), preview.customers[1].total_ore), (2, 170_050));
    assert_eq!(preview.next_cursor, Some(preview.customers[2].customer_id));
    let rest = run::preview(&app.ctx, &actor, &new, Shown { after: preview.next_cursor, limit: 3 }).await.unwrap();
    assert_eq!((rest.invoices, rest.customers.len(), rest.next_cursor), (4, 2, None));
    assert_eq!(rest.customers[1].skipped.as_deref(), Some("unknown_product"));

    let id = run::start(&app.ctx, &actor, &new).await.unwrap();
    let done = run::continue_run(&app.ctx, &actor, id, |_| {}).await.unwrap();
    assert_eq!((done.issued_count, done.skipped_count, done.issued_ore), (4, 1, 305_050));
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let skips = views::run_skips(&tx, id, Uuid::nil(), 10).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((skips[0].customer_number.as_str(), skips[0].reason.as_str()), ("5", "unknown_product"));
    let again = run::continue_run(&app.ctx, &actor, id, |_| {}).await.unwrap();
    assert_eq!(again.issued_count, 4);

    let states = delivery::drain(&app.ctx).await.unwrap();
    assert_eq!(states.get("delivered"), Some(&3));
    assert_eq!(app.spool().len(), 3);
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let failed = views::deliveries(&tx, Some("failed"), Uuid::nil(), 10).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].reason.as_deref(), Some("no_address"));
    let invoices = views::invoices(&tx, Uuid::nil(), 10).await.unwrap();
    tx.commit().await.unwrap();
    let numbers: Vec<i64> = invoices.iter().map(|i| i.number).collect();
    assert_eq!(numbers, [10_001, 10_002, 10_003, 10_004]);

    let kid = |i: usize| invoices[i].kid.clone().unwrap();
    let file = ocr_file(&[
        (&kid(0), invoices[0].total_ore),
        (&kid(1), 100_000),
        (&kid(2), invoices[2].total_ore),
        (&kid(2), invoices[2].total_ore),
        ("99999999", 12_300),
    ]);
    let booked = import(&app.ctx, &actor, &file, ImportOptions::default()).await.unwrap();
    let reasons: Vec<(&str, u64)> = booked.reasons.iter().map(|(r, n)| (*r, *n)).collect();
    assert_eq!(reasons, [("kid_exact", 2), ("kid_part", 1), ("paid_twice", 1), ("unknown_kid", 1)]);
    let same = import(&app.ctx, &actor, &file, ImportOptions::default()).await.unwrap();
    assert!(same.repeated);
    assert_eq!(same.file.id, booked.file.id);

    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let left: Vec<i64> = views::invoices(&tx, Uuid::nil(), 10).await.unwrap().iter().map(|i| i.remaining_ore).collect();
    assert_eq!(left, [0, 70_050, 0, 45_000]);
    tx.commit().await.unwrap();
    for check in ledger::verify(&app.ctx, &actor).await.unwrap() {
        assert!(check.findings.is_empty(), "{}: {:?}", check.name, check.findings);
    }
});
