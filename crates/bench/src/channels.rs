//! Deliveries of each channel through our workers, documents stored, against a bare client making the same calls to the
//! same receiver (decision 57).

use crate::data;
use crate::measure::{Report, per_second};
use crate::place::Place;
use domain::channel::Channel;
use formats::customer_list::Mode;
use reskontro::ctx::Ctx;
use reskontro::delivery::{
    AccessPoint, AccessPointSettings, Contract, EfakturaGateway, EfakturaSettings, SmtpMailer, SmtpSettings, Tls,
};
use reskontro::pace::Pace;
use reskontro::ports::{Carrier, Efaktura};
use reskontro::services::customer::{self, Input};
use reskontro::services::run::{self, NewRun};
use reskontro::services::{Actor, delivery, invoice, product};
use reskontro::store::views::{self, InvoiceItem};
use sandbox::{Outage, SmtpSink, access_point, efaktura};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Connections, and workers.
pub(crate) const WORKERS: usize = 8;
const DOCUMENTS: usize = 480;
/// A receiver across a network.
const LATENCY_MS: u64 = 20;
const TIMEOUT: Duration = Duration::from_secs(30);
const TARGET: f64 = 0.7;
const HEADINGS: &str = "Kundenr;Navn;Kundetype;Organisasjonsnummer;Adresse;Postnr;Poststed;E-post;Telefon;Produkter\n";

/// A relay that is the sink.
pub(crate) fn mailer(sink: &SmtpSink) -> Arc<dyn Carrier> {
    Arc::new(SmtpMailer::new(SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port: sink.port(),
        tls: Tls::None,
        credentials: None,
        ca_pem: None,
        hello: Some("bench.example".to_owned()),
        timeout: TIMEOUT,
    }))
}

/// An organisation whose customers are to be billed.
async fn organisation(ctx: &Ctx, place: &Place, account: &str, rows: &str) -> anyhow::Result<Actor> {
    let actor = place.organisation_paid_to(account).await?;
    product::create(ctx, &actor, data::product("A", "450")?).await?;
    let list = format!("{HEADINGS}{rows}");
    let plan = customer::plan(ctx, &actor, &Input { bytes: list.as_bytes(), mode: Mode::Full }).await?;
    customer::apply(ctx, &actor, plan.id, false).await?;
    Ok(actor)
}

/// Issues invoices that are due at once.
async fn issue(ctx: &Ctx, actor: &Actor) -> anyhow::Result<Vec<InvoiceItem>> {
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let id = run::start(ctx, actor, &new).await?;
    run::continue_run(ctx, actor, id, |_| {}).await?;
    let tx = ctx.db.read(actor.org).await?;
    let invoices = views::invoices(&tx, Uuid::nil(), i64::try_from(DOCUMENTS)?).await?;
    tx.commit().await?;
    anyhow::ensure!(invoices.len() == DOCUMENTS, "{} invoices were issued", invoices.len());
    Ok(invoices)
}

