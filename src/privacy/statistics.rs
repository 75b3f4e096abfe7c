//! Statistics: before the books of a financial year go, counts and sums by month are kept that stand for so many that they
//! tell of nobody (retention matrix row 29, principle 7). `domain::statistics` says what may be kept.

use super::archive::fiscal_start;
use super::policy::Version;
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::{Actor, Work};
use crate::store::organisation::{self, Counter};
use crate::store::statistics::{self as store, Row, Year};
use chrono::{Datelike, Months, NaiveDate};
use domain::privacy::{RuleId, financial_year_over_on};
use domain::statistics::{Kind, REST, keep};
use serde::Serialize;
use utoipa::ToSchema;

/// What is kept of a financial year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StatisticsYear {
    /// First day of the year.
    pub from_on: NaiveDate,
    /// Last day of the year.
    pub to_on: NaiveDate,
    /// Customers every number stands for at least.
    pub small_group: i64,
    /// Numbers by kind and month. There is no total of a year: with it a month that was left out could be found.
    pub parts: Vec<StatisticsPart>,
}

/// What one kind came to in a month, or in the rest of the year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StatisticsPart {
    /// invoice, credit_note or payment.
    pub kind: String,
    /// First day of the month; none for the rest: all months together that stand for too few by themselves.
    pub month_on: Option<NaiveDate>,
    /// How many.
    pub items: i64,
    /// Without VAT, in øre; 0 for payments.
    pub net_ore: i64,
    /// VAT, in øre; 0 for payments.
    pub vat_ore: i64,
    /// In all, in øre.
    pub total_ore: i64,
    /// How many customers it stands for.
    pub customers: i64,
}

/// Reckons every financial year that is over before a day and was not reckoned, where the policy keeps statistics. It runs in
/// the transaction that deletes the first of the year: both are kept or neither, and a year that was begun is never
/// reckoned again from what is left of it.
pub(super) async fn keep_before(work: &Work<'_>, version: &Version, before: NaiveDate) -> Result<(), Error> {
    let reckoned = |until: Option<NaiveDate>| until.is_some_and(|until| until >= before);
    if version.policy.rule(RuleId::Statistics).is_none() || reckoned(store::reckoned_until(&work.tx).await?) {
        return Ok(());
    }
    // Two nodes reckon one after the other.
    organisation::take_numbers(&work.tx, Counter::Voucher, 0).await?;
    let until = store::reckoned_until(&work.tx).await?;
    let Some(first) = store::begins_on(&work.tx).await?.filter(|_| !reckoned(until)) else { return Ok(()) };
    let start = fiscal_start(&work.tx).await?;
    let year_of_first = financial_year_over_on(first, start).checked_sub_months(Months::new(12)).unwrap_or(first);
    // Days that were counted are not counted again, should the financial year have been moved meanwhile.
    let mut from = until.map_or(year_of_first, |until| until.max(year_of_first));
    while from < before {
        let over = financial_year_over_on(from, start).min(before);
        keep_year(work, version.policy.small_group, from, over).await?;
        from = over;
    }
    Ok(())
}

async fn keep_year(work: &Work<'_>, smallest: u32, from: NaiveDate, until: NaiveDate) -> Result<(), Error> {
    let org_id = work.tx.org();
    let year = Year { org_id, from_on: from, until_on: until, small_group: smallest.into(), reckoned_at: work.at };
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        let months = store::months(&work.tx, kind, from, until, smallest).await?;
        rows.extend(keep(months, smallest).into_iter().map(|part| Row {
            org_id,
            year_from_on: from,
            kind: kind.as_str().to_owned(),
            month_no: part.month.into(),
            items: part.sums.items,
            net_ore: part.sums.net_ore,
            vat_ore: part.sums.vat_ore,
            total_ore: part.sums.total_ore,
            customers: i64::try_from(part.customers).unwrap_or(i64::MAX),
        }));
    }
    Ok(store::keep(&work.tx, year, &rows).await?)
}

/// What is kept of the years that are over, the newest first.
pub async fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<StatisticsYear>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let (years, rows) = (store::list_years(&tx).await?, store::list(&tx).await?);
    tx.commit().await?;
    Ok(years.into_iter().map(|year| shown(&year, &rows)).collect())
}

fn shown(year: &Year, rows: &[Row]) -> StatisticsYear {
    let of_year = |kind: Kind| {
        let mut parts: Vec<StatisticsPart> = rows
            .iter()
            .filter(|r| r.year_from_on == year.from_on && r.kind == kind.as_str())
            .map(|row| part(year, row))
            .collect();
        // The rest last.
        parts.sort_by_key(|p| (p.month_on.is_none(), p.month_on));
        parts
    };
    StatisticsYear {
        from_on: year.from_on,
        to_on: year.until_on.pred_opt().unwrap_or(year.until_on),
        small_group: year.small_group,
        parts: Kind::ALL.into_iter().flat_map(of_year).collect(),
    }
}

fn part(year: &Year, row: &Row) -> StatisticsPart {
    let month = u32::try_from(row.month_no).unwrap_or(REST);
    let of = if month < year.from_on.month() { year.from_on.year() + 1 } else { year.from_on.year() };
    StatisticsPart {
        kind: row.kind.clone(),
        month_on: NaiveDate::from_ymd_opt(of, month, 1),
        items: row.items,
        net_ore: row.net_ore,
        vat_ore: row.vat_ore,
        total_ore: row.total_ore,
        customers: row.customers,
    }
}
