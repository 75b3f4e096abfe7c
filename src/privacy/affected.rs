//! Whom a breach concerns: reckoned from what somebody has read and done in a window of time, and told by letter, by mail where
//! there is an address, else on paper (article 34).

use super::breach::{facts, lock_open};
use super::reading;
use crate::ctx::Ctx;
use crate::ports::Handed;
use crate::services::error::Error;
use crate::services::payer;
use crate::services::work::{Actor, Deed, Work};
use crate::store::OrgTx;
use crate::store::breach::{self as store, Affected, Breach, Window};
use crate::store::customer::{self, Customer};
use crate::store::organisation::{self, Organisation};
use chrono::{DateTime, Utc};
use domain::customer::{Field, Language};
use render::paper::{self, Paper};
use render::privacy::{Addressee, breach_letter};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use utoipa::ToSchema;
use uuid::Uuid;

/// People dealt with at a time.
const BATCH: u64 = 200;

/// Whom a breach concerns.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// Whoever this API key or user has read of, or done something with.
    pub actor_id: Option<Uuid>,
    /// From when; when the breach began, where left out.
    pub from_at: Option<DateTime<Utc>>,
    /// Until when; when it was over, else when it was noticed, where left out.
    pub until_at: Option<DateTime<Utc>>,
    /// Every customer.
    pub everybody: bool,
    /// These customers.
    pub customer_ids: Vec<Uuid>,
}

/// What a search found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Found {
    /// How many customers were added.
    pub added: i64,
    /// How many the breach concerns now.
    pub people: i64,
    /// Lists the actor has read that are too long for their people to be named: when it is not 0, more are concerned than were
    /// found.
    pub unlisted_reads: u64,
}

/// Reckons whom a breach concerns and adds them to those known before.
pub async fn search(ctx: &Ctx, actor: &Actor, id: Uuid, search: &Search) -> Result<Found, Error> {
    // What was read a moment ago counts too.
    reading::write(ctx).await?;
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_open(&work, id).await?;
    let ways = usize::from(search.actor_id.is_some())
        + usize::from(search.everybody)
        + usize::from(!search.customer_ids.is_empty());
    if ways != 1 {
        let message = "say whom: an actor_id with a window of time, customer_ids, or everybody: one of the three";
        return Err(Error::field("actor_id", "required", message));
    }
    let (before, _) = store::tally(&work.tx, id).await?;
    let mut unlisted_reads = 0;
    if let Some(who) = search.actor_id {
        let window = window(&row, search, who)?;
        let read = store::read_by(&work.tx, window).await?;
        unlisted_reads = read.unlisted;
        add(&work, id, store::customers_among(&work.tx, &read.people).await?, "reads").await?;
        add(&work, id, store::acted_on(&work.tx, window).await?, "audit").await?;
    } else if search.everybody {
        add(&work, id, store::all_customers(&work.tx).await?, "everybody").await?;
    } else {
        let given: BTreeSet<Uuid> = search.customer_ids.iter().copied().collect();
        let known = store::customers_among(&work.tx, &given).await?;
        if let Some(unknown) = given.iter().find(|id| !known.contains(id)) {
            return Err(Error::field("customer_ids", "unknown_customer", format!("there is no customer {unknown}")));
        }
        add(&work, id, known, "given").await?;
    }
    let (people, told) = store::tally(&work.tx, id).await?;
    row.people = people;
    if told < people {
        row.persons_informed_at = None;
    }
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "breach.persons_noted", subject: "breach", id, fields: "people" }).await?;
    Ok(Found { added: people - before, people, unlisted_reads })
}

fn window(row: &Breach, search: &Search, actor: Uuid) -> Result<Window, Error> {
    let Some(from) = search.from_at.or(row.happened_from_at) else {
        let message = "it is not known when the breach began: say from when to look";
        return Err(Error::field("from_at", "required", message));
    };
    let until = search.until_at.or(row.happened_until_at).unwrap_or(row.noticed_at);
    if until < from {
        return Err(Error::field("until_at", "out_of_range", "not before it began"));
    }
    Ok(Window { actor, from, until })
}

async fn add(work: &Work<'_>, breach: Uuid, customers: impl IntoIterator<Item = Uuid>, by: &str) -> Result<(), Error> {
    let rows: Vec<Affected> = customers
        .into_iter()
        .map(|customer_id| Affected {
            org_id: work.tx.org(),
            breach_id: breach,
            customer_id,
            letter_id: work.id(),
            found_by: by.to_owned(),
            noted_at: work.at,
            informed_at: None,
            informed_by: None,
        })
        .collect();
    Ok(store::add_people(&work.tx, &rows).await?)
}

/// Somebody a breach concerns.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AffectedView {
    /// The customer.
    pub customer_id: Uuid,
    /// How they were found: reads, audit, everybody or given.
    pub found_by: String,
    /// When they were told.
    pub informed_at: Option<DateTime<Utc>>,
    /// How: mail or post; refused where mail was and paper is to follow.
    pub informed_by: Option<String>,
}

