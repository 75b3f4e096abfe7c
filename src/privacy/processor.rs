//! The register of who works for the installation: under which agreement, where, on what ground outside the EEA, and at which
//! hosts. Machines of one's own stand in it too, so that every host the settings name is somebody's.

use super::policy;
use crate::ctx::Ctx;
use crate::services::error::{Error, FieldError, Kind};
use crate::services::work::{Actor, Deed, Work};
use crate::store::processor::{self as store, Processor};
use crate::store::{OrgTx, organisation};
use chrono::{DateTime, NaiveDate, Utc};
use domain::privacy::{BadTransfer, HostPattern, Recipient, Transfer, assessed_again_on, is_in_eea};
use serde::Serialize;
use uuid::Uuid;

/// Characters of a name or a reference, at most.
const TEXT: usize = 200;
/// Organisations named in a refusal, at most.
const NAMED: usize = 20;

/// Somebody to be registered.
#[derive(Debug, Clone, Default)]
pub struct NewProcessor {
    /// Machines of the operator itself: no processor.
    pub own: bool,
    /// Registered name; a name for the machines where they are one's own.
    pub name: String,
    /// mail_relay, efaktura, access_point, bank or host.
    pub service: String,
    /// Country where the data is, in two letters.
    pub country: String,
    /// Reference of the data-processing agreement.
    pub agreement: Option<String>,
    /// When it was made.
    pub agreement_on: Option<NaiveDate>,
    /// Ground of the transfer, outside the EEA.
    pub transfer: Option<String>,
    /// When the risk was last assessed.
    pub assessed_on: Option<NaiveDate>,
    /// Hosts it is reached at: `smtp.example.no`, or `*.example.no` for all below.
    pub hosts: Vec<String>,
}

/// What a new look at a processor found; what is left out stays.
#[derive(Debug, Clone, Default)]
pub struct Review {
    /// The day of the assessment; today when left out.
    pub assessed_on: Option<NaiveDate>,
    /// Reference of a new agreement.
    pub agreement: Option<String>,
    /// When that was made.
    pub agreement_on: Option<NaiveDate>,
    /// Another ground of the transfer.
    pub transfer: Option<String>,
    /// The hosts it is reached at from now on.
    pub hosts: Vec<String>,
}

/// Somebody who works for the installation, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProcessorView {
    /// The entry.
    pub id: Uuid,
    /// processor, or own for machines of the operator itself.
    pub kind: String,
    /// Name.
    pub name: String,
    /// What for.
    pub service: Recipient,
    /// Country where the data is.
    pub country: String,
    /// Whether that is in the EEA.
    pub in_eea: bool,
    /// Reference of the agreement.
    pub agreement: Option<String>,
    /// When it was made.
    pub agreement_on: Option<NaiveDate>,
    /// Ground of the transfer, outside the EEA.
    pub transfer_ground: Option<Transfer>,
    /// When the risk was last assessed.
    pub assessed_on: Option<NaiveDate>,
    /// When it is assessed again: after twelve months.
    pub review_due_on: Option<NaiveDate>,
    /// Whether that day has passed.
    pub review_late: bool,
    /// Hosts it is reached at.
    pub hosts: Vec<String>,
    /// When it was registered.
    pub added_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl ProcessorView {
    /// Whether it is a processor, and not one's own machines.
    pub fn is_processor(&self) -> bool {
        self.kind == "processor"
    }

    fn of(row: Processor, today: NaiveDate) -> Result<Self, Error> {
        let review_due_on = row.assessed_on.map(assessed_again_on);
        Ok(Self {
            id: row.id,
            service: service_of(&row)?,
            in_eea: is_in_eea(&row.country),
            transfer_ground: transfer_of(&row)?,
            review_late: row.ended_at.is_none() && review_due_on.is_some_and(|due| due < today),
            review_due_on,
            hosts: row.hosts.split_whitespace().map(str::to_owned).collect(),
            kind: row.kind,
            name: row.name,
            country: row.country,
            agreement: row.agreement,
            agreement_on: row.agreement_on,
            assessed_on: row.assessed_on,
            added_at: row.added_at,
            ended_at: row.ended_at,
        })
    }
}

