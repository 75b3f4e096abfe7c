//! Table `delivery`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub invoice_id: Uuid,
    pub customer_id: Uuid,
    pub channel: String,
    pub state: String,
    pub reason: Option<String>,
    pub needs_person: bool,
    pub attempts: i64,
    pub not_before_at: DateTimeUtc,
    pub lease_until_at: Option<DateTimeUtc>,
    pub lease_token: Option<Uuid>,
    pub possibly_sent_twice: bool,
    pub channel_reason: Option<String>,
    pub fallback_from: Option<String>,
    pub attempts_before: i64,
    pub tried_since_at: Option<DateTimeUtc>,
    pub handed_over_at: Option<DateTimeUtc>,
    pub message_id: Option<Uuid>,
    pub provider_ref: Option<String>,
    pub provider_seq: i64,
    pub take_back: bool,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
