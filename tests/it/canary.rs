//! A person with unmistakable values in every field goes through what the service does; after the erasure and the scrub no
//! table, no file and no page of the database holds what is free, the archive alone holds what law keeps, and when the years
//! are over there is nothing at all (decision 46).

use crate::harness::{ACCOUNT, Backend, TestApp, both};
use formats::customer_list::Mode;
use formats::giro::{PaymentToWrite, write_ocr};
use reskontro::privacy::affected::{self, Search};
use reskontro::privacy::breach::{self, Facts};
use reskontro::privacy::closing;
use reskontro::privacy::consent::{self, NewConsent};
use reskontro::privacy::erase;
use reskontro::privacy::explain::Subject;
use reskontro::privacy::hand_over::{self, Scope};
use reskontro::privacy::hold::{self, NewHold};
use reskontro::privacy::inventory::columns;
use reskontro::privacy::reading;
use reskontro::privacy::request::{self, Decision, FromForm, NewRequest};
use reskontro::privacy::{retention, scrub};
use reskontro::services::customer::{self, Input, NewContact, NewNote};
use reskontro::services::invoice::{DraftLine, NewDraft, create_draft};
use reskontro::services::organisation::{self, NewEnding};
use reskontro::services::payment::{ImportOptions, import};
use reskontro::services::webhook::{self, NewEndpoint};
use reskontro::services::{Actor, delivery};
use reskontro::store::views;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Free: nothing of it may be left.
const FREE: &[&str] = &[
    "Levendegata 17",
    "Levendelinje 2",
    "7788",
    "Levendesund",
    "kanari.levende@kanaripost.example",
    "kanari.foerst@kanaripost.example",
    "91919273",
    "78787878",
    "Kanarikontakt",
    "kontakt@kanaripost.example",
    "92929394",
    "Kanariforesatt",
    "foresatt@kanaripost.example",
    "93939495",
    "Kanarirolle",
    "EFAKT-KANARI-77",
    "Kanariendring",
    "Kanariutkast",
    "Kanarisvar fra serveren",
    "Kanaritvist",
    "Kanariønske",
    "Kanarigrunn",
    "Kanariskjema",
    "Kanaribevis",
    "Kanarinotat",
];
/// Core: kept by law, in the archive alone.
const CORE: &[&str] = &["Kanaria Kjernesen", "KAN-4711", "Frossengata 3", "KANARIREF", "99999068602", "Kanariavtale"];

const HEAD: &str = "Kundenr;Navn;Adresse;Adresse 2;Postnr;Poststed;E-post;Mobil;Kontaktperson;Kontaktperson rolle;\
    Kontaktperson e-post;Kontaktperson telefon;Foresatt1 navn;Foresatt1 e-post;Foresatt1 mobil;Deres ref;Produkter\n";
const OTHER: &str = "9;Per Annen;Gata 1;;0150;Oslo;per@annen.example;;;;;;;;;;A\n";

fn row(street: &str, email: &str) -> String {
    format!(
        "KAN-4711;Kanaria Kjernesen;{street};Levendelinje 2;7788;Levendesund;{email};91919273;Kanarikontakt;Kanarirolle;\
         kontakt@kanaripost.example;92929394;Kanariforesatt;foresatt@kanaripost.example;93939495;KANARIREF;A\n"
    )
}

async fn execute(app: &TestApp, actor: &Actor, sql: &str) {
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    tx.execute_unprepared(sql).await.unwrap();
    tx.commit().await.unwrap();
}

/// A draft about the canary, never issued.
fn draft(customer_id: Uuid) -> NewDraft {
    NewDraft {
        customer_id,
        lines: vec![DraftLine {
            product_number: Some("A".into()),
            description: Some("Kanariutkast".into()),
            quantity: domain::money::Micro::ONE,
            unit: None,
            unit_price: None,
            discount_percent: domain::money::Micro::ZERO,
            vat_code: None,
        }],
        due_on: None,
        delivered_from: None,
        delivered_to: None,
        delivery_place: None,
        note: Some("Kanariutkast".into()),
    }
}