fn service_of(row: &Processor) -> Result<Recipient, Error> {
    let service = Recipient::parse(&row.service);
    Ok(service.ok_or_else(|| crate::store::Error::inconsistent("processor", "service"))?)
}

fn transfer_of(row: &Processor) -> Result<Option<Transfer>, Error> {
    let ground = row.transfer_ground.as_deref().map(Transfer::parse).transpose();
    Ok(ground.map_err(|_| crate::store::Error::inconsistent("processor", "transfer_ground"))?)
}

/// Checks of an entry: each names the field and what to give.
struct Check {
    today: NaiveDate,
    errors: Vec<FieldError>,
}

impl Check {
    fn find(&mut self, field: &str, code: &str, message: impl Into<String>) {
        self.errors.push(FieldError { field: field.to_owned(), code: code.to_owned(), message: message.into() });
    }

    fn text(&mut self, field: &str, text: Option<&str>, message: &str) {
        match text.map(|t| t.trim().chars().count()) {
            None | Some(0) => self.find(field, "required", message),
            Some(n) if n > TEXT => self.find(field, "too_long", format!("at most {TEXT} characters")),
            Some(_) => {}
        }
    }

    fn day(&mut self, field: &str, day: Option<NaiveDate>, message: &str) {
        match day {
            None => self.find(field, "required", message),
            Some(day) if day > self.today => self.find(field, "in_the_future", "today or earlier"),
            Some(day) if !domain::calendar::is_plausible(day) => {
                self.find(field, "out_of_range", format!("{day} is not between 2000 and 2100"));
            }
            Some(_) => {}
        }
    }

    fn transfer(&mut self, country: &str, ground: Option<&str>) {
        let known = Transfer::ALL.map(Transfer::as_str).join(", ");
        match ground.map(Transfer::parse) {
            Some(Err(BadTransfer::Annulled)) => {
                let message = format!(
                    "Privacy Shield and Safe Harbour are no ground: the Court of Justice of the European Union annulled them \
                     (C-311/18, 16 July 2020; C-362/14); one of {known}"
                );
                self.find("transfer", "annulled", message);
            }
            Some(Err(BadTransfer::Unknown)) => self.find("transfer", "unknown", format!("one of {known}")),
            Some(Ok(_)) if is_in_eea(country) => {
                self.find("transfer", "not_needed", "leave it out: the country is in the EEA");
            }
            None if !is_in_eea(country) => {
                let message = format!("{country} is outside the EEA: say on what ground data may go there: {known}");
                self.find("transfer", "required", message);
            }
            Some(Ok(_)) | None => {}
        }
    }

    fn hosts(&mut self, hosts: &[String]) -> String {
        let mut patterns = Vec::new();
        for host in hosts {
            match HostPattern::parse(host) {
                Some(pattern) => patterns.push(pattern),
                None => {
                    let message = format!("{host:?} is neither a host such as smtp.example.no nor *.example.no");
                    self.find("hosts", "invalid_host", message);
                }
            }
        }
        patterns.sort();
        patterns.dedup();
        patterns.iter().map(HostPattern::as_str).collect::<Vec<_>>().join(" ")
    }

    fn done(self) -> Result<(), Error> {
        if self.errors.is_empty() { Ok(()) } else { Err(Error::invalid(self.errors)) }
    }
}

fn check(new: &NewProcessor, today: NaiveDate) -> Result<String, Error> {
    let mut check = Check { today, errors: Vec::new() };
    check.text("name", Some(&new.name), "give a name");
    if Recipient::parse(&new.service).is_none() {
        let known = Recipient::ALL.map(Recipient::as_str).join(", ");
        check.find("service", "unknown", format!("one of {known}"));
    }
    if formats::customer_list::is_country(&new.country) {
        check.transfer(&new.country, new.transfer.as_deref());
    } else {
        check.find("country", "unknown_country", "the two capital letters of a country, such as NO (ISO 3166)");
    }
    let hosts = check.hosts(&new.hosts);
    if new.own {
        if new.hosts.is_empty() {
            check.find("hosts", "required", "say at which hosts your machines are reached");
        }
        if new.agreement.is_some() || new.agreement_on.is_some() {
            check.find("agreement", "not_needed", "leave it out: nobody makes an agreement with himself");
        }
    } else {
        let message = "give the reference of the data-processing agreement (GDPR article 28 (3))";
        check.text("agreement", new.agreement.as_deref(), message);
        check.day("agreement_on", new.agreement_on, "give the day of the agreement");
        check.day("assessed_on", new.assessed_on, "give the day its risk was last assessed");
    }
    check.done()?;
    Ok(hosts)
}

