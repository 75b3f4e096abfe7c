//! Addresses nobody signs in from. The service blocks one for a while when too many sign-ins failed there; a person blocks an
//! address or a range with a reason, until a day on which it is looked at again: without a look it is lifted then.

use super::policy;
use crate::ctx::Ctx;
use crate::services::error::{Error, FieldError, Kind};
use crate::services::sign_in::BY_SERVICE;
use crate::services::work::{Actor, Deed, Work};
use crate::store::organisation;
use crate::store::sign_in::{self as store, Block};
use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use domain::national_id::contains_national_id;
use domain::network::Range;
use domain::privacy::RuleId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Characters of a reason, at most.
const REASON: usize = 200;
/// Days before its review in which a block is warned of.
const WARNED_DAYS: u64 = 14;

/// A block to be placed by a person.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBlock {
    /// An address, or a range such as `192.0.2.0/24`.
    #[schema(example = "192.0.2.0/24")]
    pub range: String,
    /// Why; it names nobody.
    pub reason: String,
    /// The day it is looked at again: six months from now at the latest, and when left out.
    pub review_on: Option<NaiveDate>,
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BlockView {
    /// The block.
    pub id: Uuid,
    /// The address or range.
    #[schema(example = "192.0.2.0/24")]
    pub range: String,
    /// Who placed it: service, operator or api_key.
    pub placed_by: String,
    /// Why.
    pub reason: String,
    /// How many times in a row the service blocked it.
    pub times: i64,
    /// Since when.
    pub since_at: DateTime<Utc>,
    /// When it ends by itself, where the service placed it.
    pub until_at: Option<DateTime<Utc>>,
    /// The day it is looked at again, where a person placed it; not looked at, it is lifted the day after.
    pub review_on: Option<NaiveDate>,
    /// Whether nobody signs in from there now.
    pub in_force: bool,
}

impl BlockView {
    fn of(row: Block, now: DateTime<Utc>) -> Self {
        let in_force = row.until_at.is_none_or(|until| until > now);
        let Block { id, range, placed_by, reason, times, since_at, until_at, review_on } = row;
        Self { id, range, placed_by, reason, times, since_at, until_at, review_on, in_force }
    }
}

/// The last day on which a block may be looked at: by the shortest time any organisation's policy gives.
async fn latest_review(ctx: &Ctx) -> Result<NaiveDate, Error> {
    let tx = ctx.db.system_look().await?;
    let orgs = organisation::list_ids(&tx).await?;
    tx.commit().await?;
    let today = ctx.today();
    let own = RuleId::BlockedAddress.facts().period.map_or(today, |p| p.after(today));
    let mut latest = own;
    for org in orgs {
        let tx = ctx.db.read(org).await?;
        let policy = policy::on(&tx, today).await?.policy;
        tx.commit().await?;
        if let Some(period) = policy.rule(RuleId::BlockedAddress).and_then(|r| r.period) {
            latest = latest.min(period.after(today));
        }
    }
    Ok(latest)
}

fn unless_in_time(ctx: &Ctx, day: NaiveDate, latest: NaiveDate) -> Result<(), Error> {
    if day > ctx.today() && day <= latest {
        return Ok(());
    }
    let message = format!("a day after today, {latest} at the latest");
    Err(Error::field("review_on", "out_of_range", message))
}

fn checked(new: &NewBlock) -> Result<Range, Error> {
    let mut errors = Vec::new();
    let mut find = |field: &str, code: &str, message: String| {
        errors.push(FieldError { field: field.to_owned(), code: code.to_owned(), message });
    };
    let range = new.range.parse::<Range>();
    match &range {
        Err(bad) => find("range", "not_a_range", bad.to_string()),
        Ok(range) if range.is_vast() => {
            find(
                "range",
                "too_wide",
                "at least 8 bits of IPv4 or 16 of IPv6: more would shut out half a country".to_owned(),
            );
        }
        Ok(_) => {}
    }
    if new.reason.trim().is_empty() || new.reason.chars().count() > REASON {
        find("reason", "required", format!("say in 1 to {REASON} characters why"));
    } else if contains_national_id(&new.reason) {
        find("reason", Error::NATIONAL_ID, Error::NO_NATIONAL_ID.to_owned());
    }
    match range {
        Ok(range) if errors.is_empty() => Ok(range),
        _ => Err(Error::invalid(errors)),
    }
}

