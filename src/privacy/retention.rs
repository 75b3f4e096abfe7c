//! The retention engine: a plan says what is due by which rule and what is held; carrying it out deletes in batches, and the
//! report counts, naming nobody. A policy nobody has approved is only planned with.

use super::archive::fiscal_start;
use super::erase;
use super::hand_over;
use super::ledger;
use super::policy::{self, Version};
use super::steps::Step;
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::user;
use crate::services::work::{Actor, Deed, Work};
use crate::store::retention::{self as store, Cutoff, Report, SWEEPS, Sweep};
use chrono::{DateTime, Duration, NaiveTime, Utc};
use chrono_tz::Europe::Oslo;
use domain::privacy::{Period, Rule, RuleId, financial_year_cutoff};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Rows deleted in one transaction: billing never waits long.
const BATCH: u64 = 500;
/// Reports shown at most.
const SHOWN: u64 = 100;

/// What is due by one rule, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Item {
    /// The clock.
    #[schema(value_type = String, example = "customer_master")]
    pub rule: RuleId,
    /// What the rows are.
    pub what: String,
    /// How long they are kept, as an ISO 8601 period.
    #[schema(value_type = String, example = "P90D")]
    pub period: Period,
    /// How many are due.
    pub due: i64,
    /// How many are kept by a hold although their time has come.
    pub held: i64,
    /// How many were deleted.
    pub deleted: i64,
}

/// A plan, or the report of one that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Plan {
    /// The plan.
    pub id: Uuid,
    /// Version of the policy it was made by.
    pub policy_version: i64,
    /// dry_run while nobody has approved the policy, planned, or done.
    pub state: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// When it was carried out.
    pub executed_at: Option<DateTime<Utc>>,
    /// What is due, by rule.
    pub items: Vec<Item>,
}

/// A rule of the policy and the first point in time that is too young for it; `start` is the first month of the financial year.
fn due_by<'a>(ctx: &Ctx, version: &'a Version, start: u32, sweep: &Sweep) -> Option<(&'a Rule, Period, Cutoff)> {
    let rule = version.policy.rule(sweep.rule)?;
    let period = rule.period?;
    let by_year = rule.trigger.is_financial_year();
    let day = if by_year { financial_year_cutoff(ctx.today(), period, start) } else { period.cutoff(ctx.today()) };
    let midnight = day.and_time(NaiveTime::MIN).and_local_timezone(Oslo).earliest()?;
    let on_its_way_since = ctx.now() - Duration::days(erase::IN_FLIGHT_DAYS);
    Some((rule, period, Cutoff { day, at: midnight.with_timezone(&Utc), on_its_way_since }))
}

/// Looks at what is due, and keeps the plan.
pub async fn plan(ctx: &Ctx, actor: &Actor) -> Result<Uuid, Error> {
    let work = Work::retain(ctx, actor).await?;
    let version = policy::on(&work.tx, ctx.today()).await?;
    let start = fiscal_start(&work.tx).await?;
    let mut items = Vec::new();
    for sweep in SWEEPS {
        let Some((rule, period, cutoff)) = due_by(ctx, &version, start, sweep) else { continue };
        let counted = sweep.count(&work.tx, cutoff, &rule.holds).await?;
        items.push(Item {
            rule: sweep.rule,
            what: sweep.what.to_owned(),
            period,
            due: counted.due,
            held: counted.held,
            deleted: 0,
        });
    }
    for step in Step::ALL {
        if let Some((period, counted)) = step.count(ctx, &work.tx, &version).await? {
            let (rule, what) = (step.rule(), step.what().to_owned());
            items.push(Item { rule, what, period, due: counted.due, held: counted.held, deleted: 0 });
        }
    }
    let id = work.id();
    let row = Report {
        org_id: actor.org,
        id,
        policy_version_no: version.version_no,
        state: if version.approved_at.is_some() { "planned" } else { "dry_run" }.to_owned(),
        content: to_content(&items)?,
        made_at: work.at,
        executed_at: None,
    };
    store::insert_report(&work.tx, row).await?;
    work.done(Deed { verb: "privacy_retention.planned", subject: "privacy_retention", id, fields: "" }).await?;
    Ok(id)
}

