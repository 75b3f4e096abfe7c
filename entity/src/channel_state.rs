//! Table `channel_state`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "channel_state")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel: String,
    pub failures: i64,
    pub away_since_at: Option<DateTimeUtc>,
    pub open_until_at: Option<DateTimeUtc>,
    pub code: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
