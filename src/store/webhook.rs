//! Webhooks: endpoints, how far each has been told, messages on their way; and events in the order they were kept.

use super::bulk;
use super::error::Error;
use super::tx::{OrgTx, SystemTx};
use chrono::{DateTime, Utc};
use entity::{webhook_cursor, webhook_endpoint, webhook_message};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, Statement, Value,
};
use uuid::Uuid;

pub use webhook_cursor::Model as Cursor;
pub use webhook_endpoint::Model as Endpoint;
pub use webhook_message::Model as Message;

/// Something that happened, with its place in the order events were kept in.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Happened {
    /// Its place; events of one transaction share it.
    pub position: i64,
    /// The event.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// What was done.
    pub verb: String,
    /// Kind of thing.
    pub subject_kind: String,
    /// The thing.
    pub subject_id: Option<Uuid>,
}

/// Events after a place, in the order they were kept, up to the oldest transaction that is still running: a reader that
/// goes on from the last one it got misses none.
pub async fn events(tx: &OrgTx, after: (i64, Uuid), limit: u64) -> Result<Vec<Happened>, Error> {
    let sql = if tx.get_database_backend() == DbBackend::Postgres {
        "SELECT position, id, at, verb, subject_kind, subject_id FROM audit_event WHERE org_id = $1 \
         AND (position, id) > ($2, $3) AND position < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint \
         ORDER BY position, id LIMIT $4"
    } else {
        // One writer: rows stand in the order they were kept.
        "SELECT rowid AS position, id, at, verb, subject_kind, subject_id FROM audit_event WHERE org_id = $1 \
         AND rowid > $2 AND $3 IS NOT NULL ORDER BY rowid LIMIT $4"
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values: [Value; 4] = [tx.org().into(), after.0.into(), after.1.into(), limit.into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(Happened::find_by_statement(statement).all(tx).await?)
}

/// Where a new endpoint begins: after the last event that none of the transactions still running can come before. What
/// they commit later is told, and with it perhaps what was committed beside them.
pub async fn end_of_events(tx: &OrgTx) -> Result<(i64, Uuid), Error> {
    #[derive(FromQueryResult)]
    struct Last {
        position: i64,
        id: Uuid,
    }
    let sql = if tx.get_database_backend() == DbBackend::Postgres {
        "SELECT position, id FROM audit_event WHERE org_id = $1 \
         AND position < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint ORDER BY position DESC, id DESC LIMIT 1"
    } else {
        "SELECT rowid AS position, id FROM audit_event WHERE org_id = $1 ORDER BY rowid DESC LIMIT 1"
    };
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into()]);
    Ok(Last::find_by_statement(statement).one(tx).await?.map_or((0, Uuid::nil()), |l| (l.position, l.id)))
}

/// Endpoints of the organisation.
pub async fn list(tx: &OrgTx) -> Result<Vec<Endpoint>, Error> {
    let rows = webhook_endpoint::Entity::find().filter(webhook_endpoint::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_asc(webhook_endpoint::Column::Id).all(tx).await?)
}

