//! A whole organisation goes: everything it has here, table by table, in batches, with its files. Begun, it is served no more;
//! a process that dies goes on where it was. What stays are a certificate that names nobody and the line in the erasure ledger
//! that keeps a restored backup from bringing it back (GDPR article 28 (3) (g)).

use super::certificate::{Certificate, Fate, Part, finish, of_row, to_content};
use super::erase::remove_if_there;
use super::inventory::{self, Class};
use super::ledger::{self, Kind, Line, ORGANISATION};
use super::policy;
use super::reading;
use super::steps::remove_codes;
use crate::ctx::{Ctx, oslo_day};
use crate::services::customer;
use crate::services::error::Error;
use crate::services::user;
use crate::services::work::Actor;
use crate::store::erasure::{self, Erasure};
use crate::store::organisation::{self, Counter};
use crate::store::{OrgTx, ending as store, privacy, views};
use chrono::{DateTime, Duration, Utc};
use domain::customer::Language;
use domain::privacy::{Hold, RuleId};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Rows deleted in one transaction: billing of others never waits long.
const BATCH: u64 = 2_000;
/// Days in which an organisation that is gone is swept again each night: somebody who was at work when its doors closed, such as a
/// long import, may have written after them.
const SWEPT_DAYS: i64 = 7;
/// What a key, a session or a worker reaches the organisation by: gone first.
const DOORS: [&str; 6] = ["api_key", "membership", "job", "webhook_endpoint", "payer_session", "idempotency_key"];
/// Tables others point to: gone last.
const LAST: [&str; 2] = ["standing_order", "customer"];

/// Tables of the organisation's own rows, in an order that breaks no key.
pub fn tables() -> Vec<&'static str> {
    let mut tables: Vec<&str> = Vec::new();
    for (table, column, _) in inventory::columns() {
        if column == "org_id" && table != "org_directory" && !tables.contains(&table) {
            tables.push(table);
        }
    }
    let rank = |table: &&str| match LAST.iter().position(|t| t == table) {
        Some(at) => 2 + at,
        None => usize::from(!DOORS.contains(table)),
    };
    tables.sort_by_key(rank);
    tables
}

/// What a table is counted as: the first clock its columns live by.
fn rule_of(table: &str) -> RuleId {
    let clock = |class: Class| class.rules.first().copied();
    inventory::columns().filter(|(t, ..)| *t == table).find_map(|(.., class)| clock(class)).unwrap_or(RuleId::Terms)
}

/// What would be deleted today: rows by clock. What is about nobody is counted with the agreement.
pub async fn preview(ctx: &Ctx, actor: &Actor) -> Result<Vec<Part>, Error> {
    let tx = ctx.db.retain_look(actor.org).await?;
    let parts = parts(&tx).await?;
    tx.commit().await?;
    Ok(parts)
}

async fn parts(tx: &OrgTx) -> Result<Vec<Part>, Error> {
    let mut counts: BTreeMap<RuleId, i64> = BTreeMap::new();
    for table in tables() {
        *counts.entry(rule_of(table)).or_default() += store::count(tx, table).await?;
    }
    let part = |(rule, count): (RuleId, i64)| Part {
        fate: Fate::Deleted,
        rule,
        what: render::privacy::title(rule, Language::English).to_lowercase(),
        count,
        until: None,
        source: rule.facts().source.to_owned(),
        held_by: Vec::new(),
    };
    Ok(counts.into_iter().filter(|(_, count)| *count > 0).map(part).collect())
}

