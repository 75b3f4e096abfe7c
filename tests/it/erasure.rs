//! Somebody is erased: what is free goes at once, what law keeps is closed away, what is owed waits, and nothing brings them
//! back.

use crate::harness::{TestApp, both};
use chrono::Duration;
use formats::customer_list::Mode;
use reskontro::backup::restore;
use reskontro::privacy::archive::{self, Question};
use reskontro::privacy::certificate::{self, Fate};
use reskontro::privacy::erase;
use reskontro::privacy::explain::Subject;
use reskontro::privacy::ledger::{self, Kind};
use reskontro::privacy::policy::{self, NewPolicy};
use reskontro::privacy::request::{self, NewRequest};
use reskontro::privacy::retention;
use reskontro::services::customer::{self, Ending, Input, NewContact, Readmission};
use reskontro::services::payment::{self, NewPayment};
use reskontro::services::run;
use reskontro::services::user::{self, NewUser};
use reskontro::services::{Actor, audit, delivery, ledger as books};
use reskontro::store::views;
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

const LIST: &str = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Telefon;Kontaktperson;Produkter\n\
    1;Kari Nord;Gata 1;0150;Oslo;kari@kunde.example;+4790000001;Liv Nord;A\n\
    2;Ola Sør;Gata 2;0150;Oslo;ola@kunde.example;+4790000002;;A\n\
    3;Eva Vest;Gata 3;0150;Oslo;eva@kunde.example;+4790000003;;\n";

/// What a test begins with: 1 was billed and has paid, 2 was billed and owes, 3 was never billed.
pub struct Billed {
    pub actor: Actor,
    pub customers: Vec<Uuid>,
    pub invoices: Vec<Uuid>,
}

pub async fn billed(app: &TestApp) -> Billed {
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
    let invoices: Vec<Uuid> = customers[..2].iter().map(of).collect();
    pay(app, &actor, invoices[0]).await;
    Billed { actor, customers, invoices }
}

pub async fn pay(app: &TestApp, actor: &Actor, invoice: Uuid) {
    let paid = NewPayment { amount_ore: 10_000, booked_on: None, invoice_id: Some(invoice), customer_id: None };
    payment::register(&app.ctx, actor, &paid).await.unwrap();
}

pub async fn count(app: &TestApp, actor: &Actor, from: &str) -> i64 {
    let tx = app.ctx.db.retain(actor.org).await.unwrap();
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM {from}");
    let row = tx.query_one_raw(Statement::from_string(tx.get_database_backend(), sql)).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

pub async fn assert_books_hold(app: &TestApp, actor: &Actor) {
    for check in books::verify(&app.ctx, actor).await.unwrap() {
        assert!(check.findings.is_empty(), "{}: {:?}", check.name, check.findings);
    }
}

async fn status(app: &TestApp, actor: &Actor, customer: Uuid) -> Option<String> {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let sql = "SELECT status FROM customer WHERE id = $1";
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [customer.into()]);
    tx.query_one_raw(statement).await.unwrap().map(|r| r.try_get("", "status").unwrap())
}

