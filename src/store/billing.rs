//! Invoice runs and billed periods.

use super::bulk;
use super::error::Error;
use super::tx::OrgTx;
use entity::{billed_period, invoice_run, invoice_run_skip};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
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
