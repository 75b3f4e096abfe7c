//! Norwegian bank account and organisation numbers (MOD11), and the IBAN of an account.

use serde::{Deserialize, Serialize};
use std::fmt;

fn mod11_digit(digits: &[u8], weights: &[u32]) -> Option<u8> {
    let sum: u32 = digits.iter().zip(weights).map(|(d, w)| u32::from(d - b'0') * w).sum();
    match sum % 11 {
        0 => Some(b'0'),
        1 => None,
        r => u8::try_from(11 - r).ok().map(|d| b'0' + d),
    }
}

fn digits_only(text: &str, also: &[char]) -> Option<String> {
    let out: String = text.chars().filter(|c| !c.is_whitespace() && !also.contains(c)).collect();
    out.bytes().all(|b| b.is_ascii_digit()).then_some(out)
}

/// A bank account number of eleven digits with a right control digit; never the "none" of zeros.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountNumber(String);

/// What is wrong with an account number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account number has eleven digits, and the last must be the right control digit")]
pub struct InvalidAccountNumber;

impl AccountNumber {
    /// Reads `12345678903`, `1234.56.78903` or `1234 56 78903`.
    pub fn parse(text: &str) -> Result<Self, InvalidAccountNumber> {
        let digits = digits_only(text, &['.']).ok_or(InvalidAccountNumber)?;
        let bytes = digits.as_bytes();
        if bytes.len() != 11 || bytes.iter().all(|b| *b == b'0') {
            return Err(InvalidAccountNumber);
        }
        if mod11_digit(&bytes[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) != Some(bytes[10]) {
            return Err(InvalidAccountNumber);
        }
        Ok(Self(digits))
    }

    /// The eleven digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people read it: `1234 56 78903`.
    pub fn grouped(&self) -> String {
        format!("{} {} {}", &self.0[..4], &self.0[4..6], &self.0[6..])
    }

    /// The IBAN in print form, groups of four: `NO71 1234 5678 903`.
    pub fn iban(&self) -> String {
        let rest = format!("{}232400", self.0).bytes().fold(0u32, |r, b| (r * 10 + u32::from(b - b'0')) % 97);
        let plain = format!("NO{:02}{}", 98 - rest, self.0);
        let groups: Vec<&str> = (0..plain.len()).step_by(4).map(|i| &plain[i..(i + 4).min(plain.len())]).collect();
        groups.join(" ")
    }
}

impl fmt::Display for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AccountNumber {
    type Error = InvalidAccountNumber;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<AccountNumber> for String {
    fn from(value: AccountNumber) -> Self {
        value.0
    }
}

/// An organisation number of nine digits with a right control digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrgNumber(String);

/// What is wrong with an organisation number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an organisation number has nine digits, and the last must be the right control digit")]
pub struct InvalidOrgNumber;

impl OrgNumber {
    /// Reads `974760673`, `974 760 673`, `NO 974 760 673 MVA`.
    pub fn parse(text: &str) -> Result<Self, InvalidOrgNumber> {
        let upper = text.trim().to_uppercase();
        let core = upper.strip_prefix("NO").unwrap_or(&upper);
        let core = core.strip_suffix("MVA").unwrap_or(core);
        let digits = digits_only(core, &[]).ok_or(InvalidOrgNumber)?;
        let bytes = digits.as_bytes();
        if bytes.len() != 9 || bytes.iter().all(|b| *b == b'0') {
            return Err(InvalidOrgNumber);
        }
        if mod11_digit(&bytes[..8], &[3, 2, 7, 6, 5, 4, 3, 2]) != Some(bytes[8]) {
            return Err(InvalidOrgNumber);
        }
        Ok(Self(digits))
    }

    /// The nine digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people read it: `315 771 900`.
    pub fn grouped(&self) -> String {
        format!("{} {} {}", &self.0[..3], &self.0[3..6], &self.0[6..])
    }
}

impl TryFrom<String> for OrgNumber {
    type Error = InvalidOrgNumber;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<OrgNumber> for String {
    fn from(value: OrgNumber) -> Self {
        value.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_numbers_are_judged_as_the_note_says() {
        let good = [
            ("86011117947", "NO9386011117947"),
            ("12345678903", "NO7112345678903"),
            ("99991042764", "NO9799991042764"),
            ("99991111111", "NO5699991111111"),
            ("99991234566", "NO7999991234566"),
            ("15031234562", "NO7215031234562"),
            ("60110001234", "NO1160110001234"),
            ("81010000459", "NO6281010000459"),
            ("99990000014", "NO9799990000014"),
            ("99990000189", "NO2899990000189"),
            ("99976543218", "NO1099976543218"),
            ("99960004503", "NO9299960004503"),
            ("99998888006", "NO8299998888006"),
            ("15060000031", "NO6015060000031"),
        ];
        for (account, iban) in good {
            let parsed = AccountNumber::parse(account).unwrap();
            assert_eq!(parsed.iban().replace(' ', ""), iban);
        }
        for bad in [
            "86011117949",
            "12345678901",
            "88888888888",
            "99991042746",
            "12435678903",
            "00000000000",
            "1234567890",
            "123456789012",
            "1234567890A",
            "00000000001",
            "68601111794",
            "99990000120",
            "",
        ] {
            assert!(AccountNumber::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(AccountNumber::parse("1234.56.78903").unwrap().grouped(), "1234 56 78903");
    }

    #[test]
    fn organisation_numbers_are_judged_as_the_note_says() {
        for good in [
            "974760673",
            "889640782",
            "123456785",
            "312345676",
            "999999999",
            "812345680",
            "900000014",
            "810000023",
            "310000035",
            "910000101",
            "987654325",
            "850000174",
            "300000088",
            "NO 812 345 680 MVA",
        ] {
            assert!(OrgNumber::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "123456784",
            "974760674",
            "98807791",
            "9880779177",
            "98807791A",
            "000000000",
            "112233445",
            "910000080",
            "910000110",
        ] {
            assert!(OrgNumber::parse(bad).is_err(), "{bad}");
        }
    }
}
