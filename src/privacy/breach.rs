//! The register of breaches (GDPR articles 33 and 34): what happened, the 72 hours in which the authority is told, the notice to
//! the controller where we are its processor, and when a case may be closed. Letters and people stand in `affected`.

use super::policy;
use crate::ctx::Ctx;
use crate::services::error::{Error, FieldError};
use crate::services::work::{Actor, Deed, Work};
use crate::store::breach::{self as store, Breach};
use crate::store::organisation;
use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use chrono_tz::Europe::Oslo;
use domain::customer::Language;
use domain::privacy::Role;
use render::paper::Paper;
use render::privacy::{BreachFacts, breach_notice, breach_notification};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Hours from when a breach is noticed until the authority must be told (article 33 (1)).
const HOURS: i64 = 72;
/// Hours left at which a warning is told as an event, and again when none is.
const WARNED_AT: [i64; 3] = [48, 24, 0];
/// How grave a breach is.
pub const RISKS: &[&str] = &["none", "risk", "high"];
/// Breaches shown at most.
const SHOWN: u64 = 200;
/// Longest text of a field.
const LONGEST: usize = 4_000;

/// What is known of a breach. Texts name nobody: they stand in letters to everybody it concerns, word for word.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Facts {
    /// When it was noticed; now when left out. The 72 hours run from here.
    pub noticed_at: Option<DateTime<Utc>>,
    /// When it began.
    pub happened_from_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub happened_until_at: Option<DateTime<Utc>>,
    /// What happened.
    pub what: Option<String>,
    /// Which kinds of data it concerns.
    pub categories: Option<String>,
    /// Why it happened.
    pub cause: Option<String>,
    /// What it may lead to for those concerned.
    pub consequences: Option<String>,
    /// What was done, and what those concerned can do.
    pub measures: Option<String>,
    /// none, risk or high; risk when left out.
    pub risk: Option<String>,
    /// Why the authority is not told, where there is unlikely a risk.
    pub not_notified_because: Option<String>,
    /// Why those concerned are not told although the risk is high (article 34 (3)).
    pub not_informed_because: Option<String>,
}

/// A breach as it stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BreachView {
    /// The breach.
    pub id: Uuid,
    /// It happened where we are the processor: the controller is told too.
    pub as_processor: bool,
    /// When it was noticed.
    pub noticed_at: DateTime<Utc>,
    /// When the authority must be told by.
    pub due_at: DateTime<Utc>,
    /// Whole hours until then, negative when it is late; none once the authority is told, or need not be.
    pub hours_left: Option<i64>,
    /// When it began.
    pub happened_from_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub happened_until_at: Option<DateTime<Utc>>,
    /// What happened.
    pub what: String,
    /// Kinds of data.
    pub categories: Option<String>,
    /// Why it happened.
    pub cause: Option<String>,
    /// What it may lead to.
    pub consequences: Option<String>,
    /// What was done.
    pub measures: Option<String>,
    /// none, risk or high.
    pub risk: String,
    /// How many customers it concerns, as far as is known.
    pub people: i64,
    /// How many of them are told; none once the list of people is deleted.
    pub people_told: Option<i64>,
    /// When the authority was told.
    pub authority_notified_at: Option<DateTime<Utc>>,
    /// The authority's reference.
    pub authority_reference: Option<String>,
    /// Why it was not told.
    pub not_notified_because: Option<String>,
    /// Why it was told late.
    pub late_because: Option<String>,
    /// When the controller was told.
    pub controller_told_at: Option<DateTime<Utc>>,
    /// When all those concerned had been told.
    pub persons_informed_at: Option<DateTime<Utc>>,
    /// Why they were not.
    pub not_informed_because: Option<String>,
    /// When the case was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// What is still to be done: tell_controller, notify_authority, note_people, inform_people or close.
    #[schema(value_type = Vec<String>)]
    pub to_do: Vec<&'static str>,
    /// Counts changes.
    pub version: i64,
}

/// Whether the clock of the authority no longer runs.
const fn is_settled(row: &Breach) -> bool {
    row.authority_notified_at.is_some() || row.not_notified_because.is_some()
}

/// What is still to be done before a case is closed.
fn to_do(row: &Breach) -> Vec<&'static str> {
    if row.closed_at.is_some() {
        return Vec::new();
    }
    let mut left = Vec::new();
    if row.as_processor && row.controller_told_at.is_none() {
        left.push("tell_controller");
    }
    if !is_settled(row) {
        left.push("notify_authority");
    }
    if row.risk == "high" && row.persons_informed_at.is_none() && row.not_informed_because.is_none() {
        left.push(if row.people == 0 { "note_people" } else { "inform_people" });
    }
    if left.is_empty() {
        left.push("close");
    }
    left
}

