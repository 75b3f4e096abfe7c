//! Backups at the command line.

use super::{context, print_json, text};
use crate::backup::restore::{self, Request, Restored};
use crate::backup::verify::{self, Reading};
use crate::backup::{Manifest, Vault, create, expire};
use crate::config::Config;
use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Subcommand;
use secrecy::SecretString;
use std::path::PathBuf;

/// Backups.
#[derive(Subcommand)]
pub(super) enum BackupCommand {
    /// Makes one: the database and the files, compressed, encrypted for backup.recipients, with a signed manifest. The service
    /// does so each night.
    Create {
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Lists them, the newest first.
    List {
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Says whether one is whole; with a key, restores it into a scratch database and checks the books there.
    Verify {
        /// Its name; the newest when left out.
        name: Option<String>,
        /// An age identity file: reads all of it.
        #[arg(long, value_name = "FILE")]
        identity: Option<PathBuf>,
        /// PostgreSQL: an empty database of the owner to restore into.
        #[arg(long, value_name = "URL")]
        scratch_url: Option<SecretString>,
        /// The key its manifest must be signed with, where it is another installation's.
        #[arg(long, value_name = "HEX")]
        trust_key: Option<String>,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Removes what is about to be thirty days old, measured from now, and certifies the rest. The service does so each night.
    Expire {
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Makes safe a database that was brought back by other means, such as point-in-time recovery or a snapshot: people who were
    /// erased are erased again, nothing the world has seen is used twice, and it opens only when that is proved.
    Adopt {
        /// The point in time it is of.
        #[arg(long, value_name = "TIME")]
        as_of: DateTime<Utc>,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Restores one into the empty database and folder of the settings. People who were erased are erased again, nothing the
    /// world has seen is used twice, and it opens only when that is proved.
    Restore {
        /// Its name; the newest when left out.
        name: Option<String>,
        /// An age identity file.
        #[arg(long, value_name = "FILE", required_unless_present = "resume")]
        identity: Option<PathBuf>,
        /// The key its manifest must be signed with, where this installation has none.
        #[arg(long, value_name = "HEX")]
        trust_key: Option<String>,
        /// Goes on with one that was loaded and could not be verified.
        #[arg(long, conflicts_with_all = ["name", "identity"])]
        resume: bool,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: BackupCommand) -> anyhow::Result<()> {
    match command {
        BackupCommand::Create { json } => {
            let ctx = context().await?;
            let made = create::create(&ctx).await?;
            if json {
                return print_json(&made);
            }
            println!("{}  {}", made.name, size(made.bytes()));
            println!("Signed with {}; a restore on another machine asks for it.", made.public_key);
        }
        BackupCommand::List { json } => list(&Config::load()?, json).await?,
        BackupCommand::Verify { name, identity, scratch_url, trust_key, json } => {
            let ctx = context().await?;
            let name = match name {
                Some(name) => name,
                None => newest(&ctx.config).await?.name,
            };
            let reading =
                Reading { identity: identity.as_deref(), scratch: scratch_url, trust_key: trust_key.as_deref() };
            let found = verify::verify(&ctx, &name, &reading).await?;
            if json {
                return print_json(&found);
            }
            println!("{} is whole and signed ({}).", found.name, size(found.bytes));
            if found.restored {
                let rows = text::count(found.rows);
                println!(
                    "Restored into a scratch database: {rows} rows, {} files, the books of {} hold.",
                    found.files,
                    organisations(found.organisations)
                );
            } else {
                println!("Its content was not read; --identity FILE reads it.");
            }
        }
        BackupCommand::Expire { json } => {
            let ctx = context().await?;
            let aged = expire::expire(&ctx).await?;
            if json {
                return print_json(&aged);
            }
            for name in &aged.removed {
                println!("removed  {name}");
            }
            for key in &aged.stray {
                println!("stray    {key}: part of no backup; it ages like the rest");
            }
            let oldest = format!("{} days and {} hours", aged.oldest_hours / 24, aged.oldest_hours % 24);
            println!(
                "{} left; the oldest object is {oldest} old, {} days are the most.",
                backups(aged.backups),
                aged.keep_days
            );
        }
        BackupCommand::Adopt { as_of, json } => {
            let config = Config::load()?;
            super::serve::log(&config);
            opened(config, Some(as_of), json).await?;
        }
        BackupCommand::Restore { name, identity, trust_key, resume, json } => {
            let from = if resume { None } else { Some(identity.context("give an age identity file: --identity")?) };
            restore(name.as_deref(), from, trust_key.as_deref(), json).await?;
        }
    }
    Ok(())
}

/// Restores, or goes on with a restore where no identity is given.
async fn restore(
    name: Option<&str>,
    identity: Option<PathBuf>,
    trust_key: Option<&str>,
    json: bool,
) -> anyhow::Result<()> {
    let config = Config::load()?;
    super::serve::log(&config);
    if let Some(identity) = identity {
        let manifest = restore::load(&config, &Request { name, identity: &identity, trust_key }).await?;
        if !json {
            println!("{} is loaded into {} and closed.", manifest.name, restore::target(&config));
        }
    }
    opened(config, None, json).await
}

/// Makes safe and opens what was loaded, or what was brought back by other means to a point in time.
async fn opened(config: Config, as_of: Option<DateTime<Utc>>, json: bool) -> anyhow::Result<()> {
    crate::store::migrate(&config.database).await.context("the schema could not be brought up to date")?;
    let ctx = crate::app::context(config).await?;
    let done = match as_of {
        Some(as_of) => restore::adopt(&ctx, as_of).await?,
        None => restore::open(&ctx).await?,
    };
    ctx.db.close().await;
    if json {
        return print_json(&done);
    }
    show(&done);
    Ok(())
}

async fn newest(config: &Config) -> anyhow::Result<Manifest> {
    let vault = Vault::open(config)?;
    vault.backups().await?.into_iter().next().context("there is no backup; make one with `reskontro backup create`")
}

async fn list(config: &Config, json: bool) -> anyhow::Result<()> {
    let all = Vault::open(config)?.backups().await?;
    if json {
        return print_json(&all);
    }
    if all.is_empty() {
        println!("There is no backup; make one with `reskontro backup create`.");
    }
    for backup in all {
        let looked = Vault::open(config)?.looked(&backup.name).await?;
        println!(
            "{}  {}  {}  {}  {}",
            backup.name,
            backup.made_at.format("%Y-%m-%d %H:%M"),
            backup.engine,
            size(backup.bytes()),
            looked.map_or_else(|| "not verified".to_owned(), |l| format!("verified {}", l.at.format("%Y-%m-%d %H:%M")))
        );
    }
    Ok(())
}

fn show(done: &Restored) {
    println!("Verified and open: {}.", organisations(done.organisations));
    println!("  erased again       {}", done.erased_again);
    println!("  not sent twice     {}", done.left_before);
    for lost in &done.lost_numbers {
        println!("  lost numbers       {} {} to {} of {}", lost.series, lost.first_no, lost.last_no, lost.org);
    }
}

fn organisations(n: usize) -> String {
    if n == 1 { "1 organisation".to_owned() } else { format!("{n} organisations") }
}

fn backups(n: usize) -> String {
    if n == 1 { "1 backup".to_owned() } else { format!("{n} backups") }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..=99_999 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}
