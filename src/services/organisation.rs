//! Organisations: setting one up, its bank accounts and its data-processing agreement.

use super::error::{Error, FieldError, Kind};
use super::work::{Actor, Deed, Work};
use crate::ctx::Ctx;
use crate::store::organisation::{self as store, BankAccount, Organisation};
use chrono::NaiveDate;
use domain::delivery::is_mail_address;
use domain::invoice::{Address, Seller};
use domain::kid::{KidScheme, Modulus};
use domain::numbers::{AccountNumber, OrgNumber};
use domain::vat;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Version of the data-processing agreement an organisation accepts before its first import.
pub const DPA_VERSION: &str = "2026-11";

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
    /// Version of the data-processing agreement accepted now.
    pub accept_dpa: Option<String>,
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

/// A bank account and how its KIDs are made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBankAccount {
    /// Eleven digits.
    pub account_no: String,
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// `mod10` or `mod11`, as registered with the bank.
    #[serde(default = "default_modulus")]
    pub kid_modulus: String,
    /// Digits of the customer part.
    #[serde(default = "default_digits")]
    pub kid_customer_digits: u8,
    /// Digits of the invoice part.
    #[serde(default = "default_digits")]
    pub kid_invoice_digits: u8,
}

fn default_modulus() -> String {
    "mod10".to_owned()
}
const fn default_digits() -> u8 {
    7
}

/// Sets up an organisation and returns its id.
pub async fn create(ctx: &Ctx, new: NewOrganisation) -> Result<Uuid, Error> {
    check(&new)?;
    let org_id = ctx.id();
    let actor = Actor::operator(org_id);
    let work = Work::begin(ctx, &actor).await?;
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
        created_at: work.at,
        updated_at: work.at,
        name: new.name,
    };
    let series = entity::number_series::Model {
        org_id,
        id: work.id(),
        code: "invoice".to_owned(),
        next_number: 10_001,
        first_number: 10_001,
        start_set_at: None,
    };
    let rows = vat_rows(&work, org_id);
    store::insert(&work.tx, row, series, &rows).await?;
    if let Some(bank) = bank {
        insert_account(&work, bank).await?;
    }
    work.done(Deed { verb: "organisation.created", subject: "organisation", id: org_id, fields: "" }).await?;
    Ok(org_id)
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

fn check(new: &NewOrganisation) -> Result<(), Error> {
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
    require(new.terms_days <= 365, "terms_days", "out_of_range", "0 to 365 days");
    require((1..=12).contains(&new.fiscal_year_start_month), "fiscal_year_start_month", "out_of_range", "1 to 12");
    require(
        new.accept_dpa.as_deref().is_none_or(|v| v == DPA_VERSION),
        "accept_dpa",
        "unknown_version",
        &format!("the version in force is {DPA_VERSION}"),
    );
    if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
}

fn new_account(work: &Work<'_>, org_id: Uuid, new: &NewBankAccount) -> Result<BankAccount, Error> {
    let account = AccountNumber::parse(&new.account_no)
        .map_err(|e| Error::field("bank_account.account_no", "invalid_account_no", e.to_string()))?;
    let modulus = Modulus::parse(&new.kid_modulus)
        .ok_or_else(|| Error::field("bank_account.kid_modulus", "unknown", "mod10 or mod11"))?;
    KidScheme::new(new.kid_customer_digits, new.kid_invoice_digits, modulus)
        .map_err(|e| Error::field("bank_account.kid_invoice_digits", "invalid_kid_scheme", e.to_string()))?;
    Ok(BankAccount {
        org_id,
        id: work.id(),
        version: 1,
        account_no: account.as_str().to_owned(),
        name: new.name.clone(),
        kid_modulus: modulus.as_str().to_owned(),
        kid_customer_digits: new.kid_customer_digits.into(),
        kid_invoice_digits: new.kid_invoice_digits.into(),
        kid_frozen_at: None,
        next_kid_serial: 1,
        created_at: work.at,
    })
}

async fn insert_account(work: &Work<'_>, account: BankAccount) -> Result<(), Error> {
    match store::insert_account(&work.tx, account).await {
        Err(crate::store::Error::Conflict(_)) => {
            let message = "this account is registered by an organisation of this installation already";
            Err(Error::conflict("account_taken", message))
        }
        other => Ok(other?),
    }
}

