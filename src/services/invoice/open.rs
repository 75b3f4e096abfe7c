//! Taking over from an old system: open items with their old numbers and KIDs.

use super::issue::Billing;
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::customer;
use crate::store::invoice::{self as store, KidRow};
use crate::store::ledger::{self, Entry, OpenItemRow, OpeningItemRow};
use crate::store::organisation::{self, Counter};
use chrono::NaiveDate;
use domain::kid::{Modulus, is_valid};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A claim of the old system that is not paid.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningItem {
    /// Number of the customer.
    pub customer_number: String,
    /// Number the claim had.
    pub old_number: String,
    /// Date of the old invoice.
    pub issued_on: NaiveDate,
    /// Due date of the old invoice.
    pub due_on: NaiveDate,
    /// What is left of it, in øre.
    pub remaining_ore: i64,
    /// KID it had.
    pub kid: Option<String>,
}

/// Brings in open items; they are matched by their old KIDs and explained in the continuity report.
pub async fn take_over(ctx: &Ctx, actor: &Actor, items: &[OpeningItem]) -> Result<Uuid, Error> {
    let work = Work::begin(ctx, actor).await?;
    let billing = Billing::load(ctx, &work, None, None).await?;
    let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let voucher = organisation::take_numbers(&work.tx, Counter::Voucher, count).await?;
    let mut rows = Rows::default();
    for ((i, item), voucher_no) in items.iter().enumerate().zip(voucher..) {
        rows.add(&work, &billing, i, item, voucher_no).await?;
    }
    ledger::insert_entries(&work.tx, &rows.entries).await?;
    ledger::insert_items(&work.tx, &rows.open).await?;
    ledger::insert_opening_items(&work.tx, &rows.old).await?;
    keep_kids(&work, &rows.kids).await?;
    work.done(Deed { verb: "opening_items.taken_over", subject: "organisation", id: actor.org, fields: "" }).await?;
    Ok(actor.org)
}

/// Registers KIDs of the old system.
async fn keep_kids(work: &Work<'_>, rows: &[KidRow]) -> Result<(), Error> {
    store::insert_kids(&work.tx, rows).await.map_err(|e| match e {
        crate::store::Error::Conflict(_) => Error::conflict("kid_taken", "one of the KIDs is registered already"),
        other => other.into(),
    })
}

/// A KID of the old system has the control character of one modulus or the other.
fn check_kid(kid: &str, field: impl FnOnce() -> String) -> Result<(), Error> {
    if is_valid(kid, Modulus::Mod10) || is_valid(kid, Modulus::Mod11) {
        return Ok(());
    }
    Err(Error::field(field(), "invalid_kid", "the control character is wrong"))
}

/// Who has a number of the old system.
async fn holder(work: &Work<'_>, number: &str, field: impl FnOnce() -> String) -> Result<Uuid, Error> {
    let found = customer::resolve_number(&work.tx, number).await?;
    found.ok_or_else(|| Error::field(field(), "unknown_customer", "no customer has this number"))
}

/// Rows of opening items, written together.
#[derive(Default)]
struct Rows {
    entries: Vec<Entry>,
    open: Vec<OpenItemRow>,
    old: Vec<OpeningItemRow>,
    kids: Vec<KidRow>,
}

impl Rows {
    async fn add(
        &mut self,
        work: &Work<'_>,
        billing: &Billing,
        i: usize,
        item: &OpeningItem,
        voucher_no: i64,
    ) -> Result<(), Error> {
        let at = |name: &str| format!("items[{i}].{name}");
        Error::unless_plausible(&at("issued_on"), Some(item.issued_on))?;
        Error::unless_plausible(&at("due_on"), Some(item.due_on))?;
        if item.remaining_ore <= 0 {
            return Err(Error::field(at("remaining_ore"), "out_of_range", "above zero; leave out what is paid"));
        }
        let customer_id = holder(work, &item.customer_number, || at("customer_number")).await?;
        let (org_id, id) = (work.tx.org(), work.id());
        if let Some(kid) = &item.kid {
            check_kid(kid, || at("kid"))?;
            self.kids.push(KidRow {
                org_id,
                bank_account_id: billing.account.id,
                kid: kid.clone(),
                customer_id,
                invoice_id: Some(id),
                imported: true,
            });
        }
        self.old.push(OpeningItemRow {
            org_id,
            id,
            customer_id,
            old_number: item.old_number.clone(),
            issued_on: item.issued_on,
            due_on: item.due_on,
            amount_ore: item.remaining_ore,
            kid: item.kid.clone(),
            created_at: work.at,
        });
        self.open.push(OpenItemRow {
            org_id,
            id,
            customer_id,
            invoice_id: id,
            class: "principal".to_owned(),
            booked_on: item.issued_on,
            due_on: item.due_on,
            amount_ore: item.remaining_ore,
            remaining_ore: item.remaining_ore,
        });
        self.entries.push(Entry {
            org_id,
            id: work.id(),
            voucher_no,
            booked_on: billing.issued_on,
            kind: "opening".to_owned(),
            debit_role: "receivable".to_owned(),
            debit_code: String::new(),
            credit_role: "carried".to_owned(),
            credit_code: String::new(),
            amount_ore: item.remaining_ore,
            customer_id: Some(customer_id),
            invoice_id: None,
            payment_id: None,
            reverses_id: None,
            reason: Some("opening item".to_owned()),
            created_at: work.at,
        });
        Ok(())
    }
}

/// A KID of the old system that stands for a customer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OldKid {
    /// Number of the customer.
    pub customer_number: String,
    /// KID the customer goes on paying with.
    pub kid: String,
    /// Account it was given out for; the default account when left out.
    pub account_no: Option<String>,
}

/// Brings in KIDs that stand for customers: what is paid with one goes to the customer's oldest claim (decision 21).
pub async fn take_over_kids(ctx: &Ctx, actor: &Actor, kids: &[OldKid]) -> Result<Uuid, Error> {
    let work = Work::begin(ctx, actor).await?;
    let org = organisation::find(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let accounts = organisation::list_accounts(&work.tx).await?;
    let mut rows = Vec::with_capacity(kids.len());
    for (i, old) in kids.iter().enumerate() {
        let at = |name: &str| format!("kids[{i}].{name}");
        let account = accounts.iter().find(|a| match &old.account_no {
            Some(number) => a.account_no == *number,
            None => Some(a.id) == org.default_bank_account_id,
        });
        let account =
            account.ok_or_else(|| Error::field(at("account_no"), "unknown_account", "add the bank account first"))?;
        check_kid(&old.kid, || at("kid"))?;
        let customer_id = holder(&work, &old.customer_number, || at("customer_number")).await?;
        rows.push(KidRow {
            org_id: actor.org,
            bank_account_id: account.id,
            kid: old.kid.clone(),
            customer_id,
            invoice_id: None,
            imported: true,
        });
    }
    keep_kids(&work, &rows).await?;
    work.done(Deed { verb: "kids.taken_over", subject: "organisation", id: actor.org, fields: "" }).await?;
    Ok(actor.org)
}
