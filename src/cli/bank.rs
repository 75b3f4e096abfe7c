//! Bank files at the command line.

use super::{Org, context, print_json, read_file, text, watched};
use crate::services::payment::{ImportOptions, import};
use anyhow::Context;
use clap::Subcommand;
use std::path::PathBuf;
use std::process::ExitCode;

/// Bank files.
#[derive(Subcommand)]
pub(super) enum BankCommand {
    /// Books the payments of OCR giro files and takes in their mandates.
    Import {
        /// Files as they came from the bank.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Leaves out accounts that are not yours, and keeps nothing of them.
        #[arg(long)]
        only_known_accounts: bool,
        #[command(flatten)]
        org: Org,
    },
    /// Shows what a file holds, without a database.
    Inspect {
        /// The file.
        file: PathBuf,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: BankCommand) -> anyhow::Result<ExitCode> {
    match command {
        BankCommand::Inspect { file, json } => inspect(&file, json),
        BankCommand::Import { files, only_known_accounts, org } => {
            let ctx = context().await?;
            let actor = org.actor(&ctx).await?;
            for file in files {
                let bytes = read_file(&file, ctx.config.limits.bank_file_bytes)?;
                let work = import(&ctx, &actor, &bytes, ImportOptions { only_known_accounts });
                let done = watched(&ctx, &actor, work).await.with_context(|| file.display().to_string())?;
                if done.repeated {
                    let when = done.file.imported_at.format("%Y-%m-%d %H:%M");
                    println!("{}: imported before, {when}. Nothing was booked twice.", file.display());
                    continue;
                }
                println!(
                    "{}: {} payments, {}; {} placed, {} mandates.",
                    file.display(),
                    text::count(done.file.payments),
                    text::kr(done.file.payments_ore),
                    text::count(done.file.matched),
                    text::count(done.file.mandates),
                );
                for (reason, n) in done.reasons {
                    println!("  {n:>6}  {}", reason.replace('_', " "));
                }
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn inspect(file: &PathBuf, json: bool) -> anyhow::Result<ExitCode> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let found = formats::giro::inspect(&bytes);
    let accepted = found["verdict"] == "accept";
    let code = if accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if json {
        print_json(&found)?;
        return Ok(code);
    }
    match formats::giro::parse(&bytes) {
        Err(fault) => println!("{}: not taken; {fault}", file.display()),
        Ok(parsed) => {
            for a in &parsed.assignments {
                let sum = i64::try_from(a.control_sum_ore).unwrap_or(i64::MAX);
                println!("account {}: {} payments, {}", a.account, a.transactions, text::kr(sum));
            }
            for a in &parsed.mandates {
                println!("account {}: {} mandates", a.account, a.mandates.len());
            }
        }
    }
    Ok(code)
}