/// Requests of the canary, answered and open, and a consent.
async fn ask(app: &TestApp, actor: &Actor, id: Uuid) {
    let asked = NewRequest {
        kind: "rectification".into(),
        subject_kind: "customer".into(),
        subject_id: id,
        channel: "mail".into(),
        received_on: None,
        wish: Some("Kanariønske om retting".into()),
    };
    let request = request::receive(&app.ctx, actor, &asked).await.unwrap();
    let refused = Decision { decision: "refused".into(), grounds: Some("Kanarigrunn".into()) };
    request::decide(&app.ctx, actor, request, &refused).await.unwrap();
    // A code in the folder of mails is named after no delivery.
    let open = request::receive(&app.ctx, actor, &asked).await.unwrap();
    request::send_code(&app.ctx, actor, open).await.unwrap();
    let consent = NewConsent {
        purpose: "course".into(),
        channel: "mail".into(),
        text_version: "1".into(),
        given_by: "Kanariskjema".into(),
        proof: Some("Kanaribevis".into()),
    };
    consent::give(&app.ctx, actor, id, &consent).await.unwrap();
    // A form beside the statement, from the canary's own address.
    let token = request::form_token(&app.ctx, actor.org);
    app.clock.advance(chrono::Duration::seconds(5));
    let form = FromForm {
        kind: "access".into(),
        name: "Kanaria Kjernesen".into(),
        reach: "kanari.levende@kanaripost.example".into(),
        text: "Kanariønske om innsyn".into(),
        token,
    };
    request::ask_by_form(&app.ctx, actor.org, &form).await.unwrap().unwrap();
    // A breach that concerns the canary, told by a letter; and somebody who looks.
    let facts = Facts {
        what: Some("En fil kom på avveie.".into()),
        consequences: Some("Svindel.".into()),
        measures: Some("Slettet.".into()),
        ..Facts::default()
    };
    let breach = breach::open(&app.ctx, actor, &facts).await.unwrap();
    let concerns = Search { customer_ids: vec![id], ..Search::default() };
    affected::search(&app.ctx, actor, breach, &concerns).await.unwrap();
    assert_eq!(affected::send(&app.ctx, actor, breach, true).await.unwrap().mailed, 1);
    reading::note_now(&app.ctx, actor, "customer.get", id).await.unwrap();
}

/// Contacts with the canary: what is free, and what law keeps.
async fn talk(app: &TestApp, actor: &Actor, id: Uuid) {
    for (kind, text) in [("support", "Kanarinotat fra telefonen"), ("correspondence", "Kanariavtale om rabatt")] {
        let note = NewNote {
            kind: kind.into(),
            channel: "phone".into(),
            text: text.into(),
            contact_on: None,
            referred_invoice_id: None,
            closed: false,
        };
        customer::add_note(&app.ctx, actor, id, &note).await.unwrap();
    }
}

