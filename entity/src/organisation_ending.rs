//! Table `organisation_ending`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organisation_ending")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    pub ends_on: Date,
    pub deleted_on: Option<Date>,
    pub keep_archive: bool,
    pub asked_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
