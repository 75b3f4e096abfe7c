//! The statutory archive handed to the organisation that keeps its own: written whole, confirmed by who has it, and gone here.

use crate::api::{Api, key};
use crate::backup::{Elsewhere, request, with_key};
use crate::erasure::{Billed, assert_books_hold, billed, count, literal};
use crate::harness::{ACCOUNT, TestApp, both};
use chrono::Duration;
use domain::hex;
use formats::giro::{PaymentToWrite, write_ocr};
use reqwest::Method;
use reskontro::backup::{create, restore};
use reskontro::jobs::drain_jobs;
use reskontro::privacy::archive::{self, Question};
use reskontro::privacy::certificate;
use reskontro::privacy::explain::{Subject, explain};
use reskontro::privacy::hand_over::{self, Scope};
use reskontro::privacy::hold::{self, NewHold};
use reskontro::privacy::policy::{self, NewPolicy};
use reskontro::privacy::{erase, retention};
use reskontro::services::access::Scope as KeyScope;
use reskontro::services::payment::{self, ImportOptions, NewPayment, import};
use reskontro::services::{Actor, audit};
use reskontro::store::views;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The policy says that the organisation keeps its archive.
pub async fn tenant_keeps(app: &TestApp, actor: &Actor) {
    let changes = json!({"archive_custody": "tenant"});
    let new = NewPolicy { preset: "association-billing".into(), changes, valid_from: None };
    policy::publish(&app.ctx, actor, &new).await.unwrap();
    let newest = policy::current(&app.ctx, actor).await.unwrap().version_no;
    policy::approve(&app.ctx, actor, newest).await.unwrap();
}

async fn written(app: &TestApp, actor: &Actor, scope: Scope) -> (Uuid, PathBuf) {
    let (made, file) = hand_over::write(&app.ctx, actor, scope, "avtale 12").await.unwrap();
    let path = app.dir.path().join(format!("{}.zip", made.id));
    hand_over::save(&file, &path).unwrap();
    (made.id, path)
}

pub fn sha(path: &Path) -> String {
    hex::encode(&Sha256::digest(std::fs::read(path).unwrap()))
}

pub fn in_package(path: &Path, name: &str) -> String {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    zip.by_name(name).unwrap_or_else(|_| panic!("{name} is not in it")).read_to_string(&mut text).unwrap();
    text
}

fn of_customer_1() -> Question {
    Question { number: None, invoice_number: None, customer_id: None, reason: "Bokettersyn".into() }
}

