//! The clocks of the audit log: two chains, segments that go whole and leave their heads, and what is found out all the same.

use crate::harness::{Backend, TestApp, both};
use chrono::{DateTime, Utc};
use domain::audit::Chain;
use domain::money::Micro;
use formats::customer_list::Mode;
use reskontro::privacy::explain::{Subject, explain};
use reskontro::privacy::hold::{self, NewHold};
use reskontro::privacy::retention::{self, Item};
use reskontro::privacy::{erase, scrub};
use reskontro::services::audit::{self, ChainReport};
use reskontro::services::invoice::{self, DraftLine, NewDraft};
use reskontro::services::payment::{self, NewPayment};
use reskontro::services::user::{self, NewUser};
use reskontro::services::work::{Actor, ActorKind};
use reskontro::store::audit::{self as store, Event, Segment};
use reskontro::store::{views, webhook};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, Statement};
use secrecy::ExposeSecret;
use std::process::Stdio;
use uuid::Uuid;

const LIST: &str = "Kundenr;Navn;Adresse;Postnr;Poststed\n1;Kari Nord;Gata 1;0150;Oslo\n2;Ola Sør;Gata 2;0150;Oslo\n";

fn at(app: &TestApp, when: &str) {
    app.clock.set(when.parse().unwrap());
}

/// An association with two customers, set up on 1 March 2026 and sealed the night after.
async fn begin(app: &TestApp) -> (Actor, Vec<Uuid>) {
    at(app, "2026-03-01T10:00:00Z");
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let mut customers = views::customers(&tx, Uuid::nil(), 10).await.unwrap();
    tx.commit().await.unwrap();
    customers.sort_by(|a, b| a.number.cmp(&b.number));
    night(app, &actor).await;
    (actor, customers.into_iter().map(|c| c.id).collect())
}

/// The night after: half past two in Oslo.
async fn night(app: &TestApp, actor: &Actor) {
    let tomorrow = app.ctx.today().succ_opt().unwrap();
    at(app, &format!("{tomorrow}T01:30:00Z"));
    audit::seal(&app.ctx, actor).await.unwrap();
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

async fn pay(app: &TestApp, actor: &Actor, invoice: Uuid) {
    let paid = NewPayment { amount_ore: 10_000, booked_on: None, invoice_id: Some(invoice), customer_id: None };
    payment::register(&app.ctx, actor, &paid).await.unwrap();
}

/// Somebody who signs in, acting.
async fn member(app: &TestApp, actor: &Actor) -> Actor {
    let new = NewUser { login: "kari", name: "Kari Kasserer", password: "et langt og godt passord" };
    let id = user::create(&app.ctx, &new).await.unwrap();
    user::add_member(&app.ctx, actor, id, "owner").await.unwrap();
    Actor { org: actor.org, kind: ActorKind::User, id: Some(id), idempotency: None }
}

async fn retain(app: &TestApp, actor: &Actor) -> Vec<Item> {
    let id = retention::plan(&app.ctx, actor).await.unwrap();
    retention::execute(&app.ctx, actor, id).await.unwrap();
    retention::get(&app.ctx, actor, id).await.unwrap().items
}

/// Due, held and deleted.
fn of(items: &[Item], what: &str) -> (i64, i64, i64) {
    let item = items.iter().find(|i| i.what == what).unwrap_or_else(|| panic!("{what}: {items:?}"));
    (item.due, item.held, item.deleted)
}

async fn segments(app: &TestApp, actor: &Actor, chain: Chain) -> Vec<Segment> {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    store::list_segments(&tx, chain).await.unwrap()
}

async fn events(app: &TestApp, actor: &Actor, chain: Chain) -> Vec<Event> {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    store::list(&tx, chain, Uuid::nil(), 1_000).await.unwrap()
}

async fn verify(app: &TestApp, actor: &Actor) -> ChainReport {
    audit::verify(&app.ctx, actor).await.unwrap()
}

async fn whole(app: &TestApp, actor: &Actor) -> ChainReport {
    let report = verify(app, actor).await;
    assert_eq!((report.broken, report.why), (None, None));
    report
}

both!(the_chains_are_sealed_apart_and_a_segment_holds_one_day, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    // Late on New Year's Eve in Oslo, and right after.
    at(app, "2026-12-31T22:55:00Z");
    issue(app, &actor, customers[0]).await;
    at(app, "2026-12-31T23:05:00Z");
    issue(app, &actor, customers[1]).await;
    night(app, &actor).await;
    for chain in Chain::ALL {
        let sealed = segments(app, &actor, chain).await;
        assert_eq!(sealed.len(), 3, "{chain:?}: the first day, the last of the year and the first of the next");
        assert!(sealed[1].newest_at < "2026-12-31T23:00:00Z".parse::<DateTime<Utc>>().unwrap());
        assert!(events(app, &actor, chain).await.iter().all(|e| Chain::of(&e.subject_kind, &e.verb) == chain));
    }
    let report = whole(app, &actor).await;
    assert_eq!((report.segments, report.pruned, report.published, report.unsealed), (6, 0, 6, 0));
    assert_ne!(report.heads[0].head, report.heads[1].head);
    // Nothing is due in the night, and nothing is sealed twice.
    assert_eq!(audit::seal(&app.ctx, &actor).await.unwrap(), 0);
});