both!(what_is_free_goes_at_once_and_what_law_keeps_is_closed_away, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    let subject = Subject::Customer(customers[0]);
    let parts = erase::preview(&app.ctx, &actor, subject).await.unwrap();
    let fate = |what: &str| parts.iter().find(|p| p.what == what).unwrap_or_else(|| panic!("{what}: {parts:?}"));
    assert_eq!(fate("contact details").fate, Fate::Deleted);
    assert_eq!(fate("contact persons").fate, Fate::Deleted);
    let kept = fate("number and name");
    assert_eq!((kept.fate, kept.until), (Fate::KeptByLaw, Some("2032-01-01".parse().unwrap())));
    assert_eq!(fate("invoices and credit notes").until, Some("2032-01-01".parse().unwrap()));
    assert_eq!(count(app, &actor, "customer_detail").await, 3, "a preview deletes nothing");

    let done = erase::erase(&app.ctx, &actor, subject).await.unwrap();
    assert!(done.done_at.is_some() && certificate::is_genuine(&done));
    assert_eq!(done.backups_gone_by, Some("2026-03-31".parse().unwrap()));
    let mut forged = done.clone();
    forged.parts.clear();
    assert!(!certificate::is_genuine(&forged));
    assert_eq!(status(app, &actor, customers[0]).await.as_deref(), Some("archived"));
    for table in ["customer_detail", "customer_core", "customer_contact", "payer_link", "standing_order"] {
        let of = format!("{table} WHERE customer_id = {}", literal(app, customers[0]));
        assert_eq!(count(app, &actor, &of).await, 0, "{table}");
    }
    assert_eq!(count(app, &actor, "archive_customer").await, 1);
    assert_eq!((count(app, &actor, "archive_party").await, count(app, &actor, "archive_text").await), (1, 1));
    assert_eq!(count(app, &actor, "delivery_address").await, 1, "the other customer's");
    assert_eq!(app.spool().len(), 1, "the mail is gone from the folder");
    assert_books_hold(app, &actor).await;

    // No list and no search shows the person, and no document is served.
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    assert!(views::search_customers(&tx, "kari", 10).await.unwrap().is_empty());
    assert_eq!(views::customers(&tx, Uuid::nil(), 10).await.unwrap().len(), 2);
    tx.commit().await.unwrap();
    let gone = reskontro::services::invoice::pdf(&app.ctx, &actor, invoices[0]).await.unwrap_err();
    assert_eq!(gone.code(), Some("archived"));
    let gone = customer::read(&app.ctx, &actor, customers[0]).await.map(|_| ()).unwrap_err();
    assert_eq!(gone.code(), Some("customer_archived"));
    let again = customer::reopen(&app.ctx, &actor, customers[0]).await.unwrap_err();
    assert_eq!(again.code(), Some("customer_archived"));

    // Whoever has a reason reads the archive, and that is kept.
    let question = |reason: &str| Question {
        number: Some("1".into()),
        invoice_number: None,
        customer_id: None,
        reason: reason.into(),
    };
    assert!(archive::read(&app.ctx, &actor, &question(" ")).await.is_err(), "without a reason");
    let record = archive::read(&app.ctx, &actor, &question("Bokettersyn")).await.unwrap();
    assert_eq!((record.name.as_str(), record.documents.len(), record.payments.len()), ("Kari Nord", 1, 1));
    assert!(archive::pdf(&app.ctx, &actor, &record.documents[0]).await.unwrap().starts_with(b"%PDF"));
    assert_eq!(
        count(app, &actor, "personal_reading WHERE action = 'archive.read' AND reason = 'Bokettersyn'").await,
        1
    );
    let chain = audit::verify(&app.ctx, &actor).await.unwrap();
    assert_eq!(chain.broken, None);
});

pub fn literal(app: &TestApp, id: Uuid) -> String {
    if app.ctx.db.is_postgres() { format!("'{id}'") } else { format!("x'{}'", id.simple()) }
}

both!(who_owes_is_reached_until_it_is_paid, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    let subject = Subject::Customer(customers[1]);
    let case = erase::erase(&app.ctx, &actor, subject).await.unwrap();
    assert_eq!(case.done_at, None);
    let details = case.parts.iter().find(|p| p.what == "contact details").unwrap();
    assert_eq!(details.fate, Fate::KeptOtherwise);
    assert!(!details.held_by.is_empty());
    assert_eq!(status(app, &actor, customers[1]).await.as_deref(), Some("ended"));
    assert_eq!(count(app, &actor, "customer_detail WHERE email = 'ola@kunde.example'").await, 1);
    assert_eq!(count(app, &actor, "standing_order").await, 1, "nothing more is billed");
    let twice = erase::erase(&app.ctx, &actor, subject).await.unwrap_err();
    assert_eq!(twice.code(), Some("erasure_waits"));
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!(certificate::get(&app.ctx, &actor, case.id).await.unwrap().done_at, None, "still owed");
    pay(app, &actor, invoices[1]).await;
    retention::nightly(&app.ctx, &actor).await.unwrap();
    let done = certificate::get(&app.ctx, &actor, case.id).await.unwrap();
    assert!(done.done_at.is_some() && certificate::is_genuine(&done), "{done:?}");
    assert!(done.parts.iter().all(|p| p.held_by.is_empty()), "{done:?}");
    assert_eq!(count(app, &actor, "customer_detail WHERE email = 'ola@kunde.example'").await, 0);
    assert_eq!(status(app, &actor, customers[1]).await.as_deref(), Some("archived"));
    assert_eq!(
        count(app, &actor, "privacy_erasure WHERE subject_id IS NOT NULL").await,
        0,
        "a closed case names nobody"
    );
    assert_books_hold(app, &actor).await;
});

