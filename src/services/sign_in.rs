//! Attempts to sign in: each is logged with the address it came from, and nobody signs in from an address for a while when too
//! many have failed there. Names and passwords that were typed are kept nowhere.

use super::error::Error;
use crate::ctx::Ctx;
use crate::store::OrgTx;
use crate::store::sign_in::{self as store, Attempt, Block, Refusal, SignIn};
use chrono::{DateTime, Duration, Utc};
use domain::network::{Range, plain};
use serde::Serialize;
use std::net::IpAddr;
use utoipa::ToSchema;
use uuid::Uuid;

/// Attempts shown at most.
pub const SHOWN: u64 = 50;
/// Who placed a block that ends by itself.
pub const BY_SERVICE: &str = "service";

/// How somebody tries to get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// With a password, at the console.
    Password,
    /// With a one-time code, on a payer's page.
    Code,
    /// With an API key.
    ApiKey,
}

impl How {
    /// Its name in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
            Self::ApiKey => "api_key",
        }
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Somebody was let in.
    LetIn,
    /// Password or code was wrong.
    Wrong,
    /// There was no code that works.
    Dead,
    /// The account rests.
    Resting,
    /// The address is blocked.
    Blocked,
    /// There is no such key.
    Unknown,
    /// The key's secret was another.
    Refused,
    /// The key has expired or was revoked.
    Ended,
}

impl Outcome {
    /// Its name in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LetIn => "let_in",
            Self::Wrong => "wrong",
            Self::Dead => "dead",
            Self::Resting => "resting",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::Ended => "ended",
        }
    }

    /// Whether it counts against the address.
    const fn counts(self) -> bool {
        matches!(self, Self::Wrong | Self::Dead)
    }
}

/// Address and network an attempt came from, as they are kept.
fn origin(from: Option<IpAddr>) -> Option<(String, String)> {
    from.map(|address| (plain(address).to_string(), Range::subscriber(address).to_string()))
}

fn counted(how: How, outcome: Outcome) {
    metrics::counter!("reskontro_sign_ins_total", "how" => how.as_str(), "outcome" => outcome.as_str()).increment(1);
}

/// A block that is in force: until when, or none where a person lifts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocked {
    /// When it ends.
    pub until: Option<DateTime<Utc>>,
}

impl Blocked {
    /// Minutes left, where it ends by itself.
    pub fn minutes(self, now: DateTime<Utc>) -> Option<i64> {
        self.until.map(|until| (until - now).num_minutes() + 1)
    }
}

/// Whether nobody signs in from an address now. Such an attempt is logged too; many cost no more than one.
pub async fn blocked(ctx: &Ctx, how: How, from: Option<IpAddr>) -> Result<Option<Blocked>, Error> {
    let Some(address) = from else { return Ok(None) };
    let around: Vec<String> = Range::around(address).map(|r| r.to_string()).collect();
    let tx = ctx.db.system_look().await?;
    let found = store::find_blocks(&tx, &around).await?;
    tx.commit().await?;
    let standing: Vec<Block> = found.into_iter().filter(|b| b.until_at.is_none_or(|u| u > ctx.now())).collect();
    // A block without an end outlasts all.
    let Some(longest) = standing.iter().max_by_key(|b| (b.until_at.is_none(), b.until_at)) else { return Ok(None) };
    refused(ctx, how, from, None, Outcome::Blocked);
    Ok(Some(Blocked { until: longest.until_at }))
}

/// Notes an attempt that is not to cost a transaction of its own: it waits, and is counted with its like. `key` is whose key it
/// is, and which.
pub fn refused(ctx: &Ctx, how: How, from: Option<IpAddr>, key: Option<(Uuid, Uuid)>, outcome: Outcome) {
    counted(how, outcome);
    ctx.db.refusals().add(Refusal { how: how.as_str(), key, from: origin(from), outcome: outcome.as_str() });
}

/// Writes refusals that wait.
pub async fn write(ctx: &Ctx) -> Result<(), Error> {
    if ctx.db.refusals().is_empty() {
        return Ok(());
    }
    Ok(store::write_refusals(&ctx.db, ctx.now(), || ctx.id()).await?)
}

/// Notes an attempt at the console, and blocks its address when it was one too many.
pub async fn note(ctx: &Ctx, from: Option<IpAddr>, user: Option<Uuid>, outcome: Outcome) -> Result<(), Error> {
    counted(How::Password, outcome);
    let (address, network) = origin(from).unzip();
    let row = SignIn {
        id: ctx.id(),
        at: ctx.now(),
        address,
        network: network.clone(),
        how: How::Password.as_str().to_owned(),
        outcome: outcome.as_str().to_owned(),
        attempts: 1,
        user_id: user,
    };
    let tx = ctx.db.system().await?;
    store::insert(&tx, row).await?;
    tx.commit().await?;
    let Some(network) = network.filter(|_| outcome.counts()) else { return Ok(()) };
    let since = counts_since(ctx, &network).await?;
    let tx = ctx.db.system_look().await?;
    let failures = store::failures(&tx, &network, since).await?;
    tx.commit().await?;
    unless_too_many(ctx, &network, failures).await
}

