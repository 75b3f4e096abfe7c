//! Restoring: into a closed database, which opens only when nobody who was erased is in it, nothing the world has seen will be
//! used again, and the books balance (I10; decisions 23, 49 and 50).
//!
//! Closed is a file beside the ledgers, on which every command of the service stops. It is there before anything is loaded and
//! goes last; a restore that cannot be verified leaves it, with the reason in it.

use super::create::{DATABASE, FILES};
use super::manifest::Manifest;
use super::seal::{Keys, open_from};
use super::verify::{books_hold, check_signature, fetch, shown};
use super::{Vault, load, refuse};
use crate::config::Config;
use crate::ctx::Ctx;
use crate::privacy::{erase, ledger, retention, scrub};
use crate::services::error::Error;
use crate::services::{Actor, audit, seen};
use crate::store::backup::{self as store, Target};
use crate::store::ending;
use crate::store::organisation;
use crate::store::seen::{self as counters, Gap};
use chrono::{DateTime, Days, Utc};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use uuid::Uuid;

/// Why the service is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The backup that is being restored.
    pub backup: String,
    /// loading, or loaded: what is left to do can be done again.
    pub phase: String,
    /// Why it did not open.
    pub reason: Option<String>,
    /// What the backup said of itself.
    pub manifest: Manifest,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The backup.
    pub backup: String,
    /// Organisations in it.
    pub organisations: usize,
    /// People who were erased again.
    pub erased_again: u64,
    /// Numbers that were given out after the backup and are lost.
    pub lost_numbers: Vec<Lost>,
    /// Deliveries that had left after the backup, and wait for a person instead of leaving twice.
    pub left_before: u64,
}

/// Numbers of a series that are lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// Whose.
    pub org: Uuid,
    /// The series.
    pub series: String,
    /// First lost number.
    pub first_no: i64,
    /// Last lost number.
    pub last_no: i64,
}

fn marker(config: &Config) -> PathBuf {
    config.ledgers.dir.join("restore.json")
}

/// Whether the service is closed, and why.
pub fn closed(config: &Config) -> Result<Option<Closed>, Error> {
    let path = marker(config);
    let text = match std::fs::read(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let shown = path.display();
    serde_json::from_slice(&text).map(Some).map_err(|_| {
        refuse("closed", format!("a restore was begun and {shown} cannot be read; restore anew, then remove it"))
    })
}

/// Refuses while a restore has not ended.
pub fn unless_closed(config: &Config) -> Result<(), Error> {
    let Some(closed) = closed(config)? else { return Ok(()) };
    let why = closed.reason.unwrap_or_else(|| "it has not ended".to_owned());
    let next = if closed.phase == "loaded" {
        "`reskontro backup restore --resume` goes on when that is mended"
    } else {
        "move what was loaded away and restore again"
    };
    let message = format!("the database is closed: the restore of {} is not verified ({why}); {next}", closed.backup);
    Err(refuse("closed", message))
}

fn write_marker(config: &Config, closed: &Closed) -> Result<(), Error> {
    use std::io::Write;
    std::fs::create_dir_all(&config.ledgers.dir)?;
    let mut file = tempfile::NamedTempFile::new_in(&config.ledgers.dir)?;
    file.write_all(&serde_json::to_vec_pretty(closed).map_err(io::Error::other)?)?;
    file.as_file().sync_all()?;
    file.persist(marker(config)).map_err(|e| e.error)?;
    Ok(std::fs::File::open(&config.ledgers.dir)?.sync_all()?)
}

/// What to restore, and with what.
pub struct Request<'a> {
    /// The backup; the newest when left out.
    pub name: Option<&'a str>,
    /// An age identity file.
    pub identity: &'a Path,
    /// The key the manifest must be signed with, where this installation has none.
    pub trust_key: Option<&'a str>,
}

