//! Erasures, marks of erased numbers, and files that are to be removed after the commit.

use super::error::Error;
use super::sql::run;
use super::tx::OrgTx;
use chrono::{DateTime, Utc};
use entity::privacy_erasure;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, Statement, Value,
};
use std::collections::HashSet;
use uuid::Uuid;

pub use privacy_erasure::Model as Erasure;

/// Adds a case.
pub async fn insert(tx: &OrgTx, row: Erasure) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Writes all fields of a case.
pub async fn update(tx: &OrgTx, row: Erasure) -> Result<(), Error> {
    row.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// A case.
pub async fn find(tx: &OrgTx, id: Uuid) -> Result<Option<Erasure>, Error> {
    Ok(privacy_erasure::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// A case, locked.
pub async fn lock(tx: &OrgTx, id: Uuid) -> Result<Option<Erasure>, Error> {
    Ok(tx.for_update(privacy_erasure::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// The case of somebody that has not ended.
pub async fn waiting_for(tx: &OrgTx, subject: Uuid) -> Result<Option<Erasure>, Error> {
    let rows = privacy_erasure::Entity::find()
        .filter(privacy_erasure::Column::OrgId.eq(tx.org()))
        .filter(privacy_erasure::Column::State.eq("waiting"))
        .filter(privacy_erasure::Column::SubjectId.eq(subject));
    Ok(rows.one(tx).await?)
}

/// Cases, the newest first; those that wait alone when asked for.
pub async fn list(tx: &OrgTx, waiting: bool, limit: u64) -> Result<Vec<Erasure>, Error> {
    let mut rows = privacy_erasure::Entity::find().filter(privacy_erasure::Column::OrgId.eq(tx.org()));
    if waiting {
        rows = rows.filter(privacy_erasure::Column::State.eq("waiting"));
    }
    Ok(rows.order_by_desc(privacy_erasure::Column::Id).limit(limit).all(tx).await?)
}

/// Cases whose remains have not been overwritten.
pub async fn not_overwritten(tx: &OrgTx) -> Result<Vec<Erasure>, Error> {
    let rows = privacy_erasure::Entity::find()
        .filter(privacy_erasure::Column::OrgId.eq(tx.org()))
        .filter(privacy_erasure::Column::DoneAt.is_not_null())
        .filter(privacy_erasure::Column::OverwrittenAt.is_null());
    Ok(rows.order_by_asc(privacy_erasure::Column::Id).all(tx).await?)
}

/// Remembers that a number was erased, by its keyed hash (decision 36).
pub async fn mark_number(tx: &OrgTx, hash: Vec<u8>, at: DateTime<Utc>) -> Result<(), Error> {
    let sql = "INSERT INTO erased_number (org_id, number_hash, erased_at) VALUES ($1, $2, $3) \
               ON CONFLICT (org_id, number_hash) DO UPDATE SET erased_at = excluded.erased_at, readmitted_at = NULL, \
               readmitted_reason = NULL";
    run(tx, sql, vec![tx.org().into(), hash.into(), at.into()]).await?;
    Ok(())
}

/// Lets a number mean somebody again; `false` when it was not erased.
pub async fn readmit_number(tx: &OrgTx, hash: Vec<u8>, reason: &str, at: DateTime<Utc>) -> Result<bool, Error> {
    let sql = "UPDATE erased_number SET readmitted_at = $3, readmitted_reason = $4 WHERE org_id = $1 \
               AND number_hash = $2 AND readmitted_at IS NULL";
    Ok(run(tx, sql, vec![tx.org().into(), hash.into(), at.into(), reason.into()]).await? > 0)
}

/// The marks of every erased number.
pub async fn marked_numbers(tx: &OrgTx) -> Result<HashSet<Vec<u8>>, Error> {
    #[derive(FromQueryResult)]
    struct Mark {
        number_hash: Vec<u8>,
    }
    let sql = "SELECT number_hash FROM erased_number WHERE org_id = $1 AND readmitted_at IS NULL";
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into()]);
    Ok(Mark::find_by_statement(statement).all(tx).await?.into_iter().map(|m| m.number_hash).collect())
}

/// Files a statement names.
const SOME: usize = 200;

/// A file to be removed once the transaction is through.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Removal {
    /// `files`, `spool` or `ehf`.
    pub place: String,
    /// Hash of its content, or its name.
    pub name: String,
}

/// Notes a file for removal after the commit.
pub async fn note_removal(tx: &OrgTx, place: &str, name: &str, at: DateTime<Utc>) -> Result<(), Error> {
    let sql = "INSERT INTO file_removal (org_id, place, name, since_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    run(tx, sql, vec![tx.org().into(), place.into(), name.into(), at.into()]).await?;
    Ok(())
}

/// Notes many.
pub async fn note_removals(tx: &OrgTx, files: &[Removal], at: DateTime<Utc>) -> Result<(), Error> {
    for some in files.chunks(SOME) {
        let rows = (0..some.len()).map(|i| format!("($1, ${}, ${}, $2)", 2 * i + 3, 2 * i + 4));
        let rows = rows.collect::<Vec<_>>().join(", ");
        let sql =
            format!("INSERT INTO file_removal (org_id, place, name, since_at) VALUES {rows} ON CONFLICT DO NOTHING");
        run(tx, &sql, [vec![tx.org().into(), at.into()], named(some)].concat()).await?;
    }
    Ok(())
}

/// Places and names as values.
fn named(files: &[Removal]) -> Vec<Value> {
    files.iter().flat_map(|f| [f.place.as_str().into(), f.name.as_str().into()]).collect()
}

/// Files that are to be removed.
pub async fn list_removals(tx: &OrgTx, limit: u64) -> Result<Vec<Removal>, Error> {
    let sql = format!("SELECT place, name FROM file_removal WHERE org_id = $1 ORDER BY place, name LIMIT {limit}");
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into()]);
    Ok(Removal::find_by_statement(statement).all(tx).await?)
}

/// Forgets files that are gone.
pub async fn removed(tx: &OrgTx, files: &[Removal]) -> Result<(), Error> {
    for some in files.chunks(SOME) {
        let which = (0..some.len()).map(|i| format!("(${}, ${})", 2 * i + 2, 2 * i + 3));
        let which = which.collect::<Vec<_>>().join(", ");
        let sql = format!("DELETE FROM file_removal WHERE org_id = $1 AND (place, name) IN (VALUES {which})");
        run(tx, &sql, [vec![tx.org().into()], named(some)].concat()).await?;
    }
    Ok(())
}

/// Whether somebody who was erased is here with more than law keeps: a customer with a name or details, a contact person, a
/// member. A case that waits for money that is owed is not wound up yet.
pub async fn is_back(tx: &OrgTx, subject: Uuid) -> Result<bool, Error> {
    if waiting_for(tx, subject).await?.is_some() {
        return Ok(false);
    }
    for (table, column) in [
        ("customer_core", "customer_id"),
        ("customer_detail", "customer_id"),
        ("customer_contact", "customer_id"),
        ("customer_contact", "id"),
        ("membership", "user_id"),
        ("organisation", "org_id"),
    ] {
        let sql = format!("SELECT org_id FROM {table} WHERE org_id = $1 AND {column} = $2");
        let statement =
            Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into(), subject.into()]);
        if tx.query_one_raw(statement).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
