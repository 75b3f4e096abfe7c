//! What must hold every simulated night.

use super::Broken;
use super::people::{CORE, FREE, marks};
use super::story::Life;
use crate::backup::Vault;
use crate::ctx::Ctx;
use crate::privacy::inventory::columns;
use crate::privacy::{policy, request};
use crate::services::{Actor, audit, ledger};
use crate::store::{audit as store, erasure, traces, views, worklist};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Europe::Oslo;
use domain::audit::Chain;
use domain::privacy::{Period, RuleId, financial_year_over_on};
use secrecy::ExposeSecret;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use uuid::Uuid;

/// How often each was checked, by its name.
pub(super) type Checked = BTreeMap<&'static str, u64>;

/// Tables only the retention role reads.
const ARCHIVE: &str = "archive_";

/// Looks at everything.
pub(super) async fn night(ctx: &Ctx, actor: &Actor, life: &Life, done: &mut Checked) -> anyhow::Result<()> {
    let mut held = |name: &'static str, findings: Vec<String>| -> anyhow::Result<()> {
        *done.entry(name).or_default() += 1;
        match findings.into_iter().next() {
            None => Ok(()),
            Some(finding) => Err(Broken { night: ctx.today(), check: name, finding }.into()),
        }
    };
    held("the ledger balances", books(ctx, actor).await?)?;
    held("invoice numbers have no gap that is not explained", numbers(ctx, actor).await?)?;
    held("the audit chain is whole", chain(ctx, actor).await?)?;
    held("acts go from the audit log when their time is over", acts(ctx, actor).await?)?;
    held("no job waits for a person", jobs(ctx, actor).await?)?;
    held("no backup is older than 30 days", backups(ctx).await?)?;
    held("no request of a person is late", requests(ctx, actor).await?)?;
    held("nobody who was erased is back", back(ctx, actor, life).await?)?;
    held("of those who are gone nothing free is left in any table", free(ctx, actor, life).await?)?;
    held("of those who are gone nothing free is left in any file", files(ctx, life)?)?;
    held("what law keeps is in the archive alone, and goes when its years are over", core(ctx, actor, life).await?)
}

async fn books(ctx: &Ctx, actor: &Actor) -> anyhow::Result<Vec<String>> {
    let checks = ledger::verify(ctx, actor).await?;
    Ok(checks.into_iter().flat_map(|c| c.findings.into_iter().map(move |f| format!("{}: {f}", c.name))).collect())
}

async fn numbers(ctx: &Ctx, actor: &Actor) -> anyhow::Result<Vec<String>> {
    let tx = ctx.db.read(actor.org).await?;
    let series = views::series(&tx).await?;
    tx.commit().await?;
    Ok(series
        .into_iter()
        .filter(|s| s.missing != 0)
        .map(|s| format!("{} of series {} are missing", s.missing, s.code))
        .collect())
}

async fn chain(ctx: &Ctx, actor: &Actor) -> anyhow::Result<Vec<String>> {
    let report = audit::verify(ctx, actor).await?;
    let why = report.why.unwrap_or_default();
    Ok(report.broken.map(|id| format!("segment {id}: {why}")).into_iter().collect())
}

/// Nobody places a hold here that keeps what has nothing to do with the books.
async fn acts(ctx: &Ctx, actor: &Actor) -> anyhow::Result<Vec<String>> {
    let policy = policy::current(ctx, actor).await?.policy;
    let Some(period) = policy.rule(RuleId::AuditOther).and_then(|r| r.period) else { return Ok(Vec::new()) };
    let tx = ctx.db.read(actor.org).await?;
    let oldest = store::list(&tx, Chain::Other, Uuid::nil(), 1).await?;
    tx.commit().await?;
    let over = |at: DateTime<Utc>| at.with_timezone(&Oslo).date_naive() < period.cutoff(ctx.today());
    Ok(oldest.into_iter().filter(|e| over(e.at)).map(|e| format!("{} of {}", e.verb, e.at)).collect())
}

async fn jobs(ctx: &Ctx, actor: &Actor) -> anyhow::Result<Vec<String>> {
    let tx = ctx.db.read(actor.org).await?;
    let parked = worklist::parked_jobs(&tx).await?;
    let why = crate::store::job::list(&tx, 1000).await?;
    tx.commit().await?;
    let told = why
        .into_iter()
        .filter(|j| j.state == "parked")
        .map(|j| format!("{}: {}", j.name, j.last_error.unwrap_or_default()));
    Ok(if parked == 0 { Vec::new() } else { told.collect() })
}

async fn backups(ctx: &Ctx) -> anyhow::Result<Vec<String>> {
    let made = Vault::open(&ctx.config)?.backups().await?;
    let limit = ctx.now() - Duration::days(30);
    Ok(made.into_iter().filter(|m| m.made_at <= limit).map(|m| m.name).collect())
}

async fn requests(ctx: &Ctx, actor: &Actor) -> anyhow::Result<Vec<String>> {
    let open = request::list(ctx, actor, true).await?;
    Ok(open
        .into_iter()
        .filter(|r| r.days_left < 0)
        .map(|r| format!("request {} was due on {}", r.id, r.due_on))
        .collect())
}

