//! Money placed, moved, taken back and written off; credit notes; numbers under concurrency; the audit chain.

use crate::harness::{ACCOUNT, TestApp, both};
use chrono::{Duration, NaiveDate};
use domain::money::Micro;
use formats::customer_list::Mode;
use formats::giro::{PaymentToWrite, write_ocr};
use reskontro::services::invoice::{self, CreditRequest, DraftLine, NewDraft, OpeningItem};
use reskontro::services::ledger::ExportPeriod;
use reskontro::services::payment::{self, ImportOptions, NewPayment};
use reskontro::services::{Actor, Error, audit, ledger};
use reskontro::store::views::{self, InvoiceItem, PaymentItem};
use sea_orm::ConnectionTrait;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

const LIST: &str = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post\n\
    1;Kari Nord;Gata 1;0150;Oslo;kari@example.org\n2;Ola Sør;Gata 2;0150;Oslo;ola@example.org\n";

async fn begin(app: &TestApp) -> (Actor, Vec<Uuid>) {
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100.05").await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let ids = views::customers(&tx, Uuid::nil(), 10).await.unwrap().iter().map(|c| c.id).collect();
    (actor, ids)
}

fn draft(customer_id: Uuid, quantity: i32) -> NewDraft {
    let line = DraftLine {
        product_number: Some("A".into()),
        description: None,
        quantity: Micro::whole(quantity),
        unit: None,
        unit_price: None,
        discount_percent: Micro::ZERO,
        vat_code: None,
    };
    NewDraft {
        customer_id,
        lines: vec![line],
        due_on: None,
        delivered_from: None,
        delivered_to: None,
        delivery_place: None,
        note: None,
    }
}

async fn issue(app: &TestApp, actor: &Actor, customer: Uuid, quantity: i32) -> InvoiceItem {
    let id = invoice::create_draft(&app.ctx, actor, &draft(customer, quantity)).await.unwrap();
    invoice::issue_draft(&app.ctx, actor, id).await.unwrap();
    read(app, actor, id).await
}

async fn read(app: &TestApp, actor: &Actor, id: Uuid) -> InvoiceItem {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    views::invoice(&tx, id).await.unwrap().unwrap()
}

async fn holds(app: &TestApp, actor: &Actor) {
    for check in ledger::verify(&app.ctx, actor).await.unwrap() {
        assert!(check.findings.is_empty(), "{}: {:?}", check.name, check.findings);
    }
}

async fn balance(app: &TestApp, actor: &Actor, customer: Uuid) -> i64 {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    views::customer_ledger(&tx, customer).await.unwrap().last().map_or(0, |l| l.balance_ore)
}

fn file(number: u32, payments: &[(&str, i64)]) -> Vec<u8> {
    let payments: Vec<PaymentToWrite> = payments
        .iter()
        .map(|(kid, ore)| PaymentToWrite {
            kid: (*kid).to_owned(),
            amount_ore: *ore,
            kind: 10,
            settled_on: NaiveDate::from_ymd_opt(2026, 11, 20).unwrap(),
            debit_account: Some("99990686021".into()),
        })
        .collect();
    write_ocr(number, ACCOUNT, &payments)
}

async fn waiting(app: &TestApp, actor: &Actor) -> Vec<PaymentItem> {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    views::payments(&tx, Some("unmatched"), false, Uuid::nil(), 10).await.unwrap()
}

both!(money_with_an_unknown_kid_waits_and_is_placed_by_hand, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let issued = issue(app, &actor, customers[0], 3).await;
    payment::import(&app.ctx, &actor, &file(1, &[("4711471", 20_000)]), ImportOptions::default()).await.unwrap();
    let queue = waiting(app, &actor).await;
    assert_eq!((queue.len(), queue[0].reason.as_str(), queue[0].customer_id), (1, "unknown_kid", None));
    holds(app, &actor).await;
    payment::allocate(&app.ctx, &actor, queue[0].id, issued.id).await.unwrap();
    assert_eq!(read(app, &actor, issued.id).await.remaining_ore, 10_015);
    assert_eq!(balance(app, &actor, customers[0]).await, 10_015);
    holds(app, &actor).await;
    let again = payment::allocate(&app.ctx, &actor, queue[0].id, issued.id).await.unwrap_err();
    assert_eq!(again.code(), Some("nothing_unallocated"));
    payment::reverse(&app.ctx, &actor, queue[0].id, "sent by mistake").await.unwrap();
    assert_eq!(read(app, &actor, issued.id).await.remaining_ore, 30_015);
    assert_eq!(balance(app, &actor, customers[0]).await, 30_015);
    holds(app, &actor).await;
});

