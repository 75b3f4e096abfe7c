//! The end of an organisation's agreement: a last day, thirty days to fetch what is its own, then all of it is deleted
//! (GDPR article 28 (3) (g); retention matrix, section 1, principle 9). Until then it can be called off.

use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::OrgTx;
use crate::store::ending::{self as store, Ending};
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Days between the last day and the deletion, in which everything can be fetched.
pub const GRACE_DAYS: u64 = 30;

/// How an agreement ends.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEnding {
    /// Last day: today or later; today when left out.
    pub ends_on: Option<NaiveDate>,
    /// The archive stays here until the years the bookkeeping act asks for are over: customers' relationships end on the last
    /// day, and nothing is deleted before its time. Left out, all is deleted thirty days after the last day.
    #[serde(default)]
    pub keep_archive: bool,
}

/// An end that is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EndingView {
    /// Last day of the agreement: nothing is billed or taken in after it.
    pub ends_on: NaiveDate,
    /// The day everything is deleted; none where the archive stays until its years are over.
    pub deleted_on: Option<NaiveDate>,
    /// Whether the archive stays here until its years are over.
    pub keep_archive: bool,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
}

impl From<Ending> for EndingView {
    fn from(row: Ending) -> Self {
        Self {
            ends_on: row.ends_on,
            deleted_on: row.deleted_on,
            keep_archive: row.keep_archive,
            asked_at: row.asked_at,
        }
    }
}

/// Sets the end of the agreement.
pub async fn end(ctx: &Ctx, actor: &Actor, new: &NewEnding) -> Result<(), Error> {
    let ends_on = new.ends_on.unwrap_or_else(|| ctx.today());
    if ends_on < ctx.today() {
        let message = "the last day is today or later: thirty days are left to fetch what is yours";
        return Err(Error::field("ends_on", "in_the_past", message));
    }
    Error::unless_plausible("ends_on", Some(ends_on))?;
    let work = Work::begin(ctx, actor).await?;
    if let Some(set) = store::find(&work.tx).await? {
        let message = format!("the agreement ends on {} already; call that off first", set.ends_on);
        return Err(Error::conflict("ends_already", message));
    }
    let deleted_on = ends_on.checked_add_days(Days::new(GRACE_DAYS)).filter(|_| !new.keep_archive);
    let row = Ending { org_id: actor.org, ends_on, deleted_on, keep_archive: new.keep_archive, asked_at: work.at };
    store::insert(&work.tx, row).await?;
    let deed =
        Deed { verb: "organisation.ending", subject: "organisation", id: actor.org, fields: "ends_on,keep_archive" };
    work.done(deed).await
}

/// Calls the end off: the agreement goes on. What relationships ended by it stay ended.
pub async fn call_off(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    if store::find(&work.tx).await?.is_none() {
        return Err(Error::not_found("end of the agreement"));
    }
    store::delete(&work.tx).await?;
    let deed = Deed { verb: "organisation.goes_on", subject: "organisation", id: actor.org, fields: "ends_on" };
    work.done(deed).await
}

/// The end that is set, if any.
pub async fn ending(ctx: &Ctx, actor: &Actor) -> Result<Option<EndingView>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let found = store::find(&tx).await?;
    tx.commit().await?;
    Ok(found.map(EndingView::from))
}

/// Refuses what an organisation whose agreement is over may not do any more: take customers in, bill, start runs.
pub async fn unless_over(tx: &OrgTx, today: NaiveDate) -> Result<(), Error> {
    match store::find(tx).await? {
        Some(set) if set.ends_on < today => {
            let until = set.deleted_on.map(|on| format!("; fetch what is yours before {on}, or call the end off"));
            let message = format!("the agreement ended on {}{}", set.ends_on, until.unwrap_or_default());
            Err(Error::conflict("agreement_ended", message))
        }
        _ => Ok(()),
    }
}
