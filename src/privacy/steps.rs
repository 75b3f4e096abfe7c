//! What the retention engine does besides single sweeps: relationships that end by themselves, customers whose time is over,
//! mail in folders, and the years the law asks for.

use super::archive::fiscal_start;
use super::blocked;
use super::erase::{IN_FLIGHT_DAYS, remove_files};
use super::policy::Version;
use super::statistics;
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::services::{audit, customer};
use crate::store::archive::{self, Over};
use crate::store::erasure::{self, Removal};
use crate::store::expiry::Years;
use crate::store::ledger::Entry;
use crate::store::organisation::{self, Counter};
use crate::store::retention::{self as store, Counted};
use crate::store::{OrgTx, delivery, sign_in};
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use chrono_tz::Europe::Oslo;
use domain::audit::Chain;
use domain::privacy::{Hold, Period, RelationshipEnd, RuleId, financial_year_cutoff};
use std::collections::BTreeSet;
use std::path::Path;
use uuid::Uuid;

/// Rows dealt with in one transaction: billing never waits long.
const BATCH: u64 = 500;

/// One thing the engine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Relationships without activity end.
    Inactive,
    /// Customers of ended relationships are deleted, and who they were goes to the archive.
    Retire,
    /// Mails and e-invoices in folders.
    Mail,
    /// Sign-ins of people, and of nobody known.
    SignIns,
    /// Addresses that are blocked.
    Blocks,
    /// Documents whose years are over.
    Documents,
    /// Payments whose years are over.
    Payments,
    /// Claims that were closed in years that are over.
    Claims,
    /// Postings of years that are over.
    Entries,
    /// Bank files of years that are over.
    BankFiles,
    /// Customers in the archive of whom nothing is left.
    Core,
    /// Acts on the books, with the books.
    AuditBooks,
    /// All other acts.
    AuditOther,
}

impl Step {
    /// Every step, in the order they are made.
    pub(super) const ALL: [Self; 13] = [
        Self::Inactive,
        Self::Retire,
        Self::Mail,
        Self::SignIns,
        Self::Blocks,
        Self::Documents,
        Self::Payments,
        Self::Claims,
        Self::Entries,
        Self::BankFiles,
        Self::Core,
        Self::AuditBooks,
        Self::AuditOther,
    ];

    /// The clock it goes by.
    pub(super) const fn rule(self) -> RuleId {
        match self {
            Self::Inactive | Self::Retire => RuleId::CustomerMaster,
            Self::Mail => RuleId::MailBody,
            Self::SignIns => RuleId::AccessLog,
            Self::Blocks => RuleId::BlockedAddress,
            Self::Documents => RuleId::IssuedDocument,
            Self::Payments => RuleId::Payment,
            Self::Claims => RuleId::OpenItem,
            Self::Entries => RuleId::Ledger,
            Self::BankFiles => RuleId::BankFile,
            Self::Core => RuleId::CustomerCore,
            Self::AuditBooks => RuleId::AuditBooks,
            Self::AuditOther => RuleId::AuditOther,
        }
    }

