//! Who was told of a new version of the privacy statement, and which users have accepted it: ids and times.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE statement_notice (
  org_id $uuid NOT NULL,
  statement_id $uuid NOT NULL,
  person_id $uuid NOT NULL,
  person_kind $text NOT NULL,
  state $text NOT NULL,
  noted_at $time NOT NULL,
  told_at $time,
  PRIMARY KEY (org_id, statement_id, person_id)
);
CREATE INDEX statement_notice_person ON statement_notice (org_id, person_id);
CREATE TABLE statement_acceptance (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  statement_id $uuid NOT NULL,
  user_id $uuid NOT NULL,
  channel $text NOT NULL,
  accepted_at $time NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX statement_acceptance_once ON statement_acceptance (org_id, statement_id, user_id);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await
    }
}
