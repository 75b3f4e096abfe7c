//! Rows of cells, whatever file they came from.

use super::decode::Line;

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// The key or the trailing cell is not there.
    Absent,
    /// Nothing in it.
    Blank,
    /// JSON null.
    Null,
    /// Text.
    Text(String),
    /// A number as it would be typed; leading zeros may be lost.
    Number(String),
    /// Date and time in ISO form.
    Date(String),
    /// Yes or no.
    Bool(bool),
    /// A list of texts.
    List(Vec<String>),
    /// A formula without a stored result.
    Formula,
    /// A JSON value of a type that fits nothing.
    Wrong,
}

impl Cell {
    /// Text and numbers as text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(t) | Self::Number(t) | Self::Date(t) => Some(t),
            _ => None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Absent | Self::Blank | Self::Null)
    }

    pub(super) fn of_text(text: &str) -> Self {
        if text.trim().is_empty() { Self::Blank } else { Self::Text(text.to_owned()) }
    }
}

/// One row of a list.
#[derive(Debug, Clone)]
pub(super) struct RawRow {
    /// Line, sheet row or element, counted from 1.
    pub(super) line: usize,
    /// Cells in order of the headings.
    pub(super) cells: Vec<Cell>,
    /// Why the row as a whole cannot be read, and the heading it concerns.
    pub(super) fault: Option<(&'static str, Option<String>)>,
}

impl RawRow {
    pub(super) fn has_content(&self) -> bool {
        self.fault.is_some() || !self.cells.iter().all(Cell::is_empty)
    }
}

/// Cuts text into CSV records, telling the physical line each starts on.
pub(super) fn csv_records(
    text: &str,
    delimiter: u8,
    mut each: impl FnMut(Line, &csv::StringRecord) -> bool,
) -> Result<(), csv::Error> {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let (mut at, mut line) = (0, 1);
    let bytes = text.as_bytes();
    while reader.read_record(&mut record)? {
        let mut start = usize::try_from(record.position().map_or(0, csv::Position::byte)).unwrap_or(at);
        while matches!(bytes.get(start), Some(b'\n' | b'\r')) {
            start += 1;
        }
        line += text.get(at..start).unwrap_or_default().matches('\n').count();
        at = start;
        if !each(line, &record) {
            break;
        }
    }
    Ok(())
}
