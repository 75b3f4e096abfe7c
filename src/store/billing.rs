//! Invoice runs and billed periods.

use super::bulk;
use super::error::Error;
use super::tx::OrgTx;
use entity::{billed_period, invoice, invoice_run, invoice_run_skip};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    Statement,
};
use std::collections::HashSet;
use uuid::Uuid;

pub use billed_period::Model as BilledPeriod;
pub use invoice_run::Model as Run;
pub use invoice_run_skip::Model as Skip;

/// Adds a run.
pub async fn insert_run(tx: &OrgTx, run: Run) -> Result<(), Error> {
    run.into_active_model().insert(tx).await?;
    Ok(())
}

/// A run.
pub async fn find_run(tx: &OrgTx, id: Uuid) -> Result<Option<Run>, Error> {
    Ok(invoice_run::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// Locks a run, so that one worker at a time goes on with it.
pub async fn lock_run(tx: &OrgTx, id: Uuid) -> Result<Option<Run>, Error> {
    Ok(tx.for_update(invoice_run::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// Writes all fields of a run.
pub async fn update_run(tx: &OrgTx, mut run: Run) -> Result<Run, Error> {
    run.version += 1;
    Ok(run.into_active_model().reset_all().update(tx).await?)
}

/// Runs, newest first.
pub async fn list_runs(tx: &OrgTx, limit: u64) -> Result<Vec<Run>, Error> {
    let rows = invoice_run::Entity::find().filter(invoice_run::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_desc(invoice_run::Column::Id).limit(limit).all(tx).await?)
}

/// Runs that were started and not finished.
pub async fn list_unfinished(tx: &OrgTx) -> Result<Vec<Run>, Error> {
    let rows = invoice_run::Entity::find()
        .filter(invoice_run::Column::OrgId.eq(tx.org()))
        .filter(invoice_run::Column::Status.eq("running"));
    Ok(rows.order_by_asc(invoice_run::Column::Id).all(tx).await?)
}

/// Notes who was skipped and why.
pub async fn insert_skips(tx: &OrgTx, skips: &[Skip]) -> Result<(), Error> {
    bulk::upsert::<invoice_run_skip::Entity>(tx, skips).await
}

/// Marks periods as billed; one that is billed already is a conflict, whoever billed it.
pub async fn insert_periods(tx: &OrgTx, periods: &[BilledPeriod]) -> Result<(), Error> {
    bulk::insert::<billed_period::Entity>(tx, periods).await
}

/// Periods billed of standing orders, by order and number.
pub async fn list_billed(tx: &OrgTx, orders: &[Uuid]) -> Result<HashSet<(Uuid, i64)>, Error> {
    let column = billed_period::Column::StandingOrderId;
    let rows = bulk::by_ids::<billed_period::Entity>(tx, column, orders).await?;
    Ok(rows.into_iter().map(|p| (p.standing_order_id, p.period_no)).collect())
}

/// Takes the mark off the periods an invoice billed, and returns them: they may be billed again.
pub async fn free_periods(tx: &OrgTx, invoice_id: Uuid) -> Result<Vec<BilledPeriod>, Error> {
    let of_invoice = billed_period::Column::InvoiceId.eq(invoice_id);
    let in_org = billed_period::Column::OrgId.eq(tx.org());
    let rows = billed_period::Entity::find().filter(in_org.clone()).filter(of_invoice.clone()).all(tx).await?;
    billed_period::Entity::delete_many().filter(in_org).filter(of_invoice).exec(tx).await?;
    Ok(rows)
}

/// Invoices of a run that ask for money and that nothing was credited of, in order of their ids; of archived customers there
/// is nobody left to credit.
pub async fn list_uncredited(tx: &OrgTx, run: Uuid, limit: u64) -> Result<Vec<invoice::Model>, Error> {
    let sql = "SELECT i.* FROM invoice i WHERE i.org_id = $1 AND i.run_id = $2 AND i.kind = 'invoice' AND i.total_ore > 0 AND NOT EXISTS \
               (SELECT 1 FROM invoice c WHERE c.org_id = i.org_id AND c.credits_invoice_id = i.id) AND NOT EXISTS \
               (SELECT 1 FROM customer k WHERE k.org_id = i.org_id AND k.id = i.customer_id AND k.status = 'archived') \
               ORDER BY i.id LIMIT $3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values = [tx.org().into(), run.into(), limit.into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(invoice::Entity::find().from_raw_sql(statement).all(tx).await?)
}

/// Invoices of a run that ask for nothing.
pub async fn list_empty(tx: &OrgTx, run: Uuid) -> Result<Vec<invoice::Model>, Error> {
    let rows = invoice::Entity::find()
        .filter(invoice::Column::OrgId.eq(tx.org()))
        .filter(invoice::Column::RunId.eq(run))
        .filter(invoice::Column::Kind.eq("invoice"))
        .filter(invoice::Column::TotalOre.eq(0));
    Ok(rows.order_by_asc(invoice::Column::Id).all(tx).await?)
}

/// How many invoices of a run are credited in part, or cannot be since the customer is archived.
pub async fn count_partly_credited(tx: &OrgTx, run: Uuid) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) AS n FROM (SELECT i.id FROM invoice i JOIN invoice c ON c.org_id = i.org_id \
               AND c.credits_invoice_id = i.id WHERE i.org_id = $1 AND i.run_id = $2 \
               GROUP BY i.id, i.total_ore HAVING SUM(c.total_ore) < i.total_ore UNION ALL SELECT i.id FROM invoice i \
               JOIN customer k ON k.org_id = i.org_id AND k.id = i.customer_id AND k.status = 'archived' \
               WHERE i.org_id = $1 AND i.run_id = $2 AND i.kind = 'invoice' AND i.total_ore > 0 AND NOT EXISTS \
               (SELECT 1 FROM invoice c WHERE c.org_id = i.org_id AND c.credits_invoice_id = i.id)) p";
    let values = [tx.org().into(), run.into()];
    let row = tx.query_one_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(row.map(|r| r.try_get("", "n")).transpose()?.unwrap_or(0))
}
