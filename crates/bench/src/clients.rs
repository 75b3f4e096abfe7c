//! 32 clients at once over HTTP: reading an invoice, and making and issuing one.

use crate::baseline::clone_table;
use crate::measure::{Report, p99};
use crate::place::Place;
use anyhow::Context;
use reskontro::services::Actor;
use reskontro::services::access::{self, Scope};
use reskontro::services::invoice::{self, NewDraft};
use reskontro::store::{OrgTx, views};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

const CLIENTS: usize = 32;

/// Times `each` for so many clients at once.
pub(crate) async fn clients<F: Future<Output = anyhow::Result<()>> + Send + 'static>(
    count: usize,
    times: usize,
    each: impl Fn() -> F,
) -> anyhow::Result<Vec<Duration>> {
    let mut all = Vec::new();
    for _ in 0..times {
        let mut tasks = Vec::new();
        for _ in 0..count {
            let work = each();
            tasks.push(tokio::spawn(async move {
                let began = Instant::now();
                work.await.map(|()| began.elapsed())
            }));
        }
        for task in tasks {
            all.push(task.await??);
        }
    }
    Ok(all)
}

/// The slowest but one in a hundred.
pub(crate) fn milliseconds(times: Vec<Duration>) -> f64 {
    p99(times).as_secs_f64() * 1_000.0
}

/// The service over HTTP, and the bare transactions beside it.
pub(crate) async fn http(place: &Place, report: &mut Report, actor: &Actor) -> anyhow::Result<()> {
    let key = access::create_key(&place.ctx, actor, "bench", Scope::Admin, None).await?.text;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}/api/v1", listener.local_addr()?);
    let router = reskontro::http::router(place.ctx.clone());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::builder().build()?;
    read(place, report, actor, &client, &base, &key).await?;
    issue(place, report, actor, &client, &base, &key).await?;
    server.abort();
    Ok(())
}

async fn read(
    place: &Place,
    report: &mut Report,
    actor: &Actor,
    client: &reqwest::Client,
    base: &str,
    key: &str,
) -> anyhow::Result<()> {
    let tx = place.ctx.db.read(actor.org).await?;
    let id = views::invoices(&tx, Uuid::nil(), 1).await?.first().context("an invoice")?.id;
    tx.commit().await?;
    let org = actor.org;
    let bare = clients(CLIENTS, 100, || {
        let ctx = place.ctx.clone();
        async move {
            let tx = ctx.db.read(org).await?;
            views::invoice(&tx, id).await?;
            Ok(tx.commit().await?)
        }
    })
    .await?;
    let over = clients(CLIENTS, 100, || {
        let request = client.get(format!("{base}/invoices/{id}")).bearer_auth(key);
        async move {
            request.send().await?.error_for_status()?.bytes().await?;
            Ok(())
        }
    })
    .await?;
    let work = "HTTP: read an invoice, p99, 32 clients";
    report.at_most(work, place.db, milliseconds(over), "ms", milliseconds(bare), 5.0);
    Ok(())
}

/// Tables an issued invoice writes, with the column that names the invoice, and the draft it is made of.
const TABLES: [(&str, &str); 11] = [
    ("invoice_draft", "id"),
    ("invoice", "id"),
    ("invoice_text", "invoice_id"),
    ("invoice_vat", "invoice_id"),
    ("party_block", "id"),
    ("kid", "invoice_id"),
    ("ledger_entry", "invoice_id"),
    ("open_item", "invoice_id"),
    ("delivery", "invoice_id"),
    ("delivery_address", "delivery_id"),
    ("audit_event", "subject_id"),
];

