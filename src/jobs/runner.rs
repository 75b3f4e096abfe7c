//! The jobs by name, and how one is claimed, run and finished.

use crate::backup::{create, expire};
use crate::ctx::Ctx;
use crate::privacy::{breach, closing, hand_over, hold, notice, request, restriction, retention, scrub, standing};
use crate::services::{Actor, Error, audit, customer, delivery, ledger, run, upkeep};
use crate::store::job::{self as store, After, Claimed};
use chrono::Duration;
use uuid::Uuid;

/// A job by name.
pub struct Known {
    /// Stable name, as in the queue.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Hour and minute in Oslo when it runs each day.
    pub daily_at: Option<(u32, u32)>,
    /// Runs each hour instead.
    pub hourly: bool,
    /// For the installation as a whole: enqueued once, under its first organisation.
    pub once: bool,
}

const fn known(name: &'static str, about: &'static str, daily_at: Option<(u32, u32)>) -> Known {
    Known { name, about, daily_at, hourly: false, once: false }
}

/// Every job.
pub const JOBS: &[Known] = &[
    known("commit_run", "issues the invoices of a started run", None),
    known("credit_run", "credits the invoices of a run that is taken back", None),
    known("end_customers", "ends relationships whose last day has come", Some((0, 5))),
    known("send_deliveries", "sends every delivery that is due", None),
    known("read_bounces", "reads the mailbox bounces and requests of persons come to", None),
    known("poll_efaktura", "reads the feed of the eFaktura gateway", None),
    known("verify_ledger", "checks that the ledger balances", Some((2, 0))),
    known("seal_audit", "seals the audit log into its chain", Some((2, 30))),
    known("retain", "deletes what has had its time by the policy", Some((3, 15))),
    known(
        "remind_requests",
        "tells of requests of persons, restrictions and holds that are due soon or late",
        Some((7, 0)),
    ),
    known("watch_statement", "says when the statement is older than the policy, or people are not told", Some((7, 5))),
    known("tell_of_statement", "tells people of a new privacy statement", None),
    Known { hourly: true, once: true, ..known("watch_breaches", "tells of breaches whose 72 hours run out", None) },
    known("take_archive", "deletes an archive that was handed over and confirmed", None),
    Known {
        once: true,
        ..known(
            "close_organisations",
            "deletes organisations whose agreement is over and their grace with it",
            Some((3, 45)),
        )
    },
    known("scrub", "overwrites what erased rows left on disk", Some((4, 15))),
    Known { once: true, ..known("back_up", "makes a backup, where somebody can read it", Some((1, 30))) },
    Known { once: true, ..known("expire_backups", "removes backups before they are thirty days old", Some((4, 45))) },
    Known { hourly: true, once: true, ..known("watch_backups", "says when a backup is about to grow too old", None) },
    known("forget_old", "forgets old idempotency keys, jobs and plans", Some((3, 0))),
];

/// Seconds a worker may hold a job before another may take it.
const LEASE_SECONDS: i64 = 600;
/// Attempts before a job is parked for a person.
const MAX_ATTEMPTS: i64 = 8;

/// Takes the next due job and runs it; `false` when none is due.
pub async fn run_next(ctx: &Ctx) -> Result<bool, Error> {
    let now = ctx.now();
    let tx = ctx.db.system().await?;
    let claimed = store::claim(&tx, now, now + Duration::seconds(LEASE_SECONDS)).await?;
    tx.commit().await?;
    let Some(job) = claimed else { return Ok(false) };
    let after = match execute(ctx, &job).await {
        Ok(()) => After::Done,
        Err(error) => failed(ctx, &job, &error),
    };
    let state = match &after {
        After::Done => "done",
        After::Retry(..) => "retry",
        After::Parked(_) => "parked",
    };
    metrics::counter!("reskontro_jobs_total", "name" => job.name.clone(), "state" => state).increment(1);
    let tx = ctx.db.system().await?;
    store::finish(&tx, &job, ctx.now(), after).await?;
    tx.commit().await?;
    Ok(true)
}

