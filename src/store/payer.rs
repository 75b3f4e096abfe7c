//! Payers' links to invoices, and who has opened one.

use super::error::Error;
use super::tx::{OrgTx, SystemTx};
use chrono::{DateTime, Utc};
use entity::{payer_link, payer_session};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

pub use payer_link::Model as Link;
pub use payer_session::Model as Session;

/// Adds a link; where the invoice has one that is not revoked, nothing is added.
pub async fn insert(tx: &OrgTx, row: Link) -> Result<(), Error> {
    let adding =
        payer_link::Entity::insert(row.into_active_model()).on_conflict(OnConflict::new().do_nothing().to_owned());
    adding.exec_without_returning(tx).await?;
    Ok(())
}

/// The link of an invoice that is not revoked.
pub async fn find_of_invoice(tx: &OrgTx, invoice_id: Uuid) -> Result<Option<Link>, Error> {
    let rows = payer_link::Entity::find()
        .filter(payer_link::Column::OrgId.eq(tx.org()))
        .filter(payer_link::Column::InvoiceId.eq(invoice_id))
        .filter(payer_link::Column::RevokedAt.is_null());
    Ok(rows.one(tx).await?)
}

/// A link by the hash of its token, whatever its organisation.
pub async fn find_anywhere(tx: &SystemTx, token_hash: &[u8]) -> Result<Option<Link>, Error> {
    let rows = payer_link::Entity::find().filter(payer_link::Column::TokenHash.eq(token_hash.to_vec()));
    Ok(rows.one(tx).await?)
}

/// A link.
pub async fn find(tx: &OrgTx, id: Uuid) -> Result<Option<Link>, Error> {
    Ok(payer_link::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// Locks a link, so that tries of its code are counted one after the other.
pub async fn lock(tx: &OrgTx, id: Uuid) -> Result<Option<Link>, Error> {
    Ok(tx.for_update(payer_link::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// Writes all fields of a link.
pub async fn update(tx: &OrgTx, row: Link) -> Result<(), Error> {
    row.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// Begins a session.
pub async fn insert_session(tx: &OrgTx, row: Session) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// A session by the hash of its token.
pub async fn find_session(tx: &OrgTx, id_hash: &[u8]) -> Result<Option<Session>, Error> {
    let rows = payer_session::Entity::find_by_id(id_hash.to_vec()).filter(payer_session::Column::OrgId.eq(tx.org()));
    Ok(rows.one(tx).await?)
}

/// Ends a session.
pub async fn delete_session(tx: &OrgTx, id_hash: &[u8]) -> Result<(), Error> {
    let gone = payer_session::Entity::delete_by_id(id_hash.to_vec()).filter(payer_session::Column::OrgId.eq(tx.org()));
    gone.exec(tx).await?;
    Ok(())
}

/// Forgets links that expired before a time.
pub async fn forget_links(tx: &OrgTx, before: DateTime<Utc>) -> Result<u64, Error> {
    let gone = payer_link::Entity::delete_many()
        .filter(payer_link::Column::OrgId.eq(tx.org()))
        .filter(payer_link::Column::ExpiresAt.lt(before));
    Ok(gone.exec(tx).await?.rows_affected)
}

/// Forgets sessions that ended before a time.
pub async fn forget_sessions(tx: &OrgTx, before: DateTime<Utc>) -> Result<u64, Error> {
    let gone = payer_session::Entity::delete_many()
        .filter(payer_session::Column::OrgId.eq(tx.org()))
        .filter(payer_session::Column::ExpiresAt.lt(before));
    Ok(gone.exec(tx).await?.rows_affected)
}
