//! Table `statistic`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "statistic")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub year_from_on: Date,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub month_no: i64,
    pub items: i64,
    pub net_ore: i64,
    pub vat_ore: i64,
    pub total_ore: i64,
    pub customers: i64,
}

impl ActiveModelBehavior for ActiveModel {}
