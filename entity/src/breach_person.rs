//! Table `breach_person`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "breach_person")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub breach_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub customer_id: Uuid,
    pub letter_id: Uuid,
    pub found_by: String,
    pub noted_at: DateTimeUtc,
    pub informed_at: Option<DateTimeUtc>,
    pub informed_by: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
