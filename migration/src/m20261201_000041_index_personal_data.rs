//! What is held of one person, or of one document, is found without reading the whole table.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE INDEX open_item_customer ON open_item (org_id, customer_id);
CREATE INDEX ledger_entry_invoice ON ledger_entry (org_id, invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX ledger_entry_payment ON ledger_entry (org_id, payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX delivery_message ON delivery (message_id) WHERE message_id IS NOT NULL;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await
    }
}