/// Whom a breach concerns, after one of them.
pub async fn list(ctx: &Ctx, actor: &Actor, id: Uuid, after: Uuid, limit: u64) -> Result<Vec<AffectedView>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    store::find(&tx, id).await?.ok_or_else(|| Error::not_found("breach"))?;
    let rows = store::people(&tx, id, after, limit).await?;
    tx.commit().await?;
    let view = |a: Affected| AffectedView {
        customer_id: a.customer_id,
        found_by: a.found_by,
        informed_at: a.informed_at,
        informed_by: a.informed_by,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// A letter, and where it goes.
struct Letter {
    of: Affected,
    number: String,
    mail: Option<String>,
    paper: Paper,
}

/// Letters to some of those who are not told yet; none for whom nothing is left to write to.
async fn letters(
    ctx: &Ctx,
    tx: &OrgTx,
    org: &Organisation,
    row: &Breach,
    waiting: Vec<Affected>,
) -> Result<(Vec<Letter>, i64), Error> {
    let ids: Vec<Uuid> = waiting.iter().map(|a| a.customer_id).collect();
    let known = customer::load(tx, &ids).await?;
    let facts = facts(ctx, org, row);
    let (mut made, mut unreachable) = (Vec::new(), 0);
    for of in waiting {
        // Who is in the archive, or gone, is written to no more.
        let found = known.iter().find(|c| c.row.id == of.customer_id && c.row.status != "archived");
        let Some(found) = found else {
            unreachable += 1;
            continue;
        };
        let refused = of.informed_by.as_deref() == Some("refused");
        let mail = if refused { None } else { payer::address(ctx, tx, org, found).await? };
        let address = match mail {
            Some(_) => Vec::new(),
            None => postal(tx, found).await?,
        };
        if mail.is_none() && address.is_empty() {
            unreachable += 1;
            continue;
        }
        let get = |field| found.record.get(field).unwrap_or_default().to_owned();
        let language = Some(get(Field::Language)).filter(|l| !l.is_empty()).unwrap_or_else(|| org.language.clone());
        let to = Addressee { name: get(Field::Name), address };
        let paper = breach_letter(&facts, &to, Language::from_code(&language));
        made.push(Letter { of, number: get(Field::Number), mail, paper });
    }
    Ok((made, unreachable))
}

/// Where a letter on paper goes: for a protected identity only to the address the organisation chose for documents.
async fn postal(tx: &OrgTx, found: &Customer) -> Result<Vec<String>, Error> {
    let chosen = customer::document_address(tx, found.row.id).await?;
    let get = |field| found.record.get(field).map(str::to_owned);
    let (street, street2, postal_code, city) = match chosen {
        Some(a) => (a.street, a.street2, a.postal_code, a.city),
        None if found.record.is_protected() => return Ok(Vec::new()),
        None => (get(Field::Street), get(Field::Street2), get(Field::PostalCode), get(Field::City)),
    };
    let town = [postal_code, city].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let lines = [street, street2, Some(town)].into_iter().flatten().filter(|l| !l.trim().is_empty());
    Ok(lines.collect())
}

/// Where letters stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sent {
    /// Mailed now, or to be mailed when it is only looked at.
    pub mailed: i64,
    /// To be sent on paper.
    pub to_post: i64,
    /// Nothing is known to write to: they are told in public, or in another way (article 34 (3) c).
    pub unreachable: i64,
    /// Mail could not leave now for these: do it again shortly.
    pub waiting: i64,
}

