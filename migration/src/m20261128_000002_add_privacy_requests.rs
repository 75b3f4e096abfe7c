//! Requests of persons, consents, and customers whose data is only stored.

use crate::{ddl, grants};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE privacy_request (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  kind $text NOT NULL,
  subject_kind $text NOT NULL,
  subject_id $uuid,
  channel $text NOT NULL,
  state $text NOT NULL,
  received_on $date NOT NULL,
  due_on $date NOT NULL,
  extended_because $text,
  wish $text,
  identity $text NOT NULL,
  identified_at $time,
  code_hash $bytes,
  code_expires_at $time,
  code_tries $int NOT NULL,
  codes_sent $int NOT NULL,
  decision $text,
  grounds $text,
  erasure_id $uuid,
  link_hash $bytes,
  link_expires_at $time,
  created_at $time NOT NULL,
  updated_at $time NOT NULL,
  closed_at $time,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX privacy_request_open ON privacy_request (org_id, due_on, id) WHERE closed_at IS NULL;
CREATE INDEX privacy_request_subject ON privacy_request (org_id, subject_id) WHERE subject_id IS NOT NULL;
CREATE UNIQUE INDEX privacy_request_link ON privacy_request (link_hash) WHERE link_hash IS NOT NULL;
CREATE TABLE privacy_notice (
  org_id $uuid NOT NULL,
  request_id $uuid NOT NULL,
  recipient $text NOT NULL,
  noted_at $time NOT NULL,
  told_at $time,
  PRIMARY KEY (org_id, request_id, recipient)
);
CREATE TABLE consent (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  purpose $text NOT NULL,
  channel $text NOT NULL,
  act $text NOT NULL,
  text_version $text,
  given_by $text NOT NULL,
  proof $text,
  at $time NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX consent_customer ON consent (org_id, customer_id, id);
ALTER TABLE customer ADD COLUMN restricted_at $time;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        // Whoever follows the link of a package brings a token and no organisation.
        ddl::allow_system(manager, &["privacy_request"]).await?;
        let db = manager.get_connection();
        if db.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        for (table, columns) in [("privacy_request", "extended_because wish grounds"), ("consent", "proof")] {
            for column in columns.split(' ') {
                let sql = format!("ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0");
                db.execute_unprepared(&sql).await?;
            }
        }
        grants::apply(db).await
    }
}
