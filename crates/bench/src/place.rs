//! A service on one database, and a way around it for the baselines.

use anyhow::Context;
use reskontro::config::Config;
use reskontro::ctx::Ctx;
use reskontro::services::Actor;
use reskontro::services::organisation::{self, DPA_VERSION, NewBankAccount, NewOrganisation};
use reskontro::store::{self, connect::RolePasswords};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
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
}

/// A connection without rules.
pub(crate) async fn raw(url: &str) -> anyhow::Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url.to_owned());
    options.max_connections(1).sqlx_logging(false);
    Ok(Database::connect(options).await?)
}

fn settings(url: &str, owner: &str, dir: &TempDir) -> anyhow::Result<Config> {
    let d = dir.path().display();
    Ok(Config::with(&format!(
        "[database]\nurl = \"{url}\"\n{owner}max_connections = 40\n[files]\ndir = \"{d}/files\"\n[mail]\nspool_dir = \"{d}/spool\"\n\
         [ledgers]\ndir = \"{d}/ledgers\"\n[backup]\ndir = \"{d}/backups\"\n"
    ))?)
}

impl Place {
    /// On a SQLite file.
    pub(crate) async fn sqlite() -> anyhow::Result<Option<Self>> {
        let dir = TempDir::new()?;
        let file = dir.path().join("db").join("bench.db");
        std::fs::create_dir(dir.path().join("db"))?;
        let config = settings(&format!("sqlite:{}", file.display()), "", &dir)?;
        store::migrate(&config.database).await?;
        let ctx = reskontro::app::context(config).await?;
        let raw = raw(&format!("sqlite://{}?mode=rwc", file.display())).await?;
        Ok(Some(Self { db: "sqlite", ctx, raw, dir }))
    }

    /// On the PostgreSQL of `TEST_DATABASE_URL`.
    #[expect(clippy::disallowed_methods, reason = "the bench's own switch")]
    pub(crate) async fn postgres() -> anyhow::Result<Option<Self>> {
        let Ok(admin) = std::env::var("TEST_DATABASE_URL") else { return Ok(None) };
        let dir = TempDir::new()?;
        let name = format!("bench_{}", std::process::id());
        let p = || "bench".to_owned();
        let passwords = RolePasswords { owner: p(), app: p(), backup: p(), retention: p() };
        store::setup_postgres(&admin, &name, &passwords).await?;
        let host =
            admin.split('@').nth(1).and_then(|h| h.split('/').next()).context("TEST_DATABASE_URL names a host")?;
        let url = |role: &str| format!("postgres://{role}:bench@{host}/{name}");
        let owner = format!(
            "owner_url = \"{}\"\nretention_url = \"{}\"\nbackup_url = \"{}\"\n",
            url("reskontro_owner"),
            url("reskontro_retention"),
            url("reskontro_backup")
        );
        let config = settings(&url("reskontro_app"), &owner, &dir)?;
        store::migrate(&config.database).await?;
        let ctx = reskontro::app::context(config).await?;
        let base = admin.rsplit_once('/').context("TEST_DATABASE_URL names a database")?.0;
        let raw = raw(&format!("{base}/{name}")).await?;
        Ok(Some(Self { db: "postgres", ctx, raw, dir }))
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

    /// Lets go of the database.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.ctx.db.close().await;
        Ok(self.raw.close().await?)
    }
}
