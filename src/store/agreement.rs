//! Acceptances of the data-processing agreement, each as it was given.

use super::error::Error;
use super::tx::OrgTx;
use chrono::{DateTime, Utc};
use entity::agreement_acceptance;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

pub use agreement_acceptance::Model as Acceptance;

/// Adds one; the one before it is no longer in force.
pub async fn accept(tx: &OrgTx, row: Acceptance) -> Result<(), Error> {
    supersede(tx, row.accepted_at).await?;
    row.into_active_model().insert(tx).await?;
    Ok(())
}

async fn supersede(tx: &OrgTx, at: DateTime<Utc>) -> Result<(), Error> {
    agreement_acceptance::Entity::update_many()
        .col_expr(agreement_acceptance::Column::SupersededAt, Expr::value(at))
        .filter(agreement_acceptance::Column::OrgId.eq(tx.org()))
        .filter(agreement_acceptance::Column::SupersededAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Every acceptance, the newest first.
pub async fn list(tx: &OrgTx) -> Result<Vec<Acceptance>, Error> {
    let rows = agreement_acceptance::Entity::find().filter(agreement_acceptance::Column::OrgId.eq(tx.org()));
    let rows = rows.order_by_desc(agreement_acceptance::Column::AcceptedAt);
    Ok(rows.order_by_desc(agreement_acceptance::Column::Id).all(tx).await?)
}