fn view(row: Breach, told: Option<i64>, now: DateTime<Utc>) -> BreachView {
    let left = (row.due_at - now).num_seconds().div_euclid(3_600);
    BreachView {
        id: row.id,
        as_processor: row.as_processor,
        noticed_at: row.noticed_at,
        due_at: row.due_at,
        hours_left: (!is_settled(&row) && row.closed_at.is_none()).then_some(left),
        to_do: to_do(&row),
        happened_from_at: row.happened_from_at,
        happened_until_at: row.happened_until_at,
        what: row.what,
        categories: row.categories,
        cause: row.cause,
        consequences: row.consequences,
        measures: row.measures,
        risk: row.risk,
        people: row.people,
        people_told: told,
        authority_notified_at: row.authority_notified_at,
        authority_reference: row.authority_reference,
        not_notified_because: row.not_notified_because,
        late_because: row.late_because,
        controller_told_at: row.controller_told_at,
        persons_informed_at: row.persons_informed_at,
        not_informed_because: row.not_informed_because,
        closed_at: row.closed_at,
        version: row.version,
    }
}

/// Finds what is wrong with what somebody says of a breach.
fn check(ctx: &Ctx, facts: &Facts) -> Result<(), Error> {
    let mut errors = Vec::new();
    let mut find = |field: &str, code: &str, message: &str| {
        errors.push(FieldError { field: field.to_owned(), code: code.to_owned(), message: message.to_owned() });
    };
    for (field, text) in [
        ("what", &facts.what),
        ("categories", &facts.categories),
        ("cause", &facts.cause),
        ("consequences", &facts.consequences),
        ("measures", &facts.measures),
        ("not_notified_because", &facts.not_notified_because),
        ("not_informed_because", &facts.not_informed_because),
    ] {
        if text.as_ref().is_some_and(|t| t.trim().is_empty() || t.chars().count() > LONGEST) {
            find(field, "out_of_range", "say it in 1 to 4000 characters");
        }
    }
    if facts.risk.as_deref().is_some_and(|r| !RISKS.contains(&r)) {
        find("risk", "unknown_risk", "none, risk or high");
    }
    for (field, at) in [
        ("noticed_at", facts.noticed_at),
        ("happened_from_at", facts.happened_from_at),
        ("happened_until_at", facts.happened_until_at),
    ] {
        if at.is_some_and(|at| at > ctx.now()) {
            find(field, "out_of_range", "a time that has been");
        }
    }
    if let (Some(from), Some(until)) = (facts.happened_from_at, facts.happened_until_at)
        && until < from
    {
        find("happened_until_at", "out_of_range", "not before it began");
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
}

fn put(field: &mut Option<String>, text: Option<&String>) {
    if let Some(text) = text {
        *field = Some(text.trim().to_owned());
    }
}

/// Writes what is given into a row; what is left out stays.
fn apply(row: &mut Breach, facts: &Facts) {
    if let Some(noticed_at) = facts.noticed_at {
        row.noticed_at = noticed_at;
        row.due_at = noticed_at + Duration::hours(HOURS);
        row.told_hours_left = None;
    }
    row.happened_from_at = facts.happened_from_at.or(row.happened_from_at);
    row.happened_until_at = facts.happened_until_at.or(row.happened_until_at);
    if let Some(what) = &facts.what {
        what.trim().clone_into(&mut row.what);
    }
    if let Some(risk) = &facts.risk {
        row.risk.clone_from(risk);
    }
    put(&mut row.categories, facts.categories.as_ref());
    put(&mut row.cause, facts.cause.as_ref());
    put(&mut row.consequences, facts.consequences.as_ref());
    put(&mut row.measures, facts.measures.as_ref());
    put(&mut row.not_notified_because, facts.not_notified_because.as_ref());
    put(&mut row.not_informed_because, facts.not_informed_because.as_ref());
}

/// Opens a case. The clock of 72 hours runs from when it was noticed, and the log of reads is kept from now on.
pub async fn open(ctx: &Ctx, actor: &Actor, facts: &Facts) -> Result<Uuid, Error> {
    check(ctx, facts)?;
    if facts.what.is_none() {
        return Err(Error::field("what", "required", "say what happened, as those concerned will read it"));
    }
    let work = Work::begin(ctx, actor).await?;
    let as_processor = policy::on(&work.tx, work.today()).await?.policy.role == Role::Processor;
    let id = work.id();
    let mut row = Breach {
        org_id: actor.org,
        id,
        version: 1,
        as_processor,
        noticed_at: work.at,
        due_at: work.at + Duration::hours(HOURS),
        happened_from_at: None,
        happened_until_at: None,
        what: String::new(),
        categories: None,
        cause: None,
        consequences: None,
        measures: None,
        risk: "risk".to_owned(),
        people: 0,
        authority_notified_at: None,
        authority_reference: None,
        not_notified_because: None,
        late_because: None,
        controller_told_at: None,
        persons_informed_at: None,
        not_informed_because: None,
        told_hours_left: None,
        created_at: work.at,
        updated_at: work.at,
        closed_at: None,
    };
    apply(&mut row, facts);
    consistent(&row)?;
    store::insert(&work.tx, row).await?;
    work.done(Deed { verb: "breach.opened", subject: "breach", id, fields: "" }).await?;
    Ok(id)
}

/// What does not fit together.
fn consistent(row: &Breach) -> Result<(), Error> {
    if row.not_notified_because.is_some() && row.risk != "none" {
        let message = "the authority is told unless there is unlikely a risk: set risk to none, or leave this out";
        return Err(Error::field("not_notified_because", "there_is_a_risk", message));
    }
    if let (Some(from), Some(until)) = (row.happened_from_at, row.happened_until_at)
        && until < from
    {
        return Err(Error::field("happened_until_at", "out_of_range", "not before it began"));
    }
    Ok(())
}

/// An open case, locked.
pub(super) async fn lock_open(work: &Work<'_>, id: Uuid) -> Result<Breach, Error> {
    let row = store::lock(&work.tx, id).await?.ok_or_else(|| Error::not_found("breach"))?;
    if row.closed_at.is_some() {
        return Err(Error::conflict("already_closed", "this case is closed"));
    }
    Ok(row)
}

/// Adds what came to be known; what is left out stays.
pub async fn patch(ctx: &Ctx, actor: &Actor, id: Uuid, version: i64, facts: &Facts) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_open(&work, id).await?;
    check(ctx, facts)?;
    Error::unless_seen("case", version, row.version)?;
    apply(&mut row, facts);
    consistent(&row)?;
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "breach.changed", subject: "breach", id, fields: "" }).await
}

