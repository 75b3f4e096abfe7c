//! Telling of a new privacy statement, who accepted it, and whether it still says what is done, at the command line.

use super::{Org, print_json, text};
use crate::ctx::Ctx;
use crate::privacy::notice::{self, NoticeView};
use crate::privacy::{acceptance, standing, statement};
use crate::services::Actor;
use anyhow::Context;
use domain::customer::Language;

/// Whom to tell of what.
#[derive(clap::Args)]
pub(super) struct NotifyArgs {
    /// Looks at it: how many would be written to, and what the letter says is new. Nobody is written to.
    #[arg(long)]
    dry_run: bool,
    /// The version; the newest when left out.
    #[arg(long, value_name = "VERSION")]
    number: Option<i64>,
    #[command(flatten)]
    org: Org,
    /// For programs.
    #[arg(long)]
    json: bool,
}

/// Of which version.
#[derive(clap::Args)]
pub(super) struct AcceptancesArgs {
    /// The version; the newest when left out.
    #[arg(long, value_name = "VERSION")]
    number: Option<i64>,
    #[command(flatten)]
    org: Org,
    /// For programs.
    #[arg(long)]
    json: bool,
}

/// Tells people, or counts them.
pub(super) async fn notify(ctx: &Ctx, args: NotifyArgs) -> anyhow::Result<()> {
    let actor = args.org.actor(ctx).await?;
    let found = if args.dry_run {
        notice::look(ctx, &actor, args.number, Language::English).await?
    } else {
        notice::tell(ctx, &actor, args.number, Language::English).await?
    };
    if args.json {
        return print_json(&found);
    }
    show(&found);
    if args.dry_run {
        println!("\nNobody is written to yet: `reskontro privacy statement notify` does it.");
    }
    Ok(())
}

fn show(found: &NoticeView) {
    println!("Version {} follows version {} and holds from {}.", found.version_no, found.follows, found.valid_from);
    for line in &found.changes {
        println!("  {line}");
    }
    match &found.link {
        Some(link) => println!("Read at {link}."),
        None => println!("The letter has no link: set payer.base_url, or the organisation's privacy_url."),
    }
    let rows = [
        ("to be told", found.to_tell),
        ("told", found.told),
        ("refused by the relay", found.refused),
        ("on its way when the service stopped", found.uncertain),
        ("without an address mail may go to", found.without_address),
    ];
    let rows: Vec<Vec<String>> = rows.iter().map(|(what, n)| vec![(*what).to_owned(), text::count(*n)]).collect();
    print!("{}", text::left(&rows, "  "));
}

/// Says after a publication who is to be told of it, where it follows another.
pub(super) async fn after_publishing(ctx: &Ctx, actor: &Actor, version_no: i64) -> anyhow::Result<()> {
    if version_no < 2 {
        return Ok(());
    }
    let found = notice::look(ctx, actor, Some(version_no), Language::English).await?;
    println!(
        "{} people are to be told before it holds: look with `reskontro privacy statement notify --dry-run`, then without.",
        text::count(found.to_tell)
    );
    Ok(())
}

/// Lists who accepted.
pub(super) async fn acceptances(ctx: &Ctx, args: AcceptancesArgs) -> anyhow::Result<()> {
    let actor = args.org.actor(ctx).await?;
    let version = match args.number {
        Some(version) => version,
        None => statement::list(ctx, &actor).await?.first().context("nothing is published yet")?.version_no,
    };
    let rows = acceptance::list(ctx, &actor, version).await?;
    if args.json {
        return print_json(&rows);
    }
    if rows.is_empty() {
        println!("Nobody has accepted version {version} yet.");
    }
    for row in rows {
        println!("{}  {}  {}", row.accepted_at.format("%Y-%m-%d %H:%M"), row.user_id, row.channel);
    }
    Ok(())
}

/// Says what is to be done where the statement says something else than the policy, or people are not told.
pub(super) async fn warn(ctx: &Ctx, actor: &Actor) -> anyhow::Result<()> {
    for warning in standing::standing(ctx, actor).await?.warnings() {
        println!("Warning: {warning}");
    }
    Ok(())
}
