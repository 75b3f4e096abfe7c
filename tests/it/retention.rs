//! What has had its time is deleted, by rule, and what is held or still needed stays.

use crate::harness::{TestApp, both, one_of_a};
use chrono::Duration;
use formats::customer_list::Mode;
use reskontro::privacy::hold::{self, NewHold};
use reskontro::privacy::policy::{self, NewPolicy};
use reskontro::privacy::retention::{self, Item};
use reskontro::services::customer::{self, Ending};
use reskontro::services::invoice::create_draft;
use reskontro::services::payment::{self, NewPayment};
use reskontro::services::{Actor, delivery};
use reskontro::store::views;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use uuid::Uuid;

const LIST: &str = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Telefon;Kontaktperson;Produkter\n\
    1;Kari Nord;Gata 1;0150;Oslo;kari@kunde.example;+4790000001;Liv Nord;A\n\
    2;Ola Sør;Gata 2;0150;Oslo;ola@kunde.example;+4790000002;;A\n\
    3;Eva Vest;Gata 3;0150;Oslo;eva@kunde.example;+4790000003;;A\n";

/// Three customers with a mailed invoice each: 1 has paid.
async fn billed(app: &TestApp) -> (Actor, Vec<Uuid>, Vec<Uuid>) {
    app.clock.set("2026-03-01T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    app.product(&actor, "A", "Kontingent", "100").await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    app.bill(&app.ctx, &actor).await;
    delivery::drain(&app.ctx).await.unwrap();
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let mut customers = views::customers(&tx, Uuid::nil(), 10).await.unwrap();
    customers.sort_by(|a, b| a.number.cmp(&b.number));
    let customers: Vec<Uuid> = customers.into_iter().map(|c| c.id).collect();
    let invoices = views::invoices(&tx, Uuid::nil(), 10).await.unwrap();
    tx.commit().await.unwrap();
    let of = |c: &Uuid| invoices.iter().find(|i| i.customer_id == *c).unwrap().id;
    let invoices: Vec<Uuid> = customers.iter().map(of).collect();
    let paid = NewPayment { amount_ore: 10_000, booked_on: None, invoice_id: Some(invoices[0]), customer_id: None };
    payment::register(&app.ctx, &actor, &paid).await.unwrap();
    (actor, customers, invoices)
}

async fn end(app: &TestApp, actor: &Actor, customer: Uuid) {
    let ending = Ending { reason: "sluttet".into(), ended_on: None };
    customer::end(&app.ctx, actor, customer, &ending).await.unwrap();
}

async fn count(app: &TestApp, actor: &Actor, from: &str) -> i64 {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM {from}");
    let row = tx.query_one_raw(Statement::from_string(tx.get_database_backend(), sql)).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

/// Plans and carries out; what was done.
async fn retain(app: &TestApp, actor: &Actor) -> Vec<Item> {
    let id = retention::plan(&app.ctx, actor).await.unwrap();
    retention::execute(&app.ctx, actor, id).await.unwrap();
    let plan = retention::get(&app.ctx, actor, id).await.unwrap();
    assert_eq!(plan.state, "done");
    plan.items
}

fn of<'a>(items: &'a [Item], what: &str) -> &'a Item {
    items.iter().find(|i| i.what == what).unwrap_or_else(|| panic!("{what}: {items:?}"))
}

both!(efaktura_references_go_when_the_relationship_ends_whatever_is_owed, async |app: &TestApp| {
    let (actor, customers, _) = billed(app).await;
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    tx.execute_unprepared("UPDATE customer_detail SET efaktura_address = '123'").await.unwrap();
    tx.commit().await.unwrap();
    assert!(retain(app, &actor).await.iter().all(|i| (i.due, i.held, i.deleted) == (0, 0, 0)), "too early");
    for customer in &customers[..2] {
        end(app, &actor, *customer).await;
    }
    assert_eq!(of(&retain(app, &actor).await, "eFaktura addresses").deleted, 2, "one has paid, one owes");
    assert_eq!(count(app, &actor, "customer_detail WHERE efaktura_address IS NOT NULL").await, 1);
    assert!(retain(app, &actor).await.iter().all(|i| (i.due, i.deleted) == (0, 0)), "a second run finds nothing");
    // Who has paid has left; who owes is still reached.
    assert_eq!((count(app, &actor, "customer_detail").await, count(app, &actor, "invoice").await), (2, 3));
});

