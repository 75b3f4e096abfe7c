//! Restriction of processing (GDPR article 18): what is restricted, the day it is looked at again, and lifting it. One that nobody
//! looks at would keep the data past every term: `remind` tells of it.

use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::customer as customers;
use crate::store::request as store;
use chrono::{DateTime, Days, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Months until a restriction is looked at for the first time.
const FIRST_REVIEW_MONTHS: u32 = 3;
/// Months until it is looked at again, at most.
const REVIEW_MONTHS: u32 = 12;
/// Days before a review on which it is told.
const SOON_DAYS: u64 = 7;

/// A customer whose data is only stored.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Restricted {
    /// The customer.
    pub customer_id: Uuid,
    /// Since when.
    pub restricted_at: DateTime<Utc>,
    /// The day it is looked at again.
    pub review_on: NaiveDate,
    /// Days left; negative when it is late.
    pub days_left: i64,
}

/// When a restriction is looked at again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NextReview {
    /// A day within twelve months.
    pub review_on: NaiveDate,
}

/// Restricts a customer's data from now on, as part of a larger work. What is restricted already keeps its day.
pub(super) async fn place(work: &Work<'_>, customer: Uuid) -> Result<(), Error> {
    let row = locked(work, customer).await?;
    if row.restricted_at.is_none() {
        let review_on = work.today() + Months::new(FIRST_REVIEW_MONTHS);
        store::restrict(&work.tx, customer, Some((work.at, review_on))).await?;
    }
    Ok(())
}

async fn locked(work: &Work<'_>, customer: Uuid) -> Result<customers::CustomerRow, Error> {
    let found = customers::lock(&work.tx, &[customer]).await?.into_iter().next();
    found.ok_or_else(|| Error::not_found("customer"))
}

fn not_restricted() -> Error {
    Error::conflict("not_restricted", "the customer's data is not restricted")
}

/// Looks at a restriction again: it stands until the next day of review.
pub async fn review(ctx: &Ctx, actor: &Actor, customer: Uuid, next: &NextReview) -> Result<(), Error> {
    let latest = ctx.today() + Months::new(REVIEW_MONTHS);
    if next.review_on <= ctx.today() || next.review_on > latest {
        return Err(Error::field("review_on", "out_of_range", format!("a day after today, {latest} at the latest")));
    }
    let work = Work::begin(ctx, actor).await?;
    let since = locked(&work, customer).await?.restricted_at.ok_or_else(not_restricted)?;
    store::restrict(&work.tx, customer, Some((since, next.review_on))).await?;
    let fields = "restriction_review_on";
    work.done(Deed { verb: "customer.restriction_reviewed", subject: "customer", id: customer, fields }).await
}

/// Lifts the restriction of a customer: only after the person has been told (article 18 (3)).
pub async fn lift(ctx: &Ctx, actor: &Actor, customer: Uuid, person_told: bool) -> Result<(), Error> {
    if !person_told {
        let message = "tell the person first, and say that you have (article 18 (3))";
        return Err(Error::field("person_told", "required", message));
    }
    let work = Work::begin(ctx, actor).await?;
    locked(&work, customer).await?.restricted_at.ok_or_else(not_restricted)?;
    store::restrict(&work.tx, customer, None).await?;
    work.done(Deed { verb: "customer.restriction_lifted", subject: "customer", id: customer, fields: "restricted_at" })
        .await
}

/// Customers whose data is restricted, the one to be looked at first on top.
pub async fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Restricted>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = store::list_restricted(&tx).await?;
    tx.commit().await?;
    let today = ctx.today();
    let shown = rows.into_iter().map(|r| Restricted {
        customer_id: r.customer_id,
        restricted_at: r.restricted_at,
        review_on: r.review_on,
        days_left: (r.review_on - today).num_days(),
    });
    Ok(shown.collect())
}

/// Tells of restrictions to be looked at within a week or late: an event, a log line and a figure.
pub async fn remind(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let today = work.today();
    let until = today.checked_add_days(Days::new(SOON_DAYS)).unwrap_or(today);
    let rows = store::list_restricted(&work.tx).await?;
    let late = rows.iter().filter(|r| r.review_on < today).count();
    metrics::gauge!("reskontro_privacy_restrictions_late", "org" => actor.org.to_string())
        .set(f64::from(u32::try_from(late).unwrap_or(u32::MAX)));
    if late > 0 {
        tracing::error!(org.id = %actor.org, restrictions.late = late, "restrictions of processing wait to be looked at");
    }
    let deed = |id| Deed { verb: "customer.restriction_due", subject: "customer", id, fields: "" };
    let due: Vec<Uuid> = rows.into_iter().filter(|r| r.review_on <= until).map(|r| r.customer_id).collect();
    work.done_each(&due, deed).await
}
