//! Somebody is erased while others are at work: an invoice run, a queue that is sent, another erasure of the same person.

use crate::erasure::{Billed, assert_books_hold, billed, count, literal};
use crate::harness::{TestApp, both};
use formats::customer_list::Mode;
use reskontro::privacy::explain::Subject;
use reskontro::privacy::{certificate, erase, retention};
use reskontro::services::payment::{self, NewPayment};
use reskontro::services::run::{self, NewRun};
use reskontro::services::{Actor, delivery};
use reskontro::store::views;
use uuid::Uuid;

/// Members with a fee to be billed; their ids in order of their numbers.
async fn members(app: &TestApp, n: usize) -> (Actor, Vec<Uuid>) {
    app.clock.set("2026-03-01T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    app.product(&actor, "A", "Kontingent", "100").await;
    let mut list = String::from("Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n");
    for i in 100..100 + n {
        list.push_str(&format!("{i};Person{i} Medlem;Gata {i};0150;Oslo;person{i}@kunde.example;A\n"));
    }
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let mut found = views::customers(&tx, Uuid::nil(), 1_000).await.unwrap();
    tx.commit().await.unwrap();
    found.sort_by(|a, b| a.number.cmp(&b.number));
    (actor, found.into_iter().map(|c| c.id).collect())
}

/// Files of the spool that name somebody.
fn named_in_spool(app: &TestApp, name: &str) -> usize {
    let names = |path: &std::path::PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(name.len()).any(|w| w == name.as_bytes())
    };
    app.spool().iter().filter(|path| names(path)).count()
}

/// What was billed to some is paid, and the night has come.
async fn settle(app: &TestApp, actor: &Actor, customers: &[Uuid]) {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let invoices = views::invoices(&tx, Uuid::nil(), 1_000).await.unwrap();
    tx.commit().await.unwrap();
    for invoice in invoices.iter().filter(|i| customers.contains(&i.customer_id)) {
        let id = Some(invoice.id);
        let paid = NewPayment { amount_ore: invoice.total_ore, booked_on: None, invoice_id: id, customer_id: None };
        payment::register(&app.ctx, actor, &paid).await.unwrap();
    }
    app.clock.advance(chrono::Duration::days(12));
    retention::nightly(&app.ctx, actor).await.unwrap();
}

both!(while_a_run_bills_and_its_mails_leave_people_are_erased_and_nothing_of_them_is_left, async |app: &TestApp| {
    let (actor, customers) = members(app, 60).await;
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let run = run::start(&app.ctx, &actor, &new).await.unwrap();
    // First, in the middle and last of the run; and two more while the mails leave.
    let (during, sending) = ([customers[0], customers[31], customers[59]], [customers[10], customers[45]]);
    let erase_all = async |all: &[Uuid]| {
        let mut cases = Vec::new();
        for id in all {
            cases.push(erase::erase(&app.ctx, &actor, Subject::Customer(*id)).await.unwrap().id);
            tokio::task::yield_now().await;
        }
        cases
    };
    let (billed, first) = tokio::join!(run::continue_run(&app.ctx, &actor, run, |_| {}), erase_all(&during));
    assert_eq!(billed.unwrap().status, "finished");
    let (sent, second) = tokio::join!(delivery::drain(&app.ctx), erase_all(&sending));
    sent.unwrap();
    delivery::drain(&app.ctx).await.unwrap();
    assert_books_hold(app, &actor).await;
    let gone: Vec<Uuid> = during.into_iter().chain(sending).collect();
    settle(app, &actor, &gone).await;
    delivery::drain(&app.ctx).await.unwrap();
    for case in first.into_iter().chain(second) {
        let case = certificate::get(&app.ctx, &actor, case).await.unwrap();
        assert!(case.done_at.is_some() && certificate::is_genuine(&case), "{case:?}");
    }
    for id in &gone {
        let id = literal(app, *id);
        for table in ["customer_core", "customer_detail", "customer_contact", "standing_order", "payer_link"] {
            assert_eq!(count(app, &actor, &format!("{table} WHERE customer_id = {id}")).await, 0, "{table}");
        }
        let addresses =
            format!("delivery_address WHERE delivery_id IN (SELECT id FROM delivery WHERE customer_id = {id})");
        assert_eq!(count(app, &actor, &addresses).await, 0);
    }
    for number in [100, 131, 159, 110, 145] {
        assert_eq!(named_in_spool(app, &format!("person{number}@kunde.example")), 0, "{number}");
    }
    assert!(named_in_spool(app, "person101@kunde.example") > 0, "the others are written to");
    assert_books_hold(app, &actor).await;
});

both!(two_who_erase_the_same_person_at_once_and_one_who_does_it_again, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let subject = Subject::Customer(customers[0]);
    let (one, other) = tokio::join!(erase::erase(&app.ctx, &actor, subject), erase::erase(&app.ctx, &actor, subject));
    for answer in [one, other] {
        match answer {
            Ok(case) => assert!(case.done_at.is_some()),
            Err(error) => assert!(error.code().is_some(), "{error}"),
        }
    }
    // Archived already: what is kept by law is kept, and said again.
    let again = erase::erase(&app.ctx, &actor, subject).await.unwrap();
    assert!(again.done_at.is_some() && certificate::is_genuine(&again));
    let id = literal(app, customers[0]);
    assert_eq!(count(app, &actor, &format!("archive_customer WHERE customer_id = {id}")).await, 1);
    assert_eq!(count(app, &actor, &format!("customer_core WHERE customer_id = {id}")).await, 0);
    assert_books_hold(app, &actor).await;
});
