//! Who works for the installation: one register for all organisations, which every transaction may read.

use super::error::Error;
use super::tx::{OrgTx, SystemTx};
use entity::processor;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
};

pub use processor::Model as Processor;

/// Keeps the register to this transaction until its end: nobody else changes it, nor publishes a policy by it.
pub async fn lock(tx: &SystemTx) -> Result<(), Error> {
    take(tx, "SHARE ROW EXCLUSIVE").await
}

/// Keeps the register as it is until the end of the transaction.
pub async fn hold_still(tx: &OrgTx) -> Result<(), Error> {
    take(tx, "SHARE").await
}

/// On SQLite the one writer holds everything already.
async fn take(tx: &impl ConnectionTrait, mode: &str) -> Result<(), Error> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared(&format!("LOCK TABLE processor IN {mode} MODE")).await?;
    }
    Ok(())
}

/// Adds one.
pub async fn insert(tx: &SystemTx, row: Processor) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Writes all fields of one.
pub async fn update(tx: &SystemTx, mut row: Processor) -> Result<(), Error> {
    row.version += 1;
    row.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// Those who work for the installation by name; those who did, too, when asked for.
pub async fn list(tx: &impl ConnectionTrait, ended: bool) -> Result<Vec<Processor>, Error> {
    let mut rows = processor::Entity::find();
    if !ended {
        rows = rows.filter(processor::Column::EndedAt.is_null());
    }
    let rows = rows.order_by_asc(processor::Column::Name).order_by_asc(processor::Column::Id);
    Ok(rows.all(tx).await?)
}

/// Those at whom data is outside the EEA.
pub async fn list_outside_eea(tx: &impl ConnectionTrait) -> Result<Vec<Processor>, Error> {
    let mut rows = list(tx, false).await?;
    rows.retain(|r| !domain::privacy::is_in_eea(&r.country));
    Ok(rows)
}