fn failed(ctx: &Ctx, job: &Claimed, error: &Error) -> After {
    let text = error.code().map_or_else(|| "internal".to_owned(), str::to_owned);
    tracing::warn!(job.name = %job.name, job.id = %job.id, job.attempts = job.attempts, error = %error, "a job failed");
    let is_known = JOBS.iter().any(|k| k.name == job.name);
    if is_known && job.attempts < MAX_ATTEMPTS {
        let wait = 30 << job.attempts.clamp(0, 7);
        return After::Retry(ctx.now() + Duration::seconds(wait), text);
    }
    After::Parked(text)
}

async fn execute(ctx: &Ctx, job: &Claimed) -> Result<(), Error> {
    run_by_name(ctx, &job.name, job.org_id, job.subject_id).await
}

/// Runs one job here and now.
pub async fn run_by_name(ctx: &Ctx, name: &str, org: Uuid, subject: Option<Uuid>) -> Result<(), Error> {
    let actor = Actor::job(org);
    match name {
        "commit_run" => {
            let id = subject.ok_or_else(|| Error::not_found("invoice run"))?;
            run::continue_run(ctx, &actor, id, |_| {}).await.map(|_| ())
        }
        "credit_run" => {
            let id = subject.ok_or_else(|| Error::not_found("invoice run"))?;
            run::continue_crediting(ctx, &actor, id).await.map(|_| ())
        }
        "end_customers" => customer::end_due(ctx, &actor).await.map(|_| ()),
        "send_deliveries" => delivery::drain(ctx).await.map(|_| ()),
        "read_bounces" => request::read_inbox(ctx).await.map(|_| ()),
        "poll_efaktura" => delivery::poll_efaktura(ctx).await.map(|_| ()),
        "verify_ledger" => {
            let broken: Vec<String> = ledger::verify(ctx, &actor)
                .await?
                .into_iter()
                .filter(|c| !c.findings.is_empty())
                .map(|c| c.name)
                .collect();
            if broken.is_empty() {
                return Ok(());
            }
            tracing::error!(org.id = %org, checks = %broken.join(","), "the ledger does not hold");
            Err(Error::conflict("ledger_broken", format!("checks that do not hold: {}", broken.join(", "))))
        }
        "seal_audit" => audit::seal(ctx, &actor).await.map(|_| ()),
        "retain" => retention::nightly(ctx, &actor).await,
        "remind_requests" => {
            request::remind(ctx, &actor).await?;
            restriction::remind(ctx, &actor).await?;
            hold::remind(ctx, &actor).await
        }
        "watch_statement" => standing::watch(ctx, &actor).await,
        "tell_of_statement" => {
            let id = subject.ok_or_else(|| Error::not_found("privacy statement"))?;
            notice::tell_version(ctx, &actor, id).await
        }
        "watch_breaches" => breach::watch_all(ctx).await,
        "take_archive" => {
            let id = subject.ok_or_else(|| Error::not_found("package"))?;
            hand_over::take(ctx, &actor, id).await.map(|_| ())
        }
        "close_organisations" => {
            if closing::nightly(ctx).await? > 0 {
                scrub::run(ctx).await?;
            }
            Ok(())
        }
        "scrub" => scrub::nightly(ctx, &actor).await,
        "back_up" => create::nightly(ctx).await,
        "expire_backups" => expire::expire(ctx).await.map(|_| ()),
        "watch_backups" => expire::watch(ctx).await.map(|_| ()),
        "forget_old" => upkeep::forget_old(ctx, &actor).await,
        _ => Err(Error::not_found("job")),
    }
}

/// Runs everything that is due, in tests and at the command line.
pub async fn drain_jobs(ctx: &Ctx) -> Result<u64, Error> {
    let mut done = 0;
    while run_next(ctx).await? {
        done += 1;
    }
    Ok(done)
}
