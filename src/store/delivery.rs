//! Deliveries: a queue every node shares, and the attempts made.

use super::bulk;
use super::error::Error;
use super::tx::{OrgTx, SystemTx};
use chrono::{DateTime, Utc};
use entity::{delivery, delivery_address, delivery_attempt, delivery_event};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter,
    QueryOrder, Statement,
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

pub use delivery::Model as Delivery;
pub use delivery_address::Model as Address;
pub use delivery_attempt::Model as Attempt;
pub use delivery_event::Model as Event;

/// Adds deliveries and where they go.
pub async fn insert(tx: &OrgTx, rows: &[Delivery], addresses: &[Address]) -> Result<(), Error> {
    bulk::insert::<delivery::Entity>(tx, rows).await?;
    bulk::insert::<delivery_address::Entity>(tx, addresses).await
}

/// A delivery a worker has taken.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Claimed {
    /// The organisation.
    pub org_id: Uuid,
    /// The delivery.
    pub id: Uuid,
    /// Names this claim: a worker whose lease ran out finds another's here.
    pub lease_token: Option<Uuid>,
}

/// Who takes deliveries, and until when.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The channel the worker serves.
    pub channel: &'a str,
    /// Now.
    pub now: DateTime<Utc>,
    /// End of the lease.
    pub lease_until: DateTime<Utc>,
    /// Names the claim.
    pub token: Uuid,
    /// How many at most.
    pub limit: u64,
}

/// Takes due deliveries for one worker; no other worker gets them while the lease runs.
pub async fn claim(tx: &SystemTx, claim: &Claim<'_>) -> Result<Vec<Claimed>, Error> {
    let due = "state IN ('queued','retrying') AND channel = $5 AND not_before_at <= $1";
    take(tx, claim, due, "state = 'sending', ").await
}

/// Takes deliveries whose receipt is due, that have to be asked about, or that are to be taken back.
pub async fn claim_checks(tx: &SystemTx, claim: &Claim<'_>) -> Result<Vec<Claimed>, Error> {
    // The first condition is that of the index; what is to be taken back and has not left is not asked about.
    let due = "((state IN ('awaiting_receipt','unknown') AND NOT needs_person) OR take_back) AND channel = $5 \
               AND not_before_at <= $1 AND (lease_until_at IS NULL OR lease_until_at < $1) \
               AND state IN ('awaiting_receipt','unknown','delivered')";
    take(tx, claim, due, "").await
}

async fn take(tx: &SystemTx, claim: &Claim<'_>, due: &str, set: &str) -> Result<Vec<Claimed>, Error> {
    let postgres = tx.get_database_backend() == sea_orm::DbBackend::Postgres;
    let skip = if postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "WITH due AS (SELECT org_id, id FROM delivery WHERE {due} ORDER BY not_before_at, org_id LIMIT $4 {skip}) \
         UPDATE delivery SET {set}lease_until_at = $2, lease_token = $3, version = version + 1, updated_at = $1 \
         WHERE (org_id, id) IN (SELECT org_id, id FROM due) RETURNING org_id, id, lease_token"
    );
    let limit = i64::try_from(claim.limit).unwrap_or(i64::MAX);
    let values = [claim.now.into(), claim.lease_until.into(), claim.token.into(), limit.into(), claim.channel.into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(Claimed::find_by_statement(statement).all(tx).await?)
}

/// Gives back what dead workers held and nothing had left of; what may have left is returned.
pub async fn expire_leases(tx: &SystemTx, now: DateTime<Utc>) -> Result<Vec<Claimed>, Error> {
    let statement = |sql: &str| Statement::from_sql_and_values(tx.get_database_backend(), sql, [now.into()]);
    // Two nodes at once do not wait for each other's rows.
    let skip = if tx.get_database_backend() == sea_orm::DbBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    let again = format!(
        "UPDATE delivery SET state = 'retrying', lease_until_at = NULL, lease_token = NULL, not_before_at = $1, \
         version = version + 1, updated_at = $1 WHERE (org_id, id) IN (SELECT org_id, id FROM delivery \
         WHERE state = 'sending' AND lease_until_at < $1 {skip})"
    );
    tx.execute_raw(statement(&again)).await?;
    let lost = "SELECT org_id, id, lease_token FROM delivery WHERE state = 'handing_over' AND lease_until_at < $1";
    Ok(Claimed::find_by_statement(statement(lost)).all(tx).await?)
}

