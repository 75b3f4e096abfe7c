//! Table `hand_over`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "hand_over")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub scope: String,
    pub customers: i64,
    pub documents: i64,
    pub bytes: i64,
    pub content_hash: Vec<u8>,
    pub bookings: i64,
    pub made_at: DateTimeUtc,
    pub confirmed_at: Option<DateTimeUtc>,
    pub taken: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
