//! From rows of cells to accepted rows, errors and refused columns.

use super::decode::Source;
use super::headings::{Headings, Target};
use super::table::{Cell, RawRow};
use super::values::{self, Refusal};
use super::{CustomerList, Detected, FileError, ListRow, Mode, Options, RefusedColumn, RowNote, Standing};
use domain::customer::Field;
use domain::national_id::contains_national_id;
use std::collections::{BTreeMap, HashMap, HashSet};

pub(super) fn assemble(source: &Source, options: &Options<'_>) -> Result<CustomerList, FileError> {
    let census = Census::take(source);
    if census.rows == 0 {
        let message = "the list has headings and no customers; an empty list is never read as everybody having left";
        return Err(FileError::new("no_rows", message).detected(&source.detected));
    }
    let mut headings = source.headings.clone();
    let refused_columns = refuse_columns(&mut headings, &census);
    headings.require_number(source.detected.header_row.unwrap_or(1), &source.detected)?;
    let detected = Detected { data_rows: Some(census.rows), ..source.detected.clone() };
    let mapping = mapping_of(&headings);
    let updated_at = headings.column_of(Target::Field(Field::ExternalUpdatedAt));
    let mut reader = RowReader::new(&headings, options);
    source.each_row(|row| reader.read(&row));
    let mut list = CustomerList {
        detected,
        mapping,
        refused_columns,
        rows: reader.accepted,
        errors: reader.errors,
        notes: reader.notes,
        rejected: reader.rejected,
        skipped: reader.skipped,
        kept: reader.kept,
        updated_at_column: updated_at.map(|i| (headings.column_number(i), headings.heading(i).to_owned())),
    };
    let number = headings.column_of(Target::Field(Field::Number)).unwrap_or_default();
    settle_duplicates(&mut list, headings.column_number(number), headings.heading(number));
    list.errors.sort();
    list.notes.sort();
    Ok(list)
}

fn mapping_of(headings: &Headings) -> BTreeMap<String, String> {
    (0..headings.len())
        .filter_map(|i| headings.target(i).map(|t| (headings.heading(i).to_owned(), t.name().to_owned())))
        .collect()
}

/// What the columns hold, before anything is read from them.
struct Census {
    rows: usize,
    filled: Vec<usize>,
    national_ids: Vec<usize>,
}

impl Census {
    fn take(source: &Source) -> Self {
        let width = source.headings.len();
        let mut census = Self { rows: 0, filled: vec![0; width], national_ids: vec![0; width] };
        source.each_row(|row| {
            census.rows += 1;
            if row.fault.is_some() {
                return;
            }
            for (i, cell) in row.cells.iter().enumerate().take(width) {
                if cell.is_empty() {
                    continue;
                }
                census.filled[i] += 1;
                let unused = source.headings.target(i).is_none();
                if holds_national_id(cell, unused) {
                    census.national_ids[i] += 1;
                }
            }
        });
        census
    }
}

fn holds_national_id(cell: &Cell, unused: bool) -> bool {
    match cell {
        // A spreadsheet drops the zero of a number written as one.
        Cell::Number(n) if unused && n.len() == 10 => contains_national_id(&format!("0{n}")) || contains_national_id(n),
        Cell::List(items) => items.iter().any(|i| contains_national_id(i)),
        other => other.text().is_some_and(contains_national_id),
    }
}

/// Refuses columns we have no purpose for and columns of national identity numbers (rule 9).
fn refuse_columns(headings: &mut Headings, census: &Census) -> Vec<RefusedColumn> {
    let mut refused = Vec::new();
    for i in 0..headings.len() {
        let hits = census.national_ids[i];
        let many = hits > 1 && hits * 20 > census.rows;
        let national = |cells| ("national_id", Some(cells));
        let (reason, cells) = match headings.target(i) {
            Some(Target::NationalId) => national(census.filled[i]),
            None if hits > 0 => national(hits),
            None if headings.heading(i).is_empty() && census.filled[i] == 0 => continue,
            None => ("no_purpose", None),
            Some(_) if many => national(hits),
            Some(_) => continue,
        };
        refused.push(RefusedColumn {
            heading: headings.heading(i).to_owned(),
            column: headings.column_number(i),
            reason: reason.to_owned(),
            cells,
        });
        headings.drop_column(i);
    }
    refused
}

/// Reads row after row.
struct RowReader<'a> {
    headings: &'a Headings,
    options: &'a Options<'a>,
    zeros: Zeros,
    accepted: Vec<ListRow>,
    errors: Vec<RowNote>,
    notes: Vec<RowNote>,
    rejected: usize,
    skipped: usize,
    kept: HashSet<String>,
}

