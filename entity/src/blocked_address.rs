//! Table `blocked_address`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "blocked_address")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub range: String,
    pub placed_by: String,
    pub reason: String,
    pub times: i64,
    pub since_at: DateTimeUtc,
    pub until_at: Option<DateTimeUtc>,
    pub review_on: Option<Date>,
}

impl ActiveModelBehavior for ActiveModel {}
