//! Statistics of financial years that are over: kept before the books go, never of fewer than five, and nothing twice.

use crate::api::{Api, key};
use crate::harness::{Backend, TestApp, association, both};
use domain::customer::Language;
use domain::money::Micro;
use formats::customer_list::Mode;
use reqwest::Method;
use reskontro::privacy::hold::{self, NewHold};
use reskontro::privacy::policy::{self, NewPolicy};
use reskontro::privacy::statement::{self, NewStatement};
use reskontro::privacy::statistics::{self, StatisticsPart};
use reskontro::privacy::{records, retention};
use reskontro::services::Actor;
use reskontro::services::access::Scope;
use reskontro::services::invoice::{self, CreditRequest, DraftLine, NewDraft};
use reskontro::services::organisation;
use reskontro::services::payment::{self, NewPayment};
use reskontro::store::views;
use sea_orm::{ConnectionTrait, Database, Statement};
use secrecy::ExposeSecret;
use serde_json::json;
use std::fmt::Write;
use std::process::Stdio;
use uuid::Uuid;

fn at(app: &TestApp, when: &str) {
    app.clock.set(format!("{when}T10:00:00Z").parse().unwrap());
}

/// An organisation with a preset, its financial year beginning with a month, and nine customers.
async fn begin(app: &TestApp, preset: &str, start_month: u32) -> (Actor, Vec<Uuid>) {
    at(app, "2026-01-05");
    let mut new = association();
    new.privacy_preset = Some(preset.into());
    new.fiscal_year_start_month = start_month.try_into().unwrap();
    let actor = Actor::operator(organisation::create(&app.ctx, new).await.unwrap());
    app.product(&actor, "A", "Vare", "100").await;
    let mut list = String::from("Kundenr;Navn;Adresse;Postnr;Poststed\n");
    for no in 1..=9 {
        let _ = writeln!(list, "{no};Kari Nord {no};Gata {no};0150;Oslo");
    }
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let mut customers = views::customers(&tx, Uuid::nil(), 20).await.unwrap();
    customers.sort_by(|a, b| a.number.cmp(&b.number));
    (actor, customers.into_iter().map(|c| c.id).collect())
}

async fn issue(app: &TestApp, actor: &Actor, customer: Uuid) -> Uuid {
    let line = DraftLine {
        product_number: Some("A".into()),
        description: None,
        quantity: Micro::ONE,
        unit: None,
        unit_price: None,
        discount_percent: Micro::ZERO,
        vat_code: None,
    };
    let draft = NewDraft {
        customer_id: customer,
        lines: vec![line],
        due_on: None,
        delivered_from: None,
        delivered_to: None,
        delivery_place: None,
        note: None,
    };
    let id = invoice::create_draft(&app.ctx, actor, &draft).await.unwrap();
    invoice::issue_draft(&app.ctx, actor, id).await.unwrap();
    id
}

/// Invoices on a day, one a customer.
async fn bill(app: &TestApp, actor: &Actor, day: &str, customers: &[Uuid]) -> Vec<Uuid> {
    at(app, day);
    let mut invoices = Vec::new();
    for customer in customers {
        invoices.push(issue(app, actor, *customer).await);
    }
    invoices
}

async fn pay(app: &TestApp, actor: &Actor, day: &str, invoices: &[Uuid]) {
    at(app, day);
    for invoice in invoices {
        let paid = NewPayment { amount_ore: 10_000, booked_on: None, invoice_id: Some(*invoice), customer_id: None };
        payment::register(&app.ctx, actor, &paid).await.unwrap();
    }
}

