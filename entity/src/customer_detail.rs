//! Table `customer_detail`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer_detail")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub customer_id: Uuid,
    pub street: Option<String>,
    pub street2: Option<String>,
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub country: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub language: String,
    pub payment_method: Option<String>,
    pub channel: Option<String>,
    pub efaktura_address: Option<String>,
    pub protected_identity: bool,
    pub reference: Option<String>,
    pub order_number: Option<String>,
    pub external_updated_at: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
