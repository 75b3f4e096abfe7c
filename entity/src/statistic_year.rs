//! Table `statistic_year`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "statistic_year")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub from_on: Date,
    pub until_on: Date,
    pub small_group: i64,
    pub reckoned_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
