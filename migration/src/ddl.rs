//! Portable DDL: one text for both databases, and row-level security for every tenant table on PostgreSQL.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Owns the tables, migrates and scrubs.
pub const OWNER_ROLE: &str = "reskontro_owner";
/// What the service signs in as: no rights but on rows.
pub const APP_ROLE: &str = "reskontro_app";
/// Reads everything, writes nothing.
pub const BACKUP_ROLE: &str = "reskontro_backup";
/// Deletes what has expired; the app is no member of it.
pub const RETENTION_ROLE: &str = "reskontro_retention";

/// Column types by name: SQLite, PostgreSQL.
const TYPES: &[(&str, &str, &str)] = &[
    ("$uuid", "BLOB", "uuid"),
    ("$bytes", "BLOB", "bytea"),
    ("$text", "TEXT", "text"),
    ("$int", "BIGINT", "bigint"),
    ("$bool", "BOOLEAN", "boolean"),
    ("$date", "DATE", "date"),
    ("$time", "TIMESTAMP", "timestamptz"),
    ("$ctext", "TEXT", "text COLLATE \"C\""),
];

/// Runs DDL statements separated by `;` at line ends. Each `CREATE TABLE` naming `org_id` becomes a tenant table.
pub async fn apply(manager: &SchemaManager<'_>, ddl: &str) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let postgres = db.get_database_backend() == DbBackend::Postgres;
    for statement in ddl.split(";\n").map(str::trim).filter(|s| !s.is_empty()) {
        db.execute_unprepared(&typed(statement, postgres)).await?;
        if let Some(table) = created_table(statement).filter(|_| postgres && statement.contains("org_id ")) {
            isolate(db, table).await?;
        }
    }
    Ok(())
}

fn typed(statement: &str, postgres: bool) -> String {
    let mut out = statement.to_owned();
    for (name, sqlite, pg) in TYPES {
        out = out.replace(name, if postgres { pg } else { sqlite });
    }
    out
}

fn created_table(statement: &str) -> Option<&str> {
    statement.strip_prefix("CREATE TABLE ")?.split([' ', '(']).next()
}

/// Rows of the organisation named in the transaction. The inner SELECT is reckoned once a statement, not once a row.
pub const OWN_ROWS: &str = "org_id = (SELECT NULLIF(current_setting('reskontro.org_id', true), '')::uuid)";
/// Rows of queue tables for a transaction without an organisation.
pub const QUEUE_ROWS: &str = "(SELECT current_setting('reskontro.system', true) = 'on')";

/// Forced row-level security: the app sees the rows of the organisation named in its transaction, the owner sees rows
/// only while migrating, the backup role reads all (decision 10).
async fn isolate(db: &SchemaManagerConnection<'_>, table: &str) -> Result<(), DbErr> {
    for sql in [
        format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"),
        format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY"),
        format!("CREATE POLICY tenant ON {table} USING ({OWN_ROWS})"),
        format!(
            "CREATE POLICY migration ON {table} TO {OWNER_ROLE} USING (current_setting('reskontro.migration', true) = 'on')"
        ),
        format!("CREATE POLICY backup ON {table} FOR SELECT TO {BACKUP_ROLE} USING (true)"),
    ] {
        db.execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// Lets a transaction without an organisation see the rows of a queue table: ids only stand in these.
pub async fn allow_system(manager: &SchemaManager<'_>, tables: &[&str]) -> Result<(), DbErr> {
    let db = manager.get_connection();
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    for table in tables {
        let sql = format!("CREATE POLICY system ON {table} USING ({QUEUE_ROWS})");
        db.execute_unprepared(&sql).await?;
    }
    Ok(())
}