/// Loads a backup into the empty database and folder of the settings, and closes them. Nothing opens them but `open`.
pub async fn load(config: &Config, request: &Request<'_>) -> Result<Manifest, Error> {
    let vault = Vault::open(config)?;
    let manifest = match request.name {
        Some(name) => vault.manifest(name).await?,
        None => {
            let newest = vault.backups().await?.into_iter().next();
            newest.ok_or_else(|| refuse("backup_missing", "there is no backup"))?
        }
    };
    let own = own_key(config)?;
    check_signature(&manifest, request.trust_key, own.as_deref())?;
    if manifest.schema > store::newest_migration() {
        let message = format!("the backup is of a newer service ({}); restore it with that", manifest.version);
        return Err(refuse("newer_schema", message));
    }
    let keys = Keys::read(request.identity)?;
    load::check_empty(&config.database).await?;
    check_files(&config.files.dir)?;
    let scratch = TempDir::new()?;
    fetch(&vault, &manifest, scratch.path()).await?;
    // Nothing is begun with a key that opens nothing.
    for sealed in [FILES, DATABASE] {
        open_from(&scratch.path().join(sealed), &keys, |_| Ok(()))?;
    }
    let mut closed =
        Closed { backup: manifest.name.clone(), phase: "loading".to_owned(), reason: None, manifest: manifest.clone() };
    write_marker(config, &closed)?;
    unpack(&scratch.path().join(FILES), &keys, &config.files.dir)?;
    load::load(config, &config.database, &manifest, &scratch.path().join(DATABASE), &keys).await?;
    let target = Target::open(&config.database).await?;
    let whole = load::check_rows(&target, &manifest).await;
    target.close().await?;
    if let Err(error) = whole {
        closed.reason = Some(error.to_string());
        write_marker(config, &closed)?;
        return Err(error);
    }
    "loaded".clone_into(&mut closed.phase);
    write_marker(config, &closed)?;
    Ok(manifest)
}

/// This installation's public key, where it has one.
fn own_key(config: &Config) -> Result<Option<String>, Error> {
    let bytes = match std::fs::read(config.files.dir.join("installation.key")) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    Ok(bytes.try_into().ok().and_then(|key| crate::ctx::InstallationKey::new(key).public_key()))
}

/// The folder of files may hold the installation's key and nothing else: what stands there is of another day.
fn check_files(dir: &Path) -> Result<(), Error> {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_name() != "installation.key" {
            let message = format!(
                "{} holds files: move them away, all but installation.key; a restore writes over nothing",
                dir.display()
            );
            return Err(refuse("target_not_empty", message));
        }
    }
    Ok(())
}

/// Writes the files of a backup; a name that leads out of the folder is refused by the reader.
fn unpack(sealed: &Path, keys: &Keys, dir: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(dir)?;
    open_from(sealed, keys, |packed| {
        let mut tar = tar::Archive::new(packed);
        tar.set_preserve_permissions(true);
        for entry in tar.entries()? {
            let mut entry = entry?;
            if !entry.unpack_in(dir)? {
                return Err(io::Error::other("a file of the backup leads out of its folder"));
            }
        }
        Ok(())
    })
}

/// Closes a database that was brought back to a point in time by other means, such as point-in-time recovery or a snapshot, and
/// makes it safe as a restore does. What must be in the ledgers is told by the newest backup made before.
pub async fn adopt(ctx: &Ctx, as_of: DateTime<Utc>) -> Result<Restored, Error> {
    unless_closed(&ctx.config)?;
    if as_of > ctx.now() {
        return Err(Error::field(
            "as_of",
            "in_the_future",
            "give the point in time the copy is of, such as 2027-03-01T12:00:00Z",
        ));
    }
    let before = Vault::open(&ctx.config)?.backups().await?.into_iter().find(|m| m.made_at <= as_of);
    let Some(manifest) = before else {
        let message = format!(
            "no backup was made before {as_of}: what the ledgers must know then is told by none; name a later time"
        );
        return Err(refuse("backup_missing", message));
    };
    check_signature(&manifest, None, ctx.key.public_key().as_deref())?;
    let closed = Closed { backup: manifest.name.clone(), phase: "loaded".to_owned(), reason: None, manifest };
    write_marker(&ctx.config, &closed)?;
    open(ctx).await
}

/// Makes a loaded database safe, proves it, and opens it. What fails leaves it closed, with the reason.
pub async fn open(ctx: &Ctx) -> Result<Restored, Error> {
    let Some(mut closed) = closed(&ctx.config)? else {
        return Err(refuse("not_closed", "no restore has been begun"));
    };
    if closed.phase != "loaded" {
        unless_closed(&ctx.config)?;
    }
    match make_safe(ctx, &closed.manifest).await {
        Ok(report) => {
            std::fs::remove_file(marker(&ctx.config))?;
            tracing::info!(backup.name = %closed.backup, "a backup was restored and verified");
            Ok(report)
        }
        Err(error) => {
            closed.reason = Some(error.to_string());
            write_marker(&ctx.config, &closed)?;
            Err(error)
        }
    }
}