both!(other_acts_go_a_segment_at_a_time_and_the_chain_is_reckoned_through_their_heads, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    at(app, "2026-03-02T10:00:00Z");
    issue(app, &actor, customers[0]).await;
    night(app, &actor).await;
    let (books, other) = (events(app, &actor, Chain::Books).await, events(app, &actor, Chain::Other).await);
    // An association keeps other acts for twelve months: those of 1 March go when 1 March begins in Oslo.
    at(app, "2027-02-28T22:30:00Z");
    assert_eq!(of(&retain(app, &actor).await, "other acts"), (0, 0, 0), "the day has not begun in Oslo");
    at(app, "2027-02-28T23:30:00Z");
    let first = segments(app, &actor, Chain::Other).await[0].clone();
    assert_eq!(of(&retain(app, &actor).await, "other acts"), (first.events, 0, first.events));
    let left = events(app, &actor, Chain::Other).await;
    assert!(left.iter().all(|e| e.id > first.last_event_id), "the first day is gone");
    assert!(other.iter().filter(|e| e.id > first.last_event_id).all(|e| left.contains(e)), "the second is not");
    assert_eq!(events(app, &actor, Chain::Books).await, books, "the books stand");
    let marked = &segments(app, &actor, Chain::Other).await[0];
    assert_eq!((marked.pruned_at, marked.pruned_by.as_deref()), (Some(app.ctx.now()), Some("audit_other")));
    assert_eq!((&marked.head_hash, marked.events), (&first.head_hash, first.events));
    let report = whole(app, &actor).await;
    assert_eq!((report.pruned, report.published, report.segments), (1, 4, 4));
    assert_eq!(of(&retain(app, &actor).await, "other acts"), (0, 0, 0), "a second run finds nothing");
    // The chain goes on from heads alone.
    at(app, "2027-04-01T10:00:00Z");
    assert!(of(&retain(app, &actor).await, "other acts").2 > 0);
    night(app, &actor).await;
    assert_eq!(whole(app, &actor).await.pruned, 2);
});

both!(acts_on_the_books_go_with_the_books, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    at(app, "2026-03-02T10:00:00Z");
    let paid = issue(app, &actor, customers[0]).await;
    pay(app, &actor, paid).await;
    night(app, &actor).await;
    at(app, "2026-03-04T10:00:00Z");
    let owed = issue(app, &actor, customers[1]).await;
    night(app, &actor).await;
    let books: Vec<i64> = segments(app, &actor, Chain::Books).await.iter().map(|s| s.events).collect();
    let standing = async || events(app, &actor, Chain::Books).await;
    at(app, "2031-12-31T10:00:00Z");
    assert_eq!(of(&retain(app, &actor).await, "acts on the books"), (0, 0, 0));
    at(app, "2032-01-01T10:00:00Z");
    let done = of(&retain(app, &actor).await, "acts on the books");
    assert_eq!(done.2, books[0] + books[1], "the paid one has gone, and what was done on those days with it");
    assert!(standing().await.iter().any(|e| e.subject_id == Some(owed)), "the other is unpaid and stands");
    assert_eq!(of(&retain(app, &actor).await, "acts on the books"), (0, books[2], 0));
    whole(app, &actor).await;
    // Paid at last, it goes, and what was done with it; what is done now stays.
    pay(app, &actor, owed).await;
    assert_eq!(of(&retain(app, &actor).await, "acts on the books").2, books[2]);
    assert!(standing().await.iter().all(|e| e.at.to_rfc3339().as_str() >= "2032"));
    whole(app, &actor).await;
});

