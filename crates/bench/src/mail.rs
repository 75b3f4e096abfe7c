//! Mail through our workers, stored documents in hand, against a bare client sending the same bytes.

use crate::measure::{Report, per_second};
use crate::place::Place;
use anyhow::Context;
use formats::customer_list::Mode;
use reskontro::ctx::Ctx;
use reskontro::delivery::{SmtpMailer, SmtpSettings, Tls};
use reskontro::ports::{Mail, MailOutcome, Mailer};
use reskontro::services::customer::{self, Input};
use reskontro::services::run::{self, NewRun};
use reskontro::services::{Actor, delivery, invoice, product};
use reskontro::store::views;
use sandbox::SmtpSink;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

const CONNECTIONS: usize = 8;
const MAILS: usize = 480;

fn mailer(sink: &SmtpSink) -> Arc<dyn Mailer> {
    Arc::new(SmtpMailer::new(SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port: sink.port(),
        tls: Tls::None,
        credentials: None,
        ca_pem: None,
        hello: Some("bench.example".to_owned()),
        timeout: Duration::from_secs(30),
    }))
}

/// Issues invoices whose PDFs are stored and whose mail is due.
async fn prepare(place: &Place) -> anyhow::Result<Actor> {
    let actor = place.organisation_paid_to("15031234562").await?;
    product::create(&place.ctx, &actor, crate::data::product("A", "450")?).await?;
    let mut list = String::from("Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n");
    for i in 0..MAILS {
        let _ = writeln!(list, "{i};Medlem {i};Gata {i};0150;Oslo;m{i}@example.org;A");
    }
    let plan = customer::plan(&place.ctx, &actor, &Input { bytes: list.as_bytes(), mode: Mode::Full }).await?;
    customer::apply(&place.ctx, &actor, plan.id, false).await?;
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let id = run::start(&place.ctx, &actor, &new).await?;
    run::continue_run(&place.ctx, &actor, id, |_| {}).await?;
    let tx = place.ctx.db.read(actor.org).await?;
    let invoices = views::invoices(&tx, Uuid::nil(), i64::try_from(MAILS)?).await?;
    tx.commit().await?;
    for issued in invoices {
        invoice::pdf(&place.ctx, &actor, issued.id).await?;
    }
    Ok(actor)
}

pub(crate) async fn mail(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    prepare(place).await?;
    let sink = SmtpSink::start_slow(Duration::from_millis(20)).await?;
    let ctx = Ctx { mailer: mailer(&sink), ..place.ctx.clone() };
    let began = Instant::now();
    let mut workers = Vec::new();
    for _ in 0..CONNECTIONS {
        let ctx = ctx.clone();
        workers.push(tokio::spawn(async move { delivery::drain(&ctx).await }));
    }
    for worker in workers {
        worker.await??;
    }
    let ours = began.elapsed();
    let sent = sink.received();
    anyhow::ensure!(sent.len() == MAILS, "{} mails arrived", sent.len());
    let bare = bare(&sink, sent.into_iter().map(|m| (m.to, m.content)).collect()).await?;
    let rate = |took| per_second(MAILS, took);
    report.add("mail: stored documents, 8 connections", place.db, rate(ours), "mail/s", rate(bare), 0.7);
    Ok(())
}

/// The same bytes over as many connections, and nothing else.
async fn bare(sink: &SmtpSink, mails: Vec<(String, Vec<u8>)>) -> anyhow::Result<Duration> {
    let mailer = mailer(sink);
    let began = Instant::now();
    let mut tasks = Vec::new();
    for share in mails.chunks(MAILS.div_ceil(CONNECTIONS)) {
        let (mut session, share) = (mailer.session(), share.to_vec());
        tasks.push(tokio::spawn(async move {
            for (recipient, bytes) in share {
                let envelope_from = "b@bench.example".to_owned();
                let mail = Mail { id: Uuid::nil(), envelope_from, recipient, bytes };
                let before =
                    Box::new(|| -> reskontro::ports::Pending<'_, Result<(), String>> { Box::pin(async { Ok(()) }) });
                anyhow::ensure!(session.send(&mail, before).await == MailOutcome::Accepted, "a mail was not taken");
            }
            Ok(())
        }));
    }
    for task in tasks {
        task.await.context("a sender")??;
    }
    Ok(began.elapsed())
}
