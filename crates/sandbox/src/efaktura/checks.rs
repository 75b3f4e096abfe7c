//! Check digits, written apart from Reskontro's own so that the two test each other.

/// Only ASCII digits, `length` of them.
pub(super) fn digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit())
}

/// Weighted sum from the right, weights 2 to 7 again and again.
fn sum_mod11(payload: &[u8]) -> u32 {
    payload.iter().rev().zip([2, 3, 4, 5, 6, 7].into_iter().cycle()).map(|(b, w)| u32::from(b - b'0') * w).sum()
}

/// Whether the last character is the mod 11 check of the digits before it.
fn mod11(text: &str) -> bool {
    let Some((last, payload)) = text.as_bytes().split_last() else { return false };
    let expected = match (11 - sum_mod11(payload) % 11) % 11 {
        10 => b'-',
        digit => b'0' + u8::try_from(digit).unwrap_or_default(),
    };
    *last == expected
}

/// Whether the last digit is the mod 10 (Luhn) check of those before it.
fn mod10(text: &str) -> bool {
    let sum: u32 = text
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let digit = u32::from(b.wrapping_sub(b'0'));
            if i % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A Norwegian organisation number.
pub(crate) fn org_number(text: &str) -> bool {
    digits(text, 9) && mod11(text)
}

/// A Norwegian bank account number.
pub(super) fn account(text: &str) -> bool {
    digits(text, 11) && mod11(text)
}

/// A KID by shape: 2 to 25 digits, the last may be `-`.
pub(super) fn kid_shape(text: &str) -> bool {
    (2..=25).contains(&text.len())
        && text.bytes().enumerate().all(|(i, b)| b.is_ascii_digit() || (b == b'-' && i + 1 == text.len()))
}

/// A KID whose check character is right by one of the two methods.
pub(super) fn kid(text: &str) -> bool {
    kid_shape(text) && (mod11(text) || (!text.ends_with('-') && mod10(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers_pass_and_wrong_ones_do_not() {
        assert!(org_number("987654325") && org_number("923609016"));
        assert!(!org_number("987654321") && !org_number("12345678") && !org_number("12345678x"));
        assert!(account("12345678903") && !account("12345678901"));
        assert!(kid("1234567897") && !kid("1234567890") && !kid("1") && !kid("12-4"));
        assert!(!kid(&"1".repeat(26)));
    }
}
