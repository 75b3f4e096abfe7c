//! Notes of contacts with customers at the command line.

use super::{Org, context, print_json};
use crate::ctx::Ctx;
use crate::privacy::reading;
use crate::services::Actor;
use crate::services::customer::{self, NewNote};
use anyhow::bail;
use chrono::NaiveDate;
use clap::Subcommand;
use uuid::Uuid;

/// Notes shown at most.
const SHOWN: u64 = 1_000;

/// Customers, one at a time.
#[derive(Subcommand)]
pub(super) enum CustomerCommand {
    /// Notes of contacts: support, and what was agreed or said that matters for something booked.
    #[command(subcommand)]
    Note(NoteCommand),
}

/// Notes of contacts.
#[derive(Subcommand)]
pub(super) enum NoteCommand {
    /// Writes a note.
    Add {
        /// Number or id of the customer.
        customer: String,
        /// What it was about. National identity numbers are refused.
        text: String,
        /// support, or correspondence: what matters for something booked, which law keeps for years.
        #[arg(long, default_value = "support")]
        kind: String,
        /// phone, mail, meeting, letter or other.
        #[arg(long, default_value = "phone")]
        channel: String,
        /// The day of the contact; today when left out.
        #[arg(long, value_name = "DATE")]
        on: Option<NaiveDate>,
        /// Id of the invoice that refers to a correspondence.
        #[arg(long, value_name = "ID")]
        invoice: Option<Uuid>,
        /// Nothing is left to do.
        #[arg(long)]
        closed: bool,
        #[command(flatten)]
        org: Org,
    },
    /// Lists the notes of a customer, oldest first.
    List {
        /// Number or id of the customer.
        customer: String,
        /// For programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        org: Org,
    },
    /// Closes a note: the time it is kept for begins.
    Close {
        /// Number or id of the customer.
        customer: String,
        /// The note.
        id: Uuid,
        #[command(flatten)]
        org: Org,
    },
}

/// The customer of a number or an id.
async fn customer_of(ctx: &Ctx, actor: &Actor, which: &str) -> anyhow::Result<Uuid> {
    if let Ok(id) = Uuid::try_parse(which) {
        return Ok(id);
    }
    let tx = ctx.db.read(actor.org).await?;
    let found = crate::store::customer::resolve_number(&tx, which.trim()).await?;
    tx.commit().await?;
    let Some(id) = found else { bail!("there is no customer with number {which}") };
    Ok(id)
}

pub(super) async fn run(command: CustomerCommand) -> anyhow::Result<()> {
    let CustomerCommand::Note(command) = command;
    let ctx = context().await?;
    match command {
        NoteCommand::Add { customer, text, kind, channel, on, invoice, closed, org } => {
            let actor = org.actor(&ctx).await?;
            let id = customer_of(&ctx, &actor, &customer).await?;
            let new = NewNote { kind, channel, text, contact_on: on, referred_invoice_id: invoice, closed };
            println!("Noted, as {}.", customer::add_note(&ctx, &actor, id, &new).await?);
        }
        NoteCommand::List { customer, json, org } => {
            let actor = org.actor(&ctx).await?;
            let id = customer_of(&ctx, &actor, &customer).await?;
            let notes = customer::notes(&ctx, &actor, id, Uuid::nil(), SHOWN).await?;
            reading::note_now(&ctx, &actor, "customer.notes", id).await?;
            if json {
                return print_json(&notes);
            }
            for n in notes {
                let state = if n.closed_at.is_some() { "closed" } else { "open" };
                println!("{}  {}  {:<15}{:<9}{state:<8}{}", n.id, n.contact_on, n.kind, n.channel, n.text);
            }
        }
        NoteCommand::Close { customer, id, org } => {
            let actor = org.actor(&ctx).await?;
            let customer = customer_of(&ctx, &actor, &customer).await?;
            customer::close_note(&ctx, &actor, customer, id).await?;
            println!("Closed.");
        }
    }
    Ok(())
}
