//! The console in a real browser: `tests/browser/console.mjs` drives it, with script and without, by mouse and by keyboard.

use crate::harness::{Backend, TestApp, skip};
use formats::customer_list::Mode;
use reskontro::services::delivery;
use reskontro::services::run::{self, NewRun};
use reskontro::services::user::{self, NewUser};

#[expect(clippy::disallowed_methods, reason = "the tests' own switch")]
fn modules() -> Option<String> {
    std::env::var("TEST_BROWSER_MODULES").ok()
}

#[tokio::test]
async fn the_console_holds_in_a_browser() {
    let Some(modules) = modules() else {
        skip("chromium", "TEST_BROWSER_MODULES is not set; `make test` sets it");
        return;
    };
    let app = TestApp::new(Backend::Sqlite).await.unwrap();
    // People see the pages by their own clock.
    app.clock.set(chrono::DateTime::from_timestamp(1_795_600_000, 0).unwrap());
    let actor = app.association().await;
    app.product(&actor, "A", "Medlemskontingent", "450").await;
    let mut list = String::from("Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n");
    list.push_str("1;Kari Nord;Gata 1;0150;Oslo;;A\n2;Ola Berg;Gata 2;0150;Oslo;;A\n");
    for i in 3..12 {
        list.push_str(&format!("{i};Liv Dal {i};Gata {i};0150;Oslo;liv{i}@example.org;A\n"));
    }
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let run = run::start(&app.ctx, &actor, &new).await.unwrap();
    run::continue_run(&app.ctx, &actor, run, |_| {}).await.unwrap();
    delivery::drain(&app.ctx).await.unwrap();
    let password = "a long enough password";
    let id = user::create(&app.ctx, &NewUser { login: "kari", name: "Kari Kasserer", password }).await.unwrap();
    user::add_member(&app.ctx, &actor, id, "owner").await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = reskontro::http::router(app.ctx.clone());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let root = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let pictures = std::env::temp_dir().join("reskontro-console");
    let done = tokio::process::Command::new("node")
        .arg(root.join("tests/browser/console.mjs"))
        .args([&base, "kari", password, &run.to_string()])
        .arg(&pictures)
        .env("TEST_BROWSER_MODULES", modules)
        .output()
        .await
        .unwrap();
    server.abort();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    eprintln!("pictures: {}", pictures.display());
}
