//! Erasure: one person, looked at first, then carried out; what law keeps goes to the archive, what is still needed waits, and
//! a certificate without an identity says so (I10; retention matrix, sections 1 and 3).

use super::certificate::{Certificate, Fate, Part, finish, of_row, sign, to_content};
use super::closing;
use super::explain::{Explained, Held, Subject, explain_at_end};
use super::hand_over;
use super::ledger::{self, Kind, Line};
use super::policy;
use crate::ctx::Ctx;
use crate::services::customer::{contact_hashes, number_hash};
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::OrgTx;
use crate::store::archive::{self, Over};
use crate::store::customer::{CustomerRow, lock, update_rows};
use crate::store::erasure::{self as store, Erasure, Removal};
use crate::store::organisation::{self, Counter};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::hex;
use domain::privacy::{Action, Hold, RuleId};
use std::collections::BTreeSet;
use std::path::Path;
use uuid::Uuid;

/// Days a document may be on its way before its addressee's details stop waiting for it (retention matrix, row 10).
pub const IN_FLIGHT_DAYS: i64 = 10;
/// Whom an erasure is about.
const fn scope(subject: Subject) -> Option<(&'static str, Uuid)> {
    match subject {
        Subject::Customer(id) => Some(("customer", id)),
        Subject::Contact { id, .. } => Some(("contact", id)),
        Subject::User(id) => Some(("user", id)),
        Subject::Invoice(_) | Subject::Payment(_) => None,
    }
}

/// What an erasure of somebody would do today.
pub async fn preview(ctx: &Ctx, actor: &Actor, subject: Subject) -> Result<Vec<Part>, Error> {
    if scope(subject).is_none() {
        let message = "a person is erased: a customer, a contact person or a user; documents are kept by law";
        return Err(Error::field("subject_kind", "not_a_person", message));
    }
    let explained = explain_at_end(ctx, actor, subject).await?;
    let Subject::Customer(id) = subject else { return Ok(parts(&explained, false)) };
    let holds = reaching();
    let over =
        Over { before: NaiveDate::MAX, on_its_way_since: ctx.now() - Duration::days(IN_FLIGHT_DAYS), holds: &holds };
    let tx = ctx.db.read(actor.org).await?;
    let needed = archive::is_reached(&tx, id, &over).await?;
    tx.commit().await?;
    Ok(parts(&explained, needed))
}

/// Holds that keep somebody reachable: the relationship is not wound up.
fn reaching() -> BTreeSet<Hold> {
    BTreeSet::from([Hold::OpenBalance, Hold::Dispute, Hold::Claim, Hold::Order])
}

fn parts(explained: &Explained, reached: bool) -> Vec<Part> {
    let needed: Vec<Hold> = explained.holds.iter().map(|h| h.kind).filter(|k| reaching().contains(k)).collect();
    explained.held.iter().map(|held| part(held, &needed, reached)).collect()
}

/// `reached`: the person is still written to, by a hold or by a document on its way.
fn part(held: &Held, needed: &[Hold], reached: bool) -> Part {
    let law = held.rule.facts().action == Action::Archive && held.source != "policy";
    // The time of what is needed to reach a debtor begins when that is over.
    let reaches = matches!(held.rule, RuleId::CustomerMaster | RuleId::ContactPerson | RuleId::DeliveryAddress);
    let held_by: Vec<Hold> = if reaches { needed.to_vec() } else { held.held_by.clone() };
    let own_time = matches!(
        held.rule,
        RuleId::Mandate
            | RuleId::DisputeCase
            | RuleId::AuditOther
            | RuleId::DeliveryLog
            | RuleId::AccessLog
            | RuleId::BreachPersons
            | RuleId::Terms
    );
    let fate = if law && held.state != "due" {
        Fate::KeptByLaw
    } else if !held_by.is_empty() || own_time || (reaches && reached) {
        Fate::KeptOtherwise
    } else {
        Fate::Deleted
    };
    Part {
        fate,
        rule: held.rule,
        what: held.what.to_owned(),
        count: held.count,
        until: (fate != Fate::Deleted).then_some(held.deletable_on).flatten(),
        source: held.source.to_owned(),
        held_by: if fate == Fate::Deleted { Vec::new() } else { held_by },
    }
}

/// Says whether the same request was done before: the person is not there to be looked at any more.
pub async fn unless_done(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    Work::begin(ctx, actor).await.map(drop)
}

