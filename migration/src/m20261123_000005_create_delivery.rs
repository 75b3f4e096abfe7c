//! Deliveries and their attempts.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE delivery (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  invoice_id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  channel $text NOT NULL,
  state $text NOT NULL,
  reason $text,
  needs_person $bool NOT NULL,
  attempts $int NOT NULL,
  not_before_at $time NOT NULL,
  lease_until_at $time,
  lease_token $uuid,
  possibly_sent_twice $bool NOT NULL,
  created_at $time NOT NULL,
  updated_at $time NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX delivery_invoice ON delivery (org_id, invoice_id);
CREATE INDEX delivery_due ON delivery (not_before_at, org_id) WHERE state IN ('queued','retrying');
CREATE INDEX delivery_leased ON delivery (lease_until_at) WHERE state IN ('sending','handing_over');
CREATE INDEX delivery_needs_person ON delivery (org_id, id) WHERE needs_person;
CREATE TABLE delivery_address (
  org_id $uuid NOT NULL,
  delivery_id $uuid NOT NULL,
  address $text NOT NULL,
  PRIMARY KEY (org_id, delivery_id)
);
CREATE TABLE delivery_attempt (
  org_id $uuid NOT NULL,
  delivery_id $uuid NOT NULL,
  attempt_no $int NOT NULL,
  started_at $time NOT NULL,
  ended_at $time,
  outcome $text NOT NULL,
  code $text,
  detail $text,
  PRIMARY KEY (org_id, delivery_id, attempt_no)
);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        ddl::allow_system(manager, &["delivery"]).await
    }
}
