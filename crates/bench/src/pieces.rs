//! Single pieces: parsing, drawing, one invoice over HTTP, mail.

use crate::data;
use crate::measure::{Report, cpu_seconds, p99, per_second};
use crate::place::Place;
use anyhow::Context;
use chrono::NaiveDate;
use domain::customer::Language;
use domain::invoice::{Address, Buyer, Document, Kind, LineInput, Seller, price, total};
use domain::money::Micro;
use domain::numbers::{AccountNumber, OrgNumber};
use domain::vat::{Category, Vat};
use reskontro::delivery::{SmtpMailer, SmtpSettings, Tls};
use reskontro::ports::{Mail, MailOutcome, Mailer};
use reskontro::services::Actor;
use reskontro::services::access::{self, Scope};
use reskontro::store::views;
use sandbox::SmtpSink;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// Bytes of a giro file parsed a second; the limit is what the bench asks for.
pub(crate) fn parse(report: &mut Report, rows: usize) {
    let kids: Vec<(String, i64)> = (0..rows).map(|i| (format!("{i:014}0"), 45_000)).collect();
    let bytes = data::payments(&kids);
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        black_box(formats::giro::parse(black_box(&bytes)).is_ok());
        best = best.min(began.elapsed());
    }
    report.add("giro file: parse", "-", megabytes(bytes.len()) / best.as_secs_f64(), "MB/s", 200.0, 1.0);
}

fn document() -> anyhow::Result<Document> {
    let inputs = (1..=10).map(|i| LineInput {
        description: format!("Vare nummer {i} med en beskrivelse"),
        quantity: Micro::whole(i),
        unit: "H87".to_owned(),
        unit_price: Micro::whole(100 + i),
        discount_percent: Micro::ZERO,
        vat: Vat {
            code: if i % 2 == 0 { "3" } else { "31" }.to_owned(),
            rate: Micro::whole(if i % 2 == 0 { 25 } else { 15 }),
            category: Category::S,
            reason: None,
        },
        product: None,
    });
    let lines = price(inputs.collect())?;
    let address = |street: &str| Address {
        street: Some(street.to_owned()),
        street2: None,
        postal_code: Some("9017".to_owned()),
        city: Some("Tromsø".to_owned()),
        country: "NO".to_owned(),
    };
    let day = |d| NaiveDate::from_ymd_opt(2026, 11, d).context("a day of November");
    Ok(Document {
        kind: Kind::Invoice,
        number: 10_482,
        issued_on: day(1)?,
        due_on: Some(day(15)?),
        delivered_from: day(1)?,
        delivered_to: None,
        delivery_place: None,
        language: Language::Bokmal,
        seller: Seller {
            name: "Lillevik Grønt AS".to_owned(),
            org_number: Some(OrgNumber::parse("312345676")?),
            vat_registered: true,
            in_business_register: true,
            address: address("Kaiveien 14"),
            email: Some("faktura@lillevik.example".to_owned()),
            phone: None,
            privacy_url: None,
            account: AccountNumber::parse(data::ACCOUNT)?,
            logo: None,
        },
        buyer: Buyer {
            number: "10423".to_owned(),
            name: "Ingrid Solbakken".to_owned(),
            org_number: None,
            address: address("Skogbrynet 8 B"),
            reference: None,
            order_number: None,
        },
        totals: total(&lines)?,
        lines,
        kid: Some("000104200001576".to_owned()),
        credits: None,
        note: None,
    })
}

/// PDFs of ten lines a CPU second, one thread.
pub(crate) fn pdf(report: &mut Report) -> anyhow::Result<()> {
    let mut document = document()?;
    let count = 1_500;
    let before = cpu_seconds();
    for i in 0..count {
        document.number = i;
        document.buyer.name = format!("Ingrid Solbakken {i}");
        black_box(render::pdf(&document, None, &i.to_be_bytes())?);
    }
    let took = Duration::from_secs_f64(cpu_seconds() - before);
    report.add("PDF/A-3a + UA-1, ten lines", "-", per_second(usize::try_from(count)?, took), "/CPU-s", 450.0, 1.0);
    Ok(())
}