/// Cases: open ones by when they are due, or all of them.
pub async fn list(ctx: &Ctx, actor: &Actor, open: bool) -> Result<Vec<BreachView>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let mut views = Vec::new();
    for row in store::list(&tx, open, SHOWN).await? {
        let told = told(&tx, row.id).await?;
        views.push(view(row, told, ctx.now()));
    }
    tx.commit().await?;
    Ok(views)
}

/// How many are told, while the list of people stands.
async fn told(tx: &crate::store::OrgTx, id: Uuid) -> Result<Option<i64>, Error> {
    let (people, told) = store::tally(tx, id).await?;
    Ok((people > 0).then_some(told))
}

/// A case.
pub async fn get(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<BreachView, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let row = store::find(&tx, id).await?.ok_or_else(|| Error::not_found("breach"))?;
    let told = told(&tx, id).await?;
    tx.commit().await?;
    Ok(view(row, told, ctx.now()))
}

/// Who was told of a breach, besides those it concerns.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Notified {
    /// authority or controller; authority when left out.
    pub to: Option<String>,
    /// When; now when left out.
    pub at: Option<DateTime<Utc>>,
    /// The authority's reference.
    pub reference: Option<String>,
    /// Why it was told after the 72 hours (article 33 (1)); required when it was.
    pub late_because: Option<String>,
}

/// Notes that the authority or the controller was told.
pub async fn notified(ctx: &Ctx, actor: &Actor, id: Uuid, what: &Notified) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_open(&work, id).await?;
    let at = what.at.unwrap_or(work.at);
    if at > work.at || at < row.noticed_at {
        return Err(Error::field("at", "out_of_range", "between when it was noticed and now"));
    }
    let text = |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    if [&what.reference, &what.late_because].iter().any(|t| t.as_ref().is_some_and(|t| t.chars().count() > LONGEST)) {
        return Err(Error::field("late_because", "too_long", "at most 4000 characters"));
    }
    let verb = match what.to.as_deref().unwrap_or("authority") {
        "authority" => {
            row.late_because = text(&what.late_because);
            if at > row.due_at && row.late_because.is_none() {
                let message = "it was told after the 72 hours: say why (article 33 (1))";
                return Err(Error::field("late_because", "required", message));
            }
            row.authority_notified_at = Some(at);
            row.authority_reference = text(&what.reference);
            row.not_notified_because = None;
            "breach.authority_notified"
        }
        "controller" => {
            row.controller_told_at = Some(at);
            "breach.controller_told"
        }
        _ => return Err(Error::field("to", "unknown", "authority or controller")),
    };
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb, subject: "breach", id, fields: "" }).await
}

