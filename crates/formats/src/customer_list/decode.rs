//! From bytes to rows: format by content, encoding, delimiter and the row of the headings.

use super::headings::Headings;
use super::table::{Cell, RawRow, csv_records};
use super::{Detected, FileError, Options, json, xlsx};
use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::borrow::Cow;

/// Physical line, counted from 1.
pub(super) type Line = usize;

/// Rows are looked at twice: once to see what the columns hold, once to read them.
pub(super) struct Source {
    pub(super) detected: Detected,
    pub(super) headings: Headings,
    pub(super) rows: Rows,
}

pub(super) enum Rows {
    /// CSV text, read again each time so that a long list is never held as cells.
    Csv { text: String, delimiter: u8, header_line: Line },
    /// Rows of a workbook or of JSON.
    Held(Vec<RawRow>),
}

impl Source {
    /// Visits every row with content.
    pub(super) fn each_row(&self, mut visit: impl FnMut(Cow<'_, RawRow>)) {
        match &self.rows {
            Rows::Held(rows) => rows.iter().filter(|r| r.has_content()).for_each(|r| visit(Cow::Borrowed(r))),
            Rows::Csv { text, delimiter, header_line } => {
                let width = self.headings.len();
                // The text was read once already, so it cannot fail here.
                let _ = csv_records(text, *delimiter, |line, record| {
                    if line > *header_line {
                        let row = csv_row(line, record, width);
                        if row.has_content() {
                            visit(Cow::Owned(row));
                        }
                    }
                    true
                });
            }
        }
    }
}

fn csv_row(line: Line, record: &csv::StringRecord, width: usize) -> RawRow {
    let cells: Vec<Cell> = record.iter().map(Cell::of_text).collect();
    let ragged = cells.len() != width && !cells.iter().all(Cell::is_empty);
    RawRow { line, cells, fault: ragged.then_some(("ragged_row", None)) }
}

pub(super) fn open(bytes: &[u8], options: &Options<'_>) -> Result<Source, FileError> {
    if bytes.is_empty() {
        return Err(FileError::new("empty_file", "the file is empty"));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return xlsx::open(bytes, options);
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        let message = "this is an old Excel file (.xls); save it as .xlsx or CSV";
        return Err(FileError::new("unsupported_format", message));
    }
    let (text, encoding) = to_text(bytes)?;
    if text.trim().is_empty() {
        return Err(FileError::new("empty_file", "the file has no content"));
    }
    match text.trim_start().as_bytes().first() {
        Some(b'[') if looks_like_json(&text) => json::open_array(&text, encoding, options),
        Some(b'{') => json::open_lines(&text, encoding, options),
        _ => open_csv(text, encoding, options),
    }
}

/// A list of JSON objects, not a CSV file that happens to start with a bracket.
fn looks_like_json(text: &str) -> bool {
    let inside = text.trim_start().trim_start_matches('[').trim_start();
    inside.starts_with(['{', '[', ']', '"']) || inside.is_empty()
}

fn to_text(bytes: &[u8]) -> Result<(String, &'static str), FileError> {
    let utf16 = |encoding: &'static encoding_rs::Encoding, name| {
        let (text, had_errors) = encoding.decode_with_bom_removal(bytes);
        if had_errors {
            let message = format!("the file says it is {name}, but is not; save it as UTF-8");
            return Err(FileError::new("unknown_encoding", message));
        }
        Ok((text.into_owned(), name))
    };
    match bytes {
        [0xff, 0xfe, ..] => utf16(UTF_16LE, "utf-16le"),
        [0xfe, 0xff, ..] => utf16(UTF_16BE, "utf-16be"),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(match text.strip_prefix('\u{feff}') {
                Some(rest) => (rest.to_owned(), "utf-8-bom"),
                None => (text.to_owned(), "utf-8"),
            }),
            Err(_) if bytes.contains(&0) => {
                let message = "the file is neither UTF-8, UTF-16 nor ISO-8859-1 text; save it as UTF-8";
                Err(FileError::new("unknown_encoding", message))
            }
            Err(_) => Ok((WINDOWS_1252.decode(bytes).0.into_owned(), "iso-8859-1")),
        },
    }
}

/// Written after the last record: when it does not come back as a record of its own, a quote was left open.
const SENTINEL: &str = "\n\u{1}end";

fn open_csv(mut text: String, encoding: &'static str, options: &Options<'_>) -> Result<Source, FileError> {
    let mut skip = 0;
    let named = sep_line(&text);
    if named.is_some() {
        skip = 1;
    }
    let delimiter = named.unwrap_or_else(|| best_delimiter(&text, options));
    text.push_str(SENTINEL);
    let mut header: Option<(Line, Headings)> = None;
    let mut best: Option<(Line, Headings)> = None;
    let (mut looked_at, mut open_quote, mut last) = (0, None, 0);
    let read = csv_records(&text, delimiter, |line, record| {
        last = line;
        let is_sentinel = record.len() == 1 && record.get(0) == Some(&SENTINEL[1..]);
        if !is_sentinel && record.iter().any(|c| c.contains(SENTINEL)) {
            open_quote = Some(line);
        }
        if header.is_none() && !is_sentinel && line > skip && looked_at < 20 {
            looked_at += 1;
            let found = Headings::from_cells(record.iter(), options.mapping);
            if found.known() >= 3 {
                header = Some((line, found));
            } else if best.as_ref().is_none_or(|(_, b)| found.known() > b.known()) {
                best = Some((line, found));
            }
        }
        true
    });
    text.truncate(text.len() - SENTINEL.len());
    if let Err(e) = read {
        return Err(FileError::new("unsupported_format", format!("the file cannot be read as CSV: {e}")).at(last + 1));
    }
    let detected = Detected {
        format: "csv".into(),
        encoding: Some(encoding.into()),
        delimiter: Some(char::from(delimiter).to_string()),
        header_row: header.as_ref().map(|h| h.0),
        data_rows: None,
    };
    if let Some(line) = open_quote {
        let message = "a quote that starts here is never closed; close it or remove it";
        return Err(FileError::new("unclosed_quote", message).at(line).detected(&detected));
    }
    let (header_line, headings) = header.or(best.filter(|(_, h)| h.has_number())).ok_or_else(|| {
        let mut error = FileError::new("missing_required_column", "no row with customer headings was found");
        error.field = Some("number");
        error.at(1).detected(&detected)
    })?;
    let detected = Detected { header_row: Some(header_line), ..detected };
    headings.require_number(header_line, &detected)?;
    Ok(Source { detected, headings, rows: Rows::Csv { text, delimiter, header_line } })
}

/// A first line `sep=;` names the delimiter.
fn sep_line(text: &str) -> Option<u8> {
    let rest = text.get(..4).filter(|s| s.eq_ignore_ascii_case("sep=")).and(text.get(4..))?;
    let delimiter = *rest.as_bytes().first()?;
    matches!(rest.as_bytes().get(1), Some(b'\r' | b'\n')).then_some(delimiter)
}

/// The delimiter under which one of the first rows has most known headings; then most cells.
fn best_delimiter(text: &str, options: &Options<'_>) -> u8 {
    let mut best = (0, 0, b';');
    for delimiter in *b";,\t|" {
        let mut rows = 0;
        let _ = csv_records(text, delimiter, |_, record| {
            rows += 1;
            let known = Headings::from_cells(record.iter(), options.mapping).known();
            if (known, record.len()) > (best.0, best.1) {
                best = (known, record.len(), delimiter);
            }
            rows < 20
        });
    }
    best.2
}
