//! Handing over: the statutory archive to the organisation that keeps its own (`archive_custody = tenant`), or all there is when
//! its agreement ends. A package is written, checked and confirmed by whoever got it; then the copy here goes
//! (retention matrix, section 3; GDPR article 28 (3) (g)).

mod content;
mod manifest;
mod stream;

pub use manifest::{Entry, Manifest, check};

use super::certificate::{Certificate, Fate, Part, finish, to_content};
use super::erase::{self, remove_files};
use super::ledger::{self, Kind, Line};
use super::policy;
use super::reading;
use crate::ctx::{Ctx, oslo_day};
use crate::services::error::Error;
use crate::services::upkeep::job;
use crate::services::work::{Actor, Deed, Work};
use crate::store::erasure::{self, Erasure};
use crate::store::hand_over::{self as store, Gone, HandOver, Taken};
use crate::store::organisation::{self, Organisation};
use crate::store::{archive, ending};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use content::Package;
use domain::hex;
use domain::privacy::{Custody, RuleId};
use serde::{Deserialize, Serialize};
use std::io::{Seek, Write};
use std::path::Path;
use stream::Stream;
use tempfile::NamedTempFile;
use tokio::sync::mpsc;
use utoipa::ToSchema;
use uuid::Uuid;

/// Customers whose copy goes in one transaction: billing never waits long.
const BATCH: u64 = 200;

/// What is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Customers of ended relationships, with their documents and books.
    Archive,
    /// Every customer, with documents and books.
    Organisation,
}

impl Scope {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Organisation => "organisation",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Archive, Self::Organisation].into_iter().find(|s| s.as_str() == text)
    }
}

/// A package that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HandOverView {
    /// The package.
    pub id: Uuid,
    /// archive or organisation.
    pub scope: String,
    /// Customers in it.
    pub customers: i64,
    /// Invoices and credit notes in it.
    pub documents: i64,
    /// Its size.
    pub bytes: i64,
    /// When it was written.
    pub made_at: DateTime<Utc>,
    /// When somebody confirmed to have it.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Customers of the archive in it whose copy is still here.
    pub still_here: i64,
}

impl HandOverView {
    fn new(row: HandOver, still_here: i64) -> Self {
        Self {
            id: row.id,
            scope: row.scope,
            customers: row.customers,
            documents: row.documents,
            bytes: row.bytes,
            made_at: row.made_at,
            confirmed_at: row.confirmed_at,
            still_here,
        }
    }
}

/// How the archive stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Standing {
    /// platform or tenant: who keeps the archive by the policy in force.
    pub custody: String,
    /// Customers whose archive is here.
    pub customers: i64,
    /// Since when the one who has waited longest is.
    pub waiting_since: Option<DateTime<Utc>>,
    /// Packages that were written, the newest first.
    pub packages: Vec<HandOverView>,
}

/// How the archive stands, and what was handed over.
pub async fn standing(ctx: &Ctx, actor: &Actor) -> Result<Standing, Error> {
    let tx = ctx.db.retain_look(actor.org).await?;
    let (customers, waiting_since) = store::waiting(&tx).await?;
    let mut left = store::left(&tx).await?;
    let packages = store::list(&tx).await?;
    let packages = packages.into_iter().map(|p| (left.remove(&p.id).unwrap_or_default(), p));
    let packages = packages.map(|(left, row)| HandOverView::new(row, left)).collect();
    let custody = policy::on(&tx, ctx.today()).await?.policy.archive_custody;
    tx.commit().await?;
    let custody = if custody == Custody::Tenant { "tenant" } else { "platform" };
    Ok(Standing { custody: custody.to_owned(), customers, waiting_since, packages })
}

/// A package that is about to be written.
pub struct Writing {
    ctx: Ctx,
    actor: Actor,
    org: Organisation,
    scope: Scope,
    reason: String,
    /// The package.
    pub id: Uuid,
    made_at: DateTime<Utc>,
    bookings: i64,
    package: Package,
}