both!(the_same_payment_in_another_file_is_booked_once_until_confirmed, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let issued = issue(app, &actor, customers[0], 1).await;
    let kid = issued.kid.clone().unwrap();
    payment::import(&app.ctx, &actor, &file(1, &[(&kid, 10_005)]), ImportOptions::default()).await.unwrap();
    let second =
        payment::import(&app.ctx, &actor, &file(2, &[(&kid, 10_005)]), ImportOptions::default()).await.unwrap();
    assert_eq!(second.reasons.get("suspected_duplicate"), Some(&1));
    assert_eq!(balance(app, &actor, customers[0]).await, 0);
    holds(app, &actor).await;
    let queue = waiting(app, &actor).await;
    assert!(queue[0].duplicate_of_id.is_some());
    payment::confirm(&app.ctx, &actor, queue[0].id).await.unwrap();
    holds(app, &actor).await;
    payment::refund(&app.ctx, &actor, queue[0].id).await.unwrap();
    holds(app, &actor).await;
});

both!(too_much_is_held_and_paid_back, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let issued = issue(app, &actor, customers[0], 1).await;
    let kid = issued.kid.clone().unwrap();
    let done = payment::import(&app.ctx, &actor, &file(1, &[(&kid, 15_000)]), ImportOptions::default()).await.unwrap();
    assert_eq!(done.reasons.get("kid_over"), Some(&1));
    assert_eq!(balance(app, &actor, customers[0]).await, -4_995);
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let partly = views::payments(&tx, Some("partly_matched"), false, Uuid::nil(), 10).await.unwrap();
    tx.commit().await.unwrap();
    payment::refund(&app.ctx, &actor, partly[0].id).await.unwrap();
    assert_eq!(balance(app, &actor, customers[0]).await, 0);
    holds(app, &actor).await;
});

both!(a_file_for_somebody_elses_account_is_refused_by_name, async |app: &TestApp| {
    let (actor, _) = begin(app).await;
    let other = String::from_utf8(file(1, &[("18", 100)])).unwrap().replace(ACCOUNT, "86011117947").into_bytes();
    let refused = payment::import(&app.ctx, &actor, &other, ImportOptions::default()).await.unwrap_err();
    assert_eq!(refused.code(), Some("unknown_account"));
    assert!(refused.to_string().contains("86011117947"), "{refused}");
    let options = ImportOptions { only_known_accounts: true };
    let done = payment::import(&app.ctx, &actor, &other, options).await.unwrap();
    assert_eq!(done.file.payments, 0);
});

both!(a_registered_payment_pays_the_oldest_claim_first, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let old = issue(app, &actor, customers[0], 1).await;
    app.clock.advance(Duration::days(3));
    let new = issue(app, &actor, customers[0], 2).await;
    let payment = NewPayment { amount_ore: 15_000, booked_on: None, invoice_id: None, customer_id: Some(customers[0]) };
    payment::register(&app.ctx, &actor, &payment).await.unwrap();
    assert_eq!(read(app, &actor, old.id).await.remaining_ore, 0);
    assert_eq!(read(app, &actor, new.id).await.remaining_ore, 20_010 - 4_995);
    holds(app, &actor).await;
});

both!(little_is_written_off_and_much_is_not, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let issued = issue(app, &actor, customers[0], 1).await;
    let much = payment::write_off(&app.ctx, &actor, issued.id).await.unwrap_err();
    assert_eq!(much.code(), Some("above_write_off_limit"));
    let payment = NewPayment { amount_ore: 10_000, booked_on: None, invoice_id: Some(issued.id), customer_id: None };
    payment::register(&app.ctx, &actor, &payment).await.unwrap();
    payment::write_off(&app.ctx, &actor, issued.id).await.unwrap();
    assert_eq!(read(app, &actor, issued.id).await.remaining_ore, 0);
    holds(app, &actor).await;
});

