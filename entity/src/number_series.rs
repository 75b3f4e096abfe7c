//! Table `number_series`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "number_series")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub code: String,
    pub next_number: i64,
    pub first_number: i64,
    pub start_set_at: Option<DateTimeUtc>,
    pub expired_documents: i64,
}

impl ActiveModelBehavior for ActiveModel {}
