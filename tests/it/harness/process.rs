//! `reskontro serve` as a process of its own, and the mails a sink has taken from it.

use super::TestApp;
use reskontro::ctx::{Ctx, SystemClock};
use reskontro::ports::Clock;
use reskontro::services::Actor;
use reskontro::services::run::{self, NewRun};
use reskontro::store::views::{self, DeliveryItem};
use sandbox::SmtpSink;
use secrecy::ExposeSecret;
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::process::{Child, Command, Stdio};
use uuid::Uuid;

/// A key such as `mail.mode`, and its value.
pub type Setting = (&'static str, String);

/// The service with its workers; killed by SIGKILL when dropped.
pub struct Serve(Child);

impl Serve {
    /// Starts it on the test's database and files, at a free port.
    pub fn start(app: &TestApp, settings: &[Setting]) -> Self {
        let log = OpenOptions::new().create(true).append(true).open(app.dir.path().join("serve.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_reskontro"));
        command
            .arg("serve")
            .env("RESKONTRO__DATABASE__URL", app.ctx.config.database.url.expose_secret())
            .env("RESKONTRO__FILES__DIR", &app.ctx.config.files.dir)
            .env("RESKONTRO__LEDGERS__DIR", &app.ctx.config.ledgers.dir)
            .env("RESKONTRO__BACKUP__DIR", &app.ctx.config.backup.dir)
            .env("RESKONTRO__HTTP__BIND", "127.0.0.1:0")
            .env("RESKONTRO__LOG__FILTER", "warn")
            .env("RESKONTRO__WORKER__POLL_SECONDS", "1");
        for (key, value) in settings {
            command.env(format!("RESKONTRO__{}", key.to_uppercase().replace('.', "__")), value);
        }
        Self(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// What a command prints on the test's database and files; it must succeed.
pub fn cli(app: &TestApp, args: &[&str]) -> String {
    let config = &app.ctx.config;
    let mut command = Command::new(env!("CARGO_BIN_EXE_reskontro"));
    command
        .args(args)
        .env("RESKONTRO__DATABASE__URL", config.database.url.expose_secret())
        .env("RESKONTRO__FILES__DIR", &config.files.dir)
        .env("RESKONTRO__LEDGERS__DIR", &config.ledgers.dir)
        .env("RESKONTRO__BACKUP__DIR", &config.backup.dir)
        .env("RESKONTRO__LOG__FILTER", "error");
    if let Some(url) = &config.database.retention_url {
        command.env("RESKONTRO__DATABASE__RETENTION_URL", url.expose_secret());
    }
    let out = command.output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// Settings that send mail to a sink.
pub fn mail_to(sink: &SmtpSink) -> Vec<Setting> {
    let text = |key, value: &str| (key, value.to_owned());
    vec![
        text("mail.mode", "smtp"),
        text("mail.host", "127.0.0.1"),
        ("mail.port", sink.port().to_string()),
        text("mail.tls", "none"),
        text("mail.hello", "sender.example"),
    ]
}

/// The ids and domains of the Message-IDs a sink has taken, in order.
pub fn message_ids(sink: &SmtpSink) -> Vec<(Uuid, String)> {
    let received = sink.received();
    let ids = received.iter().map(|mail| {
        let id = mail.header("Message-ID").unwrap();
        let (id, domain) = id.trim_matches(['<', '>']).split_once('@').unwrap();
        (id.parse().unwrap(), domain.to_owned())
    });
    ids.collect()
}

/// How often each occurs.
pub fn count<T: Eq + std::hash::Hash>(items: impl IntoIterator<Item = T>) -> HashMap<T, usize> {
    let mut counts = HashMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}

impl TestApp {
    /// Sets the test's clock to that of the processes beside it.
    pub fn keep_real_time(&self) {
        self.clock.set(SystemClock.now());
    }

    /// Bills everybody; what is issued is due at once.
    pub async fn bill(&self, ctx: &Ctx, actor: &Actor) {
        let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
        let id = run::start(ctx, actor, &new).await.unwrap();
        run::continue_run(ctx, actor, id, |_| {}).await.unwrap();
    }

    /// Every delivery.
    pub async fn deliveries(&self, actor: &Actor) -> Vec<DeliveryItem> {
        let tx = self.ctx.db.read(actor.org).await.unwrap();
        let found = views::deliveries(&tx, None, Uuid::nil(), 10_000).await.unwrap();
        tx.commit().await.unwrap();
        found
    }

    /// What the processes have logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("serve.log")).unwrap_or_default()
    }
}
