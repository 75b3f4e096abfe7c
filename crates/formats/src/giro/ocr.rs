//! Reads and checks a whole file before anything of it may be booked (I6).

use super::types::{Assignment, GiroFile, Mandate, MandateAssignment, Payment, Registration, Transmission};
use crate::fixed::{Fault, Record, Records};
use chrono::NaiveDate;

/// Reads a file from the giro operator. Any fault in structure, counts, sums or dates refuses all of it.
pub fn parse(bytes: &[u8]) -> Result<GiroFile<'_>, Fault> {
    refuse_other_formats(bytes)?;
    let mut reader = Reader { records: Records::new(bytes, 80), count: 0, last_line: 0 };
    let start = reader.next()?.ok_or_else(|| Fault::file("empty_file", "the file is empty"))?;
    if start.columns(1, 2) != b"NY" {
        return Err(start.fault("not_a_giro_file", 1, "a giro file starts with NY000010"));
    }
    if start.columns(1, 8) != b"NY000010" {
        return Err(start.fault("missing_start_record", 1, "the file does not start with a start record (NY000010)"));
    }
    let mut file = GiroFile {
        transmission: Transmission {
            sender: start.latin1(9, 16),
            number: start.latin1(17, 23),
            recipient: start.latin1(24, 31),
        },
        assignments: Vec::new(),
        mandates: Vec::new(),
        transactions: 0,
        control_sum_ore: 0,
        ambiguous_sum: false,
    };
    let mut totals = Totals::default();
    loop {
        let record = reader.expect("the file ends without its end record (NY000089)")?;
        match record.columns(1, 8) {
            b"NY090020" => totals.add(read_payments(&mut reader, record, &mut file)?),
            b"NY212420" => totals.add(read_mandates(&mut reader, record, &mut file)?),
            b"NY210020" | b"NY213620" => {
                let what =
                    "an outgoing AvtaleGiro file (claims or cancellations); only files from the operator are read";
                return Err(Fault::file("unsupported_avtalegiro", what));
            }
            b"NY000089" => {
                end_transmission(&mut reader, record, &mut file, &totals)?;
                return Ok(file);
            }
            [b'N', b'Y', _, _, _, _, b'2', b'0'] => totals.add(skip_service(&mut reader, record)?),
            _ => return Err(unexpected(record, "an assignment start (20) or the end of the file (89)")),
        }
    }
}

fn refuse_other_formats(bytes: &[u8]) -> Result<(), Fault> {
    match bytes {
        [] => Err(Fault::file("empty_file", "the file is empty")),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            Err(Fault::file("encoding_invalid", "the file is in UTF-16; save it as it came from the bank"))
        }
        [0xef, 0xbb, 0xbf, rest @ ..] if !rest.trim_ascii_start().starts_with(b"<") => {
            Err(Fault::file("encoding_invalid", "the file was saved as UTF-8; save it as it came from the bank"))
        }
        _ if bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start().starts_with(b"<") => {
            Err(Fault::file("unsupported_camt", "camt files (ISO 20022 XML) are not yet supported"))
        }
        _ => Ok(()),
    }
}

struct Reader<'a> {
    records: Records<'a>,
    count: u64,
    last_line: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<Record<'a>>, Fault> {
        let Some(record) = self.records.next().transpose()? else { return Ok(None) };
        self.count += 1;
        self.last_line = record.line();
        Ok(Some(record))
    }

    fn expect(&mut self, otherwise: &str) -> Result<Record<'a>, Fault> {
        let line = self.last_line + 1;
        self.next()?.ok_or_else(|| Fault::at("missing_end_record", line, 1, otherwise))
    }
}

/// Counts and sums of an assignment or a file. `other` is the sum with reversals (18, 20) always added.
#[derive(Default, Clone, Copy)]
struct Totals {
    transactions: u64,
    net: i128,
    other: i128,
}

impl Totals {
    fn add(&mut self, more: Self) {
        self.transactions += more.transactions;
        self.net += more.net;
        self.other += more.other;
    }
}

fn unexpected(record: Record<'_>, expected: &str) -> Fault {
    let known = matches!(
        record.columns(1, 8),
        [b'N', b'Y', b'0', b'0', b'0', b'0', b'1', b'0']
            | [b'N', b'Y', b'0', b'0', b'0', b'0', b'8', b'9']
            | [b'N', b'Y', b'0', b'9', _, _, b'2', b'0']
            | [b'N', b'Y', b'0', b'9', _, _, b'3', b'0'..=b'2']
            | [b'N', b'Y', _, _, _, _, b'8', b'8']
            | [b'N', b'Y', b'2', b'1', b'9', b'4', b'7', b'0']
    );
    let found = record.latin1(1, 8);
    if known {
        record.fault("unexpected_record", 1, format!("record {found} may not stand here; expected {expected}"))
    } else {
        record.fault("unknown_record_type", 1, format!("record {found} is not known; expected {expected}"))
    }
}