async fn back(ctx: &Ctx, actor: &Actor, life: &Life) -> anyhow::Result<Vec<String>> {
    let tx = ctx.db.read(actor.org).await?;
    let mut found = Vec::new();
    for (no, id) in &life.erased {
        if erasure::is_back(&tx, *id).await? {
            found.push(format!("customer {no}"));
        }
    }
    tx.commit().await?;
    Ok(found)
}

/// Marks in every table, by table.
async fn in_tables(ctx: &Ctx, actor: &Actor, mark: &str) -> anyhow::Result<BTreeMap<&'static str, BTreeSet<u32>>> {
    let mut tables: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (table, column, _) in columns() {
        tables.entry(table).or_default().push(column);
    }
    let mut found = BTreeMap::new();
    let tx = ctx.db.retain(actor.org).await?;
    for (table, columns) in tables {
        for words in traces::rows_with(&tx, table, &columns, mark).await? {
            found.entry(table).or_insert_with(BTreeSet::new).extend(marks(&words, mark));
        }
    }
    Ok(found)
}

/// Whether something free of somebody may still be there: a copy that lives by a clock of its own, whose time is not over.
fn is_kept(ctx: &Ctx, life: &Life, no: u32, period: Option<Period>) -> bool {
    let sent = life.last_booked.get(&no).filter(|_| !life.erased.contains_key(&no));
    period.zip(sent).is_some_and(|(period, on)| ctx.today() <= period.after(*on))
}

async fn free(ctx: &Ctx, actor: &Actor, life: &Life) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    for (table, nos) in in_tables(ctx, actor, FREE).await? {
        let period = Some(life.kept.address).filter(|_| table == "delivery_address");
        let left = nos.into_iter().filter(|no| life.gone.contains(no) && !is_kept(ctx, life, *no, period));
        wrong.extend(left.map(|no| format!("customer {no} in {table}")));
    }
    Ok(wrong)
}

/// Every file there is: mails, e-invoices, documents, ledgers, and SQLite's own pages and log.
fn files(ctx: &Ctx, life: &Life) -> anyhow::Result<Vec<String>> {
    let config = &ctx.config;
    let mut dirs = vec![&config.files.dir, &config.ledgers.dir, &config.mail.spool_dir, &config.ehf.dir];
    let database = config.database.url.expose_secret().strip_prefix("sqlite:").map(std::path::PathBuf::from);
    let folder = database.as_deref().and_then(Path::parent).map(Path::to_owned);
    dirs.extend(folder.as_ref());
    let mut found = Vec::new();
    for dir in dirs {
        let kept = match dir {
            d if *d == config.mail.spool_dir => Some(life.kept.mail),
            d if Some(d) == folder.as_ref() => Some(life.kept.address),
            _ => None,
        };
        look(dir, &|no| life.gone.contains(&no) && !is_kept(ctx, life, no, kept), &mut found)?;
    }
    Ok(found)
}

fn look(dir: &Path, is_wrong: &dyn Fn(u32) -> bool, found: &mut Vec<String>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry?.path();
        if path.is_dir() {
            look(&path, is_wrong, found)?;
        } else {
            let bytes = std::fs::read(&path)?;
            let left = marks(&bytes, FREE).find(|no| is_wrong(*no));
            found.extend(left.map(|no| format!("customer {no} in {}", path.display())));
        }
    }
    Ok(())
}

async fn core(ctx: &Ctx, actor: &Actor, life: &Life) -> anyhow::Result<Vec<String>> {
    let found = in_tables(ctx, actor, CORE).await?;
    let mut wrong = Vec::new();
    for (table, nos) in found {
        for no in nos.into_iter().filter(|no| life.gone.contains(no)) {
            let kept = life.last_booked.get(&no).map(|on| life.kept.years.after(financial_year_over_on(*on, 1)));
            match kept {
                _ if !table.starts_with(ARCHIVE) => wrong.push(format!("customer {no} in {table}")),
                // A night later: the day it may go on is the day it goes.
                Some(until) if ctx.today() <= until => {}
                Some(until) => wrong.push(format!("customer {no} in {table}, to be gone on {until}")),
                None => wrong.push(format!("customer {no} in {table}, who was never billed")),
            }
        }
    }
    Ok(wrong)
}

/// Who is not a customer any more, of those who were.
pub(super) async fn gone(ctx: &Ctx, actor: &Actor, known: &BTreeMap<u32, Uuid>) -> anyhow::Result<BTreeSet<u32>> {
    let tx = ctx.db.read(actor.org).await?;
    let there = views::customers(&tx, Uuid::nil(), 100_000).await?;
    tx.commit().await?;
    let there: BTreeSet<Uuid> = there.into_iter().map(|c| c.id).collect();
    Ok(known.iter().filter(|(_, id)| !there.contains(id)).map(|(no, _)| *no).collect())
}

/// What is left of everybody there was.
pub(super) async fn left(ctx: &Ctx, actor: &Actor, life: &Life) -> anyhow::Result<super::Left> {
    let kept: BTreeSet<u32> = in_tables(ctx, actor, CORE).await?.into_values().flatten().collect();
    let ever = life.known.len();
    let archived = life.gone.intersection(&kept).count();
    Ok(super::Left { ever, customers: ever - life.gone.len(), archived, nothing: life.gone.len() - archived })
}
