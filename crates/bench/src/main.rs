//! Speed of the main job against the physical limit of this machine, measured in the same run.
//!
//! `make bench` prints a table and writes `target/bench.json`: work, db, value, unit, limit, ratio, target, met.
//! `BENCH_ROWS` sets the size (100 000 when it is not set), `BENCH_DB=postgres` or `sqlite` measures one database only,
//! `BENCH_WORKLIST=1000000` reads the worklist among so many deliveries, whatever the size.
#![expect(clippy::print_stdout, clippy::float_arithmetic, reason = "figures are what a bench prints")]

mod bare;
mod baseline;
mod channels;
mod clients;
mod data;
mod drain;
mod measure;
mod pieces;
mod place;
mod road;
mod worklist;

use measure::Report;
use place::Place;
use std::path::{Path, PathBuf};

/// Rows from which on the worklist is read among ten times as many deliveries.
const LARGE: usize = 50_000;

/// As in the service itself.
#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

#[expect(clippy::disallowed_methods, reason = "the bench's own switches")]
async fn run() -> anyhow::Result<()> {
    let rows = std::env::var("BENCH_ROWS").ok().and_then(|r| r.parse().ok()).unwrap_or(100_000);
    let mut report = Report::default();
    if let Ok(db) = std::env::var("BENCH_DB") {
        let place = if db == "sqlite" { Place::sqlite().await? } else { Place::postgres().await? };
        let Some(place) = place else { return report.write(&part(&db)) };
        let asked = std::env::var("BENCH_WORKLIST").ok().and_then(|n| n.parse().ok());
        let worklist = asked.or((rows >= LARGE).then_some(10 * rows));
        road(&place, &mut report, rows, worklist).await?;
        place.close().await?;
        return report.write(&part(&db));
    }
    pieces::parse(&mut report, rows);
    pieces::pdf(&mut report)?;
    pieces::einvoice(&mut report)?;
    for db in ["sqlite", "postgres"] {
        // A process each: what one leaves in memory is not counted to the other.
        let status = std::process::Command::new(std::env::current_exe()?).env("BENCH_DB", db).status()?;
        anyhow::ensure!(status.success(), "the bench on {db} failed");
        report.read(&part(db))?;
    }
    report.write(Path::new("target/bench.json"))?;
    println!("written to target/bench.json");
    Ok(())
}

fn part(db: &str) -> PathBuf {
    PathBuf::from(format!("target/bench-{db}.json"))
}

async fn road(place: &Place, report: &mut Report, rows: usize, worklist: Option<usize>) -> anyhow::Result<()> {
    let actor = road::sync(place, report, rows).await?;
    road::run(place, report, &actor, rows).await?;
    road::bank(place, report, &actor, rows).await?;
    // First the channels: what the clients issue is due at once.
    channels::all(place, report).await?;
    drain::drain(place, report, &actor, rows).await?;
    clients::http(place, report, &actor).await?;
    if let Some(stored) = worklist {
        worklist::page(place, report, &actor, stored).await?;
    }
    Ok(())
}