both!(what_is_confirmed_is_gone_here_and_the_books_hold, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    reskontro::services::invoice::pdf(&app.ctx, &actor, invoices[0]).await.unwrap();
    let nobody = hand_over::write(&app.ctx, &actor, Scope::Archive, "avtale").await.map(|_| ()).unwrap_err();
    assert_eq!(nobody.code(), Some("archive_empty"));
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let (ctx, identity) = with_key(app);
    let backup = create::create(&ctx).await.unwrap();
    app.clock.advance(Duration::hours(1));

    let without = hand_over::write(&app.ctx, &actor, Scope::Archive, " ").await.map(|_| ()).unwrap_err();
    assert_eq!(without.code(), Some("validation_failed"), "a reason is asked for");
    let (id, path) = written(app, &actor, Scope::Archive).await;
    let (manifest, hash) = hand_over::check(&path).unwrap();
    assert_eq!((manifest.customers, manifest.documents, manifest.id), (1, 1, id));
    let people = in_package(&path, "customers.csv");
    assert!(people.contains("1,Kari Nord,") && !people.contains("Ola"), "{people}");
    let document = in_package(&path, "documents.csv");
    assert!(document.contains("Kari Nord") && document.contains("100.00") && document.contains(".pdf"), "{document}");
    assert!(in_package(&path, "lines.csv").contains("Kontingent"));
    let postings = in_package(&path, "postings.csv");
    assert!(postings.lines().count() >= 3 && postings.contains(",1500,receivable,"), "{postings}");
    assert!(in_package(&path, "payments.csv").contains("100.00"));
    assert!(in_package(&path, "organisation.json").contains("general_ledger"));
    let sha = hex::encode(&hash);
    let folder = app.dir.path().join("files").join(actor.org.to_string());
    let pdfs = || walk(&folder).iter().filter(|f| std::fs::read(f).unwrap().starts_with(b"%PDF")).count();
    let before = pdfs();

    // Only who keeps the archive by the policy has it deleted here, and only who has the very file.
    let early = hand_over::confirm(&app.ctx, &actor, id, &sha).await.unwrap_err();
    assert_eq!(early.code(), Some("custody_platform"));
    assert_eq!(count(app, &actor, "archive_customer").await, 1);
    let changes = json!({"archive_custody": "tenant"});
    let new = NewPolicy { preset: "association-billing".into(), changes, valid_from: None };
    policy::publish(&app.ctx, &actor, &new).await.unwrap();
    let unapproved = hand_over::confirm(&app.ctx, &actor, id, &sha).await.unwrap_err();
    assert_eq!(unapproved.code(), Some("policy_not_approved"));
    tenant_keeps(app, &actor).await;
    let wrong = hand_over::confirm(&app.ctx, &actor, id, &"00".repeat(32)).await.unwrap_err();
    assert!(wrong.to_string().contains("SHA-256"), "{wrong}");
    assert_eq!(count(app, &actor, "archive_customer").await, 1);
    let done = hand_over::confirm(&app.ctx, &actor, id, &sha).await.unwrap();
    assert_eq!((done.handed_over, done.stay), (1, 0));
    for table in ["archive_customer", "archive_party", "archive_text", "archive_payer", "archive_document"] {
        assert_eq!(count(app, &actor, table).await, 0, "{table}");
    }
    assert_eq!(pdfs(), before - 1, "the document is gone, the other customer's is not");
    let case = certificate::get(&app.ctx, &actor, done.certificate.unwrap()).await.unwrap();
    assert!(certificate::is_genuine(&case) && case.scope == "archive");
    assert!(case.parts.iter().any(|p| p.what.contains("names") && p.count == 1), "{case:?}");
    assert_books_hold(app, &actor).await;
    assert_eq!(audit::verify(&app.ctx, &actor).await.unwrap().broken, None);

    // What is left says that it was handed over; a repeat finds nothing more.
    let question = Question { customer_id: Some(customers[0]), ..of_customer_1() };
    let gone = archive::read(&app.ctx, &actor, &question).await.map(|_| ()).unwrap_err();
    assert_eq!(gone.code(), Some("handed_over"));
    let held = explain(&app.ctx, &actor, Subject::Customer(customers[0]), None).await.unwrap().held;
    assert!(held.iter().all(|h| !h.what.contains("name")), "{held:?}");
    let again = hand_over::confirm(&app.ctx, &actor, id, &sha).await.unwrap();
    assert_eq!((again.handed_over, again.certificate), (0, None));

    // A backup from before does not bring it back.
    let elsewhere = Elsewhere::new(app, &ctx).await;
    restore::load(&elsewhere.config, &request(&backup, &identity)).await.unwrap();
    let there = elsewhere.ctx(app).await;
    let restored = restore::open(&there).await.unwrap();
    assert_eq!(restored.erased_again, 1);
    assert_eq!(hand_over::standing(&there, &actor).await.unwrap().customers, 0);
    there.db.close().await;

    // When the years are over the amounts go too.
    app.clock.set("2032-01-02T10:00:00Z".parse().unwrap());
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!(count(app, &actor, &format!("customer WHERE id = {}", literal(app, customers[0]))).await, 0);
    assert_books_hold(app, &actor).await;
});

fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

