//! Table `invoice`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invoice")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub series_id: Uuid,
    pub number: i64,
    pub kind: String,
    pub customer_id: Uuid,
    pub bank_account_id: Uuid,
    pub seller_block_id: Uuid,
    pub buyer_block_id: Uuid,
    pub run_id: Option<Uuid>,
    pub credits_invoice_id: Option<Uuid>,
    pub issued_on: Date,
    pub due_on: Option<Date>,
    pub language: String,
    pub net_ore: i64,
    pub vat_ore: i64,
    pub total_ore: i64,
    pub kid: Option<String>,
    pub voucher_no: i64,
    pub template_version: i64,
    pub snapshot_hash: Vec<u8>,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
