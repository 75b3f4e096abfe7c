//! Telling people of a new version of the privacy statement before it holds: customers with an address for mail, and those who
//! sign in. Looked at first; each person is written to once, however often it is cut off and taken up again.

use super::statement::Published;
use crate::ctx::Ctx;
use crate::ports::Handed;
use crate::services::delivery::{address_hash, mail_address};
use crate::services::error::Error;
use crate::services::organisation::statement_url;
use crate::services::payer;
use crate::services::upkeep::job;
use crate::services::work::{Actor, Deed, Work};
use crate::store::organisation::{self, Organisation};
use crate::store::privacy::{self, StatementRow};
use crate::store::statement::{self as store, Told, Version};
use crate::store::{OrgTx, channel, customer, user};
use chrono::NaiveDate;
use domain::customer::{Field, Language};
use domain::delivery::is_mail_address;
use render::privacy::{ChangeFacts, Changes, change_notice};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// People dealt with at a time.
const BATCH: u64 = 200;

/// How a notice of a new version stands: counts, and names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoticeView {
    /// The version people are told of.
    pub version_no: i64,
    /// The version before it.
    pub follows: i64,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// What differs, a line each.
    pub changes: Vec<String>,
    /// Where the letter says it is read; none where the service has no public address (`payer.base_url`).
    pub link: Option<String>,
    /// People who would be written to now.
    pub to_tell: i64,
    /// People concerned who have no address mail may go to.
    pub without_address: i64,
    /// People who were written to.
    pub told: i64,
    /// People whose address the relay refused.
    pub refused: i64,
    /// People whose letter was on its way when the service stopped: it may have left, and is not sent again.
    pub uncertain: i64,
}

/// A version, the one before it, and whose they are.
struct Found {
    row: StatementRow,
    follows: i64,
    org: Organisation,
    link: Option<String>,
    changes: Changes,
}

impl Found {
    fn version(&self) -> Version {
        Version { id: self.row.id, published_at: self.row.published_at }
    }
}