/// Erases somebody: at once what is free, later what is still needed. The answer is the case.
pub async fn erase(ctx: &Ctx, actor: &Actor, subject: Subject) -> Result<Certificate, Error> {
    let parts = preview(ctx, actor, subject).await?;
    if let (Subject::User(_), Some(held)) =
        (subject, parts.iter().find(|p| p.rule == RuleId::AppUser && !p.held_by.is_empty()))
    {
        let kinds: Vec<&str> = held.held_by.iter().map(|h| h.as_str()).collect();
        let message = format!("the account is held ({}); release the hold first", kinds.join(", "));
        return Err(Error::conflict("held", message));
    }
    let (scope, subject_id) = scope(subject).ok_or_else(|| Error::not_found("person"))?;
    let mut case = Case { id: ctx.id(), scope, subject_id, numbers: Vec::new(), marks: Vec::new() };
    match subject {
        Subject::Customer(id) => {
            let tx = ctx.db.retain(actor.org).await?;
            let numbers = archive::numbers_of(&tx, id).await?;
            if let Some(waiting) = store::waiting_for(&tx, id).await? {
                let message = format!("an erasure waits already: {}; it goes on by itself", waiting.id);
                return Err(Error::conflict("erasure_waits", message));
            }
            tx.commit().await?;
            case.numbers = numbers;
        }
        Subject::Contact { customer, id } => {
            let tx = ctx.db.read(actor.org).await?;
            case.marks = contact_marks(ctx, &tx, customer, id).await?;
            tx.commit().await?;
        }
        _ => {}
    }
    case.marks.extend(case.numbers.iter().map(|n| number_hash(&ctx.key, actor.org, n)));
    let line = |kind| Line {
        at: ctx.now(),
        kind,
        case: case.id,
        org: actor.org,
        scope: scope.to_owned(),
        subject: subject_id,
        numbers: case.marks.iter().map(|h| hex::encode(h)).collect(),
        seal: String::new(),
    };
    ledger::append(ctx, line(Kind::Intent)).await?;
    let done = carry_out(ctx, actor, subject, &case, parts).await;
    // An error may hide a commit whose answer was lost: what the database has is done. Where it cannot be asked the intent
    // stays, and is settled later.
    let tx = ctx.db.read(actor.org).await?;
    let known = store::find(&tx, case.id).await?.is_some();
    tx.commit().await?;
    ledger::append(ctx, line(if known { Kind::Done } else { Kind::Void })).await?;
    if let Subject::User(id) = subject {
        crate::services::user::remove_if_nobodys(ctx, id).await?;
    }
    let certificate = done?;
    remove_files(ctx, actor).await?;
    ctx.db.truncate_log().await?;
    Ok(certificate)
}

/// A case about to be carried out.
struct Case {
    id: Uuid,
    scope: &'static str,
    subject_id: Uuid,
    numbers: Vec<String>,
    /// Hashes a list does not bring back.
    marks: Vec<Vec<u8>>,
}

/// The hashes a contact person is known by.
async fn contact_marks(ctx: &Ctx, tx: &OrgTx, customer: Uuid, id: Uuid) -> Result<Vec<Vec<u8>>, Error> {
    let found = crate::store::customer::find_contact(tx, customer, id).await?;
    let said = found.as_ref().map_or([None, None], |c| [c.name.as_deref(), c.email.as_deref()]);
    Ok(contact_hashes(&ctx.key, tx.org(), customer, said))
}

async fn carry_out(
    ctx: &Ctx,
    actor: &Actor,
    subject: Subject,
    case: &Case,
    parts: Vec<Part>,
) -> Result<Certificate, Error> {
    let mut work = Work::retain(ctx, actor).await?;
    for hash in &case.marks {
        store::mark_number(&work.tx, hash.clone(), work.at).await?;
    }
    let wound_up = match subject {
        Subject::Customer(id) => customer(ctx, &mut work, id, case).await?,
        Subject::Contact { customer, id } => {
            contact(&work, customer, id).await?;
            true
        }
        Subject::User(id) => {
            crate::store::user::remove_member(&work.tx, id).await?;
            archive::forget_requests(&work.tx, id).await?;
            true
        }
        Subject::Invoice(_) | Subject::Payment(_) => return Err(Error::not_found("person")),
    };
    let version = policy::on(&work.tx, ctx.today()).await?.version_no;
    let mut certificate = Certificate {
        id: case.id,
        scope: case.scope.to_owned(),
        policy_version: version,
        asked_at: work.at,
        done_at: None,
        parts,
        backups_gone_by: None,
        overwritten_by: None,
        overwritten_at: None,
        signature: String::new(),
        public_key: String::new(),
    };
    if wound_up {
        finish(ctx, &mut certificate, work.at);
    }
    let row = Erasure {
        org_id: actor.org,
        id: case.id,
        version: 1,
        subject_kind: case.scope.to_owned(),
        // A closed case names nobody, not even by an id.
        subject_id: (!wound_up).then_some(case.subject_id),
        state: if wound_up { "done" } else { "waiting" }.to_owned(),
        content: to_content(&certificate)?,
        asked_at: work.at,
        done_at: certificate.done_at,
        overwritten_at: None,
    };
    store::insert(&work.tx, row).await?;
    let verb = if wound_up { "privacy_erasure.done" } else { "privacy_erasure.waiting" };
    work.done(Deed { verb, subject: "privacy_erasure", id: case.id, fields: "" }).await?;
    Ok(certificate)
}

