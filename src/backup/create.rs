//! Making a backup: a consistent copy of the database and the files beside it, each compressed, encrypted and hashed, then the
//! signed manifest. Killed at any moment, what is left has no manifest and is no backup.

use super::Vault;
use super::manifest::{MANIFEST, Manifest, Object};
use super::seal::{recipients, seal_into};
use super::tools;
use crate::ctx::Ctx;
use crate::privacy::ledger;
use crate::services::error::Error;
use crate::services::seen;
use crate::store::backup::{self as store, Snapshot};
use age::x25519::Recipient;
use domain::hex;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Object of the database.
pub(super) const DATABASE: &str = "database.age";
/// Object of the files.
pub(super) const FILES: &str = "files.age";
/// What a backup is made in begins so; left by a crash, it goes at the next start.
const STAGING: &str = ".staging-";
/// Locked while somebody is at it.
const HELD: &str = "held";

/// Makes a backup; what it says of itself.
pub async fn create(ctx: &Ctx) -> Result<Manifest, Error> {
    let to = recipients(&ctx.config.backup.recipients)?;
    let vault = Vault::open(&ctx.config)?;
    let staging = Staging::new(&ctx.config.files.dir)?;
    // Before the copy: what is erased later is found in the ledger after this point.
    let erasures = ledger::head(ctx).await?;
    let made_at = ctx.now();
    let name = format!("{}-{}", made_at.format("%Y%m%dT%H%M%SZ"), &ctx.id().simple().to_string()[24..]);
    seen::note_backup(ctx, &name).await?;
    let (database, rows) = database(ctx, &staging, to.clone()).await?;
    let files = files(ctx, &staging, to).await?;
    for object in [&database, &files] {
        vault.put_file(&format!("{name}/{}", object.name), &staging.path().join(&object.name)).await?;
    }
    let manifest = Manifest {
        name: name.clone(),
        made_at,
        engine: if ctx.db.is_postgres() { "postgres" } else { "sqlite" }.to_owned(),
        schema: store::newest_migration(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        objects: vec![database, files],
        rows,
        erasures,
        recipients: ctx.config.backup.recipients.clone(),
        public_key: String::new(),
        signature: String::new(),
    };
    let manifest = manifest.sign(&ctx.key)?;
    let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::other)?;
    vault.put(&format!("{name}/{MANIFEST}"), text).await?;
    metrics::gauge!("reskontro_backup_made_at_seconds").set(seconds(made_at.timestamp()));
    tracing::info!(backup.name = %name, backup.bytes = manifest.bytes(), "a backup was made");
    Ok(manifest)
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in a float until long after any of this")]
pub(super) const fn seconds(whole: i64) -> f64 {
    whole as f64
}

/// A folder something is made in, held for as long as somebody is at it.
pub(super) struct Staging {
    dir: TempDir,
    _held: File,
}

impl Staging {
    /// A new one, after what was left by a crash has been removed.
    pub(super) fn new(files: &Path) -> Result<Self, Error> {
        clear_staging(files)?;
        std::fs::create_dir_all(files)?;
        let dir = tempfile::Builder::new().prefix(STAGING).tempdir_in(files)?;
        let held = File::create(dir.path().join(HELD))?;
        held.lock()?;
        Ok(Self { dir, _held: held })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Removes what was left behind by a crash: a folder nobody holds.
pub fn clear_staging(files: &Path) -> Result<(), Error> {
    for entry in std::fs::read_dir(files).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(STAGING) {
            continue;
        }
        let held = File::open(entry.path().join(HELD)).is_ok_and(|lock| lock.try_lock().is_err());
        // One that has just been made is not locked yet.
        let new = entry.metadata()?.modified()?.elapsed().is_ok_and(|age| age.as_secs() < 10);
        if !held && !new {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn object(name: &str, (bytes, hash): (u64, [u8; 32])) -> Object {
    Object { name: name.to_owned(), bytes, sha256: hex::encode(&hash) }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

async fn database(ctx: &Ctx, staging: &Staging, to: Vec<Recipient>) -> Result<(Object, BTreeMap<String, i64>), Error> {
    let path = staging.path().join(DATABASE);
    if !ctx.db.is_postgres() {
        let copy = staging.path().join("copy.db");
        ctx.db.copy_to(&copy.to_string_lossy()).await?;
        let rows = store::count_file(&copy).await?;
        let sealed = blocking(move || {
            let mut open = File::open(&copy)?;
            // From here on it has no name: killed, it leaves nothing.
            std::fs::remove_file(&copy)?;
            seal_into(&path, &to, |out| io::copy(&mut open, out).map(drop))
        });
        return Ok((object(DATABASE, sealed.await?), rows));
    }
    let snapshot = Snapshot::open(&ctx.config.database).await?;
    let dump = tools::program(&ctx.config, "pg_dump", snapshot.server)?;
    let url = ctx.config.database.backup_url.clone().ok_or(crate::store::Error::NoBackupRole)?;
    let id = snapshot.id.clone();
    let sealed = blocking(move || {
        let mut command = tools::command(&dump, &url)?;
        // Without its own compression: what goes through is compressed once, here.
        command.args(["--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--lock-wait-timeout=60s"]);
        command.arg(format!("--snapshot={id}"));
        let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn()?;
        let mut from = child.stdout.take().ok_or_else(|| io::Error::other("pg_dump says nothing"))?;
        let sealed = seal_into(&path, &to, |out| io::copy(&mut from, out).map(drop))?;
        tools::ended("pg_dump", child)?;
        Ok(sealed)
    });
    // Counted while it is dumped: both see the same moment.
    let (sealed, rows) = tokio::join!(sealed, snapshot.counts());
    let (sealed, rows) = (sealed?, rows?);
    snapshot.close().await?;
    Ok((object(DATABASE, sealed), rows))
}

async fn files(ctx: &Ctx, staging: &Staging, to: Vec<Recipient>) -> Result<Object, Error> {
    let (path, folder) = (staging.path().join(FILES), ctx.config.files.dir.clone());
    let sealed = blocking(move || seal_into(&path, &to, |out| pack(&folder, out))).await?;
    Ok(object(FILES, sealed))
}

/// Every file of the folder, as a tar. One that is removed meanwhile was erased, and is left out.
fn pack(folder: &Path, out: &mut dyn Write) -> io::Result<()> {
    let mut tar = tar::Builder::new(out);
    tar.follow_symlinks(false);
    let mut open: Vec<PathBuf> = vec![PathBuf::new()];
    while let Some(inside) = open.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(folder.join(&inside))?.collect::<Result<_, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = inside.join(entry.file_name());
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if entry.file_type()?.is_dir() {
                open.push(name);
                continue;
            }
            match File::open(entry.path()) {
                Ok(mut file) => tar.append_file(&name, &mut file)?,
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
    }
    tar.finish()
}

/// The nightly backup: none where nobody could read it.
pub async fn nightly(ctx: &Ctx) -> Result<(), Error> {
    if ctx.config.backup.recipients.is_empty() {
        return Ok(());
    }
    match create(ctx).await {
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::error!(error = %error, "the nightly backup could not be made");
            Err(error)
        }
    }
}