/// Finds a delivery by what a provider calls it, or by its id, whatever organisation it belongs to.
pub async fn find_anywhere(tx: &SystemTx, provider_ref: &str, id: Option<Uuid>) -> Result<Option<Claimed>, Error> {
    let sql = "SELECT org_id, id, lease_token FROM delivery WHERE provider_ref = $1 OR id = $2 LIMIT 1";
    let values = [provider_ref.into(), id.unwrap_or_default().into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(Claimed::find_by_statement(statement).one(tx).await?)
}

/// Notes something that happened to a delivery.
pub async fn note(tx: &OrgTx, rows: &[Event]) -> Result<(), Error> {
    bulk::insert::<delivery_event::Entity>(tx, rows).await
}

/// What happened to a delivery, in order.
pub async fn list_events(tx: &OrgTx, delivery_id: Uuid) -> Result<Vec<Event>, Error> {
    let rows = delivery_event::Entity::find()
        .filter(delivery_event::Column::OrgId.eq(tx.org()))
        .filter(delivery_event::Column::DeliveryId.eq(delivery_id));
    Ok(rows.order_by_asc(delivery_event::Column::Id).all(tx).await?)
}

/// A delivery.
pub async fn find(tx: &OrgTx, id: Uuid) -> Result<Option<Delivery>, Error> {
    Ok(delivery::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// Deliveries of these ids, in no order.
pub async fn load(tx: &OrgTx, ids: &[Uuid]) -> Result<Vec<Delivery>, Error> {
    bulk::by_ids::<delivery::Entity>(tx, delivery::Column::Id, ids).await
}

/// Locks a delivery.
pub async fn lock(tx: &OrgTx, id: Uuid) -> Result<Option<Delivery>, Error> {
    Ok(tx.for_update(delivery::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// Writes all fields of a delivery and counts its version up.
pub async fn update(tx: &OrgTx, mut row: Delivery) -> Result<Delivery, Error> {
    row.version += 1;
    Ok(row.into_active_model().reset_all().update(tx).await?)
}

/// An attempt about to be made.
pub struct Begin<'a> {
    /// The delivery.
    pub id: Uuid,
    /// The claim it is made under.
    pub lease_token: Option<Uuid>,
    /// The customer as it was read.
    pub customer_version: i64,
    /// An address that mail must not be held back from.
    pub address_hash: Option<&'a [u8]>,
    /// `sending` or `handing_over`.
    pub state: &'a str,
    /// The attempt.
    pub attempt: &'a Attempt,
    /// Why this channel.
    pub channel_reason: Option<&'a str>,
    /// End of the lease.
    pub lease_until: DateTime<Utc>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Begins an attempt in one statement; `false` when the claim is lost, the document is to be taken back, the customer has
/// changed since it was read, or mail to the address is held back.
pub async fn begin(tx: &OrgTx, begin: &Begin<'_>) -> Result<bool, Error> {
    let sql = "UPDATE delivery SET state = $1, \
               handed_over_at = CASE WHEN $1 = 'handing_over' THEN $2 ELSE handed_over_at END, attempts = $3, \
               tried_since_at = COALESCE(tried_since_at, $4), message_id = COALESCE(message_id, id), \
               channel_reason = $5, lease_until_at = $6, updated_at = $2, version = version + 1 \
               WHERE org_id = $7 AND id = $8 AND lease_token = $9 AND NOT take_back AND EXISTS \
               (SELECT 1 FROM customer c WHERE c.org_id = $7 AND c.id = delivery.customer_id AND c.version = $10) \
               AND NOT EXISTS (SELECT 1 FROM mail_suppression s WHERE s.org_id = $7 AND s.address_hash = $11)";
    let values = [
        begin.state.into(),
        begin.now.into(),
        begin.attempt.attempt_no.into(),
        begin.attempt.started_at.into(),
        begin.channel_reason.map(str::to_owned).into(),
        begin.lease_until.into(),
        tx.org().into(),
        begin.id.into(),
        begin.lease_token.into(),
        begin.customer_version.into(),
        begin.address_hash.map(<[u8]>::to_vec).into(),
    ];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(tx.execute_raw(statement).await?.rows_affected() == 1)
}

/// Where deliveries go.
pub async fn addresses(tx: &OrgTx, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, Error> {
    let rows = bulk::by_ids::<delivery_address::Entity>(tx, delivery_address::Column::DeliveryId, ids).await?;
    Ok(rows.into_iter().map(|r| (r.delivery_id, r.address)).collect())
}

/// Sets where a delivery goes.
pub async fn set_address(tx: &OrgTx, delivery_id: Uuid, address: &str) -> Result<(), Error> {
    let row = Address { org_id: tx.org(), delivery_id, address: address.to_owned() };
    bulk::upsert::<delivery_address::Entity>(tx, &[row]).await
}

/// Writes one attempt, begun or ended.
pub async fn keep_attempt(tx: &OrgTx, row: Attempt) -> Result<(), Error> {
    bulk::upsert::<delivery_attempt::Entity>(tx, &[row]).await
}

/// Ends an attempt that nobody has ended.
pub async fn end_attempt(
    tx: &OrgTx,
    delivery_id: Uuid,
    attempt_no: i64,
    at: DateTime<Utc>,
    outcome: &str,
) -> Result<(), Error> {
    let found = delivery_attempt::Entity::find_by_id((tx.org(), delivery_id, attempt_no)).one(tx).await?;
    if let Some(row) = found.filter(|a| a.ended_at.is_none()) {
        keep_attempt(tx, Attempt { ended_at: Some(at), outcome: outcome.to_owned(), ..row }).await?;
    }
    Ok(())
}

/// Attempts of a delivery, in order.
pub async fn list_attempts(tx: &OrgTx, delivery_id: Uuid) -> Result<Vec<Attempt>, Error> {
    let rows = delivery_attempt::Entity::find()
        .filter(delivery_attempt::Column::OrgId.eq(tx.org()))
        .filter(delivery_attempt::Column::DeliveryId.eq(delivery_id));
    Ok(rows.order_by_asc(delivery_attempt::Column::AttemptNo).all(tx).await?)
}

/// Deliveries of an invoice, in order.
pub async fn list_of_invoice(tx: &OrgTx, invoice_id: Uuid) -> Result<Vec<Delivery>, Error> {
    let rows = delivery::Entity::find()
        .filter(delivery::Column::OrgId.eq(tx.org()))
        .filter(delivery::Column::InvoiceId.eq(invoice_id));
    Ok(rows.order_by_asc(delivery::Column::Id).all(tx).await?)
}

/// Of these ids those that no delivery of any organisation has, nor any message of one.
pub async fn list_unknown(tx: &SystemTx, ids: &[Uuid]) -> Result<HashSet<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct Id {
        id: Uuid,
    }
    let mut unknown: HashSet<Uuid> = ids.iter().copied().collect();
    // What was sent is known by its message, through an index; few are left for the other.
    for column in ["message_id", "id"] {
        let left: Vec<Uuid> = unknown.iter().copied().collect();
        for part in left.chunks(500) {
            let marks = (1..=part.len()).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ");
            let sql = format!("SELECT {column} AS id FROM delivery WHERE {column} IN ({marks})");
            let values: Vec<sea_orm::Value> = part.iter().map(|id| (*id).into()).collect();
            let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
            for found in Id::find_by_statement(statement).all(tx).await? {
                unknown.remove(&found.id);
            }
        }
    }
    Ok(unknown)
}

/// Of these deliveries those that came to an end before a time and need nobody.
pub async fn list_over(tx: &OrgTx, ids: &[Uuid], before: DateTime<Utc>) -> Result<HashSet<Uuid>, Error> {
    let mut over = HashSet::new();
    for row in bulk::by_ids::<delivery::Entity>(tx, delivery::Column::Id, ids).await? {
        let ended = matches!(row.state.as_str(), "delivered" | "failed" | "rejected" | "cancelled");
        if ended && !row.needs_person && row.updated_at < before {
            over.insert(row.id);
        }
    }
    Ok(over)
}
