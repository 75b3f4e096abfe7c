//! How far long work is, in memory: it is gone with the process, like the work's transaction (decision 29).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// Work under way in this process.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    next: u64,
    works: BTreeMap<u64, Step>,
}

/// One piece of work and how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Whose it is.
    pub org: Uuid,
    /// What it is, such as `customer_sync.plan`.
    pub work: &'static str,
    /// Rows done.
    pub done: usize,
    /// Rows in all.
    pub total: usize,
}

/// Tells how far a piece of work is; dropped, the work is no longer shown.
pub struct Tracker {
    progress: Progress,
    id: u64,
}

impl Progress {
    /// Begins to show a piece of work.
    pub fn begin(&self, org: Uuid, work: &'static str, total: usize) -> Tracker {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = state.next;
        state.next += 1;
        state.works.insert(id, Step { org, work, done: 0, total });
        Tracker { progress: self.clone(), id }
    }

    /// What an organisation has under way, oldest first.
    pub fn of(&self, org: Uuid) -> Vec<Step> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.works.values().filter(|s| s.org == org).copied().collect()
    }
}

impl Tracker {
    /// So many rows more are done.
    pub fn advance(&self, rows: usize) {
        let mut state = self.progress.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(step) = state.works.get_mut(&self.id) {
            step.done += rows;
        }
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        let mut state = self.progress.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.works.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_shown_while_it_lasts_and_to_its_organisation_alone() {
        let (progress, ours, theirs) = (Progress::default(), Uuid::from_u128(1), Uuid::from_u128(2));
        let work = progress.begin(ours, "customer_sync.plan", 10);
        work.advance(4);
        work.advance(3);
        assert_eq!(progress.of(ours), [Step { org: ours, work: "customer_sync.plan", done: 7, total: 10 }]);
        assert!(progress.of(theirs).is_empty());
        drop(work);
        assert!(progress.of(ours).is_empty());
    }
}