both!(a_credit_note_nets_what_is_open_and_holds_the_rest, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let issued = issue(app, &actor, customers[0], 3).await;
    let payment = NewPayment { amount_ore: 20_000, booked_on: None, invoice_id: Some(issued.id), customer_id: None };
    payment::register(&app.ctx, &actor, &payment).await.unwrap();
    let part = CreditRequest {
        reason: Some("én vare manglet".into()),
        quantities: HashMap::from([(1, Micro::ONE)]),
        rebill: false,
    };
    let note = invoice::credit(&app.ctx, &actor, issued.id, &part).await.unwrap();
    assert_eq!((note.kind.as_str(), note.number, note.total_ore, note.kid), ("credit_note", 10_002, 10_005, None));
    assert_eq!(read(app, &actor, issued.id).await.remaining_ore, 10);
    holds(app, &actor).await;
    let rest = CreditRequest { quantities: HashMap::from([(1, Micro::whole(2))]), ..CreditRequest::default() };
    invoice::credit(&app.ctx, &actor, issued.id, &rest).await.unwrap();
    assert_eq!(read(app, &actor, issued.id).await.remaining_ore, 0);
    assert_eq!(balance(app, &actor, customers[0]).await, -20_000);
    holds(app, &actor).await;
    let more = invoice::credit(&app.ctx, &actor, issued.id, &rest).await.unwrap_err();
    assert_eq!(more.code(), Some("credit_above_remaining"));
});

both!(an_old_systems_claim_is_paid_by_its_old_kid, async |app: &TestApp| {
    let (actor, _) = begin(app).await;
    let item = |kid: &str| OpeningItem {
        customer_number: "1".into(),
        old_number: "2025-17".into(),
        issued_on: NaiveDate::from_ymd_opt(2026, 9, 1).unwrap(),
        due_on: NaiveDate::from_ymd_opt(2026, 9, 15).unwrap(),
        remaining_ore: 45_000,
        kid: Some(kid.into()),
    };
    let wrong: Error = invoice::take_over(&app.ctx, &actor, &[item("100030")]).await.unwrap_err();
    assert!(wrong.to_string().contains("items[0].kid"), "{wrong}");
    invoice::take_over(&app.ctx, &actor, &[item("100008-")]).await.unwrap();
    let done =
        payment::import(&app.ctx, &actor, &file(1, &[("100008-", 45_000)]), ImportOptions::default()).await.unwrap();
    assert_eq!(done.reasons.get("kid_exact"), Some(&1));
    holds(app, &actor).await;
});

both!(a_draft_is_issued_once_however_many_ask, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let id = invoice::create_draft(&app.ctx, &actor, &draft(customers[0], 1)).await.unwrap();
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let (ctx, actor) = (app.ctx.clone(), actor.clone());
        tasks.push(tokio::spawn(async move { invoice::issue_draft(&ctx, &actor, id).await.is_ok() }));
    }
    let mut issued = 0;
    for task in tasks {
        issued += usize::from(task.await.unwrap());
    }
    assert_eq!(issued, 1);
    holds(app, &actor).await;
});

both!(numbers_have_no_gap_when_many_issue_at_once_and_some_fail, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let mut tasks = Vec::new();
    for i in 0..24 {
        let (ctx, actor, customer) = (app.ctx.clone(), actor.clone(), customers[i % 2]);
        tasks.push(tokio::spawn(async move {
            let mut new = draft(customer, 1);
            if i % 3 == 0 {
                // Issuing fails: the period of supply ends before it begins.
                new.delivered_from = NaiveDate::from_ymd_opt(2026, 11, 20);
                new.delivered_to = NaiveDate::from_ymd_opt(2026, 11, 19);
            }
            let id = invoice::create_draft(&ctx, &actor, &new).await.unwrap();
            invoice::issue_draft(&ctx, &actor, id).await.map(|i| i.number)
        }));
    }
    let mut numbers = HashSet::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(number) => assert!(numbers.insert(number), "{number} was given twice"),
            Err(error) => assert_eq!(error.code(), Some("not_issuable")),
        }
    }
    assert_eq!(numbers, (10_001..=10_016).collect());
    holds(app, &actor).await;
});