both!(who_was_never_billed_leaves_nothing, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let case = erase::erase(&app.ctx, &actor, Subject::Customer(customers[2])).await.unwrap();
    assert!(case.parts.iter().all(|p| p.fate == Fate::Deleted), "{case:?}");
    assert_eq!(status(app, &actor, customers[2]).await, None);
    assert_eq!(count(app, &actor, "archive_customer").await, 0);
});

both!(tomorrows_list_does_not_bring_the_person_back, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    customer::renumber(&app.ctx, &actor, customers[0], &customer::Renumbering { number: "1001".into() }).await.unwrap();
    // A plan that waits holds the person too.
    let input = Input { bytes: LIST.replace("Kari", "Karin").as_bytes().to_vec().leak(), mode: Mode::Delta };
    let waiting = customer::plan(&app.ctx, &actor, &input).await.unwrap();
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let stale = customer::apply(&app.ctx, &actor, waiting.id, true).await.unwrap_err();
    assert_eq!(stale.code(), Some("plan_discarded"));
    for number in ["1", "1001"] {
        let list = LIST.replace("1;Kari", &format!("{number};Kari"));
        let plan = customer::plan(&app.ctx, &actor, &Input { bytes: list.as_bytes(), mode: Mode::Full }).await.unwrap();
        assert_eq!((plan.summary.counts.new, plan.summary.counts.skipped), (0, 1), "{number}");
        assert!(plan.summary.notes.iter().any(|n| n.code == "erased" && n.line == 2), "{:?}", plan.summary.notes);
        customer::apply(&app.ctx, &actor, plan.id, true).await.unwrap();
    }
    let object = serde_json::json!({"number": "1", "name": "Kari Nord"}).as_object().unwrap().clone();
    let refused = customer::create(&app.ctx, &actor, &object).await.unwrap_err();
    assert_eq!(refused.code(), Some("number_erased"));
    let again = Readmission { number: "1".into(), contact: None, reason: "Medlem på nytt".into() };
    customer::readmit(&app.ctx, &actor, &again).await.unwrap();
    let plan = customer::plan(&app.ctx, &actor, &Input { bytes: LIST.as_bytes(), mode: Mode::Full }).await.unwrap();
    assert_eq!(plan.summary.counts.new, 1, "a new customer, not the old one");
    assert!(customer::readmit(&app.ctx, &actor, &again).await.is_err(), "once");
});

both!(an_ended_relationship_is_wound_up_by_the_policy, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    for customer in &customers {
        let ending = Ending { reason: "sluttet".into(), ended_on: None };
        customer::end(&app.ctx, &actor, *customer, &ending).await.unwrap();
    }
    app.clock.advance(Duration::days(1));
    let id = retention::plan(&app.ctx, &actor).await.unwrap();
    let planned = retention::get(&app.ctx, &actor, id).await.unwrap();
    let of = |what: &str| planned.items.iter().find(|i| i.what == what).unwrap();
    let retiring = of("customers of ended relationships");
    assert_eq!((retiring.due, retiring.held), (2, 1), "one owes");
    retention::execute(&app.ctx, &actor, id).await.unwrap();
    assert_eq!(status(app, &actor, customers[0]).await.as_deref(), Some("archived"));
    assert_eq!(status(app, &actor, customers[1]).await.as_deref(), Some("ended"));
    assert_eq!(status(app, &actor, customers[2]).await, None);
    assert_eq!(count(app, &actor, "customer_detail").await, 1);
    // Somebody who left and comes back is a new customer: nobody asked for erasure.
    let plan = customer::plan(&app.ctx, &actor, &Input { bytes: LIST.as_bytes(), mode: Mode::Full }).await.unwrap();
    assert_eq!((plan.summary.counts.new, plan.summary.counts.reopened), (2, 1));
    customer::apply(&app.ctx, &actor, plan.id, true).await.unwrap();
    assert_books_hold(app, &actor).await;
});

