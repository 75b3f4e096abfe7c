//! Organisations: setting one up, its bank accounts and its data-processing agreement.

mod accounts;
mod agreement;
mod ending;
mod settings;
mod statement;

pub use accounts::{GlAccount, NewBankAccount, NewVatCode, add_account, add_vat_code, gl_accounts, set_gl_accounts};
pub use agreement::{AcceptanceView, Agreement, DPA_VERSION, NewAcceptance, accept_dpa, dpa, is_to_accept};
pub use ending::{EndingView, GRACE_DAYS, NewEnding, call_off, end, ending, unless_over};
pub use settings::{LOGO_BYTES, OrganisationPatch, patch, set_logo, start_series};
pub use statement::{name_and_address, only_statement_path};
pub(crate) use statement::{statement_path, statement_url};

use super::error::{Error, FieldError};
use super::region;
use super::work::{Actor, Deed, Work};
use crate::ctx::Ctx;
use crate::store::organisation::{self as store, BankAccount, Organisation};
use crate::store::privacy;
use accounts::{insert_account, new_account};
use chrono::NaiveDate;
use domain::delivery::is_mail_address;
use domain::hex;
use domain::invoice::{Address, Seller};
use domain::numbers::{AccountNumber, OrgNumber};
use domain::privacy::{Policy, Preset};
use domain::vat;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Legal forms we know, as the register of business enterprises codes them.
pub const LEGAL_FORMS: [&str; 12] =
    ["AS", "ASA", "ENK", "ANS", "DA", "NUF", "SA", "FLI", "STI", "BRL", "ESEK", "OTHER"];

/// What an organisation is set up with.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrganisation {
    /// Registered name.
    pub name: String,
    /// Organisation number; an association without one leaves it out.
    pub org_number: Option<String>,
    /// Legal form: AS, ASA, ENK, ANS, DA, NUF, SA, FLI, STI, BRL, ESEK or OTHER.
    pub legal_form: String,
    /// Whether it stands in the VAT register.
    #[serde(default)]
    pub vat_registered: bool,
    /// Street or box.
    pub street: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Post town.
    pub city: Option<String>,
    /// Contact address.
    pub email: String,
    /// Telephone.
    pub phone: Option<String>,
    /// Where its privacy statement is.
    pub privacy_url: Option<String>,
    /// Language of its documents: nb, nn or en.
    #[serde(default = "default_language")]
    pub language: String,
    /// Days from invoice date to due date.
    #[serde(default = "default_terms")]
    pub terms_days: u16,
    /// First month of the financial year, 1 to 12.
    #[serde(default = "default_month")]
    pub fiscal_year_start_month: u8,
    /// Number of the first invoice; set once.
    pub first_invoice_number: Option<u32>,
    /// Version of the data-processing agreement accepted now.
    pub accept_dpa: Option<String>,
    /// Privacy policy it starts with: association-billing, invoicing-platform, accounting-firm, accounting-marketplace or
    /// erp; by its legal form when left out.
    pub privacy_preset: Option<String>,
    /// Account customers pay to.
    pub bank_account: Option<NewBankAccount>,
}

fn default_language() -> String {
    "nb".to_owned()
}
const fn default_terms() -> u16 {
    14
}
const fn default_month() -> u8 {
    1
}

/// Sets up an organisation and returns its id.
pub async fn create(ctx: &Ctx, new: NewOrganisation) -> Result<Uuid, Error> {
    check(ctx, &new)?;
    let org_id = ctx.id();
    let actor = Actor::operator(org_id);
    let work = Work::begin(ctx, &actor).await?;
    let policy = first_policy(ctx, &work, org_id, &new).await?;
    let accepted = new.accept_dpa.as_deref().map(|version| agreement::row(&work, &actor, version, None));
    let bank = new.bank_account.as_ref().map(|b| new_account(&work, org_id, b)).transpose()?;
    let row = Organisation {
        org_id,
        version: 1,
        org_number: new.org_number.as_deref().and_then(|n| OrgNumber::parse(n).ok()).map(String::from),
        legal_form: new.legal_form.clone(),
        vat_registered: new.vat_registered,
        street: new.street.clone(),
        street2: None,
        postal_code: new.postal_code.clone(),
        city: new.city.clone(),
        country: "NO".to_owned(),
        email: Some(new.email.clone()),
        phone: new.phone.clone(),
        privacy_url: new.privacy_url.clone(),
        language: new.language.clone(),
        terms_days: new.terms_days.into(),
        fiscal_year_start_month: new.fiscal_year_start_month.into(),
        sender_name: new.name.clone(),
        sender_email: new.email.clone(),
        reply_to: None,
        guard_percent: 10,
        ending_grace_days: 0,
        write_off_limit_ore: 1_000,
        default_bank_account_id: bank.as_ref().map(|b| b.id),
        dpa_version: new.accept_dpa.clone(),
        dpa_accepted_at: new.accept_dpa.is_some().then_some(work.at),
        logo: None,
        next_voucher_no: 1,
        channels_person: "efaktura,mail".to_owned(),
        channels_business: "ehf,mail".to_owned(),
        safe_channels: "mail".to_owned(),
        efaktura_status: None,
        created_at: work.at,
        updated_at: work.at,
        name: new.name,
    };
    let first_number = new.first_invoice_number.map_or(10_001, i64::from);
    let series = store::NumberSeries {
        org_id,
        id: work.id(),
        code: "invoice".to_owned(),
        next_number: first_number,
        first_number,
        start_set_at: new.first_invoice_number.map(|_| work.at),
        expired_documents: 0,
    };
    let rows = vat_rows(&work, org_id);
    store::insert(&work.tx, row, series, &rows).await?;
    privacy::insert_policy(&work.tx, policy).await?;
    if let Some(accepted) = accepted {
        crate::store::agreement::accept(&work.tx, accepted).await?;
    }
    if let Some(bank) = bank {
        insert_account(&work, bank).await?;
    }
    work.done(Deed { verb: "organisation.created", subject: "organisation", id: org_id, fields: "" }).await?;
    Ok(org_id)
}

