//! How the command line writes amounts and tables.

use domain::money::Money;

/// `1 833,65 kr`.
pub(super) fn kr(ore: i64) -> String {
    format!("{} kr", Money::from_ore(ore))
}

/// Thousands parted by a no-break space.
pub(super) fn count(n: impl TryInto<i64>) -> String {
    let n = n.try_into().unwrap_or(i64::MAX);
    let text = Money::from_ore(n.saturating_mul(100)).to_string();
    text.split(',').next().unwrap_or_default().to_owned()
}

/// So many of something: `1 customer`, `2 customers`.
pub(super) fn counted(n: i64, one: &str) -> String {
    let many = if n == 1 { "" } else { "s" };
    format!("{} {one}{many}", count(n))
}

/// `2026-11-20 10:15`, in Oslo.
pub(super) fn moment(at: chrono::DateTime<chrono::Utc>) -> String {
    at.with_timezone(&chrono_tz::Europe::Oslo).format("%Y-%m-%d %H:%M").to_string()
}

/// Columns lined up, all left.
pub(super) fn left(rows: &[Vec<String>], indent: &str) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())));
        out.push_str(indent);
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// Columns lined up, the first left, the others right.
pub(super) fn table(rows: &[Vec<String>], indent: &str) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        out.push_str(indent);
        for (c, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[c] - cell.chars().count());
            let line = if c == 0 { format!("{cell}{pad}") } else { format!("  {pad}{cell}") };
            out.push_str(&line);
        }
        while out.ends_with(' ') {
            out.pop();
        }
        out.push('\n');
    }
    out
}
