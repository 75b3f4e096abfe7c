//! Is a backup whole, and can it be restored? Hashes and signature always; with a key, all of it is read into a scratch database
//! and the books are checked there.

use super::create::{DATABASE, FILES, Staging};
use super::manifest::Manifest;
use super::seal::{Keys, hash_of, open_from};
use super::{Vault, load, refuse};
use crate::config::{Config, Database};
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::{Actor, ledger};
use crate::store::backup::Target;
use crate::store::organisation;
use chrono::{DateTime, Utc};
use domain::hex;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// What was found of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The backup.
    pub name: String,
    /// Bytes that were read.
    pub bytes: u64,
    /// Whether it was restored into a scratch database.
    pub restored: bool,
    /// Rows found there.
    pub rows: i64,
    /// Files found in it.
    pub files: u64,
    /// Organisations whose books were checked there.
    pub organisations: usize,
}

/// Name of the note beside a backup that it was found whole; it goes with the backup.
pub(super) const LOOKED: &str = "verified.json";

/// That a backup was found whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Looked {
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it was restored into a scratch database, too.
    pub restored: bool,
}

/// Notes that a backup was found whole. A place that cannot be written to keeps nobody from looking.
async fn note(ctx: &Ctx, vault: &Vault, found: &Verified) -> Result<(), Error> {
    let looked = Looked { at: ctx.now(), restored: found.restored };
    let text = serde_json::to_vec(&looked).map_err(io::Error::other)?;
    if let Err(error) = vault.put(&format!("{}/{LOOKED}", found.name), text).await {
        tracing::warn!(error = %error, "that a backup is whole could not be noted beside it");
    }
    Ok(())
}

/// Whose signature a manifest must carry: the named key, else this installation's.
pub(super) fn check_signature(manifest: &Manifest, trusted: Option<&str>, own: Option<&str>) -> Result<(), Error> {
    let Some(key) = trusted.or(own) else {
        let message = "this installation has no key yet, so nobody says whose backup this is; give the key that \
                       `backup create` printed: --trust-key";
        return Err(refuse("backup_not_trusted", message));
    };
    if manifest.is_signed_by(key) {
        return Ok(());
    }
    let message = format!(
        "{} was not signed by {key}, or was changed since: it is another installation's, or somebody tampered with it",
        manifest.name
    );
    Err(refuse("backup_not_genuine", message))
}

/// Fetches the objects of a backup, each as the manifest says it is.
pub(super) async fn fetch(vault: &Vault, manifest: &Manifest, into: &Path) -> Result<(), Error> {
    for object in &manifest.objects {
        let path = into.join(&object.name);
        vault.fetch(&format!("{}/{}", manifest.name, object.name), &path).await?;
        let (bytes, hash) = tokio::task::spawn_blocking(move || hash_of(&path)).await.map_err(io::Error::other)??;
        if bytes != object.bytes || hex::encode(&hash) != object.sha256 {
            let message = format!(
                "{}/{} is not what was written: {bytes} bytes instead of {}, or other ones; take another backup",
                manifest.name, object.name, object.bytes
            );
            return Err(refuse("backup_broken", message));
        }
    }
    Ok(())
}

/// What a backup is to be read with.
pub struct Reading<'a> {
    /// An age identity file; without one only hashes and signature are checked.
    pub identity: Option<&'a Path>,
    /// PostgreSQL: an empty database of the owner to restore into.
    pub scratch: Option<SecretString>,
    /// The key the manifest must be signed with, where it is not this installation's.
    pub trust_key: Option<&'a str>,
}

/// A backup as it was fetched: what it says of itself, where it lies, and what is known of it so far.
struct Fetched {
    vault: Vault,
    manifest: Manifest,
    scratch: Staging,
    found: Verified,
}

