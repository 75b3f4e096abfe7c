//! The ledger as a whole: is it right, and what does the accounting system get of it.

use super::error::Error;
use super::work::{Actor, Deed, Work};
use crate::ctx::Ctx;
use crate::store::ledger::{self as store, CHECKS};
use crate::store::organisation::{self, Counter, GlChoice};
use crate::store::views::{self, PostingRow};
use chrono::NaiveDate;
use domain::ledger::{Account, Role, default_gl_number};
use domain::money::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use crate::store::ledger::PostingExport;

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

/// Which days leave for the accounting system.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportPeriod {
    /// First day.
    pub from_on: NaiveDate,
    /// Last day.
    pub to_on: NaiveDate,
}

/// Records an export of postings: what it holds, and how much of it left before, never changes again.
///
/// Vouchers are taken from a locked counter, so each voucher up to the highest one seen here is complete.
pub async fn export(ctx: &Ctx, actor: &Actor, period: ExportPeriod) -> Result<PostingExport, Error> {
    if period.to_on < period.from_on {
        return Err(Error::field("to_on", "before_start", "the last day is on or after the first"));
    }
    let work = Work::begin(ctx, actor).await?;
    let next = organisation::take_numbers(&work.tx, Counter::Voucher, 0).await?;
    let earlier = store::list_exports(&work.tx).await?;
    let (mut entries, mut exported_before) = (0, 0);
    for row in views::postings(&work.tx, period.from_on, period.to_on).await? {
        entries += 1;
        exported_before += i64::from(left_by(&earlier, &row).is_some());
    }
    let row = PostingExport {
        org_id: actor.org,
        id: work.id(),
        from_on: period.from_on,
        to_on: period.to_on,
        last_voucher_no: next - 1,
        entries,
        exported_before,
        created_at: work.at,
    };
    store::insert_export(&work.tx, row.clone()).await?;
    work.done(Deed { verb: "postings.exported", subject: "posting_export", id: row.id, fields: "" }).await?;
    Ok(row)
}

/// Exports of postings, oldest first.
pub async fn exports(ctx: &Ctx, actor: &Actor) -> Result<Vec<PostingExport>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = store::list_exports(&tx).await?;
    tx.commit().await?;
    Ok(rows)
}

/// The first export that an entry left with.
fn left_by<'a>(earlier: &'a [PostingExport], row: &PostingRow) -> Option<&'a PostingExport> {
    earlier.iter().find(|e| (e.from_on..=e.to_on).contains(&row.booked_on) && row.voucher_no <= e.last_voucher_no)
}

/// The general-ledger number of an account: the organisation's choice, or the default (NS 4102).
pub fn gl_number(chosen: &[GlChoice], role: &str, code: &str) -> String {
    let chosen = chosen.iter().find(|m| m.role == role && m.code == code).map(|m| m.gl_number.clone());
    let account = Role::parse(role).map(|role| Account::with(role, code));
    chosen.or_else(|| account.map(|a| default_gl_number(&a).to_owned())).unwrap_or_default()
}

/// An export as CSV: two lines a transfer, debit and credit; what left before says on which day.
pub async fn export_csv(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<String, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let all = store::list_exports(&tx).await?;
    let at = all.iter().position(|e| e.id == id).ok_or_else(|| Error::not_found("export"))?;
    let (earlier, this) = (&all[..at], &all[at]);
    let rows = views::postings(&tx, this.from_on, this.to_on).await?;
    let mapped = organisation::list_gl(&tx).await?;
    tx.commit().await?;
    let number = |role: &str, code: &str| gl_number(&mapped, role, code);
    let mut out = String::from("voucher;date;account;role;vat_code;amount;kind;entry;exported_before\r\n");
    for row in rows.iter().filter(|r| r.voucher_no <= this.last_voucher_no) {
        let before = left_by(earlier, row).map(|e| e.created_at.date_naive().to_string()).unwrap_or_default();
        let mut line = |role: &str, code: &str, ore: i64| {
            let amount = Money::from_ore(ore).to_plain_string().replace('.', ",");
            let vat = if role == "revenue" { code } else { "" };
            let gl = number(role, code);
            let PostingRow { voucher_no, booked_on, kind, id, .. } = row;
            out.push_str(&format!("{voucher_no};{booked_on};{gl};{role};{vat};{amount};{kind};{id};{before}\r\n"));
        };
        line(&row.debit_role, &row.debit_code, row.amount_ore);
        line(&row.credit_role, &row.credit_code, -row.amount_ore);
    }
    Ok(out)
}
