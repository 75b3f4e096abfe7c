//! The register of processors at the command line: kept by the operator, also while the service is not running.

use super::{context, print_json, text};
use crate::config::Config;
use crate::ctx::Ctx;
use crate::privacy::processor::{self, NewProcessor, ProcessorView, Review};
use crate::privacy::recipients::{self, Reached};
use anyhow::bail;
use chrono::NaiveDate;
use clap::Subcommand;
use domain::privacy::{Recipient, Transfer};
use std::fmt::Write;

/// The register of processors.
#[derive(Subcommand)]
pub(super) enum ProcessorCommand {
    /// Lists who works for the installation, and your own machines.
    List {
        /// Those that no longer do too.
        #[arg(long)]
        all: bool,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Registers somebody, or with --own machines of your own.
    Add(Box<AddArgs>),
    /// Ends an entry; a later one may have its name.
    End {
        /// Name or id.
        which: String,
    },
    /// Notes that the risk was assessed again, and what has changed since.
    Review(Box<ReviewArgs>),
}

/// What is registered.
#[derive(clap::Args)]
pub(super) struct AddArgs {
    /// Registered name; a name for the machines with --own.
    #[arg(long)]
    name: String,
    /// What for: mail_relay, efaktura, access_point, bank or host (machines, database, backups).
    #[arg(long, default_value = "host")]
    service: String,
    /// Country where the data is, in two letters, such as NO.
    #[arg(long)]
    country: String,
    /// Machines of your own: no processor, and no agreement.
    #[arg(long)]
    own: bool,
    /// Reference of the data-processing agreement.
    #[arg(long, value_name = "REFERENCE")]
    agreement: Option<String>,
    /// The day it was made.
    #[arg(long, value_name = "DATE")]
    agreement_on: Option<NaiveDate>,
    /// Ground of the transfer, outside the EEA: adequacy_decision, standard_contractual_clauses, binding_corporate_rules or
    /// derogation (article 49).
    #[arg(long, value_name = "GROUND")]
    transfer: Option<String>,
    /// The day its risk was last assessed.
    #[arg(long, value_name = "DATE")]
    assessed_on: Option<NaiveDate>,
    /// Host it is reached at, or *.domain for all below; may be repeated.
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// For programs.
    #[arg(long)]
    json: bool,
}

/// What a new look found.
#[derive(clap::Args)]
pub(super) struct ReviewArgs {
    /// Name or id.
    which: String,
    /// The day of the assessment; today when left out.
    #[arg(long, value_name = "DATE")]
    on: Option<NaiveDate>,
    /// Reference of a new agreement.
    #[arg(long, value_name = "REFERENCE", requires = "agreement_on")]
    agreement: Option<String>,
    /// The day it was made.
    #[arg(long, value_name = "DATE", requires = "agreement")]
    agreement_on: Option<NaiveDate>,
    /// Another ground of the transfer.
    #[arg(long, value_name = "GROUND")]
    transfer: Option<String>,
    /// Hosts it is reached at from now on, in place of those before; may be repeated.
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
}

pub(super) async fn run(command: ProcessorCommand) -> anyhow::Result<()> {
    let ctx = context().await?;
    match command {
        ProcessorCommand::List { all, json } => list(&ctx, all, json).await,
        ProcessorCommand::Add(args) => add(&ctx, *args).await,
        ProcessorCommand::End { which } => {
            let found = processor::find(&ctx, &which).await?;
            processor::end(&ctx, found.id).await?;
            println!("{} has ended.", found.name);
            if found.is_processor() {
                println!("Publish the privacy statements again: they name who works for you.");
            }
            Ok(())
        }
        ProcessorCommand::Review(args) => {
            let ReviewArgs { which, on, agreement, agreement_on, transfer, hosts } = *args;
            let id = processor::find(&ctx, &which).await?.id;
            let found = Review { assessed_on: on, agreement, agreement_on, transfer, hosts };
            processor::review(&ctx, id, &found).await?;
            let now = processor::find(&ctx, &id.to_string()).await?;
            match now.review_due_on {
                Some(due) => println!("{} is to be assessed again by {due}.", now.name),
                None => println!("{} is noted.", now.name),
            }
            Ok(())
        }
    }
}

async fn add(ctx: &Ctx, args: AddArgs) -> anyhow::Result<()> {
    let AddArgs { name, service, country, own, agreement, agreement_on, transfer, assessed_on, hosts, json } = args;
    let new = NewProcessor { own, name, service, country, agreement, agreement_on, transfer, assessed_on, hosts };
    let id = processor::add(ctx, &new).await?;
    let added = processor::find(ctx, &id.to_string()).await?;
    if json {
        return print_json(&added);
    }
    println!("{} is registered: {}, {}.", added.name, what_for(&added), place(&added));
    if let Some(due) = added.review_due_on {
        println!("Its risk is to be assessed again by {due}.");
    }
    if added.is_processor() {
        println!("Publish the privacy statements again: they name who works for you.");
    }
    Ok(())
}

async fn list(ctx: &Ctx, all: bool, json: bool) -> anyhow::Result<()> {
    let entries = processor::list(ctx, all).await?;
    if json {
        return print_json(&entries);
    }
    if entries.is_empty() {
        println!("Nobody stands in the register.");
    } else {
        let head = ["name", "what for", "where", "agreement", "risk assessed", "hosts"];
        let head = head.iter().chain(all.then_some(&"ended")).map(|h| (*h).to_owned()).collect();
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(entries.iter().map(|e| row(e, all))).collect();
        print!("{}", text::left(&rows, ""));
    }
    for p in entries.iter().filter(|p| p.review_late) {
        let due = p.review_due_on.map(|d| d.to_string()).unwrap_or_default();
        println!(
            "\nThe risk of {} was to be assessed again by {due}: reskontro privacy processor review {:?}",
            p.name, p.name
        );
    }
    let missing = recipients::unregistered(ctx).await?;
    if !missing.is_empty() {
        print!("\n{}", told(&missing));
    }
    Ok(())
}

fn row(p: &ProcessorView, all: bool) -> Vec<String> {
    let day = |on: Option<NaiveDate>| on.map(|d| d.to_string());
    let dash = || "-".to_owned();
    let agreement = [p.agreement.clone(), day(p.agreement_on)].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let hosts = if p.hosts.is_empty() { dash() } else { p.hosts.join(" ") };
    let assessed = match (p.assessed_on, p.review_late) {
        (None, _) => dash(),
        (Some(on), false) => on.to_string(),
        (Some(on), true) => format!("{on} LATE"),
    };
    let mut row = vec![
        p.name.clone(),
        what_for(p),
        place(p),
        if agreement.is_empty() { dash() } else { agreement },
        assessed,
        hosts,
    ];
    if all {
        row.push(p.ended_at.map_or_else(dash, |at| at.format("%Y-%m-%d").to_string()));
    }
    row
}

fn what_for(p: &ProcessorView) -> String {
    let what = match p.service {
        Recipient::MailRelay => "mail",
        Recipient::Efaktura => "eFaktura",
        Recipient::AccessPoint => "EHF",
        Recipient::Bank => "bank",
        Recipient::Host => "hosting",
    };
    if p.is_processor() { what.to_owned() } else { "your own".to_owned() }
}

fn place(p: &ProcessorView) -> String {
    let ground = p.transfer_ground.map(|ground| match ground {
        Transfer::AdequacyDecision => "adequacy decision",
        Transfer::StandardContractualClauses => "standard clauses",
        Transfer::BindingCorporateRules => "binding rules",
        Transfer::Derogation => "derogation, art. 49",
    });
    match ground {
        Some(ground) => format!("{}, outside the EEA: {ground}", p.country),
        None => p.country.clone(),
    }
}

/// Hosts nobody has registered, and the commands that register them.
fn told(missing: &[Reached]) -> String {
    let mut out = String::from("These hosts get personal data, and nobody has registered whose they are:\n");
    let rows: Vec<Vec<String>> = missing.iter().map(|r| vec![r.host.clone(), r.settings.join(", ")]).collect();
    out.push_str(&text::left(&rows, "  "));
    out.push_str("\nRegister the processor each belongs to:\n");
    for reached in missing {
        let _ = writeln!(
            out,
            "  reskontro privacy processor add --name NAME --service {} --country NO --agreement REFERENCE \\\n    \
             --agreement-on DATE --assessed-on DATE --host {}",
            reached.service.as_str(),
            reached.host
        );
    }
    out.push_str("or, where the machine is your own:\n");
    for reached in missing {
        let _ =
            writeln!(out, "  reskontro privacy processor add --own --name NAME --country NO --host {}", reached.host);
    }
    out
}

/// Refuses while the settings point at a host nobody has registered.
pub(super) async fn unless_unregistered(ctx: &Ctx) -> anyhow::Result<()> {
    let missing = recipients::unregistered(ctx).await?;
    if missing.is_empty() {
        return Ok(());
    }
    bail!("the service does not start.\n{}", told(&missing).trim_end());
}

/// What stands in the way at start, and what a start only warns of.
pub(super) async fn before_start(ctx: &Ctx) -> anyhow::Result<()> {
    if ctx.config.privacy.require_registered_processors {
        unless_unregistered(ctx).await?;
    } else {
        let hosts: Vec<String> = recipients::unregistered(ctx).await?.into_iter().map(|r| r.host).collect();
        tracing::warn!(
            unregistered = hosts.join(" "),
            "privacy.require_registered_processors is off: personal data may go to hosts nobody has registered"
        );
    }
    for p in processor::list(ctx, false).await?.into_iter().filter(|p| p.review_late) {
        tracing::warn!(processor.id = %p.id, due = ?p.review_due_on, "the risk of a processor is to be assessed again");
    }
    Ok(())
}

/// Says of settings whether a start would be refused. The database is opened only where a host must be looked up.
pub(super) async fn check(config: Config) -> anyhow::Result<()> {
    if !config.privacy.require_registered_processors {
        println!("Warning: privacy.require_registered_processors is off: hosts are used whoever they belong to.");
        return Ok(());
    }
    if recipients::reached(&config).is_empty() {
        return Ok(());
    }
    super::serve::log(&config);
    super::serve::prepare(&config).await?;
    unless_unregistered(&crate::app::context(config).await?).await
}
