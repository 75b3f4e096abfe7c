//! `reskontro simulate`: years of a made-up organisation in seconds, to see what a policy does to its data.

use super::text::{count, left};
use crate::config::Config;
use crate::simulate::{self, Broken, End, Outcome, Places, Script};
use anyhow::{Context, bail};
use chrono::NaiveDate;
use domain::privacy::Preset;
use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Days in which an organisation leaves: its last day to come, thirty of grace, and thirty until no backup holds it.
const LEAVING: u32 = 80;

/// What is simulated.
#[derive(clap::Args)]
pub(super) struct Args {
    /// association-billing, invoicing-platform, accounting-firm, accounting-marketplace or erp.
    #[arg(long, default_value = "association-billing")]
    preset: String,
    /// A JSON file of what the policy changes of the preset, as `privacy policy publish` takes it.
    #[arg(long)]
    changes: Option<PathBuf>,
    /// Years people join, pay, move, ask and leave, 1 to 20.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=20))]
    years: u32,
    /// Years afterwards, in which everybody leaves and what is kept runs out, 0 to 20.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=20))]
    closing_years: u32,
    /// How it ends: customers leave in the closing years, or the organisation ends its agreement when the years are over, and is
    /// looked at until no backup holds it any more.
    #[arg(long, default_value = "customers", value_parser = ["customers", "organisation"])]
    end: String,
    /// The same seed plays the same story.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// First day.
    #[arg(long, default_value = "2027-01-04")]
    from: NaiveDate,
    /// Keeps what is made in this folder, which must be empty; thrown away when left out.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let known = || format!("one of {}", Preset::ALL.map(Preset::as_str).join(", "));
    let Some(preset) = Preset::parse(&args.preset) else { bail!("--preset: {}", known()) };
    let end = if args.end == "organisation" { End::Organisation } else { End::Customers };
    let closing_days = args.closing_years * 365;
    let script = Script {
        preset,
        changes: changes(args.changes.as_deref())?,
        seed: args.seed,
        from: args.from,
        days: args.years * 365,
        closing_days: if end == End::Organisation { closing_days.max(LEAVING) } else { closing_days },
        end,
        backup_every: 1,
    };
    let thrown_away = tempfile::tempdir().context("there is no place for the simulated database")?;
    let dir = match &args.dir {
        Some(dir) => empty(dir)?,
        None => thrown_away.path().to_owned(),
    };
    // A year loses one, and the organisation that has gone another.
    let places = places(&dir, args.years + 2)?;
    if let Some(first) = places.databases.first() {
        super::serve::log(first);
        super::serve::prepare(first).await?;
    }
    let mut out = std::io::stderr();
    let shown = out.is_terminal();
    let played = Box::pin(simulate::play(&script, places, |day, all| {
        if shown {
            let _ = write!(out, "\r\x1b[Kday {} of {}", count(i64::from(day)), count(i64::from(all)));
        }
    }))
    .await;
    if shown {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    match played {
        Ok(outcome) if args.json => super::print_json(&outcome)?,
        Ok(outcome) => show(&outcome),
        Err(error) => {
            let Some(broken) = error.downcast_ref::<Broken>() else { return Err(error) };
            println!("What must always hold does not, on the night before {}", broken.night);
            println!("  {}\n  found: {}", broken.check, broken.finding);
            let Args { preset, years, closing_years, end, seed, from, .. } = &args;
            let changes =
                args.changes.as_ref().map(|path| format!(" --changes {}", path.display())).unwrap_or_default();
            println!(
                "  seen again by: reskontro simulate --preset {preset}{changes} --years {years} --closing-years {closing_years} \
                 --end {end} --seed {seed} --from {from}"
            );
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A folder of one's own: nothing that is there is written over.
fn empty(dir: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    if std::fs::read_dir(dir)?.next().is_some() {
        bail!("{} is not empty; choose another with --dir", dir.display());
    }
    Ok(dir.canonicalize()?)
}

fn changes(path: Option<&Path>) -> anyhow::Result<Value> {
    let Some(path) = path else { return Ok(Value::Null) };
    let text = super::read_file(path, 1 << 20)?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", path.display()))
}

/// Databases of a folder that is thrown away: one to live in, and one for each restore.
fn places(dir: &Path, databases: u32) -> anyhow::Result<Places> {
    let (recipient, identity) = super::demo_privacy::key_pair(dir)?;
    let shown = dir.display();
    let place = |n: u32| {
        Config::with(&format!(
            "[database]\nurl = \"sqlite:{shown}/{n}/db/reskontro.db\"\n[files]\ndir = \"{shown}/{n}/files\"\n[ledgers]\n\
             dir = \"{shown}/ledgers\"\n[backup]\ndir = \"{shown}/backups\"\nrecipients = [\"{recipient}\"]\n[mail]\n\
             spool_dir = \"{shown}/spool\"\ndomain = \"fjellbygda.example\"\n[ehf]\ndir = \"{shown}/ehf\"\n[log]\n\
             filter = \"off\"\n"
        ))
    };
    Ok(Places { databases: (0..databases).map(place).collect::<Result<_, _>>()?, identity })
}

fn show(outcome: &Outcome) {
    println!("{} from {} to {}, seed {}", outcome.preset, outcome.from, outcome.to, outcome.seed);
    let number = |n: usize| format!("{:>6}", count(i64::try_from(n).unwrap_or(i64::MAX)));
    println!("\nHappened");
    let rows: Vec<_> = outcome.happened.iter().map(|(what, n)| vec![number(*n), (*what).to_owned()]).collect();
    print!("{}", left(&rows, "  "));
    println!("\nRemoved by the policy");
    let rows: Vec<_> = outcome
        .removed
        .iter()
        .map(|r| {
            let when = if r.first_on == r.last_on {
                r.first_on.to_string()
            } else {
                format!("{} to {}", r.first_on, r.last_on)
            };
            vec![format!("{:>6}", count(r.rows)), r.what.clone(), format!("{} {}", r.rule.as_str(), r.period), when]
        })
        .collect();
    print!("{}", left(&rows, "  "));
    let people = outcome.people;
    println!("\nOf {} customers", count(i64::try_from(people.ever).unwrap_or(i64::MAX)));
    let rows = [
        vec![number(people.customers), "are customers still".to_owned()],
        vec![number(people.archived), "are in the archive alone, as the bookkeeping act asks".to_owned()],
        vec![number(people.nothing), "have left no trace".to_owned()],
    ];
    print!("{}", left(&rows, "  "));
    println!("\nHeld every night");
    let nights = |n: u64| format!("{:>6}", count(i64::try_from(n).unwrap_or(i64::MAX)));
    let rows: Vec<_> = outcome.held.iter().map(|(what, n)| vec![nights(*n), (*what).to_owned()]).collect();
    print!("{}", left(&rows, "  "));
}
