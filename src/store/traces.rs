//! A look through whole tables for a text: how a simulation proves that nothing of somebody is left.

use super::error::Error;
use super::sql::all;
use super::tx::OrgTx;
use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult};
use uuid::Uuid;

#[derive(FromQueryResult)]
struct Row {
    words: Vec<u8>,
}

/// What stands in the rows of a table that hold one of the texts in one of the columns, each row as one text; a file in a row may
/// be no text.
pub async fn rows_with(tx: &OrgTx, table: &str, columns: &[&str], texts: &[&str]) -> Result<Vec<Vec<u8>>, Error> {
    let each = |make: &dyn Fn(&str) -> String, between: &str| {
        columns.iter().map(|c| make(c)).collect::<Vec<_>>().join(between)
    };
    let words = each(&|c| format!("COALESCE(CAST({c} AS TEXT), '')"), " || ' ' || ");
    let any = (1..=texts.len())
        .map(|n| each(&|c| format!("CAST({c} AS TEXT) LIKE ${n}"), " OR "))
        .collect::<Vec<_>>()
        .join(" OR ");
    let words = match tx.get_database_backend() {
        DbBackend::Postgres => format!("convert_to({words}, 'UTF8')"),
        _ => format!("CAST({words} AS BLOB)"),
    };
    let sql = format!("SELECT {words} AS words FROM {table} WHERE {any}");
    let found: Vec<Row> = all(tx, &sql, texts.iter().map(|text| format!("%{text}%").into()).collect()).await?;
    Ok(found.into_iter().map(|r| r.words).collect())
}

/// The last booking of a customer.
#[derive(FromQueryResult)]
pub struct LastBooked {
    /// The customer.
    pub customer_id: Uuid,
    /// The day.
    pub booked_on: NaiveDate,
}

/// The last booking of every customer; what is carried when years are deleted is none.
pub async fn last_booked(tx: &OrgTx) -> Result<Vec<LastBooked>, Error> {
    let sql = "SELECT customer_id, MAX(booked_on) AS booked_on FROM ledger_entry WHERE org_id = $1 \
               AND customer_id IS NOT NULL AND kind <> 'balance_carried' GROUP BY customer_id";
    all(tx, sql, vec![tx.org().into()]).await
}
