//! The payer's link to an invoice, its one-time code, and who has opened it.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE payer_link (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  invoice_id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  token_hash $bytes NOT NULL UNIQUE,
  created_at $time NOT NULL,
  expires_at $time NOT NULL,
  revoked_at $time,
  code_hash $bytes,
  code_made_at $time,
  code_expires_at $time,
  code_tries $int NOT NULL,
  codes_since_at $time,
  codes_sent $int NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX payer_link_live ON payer_link (org_id, invoice_id) WHERE revoked_at IS NULL;
CREATE INDEX payer_link_expiry ON payer_link (org_id, expires_at);
CREATE TABLE payer_session (
  id_hash $bytes NOT NULL PRIMARY KEY,
  org_id $uuid NOT NULL,
  link_id $uuid NOT NULL,
  created_at $time NOT NULL,
  expires_at $time NOT NULL
);
CREATE INDEX payer_session_expiry ON payer_session (org_id, expires_at);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        // A payer brings a token and no organisation; ids and hashes only stand here.
        ddl::allow_system(manager, &["payer_link"]).await
    }
}
