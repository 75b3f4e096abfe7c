//! Published privacy statements, each as it was.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE privacy_statement (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version_no $int NOT NULL,
  policy_version_no $int NOT NULL,
  valid_from $date NOT NULL,
  content $text NOT NULL,
  published_at $time NOT NULL,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, version_no)
);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await
    }
}
