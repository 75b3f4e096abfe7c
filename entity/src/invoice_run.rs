//! Table `invoice_run`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invoice_run")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub status: String,
    pub bill_on: Date,
    pub issued_on: Date,
    pub due_on: Date,
    pub send_after_at: DateTimeUtc,
    pub cursor_customer_id: Option<Uuid>,
    pub issued_count: i64,
    pub skipped_count: i64,
    pub issued_ore: i64,
    pub expected_count: i64,
    pub created_at: DateTimeUtc,
    pub finished_at: Option<DateTimeUtc>,
    pub credit_status: Option<String>,
    pub credit_reason: Option<String>,
    pub credit_rebill: bool,
    pub credited_count: i64,
}

impl ActiveModelBehavior for ActiveModel {}
