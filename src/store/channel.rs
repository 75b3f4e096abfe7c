//! What directories said of customers, addresses that do not work, providers that are away, and how far feeds are read.

use super::bulk;
use super::error::Error;
use super::tx::{OrgTx, SystemTx};
use chrono::{DateTime, Utc};
use entity::{channel_lookup, channel_state, feed_cursor, mail_suppression};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

pub use channel_lookup::Model as Lookup;
pub use channel_state::Model as ChannelState;
pub use mail_suppression::Model as Suppression;

/// What directories said of customers.
pub async fn list_lookups(tx: &OrgTx, customers: &[Uuid]) -> Result<Vec<Lookup>, Error> {
    bulk::by_ids::<channel_lookup::Entity>(tx, channel_lookup::Column::CustomerId, customers).await
}

/// Keeps answers, each in place of the one before it.
pub async fn keep_lookups(tx: &OrgTx, rows: &[Lookup]) -> Result<(), Error> {
    bulk::upsert::<channel_lookup::Entity>(tx, rows).await
}

/// Forgets an answer that has proved wrong.
pub async fn forget_lookup(tx: &OrgTx, customer: Uuid, channel: &str) -> Result<(), Error> {
    channel_lookup::Entity::delete_by_id((tx.org(), customer, channel.to_owned())).exec(tx).await?;
    Ok(())
}

/// Hashes of addresses mail is held back from, as many as are asked for.
pub async fn list_suppressed(tx: &OrgTx, limit: u64) -> Result<Vec<Vec<u8>>, Error> {
    let rows = mail_suppression::Entity::find()
        .select_only()
        .column(mail_suppression::Column::AddressHash)
        .filter(mail_suppression::Column::OrgId.eq(tx.org()));
    Ok(rows.limit(limit).into_tuple().all(tx).await?)
}

/// Those of these addresses that mail is held back from; each once.
pub async fn suppressed_of(tx: &OrgTx, hashes: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Error> {
    let column = mail_suppression::Column::AddressHash;
    let wanted = bulk::Wanted { column, keys: bulk::Keys::Hashes(hashes), also: "", lock: false };
    let rows = bulk::fetch::<mail_suppression::Entity>(tx, wanted).await?;
    Ok(rows.into_iter().map(|r| r.address_hash).collect())
}

/// Why mail to an address is held back.
pub async fn find_suppression(tx: &OrgTx, address_hash: &[u8]) -> Result<Option<Suppression>, Error> {
    Ok(mail_suppression::Entity::find_by_id((tx.org(), address_hash.to_vec())).one(tx).await?)
}

/// Holds mail to an address back.
pub async fn suppress(tx: &OrgTx, row: Suppression) -> Result<(), Error> {
    bulk::upsert::<mail_suppression::Entity>(tx, &[row]).await
}

/// Lets mail to an address go again; whether it was held back.
pub async fn unsuppress(tx: &OrgTx, address_hash: &[u8]) -> Result<bool, Error> {
    let gone = mail_suppression::Entity::delete_by_id((tx.org(), address_hash.to_vec())).exec(tx).await?;
    Ok(gone.rows_affected > 0)
}

/// Lets mail to all addresses of a customer go again; how many were held back.
pub async fn unsuppress_customer(tx: &OrgTx, customer: Uuid) -> Result<u64, Error> {
    let gone = mail_suppression::Entity::delete_many()
        .filter(mail_suppression::Column::OrgId.eq(tx.org()))
        .filter(mail_suppression::Column::CustomerId.eq(customer));
    Ok(gone.exec(tx).await?.rows_affected)
}

/// How a channel's provider is doing; nothing is stored of one that never failed.
pub async fn find_state(tx: &SystemTx, channel: &str) -> Result<Option<ChannelState>, Error> {
    Ok(channel_state::Entity::find_by_id(channel).one(tx).await?)
}

/// How all providers are doing.
pub async fn list_states(tx: &SystemTx) -> Result<Vec<ChannelState>, Error> {
    Ok(channel_state::Entity::find().order_by_asc(channel_state::Column::Channel).all(tx).await?)
}

/// Notes how a provider is doing.
pub async fn keep_state(tx: &SystemTx, row: ChannelState) -> Result<(), Error> {
    use channel_state::Column::{AwaySinceAt, Channel, Code, Failures, OpenUntilAt};
    let over = OnConflict::column(Channel).update_columns([Failures, AwaySinceAt, OpenUntilAt, Code]).to_owned();
    channel_state::Entity::insert(row.into_active_model()).on_conflict(over).exec_without_returning(tx).await?;
    Ok(())
}

/// How far a feed is read.
pub async fn position(tx: &SystemTx, name: &str) -> Result<String, Error> {
    Ok(feed_cursor::Entity::find_by_id(name).one(tx).await?.map(|c| c.position).unwrap_or_default())
}

/// Notes how far a feed is read.
pub async fn set_position(tx: &SystemTx, name: &str, position: &str, at: DateTime<Utc>) -> Result<(), Error> {
    use feed_cursor::Column::{Name, Position, ReadAt};
    let row = feed_cursor::Model { name: name.to_owned(), position: position.to_owned(), read_at: at };
    let over = OnConflict::column(Name).update_columns([Position, ReadAt]).to_owned();
    feed_cursor::Entity::insert(row.into_active_model()).on_conflict(over).exec_without_returning(tx).await?;
    Ok(())
}
