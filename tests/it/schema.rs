//! What must hold of the schema as migrated: classification, isolation, append-only history.

use crate::harness::{Backend, TestApp, both};
use reskontro::privacy::inventory::{TOOL_TABLES, columns};
use sea_orm::{ConnectionTrait, Statement};
use std::collections::BTreeSet;
use uuid::Uuid;

async fn texts(app: &TestApp, sql: &str) -> BTreeSet<String> {
    let tx = app.ctx.db.read(Uuid::nil()).await.unwrap();
    let rows = tx.query_all_raw(Statement::from_string(tx.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|r| r.try_get::<String>("", "name").unwrap()).collect()
}

async fn stored_columns(app: &TestApp) -> BTreeSet<String> {
    match app.backend {
        Backend::Sqlite => {
            let sql = "SELECT m.name || '.' || c.name AS name FROM sqlite_master m, pragma_table_xinfo(m.name) c \
                       WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";
            texts(app, sql).await
        }
        Backend::Postgres => {
            // Of all tables, also those the service's own role cannot read.
            let sql = "SELECT (c.relname || '.' || a.attname)::text AS name FROM pg_class c \
                       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
                       WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace";
            texts(app, sql).await
        }
    }
}

both!(every_column_is_classified, async |app: &TestApp| {
    let classified: BTreeSet<String> = columns().map(|(t, c, _)| format!("{t}.{c}")).collect();
    let stored: BTreeSet<String> = stored_columns(app)
        .await
        .into_iter()
        .filter(|c| !TOOL_TABLES.iter().any(|t| c.starts_with(&format!("{t}."))))
        .collect();
    let missing: Vec<&String> = stored.difference(&classified).collect();
    let gone: Vec<&String> = classified.difference(&stored).collect();
    assert!(missing.is_empty(), "not classified: {missing:?}");
    assert!(gone.is_empty(), "classified and not there: {gone:?}");
});

#[tokio::test]
async fn every_table_with_an_organisation_is_isolated_by_force() {
    let Some(app) = TestApp::new(Backend::Postgres).await else { return };
    let with_org = "SELECT c.relname::text AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
                    WHERE c.relkind = 'r' AND a.attname = 'org_id' AND c.relnamespace = 'public'::regnamespace";
    let all = texts(&app, with_org).await;
    let forced = texts(&app, &format!("{with_org} AND c.relrowsecurity AND c.relforcerowsecurity")).await;
    let with_policy = texts(&app, "SELECT tablename::text AS name FROM pg_policies WHERE policyname = 'tenant'").await;
    assert!(all.len() > 35, "{} tables", all.len());
    assert_eq!(all, forced, "tables without forced row-level security");
    assert_eq!(all, with_policy, "tables without the tenant policy");
}

#[tokio::test]
async fn another_organisations_rows_are_not_there() {
    let Some(app) = TestApp::new(Backend::Postgres).await else { return };
    let actor = app.association().await;
    let count = async |org: Uuid| {
        let tx = app.ctx.db.read(org).await.unwrap();
        // Without naming the organisation: the database itself must hide the rows.
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM organisation";
        let row = tx.query_one_raw(Statement::from_string(tx.get_database_backend(), sql)).await.unwrap().unwrap();
        row.try_get::<i64>("", "n").unwrap()
    };
    assert_eq!(count(actor.org).await, 1);
    assert_eq!(count(Uuid::from_u128(1)).await, 0);
}

both!(history_cannot_be_changed_or_deleted, async |app: &TestApp| {
    let actor = app.association().await;
    for table in ["ledger_entry", "invoice", "audit_event", "allocation", "invoice_text", "party_block"] {
        for verb in [format!("DELETE FROM {table}"), format!("UPDATE {table} SET org_id = org_id")] {
            // SQLite triggers fire per row: put one there first.
            let tx = app.ctx.db.write(actor.org).await.unwrap();
            if table == "audit_event" || app.backend == Backend::Postgres {
                let refused = tx.execute_unprepared(&verb).await.unwrap_err().to_string();
                assert!(refused.contains("append-only"), "{verb}: {refused}");
                assert!(tx.commit().await.is_err(), "a transaction with a refused statement was committed");
            }
        }
    }
});

both!(a_transaction_with_a_failed_statement_keeps_nothing, async |app: &TestApp| {
    let actor = app.association().await;
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    tx.execute_unprepared("UPDATE organisation SET terms_days = 99").await.unwrap();
    assert!(tx.execute_unprepared("INSERT INTO nothing VALUES (1)").await.is_err());
    assert!(tx.commit().await.is_err());
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let org = reskontro::store::organisation::find(&tx).await.unwrap().unwrap();
    assert_eq!(org.terms_days, 14);
});

// What law keeps of people who have left is not for the service's own role.
#[tokio::test]
async fn the_archive_is_closed_to_the_service() {
    let Some(app) = TestApp::new(Backend::Postgres).await else { return };
    let actor = app.association().await;
    for table in ["customer", "party", "text", "payer", "document", "note"] {
        let tx = app.ctx.db.read(actor.org).await.unwrap();
        let refused = tx.execute_unprepared(&format!("SELECT 1 FROM archive_{table}")).await.unwrap_err().to_string();
        assert!(refused.contains("permission denied"), "{table}: {refused}");
        let tx = app.ctx.db.retain(actor.org).await.unwrap();
        tx.execute_unprepared(&format!("SELECT 1 FROM archive_{table}")).await.unwrap();
    }
}

// What is answered for is on disk, and what is deleted is overwritten.
#[tokio::test]
async fn sqlite_is_opened_to_keep_and_to_forget() {
    let app = TestApp::new(Backend::Sqlite).await.unwrap();
    let settings = [
        ("journal_mode", "wal"),
        ("synchronous", "2"),
        ("secure_delete", "1"),
        ("recursive_triggers", "1"),
        ("foreign_keys", "1"),
    ];
    for (name, value) in settings {
        let sql = format!("SELECT CAST({name} AS TEXT) AS name FROM pragma_{name}");
        assert_eq!(texts(&app, &sql).await, BTreeSet::from([value.to_owned()]), "{name}");
    }
}
