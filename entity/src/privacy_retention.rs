//! Table `privacy_retention`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_retention")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub policy_version_no: i64,
    pub state: String,
    pub content: String,
    pub made_at: DateTimeUtc,
    pub executed_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
