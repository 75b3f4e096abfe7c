//! A long queue of mails drained by one, two and four workers of this process, documents stored, on PostgreSQL.

use crate::channels::{mailer, work};
use crate::measure::{Report, peak_mb, per_second, reset_peak};
use crate::place::Place;
use anyhow::Context;
use domain::channel::Channel;
use reskontro::ctx::Ctx;
use reskontro::pace::Pace;
use reskontro::services::{Actor, invoice};
use reskontro::store::views;
use sandbox::SmtpSink;
use sea_orm::ConnectionTrait;
use std::net::SocketAddr;
use std::sync::Arc;
use uuid::Uuid;

/// Mails the bare client sends.
const SAMPLE: usize = 4_000;
const PEAK_MB: f64 = 300.0;

/// Queues what a run has issued, and drains it.
pub(crate) async fn drain(place: &Place, report: &mut Report, actor: &Actor, rows: usize) -> anyhow::Result<()> {
    if place.db != "postgres" {
        return Ok(());
    }
    store_documents(place, actor).await?;
    let mails = Arc::new(sample(place, actor).await?);
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    for workers in [1, 2, 4] {
        queue(place, actor, rows).await?;
        let sink = SmtpSink::start_forgetful(anywhere).await?;
        let ctx = Ctx { mailer: mailer(&sink), pace: Pace::default(), ..place.ctx.clone() };
        reset_peak();
        let took = work(&ctx, Channel::Mail, workers).await?;
        let peak = peak_mb();
        anyhow::ensure!(sink.taken() == rows, "{} of {rows} mails arrived", sink.taken());
        let sink = SmtpSink::start_forgetful(anywhere).await?;
        let bare = crate::bare::mail(&sink, mails.clone(), SAMPLE, workers).await?;
        let what = format!("mail: {rows} queued, {workers} worker(s)");
        report.measured(&what, place.db, per_second(rows, took), "mail/s", per_second(SAMPLE, bare));
        if workers == 4 {
            report.at_most("mail: drain, peak memory", place.db, peak, "MB", PEAK_MB, 1.0);
        }
    }
    Ok(())
}

/// Every invoice gets the PDF of the first one: rendering is measured by itself, and sending cares for the bytes only.
async fn store_documents(place: &Place, actor: &Actor) -> anyhow::Result<()> {
    let tx = place.ctx.db.read(actor.org).await?;
    let first = views::invoices(&tx, Uuid::nil(), 1).await?.first().context("an invoice")?.id;
    tx.commit().await?;
    invoice::pdf(&place.ctx, actor, first).await?;
    let sql = format!(
        "INSERT INTO document SELECT i.org_id, i.id, d.kind, d.content_hash, d.bytes, d.renderer_version, d.created_at \
         FROM document d JOIN invoice i ON i.org_id = d.org_id WHERE d.org_id = '{}' AND d.invoice_id = '{first}' \
         AND d.kind = 'pdf' ON CONFLICT DO NOTHING",
        actor.org
    );
    place.raw.execute_unprepared(&sql).await?;
    Ok(())
}

/// Puts the first `count` deliveries back as they were issued, and due.
async fn queue(place: &Place, actor: &Actor, count: usize) -> anyhow::Result<()> {
    let org = actor.org;
    for sql in [
        format!("DELETE FROM delivery_attempt WHERE org_id = '{org}'"),
        format!(
            "UPDATE delivery SET state = 'queued', needs_person = FALSE, reason = NULL, attempts = 0, \
             tried_since_at = NULL, handed_over_at = NULL, message_id = NULL, not_before_at = created_at \
             WHERE org_id = '{org}' AND id IN \
             (SELECT id FROM delivery WHERE org_id = '{org}' AND channel = 'mail' ORDER BY id LIMIT {count})"
        ),
        "VACUUM (ANALYZE) delivery, delivery_attempt, document".to_owned(),
    ] {
        place.raw.execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// Some mails as our workers send them.
async fn sample(place: &Place, actor: &Actor) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    queue(place, actor, 10).await?;
    let sink = SmtpSink::start().await?;
    let ctx = Ctx { mailer: mailer(&sink), pace: Pace::default(), ..place.ctx.clone() };
    work(&ctx, Channel::Mail, 1).await?;
    let mails: Vec<_> = sink.received().into_iter().map(|m| (m.to, m.content)).collect();
    anyhow::ensure!(mails.len() == 10, "{} mails for a sample", mails.len());
    Ok(mails)
}