/// Notes a code typed on a payer's page in the transaction that took it; its network, where it counts against it.
pub(super) async fn note_code(
    ctx: &Ctx,
    tx: &OrgTx,
    from: Option<IpAddr>,
    customer: Uuid,
    outcome: Outcome,
) -> Result<Option<String>, Error> {
    counted(How::Code, outcome);
    let (address, network) = origin(from).unzip();
    let row = Attempt {
        org_id: tx.org(),
        id: ctx.id(),
        at: ctx.now(),
        address,
        network: network.clone(),
        how: How::Code.as_str().to_owned(),
        outcome: outcome.as_str().to_owned(),
        attempts: 1,
        key_id: None,
        customer_id: Some(customer),
    };
    store::insert_attempt(tx, row).await?;
    Ok(network.filter(|_| outcome.counts()))
}

/// Blocks a network from which too many codes of an organisation's payers were wrong.
pub(super) async fn watch_codes(ctx: &Ctx, org: Uuid, network: &str) -> Result<(), Error> {
    let since = counts_since(ctx, network).await?;
    let tx = ctx.db.read(org).await?;
    let failures = store::failed_attempts(&tx, network, since).await?;
    tx.commit().await?;
    unless_too_many(ctx, network, failures).await
}

/// The time from which failures of a network count: what led to the last block does not lead to the next.
async fn counts_since(ctx: &Ctx, network: &str) -> Result<DateTime<Utc>, Error> {
    let window = ctx.now() - Duration::minutes(ctx.config.sign_in.window_minutes);
    let tx = ctx.db.system_look().await?;
    let before = store::find_blocks(&tx, &[network.to_owned()]).await?;
    tx.commit().await?;
    Ok(before.iter().map(|b| b.since_at).fold(window, DateTime::max))
}

async fn unless_too_many(ctx: &Ctx, network: &str, failures: i64) -> Result<(), Error> {
    if failures < ctx.config.sign_in.failures {
        return Ok(());
    }
    let tx = ctx.db.system().await?;
    store::lock_blocks(&tx).await?;
    let now = ctx.now();
    let before = store::find_blocks(&tx, &[network.to_owned()]).await?.into_iter().next();
    let settings = &ctx.config.sign_in;
    let longest = Duration::hours(settings.longest_block_hours);
    let times = match &before {
        // A person's block stands, and one of the service that two attempts at once led to stands too.
        Some(b) if b.until_at.is_none_or(|until| until > now) => return Ok(()),
        Some(b) if b.until_at.is_some_and(|until| until + longest > now) => b.times + 1,
        _ => 1,
    };
    let doubled = settings.block_minutes.saturating_mul(1 << (times - 1).clamp(0, 20));
    let until = now + longest.min(Duration::minutes(doubled.min(longest.num_minutes())));
    let row = Block {
        id: before.as_ref().map_or_else(|| ctx.id(), |b| b.id),
        range: network.to_owned(),
        placed_by: BY_SERVICE.to_owned(),
        reason: "too many sign-ins failed".to_owned(),
        times,
        since_at: now,
        until_at: Some(until),
        review_on: None,
    };
    let (block, minutes) = (row.id, (until - now).num_minutes());
    match before {
        Some(_) => store::update_block(&tx, row).await?,
        None => store::insert_block(&tx, row).await?,
    }
    tx.commit().await?;
    metrics::counter!("reskontro_addresses_blocked_total").increment(1);
    tracing::warn!(block.id = %block, block.minutes = minutes, block.times = times, "an address is blocked: too many sign-ins failed");
    Ok(())
}

/// An attempt to sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SignInView {
    /// When.
    pub at: DateTime<Utc>,
    /// Address it came from, where it is known.
    #[schema(example = "192.0.2.7")]
    pub address: Option<String>,
    /// password.
    pub how: String,
    /// let_in, wrong, resting or blocked.
    pub outcome: String,
}

/// The newest attempts to sign in to an account, the newest first.
pub async fn list(ctx: &Ctx, user: Uuid) -> Result<Vec<SignInView>, Error> {
    let tx = ctx.db.system_look().await?;
    let rows = store::list_of_user(&tx, user, SHOWN).await?;
    tx.commit().await?;
    let shown = |SignIn { at, address, how, outcome, .. }: SignIn| SignInView { at, address, how, outcome };
    Ok(rows.into_iter().map(shown).collect())
}

/// The same of somebody who acts for an organisation.
pub async fn list_of_member(ctx: &Ctx, org: Uuid, user: Uuid) -> Result<Vec<SignInView>, Error> {
    let tx = ctx.db.read(org).await?;
    if !store::is_member(&tx, user).await? {
        return Err(Error::not_found("user"));
    }
    tx.commit().await?;
    list(ctx, user).await
}
