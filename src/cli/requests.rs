//! Requests of persons at the command line.

use super::{Org, context, print_json};
use crate::ctx::Ctx;
use crate::privacy::consequence;
use crate::privacy::reading;
use crate::privacy::request::{self, Decision, NewRequest, RequestView, Sorted};
use crate::privacy::restriction::{self, NextReview};
use crate::services::Actor;
use anyhow::Context;
use chrono::NaiveDate;
use clap::Subcommand;
use domain::customer::Language;
use std::path::PathBuf;
use uuid::Uuid;

/// Requests of persons.
#[derive(Subcommand)]
pub(super) enum RequestCommand {
    /// Lists open requests, the one due first on top.
    List {
        /// Answered ones too.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Shows what stops when processing is restricted, objected to, or consents are taken back: tell the person first.
    Consequences {
        /// restriction, objection or consent_withdrawal.
        of: String,
        /// customer or contact.
        subject: String,
        /// Customer number or id.
        which: String,
        /// nb, nn or en.
        #[arg(long, default_value = "nb")]
        language: String,
        #[command(flatten)]
        org: Org,
    },
    /// Looks at a restriction again: it stands until the next day of review.
    ReviewRestriction {
        /// Customer number or id.
        which: String,
        /// A day within twelve months.
        #[arg(long, value_name = "DATE")]
        on: NaiveDate,
        #[command(flatten)]
        org: Org,
    },
    /// Lifts a restriction, after the person has been told.
    LiftRestriction {
        /// Customer number or id.
        which: String,
        /// The person was told (article 18 (3)).
        #[arg(long)]
        person_told: bool,
        #[command(flatten)]
        org: Org,
    },
    /// Takes one in.
    Receive {
        /// access, rectification, erasure, restriction, objection, portability, consent_withdrawal or complaint.
        kind: String,
        /// customer, contact or user.
        subject: String,
        /// Customer number or id.
        which: String,
        /// mail or operator.
        #[arg(long, default_value = "operator")]
        channel: String,
        /// The day it came; today when left out.
        #[arg(long, value_name = "DATE")]
        received_on: Option<NaiveDate>,
        /// What the person asks for, in short.
        #[arg(long)]
        wish: Option<String>,
        #[command(flatten)]
        org: Org,
    },
    /// Says what a request asks for, and whom it is about: letters and forms come unsorted.
    Sort {
        /// The request.
        id: Uuid,
        /// What it asks for: access, rectification, erasure, …
        #[arg(long)]
        kind: Option<String>,
        /// The customer it is about: number or id.
        #[arg(long, value_name = "CUSTOMER")]
        customer: Option<String>,
        #[command(flatten)]
        org: Org,
    },
    /// Sends a one-time code to the address on file.
    SendCode {
        /// The request.
        id: Uuid,
        #[command(flatten)]
        org: Org,
    },
    /// Takes the code the person was sent.
    Confirm {
        /// The request.
        id: Uuid,
        /// Six digits.
        code: String,
        #[command(flatten)]
        org: Org,
    },
    /// Notes that you know who asks.
    Identify {
        /// The request.
        id: Uuid,
        /// You doubt it, with reason (article 12 (6)).
        #[arg(long)]
        doubted: bool,
        #[command(flatten)]
        org: Org,
    },
    /// Extends the time by two months, with the reason the person is told.
    Extend {
        /// The request.
        id: Uuid,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        org: Org,
    },
    /// Grants it, and carries it out.
    Grant {
        /// The request.
        id: Uuid,
        #[command(flatten)]
        org: Org,
    },
    /// Refuses it, naming the ground.
    Refuse {
        /// The request.
        id: Uuid,
        /// Such as "artikkel 17 (3) b: bokføringsloven § 13".
        #[arg(long)]
        grounds: String,
        #[command(flatten)]
        org: Org,
    },
    /// Writes what is held of who asks: a ZIP with JSON, CSV, HTML and PDF.
    Package {
        /// The request.
        id: Uuid,
        /// The file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// nb, nn or en.
        #[arg(long, default_value = "nb")]
        language: String,
        #[command(flatten)]
        org: Org,
    },
    #[command(flatten)]
    PassOn(PassOnCommand),
}

/// What is passed on to others.
#[derive(Subcommand)]
pub(super) enum PassOnCommand {
    /// Notes that somebody who had the data was told of a rectification or an erasure (article 19).
    Told {
        /// The request.
        id: Uuid,
        /// Who was told, as the answer named them.
        #[arg(long)]
        recipient: String,
        #[command(flatten)]
        org: Org,
    },
    /// Makes a link under which another controller fetches the package itself (article 20 (2)).
    Link {
        /// The request.
        id: Uuid,
        #[command(flatten)]
        org: Org,
    },
    /// Prints a signed receipt of a request for the controller it is prepared for: JSON, and it names nobody.
    Receipt {
        /// The request.
        id: Uuid,
        #[command(flatten)]
        org: Org,
    },
}

async fn pass_on(ctx: &Ctx, command: PassOnCommand) -> anyhow::Result<()> {
    match command {
        PassOnCommand::Told { id, recipient, org } => {
            request::told(ctx, &org.actor(ctx).await?, id, &recipient).await?;
            println!("Noted that {recipient} is told.");
        }
        PassOnCommand::Link { id, org } => {
            println!("{}", request::make_link(ctx, &org.actor(ctx).await?, id).await?);
            eprintln!("Whoever has this link has the package: give it to the other controller alone.");
        }
        PassOnCommand::Receipt { id, org } => print_json(&request::receipt(ctx, &org.actor(ctx).await?, id).await?)?,
    }
    Ok(())
}

pub(super) async fn run(command: RequestCommand) -> anyhow::Result<()> {
    let ctx = context().await?;
    match command {
        RequestCommand::List { all, org, json } => list(&ctx, &org.actor(&ctx).await?, all, json).await?,
        RequestCommand::Receive { kind, subject, which, channel, received_on, wish, org } => {
            let actor = org.actor(&ctx).await?;
            let found = super::privacy::find(&ctx, &actor, &subject, &which).await?;
            let subject_id = super::privacy::id_of(found);
            let new = NewRequest { kind, subject_kind: subject, subject_id, channel, received_on, wish };
            let id = request::receive(&ctx, &actor, &new).await?;
            let due = request::get(&ctx, &actor, id).await?.due_on;
            println!("Request {id} is to be answered by {due}.");
        }
        RequestCommand::Sort { id, kind, customer, org } => {
            sort(&ctx, &org.actor(&ctx).await?, id, kind, customer).await?;
        }
        RequestCommand::Consequences { of, subject, which, language, org } => {
            let who = (subject.as_str(), which.as_str());
            consequences(&ctx, &org.actor(&ctx).await?, &of, who, Language::from_code(&language)).await?;
        }
        RequestCommand::ReviewRestriction { which, on, org } => {
            let actor = org.actor(&ctx).await?;
            let id = super::privacy::id_of(super::privacy::find(&ctx, &actor, "customer", &which).await?);
            restriction::review(&ctx, &actor, id, &NextReview { review_on: on }).await?;
            println!("The restriction stands, and is looked at again on {on}.");
        }
        RequestCommand::LiftRestriction { which, person_told, org } => {
            let actor = org.actor(&ctx).await?;
            let id = super::privacy::id_of(super::privacy::find(&ctx, &actor, "customer", &which).await?);
            restriction::lift(&ctx, &actor, id, person_told).await?;
            println!("The restriction is lifted.");
        }
        RequestCommand::SendCode { id, org } => {
            request::send_code(&ctx, &org.actor(&ctx).await?, id).await?;
            println!("A code is on its way to the address on file.");
        }
        RequestCommand::Confirm { id, code, org } => {
            request::confirm_code(&ctx, &org.actor(&ctx).await?, id, &code).await?;
            println!("It is known who asks.");
        }
        RequestCommand::Identify { id, doubted, org } => {
            request::identify(&ctx, &org.actor(&ctx).await?, id, !doubted).await?;
            println!("Noted.");
        }
        RequestCommand::Extend { id, reason, org } => {
            let actor = org.actor(&ctx).await?;
            request::extend(&ctx, &actor, id, &reason).await?;
            let row = request::get(&ctx, &actor, id).await?;
            let told =
                if row.extension_told_at.is_some() { "the person was mailed why" } else { "tell the person why, now" };
            println!("To be answered by {}; {told}.", row.due_on);
        }
        RequestCommand::Grant { id, org } => decide(&ctx, &org.actor(&ctx).await?, id, "granted", None).await?,
        RequestCommand::Refuse { id, grounds, org } => {
            decide(&ctx, &org.actor(&ctx).await?, id, "refused", Some(grounds)).await?;
        }
        RequestCommand::Package { id, out, language, org } => {
            let actor = org.actor(&ctx).await?;
            let zip = request::zip_of(&ctx, &actor, id, Language::from_code(&language)).await?;
            let of = request::get(&ctx, &actor, id).await?.subject_id;
            reading::note_now(&ctx, &actor, "request.package", reading::about([of])).await?;
            std::fs::write(&out, zip).with_context(|| format!("{} cannot be written", out.display()))?;
            println!("Written to {}.", out.display());
        }
        RequestCommand::PassOn(command) => pass_on(&ctx, command).await?,
    }
    Ok(())
}

/// Says what a request asks for, and which customer it is about.
async fn sort(
    ctx: &Ctx,
    actor: &Actor,
    id: Uuid,
    kind: Option<String>,
    customer: Option<String>,
) -> anyhow::Result<()> {
    let subject_id = match customer {
        Some(which) => Some(super::privacy::id_of(super::privacy::find(ctx, actor, "customer", &which).await?)),
        None => None,
    };
    let subject_kind = subject_id.map(|_| "customer".to_owned());
    let row = request::sort(ctx, actor, id, &Sorted { kind, subject_kind, subject_id }).await?;
    println!("{}: to be answered by {}.", row.kind, row.due_on);
    Ok(())
}

/// Prints what would stop for somebody, given by kind and number.
async fn consequences(
    ctx: &Ctx,
    actor: &Actor,
    of: &str,
    (kind, which): (&str, &str),
    language: Language,
) -> anyhow::Result<()> {
    let id = super::privacy::id_of(super::privacy::find(ctx, actor, kind, which).await?);
    let stops = consequence::preview(ctx, actor, of, (kind, id), language).await?;
    reading::note_now(ctx, actor, "consequences.list", id).await?;
    if stops.is_empty() {
        println!("Nothing stops.");
    }
    for stop in stops {
        println!("{}{}", stop.text, stop.count.map(|n| format!(" ({n})")).unwrap_or_default());
    }
    Ok(())
}

async fn list(ctx: &Ctx, actor: &Actor, all: bool, json: bool) -> anyhow::Result<()> {
    let rows = request::list(ctx, actor, !all).await?;
    reading::note_now(ctx, actor, "requests.list", reading::about(rows.iter().map(|r| r.subject_id))).await?;
    if json {
        return print_json(&rows);
    }
    if rows.is_empty() {
        println!("No request waits for an answer.");
    }
    for row in rows {
        println!("{}  {}  {}  {}", row.id, row.kind, row.state, left(&row));
    }
    for row in restriction::list(ctx, actor).await? {
        let when = if row.days_left < 0 { "LATE: was to be looked at" } else { "looked at again" };
        println!(
            "{}  restricted since {}, {when} {}",
            row.customer_id,
            row.restricted_at.format("%Y-%m-%d"),
            row.review_on
        );
    }
    Ok(())
}

fn left(row: &RequestView) -> String {
    match (row.closed_at, row.days_left) {
        (Some(at), _) => format!("closed {}", at.format("%Y-%m-%d")),
        (None, days) if days < 0 => format!("LATE: was due {}", row.due_on),
        (None, 1) => format!("due {}, 1 day left", row.due_on),
        (None, days) => format!("due {}, {days} days left", row.due_on),
    }
}

async fn decide(ctx: &Ctx, actor: &Actor, id: Uuid, decision: &str, grounds: Option<String>) -> anyhow::Result<()> {
    let decided = Decision { decision: decision.to_owned(), grounds };
    let done = request::decide(ctx, actor, id, &decided).await?;
    println!("{}: {}.", done.kind, done.state);
    if let Some(case) = done.erasure_id {
        println!("Erased as case {case}; `reskontro privacy certificate {case}` shows what law keeps.");
    }
    for notice in done.notices.iter().filter(|n| n.told_at.is_none()) {
        let who = &notice.recipient;
        println!("Tell {who} of it (article 19), then: reskontro privacy requests told {id} --recipient {who}");
    }
    if done.answer_told_at.is_some() {
        println!("The person was mailed the answer.");
    } else if let Some(authority) = done.complain_to {
        let ground = if decision == "refused" { " the ground, and" } else { "" };
        println!("Tell the person{ground} where to complain: {authority}.");
    }
    Ok(())
}
