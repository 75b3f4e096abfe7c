//! Erasure, backup and restore killed with SIGKILL at random moments: each goes on or leaves nothing half
//! done. `TORTURE_ROUNDS` says how often (2 when it is not set; `make torture N=50`).

use crate::backup::{Elsewhere, with_key};
use crate::erasure::{assert_books_hold, count};
use crate::harness::{Backend, TestApp, both};
use crate::torture::{Dice, command, rounds};
use chrono::Duration as Days;
use formats::customer_list::Mode;
use reskontro::backup::verify::{self, Reading};
use reskontro::backup::{Vault, create, restore};
use reskontro::ctx::Ctx;
use reskontro::privacy::ledger::{self, Kind};
use reskontro::services::Actor;
use secrecy::ExposeSecret;
use std::process::Stdio;
use std::time::{Duration, Instant};

const CUSTOMERS: usize = 12;

async fn billed(app: &TestApp) -> Actor {
    let actor = app.association().await;
    app.product(&actor, "A", "Kontingent", "100").await;
    let mut list = String::from("Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n");
    for i in 1..=CUSTOMERS {
        let product = if i % 2 == 0 { "A" } else { "" };
        list.push_str(&format!("{i};Medlem {i};Gata {i};0150;Oslo;m{i}@kunde.example;{product}\n"));
    }
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    actor
}

/// Runs a command with the settings of a context and kills it after a while; whether it ended by itself, and how.
fn run_or_kill(app: &TestApp, ctx: &Ctx, args: &[&str], after: Duration) -> Option<bool> {
    let config = &ctx.config;
    let mut command = command(app, args);
    let secret =
        |s: &Option<secrecy::SecretString>| s.as_ref().map(|s| s.expose_secret().to_owned()).unwrap_or_default();
    command
        .env("RESKONTRO__DATABASE__URL", config.database.url.expose_secret())
        .env("RESKONTRO__FILES__DIR", &config.files.dir)
        .env("RESKONTRO__BACKUP__RECIPIENTS", format!("[\"{}\"]", config.backup.recipients.join("\",\"")));
    if app.backend == Backend::Postgres {
        command
            .env("RESKONTRO__DATABASE__OWNER_URL", secret(&config.database.owner_url))
            .env("RESKONTRO__DATABASE__RETENTION_URL", secret(&config.database.retention_url))
            .env("RESKONTRO__DATABASE__BACKUP_URL", secret(&config.database.backup_url));
    }
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.success());
        }
        if began.elapsed() > after {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Somebody is there whole or gone whole, and the ledger says which.
async fn whole_or_gone(app: &TestApp, actor: &Actor) {
    app.clock.advance(Days::minutes(61));
    ledger::settle(&app.ctx).await.unwrap();
    let lines = ledger::read(&app.ctx).await.unwrap();
    for line in ledger::to_replay(&lines) {
        let done = lines.iter().any(|l| l.case == line.case && l.kind == Kind::Done);
        assert!(done, "an intent was not settled: {line:?}");
        let tx = app.ctx.db.read(actor.org).await.unwrap();
        let back = reskontro::store::erasure::is_back(&tx, line.subject).await.unwrap();
        tx.commit().await.unwrap();
        assert!(!back, "the ledger says gone, the database has it: {line:?}");
    }
    let core = count(app, actor, "customer_core").await;
    assert_eq!(core, count(app, actor, "customer_detail").await, "half a customer");
    assert_books_hold(app, actor).await;
}

async fn erasures(app: &TestApp, ctx: &Ctx, actor: &Actor, dice: &mut Dice) -> usize {
    let mut kills = 0;
    for number in 1..=CUSTOMERS {
        let number = number.to_string();
        let args = ["privacy", "erase", "customer", &number, "--execute"];
        for tries in 0.. {
            let patience = Duration::from_millis(2 + dice.roll(50) + 15 * tries);
            match run_or_kill(app, ctx, &args, patience) {
                // Gone with an earlier try that was killed after its commit, it is not found any more.
                Some(_) => break,
                None => kills += 1,
            }
            whole_or_gone(app, actor).await;
        }
    }
    whole_or_gone(app, actor).await;
    assert_eq!(count(app, actor, "customer_core").await, 0, "everybody was erased");
    kills
}

async fn backups(app: &TestApp, ctx: &Ctx, dice: &mut Dice) -> usize {
    let mut kills = 0;
    for tries in 0.. {
        let patience = Duration::from_millis(5 + dice.roll(80) + 25 * tries);
        match run_or_kill(app, ctx, &["backup", "create"], patience) {
            Some(ok) => {
                assert!(ok, "a backup failed after {kills} kills");
                break;
            }
            None => kills += 1,
        }
        // Whatever calls itself a backup is whole.
        for manifest in Vault::open(&ctx.config).unwrap().backups().await.unwrap() {
            let reading = Reading { identity: None, scratch: None, trust_key: None };
            verify::verify(ctx, &manifest.name, &reading).await.unwrap();
        }
    }
    create::clear_staging(&ctx.config.files.dir).unwrap();
    kills
}

async fn restores(app: &TestApp, ctx: &Ctx, identity: &str, dice: &mut Dice) -> usize {
    let mut kills = 0;
    loop {
        let elsewhere = Elsewhere::new(app, ctx).await;
        let there = Ctx { config: std::sync::Arc::new(elsewhere.config.clone()), ..ctx.clone() };
        let patience = Duration::from_millis(20 + dice.roll(250));
        let mut args = vec!["backup", "restore", "--identity", identity];
        loop {
            match run_or_kill(app, &there, &args, patience + Duration::from_millis(60 * kills as u64)) {
                Some(true) => {
                    restore::unless_closed(&there.config).unwrap();
                    return kills;
                }
                Some(false) => break,
                None => kills += 1,
            }
            match restore::closed(&there.config).unwrap() {
                // Loaded, it goes on; before that, another place is taken.
                Some(closed) if closed.phase == "loaded" => args = vec!["backup", "restore", "--resume"],
                // Opened, or not yet begun; or cut off before it was whole.
                _ => break,
            }
        }
        let marker = there.config.ledgers.dir.join("restore.json");
        let _ = std::fs::remove_file(marker);
    }
}

both!(killed_at_random_moments_nobody_is_half_erased_and_no_backup_is_half_made, async |app: &TestApp| {
    let rounds = rounds().div_ceil(10);
    for seed in 1..=rounds {
        let Some(app) = TestApp::new(app.backend).await else { return };
        let mut dice = Dice(seed);
        app.keep_real_time();
        let actor = billed(&app).await;
        let (ctx, identity) = with_key(&app);
        let made = backups(&app, &ctx, &mut dice).await;
        let erased = erasures(&app, &ctx, &actor, &mut dice).await;
        let restored = restores(&app, &ctx, &identity.to_string_lossy(), &mut dice).await;
        let kills = made + erased + restored;
        eprintln!("privacy, seed {seed}: {kills} kills ({made} backups, {erased} erasures, {restored} restores)");
    }
});
