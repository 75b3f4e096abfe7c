//! The register of breaches at the command line.

use super::{Org, context, print_json, text};
use crate::ctx::Ctx;
use crate::privacy::affected::{self, Search, Sent};
use crate::privacy::breach::{self, BreachView, Facts, Notified};
use crate::privacy::{reading, statement};
use crate::services::Actor;
use anyhow::{Context, bail};
use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Europe::Oslo;
use clap::Subcommand;
use domain::customer::Language;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Breaches of the security of personal data.
#[derive(Subcommand)]
pub(super) enum BreachCommand {
    /// Opens a case: the authority must be told within 72 hours of when it was noticed.
    Open {
        #[command(flatten)]
        facts: FactArgs,
        #[command(flatten)]
        org: Org,
    },
    /// Lists open cases, the one due first on top.
    List {
        /// Closed ones too.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Shows a case: what is known, how long there is left, what is to be done.
    Show {
        /// The case.
        id: Uuid,
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Adds what came to be known.
    Change {
        /// The case.
        id: Uuid,
        #[command(flatten)]
        facts: FactArgs,
        #[command(flatten)]
        org: Org,
    },
    /// Finds whom it concerns from the log of reads and the audit log; without a way to find them it lists those known.
    Persons {
        /// The case.
        id: Uuid,
        /// Whoever this API key or user has read of, or done something with.
        #[arg(long, value_name = "ID", conflicts_with_all = ["all", "customer"])]
        actor: Option<Uuid>,
        /// From when; when it began, where left out.
        #[arg(long, value_name = "TIME", value_parser = time, requires = "actor")]
        from: Option<DateTime<Utc>>,
        /// Until when; when it was over or noticed, where left out.
        #[arg(long, value_name = "TIME", value_parser = time, requires = "actor")]
        until: Option<DateTime<Utc>>,
        /// Every customer.
        #[arg(long, conflicts_with = "customer")]
        all: bool,
        /// A customer, by number or id; may be given several times.
        #[arg(long)]
        customer: Vec<String>,
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Letters to those it concerns: counts them, and with --send mails whoever can be mailed.
    Letters {
        /// The case.
        id: Uuid,
        /// Mails them.
        #[arg(long)]
        send: bool,
        /// A folder to write the others to, as PDF and HTML.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        /// Notes that those on paper are in the post.
        #[arg(long, conflicts_with_all = ["send", "out"])]
        posted: bool,
        #[command(flatten)]
        org: Org,
    },
    /// Writes the notification to the authority, or the notice to the controller.
    Draft {
        /// The case.
        id: Uuid,
        /// authority or controller.
        #[arg(long, default_value = "authority")]
        to: String,
        /// An HTML file to write, or a PDF file when it ends so.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// nb, nn or en.
        #[arg(long, default_value = "nb")]
        language: String,
        #[command(flatten)]
        org: Org,
    },
    /// Notes that the authority or the controller was told.
    Notified {
        /// The case.
        id: Uuid,
        /// authority or controller.
        #[arg(long, default_value = "authority")]
        to: String,
        /// When; now when left out.
        #[arg(long, value_name = "TIME", value_parser = time)]
        at: Option<DateTime<Utc>>,
        /// The authority's reference.
        #[arg(long)]
        reference: Option<String>,
        /// Why it was told after the 72 hours.
        #[arg(long, value_name = "WHY")]
        late_because: Option<String>,
        #[command(flatten)]
        org: Org,
    },
    /// Closes a case when nothing is left to do.
    Close {
        /// The case.
        id: Uuid,
        #[command(flatten)]
        org: Org,
    },
}

/// What is known. Name nobody: those concerned read these texts word for word.
#[derive(clap::Args)]
pub(super) struct FactArgs {
    /// What happened.
    #[arg(long)]
    what: Option<String>,
    /// When it was noticed, such as "2027-03-01 14:30" (Oslo) or RFC 3339; now when a case is opened without.
    #[arg(long, value_name = "TIME", value_parser = time)]
    noticed: Option<DateTime<Utc>>,
    /// When it began.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<DateTime<Utc>>,
    /// When it was over.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<DateTime<Utc>>,
    /// Which kinds of data.
    #[arg(long)]
    categories: Option<String>,
    /// Why it happened.
    #[arg(long)]
    cause: Option<String>,
    /// What it may lead to for those concerned.
    #[arg(long)]
    consequences: Option<String>,
    /// What was done, and what those concerned can do.
    #[arg(long)]
    measures: Option<String>,
    /// none, risk or high.
    #[arg(long)]
    risk: Option<String>,
    /// Why the authority is not told, where there is unlikely a risk.
    #[arg(long, value_name = "WHY")]
    not_notified_because: Option<String>,
    /// Why those concerned are not told although the risk is high.
    #[arg(long, value_name = "WHY")]
    not_informed_because: Option<String>,
}

impl From<FactArgs> for Facts {
    fn from(args: FactArgs) -> Self {
        Self {
            noticed_at: args.noticed,
            happened_from_at: args.from,
            happened_until_at: args.until,
            what: args.what,
            categories: args.categories,
            cause: args.cause,
            consequences: args.consequences,
            measures: args.measures,
            risk: args.risk,
            not_notified_because: args.not_notified_because,
            not_informed_because: args.not_informed_because,
        }
    }
}

/// A point in time: RFC 3339, or day and time of day in Oslo.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M");
    let at = local.ok().and_then(|at| at.and_local_timezone(Oslo).earliest());
    at.map(|at| at.to_utc()).ok_or_else(|| "a time such as \"2027-03-01 14:30\" (Oslo), or RFC 3339".to_owned())
}

pub(super) async fn run(command: BreachCommand) -> anyhow::Result<()> {
    let ctx = context().await?;
    match command {
        BreachCommand::Open { facts, org } => {
            let actor = org.actor(&ctx).await?;
            let id = breach::open(&ctx, &actor, &facts.into()).await?;
            show(&breach::get(&ctx, &actor, id).await?);
        }
        BreachCommand::List { all, org, json } => list(&ctx, &org.actor(&ctx).await?, all, json).await?,
        BreachCommand::Show { id, org, json } => {
            let found = breach::get(&ctx, &org.actor(&ctx).await?, id).await?;
            if json {
                return print_json(&found);
            }
            show(&found);
        }
        BreachCommand::Change { id, facts, org } => {
            let actor = org.actor(&ctx).await?;
            let version = breach::get(&ctx, &actor, id).await?.version;
            breach::patch(&ctx, &actor, id, version, &facts.into()).await?;
            show(&breach::get(&ctx, &actor, id).await?);
        }
        BreachCommand::Persons { id, actor: actor_id, from, until, all, customer, org, json } => {
            let actor = org.actor(&ctx).await?;
            let mut customer_ids = Vec::new();
            for which in customer {
                let found = super::privacy::find(&ctx, &actor, "customer", &which).await?;
                customer_ids.push(super::privacy::id_of(found));
            }
            if actor_id.is_none() && !all && customer_ids.is_empty() {
                return persons(&ctx, &actor, id, json).await;
            }
            let search = Search { actor_id, from_at: from, until_at: until, everybody: all, customer_ids };
            let found = affected::search(&ctx, &actor, id, &search).await?;
            if json {
                return print_json(&found);
            }
            println!("{} added; it concerns {}.", customers(found.added), customers(found.people));
            if found.unlisted_reads > 0 {
                println!(
                    "{} lists were too long for their people to be logged by name: more are concerned. Add them with --customer, \
                     or everybody with --all.",
                    found.unlisted_reads
                );
            }
        }
        BreachCommand::Letters { id, send, out, posted, org } => {
            let actor = org.actor(&ctx).await?;
            letters(&ctx, &actor, id, send, out.as_deref(), posted).await?;
        }
        BreachCommand::Draft { id, to, out, language, org } => {
            let language = Language::from_code(&language);
            let paper = breach::draft(&ctx, &org.actor(&ctx).await?, id, &to, language).await?;
            super::privacy::write(&out, &paper)?;
        }
        BreachCommand::Notified { id, to, at, reference, late_because, org } => {
            let actor = org.actor(&ctx).await?;
            breach::notified(&ctx, &actor, id, &Notified { to: Some(to), at, reference, late_because }).await?;
            show(&breach::get(&ctx, &actor, id).await?);
        }
        BreachCommand::Close { id, org } => {
            breach::close(&ctx, &org.actor(&ctx).await?, id).await?;
            println!(
                "The case is closed. The list of people goes twelve months after they were told, the case after five years."
            );
        }
    }
    Ok(())
}

fn customers(n: i64) -> String {
    if n == 1 { "1 customer".to_owned() } else { format!("{} customers", text::count(n)) }
}

async fn list(ctx: &Ctx, actor: &Actor, all: bool, json: bool) -> anyhow::Result<()> {
    let rows = breach::list(ctx, actor, !all).await?;
    if json {
        return print_json(&rows);
    }
    if rows.is_empty() {
        println!("{}", if all { "The register is empty." } else { "No case is open." });
        return Ok(());
    }
    let line = |b: &BreachView| {
        let short: String = b.what.chars().take(60).collect();
        vec![b.id.to_string(), left(b), customers(b.people), short]
    };
    print!("{}", text::left(&rows.iter().map(line).collect::<Vec<_>>(), ""));
    Ok(())
}

/// How long there is left, or how the clock stopped.
fn left(b: &BreachView) -> String {
    if let Some(at) = b.closed_at {
        return format!("closed {}", day(at));
    }
    match (b.hours_left, b.authority_notified_at) {
        (Some(hours), _) if hours < 0 => format!("LATE: was due {}", minute(b.due_at)),
        (Some(1), _) => format!("due {}, 1 hour left", minute(b.due_at)),
        (Some(hours), _) => format!("due {}, {hours} hours left", minute(b.due_at)),
        (None, Some(at)) => format!("notified {}", minute(at)),
        (None, None) => "need not be notified".to_owned(),
    }
}

fn minute(at: DateTime<Utc>) -> String {
    at.with_timezone(&Oslo).format("%Y-%m-%d %H:%M").to_string()
}

fn day(at: DateTime<Utc>) -> String {
    at.with_timezone(&Oslo).format("%Y-%m-%d").to_string()
}

fn show(b: &BreachView) {
    println!("Case {}: {}\n", b.id, b.what);
    let mut rows: Vec<(&str, String)> = vec![("authority", left(b)), ("noticed", minute(b.noticed_at))];
    if let Some(from) = b.happened_from_at {
        let until = b.happened_until_at.map_or_else(|| "not known".to_owned(), minute);
        rows.push(("happened", format!("{} to {until}", minute(from))));
    }
    rows.push(("risk", b.risk.clone()));
    let told = b.people_told.map(|t| format!(", {} told", text::count(t))).unwrap_or_default();
    rows.push(("concerns", format!("{}{told}", customers(b.people))));
    for (name, value) in [
        ("reference", &b.authority_reference),
        ("told late", &b.late_because),
        ("not notified", &b.not_notified_because),
        ("not informed", &b.not_informed_because),
        ("data", &b.categories),
        ("cause", &b.cause),
        ("may lead to", &b.consequences),
        ("measures", &b.measures),
    ] {
        rows.extend(value.iter().map(|v| (name, v.clone())));
    }
    if let Some(at) = b.controller_told_at {
        rows.push(("controller", format!("told {}", minute(at))));
    }
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    print!("{}", text::left(&rows, "  "));
    if !b.to_do.is_empty() {
        println!("\nTo do");
    }
    for todo in &b.to_do {
        let (what, how): (&str, &[&str]) = match *todo {
            "tell_controller" => (
                "tell the controller, now",
                &["draft ID --to controller --out varsel.html", "notified ID --to controller"],
            ),
            "notify_authority" => {
                ("notify Datatilsynet", &["draft ID --out melding.html", "notified ID --reference …"])
            }
            "note_people" => (
                "find whom it concerns, in one of these ways",
                &["persons ID --actor …", "persons ID --customer …", "persons ID --all"],
            ),
            "inform_people" => ("tell those it concerns", &["letters ID --send --out brev", "letters ID --posted"]),
            _ => ("close the case", &["close ID"]),
        };
        println!("  {what}");
        for how in how {
            println!("    reskontro privacy breach {}", how.replace("ID", &b.id.to_string()));
        }
    }
}

async fn persons(ctx: &Ctx, actor: &Actor, id: Uuid, json: bool) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    loop {
        let after = rows.last().map_or_else(Uuid::nil, |r: &affected::AffectedView| r.customer_id);
        let page = affected::list(ctx, actor, id, after, 200).await?;
        let full = page.len() == 200;
        rows.extend(page);
        if !full {
            break;
        }
    }
    reading::note_now(ctx, actor, "breach.persons", reading::about(rows.iter().map(|r| Some(r.customer_id)))).await?;
    if json {
        return print_json(&rows);
    }
    if rows.is_empty() {
        println!("Nobody is noted yet: say how to find them with --actor, --customer or --all.");
    }
    let line = |r: &affected::AffectedView| {
        let told = match (r.informed_at, r.informed_by.as_deref()) {
            (Some(at), Some(by)) => format!("told {} by {by}", day(at)),
            (_, Some("refused")) => "mail was refused: to be told on paper".to_owned(),
            _ => "not told yet".to_owned(),
        };
        let found = match r.found_by.as_str() {
            "reads" => "was read",
            "audit" => "was acted on",
            "everybody" => "one of all",
            _ => "named",
        };
        vec![r.customer_id.to_string(), found.to_owned(), told]
    };
    print!("{}", text::left(&rows.iter().map(line).collect::<Vec<_>>(), ""));
    Ok(())
}

async fn letters(
    ctx: &Ctx,
    actor: &Actor,
    id: Uuid,
    send: bool,
    out: Option<&Path>,
    posted: bool,
) -> anyhow::Result<()> {
    if posted {
        println!("{} told by post.", customers(affected::posted(ctx, actor, id).await?));
        return Ok(());
    }
    let sent = affected::send(ctx, actor, id, send).await?;
    count(&sent, send);
    if let Some(folder) = out {
        write(ctx, actor, id, folder).await?;
    } else if sent.to_post > 0 {
        println!(
            "Write those on paper with --out FOLDER. When they are in the post:\n  reskontro privacy breach letters {id} --posted"
        );
    }
    if !send && sent.mailed > 0 {
        println!("Nothing is mailed yet: add --send.");
    }
    if sent.unreachable > 0 {
        println!(
            "Nothing is known to write to for {}: tell them in public or in another way, and say how:\n  \
             reskontro privacy breach change {id} --not-informed-because …",
            customers(sent.unreachable)
        );
    }
    if sent.waiting > 0 {
        bail!("mail cannot leave now for {}; do it again shortly", customers(sent.waiting));
    }
    Ok(())
}

fn count(sent: &Sent, send: bool) {
    let mailed = if send { "mailed" } else { "can be mailed" };
    let rows = [(sent.mailed, mailed), (sent.to_post, "on paper"), (sent.unreachable, "cannot be reached")];
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(n, what)| vec![what.to_owned(), text::count(n)]).collect();
    print!("{}", text::table(&rows, "  "));
}

async fn write(ctx: &Ctx, actor: &Actor, id: Uuid, folder: &Path) -> anyhow::Result<()> {
    let letters = affected::to_post(ctx, actor, id).await?;
    reading::note_now(ctx, actor, "breach.letters", reading::about(letters.iter().map(|l| Some(l.customer_id))))
        .await?;
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for letter in &letters {
        let page = render::paper::html(&letter.paper)?.into_bytes();
        for (end, bytes) in [("pdf", statement::pdf(&letter.paper)?), ("html", page)] {
            let path = folder.join(format!("{}.{end}", affected::file_name(letter)));
            std::fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        }
    }
    let written = match letters.len() {
        1 => "1 letter".to_owned(),
        n => format!("{} letters", text::count(i64::try_from(n).unwrap_or(i64::MAX))),
    };
    println!("{written} in {}. When in the post:\n  reskontro privacy breach letters {id} --posted", folder.display());
    Ok(())
}