both!(who_was_living_in_an_older_backup_is_taken_away_again_too, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let (ctx, identity) = with_key(app);
    let backup = create::create(&ctx).await.unwrap();
    app.clock.advance(Duration::hours(1));
    tenant_keeps(app, &actor).await;
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let (id, path) = written(app, &actor, Scope::Archive).await;
    hand_over::confirm(&app.ctx, &actor, id, &sha(&path)).await.unwrap();
    let elsewhere = Elsewhere::new(app, &ctx).await;
    restore::load(&elsewhere.config, &request(&backup, &identity)).await.unwrap();
    let there = elsewhere.ctx(app).await;
    restore::open(&there).await.unwrap();
    assert_eq!(hand_over::standing(&there, &actor).await.unwrap().customers, 0);
    let tx = there.db.read(actor.org).await.unwrap();
    let found = reskontro::store::views::search_customers(&tx, "kari", 10).await.unwrap();
    tx.commit().await.unwrap();
    assert!(found.is_empty());
    there.db.close().await;
});

both!(what_a_hold_keeps_goes_when_it_is_released, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    tenant_keeps(app, &actor).await;
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let order = NewHold {
        kind: "order".into(),
        subject_kind: "customer".into(),
        subject_id: customers[0],
        reason: "Pålegg fra retten".into(),
        owner: "kasserer".into(),
        review_on: "2026-06-01".parse().unwrap(),
    };
    let held = hold::place(&app.ctx, &actor, &order).await.unwrap();
    let (id, path) = written(app, &actor, Scope::Archive).await;
    let done = hand_over::confirm(&app.ctx, &actor, id, &sha(&path)).await.unwrap();
    assert_eq!((done.handed_over, done.stay), (0, 1));
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!(count(app, &actor, "archive_customer").await, 1);
    hold::release(&app.ctx, &actor, held).await.unwrap();
    let certificates = "privacy_erasure WHERE subject_kind = 'archive'";
    assert_eq!(count(app, &actor, certificates).await, 0);
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!(count(app, &actor, "archive_customer").await, 0);
    assert_eq!(count(app, &actor, certificates).await, 1);
    // A process that dies before the certificate leaves what went; the next night says it.
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    let left = r#"{"customers":3,"documents":2,"payers":1,"notes":0,"addresses":0}"#;
    tx.execute_unprepared(&format!("UPDATE hand_over SET taken = '{left}'")).await.unwrap();
    tx.commit().await.unwrap();
    retention::nightly(&app.ctx, &actor).await.unwrap();
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!(count(app, &actor, certificates).await, 2);
    let cases = certificate::list(&app.ctx, &actor).await.unwrap();
    let names = |c: &certificate::Certificate| c.parts.iter().find(|p| p.what.contains("names")).map(|p| p.count);
    assert!(cases.iter().any(|c| c.scope == "archive" && names(c) == Some(3)), "{cases:?}");
});

both!(what_is_paid_after_a_customer_was_handed_over_goes_with_the_next_package, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    tenant_keeps(app, &actor).await;
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let (id, path) = written(app, &actor, Scope::Archive).await;
    hand_over::confirm(&app.ctx, &actor, id, &sha(&path)).await.unwrap();
    let none = hand_over::write(&app.ctx, &actor, Scope::Archive, "avtale").await.map(|_| ()).unwrap_err();
    assert_eq!(none.code(), Some("archive_empty"));
    // Somebody pays once more, and writes who it is.
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let kid =
        views::invoices(&tx, Uuid::nil(), 10).await.unwrap().into_iter().find(|i| i.id == invoices[0]).unwrap().kid;
    tx.commit().await.unwrap();
    let paid = PaymentToWrite {
        kid: kid.unwrap(),
        amount_ore: 5_000,
        kind: 13,
        settled_on: "2026-03-02".parse().unwrap(),
        debit_account: Some("99999068602".into()),
    };
    import(&app.ctx, &actor, &write_ocr(2, ACCOUNT, &[paid]), ImportOptions::default()).await.unwrap();
    retention::nightly(&app.ctx, &actor).await.unwrap();
    let (second, path) = written(app, &actor, Scope::Archive).await;
    let payments = in_package(&path, "payments.csv");
    assert!(payments.contains("50.00") && payments.contains("99999068602"), "{payments}");
    assert!(in_package(&path, "postings.csv").contains("50.00"));
    assert_eq!(in_package(&path, "customers.csv").lines().count(), 1, "who it is was handed over before");
    let done = hand_over::confirm(&app.ctx, &actor, second, &sha(&path)).await.unwrap();
    assert_eq!(done.stay, 0);
    assert_eq!(count(app, &actor, "archive_payer").await, 0);
    // Whom to pay it back to is needed until it is, and goes with the package after that.
    let to_whom = "payment_payer WHERE debit_account = '99999068602'";
    assert_eq!(count(app, &actor, to_whom).await, 1);
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let sql = "SELECT payment_id FROM payment_payer WHERE debit_account = '99999068602'";
    let row = tx.query_one_raw(Statement::from_string(tx.get_database_backend(), sql)).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    payment::refund(&app.ctx, &actor, row.try_get("", "payment_id").unwrap()).await.unwrap();
    retention::nightly(&app.ctx, &actor).await.unwrap();
    let (third, path) = written(app, &actor, Scope::Archive).await;
    hand_over::confirm(&app.ctx, &actor, third, &sha(&path)).await.unwrap();
    assert_eq!(count(app, &actor, "archive_payer").await + count(app, &actor, to_whom).await, 0);
    // All there is has every booking, of those who are not here by name too.
    let (_, path) = written(app, &actor, Scope::Organisation).await;
    let rows = |name: &str| i64::try_from(in_package(&path, name).lines().count()).unwrap() - 1;
    assert_eq!(rows("postings.csv"), count(app, &actor, "ledger_entry").await);
    assert_eq!(rows("payments.csv"), count(app, &actor, "payment").await);
    assert_books_hold(app, &actor).await;
});

