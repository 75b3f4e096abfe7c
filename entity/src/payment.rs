//! Table `payment`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub bank_account_id: Uuid,
    pub bank_file_id: Option<Uuid>,
    pub line: Option<i64>,
    pub transaction_type: Option<i64>,
    pub booked_on: Date,
    pub amount_ore: i64,
    pub unallocated_ore: i64,
    pub kid: Option<String>,
    pub customer_id: Option<Uuid>,
    pub state: String,
    pub reason: String,
    pub identity_hash: Vec<u8>,
    pub duplicate_of_id: Option<Uuid>,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
