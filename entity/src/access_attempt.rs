//! Table `access_attempt`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_attempt")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: DateTimeUtc,
    pub address: Option<String>,
    pub network: Option<String>,
    pub how: String,
    pub outcome: String,
    pub attempts: i64,
    pub key_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}
