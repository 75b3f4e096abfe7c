//! The audit log at the command line.

use super::{Org, context, print_json, text};
use crate::services::audit;
use clap::Subcommand;
use std::process::ExitCode;

/// The audit log.
#[derive(Subcommand)]
pub(super) enum AuditCommand {
    /// Reckons both chains again, and compares them with the heads outside the database.
    Verify {
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    let ctx = context().await?;
    let AuditCommand::Verify { org, json } = command;
    let report = audit::verify(&ctx, &org.actor(&ctx).await?).await?;
    let broken = report.broken.is_some();
    if json {
        print_json(&report)?;
    } else {
        println!(
            "{} segments: {} stand by their heads alone, {} agree with audit-heads.log. {} events are sealed, {} wait.",
            text::count(report.segments),
            text::count(report.pruned),
            text::count(report.published),
            text::count(report.sealed),
            text::count(report.unsealed)
        );
        if let (Some(segment), Some(why)) = (report.broken, report.why) {
            println!("BROKEN  segment {segment}: {}", explained(why));
        }
    }
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn explained(why: &str) -> &str {
    match why {
        "not_linked" => "it does not go on from the one before it; that one was changed or removed",
        "events_changed" => "events were changed, removed or put in",
        "events_back" => "it is marked as pruned and there are events in it",
        "head_differs" => "audit-heads.log has another head for it",
        "mark_unpublished" => "it is marked as pruned and audit-heads.log does not know of it",
        "segment_gone" => "it stands in audit-heads.log and is not in the database",
        other => other,
    }
}
