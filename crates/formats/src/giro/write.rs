//! Writes OCR giro files as the operator does: the pair of `ocr`, for the demo, tests and the sandbox bank.

use chrono::NaiveDate;

/// A payment to be written.
#[derive(Debug, Clone)]
pub struct PaymentToWrite {
    /// KID, at most 25 characters.
    pub kid: String,
    /// Amount in øre, signed.
    pub amount_ore: i64,
    /// Transaction type 10 to 17.
    pub kind: u8,
    /// Settlement date.
    pub settled_on: NaiveDate,
    /// The payer's account.
    pub debit_account: Option<String>,
}

/// Writes one transmission with one assignment.
pub fn write_ocr(number: u32, account: &str, payments: &[PaymentToWrite]) -> Vec<u8> {
    let mut lines = vec![
        padded(format!("NY00001000008080{number:07}00001234")),
        padded(format!("NY090020001008566{:07}{account}", 1)),
    ];
    let mut sorted: Vec<&PaymentToWrite> = payments.iter().collect();
    sorted.sort_by_key(|p| p.settled_on);
    for (i, p) in sorted.iter().enumerate() {
        let n = i + 1;
        let (kind, day) = (p.kind, ddmmyy(p.settled_on));
        let sign = if p.amount_ore < 0 { '-' } else { '0' };
        let amount = p.amount_ore.unsigned_abs();
        let settlement = format!("13{}{}{:05}", &day[..2], 1, 1);
        lines.push(padded(format!("NY09{kind:02}30{n:07}{day}{settlement}{sign}{amount:017}{:>25}", p.kid)));
        let debit = p.debit_account.as_deref().unwrap_or("00000000000");
        lines.push(padded(format!("NY09{kind:02}31{n:07}{:010}{n:09}{:07}{day}{debit}", 0, 0)));
    }
    let sum: i64 = payments.iter().map(|p| p.amount_ore).sum();
    let sum = sum.unsigned_abs();
    let count = payments.len();
    let day = |p: Option<&&PaymentToWrite>| p.map_or("000000".to_owned(), |p| ddmmyy(p.settled_on));
    let (first, last) = (day(sorted.first()), day(sorted.last()));
    let records = 2 * count + 2;
    lines.push(padded(format!("NY090088{count:08}{records:08}{sum:017}{last}{first}{last}")));
    let records = records + 2;
    lines.push(padded(format!("NY000089{count:08}{records:08}{sum:017}{last}")));
    let mut text = lines.join("\r\n");
    text.push_str("\r\n");
    text.into_bytes()
}

fn ddmmyy(date: NaiveDate) -> String {
    date.format("%d%m%y").to_string()
}

fn padded(mut line: String) -> String {
    while line.len() < 80 {
        line.push('0');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::giro::parse;

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(payments in proptest::collection::vec(("[0-9]{2,25}", 1i64..10_000_000, 10u8..18, 1u32..28), 1..20)) {
            let payments: Vec<PaymentToWrite> = payments.into_iter().map(|(kid, amount_ore, kind, day)| PaymentToWrite {
                kid, amount_ore, kind,
                settled_on: NaiveDate::from_ymd_opt(2026, 11, day).unwrap(),
                debit_account: Some("99990686021".into()),
            }).collect();
            let bytes = write_ocr(7, "12345678903", &payments);
            let file = parse(&bytes).unwrap();
            let mut read: Vec<(String, i64, u8, NaiveDate)> = file.assignments[0].payments.iter()
                .map(|p| (p.kid.to_owned(), p.amount_ore, p.kind, p.settled_on)).collect();
            let mut written: Vec<_> = payments.iter().map(|p| (p.kid.clone(), p.amount_ore, p.kind, p.settled_on)).collect();
            read.sort();
            written.sort();
            proptest::prop_assert_eq!(read, written);
        }
    }
}
