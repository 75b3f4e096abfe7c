//! Table `breach`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "breach")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub as_processor: bool,
    pub noticed_at: DateTimeUtc,
    pub due_at: DateTimeUtc,
    pub happened_from_at: Option<DateTimeUtc>,
    pub happened_until_at: Option<DateTimeUtc>,
    pub what: String,
    pub categories: Option<String>,
    pub cause: Option<String>,
    pub consequences: Option<String>,
    pub measures: Option<String>,
    pub risk: String,
    pub people: i64,
    pub authority_notified_at: Option<DateTimeUtc>,
    pub authority_reference: Option<String>,
    pub not_notified_because: Option<String>,
    pub late_because: Option<String>,
    pub controller_told_at: Option<DateTimeUtc>,
    pub persons_informed_at: Option<DateTimeUtc>,
    pub not_informed_because: Option<String>,
    pub told_hours_left: Option<i64>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub closed_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
