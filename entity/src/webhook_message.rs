//! Table `webhook_message`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_message")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub endpoint_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    pub kind: String,
    pub subject_kind: String,
    pub subject_id: Option<Uuid>,
    pub happened_at: DateTimeUtc,
    pub state: String,
    pub attempts: i64,
    pub not_before_at: DateTimeUtc,
    pub lease_until_at: Option<DateTimeUtc>,
    pub status: Option<i64>,
    pub error: Option<String>,
    pub done_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