/// Ends and erases a customer; `false` while something still needs it.
async fn customer(ctx: &Ctx, work: &mut Work<'_>, id: Uuid, case: &Case) -> Result<bool, Error> {
    organisation::take_numbers(&work.tx, Counter::Sync, 1).await?;
    let row = lock(&work.tx, &[id]).await?.into_iter().next().ok_or_else(|| Error::not_found("customer"))?;
    if row.status == "active" {
        let ended = CustomerRow {
            version: row.version + 1,
            status: "ended".to_owned(),
            ended_on: Some(work.today()),
            ended_reason: None,
            ended_by: Some("erasure".to_owned()),
            list_digest: None,
            updated_at: work.at,
            ..row.clone()
        };
        update_rows(&work.tx, &[ended]).await?;
        work.note(&Deed { verb: "customer.ended", subject: "customer", id, fields: "status,ended_on" });
    }
    archive::drop_plans(&work.tx, id, &case.numbers).await?;
    if row.status == "archived" {
        archive::take_traces(&work.tx, id).await?;
        note_files(work, id).await?;
        return Ok(true);
    }
    // A bill to come is not made any more.
    archive::take_free(&work.tx, id).await?;
    wind_up(ctx, work, id).await
}

/// Erases a contact person: plans that wait name them too, and documents may have gone to their address.
async fn contact(work: &Work<'_>, of: Uuid, id: Uuid) -> Result<(), Error> {
    organisation::take_numbers(&work.tx, Counter::Sync, 1).await?;
    let row = lock(&work.tx, &[of]).await?.into_iter().next().ok_or_else(|| Error::not_found("customer"))?;
    archive::drop_plans(&work.tx, of, &archive::numbers_of(&work.tx, of).await?).await?;
    for delivery in archive::take_contact_traces(&work.tx, of, id).await? {
        store::note_removal(&work.tx, "spool", &format!("{delivery}.eml"), work.at).await?;
    }
    archive::forget_requests(&work.tx, id).await?;
    crate::store::customer::delete_contact(&work.tx, of, id).await?;
    let row = CustomerRow { version: row.version + 1, list_digest: None, updated_at: work.at, ..row };
    Ok(update_rows(&work.tx, &[row]).await?)
}

/// Takes the rest of an ended customer, unless something still needs it.
async fn wind_up(ctx: &Ctx, work: &mut Work<'_>, id: Uuid) -> Result<bool, Error> {
    let holds = reaching();
    let on_its_way_since = ctx.now() - Duration::days(IN_FLIGHT_DAYS);
    let over = Over { before: NaiveDate::MAX, on_its_way_since, holds: &holds };
    if archive::is_needed(&work.tx, id, &over).await? {
        return Ok(false);
    }
    archive::take_traces(&work.tx, id).await?;
    note_files(work, id).await?;
    let kept = archive::retire(&work.tx, &[id], work.today(), work.at).await?;
    let verb = if kept.is_empty() { "customer.deleted" } else { "customer.archived" };
    work.note(&Deed { verb, subject: "customer", id, fields: "status" });
    Ok(true)
}

/// Mails and e-invoices in folders are named after their deliveries.
async fn note_files(work: &Work<'_>, id: Uuid) -> Result<(), Error> {
    let deliveries = archive::deliveries_of(&work.tx, id).await?;
    let of = |place: &'static str, ending: &str| {
        let name = |delivery: &Uuid| Removal { place: place.to_owned(), name: format!("{delivery}.{ending}") };
        deliveries.iter().map(name).collect::<Vec<_>>()
    };
    let files = [of("spool", "eml"), of("ehf", "xml")].concat();
    Ok(store::note_removals(&work.tx, &files, work.at).await?)
}