/// The canary's life. Its customer id.
async fn live(app: &TestApp, actor: &Actor) -> Uuid {
    app.product(actor, "A", "Kontingent", "100").await;
    let frozen = format!("{HEAD}{OTHER}{}", row("Frossengata 3", "kanari.foerst@kanaripost.example"))
        .replace("Levendelinje 2;7788;Levendesund", ";0150;Oslo");
    app.sync(actor, frozen.as_bytes(), Mode::Full).await;
    let endpoint = NewEndpoint { url: "http://127.0.0.1:9/hooks".into(), types: Vec::new() };
    webhook::create(&app.ctx, actor, &endpoint).await.unwrap();
    app.bill(&app.ctx, actor).await;
    delivery::drain(&app.ctx).await.unwrap();
    // Moved since: the live address is free, the one on the invoice is kept.
    let moved = format!("{HEAD}{OTHER}{}", row("Levendegata 17", "kanari.levende@kanaripost.example"));
    app.sync(actor, moved.as_bytes(), Mode::Full).await;
    // A list that cannot be read, one with an error, and one that waits.
    let broken = format!("{HEAD}{}\"Kanaria Kjernesen;Levendegata 17", row("Levendegata 17", "x"));
    let input = Input { bytes: broken.as_bytes(), mode: Mode::Delta };
    assert!(customer::plan(&app.ctx, actor, &input).await.is_err());
    let waiting = format!("{HEAD}{}", row("Kanariendring 4", "kanari.levende@kanaripost.example"));
    customer::plan(&app.ctx, actor, &Input { bytes: waiting.as_bytes(), mode: Mode::Delta }).await.unwrap();

    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let found = views::search_customers(&tx, "KAN-4711", 2).await.unwrap();
    let invoices = views::invoices(&tx, Uuid::nil(), 10).await.unwrap();
    tx.commit().await.unwrap();
    let id = found[0].id;
    let invoice = invoices.iter().find(|i| i.customer_id == id).unwrap();
    let extra = NewContact {
        name: "Kanarikontakt To".into(),
        role: Some("Kanarirolle".into()),
        email: Some("kontakt@kanaripost.example".into()),
        phone: Some("78787878".into()),
    };
    customer::add_contact(&app.ctx, actor, id, &extra).await.unwrap();
    create_draft(&app.ctx, actor, &draft(id)).await.unwrap();
    talk(app, actor, id).await;
    reskontro::services::invoice::pdf(&app.ctx, actor, invoice.id).await.unwrap();
    execute(app, actor, "UPDATE customer_detail SET efaktura_address = 'EFAKT-KANARI-77' WHERE phone LIKE '%91919273'")
        .await;
    for table in ["delivery_attempt", "delivery_event"] {
        let own = "SELECT d.id FROM delivery d JOIN customer_detail c ON c.customer_id = d.customer_id \
                   WHERE c.phone LIKE '%91919273'";
        let sql = format!("UPDATE {table} SET detail = 'Kanarisvar fra serveren' WHERE delivery_id IN ({own})");
        execute(app, actor, &sql).await;
    }
    let dispute = NewHold {
        kind: "dispute".into(),
        subject_kind: "invoice".into(),
        subject_id: invoice.id,
        reason: "Kanaritvist om varen".into(),
        owner: "kasserer".into(),
        review_on: "2026-05-01".parse().unwrap(),
    };
    let held = hold::place(&app.ctx, actor, &dispute).await.unwrap();
    hold::release(&app.ctx, actor, held).await.unwrap();
    ask(app, actor, id).await;
    let paid = PaymentToWrite {
        kid: invoice.kid.clone().unwrap(),
        amount_ore: invoice.total_ore,
        kind: 13,
        settled_on: "2026-03-02".parse().unwrap(),
        debit_account: Some("99999068602".into()),
    };
    let file = write_ocr(1, ACCOUNT, &[paid]);
    import(&app.ctx, actor, &file, ImportOptions::default()).await.unwrap();
    id
}

/// In which columns each value stands; the raw bank file is a file of its own.
async fn in_tables(app: &TestApp, actor: &Actor, values: &[&str]) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let tables: BTreeMap<&str, Vec<&str>> = columns().fold(BTreeMap::new(), |mut all, (table, column, _)| {
        all.entry(table).or_default().push(column);
        all
    });
    for (table, columns) in tables {
        let tx = app.ctx.db.retain(actor.org).await.unwrap();
        let counts: Vec<String> = values
            .iter()
            .enumerate()
            .map(|(i, v)| {
                let any: Vec<String> = columns.iter().map(|c| format!("CAST({c} AS TEXT) LIKE '%{v}%'")).collect();
                let any = any.join(" OR ");
                format!("CAST(COALESCE(SUM(CASE WHEN {any} THEN 1 ELSE 0 END), 0) AS BIGINT) AS n{i}")
            })
            .collect();
        let sql = format!("SELECT {} FROM {table}", counts.join(", "));
        let counted = tx.query_one_raw(Statement::from_string(tx.get_database_backend(), sql)).await.unwrap().unwrap();
        for (i, value) in values.iter().enumerate() {
            if counted.try_get::<i64>("", &format!("n{i}")).unwrap() > 0 {
                found.entry(table.to_owned()).or_default().push((*value).to_owned());
            }
        }
    }
    found
}

