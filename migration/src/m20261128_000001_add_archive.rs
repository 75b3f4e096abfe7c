//! The statutory archive, which the service's own role cannot read; erasures, and files to be removed.

use crate::{ddl, grants};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE archive_customer (
  org_id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  number $text NOT NULL,
  earlier_numbers $text,
  name $text NOT NULL,
  org_number $text,
  protected_identity $bool NOT NULL,
  archived_at $time NOT NULL,
  PRIMARY KEY (org_id, customer_id)
);
CREATE INDEX archive_customer_number ON archive_customer (org_id, number);
CREATE TABLE archive_party (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  content $text NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX archive_party_customer ON archive_party (org_id, customer_id);
CREATE TABLE archive_text (
  org_id $uuid NOT NULL,
  invoice_id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  content $text NOT NULL,
  PRIMARY KEY (org_id, invoice_id)
);
CREATE INDEX archive_text_customer ON archive_text (org_id, customer_id);
CREATE TABLE archive_payer (
  org_id $uuid NOT NULL,
  payment_id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  debit_account $text,
  text $text,
  PRIMARY KEY (org_id, payment_id)
);
CREATE INDEX archive_payer_customer ON archive_payer (org_id, customer_id);
CREATE TABLE archive_document (
  org_id $uuid NOT NULL,
  invoice_id $uuid NOT NULL,
  kind $text NOT NULL,
  customer_id $uuid NOT NULL,
  content_hash $bytes NOT NULL,
  bytes $int NOT NULL,
  renderer_version $int NOT NULL,
  created_at $time NOT NULL,
  PRIMARY KEY (org_id, invoice_id, kind)
);
CREATE INDEX archive_document_customer ON archive_document (org_id, customer_id);
CREATE TABLE archive_reading (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  at $time NOT NULL,
  actor_kind $text NOT NULL,
  actor_id $uuid,
  reason $text NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE TABLE privacy_erasure (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  subject_kind $text NOT NULL,
  subject_id $uuid,
  state $text NOT NULL,
  content $text NOT NULL,
  asked_at $time NOT NULL,
  done_at $time,
  overwritten_at $time,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX privacy_erasure_waiting ON privacy_erasure (org_id, id) WHERE state = 'waiting';
CREATE TABLE erased_number (
  org_id $uuid NOT NULL,
  number_hash $bytes NOT NULL,
  erased_at $time NOT NULL,
  readmitted_at $time,
  readmitted_reason $text,
  PRIMARY KEY (org_id, number_hash)
);
CREATE TABLE file_removal (
  org_id $uuid NOT NULL,
  place $text NOT NULL,
  name $text NOT NULL,
  since_at $time NOT NULL,
  PRIMARY KEY (org_id, place, name)
);
CREATE TABLE number_gap (
  org_id $uuid NOT NULL,
  series_id $uuid NOT NULL,
  first_no $int NOT NULL,
  last_no $int NOT NULL,
  reason $text NOT NULL,
  noted_at $time NOT NULL,
  PRIMARY KEY (org_id, series_id, first_no)
);
CREATE INDEX payment_customer ON payment (org_id, customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX customer_archived ON customer (org_id, id) WHERE status = 'archived';
CREATE INDEX payer_link_customer ON payer_link (org_id, customer_id);
CREATE INDEX invoice_draft_customer ON invoice_draft (org_id, customer_id);
CREATE INDEX invoice_run_skip_customer ON invoice_run_skip (org_id, customer_id);
CREATE INDEX kid_customer ON kid (org_id, customer_id) WHERE invoice_id IS NULL;
CREATE INDEX opening_item_customer ON opening_item (org_id, customer_id);
CREATE INDEX payer_session_link ON payer_session (org_id, link_id);
ALTER TABLE number_series ADD COLUMN expired_documents $int NOT NULL DEFAULT 0;
";

/// Columns whose values the planner keeps no samples of: what is erased must not live on in statistics (decision 48).
const NO_SAMPLES: &[(&str, &str)] = &[
    ("customer_core", "number name org_number name_search"),
    ("customer_alias", "number"),
    ("customer_detail", "street street2 postal_code city email phone efaktura_address reference order_number"),
    ("customer_document_address", "street street2 postal_code city"),
    ("customer_contact", "role name email phone"),
    ("customer", "ended_reason"),
    ("customer_plan_part", "content"),
    ("invoice_draft", "content"),
    ("party_block", "content"),
    ("invoice_text", "content"),
    ("payment_payer", "debit_account text"),
    ("delivery_address", "address"),
    ("delivery_attempt", "detail"),
    ("delivery_event", "detail"),
    ("channel_lookup", "identifier"),
    ("privacy_hold", "reason"),
    ("app_user", "login name"),
    ("archive_customer", "number earlier_numbers name org_number"),
    ("archive_party", "content"),
    ("archive_text", "content"),
    ("archive_payer", "debit_account text"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        let db = manager.get_connection();
        if db.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        for (table, columns) in NO_SAMPLES {
            for column in columns.split(' ') {
                let sql = format!("ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0");
                db.execute_unprepared(&sql).await?;
            }
        }
        grants::apply(db).await
    }
}
