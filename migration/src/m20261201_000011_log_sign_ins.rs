//! The log of sign-ins with network addresses: of people and of keys nobody knows for the installation, of payers' codes and
//! known keys for their organisation.

use crate::ddl;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE sign_in (
  id $uuid NOT NULL PRIMARY KEY,
  at $time NOT NULL,
  address $text,
  network $text,
  how $text NOT NULL,
  outcome $text NOT NULL,
  attempts $int NOT NULL,
  user_id $uuid
);
CREATE INDEX sign_in_network ON sign_in (network, at);
CREATE INDEX sign_in_user ON sign_in (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX sign_in_at ON sign_in (at);
CREATE TABLE access_attempt (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  at $time NOT NULL,
  address $text,
  network $text,
  how $text NOT NULL,
  outcome $text NOT NULL,
  attempts $int NOT NULL,
  key_id $uuid,
  customer_id $uuid,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX access_attempt_network ON access_attempt (org_id, network, at);
CREATE INDEX access_attempt_customer ON access_attempt (org_id, customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX access_attempt_at ON access_attempt (org_id, at);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        let db = manager.get_connection();
        if db.get_database_backend() == DbBackend::Postgres {
            for table in ["sign_in", "access_attempt"] {
                for column in ["address", "network"] {
                    let sql = format!("ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0");
                    db.execute_unprepared(&sql).await?;
                }
            }
        }
        Ok(())
    }
}