both!(when_the_years_are_over_nothing_is_left_and_the_books_balance, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    reskontro::services::invoice::pdf(&app.ctx, &actor, invoices[0]).await.unwrap();
    // The second pays in the year after: the invoice goes a year before the payment.
    app.clock.set("2027-01-10T10:00:00Z".parse().unwrap());
    pay(app, &actor, invoices[1]).await;
    for customer in &customers {
        let ending = Ending { reason: "sluttet".into(), ended_on: None };
        customer::end(&app.ctx, &actor, *customer, &ending).await.unwrap();
    }
    for (day, documents, payments, archived) in
        [("2031-12-31", 2, 2, 2), ("2032-01-01", 0, 1, 1), ("2032-12-31", 0, 1, 1), ("2033-01-01", 0, 0, 0)]
    {
        app.clock.set(format!("{day}T10:00:00Z").parse().unwrap());
        retention::nightly(&app.ctx, &actor).await.unwrap();
        assert_eq!(count(app, &actor, "invoice").await, documents, "{day}");
        assert_eq!(count(app, &actor, "archive_text").await, documents, "{day}");
        assert_eq!(count(app, &actor, "payment").await, payments, "{day}");
        assert_eq!(count(app, &actor, "archive_customer").await, archived, "{day}");
        assert_books_hold(app, &actor).await;
    }
    for table in ["customer", "ledger_entry", "open_item", "allocation", "delivery", "kid", "file_removal"] {
        assert_eq!(count(app, &actor, table).await, 0, "{table}");
    }
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let series = views::series(&tx).await.unwrap();
    assert_eq!((series[0].documents, series[0].expired_documents, series[0].missing), (0, 2, 0));
    tx.commit().await.unwrap();
    let left = walk(app.dir.path().join("files"));
    assert!(!left.iter().any(|bytes| bytes.starts_with(b"%PDF")), "the document's file is gone");
});

pub fn walk(dir: std::path::PathBuf) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { out.extend(walk(path)) } else { out.push(std::fs::read(path).unwrap()) }
    }
    out
}

both!(a_balance_is_carried_when_its_year_goes, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    app.clock.set("2032-01-01T10:00:00Z".parse().unwrap());
    retention::nightly(&app.ctx, &actor).await.unwrap();
    // What is unpaid is kept with its invoice; what is paid has gone.
    assert_eq!(count(app, &actor, "invoice").await, 1);
    assert_eq!(count(app, &actor, "open_item WHERE remaining_ore > 0").await, 1);
    assert_books_hold(app, &actor).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let ledger = views::customer_ledger(&tx, customers[1]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ledger.last().unwrap().balance_ore, 10_000);
});

both!(the_erasure_ledger_names_nobody_and_shows_every_change, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[2])).await.unwrap();
    let lines = ledger::read(&app.ctx).await.unwrap();
    let kinds: Vec<Kind> = lines.iter().map(|l| l.kind).collect();
    assert_eq!(kinds, [Kind::Intent, Kind::Done, Kind::Intent, Kind::Done]);
    let path = app.dir.path().join("ledgers/erasures.log");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("Kari") && !text.contains("kunde.example"), "{text}");
    std::fs::write(&path, text.replacen("\"done\"", "\"void\"", 1)).unwrap();
    assert_eq!(ledger::read(&app.ctx).await.unwrap_err().code(), Some("erasure_ledger_broken"));
    std::fs::write(&path, text.lines().skip(1).flat_map(|l| [l, "\n"]).collect::<String>()).unwrap();
    assert_eq!(ledger::read(&app.ctx).await.unwrap_err().code(), Some("erasure_ledger_broken"));
});

