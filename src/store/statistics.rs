//! Statistics of financial years that are over: what the books of a year come to by month, and what was kept of it.

use super::bulk;
use super::error::Error;
use super::sql::{Id, all};
use super::tx::OrgTx;
use chrono::{Datelike, NaiveDate};
use domain::statistics::{Crowd, Kind, Month, Sums};
use entity::{statistic, statistic_year};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter, QueryOrder};

/// A number that is kept.
pub type Row = statistic::Model;
/// A financial year that was reckoned.
pub type Year = statistic_year::Model;

/// Table, the day a row counts on, its sums, and which rows of it are of a kind. A payment that names nobody is left out: whom
/// it stands for is not known.
const fn source(kind: Kind) -> (&'static str, &'static str, [&'static str; 3], &'static str) {
    const OF_INVOICE: [&str; 3] = ["t.net_ore", "t.vat_ore", "t.total_ore"];
    match kind {
        Kind::Invoice => ("invoice t", "t.issued_on", OF_INVOICE, "t.kind = 'invoice'"),
        Kind::CreditNote => ("invoice t", "t.issued_on", OF_INVOICE, "t.kind = 'credit_note'"),
        // Money that came in and stayed; what a credit note left over is no payment.
        Kind::Payment => (
            "payment t",
            "t.booked_on",
            ["0", "0", "t.amount_ore"],
            "t.state NOT IN ('reversed', 'refunded') AND t.reason <> 'credit_note' AND t.customer_id IS NOT NULL",
        ),
    }
}

/// The first day the years that were reckoned leave open; none before the first of them.
pub async fn reckoned_until(tx: &OrgTx) -> Result<Option<NaiveDate>, Error> {
    let years = statistic_year::Entity::find().filter(statistic_year::Column::OrgId.eq(tx.org()));
    let last = years.order_by_desc(statistic_year::Column::UntilOn).one(tx).await?;
    Ok(last.map(|y| y.until_on))
}

/// The first day something was invoiced or paid.
pub async fn begins_on(tx: &OrgTx) -> Result<Option<NaiveDate>, Error> {
    #[derive(FromQueryResult)]
    struct First {
        day: Option<NaiveDate>,
    }
    let sql = "SELECT MIN(day) AS day FROM (SELECT MIN(issued_on) AS day FROM invoice WHERE org_id = $1 \
               UNION ALL SELECT MIN(booked_on) AS day FROM payment WHERE org_id = $1) AS d";
    Ok(all::<First>(tx, sql, vec![tx.org().into()]).await?.into_iter().find_map(|f| f.day))
}

/// What a kind came to in each month from a day until another, with the customers of those that stand for fewer than
/// `smallest`.
pub async fn months(
    tx: &OrgTx,
    kind: Kind,
    from: NaiveDate,
    until: NaiveDate,
    smallest: u32,
) -> Result<Vec<Month>, Error> {
    #[derive(FromQueryResult)]
    struct Found {
        first_on: NaiveDate,
        items: i64,
        net_ore: i64,
        vat_ore: i64,
        total_ore: i64,
        customers: i64,
    }
    let (table, day, [net, vat, total], only) = source(kind);
    let within = format!("FROM {table} WHERE t.org_id = $1 AND {day} >= $2 AND {day} < $3 AND {only}");
    // Days are written the same on both databases.
    let month = format!("substr(CAST({day} AS TEXT), 1, 7)");
    let sum = |of: &str| format!("CAST(COALESCE(SUM({of}), 0) AS BIGINT)");
    let sql = format!(
        "SELECT MIN({day}) AS first_on, CAST(COUNT(*) AS BIGINT) AS items, {} AS net_ore, {} AS vat_ore, {} AS total_ore, \
         CAST(COUNT(DISTINCT t.customer_id) AS BIGINT) AS customers {within} GROUP BY {month} ORDER BY {month}",
        sum(net),
        sum(vat),
        sum(total)
    );
    let mut months = Vec::new();
    for found in all::<Found>(tx, &sql, vec![tx.org().into(), from.into(), until.into()]).await? {
        let customers = u64::try_from(found.customers).unwrap_or_default();
        let crowd = if customers >= u64::from(smallest) {
            Crowd::Many(customers)
        } else {
            let first = found.first_on.with_day(1).unwrap_or(found.first_on);
            let after = first.checked_add_months(chrono::Months::new(1)).unwrap_or(until);
            let sql = format!("SELECT DISTINCT t.customer_id AS id {within}");
            let values = vec![tx.org().into(), first.max(from).into(), after.min(until).into()];
            Crowd::Few(all::<Id>(tx, &sql, values).await?.into_iter().map(|r| r.id).collect())
        };
        let Found { items, net_ore, vat_ore, total_ore, .. } = found;
        months.push(Month { month: found.first_on.month(), sums: Sums { items, net_ore, vat_ore, total_ore }, crowd });
    }
    Ok(months)
}

/// Keeps what was reckoned of a year.
pub async fn keep(tx: &OrgTx, year: Year, rows: &[Row]) -> Result<(), Error> {
    year.into_active_model().insert(tx).await?;
    bulk::insert::<statistic::Entity>(tx, rows).await
}

/// Years that were reckoned, the newest first.
pub async fn list_years(tx: &OrgTx) -> Result<Vec<Year>, Error> {
    let years = statistic_year::Entity::find().filter(statistic_year::Column::OrgId.eq(tx.org()));
    Ok(years.order_by_desc(statistic_year::Column::FromOn).all(tx).await?)
}

/// Everything that is kept.
pub async fn list(tx: &OrgTx) -> Result<Vec<Row>, Error> {
    let rows = statistic::Entity::find().filter(statistic::Column::OrgId.eq(tx.org()));
    Ok(rows.all(tx).await?)
}