fn read_payments<'a>(reader: &mut Reader<'a>, start: Record<'a>, file: &mut GiroFile<'a>) -> Result<Totals, Fault> {
    start.number(25, 35)?;
    let first_record = reader.count;
    let mut assignment = Assignment {
        account: start.ascii(25, 35)?,
        agreement: start.ascii(9, 17)?,
        line: start.line(),
        transactions: 0,
        control_sum_ore: 0,
        payments: Vec::new(),
    };
    let mut totals = Totals::default();
    let mut range: Option<(NaiveDate, NaiveDate)> = None;
    loop {
        let record = reader.expect("the assignment has no end record (NY090088)")?;
        if record.columns(1, 8) == b"NY090088" {
            let records = reader.count - first_record + 1;
            check_counts(record, totals.transactions, records)?;
            file.ambiguous_sum |= check_sum(record, &totals)?;
            check_dates(record, range)?;
            assignment.transactions = totals.transactions;
            assignment.control_sum_ore = record.number(25, 41)?;
            file.assignments.push(assignment);
            return Ok(totals);
        }
        if record.columns(1, 4) != b"NY09" || record.columns(7, 8) != b"30" {
            return Err(unexpected(record, "amount item 1 (30) or the end of the assignment (88)"));
        }
        let payment = read_payment(reader, record)?;
        let day = payment.settled_on;
        range = Some(range.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
        totals.transactions += 1;
        totals.net += i128::from(payment.amount_ore);
        let reversal = matches!(payment.kind, 18 | 20);
        totals.other += if reversal { i128::from(payment.amount_ore.abs()) } else { i128::from(payment.amount_ore) };
        assignment.payments.push(payment);
    }
}

fn read_payment<'a>(reader: &mut Reader<'a>, item1: Record<'a>) -> Result<Payment<'a>, Fault> {
    let kind = u8::try_from(item1.number(5, 6)?).unwrap_or_default();
    if !(10..=21).contains(&kind) {
        return Err(item1.fault(
            "unknown_transaction_type",
            5,
            format!("transaction type {kind} is not known (10 to 21)"),
        ));
    }
    let item2 = next_item(reader, item1, b"31", "missing_amount_item_2")?;
    let text =
        if kind >= 20 { Some(next_item(reader, item1, b"32", "missing_amount_item_3")?.latin1(16, 55)) } else { None };
    let settled_on = item1.date(16)?.ok_or_else(|| item1.fault("date_invalid", 16, "a settlement date is needed"))?;
    item2.date(42)?;
    let amount = item1.number(33, 49)?;
    let amount = i64::try_from(amount).map_err(|_| item1.fault("number_invalid", 33, "the amount is too large"))?;
    let negative = match item1.columns(32, 32) {
        b"-" => true,
        b"0" | b" " => false,
        _ => return Err(item1.fault("sign_invalid", 32, "the sign is 0 or a hyphen")),
    };
    let debit = item2.columns(48, 58);
    let known = debit.iter().all(u8::is_ascii_digit) && debit.iter().any(|b| *b != b'0');
    Ok(Payment {
        line: item1.line(),
        kind,
        settled_on,
        settlement: item1.ascii(22, 31)?,
        amount_ore: if negative { -amount } else { amount },
        kid: item1.ascii(50, 74)?,
        reference: item2.ascii(26, 34)?,
        debit_account: if known { Some(item2.ascii(48, 58)?) } else { None },
        text,
    })
}

fn next_item<'a>(
    reader: &mut Reader<'a>,
    item1: Record<'a>,
    record_type: &[u8],
    missing: &'static str,
) -> Result<Record<'a>, Fault> {
    let which = if record_type == b"31" { 2 } else { 3 };
    let item = reader.expect("the file ends in the middle of a payment")?;
    if item.columns(1, 4) != b"NY09" || item.columns(7, 8) != record_type {
        return Err(item.fault(missing, 1, format!("amount item {which} must follow the item before it")));
    }
    if item.columns(9, 15) != item1.columns(9, 15) {
        let message = format!("amount item {which} has another transaction number than item 1");
        return Err(item.fault("transaction_number_mismatch", 9, message));
    }
    if item.columns(5, 6) != item1.columns(5, 6) {
        let message = format!("amount item {which} has another transaction type than item 1");
        return Err(item.fault("transaction_type_mismatch", 5, message));
    }
    Ok(item)
}

