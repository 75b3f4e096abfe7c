//! Drafts, issued invoices and what they were about, runs and KIDs.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE invoice_draft (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  customer_id $uuid NOT NULL,
  content $text NOT NULL,
  created_at $time NOT NULL,
  updated_at $time NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE TABLE invoice_run (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  status $text NOT NULL,
  bill_on $date NOT NULL,
  issued_on $date NOT NULL,
  due_on $date NOT NULL,
  send_after_at $time NOT NULL,
  cursor_customer_id $uuid,
  issued_count $int NOT NULL,
  skipped_count $int NOT NULL,
  issued_ore $int NOT NULL,
  expected_count $int NOT NULL,
  created_at $time NOT NULL,
  finished_at $time,
  PRIMARY KEY (org_id, id)
);
CREATE TABLE invoice_run_skip (
  org_id $uuid NOT NULL,
  run_id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  reason $text NOT NULL,
  PRIMARY KEY (org_id, run_id, customer_id)
);
CREATE TABLE party_block (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  content $text NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE TABLE invoice (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  series_id $uuid NOT NULL,
  number $int NOT NULL,
  kind $text NOT NULL,
  customer_id $uuid NOT NULL,
  bank_account_id $uuid NOT NULL,
  seller_block_id $uuid NOT NULL,
  buyer_block_id $uuid NOT NULL,
  run_id $uuid,
  credits_invoice_id $uuid,
  issued_on $date NOT NULL,
  due_on $date,
  language $text NOT NULL,
  net_ore $int NOT NULL,
  vat_ore $int NOT NULL,
  total_ore $int NOT NULL,
  kid $text,
  voucher_no $int NOT NULL,
  template_version $int NOT NULL,
  snapshot_hash $bytes NOT NULL,
  created_at $time NOT NULL,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, series_id, number)
);
CREATE INDEX invoice_customer ON invoice (org_id, customer_id, issued_on);
CREATE INDEX invoice_credits ON invoice (org_id, credits_invoice_id);
CREATE TABLE invoice_text (
  org_id $uuid NOT NULL,
  invoice_id $uuid NOT NULL,
  content $text NOT NULL,
  PRIMARY KEY (org_id, invoice_id)
);
CREATE TABLE invoice_vat (
  org_id $uuid NOT NULL,
  invoice_id $uuid NOT NULL,
  category $text NOT NULL,
  rate_micro $int NOT NULL,
  basis_ore $int NOT NULL,
  vat_ore $int NOT NULL,
  PRIMARY KEY (org_id, invoice_id, category, rate_micro)
);
CREATE TABLE billed_period (
  org_id $uuid NOT NULL,
  standing_order_id $uuid NOT NULL,
  period_from_on $date NOT NULL,
  period_no $int NOT NULL,
  invoice_id $uuid NOT NULL,
  PRIMARY KEY (org_id, standing_order_id, period_from_on)
);
CREATE TABLE kid (
  org_id $uuid NOT NULL,
  bank_account_id $uuid NOT NULL,
  kid $text NOT NULL,
  customer_id $uuid NOT NULL,
  invoice_id $uuid,
  imported $bool NOT NULL,
  PRIMARY KEY (org_id, bank_account_id, kid)
);
CREATE TABLE document (
  org_id $uuid NOT NULL,
  invoice_id $uuid NOT NULL,
  kind $text NOT NULL,
  content_hash $bytes NOT NULL,
  bytes $int NOT NULL,
  renderer_version $int NOT NULL,
  created_at $time NOT NULL,
  PRIMARY KEY (org_id, invoice_id, kind)
);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await
    }
}
