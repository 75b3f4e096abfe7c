//! The end of an organisation's agreement, and the archive handed to it.

use crate::{ddl, grants};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE organisation_ending (
  org_id $uuid NOT NULL PRIMARY KEY,
  ends_on $date NOT NULL,
  deleted_on $date,
  keep_archive $bool NOT NULL,
  asked_at $time NOT NULL
);
CREATE TABLE hand_over (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  scope $text NOT NULL,
  customers $int NOT NULL,
  documents $int NOT NULL,
  bytes $int NOT NULL,
  content_hash $bytes NOT NULL,
  bookings $int NOT NULL,
  made_at $time NOT NULL,
  confirmed_at $time,
  taken $text,
  PRIMARY KEY (org_id, id)
);
ALTER TABLE org_directory ADD COLUMN gone_at $time;
ALTER TABLE customer ADD COLUMN handed_over_at $time;
CREATE TABLE hand_over_customer (
  org_id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  hand_over_id $uuid NOT NULL,
  bookings $int NOT NULL,
  taken $bool NOT NULL,
  PRIMARY KEY (org_id, customer_id)
);
CREATE INDEX hand_over_customer_package ON hand_over_customer (org_id, hand_over_id);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        let db = manager.get_connection();
        if db.get_database_backend() == DbBackend::Postgres {
            grants::apply(db).await?;
        }
        Ok(())
    }
}