/// Registers somebody. One outside the EEA is refused while a policy promises that data stays in it.
pub async fn add(ctx: &Ctx, new: &NewProcessor) -> Result<Uuid, Error> {
    let hosts = check(new, ctx.today())?;
    let tidy = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let tx = ctx.db.system().await?;
    store::lock(&tx).await?;
    let name = tidy(&new.name);
    if store::list(&tx, false).await?.iter().any(|p| p.name == name && p.service == new.service) {
        let message =
            "it is registered for that already; `reskontro privacy processor review` changes what is known of it";
        return Err(Error::conflict("already_registered", message));
    }
    let organisations = organisation::list_ids(&tx).await?;
    if !is_in_eea(&new.country) {
        refuse_locked(ctx, &organisations).await?;
    }
    let row = Processor {
        id: ctx.id(),
        version: 1,
        kind: if new.own { "own" } else { "processor" }.to_owned(),
        name,
        service: new.service.clone(),
        country: new.country.clone(),
        agreement: new.agreement.as_deref().map(tidy),
        agreement_on: new.agreement_on,
        transfer_ground: new.transfer.clone(),
        assessed_on: new.assessed_on,
        hosts,
        added_at: ctx.now(),
        ended_at: None,
    };
    let id = row.id;
    store::insert(&tx, row).await?;
    tx.commit().await?;
    if !new.own {
        tell(ctx, &organisations, "processor.added", id).await?;
    }
    Ok(id)
}

