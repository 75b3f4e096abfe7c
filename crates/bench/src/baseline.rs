//! The physical limit: the same rows by COPY (PostgreSQL) or a bare INSERT (SQLite) into tables with the same indexes.

use crate::place::Place;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use std::time::{Duration, Instant};

/// How long the rows of these tables take when nothing but the database is in the way.
pub(crate) async fn copy(place: &Place, tables: &[&str]) -> anyhow::Result<Duration> {
    let mut total = Duration::ZERO;
    for table in tables {
        total +=
            if place.db == "postgres" { copy_table(place, table).await? } else { insert_table(place, table).await? };
    }
    Ok(total)
}

async fn copy_table(place: &Place, table: &str) -> anyhow::Result<Duration> {
    let file = format!("/tmp/reskontro-bench-{}-{table}", std::process::id());
    let run = async |sql: String| place.raw.execute_unprepared(&sql).await;
    run(format!("COPY {table} TO '{file}'")).await?;
    run(format!("DROP TABLE IF EXISTS clone_{table}")).await?;
    run(format!("CREATE TABLE clone_{table} (LIKE {table} INCLUDING ALL)")).await?;
    let began = Instant::now();
    run(format!("COPY clone_{table} FROM '{file}'")).await?;
    let took = began.elapsed();
    run(format!("DROP TABLE clone_{table}")).await?;
    let _ = std::fs::remove_file(file);
    Ok(took)
}

async fn insert_table(place: &Place, table: &str) -> anyhow::Result<Duration> {
    let file = place.dir.path().join(format!("clone_{table}.db"));
    let clone = crate::place::raw(&format!("sqlite://{}?mode=rwc", file.display())).await?;
    let run = async |sql: String| clone.execute_unprepared(&sql).await;
    run("PRAGMA journal_mode = WAL".to_owned()).await?;
    run("PRAGMA synchronous = NORMAL".to_owned()).await?;
    // Foreign keys would point at tables the clone lacks.
    run("PRAGMA foreign_keys = OFF".to_owned()).await?;
    run(format!("ATTACH DATABASE '{}' AS src", place.dir.path().join("bench.db").display())).await?;
    let schema = format!(
        "SELECT sql FROM src.sqlite_master WHERE tbl_name = '{table}' AND type IN ('table', 'index') \
         AND sql IS NOT NULL ORDER BY type DESC"
    );
    for row in clone.query_all_raw(Statement::from_string(DbBackend::Sqlite, schema)).await? {
        run(row.try_get("", "sql")?).await?;
    }
    let names = format!("SELECT group_concat(name, ', ') AS names FROM pragma_table_info('{table}', 'src')");
    let row = clone.query_one_raw(Statement::from_string(DbBackend::Sqlite, names)).await?;
    let names: String = row.map(|r| r.try_get("", "names")).transpose()?.unwrap_or_default();
    let began = Instant::now();
    run(format!("INSERT INTO main.{table} ({names}) SELECT {names} FROM src.{table}")).await?;
    let took = began.elapsed();
    clone.close().await?;
    let _ = std::fs::remove_file(file);
    Ok(took)
}
