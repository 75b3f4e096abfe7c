//! Row-level security asks whose transaction it is once a statement instead of once a row.

use crate::ddl::{OWN_ROWS, QUEUE_ROWS};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        if db.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        for (policy, rows) in [("tenant", OWN_ROWS), ("system", QUEUE_ROWS)] {
            let sql = "SELECT tablename::text AS name FROM pg_policies WHERE schemaname = 'public' AND policyname = $1";
            let tables = Statement::from_sql_and_values(DbBackend::Postgres, sql, [policy.into()]);
            for table in db.query_all_raw(tables).await? {
                let table: String = table.try_get("", "name")?;
                db.execute_unprepared(&format!("ALTER POLICY {policy} ON {table} USING ({rows})")).await?;
            }
        }
        Ok(())
    }
}
