//! A backup made and loaded by the service, compressed, encrypted and counted, against a bare copy: `pg_dump` and `pg_restore`,
//! or SQLite's own copy of a file.

use super::people::Filled;
use super::tables::counts;
use crate::measure::Report;
use crate::place::{Place, raw, superuser_url};
use anyhow::Context;
use reskontro::backup::{create, restore};
use sea_orm::ConnectionTrait;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const TARGET: f64 = 0.7;
/// Each is made so often, and the best counts: others use the disk too.
const TIMES: usize = 2;

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn megabytes_a_second(bytes: u64, took: Duration) -> f64 {
    bytes as f64 / 1e6 / took.as_secs_f64()
}

/// Both, and what a restore does before it opens.
pub(super) async fn make_and_restore(place: &Place, report: &mut Report, filled: &Filled) -> anyhow::Result<()> {
    let dump = place.dir.path().join("bare.dump");
    let (mut ours, mut bare, mut name) = (Duration::MAX, Duration::MAX, String::new());
    for _ in 0..TIMES {
        let _ = std::fs::remove_file(&dump);
        bare = bare.min(bare_copy(place, &dump).await?);
        let began = Instant::now();
        name = create::create(&place.ctx).await?.name;
        ours = ours.min(began.elapsed());
    }
    let bytes = std::fs::metadata(&dump)?.len();
    let work = format!("backup of {} rows", filled.rows);
    report.add(&work, place.db, megabytes_a_second(bytes, ours), "MB/s", megabytes_a_second(bytes, bare), TARGET);

    let there: BTreeMap<String, i64> = counts(&place.raw).await?;
    let (config, url) = place.elsewhere().await?;
    let began = Instant::now();
    let request = restore::Request { name: Some(&name), identity: &place.identity, trust_key: None };
    restore::load(&config, &request).await?;
    let ours = began.elapsed();
    let restored = raw(&url).await?;
    let found = counts(&restored).await?;
    restored.close().await?;
    anyhow::ensure!(found == there, "other rows were restored: {found:?} instead of {there:?}");
    let bare = bare_restore(place, &dump, &there).await?;
    let work = format!("restore of {} rows: loaded and counted", filled.rows);
    report.add(&work, place.db, megabytes_a_second(bytes, ours), "MB/s", megabytes_a_second(bytes, bare), TARGET);

    let ctx = reskontro::app::context(config).await?;
    let began = Instant::now();
    let done = restore::open(&ctx).await?;
    let opened = began.elapsed();
    ctx.db.close().await;
    anyhow::ensure!(done.organisations == 1 && done.lost_numbers.is_empty(), "{done:?}");
    let work = "restore: made safe and opened, against loading";
    report.measured(work, place.db, opened.as_secs_f64(), "s", ours.as_secs_f64());
    if place.db == "postgres" {
        place.remove("elsewhere").await?;
    }
    Ok(std::fs::remove_file(dump)?)
}

/// The program of the newest PostgreSQL there is.
fn program(name: &str) -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = folders.map(|f| f.path().join("bin").join(name)).filter(|p| p.exists()).max();
    newest.unwrap_or_else(|| PathBuf::from(name))
}

fn ran(command: &mut Command) -> anyhow::Result<()> {
    anyhow::ensure!(command.status()?.success(), "{command:?} failed");
    Ok(())
}

/// Everything in one file, on disk.
async fn bare_copy(place: &Place, dump: &Path) -> anyhow::Result<Duration> {
    let began = Instant::now();
    if place.db == "postgres" {
        let (admin, name) = place.server()?;
        let mut command = Command::new(program("pg_dump"));
        command.args(["--format=custom", "--no-owner", "--no-privileges", "--compress=0", "--file"]).arg(dump);
        ran(command.arg(superuser_url(admin, name)?))?;
    } else {
        place.raw.execute_unprepared(&format!("VACUUM INTO '{}'", dump.display())).await?;
    }
    File::open(dump)?.sync_all()?;
    Ok(began.elapsed())
}

/// The same file, loaded whole or not at all.
async fn bare_restore(place: &Place, dump: &Path, rows: &BTreeMap<String, i64>) -> anyhow::Result<Duration> {
    if place.db != "postgres" {
        let copy = place.dir.path().join("copy.db");
        let began = Instant::now();
        std::fs::copy(dump, &copy)?;
        File::open(&copy)?.sync_all()?;
        let took = began.elapsed();
        place.remove("copy").await?;
        return Ok(took);
    }
    let (admin, name) = place.server()?;
    let url = superuser_url(admin, &format!("{name}_copy"))?;
    place.administer(&format!("CREATE DATABASE {name}_copy TEMPLATE template0 ENCODING 'UTF8'")).await?;
    let began = Instant::now();
    let mut command = Command::new(program("pg_restore"));
    command.args(["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", "--dbname"]);
    ran(command.arg(&url).arg(dump))?;
    let took = began.elapsed();
    let copy = raw(&url).await?;
    let found = counts(&copy).await?;
    copy.close().await?;
    anyhow::ensure!(found == *rows, "pg_restore brought other rows");
    place.remove("copy").await.context("the restored copy")?;
    Ok(took)
}
