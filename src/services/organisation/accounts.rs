//! Accounts: those customers pay to, those of the general ledger, and the VAT table.

use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::organisation::{self as store, BankAccount};
use chrono::NaiveDate;
use domain::kid::{KidScheme, Modulus};
use domain::ledger::{Account, Role, default_gl_number};
use domain::money::Micro;
use domain::numbers::AccountNumber;
use domain::vat;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

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

pub(super) fn new_account(work: &Work<'_>, org_id: Uuid, new: &NewBankAccount) -> Result<BankAccount, Error> {
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

pub(super) async fn insert_account(work: &Work<'_>, account: BankAccount) -> Result<(), Error> {
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

/// A general-ledger number for an account role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GlAccount {
    /// `receivable`, `revenue`, `output_vat`, `bank`, `unallocated`, `fee`, `interest`, `loss`, `rounding` or `carried`.
    pub role: String,
    /// VAT code of revenue, rate of output VAT, number of a bank account; empty for the others.
    #[serde(default)]
    pub code: String,
    /// Number in the general ledger; the default of NS 4102 when `null`.
    pub number: Option<String>,
}

/// Every account of the customer ledger with its general-ledger number.
pub async fn gl_accounts(ctx: &Ctx, actor: &Actor) -> Result<Vec<GlAccount>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let chosen = store::list_gl(&tx).await?;
    let vat = store::list_vat_rows(&tx).await?;
    let accounts = store::list_accounts(&tx).await?;
    tx.commit().await?;
    let mut codes: Vec<(Role, String)> = Vec::new();
    for role in Role::ALL {
        match role {
            Role::Revenue => codes.extend(vat.iter().map(|v| (*role, v.code.clone()))),
            Role::OutputVat => {
                let rates = vat.iter().filter(|v| v.rate_micro > 0);
                codes.extend(rates.map(|v| (*role, Micro::from_micro(v.rate_micro).to_string())));
            }
            Role::Bank => codes.extend(accounts.iter().map(|a| (*role, a.account_no.clone()))),
            _ => codes.push((*role, String::new())),
        }
    }
    codes.dedup();
    Ok(codes
        .into_iter()
        .map(|(role, code)| {
            let mine = chosen.iter().find(|c| c.role == role.as_str() && c.code == code).map(|c| c.gl_number.clone());
            let number = mine.unwrap_or_else(|| default_gl_number(&Account::with(role, code.as_str())).to_owned());
            GlAccount { role: role.as_str().to_owned(), code, number: Some(number) }
        })
        .collect())
}

/// Chooses general-ledger numbers.
pub async fn set_gl_accounts(ctx: &Ctx, actor: &Actor, wanted: &[GlAccount]) -> Result<(), Error> {
    for (i, account) in wanted.iter().enumerate() {
        if Role::parse(&account.role).is_none() {
            let roles = Role::ALL.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Error::field(format!("[{i}].role"), "unknown_role", format!("one of {roles}")));
        }
        let fits = |n: &String| (1..=20).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_alphanumeric());
        if !account.number.as_ref().is_none_or(fits) {
            return Err(Error::field(format!("[{i}].number"), "invalid", "1 to 20 letters or digits"));
        }
    }
    let work = Work::begin(ctx, actor).await?;
    for account in wanted {
        store::set_gl(&work.tx, &account.role, &account.code, account.number.as_deref()).await?;
    }
    work.done(Deed { verb: "gl_accounts.changed", subject: "organisation", id: actor.org, fields: "gl_number" }).await
}

/// A VAT code from a day on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVatCode {
    /// SAF-T standard tax code.
    pub code: String,
    /// What it is called.
    pub name: String,
    /// Percent, a decimal string.
    #[schema(value_type = String, example = "25")]
    pub rate: Micro,
    /// EN 16931 category: S, Z, E, AE, G or O.
    pub category: String,
    /// Why no VAT is charged; printed.
    pub reason: Option<String>,
    /// First day it holds; the row before it ends the day before.
    pub valid_from: NaiveDate,
}

/// Adds a dated row to the VAT table. What was issued before keeps its rate.
pub async fn add_vat_code(ctx: &Ctx, actor: &Actor, new: &NewVatCode) -> Result<Uuid, Error> {
    let category = vat::Category::parse(&new.category)
        .ok_or_else(|| Error::field("category", "unknown", "S, Z, E, AE, G or O"))?;
    if (new.rate > Micro::ZERO) != (category == vat::Category::S)
        || !(Micro::ZERO..=Micro::whole(100)).contains(&new.rate)
    {
        return Err(Error::field("rate", "out_of_range", "above 0 and up to 100 for category S, 0 for the others"));
    }
    let needs_reason = !matches!(category, vat::Category::S | vat::Category::Z);
    if needs_reason && new.reason.as_deref().is_none_or(|r| r.trim().is_empty()) {
        return Err(Error::field("reason", "required", "say why no VAT is charged; it is printed"));
    }
    if new.code.trim().is_empty() || new.code.len() > 8 || new.name.trim().is_empty() {
        return Err(Error::field("code", "required", "a code of up to 8 characters, and what it is called"));
    }
    let work = Work::begin(ctx, actor).await?;
    let rows = store::list_vat_rows(&work.tx).await?;
    let same = rows.into_iter().filter(|r| r.code == new.code).collect::<Vec<_>>();
    if same.iter().any(|r| r.valid_from >= new.valid_from) {
        let message = "this code has a row from that day or later; choose a later day";
        return Err(Error::conflict("vat_row_exists", message));
    }
    for mut row in same.into_iter().filter(|r| r.valid_to.is_none_or(|to| to >= new.valid_from)) {
        row.valid_to = new.valid_from.pred_opt();
        store::update_vat(&work.tx, row).await?;
    }
    let id = work.id();
    let row = store::VatCode {
        org_id: actor.org,
        id,
        code: new.code.clone(),
        name: new.name.clone(),
        rate_micro: new.rate.micro(),
        category: category.as_str().to_owned(),
        reason: new.reason.clone(),
        valid_from: new.valid_from,
        valid_to: None,
    };
    store::insert_vat(&work.tx, row).await?;
    work.done(Deed { verb: "vat_code.added", subject: "vat_code", id, fields: "" }).await?;
    Ok(id)
}