/// Closes a case when nothing is left to do. The list of people goes twelve months after they were told, the case after five years.
pub async fn close(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_open(&work, id).await?;
    let left: Vec<&str> = to_do(&row).into_iter().filter(|t| *t != "close").collect();
    if !left.is_empty() {
        let message = format!("something is left to do first: {}", left.join(", ").replace('_', " "));
        return Err(Error::conflict("not_settled", message));
    }
    row.closed_at = Some(work.at);
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "breach.closed", subject: "breach", id, fields: "closed_at" }).await
}

fn local(at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&Oslo).naive_local()
}

/// What texts say of a breach.
pub(super) fn facts(ctx: &Ctx, org: &organisation::Organisation, row: &Breach) -> BreachFacts {
    BreachFacts {
        organisation: org.name.clone(),
        org_number: org.org_number.clone(),
        email: org.email.clone(),
        phone: org.phone.clone(),
        on: ctx.today(),
        case: row.id.to_string(),
        noticed_at: local(row.noticed_at),
        due_at: local(row.due_at),
        from_at: row.happened_from_at.map(local),
        until_at: row.happened_until_at.map(local),
        what: row.what.clone(),
        categories: row.categories.clone(),
        cause: row.cause.clone(),
        consequences: row.consequences.clone(),
        measures: row.measures.clone(),
        risk: row.risk.clone(),
        people: row.people,
        late_because: row.late_because.clone(),
        persons_informed_on: row.persons_informed_at.map(|at| local(at).date()),
        not_informed_because: row.not_informed_because.clone(),
    }
}

/// The notification to the authority, or the notice to the controller, as it would read now.
pub async fn draft(ctx: &Ctx, actor: &Actor, id: Uuid, to: &str, language: Language) -> Result<Paper, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let row = store::find(&tx, id).await?.ok_or_else(|| Error::not_found("breach"))?;
    let org = organisation::find(&tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    tx.commit().await?;
    let facts = facts(ctx, &org, &row);
    match to {
        "authority" => Ok(breach_notification(&facts, language)),
        "controller" => Ok(breach_notice(&facts, language)),
        _ => Err(Error::field("to", "unknown", "authority or controller")),
    }
}

/// Looks at the clocks of every organisation, each hour.
pub async fn watch_all(ctx: &Ctx) -> Result<(), Error> {
    let tx = ctx.db.system_look().await?;
    let orgs = organisation::list_ids(&tx).await?;
    tx.commit().await?;
    for org in orgs {
        watch(ctx, &Actor::job(org)).await?;
    }
    Ok(())
}

/// Tells of open cases whose 72 hours run out or have: an event at 48 and 24 hours left and when none is, a log line, figures.
pub async fn watch(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let tx = ctx.db.read(actor.org).await?;
    let open = store::list(&tx, true, SHOWN).await?;
    tx.commit().await?;
    let now = ctx.now();
    let running: Vec<&Breach> = open.iter().filter(|b| !is_settled(b)).collect();
    let late = running.iter().filter(|b| b.due_at < now).count();
    let soon = running.iter().filter(|b| b.due_at >= now && b.due_at - now <= Duration::hours(24)).count();
    let figure = |n: usize| f64::from(i32::try_from(n).unwrap_or(i32::MAX));
    metrics::gauge!("reskontro_breaches_late", "org" => actor.org.to_string()).set(figure(late));
    metrics::gauge!("reskontro_breaches_due_soon", "org" => actor.org.to_string()).set(figure(soon));
    if late > 0 {
        tracing::error!(org.id = %actor.org, breaches.late = late, "breaches are not notified within 72 hours");
    }
    if soon > 0 {
        tracing::warn!(org.id = %actor.org, breaches.soon = soon, "the 72 hours of breaches run out within a day");
    }
    for breach in running {
        let left = (breach.due_at - now).num_seconds().div_euclid(3_600);
        let Some(mark) = WARNED_AT.iter().rev().find(|mark| left < **mark).copied() else { continue };
        if breach.told_hours_left.is_some_and(|told| told <= mark) {
            continue;
        }
        let work = Work::begin(ctx, actor).await?;
        let Some(row) = store::lock(&work.tx, breach.id).await? else { continue };
        store::update(&work.tx, Breach { told_hours_left: Some(mark), ..row }).await?;
        work.done(Deed { verb: "breach.due", subject: "breach", id: breach.id, fields: "" }).await?;
    }
    Ok(())
}
