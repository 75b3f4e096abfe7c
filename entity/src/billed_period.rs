//! Table `billed_period`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "billed_period")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub standing_order_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub period_from_on: Date,
    pub period_no: i64,
    pub invoice_id: Uuid,
}

impl ActiveModelBehavior for ActiveModel {}
