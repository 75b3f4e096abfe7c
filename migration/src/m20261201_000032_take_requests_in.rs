//! What a request that comes by mail or form says of who asks, and what became of its letter.

use crate::ddl;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
ALTER TABLE privacy_request ADD COLUMN asker_name $text;
ALTER TABLE privacy_request ADD COLUMN asker_reach $text;
ALTER TABLE privacy_request ADD COLUMN letter_hash $bytes;
ALTER TABLE privacy_request ADD COLUMN left_out $int NOT NULL DEFAULT 0;
ALTER TABLE privacy_request ADD COLUMN receipt_sent_at $time;
ALTER TABLE privacy_request ADD COLUMN extension_told_at $time;
ALTER TABLE privacy_request ADD COLUMN answer_told_at $time;
CREATE UNIQUE INDEX privacy_request_letter ON privacy_request (org_id, letter_hash) WHERE letter_hash IS NOT NULL;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        let db = manager.get_connection();
        if db.get_database_backend() == DbBackend::Postgres {
            for column in ["asker_name", "asker_reach"] {
                let sql = format!("ALTER TABLE privacy_request ALTER COLUMN {column} SET STATISTICS 0");
                db.execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }
}
