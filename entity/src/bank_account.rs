//! Table `bank_account`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bank_account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub account_no: String,
    pub name: String,
    pub kid_modulus: String,
    pub kid_customer_digits: i64,
    pub kid_invoice_digits: i64,
    pub kid_frozen_at: Option<DateTimeUtc>,
    pub next_kid_serial: i64,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