    /// What it is about, for people.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Inactive => "relationships without activity",
            Self::Retire => "customers of ended relationships",
            Self::Mail => "mails and e-invoices in folders",
            Self::SignIns => "sign-ins",
            Self::Blocks => "blocked addresses",
            Self::Documents => "invoices and credit notes",
            Self::Payments => "payments",
            Self::Claims => "settled claims",
            Self::Entries => "postings",
            Self::BankFiles => "bank files",
            Self::Core => "customers in the archive",
            Self::AuditBooks => "acts on the books",
            Self::AuditOther => "other acts",
        }
    }

    /// How many are due, and how many are held; none where the policy has no such clock.
    pub(super) async fn count(
        self,
        ctx: &Ctx,
        tx: &OrgTx,
        version: &Version,
    ) -> Result<Option<(Period, Counted)>, Error> {
        let Some(rule) = version.policy.rule(self.rule()) else { return Ok(None) };
        let Some(period) = rule.period else { return Ok(None) };
        let nothing = Counted { due: 0, held: 0 };
        let found = match self {
            Self::Inactive => {
                let RelationshipEnd::Inactivity(after) = version.policy.relationship_end else { return Ok(None) };
                let ids = store::list_inactive(tx, after.cutoff(ctx.today()), u64::MAX >> 1).await?;
                return Ok(Some((after, Counted { due: i64::try_from(ids.len()).unwrap_or(i64::MAX), held: 0 })));
            }
            Self::Retire => {
                let holds = rule.holds.union(&still_pursued()).copied().collect();
                archive::count_over(tx, &over(ctx, period, &holds)).await?
            }
            Self::Mail => {
                let due = mails_due(ctx, tx, period).await?;
                Counted { due: i64::try_from(due.len()).unwrap_or(i64::MAX), held: 0 }
            }
            Self::SignIns => count_sign_ins(ctx, tx.org(), period, &rule.holds).await?,
            Self::Blocks => Counted { due: blocked::count_over(ctx).await?, held: 0 },
            Self::Documents | Self::Payments | Self::Entries => {
                let (before, holds) = years(ctx, tx, version).await?;
                let years = Years { before, holds: &holds };
                match self {
                    Self::Documents => years.count_documents(tx).await?,
                    Self::Payments => years.count_payments(tx).await?,
                    _ => years.count_entries(tx).await?,
                }
            }
            Self::AuditBooks | Self::AuditOther => {
                let (chain, before) = self.acts_before(ctx, tx, version, period).await?;
                crate::store::audit::count_due(tx, chain, before, &rule.holds).await?
            }
            // These follow from the ones before.
            Self::Claims | Self::BankFiles | Self::Core => nothing,
        };
        Ok(Some((period, found)))
    }

    /// Does it, in batches; how many rows.
    pub(super) async fn carry_out(self, ctx: &Ctx, actor: &Actor, version: &Version) -> Result<u64, Error> {
        let Some(rule) = version.policy.rule(self.rule()) else { return Ok(0) };
        let Some(period) = rule.period else { return Ok(0) };
        match self {
            Self::Inactive => match version.policy.relationship_end {
                RelationshipEnd::Inactivity(after) => end_inactive(ctx, actor, after).await,
                _ => Ok(0),
            },
            Self::Retire => {
                let holds = rule.holds.union(&still_pursued()).copied().collect();
                retire(ctx, actor, &over(ctx, period, &holds)).await
            }
            Self::Mail => remove_mails(ctx, actor, period).await,
            Self::SignIns => delete_sign_ins(ctx, actor.org, period, &rule.holds).await,
            Self::Blocks => blocked::lift_over(ctx).await,
            Self::Core => empty_archive(ctx, actor, &rule.holds).await,
            Self::AuditBooks | Self::AuditOther => {
                let tx = ctx.db.read(actor.org).await?;
                let (chain, before) = self.acts_before(ctx, &tx, version, period).await?;
                tx.commit().await?;
                audit::prune(ctx, actor, chain, before, &rule.holds).await
            }
            _ => self.end_years(ctx, actor, version).await,
        }
    }

    /// A chain of the audit log, and the point in time its events must be older than. Acts on the books stand at least as
    /// long as the books do.
    async fn acts_before(
        self,
        ctx: &Ctx,
        tx: &OrgTx,
        version: &Version,
        period: Period,
    ) -> Result<(Chain, DateTime<Utc>), Error> {
        if self == Self::AuditOther {
            return Ok((Chain::Other, midnight(period.cutoff(ctx.today()))));
        }
        let (books, _) = years(ctx, tx, version).await?;
        let own = financial_year_cutoff(ctx.today(), period, fiscal_start(tx).await?);
        Ok((Chain::Books, midnight(books.min(own))))
    }

    async fn end_years(self, ctx: &Ctx, actor: &Actor, version: &Version) -> Result<u64, Error> {
        let mut done = 0;
        loop {
            let work = Work::retain(ctx, actor).await?;
            let (before, holds) = years(ctx, &work.tx, version).await?;
            statistics::keep_before(&work, version, before).await?;
            let years = Years { before, holds: &holds };
            let count = match self {
                Self::Documents => years.delete_documents(&work.tx, BATCH, work.at).await?,
                Self::Payments => years.delete_payments(&work.tx, BATCH).await?,
                Self::Claims => years.delete_items(&work.tx, BATCH).await?,
                Self::BankFiles => years.delete_bank_files(&work.tx, midnight(before), work.at).await?,
                _ => carry_entries(&work, &years).await?,
            };
            if count == 0 {
                break;
            }
            work.tx.commit().await?;
            done += count;
        }
        remove_files(ctx, actor).await?;
        Ok(done)
    }
}

