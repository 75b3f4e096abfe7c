//! Webhooks and the feed of events at the command line.

use super::{Org, context, print_json, text};
use crate::ctx::Ctx;
use crate::services::Actor;
use crate::services::event::{self, Event, Place};
use crate::services::webhook::{self, NewEndpoint, WebhookEndpoint};
use anyhow::Context;
use clap::Subcommand;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// Webhooks.
#[derive(Subcommand)]
pub(super) enum WebhooksCommand {
    /// Lists the endpoints and how they do.
    List {
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Adds an endpoint and shows its secret this once.
    Add {
        /// Where to; https.
        url: String,
        /// A type it is told, such as invoice.issued; may be repeated, all when left out.
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<String>,
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Gives an endpoint a new secret; the old one signs beside it for 24 hours.
    Rotate {
        /// The endpoint.
        id: Uuid,
        #[command(flatten)]
        org: Org,
    },
    /// Switches an endpoint on; what happened meanwhile is sent.
    Enable {
        /// The endpoint.
        id: Uuid,
        #[command(flatten)]
        org: Org,
    },
    /// Switches an endpoint off.
    Disable {
        /// The endpoint.
        id: Uuid,
        #[command(flatten)]
        org: Org,
    },
    /// Sends once more what failed or waits.
    Replay {
        /// The endpoint.
        id: Uuid,
        #[command(flatten)]
        org: Org,
    },
}

pub(super) async fn run(command: WebhooksCommand) -> anyhow::Result<()> {
    let ctx = context().await?;
    match command {
        WebhooksCommand::List { org, json } => {
            let endpoints = webhook::list(&ctx, &org.actor(&ctx).await?).await?;
            if json { print_json(&endpoints)? } else { show(&endpoints) }
        }
        WebhooksCommand::Add { url, types, org, json } => {
            let new = NewEndpoint { url, types };
            let made = webhook::create(&ctx, &org.actor(&ctx).await?, &new).await?;
            if json {
                return print_json(&json!({ "id": made.id, "secret": made.secret }));
            }
            println!("Endpoint {}\nSecret   {}\n\nThe secret is not shown again.", made.id, made.secret);
        }
        WebhooksCommand::Rotate { id, org } => {
            let secret = webhook::rotate(&ctx, &org.actor(&ctx).await?, id).await?;
            println!("{secret}\n\nNot shown again; the secret before it signs beside it for 24 hours.");
        }
        WebhooksCommand::Enable { id, org } => {
            webhook::switch(&ctx, &org.actor(&ctx).await?, id, true).await?;
            println!("The endpoint is on.");
        }
        WebhooksCommand::Disable { id, org } => {
            webhook::switch(&ctx, &org.actor(&ctx).await?, id, false).await?;
            println!("The endpoint is off; what happens meanwhile waits for it.");
        }
        WebhooksCommand::Replay { id, org } => {
            let count = webhook::replay(&ctx, &org.actor(&ctx).await?, id).await?;
            println!("{} messages are on their way.", text::count(i64::try_from(count).unwrap_or(i64::MAX)));
        }
    }
    Ok(())
}

fn show(endpoints: &[WebhookEndpoint]) {
    if endpoints.is_empty() {
        println!("There is no endpoint yet; add one with `reskontro webhooks add URL`.");
    }
    for e in endpoints {
        let why = e.disabled_why.as_deref().map(|w| format!(" ({})", w.replace('_', " "))).unwrap_or_default();
        println!("{}  {}{why}  {}", e.id, e.state, e.url);
        let types = if e.types.is_empty() { "every type".to_owned() } else { e.types.join(", ") };
        let health = match (e.failing_since_at, e.last_success_at) {
            (Some(since), _) => format!("nothing gets through since {}", since.format("%Y-%m-%d %H:%M")),
            (None, Some(at)) => format!("last got through {}", at.format("%Y-%m-%d %H:%M")),
            (None, None) => "nothing sent yet".to_owned(),
        };
        println!("  {types}; {health}");
    }
}

/// From where, and for how long.
#[derive(clap::Args)]
pub(super) struct EventsArgs {
    /// A place an earlier call ended at; from the first event when left out.
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
    /// Goes on and prints what happens, until it is stopped.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    org: Org,
    /// For programs; one event a line with --follow.
    #[arg(long)]
    json: bool,
}

/// Events read at once.
const PAGE: usize = 500;

pub(super) async fn events(args: EventsArgs) -> anyhow::Result<()> {
    let mut place = match &args.after {
        None => Place::START,
        Some(text) => Place::parse(text).context("--after is a place an earlier call ended at")?,
    };
    let ctx = context().await?;
    let actor = args.org.actor(&ctx).await?;
    if args.json && !args.follow {
        let (items, next) = rest(&ctx, &actor, place).await?;
        return print_json(&json!({ "items": items, "next": next.to_string() }));
    }
    loop {
        let (items, next) = event::list(&ctx, &actor, place, PAGE).await?;
        for event in &items {
            print_event(event, args.json)?;
        }
        place = next;
        if !items.is_empty() {
            continue;
        }
        if !args.follow {
            println!("Go on with --after {place}");
            return Ok(());
        }
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(()),
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

async fn rest(ctx: &Ctx, actor: &Actor, mut place: Place) -> anyhow::Result<(Vec<Event>, Place)> {
    let mut all = Vec::new();
    loop {
        let (items, next) = event::list(ctx, actor, place, PAGE).await?;
        place = next;
        if items.is_empty() {
            return Ok((all, place));
        }
        all.extend(items);
    }
}

fn print_event(event: &Event, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(event)?);
        return Ok(());
    }
    let subject = event.subject_id.map(|id| id.to_string()).unwrap_or_default();
    println!("{}  {:<26}{} {subject}", event.at.format("%Y-%m-%d %H:%M:%S"), event.kind, event.subject);
    Ok(())
}
