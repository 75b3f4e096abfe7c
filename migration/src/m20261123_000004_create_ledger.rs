//! The customer ledger, open items, payments, bank files and mandates.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE ledger_entry (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  voucher_no $int NOT NULL,
  booked_on $date NOT NULL,
  kind $text NOT NULL,
  debit_role $text NOT NULL,
  debit_code $text NOT NULL,
  credit_role $text NOT NULL,
  credit_code $text NOT NULL,
  amount_ore $int NOT NULL CHECK (amount_ore > 0),
  customer_id $uuid,
  invoice_id $uuid,
  payment_id $uuid,
  reverses_id $uuid,
  reason $text,
  created_at $time NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX ledger_entry_customer ON ledger_entry (org_id, customer_id, booked_on);
CREATE INDEX ledger_entry_booked ON ledger_entry (org_id, booked_on);
CREATE TABLE open_item (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  invoice_id $uuid NOT NULL,
  class $text NOT NULL,
  booked_on $date NOT NULL,
  due_on $date NOT NULL,
  amount_ore $int NOT NULL,
  remaining_ore $int NOT NULL CHECK (remaining_ore >= 0 AND remaining_ore <= amount_ore),
  PRIMARY KEY (org_id, id)
);
CREATE INDEX open_item_invoice ON open_item (org_id, invoice_id);
CREATE INDEX open_item_open ON open_item (org_id, customer_id, due_on) WHERE remaining_ore > 0;
CREATE TABLE allocation (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  open_item_id $uuid NOT NULL,
  payment_id $uuid,
  credit_note_id $uuid,
  kind $text NOT NULL,
  reason $text NOT NULL,
  booked_on $date NOT NULL,
  amount_ore $int NOT NULL,
  reverses_id $uuid,
  created_at $time NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX allocation_item ON allocation (org_id, open_item_id);
CREATE INDEX allocation_payment ON allocation (org_id, payment_id);
CREATE TABLE bank_file (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  content_hash $bytes NOT NULL,
  kind $text NOT NULL,
  bytes $int NOT NULL,
  transmission $text NOT NULL,
  payments $int NOT NULL,
  payments_ore $int NOT NULL,
  matched $int NOT NULL,
  mandates $int NOT NULL,
  imported_at $time NOT NULL,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, content_hash)
);
CREATE TABLE payment (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  bank_account_id $uuid NOT NULL,
  bank_file_id $uuid,
  line $int,
  transaction_type $int,
  booked_on $date NOT NULL,
  amount_ore $int NOT NULL,
  unallocated_ore $int NOT NULL,
  kid $text,
  customer_id $uuid,
  state $text NOT NULL,
  reason $text NOT NULL,
  identity_hash $bytes NOT NULL,
  duplicate_of_id $uuid,
  created_at $time NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX payment_identity ON payment (org_id, identity_hash);
CREATE INDEX payment_waiting ON payment (org_id, booked_on, id) WHERE unallocated_ore <> 0;
CREATE INDEX payment_file ON payment (org_id, bank_file_id);
CREATE TABLE payment_payer (
  org_id $uuid NOT NULL,
  payment_id $uuid NOT NULL,
  debit_account $text,
  text $text,
  PRIMARY KEY (org_id, payment_id)
);
CREATE TABLE mandate (
  org_id $uuid NOT NULL,
  bank_account_id $uuid NOT NULL,
  kid $text NOT NULL,
  customer_id $uuid,
  notify $bool NOT NULL,
  active $bool NOT NULL,
  updated_on $date NOT NULL,
  PRIMARY KEY (org_id, bank_account_id, kid)
);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await
    }
}