/// The newest version, or one by its number, with what it changes.
async fn find(ctx: &Ctx, tx: &OrgTx, version_no: Option<i64>) -> Result<Found, Error> {
    let rows = privacy::list_statements(tx).await?;
    let wanted = |row: &&StatementRow| version_no.is_none_or(|no| row.version_no == no);
    let row = rows.iter().find(wanted).ok_or_else(|| Error::not_found("privacy statement"))?;
    let Some(before) = rows.iter().find(|r| r.version_no < row.version_no) else {
        let message = "this is the first statement: it changes nothing anybody was told before";
        return Err(Error::conflict("nothing_before", message));
    };
    if rows.first().is_some_and(|newest| newest.version_no > row.version_no) {
        let message = "a newer version is published: people are told of that one";
        return Err(Error::conflict("not_newest", message));
    }
    let org = organisation::find(tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let changes = Changes::between(&Published::of_row(before)?.facts, &Published::of_row(row)?.facts);
    // A version that does not hold yet is read by its number.
    let link = match statement_url(ctx, tx, &org).await? {
        Some(url) if url.ends_with(&format!("/privacy/{}", org.org_id)) => {
            Some(format!("{url}?version={}", row.version_no))
        }
        other => other,
    };
    Ok(Found { row: row.clone(), follows: before.version_no, org, link, changes })
}

/// Somebody who is to be told.
struct Person {
    id: Uuid,
    kind: &'static str,
    name: String,
    language: Language,
    /// Where mail may go; none where it may not.
    to: Option<String>,
}

/// Customers after an id who are still to be told; those without any address are counted and left alone.
async fn customers(
    ctx: &Ctx,
    tx: &OrgTx,
    found: &Found,
    after: Uuid,
) -> Result<Option<(Vec<Person>, i64, Uuid)>, Error> {
    let ids = store::customers_to_tell(tx, found.version(), after, BATCH).await?;
    let Some(last) = ids.last().copied() else { return Ok(None) };
    let (mut people, mut without) = (Vec::new(), 0);
    for known in customer::load(tx, &ids).await? {
        if mail_address(&known) == Err("no_address") {
            without += 1;
            continue;
        }
        let get = |field| known.record.get(field).unwrap_or_default().to_owned();
        let language = Some(get(Field::Language)).filter(|l| !l.is_empty());
        people.push(Person {
            id: known.row.id,
            kind: "customer",
            name: get(Field::Name),
            language: Language::from_code(language.as_deref().unwrap_or(&found.org.language)),
            to: payer::address(ctx, tx, &found.org, &known).await?,
        });
    }
    Ok(Some((people, without, last)))
}

/// Users who are still to be told: those who sign in with an address for mail.
async fn users(ctx: &Ctx, found: &Found) -> Result<(Vec<Person>, i64), Error> {
    let org = found.org.org_id;
    let tx = ctx.db.read(org).await?;
    let ids = store::users_to_tell(&tx, found.version()).await?;
    tx.commit().await?;
    let (mut people, mut without) = (Vec::new(), 0);
    for id in ids {
        let tx = ctx.db.system().await?;
        let known = user::find(&tx, id).await?;
        tx.commit().await?;
        let Some(known) = known else { continue };
        if !is_mail_address(&known.login) {
            without += 1;
            continue;
        }
        let tx = ctx.db.read(org).await?;
        let held_back = channel::find_suppression(&tx, &address_hash(&ctx.key, org, &known.login)).await?.is_some();
        tx.commit().await?;
        people.push(Person {
            id,
            kind: "user",
            name: known.name,
            language: Language::from_code(&known.language),
            to: (!held_back).then_some(known.login),
        });
    }
    Ok((people, without))
}

/// What one round has come to.
#[derive(Default)]
struct Round {
    to_tell: i64,
    without: i64,
    told: i64,
    /// Mail cannot leave now; the rest waits.
    away: bool,
}

/// Everybody who is still to be told; with `send` off nobody is written to.
async fn go_through(ctx: &Ctx, found: &Found, send: bool) -> Result<Round, Error> {
    let mut round = Round::default();
    let (people, without) = users(ctx, found).await?;
    round.without += without;
    deal_with(ctx, found, people, send, &mut round).await?;
    let mut after = Uuid::nil();
    while !round.away {
        let tx = ctx.db.read(found.org.org_id).await?;
        let Some((people, without, last)) = customers(ctx, &tx, found, after).await? else { break };
        tx.commit().await?;
        after = last;
        round.without += without;
        deal_with(ctx, found, people, send, &mut round).await?;
    }
    Ok(round)
}

async fn deal_with(ctx: &Ctx, found: &Found, people: Vec<Person>, send: bool, round: &mut Round) -> Result<(), Error> {
    for person in people {
        if person.to.is_none() {
            round.without += 1;
        } else if !send {
            round.to_tell += 1;
        }
        if send && !round.away {
            tell_one(ctx, found, &person, round).await?;
        }
    }
    Ok(())
}

/// Tells one person: noted first and for good, so that nobody is written to twice.
async fn tell_one(ctx: &Ctx, found: &Found, person: &Person, round: &mut Round) -> Result<(), Error> {
    let (org, statement) = (found.org.org_id, found.row.id);
    let state = if person.to.is_some() { "sending" } else { "unreachable" };
    let row = Told {
        org_id: org,
        statement_id: statement,
        person_id: person.id,
        person_kind: person.kind.to_owned(),
        state: state.to_owned(),
        noted_at: ctx.now(),
        told_at: None,
    };
    let tx = ctx.db.write(org).await?;
    let mine = store::claim(&tx, row).await?;
    tx.commit().await?;
    let Some(to) = person.to.as_deref().filter(|_| mine) else { return Ok(()) };
    let handed = mail(ctx, found, person, to).await;
    let tx = ctx.db.write(org).await?;
    match handed {
        // What was lost on the line may have arrived.
        Handed::Accepted(_) | Handed::HandedOver(_) | Handed::Lost(_) => {
            store::settle(&tx, statement, person.id, "sent", ctx.now()).await?;
            round.told += 1;
        }
        Handed::Temporary(fault) | Handed::Away(fault) => {
            tracing::warn!(code = %fault.code, "a notice of a new privacy statement could not be mailed");
            store::take_back(&tx, statement, person.id).await?;
            round.away = true;
        }
        Handed::Permanent(fault) => {
            tracing::warn!(code = %fault.code, "a notice of a new privacy statement was refused");
            store::settle(&tx, statement, person.id, "refused", ctx.now()).await?;
        }
    }
    Ok(tx.commit().await?)
}

async fn mail(ctx: &Ctx, found: &Found, person: &Person, to: &str) -> Handed {
    let facts = ChangeFacts {
        organisation: found.org.name.clone(),
        email: found.org.email.clone(),
        version_no: found.row.version_no,
        valid_from: found.row.valid_from,
        on: ctx.today(),
        link: found.link.clone(),
        changes: found.changes.clone(),
    };
    let paper = change_notice(&facts, &person.name, person.language);
    payer::mail_letter(ctx, &found.org, (ctx.id(), ctx.now()), to, &paper).await
}

async fn view(ctx: &Ctx, found: &Found, round: &Round, language: Language) -> Result<NoticeView, Error> {
    let tx = ctx.db.read(found.org.org_id).await?;
    let tally = store::tally(&tx, found.row.id).await?;
    tx.commit().await?;
    let count = |state: &str| tally.iter().find(|t| t.state == state).map_or(0, |t| t.people);
    Ok(NoticeView {
        version_no: found.row.version_no,
        follows: found.follows,
        valid_from: found.row.valid_from,
        changes: found.changes.lines(language),
        link: found.link.clone(),
        to_tell: round.to_tell,
        without_address: round.without,
        told: count("sent"),
        refused: count("refused"),
        uncertain: count("sending"),
    })
}

async fn found(ctx: &Ctx, actor: &Actor, version_no: Option<i64>) -> Result<Found, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let found = find(ctx, &tx, version_no).await?;
    tx.commit().await?;
    Ok(found)
}