both!(the_same_file_imported_by_many_at_once_is_booked_once, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let issued = issue(app, &actor, customers[0], 1).await;
    let bytes = file(1, &[(issued.kid.as_deref().unwrap(), 10_005)]);
    let mut tasks = Vec::new();
    for _ in 0..6 {
        let (ctx, actor, bytes) = (app.ctx.clone(), actor.clone(), bytes.clone());
        tasks.push(tokio::spawn(async move {
            payment::import(&ctx, &actor, &bytes, ImportOptions::default()).await.unwrap().repeated
        }));
    }
    let mut first = 0;
    for task in tasks {
        first += usize::from(!task.await.unwrap());
    }
    assert_eq!(first, 1);
    assert_eq!(balance(app, &actor, customers[0]).await, 0);
    holds(app, &actor).await;
});

both!(the_ledger_of_a_day_gone_by_is_as_it_was, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let issued = issue(app, &actor, customers[0], 1).await;
    let then = app.ctx.today();
    app.clock.advance(Duration::days(10));
    let payment = NewPayment { amount_ore: 10_005, booked_on: None, invoice_id: Some(issued.id), customer_id: None };
    payment::register(&app.ctx, &actor, &payment).await.unwrap();
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    assert_eq!(views::open_items(&tx, then, Uuid::nil(), 10).await.unwrap().len(), 1);
    assert!(views::open_items(&tx, app.ctx.today(), Uuid::nil(), 10).await.unwrap().is_empty());
});

both!(postings_leave_balanced, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    issue(app, &actor, customers[0], 2).await;
    let day = app.ctx.today();
    let period = ExportPeriod { from_on: day, to_on: day };
    let first = ledger::export(&app.ctx, &actor, period).await.unwrap();
    assert_eq!((first.entries, first.exported_before), (1, 0));
    let csv = ledger::export_csv(&app.ctx, &actor, first.id).await.unwrap();
    let amounts = csv.lines().skip(1).map(|l| l.split(';').nth(5).unwrap().replace(',', "").parse::<i64>().unwrap());
    assert_eq!(amounts.clone().count(), 2);
    assert_eq!(amounts.sum::<i64>(), 0);
    assert!(csv.contains(";1500;receivable;") && csv.contains(";3200;revenue;"), "{csv}");
    assert!(csv.lines().skip(1).all(|l| l.ends_with(';')), "nothing left before: {csv}");
});

both!(postings_that_leave_again_say_so, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    issue(app, &actor, customers[0], 2).await;
    let day = app.ctx.today();
    let period = ExportPeriod { from_on: day, to_on: day };
    let first = ledger::export(&app.ctx, &actor, period).await.unwrap();
    let csv = ledger::export_csv(&app.ctx, &actor, first.id).await.unwrap();
    issue(app, &actor, customers[1], 1).await;
    app.clock.advance(Duration::days(1));
    let wide = ExportPeriod { from_on: day - Duration::days(5), to_on: day };
    let second = ledger::export(&app.ctx, &actor, wide).await.unwrap();
    assert_eq!((second.entries, second.exported_before), (2, 1));
    let again = ledger::export_csv(&app.ctx, &actor, second.id).await.unwrap();
    let marked = again.lines().filter(|l| l.ends_with(&format!(";{day}"))).count();
    assert_eq!(marked, 2, "debit and credit of the entry that left before: {again}");
    assert_eq!(ledger::export_csv(&app.ctx, &actor, first.id).await.unwrap(), csv, "an export stays as it was");
});

both!(a_changed_audit_event_breaks_the_chain, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    issue(app, &actor, customers[0], 1).await;
    app.clock.advance(Duration::hours(1));
    assert!(audit::seal(&app.ctx, &actor).await.unwrap() > 3);
    issue(app, &actor, customers[1], 1).await;
    let report = audit::verify(&app.ctx, &actor).await.unwrap();
    assert_eq!((report.segments, report.broken), (2, None));
    assert!(report.unsealed > 0);
    let heads = std::fs::read_to_string(app.ctx.config.files.dir.join("audit-heads.log")).unwrap();
    assert!(report.heads.iter().all(|h| heads.contains(&h.head)));
    if app.backend == crate::harness::Backend::Sqlite {
        let tx = app.ctx.db.write(actor.org).await.unwrap();
        tx.execute_unprepared("DROP TRIGGER audit_event_no_update").await.unwrap();
        tx.execute_unprepared("UPDATE audit_event SET verb = 'nothing' WHERE verb = 'product.created'").await.unwrap();
        tx.commit().await.unwrap();
        assert!(audit::verify(&app.ctx, &actor).await.unwrap().broken.is_some());
    }
});