const CLIENTS: usize = 32;

/// Times `each` for 32 clients at once.
async fn clients<F: Future<Output = anyhow::Result<()>> + Send + 'static>(
    times: usize,
    each: impl Fn() -> F,
) -> anyhow::Result<Vec<Duration>> {
    let mut all = Vec::new();
    for _ in 0..times {
        let mut tasks = Vec::new();
        for _ in 0..CLIENTS {
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

/// Reading an invoice over HTTP against the same query in such a transaction.
pub(crate) async fn http(place: &Place, report: &mut Report, actor: &Actor) -> anyhow::Result<()> {
    let tx = place.ctx.db.read(actor.org).await?;
    let id = views::invoices(&tx, Uuid::nil(), 1).await?.first().context("an invoice")?.id;
    tx.commit().await?;
    let key = access::create_key(&place.ctx, actor, "bench", Scope::Admin, None).await?.text;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/api/v1/invoices/{id}", listener.local_addr()?);
    let router = reskontro::http::router(place.ctx.clone());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::builder().build()?;
    let org = actor.org;
    let bare = clients(100, || {
        let ctx = place.ctx.clone();
        async move {
            let tx = ctx.db.read(org).await?;
            views::invoice(&tx, id).await?;
            Ok(tx.commit().await?)
        }
    })
    .await?;
    let over = clients(100, || {
        let (client, url, key) = (client.clone(), url.clone(), key.clone());
        async move {
            let response = client.get(url).bearer_auth(key).send().await?.error_for_status()?;
            response.bytes().await?;
            Ok(())
        }
    })
    .await?;
    server.abort();
    let milliseconds = |times| p99(times).as_secs_f64() * 1_000.0;
    report.at_most(
        "HTTP: read an invoice, p99, 32 clients",
        place.db,
        milliseconds(over),
        "ms",
        milliseconds(bare),
        5.0,
    );
    Ok(())
}

/// Stored mails through our worker against a bare client sending the same bytes over as many connections.
pub(crate) async fn mail(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    if place.db != "postgres" {
        return Ok(());
    }
    let sink = SmtpSink::start_slow(Duration::from_millis(20)).await?;
    let body = format!("Subject: x\r\n\r\n{}\r\n", "x".repeat(76).as_str().repeat(550)).into_bytes();
    let mailer: Arc<dyn Mailer> = Arc::new(SmtpMailer::new(SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port: sink.port(),
        tls: Tls::None,
        credentials: None,
        ca_pem: None,
        hello: Some("bench.example".to_owned()),
        timeout: Duration::from_secs(30),
    }));
    let (connections, each) = (8, 60);
    let marks = send(&mailer, &body, connections, each, Some(place)).await?;
    let bare = send(&mailer, &body, connections, each, None).await?;
    let rate = |took| per_second(connections * each, took);
    report.add("mail: with the mark before the content", place.db, rate(marks), "mail/s", rate(bare), 0.7);
    Ok(())
}

async fn send(
    mailer: &Arc<dyn Mailer>,
    body: &[u8],
    connections: usize,
    each: usize,
    marked: Option<&Place>,
) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let (mut session, body) = (mailer.session(), body.to_vec());
        let raw = marked.map(|p| p.raw.clone());
        tasks.push(tokio::spawn(async move {
            for i in 0..each {
                let mail = Mail {
                    id: Uuid::from_u128(i as u128),
                    envelope_from: "b@bench.example".to_owned(),
                    recipient: "m@example.org".to_owned(),
                    bytes: body.clone(),
                };
                let raw = raw.clone();
                let before = Box::new(move || -> reskontro::ports::Pending<'_, Result<(), String>> {
                    Box::pin(async move {
                        if let Some(raw) = raw {
                            let mark = Statement::from_string(DbBackend::Postgres, "SELECT txid_current()");
                            raw.query_one_raw(mark).await.map_err(|e| e.to_string())?;
                        }
                        Ok(())
                    })
                });
                anyhow::ensure!(session.send(&mail, before).await == MailOutcome::Accepted, "a mail was not taken");
            }
            Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(began.elapsed())
}
