//! Ledger, issued invoices and audit are append-only: the database refuses UPDATE and DELETE outside the retention
//! path (I1, I4, I14; decision 2).

use crate::ddl::RETENTION_ROLE;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: [&str; 9] = [
    "ledger_entry",
    "allocation",
    "invoice",
    "invoice_text",
    "invoice_vat",
    "party_block",
    "audit_event",
    "audit_segment",
    "payment_payer",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        if db.get_database_backend() == DbBackend::Postgres {
            return protect_postgres(db).await;
        }
        db.execute_unprepared("CREATE TABLE retention_ticket (id BIGINT NOT NULL PRIMARY KEY)").await?;
        for table in TABLES {
            for sql in [
                format!(
                    "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} \
                     BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                ),
                format!(
                    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} \
                     WHEN NOT EXISTS (SELECT 1 FROM retention_ticket) \
                     BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                ),
            ] {
                db.execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }
}

async fn protect_postgres(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    db.execute_unprepared(&format!(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF tg_op = 'DELETE' AND current_user = '{RETENTION_ROLE}' THEN RETURN NULL; END IF; \
         RAISE EXCEPTION '% is append-only', tg_table_name USING ERRCODE = 'RK001'; END $$"
    ))
    .await?;
    for table in TABLES {
        db.execute_unprepared(&format!(
            "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} \
             FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        ))
        .await?;
    }
    Ok(())
}
