//! Table `processor`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "processor")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub kind: String,
    pub name: String,
    pub service: String,
    pub country: String,
    pub agreement: Option<String>,
    pub agreement_on: Option<Date>,
    pub transfer_ground: Option<String>,
    pub assessed_on: Option<Date>,
    pub hosts: String,
    pub added_at: DateTimeUtc,
    pub ended_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
