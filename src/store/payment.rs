//! Bank files and payments.

use super::bulk::{self, Keys, Wanted};
use super::error::Error;
use super::tx::OrgTx;
use entity::{bank_file, payment, payment_payer};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

pub use bank_file::Model as BankFile;
pub use payment::Model as Payment;
pub use payment_payer::Model as Payer;

/// Adds a bank file; the same content twice is a conflict.
pub async fn insert_file(tx: &OrgTx, file: BankFile) -> Result<(), Error> {
    file.into_active_model().insert(tx).await?;
    Ok(())
}

/// A bank file.
pub async fn find_file(tx: &OrgTx, id: Uuid) -> Result<Option<BankFile>, Error> {
    Ok(bank_file::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// The bank file with this content.
pub async fn find_file_by_hash(tx: &OrgTx, hash: &[u8]) -> Result<Option<BankFile>, Error> {
    Ok(bank_file::Entity::find()
        .filter(bank_file::Column::OrgId.eq(tx.org()))
        .filter(bank_file::Column::ContentHash.eq(hash.to_vec()))
        .one(tx)
        .await?)
}

/// Bank files, newest first.
pub async fn list_files(tx: &OrgTx, limit: u64) -> Result<Vec<BankFile>, Error> {
    let rows = bank_file::Entity::find().filter(bank_file::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_desc(bank_file::Column::Id).limit(limit).all(tx).await?)
}

/// Payments of other files with one of these identities: the oldest of each, and how many there are.
pub async fn find_identities(
    tx: &OrgTx,
    file: Uuid,
    hashes: &[Vec<u8>],
) -> Result<HashMap<Vec<u8>, (Uuid, usize)>, Error> {
    let mut hashes = hashes.to_vec();
    hashes.sort_unstable();
    hashes.dedup();
    let also = format!("AND (bank_file_id IS NULL OR bank_file_id <> {})", bulk::literal(tx, file));
    let wanted =
        Wanted { column: payment::Column::IdentityHash, keys: Keys::Hashes(&hashes), also: &also, lock: false };
    let mut rows = bulk::fetch::<payment::Entity>(tx, wanted).await?;
    rows.sort_unstable_by_key(|r| r.id);
    let mut out: HashMap<Vec<u8>, (Uuid, usize)> = HashMap::new();
    for row in rows {
        out.entry(row.identity_hash).or_insert((row.id, 0)).1 += 1;
    }
    Ok(out)
}

/// Adds payments with what is known of their payers.
pub async fn insert(tx: &OrgTx, payments: &[Payment], payers: &[Payer]) -> Result<(), Error> {
    bulk::insert::<payment::Entity>(tx, payments).await?;
    bulk::insert::<payment_payer::Entity>(tx, payers).await
}

/// A payment.
pub async fn find(tx: &OrgTx, id: Uuid) -> Result<Option<Payment>, Error> {
    Ok(payment::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// Locks a payment, so that its money is placed once.
pub async fn lock(tx: &OrgTx, id: Uuid) -> Result<Option<Payment>, Error> {
    Ok(tx.for_update(payment::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// Writes all fields of a payment and counts its version up.
pub async fn update(tx: &OrgTx, mut row: Payment) -> Result<Payment, Error> {
    row.version += 1;
    Ok(row.into_active_model().reset_all().update(tx).await?)
}