/// Begins a package: what leaves of it goes through the channel. Who asked and why is kept, as of every look into the archive.
pub async fn begin(
    ctx: &Ctx,
    actor: &Actor,
    scope: Scope,
    reason: &str,
) -> Result<(Writing, mpsc::Receiver<Bytes>), Error> {
    let reason = reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > 200 {
        return Err(Error::field("reason", "required", "say in up to 200 characters why the package is made"));
    }
    let tx = ctx.db.retain_look(actor.org).await?;
    let org = organisation::find(&tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let chosen = organisation::list_gl(&tx).await?;
    let bookings = store::all_bookings(&tx).await?;
    let is_empty = scope == Scope::Archive
        && store::archived(&tx, Uuid::nil(), 1).await?.is_empty()
        && store::gone(&tx, Gone::Since, Uuid::nil(), 1).await?.is_empty();
    tx.commit().await?;
    if is_empty {
        return Err(Error::conflict("archive_empty", "nobody is in the archive; there is nothing to hand over"));
    }
    let (to, from) = mpsc::channel(8);
    let package = Package::begin(chosen, Stream::new(to))?;
    let (ctx, actor, id, made_at) = (ctx.clone(), actor.clone(), ctx.id(), ctx.now());
    Ok((Writing { ctx, actor, org, scope, reason, id, made_at, bookings, package }, from))
}

impl Writing {
    /// Writes it. It counts as written when all of it was taken.
    pub async fn write(self) -> Result<HandOverView, Error> {
        let Self { ctx, actor, org, scope, reason, id, made_at, bookings, mut package } = self;
        let added = match scope {
            Scope::Archive => Box::pin(package.add_archive(&ctx, &actor, Gone::Since)).await,
            Scope::Organisation => Box::pin(package.add_all(&ctx, &actor)).await,
        };
        // Who took half of it has seen half of them.
        reading::note_because(&ctx, &actor, "archive.handed_over", &reason, package.people()).await?;
        added?;
        let (customers, documents) = (package.count, package.papers);
        let booked = std::mem::take(&mut package.booked);
        let (content_hash, bytes) = Box::pin(package.finish(&ctx, &org, scope.as_str(), id)).await?;
        let row = HandOver {
            org_id: actor.org,
            id,
            version: 1,
            scope: scope.as_str().to_owned(),
            customers,
            documents,
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            content_hash: content_hash.to_vec(),
            bookings,
            made_at,
            confirmed_at: None,
            taken: None,
        };
        let work = Work::retain(&ctx, &actor).await?;
        store::insert(&work.tx, row.clone()).await?;
        let mut still_here = 0;
        if scope == Scope::Archive {
            store::note(&work.tx, &booked, id).await?;
            still_here = i64::try_from(booked.len()).unwrap_or(i64::MAX);
        }
        work.done(Deed { verb: "hand_over.written", subject: "hand_over", id, fields: "" }).await?;
        Ok(HandOverView::new(row, still_here))
    }
}

/// Writes a package into a private temporary file.
pub async fn write(
    ctx: &Ctx,
    actor: &Actor,
    scope: Scope,
    reason: &str,
) -> Result<(HandOverView, NamedTempFile), Error> {
    let (writing, mut from) = begin(ctx, actor, scope, reason).await?;
    let fill = async move {
        let mut file = NamedTempFile::new()?;
        while let Some(chunk) = from.recv().await {
            file.write_all(&chunk)?;
        }
        file.flush()?;
        Ok::<_, Error>(file)
    };
    let (made, file) = tokio::join!(writing.write(), fill);
    let file = file?;
    Ok((made?, file))
}

/// What became of a confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// Customers whose copy here is gone.
    pub handed_over: i64,
    /// Customers of the package whose copy stays: a hold keeps it, or something was booked since. They go with the next one.
    pub stay: i64,
    /// The certificate; none where nothing went, or goes with the whole organisation on its day.
    pub certificate: Option<Uuid>,
}

/// Takes the word of whoever has the package, and deletes what is in it here: at once of an archive, on the next night of an
/// organisation whose agreement has ended.
pub async fn confirm(ctx: &Ctx, actor: &Actor, id: Uuid, sha256: &str) -> Result<Confirmed, Error> {
    let row = accept(ctx, actor, id, sha256, false).await?;
    if row.scope == Scope::Organisation.as_str() {
        return Ok(Confirmed { handed_over: 0, stay: 0, certificate: None });
    }
    take(ctx, actor, id).await
}

/// Takes the word of whoever has the package; what is in it is deleted here in the service's own time (job `take_archive`).
pub async fn confirm_later(ctx: &Ctx, actor: &Actor, id: Uuid, sha256: &str) -> Result<HandOverView, Error> {
    let row = accept(ctx, actor, id, sha256, true).await?;
    let tx = ctx.db.retain_look(actor.org).await?;
    let still_here = store::left(&tx).await?.remove(&id).unwrap_or_default();
    tx.commit().await?;
    Ok(HandOverView::new(row, still_here))
}

