//! KID: the payment reference on a claim, its control character and how an organisation composes it.

use serde::{Deserialize, Serialize};

/// Which control character a bank agreement registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Modulus {
    /// Luhn; always a digit.
    Mod10,
    /// Weights 2 to 7; about one body in eleven gives a hyphen.
    Mod11,
}

impl Modulus {
    /// Stored and shown name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mod10 => "mod10",
            Self::Mod11 => "mod11",
        }
    }

    /// From its stored name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "mod10" => Some(Self::Mod10),
            "mod11" => Some(Self::Mod11),
            _ => None,
        }
    }
}

/// The control character of a body of digits; `None` when the body is empty or holds anything but digits.
pub fn control_character(body: &str, modulus: Modulus) -> Option<char> {
    if body.is_empty() || !body.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = body.bytes().rev().map(|b| u32::from(b - b'0'));
    match modulus {
        Modulus::Mod10 => {
            let sum: u32 = digits.enumerate().map(|(i, d)| if i % 2 == 0 { d * 2 / 10 + d * 2 % 10 } else { d }).sum();
            char::from_digit((10 - sum % 10) % 10, 10)
        }
        Modulus::Mod11 => {
            let sum: u32 = digits.zip((2..=7).cycle()).map(|(d, w)| d * w).sum();
            match sum % 11 {
                0 => Some('0'),
                1 => Some('-'),
                r => char::from_digit(11 - r, 10),
            }
        }
    }
}

/// Whether `kid` has 2 to 25 characters and the control character of `modulus`. A hyphen counts only last.
pub fn is_valid(kid: &str, modulus: Modulus) -> bool {
    if !kid.is_ascii() || !(2..=25).contains(&kid.len()) {
        return false;
    }
    let (body, last) = kid.split_at(kid.len() - 1);
    control_character(body, modulus).is_some_and(|c| last.starts_with(c))
}

/// How an organisation builds the KIDs of one bank account: customer part, invoice part, control character.
///
/// The customer part never moves to another person (AvtaleGiro demands it); both parts are zero-padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KidScheme {
    customer_digits: u8,
    invoice_digits: u8,
    modulus: Modulus,
}

/// Why a scheme or a KID cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KidError {
    /// The operator takes KIDs of 4 to 25 characters.
    #[error("a KID has 4 to 25 characters with its control character; {total} were asked for")]
    Length {
        /// Characters asked for.
        total: u8,
    },
    /// The invoice part must tell invoices apart.
    #[error("the invoice part of a KID needs at least one digit")]
    NoInvoicePart,
    /// The number has more digits than its part of the KID.
    #[error(
        "{number} does not fit in the {digits} digits its part of the KID has; register a longer KID with the bank"
    )]
    OutOfDigits {
        /// The number.
        number: u64,
        /// Digits of its part.
        digits: u8,
    },
    /// MOD11 gives a hyphen for this pair; the serial is skipped when making.
    #[error("the control character would be a hyphen")]
    Hyphen,
    /// A KID of zeros passes the arithmetic and means nothing.
    #[error("a KID of only zeros is not used")]
    AllZeros,
}

impl KidScheme {
    /// A scheme of so many digits; 4 to 25 characters in all.
    pub fn new(customer_digits: u8, invoice_digits: u8, modulus: Modulus) -> Result<Self, KidError> {
        let total = customer_digits.saturating_add(invoice_digits).saturating_add(1);
        if invoice_digits == 0 {
            return Err(KidError::NoInvoicePart);
        }
        if !(4..=25).contains(&total) || customer_digits > 18 || invoice_digits > 18 {
            return Err(KidError::Length { total });
        }
        Ok(Self { customer_digits, invoice_digits, modulus })
    }

    /// Digits of the customer part.
    pub const fn customer_digits(self) -> u8 {
        self.customer_digits
    }

    /// Digits of the invoice part.
    pub const fn invoice_digits(self) -> u8 {
        self.invoice_digits
    }

    /// The modulus registered with the bank.
    pub const fn modulus(self) -> Modulus {
        self.modulus
    }

    /// Characters of every KID of this scheme.
    pub const fn total_length(self) -> u8 {
        self.customer_digits + self.invoice_digits + 1
    }

    /// The KID of a customer and an invoice serial.
    pub fn compose(self, customer: u64, invoice: u64) -> Result<String, KidError> {
        let mut kid = String::with_capacity(usize::from(self.total_length()));
        for (number, digits) in [(customer, self.customer_digits), (invoice, self.invoice_digits)] {
            if digits == 0 {
                continue;
            }
            let part = format!("{number:0width$}", width = usize::from(digits));
            if part.len() > usize::from(digits) {
                return Err(KidError::OutOfDigits { number, digits });
            }
            kid.push_str(&part);
        }
        if kid.bytes().all(|b| b == b'0') {
            return Err(KidError::AllZeros);
        }
        match control_character(&kid, self.modulus) {
            Some('-') => Err(KidError::Hyphen),
            Some(c) => {
                kid.push(c);
                Ok(kid)
            }
            None => Err(KidError::AllZeros),
        }
    }

