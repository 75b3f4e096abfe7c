//! API keys: made, shown once, checked, revoked.

use super::error::{Error, Kind};
use super::sign_in::{self, How, Outcome};
use super::work::{Actor, ActorKind, Deed, Work};
use crate::ctx::{Ctx, sha256};
use crate::store::organisation::{self as store, ApiKey};
use chrono::{DateTime, Duration, Utc};
use domain::hex;
use std::net::IpAddr;
use uuid::Uuid;

/// What a key may do. Each includes the one before.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Look.
    Read,
    /// Change.
    Write,
    /// Manage keys and the organisation.
    Admin,
    /// Run the installation, all organisations of it: backups. Such a key is made at the command line alone.
    Operator,
}

impl Scope {
    /// Stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
            Self::Operator => "operator",
        }
    }

    /// From its stored name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::Admin, Self::Operator].into_iter().find(|s| s.as_str() == text)
    }
}

/// A new key, and its text, which is shown this once.
pub struct NewKey {
    /// The key.
    pub id: Uuid,
    /// What the client sends.
    pub text: String,
}

/// Makes an API key: `rk_<organisation>_<key>_<secret>`; only a digest of the secret is kept (decision 12).
pub async fn create_key(
    ctx: &Ctx,
    actor: &Actor,
    name: &str,
    scope: Scope,
    expires_at: Option<DateTime<Utc>>,
) -> Result<NewKey, Error> {
    if name.trim().is_empty() || name.chars().count() > 100 {
        return Err(Error::field("name", "required", "say in up to 100 characters what the key is for"));
    }
    if expires_at.is_some_and(|at| at <= ctx.now()) {
        return Err(Error::field("expires_at", "in_the_past", "choose a time to come"));
    }
    let mut secret = [0; 32];
    ctx.rng.fill(&mut secret);
    let secret = hex::encode(&secret);
    let work = Work::begin(ctx, actor).await?;
    let id = work.id();
    let row = ApiKey {
        org_id: actor.org,
        id,
        name: name.to_owned(),
        scope: scope.as_str().to_owned(),
        secret_hash: sha256(secret.as_bytes()).to_vec(),
        created_at: work.at,
        expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    store::insert_key(&work.tx, row).await?;
    work.done(Deed { verb: "api_key.created", subject: "api_key", id, fields: "" }).await?;
    let text = format!("rk_{}_{}_{secret}", actor.org.simple(), id.simple());
    Ok(NewKey { id, text })
}

/// Revokes a key at once.
pub async fn revoke_key(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    store::find_key(&work.tx, id).await?.ok_or_else(|| Error::not_found("API key"))?;
    store::revoke_key(&work.tx, id, work.at).await?;
    work.done(Deed { verb: "api_key.revoked", subject: "api_key", id, fields: "revoked_at" }).await
}

/// Who a key is, and what it may do. One that is refused is logged with the address it came from.
pub async fn authenticate(ctx: &Ctx, text: &str, from: Option<IpAddr>) -> Result<(Actor, Scope), Error> {
    let invalid = |key, outcome| {
        sign_in::refused(ctx, How::ApiKey, from, key, outcome);
        Error::refuse(Kind::Unauthorised, "invalid_api_key", "send a valid API key as a Bearer token")
    };
    let unknown = || invalid(None, Outcome::Unknown);
    let mut parts = text.split('_');
    let (Some("rk"), Some(org), Some(id), Some(secret), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(unknown());
    };
    let (Ok(org), Ok(id)) = (Uuid::try_parse(org), Uuid::try_parse(id)) else { return Err(unknown()) };
    let tx = ctx.db.read(org).await?;
    let key = store::find_key(&tx, id).await?.ok_or_else(unknown)?;
    tx.commit().await?;
    let now = ctx.now();
    let given = sha256(secret.as_bytes());
    let different = given.iter().zip(&key.secret_hash).fold(0, |all, (a, b)| all | (a ^ b));
    if different != 0 || key.secret_hash.len() != given.len() {
        return Err(invalid(Some((org, id)), Outcome::Refused));
    }
    if key.revoked_at.is_some() || key.expires_at.is_some_and(|at| at <= now) {
        sign_in::refused(ctx, How::ApiKey, from, Some((org, id)), Outcome::Ended);
        return Err(Error::refuse(Kind::Unauthorised, "api_key_ended", "this API key has expired or was revoked"));
    }
    // Once an hour is exact enough, and keeps reads from writing.
    if key.last_used_at.is_none_or(|at| now - at > Duration::hours(1)) {
        let tx = ctx.db.write(org).await?;
        store::touch_key(&tx, id, now).await?;
        tx.commit().await?;
    }
    let scope = Scope::parse(&key.scope).ok_or_else(|| crate::store::Error::inconsistent("api_key", "scope"))?;
    Ok((Actor { org, kind: ActorKind::ApiKey, id: Some(id), idempotency: None }, scope))
}
