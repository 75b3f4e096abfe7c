//! How many rows there are, and in which tables.

use crate::place::Place;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The texts of one column.
pub(super) async fn texts(db: &DatabaseConnection, sql: &str) -> anyhow::Result<Vec<String>> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    rows.iter().map(|r| Ok(r.try_get_by_index(0)?)).collect()
}

/// One number.
pub(super) async fn number(db: &DatabaseConnection, sql: &str) -> anyhow::Result<i64> {
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    row.map_or(Ok(0), |r| Ok(r.try_get_by_index(0)?))
}

/// The ids of one column.
pub(super) async fn ids(db: &DatabaseConnection, sql: &str) -> anyhow::Result<Vec<Uuid>> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    rows.iter().map(|r| Ok(r.try_get_by_index(0)?)).collect()
}

/// Rows of every table.
pub(super) async fn counts(db: &DatabaseConnection) -> anyhow::Result<BTreeMap<String, i64>> {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
        _ => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1",
    };
    let mut counts = BTreeMap::new();
    for table in texts(db, sql).await? {
        let rows = number(db, &format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {table}")).await?;
        counts.insert(table, rows);
    }
    Ok(counts)
}

/// The columns of a table's primary key, parted by commas.
pub(super) async fn key(db: &DatabaseConnection, table: &str) -> anyhow::Result<String> {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => format!(
            "SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid \
             AND a.attnum = ANY(i.indkey) WHERE i.indisprimary AND i.indrelid = '{table}'::regclass ORDER BY a.attnum"
        ),
        _ => format!("SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk"),
    };
    Ok(texts(db, &sql).await?.join(", "))
}

/// As after a night of its own upkeep: PostgreSQL knows how many rows there are.
pub(super) async fn settle(place: &Place) -> anyhow::Result<()> {
    if place.db == "postgres" {
        place.raw.execute_unprepared("VACUUM (ANALYZE)").await?;
        place.raw.execute_unprepared("CHECKPOINT").await?;
    }
    Ok(())
}
