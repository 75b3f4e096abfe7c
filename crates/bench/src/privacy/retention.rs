//! What has had its time: planned and carried out by the service, and deleted bare — the same rows, in the same batches, from a
//! copy of the database with the same indexes, keys and triggers, by a role that row-level security does not hold.

use super::people::Filled;
use super::tables::{counts, key, number, settle};
use crate::measure::{Report, per_second};
use crate::place::{Place, raw};
use reskontro::privacy::retention;
use sea_orm::{ConnectionTrait, DatabaseConnection};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What the service finds, holds, carries over and writes down besides costs no more than this leaves.
const TARGET: f64 = 0.25;
/// Rows a transaction deletes, as in the service.
const BATCH: usize = 500;

/// Plans and carries out.
pub(super) async fn run(place: &mut Place, report: &mut Report, filled: &Filled) -> anyhow::Result<()> {
    settle(place).await?;
    let copy = place.copy().await?;
    let before = counts(&place.raw).await?;
    let customers = "SELECT CAST(COUNT(*) AS BIGINT) FROM customer WHERE status <> 'archived'";
    let living = number(&place.raw, customers).await?;
    let began = Instant::now();
    let plan = retention::plan(&place.ctx, &filled.actor).await?;
    let planned = began.elapsed();
    retention::execute(&place.ctx, &filled.actor, plan).await?;
    let took = began.elapsed();
    let done = retention::get(&place.ctx, &filled.actor, plan).await?;
    let deleted = |what: &str| done.items.iter().filter(|i| i.what == what).map(|i| i.deleted).sum::<i64>();
    let left = i64::try_from(filled.left)?;
    for what in ["invoices and credit notes", "payments", "settled claims"] {
        anyhow::ensure!(deleted(what) == left, "{} {what} went", deleted(what));
    }
    anyhow::ensure!(number(&place.raw, customers).await? == living, "somebody went who should not");
    let again = retention::plan(&place.ctx, &filled.actor).await?;
    let again = retention::get(&place.ctx, &filled.actor, again).await?;
    anyhow::ensure!(again.items.iter().all(|i| i.due == 0), "something due is left: {:?}", again.items);
    let (bare, gone) = bare(place, &copy, &before).await?;
    place.remove("copy").await?;
    let rows = filled.rows;
    let what = format!("retention: {gone} of {rows} rows due");
    report.add(&what, place.db, per_second(gone, took), "rows/s", per_second(gone, bare), TARGET);
    let what = "retention: the plan alone, against all of it";
    report.measured(what, place.db, planned.as_secs_f64(), "s", took.as_secs_f64());
    Ok(())
}

/// Deletes from the copy what is gone from the database; how long that takes, and how many rows.
async fn bare(place: &Place, copy: &str, before: &BTreeMap<String, i64>) -> anyhow::Result<(Duration, usize)> {
    let copy = raw(copy).await?;
    let mut tables = Vec::new();
    let attach = format!("ATTACH DATABASE '{}' AS live", place.file().display());
    if place.db == "sqlite" {
        copy.execute_unprepared(&attach).await?;
    }
    for (table, _) in before.iter().filter(|(table, rows)| **rows > 0 && *table != "retention_ticket") {
        let gone = note_gone(place, &copy, table).await?;
        if gone > 0 {
            tables.push((table.as_str(), gone));
        }
    }
    // Whom others point at goes last.
    tables.sort_by_key(|(table, _)| (*table == "customer", *table == "standing_order"));
    let total = tables.iter().map(|(_, gone)| gone).sum();
    let (begin, end): (&[&str], &[&str]) = if place.db == "postgres" {
        // Past row-level security, and let through by the triggers.
        place.administer("ALTER ROLE reskontro_retention BYPASSRLS").await?;
        copy.execute_unprepared("SET ROLE reskontro_retention").await?;
        (&["BEGIN"], &["COMMIT"])
    } else {
        copy.execute_unprepared("DETACH DATABASE live").await?;
        for pragma in ["journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"] {
            copy.execute_unprepared(&format!("PRAGMA {pragma}")).await?;
        }
        let ticket = "INSERT INTO retention_ticket (id) VALUES (1)";
        (&["BEGIN IMMEDIATE", ticket], &["DELETE FROM retention_ticket", "COMMIT"])
    };
    let mut statements = Vec::new();
    for (table, gone) in &tables {
        let key = key(&copy, table).await?;
        for batch in 0..gone.div_ceil(BATCH) {
            let some = format!("SELECT {key} FROM gone_{table} WHERE batch = {batch}");
            statements.push(format!("DELETE FROM {table} WHERE ({key}) IN ({some})"));
        }
    }
    let began = Instant::now();
    for statement in &statements {
        for sql in begin.iter().chain([&statement.as_str()]).chain(end) {
            copy.execute_unprepared(sql).await?;
        }
    }
    let took = began.elapsed();
    if place.db == "postgres" {
        copy.execute_unprepared("RESET ROLE").await?;
        place.administer("ALTER ROLE reskontro_retention NOBYPASSRLS").await?;
    }
    let after = counts(&copy).await?;
    for (table, gone) in &tables {
        let left = before.get(*table).copied().unwrap_or_default() - i64::try_from(*gone)?;
        anyhow::ensure!(
            after.get(*table) == Some(&left),
            "the bare client left {:?} rows of {table}",
            after.get(*table)
        );
    }
    copy.close().await?;
    Ok((took, total))
}

/// Writes down in the copy, batch by batch, which rows of a table are gone from the database; how many.
async fn note_gone(place: &Place, copy: &DatabaseConnection, table: &str) -> anyhow::Result<usize> {
    let key = key(copy, table).await?;
    let (temporary, kept) = if place.db == "postgres" {
        let file = format!("/tmp/reskontro-bench-{}-{table}", std::process::id());
        place.raw.execute_unprepared(&format!("COPY (SELECT {key} FROM {table}) TO '{file}' (FORMAT binary)")).await?;
        copy.execute_unprepared(&format!("CREATE TABLE kept_{table} AS SELECT {key} FROM {table} LIMIT 0")).await?;
        copy.execute_unprepared(&format!("COPY kept_{table} FROM '{file}' (FORMAT binary)")).await?;
        std::fs::remove_file(file)?;
        ("", format!("kept_{table}"))
    } else {
        ("TEMP ", format!("live.{table}"))
    };
    let own = if place.db == "postgres" { table.to_owned() } else { format!("main.{table}") };
    copy.execute_unprepared(&format!(
        "CREATE {temporary}TABLE gone_{table} AS SELECT {key}, (row_number() OVER (ORDER BY {key}) - 1) / {BATCH} AS batch \
         FROM (SELECT {key} FROM {own} EXCEPT SELECT {key} FROM {kept}) AS gone"
    ))
    .await?;
    let index = if place.db == "postgres" {
        copy.execute_unprepared(&format!("DROP TABLE kept_{table}")).await?;
        format!("CREATE INDEX ON gone_{table} (batch)")
    } else {
        format!("CREATE INDEX temp.gone_{table}_batch ON gone_{table} (batch)")
    };
    copy.execute_unprepared(&index).await?;
    if place.db == "postgres" {
        copy.execute_unprepared(&format!("GRANT SELECT ON gone_{table} TO reskontro_retention; ANALYZE gone_{table}"))
            .await?;
    }
    Ok(usize::try_from(number(copy, &format!("SELECT CAST(COUNT(*) AS BIGINT) FROM gone_{table}")).await?)?)
}
