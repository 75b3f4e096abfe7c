//! What must hold every simulated night.

use super::Broken;
use super::closing::Standing;
use super::people::{CONTACT, CORE, FREE, MARKS, marks, no_of};
use super::story::Life;
use crate::backup::Vault;
use crate::ctx::{Ctx, oslo_day};
use crate::privacy::breach::{self, BreachView};
use crate::privacy::inventory::columns;
use crate::privacy::{closing, policy, request};
use crate::services::{Actor, audit, ledger};
use crate::store::{audit as store, ending, erasure, traces, views, worklist};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::audit::Chain;
use domain::privacy::{Period, RuleId, financial_year_over_on};
use secrecy::ExposeSecret;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// How often each was checked, by its name.
pub(super) type Checked = BTreeMap<&'static str, u64>;

/// Tables only the retention role reads.
const ARCHIVE: &str = "archive_";

/// What is left of an organisation that has gone.
const NOTHING: &str = "of the organisation nothing is left but its certificate";

/// Looks at everything.
pub(super) async fn night(ctx: &Ctx, actor: &Actor, life: &Life, done: &mut Checked) -> anyhow::Result<()> {
    let mut held = |name: &'static str, findings: Vec<String>| -> anyhow::Result<()> {
        *done.entry(name).or_default() += 1;
        match findings.into_iter().next() {
            None => Ok(()),
            Some(finding) => Err(Broken { night: ctx.today(), check: name, finding }.into()),
        }
    };
    if let Standing::Gone(on) = life.standing {
        held("no backup is older than 30 days", backups(ctx).await?)?;
        held("no job waits for a person", jobs(ctx, actor).await?)?;
        let seen = in_tables(ctx, actor).await?;
        return held(NOTHING, [whole(ctx, actor, on).await?, anybody(&seen, &in_files(ctx, life)?)].concat());
    }
    held("the ledger balances", books(ctx, actor).await?)?;
    held("invoice numbers have no gap that is not explained", numbers(ctx, actor).await?)?;
    held("the audit chain is whole", chain(ctx, actor).await?)?;
    held("acts go from the audit log when their time is over", acts(ctx, actor).await?)?;
    held("no job waits for a person", jobs(ctx, actor).await?)?;
    held("no backup is older than 30 days", backups(ctx).await?)?;
    held("no request of a person is late", requests(ctx, actor).await?)?;
    let cases = breach::list(ctx, actor, false).await?;
    held("the authority is told of a breach within 72 hours", told_late(&cases))?;
    held("whom a breach concerned is kept by its own clock", concerned(ctx, life, &cases))?;
    held("nobody who was erased is back", back(ctx, actor, life).await?)?;
    held("every customer is there once, whatever the number", once(ctx, actor, life).await?)?;
    let seen = in_tables(ctx, actor).await?;
    held("of those who are gone nothing free is left in any table", free(ctx, life, &seen))?;
    let files = in_files(ctx, life)?;
    let is_free = |file: &File, no| life.gone.contains(&no) && !is_kept(ctx, life, no, file.kept);
    held("of those who are gone nothing free is left in any file", left(&files, FREE, "customer", is_free))?;
    held("of contact persons who have gone alone nothing is left", contacts(life, &seen, &files))?;
    let is_over = |_: &File, no| life.gone.contains(&no) && until(life, no).is_none_or(|until| ctx.today() > until);
    let over = left(&files, CORE, "customer", is_over);
    held("what was handed over is here no more", handed_over(life, &seen))?;
    held(
        "what law keeps is in the archive alone, and goes when its years are over",
        [core(ctx, life, &seen), over].concat(),
    )
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
    let over = |at: DateTime<Utc>| oslo_day(at) < period.cutoff(ctx.today());
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

/// Rows of an organisation that is gone. The certificate stands for five years; jobs of the installation stand under its id.
async fn whole(ctx: &Ctx, actor: &Actor, gone_on: NaiveDate) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    let tx = ctx.db.retain_look(actor.org).await?;
    for table in closing::tables().into_iter().filter(|t| *t != "job") {
        let allowed = table == "privacy_erasure" && ctx.today() <= Period::years(5).after(gone_on);
        let left = ending::count(&tx, table).await? - i64::from(allowed);
        wrong.extend((left != 0).then(|| format!("{left} rows in {table}")));
    }
    tx.commit().await?;
    Ok(wrong)
}

