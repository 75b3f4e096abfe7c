//! Standing orders: what a customer is billed for, how often.

use super::error::Error;
use super::work::{Actor, Deed, Work, given};
use crate::ctx::Ctx;
use crate::store::billing;
use crate::store::product::{self as store, Product, StandingOrder, StandingOrderLine};
use chrono::NaiveDate;
use domain::money::Micro;
use domain::standing_order::Rhythm;
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
    /// Bills only the days up to `end_on` of the last period.
    #[serde(default)]
    pub prorate: bool,
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
    Error::unless_plausible("from_on", Some(new.from_on))?;
    Error::unless_plausible("end_on", new.end_on)?;
    if new.end_on.is_some_and(|end| end < new.from_on) {
        return Err(Error::field("end_on", "before_start", "the end is on or after the first day"));
    }
    let work = Work::begin(ctx, actor).await?;
    match store::is_active(&work.tx, new.customer_id).await? {
        Some(true) => {}
        Some(false) => return Err(Error::conflict("customer_ended", "the customer relationship has ended")),
        None => return Err(Error::not_found("customer")),
    }
    let id = work.id();
    let lines = line_rows(&work, id, &new.lines).await?;
    let every_months = new.every_months.into();
    let terms = Terms { from_on: new.from_on, every_months, end_on: new.end_on, prorate: new.prorate };
    let order = order_row(&work, id, new.customer_id, "manual", terms);
    store::insert_orders(&work.tx, &[order], &lines).await?;
    work.done(Deed { verb: "standing_order.created", subject: "standing_order", id, fields: "" }).await?;
    Ok(id)
}

async fn line_rows(work: &Work<'_>, id: Uuid, new: &[NewStandingOrderLine]) -> Result<Vec<StandingOrderLine>, Error> {
    if new.is_empty() {
        return Err(Error::field("lines", "required", "a standing order bills at least one product"));
    }
    let products = store::by_number(&work.tx).await?;
    for (i, line) in new.iter().enumerate() {
        if !products.contains_key(&line.product_number) {
            let field = format!("lines[{i}].product_number");
            return Err(Error::field(field, "unknown_product", "there is no product with this number"));
        }
        if !(Micro::ZERO..=Micro::whole(100)).contains(&line.discount_percent) {
            return Err(Error::field(format!("lines[{i}].discount_percent"), "out_of_range", "0 to 100 percent"));
        }
    }
    let rows = (1..).zip(new).map(|(line_no, l)| StandingOrderLine {
        org_id: work.tx.org(),
        standing_order_id: id,
        line_no,
        product_number: l.product_number.clone(),
        quantity_micro: l.quantity.micro(),
        price_micro: l.unit_price.map(Micro::micro),
        discount_micro: l.discount_percent.micro(),
    });
    Ok(rows.collect())
}

/// When and how a standing order bills.
#[derive(Clone, Copy)]
struct Terms {
    from_on: NaiveDate,
    every_months: i64,
    end_on: Option<NaiveDate>,
    prorate: bool,
}

fn order_row(work: &Work<'_>, id: Uuid, customer_id: Uuid, source: &str, terms: Terms) -> StandingOrder {
    StandingOrder {
        org_id: work.tx.org(),
        id,
        version: 1,
        customer_id,
        source: source.to_owned(),
        from_on: terms.from_on,
        every_months: terms.every_months,
        end_on: terms.end_on,
        next_period_no: 0,
        next_period_on: Some(terms.from_on),
        prorate: terms.prorate,
        billed_before_no: 0,
        created_at: work.at,
        updated_at: work.at,
    }
}

