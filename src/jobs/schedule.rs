//! What is due when, in Oslo time: pure, and catches up once after a standstill (decision 53).

use super::runner::{JOBS, Known};
use crate::ctx::Ctx;
use crate::services::Error;
use crate::services::upkeep::job;
use crate::store::{job as jobs, organisation};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Europe::Oslo;

/// The day whose daily run is due at `now`, for a job that runs at `at`: today after that time, else yesterday.
///
/// A service that stood still for a week runs once, not seven times.
pub fn due(now: DateTime<Utc>, at: NaiveTime) -> Option<NaiveDate> {
    let local = now.with_timezone(&Oslo);
    let today = local.date_naive();
    if local.time() >= at { Some(today) } else { today.pred_opt() }
}

/// What makes a second enqueue of a job do nothing: its day, or its hour.
fn key_of(known: &Known, now: DateTime<Utc>) -> Option<String> {
    if known.hourly {
        return Some(now.format("%Y-%m-%dT%H").to_string());
    }
    let (hour, minute) = known.daily_at?;
    Some(due(now, NaiveTime::from_hms_opt(hour, minute, 0)?)?.to_string())
}

/// Enqueues every job that is due each day or hour, for every organisation. Again does nothing: the day or hour is the key.
pub async fn enqueue_due(ctx: &Ctx) -> Result<u64, Error> {
    let tx = ctx.db.system().await?;
    let mut enqueued = 0;
    let served = organisation::list_ids(&tx).await?;
    // What is for the installation goes on when nobody is served any more.
    let gone = organisation::list_gone(&tx).await?.into_iter().map(|(org, _)| org).take(usize::from(served.is_empty()));
    let count = served.len();
    for (i, org) in served.into_iter().chain(gone).enumerate() {
        for known in JOBS.iter().filter(|k| if k.once { i == 0 } else { i < count }) {
            let Some(key) = key_of(known, ctx.now()) else { continue };
            enqueued += u64::from(jobs::enqueue(&tx, job(ctx, org, known.name, &key, None)).await?);
        }
    }
    tx.commit().await?;
    Ok(enqueued)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_day_turns_in_oslo_time_summer_and_winter() {
        let two = NaiveTime::from_hms_opt(2, 0, 0).unwrap();
        let day = |t: &str| due(at(t), two).unwrap().to_string();
        assert_eq!(day("2026-01-10T00:59:59Z"), "2026-01-09");
        assert_eq!(day("2026-01-10T01:00:00Z"), "2026-01-10");
        assert_eq!(day("2026-07-10T00:00:00Z"), "2026-07-10");
        assert_eq!(day("2026-07-09T23:59:59Z"), "2026-07-09");
    }

    #[test]
    fn the_hour_that_is_twice_and_the_hour_that_is_not_give_one_run() {
        let half_past = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        // 29 March 2026: 02:30 does not exist; 25 October: it is twice.
        assert_eq!(due(at("2026-03-29T01:00:00Z"), half_past).unwrap().to_string(), "2026-03-29");
        assert_eq!(due(at("2026-10-25T00:30:00Z"), half_past), due(at("2026-10-25T01:30:00Z"), half_past));
    }
}