/// Anybody's mark anywhere.
fn anybody(seen: &Seen, files: &[File]) -> Vec<String> {
    let rows =
        MARKS.into_iter().flat_map(|mark| seen.of(mark).map(move |(table, no)| format!("{mark}{no} in {table}")));
    rows.chain(MARKS.into_iter().flat_map(|mark| left(files, mark, mark, |_, _| true))).collect()
}

fn told_late(cases: &[BreachView]) -> Vec<String> {
    let is_late = |case: &&BreachView| {
        let untold = case.risk != "none" && case.authority_notified_at.is_none();
        case.hours_left.is_some_and(|left| left < 0)
            || case.authority_notified_at.is_some_and(|at| at > case.due_at)
            || (untold && case.closed_at.is_some())
    };
    cases.iter().filter(is_late).map(|case| format!("case {} was due at {}", case.id, case.due_at)).collect()
}

/// The list of people goes on its day and no sooner; the case goes on its own.
fn concerned(ctx: &Ctx, life: &Life, cases: &[BreachView]) -> Vec<String> {
    let today = ctx.today();
    let ends =
        |period: Period, since: Option<DateTime<Utc>>| since.map_or(NaiveDate::MAX, |at| period.after(oslo_day(at)));
    let wrong = |case: &BreachView| {
        let until = ends(life.kept.concerned, case.persons_informed_at.or(case.closed_at));
        let case_until = ends(life.kept.breach, case.closed_at);
        match case.people_told {
            _ if today > case_until => Some(format!("case {}, to be gone on {case_until}", case.id)),
            Some(_) if today > until => Some(format!("the people of case {}, to be gone on {until}", case.id)),
            None if case.people > 0 && today < until => Some(format!("nobody in case {} before {until}", case.id)),
            _ => None,
        }
    };
    cases.iter().filter_map(wrong).collect()
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

/// Nobody is a customer twice, by a number before and a number after, nor again after an erasure.
async fn once(ctx: &Ctx, actor: &Actor, life: &Life) -> anyhow::Result<Vec<String>> {
    let tx = ctx.db.read(actor.org).await?;
    let there = views::customers(&tx, Uuid::nil(), 100_000).await?;
    tx.commit().await?;
    let mut seen = BTreeSet::new();
    let is_wrong = |no: &u32| !seen.insert(*no) || life.erased.contains_key(no);
    let wrong = there.iter().filter(|c| c.status == "active").filter_map(|c| no_of(&c.number)).filter(is_wrong);
    Ok(wrong.map(|no| format!("customer {no}")).collect())
}

/// Whose marks stand in which table.
struct Seen(BTreeMap<&'static str, BTreeMap<&'static str, BTreeSet<u32>>>);

impl Seen {
    /// By table, whose mark of a kind stands there.
    fn of(&self, mark: &'static str) -> impl Iterator<Item = (&'static str, u32)> {
        let nos = self.0.get(mark).into_iter().flatten();
        nos.flat_map(|(table, nos)| nos.iter().map(move |no| (*table, *no)))
    }
}

/// Looks through every table.
async fn in_tables(ctx: &Ctx, actor: &Actor) -> anyhow::Result<Seen> {
    let mut tables: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (table, column, _) in columns() {
        tables.entry(table).or_default().push(column);
    }
    let mut seen = Seen(BTreeMap::new());
    let tx = ctx.db.retain(actor.org).await?;
    for (table, columns) in tables {
        for words in traces::rows_with(&tx, table, &columns, &MARKS).await? {
            for mark in MARKS {
                seen.0.entry(mark).or_default().entry(table).or_default().extend(marks(&words, mark));
            }
        }
    }
    Ok(seen)
}

/// Whether something free of somebody may still be there: a copy that lives by a clock of its own, whose time is not over.
fn is_kept(ctx: &Ctx, life: &Life, no: u32, period: Option<Period>) -> bool {
    let sent = life.last_booked.get(&no).filter(|_| !life.erased.contains_key(&no));
    period.zip(sent).is_some_and(|(period, on)| ctx.today() <= period.after(*on))
}

fn free(ctx: &Ctx, life: &Life, seen: &Seen) -> Vec<String> {
    let is_wrong = |table: &str, no: u32| {
        let period = Some(life.kept.address).filter(|_| table == "delivery_address");
        life.gone.contains(&no) && !is_kept(ctx, life, no, period)
    };
    let left = seen.of(FREE).filter(|(table, no)| is_wrong(table, *no));
    left.map(|(table, no)| format!("customer {no} in {table}")).collect()
}

fn contacts(life: &Life, seen: &Seen, files: &[File]) -> Vec<String> {
    let is_gone = |no: u32| life.removed.contains(&no) || life.erased_contacts.contains(&no);
    let rows = seen.of(CONTACT).filter(|(_, no)| is_gone(*no));
    let mut wrong: Vec<String> = rows.map(|(table, no)| format!("contact person {no} in {table}")).collect();
    wrong.extend(left(files, CONTACT, "contact person", |_, no| is_gone(no)));
    wrong
}

fn handed_over(life: &Life, seen: &Seen) -> Vec<String> {
    let left = seen.of(CORE).filter(|(_, no)| life.handed_over.contains(no) && life.gone.contains(no));
    left.map(|(table, no)| format!("customer {no} in {table}")).collect()
}

/// The day law lets go of somebody; none of whom nothing was ever booked.
fn until(life: &Life, no: u32) -> Option<NaiveDate> {
    life.last_booked.get(&no).map(|on| life.kept.years.after(financial_year_over_on(*on, 1)))
}

/// Whose marks stand in a file.
struct File {
    path: PathBuf,
    /// How long a copy in its folder may outlive the relationship.
    kept: Option<Period>,
    nos: BTreeMap<&'static str, BTreeSet<u32>>,
}

/// Every file there is: mails, e-invoices, documents, ledgers, and SQLite's own pages and log.
fn in_files(ctx: &Ctx, life: &Life) -> anyhow::Result<Vec<File>> {
    let config = &ctx.config;
    let database = config.database.url.expose_secret().strip_prefix("sqlite:").map(PathBuf::from);
    let folder = database.as_deref().and_then(Path::parent);
    let mut found = Vec::new();
    for (dir, kept) in [
        (Some(config.files.dir.as_path()), None),
        (Some(config.ledgers.dir.as_path()), None),
        (Some(config.mail.spool_dir.as_path()), Some(life.kept.mail)),
        (Some(config.ehf.dir.as_path()), None),
        (folder, Some(life.kept.address)),
    ] {
        look(dir, kept, &mut found)?;
    }
    Ok(found)
}

fn look(dir: Option<&Path>, kept: Option<Period>, found: &mut Vec<File>) -> anyhow::Result<()> {
    for entry in dir.and_then(|dir| std::fs::read_dir(dir).ok()).into_iter().flatten() {
        let path = entry?.path();
        if path.is_dir() {
            look(Some(&path), kept, found)?;
        } else {
            let bytes = std::fs::read(&path)?;
            let nos = MARKS.map(|mark| (mark, marks(&bytes, mark).collect())).into_iter().collect();
            found.push(File { path, kept, nos });
        }
    }
    Ok(())
}

/// The first of each file that should not be there.
fn left(files: &[File], mark: &str, who: &str, is_wrong: impl Fn(&File, u32) -> bool) -> Vec<String> {
    let first = |file: &File| {
        let no = file.nos.get(mark)?.iter().find(|no| is_wrong(file, **no))?;
        Some(format!("{who} {no} in {}", file.path.display()))
    };
    files.iter().filter_map(first).collect()
}

fn core(ctx: &Ctx, life: &Life, seen: &Seen) -> Vec<String> {
    let wrong = |(table, no): (&str, u32)| {
        match until(life, no) {
            _ if !table.starts_with(ARCHIVE) => Some(format!("customer {no} in {table}")),
            // A night later: the day it may go on is the day it goes.
            Some(until) if ctx.today() <= until => None,
            Some(until) => Some(format!("customer {no} in {table}, to be gone on {until}")),
            None => Some(format!("customer {no} in {table}, who was never billed")),
        }
    };
    seen.of(CORE).filter(|(_, no)| life.gone.contains(no)).filter_map(wrong).collect()
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
pub(super) async fn people(ctx: &Ctx, actor: &Actor, life: &Life) -> anyhow::Result<super::Left> {
    let kept: BTreeSet<u32> = in_tables(ctx, actor).await?.of(CORE).map(|(_, no)| no).collect();
    let ever = life.known.len();
    let archived = life.gone.intersection(&kept).count();
    Ok(super::Left { ever, customers: ever - life.gone.len(), archived, nothing: life.gone.len() - archived })
}
