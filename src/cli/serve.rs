//! `reskontro serve`: the API and the workers in one process.

use crate::config::Config;
use crate::ctx::Ctx;
use crate::privacy::reading;
use anyhow::Context;
use secrecy::ExposeSecret;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// How long a read waits to be logged.
const WRITE_READS: Duration = Duration::from_secs(1);

/// Serves until the process is told to stop.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    log(&config);
    prepare(&config).await?;
    let ctx = crate::app::context(config).await?;
    super::processors::before_start(&ctx).await?;
    crate::backup::create::clear_staging(&ctx.config.files.dir)?;
    crate::privacy::ledger::settle(&ctx).await.context("the erasure ledger cannot be settled")?;
    serve(ctx).await
}

/// The embedded database is brought up to date by itself; PostgreSQL is migrated by its owner.
///
/// Nothing opens a database whose restore is not verified.
pub(super) async fn prepare(config: &Config) -> anyhow::Result<()> {
    crate::backup::restore::unless_closed(config)?;
    if config.database.url.expose_secret().starts_with("sqlite:") {
        crate::store::migrate(&config.database).await.context("the embedded database could not be made ready")?;
    }
    Ok(())
}

/// Structured logs to standard error; the first call wins.
pub(super) fn log(config: &Config) {
    let filter = EnvFilter::try_new(&config.log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = if config.log.format == "json" { builder.json().try_init() } else { builder.try_init() };
}

/// Serves a context until Ctrl-C or SIGTERM, then finishes what was begun.
pub(super) async fn serve(ctx: Ctx) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(&ctx.config.http.bind)
        .await
        .with_context(|| format!("{} cannot be listened on", ctx.config.http.bind))?;
    let stop = CancellationToken::new();
    let workers =
        if ctx.config.worker.enabled { Some(tokio::spawn(crate::jobs::run(ctx.clone(), stop.clone()))) } else { None };
    tracing::info!(address = %listener.local_addr()?, "serving");
    let halt = stop.clone();
    tokio::spawn(async move {
        told_to_stop().await;
        tracing::info!("stopping: finishing what was begun");
        halt.cancel();
    });
    let reads = tokio::spawn(write_reads(ctx.clone(), stop.clone()));
    let router = crate::http::router(ctx.clone());
    axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned()).await?;
    stop.cancel();
    if let Some(workers) = workers {
        workers.await??;
    }
    reads.await?;
    // The last answers have left: what they showed is written before the database closes.
    if let Err(error) = reading::write(&ctx).await {
        tracing::error!(error = %error, reads = ctx.db.reads().len(), "reads of personal data could not be logged");
    }
    ctx.db.close().await;
    Ok(())
}

/// Writes what was read of personal data, each second. What cannot be written waits.
async fn write_reads(ctx: Ctx, stop: CancellationToken) {
    while tokio::time::timeout(WRITE_READS, stop.cancelled()).await.is_err() {
        let written = reading::write(&ctx).await;
        let waiting = i32::try_from(ctx.db.reads().len()).unwrap_or(i32::MAX);
        metrics::gauge!("reskontro_reads_waiting").set(f64::from(waiting));
        if let Err(error) = written {
            tracing::error!(error = %error, reads = waiting, "reads of personal data could not be logged; they wait");
        }
    }
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
