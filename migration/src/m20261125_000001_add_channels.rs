//! Several channels: why each was chosen, what the provider calls a delivery, what happened to it, what directories said,
//! addresses that do not work, and providers that are away.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
ALTER TABLE delivery ADD COLUMN channel_reason $text;
ALTER TABLE delivery ADD COLUMN fallback_from $text;
ALTER TABLE delivery ADD COLUMN attempts_before $int NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN tried_since_at $time;
ALTER TABLE delivery ADD COLUMN handed_over_at $time;
ALTER TABLE delivery ADD COLUMN message_id $uuid;
ALTER TABLE delivery ADD COLUMN provider_ref $text;
ALTER TABLE delivery ADD COLUMN provider_seq $int NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN take_back $bool NOT NULL DEFAULT FALSE;
DROP INDEX delivery_due;
DROP INDEX delivery_needs_person;
CREATE INDEX delivery_due ON delivery (channel, not_before_at, org_id) WHERE state IN ('queued','retrying');
CREATE INDEX delivery_check ON delivery (channel, not_before_at, org_id) WHERE (state IN ('awaiting_receipt','unknown') AND NOT needs_person) OR take_back;
CREATE INDEX delivery_needs_person ON delivery (org_id, reason, id) WHERE needs_person;
CREATE INDEX delivery_open ON delivery (org_id, state, id) WHERE state IN ('queued','sending','handing_over','awaiting_receipt','retrying');
CREATE INDEX delivery_provider ON delivery (provider_ref) WHERE provider_ref IS NOT NULL;
CREATE INDEX delivery_print ON delivery (org_id, id) WHERE channel = 'print' AND state = 'queued';
CREATE INDEX delivery_customer ON delivery (org_id, customer_id, id);
CREATE TABLE delivery_event (
  org_id $uuid NOT NULL,
  delivery_id $uuid NOT NULL,
  id $uuid NOT NULL,
  at $time NOT NULL,
  kind $text NOT NULL,
  channel $text NOT NULL,
  code $text,
  detail $text,
  PRIMARY KEY (org_id, delivery_id, id)
);
CREATE TABLE channel_lookup (
  org_id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  channel $text NOT NULL,
  answer $text NOT NULL,
  identifier $text,
  matched_on $text,
  asked_of $bytes,
  checked_at $time NOT NULL,
  PRIMARY KEY (org_id, customer_id, channel)
);
CREATE TABLE mail_suppression (
  org_id $uuid NOT NULL,
  address_hash $bytes NOT NULL,
  customer_id $uuid NOT NULL,
  reason $text NOT NULL,
  delivery_id $uuid,
  since_at $time NOT NULL,
  PRIMARY KEY (org_id, address_hash)
);
CREATE INDEX mail_suppression_customer ON mail_suppression (org_id, customer_id);
CREATE TABLE channel_state (
  channel $text NOT NULL PRIMARY KEY,
  failures $int NOT NULL,
  away_since_at $time,
  open_until_at $time,
  code $text
);
CREATE TABLE feed_cursor (
  name $text NOT NULL PRIMARY KEY,
  position $text NOT NULL,
  read_at $time NOT NULL
);
CREATE INDEX mandate_customer ON mandate (org_id, customer_id);
ALTER TABLE organisation ADD COLUMN channels_person $text NOT NULL DEFAULT 'efaktura,mail';
ALTER TABLE organisation ADD COLUMN channels_business $text NOT NULL DEFAULT 'ehf,mail';
ALTER TABLE organisation ADD COLUMN safe_channels $text NOT NULL DEFAULT 'mail';
ALTER TABLE organisation ADD COLUMN efaktura_status $text;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await
    }
}
