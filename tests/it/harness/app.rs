//! The service under test.

use chrono::{DateTime, Duration, Utc};
use reskontro::config::Config;
use reskontro::ctx::{Ctx, Ids, InstallationKey};
use reskontro::delivery::{FileJournal, LocalFiles, Spool};
use reskontro::ports::{Clock, Rng};
use reskontro::store::{self, connect::RolePasswords};
use sandbox::SplitMix64;
use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A clock that moves when told.
pub struct TestClock(Mutex<DateTime<Utc>>);

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

impl TestClock {
    pub fn set(&self, to: DateTime<Utc>) {
        *self.0.lock().unwrap() = DateTime::from_timestamp_micros(to.timestamp_micros()).unwrap();
    }

    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now += by;
    }
}

/// The same numbers every time.
pub struct TestRng(Mutex<SplitMix64>);

impl Rng for TestRng {
    fn fill(&self, bytes: &mut [u8]) {
        let mut numbers = self.0.lock().unwrap();
        for byte in bytes {
            *byte = numbers.next().to_be_bytes()[0];
        }
    }
}

/// The service under test; dropped, its database and files are gone.
pub struct TestApp {
    pub ctx: Ctx,
    pub clock: Arc<TestClock>,
    pub dir: TempDir,
    pub backend: Backend,
}

impl TestApp {
    /// A fresh service, or none where this database is not there.
    pub async fn new(backend: Backend) -> Option<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = TempDir::new().unwrap();
        let (url, owner) = match backend {
            Backend::Sqlite => (format!("sqlite:{}", dir.path().join("db/test.db").display()), None),
            Backend::Postgres => {
                let (app, owner) = postgres_database().await?;
                (app, Some(owner))
            }
        };
        let owner = owner.map_or_else(String::new, |o| {
            let of = |role: &str| o.replacen("reskontro_owner", role, 1);
            let (retention, backup) = (of("reskontro_retention"), of("reskontro_backup"));
            format!("owner_url = \"{o}\"\nretention_url = \"{retention}\"\nbackup_url = \"{backup}\"\n")
        });
        let data = dir.path().display();
        let changes = format!(
            "[database]\nurl = \"{url}\"\n{owner}[files]\ndir = \"{data}/files\"\n[ledgers]\ndir = \"{data}/ledgers\"\n[backup]\ndir = \"{data}/backups\"\n\
             [mail]\nspool_dir = \"{data}/spool\"\n[ehf]\ndir = \"{data}/ehf\"\n"
        );
        let config = Config::with(&changes).unwrap();
        if backend == Backend::Sqlite {
            store::migrate(&config.database).await.unwrap();
        }
        let clock = Arc::new(TestClock(Mutex::new("2026-11-22T10:00:00Z".parse().unwrap())));
        let ctx = Ctx {
            db: store::connect(&config.database).await.unwrap(),
            clock: clock.clone(),
            ids: Arc::new(Ids::default()),
            rng: Arc::new(TestRng(Mutex::new(SplitMix64::new(1)))),
            mailer: Arc::new(Spool::new(dir.path().join("spool"))),
            efaktura: None,
            access_point: None,
            participants: None,
            inbox: None,
            dkim: None,
            caller: Arc::new(reskontro::delivery::WebhookCaller::new(std::time::Duration::from_secs(2), true).unwrap()),
            pace: reskontro::pace::Pace::default(),
            files: Arc::new(LocalFiles::new(dir.path().join("files"))),
            erasures: Arc::new(FileJournal::new(dir.path().join("ledgers/erasures.log"))),
            seen: Arc::new(FileJournal::new(dir.path().join("ledgers/seen.log"))),
            config: Arc::new(config),
            progress: reskontro::progress::Progress::default(),
            key: Arc::new(InstallationKey::new([7; 32])),
        };
        Some(Self { ctx, clock, dir, backend })
    }

    /// The mails in the spool folder.
    pub fn spool(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.dir.path().join("spool")) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
        paths.sort();
        paths
    }
}

const PASSWORD: &str = "test";

/// A database of its own, cloned from a template that is migrated once per schema.
#[expect(clippy::disallowed_methods, reason = "the tests' own switch and names")]
async fn postgres_database() -> Option<(String, String)> {
    let Ok(admin_url) = std::env::var("TEST_DATABASE_URL") else {
        super::skip("postgres", "TEST_DATABASE_URL is not set; `make test` starts a server");
        return None;
    };
    let mut options = ConnectOptions::new(admin_url.clone());
    options.max_connections(1).sqlx_logging(false);
    let admin = Database::connect(options).await.expect("the PostgreSQL of TEST_DATABASE_URL answers");
    let template = format!("reskontro_template_{}", schema_hash());
    // One process at a time makes roles and the template.
    admin.execute_unprepared("SELECT pg_advisory_lock(727001)").await.unwrap();
    let made = admin
        .query_one_raw(sea_orm::Statement::from_string(
            sea_orm::DbBackend::Postgres,
            format!("SELECT 1 AS one FROM pg_database WHERE datname = '{template}' AND datistemplate"),
        ))
        .await
        .unwrap();
    if made.is_none() {
        make_template(&admin, &admin_url, &template).await;
    }
    let name = format!("t_{}", uuid::Uuid::new_v4().simple());
    admin.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.unwrap();
    admin.execute_unprepared("SELECT pg_advisory_unlock(727001)").await.unwrap();
    admin.close().await.unwrap();
    let host = admin_url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
    let url = |role: &str| format!("postgres://{role}:{PASSWORD}@{host}/{name}");
    Some((url("reskontro_app"), url("reskontro_owner")))
}

async fn make_template(admin: &sea_orm::DatabaseConnection, admin_url: &str, template: &str) {
    admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {template}")).await.unwrap();
    let p = || PASSWORD.to_owned();
    let passwords = RolePasswords { owner: p(), app: p(), backup: p(), retention: p() };
    store::setup_postgres(admin_url, template, &passwords).await.unwrap();
    let host = admin_url.split('@').nth(1).unwrap().split('/').next().unwrap();
    let url = format!("postgres://reskontro_owner:{PASSWORD}@{host}/{template}");
    let config = Config::with(&format!("[database]\nurl = \"{url}\"\nowner_url = \"{url}\"\n")).unwrap();
    store::migrate(&config.database).await.unwrap();
    admin
        .execute_unprepared(&format!("UPDATE pg_database SET datistemplate = true WHERE datname = '{template}'"))
        .await
        .unwrap();
}

/// Changes when a migration does.
fn schema_hash() -> String {
    use sha2::{Digest, Sha256};
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migration/src");
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(std::fs::read(file).unwrap());
    }
    domain::hex::encode(&hash.finalize()[..6])
}
