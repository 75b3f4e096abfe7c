//! Nightly work: ledger checked, old keys, plans and links forgotten, audit sealed.

use super::error::Error;
use super::seen;
use super::work::Actor;
use crate::ctx::Ctx;
use crate::store::job::Job;
use crate::store::{idempotency, job as jobs, payer, plan, user, webhook};
use chrono::Duration;
use uuid::Uuid;

/// Hours an idempotency key is remembered.
const KEY_HOURS: i64 = 48;
/// Days a finished job is remembered.
const JOB_DAYS: i64 = 30;

/// Days a payer's link that has expired is remembered.
const LINK_DAYS: i64 = 30;

/// Hours an ended session is remembered.
const SESSION_HOURS: i64 = 24;

/// A job row, due now.
pub fn job(ctx: &Ctx, org_id: Uuid, name: &str, dedupe_key: &str, subject_id: Option<Uuid>) -> Job {
    let now = ctx.now();
    Job {
        org_id,
        id: ctx.id(),
        name: name.to_owned(),
        dedupe_key: dedupe_key.to_owned(),
        subject_id,
        state: "queued".to_owned(),
        run_at: now,
        attempts: 0,
        lease_until: None,
        last_error: None,
        created_at: now,
        finished_at: None,
    }
}

/// Forgets what has had its time: idempotency keys, finished jobs, plans never applied, webhooks that were dealt with,
/// payers' links, sessions that are over.
pub async fn forget_old(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let now = ctx.now();
    let tx = ctx.db.write(actor.org).await?;
    idempotency::forget(&tx, now - Duration::hours(KEY_HOURS)).await?;
    jobs::forget(&tx, now - Duration::days(JOB_DAYS)).await?;
    webhook::forget(&tx, now - Duration::days(super::webhook::KEEP_DAYS)).await?;
    payer::forget_links(&tx, now - Duration::days(LINK_DAYS)).await?;
    payer::forget_sessions(&tx, now).await?;
    for id in plan::list_expired(&tx, now).await? {
        plan::finish(&tx, id, "expired", None).await?;
    }
    tx.commit().await?;
    let tx = ctx.db.system().await?;
    user::forget_sessions(&tx, now - Duration::hours(SESSION_HOURS)).await?;
    tx.commit().await?;
    seen::compact(ctx).await
}