/// A claim that is pursued needs its debtor, whatever the policy says of contact details.
fn still_pursued() -> BTreeSet<Hold> {
    BTreeSet::from([Hold::OpenBalance, Hold::Dispute, Hold::Claim, Hold::Order])
}

fn over<'a>(ctx: &Ctx, period: Period, holds: &'a BTreeSet<Hold>) -> Over<'a> {
    let on_its_way_since = ctx.now() - Duration::days(IN_FLIGHT_DAYS);
    Over { before: period.cutoff(ctx.today()), on_its_way_since, holds }
}

/// First day of the oldest financial year that stands: by the longest of the clocks of the books, so that no document loses
/// its postings, nor the other way round.
async fn years(ctx: &Ctx, tx: &OrgTx, version: &Version) -> Result<(NaiveDate, BTreeSet<Hold>), Error> {
    let start = fiscal_start(tx).await?;
    let mut holds = BTreeSet::new();
    let mut before = ctx.today();
    for id in [
        RuleId::IssuedDocument,
        RuleId::Ledger,
        RuleId::Payment,
        RuleId::OpenItem,
        RuleId::DeliveryLog,
        RuleId::CustomerCore,
        RuleId::BankFile,
    ] {
        if let Some(rule) = version.policy.rule(id) {
            holds.extend(rule.holds.iter().copied());
            let period = rule.period.unwrap_or(Period::years(100));
            before = before.min(financial_year_cutoff(ctx.today(), period, start));
        }
    }
    Ok((before, holds))
}

/// The beginning of a day in Oslo.
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    let begins = day.and_time(NaiveTime::MIN).and_local_timezone(Oslo).earliest();
    begins.map_or(DateTime::<Utc>::MIN_UTC, |m| m.to_utc())
}

/// What keeps sign-ins of the installation's log: organisations that look into a breach, and holds on people.
async fn sign_ins_kept(ctx: &Ctx, holds: &BTreeSet<Hold>) -> Result<(Vec<Uuid>, Vec<Uuid>), Error> {
    let kinds: Vec<&str> = holds.iter().map(|h| h.as_str()).collect();
    let (mut investigating, mut held) = (Vec::new(), Vec::new());
    let tx = ctx.db.system_look().await?;
    let orgs = organisation::list_ids(&tx).await?;
    tx.commit().await?;
    for org in orgs {
        let tx = ctx.db.read(org).await?;
        let (open, users) = sign_in::kept_by(&tx, &kinds).await?;
        tx.commit().await?;
        investigating.extend(open.then_some(org));
        held.extend(users);
    }
    Ok((investigating, held))
}

async fn count_sign_ins(ctx: &Ctx, org: Uuid, period: Period, holds: &BTreeSet<Hold>) -> Result<Counted, Error> {
    let (investigating, held_users) = sign_ins_kept(ctx, holds).await?;
    let before = midnight(period.cutoff(ctx.today()));
    let due = sign_in::Due { before, investigating: &investigating, held_users: &held_users };
    let tx = ctx.db.system_look().await?;
    let counted = due.count(&tx, org).await?;
    tx.commit().await?;
    Ok(counted)
}

