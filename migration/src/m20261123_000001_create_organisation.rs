//! Organisations, their accounts, VAT table, API keys, and the records every write leaves.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE org_directory (
  org_id $uuid NOT NULL PRIMARY KEY,
  sync_counter $int NOT NULL,
  next_kid_customer_no $int NOT NULL,
  created_at $time NOT NULL
);
CREATE TABLE organisation (
  org_id $uuid NOT NULL PRIMARY KEY,
  version $int NOT NULL,
  name $text NOT NULL,
  org_number $text,
  legal_form $text NOT NULL,
  vat_registered $bool NOT NULL,
  street $text,
  street2 $text,
  postal_code $text,
  city $text,
  country $text NOT NULL,
  email $text,
  phone $text,
  privacy_url $text,
  language $text NOT NULL,
  terms_days $int NOT NULL,
  fiscal_year_start_month $int NOT NULL,
  sender_name $text NOT NULL,
  sender_email $text NOT NULL,
  reply_to $text,
  guard_percent $int NOT NULL,
  ending_grace_days $int NOT NULL,
  write_off_limit_ore $int NOT NULL,
  default_bank_account_id $uuid,
  dpa_version $text,
  dpa_accepted_at $time,
  logo $bytes,
  next_voucher_no $int NOT NULL,
  created_at $time NOT NULL,
  updated_at $time NOT NULL
);
CREATE TABLE api_key (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  name $text NOT NULL,
  scope $text NOT NULL,
  secret_hash $bytes NOT NULL,
  created_at $time NOT NULL,
  expires_at $time,
  last_used_at $time,
  revoked_at $time,
  PRIMARY KEY (org_id, id)
);
CREATE TABLE bank_account (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  account_no $text NOT NULL UNIQUE,
  name $text NOT NULL,
  kid_modulus $text NOT NULL,
  kid_customer_digits $int NOT NULL,
  kid_invoice_digits $int NOT NULL,
  kid_frozen_at $time,
  next_kid_serial $int NOT NULL,
  created_at $time NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE TABLE number_series (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  code $text NOT NULL,
  next_number $int NOT NULL,
  first_number $int NOT NULL,
  start_set_at $time,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, code)
);
CREATE TABLE gl_account (
  org_id $uuid NOT NULL,
  role $text NOT NULL,
  code $text NOT NULL,
  gl_number $text NOT NULL,
  PRIMARY KEY (org_id, role, code)
);
CREATE TABLE vat_code (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  code $text NOT NULL,
  name $text NOT NULL,
  rate_micro $int NOT NULL,
  category $text NOT NULL,
  reason $text,
  valid_from $date NOT NULL,
  valid_to $date,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, code, valid_from)
);
CREATE TABLE idempotency_key (
  org_id $uuid NOT NULL,
  key_hash $bytes NOT NULL,
  body_hash $bytes NOT NULL,
  status $int NOT NULL,
  resource_type $text NOT NULL,
  resource_id $uuid NOT NULL,
  created_at $time NOT NULL,
  PRIMARY KEY (org_id, key_hash)
);
CREATE TABLE audit_event (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  at $time NOT NULL,
  actor_kind $text NOT NULL,
  actor_id $uuid,
  verb $text NOT NULL,
  subject_kind $text NOT NULL,
  subject_id $uuid,
  fields $text NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE TABLE audit_segment (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  last_event_id $uuid NOT NULL,
  events $int NOT NULL,
  previous_hash $bytes NOT NULL,
  head_hash $bytes NOT NULL,
  sealed_at $time NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE TABLE job (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  name $text NOT NULL,
  dedupe_key $text NOT NULL,
  subject_id $uuid,
  state $text NOT NULL,
  run_at $time NOT NULL,
  attempts $int NOT NULL,
  lease_until $time,
  last_error $text,
  created_at $time NOT NULL,
  finished_at $time,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, name, dedupe_key)
);
CREATE INDEX job_due ON job (state, run_at);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        ddl::allow_system(manager, &["org_directory", "job"]).await
    }
}
