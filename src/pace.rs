//! How fast providers are given documents by this process, and whether one was away when last seen.

use domain::channel::Channel;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug, Clone, Copy)]
struct Lane {
    /// Between two documents; none when the provider sets no limit.
    gap: Option<Duration>,
    /// When the next may go.
    next: Option<Instant>,
    away: bool,
}

/// One lane a channel, shared by the workers of a process.
#[derive(Debug, Clone)]
pub struct Pace(Arc<Mutex<HashMap<Channel, Lane>>>);

impl Default for Pace {
    /// No limits.
    fn default() -> Self {
        Self::new(&[])
    }
}

impl Pace {
    /// Limits in documents a second; 0 is none. What stood in the database before is looked at once.
    pub fn new(per_second: &[(Channel, u32)]) -> Self {
        let lane = |channel: Channel| {
            let limit = per_second.iter().find(|(c, _)| *c == channel).map_or(0, |(_, n)| *n);
            Lane { gap: (limit > 0).then(|| Duration::from_secs(1) / limit), next: None, away: true }
        };
        Self(Arc::new(Mutex::new(Channel::ALL.iter().map(|c| (*c, lane(*c))).collect())))
    }

    /// Waits for a place in the lane.
    pub async fn wait(&self, channel: Channel) {
        let at = {
            let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(lane) = lanes.get_mut(&channel) else { return };
            let Some(gap) = lane.gap else { return };
            let now = Instant::now();
            let at = lane.next.map_or(now, |next| next.max(now));
            lane.next = Some(at + gap);
            at
        };
        tokio::time::sleep_until(at).await;
    }

    /// Whether the provider was away when this process last saw it, or has not been seen yet.
    pub fn was_away(&self, channel: Channel) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&channel).is_some_and(|l| l.away)
    }

    /// Notes whether the provider is away.
    pub fn set_away(&self, channel: Channel, away: bool) {
        if let Some(lane) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&channel) {
            lane.away = away;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lane_keeps_its_distance_and_others_are_free() {
        let pace = Pace::new(&[(Channel::Efaktura, 20)]);
        let began = Instant::now();
        for _ in 0..3 {
            pace.wait(Channel::Efaktura).await;
            pace.wait(Channel::Mail).await;
        }
        assert!(began.elapsed() >= Duration::from_millis(99), "{:?}", began.elapsed());
    }
}