/// So many workers of a channel at once, as in the service, until nothing is due.
pub(crate) async fn work(ctx: &Ctx, channel: Channel, workers: usize) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..workers {
        let ctx = ctx.clone();
        tasks.push(tokio::spawn(async move {
            let mut session = delivery::session(&ctx, channel);
            let mut states = HashMap::new();
            while delivery::serve_channel(&ctx, channel, &mut session, &mut states, || false).await? > 0 {}
            anyhow::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(began.elapsed())
}

/// Mail, e-invoices and requests for payment.
pub(crate) async fn all(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let mut accounts = data::accounts();
    let mut account = || accounts.next().ok_or_else(|| anyhow::anyhow!("there are no more accounts"));
    mail(place, report, &account()?).await?;
    requests(place, report, &account()?).await?;
    einvoices(place, report, &account()?).await
}

async fn mail(place: &Place, report: &mut Report, account: &str) -> anyhow::Result<()> {
    let sink = SmtpSink::start_slow(Duration::from_millis(LATENCY_MS)).await?;
    let ctx = Ctx { mailer: mailer(&sink), pace: Pace::default(), ..place.ctx.clone() };
    let mut rows = String::new();
    for i in 0..DOCUMENTS {
        writeln!(rows, "{i};Kari Nord;person;;Gata {i};0150;Oslo;m{i}@example.org;;A")?;
    }
    let actor = organisation(&ctx, place, account, &rows).await?;
    for issued in issue(&ctx, &actor).await? {
        invoice::pdf(&ctx, &actor, issued.id).await?;
    }
    let ours = work(&ctx, Channel::Mail, WORKERS).await?;
    let sent: Vec<_> = sink.received().into_iter().map(|m| (m.to, m.content)).collect();
    anyhow::ensure!(sent.len() == DOCUMENTS, "{} mails arrived", sent.len());
    let bare = crate::bare::mail(&sink, Arc::new(sent), DOCUMENTS, WORKERS).await?;
    add(report, place, "mail: stored documents, 8 connections", "mail/s", ours, bare);
    Ok(())
}

async fn requests(place: &Place, report: &mut Report, account: &str) -> anyhow::Result<()> {
    let gateway = sandbox::EfakturaGateway::start(efaktura::Options::default()).await?;
    let settings = EfakturaSettings {
        base_url: gateway.base_url(),
        client_id: gateway.client_id().to_owned(),
        client_secret: gateway.client_secret().to_owned(),
        webhook_secrets: Vec::new(),
        ca_pem: None,
        timeout: TIMEOUT,
    };
    let carrier = EfakturaGateway::new(settings).map_err(|f| anyhow::anyhow!("{}", f.detail))?;
    let efaktura: Option<Arc<dyn Efaktura>> = Some(Arc::new(carrier));
    let ctx = Ctx { efaktura, pace: Pace::default(), ..place.ctx.clone() };
    let mut rows = String::new();
    for i in 0..DOCUMENTS {
        writeln!(rows, "{i};Kari Nord;person;;Gata {i};0150;Oslo;k{i}@match.example;+47{:08};A", 90_000_000 + i)?;
    }
    let actor = organisation(&ctx, place, account, &rows).await?;
    anyhow::ensure!(delivery::register_efaktura(&ctx, &actor).await? == "active", "the gateway knows no issuer");
    let invoices = issue(&ctx, &actor).await?;
    let mut documents = Vec::new();
    for issued in &invoices {
        documents.push((issued.clone(), invoice::pdf(&ctx, &actor, issued.id).await?));
    }
    gateway.outage(Outage { latency_ms: Some(LATENCY_MS), ..Outage::default() });
    let ours = work(&ctx, Channel::Efaktura, WORKERS).await?;
    let arrived = gateway.received().len();
    anyhow::ensure!(arrived == DOCUMENTS, "{arrived} requests arrived");
    let bare = crate::bare::requests(&gateway, &ctx, account, &documents, WORKERS).await?;
    anyhow::ensure!(gateway.received().len() == 2 * DOCUMENTS, "the bare client's requests did not all arrive");
    add(report, place, "eFaktura: stored documents, 8 workers", "doc/s", ours, bare);
    Ok(())
}

async fn einvoices(place: &Place, report: &mut Report, account: &str) -> anyhow::Result<()> {
    let point = sandbox::AccessPoint::start(access_point::Options::default()).await?;
    let settings = AccessPointSettings {
        contract: Contract::Phoss,
        base_url: point.base_url(),
        token: point.token().to_owned(),
        ca_pem: None,
        timeout: TIMEOUT,
    };
    let carrier = AccessPoint::new(settings).map_err(|f| anyhow::anyhow!("{}", f.detail))?;
    let access_point: Option<Arc<dyn Carrier>> = Some(Arc::new(carrier));
    let ctx = Ctx { access_point, participants: None, pace: Pace::default(), ..place.ctx.clone() };
    let mut rows = String::new();
    for (i, number) in sandbox::org_numbers().take(DOCUMENTS).enumerate() {
        writeln!(rows, "{i};Firma {i} AS;bedrift;{number};Gata {i};0150;Oslo;post{i}@firma.example;;A")?;
    }
    let actor = organisation(&ctx, place, account, &rows).await?;
    let mut documents = Vec::new();
    for issued in issue(&ctx, &actor).await? {
        documents.push(invoice::ehf(&ctx, &actor, issued.id).await?);
    }
    point.outage(Outage { latency_ms: Some(LATENCY_MS), ..Outage::default() });
    let ours = work(&ctx, Channel::Ehf, WORKERS).await?;
    let arrived = point.received().len();
    anyhow::ensure!(arrived == DOCUMENTS, "{arrived} e-invoices arrived");
    let bare = crate::bare::einvoices(&point, &ctx, documents, WORKERS).await?;
    anyhow::ensure!(point.received().len() == 2 * DOCUMENTS, "the bare client's e-invoices did not all arrive");
    add(report, place, "EHF: stored documents, 8 workers", "doc/s", ours, bare);
    Ok(())
}

fn add(report: &mut Report, place: &Place, what: &str, unit: &'static str, ours: Duration, bare: Duration) {
    report.add(what, place.db, per_second(DOCUMENTS, ours), unit, per_second(DOCUMENTS, bare), TARGET);
}
