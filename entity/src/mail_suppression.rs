//! Table `mail_suppression`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mail_suppression")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub address_hash: Vec<u8>,
    pub customer_id: Uuid,
    pub reason: String,
    pub delivery_id: Option<Uuid>,
    pub since_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
