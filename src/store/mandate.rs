//! AvtaleGiro mandates (FBO).

use super::bulk;
use super::error::Error;
use super::tx::OrgTx;
use chrono::NaiveDate;
use entity::mandate;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

pub use mandate::Model as Mandate;

/// Writes mandates over what was known.
pub async fn upsert(tx: &OrgTx, rows: &[Mandate]) -> Result<(), Error> {
    bulk::upsert::<mandate::Entity>(tx, rows).await
}

/// A complete list replaces all mandates of the account: the others have ended.
pub async fn end_all(tx: &OrgTx, account: Uuid, on: NaiveDate) -> Result<(), Error> {
    mandate::Entity::update_many()
        .col_expr(mandate::Column::Active, Expr::value(false))
        .col_expr(mandate::Column::UpdatedOn, Expr::value(on))
        .filter(mandate::Column::OrgId.eq(tx.org()))
        .filter(mandate::Column::BankAccountId.eq(account))
        .filter(mandate::Column::Active.eq(true))
        .exec(tx)
        .await?;
    Ok(())
}

/// All mandates of an organisation.
pub async fn list(tx: &OrgTx) -> Result<Vec<Mandate>, Error> {
    let rows = mandate::Entity::find().filter(mandate::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_asc(mandate::Column::Kid).all(tx).await?)
}

/// Whether a customer pays to an account by an active mandate.
pub async fn is_active(tx: &OrgTx, customer: Uuid, account: Uuid) -> Result<bool, Error> {
    let rows = mandate::Entity::find()
        .filter(mandate::Column::OrgId.eq(tx.org()))
        .filter(mandate::Column::CustomerId.eq(customer))
        .filter(mandate::Column::BankAccountId.eq(account))
        .filter(mandate::Column::Active.eq(true));
    Ok(rows.one(tx).await?.is_some())
}
