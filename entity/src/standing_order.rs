//! Table `standing_order`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "standing_order")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub customer_id: Uuid,
    pub source: String,
    pub from_on: Date,
    pub every_months: i64,
    pub end_on: Option<Date>,
    pub next_period_no: i64,
    pub next_period_on: Option<Date>,
    pub prorate: bool,
    pub billed_before_no: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