/// The preset it starts with. Nothing is stored yet that it could delete: it needs no look before it holds.
async fn first_policy(
    ctx: &Ctx,
    work: &Work<'_>,
    org_id: Uuid,
    new: &NewOrganisation,
) -> Result<privacy::PolicyRow, Error> {
    let asked = new.privacy_preset.as_deref().and_then(Preset::parse);
    let preset = asked.unwrap_or_else(|| Preset::of_legal_form(&new.legal_form));
    let policy = Policy::of(preset);
    region::unless_kept(&work.tx, policy.region).await?;
    let content = serde_json::to_string(&policy);
    Ok(privacy::PolicyRow {
        org_id,
        id: work.id(),
        version_no: 1,
        preset: preset.as_str().to_owned(),
        content: content.map_err(|_| crate::store::Error::inconsistent("privacy_policy", "content"))?,
        valid_from: ctx.today(),
        published_at: work.at,
        approved_at: Some(work.at),
    })
}

fn vat_rows(work: &Work<'_>, org_id: Uuid) -> Vec<store::VatCode> {
    vat::default_rows()
        .into_iter()
        .map(|r| store::VatCode {
            org_id,
            id: work.id(),
            code: r.code.to_owned(),
            name: r.name.to_owned(),
            rate_micro: r.rate.micro(),
            category: r.category.as_str().to_owned(),
            reason: r.reason.map(str::to_owned),
            valid_from: r.valid_from,
            valid_to: None,
        })
        .collect()
}

fn check(ctx: &Ctx, new: &NewOrganisation) -> Result<(), Error> {
    let current = &ctx.config.privacy.dpa_version;
    let mut errors = Vec::new();
    let mut require = |ok: bool, field: &str, code: &str, message: &str| {
        if !ok {
            errors.push(FieldError { field: field.into(), code: code.into(), message: message.into() });
        }
    };
    require(!new.name.trim().is_empty(), "name", "required", "give the organisation its registered name");
    let number_ok = new.org_number.as_ref().is_none_or(|n| OrgNumber::parse(n).is_ok());
    let message = "nine digits with a right control digit, such as 315 771 900";
    require(number_ok, "org_number", "invalid_org_number", message);
    require(
        LEGAL_FORMS.contains(&new.legal_form.as_str()),
        "legal_form",
        "unknown",
        &format!("one of {}", LEGAL_FORMS.join(", ")),
    );
    require(is_mail_address(&new.email), "email", "invalid_email", "an e-mail address such as post@example.no");
    require(matches!(new.language.as_str(), "nb" | "nn" | "en"), "language", "unknown", "nb, nn or en");
    require(new.first_invoice_number != Some(0), "first_invoice_number", "out_of_range", "1 or more");
    require(new.terms_days <= 365, "terms_days", "out_of_range", "0 to 365 days");
    require((1..=12).contains(&new.fiscal_year_start_month), "fiscal_year_start_month", "out_of_range", "1 to 12");
    require(
        new.accept_dpa.as_ref().is_none_or(|v| v == current),
        "accept_dpa",
        "unknown_version",
        &format!("the version in force is {current}"),
    );
    let presets = Preset::ALL.map(Preset::as_str);
    require(
        new.privacy_preset.as_deref().is_none_or(|p| presets.contains(&p)),
        "privacy_preset",
        "unknown_preset",
        &format!("one of {}", presets.join(", ")),
    );
    if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
}

/// The organisation as it stands on a document.
pub fn seller(org: &Organisation, account: &BankAccount) -> Result<Seller, Error> {
    let bad = |column| crate::store::Error::inconsistent("organisation", column);
    Ok(Seller {
        name: org.name.clone(),
        org_number: org.org_number.as_deref().map(OrgNumber::parse).transpose().map_err(|_| bad("org_number"))?,
        vat_registered: org.vat_registered,
        in_business_register: matches!(org.legal_form.as_str(), "AS" | "ASA" | "NUF"),
        address: Address {
            street: org.street.clone(),
            street2: org.street2.clone(),
            postal_code: org.postal_code.clone(),
            city: org.city.clone(),
            country: org.country.clone(),
        },
        email: org.email.clone(),
        phone: org.phone.clone(),
        privacy_url: org.privacy_url.clone(),
        account: AccountNumber::parse(&account.account_no).map_err(|_| bad("account_no"))?,
        logo: org.logo.as_deref().map(hex::encode),
    })
}

/// The due date by the organisation's terms.
pub fn due_date(org: &Organisation, issued_on: NaiveDate) -> NaiveDate {
    let days = u64::try_from(org.terms_days).unwrap_or_default();
    issued_on.checked_add_days(chrono::Days::new(days)).unwrap_or(issued_on)
}