both!(an_intent_nobody_settled_is_settled_by_what_the_database_knows, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    // The process died before the last line, and another before its transaction was through.
    let path = app.dir.path().join("ledgers/erasures.log");
    let first = std::fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned();
    std::fs::write(&path, format!("{first}\n")).unwrap();
    assert_eq!(ledger::settle(&app.ctx).await.unwrap(), 0, "another node may be at it");
    app.clock.advance(Duration::minutes(61));
    assert_eq!(ledger::settle(&app.ctx).await.unwrap(), 1);
    assert_eq!(ledger::read(&app.ctx).await.unwrap().last().unwrap().kind, Kind::Done);
    assert_eq!(ledger::settle(&app.ctx).await.unwrap(), 0);
    let tx = app.ctx.db.retain(actor.org).await.unwrap();
    tx.execute_unprepared("DELETE FROM privacy_erasure").await.unwrap();
    tx.commit().await.unwrap();
    std::fs::write(&path, format!("{first}\n")).unwrap();
    ledger::settle(&app.ctx).await.unwrap();
    assert_eq!(ledger::read(&app.ctx).await.unwrap().last().unwrap().kind, Kind::Void);
});

both!(a_relationship_without_activity_ends_by_itself, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let new = NewPolicy { preset: "invoicing-platform".into(), changes: serde_json::Value::Null, valid_from: None };
    policy::publish(&app.ctx, &actor, &new).await.unwrap();
    policy::approve(&app.ctx, &actor, 2).await.unwrap();
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    tx.execute_unprepared("DELETE FROM standing_order_line").await.unwrap();
    tx.execute_unprepared("DELETE FROM standing_order").await.unwrap();
    tx.commit().await.unwrap();
    // Any contact extends it: the second changes an address two years later.
    app.clock.set("2028-06-01T10:00:00Z".parse().unwrap());
    let moved = "Kundenr;Navn;Adresse\n2;Ola Sør;Ny gate 5\n";
    app.sync(&actor, moved.as_bytes(), Mode::Delta).await;
    app.clock.set("2029-02-28T10:00:00Z".parse().unwrap());
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!(status(app, &actor, customers[0]).await.as_deref(), Some("active"), "a day too early");
    app.clock.set("2029-03-01T10:00:00Z".parse().unwrap());
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!(status(app, &actor, customers[0]).await.as_deref(), Some("archived"));
    assert_eq!(status(app, &actor, customers[2]).await, None, "never billed, silent as long");
    assert_eq!(status(app, &actor, customers[1]).await.as_deref(), Some("active"));
});

both!(a_user_whose_profile_ends_is_gone, async |app: &TestApp| {
    let actor = app.association().await;
    let new = NewUser { login: "kari.kasserer@lag.example", name: "Kari Kasserer", password: "et langt passord" };
    let id = user::create(&app.ctx, &new).await.unwrap();
    user::add_member(&app.ctx, &actor, id, "owner").await.unwrap();
    let token = user::sign_in(&app.ctx, new.login, new.password, None).await.unwrap().unwrap();
    let case = erase::erase(&app.ctx, &actor, Subject::User(id)).await.unwrap();
    assert!(case.done_at.is_some());
    assert!(user::session(&app.ctx, &token).await.unwrap().is_none(), "the session goes too");
    assert!(user::sign_in(&app.ctx, new.login, new.password, None).await.unwrap().is_err());
    assert_eq!(count(app, &actor, "app_user").await + count(app, &actor, "user_session").await, 0);
    assert!(
        count(app, &actor, "audit_event WHERE verb = 'member.added'").await > 0,
        "what was done is still known, by id"
    );
});

both!(a_contact_person_is_erased_and_the_customer_stays, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let contacts = customer::contacts(&app.ctx, &actor, customers[0]).await.unwrap();
    let subject = Subject::Contact { customer: customers[0], id: contacts[0].id };
    let case = erase::erase(&app.ctx, &actor, subject).await.unwrap();
    assert_eq!((case.scope.as_str(), case.done_at.is_some()), ("contact", true));
    assert_eq!(count(app, &actor, "customer_contact").await, 0);
    assert_eq!(status(app, &actor, customers[0]).await.as_deref(), Some("active"));
    let again = erase::erase(&app.ctx, &actor, subject).await.unwrap_err();
    assert_eq!(again.code(), Some("not_found"));
});

