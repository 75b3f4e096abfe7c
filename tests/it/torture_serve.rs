//! `reskontro serve` killed with SIGKILL at random moments while it hands documents over on all channels: counted at the
//! receivers, nothing is lost and nothing doubled.
//!
//! `TORTURE_ROUNDS` says how often (2 when it is not set): odd rounds with phoss-ap, even ones with
//! phase4-peppol-standalone, which cannot be asked.

use crate::harness::{Serve, Setting, TestApp, both, count, mail_to, message_ids};
use crate::torture::{Dice, rounds};
use formats::customer_list::Mode;
use reskontro::config::Config;
use reskontro::ctx::Ctx;
use reskontro::services::{Actor, delivery};
use reskontro::store::views::DeliveryItem;
use sandbox::access_point::Status;
use sandbox::peppol::Documents;
use sandbox::{AccessPoint, EfakturaGateway, Outage, PeppolNetwork, SmtpSink, access_point, efaktura};
use sea_orm::ConnectionTrait;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Documents of each channel.
const DOCUMENTS: usize = 20;
/// Kills of a round, though nothing may be left to do.
const FEWEST_KILLS: usize = 6;
/// Kills of a round, though something may be left to do.
const MOST_KILLS: usize = 12;

/// The receivers, and the service's way to them.
struct World {
    contract: &'static str,
    gateway: EfakturaGateway,
    point: AccessPoint,
    /// Answers look-ups as long as it lives.
    _peppol: PeppolNetwork,
    sink: SmtpSink,
    settings: Vec<Setting>,
    actor: Actor,
}

fn settings(contract: &str, gateway: &EfakturaGateway, point: &AccessPoint, peppol: &PeppolNetwork) -> Vec<Setting> {
    let text = |key, value: &str| (key, value.to_owned());
    vec![
        text("efaktura.mode", "gateway"),
        text("efaktura.base_url", &gateway.base_url()),
        text("efaktura.client_id", gateway.client_id()),
        text("efaktura.client_secret", gateway.client_secret()),
        text("ehf.mode", contract),
        text("ehf.base_url", &point.base_url()),
        text("ehf.token", point.token()),
        text("ehf.lookup", "dns"),
        text("ehf.dns_zone", peppol.zone()),
        text("ehf.dns_server", &peppol.dns_addr().to_string()),
    ]
}

/// The test's own service with the same carriers.
fn with_carriers(app: &TestApp, settings: &[Setting]) -> Ctx {
    let lines: Vec<String> = settings.iter().map(|(key, value)| format!("{key} = \"{value}\"\n")).collect();
    let config = Config::with(&lines.concat()).unwrap();
    Ctx {
        efaktura: reskontro::app::efaktura(&config).unwrap(),
        access_point: reskontro::app::access_point(&config).unwrap(),
        participants: reskontro::app::participants(&config).unwrap(),
        ..app.ctx.clone()
    }
}

/// Sets the receivers up and issues what they are to get.
async fn world(app: &TestApp, contract: &'static str) -> World {
    app.keep_real_time();
    // The processes hash by the same key as the test.
    std::fs::create_dir_all(&app.ctx.config.files.dir).unwrap();
    std::fs::write(app.ctx.config.files.dir.join("installation.key"), [7; 32]).unwrap();
    let gateway = EfakturaGateway::start(efaktura::Options::default()).await.unwrap();
    let point = AccessPoint::start(access_point::Options::default()).await.unwrap();
    let peppol = PeppolNetwork::start().await.unwrap();
    let sink = SmtpSink::start_slow(Duration::from_millis(40)).await.unwrap();
    let mut settings = settings(contract, &gateway, &point, &peppol);
    let ctx = with_carriers(app, &settings);
    settings.extend(mail_to(&sink));
    for (key, value) in [
        ("mail.connections", "2"),
        ("efaktura.workers", "3"),
        ("efaktura.per_second", "0"),
        ("ehf.workers", "3"),
        ("worker.lease_seconds", "3"),
    ] {
        settings.push((key, value.to_owned()));
    }
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    assert_eq!(delivery::register_efaktura(&ctx, &actor).await.unwrap(), "active");
    let mut list =
        "Kundenr;Navn;Kundetype;Organisasjonsnummer;Adresse;Postnr;Poststed;E-post;Telefon;Produkter\n".to_owned();
    for (i, number) in sandbox::org_numbers().take(DOCUMENTS).enumerate() {
        peppol.register(&number, Documents::InvoiceAndCreditNote);
        list += &format!("1{i:02};Kari Nord;person;;Gata {i};0150;Oslo;k{i}@match.example;+47900000{i:02};A\n");
        list += &format!("2{i:02};Firma {i} AS;bedrift;{number};Gata {i};0150;Oslo;post{i}@firma.example;;A\n");
        list += &format!("3{i:02};Ola Nord;person;;Gata {i};0150;Oslo;m{i}@example.org;;A\n");
    }
    app.sync(&actor, list.as_bytes(), Mode::Delta).await;
    app.bill(&ctx, &actor).await;
    World { contract, gateway, point, _peppol: peppol, sink, settings, actor }
}

