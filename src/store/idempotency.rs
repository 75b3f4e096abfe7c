//! Keys of requests that were done, kept in the work's own transaction (I13, decision 13).

use super::error::Error;
use super::tx::OrgTx;
use chrono::{DateTime, Utc};
use entity::idempotency_key as row;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, Statement};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// What was done under a key.
pub type Done = row::Model;

/// Keys that requests of this process hold: a second request is told at once, not after the one writer of SQLite.
#[derive(Clone, Default)]
pub struct Held(Arc<Mutex<HashSet<Vec<u8>>>>);

/// A key held until dropped.
pub struct Hold {
    held: Held,
    key_hash: Vec<u8>,
}

impl Held {
    /// Holds a key; none when another request of this process does.
    pub fn hold(&self, key_hash: &[u8]) -> Option<Hold> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(key_hash.to_vec()).then(|| Hold { held: self.clone(), key_hash: key_hash.to_vec() })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.held.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key_hash);
    }
}

/// Takes the key for this transaction; `false` when another transaction holds it.
pub async fn try_lock(tx: &OrgTx, key_hash: &[u8]) -> Result<bool, Error> {
    if tx.get_database_backend() != sea_orm::DbBackend::Postgres {
        // The one writer holds it already.
        return Ok(true);
    }
    let number = key_hash.first_chunk::<8>().map_or(0, |b| i64::from_be_bytes(*b));
    let sql = "SELECT pg_try_advisory_xact_lock($1) AS got";
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [number.into()]);
    match tx.query_one_raw(statement).await? {
        Some(found) => Ok(found.try_get("", "got")?),
        None => Ok(false),
    }
}

/// What was done under the key, if anything.
pub async fn find(tx: &OrgTx, key_hash: &[u8]) -> Result<Option<Done>, Error> {
    Ok(row::Entity::find_by_id((tx.org(), key_hash.to_vec())).one(tx).await?)
}

/// Keeps what was done.
pub async fn keep(tx: &OrgTx, done: Done) -> Result<(), Error> {
    done.into_active_model().insert(tx).await?;
    Ok(())
}

/// Forgets keys older than `before`.
pub async fn forget(tx: &OrgTx, before: DateTime<Utc>) -> Result<u64, Error> {
    let deleted = row::Entity::delete_many()
        .filter(row::Column::OrgId.eq(tx.org()))
        .filter(row::Column::CreatedAt.lt(before))
        .exec(tx)
        .await?;
    Ok(deleted.rows_affected)
}