fn held(kind: &str, subject_kind: &str, subject_id: Uuid, review_on: &str) -> NewHold {
    NewHold {
        kind: kind.into(),
        subject_kind: subject_kind.into(),
        subject_id,
        reason: "Granskes".into(),
        owner: "daglig leder".into(),
        review_on: review_on.parse().unwrap(),
    }
}

both!(a_hold_keeps_what_somebody_did_and_what_was_done_with_them, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    at(app, "2026-03-02T10:00:00Z");
    let kari = member(app, &actor).await;
    night(app, &actor).await;
    at(app, "2026-03-03T10:00:00Z");
    app.product(&kari, "B", "Annet", "5").await;
    issue(app, &kari, customers[0]).await;
    night(app, &actor).await;
    let days: Vec<i64> = segments(app, &actor, Chain::Other).await.iter().map(|s| s.events).collect();
    let place = async |kind: &str, subject_kind: &str, subject: Uuid| {
        hold::place(&app.ctx, &actor, &held(kind, subject_kind, subject, "2028-01-01")).await.unwrap()
    };
    at(app, "2027-04-01T10:00:00Z");
    let dispute = place("dispute", "user", kari.id.unwrap()).await;
    let security = place("security", "user", kari.id.unwrap()).await;
    // The first day went; on the second she was let in, on the third she acted. A dispute keeps no such log.
    assert_eq!(of(&retain(app, &actor).await, "other acts"), (days[0], days[1] + days[2], days[0]));
    hold::release(&app.ctx, &actor, dispute).await.unwrap();
    hold::release(&app.ctx, &actor, security).await.unwrap();
    // An order about a customer keeps what was done with what is theirs: a draft that became an invoice.
    let order = place("order", "customer", customers[0]).await;
    assert_eq!(of(&retain(app, &actor).await, "other acts"), (days[1], days[2], days[1]));
    whole(app, &actor).await;
    hold::release(&app.ctx, &actor, order).await.unwrap();
    assert_eq!(of(&retain(app, &actor).await, "other acts"), (days[2], 0, days[2]));
    whole(app, &actor).await;
});

both!(why_acts_of_a_user_are_held_says_when_each_kind_goes, async |app: &TestApp| {
    let (actor, customers) = begin(app).await;
    let kari = member(app, &actor).await;
    at(app, "2026-03-03T10:00:00Z");
    issue(app, &kari, customers[0]).await;
    let user = kari.id.unwrap();
    let said = explain(&app.ctx, &actor, Subject::User(user), None).await.unwrap();
    let until = |what: &str| said.held.iter().find(|h| h.what == what).unwrap().deletable_on.unwrap().to_string();
    assert_eq!((until("acts on the books"), until("other acts")), ("2032-01-01".to_owned(), "2027-03-03".to_owned()));
    // The account goes, and what was done is somebody's whom nobody can name.
    erase::erase(&app.ctx, &actor, Subject::User(user)).await.unwrap();
    scrub::run(&app.ctx).await.unwrap();
    assert!(events(app, &actor, Chain::Books).await.iter().any(|e| e.actor_id == Some(user)));
    for table in ["app_user", "membership", "user_session"] {
        let tx = app.ctx.db.read(actor.org).await.unwrap();
        let sql = format!("SELECT COUNT(*) AS n FROM {table}");
        let row = tx.query_one_raw(Statement::from_string(tx.get_database_backend(), sql)).await.unwrap().unwrap();
        assert_eq!(row.try_get::<i64>("", "n").unwrap(), 0, "{table}");
    }
    assert!(explain(&app.ctx, &actor, Subject::User(user), None).await.is_err());
    night(app, &actor).await;
    whole(app, &actor).await;
});

