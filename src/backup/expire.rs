//! Ageing out: what is older than the limit is removed, measured from now, whether new backups are made or not; and a signed
//! certificate says what there is (I11).

use super::manifest::MANIFEST;
use super::vault::Found;
use super::{Vault, create};
use crate::ctx::{Ctx, is_signed};
use crate::services::error::Error;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Hours before the limit at which an object that is still there is an alarm.
const ALARM_HOURS: i64 = 12;
/// Days a certificate is kept beside the backups: it names none of them but by age.
const CERTIFICATES: &str = "certificates/";

/// What ageing out did, and how old what is left is. Names objects, no persons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Aged {
    /// When it was looked at.
    pub at: DateTime<Utc>,
    /// Days a backup lives at most.
    pub keep_days: i64,
    /// Backups that were removed.
    pub removed: Vec<String>,
    /// Objects that belong to no backup: left by a crash, or put there by somebody. They age like the rest.
    pub stray: Vec<String>,
    /// Backups there are.
    pub backups: usize,
    /// Age of the oldest object in hours.
    pub oldest_hours: i64,
    /// Whether no object is older than the limit.
    pub holds: bool,
    /// The installation's public key, hexadecimal.
    #[serde(default)]
    pub public_key: String,
    /// Ed25519 signature over everything above, hexadecimal.
    #[serde(default)]
    pub signature: String,
}

fn newest() -> String {
    format!("{CERTIFICATES}newest.json")
}

/// The newest certificate; none where nothing has aged yet.
pub(super) async fn newest_certificate(vault: &Vault) -> Result<Option<Aged>, Error> {
    let Some(bytes) = vault.find(&newest()).await? else { return Ok(None) };
    Ok(Some(serde_json::from_slice(&bytes).map_err(std::io::Error::other)?))
}

/// The name an object belongs under.
fn backup_of(key: &str) -> &str {
    key.split('/').next().unwrap_or_default()
}

/// When an object was made: by the name of its backup, else when it was last written.
fn made_at(found: &Found) -> DateTime<Utc> {
    named_at(&found.key).unwrap_or(found.modified_at)
}

/// Removes what has had its time, and certifies what is left.
pub async fn expire(ctx: &Ctx) -> Result<Aged, Error> {
    let vault = Vault::open(&ctx.config)?;
    let now = ctx.now();
    let keep = Duration::days(ctx.config.backup.keep_days);
    // Before the limit, by a day where there is one: a run that is late, or fails once, is not too late.
    let due = now - keep + Duration::hours((ctx.config.backup.keep_days * 6).min(24));
    let removed = remove(&vault, due).await?;
    // Looked at anew: what could not be removed is told, not taken for gone.
    let left = vault.list_all().await?;
    let left: Vec<&Found> = left.iter().filter(|f| !f.key.starts_with(CERTIFICATES)).collect();
    let is_whole = |f: &&&Found| f.is_now() && f.key.ends_with(&format!("/{MANIFEST}"));
    let whole: Vec<&str> = left.iter().filter(is_whole).map(|f| backup_of(&f.key)).collect();
    let mut stray: Vec<String> =
        left.iter().filter(|f| !whole.contains(&backup_of(&f.key))).map(|f| f.key.clone()).collect();
    stray.sort_unstable();
    stray.dedup();
    let oldest = left.iter().map(|f| now - made_at(f)).max().unwrap_or_else(Duration::zero);
    let aged = Aged {
        at: now,
        keep_days: ctx.config.backup.keep_days,
        removed,
        stray,
        backups: whole.len(),
        oldest_hours: oldest.num_hours(),
        holds: oldest < keep,
        public_key: String::new(),
        signature: String::new(),
    };
    told(ctx, oldest);
    let aged = signed(ctx, aged);
    let text = serde_json::to_vec_pretty(&aged).map_err(std::io::Error::other)?;
    // One certificate: the newest says it all.
    vault.put(&newest(), text).await?;
    Ok(aged)
}

/// Tells how old the oldest object is; `true` where it is about to grow older than is promised. The figure is a point in time, not
/// an age: it goes on growing old when nothing runs any more.
fn told(ctx: &Ctx, oldest: Duration) -> bool {
    let made_at = ctx.now() - oldest;
    metrics::gauge!("reskontro_backup_oldest_timestamp_seconds").set(create::seconds(made_at.timestamp()));
    let days = ctx.config.backup.keep_days;
    let is_late = oldest >= Duration::days(days) - Duration::hours(ALARM_HOURS.min(days * 3));
    if is_late {
        tracing::error!(
            backup.oldest_hours = oldest.num_hours(),
            "a backup is about to grow older than is promised: reskontro backup expire"
        );
    }
    is_late
}

/// Looks how old the oldest object is, each hour, whether ageing out works or not; `true` where it is about to be too old.
pub async fn watch(ctx: &Ctx) -> Result<bool, Error> {
    let all = Vault::open(&ctx.config)?.list_all().await?;
    let objects = all.iter().filter(|f| !f.key.starts_with(CERTIFICATES));
    let oldest = objects.map(|f| ctx.now() - made_at(f)).max().unwrap_or_else(Duration::zero);
    Ok(told(ctx, oldest))
}

/// Removes what was made before a time; the names of the backups. One that cannot be removed keeps no other.
async fn remove(vault: &Vault, due: DateTime<Utc>) -> Result<Vec<String>, Error> {
    let all = vault.list_all().await?;
    // The manifest first: what is half removed is no backup any more.
    let (manifests, rest): (Vec<&Found>, Vec<&Found>) = all
        .iter()
        // The newest certificate stays; in a bucket that keeps versions it leaves those of before.
        .filter(|f| !(f.key.starts_with(CERTIFICATES) && f.is_now()) && made_at(f) <= due)
        .partition(|f| f.key.ends_with(MANIFEST));
    let mut removed: Vec<String> = Vec::new();
    for found in manifests.into_iter().chain(rest) {
        if let Err(error) = vault.delete_any(found).await {
            tracing::error!(error = %error, "an object that has had its time could not be removed");
            continue;
        }
        let name = backup_of(&found.key).to_owned();
        if !found.key.starts_with(CERTIFICATES) && !removed.contains(&name) {
            removed.push(name);
        }
    }
    Ok(removed)
}

/// When a backup was made, by its name: copying an object makes nothing younger.
fn named_at(key: &str) -> Option<DateTime<Utc>> {
    let stamp = backup_of(key).split('-').next()?;
    let naive = chrono::NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%M%SZ").ok()?;
    Some(naive.and_utc())
}

fn signed_content(aged: &Aged) -> Vec<u8> {
    let open = Aged { signature: String::new(), ..aged.clone() };
    serde_json::to_vec(&open).unwrap_or_default()
}

fn signed(ctx: &Ctx, mut aged: Aged) -> Aged {
    if let Some(public_key) = ctx.key.public_key() {
        aged.public_key = public_key;
        aged.signature = ctx.key.sign(&signed_content(&aged)).unwrap_or_default();
    }
    aged
}

/// Whether a certificate is as it was signed.
pub fn is_genuine(aged: &Aged) -> bool {
    is_signed(&signed_content(aged), &aged.signature, &aged.public_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_backup_is_in_its_name() {
        let at = named_at("20260301T013000Z-0a1b2c3d/database.age").unwrap();
        assert_eq!(at.to_rfc3339(), "2026-03-01T01:30:00+00:00");
        assert_eq!(named_at("somebody-put-this-here.tar"), None);
    }
}
