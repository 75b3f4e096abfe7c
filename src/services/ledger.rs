//! The ledger as a whole: is it right, and what does the accounting system get of it.

use super::error::Error;
use super::work::Actor;
use crate::ctx::Ctx;
use crate::store::ledger::{self as store, CHECKS};
use crate::store::views::{self, PostingRow};
use chrono::NaiveDate;
use domain::ledger::{Account, Role, default_gl_number};
use domain::money::Money;
use serde::Serialize;
use utoipa::ToSchema;

/// One check and what it found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CheckResult {
    /// Stable name.
    pub name: String,
    /// The rule in words.
    pub rule: String,
    /// What breaks it; none when it holds.
    pub findings: Vec<String>,
}

/// Runs every check of the ledger (I1, I3, I6).
pub async fn verify(ctx: &Ctx, actor: &Actor) -> Result<Vec<CheckResult>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let mut results = Vec::new();
    for check in CHECKS {
        let findings = store::run_check(&tx, check).await?;
        let shown = findings.iter().take(20).map(|f| {
            let id = f.subject_id.map(|id| id.to_string()).unwrap_or_default();
            format!("{id}: expected {}, found {}", f.expected_ore, f.found_ore)
        });
        results.push(CheckResult {
            name: check.name.to_owned(),
            rule: check.rule.to_owned(),
            findings: shown.collect(),
        });
    }
    tx.commit().await?;
    Ok(results)
}

/// Postings of a period as CSV for the accounting system: two lines a transfer, debit and credit.
pub async fn export_postings(ctx: &Ctx, actor: &Actor, from: NaiveDate, to: NaiveDate) -> Result<String, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = views::postings(&tx, from, to).await?;
    let mapped = crate::store::organisation::list_gl(&tx).await?;
    tx.commit().await?;
    let number = |role: &str, code: &str| {
        let chosen = mapped.iter().find(|m| m.role == role && m.code == code).map(|m| m.gl_number.clone());
        let account = Role::parse(role).map(|role| Account::with(role, code));
        chosen.or_else(|| account.map(|a| default_gl_number(&a).to_owned())).unwrap_or_default()
    };
    let mut out = String::from("voucher;date;account;role;vat_code;amount;kind;entry\r\n");
    for row in &rows {
        let mut line = |role: &str, code: &str, ore: i64| {
            let amount = Money::from_ore(ore).to_plain_string().replace('.', ",");
            let vat = if role == "revenue" { code } else { "" };
            let gl = number(role, code);
            let PostingRow { voucher_no, booked_on, kind, id, .. } = row;
            out.push_str(&format!("{voucher_no};{booked_on};{gl};{role};{vat};{amount};{kind};{id}\r\n"));
        };
        line(&row.debit_role, &row.debit_code, row.amount_ore);
        line(&row.credit_role, &row.credit_code, -row.amount_ore);
    }
    Ok(out)
}