async fn count(app: &TestApp, actor: &Actor, table: &str) -> i64 {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let sql = format!("SELECT COUNT(*) AS n FROM {table}");
    let row = tx.query_one_raw(Statement::from_string(tx.get_database_backend(), sql)).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

/// Kind, month, how many, øre in all, customers.
type Shown = (String, String, i64, i64, i64);

fn shown(part: &StatisticsPart) -> Shown {
    let month = part.month_on.map_or_else(|| "rest".to_owned(), |m| m.format("%Y-%m").to_string());
    (part.kind.clone(), month, part.items, part.total_ore, part.customers)
}

fn of(kind: &str, month: &str, items: i64, total_ore: i64, customers: i64) -> Shown {
    (kind.to_owned(), month.to_owned(), items, total_ore, customers)
}

/// The first day of each year that was reckoned, and what is kept of it.
async fn kept(app: &TestApp, actor: &Actor) -> Vec<(String, Vec<Shown>)> {
    let years = statistics::list(&app.ctx, actor).await.unwrap();
    years.iter().map(|y| (y.from_on.to_string(), y.parts.iter().map(shown).collect())).collect()
}

both!(a_month_with_four_customers_shows_nowhere_and_one_with_five_does, async |app: &TestApp| {
    let (actor, customers) = begin(app, "invoicing-platform", 1).await;
    let march = bill(app, &actor, "2026-03-10", &customers[..4]).await;
    let april = bill(app, &actor, "2026-04-10", &customers[..5]).await;
    pay(app, &actor, "2026-05-10", &[march, april].concat()).await;
    at(app, "2031-12-31");
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!((kept(app, &actor).await, count(app, &actor, "invoice").await), (vec![], 9), "the year stands");
    at(app, "2032-01-01");
    retention::nightly(&app.ctx, &actor).await.unwrap();
    let expected = vec![(
        "2026-01-01".to_owned(),
        vec![of("invoice", "2026-04", 5, 50_000, 5), of("payment", "2026-05", 9, 90_000, 5)],
    )];
    assert_eq!(kept(app, &actor).await, expected);
    assert_eq!((count(app, &actor, "invoice").await, count(app, &actor, "payment").await), (0, 0));
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!(kept(app, &actor).await, expected, "a year is reckoned once");
    // Nothing in it names anybody.
    let text = format!("{:?}", statistics::list(&app.ctx, &actor).await.unwrap());
    assert!(!text.contains("Kari") && customers.iter().all(|c| !text.contains(&c.to_string())), "{text}");
});

both!(what_is_too_small_alone_is_the_years_rest_when_it_is_enough_together, async |app: &TestApp| {
    let (actor, customers) = begin(app, "erp", 1).await;
    // Invoices: four and two others in two months are six. Credit notes: one, and it is kept nowhere.
    let march = bill(app, &actor, "2026-03-10", &customers[..4]).await;
    let june = bill(app, &actor, "2026-06-10", &customers[4..6]).await;
    let autumn = bill(app, &actor, "2026-09-10", &customers).await;
    invoice::credit(&app.ctx, &actor, autumn[0], &CreditRequest::default()).await.unwrap();
    pay(app, &actor, "2026-10-10", &march).await;
    pay(app, &actor, "2027-02-10", &[june, autumn[1..].to_vec()].concat()).await;
    at(app, "2032-01-01");
    retention::nightly(&app.ctx, &actor).await.unwrap();
    let first =
        ("2026-01-01".to_owned(), vec![of("invoice", "2026-09", 9, 90_000, 9), of("invoice", "rest", 6, 60_000, 6)]);
    assert_eq!(
        kept(app, &actor).await,
        std::slice::from_ref(&first),
        "four payments and one credit note stand for too few"
    );
    at(app, "2033-01-01");
    retention::nightly(&app.ctx, &actor).await.unwrap();
    let second = ("2027-01-01".to_owned(), vec![of("payment", "2027-02", 10, 100_000, 8)]);
    assert_eq!(kept(app, &actor).await, [second, first]);
});

both!(a_year_that_was_begun_is_not_reckoned_again_from_what_is_left, async |app: &TestApp| {
    let (actor, customers) = begin(app, "invoicing-platform", 7).await;
    // The financial year is from July to June.
    let invoices = bill(app, &actor, "2026-02-10", &customers[..6]).await;
    bill(app, &actor, "2026-08-10", &customers[..5]).await;
    pay(app, &actor, "2026-06-30", &invoices).await;
    at(app, "2031-06-30");
    let new = NewHold {
        kind: "dispute".into(),
        subject_kind: "invoice".into(),
        subject_id: invoices[0],
        reason: "Sak i forliksrådet".into(),
        owner: "daglig leder".into(),
        review_on: "2032-06-01".parse().unwrap(),
    };
    let held = hold::place(&app.ctx, &actor, &new).await.unwrap();
    at(app, "2031-07-01");
    retention::nightly(&app.ctx, &actor).await.unwrap();
    // Counted with the others, whatever holds it: it is counted now or never.
    let expected = vec![(
        "2025-07-01".to_owned(),
        vec![of("invoice", "2026-02", 6, 60_000, 6), of("payment", "2026-06", 6, 60_000, 6)],
    )];
    assert_eq!(kept(app, &actor).await, expected);
    assert_eq!(count(app, &actor, "invoice").await, 6, "the one that is held, and the next year");
    hold::release(&app.ctx, &actor, held).await.unwrap();
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!((kept(app, &actor).await, count(app, &actor, "invoice").await), (expected, 5));
});

both!(a_policy_without_statistics_keeps_none, async |app: &TestApp| {
    let (actor, customers) = begin(app, "association-billing", 1).await;
    let invoices = bill(app, &actor, "2026-04-10", &customers).await;
    pay(app, &actor, "2026-05-10", &invoices).await;
    at(app, "2032-01-01");
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!((kept(app, &actor).await, count(app, &actor, "invoice").await), (vec![], 0));
    assert_eq!(count(app, &actor, "statistic_year").await + count(app, &actor, "statistic").await, 0);
});

both!(a_policy_may_ask_for_larger_groups_and_the_statement_says_so, async |app: &TestApp| {
    let (actor, customers) = begin(app, "invoicing-platform", 1).await;
    let said = async || {
        let facts = statement::preview(&app.ctx, &actor, &NewStatement::default()).await.unwrap();
        let statement = serde_json::to_string(&render::privacy::statement(&facts, Language::Bokmal)).unwrap();
        let (_, paper) = records::of_today(&app.ctx, &actor, Language::Bokmal).await.unwrap();
        (statement, serde_json::to_string(&paper).unwrap())
    };
    let (statement, records) = said().await;
    for text in [&statement, &records] {
        assert!(text.contains("Statistikk") && text.contains("hvert tall gjelder minst 5 kunder"), "{text}");
    }
    let changes = json!({ "small_group": 7 });
    let new = NewPolicy { preset: "invoicing-platform".into(), changes, valid_from: None };
    policy::publish(&app.ctx, &actor, &new).await.unwrap();
    policy::approve(&app.ctx, &actor, 2).await.unwrap();
    assert!(said().await.0.contains("minst 7 kunder"));
    let invoices = [
        bill(app, &actor, "2026-04-10", &customers[..6]).await,
        bill(app, &actor, "2026-05-10", &customers[..7]).await,
    ];
    pay(app, &actor, "2026-06-10", &invoices.concat()).await;
    at(app, "2032-01-01");
    retention::nightly(&app.ctx, &actor).await.unwrap();
    let parts = kept(app, &actor).await.remove(0).1;
    assert_eq!(parts, [of("invoice", "2026-05", 7, 70_000, 7), of("payment", "2026-06", 13, 130_000, 7)]);
    // Over HTTP, with a key that reads.
    let reads = key(app, &actor, Scope::Read).await;
    let (_, body) = Api::serve(app).await.send(Method::GET, "/api/v1/statistics", Some(&reads), None).await;
    assert_eq!(
        (&body[0]["from_on"], &body[0]["to_on"], &body[0]["small_group"]),
        (&json!("2026-01-01"), &json!("2026-12-31"), &json!(7))
    );
    assert_eq!(
        (&body[0]["parts"][0]["month_on"], &body[0]["parts"][0]["customers"]),
        (&json!("2026-05-01"), &json!(7))
    );
    // And at the command line.
    let mut command = crate::torture::command(app, &["ledger", "statistics"]);
    let said = String::from_utf8(command.stdout(Stdio::piped()).output().unwrap().stdout).unwrap();
    assert!(said.contains("2026-01-01 to 2026-12-31: every number stands for 7 customers or more"), "{said}");
    assert!(said.contains("invoice 2026-05") && said.contains("700,00 kr") && !said.contains("2026-04"), "{said}");
    // An association says nothing of what it does not keep.
    let association = crate::api::another(app).await;
    let facts = statement::preview(&app.ctx, &association, &NewStatement::default()).await.unwrap();
    let text = serde_json::to_string(&render::privacy::statement(&facts, Language::Bokmal)).unwrap();
    assert!(!text.contains("tatistikk"), "{text}");
});

/// Runs a statement as the owner of the tables.
async fn as_owner(app: &TestApp, sql: &str) {
    let database = &app.ctx.config.database;
    let url = database.owner_url.as_ref().unwrap_or(&database.url).expose_secret();
    let owner = Database::connect(url).await.unwrap();
    owner.execute_unprepared(sql).await.unwrap();
    owner.close().await.unwrap();
}

both!(a_run_that_is_cut_off_counts_nothing_twice_and_nothing_never, async |app: &TestApp| {
    let (actor, customers) = begin(app, "invoicing-platform", 1).await;
    let invoices = bill(app, &actor, "2026-04-10", &customers).await;
    pay(app, &actor, "2026-05-10", &invoices).await;
    at(app, "2032-01-01");
    let expected = vec![(
        "2026-01-01".to_owned(),
        vec![of("invoice", "2026-04", 9, 90_000, 9), of("payment", "2026-05", 9, 90_000, 9)],
    )];
    // It stops before the first invoice has gone, then between invoices and payments.
    for (table, kept_then, left) in [("invoice", vec![], (9, 9)), ("payment", expected.clone(), (0, 9))] {
        let (stop, go_on) = match app.backend {
            Backend::Sqlite => (
                format!("CREATE TRIGGER stop BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'stop'); END"),
                "DROP TRIGGER stop".to_owned(),
            ),
            Backend::Postgres => (
                format!("REVOKE DELETE ON {table} FROM reskontro_retention"),
                format!("GRANT DELETE ON {table} TO reskontro_retention"),
            ),
        };
        as_owner(app, &stop).await;
        assert!(retention::nightly(&app.ctx, &actor).await.is_err(), "{table}");
        as_owner(app, &go_on).await;
        assert_eq!(kept(app, &actor).await, kept_then, "{table}");
        assert_eq!((count(app, &actor, "invoice").await, count(app, &actor, "payment").await), left, "{table}");
    }
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!((kept(app, &actor).await, count(app, &actor, "payment").await), (expected, 0));
});
