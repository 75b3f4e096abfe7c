//! Speed of the main job against the physical limit of this machine, measured in the same run.
//!
//! `make bench` prints a table and writes `target/bench.json`: work, db, value, unit, limit, ratio, target, met.
//! `BENCH_ROWS` sets the size (100 000 when it is not set), `BENCH_DB=postgres` or `sqlite` measures one database only.
#![expect(clippy::print_stdout, clippy::float_arithmetic, reason = "figures are what a bench prints")]

mod baseline;
mod clients;
mod data;
mod mail;
mod measure;
mod pieces;
mod place;
mod road;

use measure::Report;
use place::Place;

/// As in the service itself.
#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

#[expect(clippy::disallowed_methods, reason = "the bench's own switch")]
async fn run() -> anyhow::Result<()> {
    let rows = std::env::var("BENCH_ROWS").ok().and_then(|r| r.parse().ok()).unwrap_or(100_000);
    let mut report = Report::default();
    pieces::parse(&mut report, rows);
    pieces::pdf(&mut report)?;
    let only = std::env::var("BENCH_DB").ok();
    for place in [Place::sqlite().await?, Place::postgres().await?].into_iter().flatten() {
        if only.as_ref().is_some_and(|db| db != place.db) {
            continue;
        }
        let actor = road::sync(&place, &mut report, rows).await?;
        road::run(&place, &mut report, &actor, rows).await?;
        road::bank(&place, &mut report, &actor, rows).await?;
        // First the mail: what the clients issue is due at once.
        mail::mail(&place, &mut report).await?;
        clients::http(&place, &mut report, &actor).await?;
        place.close().await?;
    }
    report.finish()
}