async fn fetched(ctx: &Ctx, name: &str, trust_key: Option<&str>) -> Result<Fetched, Error> {
    let vault = Vault::open(&ctx.config)?;
    let manifest = vault.manifest(name).await?;
    check_signature(&manifest, trust_key, ctx.key.public_key().as_deref())?;
    // Where a crash leaves nothing that is not removed at the next start.
    let scratch = Staging::new(&ctx.config.files.dir)?;
    fetch(&vault, &manifest, scratch.path()).await?;
    let found = Verified {
        name: manifest.name.clone(),
        bytes: manifest.bytes(),
        restored: false,
        rows: 0,
        files: 0,
        organisations: 0,
    };
    Ok(Fetched { vault, manifest, scratch, found })
}

/// Checks hashes and signature of a backup, which needs no key to its content.
pub async fn check_whole(ctx: &Ctx, name: &str, trust_key: Option<&str>) -> Result<Verified, Error> {
    let Fetched { vault, found, .. } = fetched(ctx, name, trust_key).await?;
    note(ctx, &vault, &found).await?;
    Ok(found)
}

/// Checks a backup, its content too where there is a key to it.
pub async fn verify(ctx: &Ctx, name: &str, reading: &Reading<'_>) -> Result<Verified, Error> {
    let Some(identity) = reading.identity else { return check_whole(ctx, name, reading.trust_key).await };
    let Fetched { vault, manifest, scratch, mut found } = fetched(ctx, name, reading.trust_key).await?;
    let keys = Keys::read(identity)?;
    found.files = open_from(&scratch.path().join(FILES), &keys, count_files)?;
    let database = scratch_database(ctx, &manifest, reading, &scratch)?;
    load::load(&ctx.config, &database, &manifest, &scratch.path().join(DATABASE), &keys).await?;
    let target = Target::open(&database).await?;
    let checked = check(ctx, &target, &manifest).await;
    target.empty().await?;
    target.close().await?;
    (found.rows, found.organisations) = checked?;
    found.restored = true;
    note(ctx, &vault, &found).await?;
    Ok(found)
}

fn scratch_database(
    ctx: &Ctx,
    manifest: &Manifest,
    reading: &Reading<'_>,
    scratch: &Staging,
) -> Result<Database, Error> {
    let url = match (manifest.engine.as_str(), &reading.scratch) {
        ("postgres", Some(url)) => url.clone(),
        ("postgres", None) => {
            let message = "an empty database of the owner is needed to restore into: --scratch-url";
            return Err(refuse("no_scratch", message));
        }
        _ => SecretString::from(format!("sqlite:{}", scratch.path().join("db/scratch.db").display())),
    };
    Ok(Database { owner_url: Some(url.clone()), url, ..ctx.config.database.clone() })
}

/// Counts the files of a packed folder to its end.
fn count_files(packed: &mut dyn io::Read) -> io::Result<u64> {
    let mut tar = tar::Archive::new(packed);
    let mut count = 0;
    for entry in tar.entries()? {
        io::copy(&mut entry?, &mut io::sink())?;
        count += 1;
    }
    Ok(count)
}

/// Rows as the manifest counts them, and books that balance.
async fn check(ctx: &Ctx, target: &Target, manifest: &Manifest) -> Result<(i64, usize), Error> {
    load::check_rows(target, manifest).await?;
    let there = Ctx { db: target.handle(), ..ctx.clone() };
    let tx = there.db.system_look().await?;
    let orgs = organisation::list_ids(&tx).await?;
    tx.commit().await?;
    for org in &orgs {
        books_hold(&there, *org).await?;
    }
    Ok((manifest.rows.values().sum(), orgs.len()))
}

/// The books of an organisation, or what is wrong with them.
pub(super) async fn books_hold(ctx: &Ctx, org: uuid::Uuid) -> Result<(), Error> {
    let checks = ledger::verify(ctx, &Actor::job(org)).await?;
    let broken: Vec<String> = checks.into_iter().filter(|c| !c.findings.is_empty()).map(|c| c.name).collect();
    if broken.is_empty() {
        return Ok(());
    }
    Err(refuse("ledger_broken", format!("the books of {org} do not hold: {}", broken.join(", "))))
}

/// Where a database lies, for people; no password.
pub(super) fn shown(config: &Config) -> String {
    let url = config.database.url.expose_secret();
    url.rsplit('@').next().unwrap_or(url).to_owned()
}
