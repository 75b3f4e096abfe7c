//! Counters the world has seen, and how a restore puts them right.

use super::error::Error;
use super::sql::{all, run};
use super::tx::OrgTx;
use chrono::{DateTime, Utc};
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How far the counters of an organisation are: each the next number to be given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// By number series.
    pub series: BTreeMap<String, i64>,
    /// Serials of KIDs by bank account.
    pub kids: BTreeMap<Uuid, i64>,
    /// Customer part of KIDs.
    pub customers: i64,
}

impl Counters {
    /// Takes the higher of each.
    pub fn raise(&mut self, other: &Self) {
        for (code, next) in &other.series {
            let mine = self.series.entry(code.clone()).or_default();
            *mine = (*mine).max(*next);
        }
        for (account, next) in &other.kids {
            let mine = self.kids.entry(*account).or_default();
            *mine = (*mine).max(*next);
        }
        self.customers = self.customers.max(other.customers);
    }
}

/// The counters as they are.
pub async fn counters(tx: &OrgTx) -> Result<Counters, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        kind: String,
        code: Option<String>,
        account: Option<Uuid>,
        next: i64,
    }
    let sql = "SELECT 'series' AS kind, code, CAST(NULL AS UUID) AS account, next_number AS next FROM number_series \
               WHERE org_id = $1 UNION ALL SELECT 'kid', NULL, id, next_kid_serial FROM bank_account WHERE org_id = $1 \
               UNION ALL SELECT 'customer', NULL, NULL, next_kid_customer_no FROM org_directory WHERE org_id = $1";
    let mut counters = Counters::default();
    for row in all::<Row>(tx, sql, vec![tx.org().into()]).await? {
        match (row.kind.as_str(), row.code, row.account) {
            ("series", Some(code), _) => {
                counters.series.insert(code, row.next);
            }
            ("kid", _, Some(account)) => {
                counters.kids.insert(account, row.next);
            }
            _ => counters.customers = row.next,
        }
    }
    Ok(counters)
}

/// Numbers that were given out after the backup and are lost: never given again, and told in the continuity report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Name of the series.
    pub series: String,
    /// First lost number.
    pub first_no: i64,
    /// Last lost number.
    pub last_no: i64,
}

/// Raises counters to what the world has seen; the numbers in between are noted as lost.
pub async fn raise(tx: &OrgTx, seen: &Counters, reason: &str, at: DateTime<Utc>) -> Result<Vec<Gap>, Error> {
    #[derive(FromQueryResult)]
    struct Series {
        id: Uuid,
        code: String,
        next_number: i64,
    }
    let mut gaps = Vec::new();
    let sql = "SELECT id, code, next_number FROM number_series WHERE org_id = $1";
    for series in all::<Series>(tx, sql, vec![tx.org().into()]).await? {
        let Some(next) = seen.series.get(&series.code).copied().filter(|n| *n > series.next_number) else { continue };
        let gap = Gap { series: series.code, first_no: series.next_number, last_no: next - 1 };
        let sql = "INSERT INTO number_gap (org_id, series_id, first_no, last_no, reason, noted_at) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let values =
            vec![tx.org().into(), series.id.into(), gap.first_no.into(), gap.last_no.into(), reason.into(), at.into()];
        run(tx, sql, values).await?;
        let sql = "UPDATE number_series SET next_number = $3 WHERE org_id = $1 AND id = $2";
        run(tx, sql, vec![tx.org().into(), series.id.into(), next.into()]).await?;
        gaps.push(gap);
    }
    for (account, next) in &seen.kids {
        let sql = "UPDATE bank_account SET next_kid_serial = $3 WHERE org_id = $1 AND id = $2 AND next_kid_serial < $3";
        run(tx, sql, vec![tx.org().into(), (*account).into(), (*next).into()]).await?;
    }
    let sql = "UPDATE org_directory SET next_kid_customer_no = $2 WHERE org_id = $1 AND next_kid_customer_no < $2";
    run(tx, sql, vec![tx.org().into(), seen.customers.into()]).await?;
    Ok(gaps)
}
