//! The console and the payer's page in a real browser: `tests/browser/*.mjs` drive them, with script and without, by mouse
//! and by keyboard.

use crate::harness::{Backend, TestApp, skip};
use formats::customer_list::Mode;
use reskontro::config::Config;
use reskontro::ctx::Ctx;
use reskontro::privacy::policy::{self, NewPolicy};
use reskontro::privacy::statement::{self, NewStatement};
use reskontro::services::payment::{NewPayment, register};
use reskontro::services::run::{self, NewRun};
use reskontro::services::user::{self, NewUser};
use reskontro::services::{Actor, delivery, payer};
use reskontro::store::views;
use std::sync::Arc;
use uuid::Uuid;

#[expect(clippy::disallowed_methods, reason = "the tests' own switch")]
fn modules() -> Option<String> {
    std::env::var("TEST_BROWSER_MODULES").ok()
}

/// The service at a port of its own, with everybody billed and mailed; people see the pages by their own clock.
async fn billed(app: &TestApp) -> (Ctx, String, Actor, Uuid) {
    app.clock.set(chrono::DateTime::from_timestamp(1_795_600_000, 0).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut config = Config::clone(&app.ctx.config);
    config.payer.base_url.clone_from(&base);
    let ctx = Ctx { config: Arc::new(config), ..app.ctx.clone() };
    let router = reskontro::http::router(ctx.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let actor = app.association().await;
    app.product(&actor, "A", "Medlemskontingent", "450").await;
    let mut list = String::from("Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n");
    list.push_str("1;Kari Nord;Gata 1;0150;Oslo;;A\n2;Ola Berg;Gata 2;0150;Oslo;;A\n");
    for i in 3..12 {
        list.push_str(&format!("{i};Liv Dal {i};Gata {i};0150;Oslo;liv{i}@example.org;A\n"));
    }
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let run = run::start(&ctx, &actor, &new).await.unwrap();
    run::continue_run(&ctx, &actor, run, |_| {}).await.unwrap();
    delivery::drain(&ctx).await.unwrap();
    (ctx, base, actor, run)
}

/// Runs a script of `tests/browser`; its last argument is a folder for pictures.
async fn drive(script: &str, arguments: &[&str]) {
    let Some(modules) = modules() else { return };
    let root = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let pictures = std::env::temp_dir().join("reskontro-console");
    let done = tokio::process::Command::new("node")
        .arg(root.join("tests/browser").join(script))
        .args(arguments)
        .arg(&pictures)
        .env("TEST_BROWSER_MODULES", modules)
        .output()
        .await
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    eprintln!("pictures: {}", pictures.display());
}

fn is_missing() -> bool {
    let missing = modules().is_none();
    if missing {
        skip("chromium", "TEST_BROWSER_MODULES is not set; `make test` sets it");
    }
    missing
}

#[tokio::test]
async fn the_console_holds_in_a_browser() {
    if is_missing() {
        return;
    }
    let app = TestApp::new(Backend::Sqlite).await.unwrap();
    let (_, base, actor, run) = billed(&app).await;
    let password = "a long enough password";
    let id = user::create(&app.ctx, &NewUser { login: "kari", name: "Kari Kasserer", password }).await.unwrap();
    user::add_member(&app.ctx, &actor, id, "owner").await.unwrap();
    drive("console.mjs", &[&base, "kari", password, &run.to_string()]).await;
}

#[tokio::test]
async fn the_desk_of_privacy_holds_in_a_browser() {
    if is_missing() {
        return;
    }
    let app = TestApp::new(Backend::Sqlite).await.unwrap();
    let (ctx, base, actor, _) = billed(&app).await;
    let responsible = || NewStatement { responsible: Some("daglig leder".into()), ..NewStatement::default() };
    statement::publish(&ctx, &actor, &responsible()).await.unwrap();
    app.clock.advance(chrono::Duration::hours(1));
    let changes = serde_json::json!({"rules": {"draft": {"period": "P45D"}}});
    let policy = NewPolicy { preset: "association-billing".into(), changes, valid_from: None };
    policy::publish(&ctx, &actor, &policy).await.unwrap();
    policy::approve(&ctx, &actor, policy::current(&ctx, &actor).await.unwrap().version_no).await.unwrap();
    let from = ctx.today().checked_add_days(chrono::Days::new(14));
    statement::publish(&ctx, &actor, &NewStatement { valid_from: from, ..responsible() }).await.unwrap();
    let password = "a long enough password";
    let id = user::create(&ctx, &NewUser { login: "kari", name: "Kari Kasserer", password }).await.unwrap();
    user::add_member(&ctx, &actor, id, "owner").await.unwrap();
    // A form is sent no sooner than somebody can have read it: here time goes on while the browser works.
    let clock = app.clock.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            clock.advance(chrono::Duration::seconds(2));
        }
    });
    drive("desk.mjs", &[&base, &actor.org.to_string(), "kari", password]).await;
}

#[tokio::test]
async fn the_payers_page_holds_in_a_browser() {
    if is_missing() {
        return;
    }
    let app = TestApp::new(Backend::Sqlite).await.unwrap();
    let (ctx, base, actor, _) = billed(&app).await;
    let tx = ctx.db.read(actor.org).await.unwrap();
    let invoices = views::invoices(&tx, Uuid::nil(), 20).await.unwrap();
    tx.commit().await.unwrap();
    let mut paths = Vec::new();
    for invoice in &invoices {
        if let Some(url) = payer::find_url(&ctx, &actor, invoice.id).await.unwrap() {
            paths.push((invoice.id, url.strip_prefix(&base).unwrap().to_owned()));
        }
    }
    let paid = NewPayment { amount_ore: 45_000, booked_on: None, invoice_id: Some(paths[1].0), customer_id: None };
    register(&ctx, &actor, &paid).await.unwrap();
    let spool = app.dir.path().join("spool").display().to_string();
    drive("payer.mjs", &[&base, &paths[0].1, &paths[1].1, "Liv Dal", &spool]).await;
}