async fn delete_sign_ins(ctx: &Ctx, org: Uuid, period: Period, holds: &BTreeSet<Hold>) -> Result<u64, Error> {
    let (investigating, held_users) = sign_ins_kept(ctx, holds).await?;
    let before = midnight(period.cutoff(ctx.today()));
    let due = sign_in::Due { before, investigating: &investigating, held_users: &held_users };
    let mut done = 0;
    loop {
        let tx = ctx.db.system().await?;
        let count = due.delete(&tx, org, BATCH).await?;
        tx.commit().await?;
        done += count;
        if count < BATCH {
            return Ok(done);
        }
    }
}

async fn end_inactive(ctx: &Ctx, actor: &Actor, after: Period) -> Result<u64, Error> {
    let mut done = 0;
    loop {
        let tx = ctx.db.read(actor.org).await?;
        let ids = store::list_inactive(&tx, after.cutoff(ctx.today()), BATCH).await?;
        tx.commit().await?;
        if ids.is_empty() {
            return Ok(done);
        }
        done += customer::end_by_policy(ctx, actor, &ids).await?;
    }
}

async fn retire(ctx: &Ctx, actor: &Actor, over: &Over<'_>) -> Result<u64, Error> {
    let mut done = 0;
    loop {
        let mut work = Work::retain(ctx, actor).await?;
        // Locked before customers, as by every sync: a plan made before is stale.
        organisation::take_numbers(&work.tx, Counter::Sync, 0).await?;
        let ids = archive::lock_over(&work.tx, over, BATCH).await?;
        if ids.is_empty() {
            work.tx.commit().await?;
            break;
        }
        let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        organisation::take_numbers(&work.tx, Counter::Sync, count).await?;
        let kept = archive::retire(&work.tx, &ids, work.today(), work.at).await?;
        for id in &ids {
            let verb = if kept.contains(id) { "customer.archived" } else { "customer.deleted" };
            work.note(&Deed { verb, subject: "customer", id: *id, fields: "status" });
        }
        let id = actor.org;
        work.done(Deed { verb: "customers.archived", subject: "organisation", id, fields: "" }).await?;
        done += u64::try_from(count).unwrap_or_default();
    }
    // Who paid for them since follows.
    loop {
        let tx = ctx.db.retain(actor.org).await?;
        // Two nodes move one after the other.
        organisation::take_numbers(&tx, Counter::Sync, 0).await?;
        let followed = archive::follow(&tx, BATCH).await?;
        tx.commit().await?;
        if followed < BATCH {
            return Ok(done);
        }
    }
}

/// Posts what the entries of these years came to for some customers, and deletes them; how many.
async fn carry_entries(work: &Work<'_>, years: &Years<'_>) -> Result<u64, Error> {
    // Locked before sums are read: two nodes carry one after the other.
    organisation::take_numbers(&work.tx, Counter::Voucher, 0).await?;
    let customers = years.customers_with_entries(&work.tx, BATCH).await?;
    if customers.is_empty() {
        return Ok(years.delete_nobodys_entries(&work.tx, BATCH).await?);
    }
    let sums = years.carried(&work.tx, &customers).await?;
    let count = i64::try_from(sums.len()).unwrap_or(i64::MAX);
    let voucher = organisation::take_numbers(&work.tx, Counter::Voucher, count).await?;
    let carrying: Vec<Entry> = sums
        .into_iter()
        .zip(voucher..)
        .map(|((customer, ore), voucher_no)| {
            let (debit, credit) = if ore > 0 { ("receivable", "carried") } else { ("carried", "receivable") };
            Entry {
                org_id: work.tx.org(),
                id: work.id(),
                voucher_no,
                booked_on: years.before,
                kind: "balance_carried".to_owned(),
                debit_role: debit.to_owned(),
                debit_code: String::new(),
                credit_role: credit.to_owned(),
                credit_code: String::new(),
                amount_ore: ore.abs(),
                customer_id: Some(customer),
                invoice_id: None,
                payment_id: None,
                reverses_id: None,
                reason: None,
                created_at: work.at,
            }
        })
        .collect();
    Ok(years.delete_entries(&work.tx, &customers, &carrying).await?)
}

