//! Table `privacy_request`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_request")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub kind: String,
    pub subject_kind: String,
    pub subject_id: Option<Uuid>,
    pub channel: String,
    pub state: String,
    pub received_on: Date,
    pub due_on: Date,
    pub extended_because: Option<String>,
    pub wish: Option<String>,
    pub identity: String,
    pub identified_at: Option<DateTimeUtc>,
    pub code_hash: Option<Vec<u8>>,
    pub code_expires_at: Option<DateTimeUtc>,
    pub code_tries: i64,
    pub codes_sent: i64,
    pub decision: Option<String>,
    pub grounds: Option<String>,
    pub erasure_id: Option<Uuid>,
    pub link_hash: Option<Vec<u8>>,
    pub link_expires_at: Option<DateTimeUtc>,
    pub asker_name: Option<String>,
    pub asker_reach: Option<String>,
    pub letter_hash: Option<Vec<u8>>,
    pub left_out: i64,
    pub receipt_sent_at: Option<DateTimeUtc>,
    pub extension_told_at: Option<DateTimeUtc>,
    pub answer_told_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub closed_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
