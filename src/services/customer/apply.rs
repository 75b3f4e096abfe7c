//! Applies a planned sync: one transaction, all or nothing.

use super::classify::{Action, BY_LIST, PlanRow};
use super::plan::{PART_ROWS, PlanReport, find_plan, parse_part};
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::organisation::unless_over;
use crate::services::standing_order::sync_products;
use crate::services::work::{Actor, Deed, Work};
use crate::store::customer::{self as store, Batch, Customer, CustomerRow};
use crate::store::organisation::{self, Counter};
use crate::store::{bulk, plan as plans, product};
use chrono::NaiveDate;
use domain::customer::Field;
use domain::hex;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// What was applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Applied {
    /// Customers made.
    pub created: u64,
    /// Customers changed or reopened.
    pub changed: u64,
    /// Customers ended.
    pub ended: u64,
}

impl PlanReport {
    /// What applying the plan did.
    fn applied(&self) -> Applied {
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let (created, ended) = (number(self.summary.counts.new), number(self.summary.counts.ending));
        Applied { created, changed: u64::try_from(self.changes).unwrap_or_default() - created - ended, ended }
    }
}

/// Applies a plan; asked again, it says what was done. 409 when data it touches moved since; a plan that trips the guard needs `force`.
pub async fn apply(ctx: &Ctx, actor: &Actor, id: Uuid, force: bool) -> Result<Applied, Error> {
    match apply_now(ctx, actor, id, force).await {
        Err(Error::Replayed { .. }) => Ok(find_plan(ctx, actor, id).await?.applied()),
        other => other,
    }
}

async fn apply_now(ctx: &Ctx, actor: &Actor, id: Uuid, force: bool) -> Result<Applied, Error> {
    let work = Work::begin(ctx, actor).await?;
    unless_over(&work.tx, work.today()).await?;
    // Locks the organisation before the plan, as an erasure does: no other sync makes or ends customers until we are done.
    let counter = organisation::take_numbers(&work.tx, Counter::Sync, 0).await?;
    let plan = plans::lock(&work.tx, id).await?.ok_or_else(|| Error::not_found("customer sync"))?;
    match plan.status.as_str() {
        "planned" if plan.expires_at > work.at => {}
        "planned" | "expired" => return Err(Error::conflict("plan_expired", "the plan is too old; make a new one")),
        "applied" => return Err(Error::conflict("plan_applied", "this plan was applied before")),
        _ => return Err(Error::conflict("plan_discarded", "this plan was discarded; make a new one")),
    }
    if plan.guard_trips && !force {
        let message = "the plan would end more customers than the guard allows; check that the whole list is there, \
                       or apply with force";
        return Err(Error::conflict("mass_end_guard", message));
    }
    if counter != plan.sync_counter {
        return Err(stale());
    }
    bulk::prefer_indexes(&work.tx).await?;
    let mut applied = Applied::default();
    let mut part_no = 0;
    let total = usize::try_from(plan.changes).unwrap_or_default();
    if total > PART_ROWS {
        lock_all(&work, id).await?;
    }
    let tracker = ctx.progress.begin(actor.org, "customer_sync.apply", total);
    while let Some(content) = plans::part(&work.tx, id, part_no).await? {
        let rows = parse_part(&content)?;
        let count = rows.len();
        apply_part(&work, rows, &mut applied).await?;
        tracker.advance(count);
        part_no += 1;
    }
    let moved = i64::try_from(applied.created + applied.ended).unwrap_or(i64::MAX);
    organisation::take_numbers(&work.tx, Counter::Sync, moved).await?;
    plans::finish(&work.tx, id, "applied", Some(work.at)).await?;
    work.done(Deed { verb: "customer_sync.applied", subject: "customer_sync", id, fields: "" }).await?;
    Ok(applied)
}

/// Locks the customers of all parts at once, in order of ids: a run that locks some of them meanwhile waits, and does not
/// wait for us while we wait for it.
async fn lock_all(work: &Work<'_>, id: Uuid) -> Result<(), Error> {
    #[derive(serde::Deserialize)]
    struct Named {
        id: Option<Uuid>,
    }
    let mut ids = Vec::new();
    let mut part_no = 0;
    while let Some(content) = plans::part(&work.tx, id, part_no).await? {
        let rows: Vec<Named> = serde_json::from_str(&content)
            .map_err(|_| crate::store::Error::inconsistent("customer_plan_part", "content"))?;
        ids.extend(rows.into_iter().filter_map(|r| r.id));
        part_no += 1;
    }
    store::lock(&work.tx, &ids).await?;
    Ok(())
}

fn stale() -> Error {
    Error::conflict("plan_stale", "customers have changed since the plan was made; make a new plan")
}