async fn accept(ctx: &Ctx, actor: &Actor, id: Uuid, sha256: &str, by_job: bool) -> Result<HandOver, Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = store::lock(&work.tx, id).await?.ok_or_else(|| Error::not_found("package"))?;
    if hex::decode(sha256.trim()).as_deref() != Some(&row.content_hash[..]) {
        let message = "this is not the SHA-256 of the package that was written; fetch it again and check it";
        return Err(Error::field("sha256", "digest_differs", message));
    }
    if row.scope == Scope::Archive.as_str() {
        unless_kept_here(&work).await?;
    } else {
        unless_more_is_here(&work, &row).await?;
        ending::delete_from(&work.tx, work.today()).await?;
    }
    if by_job && row.scope == Scope::Archive.as_str() {
        let key = format!("{id}:{}", work.at.format("%Y-%m-%dT%H:%M"));
        crate::store::job::enqueue(&work.tx, job(ctx, actor.org, "take_archive", &key, Some(id))).await?;
    }
    if row.confirmed_at.is_none() {
        row.confirmed_at = Some(work.at);
        row.version += 1;
        store::update(&work.tx, row.clone()).await?;
        work.done(Deed { verb: "hand_over.confirmed", subject: "hand_over", id, fields: "confirmed_at" }).await?;
    } else {
        work.tx.commit().await?;
    }
    Ok(row)
}

/// Refuses to delete an archive that the policy in force keeps here.
async fn unless_kept_here(work: &Work<'_>) -> Result<(), Error> {
    let version = policy::on(&work.tx, work.today()).await?;
    if version.policy.archive_custody != Custody::Tenant {
        let message = "by the policy in force the archive is kept here; publish one with archive_custody = tenant, so that the \
                       statement says who keeps it, then confirm";
        return Err(Error::conflict("custody_platform", message));
    }
    if version.approved_at.is_none() {
        let message = format!(
            "nothing is deleted by a policy that nobody has approved: privacy policy approve {}",
            version.version_no
        );
        return Err(Error::conflict("policy_not_approved", message));
    }
    Ok(())
}

/// Refuses a package of an organisation that does not hold all there is.
async fn unless_more_is_here(work: &Work<'_>, package: &HandOver) -> Result<(), Error> {
    let over = ending::find(&work.tx).await?.filter(|e| e.ends_on <= work.today() && e.deleted_on.is_some());
    let Some(over) = over else {
        let message = "the agreement goes on: nothing is deleted by this; end it first (org end)";
        return Err(Error::conflict("agreement_goes_on", message));
    };
    let is_late = oslo_day(package.made_at) > over.ends_on;
    if !is_late || store::all_bookings(&work.tx).await? != package.bookings {
        let message = "the package was written before the last day was over, or something was billed or paid since: write \
                       another one and confirm that";
        return Err(Error::conflict("package_too_old", message));
    }
    Ok(())
}

/// Deletes what a confirmed package holds; goes on where a process died.
pub async fn take(ctx: &Ctx, actor: &Actor, package: Uuid) -> Result<Confirmed, Error> {
    loop {
        let tx = ctx.db.retain_look(actor.org).await?;
        let ids = store::to_take(&tx, package, BATCH).await?;
        tx.commit().await?;
        if ids.is_empty() {
            break;
        }
        let cases: Vec<(Uuid, Uuid)> = ids.iter().map(|id| (ctx.id(), *id)).collect();
        let line = |kind, (case, subject): (Uuid, Uuid)| Line {
            at: ctx.now(),
            kind,
            case,
            org: actor.org,
            scope: ledger::HANDED_OVER.to_owned(),
            subject,
            numbers: Vec::new(),
            seal: String::new(),
        };
        ledger::append_all(ctx, cases.iter().map(|c| line(Kind::Intent, *c)).collect()).await?;
        // An error may hide a commit whose answer was lost: the intents are settled by what the database has.
        let tx = ctx.db.retain(actor.org).await?;
        let mut row = store::lock(&tx, package).await?.ok_or_else(|| Error::not_found("package"))?;
        let taken = so_far(&row)?.plus(store::take(&tx, &ids, ctx.now()).await?);
        row.taken = Some(serde_json::to_string(&taken).map_err(std::io::Error::other)?);
        store::update(&tx, row).await?;
        tx.commit().await?;
        ledger::append_all(ctx, cases.iter().map(|c| line(Kind::Done, *c)).collect()).await?;
    }
    remove_files(ctx, actor).await?;
    ctx.db.truncate_log().await?;
    let (handed_over, certificate) = certify(ctx, actor, package).await?;
    let tx = ctx.db.retain_look(actor.org).await?;
    let stay = store::left(&tx).await?.remove(&package).unwrap_or_default();
    tx.commit().await?;
    Ok(Confirmed { handed_over, stay, certificate })
}

