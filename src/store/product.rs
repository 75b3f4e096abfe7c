//! Products and standing orders.

use super::bulk::{self, Keys, Wanted};
use super::error::Error;
use super::tx::OrgTx;
use chrono::NaiveDate;
use entity::{customer, product, standing_order, standing_order_line};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter,
    Statement,
};
use std::collections::HashMap;
use uuid::Uuid;

pub use product::Model as Product;
pub use standing_order::Model as StandingOrder;
pub use standing_order_line::Model as StandingOrderLine;

/// Adds a product.
pub async fn insert(tx: &OrgTx, row: Product) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Standing orders that a sync made before the product was known take its rhythm over.
pub async fn adopt_orders(tx: &OrgTx, number: &str, every_months: i64) -> Result<(), Error> {
    let sql = "UPDATE standing_order SET every_months = $1 WHERE org_id = $2 AND source = 'sync' \
               AND next_period_no = 0 AND id IN (SELECT standing_order_id FROM standing_order_line \
               WHERE org_id = $2 AND product_number = $3)";
    let values = [every_months.into(), tx.org().into(), number.into()];
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(())
}

/// Locks a product.
pub async fn lock(tx: &OrgTx, id: Uuid) -> Result<Option<Product>, Error> {
    Ok(tx.for_update(product::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// Writes all fields of a product and counts its version up.
pub async fn update(tx: &OrgTx, mut row: Product) -> Result<Product, Error> {
    row.version += 1;
    Ok(row.into_active_model().reset_all().update(tx).await?)
}

/// All products by number.
pub async fn by_number(tx: &OrgTx) -> Result<HashMap<String, Product>, Error> {
    let rows = product::Entity::find().filter(product::Column::OrgId.eq(tx.org())).all(tx).await?;
    Ok(rows.into_iter().map(|p| (p.number.clone(), p)).collect())
}

/// Adds standing orders with their lines.
pub async fn insert_orders(tx: &OrgTx, orders: &[StandingOrder], lines: &[StandingOrderLine]) -> Result<(), Error> {
    bulk::insert::<standing_order::Entity>(tx, orders).await?;
    bulk::insert::<standing_order_line::Entity>(tx, lines).await
}

/// A standing order.
pub async fn find_order(tx: &OrgTx, id: Uuid) -> Result<Option<StandingOrder>, Error> {
    Ok(standing_order::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// Locks a standing order.
pub async fn lock_order(tx: &OrgTx, id: Uuid) -> Result<Option<StandingOrder>, Error> {
    Ok(tx.for_update(standing_order::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// Puts other lines in the place of a standing order's.
pub async fn replace_lines(tx: &OrgTx, id: Uuid, lines: &[StandingOrderLine]) -> Result<(), Error> {
    standing_order_line::Entity::delete_many()
        .filter(standing_order_line::Column::OrgId.eq(tx.org()))
        .filter(standing_order_line::Column::StandingOrderId.eq(id))
        .exec(tx)
        .await?;
    bulk::insert::<standing_order_line::Entity>(tx, lines).await
}

/// Standing orders by id, in the order of ids and locked.
pub async fn lock_orders(tx: &OrgTx, ids: &[Uuid]) -> Result<Vec<StandingOrder>, Error> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let wanted = Wanted { column: standing_order::Column::Id, keys: Keys::Ids(&ids), also: "", lock: true };
    bulk::fetch::<standing_order::Entity>(tx, wanted).await
}

/// Writes standing orders over what was there.
pub async fn update_orders(tx: &OrgTx, orders: &[StandingOrder]) -> Result<(), Error> {
    bulk::upsert::<standing_order::Entity>(tx, orders).await
}

/// Standing orders of customers that a sync keeps and that have not ended, with their product.
pub async fn list_synced(
    tx: &OrgTx,
    customers: &[Uuid],
    today: NaiveDate,
) -> Result<Vec<(StandingOrder, String)>, Error> {
    let also = format!("AND source = 'sync' AND (end_on IS NULL OR end_on > '{today}')");
    list_with_product(tx, customers, &also).await
}

/// Ended standing orders of customers that a sync kept, with their product.
pub async fn list_ended_synced(
    tx: &OrgTx,
    customers: &[Uuid],
    today: NaiveDate,
) -> Result<Vec<(StandingOrder, String)>, Error> {
    list_with_product(tx, customers, &format!("AND source = 'sync' AND end_on <= '{today}'")).await
}

async fn list_with_product(tx: &OrgTx, customers: &[Uuid], also: &str) -> Result<Vec<(StandingOrder, String)>, Error> {
    let column = standing_order::Column::CustomerId;
    let wanted = Wanted { column, keys: Keys::Ids(customers), also, lock: false };
    let mut orders = bulk::fetch::<standing_order::Entity>(tx, wanted).await?;
    orders.sort_unstable_by_key(|o| o.id);
    let lines = lines_of(tx, &orders.iter().map(|o| o.id).collect::<Vec<_>>()).await?;
    let mut products: HashMap<Uuid, String> =
        lines.into_iter().map(|l| (l.standing_order_id, l.product_number)).collect();
    Ok(orders.into_iter().filter_map(|o| products.remove(&o.id).map(|p| (o, p))).collect())
}

/// Lines of standing orders, in order.
pub async fn lines_of(tx: &OrgTx, orders: &[Uuid]) -> Result<Vec<StandingOrderLine>, Error> {
    let column = standing_order_line::Column::StandingOrderId;
    let mut lines = bulk::by_ids::<standing_order_line::Entity>(tx, column, orders).await?;
    lines.sort_unstable_by_key(|l| (l.standing_order_id, l.line_no));
    Ok(lines)
}

/// The next `limit` customers after `after` with a standing order whose period has begun by `bill_on`, in order.
pub async fn list_due_customers(
    tx: &OrgTx,
    bill_on: NaiveDate,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct Id {
        customer_id: Uuid,
    }
    let sql = "SELECT DISTINCT customer_id FROM standing_order WHERE org_id = $1 AND next_period_on <= $2 \
               AND customer_id > $3 ORDER BY customer_id LIMIT $4";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values = [tx.org().into(), bill_on.into(), after.unwrap_or(Uuid::nil()).into(), limit.into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(Id::find_by_statement(statement).all(tx).await?.into_iter().map(|i| i.customer_id).collect())
}

/// Standing orders of customers with a period that has begun by `bill_on`.
pub async fn list_due(tx: &OrgTx, bill_on: NaiveDate, customers: &[Uuid]) -> Result<Vec<StandingOrder>, Error> {
    let also = format!("AND next_period_on <= '{bill_on}'");
    let column = standing_order::Column::CustomerId;
    let wanted = Wanted { column, keys: Keys::Ids(customers), also: &also, lock: false };
    let mut orders = bulk::fetch::<standing_order::Entity>(tx, wanted).await?;
    orders.sort_unstable_by_key(|o| (o.customer_id, o.id));
    Ok(orders)
}

/// How many customers have something to bill by `bill_on`.
pub async fn count_due_customers(tx: &OrgTx, bill_on: NaiveDate) -> Result<i64, Error> {
    let sql = "SELECT COUNT(DISTINCT customer_id) AS n FROM standing_order WHERE org_id = $1 AND next_period_on <= $2";
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into(), bill_on.into()]);
    let row = tx.query_one_raw(statement).await?;
    Ok(row.map(|r| r.try_get("", "n")).transpose()?.unwrap_or(0))
}

/// Ends open standing orders of customers whose relationship ends; of one that ends later, what begins before that
/// day is still billed.
pub async fn end_orders_of(tx: &OrgTx, customers: &[Uuid], on: NaiveDate, later: bool) -> Result<(), Error> {
    for ids in customers.chunks(500) {
        let ending = standing_order::Entity::update_many()
            .filter(standing_order::Column::OrgId.eq(tx.org()))
            .filter(standing_order::Column::CustomerId.is_in(ids.iter().copied()));
        let open =
            ending.clone().filter(standing_order::Column::EndOn.is_null().or(standing_order::Column::EndOn.gt(on)));
        open.col_expr(standing_order::Column::EndOn, Expr::value(on)).exec(tx).await?;
        let over = if later { ending.filter(standing_order::Column::NextPeriodOn.gt(on)) } else { ending };
        let none = Expr::value(Option::<NaiveDate>::None);
        over.col_expr(standing_order::Column::NextPeriodOn, none).exec(tx).await?;
    }
    Ok(())
}

/// Whether a customer exists and is active.
pub async fn is_active(tx: &OrgTx, id: Uuid) -> Result<Option<bool>, Error> {
    let row = customer::Entity::find_by_id((tx.org(), id)).one(tx).await?;
    Ok(row.map(|r| r.status == "active"))
}
