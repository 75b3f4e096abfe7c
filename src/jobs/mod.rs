//! Background work. The schedule only enqueues, with a key that makes a second enqueue do nothing; workers claim and
//! run. Every job may run twice, late, or on two nodes at once (I12).

mod runner;
mod schedule;

pub use runner::{JOBS, drain_jobs, run_by_name, run_next};
pub use schedule::{due, enqueue_due};

use crate::ctx::Ctx;
use crate::services::delivery;
use std::time::Duration;
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Runs workers and the schedule until `stop`; returns when everything that was begun is done.
pub async fn run(ctx: Ctx, stop: CancellationToken) -> anyhow::Result<()> {
    let tracker = TaskTracker::new();
    let wake = std::sync::Arc::new(tokio::sync::Notify::new());
    let scheduler = JobScheduler::new().await?;
    let ring = wake.clone();
    // The tick is a signal only: what is due is decided by `schedule::due`.
    scheduler.add(Job::new("0 * * * * *", move |_, _| ring.notify_one())?).await?;
    scheduler.start().await?;
    for _ in 0..ctx.config.mail.connections {
        tracker.spawn(mail_worker(ctx.clone(), stop.clone()));
    }
    tracker.spawn(job_worker(ctx.clone(), stop.clone()));
    wake.notify_one();
    let tick = ctx.clone();
    let ticker = stop.clone();
    tracker.spawn(async move {
        loop {
            tokio::select! {
                () = ticker.cancelled() => return,
                () = wake.notified() => {}
            }
            if let Err(error) = enqueue_due(&tick).await {
                tracing::error!(error = %error, "the schedule could not be read");
            }
        }
    });
    tracker.close();
    stop.cancelled().await;
    let mut scheduler = scheduler;
    scheduler.shutdown().await?;
    tracker.wait().await;
    Ok(())
}

/// Sends mail over one kept connection.
async fn mail_worker(ctx: Ctx, stop: CancellationToken) {
    let mut session = ctx.mailer.session();
    let idle = Duration::from_secs(ctx.config.worker.poll_seconds);
    while !stop.is_cancelled() {
        let claimed = match delivery::claim(&ctx, delivery::CLAIM).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(error = %error, "deliveries could not be claimed");
                Vec::new()
            }
        };
        if claimed.is_empty() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(idle) => {}
            }
            continue;
        }
        for delivery in &claimed {
            if stop.is_cancelled() {
                // What is not begun goes back when its lease runs out.
                return;
            }
            if let Err(error) = delivery::deliver(&ctx, session.as_mut(), delivery).await {
                tracing::error!(delivery.id = %delivery.id, error = %error, "a delivery could not be carried out");
            }
        }
    }
}

async fn job_worker(ctx: Ctx, stop: CancellationToken) {
    let idle = Duration::from_secs(ctx.config.worker.poll_seconds);
    while !stop.is_cancelled() {
        match run_next(&ctx).await {
            Ok(true) => {}
            other => {
                if let Err(error) = other {
                    tracing::error!(error = %error, "jobs could not be claimed");
                }
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(idle) => {}
                }
            }
        }
    }
}
