//! Holds at the command line.

use super::Org;
use crate::ctx::Ctx;
use crate::privacy::hold::{self, NewHold};
use crate::privacy::reading;
use chrono::NaiveDate;
use clap::Subcommand;
use uuid::Uuid;

/// Holds.
#[derive(Subcommand)]
pub(super) enum HoldCommand {
    /// Lists holds that stand.
    List {
        /// Released ones too.
        #[arg(long)]
        released: bool,
        #[command(flatten)]
        org: Org,
    },
    /// Places a hold.
    Place {
        /// customer, contact, invoice, payment or user.
        subject: String,
        /// Customer number, invoice number or id.
        which: String,
        /// dispute, claim, order, privacy_request or security.
        #[arg(long)]
        kind: String,
        /// Why, for who reviews it.
        #[arg(long)]
        reason: String,
        /// Who sees to it: a role or a department.
        #[arg(long)]
        owner: String,
        /// The day it is looked at again, within twelve months.
        #[arg(long, value_name = "DATE")]
        review_on: NaiveDate,
        #[command(flatten)]
        org: Org,
    },
    /// Looks at a hold again: it stands until the next day of review.
    Review {
        /// The hold.
        id: Uuid,
        /// The next day of review, within twelve months.
        #[arg(long, value_name = "DATE")]
        review_on: NaiveDate,
        #[command(flatten)]
        org: Org,
    },
    /// Releases a hold: what it delayed has its own time again, at once.
    Release {
        /// The hold.
        id: Uuid,
        #[command(flatten)]
        org: Org,
    },
}

pub(super) async fn run(ctx: &Ctx, command: HoldCommand) -> anyhow::Result<()> {
    match command {
        HoldCommand::List { released, org } => {
            let actor = org.actor(ctx).await?;
            let rows = hold::list(ctx, &actor, released, Uuid::nil(), 10_000).await?;
            let people = rows.iter().map(|h| h.customer_id.or(Some(h.subject_id)));
            reading::note_now(ctx, &actor, "holds.list", reading::about(people)).await?;
            if rows.is_empty() {
                println!("No hold stands.");
            }
            for h in rows {
                let state = h.released_at.map_or_else(
                    || format!("looked at again on {}", h.review_on),
                    |at| format!("released {}", at.format("%Y-%m-%d")),
                );
                println!(
                    "{}  {} on {} {}\n  {}; {}; {state}",
                    h.id, h.kind, h.subject_kind, h.subject_id, h.reason, h.owner
                );
            }
        }
        HoldCommand::Place { subject, which, kind, reason, owner, review_on, org } => {
            let actor = org.actor(ctx).await?;
            let subject_id = super::privacy::id_of(super::privacy::find(ctx, &actor, &subject, &which).await?);
            let new = NewHold { kind, subject_kind: subject, subject_id, reason, owner, review_on };
            let id = hold::place(ctx, &actor, &new).await?;
            println!("Hold {id} stands; it is looked at again on {review_on}.");
        }
        HoldCommand::Review { id, review_on, org } => {
            hold::review(ctx, &org.actor(ctx).await?, id, review_on).await?;
            println!("The hold stands; it is looked at again on {review_on}.");
        }
        HoldCommand::Release { id, org } => {
            hold::release(ctx, &org.actor(ctx).await?, id).await?;
            println!("The hold is released; what it delayed has its own time again.");
        }
    }
    Ok(())
}