/// The nightly round: agreements that are over, deletions that were begun, certificates whose time is over. How many
/// organisations went. One that cannot be deleted does not keep the others waiting.
pub async fn nightly(ctx: &Ctx) -> Result<u64, Error> {
    let tx = ctx.db.system_look().await?;
    let (served, gone) = (organisation::list_ids(&tx).await?, organisation::list_gone(&tx).await?);
    tx.commit().await?;
    let (mut went, mut failed) = (0, None);
    let rounds =
        gone.into_iter().map(|(org, since)| (org, Some(since))).chain(served.into_iter().map(|org| (org, None)));
    for (org, gone_since) in rounds {
        let round = match gone_since {
            Some(since) => forget_or_go_on(ctx, org, since).await,
            None => close_if_due(ctx, org).await,
        };
        match round {
            Ok(done) => went += u64::from(done),
            Err(error) => {
                tracing::error!(org.id = %org, error = %error, "an organisation whose agreement is over could not be deleted");
                failed = Some(error);
            }
        }
    }
    failed.map_or(Ok(went), Err)
}

/// Of an organisation that is gone: a deletion that was cut off goes on, what was written after the doors closed goes too, and the
/// certificate goes when its time is over.
async fn forget_or_go_on(ctx: &Ctx, org: Uuid, since: DateTime<Utc>) -> Result<bool, Error> {
    if go_on(ctx, org).await? {
        return Ok(true);
    }
    if ctx.now() - since < Duration::days(SWEPT_DAYS) {
        // Jobs of the installation stand under it when nobody is served any more.
        let late = sweep(ctx, org, |table| table != "job").await?;
        if late > 0 {
            tracing::warn!(org.id = %org, rows = late, "rows written after an organisation was deleted were deleted too");
        }
        return Ok(late > 0);
    }
    let kept = RuleId::Certificate.facts().period;
    if kept.is_none_or(|period| oslo_day(since) >= period.cutoff(ctx.today())) {
        return Ok(false);
    }
    let tx = ctx.db.retain(org).await?;
    store::forget(&tx).await?;
    tx.commit().await?;
    Ok(false)
}

/// Of an organisation that is served: it goes when its day has come and nothing stands in the way.
async fn close_if_due(ctx: &Ctx, org: Uuid) -> Result<bool, Error> {
    let tx = ctx.db.read(org).await?;
    let set = store::find(&tx).await?;
    tx.commit().await?;
    let Some(set) = set else { return Ok(false) };
    let actor = Actor::job(org);
    if set.keep_archive && set.ends_on < ctx.today() {
        end_everybody(ctx, &actor).await?;
    }
    match erase(ctx, &actor).await {
        Err(error) if error.code() == Some("grace") => Ok(false),
        Err(error) if error.code() == Some("held") => {
            tracing::warn!(org.id = %org, error = %error, "an organisation whose day has come is kept by a hold");
            Ok(false)
        }
        done => done.map(|_| true),
    }
}

/// The archive stays until its years are over, and relationships end with the agreement.
async fn end_everybody(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let mut after = Uuid::nil();
    loop {
        let tx = ctx.db.read(actor.org).await?;
        let page = views::customers(&tx, after, 500).await?;
        tx.commit().await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
        let active: Vec<Uuid> = page.iter().filter(|c| c.status == "active").map(|c| c.id).collect();
        customer::end_by_policy(ctx, actor, &active).await?;
    }
}

/// Deletes the organisation: its day has come, or it has confirmed to have what is its own. One that was begun is gone on with.
pub async fn erase(ctx: &Ctx, actor: &Actor) -> Result<Certificate, Error> {
    if go_on(ctx, actor.org).await? {
        return certificate(ctx, actor.org).await;
    }
    let tx = ctx.db.retain_look(actor.org).await?;
    let asked_at = unless_kept(ctx, &tx).await?;
    let parts = parts(&tx).await?;
    tx.commit().await?;
    let case = ctx.id();
    let at = ctx.now();
    let line = |kind| Line {
        at,
        kind,
        case,
        org: actor.org,
        scope: ORGANISATION.to_owned(),
        subject: actor.org,
        numbers: Vec::new(),
        seal: String::new(),
    };
    ledger::append(ctx, line(Kind::Intent)).await?;
    let begun = begin(ctx, actor.org, case, Some(asked_at), parts).await;
    // An error may hide a commit whose answer was lost: what the database has is done.
    let tx = ctx.db.read(actor.org).await?;
    let known = erasure::find(&tx, case).await?.is_some();
    tx.commit().await?;
    ledger::append(ctx, line(if known { Kind::Done } else { Kind::Void })).await?;
    begun?;
    go_on(ctx, actor.org).await?;
    certificate(ctx, actor.org).await
}

