//! Speed of the main job against the physical limit of this machine, measured in the same run.
//!
//! `make bench` prints a table and writes `target/bench.json`: work, db, value, unit, limit, ratio, target, met.
//! `BENCH_ROWS` sets the size (100 000 when it is not set), `BENCH_DB=postgres` or `sqlite` measures one database only,
//! `BENCH_WORKLIST=1000000` reads the worklist among so many deliveries, `BENCH_PRIVACY=1000000` works with personal data among so
//! many rows, whatever the size. With `BENCH_ROWS=0` that is all.
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
mod privacy;
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
    let asked = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let rows = asked("BENCH_ROWS").unwrap_or(100_000);
    let mut report = Report::default();
    if let Ok(db) = std::env::var("BENCH_DB") {
        let large = (rows >= LARGE).then_some(10 * rows);
        if rows > 0 {
            let Some(place) = open(&db, "").await? else { return report.write(&part(&db)) };
            road(&place, &mut report, rows, asked("BENCH_WORKLIST").or(large)).await?;
            place.close().await?;
        }
        if let Some(rows) = asked("BENCH_PRIVACY").or(large) {
            let Some(mut place) = open(&db, "_privacy").await? else { return report.write(&part(&db)) };
            privacy::all(&mut place, &mut report, rows).await?;
            place.close().await?;
        }
        return report.write(&part(&db));
    }
    if rows > 0 {
        pieces::parse(&mut report, rows);
        pieces::pdf(&mut report)?;
        pieces::einvoice(&mut report)?;
    }
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

/// A service on a database of its own.
async fn open(db: &str, ending: &str) -> anyhow::Result<Option<Place>> {
    if db == "sqlite" { Place::sqlite().await } else { Place::postgres(ending).await }
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
