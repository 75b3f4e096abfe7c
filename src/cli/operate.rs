//! Settings, database roles and jobs.

use super::{Org, context, print_json, text};
use crate::config::Config;
use crate::jobs::{JOBS, run_by_name};
use crate::store::connect::RolePasswords;
use clap::Subcommand;
use uuid::Uuid;

/// Settings.
#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Says whether the settings can be used, and what is wrong.
    Check,
    /// Prints every key with its default.
    Default,
}

pub(super) async fn config(command: &ConfigCommand) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Default => print!("{}", crate::config::DEFAULT_TOML),
        ConfigCommand::Check => {
            super::processors::check(Config::load()?).await?;
            println!("The settings can be used.");
        }
    }
    Ok(())
}

/// PostgreSQL roles.
#[derive(Subcommand)]
pub(super) enum DbCommand {
    /// Makes the roles and the database, as a superuser. Running it again only sets the passwords.
    Setup {
        /// URL of a superuser, such as postgres://postgres@localhost/postgres.
        #[arg(long)]
        admin_url: String,
        /// Database to make.
        #[arg(long, default_value = "reskontro")]
        database: String,
        /// Password of reskontro_owner.
        #[arg(long)]
        owner_password: String,
        /// Password of reskontro_app.
        #[arg(long)]
        app_password: String,
        /// Password of reskontro_backup.
        #[arg(long)]
        backup_password: String,
        /// Password of reskontro_retention.
        #[arg(long)]
        retention_password: String,
    },
}

pub(super) async fn db(command: DbCommand) -> anyhow::Result<()> {
    let DbCommand::Setup { admin_url, database, owner_password, app_password, backup_password, retention_password } =
        command;
    let passwords = RolePasswords {
        owner: owner_password,
        app: app_password,
        backup: backup_password,
        retention: retention_password,
    };
    crate::store::setup_postgres(&admin_url, &database, &passwords).await?;
    println!("The roles and the database {database} are there. Next: `reskontro migrate` with database.owner_url set.");
    Ok(())
}

/// Background jobs.
#[derive(Subcommand)]
pub(super) enum JobCommand {
    /// Lists the jobs and what is queued.
    List {
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Runs a job now.
    Run {
        #[command(flatten)]
        org: Org,
        /// Name of the job.
        name: String,
        /// What it is about, such as the run of commit_run.
        #[arg(long)]
        subject: Option<Uuid>,
    },
}

pub(super) async fn job(command: JobCommand) -> anyhow::Result<()> {
    let ctx = context().await?;
    match command {
        JobCommand::List { org, json } => {
            let actor = org.actor(&ctx).await?;
            let tx = ctx.db.read(actor.org).await?;
            let queued = crate::store::job::list(&tx, 20).await?;
            tx.commit().await?;
            if json {
                let rows = queued.iter().map(|j| {
                    serde_json::json!({ "id": j.id, "name": j.name, "state": j.state, "run_at": j.run_at,
                        "attempts": j.attempts, "last_error": j.last_error })
                });
                return print_json(&rows.collect::<Vec<_>>());
            }
            let mut rows = Vec::new();
            for known in JOBS {
                let when = match known.daily_at {
                    Some((h, m)) => format!("daily {h:02}:{m:02}"),
                    None if known.hourly => "hourly".to_owned(),
                    None => "on demand".to_owned(),
                };
                rows.push(vec![known.name.to_owned(), when, known.about.to_owned()]);
            }
            print!("{}", text::table(&rows, ""));
            for job in queued {
                let error = job.last_error.map(|e| format!(" ({e})")).unwrap_or_default();
                println!("{}  {}  {}{error}", job.run_at.format("%Y-%m-%d %H:%M"), job.state, job.name);
            }
        }
        JobCommand::Run { org, name, subject } => {
            let actor = org.actor(&ctx).await?;
            run_by_name(&ctx, &name, actor.org, subject).await?;
            println!("{name} is done.");
        }
    }
    Ok(())
}
