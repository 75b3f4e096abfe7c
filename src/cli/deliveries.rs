//! Deliveries at the command line: what needs a person, and what a person does.

use super::{Org, context, print_json, text};
use crate::ctx::Ctx;
use crate::privacy::reading;
use crate::services::delivery::{self, Redirect};
use crate::services::{Actor, Error};
use crate::store::views::{self, DeliveryItem};
use anyhow::{Context, bail};
use clap::Subcommand;
use domain::channel::Channel;
use std::path::PathBuf;
use std::process::ExitCode;
use uuid::Uuid;

/// Deliveries.
#[derive(Subcommand)]
pub(super) enum DeliveriesCommand {
    /// Lists deliveries.
    List {
        /// queued, sending, handing_over, awaiting_receipt, delivered, retrying, failed, rejected, held, cancelled or
        /// unknown; all when left out.
        #[arg(long)]
        state: Option<String>,
        /// Only those that need a person.
        #[arg(long)]
        needs_person: bool,
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Sends again what failed, is held or is uncertain.
    Resend {
        #[command(flatten)]
        which: Which,
        /// Sends although the customer has got it.
        #[arg(long)]
        even_if_delivered: bool,
    },
    /// Takes deliveries back that have not left.
    Cancel(Which),
    /// Sends another way.
    Redirect {
        /// The delivery.
        id: Uuid,
        /// ehf, efaktura, mail or print.
        #[arg(long)]
        channel: String,
        /// For mail: an address for this delivery alone.
        #[arg(long)]
        address: Option<String>,
        /// Sends although the customer has got it.
        #[arg(long)]
        even_if_delivered: bool,
        #[command(flatten)]
        org: Org,
    },
    /// Writes all that waits for print into one PDF with a cover list.
    Print {
        /// The PDF to write.
        file: PathBuf,
        #[command(flatten)]
        org: Org,
    },
    /// Notes that printed documents are in the post.
    Posted(Which),
}

/// Which deliveries.
#[derive(clap::Args)]
pub(super) struct Which {
    /// The deliveries.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<Uuid>,
    #[command(flatten)]
    org: Org,
}

pub(super) async fn run(command: DeliveriesCommand) -> anyhow::Result<ExitCode> {
    let ctx = context().await?;
    match command {
        DeliveriesCommand::List { state, needs_person, org, json } => {
            let actor = org.actor(&ctx).await?;
            list(&ctx, &actor, state.as_deref(), needs_person, json).await?;
        }
        DeliveriesCommand::Resend { which, even_if_delivered } => {
            let act = async |actor: &Actor, id| delivery::resend(&ctx, actor, id, even_if_delivered).await;
            return each(&ctx, &which, "will be sent again", act).await;
        }
        DeliveriesCommand::Cancel(which) => {
            let act = async |actor: &Actor, id| delivery::cancel(&ctx, actor, id).await;
            return each(&ctx, &which, "is taken back, or asked back", act).await;
        }
        DeliveriesCommand::Posted(which) => {
            let act = async |actor: &Actor, id| delivery::mark_posted(&ctx, actor, id).await;
            return each(&ctx, &which, "is in the post", act).await;
        }
        DeliveriesCommand::Redirect { id, channel, address, even_if_delivered, org } => {
            let way = Channel::parse(&channel).context("--channel is ehf, efaktura, mail or print")?;
            let to = Redirect { channel: way, address, even_if_delivered };
            delivery::redirect(&ctx, &org.actor(&ctx).await?, id, &to).await?;
            println!("{id} goes by {channel}.");
        }
        DeliveriesCommand::Print { file, org } => {
            let actor = org.actor(&ctx).await?;
            let Some(printed) = delivery::print_queue(&ctx, &actor, &[]).await? else {
                println!("Nothing waits for print.");
                return Ok(ExitCode::SUCCESS);
            };
            reading::note_now(&ctx, &actor, "print_queue.pdf", printed.customers).await?;
            std::fs::write(&file, printed.pdf).with_context(|| format!("{} cannot be written", file.display()))?;
            println!(
                "{} holds what waits for print. When it is posted: reskontro deliveries posted ID…",
                file.display()
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Does one thing with each, says how it went, and fails when one was refused.
async fn each(
    ctx: &Ctx,
    which: &Which,
    done: &str,
    act: impl AsyncFn(&Actor, Uuid) -> Result<(), Error>,
) -> anyhow::Result<ExitCode> {
    use std::io::Write;
    let actor = which.org.actor(ctx).await?;
    let mut code = ExitCode::SUCCESS;
    for id in &which.ids {
        match act(&actor, *id).await {
            Ok(()) => println!("{id} {done}."),
            Err(error @ Error::Refused(_)) => {
                code = ExitCode::FAILURE;
                let _ = writeln!(std::io::stderr(), "{id}: {error}");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(code)
}

/// Deliveries read at once.
const PAGE: i64 = 500;

async fn list(ctx: &Ctx, actor: &Actor, state: Option<&str>, needs_person: bool, json: bool) -> anyhow::Result<()> {
    if let Some(state) = state.filter(|s| domain::delivery::State::parse(s).is_none()) {
        bail!("{state} is no state of a delivery; see `reskontro deliveries list --help`");
    }
    let mut all: Vec<DeliveryItem> = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let tx = ctx.db.read(actor.org).await?;
        let page = views::deliveries(&tx, state, after, PAGE).await?;
        tx.commit().await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        all.extend(page.into_iter().filter(|d| d.needs_person || !needs_person));
    }
    reading::note_now(ctx, actor, "deliveries.list", reading::about(all.iter().map(|d| Some(d.customer_id)))).await?;
    if json {
        return print_json(&all);
    }
    if all.is_empty() {
        println!("There are none.");
    }
    for d in &all {
        let reason = d.reason.as_deref().map(|r| format!(" ({})", r.replace('_', " "))).unwrap_or_default();
        let person = if d.needs_person { "  needs a person" } else { "" };
        println!("{}  {}  {:<9}{}{reason}{person}", d.id, d.invoice_number, d.channel, d.state.replace('_', " "));
    }
    if all.len() > 20 {
        println!("{} deliveries.", text::count(i64::try_from(all.len()).unwrap_or(i64::MAX)));
    }
    Ok(())
}
