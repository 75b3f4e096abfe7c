//! What keeping a registry by hand needs: other numbers, planned endings, chosen addresses, periods billed anew, runs
//! taken back, opening items with their old numbers, and exports that say what was exported before.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE customer_alias (
  org_id $uuid NOT NULL,
  number $text NOT NULL,
  customer_id $uuid NOT NULL,
  replaced_at $time NOT NULL,
  PRIMARY KEY (org_id, number),
  FOREIGN KEY (org_id, customer_id) REFERENCES customer (org_id, id)
);
CREATE INDEX customer_alias_customer ON customer_alias (org_id, customer_id);
CREATE INDEX customer_ending ON customer (org_id, ended_on) WHERE status = 'active' AND ended_on IS NOT NULL;
CREATE TABLE customer_document_address (
  org_id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  street $text,
  street2 $text,
  postal_code $text,
  city $text,
  country $text NOT NULL,
  PRIMARY KEY (org_id, customer_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customer (org_id, id)
);
ALTER TABLE customer ADD COLUMN ended_by $text;
ALTER TABLE customer ADD COLUMN list_digest $bytes;
ALTER TABLE customer ADD COLUMN mail_ground $text;
ALTER TABLE standing_order ADD COLUMN prorate $bool NOT NULL DEFAULT FALSE;
ALTER TABLE standing_order ADD COLUMN billed_before_no $int NOT NULL DEFAULT 0;
DROP INDEX standing_order_due;
DROP INDEX standing_order_customer;
CREATE INDEX standing_order_billing ON standing_order (org_id, customer_id, next_period_on);
ALTER TABLE invoice_run ADD COLUMN credit_status $text;
ALTER TABLE invoice_run ADD COLUMN credit_reason $text;
ALTER TABLE invoice_run ADD COLUMN credit_rebill $bool NOT NULL DEFAULT FALSE;
ALTER TABLE invoice_run ADD COLUMN credited_count $int NOT NULL DEFAULT 0;
CREATE INDEX invoice_of_run ON invoice (org_id, run_id, id) WHERE run_id IS NOT NULL;
CREATE INDEX billed_period_invoice ON billed_period (org_id, invoice_id);
CREATE TABLE opening_item (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  old_number $text NOT NULL,
  issued_on $date NOT NULL,
  due_on $date NOT NULL,
  amount_ore $int NOT NULL,
  kid $text,
  created_at $time NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE TABLE posting_export (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  from_on $date NOT NULL,
  to_on $date NOT NULL,
  last_voucher_no $int NOT NULL,
  entries $int NOT NULL,
  exported_before $int NOT NULL,
  created_at $time NOT NULL,
  PRIMARY KEY (org_id, id)
);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await
    }
}