/// Refuses while the agreement goes on, its days of grace run, its archive is kept, or a hold stands in the way. When the end
/// was asked for.
async fn unless_kept(ctx: &Ctx, tx: &OrgTx) -> Result<DateTime<Utc>, Error> {
    let Some(set) = store::find(tx).await? else {
        let message = "the agreement has no end; set one first (org end)";
        return Err(Error::conflict("agreement_goes_on", message));
    };
    if set.keep_archive {
        let left = store::count(tx, "customer").await? + store::count(tx, "ledger_entry").await?;
        if set.ends_on >= ctx.today() || left > 0 {
            let message =
                "the archive is kept until the years the bookkeeping act asks for are over; then all goes by itself";
            return Err(Error::conflict("grace", message));
        }
    } else if set.deleted_on.is_none_or(|on| on > ctx.today()) {
        let on = set.deleted_on.map_or_else(String::new, |on| format!(" before {on}"));
        let message = format!(
            "nothing is deleted{on}: write a package of all there is, and confirm to have it, to have it deleted at once \
             (org export, org confirm)"
        );
        return Err(Error::conflict("grace", message));
    }
    let holds = privacy::list_holds(tx, false, Uuid::nil(), u64::MAX >> 1).await?;
    let by_law = [Hold::Order.as_str(), Hold::Security.as_str()];
    let blocking = holds.iter().filter(|h| by_law.contains(&h.kind.as_str())).count();
    if blocking > 0 {
        let message = format!(
            "{blocking} holds by order of an authority or for security keep something here; release them first"
        );
        return Err(Error::conflict("held", message));
    }
    Ok(set.asked_at)
}

/// Closes every door, and notes the case: from here on it is only gone on with. None is asked for by a restore, which does again what
/// was done.
async fn begin(
    ctx: &Ctx,
    org: Uuid,
    case: Uuid,
    asked_at: Option<DateTime<Utc>>,
    parts: Vec<Part>,
) -> Result<(), Error> {
    let tx = ctx.db.retain(org).await?;
    // Two at once begin one after the other, and an end that was called off meanwhile stays called off.
    organisation::take_numbers(&tx, Counter::Sync, 0).await?;
    let asked_at = match asked_at {
        Some(_) => unless_kept(ctx, &tx).await?,
        None => ctx.now(),
    };
    let certificate = Certificate {
        id: case,
        scope: ORGANISATION.to_owned(),
        policy_version: policy::on(&tx, ctx.today()).await?.version_no,
        asked_at,
        done_at: None,
        parts,
        backups_gone_by: None,
        overwritten_by: None,
        overwritten_at: None,
        signature: String::new(),
        public_key: String::new(),
    };
    let row = Erasure {
        org_id: org,
        id: case,
        version: 1,
        subject_kind: ORGANISATION.to_owned(),
        subject_id: Some(org),
        state: "waiting".to_owned(),
        content: to_content(&certificate)?,
        asked_at,
        done_at: None,
        overwritten_at: None,
    };
    erasure::insert(&tx, row).await?;
    store::mark_gone(&tx, ctx.now()).await?;
    for table in DOORS {
        while store::delete_rows(&tx, table, BATCH).await? > 0 {}
    }
    Ok(tx.commit().await?)
}

