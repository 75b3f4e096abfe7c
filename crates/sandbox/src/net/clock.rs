//! The system's clock and an offset that tests move.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::sync::atomic::{AtomicI64, Ordering};

/// Time as the simulated party sees it.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset_seconds: AtomicI64,
}

impl Clock {
    /// System time plus the offset.
    #[expect(clippy::disallowed_methods, reason = "the one place where the sandbox reads the system's clock")]
    pub(crate) fn now(&self) -> DateTime<Utc> {
        let system = Utc::now();
        let offset = TimeDelta::try_seconds(self.offset()).unwrap_or_default();
        system.checked_add_signed(offset).unwrap_or(system)
    }

    /// The date in Norway.
    pub(crate) fn today(&self) -> NaiveDate {
        self.now().with_timezone(&chrono_tz::Europe::Oslo).date_naive()
    }

    /// Seconds ahead of the system.
    pub(crate) fn offset(&self) -> i64 {
        self.offset_seconds.load(Ordering::SeqCst)
    }

    /// Puts the offset, as read from a journal.
    pub(crate) fn set_offset(&self, seconds: i64) {
        self.offset_seconds.store(seconds, Ordering::SeqCst);
    }
}