fn check_counts(end: Record<'_>, transactions: u64, records: u64) -> Result<(), Fault> {
    let said = end.number(9, 16)?;
    if said != transactions {
        let message = format!("the end record says {said} transactions, {transactions} were found");
        return Err(end.fault("transaction_count_mismatch", 9, message));
    }
    let said = end.number(17, 24)?;
    if said != records {
        let message = format!("the end record says {said} records, {records} were found");
        return Err(end.fault("record_count_mismatch", 17, message));
    }
    Ok(())
}

/// Whether the sum holds only with reversals added; a fault when it holds neither way.
fn check_sum(end: Record<'_>, totals: &Totals) -> Result<bool, Fault> {
    let said = i128::from(end.number(25, 41)?);
    if said == totals.net {
        return Ok(false);
    }
    // A negative total has no documented form; its absolute value is taken and flagged.
    if said == totals.other || (totals.net < 0 && said == -totals.net) {
        return Ok(true);
    }
    let message = format!("the end record says {said} øre, the payments add up to {} øre", totals.net);
    Err(end.fault("control_sum_mismatch", 25, message))
}

fn check_dates(end: Record<'_>, range: Option<(NaiveDate, NaiveDate)>) -> Result<(), Fault> {
    end.date(42)?;
    for (column, what, found) in [(48, "earliest", range.map(|r| r.0)), (54, "latest", range.map(|r| r.1))] {
        if end.date(column)? != found {
            let found = found.map_or("none".to_owned(), |d| d.to_string());
            let message = format!("the {what} settlement date differs from that of the payments ({found})");
            return Err(end.fault("date_range_mismatch", column, message));
        }
    }
    Ok(())
}

fn read_mandates<'a>(reader: &mut Reader<'a>, start: Record<'a>, file: &mut GiroFile<'a>) -> Result<Totals, Fault> {
    start.number(25, 35)?;
    let first_record = reader.count;
    let mut assignment = MandateAssignment { account: start.ascii(25, 35)?, line: start.line(), mandates: Vec::new() };
    loop {
        let record = reader.expect("the assignment has no end record (NY212488)")?;
        match record.columns(1, 8) {
            b"NY219470" => assignment.mandates.push(read_mandate(record)?),
            b"NY212488" => {
                let transactions = u64::try_from(assignment.mandates.len()).unwrap_or(u64::MAX);
                check_counts(record, transactions, reader.count - first_record + 1)?;
                file.mandates.push(assignment);
                return Ok(Totals { transactions, ..Totals::default() });
            }
            _ => return Err(unexpected(record, "a mandate (70) or the end of the assignment (88)")),
        }
    }
}

fn read_mandate(record: Record<'_>) -> Result<Mandate<'_>, Fault> {
    let registration = match record.columns(16, 16) {
        b"0" => Registration::Complete,
        b"1" => Registration::NewOrChanged,
        b"2" => Registration::Deleted,
        _ => return Err(record.fault("registration_invalid", 16, "the registration type is 0, 1 or 2")),
    };
    let notify = match record.columns(42, 42) {
        b"J" => true,
        b"N" => false,
        _ => return Err(record.fault("notice_invalid", 42, "the wish for notice is J or N")),
    };
    Ok(Mandate { line: record.line(), registration, kid: record.ascii(17, 41)?, notify })
}

/// An assignment of a service we do not read: its records still count, and its own end record is believed.
fn skip_service(reader: &mut Reader<'_>, start: Record<'_>) -> Result<Totals, Fault> {
    loop {
        let record = reader.expect("an assignment has no end record (88)")?;
        if record.columns(1, 4) == start.columns(1, 4) && record.columns(7, 8) == b"88" {
            let sum = i128::from(record.number(25, 41)?);
            return Ok(Totals { transactions: record.number(9, 16)?, net: sum, other: sum });
        }
        if record.columns(1, 4) != start.columns(1, 4) {
            return Err(unexpected(record, "a record of the same service"));
        }
    }
}

fn end_transmission(
    reader: &mut Reader<'_>,
    end: Record<'_>,
    file: &mut GiroFile<'_>,
    totals: &Totals,
) -> Result<(), Fault> {
    if file.assignments.is_empty() && file.mandates.is_empty() && totals.transactions == 0 {
        return Err(end.fault("no_assignment", 1, "the file has no assignment"));
    }
    check_counts(end, totals.transactions, reader.count)?;
    file.ambiguous_sum |= check_sum(end, totals)?;
    end.date(42)?;
    file.transactions = totals.transactions;
    file.control_sum_ore = end.number(25, 41)?;
    match reader.next()? {
        None => Ok(()),
        Some(more) => Err(more.fault(
            "several_transmissions",
            1,
            "the file goes on after its end record; one transmission a file",
        )),
    }
}