both!(what_is_booked_while_a_package_is_written_or_after_it_keeps_the_copy_here, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    tenant_keeps(app, &actor).await;
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let (id, path) = written(app, &actor, Scope::Archive).await;
    // Begun before the package by its own time, and committed after it.
    let paid = NewPayment { amount_ore: 700, booked_on: None, invoice_id: None, customer_id: Some(customers[0]) };
    app.clock.advance(-Duration::minutes(5));
    payment::register(&app.ctx, &actor, &paid).await.unwrap();
    app.clock.advance(Duration::minutes(5));
    let done = hand_over::confirm(&app.ctx, &actor, id, &sha(&path)).await.unwrap();
    assert_eq!((done.handed_over, done.stay), (0, 1));
    assert_eq!(count(app, &actor, "archive_customer").await, 1);
    let (id, path) = written(app, &actor, Scope::Archive).await;
    assert_eq!(hand_over::confirm(&app.ctx, &actor, id, &sha(&path)).await.unwrap().handed_over, 1);
});

both!(a_package_nobody_takes_to_its_end_was_never_written, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    tenant_keeps(app, &actor).await;
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let (writing, from) = hand_over::begin(&app.ctx, &actor, Scope::Archive, "avtale 12").await.unwrap();
    drop(from);
    assert!(writing.write().await.is_err());
    assert_eq!(count(app, &actor, "hand_over").await + count(app, &actor, "hand_over_customer").await, 0);
    assert_eq!(count(app, &actor, "personal_reading WHERE action = 'archive.handed_over'").await, 1, "half is seen");
});

/// What becomes of a file of a package; none takes it out.
type Change<'a> = &'a dyn Fn(&str, Vec<u8>) -> Option<Vec<u8>>;

