//! Sync plans: a summary, and the rows in parts so that a large plan is never held whole.

use super::error::Error;
use super::tx::OrgTx;
use chrono::{DateTime, Utc};
use entity::{customer_plan, customer_plan_part};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use uuid::Uuid;

pub use customer_plan::Model as Plan;

/// Adds a plan.
pub async fn insert(tx: &OrgTx, plan: Plan) -> Result<(), Error> {
    plan.into_active_model().insert(tx).await?;
    Ok(())
}

/// Adds one part of a plan's rows.
pub async fn insert_part(tx: &OrgTx, plan_id: Uuid, part_no: i64, content: String) -> Result<(), Error> {
    let part = customer_plan_part::Model { org_id: tx.org(), plan_id, part_no, content };
    part.into_active_model().insert(tx).await?;
    Ok(())
}

/// A plan.
pub async fn find(tx: &OrgTx, id: Uuid) -> Result<Option<Plan>, Error> {
    Ok(customer_plan::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// Locks a plan, so that it is applied once.
pub async fn lock(tx: &OrgTx, id: Uuid) -> Result<Option<Plan>, Error> {
    Ok(tx.for_update(customer_plan::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// One part of a plan's rows.
pub async fn part(tx: &OrgTx, plan_id: Uuid, part_no: i64) -> Result<Option<String>, Error> {
    let row = customer_plan_part::Entity::find_by_id((tx.org(), plan_id, part_no)).one(tx).await?;
    Ok(row.map(|r| r.content))
}

/// Sets where a plan stands, and forgets its rows: they hold people's data (decision 33).
pub async fn finish(tx: &OrgTx, id: Uuid, status: &str, at: Option<DateTime<Utc>>) -> Result<(), Error> {
    customer_plan_part::Entity::delete_many()
        .filter(customer_plan_part::Column::OrgId.eq(tx.org()))
        .filter(customer_plan_part::Column::PlanId.eq(id))
        .exec(tx)
        .await?;
    customer_plan::Entity::update_many()
        .col_expr(customer_plan::Column::Status, Expr::value(status))
        .col_expr(customer_plan::Column::AppliedAt, Expr::value(at))
        .filter(customer_plan::Column::OrgId.eq(tx.org()))
        .filter(customer_plan::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Plans that were never applied and have lived long enough.
pub async fn list_expired(tx: &OrgTx, now: DateTime<Utc>) -> Result<Vec<Uuid>, Error> {
    let rows = customer_plan::Entity::find()
        .filter(customer_plan::Column::OrgId.eq(tx.org()))
        .filter(customer_plan::Column::Status.eq("planned"))
        .filter(customer_plan::Column::ExpiresAt.lte(now))
        .order_by_asc(customer_plan::Column::Id)
        .all(tx)
        .await?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}