async fn make_safe(ctx: &Ctx, manifest: &Manifest) -> Result<Restored, Error> {
    let lines = ledger::read(ctx).await?;
    ledgers_are_whole(ctx, manifest, &lines).await?;
    let mut erased_again = 0;
    for line in ledger::to_replay(&lines) {
        erased_again += u64::from(erase::replay(ctx, line).await?);
    }
    let orgs = organisations(ctx).await?;
    let mut report = Restored {
        backup: manifest.name.clone(),
        organisations: orgs.len(),
        erased_again,
        lost_numbers: Vec::new(),
        left_before: 0,
    };
    reconcile(ctx, manifest, &orgs, &mut report).await?;
    // Segments sealed while the backup was made: their heads came with the files, they themselves did not.
    audit::note_restore(ctx, manifest.made_at)?;
    for org in &orgs {
        // An end may have been called off since the backup was made: somebody has a week to look.
        let tx = ctx.db.retain(*org).await?;
        ending::put_off(&tx, ctx.today() + Days::new(7)).await?;
        tx.commit().await?;
        // What has had its time since the backup was made.
        retention::nightly(ctx, &Actor::job(*org)).await?;
        erase::remove_files(ctx, &Actor::job(*org)).await?;
        books_hold(ctx, *org).await?;
    }
    nobody_is_back(ctx, &lines).await?;
    scrub::run(ctx).await?;
    Ok(report)
}

/// Both ledgers go on from where they were at every backup there is, not this one alone: an old copy of a ledger knows nothing
/// of what came after it.
async fn ledgers_are_whole(ctx: &Ctx, manifest: &Manifest, lines: &[ledger::Line]) -> Result<(), Error> {
    let own = ctx.key.public_key().unwrap_or_default();
    let mut made = Vault::open(&ctx.config)?.backups().await.unwrap_or_default();
    made.retain(|m| m.is_signed_by(&own));
    made.push(manifest.clone());
    let known = seen::backups(ctx).await?;
    for backup in made {
        let dir = ctx.config.ledgers.dir.display();
        if !ledger::goes_on_from(lines, &backup.erasures) {
            let message = format!(
                "the erasure ledger in {dir} is not the one this installation kept: it had {} lines when {} was made. Without \
                 it people who were erased would come back; put the ledger back",
                backup.erasures.lines, backup.name
            );
            return Err(refuse("erasure_ledger_lost", message));
        }
        if !known.contains(&backup.name) {
            let message = format!(
                "the ledger of what the world has seen in {dir} does not know of {}. Without it numbers would be given out \
                 twice and mail sent twice; put seen.log back",
                backup.name
            );
            return Err(refuse("seen_ledger_lost", message));
        }
    }
    Ok(())
}

async fn organisations(ctx: &Ctx) -> Result<Vec<Uuid>, Error> {
    let tx = ctx.db.system_look().await?;
    let orgs = organisation::list_ids(&tx).await?;
    tx.commit().await?;
    Ok(orgs)
}

/// Raises counters to what the world has seen, and holds back what has left.
async fn reconcile(ctx: &Ctx, manifest: &Manifest, orgs: &[Uuid], report: &mut Restored) -> Result<(), Error> {
    let seen = seen::read(ctx, manifest.made_at).await?;
    let reason = format!("given out after the backup of {}", manifest.made_at.format("%Y-%m-%d %H:%M UTC"));
    for org in orgs {
        let Some(seen) = seen.get(org) else { continue };
        let tx = ctx.db.write(*org).await?;
        let gaps = counters::raise(&tx, &seen.counters, &reason, ctx.now()).await?;
        tx.commit().await?;
        let lost = |g: Gap| Lost { org: *org, series: g.series, first_no: g.first_no, last_no: g.last_no };
        report.lost_numbers.extend(gaps.into_iter().map(lost));
        report.left_before += crate::services::delivery::hold_back(ctx, *org, &seen.deliveries).await?;
    }
    Ok(())
}

/// The canary of a restore: nobody the ledger names is in the database as a customer, a contact person or a user.
async fn nobody_is_back(ctx: &Ctx, lines: &[ledger::Line]) -> Result<(), Error> {
    for line in ledger::to_replay(lines) {
        let tx = ctx.db.read(line.org).await?;
        let back = crate::store::erasure::is_back(&tx, line.subject).await?;
        tx.commit().await?;
        if back {
            let message = format!("case {} was erased and is in the restored database all the same", line.case);
            return Err(refuse("somebody_is_back", message));
        }
    }
    Ok(())
}

/// Where a restore loads to, for people.
pub fn target(config: &Config) -> String {
    shown(config)
}
