//! What the servers share: a clock that can be moved, a journal, outages, plain pages.
//!
//! May import nothing of the other folders. To add a helper: one file named as it.

pub(crate) mod clock;
pub(crate) mod journal;
pub(crate) mod outage;
pub(crate) mod page;
pub(crate) mod server;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use outage::{Outage, OutageKind};

/// The value, also after a holder died: a sandbox goes on.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a refused caller gets.
pub(crate) type Refused = Box<axum::response::Response>;

/// A random id.
#[expect(clippy::disallowed_methods, reason = "the other side has ids of its own; nothing compares them to ours")]
pub(crate) fn random_id() -> uuid::Uuid {
    uuid::Uuid::new_v4()
}
