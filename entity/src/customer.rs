//! Table `customer`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub kind: String,
    pub status: String,
    pub ended_on: Option<Date>,
    pub ended_reason: Option<String>,
    pub ended_by: Option<String>,
    pub list_digest: Option<Vec<u8>>,
    pub mail_ground: Option<String>,
    pub kid_customer_no: i64,
    pub restricted_at: Option<DateTimeUtc>,
    pub handed_over_at: Option<DateTimeUtc>,
    pub restriction_review_on: Option<Date>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