/// Carries a plan out by the policy in force. What came due meanwhile goes too; what was held meanwhile stays.
pub async fn execute(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let tx = ctx.db.read(actor.org).await?;
    let report = store::find_report(&tx, id).await?.ok_or_else(|| Error::not_found("retention plan"))?;
    let version = policy::on(&tx, ctx.today()).await?;
    let start = fiscal_start(&tx).await?;
    tx.commit().await?;
    if report.state == "done" {
        return Err(Error::conflict("already_executed", "this plan was carried out; make a new one"));
    }
    if version.approved_at.is_none() {
        let message = match version.version_no {
            0 => "no policy is published; publish one, look at its plan, then approve it".to_owned(),
            n => format!(
                "version {n} of the policy is not approved; look at the plan, then approve it: privacy policy approve {n}"
            ),
        };
        return Err(Error::conflict("policy_not_approved", message));
    }
    let mut items = of_content(&report)?;
    for sweep in SWEEPS {
        let Some((rule, period, cutoff)) = due_by(ctx, &version, start, sweep) else { continue };
        let mut deleted = 0;
        loop {
            let tx = ctx.db.retain(actor.org).await?;
            let done = sweep.carry_out(&tx, cutoff, &rule.holds, BATCH).await?;
            tx.commit().await?;
            deleted += i64::try_from(done).unwrap_or_default();
            if done < BATCH {
                break;
            }
        }
        add(&mut items, sweep.rule, sweep.what, period, deleted);
    }
    for step in Step::ALL {
        let deleted = i64::try_from(step.carry_out(ctx, actor, &version).await?).unwrap_or(i64::MAX);
        if let Some(period) = version.policy.rule(step.rule()).and_then(|r| r.period) {
            add(&mut items, step.rule(), step.what(), period, deleted);
        }
    }
    erase::continue_waiting(ctx, actor).await?;
    hand_over::continue_confirmed(ctx, actor).await?;
    ctx.db.truncate_log().await?;
    let work = Work::begin(ctx, actor).await?;
    let row = Report {
        state: "done".to_owned(),
        policy_version_no: version.version_no,
        content: to_content(&items)?,
        executed_at: Some(work.at),
        ..report
    };
    store::update_report(&work.tx, row).await?;
    work.done(Deed { verb: "privacy_retention.executed", subject: "privacy_retention", id, fields: "" }).await
}

fn add(items: &mut Vec<Item>, rule: RuleId, what: &str, period: Period, deleted: i64) {
    match items.iter_mut().find(|i| i.rule == rule && i.what == what) {
        Some(item) => item.deleted += deleted,
        None if deleted == 0 => {}
        None => items.push(Item { rule, what: what.to_owned(), period, due: 0, held: 0, deleted }),
    }
}

/// The nightly run: a plan, carried out where the policy is approved.
pub async fn nightly(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    // What was asked for does not wait for the policy.
    ledger::settle(ctx).await?;
    erase::continue_waiting(ctx, actor).await?;
    user::remove_orphans(ctx).await?;
    let id = plan(ctx, actor).await?;
    if policy::current(ctx, actor).await?.approved_at.is_none() {
        return Ok(());
    }
    execute(ctx, actor, id).await
}

/// Plans and reports, the newest first.
pub async fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Plan>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = store::list_reports(&tx, SHOWN).await?;
    tx.commit().await?;
    rows.into_iter().map(shown).collect()
}

/// A plan or a report.
pub async fn get(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Plan, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let row = store::find_report(&tx, id).await?.ok_or_else(|| Error::not_found("retention plan"))?;
    tx.commit().await?;
    shown(row)
}

fn shown(row: Report) -> Result<Plan, Error> {
    let items = of_content(&row)?;
    let Report { id, policy_version_no: policy_version, state, made_at, executed_at, .. } = row;
    Ok(Plan { id, policy_version, state, made_at, executed_at, items })
}

fn to_content(items: &[Item]) -> Result<String, Error> {
    Ok(serde_json::to_string(items).map_err(|_| crate::store::Error::inconsistent("privacy_retention", "content"))?)
}

fn of_content(row: &Report) -> Result<Vec<Item>, Error> {
    Ok(serde_json::from_str(&row.content)
        .map_err(|_| crate::store::Error::inconsistent("privacy_retention", "content"))?)
}
