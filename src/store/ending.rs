//! The end of an organisation's agreement: when it is, and the deletion of all its rows.

use super::error::Error;
use super::sql::{all, run};
use super::tx::{OrgTx, SystemTx};
use chrono::{DateTime, NaiveDate, Utc};
use entity::organisation_ending;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, Statement};
use uuid::Uuid;

pub use organisation_ending::Model as Ending;

/// The end that is set, if any.
pub async fn find(tx: &OrgTx) -> Result<Option<Ending>, Error> {
    Ok(organisation_ending::Entity::find_by_id(tx.org()).one(tx).await?)
}

/// Sets the end.
pub async fn insert(tx: &OrgTx, row: Ending) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Calls the end off.
pub async fn delete(tx: &OrgTx) -> Result<(), Error> {
    organisation_ending::Entity::delete_by_id(tx.org()).exec(tx).await?;
    Ok(())
}

/// Brings the day of deletion forward to `day`.
pub async fn delete_from(tx: &OrgTx, day: NaiveDate) -> Result<(), Error> {
    let sql = "UPDATE organisation_ending SET deleted_on = $2 WHERE org_id = $1 AND deleted_on > $2";
    run(tx, sql, vec![tx.org().into(), day.into()]).await?;
    Ok(())
}

/// Marks the organisation as gone: it is served no more.
pub async fn mark_gone(tx: &OrgTx, at: DateTime<Utc>) -> Result<(), Error> {
    let sql = "UPDATE org_directory SET gone_at = $2 WHERE org_id = $1 AND gone_at IS NULL";
    run(tx, sql, vec![tx.org().into(), at.into()]).await?;
    Ok(())
}

/// Puts a deletion off to `day` where it would come before.
pub async fn put_off(tx: &OrgTx, day: NaiveDate) -> Result<(), Error> {
    let sql = "UPDATE organisation_ending SET deleted_on = $2 WHERE org_id = $1 AND deleted_on < $2";
    run(tx, sql, vec![tx.org().into(), day.into()]).await?;
    Ok(())
}

/// Forgets an organisation of which nothing is left but its certificate.
pub async fn forget(tx: &OrgTx) -> Result<(), Error> {
    for table in ["privacy_erasure", "job", "org_directory"] {
        run(tx, &format!("DELETE FROM {table} WHERE org_id = $1"), vec![tx.org().into()]).await?;
    }
    Ok(())
}

/// Sign-ins of people who acted for an organisation go on without it.
pub async fn leave_sessions(tx: &SystemTx, org: Uuid) -> Result<(), Error> {
    let sql = "UPDATE user_session SET chosen_org = NULL WHERE chosen_org = $1";
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [org.into()]);
    tx.execute_raw(statement).await?;
    Ok(())
}

/// How many rows of the organisation a table holds.
pub async fn count(tx: &OrgTx, table: &str) -> Result<i64, Error> {
    #[derive(FromQueryResult)]
    struct Count {
        n: i64,
    }
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM {table} WHERE org_id = $1");
    Ok(all::<Count>(tx, &sql, vec![tx.org().into()]).await?.first().map_or(0, |c| c.n))
}

/// Deletes some rows of the organisation from a table; how many. Certificates of the organisation itself stay.
pub async fn delete_rows(tx: &OrgTx, table: &str, limit: u64) -> Result<u64, Error> {
    let own = if tx.get_database_backend() == sea_orm::DbBackend::Postgres { "ctid" } else { "rowid" };
    let but = if table == "privacy_erasure" { "AND subject_kind <> 'organisation'" } else { "" };
    let sql =
        format!("DELETE FROM {table} WHERE {own} IN (SELECT {own} FROM {table} WHERE org_id = $1 {but} LIMIT {limit})");
    run(tx, &sql, vec![tx.org().into()]).await
}

/// Deliveries after an id with the message ids they were sent under, which files in folders are named after.
pub async fn deliveries(tx: &OrgTx, after: Uuid, limit: u64) -> Result<Vec<(Uuid, Option<Uuid>)>, Error> {
    #[derive(FromQueryResult)]
    struct Sent {
        id: Uuid,
        message_id: Option<Uuid>,
    }
    let sql = format!("SELECT id, message_id FROM delivery WHERE org_id = $1 AND id > $2 ORDER BY id LIMIT {limit}");
    let rows = all::<Sent>(tx, &sql, vec![tx.org().into(), after.into()]).await?;
    Ok(rows.into_iter().map(|r| (r.id, r.message_id)).collect())
}
