//! Finds Norwegian national identity numbers in text, so that they are refused and never stored.
//!
//! Personopplysningsloven § 12: only where certain identification is needed. Invoicing never needs it.

/// Whether eleven digits are a birth, D- or synthetic number: a possible date and right control digits by the
/// rule in force or the one of 2032.
pub fn is_national_id(digits: &[u8]) -> bool {
    if digits.len() != 11 || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let d: Vec<u32> = digits.iter().map(|b| u32::from(b - b'0')).collect();
    has_date(&d) && has_control_digits(&d)
}

fn has_date(d: &[u32]) -> bool {
    let mut day = d[0] * 10 + d[1];
    let mut month = d[2] * 10 + d[3];
    if day > 40 {
        day -= 40;
    }
    if month > 80 {
        month -= 80;
    } else if month > 40 {
        month -= 40;
    }
    let year = d[4] * 10 + d[5];
    let longest = match month {
        2 if year.is_multiple_of(4) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=longest).contains(&day)
}

fn has_control_digits(d: &[u32]) -> bool {
    let weigh = |weights: &[u32]| d.iter().zip(weights).map(|(d, w)| d * w).sum::<u32>() % 11;
    let first = weigh(&[3, 7, 6, 1, 8, 9, 4, 5, 2]);
    // From 2032 the first control digit may leave a remainder of 0, 1, 2 or 3.
    let first_ok = (11..=14).any(|base| {
        let k = (base - first) % 11;
        k != 10 && k == d[9]
    });
    let second = (11 - weigh(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2])) % 11;
    first_ok && second != 10 && second == d[10]
}

/// Whether `text` holds a national identity number: eleven digits in a row, or six and five parted by one blank,
/// dot or hyphen, not inside a longer run of digits.
pub fn contains_national_id(text: &str) -> bool {
    next(text.as_bytes(), 0).is_some()
}

/// `text` with a star for each digit of the national identity numbers in it: for what somebody else wrote, which is not refused.
pub fn without_national_ids(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    while let Some((start, end)) = next(bytes, from) {
        out.push_str(&text[from..start]);
        out.extend(text[start..end].chars().map(|c| if c.is_ascii_digit() { '*' } else { c }));
        from = end;
    }
    out.push_str(&text[from..]);
    out
}

/// Where the next one begins and ends; both beside a digit.
fn next(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let is_digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    let mut i = from;
    while i < bytes.len() {
        if !is_digit(i) {
            i += 1;
            continue;
        }
        let run = bytes[i..].iter().take_while(|b| b.is_ascii_digit()).count();
        let end = i + run;
        if run == 11 && is_national_id(&bytes[i..end]) {
            return Some((i, end));
        }
        if let Some(end) = parted(bytes, i, end).filter(|_| run == 6) {
            return Some((i, end));
        }
        i = end;
    }
    None
}

/// Where a number whose first six digits are at `start` ends, if it is one.
fn parted(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    let gap = match bytes.get(end) {
        Some(b' ' | b'.' | b'-') => 1,
        // No-break space in UTF-8.
        Some(0xc2) if bytes.get(end + 1) == Some(&0xa0) => 2,
        _ => return None,
    };
    let tail_start = end + gap;
    let tail = bytes[tail_start.min(bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    if tail != 5 {
        return None;
    }
    let mut joined = bytes[start..end].to_vec();
    joined.extend_from_slice(&bytes[tail_start..tail_start + 5]);
    is_national_id(&joined).then_some(tail_start + 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_rows_are_judged_by_either_rule() {
        for good in [
            "13097248022",
            "29029648784",
            "29020075838",
            "15021951940",
            "53097248016",
            "13527248013",
            "10915596784",
            "68467038838",
            "50846202355",
            "02013299997",
            "30108299920",
            "30108299939",
            "02013299903",
            "02013299911",
            "01819010001",
            "31920550064",
            "41818520024",
            "15466030047",
            "71909940022",
            "29820060006",
        ] {
            assert!(is_national_id(good.as_bytes()), "{good}");
        }
        for bad in [
            "13097248032",
            "13097248023",
            "29020112345",
            "32127248022",
            "13137248022",
            "02013299987",
            "02013299996",
            "1309724802",
            "130972480222",
            "1309724802A",
            "00000000000",
            "31024512345",
        ] {
            assert!(!is_national_id(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn found_inside_text_but_not_inside_a_longer_number() {
        assert!(contains_national_id("Mor: 10915596784, ring henne"));
        assert!(contains_national_id("109155 96784"));
        assert!(contains_national_id("109155-96784."));
        assert!(!contains_national_id("910915596784"));
        assert!(!contains_national_id("109155  96784"));
        assert!(!contains_national_id("109155 967840"));
        assert!(!contains_national_id("faktura 000104200001576"));
    }

    #[test]
    fn what_somebody_else_wrote_is_kept_without_the_number() {
        let kept =
            without_national_ids("Mor: 10915596784, far 109155\u{a0}96784. Faktura 000104200001576, ærlig talt 12.");
        assert_eq!(kept, "Mor: ***********, far ******\u{a0}*****. Faktura 000104200001576, ærlig talt 12.");
        assert!(!contains_national_id(&kept));
        assert_eq!(without_national_ids(""), "");
    }
}
