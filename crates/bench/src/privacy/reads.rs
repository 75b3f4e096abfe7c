//! What the log of reads costs: a customer read over HTTP by many clients while the rows are written each second, as in the
//! service, and the same while they are left to wait.

use super::people::Filled;
use super::tables::number;
use crate::clients::clients;
use crate::measure::{Report, per_second};
use crate::place::Place;
use reskontro::privacy::reading;
use reskontro::services::access::{self, Scope};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

const CLIENTS: usize = 32;
/// Reads of each client in a round: fewer in all than may wait.
const TURNS: usize = 60;
const ROUNDS: usize = 20;
/// What the log may cost of the reads a second.
const TARGET: f64 = 0.9;
/// As the service does.
const WRITTEN_EACH: Duration = Duration::from_secs(1);

/// With the log, and without.
pub(super) async fn log(place: &Place, report: &mut Report, filled: &Filled) -> anyhow::Result<()> {
    let ctx = &place.ctx;
    let key = access::create_key(ctx, &filled.actor, "bench", Scope::Read, None).await?.text;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}/api/v1/customers", listener.local_addr()?);
    let router = reskontro::http::router(ctx.clone());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::builder().build()?;
    let turn = Arc::new(AtomicUsize::new(0));
    let round = async || {
        let began = Instant::now();
        clients(CLIENTS, TURNS, || {
            let person = filled.person(turn.fetch_add(1, Ordering::Relaxed));
            let request = client.get(format!("{base}/{person}")).bearer_auth(&key);
            async move {
                request.send().await?.error_for_status()?.bytes().await?;
                Ok(())
            }
        })
        .await?;
        anyhow::Ok(began.elapsed())
    };
    round().await?;
    reading::write(ctx).await?;
    let logged = "SELECT CAST(COUNT(*) AS BIGINT) FROM personal_reading";
    let before = number(&place.raw, logged).await?;
    let (mut with, mut without) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        without += round().await?;
        reading::write(ctx).await?;
        let (writing, stop) = (ctx.clone(), Arc::new(Notify::new()));
        let told = stop.clone();
        let writer = tokio::spawn(async move {
            while tokio::time::timeout(WRITTEN_EACH, told.notified()).await.is_err() {
                reading::write(&writing).await?;
            }
            anyhow::Ok(())
        });
        let began = Instant::now();
        round().await?;
        stop.notify_one();
        writer.await??;
        // What still waits is part of the cost.
        reading::write(ctx).await?;
        with += began.elapsed();
    }
    server.abort();
    let reads = CLIENTS * TURNS * ROUNDS;
    let rows = number(&place.raw, logged).await? - before;
    anyhow::ensure!(usize::try_from(rows)? == 2 * reads, "{rows} of {} reads were logged", 2 * reads);
    let what = "HTTP: read a customer, logged, 32 clients";
    report.add(what, place.db, per_second(reads, with), "read/s", per_second(reads, without), TARGET);
    Ok(())
}
