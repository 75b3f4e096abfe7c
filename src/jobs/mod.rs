//! Background work. The schedule only enqueues, with a key that makes a second enqueue do nothing; workers claim and
//! run. Every job may run twice, late, or on two nodes at once (I12).

mod runner;
mod schedule;

pub use runner::{JOBS, drain_jobs, run_by_name, run_next};
pub use schedule::{due, enqueue_due};

use crate::ctx::Ctx;
use crate::privacy::request;
use crate::services::{delivery, webhook};
use domain::channel::Channel;
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
    let workers = [
        (Channel::Mail, ctx.config.mail.connections),
        (Channel::Efaktura, ctx.config.efaktura.workers),
        (Channel::Ehf, ctx.config.ehf.workers),
    ];
    for (channel, count) in workers {
        for _ in 0..count {
            tracker.spawn(channel_worker(ctx.clone(), channel, stop.clone()));
        }
    }
    tracker.spawn(job_worker(ctx.clone(), stop.clone()));
    tracker.spawn(webhook_worker(ctx.clone(), stop.clone()));
    tracker.spawn(reader(ctx.clone(), stop.clone()));
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

/// Waits a while, or until the service stops.
async fn pause(stop: &CancellationToken, idle: Duration) {
    let _ = tokio::time::timeout(idle, stop.cancelled()).await;
}

/// Serves one channel over one session. A channel that is not set up has a worker too: what waits on it goes elsewhere.
async fn channel_worker(ctx: Ctx, channel: Channel, stop: CancellationToken) {
    let mut session = delivery::session(&ctx, channel);
    let idle = Duration::from_secs(ctx.config.worker.poll_seconds);
    let mut states = std::collections::HashMap::new();
    while !stop.is_cancelled() {
        let round = delivery::serve_channel(&ctx, channel, &mut session, &mut states, || stop.is_cancelled());
        let done = round.await.unwrap_or_else(|error| {
            tracing::error!(channel = channel.as_str(), error = %error, "deliveries could not be claimed");
            0
        });
        if done == 0 {
            pause(&stop, idle).await;
        }
    }
}

/// Tells integrators what happened.
async fn webhook_worker(ctx: Ctx, stop: CancellationToken) {
    let idle = Duration::from_secs(ctx.config.worker.poll_seconds);
    while !stop.is_cancelled() {
        let round = async {
            webhook::spread(&ctx).await?;
            webhook::send_due(&ctx).await
        };
        match round.await {
            Ok(done) if done > 0 => {}
            other => {
                if let Err(error) = other {
                    tracing::error!(error = %error, "webhooks could not be sent");
                }
                pause(&stop, idle).await;
            }
        }
    }
}

/// Reads what comes back: the feed of the eFaktura gateway and the mailbox of bounces.
async fn reader(ctx: Ctx, stop: CancellationToken) {
    let idle = Duration::from_secs(ctx.config.worker.poll_seconds.max(5));
    for round in 0_u64.. {
        if stop.is_cancelled() {
            return;
        }
        if let Err(error) = delivery::poll_efaktura(&ctx).await {
            tracing::error!(error = %error, "the eFaktura feed could not be taken in");
        }
        // A mailbox over IMAP is signed in to anew each time: not too often.
        if round.is_multiple_of(6)
            && let Err(error) = request::read_inbox(&ctx).await
        {
            tracing::error!(error = %error, "letters could not be taken in");
        }
        pause(&stop, idle).await;
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
                pause(&stop, idle).await;
            }
        }
    }
}
