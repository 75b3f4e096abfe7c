//! What is on its way includes what providers are asked about.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("DROP INDEX delivery_open").await?;
        let sql = "CREATE INDEX delivery_open ON delivery (org_id, state, id) WHERE state IN \
                   ('queued','sending','handing_over','awaiting_receipt','retrying','unknown') AND NOT needs_person";
        db.execute_unprepared(sql).await?;
        Ok(())
    }
}