/// How to give a number its lost zeros back: the known number equal without them, else the common width.
struct Zeros {
    by_bare: HashMap<String, Option<String>>,
    width: Option<usize>,
}

impl Zeros {
    fn of(known: &HashSet<String>) -> Self {
        let mut by_bare: HashMap<String, Option<String>> = HashMap::new();
        let mut widths = HashSet::new();
        for number in known {
            widths.insert(if number.bytes().all(|b| b.is_ascii_digit()) { number.len() } else { 0 });
            let bare = number.trim_start_matches('0');
            if bare.len() < number.len() {
                by_bare.entry(bare.to_owned()).and_modify(|n| *n = None).or_insert_with(|| Some(number.clone()));
            }
        }
        let width = (widths.len() == 1).then(|| widths.into_iter().next()).flatten().filter(|w| *w > 0);
        Self { by_bare, width }
    }

    fn restore(&self, number: &str, known: &HashSet<String>) -> Option<String> {
        if known.contains(number) || !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        match self.by_bare.get(number) {
            Some(found) => found.clone(),
            None => self.width.filter(|w| number.len() < *w).map(|w| format!("{number:0>w$}")),
        }
    }
}

/// What is found out about one row while it is read.
#[derive(Default)]
struct Draft {
    number: Option<String>,
    sets: Vec<(Field, Option<String>)>,
    standing: Standing,
    errors: Vec<RowNote>,
    notes: Vec<RowNote>,
    rejects: bool,
}

impl<'a> RowReader<'a> {
    fn new(headings: &'a Headings, options: &'a Options<'a>) -> Self {
        Self {
            headings,
            options,
            zeros: Zeros::of(options.known),
            accepted: Vec::new(),
            errors: Vec::new(),
            notes: Vec::new(),
            rejected: 0,
            skipped: 0,
            kept: HashSet::new(),
        }
    }

    fn note(&self, line: usize, at: Option<usize>, code: &str, level: Option<&str>) -> RowNote {
        RowNote {
            line,
            column: at.and_then(|i| self.headings.column_number(i)),
            heading: at.map(|i| self.headings.heading(i).to_owned()),
            code: code.to_owned(),
            level: level.map(str::to_owned),
        }
    }