/// Which files under a folder hold which value.
fn in_files(dir: &Path, values: &[&str], found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            in_files(&path, values, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            for value in values {
                if bytes.windows(value.len()).any(|w| w == value.as_bytes()) {
                    found.push((path.clone(), (*value).to_owned()));
                }
            }
        }
    }
}

/// The folders in which PostgreSQL keeps this test's database and its log.
#[expect(clippy::disallowed_methods, reason = "the tests' own server")]
async fn postgres_folders(app: &TestApp) -> Vec<PathBuf> {
    use secrecy::ExposeSecret;
    let name = app.ctx.config.database.url.expose_secret().rsplit('/').next().unwrap().to_owned();
    let admin = Database::connect(std::env::var("TEST_DATABASE_URL").unwrap()).await.unwrap();
    let sql = format!(
        "SELECT current_setting('data_directory') AS dir, (SELECT oid::text FROM pg_database WHERE datname = '{name}') AS oid"
    );
    let row = admin.query_one_raw(Statement::from_string(sea_orm::DbBackend::Postgres, sql)).await.unwrap().unwrap();
    let (dir, oid): (String, String) = (row.try_get("", "dir").unwrap(), row.try_get("", "oid").unwrap());
    admin.close().await.unwrap();
    vec![Path::new(&dir).join("base").join(oid), Path::new(&dir).join("pg_wal")]
}

/// Holds every other canary off this server until it is dropped: PostgreSQL writes one log for all of its databases, and the
/// values are the same in all tests.
#[expect(clippy::disallowed_methods, reason = "the tests' own server")]
async fn alone(app: &TestApp) -> Option<DatabaseConnection> {
    if app.backend == Backend::Sqlite {
        return None;
    }
    let mut options = ConnectOptions::new(std::env::var("TEST_DATABASE_URL").unwrap());
    options.max_connections(1).min_connections(1);
    let admin = Database::connect(options).await.unwrap();
    admin.execute_unprepared("SELECT pg_advisory_lock(46)").await.unwrap();
    Some(admin)
}

/// Has PostgreSQL write its pages: what only stands in memory is in no file.
#[expect(clippy::disallowed_methods, reason = "the tests' own server")]
async fn flush(app: &TestApp) {
    if app.backend == Backend::Postgres {
        let admin = Database::connect(std::env::var("TEST_DATABASE_URL").unwrap()).await.unwrap();
        admin.execute_unprepared("CHECKPOINT").await.unwrap();
        admin.close().await.unwrap();
    }
}

/// Every value, wherever it is written: in the files of the database, in documents, mails and ledgers.
async fn everywhere(app: &TestApp, values: &[&str]) -> Vec<(PathBuf, String)> {
    let raw = match app.backend {
        Backend::Sqlite => vec![app.dir.path().join("db")],
        Backend::Postgres => postgres_folders(app).await,
    };
    let mut found = Vec::new();
    for dir in &raw {
        // Four digits stand by chance in a log that all tests write to; they are written with the street they belong to.
        let long: Vec<&str> = values.iter().copied().filter(|v| v.len() > 4 || !dir.ends_with("pg_wal")).collect();
        in_files(dir, &long, &mut found);
    }
    for folder in ["files", "spool", "ehf", "ledgers"] {
        in_files(&app.dir.path().join(folder), values, &mut found);
    }
    found
}

