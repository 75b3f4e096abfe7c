//! Table `privacy_erasure`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_erasure")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub subject_kind: String,
    pub subject_id: Option<Uuid>,
    pub state: String,
    pub content: String,
    pub asked_at: DateTimeUtc,
    pub done_at: Option<DateTimeUtc>,
    pub overwritten_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