/// Goes on with a deletion that was begun, to its end; `false` when it had ended.
async fn go_on(ctx: &Ctx, org: Uuid) -> Result<bool, Error> {
    let tx = ctx.db.read(org).await?;
    let case = erasure::list(&tx, true, u64::MAX >> 1).await?.into_iter().find(|c| c.subject_kind == ORGANISATION);
    tx.commit().await?;
    let Some(case) = case else { return Ok(false) };
    // What was read in the last second waits in memory.
    reading::write(ctx).await?;
    sweep(ctx, org, |_| true).await?;
    let tx = ctx.db.system().await?;
    store::leave_sessions(&tx, org).await?;
    tx.commit().await?;
    user::remove_orphans(ctx).await?;
    ctx.db.truncate_log().await?;
    let mut certificate = of_row(&case)?;
    finish(ctx, &mut certificate, ctx.now());
    let row = Erasure {
        version: case.version + 1,
        subject_id: None,
        state: "done".to_owned(),
        content: to_content(&certificate)?,
        done_at: certificate.done_at,
        ..case
    };
    let tx = ctx.db.retain(org).await?;
    erasure::update(&tx, row).await?;
    tx.commit().await?;
    tracing::info!(org.id = %org, "an organisation was deleted");
    Ok(true)
}

/// Deletes every row of some tables and every file, until a round finds nothing. How many rows.
async fn sweep(ctx: &Ctx, org: Uuid, which: impl Fn(&str) -> bool) -> Result<u64, Error> {
    remove_mails(ctx, org).await?;
    let mut all = 0;
    loop {
        let mut deleted = 0;
        for table in tables().into_iter().filter(|table| which(table)) {
            loop {
                let tx = ctx.db.retain(org).await?;
                let count = store::delete_rows(&tx, table, BATCH).await?;
                tx.commit().await?;
                deleted += count;
                if count < BATCH {
                    break;
                }
            }
        }
        if deleted == 0 {
            break;
        }
        all += deleted;
    }
    // Codes, letters, and mails written after their delivery was gone belong to no delivery.
    remove_codes(ctx).await?;
    ctx.files.remove_all(org).await?;
    Ok(all)
}

/// Mails and e-invoices in folders are named after their deliveries, or after what they were sent under.
async fn remove_mails(ctx: &Ctx, org: Uuid) -> Result<(), Error> {
    let mut after = Uuid::nil();
    loop {
        let tx = ctx.db.retain_look(org).await?;
        let page = store::deliveries(&tx, after, BATCH).await?;
        tx.commit().await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        for id in page.into_iter().flat_map(|(id, message)| [Some(id), message]).flatten() {
            for path in
                [ctx.config.mail.spool_dir.join(format!("{id}.eml")), ctx.config.ehf.dir.join(format!("{id}.xml"))]
            {
                remove_if_there(&path).await?;
            }
        }
    }
}

/// The certificate of an organisation that was deleted, or is being.
pub async fn certificate(ctx: &Ctx, org: Uuid) -> Result<Certificate, Error> {
    let tx = ctx.db.read(org).await?;
    let rows = erasure::list(&tx, false, 200).await?;
    tx.commit().await?;
    let row = rows.iter().find(|r| r.subject_kind == ORGANISATION);
    of_row(row.ok_or_else(|| Error::not_found("certificate of an organisation"))?)
}

/// Deletes an organisation again that a restored backup brought back. Does nothing where it is not there.
pub(super) async fn replay(ctx: &Ctx, line: &Line) -> Result<bool, Error> {
    let tx = ctx.db.retain_look(line.org).await?;
    let there = organisation::find(&tx).await?.is_some();
    let known = erasure::find(&tx, line.case).await?.is_some();
    let parts = parts(&tx).await?;
    tx.commit().await?;
    if !there && !known {
        return Ok(false);
    }
    if !known {
        begin(ctx, line.org, line.case, None, parts).await?;
    }
    go_on(ctx, line.org).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_an_organisation_is_emptied_and_what_others_point_to_last() {
        let tables = tables();
        let own = inventory::columns().filter(|(t, c, _)| *c == "org_id" && *t != "org_directory").count();
        assert_eq!(tables.len(), own);
        assert_eq!(tables[tables.len() - 2..], LAST);
        assert!(tables[..DOORS.len()].iter().all(|t| DOORS.contains(t)), "{:?}", &tables[..DOORS.len()]);
    }
}