both!(what_a_credit_note_left_is_paid_back_not_reversed, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let issued = issue(app, &actor, customers[0], 1).await;
    let payment = NewPayment { amount_ore: 10_005, booked_on: None, invoice_id: Some(issued.id), customer_id: None };
    payment::register(&app.ctx, &actor, &payment).await.unwrap();
    invoice::credit(&app.ctx, &actor, issued.id, &CreditRequest::default()).await.unwrap();
    let held = waiting(app, &actor).await;
    assert_eq!((held[0].reason.as_str(), held[0].unallocated_ore), ("credit_note", 10_005));
    let refused = payment::reverse(&app.ctx, &actor, held[0].id, "mistake").await.unwrap_err();
    assert_eq!(refused.code(), Some("credit_not_reversible"));
    payment::refund(&app.ctx, &actor, held[0].id).await.unwrap();
    assert_eq!(balance(app, &actor, customers[0]).await, 0);
    holds(app, &actor).await;
});

both!(a_payment_paid_back_in_part_can_still_be_reversed, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let issued = issue(app, &actor, customers[0], 1).await;
    let payment = NewPayment { amount_ore: 15_000, booked_on: None, invoice_id: Some(issued.id), customer_id: None };
    let id = payment::register(&app.ctx, &actor, &payment).await.unwrap();
    payment::refund(&app.ctx, &actor, id).await.unwrap();
    holds(app, &actor).await;
    payment::reverse(&app.ctx, &actor, id, "the bank took it back").await.unwrap();
    assert_eq!(read(app, &actor, issued.id).await.remaining_ore, 10_005);
    assert_eq!(balance(app, &actor, customers[0]).await, 10_005);
    holds(app, &actor).await;
});

both!(a_kid_an_old_system_gave_out_is_passed_over, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let scheme = domain::kid::KidScheme::default();
    let item = OpeningItem {
        customer_number: "2".into(),
        old_number: "7".into(),
        issued_on: NaiveDate::from_ymd_opt(2026, 9, 1).unwrap(),
        due_on: NaiveDate::from_ymd_opt(2026, 9, 15).unwrap(),
        remaining_ore: 100,
        kid: Some(scheme.compose(1, 1).unwrap()),
    };
    invoice::take_over(&app.ctx, &actor, &[item]).await.unwrap();
    let issued = issue(app, &actor, customers[0], 1).await;
    assert_eq!(issued.kid, scheme.compose(1, 2).ok());
});

both!(customers_are_found_by_names_with_norwegian_letters, async |app: &TestApp| {
    let actor = app.association().await;
    let list = "Kundenr;Navn;Postnr;Poststed\n1;Øystein Ålmo;0150;Oslo\n2;Ole Ås;0150;Oslo\n";
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let found = views::search_customers(&tx, "ØYST", 10).await.unwrap();
    assert_eq!(found.iter().map(|c| c.number.as_str()).collect::<Vec<_>>(), ["1"]);
    assert_eq!(views::search_customers(&tx, "2", 10).await.unwrap().len(), 1);
});

both!(a_kid_that_stands_for_a_customer_pays_the_oldest_claim, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let old = |kid: &str| invoice::OldKid { customer_number: "1".into(), kid: kid.into(), account_no: None };
    let wrong = invoice::take_over_kids(&app.ctx, &actor, &[old("100030")]).await.unwrap_err().to_string();
    assert!(wrong.contains("kids[0].kid"), "{wrong}");
    invoice::take_over_kids(&app.ctx, &actor, &[old("100008-")]).await.unwrap();
    let twice = invoice::take_over_kids(&app.ctx, &actor, &[old("100008-")]).await.unwrap_err();
    assert_eq!(twice.code(), Some("kid_taken"));
    let first = issue(app, &actor, customers[0], 1).await;
    app.clock.advance(Duration::days(3));
    let second = issue(app, &actor, customers[0], 1).await;
    let bytes = file(1, &[("100008-", 12_005)]);
    let done = payment::import(&app.ctx, &actor, &bytes, ImportOptions::default()).await.unwrap();
    assert_eq!(done.reasons.get("kid_customer"), Some(&1));
    assert_eq!(read(app, &actor, first.id).await.remaining_ore, 0);
    assert_eq!(read(app, &actor, second.id).await.remaining_ore, 10_005 - 2_000);
    holds(app, &actor).await;
});
