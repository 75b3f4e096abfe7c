//! Table `channel_lookup`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "channel_lookup")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub customer_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel: String,
    pub answer: String,
    pub identifier: Option<String>,
    pub matched_on: Option<String>,
    pub asked_of: Option<Vec<u8>>,
    pub checked_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