/// An endpoint.
pub async fn find(tx: &OrgTx, id: Uuid) -> Result<Option<Endpoint>, Error> {
    Ok(webhook_endpoint::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// Locks an endpoint.
pub async fn lock(tx: &OrgTx, id: Uuid) -> Result<Option<Endpoint>, Error> {
    Ok(tx.for_update(webhook_endpoint::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// Adds an endpoint that is told what happens from a place on.
pub async fn insert(tx: &OrgTx, row: Endpoint, from: (i64, Uuid)) -> Result<(), Error> {
    let cursor = Cursor { org_id: row.org_id, endpoint_id: row.id, position: from.0, event_id: from.1, active: true };
    row.into_active_model().insert(tx).await?;
    cursor.into_active_model().insert(tx).await?;
    Ok(())
}

/// Writes all fields of an endpoint and counts its version up.
pub async fn update(tx: &OrgTx, mut row: Endpoint) -> Result<Endpoint, Error> {
    row.version += 1;
    update_health(tx, row).await
}

/// Writes all fields of an endpoint, and whether it is told anything; its version stays, so that somebody who changes it
/// meanwhile is not sent back.
pub async fn update_health(tx: &OrgTx, row: Endpoint) -> Result<Endpoint, Error> {
    let active = row.state == "active";
    let id = row.id;
    let row = row.into_active_model().reset_all().update(tx).await?;
    let sql = "UPDATE webhook_cursor SET active = $3 WHERE org_id = $1 AND endpoint_id = $2";
    let values: [Value; 3] = [tx.org().into(), id.into(), active.into()];
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(row)
}

/// Removes an endpoint with all that was on its way.
pub async fn delete(tx: &OrgTx, id: Uuid) -> Result<(), Error> {
    webhook_message::Entity::delete_many()
        .filter(webhook_message::Column::OrgId.eq(tx.org()))
        .filter(webhook_message::Column::EndpointId.eq(id))
        .exec(tx)
        .await?;
    webhook_cursor::Entity::delete_by_id((tx.org(), id)).exec(tx).await?;
    webhook_endpoint::Entity::delete_by_id((tx.org(), id)).exec(tx).await?;
    Ok(())
}

/// Endpoints that may have something to be told, of all organisations.
pub async fn list_active(tx: &SystemTx) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let rows = webhook_cursor::Entity::find()
        .select_only()
        .column(webhook_cursor::Column::OrgId)
        .column(webhook_cursor::Column::EndpointId)
        .filter(webhook_cursor::Column::Active.eq(true));
    Ok(rows.into_tuple().all(tx).await?)
}

/// How far an endpoint has been told, locked.
pub async fn lock_cursor(tx: &OrgTx, endpoint: Uuid) -> Result<Option<Cursor>, Error> {
    Ok(tx.for_update(webhook_cursor::Entity::find_by_id((tx.org(), endpoint))).one(tx).await?)
}

/// Moves on, with the messages that are now on their way.
pub async fn advance(tx: &OrgTx, cursor: Cursor, messages: &[Message]) -> Result<(), Error> {
    bulk::insert::<webhook_message::Entity>(tx, messages).await?;
    cursor.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// A message a worker has taken.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Taken {
    /// The organisation.
    pub org_id: Uuid,
    /// The endpoint.
    pub endpoint_id: Uuid,
    /// The event.
    pub event_id: Uuid,
}

/// Takes due messages for one worker; sent twice is allowed, lost is not: a lease that runs out frees a message.
pub async fn claim(
    tx: &SystemTx,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Taken>, Error> {
    let skip = if tx.get_database_backend() == DbBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "WITH due AS (SELECT org_id, endpoint_id, event_id FROM webhook_message WHERE state = 'queued' \
         AND not_before_at <= $1 AND (lease_until_at IS NULL OR lease_until_at < $1) \
         ORDER BY not_before_at LIMIT $3 {skip}) \
         UPDATE webhook_message SET lease_until_at = $2, attempts = attempts + 1 \
         WHERE (org_id, endpoint_id, event_id) IN (SELECT org_id, endpoint_id, event_id FROM due) \
         RETURNING org_id, endpoint_id, event_id"
    );
    let values = [now.into(), lease_until.into(), limit.into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(Taken::find_by_statement(statement).all(tx).await?)
}

/// A message.
pub async fn find_message(tx: &OrgTx, endpoint: Uuid, event: Uuid) -> Result<Option<Message>, Error> {
    Ok(webhook_message::Entity::find_by_id((tx.org(), endpoint, event)).one(tx).await?)
}

/// Writes all fields of a message.
pub async fn update_message(tx: &OrgTx, row: Message) -> Result<(), Error> {
    row.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// Messages of an endpoint in a state, newest first.
pub async fn list_messages(tx: &OrgTx, endpoint: Uuid, state: Option<&str>, limit: u64) -> Result<Vec<Message>, Error> {
    list_messages_before(tx, endpoint, state, None, limit).await
}

/// Messages of an endpoint in a state that are older than one, newest first.
pub async fn list_messages_before(
    tx: &OrgTx,
    endpoint: Uuid,
    state: Option<&str>,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Message>, Error> {
    let mut rows = webhook_message::Entity::find()
        .filter(webhook_message::Column::OrgId.eq(tx.org()))
        .filter(webhook_message::Column::EndpointId.eq(endpoint));
    if let Some(state) = state {
        rows = rows.filter(webhook_message::Column::State.eq(state));
    }
    if let Some(before) = before {
        rows = rows.filter(webhook_message::Column::EventId.lt(before));
    }
    Ok(rows.order_by_desc(webhook_message::Column::EventId).limit(limit).all(tx).await?)
}

/// Puts messages that failed back on their way, and makes those that wait due now; how many.
pub async fn replay(tx: &OrgTx, endpoint: Uuid, now: DateTime<Utc>) -> Result<u64, Error> {
    let sql = "UPDATE webhook_message SET state = 'queued', attempts = 0, not_before_at = $3, done_at = NULL \
               WHERE org_id = $1 AND endpoint_id = $2 AND state IN ('failed', 'queued')";
    let values: [Value; 3] = [tx.org().into(), endpoint.into(), now.into()];
    let done = tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(done.rows_affected())
}

/// Forgets messages that were dealt with before a time.
pub async fn forget(tx: &OrgTx, before: DateTime<Utc>) -> Result<u64, Error> {
    let gone = webhook_message::Entity::delete_many()
        .filter(webhook_message::Column::OrgId.eq(tx.org()))
        .filter(webhook_message::Column::State.ne("queued"))
        .filter(webhook_message::Column::DoneAt.lt(before));
    Ok(gone.exec(tx).await?.rows_affected)
}
