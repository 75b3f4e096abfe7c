//! The job queue: names and ids, claimed by one worker at a time.

use super::error::Error;
use super::tx::{OrgTx, SystemTx};
use chrono::{DateTime, Utc};
use entity::job;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Statement,
};
use uuid::Uuid;

pub use job::Model as Job;

/// A job to be done. The same name and key are queued once.
pub async fn enqueue<C: ConnectionTrait>(tx: &C, row: Job) -> Result<bool, Error> {
    let sql = "INSERT INTO job (org_id, id, name, dedupe_key, subject_id, state, run_at, attempts, created_at) \
               VALUES ($1, $2, $3, $4, $5, 'queued', $6, 0, $7) ON CONFLICT (org_id, name, dedupe_key) DO NOTHING";
    let values = [
        row.org_id.into(),
        row.id.into(),
        row.name.into(),
        row.dedupe_key.into(),
        row.subject_id.into(),
        row.run_at.into(),
        row.created_at.into(),
    ];
    let done = tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(done.rows_affected() > 0)
}

/// A job a worker has taken.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Claimed {
    /// The organisation.
    pub org_id: Uuid,
    /// The job.
    pub id: Uuid,
    /// What is to be done.
    pub name: String,
    /// What it is about.
    pub subject_id: Option<Uuid>,
    /// Attempts so far, this one included.
    pub attempts: i64,
}

/// Takes the next due job; one whose worker died is taken again when its lease has run out.
pub async fn claim(tx: &SystemTx, now: DateTime<Utc>, lease_until: DateTime<Utc>) -> Result<Option<Claimed>, Error> {
    let skip = if tx.get_database_backend() == sea_orm::DbBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "WITH due AS (SELECT org_id, id FROM job WHERE (state = 'queued' AND run_at <= $1) \
         OR (state = 'running' AND lease_until < $1) ORDER BY run_at LIMIT 1 {skip}) \
         UPDATE job SET state = 'running', lease_until = $2, attempts = attempts + 1 \
         WHERE (org_id, id) IN (SELECT org_id, id FROM due) RETURNING org_id, id, name, subject_id, attempts"
    );
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [now.into(), lease_until.into()]);
    Ok(Claimed::find_by_statement(statement).one(tx).await?)
}

/// Where a job goes after it ran.
#[derive(Debug, Clone)]
pub enum After {
    /// Done.
    Done,
    /// Again at a time.
    Retry(DateTime<Utc>, String),
    /// A person must look.
    Parked(String),
}

/// Notes how a job ended.
pub async fn finish(tx: &SystemTx, job: &Claimed, now: DateTime<Utc>, after: After) -> Result<(), Error> {
    let (state, run_at, error, finished) = match after {
        After::Done => ("done", now, None, Some(now)),
        After::Retry(at, error) => ("queued", at, Some(error), None),
        After::Parked(error) => ("parked", now, Some(error), Some(now)),
    };
    let sql = "UPDATE job SET state = $1, run_at = $2, last_error = $3, finished_at = $4, lease_until = NULL \
               WHERE org_id = $5 AND id = $6";
    let values = [state.into(), run_at.into(), error.into(), finished.into(), job.org_id.into(), job.id.into()];
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(())
}

/// Jobs of an organisation, newest first.
pub async fn list(tx: &OrgTx, limit: u64) -> Result<Vec<Job>, Error> {
    let rows = job::Entity::find().filter(job::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_desc(job::Column::Id).limit(limit).all(tx).await?)
}

/// Forgets jobs that were done before a time.
pub async fn forget(tx: &OrgTx, before: DateTime<Utc>) -> Result<u64, Error> {
    let deleted = job::Entity::delete_many()
        .filter(job::Column::OrgId.eq(tx.org()))
        .filter(job::Column::State.eq("done"))
        .filter(job::Column::FinishedAt.lt(before))
        .exec(tx)
        .await?;
    Ok(deleted.rows_affected)
}