/// Refuses where an organisation's policy promises that data stays in the EEA.
async fn refuse_locked(ctx: &Ctx, organisations: &[Uuid]) -> Result<(), Error> {
    let mut locked = Vec::new();
    for org in organisations {
        let tx = ctx.db.read(*org).await?;
        if policy::stays_in_eea(&tx, ctx.today()).await? {
            locked.push(org.to_string());
        }
        tx.commit().await?;
    }
    if locked.is_empty() {
        return Ok(());
    }
    let more = locked.len().saturating_sub(NAMED);
    locked.truncate(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message =
        format!("the policy of these organisations promises that data stays in the EEA: {}{more}", locked.join(", "));
    Err(Error::conflict("region_locked", message))
}

/// Lets every organisation know who works for it from now on, or no longer (GDPR article 28 (2)).
async fn tell(ctx: &Ctx, organisations: &[Uuid], verb: &'static str, id: Uuid) -> Result<(), Error> {
    for org in organisations {
        let actor = Actor::operator(*org);
        let work = Work::begin(ctx, &actor).await?;
        work.done(Deed { verb, subject: "processor", id, fields: "" }).await?;
    }
    Ok(())
}

/// The register by name; with those who no longer work for the installation when asked for.
pub async fn list(ctx: &Ctx, ended: bool) -> Result<Vec<ProcessorView>, Error> {
    let tx = ctx.db.system_look().await?;
    let rows = store::list(&tx, ended).await?;
    tx.commit().await?;
    rows.into_iter().map(|row| ProcessorView::of(row, ctx.today())).collect()
}

/// An entry that stands, by its id or its name.
pub async fn find(ctx: &Ctx, which: &str) -> Result<ProcessorView, Error> {
    let mut found = list(ctx, false).await?;
    found.retain(|p| p.id.to_string() == which || p.name == which);
    match found.len() {
        0 => Err(Error::refuse(
            Kind::NotFound,
            "not_found",
            format!(
                "nobody called {which:?} stands in the register; `reskontro privacy processor list` shows who does"
            ),
        )),
        1 => Ok(found.remove(0)),
        _ => {
            let ids: Vec<String> = found.iter().map(|p| format!("{} ({})", p.id, p.service.as_str())).collect();
            let message = format!("{which:?} stands there more than once; give the id: {}", ids.join(", "));
            Err(Error::conflict("ambiguous", message))
        }
    }
}

/// An entry that stands, with the register kept to this transaction.
async fn locked(tx: &crate::store::SystemTx, id: Uuid) -> Result<Processor, Error> {
    store::lock(tx).await?;
    let found = store::list(tx, false).await?.into_iter().find(|p| p.id == id);
    found.ok_or_else(|| Error::not_found("processor"))
}

/// Ends an entry. One at whose hosts the settings still point is refused: the service would not start again.
pub async fn end(ctx: &Ctx, id: Uuid) -> Result<(), Error> {
    let tx = ctx.db.system().await?;
    let mut row = locked(&tx, id).await?;
    let others: Vec<Processor> = store::list(&tx, false).await?.into_iter().filter(|p| p.id != id).collect();
    unless_needed(ctx, &row, &others)?;
    row.ended_at = Some(ctx.now());
    let own = row.kind == "own";
    store::update(&tx, row).await?;
    let organisations = organisation::list_ids(&tx).await?;
    tx.commit().await?;
    if own { Ok(()) } else { tell(ctx, &organisations, "processor.ended", id).await }
}

/// Refuses to give up hosts that only this entry accounts for, where the service would not start without.
fn unless_needed(ctx: &Ctx, before: &Processor, after: &[Processor]) -> Result<(), Error> {
    let needed = super::recipients::reached(&ctx.config).into_iter().find(|reached| {
        super::recipients::is_of(before, &reached.host)
            && !after.iter().any(|p| super::recipients::is_of(p, &reached.host))
    });
    match needed.filter(|_| ctx.config.privacy.require_registered_processors) {
        None => Ok(()),
        Some(reached) => {
            let message = format!(
                "{} still points at {}; change the setting first, or register who it belongs to from now on",
                reached.settings.join(", "),
                reached.host
            );
            Err(Error::conflict("still_in_use", message))
        }
    }
}

/// Notes that the risk was assessed again, and what has changed since.
pub async fn review(ctx: &Ctx, id: Uuid, review: &Review) -> Result<(), Error> {
    let tx = ctx.db.system().await?;
    let mut row = locked(&tx, id).await?;
    let before = row.clone();
    let mut check = Check { today: ctx.today(), errors: Vec::new() };
    let own = row.kind == "own";
    if !own || review.assessed_on.is_some() {
        row.assessed_on = Some(review.assessed_on.unwrap_or_else(|| ctx.today()));
        check.day("assessed_on", row.assessed_on, "give the day its risk was assessed");
    }
    if own && review.agreement.is_some() {
        check.find("agreement", "not_needed", "leave it out: nobody makes an agreement with himself");
    } else if review.agreement.is_some() || review.agreement_on.is_some() {
        check.text("agreement", review.agreement.as_deref(), "give the reference of the new agreement");
        check.day("agreement_on", review.agreement_on, "give the day of the new agreement");
        row.agreement.clone_from(&review.agreement);
        row.agreement_on = review.agreement_on;
    }
    if review.transfer.is_some() {
        check.transfer(&row.country, review.transfer.as_deref());
        row.transfer_ground.clone_from(&review.transfer);
    }
    if !review.hosts.is_empty() {
        row.hosts = check.hosts(&review.hosts);
    }
    check.done()?;
    let mut after: Vec<Processor> = store::list(&tx, false).await?.into_iter().filter(|p| p.id != id).collect();
    after.push(row.clone());
    unless_needed(ctx, &before, &after)?;
    store::update(&tx, row).await?;
    Ok(tx.commit().await?)
}

/// Processors as the statement and the records name them: one's own machines are nobody else.
pub async fn registered(tx: &OrgTx) -> Result<Vec<render::privacy::Processor>, Error> {
    let rows = store::list(tx, false).await?;
    let processors = rows.into_iter().filter(|row| row.kind == "processor").map(|row| {
        Ok(render::privacy::Processor {
            recipient: service_of(&row)?,
            transfer: transfer_of(&row)?,
            name: row.name,
            country: row.country,
            agreement: row.agreement,
            agreement_on: row.agreement_on,
            assessed_on: row.assessed_on,
        })
    });
    processors.collect()
}
