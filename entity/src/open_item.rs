//! Table `open_item`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "open_item")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub customer_id: Uuid,
    pub invoice_id: Uuid,
    pub class: String,
    pub booked_on: Date,
    pub due_on: Date,
    pub amount_ore: i64,
    pub remaining_ore: i64,
}

impl ActiveModelBehavior for ActiveModel {}