/// Blocks an address or a range. What the service blocked of the same range becomes this block.
pub async fn place(ctx: &Ctx, actor: &Actor, new: &NewBlock) -> Result<Uuid, Error> {
    let range = checked(new)?;
    let latest = latest_review(ctx).await?;
    let review_on = new.review_on.unwrap_or(latest);
    unless_in_time(ctx, review_on, latest)?;
    let work = Work::begin(ctx, actor).await?;
    store::lock_blocks(&work.tx).await?;
    let before = store::find_blocks(&work.tx, &[range.to_string()]).await?.into_iter().next();
    if let Some(standing) = before.as_ref().filter(|b| b.placed_by != BY_SERVICE) {
        let message = format!("{range} is blocked already, as {}; look at it again or lift it", standing.id);
        return Err(Error::conflict("blocked_already", message));
    }
    let row = Block {
        id: before.as_ref().map_or_else(|| work.id(), |b| b.id),
        range: range.to_string(),
        placed_by: actor.kind.as_str().to_owned(),
        reason: new.reason.trim().to_owned(),
        times: 1,
        since_at: work.at,
        until_at: None,
        review_on: Some(review_on),
    };
    let id = row.id;
    match before {
        Some(_) => store::update_block(&work.tx, row).await?,
        None => store::insert_block(&work.tx, row).await?,
    }
    work.done(Deed { verb: "address.blocked", subject: "blocked_address", id, fields: "" }).await?;
    Ok(id)
}

async fn find(work: &Work<'_>, id: Uuid) -> Result<Block, Error> {
    store::lock_blocks(&work.tx).await?;
    store::find_block(&work.tx, id).await?.ok_or_else(|| Error::not_found("blocked address"))
}

/// Looks at a block again: it stands until the next day of review.
pub async fn review(ctx: &Ctx, actor: &Actor, id: Uuid, review_on: Option<NaiveDate>) -> Result<(), Error> {
    let latest = latest_review(ctx).await?;
    let review_on = review_on.unwrap_or(latest);
    unless_in_time(ctx, review_on, latest)?;
    let work = Work::begin(ctx, actor).await?;
    let row = find(&work, id).await?;
    if row.placed_by == BY_SERVICE {
        let message = "the service placed this block and it ends by itself; block the address with a reason to keep it";
        return Err(Error::conflict("ends_by_itself", message));
    }
    store::update_block(&work.tx, Block { review_on: Some(review_on), ..row }).await?;
    work.done(Deed { verb: "address.reviewed", subject: "blocked_address", id, fields: "review_on" }).await
}

/// Lifts a block, whoever placed it.
pub async fn lift(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    find(&work, id).await?;
    store::delete_block(&work.tx, id).await?;
    work.done(Deed { verb: "address.unblocked", subject: "blocked_address", id, fields: "" }).await
}

/// Every block, the newest first.
pub async fn list(ctx: &Ctx) -> Result<Vec<BlockView>, Error> {
    let tx = ctx.db.system_look().await?;
    let rows = store::list_blocks(&tx).await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(|row| BlockView::of(row, ctx.now())).collect())
}

/// Whether a block has had its time: its day of review has passed, or the service's is over and forgotten.
fn is_over(ctx: &Ctx, row: &Block) -> bool {
    let forgotten = Duration::hours(ctx.config.sign_in.longest_block_hours);
    row.review_on.is_some_and(|day| day < ctx.today())
        || row.until_at.is_some_and(|until| until + forgotten <= ctx.now())
}

/// How many blocks have had their time.
pub(super) async fn count_over(ctx: &Ctx) -> Result<i64, Error> {
    let tx = ctx.db.system_look().await?;
    let rows = store::list_blocks(&tx).await?;
    tx.commit().await?;
    Ok(i64::try_from(rows.iter().filter(|row| is_over(ctx, row)).count()).unwrap_or(i64::MAX))
}

/// Lifts blocks that have had their time, and warns of those whose review is near; how many were lifted.
pub(super) async fn lift_over(ctx: &Ctx) -> Result<u64, Error> {
    let tx = ctx.db.system().await?;
    store::lock_blocks(&tx).await?;
    let soon = ctx.today() + Days::new(WARNED_DAYS);
    let (mut lifted, mut near) = (0, 0_u32);
    for row in store::list_blocks(&tx).await? {
        if is_over(ctx, &row) {
            store::delete_block(&tx, row.id).await?;
            if row.placed_by != BY_SERVICE {
                tracing::warn!(block.id = %row.id, "a block of an address was lifted: nobody looked at it again in time");
            }
            lifted += 1;
        } else if row.review_on.is_some_and(|day| day <= soon) {
            tracing::warn!(block.id = %row.id, block.review_on = ?row.review_on, "a block of an address is to be looked at again, or is lifted");
            near += 1;
        }
    }
    tx.commit().await?;
    metrics::gauge!("reskontro_blocked_addresses_to_review").set(f64::from(near));
    Ok(lifted)
}

/// Addresses belong to the installation: over the API they are blocked where one organisation has it for itself.
pub async fn unless_shared(ctx: &Ctx) -> Result<(), Error> {
    let tx = ctx.db.system_look().await?;
    let orgs = organisation::list_ids(&tx).await?;
    tx.commit().await?;
    if orgs.len() <= 1 {
        return Ok(());
    }
    let message = "several organisations share this installation, and a block concerns all: its operator blocks addresses, \
                   with `reskontro address`";
    Err(Error::refuse(Kind::Forbidden, "operator_only", message))
}
