//! Fixed-width records: fields by their column numbers, with faults that say where.

use chrono::NaiveDate;
use serde::Serialize;

/// Why a file is not taken, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}{message} ({code})", place(*.line, *.column))]
pub struct Fault {
    /// Stable code.
    pub code: &'static str,
    /// Line counted from 1.
    pub line: Option<usize>,
    /// Column counted from 1.
    pub column: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

fn place(line: Option<usize>, column: Option<usize>) -> String {
    match (line, column) {
        (Some(l), Some(c)) => format!("line {l}, column {c}: "),
        (Some(l), None) => format!("line {l}: "),
        _ => String::new(),
    }
}

impl Fault {
    /// A fault of the whole file.
    pub fn file(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, line: None, column: None, message: message.into() }
    }

    /// A fault at a place.
    pub fn at(code: &'static str, line: usize, column: usize, message: impl Into<String>) -> Self {
        Self { code, line: Some(line), column: Some(column), message: message.into() }
    }
}

/// One record of a file, with the number of its line.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    bytes: &'a [u8],
    line: usize,
}

impl<'a> Record<'a> {
    /// The line the record stands on.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Columns `from` to `to`, counted from 1, both included.
    pub fn columns(&self, from: usize, to: usize) -> &'a [u8] {
        self.bytes.get(from - 1..to).unwrap_or_default()
    }

    /// A number of digits.
    pub fn number(&self, from: usize, to: usize) -> Result<u64, Fault> {
        let mut value: u64 = 0;
        for (i, b) in self.columns(from, to).iter().enumerate() {
            let digit = b.wrapping_sub(b'0');
            if digit > 9 {
                return Err(self.fault("number_invalid", from + i, "a digit was expected"));
            }
            value = value * 10 + u64::from(digit);
        }
        Ok(value)
    }

    /// A date DDMMYY; `000000` is none. 70 to 99 is the last century.
    pub fn date(&self, from: usize) -> Result<Option<NaiveDate>, Fault> {
        let value = u32::try_from(self.number(from, from + 5)?).unwrap_or(u32::MAX);
        if value == 0 {
            return Ok(None);
        }
        let (day, month, year) = (value / 10_000, value / 100 % 100, value % 100);
        let century = if year >= 70 { 1900 } else { 2000 };
        let year = i32::try_from(century + year).unwrap_or_default();
        NaiveDate::from_ymd_opt(year, month, day)
            .map(Some)
            .ok_or_else(|| self.fault("date_invalid", from, "this is not a date (DDMMYY)"))
    }

    /// Text without its padding, when it is plain ASCII.
    pub fn ascii(&self, from: usize, to: usize) -> Result<&'a str, Fault> {
        let bytes = self.columns(from, to);
        match bytes.iter().position(|b| !(0x20..0x7f).contains(b)) {
            Some(i) => {
                Err(self.fault("character_invalid", from + i, "only digits, blanks and a hyphen may stand here"))
            }
            None => Ok(std::str::from_utf8(bytes).unwrap_or_default().trim_matches(' ')),
        }
    }

    /// Text in ISO-8859-1 without trailing blanks; control characters become blanks.
    pub fn latin1(&self, from: usize, to: usize) -> String {
        let text: String = self
            .columns(from, to)
            .iter()
            .map(|b| char::from(*b))
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        text.trim_end().to_owned()
    }

    /// A fault in this record.
    pub fn fault(&self, code: &'static str, column: usize, message: impl Into<String>) -> Fault {
        Fault::at(code, self.line, column, message)
    }
}

/// Cuts a file into records of `width` bytes. Lines may end in LF or CR LF, or the records stand back to back.
pub struct Records<'a> {
    rest: &'a [u8],
    width: usize,
    line: usize,
    back_to_back: bool,
}

impl<'a> Records<'a> {
    /// Reads `bytes`; one trailing 0x1A and trailing line ends are dropped.
    pub fn new(bytes: &'a [u8], width: usize) -> Self {
        let mut rest = bytes.strip_suffix(&[0x1a]).unwrap_or(bytes);
        while let Some((b'\n' | b'\r', head)) = rest.split_last() {
            rest = head;
        }
        let back_to_back = !rest.iter().take(4 * width).any(|b| matches!(b, b'\n' | b'\r'));
        Self { rest, width, line: 0, back_to_back }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        let (bytes, rest) = if self.back_to_back {
            self.rest.split_at(self.width.min(self.rest.len()))
        } else {
            cut_line(self.rest, self.width)
        };
        self.rest = rest;
        if bytes.len() == self.width {
            return Some(Ok(Record { bytes, line: self.line }));
        }
        let (len, width) = (bytes.len(), self.width);
        self.rest = &[];
        let hint = if len > width { "; is the file in ISO-8859-1?" } else { "" };
        let message = format!("the line has {len} characters, {width} were expected{hint}");
        Some(Err(Fault::at("line_length", self.line, len.min(width) + 1, message)))
    }
}

/// The first line without its end, and what follows. Looks where a line of the right width ends before it searches.
fn cut_line(bytes: &[u8], width: usize) -> (&[u8], &[u8]) {
    let end = match bytes.get(width) {
        Some(b'\n' | b'\r') if !bytes[..width].contains(&b'\n') => width,
        _ => bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len()),
    };
    let (line, mut rest) = bytes.split_at(end);
    rest = rest.strip_prefix(b"\r").unwrap_or(rest);
    rest = rest.strip_prefix(b"\n").unwrap_or(rest);
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}
