//! Backups as they stand, for those who run the installation: how old, how large, looked through or not, gone when.

use super::expire::{Aged, newest_certificate};
use super::verify::{self, Looked};
use super::{Manifest, Vault, refuse};
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::upkeep::job;
use crate::services::work::{Actor, Deed, Work};
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A backup as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BackupView {
    /// Its name: the time it was made, and some letters of its own.
    #[schema(example = "20270301T013000Z-0a1b2c3d")]
    pub name: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// How old it is, in whole hours.
    pub age_hours: i64,
    /// Its size in bytes, compressed and encrypted.
    pub bytes: u64,
    /// sqlite or postgres.
    pub engine: String,
    /// made, verified (hashes and signature), restored (into a scratch database, where the books held) or foreign (signed by
    /// another installation, or by nobody).
    pub state: &'static str,
    /// When it was last found whole.
    pub verified_at: Option<DateTime<Utc>>,
    /// When it is gone at the latest, whatever happens.
    pub expires_at: DateTime<Utc>,
}

async fn view(ctx: &Ctx, vault: &Vault, manifest: &Manifest) -> Result<BackupView, Error> {
    let looked: Option<Looked> = vault.looked(&manifest.name).await?;
    let ours = ctx.key.public_key().is_some_and(|key| manifest.is_signed_by(&key));
    let state = match &looked {
        _ if !ours => "foreign",
        None => "made",
        Some(looked) if looked.restored => "restored",
        Some(_) => "verified",
    };
    Ok(BackupView {
        name: manifest.name.clone(),
        made_at: manifest.made_at,
        age_hours: (ctx.now() - manifest.made_at).num_hours(),
        bytes: manifest.bytes(),
        engine: manifest.engine.clone(),
        state,
        verified_at: looked.map(|l| l.at),
        expires_at: manifest.made_at + Duration::days(ctx.config.backup.keep_days),
    })
}

/// The backups there are, the newest first.
pub async fn list(ctx: &Ctx) -> Result<Vec<BackupView>, Error> {
    let vault = Vault::open(&ctx.config)?;
    let mut views = Vec::new();
    for manifest in vault.backups().await? {
        views.push(view(ctx, &vault, &manifest).await?);
    }
    Ok(views)
}

/// Lets the service make one now, as a job; refused where nobody could read it.
pub async fn start(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    if ctx.config.backup.recipients.is_empty() {
        let message = "nobody could read it: set backup.recipients to the age keys of those who may";
        return Err(refuse("no_recipients", message));
    }
    let work = Work::begin(ctx, actor).await?;
    let key = work.at.format("asked %Y-%m-%dT%H:%M").to_string();
    let job = job(ctx, actor.org, "back_up", &key, None);
    let id = job.id;
    crate::store::job::enqueue(&work.tx, job).await?;
    work.done(Deed { verb: "backup.asked", subject: "job", id, fields: "" }).await
}

/// Reads a backup to its end and checks hashes and signature. Its content is not opened: the key to it is not here.
pub async fn verify(ctx: &Ctx, name: &str) -> Result<BackupView, Error> {
    let vault = Vault::open(&ctx.config)?;
    let manifest = vault.backups().await?.into_iter().find(|m| m.name == name);
    let manifest = manifest.ok_or_else(|| Error::not_found("backup"))?;
    verify::check_whole(ctx, name, None).await?;
    view(ctx, &vault, &manifest).await
}

/// The newest certificate of ages: what there is, how old the oldest is, and that nothing is older than the limit. Signed.
pub async fn certificate(ctx: &Ctx) -> Result<Aged, Error> {
    newest_certificate(&Vault::open(&ctx.config)?).await?.ok_or_else(|| Error::not_found("certificate"))
}
