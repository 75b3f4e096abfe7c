//! Addresses nobody signs in from: blocked by the service for a while, or by a person with a reason until it is looked at again.

use crate::ddl;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE blocked_address (
  id $uuid NOT NULL PRIMARY KEY,
  range $text NOT NULL UNIQUE,
  placed_by $text NOT NULL,
  reason $text NOT NULL,
  times $int NOT NULL,
  since_at $time NOT NULL,
  until_at $time,
  review_on $date
);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        let db = manager.get_connection();
        if db.get_database_backend() == DbBackend::Postgres {
            for column in ["range", "reason"] {
                let sql = format!("ALTER TABLE blocked_address ALTER COLUMN {column} SET STATISTICS 0");
                db.execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }
}
