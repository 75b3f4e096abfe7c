//! Retention plans and their reports: counts and rules, no persons.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE privacy_retention (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  policy_version_no $int NOT NULL,
  state $text NOT NULL,
  content $text NOT NULL,
  made_at $time NOT NULL,
  executed_at $time,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX customer_ended ON customer (org_id, ended_on) WHERE status = 'ended';
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await
    }
}
