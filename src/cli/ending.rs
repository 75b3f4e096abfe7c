//! The end of an organisation's agreement at the command line, and what is handed over.

use super::erasure::{show as show_certificate, show_parts};
use super::{Org, context, print_json, text};
use crate::privacy::closing;
use crate::privacy::hand_over::{self, HandOverView, Scope};
use crate::services::organisation::{self, EndingView, NewEnding};
use anyhow::Context;
use chrono::NaiveDate;
use clap::Subcommand;
use std::path::{Path, PathBuf};

/// The end of the agreement.
#[derive(Subcommand)]
pub(super) enum EndingCommand {
    /// Ends the agreement: nothing is billed after the last day, and thirty days later everything is deleted.
    End {
        /// Last day; today when left out.
        #[arg(long, value_name = "DATE")]
        on: Option<NaiveDate>,
        /// Keeps the archive here until the years the bookkeeping act asks for are over; nothing is deleted before its time.
        #[arg(long)]
        keep_archive: bool,
        #[command(flatten)]
        org: Org,
    },
    /// Calls the end off: the agreement goes on.
    GoOn {
        #[command(flatten)]
        org: Org,
    },
    /// Writes everything the organisation has to a package: documents as they were sent, the books and customers as tables, a
    /// signed manifest.
    Export(ExportArgs),
    /// Confirms that the organisation has the package: once the agreement is over, everything is deleted without the thirty days.
    Confirm {
        /// The package, as it was written.
        package: PathBuf,
        #[command(flatten)]
        org: Org,
    },
    /// Deletes an organisation whose day has come, or who has confirmed. The service does so each night.
    Delete {
        /// Deletes. Left out, it only shows what would go.
        #[arg(long)]
        execute: bool,
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// The certificate of an organisation that was deleted; say which with --org.
    DeletionCertificate {
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
}

/// Where a package goes, and why.
#[derive(clap::Args)]
pub(super) struct ExportArgs {
    /// The file to write, such as archive.zip; one that is there is left alone.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Why; kept with who asked and when.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    org: Org,
}

/// Runs one of them.
pub(super) async fn run(command: EndingCommand) -> anyhow::Result<()> {
    match command {
        EndingCommand::End { on, keep_archive, org } => {
            let ctx = context().await?;
            let actor = org.actor(&ctx).await?;
            organisation::end(&ctx, &actor, &NewEnding { ends_on: on, keep_archive }).await?;
            if let Some(set) = organisation::ending(&ctx, &actor).await? {
                show(&set);
            }
        }
        EndingCommand::GoOn { org } => {
            let ctx = context().await?;
            organisation::call_off(&ctx, &org.actor(&ctx).await?).await?;
            println!("The agreement goes on. Nothing was deleted.");
        }
        EndingCommand::Export(args) => export(args, Scope::Organisation).await?,
        EndingCommand::Confirm { package, org } => confirm(&org, &package).await?,
        EndingCommand::Delete { execute, org, json } => delete(execute, &org, json).await?,
        EndingCommand::DeletionCertificate { org, json } => {
            let ctx = context().await?;
            let case = closing::certificate(&ctx, org.actor(&ctx).await?.org).await?;
            if json {
                return print_json(&case);
            }
            show_certificate(&case);
        }
    }
    Ok(())
}

/// Says when an agreement ends and what follows.
pub(super) fn show(set: &EndingView) {
    println!("The agreement ends on {}. Nothing is billed or taken in after that.", set.ends_on);
    match set.deleted_on {
        Some(on) => {
            println!("Everything is deleted on {on}. Until then it can be called off (org go-on).");
            println!("Fetch what is yours first: reskontro org export --out FILE --reason WHY");
        }
        None => {
            println!(
                "Customers' relationships end with it. What the bookkeeping act asks for stays, closed away, until its"
            );
            println!("years are over; then everything is deleted.");
        }
    }
}

/// Writes a package.
pub(super) async fn export(args: ExportArgs, scope: Scope) -> anyhow::Result<()> {
    let ctx = context().await?;
    let actor = args.org.actor(&ctx).await?;
    let shown = args.out.display();
    if args.out.exists() {
        anyhow::bail!("{shown} is there already; name another file");
    }
    let (made, file) = hand_over::write(&ctx, &actor, scope, &args.reason).await?;
    hand_over::save(&file, &args.out).with_context(|| format!("{shown} cannot be written"))?;
    println!("{shown}");
    println!(
        "{}, {}, {} kB",
        text::counted(made.customers, "customer"),
        text::counted(made.documents, "document"),
        text::count(made.bytes / 1000)
    );
    let command = if scope == Scope::Archive { "privacy archive" } else { "org" };
    println!("\nKeep it where the books are kept, and confirm: reskontro {command} confirm {shown}");
    Ok(())
}

/// Checks a package.
pub(super) fn check(package: &Path) -> anyhow::Result<()> {
    let (manifest, hash) = hand_over::check(package)?;
    println!(
        "{} is whole and as it was signed: {} and {} of {}, written {}.",
        package.display(),
        text::counted(manifest.customers, "customer"),
        text::counted(manifest.documents, "document"),
        manifest.organisation,
        manifest.made_at.format("%Y-%m-%d %H:%M UTC")
    );
    println!("Signed with key {}", manifest.public_key);
    println!("SHA-256 of the file, which confirms it over the API: {}", domain::hex::encode(&hash));
    Ok(())
}

/// Confirms a package that lies here.
pub(super) async fn confirm(org: &Org, package: &Path) -> anyhow::Result<()> {
    let (manifest, hash) = hand_over::check(package)?;
    let ctx = context().await?;
    let actor = org.actor(&ctx).await?;
    let done = hand_over::confirm(&ctx, &actor, manifest.id, &domain::hex::encode(&hash)).await?;
    if manifest.scope == Scope::Organisation.as_str() {
        println!("Confirmed. Everything is deleted tonight, or now with: reskontro org delete --execute");
        return Ok(());
    }
    println!("Confirmed. The archive of {} is deleted here.", text::counted(done.handed_over, "customer"));
    if done.stay > 0 {
        println!(
            "{} still here: a hold keeps it, or something was booked since; the next package has it.",
            text::counted(done.stay, "customer")
        );
    }
    if let Some(id) = done.certificate {
        println!("reskontro privacy certificate {id} --out attest.pdf writes the certificate.");
    }
    Ok(())
}

/// Shows how the archive stands.
pub(super) async fn standing(org: &Org, json: bool) -> anyhow::Result<()> {
    let ctx = context().await?;
    let found = hand_over::standing(&ctx, &org.actor(&ctx).await?).await?;
    if json {
        return print_json(&found);
    }
    let keeper = if found.custody == "tenant" { "the organisation, once it is handed over" } else { "this service" };
    println!("By the policy the archive is kept by {keeper}.");
    match found.waiting_since {
        Some(at) => {
            println!(
                "{} customers are in it, the first since {}.",
                text::count(found.customers),
                at.format("%Y-%m-%d")
            );
        }
        None => println!("Nobody is in it."),
    }
    let rows: Vec<Vec<String>> = found.packages.iter().map(row).collect();
    if !rows.is_empty() {
        println!("\nPackages");
        print!("{}", text::left(&rows, "  "));
    }
    Ok(())
}

fn row(package: &HandOverView) -> Vec<String> {
    let confirmed = package.confirmed_at.map(|at| format!("confirmed {}", at.format("%Y-%m-%d")));
    vec![
        package.made_at.format("%Y-%m-%d %H:%M").to_string(),
        package.scope.clone(),
        text::counted(package.customers, "customer"),
        text::counted(package.documents, "document"),
        confirmed.unwrap_or_else(|| "not confirmed".to_owned()),
        package.id.to_string(),
    ]
}

async fn delete(execute: bool, org: &Org, json: bool) -> anyhow::Result<()> {
    let ctx = context().await?;
    let actor = org.actor(&ctx).await?;
    if !execute {
        let parts = closing::preview(&ctx, &actor).await?;
        if json {
            return print_json(&parts);
        }
        show_parts(&parts, false);
        println!("\nNothing is deleted yet: add --execute. It cannot be undone.");
        return Ok(());
    }
    let case = closing::erase(&ctx, &actor).await?;
    if json {
        return print_json(&case);
    }
    show_certificate(&case);
    println!("\nreskontro org deletion-certificate --org {} shows this again.", actor.org);
    Ok(())
}