/// Goes on with cases that waited: what is no longer needed goes. How many ended.
pub async fn continue_waiting(ctx: &Ctx, actor: &Actor) -> Result<u64, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let waiting = store::list(&tx, true, u64::MAX >> 1).await?;
    tx.commit().await?;
    let mut ended = 0;
    for case in waiting {
        let mut work = Work::retain(ctx, actor).await?;
        let Some(id) = case.subject_id else { continue };
        // The counter of syncs, then customers, as everywhere.
        organisation::take_numbers(&work.tx, Counter::Sync, 1).await?;
        let customer = lock(&work.tx, &[id]).await?.into_iter().next();
        let Some(mut row) = store::lock(&work.tx, case.id).await?.filter(|r| r.state == "waiting") else { continue };
        archive::drop_plans(&work.tx, id, &archive::numbers_of(&work.tx, id).await?).await?;
        let over = match customer.as_ref().map(|c| c.status.as_str()) {
            Some("ended") => wind_up(ctx, &mut work, id).await?,
            Some("archived") | None => {
                archive::take_traces(&work.tx, id).await?;
                note_files(&work, id).await?;
                true
            }
            // The number was taken in again, with a reason: a customer once more.
            Some(_) => {
                call_off(ctx, work, row).await?;
                continue;
            }
        };
        if !over {
            continue;
        }
        let mut certificate = of_row(&row)?;
        finish(ctx, &mut certificate, work.at);
        for part in &mut certificate.parts {
            let reaches = matches!(part.rule, RuleId::CustomerMaster | RuleId::ContactPerson | RuleId::DeliveryAddress);
            let waited = reaches || part.held_by.iter().any(|h| reaching().contains(h));
            part.held_by.retain(|h| !reaching().contains(h));
            if waited && part.fate == Fate::KeptOtherwise {
                part.fate = Fate::Deleted;
                part.until = None;
            }
        }
        sign(ctx, &mut certificate);
        row.version += 1;
        row.subject_id = None;
        "done".clone_into(&mut row.state);
        row.done_at = certificate.done_at;
        row.content = to_content(&certificate)?;
        store::update(&work.tx, row).await?;
        work.done(Deed { verb: "privacy_erasure.done", subject: "privacy_erasure", id: case.id, fields: "" }).await?;
        ended += 1;
    }
    remove_files(ctx, actor).await?;
    Ok(ended)
}

/// Ends a case whose person has become a customer again: nothing more is erased by it, now or after a restore.
async fn call_off(ctx: &Ctx, work: Work<'_>, mut row: Erasure) -> Result<(), Error> {
    let subject = row.subject_id.unwrap_or_default();
    let (case, org, scope, at) = (row.id, row.org_id, row.subject_kind.clone(), work.at);
    row.version += 1;
    row.subject_id = None;
    "called_off".clone_into(&mut row.state);
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "privacy_erasure.called_off", subject: "privacy_erasure", id: case, fields: "" }).await?;
    let (numbers, seal) = (Vec::new(), String::new());
    ledger::append(ctx, Line { at, kind: Kind::Void, case, org, scope, subject, numbers, seal }).await
}

/// Erases again what was erased before a backup was restored: the person is back and must go. Does nothing where the
/// database knows the case, or nobody of that id.
pub async fn replay(ctx: &Ctx, line: &Line) -> Result<bool, Error> {
    match line.scope.as_str() {
        ledger::ORGANISATION => closing::replay(ctx, line).await,
        ledger::HANDED_OVER => hand_over::replay(ctx, line).await,
        _ => replay_person(ctx, line).await,
    }
}

/// The same of one person.
pub(super) async fn replay_person(ctx: &Ctx, line: &Line) -> Result<bool, Error> {
    replay_numbered(ctx, line, true).await
}

/// Takes away again who was handed over; the number is not one that is never taken in again.
pub(super) async fn replay_handed_over(ctx: &Ctx, line: &Line) -> Result<bool, Error> {
    replay_numbered(ctx, &Line { scope: "customer".to_owned(), ..line.clone() }, false).await
}

