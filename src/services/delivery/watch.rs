//! How providers are doing: one that is away is left alone for a while, and tried with a single document first.

use crate::ctx::Ctx;
use crate::ports::Fault;
use crate::services::error::Error;
use crate::store::SystemTx;
use crate::store::channel::{self as store, ChannelState};
use chrono::Duration;
use domain::channel::Channel;
use domain::delivery::Outcome;

/// Failures in a row before a provider is left alone.
const FAILURES: i64 = 5;
/// Seconds it is left alone at first; twice as long after each further failure.
const FIRST_SECONDS: i64 = 30;
/// And at most.
const LONGEST_SECONDS: i64 = 900;

/// What an answer says of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// It answers, be it with a no.
    Well,
    /// It does not answer.
    Away,
}

impl Health {
    pub(super) const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Away | Outcome::Lost => Self::Away,
            _ => Self::Well,
        }
    }
}

/// How many documents a provider may be given now: none while it is left alone, one when it is tried again.
pub(super) async fn allowance(ctx: &Ctx, tx: &SystemTx, channel: Channel, limit: u64) -> Result<u64, Error> {
    let now = ctx.now();
    let state = store::find_state(tx, channel.as_str()).await?;
    if state.as_ref().is_some_and(|s| s.failures > 0) {
        ctx.pace.set_away(channel, true);
    }
    Ok(match state {
        Some(s) if s.open_until_at.is_some_and(|until| until > now) => 0,
        Some(s) if s.failures >= FAILURES => 1,
        _ => limit,
    })
}

/// Notes how a provider answered.
pub(super) async fn report(ctx: &Ctx, channel: Channel, health: Health, fault: Option<&Fault>) -> Result<(), Error> {
    // What our own disk or database did says nothing of a provider.
    let ours = ["not_recorded", "lookup_lookup_off"];
    if fault.is_some_and(|f| ours.contains(&f.code.as_str())) || (health == Health::Well && !ctx.pace.was_away(channel))
    {
        return Ok(());
    }
    let tx = ctx.db.system().await?;
    let before = store::find_state(&tx, channel.as_str()).await?;
    let failures = before.as_ref().map_or(0, |s| s.failures);
    if health == Health::Well && failures == 0 {
        ctx.pace.set_away(channel, false);
        return Ok(());
    }
    let now = ctx.now();
    let row = match health {
        Health::Well => ChannelState {
            channel: channel.as_str().to_owned(),
            failures: 0,
            away_since_at: None,
            open_until_at: None,
            code: None,
        },
        Health::Away => {
            let failures = failures + 1;
            let doublings = u32::try_from(failures - FAILURES).unwrap_or_default().min(10);
            let seconds = (FIRST_SECONDS << doublings).min(LONGEST_SECONDS);
            ChannelState {
                channel: channel.as_str().to_owned(),
                failures,
                away_since_at: before.and_then(|s| s.away_since_at).or(Some(now)),
                open_until_at: (failures >= FAILURES).then(|| now + Duration::seconds(seconds)),
                code: fault.map(|f| f.code.clone()),
            }
        }
    };
    store::keep_state(&tx, row).await?;
    tx.commit().await?;
    ctx.pace.set_away(channel, health == Health::Away);
    Ok(())
}
