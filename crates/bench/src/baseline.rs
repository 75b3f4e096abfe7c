//! The physical limit: the same rows by COPY (PostgreSQL) or a bare INSERT (SQLite) into tables with the same indexes,
//! foreign keys and triggers, in one transaction, by a role that no row-level security holds (decision 57).

use crate::place::Place;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use std::time::{Duration, Instant};

/// How rows come in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// COPY into the table.
    Copy,
    /// COPY into a temporary table, and a merge from there: new rows made, known ones replaced.
    Merge,
}

/// How long the rows of these tables take when nothing but the database is in the way. Parents stand before children.
pub(crate) async fn copy(place: &Place, how: How, tables: &[&str]) -> anyhow::Result<Duration> {
    if place.db == "postgres" {
        return copy_postgres(place, how, tables).await;
    }
    let mut total = Duration::ZERO;
    for table in tables {
        total += insert_table(place, table).await?;
    }
    Ok(total)
}

async fn texts(place: &Place, sql: String) -> anyhow::Result<Vec<String>> {
    let rows = place.raw.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    rows.iter().map(|r| Ok(r.try_get("", "text")?)).collect()
}

async fn copy_postgres(place: &Place, how: How, tables: &[&str]) -> anyhow::Result<Duration> {
    let file = |table: &str| format!("/tmp/reskontro-bench-{}-{table}", std::process::id());
    let run = async |sql: String| place.raw.execute_unprepared(&sql).await;
    let mut statements = Vec::new();
    for table in tables {
        run(format!("COPY {table} TO '{}'", file(table))).await?;
        clone_table(place, table, tables).await?;
        if how == How::Copy {
            statements.push(format!("COPY clone_{table} FROM '{}'", file(table)));
            continue;
        }
        let columns = "SELECT string_agg(column_name, ',' ORDER BY ordinal_position) AS text \
                       FROM information_schema.columns WHERE table_name =";
        let columns = texts(place, format!("{columns} '{table}'")).await?.concat();
        let key = "SELECT string_agg(a.attname, ',') AS text FROM pg_index i JOIN pg_attribute a ON \
                   a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) WHERE i.indisprimary AND i.indrelid =";
        let key = texts(place, format!("{key} '{table}'::regclass")).await?.concat();
        let set: Vec<String> = columns.split(',').map(|c| format!("{c} = excluded.{c}")).collect();
        statements.push(format!("CREATE TEMP TABLE merge_{table} (LIKE {table}) ON COMMIT DROP"));
        statements.push(format!("COPY merge_{table} FROM '{}'", file(table)));
        statements.push(format!(
            "INSERT INTO clone_{table} SELECT * FROM merge_{table} ON CONFLICT ({key}) DO UPDATE SET {}",
            set.join(", ")
        ));
    }
    let began = Instant::now();
    run("BEGIN".to_owned()).await?;
    for statement in statements {
        run(statement).await?;
    }
    run("COMMIT".to_owned()).await?;
    let took = began.elapsed();
    for table in tables.iter().rev() {
        run(format!("DROP TABLE clone_{table}")).await?;
        let _ = std::fs::remove_file(file(table));
    }
    Ok(took)
}

/// A table like another: indexes, foreign keys and triggers too.
pub(crate) async fn clone_table(place: &Place, table: &str, cloned: &[&str]) -> anyhow::Result<()> {
    let run = async |sql: String| place.raw.execute_unprepared(&sql).await;
    if place.db == "sqlite" {
        return clone_in_file(place, table).await;
    }
    run(format!("DROP TABLE IF EXISTS clone_{table} CASCADE")).await?;
    run(format!("CREATE TABLE clone_{table} (LIKE {table} INCLUDING ALL)")).await?;
    let keys = "SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE contype = 'f' AND conrelid =";
    for key in texts(place, format!("{keys} '{table}'::regclass")).await? {
        let parent = key.split("REFERENCES ").nth(1).and_then(|p| p.split('(').next()).unwrap_or_default();
        let key = if cloned.contains(&parent) { key.replace("REFERENCES ", "REFERENCES clone_") } else { key };
        run(format!("ALTER TABLE clone_{table} ADD {key}")).await?;
    }
    let triggers = "SELECT pg_get_triggerdef(oid) AS text FROM pg_trigger WHERE NOT tgisinternal AND tgrelid =";
    for trigger in texts(place, format!("{triggers} '{table}'::regclass")).await? {
        run(trigger.replace(&format!(" ON public.{table} "), &format!(" ON clone_{table} "))).await?;
    }
    Ok(())
}

/// A table like another in the same SQLite file, with its indexes.
async fn clone_in_file(place: &Place, table: &str) -> anyhow::Result<()> {
    let schema = format!(
        "SELECT sql, type FROM sqlite_master WHERE tbl_name = '{table}' AND type IN ('table', 'index') \
         AND sql IS NOT NULL ORDER BY type DESC"
    );
    for row in place.raw.query_all_raw(Statement::from_string(DbBackend::Sqlite, schema)).await? {
        let sql: String = row.try_get("", "sql")?;
        let sql = sql
            .replacen(&format!("TABLE {table} "), &format!("TABLE clone_{table} "), 1)
            .replacen(&format!(" ON {table} "), &format!(" ON clone_{table} "), 1)
            .replacen("CREATE INDEX ", "CREATE INDEX clone_", 1);
        place.raw.execute_unprepared(&sql).await?;
    }
    Ok(())
}

async fn insert_table(place: &Place, table: &str) -> anyhow::Result<Duration> {
    let file = place.dir.path().join(format!("clone_{table}.db"));
    let clone = crate::place::raw(&format!("sqlite://{}?mode=rwc", file.display())).await?;
    let run = async |sql: String| clone.execute_unprepared(&sql).await;
    run("PRAGMA journal_mode = WAL".to_owned()).await?;
    run("PRAGMA synchronous = NORMAL".to_owned()).await?;
    // Foreign keys would point at tables the clone lacks.
    run("PRAGMA foreign_keys = OFF".to_owned()).await?;
    run(format!("ATTACH DATABASE '{}' AS src", place.dir.path().join("db").join("bench.db").display())).await?;
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