async fn case(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(Breach, Organisation), Error> {
    let tx = ctx.db.read(actor.org).await?;
    let row = store::find(&tx, id).await?.ok_or_else(|| Error::not_found("breach"))?;
    let org = organisation::find(&tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    tx.commit().await?;
    Ok((row, org))
}

/// What a letter needs to be one (article 34 (2)).
fn ready(row: &Breach) -> Result<(), Error> {
    if row.closed_at.is_some() {
        return Err(Error::conflict("already_closed", "this case is closed"));
    }
    let missing: Vec<&str> = [("consequences", &row.consequences), ("measures", &row.measures)]
        .into_iter()
        .filter_map(|(name, text)| text.is_none().then_some(name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("a letter says what it may lead to and what was done: set {}", missing.join(" and "));
    Err(Error::conflict("letter_incomplete", message))
}

/// Mails those who can be mailed and are not told yet; with `send` off it only counts. Cut off, it goes on where it was: a
/// letter made again has the same message id.
pub async fn send(ctx: &Ctx, actor: &Actor, id: Uuid, send: bool) -> Result<Sent, Error> {
    let (row, org) = case(ctx, actor, id).await?;
    ready(&row)?;
    let mut sent = Sent::default();
    let mut after = Uuid::nil();
    loop {
        let tx = ctx.db.read(actor.org).await?;
        let waiting = store::waiting(&tx, id, after, BATCH).await?;
        let Some(last) = waiting.last() else { break };
        after = last.customer_id;
        let (letters, unreachable) = letters(ctx, &tx, &org, &row, waiting).await?;
        tx.commit().await?;
        sent.unreachable += unreachable;
        for letter in letters {
            match &letter.mail {
                None => sent.to_post += 1,
                Some(_) if !send => sent.mailed += 1,
                Some(to) => match mail(ctx, &org, to, &letter).await {
                    Outcome::Sent => {
                        let tx = ctx.db.write(actor.org).await?;
                        store::told(&tx, id, letter.of.customer_id, "mail", ctx.now()).await?;
                        tx.commit().await?;
                        sent.mailed += 1;
                    }
                    Outcome::Away => sent.waiting += 1,
                    Outcome::Refused => {
                        let tx = ctx.db.write(actor.org).await?;
                        store::refused(&tx, id, letter.of.customer_id).await?;
                        tx.commit().await?;
                        sent.to_post += 1;
                    }
                },
            }
        }
    }
    if send {
        settle(ctx, actor, id, "breach.letters_sent").await?;
    }
    Ok(sent)
}

/// What became of a mail.
enum Outcome {
    Sent,
    Away,
    Refused,
}

async fn mail(ctx: &Ctx, org: &Organisation, to: &str, letter: &Letter) -> Outcome {
    match payer::mail_letter(ctx, org, (letter.of.letter_id, letter.of.noted_at), to, &letter.paper).await {
        // What was lost on the line may have arrived.
        Handed::Accepted(_) | Handed::HandedOver(_) | Handed::Lost(_) => Outcome::Sent,
        Handed::Temporary(fault) | Handed::Away(fault) => {
            tracing::warn!(code = %fault.code, "a letter about a breach could not be mailed");
            Outcome::Away
        }
        Handed::Permanent(fault) => {
            tracing::warn!(code = %fault.code, "a letter about a breach was refused");
            Outcome::Refused
        }
    }
}

/// Notes when everybody was told.
async fn settle(ctx: &Ctx, actor: &Actor, id: Uuid, verb: &'static str) -> Result<(), Error> {
    let by = Actor { idempotency: None, ..actor.clone() };
    let work = Work::begin(ctx, &by).await?;
    let mut row = lock_open(&work, id).await?;
    let (people, told) = store::tally(&work.tx, id).await?;
    if people > 0 && told == people {
        row.persons_informed_at = row.persons_informed_at.or(Some(work.at));
    }
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb, subject: "breach", id, fields: "" }).await
}

/// A letter to be sent on paper.
pub struct PaperLetter {
    /// Whose.
    pub customer_id: Uuid,
    /// Number of the customer; names the file.
    pub number: String,
    /// What it says.
    pub paper: Paper,
}

/// Letters to those who are not told yet and have no address mail may go to.
pub async fn to_post(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Vec<PaperLetter>, Error> {
    let (row, org) = case(ctx, actor, id).await?;
    let mut found = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let tx = ctx.db.read(actor.org).await?;
        let waiting = store::waiting(&tx, id, after, BATCH).await?;
        let Some(last) = waiting.last() else { break };
        after = last.customer_id;
        let (letters, _) = letters(ctx, &tx, &org, &row, waiting).await?;
        tx.commit().await?;
        let posted = letters.into_iter().filter(|l| l.mail.is_none());
        found.extend(posted.map(|l| PaperLetter { customer_id: l.of.customer_id, number: l.number, paper: l.paper }));
    }
    if !found.is_empty() {
        ready(&row)?;
    }
    Ok(found)
}

/// Letters as a ZIP, one PDF and one HTML file a person.
pub fn zip(letters: &[PaperLetter]) -> Result<Vec<u8>, Error> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for letter in letters {
        for (end, bytes) in
            [("pdf", super::statement::pdf(&letter.paper)?), ("html", paper::html(&letter.paper)?.into_bytes())]
        {
            let name = format!("{}.{end}", file_name(letter));
            zip.start_file(name, zip::write::SimpleFileOptions::default()).map_err(std::io::Error::other)?;
            zip.write_all(&bytes)?;
        }
    }
    Ok(zip.finish().map_err(std::io::Error::other)?.into_inner())
}

/// The name of a letter's file, without its end: the customer number where it may be one.
pub fn file_name(letter: &PaperLetter) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !letter.number.is_empty() && letter.number.chars().all(fits) {
        letter.number.clone()
    } else {
        letter.customer_id.to_string()
    }
}

/// Notes that those who have no address for mail were told by post, or in another way.
pub async fn posted(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<i64, Error> {
    let letters: BTreeSet<Uuid> = to_post(ctx, actor, id).await?.into_iter().map(|l| l.customer_id).collect();
    let tx = ctx.db.write(actor.org).await?;
    let mut done = 0;
    for customer in letters {
        store::told(&tx, id, customer, "post", ctx.now()).await?;
        done += 1;
    }
    tx.commit().await?;
    settle(ctx, actor, id, "breach.letters_posted").await?;
    Ok(done)
}
