//! Addresses nobody signs in from.

use super::{Org, context, print_json, text};
use crate::privacy::blocked::{self, NewBlock};
use crate::services::sign_in;
use chrono::NaiveDate;
use clap::Subcommand;
use uuid::Uuid;

/// Blocked addresses.
#[derive(Subcommand)]
pub(super) enum AddressCommand {
    /// Lists blocks: since when, why, and until when or when they are looked at again.
    List {
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Lets nobody sign in from an address or a range.
    Block {
        /// An address, or a range such as 192.0.2.0/24.
        range: String,
        /// Why; it names nobody.
        #[arg(long)]
        reason: String,
        /// The day it is looked at again: six months from now at the latest, and when left out.
        #[arg(long, value_name = "DATE")]
        review_on: Option<NaiveDate>,
        /// The organisation whose audit log tells of it.
        #[command(flatten)]
        org: Org,
    },
    /// Notes that a block was looked at and is still needed.
    Review {
        /// The block, by its id.
        id: Uuid,
        /// The day it is looked at again: six months from now at the latest, and when left out.
        #[arg(long, value_name = "DATE")]
        review_on: Option<NaiveDate>,
        /// The organisation whose audit log tells of it.
        #[command(flatten)]
        org: Org,
    },
    /// Lifts a block.
    Unblock {
        /// The block, by its id.
        id: Uuid,
        /// The organisation whose audit log tells of it.
        #[command(flatten)]
        org: Org,
    },
}

pub(super) async fn run(command: AddressCommand) -> anyhow::Result<()> {
    let ctx = context().await?;
    match command {
        AddressCommand::List { json } => {
            sign_in::write(&ctx).await?;
            let blocks = blocked::list(&ctx).await?;
            if json {
                return print_json(&blocks);
            }
            for b in blocks {
                let end = match (b.until_at, b.review_on) {
                    (Some(until), _) if b.in_force => format!("until {}", text::moment(until)),
                    (Some(until), _) => format!("was until {}", text::moment(until)),
                    (None, Some(day)) => format!("looked at again {day}"),
                    (None, None) => String::new(),
                };
                println!("{}  {:<20}{}  {end}  {}: {}", b.id, b.range, text::moment(b.since_at), b.placed_by, b.reason);
            }
        }
        AddressCommand::Block { range, reason, review_on, org } => {
            let actor = org.actor(&ctx).await?;
            let id = blocked::place(&ctx, &actor, &NewBlock { range, reason, review_on }).await?;
            println!("Blocked, as {id}. Nobody signs in from there until it is lifted.");
        }
        AddressCommand::Review { id, review_on, org } => {
            let actor = org.actor(&ctx).await?;
            blocked::review(&ctx, &actor, id, review_on).await?;
            println!("Looked at; it stands.");
        }
        AddressCommand::Unblock { id, org } => {
            let actor = org.actor(&ctx).await?;
            blocked::lift(&ctx, &actor, id).await?;
            println!("Lifted.");
        }
    }
    Ok(())
}
