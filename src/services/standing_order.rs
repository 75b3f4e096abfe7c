//! Standing orders: what a customer is billed for, how often.

use super::error::Error;
use super::work::{Actor, Deed, Work};
use crate::ctx::Ctx;
use crate::store::product::{self as store, Product, StandingOrder, StandingOrderLine};
use chrono::NaiveDate;
use domain::money::Micro;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use utoipa::ToSchema;
use uuid::Uuid;

/// A standing order to be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStandingOrder {
    /// Who is billed.
    pub customer_id: Uuid,
    /// First day of the first period.
    pub from_on: NaiveDate,
    /// Months in a period; 0 bills once.
    pub every_months: u16,
    /// No period starts after this day.
    pub end_on: Option<NaiveDate>,
    /// What is billed each period.
    pub lines: Vec<NewStandingOrderLine>,
}

/// One product of a standing order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStandingOrderLine {
    /// Product number.
    pub product_number: String,
    /// How many; a decimal string.
    #[serde(default = "one")]
    #[schema(value_type = String, example = "1")]
    pub quantity: Micro,
    /// Price instead of the product's, in kroner without VAT.
    #[schema(value_type = Option<String>, example = "250.00")]
    pub unit_price: Option<Micro>,
    /// Discount in percent.
    #[serde(default)]
    #[schema(value_type = String, example = "10")]
    pub discount_percent: Micro,
}

const fn one() -> Micro {
    Micro::ONE
}

/// Makes a standing order.
pub async fn create(ctx: &Ctx, actor: &Actor, new: NewStandingOrder) -> Result<Uuid, Error> {
    if new.lines.is_empty() {
        return Err(Error::field("lines", "required", "a standing order bills at least one product"));
    }
    if new.end_on.is_some_and(|end| end < new.from_on) {
        return Err(Error::field("end_on", "before_start", "the end is on or after the first day"));
    }
    let work = Work::begin(ctx, actor).await?;
    match store::is_active(&work.tx, new.customer_id).await? {
        Some(true) => {}
        Some(false) => return Err(Error::conflict("customer_ended", "the customer relationship has ended")),
        None => return Err(Error::not_found("customer")),
    }
    let products = store::by_number(&work.tx).await?;
    for (i, line) in new.lines.iter().enumerate() {
        if !products.contains_key(&line.product_number) {
            let field = format!("lines[{i}].product_number");
            return Err(Error::field(field, "unknown_product", "there is no product with this number"));
        }
        if !(Micro::ZERO..=Micro::whole(100)).contains(&line.discount_percent) {
            return Err(Error::field(format!("lines[{i}].discount_percent"), "out_of_range", "0 to 100 percent"));
        }
    }
    let id = work.id();
    let order = order_row(&work, id, new.customer_id, "manual", new.from_on, new.every_months.into(), new.end_on);
    let lines: Vec<StandingOrderLine> = (1..)
        .zip(&new.lines)
        .map(|(line_no, l)| StandingOrderLine {
            org_id: actor.org,
            standing_order_id: id,
            line_no,
            product_number: l.product_number.clone(),
            quantity_micro: l.quantity.micro(),
            price_micro: l.unit_price.map(Micro::micro),
            discount_micro: l.discount_percent.micro(),
        })
        .collect();
    store::insert_orders(&work.tx, &[order], &lines).await?;
    work.done(Deed { verb: "standing_order.created", subject: "standing_order", id, fields: "" }).await?;
    Ok(id)
}

fn order_row(
    work: &Work<'_>,
    id: Uuid,
    customer_id: Uuid,
    source: &str,
    from_on: NaiveDate,
    every_months: i64,
    end_on: Option<NaiveDate>,
) -> StandingOrder {
    StandingOrder {
        org_id: work.tx.org(),
        id,
        version: 1,
        customer_id,
        source: source.to_owned(),
        from_on,
        every_months,
        end_on,
        next_period_no: 0,
        next_period_on: Some(from_on),
        created_at: work.at,
        updated_at: work.at,
    }
}

/// Makes open-ended standing orders of the products a sync lists, and ends those it no longer lists (decision 19).
/// A new customer has none to end.
pub(super) async fn sync_products(work: &Work<'_>, wanted: &[(Uuid, bool, Vec<String>)]) -> Result<(), Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let products = store::by_number(&work.tx).await?;
    let customers: Vec<Uuid> = wanted.iter().filter(|(_, is_new, _)| !is_new).map(|(id, ..)| *id).collect();
    let mut held: HashMap<Uuid, Vec<(StandingOrder, String)>> = HashMap::new();
    for (order, number) in store::list_synced(&work.tx, &customers).await? {
        held.entry(order.customer_id).or_default().push((order, number));
    }
    let today = work.at.with_timezone(&chrono_tz::Europe::Oslo).date_naive();
    let (mut orders, mut lines, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    for (customer_id, _, numbers) in wanted {
        let has = held.remove(customer_id).unwrap_or_default();
        let kept: HashSet<&str> = has.iter().map(|(_, n)| n.as_str()).collect();
        for number in numbers.iter().filter(|n| !kept.contains(n.as_str())) {
            let id = work.id();
            let every = products.get(number).map_or(12, |p: &Product| p.every_months);
            orders.push(order_row(work, id, *customer_id, "sync", today, every, None));
            lines.push(StandingOrderLine {
                org_id: work.tx.org(),
                standing_order_id: id,
                line_no: 1,
                product_number: number.clone(),
                quantity_micro: Micro::ONE.micro(),
                price_micro: None,
                discount_micro: 0,
            });
        }
        for (mut order, number) in has {
            if !numbers.contains(&number) {
                order.end_on = Some(today);
                order.next_period_on = None;
                order.version += 1;
                order.updated_at = work.at;
                ended.push(order);
            }
        }
    }
    store::insert_orders(&work.tx, &orders, &lines).await?;
    Ok(store::update_orders(&work.tx, &ended).await?)
}