both!(what_is_on_its_way_is_let_arrive, async |app: &TestApp| {
    let (actor, customers, _) = billed(app).await;
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    tx.execute_unprepared("UPDATE customer_detail SET efaktura_address = '123'").await.unwrap();
    tx.execute_unprepared("UPDATE delivery SET state = 'retrying'").await.unwrap();
    tx.commit().await.unwrap();
    end(app, &actor, customers[0]).await;
    app.clock.advance(Duration::days(9));
    assert_eq!(of(&retain(app, &actor).await, "eFaktura addresses").deleted, 0);
    app.clock.advance(Duration::days(2));
    assert_eq!(of(&retain(app, &actor).await, "eFaktura addresses").deleted, 1, "it waits for ever");
});

both!(drafts_and_addresses_go_by_their_own_time_and_a_dispute_keeps_its_own, async |app: &TestApp| {
    let (actor, customers, invoices) = billed(app).await;
    create_draft(&app.ctx, &actor, &one_of_a(customers[2])).await.unwrap();
    app.clock.set("2026-05-29T21:59:00Z".parse().unwrap());
    assert_eq!(of(&retain(app, &actor).await, "drafts").deleted, 0, "the ninetieth day has not begun in Oslo");
    app.clock.advance(Duration::minutes(1));
    assert_eq!(of(&retain(app, &actor).await, "drafts").deleted, 1);
    let new = NewHold {
        kind: "dispute".into(),
        subject_kind: "invoice".into(),
        subject_id: invoices[1],
        reason: "Varen kom aldri".into(),
        owner: "kasserer".into(),
        review_on: "2027-05-01".parse().unwrap(),
    };
    let held = hold::place(&app.ctx, &actor, &new).await.unwrap();
    app.clock.set("2027-03-01T10:00:00Z".parse().unwrap());
    let addresses = of(&retain(app, &actor).await, "addresses of deliveries").clone();
    assert_eq!((addresses.deleted, addresses.held), (2, 1), "the invoice in dispute keeps its address, no other");
    hold::release(&app.ctx, &actor, held).await.unwrap();
    assert_eq!(of(&retain(app, &actor).await, "addresses of deliveries").deleted, 1);
    assert_eq!(count(app, &actor, "delivery").await, 3, "that it was delivered is still known");
});

both!(a_policy_nobody_has_approved_deletes_nothing, async |app: &TestApp| {
    let (actor, customers, _) = billed(app).await;
    app.clock.set("2027-03-01T10:00:00Z".parse().unwrap());
    let changes = json!({"rules": {"draft": {"period": "P30D"}}});
    let new = NewPolicy { preset: "association-billing".into(), changes, valid_from: None };
    policy::publish(&app.ctx, &actor, &new).await.unwrap();
    retention::nightly(&app.ctx, &actor).await.unwrap();
    let plans = retention::list(&app.ctx, &actor).await.unwrap();
    assert_eq!((plans[0].state.as_str(), plans[0].policy_version), ("dry_run", 2));
    assert_eq!(of(&plans[0].items, "addresses of deliveries").due, 3);
    assert_eq!(count(app, &actor, "delivery_address").await, 3);
    let refused = retention::execute(&app.ctx, &actor, plans[0].id).await.unwrap_err();
    assert_eq!(refused.code(), Some("policy_not_approved"));
    policy::approve(&app.ctx, &actor, 2).await.unwrap();
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!(count(app, &actor, "delivery_address").await, 0);
    let done = retention::list(&app.ctx, &actor).await.unwrap().remove(0);
    let again = retention::execute(&app.ctx, &actor, done.id).await.unwrap_err();
    assert_eq!(again.code(), Some("already_executed"));
    // What it did names nobody.
    let text = format!("{done:?}");
    assert!(!text.contains("Kari") && !text.contains(&customers[0].to_string()), "{text}");
});

both!(another_organisations_rows_are_left_alone, async |app: &TestApp| {
    let (actor, ..) = billed(app).await;
    app.clock.set("2027-03-01T10:00:00Z".parse().unwrap());
    let other = crate::api::another(app).await;
    assert!(retain(app, &other).await.iter().all(|i| (i.due, i.held, i.deleted) == (0, 0, 0)));
    assert_eq!(count(app, &actor, "delivery_address").await, 3);
});
