//! Invoice runs and the ledger at the command line.

use super::{Org, context, print_json, read_file, text};
use crate::privacy::reading;
use crate::privacy::statistics::{self, StatisticsYear};
use crate::services::invoice::{self, OldKid, OpeningItem};
use crate::services::ledger::ExportPeriod;
use crate::services::run::{self as runs, CreditRun, NewRun, Shown};
use crate::services::{delivery, ledger as ledgers, payer};
use anyhow::Context;
use chrono::NaiveDate;
use clap::Subcommand;
use serde::de::DeserializeOwned;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use uuid::Uuid;

/// Invoices.
#[derive(Subcommand)]
pub(super) enum InvoicesCommand {
    /// Bills everything due on standing orders: shows it, and with --commit issues it.
    Run {
        #[command(flatten)]
        org: Org,
        /// Periods that have begun by this day; today when left out.
        #[arg(long)]
        bill_on: Option<NaiveDate>,
        /// Due date; by the organisation's terms when left out.
        #[arg(long)]
        due_on: Option<NaiveDate>,
        /// Issues the invoices.
        #[arg(long)]
        commit: bool,
        /// Sends mail at once instead of after 15 minutes.
        #[arg(long)]
        now: bool,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Takes a run back: credits each of its invoices in full.
    CreditRun {
        #[command(flatten)]
        org: Org,
        /// The run.
        run: Uuid,
        /// Why; printed on each credit note.
        #[arg(long)]
        reason: String,
        /// Frees the periods, so that a new run bills them again.
        #[arg(long)]
        rebill: bool,
    },
    /// Makes the payer's link of an invoice dead; its next mail carries a new one.
    RevokeLink {
        #[command(flatten)]
        org: Org,
        /// The invoice.
        invoice: Uuid,
    },
    /// Sends every mail that is due.
    Send,
}

pub(super) async fn run(command: InvoicesCommand) -> anyhow::Result<()> {
    let ctx = context().await?;
    match command {
        InvoicesCommand::Send => {
            let states = delivery::drain(&ctx).await?;
            for (state, n) in states {
                println!("{n:>7}  {state}");
            }
        }
        InvoicesCommand::RevokeLink { org, invoice } => {
            payer::revoke(&ctx, &org.actor(&ctx).await?, invoice).await?;
            println!("The payer's link of invoice {invoice} no longer works.");
        }
        InvoicesCommand::CreditRun { org, run, reason, rebill } => {
            let actor = org.actor(&ctx).await?;
            runs::start_crediting(&ctx, &actor, run, &CreditRun { reason, rebill }).await?;
            let done = runs::continue_crediting(&ctx, &actor, run).await?;
            println!("Run {run}: {} invoices credited.", text::count(done.credited_count));
        }
        InvoicesCommand::Run { org, bill_on, due_on, commit, now, json } => {
            let actor = org.actor(&ctx).await?;
            let new = NewRun { bill_on, due_on, send_after_minutes: now.then_some(0) };
            if !commit {
                let limit = if json { usize::MAX } else { 0 };
                let preview = runs::preview(&ctx, &actor, &new, Shown { after: None, limit }).await?;
                if json {
                    let people = preview.customers.iter().map(|c| Some(c.customer_id));
                    reading::note_now(&ctx, &actor, "run.preview", reading::about(people)).await?;
                    return print_json(&preview);
                }
                let invoices = i64::try_from(preview.invoices).unwrap_or(i64::MAX);
                println!("{} invoices, {} with VAT.", text::count(invoices), text::kr(preview.total_ore));
                for (reason, n) in &preview.skipped {
                    println!("  {n} skipped: {}", reason.replace('_', " "));
                }
                for (channel, n) in &preview.channels {
                    println!("  {n} by {channel}");
                }
                for (reason, n) in &preview.undeliverable {
                    println!("  {n} no channel can carry, and will be on the worklist: {}", reason.replace('_', " "));
                }
                println!("Nothing is issued. Issue with --commit.");
                return Ok(());
            }
            let id = runs::start(&ctx, &actor, &new).await?;
            let done = runs::continue_run(&ctx, &actor, id, progress).await?;
            println!("Run {id}: {} invoices, {}.", text::count(done.issued_count), text::kr(done.issued_ore));
        }
    }
    Ok(())
}

/// One line that is written over, when somebody is watching.
fn progress(run: &crate::store::billing::Run) {
    let mut out = std::io::stderr();
    if out.is_terminal() {
        let end = if run.status == "running" { "" } else { "\n" };
        let _ = write!(out, "\r{} of {} invoices issued{end}", run.issued_count, run.expected_count);
    }
}

/// The customer ledger.
#[derive(Subcommand)]
pub(super) enum LedgerCommand {
    /// Checks that the ledger balances and the numbers run without a gap.
    Verify {
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Brings in what is open in an old system: JSON, a list of customer_number, old_number, issued_on, due_on,
    /// remaining_ore and kid.
    TakeOver {
        #[command(flatten)]
        org: Org,
        /// The file.
        file: PathBuf,
    },
    /// Brings in KIDs of an old system that stand for customers: JSON, a list of customer_number and kid.
    TakeOverKids {
        #[command(flatten)]
        org: Org,
        /// The file.
        file: PathBuf,
    },
    /// Shows what is kept of financial years that are over: counts and sums that stand for many customers.
    Statistics {
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Exports the postings of a period as CSV for the accounting system; what left before is marked.
    Export {
        #[command(flatten)]
        org: Org,
        /// First day.
        #[arg(long)]
        from: NaiveDate,
        /// Last day.
        #[arg(long)]
        to: NaiveDate,
    },
}

pub(super) async fn ledger(command: LedgerCommand) -> anyhow::Result<ExitCode> {
    let ctx = context().await?;
    match command {
        LedgerCommand::TakeOver { org, file } => {
            let actor = org.actor(&ctx).await?;
            let items: Vec<OpeningItem> = read_json(&file, &ctx)?;
            invoice::take_over(&ctx, &actor, &items).await?;
            let sum = items.iter().map(|i| i.remaining_ore).sum();
            println!(
                "{} open items taken over, {}.",
                text::count(i64::try_from(items.len()).unwrap_or_default()),
                text::kr(sum)
            );
        }
        LedgerCommand::TakeOverKids { org, file } => {
            let actor = org.actor(&ctx).await?;
            let kids: Vec<OldKid> = read_json(&file, &ctx)?;
            invoice::take_over_kids(&ctx, &actor, &kids).await?;
            println!("{} KIDs taken over.", text::count(i64::try_from(kids.len()).unwrap_or_default()));
        }
        LedgerCommand::Export { org, from, to } => {
            let actor = org.actor(&ctx).await?;
            let done = ledgers::export(&ctx, &actor, ExportPeriod { from_on: from, to_on: to }).await?;
            print!("{}", ledgers::export_csv(&ctx, &actor, done.id).await?);
        }
        LedgerCommand::Statistics { org, json } => {
            let years = statistics::list(&ctx, &org.actor(&ctx).await?).await?;
            if json {
                print_json(&years)?;
            } else {
                years.iter().for_each(print_year);
            }
        }
        LedgerCommand::Verify { org, json } => {
            let actor = org.actor(&ctx).await?;
            let checks = ledgers::verify(&ctx, &actor).await?;
            let broken = checks.iter().any(|c| !c.findings.is_empty());
            if json {
                print_json(&checks)?;
            } else {
                for check in &checks {
                    println!("{}  {}", if check.findings.is_empty() { "ok    " } else { "BROKEN" }, check.rule);
                    check.findings.iter().for_each(|f| println!("          {f}"));
                }
            }
            return Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_year(year: &StatisticsYear) {
    println!("{} to {}: every number stands for {} customers or more", year.from_on, year.to_on, year.small_group);
    let mut rows = vec![["", "number", "net", "VAT", "total", "customers"].map(str::to_owned).to_vec()];
    rows.extend(year.parts.iter().map(|p| {
        let month = p.month_on.map_or_else(|| "rest".to_owned(), |m| m.format("%Y-%m").to_string());
        let sums = [p.net_ore, p.vat_ore, p.total_ore].map(text::kr);
        let what = format!("{} {month}", p.kind.replace('_', " "));
        [vec![what, text::count(p.items)], sums.to_vec(), vec![text::count(p.customers)]].concat()
    }));
    println!("{}", text::table(&rows, "  "));
}

fn read_json<T: DeserializeOwned>(path: &Path, ctx: &crate::ctx::Ctx) -> anyhow::Result<T> {
    let bytes = read_file(path, ctx.config.limits.customer_list_bytes)?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} cannot be read", path.display()))
}