async fn apply_part(work: &Work<'_>, rows: Vec<PlanRow>, applied: &mut Applied) -> Result<(), Error> {
    let known: Vec<Uuid> = rows.iter().filter_map(|r| r.id).collect();
    let stored: HashMap<Uuid, CustomerRow> =
        store::lock(&work.tx, &known).await?.into_iter().map(|r| (r.id, r)).collect();
    let makes = rows.iter().filter(|r| r.action == Action::New).count();
    let makes = i64::try_from(makes).unwrap_or(i64::MAX);
    let mut kid_no = organisation::take_numbers(&work.tx, Counter::KidCustomer, makes).await?;
    let (mut new, mut changed, mut ended) = (Batch::default(), Batch::default(), Vec::new());
    let mut products: Vec<(Uuid, bool, Vec<String>)> = Vec::new();
    let today = work.today();
    for row in rows {
        let existing = match (row.id, row.version) {
            (Some(id), Some(version)) => Some(stored.get(&id).filter(|s| s.version == version).ok_or_else(stale)?),
            _ => None,
        };
        let Some(mut record) = row.record else {
            let before = existing.ok_or_else(stale)?;
            let on = row.ended_on.unwrap_or(today);
            ended.push(ended_row(work, before, today, on, row.ended_reason, BY_LIST));
            applied.ended += 1;
            continue;
        };
        let id = existing.map_or_else(|| work.id(), |e| e.id);
        let list_digest = row.digest.as_deref().and_then(hex::decode);
        let called_off = row.fields.iter().any(|f| f.field == "ended_on");
        let names_products = row.fields.iter().any(|f| f.field == "standard_products");
        let touches_products = existing.is_none() || names_products || row.action == Action::Reopen;
        if touches_products {
            products.push((id, existing.is_none(), record.products().into_iter().map(str::to_owned).collect()));
        }
        record.set(Field::StandardProducts, None);
        let kind = record.get(Field::Kind).unwrap_or("person").to_owned();
        let customer = match existing {
            Some(before) if called_off || row.action == Action::Reopen => {
                CustomerRow { kind, list_digest, ..staying_row(work, before) }
            }
            Some(before) => {
                // Without a digest something was changed by hand, and what the list says of products may still differ.
                let list_digest = list_digest.filter(|_| touches_products || before.list_digest.is_some());
                CustomerRow { version: before.version + 1, kind, list_digest, updated_at: work.at, ..before.clone() }
            }
            None => {
                kid_no += 1;
                CustomerRow { list_digest, ..new_row(work, id, kind, kid_no - 1) }
            }
        };
        let batch = if existing.is_none() { &mut new } else { &mut changed };
        batch.push(Customer { row: customer, record, guardian_objects: false }, existing.is_none(), || work.id());
    }
    applied.created += u64::try_from(new.len()).unwrap_or_default();
    applied.changed += u64::try_from(changed.len()).unwrap_or_default();
    if !new.is_empty() {
        new.write(&work.tx).await?;
    }
    if !changed.is_empty() {
        changed.write(&work.tx).await?;
    }
    keep_ended(work, &ended).await?;
    sync_products(work, &products).await
}

/// The row of a customer that ends: at once, or on a day to come.
pub(super) fn ended_row(
    work: &Work<'_>,
    before: &CustomerRow,
    today: NaiveDate,
    on: NaiveDate,
    reason: Option<String>,
    by: &str,
) -> CustomerRow {
    CustomerRow {
        version: before.version + 1,
        status: if on <= today { "ended" } else { "active" }.to_owned(),
        ended_on: Some(on),
        ended_reason: reason,
        ended_by: Some(by.to_owned()),
        list_digest: None,
        updated_at: work.at,
        ..before.clone()
    }
}

/// The row of a customer that stays after all.
pub(super) fn staying_row(work: &Work<'_>, before: &CustomerRow) -> CustomerRow {
    CustomerRow {
        version: before.version + 1,
        status: "active".to_owned(),
        ended_on: None,
        ended_reason: None,
        ended_by: None,
        list_digest: None,
        updated_at: work.at,
        ..before.clone()
    }
}

/// Writes endings. Who ends now is billed for nothing more; an ending to come leaves the standing orders alone: billing
/// looks at the customer's last day.
pub(super) async fn keep_ended(work: &Work<'_>, ended: &[CustomerRow]) -> Result<(), Error> {
    store::update_rows(&work.tx, ended).await?;
    end_orders(work, ended, false).await
}

/// Ends the standing orders of customers that have ended. What began before the last day stays due where it was
/// `planned`.
pub(super) async fn end_orders(work: &Work<'_>, ended: &[CustomerRow], planned: bool) -> Result<(), Error> {
    let mut by_day: BTreeMap<NaiveDate, Vec<Uuid>> = BTreeMap::new();
    for row in ended.iter().filter(|r| r.status == "ended") {
        by_day.entry(row.ended_on.unwrap_or_default()).or_default().push(row.id);
    }
    for (on, ids) in by_day {
        product::end_orders_of(&work.tx, &ids, on, planned).await?;
    }
    Ok(())
}

/// The row of a customer nobody has seen before.
pub(super) fn new_row(work: &Work<'_>, id: Uuid, kind: String, kid_customer_no: i64) -> CustomerRow {
    CustomerRow {
        org_id: work.tx.org(),
        id,
        version: 1,
        kind,
        status: "active".to_owned(),
        ended_on: None,
        ended_reason: None,
        ended_by: None,
        list_digest: None,
        mail_ground: None,
        kid_customer_no,
        restricted_at: None,
        handed_over_at: None,
        restriction_review_on: None,
        created_at: work.at,
        updated_at: work.at,
    }
}

/// Discards a plan and its rows.
pub async fn discard(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let plan = plans::lock(&work.tx, id).await?.ok_or_else(|| Error::not_found("customer sync"))?;
    if plan.status != "planned" {
        return Err(Error::conflict("plan_applied", "only a plan that waits can be discarded"));
    }
    plans::finish(&work.tx, id, "discarded", None).await?;
    work.done(Deed { verb: "customer_sync.discarded", subject: "customer_sync", id, fields: "" }).await
}
