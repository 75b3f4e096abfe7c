//! Table `organisation`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organisation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    pub version: i64,
    pub name: String,
    pub org_number: Option<String>,
    pub legal_form: String,
    pub vat_registered: bool,
    pub street: Option<String>,
    pub street2: Option<String>,
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub country: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub privacy_url: Option<String>,
    pub language: String,
    pub terms_days: i64,
    pub fiscal_year_start_month: i64,
    pub sender_name: String,
    pub sender_email: String,
    pub reply_to: Option<String>,
    pub guard_percent: i64,
    pub ending_grace_days: i64,
    pub write_off_limit_ore: i64,
    pub default_bank_account_id: Option<Uuid>,
    pub dpa_version: Option<String>,
    pub dpa_accepted_at: Option<DateTimeUtc>,
    pub logo: Option<Vec<u8>>,
    pub next_voucher_no: i64,
    pub channels_person: String,
    pub channels_business: String,
    pub safe_channels: String,
    pub efaktura_status: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