/// Making and issuing an invoice against two bare transactions that insert the same rows, the second behind the same
/// locked counter.
async fn issue(
    place: &Place,
    report: &mut Report,
    actor: &Actor,
    client: &reqwest::Client,
    base: &str,
    key: &str,
) -> anyhow::Result<()> {
    let tx = place.ctx.db.read(actor.org).await?;
    let customers: Vec<Uuid> = views::customers(&tx, Uuid::nil(), 3_200).await?.iter().map(|c| c.id).collect();
    tx.commit().await?;
    let at = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let over = clients(CLIENTS, 50, || {
        let (client, base, key) = (client.clone(), base.to_owned(), key.to_owned());
        let customer = customers[at.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % customers.len()];
        async move {
            let draft = json!({ "customer_id": customer, "lines": [{ "product_number": "A", "quantity": "1" }] });
            let post = |path: String| client.post(format!("{base}{path}")).bearer_auth(&key);
            let made = post("/invoices".to_owned()).json(&draft).send().await?.error_for_status()?;
            let id = made.json::<serde_json::Value>().await?["id"].as_str().context("an id")?.to_owned();
            post(format!("/invoice-drafts/{id}/issue")).send().await?.error_for_status()?.bytes().await?;
            Ok(())
        }
    })
    .await?;
    let draft = NewDraft {
        customer_id: customers[0],
        lines: Vec::new(),
        due_on: None,
        delivered_from: None,
        delivered_to: None,
        delivery_place: None,
        note: None,
    };
    invoice::create_draft(&place.ctx, actor, &draft).await?;
    let statements = Arc::new(bare_statements(place, actor.org).await?);
    let org = actor.org;
    let counter_sql = "UPDATE number_series SET next_number = next_number".to_owned();
    let bare = clients(CLIENTS, 50, || {
        let (ctx, statements, counter_sql) = (place.ctx.clone(), statements.clone(), counter_sql.clone());
        async move {
            for (counter, part) in [(false, &statements[..1]), (true, &statements[1..])] {
                let tx = ctx.db.write(org).await?;
                if counter {
                    run(&tx, &counter_sql).await?;
                }
                for statement in part {
                    run(&tx, statement).await?;
                }
                tx.commit().await?;
            }
            Ok(())
        }
    })
    .await?;
    let work = "HTTP: make and issue an invoice, p99, 32 clients";
    report.at_most(work, place.db, milliseconds(over), "ms", milliseconds(bare), 5.0);
    for (table, _) in TABLES {
        for copy in ["clone", "one"] {
            place.raw.execute_unprepared(&format!("DROP TABLE {copy}_{table}")).await?;
        }
    }
    Ok(())
}

async fn run(tx: &OrgTx, sql: &str) -> anyhow::Result<()> {
    tx.execute_unprepared(sql).await?;
    Ok(())
}

/// One INSERT a table: the rows of an invoice that was issued, under other ids, into a table like its own.
async fn bare_statements(place: &Place, org: Uuid) -> anyhow::Result<Vec<String>> {
    let tx = place.ctx.db.read(org).await?;
    let id = views::invoices(&tx, Uuid::nil(), 1).await?.first().context("an invoice")?.id;
    tx.commit().await?;
    let postgres = place.db == "postgres";
    let literal = |id: Uuid| if postgres { format!("'{id}'") } else { format!("x'{}'", id.simple()) };
    let (org, id) = (literal(org), literal(id));
    let mut out = Vec::new();
    for (table, key) in TABLES {
        let rows = match table {
            "invoice_draft" => format!("org_id = {org} LIMIT 1"),
            "party_block" => {
                format!("id = (SELECT buyer_block_id FROM invoice WHERE org_id = {org} AND id = {id})")
            }
            "delivery_address" => {
                format!("delivery_id = (SELECT id FROM delivery WHERE org_id = {org} AND invoice_id = {id})")
            }
            _ => format!("org_id = {org} AND {key} = {id}"),
        };
        place
            .raw
            .execute_unprepared(&format!("CREATE TABLE one_{table} AS SELECT * FROM {table} WHERE {rows}"))
            .await?;
        clone_table(place, table, &[]).await?;
        if postgres {
            let grant = format!("GRANT ALL ON one_{table}, clone_{table} TO reskontro_app");
            place.raw.execute_unprepared(&grant).await?;
        }
        let columns = columns(place, table).await?;
        let fresh: Vec<String> = columns.iter().map(|c| fresh(table, c, postgres)).collect();
        let (columns, fresh) = (columns.join(", "), fresh.join(", "));
        out.push(format!("INSERT INTO clone_{table} ({columns}) SELECT {fresh} FROM one_{table}"));
    }
    Ok(out)
}

/// A column as it is, or what makes the row another one.
fn fresh(table: &str, column: &str, postgres: bool) -> String {
    match (table, column, postgres) {
        (_, "id" | "invoice_id" | "delivery_id", true) => "gen_random_uuid()".to_owned(),
        (_, "id" | "invoice_id" | "delivery_id", false) => "randomblob(16)".to_owned(),
        ("invoice", "number", true) => "(random() * 1e15)::bigint".to_owned(),
        ("invoice", "number", false) => "abs(random())".to_owned(),
        ("kid", "kid", true) => "gen_random_uuid()::text".to_owned(),
        ("kid", "kid", false) => "hex(randomblob(16))".to_owned(),
        _ => column.to_owned(),
    }
}

async fn columns(place: &Place, table: &str) -> anyhow::Result<Vec<String>> {
    let postgres = place.db == "postgres";
    let sql = if postgres {
        format!("SELECT column_name::text AS name FROM information_schema.columns WHERE table_name = '{table}'")
    } else {
        format!("SELECT name FROM pragma_table_info('{table}')")
    };
    let rows = place.raw.query_all_raw(Statement::from_string(place.raw.get_database_backend(), sql)).await?;
    rows.iter().map(|r| Ok(r.try_get("", "name")?)).collect()
}