both!(a_package_that_was_changed_is_refused_with_the_file, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let (_, path) = written(app, &actor, Scope::Archive).await;
    let rewrite = |change: Change<'_>, extra: Option<&str>| {
        let mut from = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
        let other = app.dir.path().join("changed.zip");
        let mut to = zip::ZipWriter::new(std::fs::File::create(&other).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        for at in 0..from.len() {
            let mut entry = from.by_index(at).unwrap();
            let (name, mut bytes) = (entry.name().to_owned(), Vec::new());
            entry.read_to_end(&mut bytes).unwrap();
            if let Some(bytes) = change(&name, bytes) {
                to.start_file(name, options).unwrap();
                to.write_all(&bytes).unwrap();
            }
        }
        if let Some(name) = extra {
            to.start_file(name, options).unwrap();
        }
        to.finish().unwrap();
        hand_over::check(&other).unwrap_err().to_string()
    };
    hand_over::check(&path).unwrap();
    let replaced = |from: &'static str, to: &'static str| {
        move |name: &str, bytes: Vec<u8>| match String::from_utf8(bytes.clone()) {
            Ok(text) if !name.starts_with("documents/") => Some(text.replace(from, to).into_bytes()),
            _ => Some(bytes),
        }
    };
    let told = rewrite(&replaced("Kari Nord", "Kari Sør"), None);
    assert!(told.contains("customers.csv") || told.contains("documents.csv"), "{told}");
    let told = rewrite(&replaced("\"customers\": 1", "\"customers\": 2"), None);
    assert!(told.contains("manifest.json is not as it was signed"), "{told}");
    let told = rewrite(&|name, bytes| (name != "postings.csv").then_some(bytes), None);
    assert!(told.contains("postings.csv is missing"), "{told}");
    let told = rewrite(&|_, bytes| Some(bytes), Some("extra.txt"));
    assert!(told.contains("extra.txt is not in the manifest"), "{told}");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(hand_over::check(&path).is_err());
});

both!(over_http_the_answer_is_the_package_and_whoever_has_it_can_confirm_it, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    tenant_keeps(app, &actor).await;
    let admin = key(app, &actor, KeyScope::Admin).await;
    let api = Api::serve(app).await;
    let asked = json!({ "scope": "archive", "reason": "avtale 12" });
    let (status, empty) = api.send(Method::POST, "/api/v1/hand-overs", Some(&admin), Some(&asked)).await;
    assert_eq!((status.as_u16(), &empty["code"]), (409, &json!("archive_empty")));
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let post = api.client.post(format!("{}/api/v1/hand-overs", api.base)).bearer_auth(&admin);
    let answer = post.json(&asked).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/zip".parse().unwrap())
    );
    let confirm = answer.headers()["location"].to_str().unwrap().to_owned();
    let path = app.dir.path().join("fetched.zip");
    std::fs::write(&path, answer.bytes().await.unwrap()).unwrap();
    let (manifest, hash) = hand_over::check(&path).unwrap();
    assert_eq!(manifest.customers, 1);
    // What confirms it is told nowhere: only who has the file knows.
    let (_, standing) = api.send(Method::GET, "/api/v1/hand-overs", Some(&admin), None).await;
    let hash = hex::encode(&hash);
    assert!(!standing.to_string().contains(&hash), "{standing}");
    assert_eq!(standing["packages"][0]["still_here"], 1);
    let body = json!({ "sha256": hash });
    let (status, done) = api.send(Method::POST, &confirm, Some(&admin), Some(&body)).await;
    assert_eq!((status.as_u16(), &done["still_here"]), (202, &json!(1)), "{done}");
    drain_jobs(&app.ctx).await.unwrap();
    let (_, standing) = api.send(Method::GET, "/api/v1/hand-overs", Some(&admin), None).await;
    assert_eq!((&standing["customers"], &standing["custody"]), (&json!(0), &json!("tenant")));
    let package = &standing["packages"][0];
    assert!(package["confirmed_at"].is_string() && package["still_here"] == 0, "{standing}");

    // The agreement ends, and goes on again.
    let ending = "/api/v1/organisation/ending";
    assert_eq!(api.send(Method::GET, ending, Some(&admin), None).await.0.as_u16(), 404);
    let (status, _) = api.send(Method::POST, ending, Some(&admin), Some(&json!({}))).await;
    assert_eq!(status.as_u16(), 204);
    let (_, set) = api.send(Method::GET, ending, Some(&admin), None).await;
    assert_eq!((&set["ends_on"], &set["deleted_on"]), (&json!("2026-03-01"), &json!("2026-03-31")));
    let (_, parts) = api.send(Method::GET, &format!("{ending}/preview"), Some(&admin), None).await;
    assert!(parts["parts"].as_array().unwrap().len() > 5, "{parts}");
    assert_eq!(api.send(Method::DELETE, ending, Some(&admin), None).await.0.as_u16(), 204);
});
