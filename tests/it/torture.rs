//! The real command killed with SIGKILL at random moments, run again until it is done: nothing lost, nothing doubled.
//!
//! `TORTURE_ROUNDS` says how often (2 when it is not set; `make torture N=50`).

use crate::harness::{ACCOUNT, TestApp, both};
use chrono::NaiveDate;
use formats::giro::{PaymentToWrite, write_ocr};
use reskontro::services::{Actor, ledger};
use reskontro::store::views;
use secrecy::ExposeSecret;
use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use uuid::Uuid;

const CUSTOMERS: usize = 400;

#[expect(clippy::disallowed_methods, reason = "the tests' own switch")]
pub fn rounds() -> u64 {
    std::env::var("TORTURE_ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(2)
}

/// Small numbers that look random, the same for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

pub fn command(app: &TestApp, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reskontro"));
    command
        .args(args)
        .env("RESKONTRO__DATABASE__URL", app.ctx.config.database.url.expose_secret())
        .env("RESKONTRO__FILES__DIR", &app.ctx.config.files.dir)
        .env("RESKONTRO__LEDGERS__DIR", &app.ctx.config.ledgers.dir)
        .env("RESKONTRO__BACKUP__DIR", &app.ctx.config.backup.dir)
        .env("RESKONTRO__MAIL__SPOOL_DIR", &app.ctx.config.mail.spool_dir)
        .env("RESKONTRO__WORKER__LEASE_SECONDS", "1")
        .env("RESKONTRO__WORKER__RUN_BATCH", "37")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs a command and kills it when it takes longer than `after`.
fn run_or_kill(app: &TestApp, args: &[&str], after: Duration) -> Option<ExitStatus> {
    let mut child = command(app, args).spawn().unwrap();
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if began.elapsed() > after {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Kills the command at random moments until it ends by itself; every kill leaves a ledger that holds.
async fn torment(app: &TestApp, actor: &Actor, dice: &mut Dice, args: &[&str]) -> usize {
    let mut kills = 0;
    loop {
        let patience = Duration::from_millis(20 + dice.roll(250) + 150 * kills as u64);
        match run_or_kill(app, args, patience) {
            Some(status) => {
                assert!(status.success(), "{args:?} failed after {kills} kills");
                return kills;
            }
            None => kills += 1,
        }
        holds(app, actor).await;
    }
}

async fn holds(app: &TestApp, actor: &Actor) {
    for check in ledger::verify(&app.ctx, actor).await.unwrap() {
        assert!(check.findings.is_empty(), "{}: {:?}", check.name, check.findings);
    }
}

fn list(dir: &Path) -> String {
    let mut list = String::from("Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n");
    for i in 0..CUSTOMERS {
        list.push_str(&format!("{i};Medlem {i};Gata {i};0150;Oslo;m{i}@example.org;MEDL, TREN\n"));
    }
    let path = dir.join("members.csv");
    std::fs::write(&path, list).unwrap();
    path.display().to_string()
}

async fn one_round(app: &TestApp, seed: u64) {
    let mut dice = Dice(seed);
    let actor = app.association().await;
    app.product(&actor, "MEDL", "Medlemskontingent", "450").await;
    app.product(&actor, "TREN", "Treningsavgift", "1250.50").await;
    let file = list(app.dir.path());
    let mut kills = torment(app, &actor, &mut dice, &["customers", "apply", &file]).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    assert_eq!(views::customers(&tx, Uuid::nil(), 1_000).await.unwrap().len(), CUSTOMERS);
    tx.commit().await.unwrap();

    kills += torment(app, &actor, &mut dice, &["invoices", "run", "--commit", "--now"]).await;
    finish_runs(app, &actor).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let invoices = views::invoices(&tx, Uuid::nil(), 10_000).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(invoices.len(), CUSTOMERS, "seed {seed}: invoices lost or doubled");
    let customers: HashSet<Uuid> = invoices.iter().map(|i| i.customer_id).collect();
    assert_eq!(customers.len(), CUSTOMERS, "seed {seed}: somebody was billed twice");
    let kids: HashSet<&str> = invoices.iter().filter_map(|i| i.kid.as_deref()).collect();
    assert_eq!(kids.len(), CUSTOMERS, "seed {seed}: a KID was given twice");

    kills += torment(app, &actor, &mut dice, &["invoices", "send"]).await;
    std::thread::sleep(Duration::from_millis(1100));
    assert!(command(app, &["invoices", "send"]).status().unwrap().success());
    deliveries_are_accounted_for(app, &actor, seed).await;

    let payments: Vec<PaymentToWrite> = invoices
        .iter()
        .map(|i| PaymentToWrite {
            kid: i.kid.clone().unwrap(),
            amount_ore: i.total_ore,
            kind: 10,
            settled_on: NaiveDate::from_ymd_opt(2026, 11, 24).unwrap(),
            debit_account: None,
        })
        .collect();
    let path = app.dir.path().join("payments.ocr");
    std::fs::write(&path, write_ocr(1, ACCOUNT, &payments)).unwrap();
    kills += torment(app, &actor, &mut dice, &["bank", "import", &path.display().to_string()]).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    assert_eq!(views::payments(&tx, Some("matched"), false, Uuid::nil(), 10_000).await.unwrap().len(), CUSTOMERS);
    assert_eq!(views::open_tally(&tx).await.unwrap().count, 0, "seed {seed}: something is still open");
    tx.commit().await.unwrap();
    holds(app, &actor).await;
    eprintln!("seed {seed}: {kills} kills");
}

/// A killed run stands as running: its worker goes on with it, and finds nothing left.
async fn finish_runs(app: &TestApp, actor: &Actor) {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let unfinished = reskontro::store::billing::list_unfinished(&tx).await.unwrap();
    tx.commit().await.unwrap();
    for run in unfinished {
        let args = ["job", "run", "commit_run", "--subject", &run.id.to_string()];
        assert!(command(app, &args).status().unwrap().success());
    }
}

/// Each mail is in the spool once, named by its delivery, or its delivery says that nobody knows.
async fn deliveries_are_accounted_for(app: &TestApp, actor: &Actor, seed: u64) {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let all = views::deliveries(&tx, None, Uuid::nil(), 10_000).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(all.len(), CUSTOMERS, "seed {seed}: deliveries lost or doubled");
    let spooled: HashSet<String> =
        app.spool().iter().filter_map(|p| p.file_stem().map(|s| s.to_string_lossy().into_owned())).collect();
    for delivery in &all {
        let there = spooled.contains(&delivery.id.to_string());
        match delivery.state.as_str() {
            "delivered" => assert!(there, "seed {seed}: delivered and not in the spool"),
            "unknown" => assert!(delivery.needs_person),
            other => panic!("seed {seed}: a delivery was left as {other}"),
        }
    }
}

both!(killed_at_random_moments_nothing_is_lost_or_doubled, async |app: &TestApp| {
    one_round(app, 1).await;
    for round in 2..=rounds() {
        let Some(app) = TestApp::new(app.backend).await else { return };
        one_round(&app, round).await;
    }
});
