//! Customer lists as other systems export them: CSV, XLSX, JSON and NDJSON, read into normalised records.
//!
//! Nothing is guessed: what cannot be read is an error with line and column, what we have no purpose for is refused,
//! and a national identity number is never kept (personopplysningsloven § 12). To add a heading: `headings`. To add a
//! value rule: `values`.

mod assemble;
mod countries;
mod decode;
mod headings;
mod json;
mod table;
mod values;
mod xlsx;

use domain::customer::{CustomerRecord, Field};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

pub use countries::is_country;
pub use headings::normalise_heading;

/// Whether a list holds every customer or only changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everybody: who is not in it has left; a blank cell clears.
    Full,
    /// Changes only: blank or absent leaves a value alone.
    Delta,
}

/// What must be known to read a list.
#[derive(Debug)]
pub struct Options<'a> {
    /// Full or delta.
    pub mode: Mode,
    /// Numbers of all customers, ended ones too.
    pub known: &'a HashSet<String>,
    /// The organisation's saved mapping: normalised heading to target name.
    pub mapping: &'a HashMap<String, String>,
}

/// How the file was understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detected {
    /// `csv`, `xlsx`, `json` or `ndjson`.
    pub format: String,
    /// Encoding of a text file.
    pub encoding: Option<String>,
    /// Delimiter of a CSV file.
    pub delimiter: Option<String>,
    /// Line or sheet row of the headings.
    pub header_row: Option<usize>,
    /// Rows with content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_rows: Option<usize>,
}

/// A column that is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedColumn {
    /// Heading as written.
    pub heading: String,
    /// Column counted from 1; none in JSON.
    pub column: Option<usize>,
    /// `no_purpose` or `national_id`.
    pub reason: String,
    /// Cells that held or were headed as a national identity number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cells: Option<usize>,
}

/// Something about one row or cell. Never holds the value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowNote {
    /// Line, sheet row or element.
    pub line: usize,
    /// Column counted from 1.
    pub column: Option<usize>,
    /// Heading as written.
    pub heading: Option<String>,
    /// Stable code.
    pub code: String,
    /// `row` rejects the row, `cell` leaves the value out; notes have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
}

impl RowNote {
    /// An error that rejects a whole row.
    pub fn row_error(line: usize, code: &str) -> Self {
        Self { line, column: None, heading: None, code: code.to_owned(), level: Some("row".to_owned()) }
    }
}

/// Whether a row ends or keeps the customer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Standing {
    /// The row says nothing.
    #[default]
    Unsaid,
    /// Active.
    Active,
    /// Ended.
    Ended {
        /// Last day.
        on: Option<chrono::NaiveDate>,
        /// Why.
        reason: Option<String>,
    },
}

/// One accepted row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRow {
    /// Where it stands.
    pub line: usize,
    /// Customer number.
    pub number: String,
    /// Fields the row sets, or with `None` clears.
    pub sets: Vec<(Field, Option<String>)>,
    /// Whether it ends the customer.
    pub standing: Standing,
}

impl ListRow {
    /// `base` with what the row says.
    pub fn applied_to(&self, base: &CustomerRecord) -> CustomerRecord {
        let mut record = base.clone();
        record.set(Field::Number, Some(self.number.clone()));
        for (field, value) in &self.sets {
            record.set(*field, value.clone());
        }
        record
    }

    /// The record of a customer nobody has seen before: a person in Norway unless the row says otherwise.
    pub fn as_new(&self) -> CustomerRecord {
        let mut record = self.applied_to(&CustomerRecord::default());
        for (field, value) in [(Field::Kind, "person"), (Field::Country, "NO")] {
            if record.get(field).is_none() {
                record.set(field, Some(value.to_owned()));
            }
        }
        record
    }
}

/// A list that could be read.
#[derive(Debug)]
pub struct CustomerList {
    /// How the file was understood.
    pub detected: Detected,
    /// Heading as written to target.
    pub mapping: BTreeMap<String, String>,
    /// Columns that are not stored.
    pub refused_columns: Vec<RefusedColumn>,
    /// Accepted rows in file order, each number once.
    pub rows: Vec<ListRow>,
    /// Row and cell errors.
    pub errors: Vec<RowNote>,
    /// Information.
    pub notes: Vec<RowNote>,
    /// Rows rejected.
    pub rejected: usize,
    /// Rows skipped: repeated, or ending somebody unknown.
    pub skipped: usize,
    /// Numbers in rejected rows: these customers are in the list and do not end.
    pub kept: HashSet<String>,
    /// Column of `external_updated_at`, for notes made later.
    pub updated_at_column: Option<(Option<usize>, String)>,
}

/// Why no plan can be made of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message} ({code})")]
pub struct FileError {
    /// Stable code.
    pub code: &'static str,
    /// Line, where one can be named.
    pub line: Option<usize>,
    /// Field, where one is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// What is wrong and what to do.
    pub message: String,
    /// What was understood before the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detected: Option<Box<Detected>>,
}

impl FileError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, line: None, field: None, message: message.into(), detected: None }
    }

    pub(crate) fn at(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    pub(crate) fn detected(mut self, detected: &Detected) -> Self {
        self.detected = Some(Box::new(Detected { data_rows: None, ..detected.clone() }));
        self
    }
}

/// Reads a customer list.
pub fn read(bytes: &[u8], options: &Options<'_>) -> Result<CustomerList, FileError> {
    let source = decode::open(bytes, options)?;
    assemble::assemble(&source, options)
}
