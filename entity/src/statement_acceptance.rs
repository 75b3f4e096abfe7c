//! Table `statement_acceptance`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "statement_acceptance")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub statement_id: Uuid,
    pub user_id: Uuid,
    pub channel: String,
    pub accepted_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