/// Looks at whom a version would be told to, and what it changes; nobody is written to. The newest version when no number is given.
pub async fn look(ctx: &Ctx, actor: &Actor, version_no: Option<i64>, language: Language) -> Result<NoticeView, Error> {
    let found = found(ctx, actor, version_no).await?;
    let round = go_through(ctx, &found, false).await?;
    view(ctx, &found, &round, language).await
}

/// Writes to everybody who is not told yet. Cut off, it goes on where it was.
pub async fn tell(ctx: &Ctx, actor: &Actor, version_no: Option<i64>, language: Language) -> Result<NoticeView, Error> {
    let found = found(ctx, actor, version_no).await?;
    let mut round = go_through(ctx, &found, true).await?;
    if round.told > 0 {
        let by = Actor { idempotency: None, ..actor.clone() };
        let work = Work::begin(ctx, &by).await?;
        let id = found.row.id;
        work.done(Deed { verb: "privacy_statement.told", subject: "privacy_statement", id, fields: "" }).await?;
    }
    if round.away {
        let message = "mail cannot leave now; those who are told are noted, do it again shortly for the rest";
        return Err(Error::conflict("mail_away", message));
    }
    round.to_tell = 0;
    view(ctx, &found, &round, language).await
}

/// Lets the service write to everybody, in its own time (job `tell_of_statement`).
pub async fn start(ctx: &Ctx, actor: &Actor, version_no: i64) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let id = find(ctx, &work.tx, Some(version_no)).await?.row.id;
    let key = format!("{id}:{}", work.at.format("%Y-%m-%dT%H:%M"));
    crate::store::job::enqueue(&work.tx, job(ctx, actor.org, "tell_of_statement", &key, Some(id))).await?;
    work.done(Deed { verb: "privacy_statement.telling", subject: "privacy_statement", id, fields: "" }).await
}

/// Writes to everybody of a version by its id; nobody where a newer one has taken its place meanwhile.
pub async fn tell_version(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = privacy::list_statements(&tx).await?;
    tx.commit().await?;
    match rows.first().filter(|newest| newest.id == id) {
        Some(newest) => tell(ctx, actor, Some(newest.version_no), Language::Bokmal).await.map(|_| ()),
        None => Ok(()),
    }
}
