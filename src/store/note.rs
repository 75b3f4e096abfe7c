//! Notes of contacts with customers.

use super::error::Error;
use super::sql::all;
use super::tx::OrgTx;
use chrono::NaiveDate;
use entity::customer_note;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

pub use customer_note::Model as Note;

/// Adds one.
pub async fn insert(tx: &OrgTx, row: Note) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Writes all fields of one.
pub async fn update(tx: &OrgTx, mut row: Note) -> Result<(), Error> {
    row.version += 1;
    row.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// Locks a note of a customer.
pub async fn lock(tx: &OrgTx, customer: Uuid, id: Uuid) -> Result<Option<Note>, Error> {
    let found =
        customer_note::Entity::find_by_id((tx.org(), id)).filter(customer_note::Column::CustomerId.eq(customer));
    Ok(tx.for_update(found).one(tx).await?)
}

/// Notes of a customer after an id, oldest first.
pub async fn list(tx: &OrgTx, customer: Uuid, after: Uuid, limit: u64) -> Result<Vec<Note>, Error> {
    let rows = customer_note::Entity::find()
        .filter(customer_note::Column::OrgId.eq(tx.org()))
        .filter(customer_note::Column::CustomerId.eq(customer))
        .filter(customer_note::Column::Id.gt(after));
    Ok(rows.order_by_asc(customer_note::Column::Id).limit(limit).all(tx).await?)
}

/// A note in the archive.
#[derive(Clone, FromQueryResult)]
pub struct ArchivedNote {
    /// The note.
    pub id: Uuid,
    /// phone, mail, meeting, letter or other.
    pub channel: String,
    /// What was agreed or said.
    pub text: String,
    /// The day of the contact.
    pub contact_on: NaiveDate,
    /// The invoice that refers to it.
    pub referred_invoice_id: Option<Uuid>,
}

/// The archived notes of a customer, oldest first; on the retention path.
pub async fn archived(tx: &OrgTx, customer: Uuid) -> Result<Vec<ArchivedNote>, Error> {
    let sql = "SELECT id, channel, text, contact_on, referred_invoice_id FROM archive_note \
               WHERE org_id = $1 AND customer_id = $2 ORDER BY id";
    all(tx, sql, vec![tx.org().into(), customer.into()]).await
}