both!(a_list_does_not_call_off_an_erasure_that_waits, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let case = erase::erase(&app.ctx, &actor, Subject::Customer(customers[1])).await.unwrap();
    let plan = customer::plan(&app.ctx, &actor, &Input { bytes: LIST.as_bytes(), mode: Mode::Full }).await.unwrap();
    assert_eq!((plan.summary.counts.reopened, plan.summary.counts.skipped), (0, 1));
    let refused = customer::reopen(&app.ctx, &actor, customers[1]).await.unwrap_err();
    assert_eq!(refused.code(), Some("customer_erased"));
    // Taken in again by somebody who says why, the person is a customer, and the case ends without erasing.
    let again = Readmission { number: "2".into(), contact: None, reason: "Ombestemte seg".into() };
    customer::readmit(&app.ctx, &actor, &again).await.unwrap();
    customer::reopen(&app.ctx, &actor, customers[1]).await.unwrap();
    retention::nightly(&app.ctx, &actor).await.unwrap();
    let called_off = certificate::get(&app.ctx, &actor, case.id).await.unwrap();
    assert_eq!(
        (called_off.done_at, called_off.signature.as_str()),
        (None, ""),
        "nothing was erased, nothing is certified"
    );
    assert_eq!(count(app, &actor, "customer_detail").await, 3);
    let lines = ledger::read(&app.ctx).await.unwrap();
    assert!(ledger::to_replay(&lines).is_empty(), "a restore erases nobody by it");
});

both!(a_waiting_erasure_does_not_wait_for_the_policy, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    let case = erase::erase(&app.ctx, &actor, Subject::Customer(customers[1])).await.unwrap();
    let new = NewPolicy { preset: "association-billing".into(), changes: serde_json::Value::Null, valid_from: None };
    policy::publish(&app.ctx, &actor, &new).await.unwrap();
    pay(app, &actor, invoices[1]).await;
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert!(certificate::get(&app.ctx, &actor, case.id).await.unwrap().done_at.is_some());
});

both!(a_contact_person_who_was_erased_does_not_come_back_with_the_next_list, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let contacts = async || customer::contacts(&app.ctx, &actor, customers[0]).await.unwrap();
    let before = contacts().await;
    let name = before[0].name.clone().unwrap();
    let (ctx, identity) = crate::backup::with_key(app);
    let backup = reskontro::backup::create::create(&ctx).await.unwrap();
    app.clock.advance(Duration::hours(1));
    erase::erase(&app.ctx, &actor, Subject::Contact { customer: customers[0], id: before[0].id }).await.unwrap();
    let left = contacts().await.len();
    let input = Input { bytes: LIST.as_bytes(), mode: Mode::Full };
    let plan = customer::plan(&app.ctx, &actor, &input).await.unwrap();
    assert!(plan.summary.notes.iter().any(|n| n.code == "contact_erased"), "{:?}", plan.summary.notes);
    customer::apply(&app.ctx, &actor, plan.id, true).await.unwrap();
    app.sync(&actor, LIST.replace("Gata 1", "Ny gate 1").as_bytes(), Mode::Full).await;
    assert_eq!(contacts().await.len(), left, "neither with the same list nor with another row");
    let by_hand = NewContact { name: name.to_uppercase(), role: None, email: None, phone: None };
    let refused = customer::add_contact(&app.ctx, &actor, customers[0], &by_hand).await.unwrap_err();
    assert_eq!(refused.code(), Some("contact_erased"));
    // Somebody else of the same customer, and the same name of another customer, are others.
    app.sync(&actor, LIST.replace(&name, "Nora Annen").as_bytes(), Mode::Full).await;
    assert!(contacts().await.iter().any(|c| c.name.as_deref() == Some("Nora Annen")));
    customer::add_contact(&app.ctx, &actor, customers[1], &by_hand).await.unwrap();
    // Nor does an older backup bring the person back, nor the list that is read after it.
    let elsewhere = crate::backup::Elsewhere::new(app, &ctx).await;
    restore::load(&elsewhere.config, &crate::backup::request(&backup, &identity)).await.unwrap();
    let there = elsewhere.ctx(app).await;
    restore::open(&there).await.unwrap();
    let plan = customer::plan(&there, &actor, &input).await.unwrap();
    customer::apply(&there, &actor, plan.id, true).await.unwrap();
    let found = customer::contacts(&there, &actor, customers[0]).await.unwrap();
    assert!(found.iter().all(|c| c.name.as_deref() != Some(&name)), "{found:?}");
    there.db.close().await;
    let asked = |contact: &str| Readmission {
        number: "1".into(),
        contact: Some(contact.into()),
        reason: "Er kontakt igjen".into(),
    };
    assert!(customer::readmit(&app.ctx, &actor, &asked("Hvem Som Helst")).await.is_err());
    customer::readmit(&app.ctx, &actor, &asked(&name)).await.unwrap();
    if let Some(email) = before[0].email.as_deref() {
        customer::readmit(&app.ctx, &actor, &asked(email)).await.unwrap();
    }
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    assert!(contacts().await.iter().any(|c| c.name.as_deref() == Some(&name)));
});