/// Adds a bank account.
pub async fn add_account(ctx: &Ctx, actor: &Actor, new: &NewBankAccount) -> Result<Uuid, Error> {
    let work = Work::begin(ctx, actor).await?;
    let account = new_account(&work, actor.org, new)?;
    let id = account.id;
    let mut org = store::lock(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    insert_account(&work, account).await?;
    if org.default_bank_account_id.is_none() {
        org.default_bank_account_id = Some(id);
        store::update(&work.tx, org).await?;
    }
    work.done(Deed { verb: "bank_account.added", subject: "bank_account", id, fields: "" }).await?;
    Ok(id)
}

/// What may be changed of an organisation; what is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrganisationPatch {
    /// Street or box.
    pub street: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Post town.
    pub city: Option<String>,
    /// Contact address.
    pub email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Where its privacy statement is.
    pub privacy_url: Option<String>,
    /// Days from invoice date to due date.
    pub terms_days: Option<u16>,
    /// Name mails come from.
    pub sender_name: Option<String>,
    /// Address mails come from.
    pub sender_email: Option<String>,
    /// Percent of active customers a full list may end without force.
    pub guard_percent: Option<u8>,
}

/// Changes an organisation of the version the client saw.
pub async fn patch(ctx: &Ctx, actor: &Actor, version: i64, patch: &OrganisationPatch) -> Result<(), Error> {
    let wrong = |field: &str, ok: bool, message: &str| {
        if ok { Ok(()) } else { Err(Error::field(field, "invalid", message)) }
    };
    for (field, address) in [("email", &patch.email), ("sender_email", &patch.sender_email)] {
        wrong(field, address.as_deref().is_none_or(is_mail_address), "an e-mail address such as post@example.no")?;
    }
    wrong("terms_days", patch.terms_days.is_none_or(|d| d <= 365), "0 to 365 days")?;
    wrong("guard_percent", patch.guard_percent.is_none_or(|p| p <= 100), "0 to 100 percent")?;
    let work = Work::begin(ctx, actor).await?;
    let mut org = store::lock(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    if org.version != version {
        return Err(Error::refuse(
            Kind::Changed,
            "version_mismatch",
            "somebody changed the organisation; read it again",
        ));
    }
    let mut fields = Vec::new();
    let mut text = |name: &'static str, to: &mut Option<String>, from: &Option<String>| {
        if from.is_some() {
            to.clone_from(from);
            fields.push(name);
        }
    };
    text("street", &mut org.street, &patch.street);
    text("postal_code", &mut org.postal_code, &patch.postal_code);
    text("city", &mut org.city, &patch.city);
    text("email", &mut org.email, &patch.email);
    text("phone", &mut org.phone, &patch.phone);
    text("privacy_url", &mut org.privacy_url, &patch.privacy_url);
    if let Some(name) = &patch.sender_name {
        org.sender_name.clone_from(name);
        fields.push("sender_name");
    }
    if let Some(address) = &patch.sender_email {
        org.sender_email.clone_from(address);
        fields.push("sender_email");
    }
    if let Some(days) = patch.terms_days {
        org.terms_days = days.into();
        fields.push("terms_days");
    }
    if let Some(percent) = patch.guard_percent {
        org.guard_percent = percent.into();
        fields.push("guard_percent");
    }
    org.updated_at = work.at;
    store::update(&work.tx, org).await?;
    let fields = fields.join(",");
    work.done(Deed { verb: "organisation.changed", subject: "organisation", id: actor.org, fields: &fields }).await
}

/// Accepts the data-processing agreement.
pub async fn accept_dpa(ctx: &Ctx, actor: &Actor, version: &str) -> Result<(), Error> {
    if version != DPA_VERSION {
        return Err(Error::field("version", "unknown_version", format!("the version in force is {DPA_VERSION}")));
    }
    let work = Work::begin(ctx, actor).await?;
    let mut org = store::lock(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    org.dpa_version = Some(version.to_owned());
    org.dpa_accepted_at = Some(work.at);
    org.updated_at = work.at;
    store::update(&work.tx, org).await?;
    work.done(Deed { verb: "organisation.dpa_accepted", subject: "organisation", id: actor.org, fields: "dpa_version" })
        .await
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
        logo: None,
    })
}

/// The due date by the organisation's terms.
pub fn due_date(org: &Organisation, issued_on: NaiveDate) -> NaiveDate {
    let days = u64::try_from(org.terms_days).unwrap_or_default();
    issued_on.checked_add_days(chrono::Days::new(days)).unwrap_or(issued_on)
}