    /// The fixed customer part of a KID of this scheme, which mandates are matched by.
    pub fn customer_part(self, kid: &str) -> Option<&str> {
        (kid.len() == usize::from(self.total_length()) && is_valid(kid, self.modulus))
            .then(|| &kid[..usize::from(self.customer_digits)])
    }
}

/// Default: 7 digits for the customer, 7 for the invoice, MOD10.
impl Default for KidScheme {
    fn default() -> Self {
        Self { customer_digits: 7, invoice_digits: 7, modulus: Modulus::Mod10 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every example row of the KID note: (KID, MOD10, MOD11).
    const EXAMPLES: &[(&str, bool, bool)] = &[
        ("123456782", true, false),
        ("123456785", false, true),
        ("18", true, false),
        ("0000531", false, true),
        ("00", true, true),
        ("104230001570", true, false),
        ("10423000157-", false, true),
        ("000104200001576", true, false),
        ("000104200001575", false, true),
        ("20260008915", true, false),
        ("2026000891-", false, true),
        ("9999999999999999999999994", true, false),
        ("9999999999999999999999997", false, true),
        ("100008-", false, true),
        ("100011-", false, true),
        ("100025-", false, true),
        ("100039-", false, true),
        ("10000149", true, true),
        ("10000289", true, true),
        ("123456780", false, false),
        ("100030", false, false),
        ("1000005", false, false),
        ("12345678A", false, false),
        ("1", false, false),
        ("11111111111111111111111111", false, false),
        ("-123456782", false, false),
        ("1234-5678", false, false),
        ("", false, false),
        ("234567891", false, false),
        ("0036634", false, false),
        ("0036363", false, false),
    ];

    #[test]
    fn every_example_row_is_judged_as_the_note_says() {
        for (kid, mod10, mod11) in EXAMPLES {
            assert_eq!(is_valid(kid, Modulus::Mod10), *mod10, "MOD10 of {kid:?}");
            assert_eq!(is_valid(kid, Modulus::Mod11), *mod11, "MOD11 of {kid:?}");
        }
    }

    #[test]
    fn a_scheme_composes_padded_parts() {
        let scheme = KidScheme::default();
        assert_eq!(scheme.compose(1042, 157), Ok("000104200001576".to_owned()));
        assert_eq!(scheme.customer_part("000104200001576"), Some("0001042"));
        assert_eq!(scheme.customer_part("000104200001577"), None);
    }

    #[test]
    fn running_out_of_digits_is_an_error_not_a_longer_kid() {
        let scheme = KidScheme::new(3, 3, Modulus::Mod10).unwrap();
        assert_eq!(scheme.compose(1000, 1), Err(KidError::OutOfDigits { number: 1000, digits: 3 }));
        assert_eq!(scheme.compose(0, 0), Err(KidError::AllZeros));
        assert_eq!(KidScheme::new(13, 12, Modulus::Mod10), Err(KidError::Length { total: 26 }));
    }

    #[test]
    fn a_hyphen_is_never_made() {
        let scheme = KidScheme::new(5, 6, Modulus::Mod11).unwrap();
        assert_eq!(scheme.compose(10423, 157), Err(KidError::Hyphen));
    }

    proptest::proptest! {
        #[test]
        fn made_kids_are_valid_and_of_registered_length(c in 0u64..9_999_999, i in 1u64..9_999_999, m in proptest::bool::ANY) {
            let modulus = if m { Modulus::Mod10 } else { Modulus::Mod11 };
            let scheme = KidScheme::new(7, 7, modulus).unwrap();
            if let Ok(kid) = scheme.compose(c, i) {
                proptest::prop_assert_eq!(kid.len(), 15);
                proptest::prop_assert!(is_valid(&kid, modulus));
            } else {
                proptest::prop_assert_eq!(modulus, Modulus::Mod11);
            }
        }

        #[test]
        fn one_wrong_digit_never_passes_mod10(body in "[0-9]{1,24}", at in 0usize..25, change in 1u8..10) {
            let mut kid = body.clone();
            kid.push(control_character(&body, Modulus::Mod10).unwrap());
            let mut bytes = kid.into_bytes();
            let at = at % bytes.len();
            bytes[at] = b'0' + (bytes[at] - b'0' + change) % 10;
            proptest::prop_assert!(!is_valid(std::str::from_utf8(&bytes).unwrap(), Modulus::Mod10));
        }

        #[test]
        fn any_text_is_judged_without_panic(text in ".*") {
            let _ = is_valid(&text, Modulus::Mod10);
            let _ = is_valid(&text, Modulus::Mod11);
        }
    }
}
