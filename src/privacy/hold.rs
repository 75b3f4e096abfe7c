//! Holds: why something is kept although its time has come. Each has a kind, a reason, an owner and a day it is looked at
//! again; it delays only what its kind may delay, and nothing once it is released.

use crate::ctx::Ctx;
use crate::services::error::{Error, FieldError, Kind as No};
use crate::services::work::{Actor, Deed, Work};
use crate::store::clocks::Kind;
use crate::store::privacy::{self as store, HoldRow};
use chrono::{Days, Months, NaiveDate};
use domain::national_id::contains_national_id;
use domain::privacy::Hold;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Months until a hold is looked at again, at most.
const REVIEW_MONTHS: u32 = 12;
/// Days before the day of review on which it is told.
const SOON_DAYS: u64 = 7;

/// A hold to be placed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// dispute, claim, order, privacy_request or security. An open balance holds by itself.
    #[schema(example = "dispute")]
    pub kind: String,
    /// customer, contact, invoice, payment or user.
    #[schema(example = "invoice")]
    pub subject_kind: String,
    /// The thing.
    pub subject_id: Uuid,
    /// Why, for who reviews it.
    pub reason: String,
    /// Who sees to it: a role or a department.
    pub owner: String,
    /// The day it is looked at again: within twelve months.
    pub review_on: NaiveDate,
}

/// Places a hold.
pub async fn place(ctx: &Ctx, actor: &Actor, new: &NewHold) -> Result<Uuid, Error> {
    let (kind, subject) = checked(ctx, new)?;
    let work = Work::begin(ctx, actor).await?;
    let found = store::customer_of(&work.tx, subject, new.subject_id).await?;
    let customer_id = found.ok_or_else(|| {
        Error::field("subject_id", "unknown_subject", format!("there is no {} with this id", new.subject_kind))
    })?;
    let id = work.id();
    let row = HoldRow {
        org_id: actor.org,
        id,
        version: 1,
        kind: kind.as_str().to_owned(),
        subject_kind: new.subject_kind.clone(),
        subject_id: new.subject_id,
        customer_id,
        reason: new.reason.trim().to_owned(),
        owner: new.owner.trim().to_owned(),
        review_on: new.review_on,
        placed_at: work.at,
        released_at: None,
    };
    store::insert_hold(&work.tx, row).await?;
    work.done(Deed { verb: "privacy_hold.placed", subject: "privacy_hold", id, fields: "" }).await?;
    Ok(id)
}

fn checked(ctx: &Ctx, new: &NewHold) -> Result<(Hold, Kind), Error> {
    let mut errors = Vec::new();
    let mut find = |field: &str, code: &str, message: String| {
        errors.push(FieldError { field: field.to_owned(), code: code.to_owned(), message });
    };
    let kind = Hold::parse(&new.kind);
    match kind {
        None => {
            let known = Hold::ALL.iter().filter(|h| **h != Hold::OpenBalance).map(|h| h.as_str()).collect::<Vec<_>>();
            find("kind", "unknown_kind", format!("one of {}", known.join(", ")));
        }
        Some(Hold::OpenBalance) => {
            find("kind", "holds_by_itself", "what is owed holds by itself for as long as it is owed".to_owned());
        }
        Some(_) => {}
    }
    let subject = Kind::parse(&new.subject_kind);
    if subject.is_none() {
        find("subject_kind", "unknown_kind", "customer, contact, invoice, payment or user".to_owned());
    }
    for (field, text, most) in [("reason", &new.reason, 1_000), ("owner", &new.owner, 100)] {
        if text.trim().is_empty() || text.chars().count() > most {
            find(field, "required", format!("say it in 1 to {most} characters"));
        } else if contains_national_id(text) {
            find(field, Error::NATIONAL_ID, Error::NO_NATIONAL_ID.to_owned());
        }
    }
    let latest = ctx.today() + Months::new(REVIEW_MONTHS);
    if new.review_on <= ctx.today() || new.review_on > latest {
        find("review_on", "out_of_range", format!("a day after today, {latest} at the latest"));
    }
    match (kind, subject) {
        (Some(kind), Some(subject)) if errors.is_empty() => Ok((kind, subject)),
        _ => Err(Error::invalid(errors)),
    }
}

/// Looks at a hold again: it stands until the next day of review.
pub async fn review(ctx: &Ctx, actor: &Actor, id: Uuid, review_on: NaiveDate) -> Result<(), Error> {
    let latest = ctx.today() + Months::new(REVIEW_MONTHS);
    if review_on <= ctx.today() || review_on > latest {
        return Err(Error::field("review_on", "out_of_range", format!("a day after today, {latest} at the latest")));
    }
    let work = Work::begin(ctx, actor).await?;
    let mut row = standing(&work, id).await?;
    row.review_on = review_on;
    row.version += 1;
    store::update_hold(&work.tx, row).await?;
    work.done(Deed { verb: "privacy_hold.reviewed", subject: "privacy_hold", id, fields: "review_on" }).await
}

/// Releases a hold: what it delayed has its own time again, at once.
pub async fn release(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = standing(&work, id).await?;
    row.released_at = Some(work.at);
    row.version += 1;
    store::update_hold(&work.tx, row).await?;
    work.done(Deed { verb: "privacy_hold.released", subject: "privacy_hold", id, fields: "released_at" }).await
}

/// Tells of holds to be looked at within a week or late: an event, a log line and a figure. None is released by it.
pub async fn remind(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let today = work.today();
    let until = today.checked_add_days(Days::new(SOON_DAYS)).unwrap_or(today);
    let rows = store::list_holds(&work.tx, false, Uuid::nil(), u64::MAX >> 1).await?;
    let late = rows.iter().filter(|r| r.review_on < today).count();
    metrics::gauge!("reskontro_privacy_holds_late", "org" => actor.org.to_string())
        .set(f64::from(u32::try_from(late).unwrap_or(u32::MAX)));
    if late > 0 {
        tracing::error!(org.id = %actor.org, holds.late = late, "holds wait to be looked at");
    }
    let deed = |id| Deed { verb: "privacy_hold.review_due", subject: "privacy_hold", id, fields: "" };
    let due: Vec<Uuid> = rows.into_iter().filter(|r| r.review_on <= until).map(|r| r.id).collect();
    work.done_each(&due, deed).await
}

async fn standing(work: &Work<'_>, id: Uuid) -> Result<HoldRow, Error> {
    let row = store::lock_hold(&work.tx, id).await?.ok_or_else(|| Error::not_found("hold"))?;
    if row.released_at.is_some() {
        return Err(Error::refuse(No::Conflict, "already_released", "this hold was released; place a new one"));
    }
    Ok(row)
}

/// Holds after an id, released ones too when asked for.
pub async fn list(ctx: &Ctx, actor: &Actor, released: bool, after: Uuid, limit: u64) -> Result<Vec<HoldRow>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = store::list_holds(&tx, released, after, limit).await?;
    tx.commit().await?;
    Ok(rows)
}
