//! Table `bank_file`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bank_file")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub content_hash: Vec<u8>,
    pub kind: String,
    pub bytes: i64,
    pub transmission: String,
    pub payments: i64,
    pub payments_ore: i64,
    pub matched: i64,
    pub mandates: i64,
    pub imported_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
