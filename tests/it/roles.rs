//! Whoever serves sees one organisation at a time: a role of the database that could see or change more is refused at start.

use crate::harness::{Backend, TestApp};
use secrecy::ExposeSecret;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What `serve` says of a database it will not serve from; none when it has served for as long.
fn refusal(app: &TestApp, url: &str, wait: Duration) -> Option<String> {
    let mut serve = Command::new(env!("CARGO_BIN_EXE_reskontro"))
        .arg("serve")
        .env("RESKONTRO__DATABASE__URL", url)
        .env("RESKONTRO__FILES__DIR", &app.ctx.config.files.dir)
        .env("RESKONTRO__LEDGERS__DIR", &app.ctx.config.ledgers.dir)
        .env("RESKONTRO__BACKUP__DIR", &app.ctx.config.backup.dir)
        .env("RESKONTRO__HTTP__BIND", "127.0.0.1:0")
        .env("RESKONTRO__LOG__FILTER", "error")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let until = Instant::now() + wait;
    while Instant::now() < until {
        if serve.try_wait().unwrap().is_some() {
            let out = serve.wait_with_output().unwrap();
            assert!(!out.status.success());
            return Some(String::from_utf8_lossy(&out.stderr).into_owned());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    serve.kill().unwrap();
    serve.wait().unwrap();
    None
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the tests' own switch")]
async fn the_service_refuses_a_superuser_an_owner_of_tables_and_a_role_that_sees_every_row() {
    let Some(app) = TestApp::new(Backend::Postgres).await else { return };
    let config = &app.ctx.config.database;
    let url = |url: Option<&secrecy::SecretString>| url.unwrap().expose_secret().to_owned();
    let own = config.url.expose_secret();
    let database = own.rsplit('/').next().unwrap();
    let admin = std::env::var("TEST_DATABASE_URL").unwrap();
    let superuser = format!("{}/{database}", admin.rsplit_once('/').unwrap().0);
    for (url, fault) in [
        (superuser, "is a superuser"),
        (url(config.owner_url.as_ref()), "owns the tables"),
        (url(config.backup_url.as_ref()), "bypasses row-level security"),
        (url(config.retention_url.as_ref()), "is a member of the retention role"),
    ] {
        let said =
            refusal(&app, &url, Duration::from_secs(30)).unwrap_or_else(|| panic!("it serves a role that {fault}"));
        assert!(said.contains(fault) && said.contains("reskontro_app"), "{fault}: {said}");
    }
    assert_eq!(refusal(&app, own, Duration::from_secs(4)), None, "its own role is refused");
}
