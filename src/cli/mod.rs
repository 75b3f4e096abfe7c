//! The command line: each command prints for people, or with `--json` for programs, and fails with one clear line.
#![expect(clippy::print_stdout, reason = "printing is what a command line does")]

mod addresses;
mod audit;
mod backup;
mod bank;
mod breaches;
mod customers;
mod deliveries;
mod demo;
mod demo_outside;
mod demo_privacy;
mod einvoice;
mod ending;
mod erasure;
mod holds;
mod invoices;
mod mail;
mod notes;
mod notices;
mod operate;
mod organisations;
mod privacy;
mod processors;
mod promises;
mod readings;
mod requests;
mod serve;
mod simulate;
mod text;
mod users;
mod webhooks;

use crate::config::Config;
use crate::ctx::Ctx;
use crate::services::Actor;
use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use uuid::Uuid;

/// Invoicing and accounts receivable for Norwegian businesses and associations.
#[derive(Parser)]
#[command(name = "reskontro", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a year's worth of an association in a fresh database, shows what happened, and serves it.
    Demo(demo::Args),
    /// Plays years of a made-up organisation in seconds, to see what a policy does to its data.
    Simulate(simulate::Args),
    /// Serves the API and does the background work.
    Serve,
    /// Brings the database schema up to date.
    Migrate,
    /// PostgreSQL roles.
    #[command(subcommand)]
    Db(operate::DbCommand),
    /// Settings.
    #[command(subcommand)]
    Config(operate::ConfigCommand),
    /// Organisations.
    #[command(subcommand)]
    Org(organisations::OrgCommand),
    /// API keys.
    #[command(subcommand)]
    ApiKey(organisations::KeyCommand),
    /// Customers, and their lists: look at what a file would do, then do it.
    #[command(subcommand)]
    Customers(customers::CustomersCommand),
    /// One customer: notes of contacts.
    #[command(subcommand)]
    Customer(notes::CustomerCommand),
    /// Invoices.
    #[command(subcommand)]
    Invoices(invoices::InvoicesCommand),
    /// Bank files.
    #[command(subcommand)]
    Bank(bank::BankCommand),
    /// Deliveries: what needs a person, and what a person does.
    #[command(subcommand)]
    Deliveries(deliveries::DeliveriesCommand),
    /// Mail: take in what comes back, show the DNS record of the signing key.
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// Webhooks: endpoints of other systems that are told what happens.
    #[command(subcommand)]
    Webhooks(webhooks::WebhooksCommand),
    /// What happened, in order: the facts webhooks tell.
    Events(webhooks::EventsArgs),
    /// People who sign in to the console.
    #[command(subcommand)]
    User(users::UserCommand),
    /// Addresses nobody signs in from.
    #[command(subcommand)]
    Address(addresses::AddressCommand),
    /// E-invoices: check a file before it is sent.
    #[command(subcommand)]
    Einvoice(einvoice::EinvoiceCommand),
    /// The customer ledger.
    #[command(subcommand)]
    Ledger(invoices::LedgerCommand),
    /// The audit log.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Personal data: the policy, holds, and why something is held.
    #[command(subcommand)]
    Privacy(privacy::PrivacyCommand),
    /// Backups: make, check, age out, restore.
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// Background jobs.
    #[command(subcommand)]
    Job(operate::JobCommand),
    /// Prints the OpenAPI document.
    Openapi,
}

/// Which organisation a command is about.
#[derive(clap::Args)]
struct Org {
    /// Organisation id; may be left out when there is only one.
    #[arg(long)]
    org: Option<Uuid>,
}

