//! Figures and how they are shown.

use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// One figure.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    work: String,
    db: String,
    value: f64,
    unit: String,
    limit: f64,
    ratio: f64,
    /// Set for PostgreSQL; SQLite is measured, and has no target.
    target: Option<f64>,
    met: Option<bool>,
}

/// All figures.
#[derive(Default)]
pub(crate) struct Report(Vec<Figure>);

impl Report {
    /// Adds a rate measured against the limit's rate.
    pub(crate) fn add(
        &mut self,
        work: &str,
        db: &'static str,
        value: f64,
        unit: &'static str,
        limit: f64,
        target: f64,
    ) {
        let ratio = value / limit;
        self.push(work, db, value, unit, limit, target, ratio >= target);
    }

    /// Adds something that may be at most so much of the limit.
    pub(crate) fn at_most(
        &mut self,
        work: &str,
        db: &'static str,
        value: f64,
        unit: &'static str,
        limit: f64,
        target: f64,
    ) {
        let ratio = value / limit;
        self.push(work, db, value, unit, limit, target, ratio <= target);
    }

    /// Adds a rate without a target beside the limit's rate.
    pub(crate) fn measured(&mut self, work: &str, db: &'static str, value: f64, unit: &'static str, limit: f64) {
        self.show(work, db, value, unit, limit, None);
    }

    #[expect(clippy::too_many_arguments, reason = "one figure")]
    fn push(
        &mut self,
        work: &str,
        db: &'static str,
        value: f64,
        unit: &'static str,
        limit: f64,
        target: f64,
        met: bool,
    ) {
        self.show(work, db, value, unit, limit, (db != "sqlite").then_some((target, met)));
    }

    fn show(
        &mut self,
        work: &str,
        db: &'static str,
        value: f64,
        unit: &'static str,
        limit: f64,
        aim: Option<(f64, bool)>,
    ) {
        let ratio = value / limit;
        let verdict = match aim {
            Some((target, true)) => format!("target {target:.2}, met"),
            Some((target, false)) => format!("target {target:.2}, MISSED"),
            None => String::new(),
        };
        let (target, met) = aim.unzip();
        println!("{work:<46} {db:<9} {value:>10.1} {unit:<7} limit {limit:>10.1}  ratio {ratio:.2}  {verdict}");
        let (work, db, unit) = (work.to_owned(), db.to_owned(), unit.to_owned());
        self.0.push(Figure { work, db, value, unit, limit, ratio, target, met });
    }

    /// Writes all figures as JSON.
    pub(crate) fn write(self, path: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        Ok(std::fs::write(path, serde_json::to_string_pretty(&self.0)?)?)
    }

    /// Takes in figures another process has written.
    pub(crate) fn read(&mut self, path: &Path) -> anyhow::Result<()> {
        let figures: Vec<Figure> = serde_json::from_slice(&std::fs::read(path)?)?;
        self.0.extend(figures);
        Ok(())
    }
}

/// A count per second.
#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
pub(crate) fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// CPU seconds this process has used.
pub(crate) fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    // utime and stime, in hundredths of a second on Linux.
    (ticks(11) + ticks(12)) / 100.0
}

/// Starts watching the peak of resident memory anew.
pub(crate) fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Peak of resident memory in MB since it was reset.
pub(crate) fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// The slowest but one in a hundred.
pub(crate) fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().unwrap_or_default()
}

/// The one in the middle.
pub(crate) fn p50(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_slowest_but_one_in_a_hundred() {
        let times: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!((p50(times.clone()).as_millis(), p99(times).as_millis()), (101, 199));
        assert_eq!((p50(Vec::new()), p99(Vec::new())), (Duration::ZERO, Duration::ZERO));
    }
}
