//! Work with personal data among very many rows: who is explained, erased, kept, deleted, backed up and restored, and what it
//! costs to log who was looked at. Each figure is checked by what it left behind.

mod backup;
mod erasure;
mod people;
mod reads;
mod retention;
mod tables;

use crate::measure::Report;
use crate::place::Place;
use chrono::{DateTime, Utc};
use reskontro::ports::Clock;
use std::sync::{Arc, Mutex, PoisonError};

/// A clock that stands where it is put: years of an organisation come about in a minute.
pub(crate) struct Hands(Mutex<DateTime<Utc>>);

impl Hands {
    fn new(at: DateTime<Utc>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(at)))
    }

    fn put(&self, at: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}

impl Clock for Hands {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All of it, in an organisation of so many rows.
pub(crate) async fn all(place: &mut Place, report: &mut Report, rows: usize) -> anyhow::Result<()> {
    let filled = people::fill(place, rows).await?;
    erasure::explain(place, report, &filled).await?;
    reads::log(place, report, &filled).await?;
    erasure::erase(place, report, &filled).await?;
    retention::run(place, report, &filled).await?;
    erasure::scrub(place, report, &filled).await?;
    backup::make_and_restore(place, report, &filled).await
}
