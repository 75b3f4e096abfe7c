//! A service on one database, and a way around it for the baselines.

use anyhow::Context;
use reskontro::config::Config;
use reskontro::ctx::Ctx;
use reskontro::services::Actor;
use reskontro::services::organisation::{self, DPA_VERSION, NewBankAccount, NewOrganisation};
use reskontro::store::{self, connect::RolePasswords};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use secrecy::ExposeSecret;
use std::path::PathBuf;
use tempfile::TempDir;

/// A service on one database.
pub(crate) struct Place {
    /// `sqlite` or `postgres`.
    pub(crate) db: &'static str,
    /// The service.
    pub(crate) ctx: Ctx,
    /// Past all rules: the file itself, or a superuser.
    pub(crate) raw: DatabaseConnection,
    /// Scratch.
    pub(crate) dir: TempDir,
    /// What opens its backups.
    pub(crate) identity: PathBuf,
    /// PostgreSQL: the server, as superuser, and the name of the database.
    server: Option<(String, String)>,
}

/// A connection without rules.
pub(crate) async fn raw(url: &str) -> anyhow::Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url.to_owned());
    options.max_connections(1).sqlx_logging(false);
    Ok(Database::connect(options).await?)
}

/// Settings, and the file of what opens the backups.
fn settings(url: &str, owner: &str, dir: &TempDir) -> anyhow::Result<(Config, PathBuf)> {
    let (identity, key) = (dir.path().join("identity.txt"), age::x25519::Identity::generate());
    std::fs::write(&identity, format!("{}\n", key.to_string().expose_secret()))?;
    let (d, recipient) = (dir.path().display(), key.to_public());
    let config = Config::with(&format!(
        "[database]\nurl = \"{url}\"\n{owner}max_connections = 40\n[files]\ndir = \"{d}/files\"\n[mail]\nspool_dir = \"{d}/spool\"\n\
         [ehf]\ndir = \"{d}/ehf\"\n[ledgers]\ndir = \"{d}/ledgers\"\n[backup]\ndir = \"{d}/backups\"\nrecipients = [\"{recipient}\"]\n"
    ))?;
    Ok((config, identity))
}

/// Addresses of a database of the server, for the roles of the service.
fn addresses(admin: &str, name: &str) -> anyhow::Result<(String, String)> {
    let host = admin.split('@').nth(1).and_then(|h| h.split('/').next()).context("TEST_DATABASE_URL names a host")?;
    let url = |role: &str| format!("postgres://{role}:bench@{host}/{name}");
    let others = format!(
        "owner_url = \"{}\"\nretention_url = \"{}\"\nbackup_url = \"{}\"\n",
        url("reskontro_owner"),
        url("reskontro_retention"),
        url("reskontro_backup")
    );
    Ok((url("reskontro_app"), others))
}

/// An empty database on the server, with the roles of the service.
async fn make_database(admin: &str, name: &str) -> anyhow::Result<()> {
    let p = || "bench".to_owned();
    let passwords = RolePasswords { owner: p(), app: p(), backup: p(), retention: p() };
    Ok(store::setup_postgres(admin, name, &passwords).await?)
}

/// A database of the server past all rules.
pub(crate) fn superuser_url(admin: &str, name: &str) -> anyhow::Result<String> {
    let base = admin.rsplit_once('/').context("TEST_DATABASE_URL names a database")?.0;
    Ok(format!("{base}/{name}"))
}

impl Place {
    /// On a SQLite file.
    pub(crate) async fn sqlite() -> anyhow::Result<Option<Self>> {
        let dir = TempDir::new()?;
        let file = dir.path().join("db").join("bench.db");
        std::fs::create_dir(dir.path().join("db"))?;
        let (config, identity) = settings(&format!("sqlite:{}", file.display()), "", &dir)?;
        store::migrate(&config.database).await?;
        let ctx = reskontro::app::context(config).await?;
        let raw = raw(&format!("sqlite://{}?mode=rwc", file.display())).await?;
        Ok(Some(Self { db: "sqlite", ctx, raw, dir, identity, server: None }))
    }

    /// On the PostgreSQL of `TEST_DATABASE_URL`, in a database whose name ends so.
    #[expect(clippy::disallowed_methods, reason = "the bench's own switch")]
    pub(crate) async fn postgres(ending: &str) -> anyhow::Result<Option<Self>> {
        let Ok(admin) = std::env::var("TEST_DATABASE_URL") else { return Ok(None) };
        let dir = TempDir::new()?;
        let name = format!("bench_{}{ending}", std::process::id());
        make_database(&admin, &name).await?;
        let (url, others) = addresses(&admin, &name)?;
        let (config, identity) = settings(&url, &others, &dir)?;
        store::migrate(&config.database).await?;
        let ctx = reskontro::app::context(config).await?;
        let raw = raw(&superuser_url(&admin, &name)?).await?;
        Ok(Some(Self { db: "postgres", ctx, raw, dir, identity, server: Some((admin, name)) }))
    }