/// What went of a package and no certificate says yet.
fn so_far(package: &HandOver) -> Result<Taken, Error> {
    let text = package.taken.as_deref().map(serde_json::from_str).transpose();
    Ok(text.map_err(std::io::Error::other)?.unwrap_or_default())
}

/// Says what went since the last certificate, signed; it names nobody. How many customers, and which certificate.
async fn certify(ctx: &Ctx, actor: &Actor, package: Uuid) -> Result<(i64, Option<Uuid>), Error> {
    let work = Work::retain(ctx, actor).await?;
    let package = store::lock(&work.tx, package).await?.ok_or_else(|| Error::not_found("package"))?;
    let taken = so_far(&package)?;
    if taken.is_empty() {
        work.tx.commit().await?;
        return Ok((0, None));
    }
    let part = |rule: RuleId, what: &str, count: u64| Part {
        fate: Fate::Deleted,
        rule,
        what: what.to_owned(),
        count: i64::try_from(count).unwrap_or(i64::MAX),
        until: None,
        source: rule.facts().source.to_owned(),
        held_by: Vec::new(),
    };
    let parts = [
        part(RuleId::CustomerCore, "numbers and names, in the archive", taken.customers),
        part(RuleId::IssuedDocument, "buyers, texts and files of documents", taken.documents),
        part(RuleId::Payment, "who paid", taken.payers),
        part(RuleId::Correspondence, "notes that matter for the books", taken.notes),
        part(RuleId::DeliveryAddress, "addresses of deliveries", taken.addresses),
    ];
    let id = work.id();
    let mut certificate = Certificate {
        id,
        scope: Scope::Archive.as_str().to_owned(),
        policy_version: policy::on(&work.tx, ctx.today()).await?.version_no,
        asked_at: package.confirmed_at.unwrap_or(work.at),
        done_at: None,
        parts: parts.into_iter().filter(|p| p.count > 0).collect(),
        backups_gone_by: None,
        overwritten_by: None,
        overwritten_at: None,
        signature: String::new(),
        public_key: String::new(),
    };
    finish(ctx, &mut certificate, work.at);
    let row = Erasure {
        org_id: actor.org,
        id,
        version: 1,
        subject_kind: certificate.scope.clone(),
        subject_id: None,
        state: "done".to_owned(),
        content: to_content(&certificate)?,
        asked_at: certificate.asked_at,
        done_at: certificate.done_at,
        overwritten_at: None,
    };
    erasure::insert(&work.tx, row).await?;
    store::update(&work.tx, HandOver { taken: None, ..package }).await?;
    work.done(Deed { verb: "privacy_erasure.done", subject: "privacy_erasure", id, fields: "" }).await?;
    Ok((i64::try_from(taken.customers).unwrap_or(i64::MAX), Some(id)))
}

/// Goes on with packages that were confirmed: what a hold kept goes when it is released. Each night.
pub(super) async fn continue_confirmed(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let tx = ctx.db.retain_look(actor.org).await?;
    let packages = store::list(&tx).await?;
    tx.commit().await?;
    let confirmed = |p: &&HandOver| p.confirmed_at.is_some() && p.scope == Scope::Archive.as_str();
    for package in packages.iter().filter(confirmed) {
        take(ctx, actor, package.id).await?;
    }
    Ok(())
}

/// Takes away again what a restored backup brought back: who was handed over is not here any more.
pub(super) async fn replay(ctx: &Ctx, line: &Line) -> Result<bool, Error> {
    let tx = ctx.db.read(line.org).await?;
    let taken = store::is_taken(&tx, line.subject).await?;
    let archived = archive::is_archived(&tx, line.subject).await?;
    tx.commit().await?;
    if taken {
        return Ok(false);
    }
    if !archived && !erase::replay_handed_over(ctx, line).await? {
        return Ok(false);
    }
    let tx = ctx.db.retain(line.org).await?;
    // Who owes something by the restored books is still needed; the archive is handed over again when that is settled.
    if archive::is_archived(&tx, line.subject).await? {
        store::take(&tx, &[line.subject], ctx.now()).await?;
    }
    tx.commit().await?;
    remove_files(ctx, &Actor::job(line.org)).await?;
    Ok(true)
}

/// Moves a package to where it is wanted; a file that is there already is left alone.
pub fn save(file: &NamedTempFile, path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = NamedTempFile::new_in(folder)?;
    file.as_file().rewind()?;
    std::io::copy(&mut file.as_file(), beside.as_file_mut())?;
    beside.as_file().sync_all()?;
    beside.persist_noclobber(path).map_err(|e| e.error)?;
    std::fs::File::open(folder)?.sync_all()
}
