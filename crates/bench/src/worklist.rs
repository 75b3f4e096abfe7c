//! What needs a person, found among very many stored deliveries, by one reader and by 32 at once, on PostgreSQL.

use crate::clients::{clients, milliseconds};
use crate::measure::Report;
use crate::place::Place;
use reskontro::services::Actor;
use reskontro::store::{OrgTx, worklist};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use std::time::Instant;
use uuid::Uuid;

/// A page of the list.
const PAGE: i64 = 50;
/// What a page may take.
const MOST_MS: f64 = 50.0;
/// Why deliveries need a person, in turn.
const REASONS: &str = "ARRAY['no_address', 'invalid_address', 'smtp_550', 'einvoice_required', 'no_receipt', \
                       'lost_while_handing_over', 'access_point_refused', 'address_suppressed']";

/// What the page is made of: its rows, the causes, and what is open.
async fn read(tx: &OrgTx) -> anyhow::Result<usize> {
    worklist::causes(tx).await?;
    worklist::open_states(tx).await?;
    Ok(worklist::needs_person(tx, None, PAGE).await?.len())
}

/// So many deliveries, and the list read from among them.
pub(crate) async fn page(place: &Place, report: &mut Report, actor: &Actor, stored: usize) -> anyhow::Result<()> {
    if place.db != "postgres" {
        return Ok(());
    }
    fill(place, actor, stored).await?;
    let org = actor.org;
    for (readers, who) in [(1, "a reader"), (32, "32 readers")] {
        let times = clients(readers, 100, || {
            let ctx = place.ctx.clone();
            async move {
                let tx = ctx.db.read(org).await?;
                anyhow::ensure!(read(&tx).await? > 0, "the list is empty");
                Ok(tx.commit().await?)
            }
        })
        .await?;
        let what = format!("worklist among {stored}, p99, {who}");
        match readers {
            1 => report.at_most(&what, place.db, milliseconds(times), "ms", MOST_MS, 1.0),
            // On two cores each waits for all: shown, without a target.
            _ => report.measured(&what, place.db, milliseconds(times), "ms", MOST_MS),
        }
    }
    let plan = plan(place, org).await?;
    for line in plan.iter().filter(|l| l.contains("Scan")) {
        println!("    {}", line.trim());
    }
    anyhow::ensure!(!plan.iter().any(|l| l.contains("Seq Scan on delivery")), "the list reads the whole table");
    Ok(())
}

/// 99 in a hundred delivered; the rest for a person, tried again or under way, spread over the whole time.
async fn fill(place: &Place, actor: &Actor, stored: usize) -> anyhow::Result<()> {
    let (person, retrying, under_way) = (stored / 200, stored * 3 / 1_000, stored * 2 / 1_000);
    let (with_retrying, open) = (person + retrying, person + retrying + under_way);
    let org = actor.org;
    // A row's turn is scattered by a factor prime to the count, so that what is open does not stand side by side.
    let sql = format!(
        "INSERT INTO delivery (org_id, id, version, invoice_id, customer_id, channel, state, reason, needs_person, \
         attempts, not_before_at, possibly_sent_twice, channel_reason, created_at, updated_at) \
         SELECT '{org}', ('019aa000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 3, i.id, i.customer_id, \
         CASE WHEN n % 10 < 6 THEN 'mail' WHEN n % 10 < 9 THEN 'efaktura' ELSE 'ehf' END, \
         CASE WHEN turn >= {open} THEN 'delivered' WHEN turn >= {with_retrying} THEN 'awaiting_receipt' \
           WHEN turn >= {person} THEN 'retrying' WHEN turn % 8 IN (4, 5) THEN 'unknown' \
           WHEN turn % 8 = 7 THEN 'held' ELSE 'failed' END, \
         CASE WHEN turn < {person} THEN ({REASONS})[1 + turn % 8] WHEN turn < {with_retrying} THEN 'smtp_450' END, \
         turn < {person}, 1, now() + interval '1 day', FALSE, 'mail_address_on_file', \
         now() - (({stored} - n) || ' seconds')::interval, now() - (({stored} - n) || ' seconds')::interval \
         FROM (SELECT n, n::bigint * 7919 % {stored} AS turn, \
           n % (SELECT count(*) FROM invoice WHERE org_id = '{org}') AS place FROM generate_series(0, {stored} - 1) n) s \
         JOIN (SELECT id, customer_id, row_number() OVER (ORDER BY id) - 1 AS place FROM invoice WHERE org_id = '{org}') i \
         ON i.place = s.place"
    );
    let began = Instant::now();
    // Rows come in first, indexes and checks after them: one by one they would take minutes.
    let indexes = "SELECT pg_get_indexdef(indexrelid) AS text FROM pg_index WHERE indrelid = 'delivery'::regclass \
                   AND NOT indisprimary ORDER BY indexrelid";
    let indexes = texts(place, indexes.to_owned(), "text").await?;
    for index in &indexes {
        let name = index.split(' ').skip_while(|word| *word != "INDEX").nth(1).unwrap_or_default();
        place.raw.execute_unprepared(&format!("DROP INDEX {name}")).await?;
    }
    place.raw.execute_unprepared("SET session_replication_role = replica").await?;
    place.raw.execute_unprepared(&sql).await?;
    let attempts = format!(
        "INSERT INTO delivery_attempt SELECT org_id, id, 1, created_at, created_at, state, reason, 'as the provider says' \
         FROM delivery WHERE org_id = '{org}' AND version = 3 AND reason IS NOT NULL ON CONFLICT DO NOTHING"
    );
    place.raw.execute_unprepared(&attempts).await?;
    place.raw.execute_unprepared("SET session_replication_role = origin; SET maintenance_work_mem = '256MB'").await?;
    for index in &indexes {
        place.raw.execute_unprepared(index).await?;
    }
    place.raw.execute_unprepared("VACUUM (ANALYZE) delivery, delivery_attempt").await?;
    println!("    {stored} deliveries stored in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// The plan of the statement the list is read by, whatever its values are: taken from the server while the transaction
/// that ran it is open.
async fn plan(place: &Place, org: Uuid) -> anyhow::Result<Vec<String>> {
    let tx = place.ctx.db.read(org).await?;
    read(&tx).await?;
    let running = "SELECT query AS text FROM pg_stat_activity WHERE datname = current_database() \
                   AND state = 'idle in transaction' AND query LIKE '%delivery%' LIMIT 1";
    let query = texts(place, running.to_owned(), "text").await?.concat();
    tx.commit().await?;
    anyhow::ensure!(!query.is_empty(), "the statement of the list was not seen");
    let values =
        (1..100).take_while(|n| query.contains(&format!("${n}"))).map(|_| "NULL").collect::<Vec<_>>().join(", ");
    let prepare = format!("PREPARE list AS {query}");
    for sql in ["SET plan_cache_mode = force_generic_plan", &prepare] {
        place.raw.execute_unprepared(sql).await?;
    }
    texts(place, format!("EXPLAIN EXECUTE list({values})"), "QUERY PLAN").await
}

async fn texts(place: &Place, sql: String, column: &str) -> anyhow::Result<Vec<String>> {
    let rows = place.raw.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    rows.iter().map(|r| Ok(r.try_get("", column)?)).collect()
}
