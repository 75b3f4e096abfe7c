//! JSON arrays and NDJSON: one object a customer, address, contact and guardians nested or flat.

use super::decode::{Rows, Source};
use super::headings::{Headings, Target};
use super::table::{Cell, RawRow};
use super::{Detected, FileError, Options};
use domain::customer::Field;
use serde_json::Value;

/// Objects that may be nested, and what their keys are called when flat.
const NESTED: [&str; 4] = ["address", "contact", "guardian1", "guardian2"];

pub(super) fn open_array(text: &str, encoding: &str, options: &Options<'_>) -> Result<Source, FileError> {
    let values: Vec<Value> = serde_json::from_str(text).map_err(|e| {
        FileError::new("invalid_json", format!("the file is not a JSON array: {}", plain(&e))).at(e.line())
    })?;
    let rows = values.into_iter().enumerate().map(|(i, v)| (i + 1, Ok(v)));
    build("json", encoding, options, rows)
}

pub(super) fn open_lines(text: &str, encoding: &str, options: &Options<'_>) -> Result<Source, FileError> {
    let rows = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(i, line)| (i + 1, serde_json::from_str::<Value>(line)));
    build("ndjson", encoding, options, rows)
}

/// What is wrong, without the place: serde_json's messages may end in it.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line").next().unwrap_or_default().to_owned()
}

fn build(
    format: &str,
    encoding: &str,
    options: &Options<'_>,
    values: impl Iterator<Item = (usize, Result<Value, serde_json::Error>)>,
) -> Result<Source, FileError> {
    let mut keys: Vec<String> = Vec::new();
    let mut raw: Vec<(usize, Flat)> = Vec::new();
    for (line, value) in values {
        match value {
            Err(_) => raw.push((line, (Vec::new(), Some(("invalid_json", None))))),
            Ok(Value::Object(object)) => raw.push((line, flatten(object, &mut keys))),
            Ok(_) => raw.push((line, (Vec::new(), Some(("wrong_type", None))))),
        }
    }
    let detected = Detected {
        format: format.into(),
        encoding: Some(encoding.into()),
        delimiter: None,
        header_row: None,
        data_rows: None,
    };
    if raw.is_empty() {
        return Err(FileError::new("no_rows", "the list has no customers").detected(&detected));
    }
    let headings = Headings::from_keys(keys, options.mapping);
    headings.require_number(1, &detected)?;
    let rows = raw
        .into_iter()
        .map(|(line, (pairs, fault))| {
            let mut cells = vec![Cell::Absent; headings.len()];
            for (at, value) in pairs {
                cells[at] = cell(value, headings.target(at));
            }
            RawRow { line, cells, fault }
        })
        .collect();
    Ok(Source { detected, headings, rows: Rows::Held(rows) })
}

/// Cells by heading, and why the object as a whole cannot be read.
type Flat = (Vec<(usize, Value)>, Option<(&'static str, Option<String>)>);

fn flatten(object: serde_json::Map<String, Value>, keys: &mut Vec<String>) -> Flat {
    let mut pairs = Vec::new();
    let mut fault = None;
    let mut put = |key: String, value: Value| {
        let at = keys.iter().position(|k| *k == key).unwrap_or_else(|| {
            keys.push(key);
            keys.len() - 1
        });
        pairs.push((at, value));
    };
    for (key, value) in object {
        if !NESTED.contains(&key.as_str()) {
            put(key, value);
            continue;
        }
        match value {
            Value::Object(inner) => inner.into_iter().for_each(|(k, v)| put(format!("{key}.{k}"), v)),
            Value::Null => {}
            _ => fault = Some(("wrong_type", Some(key))),
        }
    }
    (pairs, fault)
}

/// A cell by the type its target takes; what fits nowhere is `Wrong`.
fn cell(value: Value, target: Option<Target>) -> Cell {
    let takes_numbers = match target {
        None | Some(Target::NationalId | Target::Phone2) => true,
        Some(Target::Field(field)) => matches!(
            field,
            Field::Number
                | Field::PostalCode
                | Field::OrgNumber
                | Field::Phone
                | Field::ContactPhone
                | Field::Guardian1Phone
                | Field::Guardian2Phone
        ),
        Some(_) => false,
    };
    let protected = target == Some(Target::Field(Field::ProtectedIdentity));
    let products = target == Some(Target::Field(Field::StandardProducts));
    match value {
        Value::Null => Cell::Null,
        Value::String(text) => Cell::of_text(&text),
        Value::Number(n) if takes_numbers && (n.is_i64() || n.is_u64()) => Cell::Number(n.to_string()),
        Value::Bool(b) if protected || target.is_none() => Cell::Bool(b),
        Value::Array(items) if products => items
            .iter()
            .map(|i| i.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map_or(Cell::Wrong, Cell::List),
        // Nothing of an unknown key is kept; its text is still searched for identity numbers.
        other if target.is_none() => Cell::Text(other.to_string()),
        _ => Cell::Wrong,
    }
}