    fn cell<'r>(&self, row: &'r RawRow, target: Target) -> Option<(usize, &'r Cell)> {
        let at = self.headings.column_of(target)?;
        row.cells.get(at).filter(|c| **c != Cell::Absent).map(|c| (at, c))
    }

    fn read(&mut self, row: &RawRow) {
        if let Some((code, heading)) = &row.fault {
            let mut error = self.note(row.line, None, code, Some("row"));
            error.heading.clone_from(heading);
            self.errors.push(error);
            self.rejected += 1;
            let texts = row.cells.iter().filter_map(Cell::text).map(|t| values::clean(t, " "));
            self.kept.extend(texts.filter(|t| self.options.known.contains(t)));
            return;
        }
        let mut draft = Draft::default();
        self.read_number(row, &mut draft);
        self.read_standing(row, &mut draft);
        let known = draft.number.as_ref().is_some_and(|n| self.options.known.contains(n));
        if !draft.rejects && !known && matches!(draft.standing, Standing::Ended { .. }) {
            let at = self.headings.column_of(Target::Field(Field::Number));
            self.notes.push(self.note(row.line, at, "ended_unknown", None));
            self.skipped += 1;
            return;
        }
        self.read_name(row, known, &mut draft);
        self.read_fields(row, &mut draft);
        self.read_kind(row, &mut draft);
        self.errors.append(&mut draft.errors);
        if draft.rejects {
            self.rejected += 1;
            self.kept.extend(draft.number.or_else(|| self.raw_number(row)));
            return;
        }
        self.notes.append(&mut draft.notes);
        if let Some(number) = draft.number {
            self.accepted.push(ListRow { line: row.line, number, sets: draft.sets, standing: draft.standing });
        }
    }

    fn raw_number(&self, row: &RawRow) -> Option<String> {
        let (_, cell) = self.cell(row, Target::Field(Field::Number))?;
        cell.text().filter(|t| !contains_national_id(t)).map(|t| values::clean(t, " "))
    }

    fn reject(&self, draft: &mut Draft, line: usize, at: Option<usize>, code: &str) {
        draft.errors.push(self.note(line, at, code, Some("row")));
        draft.rejects = true;
    }

    fn refuse(&self, draft: &mut Draft, line: usize, at: usize, refusal: Refusal) {
        match refusal {
            Refusal::Row(code) => self.reject(draft, line, Some(at), code),
            Refusal::Cell(code) => draft.errors.push(self.note(line, Some(at), code, Some("cell"))),
        }
    }

    fn read_number(&self, row: &RawRow, draft: &mut Draft) {
        let at = self.headings.column_of(Target::Field(Field::Number));
        let Some((at, cell)) = self.cell(row, Target::Field(Field::Number)).filter(|(_, c)| !c.is_empty()) else {
            return self.reject(draft, row.line, at, "missing_number");
        };
        let Some(text) = cell.text() else {
            return self.reject(draft, row.line, Some(at), "wrong_type");
        };
        if contains_national_id(text) {
            return self.reject(draft, row.line, Some(at), "national_id_refused");
        }
        let number = match values::normalise(Field::Number, text, "NO") {
            Ok(number) if number.is_empty() => return self.reject(draft, row.line, Some(at), "missing_number"),
            Ok(number) => number,
            Err(refusal) => return self.refuse(draft, row.line, at, refusal),
        };
        draft.number = Some(match cell {
            Cell::Number(_) => match self.zeros.restore(&number, self.options.known) {
                Some(restored) => {
                    draft.notes.push(self.note(row.line, Some(at), "leading_zero_restored", None));
                    restored
                }
                None => number,
            },
            _ => number,
        });
    }

    fn read_standing(&self, row: &RawRow, draft: &mut Draft) {
        let on = match self.cell(row, Target::EndedOn).filter(|(_, c)| !c.is_empty()) {
            None => None,
            Some((at, cell)) => match cell.text().and_then(values::date_time) {
                Some(time) => Some(time.date()),
                None => return self.reject(draft, row.line, Some(at), "invalid_date"),
            },
        };
        let reason = self.cell(row, Target::EndedReason).and_then(|(_, c)| c.text()).map(|t| values::clean(t, " "));
        let reason = reason.filter(|r| !contains_national_id(r));
        let status = self.cell(row, Target::Status).filter(|(_, c)| !c.is_empty());
        draft.standing = match status {
            None if on.is_some() => Standing::Ended { on, reason },
            None => Standing::Unsaid,
            Some((at, cell)) => match cell.text().and_then(values::ends) {
                Some(true) => Standing::Ended { on, reason },
                Some(false) => Standing::Active,
                None => return self.reject(draft, row.line, Some(at), "unknown_status"),
            },
        };
    }

    /// Name = company name, else name, else first and last name.
    fn read_name(&self, row: &RawRow, known: bool, draft: &mut Draft) {
        let targets = [Target::CompanyName, Target::Field(Field::Name), Target::FirstName, Target::LastName];
        let mut parts: [Option<String>; 4] = Default::default();
        let mut cleared = false;
        for (part, target) in parts.iter_mut().zip(targets) {
            let Some((at, cell)) = self.cell(row, target) else { continue };
            cleared |= *cell == Cell::Null;
            match cell {
                c if c.is_empty() => {}
                Cell::Formula => self.refuse(draft, row.line, at, Refusal::Cell("formula_cell")),
                c => match c.text() {
                    None => return self.reject(draft, row.line, Some(at), "wrong_type"),
                    Some(text) if contains_national_id(text) => {
                        return self.reject(draft, row.line, Some(at), "national_id_refused");
                    }
                    Some(text) => {
                        let text = values::clean(text, " ");
                        if values::starts_like_formula(&text) {
                            draft.notes.push(self.note(row.line, Some(at), "formula_neutralised", None));
                        }
                        *part = Some(text).filter(|t| !t.is_empty());
                    }
                },
            }
        }
        let [company, name, first, last] = parts;
        let both = [first, last].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let full = company.or(name).or(Some(both).filter(|b| !b.is_empty()));
        let may_stay = known && self.options.mode == Mode::Delta && !cleared;
        match full {
            Some(name) => draft.sets.push((Field::Name, Some(name))),
            None if may_stay || matches!(draft.standing, Standing::Ended { .. }) => {}
            None => {
                let columns = [Target::Field(Field::Name), Target::FirstName, Target::LastName, Target::CompanyName];
                let at = columns.into_iter().find_map(|t| self.headings.column_of(t));
                self.reject(draft, row.line, at, "missing_name");
            }
        }
    }

    fn read_fields(&self, row: &RawRow, draft: &mut Draft) {
        let country = self.country_of(row);
        for (at, cell) in row.cells.iter().enumerate() {
            let Some(Target::Field(field)) = self.headings.target(at) else { continue };
            if matches!(field, Field::Number | Field::Name | Field::Kind) || *cell == Cell::Absent {
                continue;
            }
            // The other telephone stands in where the mobile one is blank.
            let other = || self.cell(row, Target::Phone2).filter(|(_, c)| !c.is_empty());
            let (at, cell) = match field {
                Field::Phone if cell.is_empty() => other().unwrap_or((at, cell)),
                _ => (at, cell),
            };
            self.read_field(row.line, field, at, cell, country, draft);
        }
    }

    fn read_field(&self, line: usize, field: Field, at: usize, cell: &Cell, country: &str, draft: &mut Draft) {
        let clears = *cell == Cell::Null || (*cell == Cell::Blank && self.options.mode == Mode::Full);
        if clears {
            let blank_country = (field == Field::Country).then(|| "NO".to_owned());
            draft.sets.push((field, blank_country));
            return;
        }
        let value = match cell {
            Cell::Blank | Cell::Absent | Cell::Null => return,
            Cell::Formula => Err(Refusal::Cell("formula_cell")),
            Cell::List(items) if items.iter().any(|i| contains_national_id(i)) => {
                Err(Refusal::Cell("national_id_refused"))
            }
            Cell::List(items) => Ok(values::products(items.iter().map(String::as_str))),
            Cell::Bool(b) if field == Field::ProtectedIdentity => Ok(if *b { "true".into() } else { String::new() }),
            other => match other.text() {
                Some(text) if contains_national_id(text) => Err(Refusal::Cell("national_id_refused")),
                Some(text) => values::normalise(field, text, country),
                None => Err(Refusal::Row("wrong_type")),
            },
        };
        match value {
            Err(refusal) => self.refuse(draft, line, at, refusal),
            Ok(value) => {
                if field == Field::PostalCode && matches!(cell, Cell::Number(n) if n.len() < value.len()) {
                    draft.notes.push(self.note(line, Some(at), "leading_zero_restored", None));
                }
                let is_phone =
                    matches!(field, Field::Phone | Field::ContactPhone | Field::Guardian1Phone | Field::Guardian2Phone);
                if !is_phone && values::starts_like_formula(&value) {
                    draft.notes.push(self.note(line, Some(at), "formula_neutralised", None));
                }
                draft.sets.push((field, Some(value).filter(|v| !v.is_empty())));
            }
        }
    }

    fn country_of(&self, row: &RawRow) -> &'static str {
        self.cell(row, Target::Field(Field::Country))
            .and_then(|(_, c)| c.text())
            .and_then(|t| super::countries::code(&values::clean(t, " ")))
            .unwrap_or("NO")
    }

    /// Business when the row says so, or has an organisation number or a company name.
    fn read_kind(&self, row: &RawRow, draft: &mut Draft) {
        if let Some((at, cell)) = self.cell(row, Target::Field(Field::Kind)).filter(|(_, c)| !c.is_empty()) {
            match cell.text().map(|t| values::normalise(Field::Kind, t, "NO")) {
                Some(Ok(kind)) => draft.sets.push((Field::Kind, Some(kind))),
                _ => self.reject(draft, row.line, Some(at), "wrong_type"),
            }
            return;
        }
        let signs = [Target::Field(Field::OrgNumber), Target::CompanyName];
        let columns: Vec<&Cell> = signs.iter().filter_map(|t| self.cell(row, *t)).map(|(_, c)| c).collect();
        let filled = columns.iter().any(|c| !c.is_empty());
        if filled {
            draft.sets.push((Field::Kind, Some("business".to_owned())));
        } else if !columns.is_empty() && self.options.mode == Mode::Full {
            draft.sets.push((Field::Kind, Some("person".to_owned())));
        }
    }
}