/// Runs statements as the owner of the tables.
async fn run(app: &TestApp, sql: &[String]) {
    let database = &app.ctx.config.database;
    let url = database.owner_url.as_ref().unwrap_or(&database.url).expose_secret();
    let owner = Database::connect(ConnectOptions::new(url).max_connections(1).clone()).await.unwrap();
    for sql in sql {
        owner.execute_unprepared(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    owner.close().await.unwrap();
}

/// Changes history as only somebody with the database in their hands can.
async fn tamper(app: &TestApp, sql: &[String]) {
    let open: &[&str] = match app.backend {
        Backend::Sqlite => &[
            "DROP TRIGGER audit_event_no_update",
            "DROP TRIGGER audit_event_no_delete",
            "DROP TRIGGER audit_segment_no_update",
            "DROP TRIGGER audit_segment_no_delete",
            "DROP TRIGGER audit_segment_marked_once",
        ],
        Backend::Postgres => &[
            "SET reskontro.migration = 'on'",
            "ALTER TABLE audit_event DISABLE TRIGGER USER",
            "ALTER TABLE audit_segment DISABLE TRIGGER USER",
        ],
    };
    let all: Vec<String> = open.iter().map(|s| (*s).to_owned()).chain(sql.iter().cloned()).collect();
    run(app, &all).await;
}

/// An id as it stands in SQL text.
fn id(app: &TestApp, id: Uuid) -> String {
    if app.backend == Backend::Sqlite { format!("X'{}'", id.simple()) } else { format!("'{id}'") }
}

fn zeros(app: &TestApp) -> &'static str {
    if app.backend == Backend::Sqlite { "X'00'" } else { "'\\x00'::bytea" }
}

/// Three days of both chains, the first of the others has gone.
async fn three_days(app: &TestApp) -> (Actor, Vec<Segment>, Vec<Segment>) {
    let (actor, customers) = begin(app).await;
    for day in ["2026-03-02", "2026-03-03"] {
        at(app, &format!("{day}T10:00:00Z"));
        issue(app, &actor, customers[0]).await;
        night(app, &actor).await;
    }
    at(app, "2027-02-28T23:30:00Z");
    retain(app, &actor).await;
    assert_eq!(whole(app, &actor).await.pruned, 1);
    (actor.clone(), segments(app, &actor, Chain::Books).await, segments(app, &actor, Chain::Other).await)
}

/// What somebody does to history, given the segments of both chains.
type Change = fn(&TestApp, &[Segment], &[Segment]) -> Vec<String>;

fn events_between(app: &TestApp, chain: &str, after: &Segment, last: &Segment) -> String {
    format!(
        "audit_event WHERE chain = '{chain}' AND id > {} AND id <= {}",
        id(app, after.last_event_id),
        id(app, last.last_event_id)
    )
}

const CHANGES: &[(&str, &str, Change)] = &[
    ("an event is changed", "events_changed", |app, books, _| {
        vec![format!("UPDATE audit_event SET verb = 'nothing' WHERE id = {}", id(app, books[1].last_event_id))]
    }),
    ("an event is removed", "events_changed", |app, books, _| {
        vec![format!("DELETE FROM audit_event WHERE id = {}", id(app, books[1].last_event_id))]
    }),
    ("an event is moved to the other chain", "events_changed", |app, books, _| {
        vec![format!("UPDATE audit_event SET chain = 'other' WHERE id = {}", id(app, books[1].last_event_id))]
    }),
    ("events are removed without the mark", "events_changed", |app, books, _| {
        vec![format!("DELETE FROM {}", events_between(app, "books", &books[0], &books[1]))]
    }),
    ("a segment is removed with its events", "not_linked", |app, books, _| {
        vec![
            format!("DELETE FROM {}", events_between(app, "books", &books[0], &books[1])),
            format!("DELETE FROM audit_segment WHERE id = {}", id(app, books[1].id)),
        ]
    }),
    ("the last segment is removed with its events", "segment_gone", |app, books, _| {
        vec![
            format!("DELETE FROM {}", events_between(app, "books", &books[1], &books[2])),
            format!("DELETE FROM audit_segment WHERE id = {}", id(app, books[2].id)),
        ]
    }),
    ("a segment that has gone is removed", "not_linked", |app, _, other| {
        vec![format!("DELETE FROM audit_segment WHERE id = {}", id(app, other[0].id))]
    }),
    ("events are removed and marked by hand", "mark_unpublished", |app, books, _| {
        vec![
            format!("DELETE FROM {}", events_between(app, "books", &books[0], &books[1])),
            format!(
                "UPDATE audit_segment SET pruned_at = sealed_at, pruned_by = 'audit_books' WHERE id = {}",
                id(app, books[1].id)
            ),
        ]
    }),
    ("the head of a segment that has gone is changed", "head_differs", |app, _, other| {
        vec![format!("UPDATE audit_segment SET head_hash = {} WHERE id = {}", zeros(app), id(app, other[0].id))]
    }),
    ("an event is put into a segment that has gone", "events_back", |app, books, other| {
        let columns = "at, actor_kind, verb, subject_kind, fields";
        vec![format!(
            "INSERT INTO audit_event (org_id, id, chain, {columns}) SELECT org_id, {}, 'other', {columns} \
             FROM audit_event WHERE id = {}",
            id(app, other[0].last_event_id),
            id(app, books[2].last_event_id)
        )]
    }),
];

async fn found_out(backend: Backend) {
    for (what, why, change) in CHANGES {
        let Some(app) = TestApp::new(backend).await else { return };
        let (actor, books, other) = three_days(&app).await;
        tamper(&app, &change(&app, &books, &other)).await;
        let report = verify(&app, &actor).await;
        assert_eq!(report.why, Some(*why), "{what}");
        assert!(report.broken.is_some(), "{what}");
    }
}

#[tokio::test]
async fn whatever_is_changed_behind_its_back_is_found_out_on_sqlite() {
    found_out(Backend::Sqlite).await;
}

#[tokio::test]
async fn whatever_is_changed_behind_its_back_is_found_out_on_postgres() {
    found_out(Backend::Postgres).await;
}

both!(the_command_line_says_what_does_not_hold, async |app: &TestApp| {
    let (_, books, other) = three_days(app).await;
    let verify = || {
        let mut command = crate::torture::command(app, &["audit", "verify"]);
        let output = command.stdout(Stdio::piped()).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (holds, said) = verify();
    assert!(holds && said.starts_with("6 segments: 1 stand by their heads alone, 6 agree"), "{said}");
    tamper(app, &CHANGES[0].2(app, &books, &other)).await;
    let (holds, said) = verify();
    let broken = format!("BROKEN  segment {}: events were changed", books[1].id);
    assert!(!holds && said.contains(&broken), "{said}");
});

both!(what_was_changed_is_not_swept_away, async |app: &TestApp| {
    let (actor, ..) = three_days(app).await;
    let second = segments(app, &actor, Chain::Other).await[1].clone();
    tamper(app, &[format!("UPDATE audit_event SET verb = 'x' WHERE id = {}", id(app, second.last_event_id))]).await;
    at(app, "2027-05-01T10:00:00Z");
    let done = of(&retain(app, &actor).await, "other acts");
    assert!(done.2 > 0 && done.2 < done.0, "the third day went: {done:?}");
    assert_eq!(segments(app, &actor, Chain::Other).await[1].pruned_at, None);
    let report = verify(app, &actor).await;
    assert_eq!((report.broken, report.why), (Some(second.id), Some("events_changed")));
});

both!(only_the_retention_path_takes_events_away_and_marks_a_segment_once, async |app: &TestApp| {
    let (actor, books, _) = three_days(app).await;
    let mark = "UPDATE audit_segment SET pruned_at = sealed_at, pruned_by = 'audit_books'";
    let one = format!("{mark} WHERE id = {}", id(app, books[0].id));
    for (retention, sql) in [
        (false, one.clone()),
        (false, "DELETE FROM audit_segment".to_owned()),
        (false, "DELETE FROM audit_event".to_owned()),
        (true, "UPDATE audit_segment SET head_hash = previous_hash".to_owned()),
        (true, "UPDATE audit_event SET verb = 'nothing'".to_owned()),
        (true, format!("{one}; {one}")),
    ] {
        let tx =
            if retention { app.ctx.db.retain(actor.org).await } else { app.ctx.db.write(actor.org).await }.unwrap();
        let mut refused = None;
        for sql in sql.split("; ") {
            refused = tx.execute_unprepared(sql).await.err().map(|e| e.to_string());
        }
        let refused = refused.unwrap_or_else(|| panic!("{sql} was let through"));
        assert!(refused.contains("append-only") || refused.contains("permission denied"), "{sql}: {refused}");
    }
    whole(app, &actor).await;
});

both!(what_was_sealed_before_the_chains_were_parted_stands_with_the_books, async |app: &TestApp| {
    at(app, "2026-03-01T10:00:00Z");
    let actor = app.association().await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    // As it was before: one chain, and a segment that says neither whose it is nor how old.
    tamper(app, &["UPDATE audit_event SET chain = 'books'".to_owned()]).await;
    night(app, &actor).await;
    let before = segments(app, &actor, Chain::Books).await;
    assert_eq!((before.len(), segments(app, &actor, Chain::Other).await.len()), (1, 0));
    let mut old: Vec<String> = Vec::new();
    if app.backend == Backend::Postgres {
        for trigger in ["append_only", "marked_once"] {
            old.push(format!("DROP TRIGGER audit_segment_{trigger} ON audit_segment"));
        }
    }
    old.push("DROP INDEX audit_segment_standing".into());
    old.push("ALTER TABLE audit_event DROP COLUMN chain".into());
    old.extend(
        ["chain", "newest_at", "pruned_at", "pruned_by"].map(|c| format!("ALTER TABLE audit_segment DROP COLUMN {c}")),
    );
    old.push("DELETE FROM seaql_migrations WHERE version = 'm20261201_000001_part_audit_chains'".into());
    run(app, &old).await;
    reskontro::store::migrate(&app.ctx.config.database).await.unwrap();
    let after = segments(app, &actor, Chain::Books).await;
    assert_eq!(after[0].newest_at.date_naive().to_string(), "2026-03-01");
    assert_eq!((after[0].id, &after[0].head_hash, after[0].pruned_at), (before[0].id, &before[0].head_hash, None));
    whole(app, &actor).await;
    // From now on each goes its own way; the mixed one stays with the books.
    app.product(&actor, "C", "Ny", "1").await;
    let kari = member(app, &actor).await;
    app.product(&kari, "D", "Ny", "1").await;
    night(app, &actor).await;
    assert_eq!(
        (segments(app, &actor, Chain::Books).await.len(), segments(app, &actor, Chain::Other).await.len()),
        (2, 1)
    );
    at(app, "2031-12-31T10:00:00Z");
    retain(app, &actor).await;
    assert_eq!(segments(app, &actor, Chain::Books).await[0].pruned_at, None);
    at(app, "2032-01-01T10:00:00Z");
    retain(app, &actor).await;
    assert!(segments(app, &actor, Chain::Books).await[0].pruned_at.is_some());
    whole(app, &actor).await;
});

// SQLite: readers of events go on from a row's place; neither deleting nor rewriting may move it.
#[tokio::test]
async fn events_are_told_on_when_old_ones_have_gone() {
    let app = TestApp::new(Backend::Sqlite).await.unwrap();
    let (actor, _) = begin(&app).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let from = webhook::end_of_events(&tx).await.unwrap();
    tx.commit().await.unwrap();
    at(&app, "2027-04-01T10:00:00Z");
    app.product(&actor, "B", "Annet", "5").await;
    assert!(of(&retain(&app, &actor).await, "other acts").2 > 0);
    app.ctx.db.rewrite().await.unwrap();
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let told = webhook::events(&tx, from, 100).await.unwrap();
    let verbs: Vec<&str> = told.iter().map(|h| h.verb.as_str()).collect();
    assert_eq!(verbs, ["product.created", "privacy_retention.planned", "privacy_retention.executed"]);
}
