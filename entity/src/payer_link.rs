//! Table `payer_link`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payer_link")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub invoice_id: Uuid,
    pub customer_id: Uuid,
    pub token_hash: Vec<u8>,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub revoked_at: Option<DateTimeUtc>,
    pub code_hash: Option<Vec<u8>>,
    pub code_made_at: Option<DateTimeUtc>,
    pub code_expires_at: Option<DateTimeUtc>,
    pub code_tries: i64,
    pub codes_since_at: Option<DateTimeUtc>,
    pub codes_sent: i64,
}

impl ActiveModelBehavior for ActiveModel {}