async fn empty_archive(ctx: &Ctx, actor: &Actor, holds: &BTreeSet<Hold>) -> Result<u64, Error> {
    let named = holds.iter().copied().filter(|h| *h != Hold::OpenBalance).collect();
    let (mut done, mut after) = (0, Uuid::nil());
    loop {
        let tx = ctx.db.retain(actor.org).await?;
        let emptied = archive::delete_emptied(&tx, &named, after, BATCH).await?;
        tx.commit().await?;
        let count = u64::try_from(emptied.len()).unwrap_or(u64::MAX);
        done += count;
        let Some(last) = emptied.last().filter(|_| count == BATCH) else { return Ok(done) };
        after = *last;
    }
}

/// Removes files in the folders that belong to no delivery and were not noted for removal: of a process that died between, or of
/// a time that a restore has undone.
pub(super) async fn remove_codes(ctx: &Ctx) -> Result<u64, Error> {
    let mut removed = 0;
    for folder in [&ctx.config.mail.spool_dir, &ctx.config.ehf.dir] {
        let files = named_after_deliveries(folder).await?;
        let ids: Vec<Uuid> = files.iter().map(|(id, _)| *id).collect();
        let tx = ctx.db.system_look().await?;
        let unknown = delivery::list_unknown(&tx, &ids).await?;
        tx.commit().await?;
        for (_, name) in files.into_iter().filter(|(id, _)| unknown.contains(id)) {
            match tokio::fs::remove_file(folder.join(name)).await {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
                _ => removed += 1,
            }
        }
    }
    Ok(removed)
}

/// Ids of the files in a folder that are named after deliveries.
async fn named_after_deliveries(folder: &Path) -> Result<Vec<(Uuid, String)>, Error> {
    let mut found = Vec::new();
    let mut entries = match tokio::fs::read_dir(folder).await {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        other => other?,
    };
    while let Some(entry) = entries.next_entry().await? {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(id) = name.split('.').next().and_then(|n| n.parse().ok()) {
            found.push((id, name));
        }
    }
    Ok(found)
}

/// Mails and e-invoices in folders whose deliveries have long come to an end: place and name.
async fn mails_due(ctx: &Ctx, tx: &OrgTx, period: Period) -> Result<Vec<(&'static str, String)>, Error> {
    let before = midnight(period.cutoff(ctx.today()));
    let mut due = Vec::new();
    for (place, folder) in [("spool", &ctx.config.mail.spool_dir), ("ehf", &ctx.config.ehf.dir)] {
        let files = named_after_deliveries(folder).await?;
        let ids: Vec<Uuid> = files.iter().map(|(id, _)| *id).collect();
        let over = delivery::list_over(tx, &ids, before).await?;
        due.extend(files.into_iter().filter(|(id, _)| over.contains(id)).map(|(_, name)| (place, name)));
    }
    Ok(due)
}

async fn remove_mails(ctx: &Ctx, actor: &Actor, period: Period) -> Result<u64, Error> {
    let tx = ctx.db.write(actor.org).await?;
    let due = mails_due(ctx, &tx, period).await?;
    let due: Vec<Removal> = due.into_iter().map(|(place, name)| Removal { place: place.to_owned(), name }).collect();
    erasure::note_removals(&tx, &due, ctx.now()).await?;
    tx.commit().await?;
    remove_codes(ctx).await?;
    remove_files(ctx, actor).await
}
