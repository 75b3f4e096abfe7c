//! Deliveries: a queue every node shares, and the attempts made.

use super::bulk;
use super::error::Error;
use super::tx::{OrgTx, SystemTx};
use chrono::{DateTime, Utc};
use entity::{delivery, delivery_address, delivery_attempt};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter,
    QueryOrder, Statement,
};
use uuid::Uuid;

pub use delivery::Model as Delivery;
pub use delivery_address::Model as Address;
pub use delivery_attempt::Model as Attempt;

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
    /// Attempts before this one.
    pub attempts: i64,
    /// Names this claim: a worker whose lease ran out finds another's here.
    pub lease_token: Option<Uuid>,
}

/// Takes up to `limit` due deliveries for one worker; no other worker gets them while the lease runs.
pub async fn claim(
    tx: &SystemTx,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
    token: Uuid,
    limit: u64,
) -> Result<Vec<Claimed>, Error> {
    let postgres = tx.get_database_backend() == sea_orm::DbBackend::Postgres;
    let skip = if postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "WITH due AS (SELECT org_id, id FROM delivery WHERE state IN ('queued','retrying') AND not_before_at <= $1 \
         ORDER BY not_before_at, org_id LIMIT $4 {skip}) \
         UPDATE delivery SET state = 'sending', lease_until_at = $2, lease_token = $3, version = version + 1, \
         updated_at = $1 WHERE (org_id, id) IN (SELECT org_id, id FROM due) RETURNING org_id, id, attempts, lease_token"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values = [now.into(), lease_until.into(), token.into(), limit.into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(Claimed::find_by_statement(statement).all(tx).await?)
}

/// Gives back what dead workers held: nothing had left while `sending`; after `handing_over` nobody knows
/// (decision 40). Returns how many of each.
pub async fn expire_leases(tx: &SystemTx, now: DateTime<Utc>) -> Result<(u64, u64), Error> {
    let run = async |sql: &str| {
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [now.into()]);
        Ok::<u64, Error>(tx.execute_raw(statement).await?.rows_affected())
    };
    let again = run("UPDATE delivery SET state = 'retrying', lease_until_at = NULL, lease_token = NULL, \
         not_before_at = $1, version = version + 1, updated_at = $1 WHERE state = 'sending' AND lease_until_at < $1")
    .await?;
    let unknown =
        run("UPDATE delivery SET state = 'unknown', needs_person = TRUE, reason = 'lost_while_handing_over', \
         lease_until_at = NULL, lease_token = NULL, version = version + 1, updated_at = $1 \
         WHERE state = 'handing_over' AND lease_until_at < $1")
        .await?;
    Ok((again, unknown))
}

/// A delivery.
pub async fn find(tx: &OrgTx, id: Uuid) -> Result<Option<Delivery>, Error> {
    Ok(delivery::Entity::find_by_id((tx.org(), id)).one(tx).await?)
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

/// Where a delivery goes.
pub async fn address(tx: &OrgTx, delivery_id: Uuid) -> Result<Option<String>, Error> {
    let row = delivery_address::Entity::find_by_id((tx.org(), delivery_id)).one(tx).await?;
    Ok(row.map(|r| r.address))
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
