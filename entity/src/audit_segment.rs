//! Table `audit_segment`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_segment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub chain: String,
    pub last_event_id: Uuid,
    pub events: i64,
    pub newest_at: DateTimeUtc,
    pub previous_hash: Vec<u8>,
    pub head_hash: Vec<u8>,
    pub sealed_at: DateTimeUtc,
    pub pruned_at: Option<DateTimeUtc>,
    pub pruned_by: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
