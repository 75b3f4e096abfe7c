//! Table `standing_order_line`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "standing_order_line")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub standing_order_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub line_no: i64,
    pub product_number: String,
    pub quantity_micro: i64,
    pub price_micro: Option<i64>,
    pub discount_micro: i64,
}

impl ActiveModelBehavior for ActiveModel {}