impl World {
    /// Receivers far away, or long at work on each document: a kill finds something on its way.
    fn pace(&self, dice: &mut Dice) {
        let ms = 50 + dice.roll(250);
        let (latency, processing) = if dice.roll(2) == 0 { (ms, 5) } else { (5, ms) };
        let change = Outage { latency_ms: Some(latency), processing_ms: Some(processing), ..Outage::default() };
        self.gateway.outage(change);
        self.point.outage(change);
    }

    /// Whether the provider of a channel can be asked what became of a document.
    fn can_be_asked(&self, channel: &str) -> bool {
        channel == "efaktura" || (channel == "ehf" && self.contract == "phoss")
    }

    /// How often each delivery has arrived, by its own id.
    fn arrived(&self, all: &[DeliveryItem]) -> HashMap<Uuid, usize> {
        let named = |number: &str| all.iter().find(|d| d.invoice_number.to_string() == number).unwrap().id;
        let mut ids: Vec<_> = message_ids(&self.sink).into_iter().map(|(id, _)| id).collect();
        for taken in self.gateway.received() {
            let id = named(&taken.invoice_number);
            assert_eq!(taken.idempotency_key, id, "a request went under another key than its own");
            ids.push(id);
        }
        for taken in self.point.received() {
            assert_eq!(taken.status, Status::Sent);
            let id = named(&taken.document_id);
            assert!(self.contract != "phoss" || taken.sbdh_instance_id == id.to_string());
            ids.push(id);
        }
        count(ids)
    }
}

fn is_settled(d: &DeliveryItem) -> bool {
    matches!(d.state.as_str(), "delivered" | "failed" | "rejected" | "held" | "cancelled")
        || (d.state == "unknown" && d.needs_person)
}

/// What is to be asked about or tried again in a minute is due now.
const DUE: (&str, &str) =
    ("not_before_at", "state IN ('awaiting_receipt', 'retrying', 'unknown') AND NOT needs_person");
/// What the dead held is free now, not in some seconds: else the next one finds nothing to do when it is killed.
const FREE: (&str, &str) = ("lease_until_at", "lease_until_at IS NOT NULL");

async fn pull_forward(app: &TestApp, (column, rows): (&str, &str)) {
    // What the service is at work on just now is left to it: waiting for many of its rows, each for another, is a deadlock.
    let skip = if app.backend == crate::harness::Backend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    let sql =
        format!("UPDATE delivery SET {column} = created_at WHERE id IN (SELECT id FROM delivery WHERE {rows} {skip})");
    let tx = app.ctx.db.system().await.unwrap();
    tx.execute_unprepared(&sql).await.unwrap();
    tx.commit().await.unwrap();
}

async fn is_done(app: &TestApp, w: &World) -> bool {
    app.deliveries(&w.actor).await.iter().all(is_settled)
}

/// Waits until something else than `before` is being handed over, or nothing more will be.
async fn handing_over(app: &TestApp, w: &World, before: &HashSet<Uuid>) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        let all = app.deliveries(&w.actor).await;
        if all.iter().any(|d| d.state == "handing_over" && !before.contains(&d.id)) || all.iter().all(is_settled) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Starts the service and kills it, again and again: how often, and what was being handed over just then.