both!(an_archive_that_was_handed_over_leaves_nothing_before_its_years_are_over, async |app: &TestApp| {
    let _alone = alone(app).await;
    app.clock.set("2026-03-01T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    let id = live(app, &actor).await;
    crate::hand_over::tenant_keeps(app, &actor).await;
    erase::erase(&app.ctx, &actor, Subject::Customer(id)).await.unwrap();
    let (package, file) = hand_over::write(&app.ctx, &actor, Scope::Archive, "avtale").await.unwrap();
    // It sings in the package.
    let text = crate::hand_over::in_package(file.path(), "documents.csv");
    assert!(text.contains("Kanaria Kjernesen") && text.contains("Frossengata 3"), "{text}");
    let sha = crate::hand_over::sha(file.path());
    drop(file);
    hand_over::confirm(&app.ctx, &actor, package.id, &sha).await.unwrap();
    scrub::run(&app.ctx).await.unwrap();
    let all: Vec<&str> = FREE.iter().chain(CORE).copied().collect();
    assert_eq!(in_tables(app, &actor, &all).await, BTreeMap::new());
    assert_eq!(everywhere(app, &all).await, Vec::new());
});

both!(an_organisation_that_is_deleted_leaves_nothing_of_anybody, async |app: &TestApp| {
    let _alone = alone(app).await;
    app.clock.set("2026-03-01T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    live(app, &actor).await;
    organisation::end(&app.ctx, &actor, &NewEnding::default()).await.unwrap();
    app.clock.set("2026-04-02T10:00:00Z".parse().unwrap());
    assert_eq!(closing::nightly(&app.ctx).await.unwrap(), 1);
    scrub::run(&app.ctx).await.unwrap();
    let all: Vec<&str> = FREE.iter().chain(CORE).copied().collect();
    assert_eq!(in_tables(app, &actor, &all).await, BTreeMap::new());
    assert_eq!(everywhere(app, &all).await, Vec::new());
});

both!(nothing_free_is_left_and_the_archive_alone_keeps_what_law_asks, async |app: &TestApp| {
    let _alone = alone(app).await;
    app.clock.set("2026-03-01T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    let id = live(app, &actor).await;
    // The canary sings: were it not everywhere before, its silence would say nothing.
    let sung = in_tables(app, &actor, FREE).await;
    let heard: Vec<&String> = sung.values().flatten().collect();
    for value in FREE {
        assert!(heard.iter().any(|v| v.as_str() == *value), "{value} was never stored");
    }
    for value in CORE {
        assert!(!in_tables(app, &actor, &[value]).await.is_empty(), "{value} was never stored");
    }
    flush(app).await;
    let found = everywhere(app, FREE).await;
    assert!(found.len() >= FREE.len(), "the pages do not hold what the tables hold: {found:?}");

    erase::erase(&app.ctx, &actor, Subject::Customer(id)).await.unwrap();
    let done = scrub::run(&app.ctx).await.unwrap();
    assert_eq!(done.noted, 1);
    assert_eq!(in_tables(app, &actor, FREE).await, BTreeMap::new());
    let kept = in_tables(app, &actor, CORE).await;
    assert!(kept.keys().all(|table| table.starts_with("archive_")), "{kept:?}");
    assert!(kept.len() >= 3, "{kept:?}");
    assert_eq!(everywhere(app, FREE).await, Vec::new());

    app.clock.set("2032-01-02T10:00:00Z".parse().unwrap());
    retention::nightly(&app.ctx, &actor).await.unwrap();
    scrub::run(&app.ctx).await.unwrap();
    let all: Vec<&str> = FREE.iter().chain(CORE).copied().collect();
    assert_eq!(in_tables(app, &actor, &all).await, BTreeMap::new());
    assert_eq!(everywhere(app, &all).await, Vec::new());
});

both!(while_somebody_is_a_customer_numbers_and_dates_stand_without_their_name, async |app: &TestApp| {
    let _alone = alone(app).await;
    app.clock.set("2026-03-01T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    let id = live(app, &actor).await;
    let all: Vec<&str> = FREE.iter().chain(CORE).copied().collect();
    let sung = in_tables(app, &actor, &all).await;
    // The person is there, and in these tables as an id alone.
    assert!(sung["customer_core"].contains(&"Kanaria Kjernesen".to_owned()), "{sung:?}");
    for table in ["invoice", "ledger_entry", "payment", "audit_event", "delivery"] {
        let of = if table == "audit_event" { "subject_id" } else { "customer_id" };
        let id = crate::erasure::literal(app, id);
        let rows = crate::erasure::count(app, &actor, &format!("{table} WHERE {of} = {id}")).await;
        assert!(rows > 0, "{table} has nothing of the person");
        assert_eq!(sung.get(table), None, "{table} holds a name or an address");
    }
});