    /// The SQLite file.
    pub(crate) fn file(&self) -> PathBuf {
        self.dir.path().join("db").join("bench.db")
    }

    /// PostgreSQL: the server, as superuser, and the name of the database.
    pub(crate) fn server(&self) -> anyhow::Result<(&str, &str)> {
        let (admin, name) = self.server.as_ref().context("a PostgreSQL server")?;
        Ok((admin, name))
    }

    /// PostgreSQL: runs a statement outside of the database.
    pub(crate) async fn administer(&self, sql: &str) -> anyhow::Result<()> {
        let admin = raw(self.server()?.0).await?;
        admin.execute_unprepared(sql).await?;
        Ok(admin.close().await?)
    }

    /// Settings of an empty database and an empty folder beside these, with the same ledgers and backups, and how it is reached
    /// past all rules.
    pub(crate) async fn elsewhere(&self) -> anyhow::Result<(Config, String)> {
        let mut config = Config::clone(&self.ctx.config);
        let files = self.dir.path().join("files-elsewhere");
        std::fs::create_dir(&files)?;
        std::fs::copy(config.files.dir.join("installation.key"), files.join("installation.key"))?;
        config.files.dir = files;
        let Some((admin, name)) = &self.server else {
            let file = self.dir.path().join("db-elsewhere").join("bench.db");
            config.database.url = format!("sqlite:{}", file.display()).into();
            return Ok((config, format!("sqlite://{}?mode=rwc", file.display())));
        };
        let name = format!("{name}_elsewhere");
        make_database(admin, &name).await?;
        let (url, others) = addresses(admin, &name)?;
        config.database = Config::with(&format!("[database]\nurl = \"{url}\"\n{others}"))?.database;
        Ok((config, superuser_url(admin, &name)?))
    }

    /// Lets go of the database for as long as it is copied, whole, as a file or as a database; how the copy is reached.
    pub(crate) async fn copy(&mut self) -> anyhow::Result<String> {
        self.ctx.db.close().await;
        self.raw.clone().close().await?;
        let (copy, own) = if let Some((admin, name)) = &self.server {
            self.administer(&format!("CREATE DATABASE {name}_copy TEMPLATE {name} STRATEGY file_copy")).await?;
            (superuser_url(admin, &format!("{name}_copy"))?, superuser_url(admin, name)?)
        } else {
            let copy = self.dir.path().join("copy.db");
            std::fs::copy(self.file(), &copy)?;
            let url = |path: &std::path::Path| format!("sqlite://{}?mode=rwc", path.display());
            (url(&copy), url(&self.file()))
        };
        self.ctx.db = store::connect(&self.ctx.config.database).await?;
        self.raw = raw(&own).await?;
        Ok(copy)
    }

    /// Removes what was copied or made beside the database.
    pub(crate) async fn remove(&self, which: &str) -> anyhow::Result<()> {
        if let Some((_, name)) = &self.server {
            return self.administer(&format!("DROP DATABASE {name}_{which} WITH (FORCE)")).await;
        }
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.dir.path().join(format!("{which}.db{ending}")));
        }
        Ok(())
    }

    /// An organisation to bill for.
    pub(crate) async fn organisation(&self) -> anyhow::Result<Actor> {
        self.organisation_paid_to(crate::data::ACCOUNT).await
    }

    /// An organisation with an account of its own.
    pub(crate) async fn organisation_paid_to(&self, account: &str) -> anyhow::Result<Actor> {
        let new = NewOrganisation {
            name: "Benk idrettslag".to_owned(),
            org_number: Some("312345676".to_owned()),
            legal_form: "FLI".to_owned(),
            vat_registered: true,
            street: Some("Idrettsveien 1".to_owned()),
            postal_code: Some("7760".to_owned()),
            city: Some("Snåsa".to_owned()),
            email: "post@benk.example".to_owned(),
            phone: None,
            privacy_url: None,
            language: "nb".to_owned(),
            terms_days: 14,
            fiscal_year_start_month: 1,
            first_invoice_number: None,
            accept_dpa: Some(DPA_VERSION.to_owned()),
            privacy_preset: None,
            bank_account: Some(NewBankAccount {
                account_no: account.to_owned(),
                name: String::new(),
                kid_modulus: "mod10".to_owned(),
                kid_customer_digits: 7,
                kid_invoice_digits: 7,
            }),
        };
        Ok(Actor::operator(organisation::create(&self.ctx, new).await?))
    }

    /// Lets go of the database, and removes it.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.ctx.db.close().await;
        self.raw.clone().close().await?;
        match &self.server {
            Some((_, name)) => self.administer(&format!("DROP DATABASE {name} WITH (FORCE)")).await,
            None => Ok(()),
        }
    }
}