async fn replay_numbered(ctx: &Ctx, line: &Line, mark: bool) -> Result<bool, Error> {
    let actor = Actor::operator(line.org);
    let tx = ctx.db.read(line.org).await?;
    let known = store::find(&tx, line.case).await?.is_some();
    let there = organisation::find(&tx).await?.is_some();
    tx.commit().await?;
    if known || !there {
        return Ok(false);
    }
    // Also numbers the customer was given after the backup, and of who was made after it and erased again.
    let tx = ctx.db.retain(line.org).await?;
    for hash in line.numbers.iter().filter_map(|n| hex::decode(n)) {
        store::mark_number(&tx, hash, line.at).await?;
    }
    tx.commit().await?;
    let subject = match line.scope.as_str() {
        "customer" => Subject::Customer(line.subject),
        "contact" => {
            let tx = ctx.db.read(line.org).await?;
            let of = crate::store::privacy::customer_of(&tx, crate::store::clocks::Kind::Contact, line.subject).await?;
            tx.commit().await?;
            let Some(customer) = of.flatten() else { return Ok(false) };
            Subject::Contact { customer, id: line.subject }
        }
        "user" => Subject::User(line.subject),
        _ => return Ok(false),
    };
    let parts = match preview(ctx, &actor, subject).await {
        Ok(parts) => parts,
        Err(error) if error.code() == Some("not_found") => return Ok(false),
        Err(error) => return Err(error),
    };
    let tx = ctx.db.retain(line.org).await?;
    let numbers = if mark { archive::numbers_of(&tx, line.subject).await? } else { Vec::new() };
    let mut marks: Vec<Vec<u8>> = numbers.iter().map(|n| number_hash(&ctx.key, line.org, n)).collect();
    if let Subject::Contact { customer, id } = subject {
        marks.extend(contact_marks(ctx, &tx, customer, id).await?);
    }
    tx.commit().await?;
    let scope = scope(subject).map_or("customer", |(scope, _)| scope);
    let case = Case { id: line.case, scope, subject_id: line.subject, numbers, marks };
    carry_out(ctx, &actor, subject, &case, parts).await?;
    remove_files(ctx, &actor).await?;
    Ok(true)
}

/// Removes a file; one that is gone already is fine.
pub(super) async fn remove_if_there(path: &Path) -> Result<(), Error> {
    match tokio::fs::remove_file(path).await {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
        _ => Ok(()),
    }
}

/// Removes files whose rows are gone. One that is gone already is fine: a process may have died between.
pub async fn remove_files(ctx: &Ctx, actor: &Actor) -> Result<u64, Error> {
    let mut done = 0;
    loop {
        let tx = ctx.db.read(actor.org).await?;
        let removals = store::list_removals(&tx, 500).await?;
        tx.commit().await?;
        if removals.is_empty() {
            return Ok(done);
        }
        for removal in &removals {
            let folder = match removal.place.as_str() {
                "spool" => &ctx.config.mail.spool_dir,
                "ehf" => &ctx.config.ehf.dir,
                _ => {
                    let hash = hex::decode(&removal.name).unwrap_or_default();
                    ctx.files.remove(actor.org, &hash).await?;
                    continue;
                }
            };
            remove_if_there(&folder.join(&removal.name)).await?;
        }
        let tx = ctx.db.write(actor.org).await?;
        store::removed(&tx, &removals).await?;
        tx.commit().await?;
        done += u64::try_from(removals.len()).unwrap_or_default();
    }
}

/// The same of an organisation that is gone: nothing else is written of it.
pub(super) async fn note_overwritten_of_gone(ctx: &Ctx, org: Uuid, begun_at: DateTime<Utc>) -> Result<u64, Error> {
    let tx = ctx.db.retain(org).await?;
    let mut noted = 0;
    for row in store::not_overwritten(&tx).await? {
        if row.done_at.is_some_and(|done| done <= begun_at) {
            store::update(&tx, Erasure { overwritten_at: Some(ctx.now()), version: row.version + 1, ..row }).await?;
            noted += 1;
        }
    }
    tx.commit().await?;
    Ok(noted)
}

/// Notes that the remains of every erased person in the database's files are overwritten.
pub(super) async fn note_overwritten(ctx: &Ctx, actor: &Actor, begun_at: DateTime<Utc>) -> Result<u64, Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut noted = 0;
    for row in store::not_overwritten(&work.tx).await? {
        if row.done_at.is_some_and(|done| done <= begun_at) {
            store::update(&work.tx, Erasure { overwritten_at: Some(work.at), version: row.version + 1, ..row }).await?;
            noted += 1;
        }
    }
    work.done(Deed { verb: "privacy.scrubbed", subject: "organisation", id: actor.org, fields: "" }).await?;
    Ok(noted)
}
