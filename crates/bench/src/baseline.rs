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
    let run = async |sql: String| place.raw.execute_unprepared(&sql).await;
    run(format!("ATTACH DATABASE '{}' AS clone", file.display())).await?;
    run("PRAGMA clone.journal_mode = WAL".to_owned()).await?;
    let schema = format!(
        "SELECT sql FROM main.sqlite_master WHERE tbl_name = '{table}' AND type IN ('table', 'index') AND sql IS NOT NULL ORDER BY type DESC"
    );
    for row in place.raw.query_all_raw(Statement::from_string(DbBackend::Sqlite, schema)).await? {
        let sql: String = row.try_get("", "sql")?;
        let sql =
            sql.replacen("CREATE TABLE ", "CREATE TABLE clone.", 1).replacen("CREATE INDEX ", "CREATE INDEX clone.", 1);
        run(sql).await?;
    }
    let names = format!("SELECT group_concat(name, ', ') AS names FROM pragma_table_info('{table}')");
    let row = place.raw.query_one_raw(Statement::from_string(DbBackend::Sqlite, names)).await?;
    let names: String = row.map(|r| r.try_get("", "names")).transpose()?.unwrap_or_default();
    let began = Instant::now();
    run(format!("INSERT INTO clone.{table} ({names}) SELECT {names} FROM main.{table}")).await?;
    let took = began.elapsed();
    run("DETACH DATABASE clone".to_owned()).await?;
    let _ = std::fs::remove_file(file);
    Ok(took)
}