/// A number twice: equal rows count once, different ones are all rejected (rule 11).
fn settle_duplicates(list: &mut CustomerList, column: Option<usize>, heading: &str) {
    let mut first: HashMap<&str, usize> = HashMap::with_capacity(list.rows.len());
    let mut clashing: HashSet<String> = HashSet::new();
    let mut repeated: HashSet<usize> = HashSet::new();
    for (i, row) in list.rows.iter().enumerate() {
        let Some(earlier) = first.insert(&row.number, i) else { continue };
        let before = &list.rows[earlier];
        if before.sets == row.sets && before.standing == row.standing {
            repeated.insert(i);
        } else {
            clashing.insert(row.number.clone());
        }
    }
    if clashing.is_empty() && repeated.is_empty() {
        return;
    }
    let rows = std::mem::take(&mut list.rows);
    for (i, row) in rows.into_iter().enumerate() {
        let note = |code: &str, level: Option<&str>| RowNote {
            line: row.line,
            column,
            heading: Some(heading.to_owned()),
            code: code.to_owned(),
            level: level.map(str::to_owned),
        };
        if clashing.contains(&row.number) {
            list.errors.push(note("duplicate_number", Some("row")));
            list.rejected += 1;
            list.kept.insert(row.number);
        } else if repeated.contains(&i) {
            list.notes.push(note("repeated_row", None));
            list.skipped += 1;
        } else {
            list.rows.push(row);
        }
    }
}
