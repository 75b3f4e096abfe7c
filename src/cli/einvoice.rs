//! E-invoices at the command line.

use super::print_json;
use anyhow::Context;
use clap::Subcommand;
use formats::ehf;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// E-invoices.
#[derive(Subcommand)]
pub(super) enum EinvoiceCommand {
    /// Checks UBL files (EHF Billing 3.0) and names the rules they break, without a database.
    Check {
        /// Files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: &EinvoiceCommand) -> anyhow::Result<ExitCode> {
    let EinvoiceCommand::Check { files, json } = command;
    let mut refused = false;
    let mut all = Vec::new();
    for file in files {
        let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let findings = ehf::check(&bytes);
        refused |= !findings.is_empty();
        if *json {
            all.push(json!({ "file": file, "findings": findings }));
            continue;
        }
        println!("{}: {}", file.display(), if findings.is_empty() { "may be sent" } else { "would be refused" });
        for f in findings {
            println!("  {}  {}\n    {}", f.rule, f.path, f.message);
        }
    }
    if *json {
        print_json(&all)?;
    }
    Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