async fn under_fire(app: &TestApp, w: &World, dice: &mut Dice) -> (usize, HashSet<Uuid>) {
    let (mut kills, mut hit) = (0, HashSet::new());
    while kills < FEWEST_KILLS || (kills < MOST_KILLS && !is_done(app, w).await) {
        w.pace(dice);
        let serve = Serve::start(app, &w.settings);
        if dice.roll(2) == 0 {
            tokio::time::sleep(Duration::from_millis(50 + dice.roll(750))).await;
        } else {
            // On a busy machine blind kills would come before anything is on its way.
            handing_over(app, w, &hit).await;
            tokio::time::sleep(Duration::from_millis(dice.roll(100))).await;
        }
        drop(serve);
        kills += 1;
        hit.extend(app.deliveries(&w.actor).await.iter().filter(|d| d.state == "handing_over").map(|d| d.id));
        pull_forward(app, DUE).await;
        if dice.roll(4) > 0 {
            pull_forward(app, FREE).await;
        }
    }
    (kills, hit)
}

/// Lets the service run until nothing is due.
async fn settle(app: &TestApp, w: &World, seed: u64) {
    w.gateway.outage(Outage { latency_ms: Some(0), processing_ms: Some(0), ..Outage::default() });
    w.point.outage(Outage { latency_ms: Some(0), processing_ms: Some(0), ..Outage::default() });
    let serve = Serve::start(app, &w.settings);
    let began = Instant::now();
    while !is_done(app, w).await {
        let left = app.deliveries(&w.actor).await.into_iter().filter(|d| !is_settled(d)).collect::<Vec<_>>();
        assert!(began.elapsed() < Duration::from_mins(1), "seed {seed}: it does not end: {left:?}\n{}", app.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
        pull_forward(app, DUE).await;
    }
    drop(serve);
}

/// Every delivery has arrived once, or stands as unknown for a person.
fn accounted_for(w: &World, all: &[DeliveryItem], seed: u64) -> usize {
    let arrived = w.arrived(all);
    assert_eq!(all.len(), 3 * DOCUMENTS, "seed {seed}: deliveries lost or doubled");
    let by_channel = count(all.iter().map(|d| d.channel.as_str()));
    assert!(["mail", "efaktura", "ehf"].iter().all(|c| by_channel[c] == DOCUMENTS), "seed {seed}: {by_channel:?}");
    let mut unknown = 0;
    for d in all {
        let times = arrived.get(&d.id).copied().unwrap_or_default();
        assert!(times <= 1 || d.possibly_sent_twice, "seed {seed}: {times} times at the receiver: {d:?}");
        match d.state.as_str() {
            "delivered" => assert!(times > 0, "seed {seed}: delivered and not at the receiver: {d:?}"),
            "unknown" => {
                assert!(d.needs_person && !w.can_be_asked(&d.channel), "seed {seed}: {d:?}");
                unknown += 1;
            }
            other => panic!("seed {seed}: left as {other}: {d:?}"),
        }
    }
    let known = all.iter().filter(|d| arrived.contains_key(&d.id)).count();
    assert_eq!(known, arrived.len(), "seed {seed}: something arrived that nobody sent");
    unknown
}

async fn one_round(app: &TestApp, seed: u64) {
    let mut dice = Dice(seed);
    let w = world(app, if seed.is_multiple_of(2) { "phase4" } else { "phoss" }).await;
    let (kills, hit) = under_fire(app, &w, &mut dice).await;
    assert!(!hit.is_empty(), "seed {seed}: no kill hit anything that was being handed over\n{}", app.log());
    settle(app, &w, seed).await;
    let all = app.deliveries(&w.actor).await;
    let unknown = accounted_for(&w, &all, seed);
    let posted: u64 = w.gateway.received().iter().map(|r| r.submissions).sum();
    let attempts: i64 = all.iter().map(|d| d.attempts).sum();
    eprintln!(
        "serve, {}, seed {seed}: {kills} kills, {} of {} deliveries hit while handing over, {attempts} attempts, \
         {unknown} for a person, {posted} posts for {DOCUMENTS} eFaktura",
        w.contract,
        hit.len(),
        all.len()
    );
}

both!(serve_killed_while_handing_over_loses_and_doubles_nothing, async |app: &TestApp| {
    one_round(app, 1).await;
    for round in 2..=rounds() {
        let Some(app) = TestApp::new(app.backend).await else { return };
        one_round(&app, round).await;
    }
});