impl Org {
    async fn actor(&self, ctx: &Ctx) -> anyhow::Result<Actor> {
        if let Some(org) = self.org {
            return Ok(Actor::operator(org));
        }
        let tx = ctx.db.system().await?;
        let all = crate::store::organisation::list_ids(&tx).await?;
        match all.as_slice() {
            [only] => Ok(Actor::operator(*only)),
            [] => bail!("there is no organisation yet; make one with `reskontro org create`"),
            _ => bail!("there are several organisations; say which with --org"),
        }
    }
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(run(cli.command)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    use std::io::Write;
    let mut out = std::io::stderr();
    let _ = writeln!(out, "reskontro: {error:#}");
    if let Some(crate::services::Error::Refused(refusal)) = error.downcast_ref()
        && refusal.errors.len() > 1
    {
        for e in &refusal.errors {
            let _ = writeln!(out, "  {}: {} ({})", e.field, e.message, e.code);
        }
    }
    ExitCode::FAILURE
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(args) => Box::pin(demo::run(args)).await?,
        Command::Simulate(args) => return Box::pin(simulate::run(args)).await,
        Command::Serve => serve::run(Config::load()?).await?,
        Command::Migrate => {
            let config = Config::load()?;
            crate::backup::restore::unless_closed(&config)?;
            crate::store::migrate(&config.database).await.context("the schema could not be brought up to date")?;
            println!("The database schema is up to date.");
        }
        Command::Db(command) => operate::db(command).await?,
        Command::Config(command) => operate::config(&command).await?,
        Command::Org(command) => organisations::org(command).await?,
        Command::ApiKey(command) => organisations::key(command).await?,
        Command::Customers(command) => return customers::run(command).await,
        Command::Customer(command) => notes::run(command).await?,
        Command::Invoices(command) => invoices::run(command).await?,
        Command::Bank(command) => return bank::run(command).await,
        Command::Deliveries(command) => return deliveries::run(command).await,
        Command::Mail(command) => mail::run(command).await?,
        Command::Webhooks(command) => webhooks::run(command).await?,
        Command::Events(args) => webhooks::events(args).await?,
        Command::User(command) => users::run(command).await?,
        Command::Address(command) => addresses::run(command).await?,
        Command::Einvoice(command) => return einvoice::run(&command),
        Command::Ledger(command) => return invoices::ledger(command).await,
        Command::Audit(command) => return audit::run(command).await,
        Command::Privacy(command) => Box::pin(privacy::run(command)).await?,
        Command::Backup(command) => backup::run(command).await?,
        Command::Job(command) => operate::job(command).await?,
        Command::Openapi => println!("{}", crate::http::openapi_json()?),
    }
    Ok(ExitCode::SUCCESS)
}

/// A context by the settings, with the embedded database brought up to date.
async fn context() -> anyhow::Result<Ctx> {
    let config = Config::load()?;
    serve::log(&config);
    serve::prepare(&config).await?;
    crate::app::context(config).await
}

/// The bytes of a file, when it is no larger than allowed.
fn read_file(path: &std::path::Path, limit: usize) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("{shown} cannot be read"))?.len();
    if usize::try_from(size).is_ok_and(|s| s > limit) {
        bail!("{shown} has {} MB; at most {} MB are read (section limits of the settings)", size >> 20, limit >> 20);
    }
    std::fs::read(path).with_context(|| format!("{shown} cannot be read"))
}

/// Does long work, and tells whoever watches how far it is: one line that is written over.
async fn watched<T>(ctx: &Ctx, actor: &Actor, work: impl Future<Output = T>) -> T {
    use std::io::{IsTerminal, Write};
    let mut out = std::io::stderr();
    if !out.is_terminal() {
        return work.await;
    }
    let mut work = std::pin::pin!(work);
    let mut shown = false;
    loop {
        let done = tokio::select! {
            done = &mut work => done,
            () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {
                if let Some(step) = ctx.progress.of(actor.org).first() {
                    shown = true;
                    let _ = write!(out, "\r\x1b[K{} of {} rows", text::count(i64::try_from(step.done).unwrap_or_default()), text::count(i64::try_from(step.total).unwrap_or_default()));
                }
                continue;
            }
        };
        if shown {
            let _ = write!(out, "\r\x1b[K");
        }
        return done;
    }
}

fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn no_command_contradicts_itself() {
        super::Cli::command().debug_assert();
    }
}
