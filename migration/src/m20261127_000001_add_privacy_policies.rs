//! Privacy policies by version, and holds: why something is kept although its time has come.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE privacy_policy (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version_no $int NOT NULL,
  preset $text NOT NULL,
  content $text NOT NULL,
  valid_from $date NOT NULL,
  published_at $time NOT NULL,
  approved_at $time,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, version_no)
);
CREATE TABLE privacy_hold (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  kind $text NOT NULL,
  subject_kind $text NOT NULL,
  subject_id $uuid NOT NULL,
  customer_id $uuid,
  reason $text NOT NULL,
  owner $text NOT NULL,
  review_on $date NOT NULL,
  placed_at $time NOT NULL,
  released_at $time,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX privacy_hold_subject ON privacy_hold (org_id, subject_id) WHERE released_at IS NULL;
CREATE INDEX privacy_hold_customer ON privacy_hold (org_id, customer_id) WHERE released_at IS NULL;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await
    }
}
