//! `reskontro serve`: the API and the workers in one process.

use crate::config::Config;
use crate::ctx::Ctx;
use crate::privacy::reading;
use crate::services::sign_in;
use anyhow::Context;
use secrecy::ExposeSecret;
use std::net::SocketAddr;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// How long a read waits to be logged.
const WRITE_READS: Duration = Duration::from_secs(1);
/// Rounds of that in which refused sign-ins are counted together.
const WRITE_REFUSALS: u32 = 30;

/// Serves until the process is told to stop.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    log(&config);
    prepare(&config).await?;
    let ctx = crate::app::context(config).await?;
    super::processors::before_start(&ctx).await?;
    warn_of_lines(&ctx.config);
    crate::backup::create::clear_staging(&ctx.config.files.dir)?;
    crate::privacy::ledger::settle(&ctx).await.context("the erasure ledger cannot be settled")?;
    serve(ctx).await
}

/// Says what the settings leave open.
fn warn_of_lines(config: &Config) {
    if config.http.allow_clear {
        tracing::warn!("http.allow_clear is on: requests over lines others can read are answered");
    }
    if config.database.allow_clear {
        tracing::warn!("database.allow_clear is on: links to the database may be read by others");
    }
    let proxied = config.console.https || config.payer.is_https();
    if proxied && config.http.trusted_proxies.is_empty() {
        tracing::warn!(
            "http.trusted_proxies names nobody: who signs in is logged without an address, and no address is blocked"
        );
    }
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
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned()).await?;
    stop.cancel();
    if let Some(workers) = workers {
        workers.await??;
    }
    reads.await?;
    // The last answers have left: what they showed is written before the database closes.
    if let Err(error) = reading::write(&ctx).await {
        tracing::error!(error = %error, reads = ctx.db.reads().len(), "reads of personal data could not be logged");
    }
    write_refusals(&ctx).await;
    ctx.db.close().await;
    Ok(())
}

/// Writes sign-ins that were refused without a look. What cannot be written waits.
async fn write_refusals(ctx: &Ctx) {
    if let Err(error) = sign_in::write(ctx).await {
        tracing::error!(error = %error, "refused sign-ins could not be logged; they wait");
    }
}

/// Writes what was read of personal data, each second, and what was refused, twice a minute. What cannot be written waits.
async fn write_reads(ctx: Ctx, stop: CancellationToken) {
    let mut rounds = 0_u32;
    while tokio::time::timeout(WRITE_READS, stop.cancelled()).await.is_err() {
        rounds = (rounds + 1) % WRITE_REFUSALS;
        if rounds == 0 {
            write_refusals(&ctx).await;
        }
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
