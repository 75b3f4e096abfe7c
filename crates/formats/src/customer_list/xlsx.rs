//! Excel workbooks: the first sheet, with title rows above the headings.

use super::decode::{Rows, Source};
use super::headings::Headings;
use super::table::{Cell, RawRow};
use super::{Detected, FileError, Options};
use calamine::{Data, Reader, Xlsx, XlsxError};
use std::io::Cursor;

/// What a workbook may unpack to: checked in the zip directory before anything is unpacked (decision 38).
const MAX_INFLATED: u64 = 300 * 1024 * 1024;
/// Rows of a sheet.
const MAX_ROWS: usize = 500_000;

pub(super) fn open(bytes: &[u8], options: &Options<'_>) -> Result<Source, FileError> {
    check_size(bytes)?;
    let detected =
        Detected { format: "xlsx".into(), encoding: None, delimiter: None, header_row: None, data_rows: None };
    let (values, formulas) = first_sheet(bytes).map_err(|e| {
        FileError::new("unsupported_format", format!("the file cannot be read as an Excel workbook: {e}"))
    })?;
    if values.is_empty() {
        return Err(FileError::new("no_rows", "the first sheet is empty").detected(&detected));
    }
    if values.height() > MAX_ROWS {
        return Err(FileError::new(
            "too_large",
            format!("the sheet has more than {MAX_ROWS} rows; split it or use CSV"),
        ));
    }
    let (first_row, first_column) = values.start().unwrap_or((0, 0));
    let offset = usize::try_from(first_column).unwrap_or(0);
    let row_number = |i: usize| usize::try_from(first_row).unwrap_or(0) + i + 1;
    let header = values.rows().take(20).enumerate().find_map(|(i, row)| {
        let cells: Vec<String> = std::iter::repeat_n(String::new(), offset).chain(row.iter().map(shown)).collect();
        let found = Headings::from_cells(cells.iter().map(String::as_str), options.mapping);
        (found.known() >= 3).then_some((i, found))
    });
    let Some((header_index, headings)) = header else {
        let mut error = FileError::new("missing_required_column", "no row with customer headings was found");
        error.field = Some("number");
        return Err(error.at(row_number(0)).detected(&detected));
    };
    let headings = headings.without_trailing_blanks();
    let detected = Detected { header_row: Some(row_number(header_index)), ..detected };
    headings.require_number(row_number(header_index), &detected)?;
    let rows = values
        .rows()
        .enumerate()
        .skip(header_index + 1)
        .map(|(i, row)| {
            let line = row_number(i);
            let at = |column: usize| (u32::try_from(line - 1).unwrap_or(0), u32::try_from(column).unwrap_or(0));
            let mut cells = vec![Cell::Absent; offset];
            for (j, data) in row.iter().enumerate() {
                let has_formula = || formulas.get_value(at(offset + j)).is_some_and(|f| !f.is_empty());
                cells.push(cell(data, has_formula));
            }
            cells.truncate(headings.len());
            cells.resize(headings.len(), Cell::Absent);
            RawRow { line, cells, fault: None }
        })
        .collect();
    Ok(Source { detected, headings, rows: Rows::Held(rows) })
}

fn check_size(bytes: &[u8]) -> Result<(), FileError> {
    let archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|e| FileError::new("unsupported_format", format!("the file is not a whole Excel workbook: {e}")))?;
    let inflated = archive.decompressed_size().unwrap_or(u128::MAX);
    if inflated > u128::from(MAX_INFLATED) {
        let message = format!("the workbook unpacks to more than {} MB; use CSV", MAX_INFLATED / 1024 / 1024);
        return Err(FileError::new("too_large", message));
    }
    Ok(())
}

type Sheet = (calamine::Range<Data>, calamine::Range<String>);

fn first_sheet(bytes: &[u8]) -> Result<Sheet, XlsxError> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes))?;
    let Some(name) = book.sheet_names().first().cloned() else {
        return Ok((calamine::Range::empty(), calamine::Range::empty()));
    };
    Ok((book.worksheet_range(&name)?, book.worksheet_formula(&name).unwrap_or_else(|_| calamine::Range::empty())))
}

fn shown(data: &Data) -> String {
    match data {
        Data::String(s) => s.clone(),
        Data::Empty => String::new(),
        other => other.to_string(),
    }
}

fn cell(data: &Data, has_formula: impl Fn() -> bool) -> Cell {
    match data {
        Data::Empty if has_formula() => Cell::Formula,
        Data::Empty => Cell::Blank,
        Data::String(s) if s.is_empty() && has_formula() => Cell::Formula,
        Data::String(s) => Cell::of_text(s),
        Data::Float(f) => Cell::Number(f.to_string()),
        Data::Int(i) => Cell::Number(i.to_string()),
        Data::Bool(b) => Cell::Bool(*b),
        Data::DateTime(d) => match d.as_datetime() {
            Some(t) => Cell::Date(t.format("%Y-%m-%dT%H:%M:%S").to_string()),
            None => Cell::Wrong,
        },
        Data::DateTimeIso(s) | Data::DurationIso(s) => Cell::Text(s.clone()),
        Data::Error(_) => Cell::Formula,
    }
}
