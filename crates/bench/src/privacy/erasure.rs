//! One person among all the others: explained, and erased to the end with the erasure ledger on disk; and the nightly scrub that
//! overwrites what is left of the erased.

use super::people::Filled;
use super::tables::{ids, number};
use crate::clients::milliseconds;
use crate::measure::{Report, p50};
use crate::place::Place;
use anyhow::Context;
use reskontro::privacy::erase;
use reskontro::privacy::explain::{self, Subject};
use reskontro::privacy::{inventory, ledger, scrub};
use reskontro::store::erasure;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use std::io::Write;
use std::time::{Duration, Instant};

/// Explanations asked for of each kind.
const EXPLAINED: usize = 1_000;
/// What one may take.
const EXPLAINED_MS: f64 = 20.0;
/// People erased.
const ERASED: usize = 300;
/// What an erasure may take.
const ERASED_MS: f64 = 100.0;
/// Times the disk is asked for its floor.
const FLOOR: usize = 300;

/// Why are they held? Customers, and what is kept of them.
pub(super) async fn explain(place: &Place, report: &mut Report, filled: &Filled) -> anyhow::Result<()> {
    let newest = |table: &str| format!("SELECT id FROM {table} ORDER BY id DESC LIMIT {EXPLAINED}");
    let invoices = ids(&place.raw, &newest("invoice")).await?;
    let payments = ids(&place.raw, &newest("payment")).await?;
    let people = (0..EXPLAINED).map(|turn| Subject::Customer(filled.person(turn)));
    let things = invoices.into_iter().map(Subject::Invoice).chain(payments.into_iter().map(Subject::Payment));
    for (who, subjects) in [("customer", people.collect::<Vec<_>>()), ("document", things.collect())] {
        let mut times = Vec::new();
        for subject in subjects {
            let began = Instant::now();
            let explained = explain::explain(&place.ctx, &filled.actor, subject, None).await?;
            times.push(began.elapsed());
            let least = if who == "customer" { 8 } else { 2 };
            anyhow::ensure!(explained.held.len() >= least, "{} kinds of rows are held", explained.held.len());
        }
        let what = format!("explain a {who} among {} rows, p99", filled.rows);
        report.at_most(&what, place.db, milliseconds(times), "ms", EXPLAINED_MS, 1.0);
    }
    Ok(())
}

/// Erases people one after the other, each to the end.
pub(super) async fn erase(place: &Place, report: &mut Report, filled: &Filled) -> anyhow::Result<()> {
    let mails = std::fs::read_dir(&place.ctx.config.mail.spool_dir)?.count();
    let count = ERASED.min(filled.people.len() / 2);
    // The newest: their mails still lie in the folder.
    let people: Vec<_> = filled.people.iter().rev().take(count).copied().collect();
    let mut times = Vec::new();
    for person in &people {
        let began = Instant::now();
        let done = erase::erase(&place.ctx, &filled.actor, Subject::Customer(*person)).await?;
        times.push(began.elapsed());
        anyhow::ensure!(done.done_at.is_some(), "an erasure waits");
    }
    let tx = place.ctx.db.read(filled.actor.org).await?;
    for person in &people {
        anyhow::ensure!(!erasure::is_back(&tx, *person).await?, "somebody is still there");
    }
    tx.commit().await?;
    let archived =
        number(&place.raw, "SELECT CAST(COUNT(*) AS BIGINT) FROM customer WHERE status = 'archived'").await?;
    anyhow::ensure!(usize::try_from(archived)? == filled.left + count, "{archived} people are archived");
    let left = std::fs::read_dir(&place.ctx.config.mail.spool_dir)?.count();
    anyhow::ensure!(left + count == mails, "{left} of {mails} mails are left");
    let lines = ledger::read(&place.ctx).await?.len();
    anyhow::ensure!(lines >= 2 * count, "the ledger has {lines} lines");
    let (floor, half) = (floor(place).await?, p50(times.clone()));
    let among = filled.rows;
    report.at_most(
        &format!("erase a person among {among} rows, p99"),
        place.db,
        milliseconds(times),
        "ms",
        ERASED_MS,
        1.0,
    );
    let (half, floor) = (half.as_secs_f64() * 1_000.0, p50(floor).as_secs_f64() * 1_000.0);
    report.measured("erase a person, p50, against the disk", place.db, half, "ms", floor);
    Ok(())
}

/// What an erasure waits for on disk and cannot do without: two lines of the ledger and the commit between them.
async fn floor(place: &Place) -> anyhow::Result<Vec<Duration>> {
    let line = vec![b'x'; 400];
    let path = place.ctx.config.ledgers.dir.join("floor");
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
    place.raw.execute_unprepared("CREATE TABLE floor (n BIGINT)").await?;
    let mut times = Vec::new();
    for turn in 0..FLOOR {
        let began = Instant::now();
        file.write_all(&line)?;
        file.sync_data()?;
        place.raw.execute_unprepared(&format!("INSERT INTO floor VALUES ({turn})")).await?;
        file.write_all(&line)?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    place.raw.execute_unprepared("DROP TABLE floor").await?;
    std::fs::remove_file(path)?;
    Ok(times)
}

/// The nightly scrub, against the same rewrite by the database alone.
pub(super) async fn scrub(place: &Place, report: &mut Report, filled: &Filled) -> anyhow::Result<()> {
    let began = Instant::now();
    let done = scrub::run(&place.ctx).await?;
    let took = began.elapsed();
    anyhow::ensure!(done.noted > 0, "no erasure was overwritten");
    let began = Instant::now();
    if place.ctx.db.is_postgres() {
        for table in inventory::personal_tables() {
            place.raw.execute_unprepared(&format!("VACUUM (FULL) {table}")).await?;
        }
        place.raw.execute_unprepared("CHECKPOINT").await?;
    } else {
        place.raw.execute_unprepared("VACUUM").await?;
        let statement = Statement::from_string(DbBackend::Sqlite, "PRAGMA wal_checkpoint(TRUNCATE)");
        place.raw.query_one_raw(statement).await?.context("an answer")?;
    }
    let bare = began.elapsed();
    let what = format!("nightly scrub of {} rows", filled.rows);
    report.measured(&what, place.db, took.as_secs_f64(), "s", bare.as_secs_f64());
    Ok(())
}