/// Makes open-ended standing orders of the products a sync lists, and ends those it no longer lists (decision 19).
/// A new customer has none to end. A product that comes back while a billed period still runs goes on in its old order:
/// nobody pays twice for having been left out of a list by mistake.
pub(super) async fn sync_products(work: &Work<'_>, wanted: &[(Uuid, bool, Vec<String>)]) -> Result<(), Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let today = work.today();
    let products = store::by_number(&work.tx).await?;
    let customers: Vec<Uuid> = wanted.iter().filter(|(_, is_new, _)| !is_new).map(|(id, ..)| *id).collect();
    let mut held: HashMap<Uuid, Vec<(StandingOrder, String)>> = HashMap::new();
    for (order, number) in store::list_synced(&work.tx, &customers, today).await? {
        held.entry(order.customer_id).or_default().push((order, number));
    }
    let mut past: HashMap<(Uuid, String), StandingOrder> = HashMap::new();
    for (order, number) in store::list_ended_synced(&work.tx, &customers, today).await? {
        past.insert((order.customer_id, number), order);
    }
    let (mut orders, mut lines, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for (customer_id, _, numbers) in wanted {
        let has = held.remove(customer_id).unwrap_or_default();
        let kept: HashSet<&str> = has.iter().map(|(_, n)| n.as_str()).collect();
        for number in numbers.iter().filter(|n| !kept.contains(n.as_str())) {
            if let Some(order) = past.remove(&(*customer_id, number.clone())).and_then(|o| resumed(work, o, today)) {
                changed.push(order);
                continue;
            }
            let id = work.id();
            let every = products.get(number).map_or(12, |p: &Product| p.every_months);
            orders.push(order_row(
                work,
                id,
                *customer_id,
                "sync",
                Terms { from_on: today, every_months: every, end_on: None, prorate: false },
            ));
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
        for (order, number) in has {
            if !numbers.contains(&number) {
                changed.push(StandingOrder {
                    end_on: Some(today),
                    next_period_on: None,
                    version: order.version + 1,
                    updated_at: work.at,
                    ..order
                });
            } else if order.end_on.is_some() {
                changed.push(open_ended(work, order));
            }
        }
    }
    store::insert_orders(&work.tx, &orders, &lines).await?;
    Ok(store::update_orders(&work.tx, &changed).await?)
}

/// The order without its end.
fn open_ended(work: &Work<'_>, mut order: StandingOrder) -> StandingOrder {
    order.end_on = None;
    order.next_period_on = next_period_on(&order);
    order.version += 1;
    order.updated_at = work.at;
    order
}

/// An ended order goes on when what it billed last still runs, or it was billed once and for all.
fn resumed(work: &Work<'_>, order: StandingOrder, today: NaiveDate) -> Option<StandingOrder> {
    let order = open_ended(work, order);
    let after_all_billed = order.next_period_no.max(order.billed_before_no);
    let next = rhythm(&order).period(u32::try_from(after_all_billed).ok()?);
    (after_all_billed > 0 && next.is_none_or(|next| next.from_on > today)).then_some(order)
}

/// Frees the periods an invoice billed: the next run bills them again.
pub(super) async fn reopen_periods(work: &Work<'_>, invoice_id: Uuid) -> Result<(), Error> {
    let mut first: HashMap<Uuid, i64> = HashMap::new();
    for period in billing::free_periods(&work.tx, invoice_id).await? {
        let first = first.entry(period.standing_order_id).or_insert(period.period_no);
        *first = period.period_no.min(*first);
    }
    let ids: Vec<Uuid> = first.keys().copied().collect();
    let mut orders = store::lock_orders(&work.tx, &ids).await?;
    for order in &mut orders {
        let freed = first.get(&order.id).copied().unwrap_or(order.next_period_no);
        order.billed_before_no = order.billed_before_no.max(order.next_period_no);
        order.next_period_no = order.next_period_no.min(freed);
        order.next_period_on = next_period_on(order);
        order.version += 1;
        order.updated_at = work.at;
    }
    Ok(store::update_orders(&work.tx, &orders).await?)
}

/// When a standing order bills.
pub(super) fn rhythm(order: &StandingOrder) -> Rhythm {
    Rhythm {
        from_on: order.from_on,
        every_months: u32::try_from(order.every_months).unwrap_or_default(),
        end_on: order.end_on,
    }
}

/// First day of the next period to bill.
fn next_period_on(order: &StandingOrder) -> Option<NaiveDate> {
    rhythm(order).period(u32::try_from(order.next_period_no).ok()?).map(|p| p.from_on)
}

/// What may be changed of a standing order; what is left out stays. Periods billed before keep what they said.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StandingOrderPatch {
    /// First day of the first period; only before anything is billed.
    pub from_on: Option<NaiveDate>,
    /// Months in a period; only before anything is billed.
    pub every_months: Option<u16>,
    /// No period starts after this day; `null` goes on without end.
    #[serde(deserialize_with = "given")]
    pub end_on: Option<Option<NaiveDate>>,
    /// Bills only the days up to `end_on` of the last period.
    pub prorate: Option<bool>,
    /// What is billed each period from now on.
    pub lines: Option<Vec<NewStandingOrderLine>>,
}

/// Changes a standing order of the version the client saw.
pub async fn patch(ctx: &Ctx, actor: &Actor, id: Uuid, version: i64, patch: &StandingOrderPatch) -> Result<(), Error> {
    Error::unless_plausible("from_on", patch.from_on)?;
    Error::unless_plausible("end_on", patch.end_on.flatten())?;
    let work = Work::begin(ctx, actor).await?;
    let not_found = || Error::not_found("standing order");
    let seen = store::find_order(&work.tx, id).await?.ok_or_else(not_found)?;
    crate::store::customer::lock(&work.tx, &[seen.customer_id]).await?;
    let mut order = store::lock_order(&work.tx, id).await?.ok_or_else(not_found)?;
    Error::unless_seen("standing order", version, order.version)?;
    let billed = order.next_period_no > 0 || order.billed_before_no > 0;
    if billed && (patch.from_on.is_some() || patch.every_months.is_some()) {
        let message = "periods were billed already; end this order and make a new one";
        return Err(Error::conflict("periods_billed", message));
    }
    order.from_on = patch.from_on.unwrap_or(order.from_on);
    order.every_months = patch.every_months.map_or(order.every_months, i64::from);
    order.prorate = patch.prorate.unwrap_or(order.prorate);
    if let Some(end_on) = patch.end_on {
        order.end_on = end_on;
    }
    if order.end_on.is_some_and(|end| end < order.from_on) {
        return Err(Error::field("end_on", "before_start", "the end is on or after the first day"));
    }
    order.next_period_on = next_period_on(&order);
    order.version += 1;
    order.updated_at = work.at;
    if let Some(lines) = &patch.lines {
        let stored = store::lines_of(&work.tx, &[id]).await?;
        let same = stored.iter().map(|l| &l.product_number).eq(lines.iter().map(|l| &l.product_number));
        if order.source == "sync" && !same {
            let message = "a customer list keeps this order's product; make an order of its own for others";
            return Err(Error::conflict("kept_by_list", message));
        }
        let rows = line_rows(&work, id, lines).await?;
        store::replace_lines(&work.tx, id, &rows).await?;
    }
    if order.source == "sync" {
        // The customer is no longer what the last list made it.
        crate::store::customer::forget_list(&work.tx, order.customer_id).await?;
    }
    store::update_orders(&work.tx, &[order]).await?;
    work.done(Deed { verb: "standing_order.changed", subject: "standing_order", id, fields: "lines,end_on" }).await
}