both!(a_contact_person_does_not_come_back_with_a_plan_that_waits, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let list = LIST.replace("Gata 1", "Ny gate 1");
    let waiting = customer::plan(&app.ctx, &actor, &Input { bytes: list.as_bytes(), mode: Mode::Full }).await.unwrap();
    let contacts = customer::contacts(&app.ctx, &actor, customers[0]).await.unwrap();
    let subject = Subject::Contact { customer: customers[0], id: contacts[0].id };
    erase::erase(&app.ctx, &actor, subject).await.unwrap();
    assert_eq!(count(app, &actor, "customer_plan_part").await, 0);
    let refused = customer::apply(&app.ctx, &actor, waiting.id, true).await.unwrap_err();
    assert_eq!(refused.code(), Some("plan_discarded"));
});

both!(an_erasure_removes_the_persons_files_and_searches_no_folder, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let (before, folder) = (app.spool().len(), &app.ctx.config.mail.spool_dir);
    // Of no delivery and noted by nobody, as a process that died leaves one.
    let stray = folder.join(format!("{}.eml", app.ctx.id()));
    std::fs::write(&stray, "x").unwrap();
    let asked = NewRequest {
        kind: "erasure".into(),
        subject_kind: "customer".into(),
        subject_id: customers[0],
        channel: "mail".into(),
        received_on: None,
        wish: None,
    };
    let asked = request::receive(&app.ctx, &actor, &asked).await.unwrap();
    request::send_code(&app.ctx, &actor, asked).await.unwrap();
    assert_eq!((app.spool().len(), count(app, &actor, "file_removal").await), (before + 2, 1), "the code is noted");
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    assert_eq!(
        (app.spool().len(), count(app, &actor, "file_removal").await),
        (before, 0),
        "the mail and the code went"
    );
    assert!(stray.exists(), "nobody looked through the folder");
    app.clock.advance(Duration::days(1));
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert!(!stray.exists(), "a night does");
    assert_eq!(app.spool().len(), before - 1, "the other customer's mail is of a delivery");
});

both!(a_message_that_is_made_again_leaves_no_file_of_the_one_before, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let first = app.ctx.id();
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    let sql = "UPDATE delivery SET channel = 'ehf', state = 'rejected', message_id = $1 WHERE customer_id = $2";
    let values = [first.into(), customers[1].into()];
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await.unwrap();
    let sql = "SELECT id FROM delivery WHERE customer_id = $1";
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [customers[1].into()]);
    let id: Uuid = tx.query_one_raw(statement).await.unwrap().unwrap().try_get("", "id").unwrap();
    tx.commit().await.unwrap();
    let file = app.ctx.config.ehf.dir.join(format!("{first}.xml"));
    std::fs::create_dir_all(&app.ctx.config.ehf.dir).unwrap();
    std::fs::write(&file, "x").unwrap();
    delivery::resend(&app.ctx, &actor, id, false).await.unwrap();
    assert!(file.exists());
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    assert!(!file.exists());
});

both!(a_run_is_taken_back_although_somebody_has_left, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let id = views::invoices(&tx, Uuid::nil(), 1).await.unwrap()[0].run_id.unwrap();
    tx.commit().await.unwrap();
    let request = run::CreditRun { reason: "feil pris".into(), rebill: false };
    run::start_crediting(&app.ctx, &actor, id, &request).await.unwrap();
    let done = run::continue_crediting(&app.ctx, &actor, id).await.unwrap();
    assert_eq!((done.credited_count, done.credit_status.as_deref()), (1, Some("partly_credited")));
    assert_books_hold(app, &actor).await;
});
