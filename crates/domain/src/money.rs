//! Money in whole øre and decimal factors in millionths; the one place where amounts are rounded (I2).

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Neg, Sub};

/// An amount in øre (1/100 NOK). There is no other currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount of `ore` øre.
    pub const fn from_ore(ore: i64) -> Self {
        Self(ore)
    }

    /// The amount in øre.
    pub const fn ore(self) -> i64 {
        self.0
    }

    /// Whether the amount is zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether the amount is above zero.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// The smaller of two amounts.
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// The sum, or `None` beyond what an `i64` of øre can hold.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// Kroner and øre with a decimal point, for programs: `-1833.65`.
    pub fn to_plain_string(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let abs = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", abs / 100, abs % 100)
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

/// Kroner as Norwegians write them: `1 833,65`, with no-break spaces and a true minus sign.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_ore(self.0, '\u{a0}', ','))
    }
}

/// Kroner with the given thousands and decimal separators; negative amounts carry U+2212.
pub fn format_ore(ore: i64, thousands: char, decimal: char) -> String {
    let abs = ore.unsigned_abs();
    let whole = (abs / 100).to_string();
    let mut out = String::with_capacity(whole.len() + 8);
    if ore < 0 {
        out.push('\u{2212}');
    }
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(thousands);
        }
        out.push(digit);
    }
    out.push(decimal);
    out.push_str(&format!("{:02}", abs % 100));
    out
}

/// A decimal with at most six places, kept as millionths: unit prices in kroner, quantities, rates in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micro(i64);

/// Why a decimal cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// More than six decimals would lose something.
    #[error("has more than six decimals")]
    TooManyDecimals,
    /// Not between -9 223 372 036 854 and 9 223 372 036 854.
    #[error("is too large")]
    TooLarge,
    /// Not a decimal number.
    #[error("is not a decimal number such as 12.50")]
    NotANumber,
}

impl Micro {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// One whole.
    pub const ONE: Self = Self(1_000_000);

    /// From stored millionths.
    pub const fn from_micro(micro: i64) -> Self {
        Self(micro)
    }

    /// A whole number.
    pub const fn whole(n: i32) -> Self {
        Self(n as i64 * 1_000_000)
    }

    /// The stored millionths.
    pub const fn micro(self) -> i64 {
        self.0
    }

    /// As an exact decimal without trailing zeros.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, 6).normalize()
    }

    /// So many days' share of it, half a millionth up.
    pub fn share(self, days: u32, of: u32) -> Option<Self> {
        let (whole, of) = (i128::from(self.0) * i128::from(days), i128::from(of));
        let rounded = (whole.abs() * 2 + of).checked_div(of * 2)? * whole.signum();
        i64::try_from(rounded).ok().map(Self)
    }

    /// From a decimal; more than six places is an error, never a rounding (decision 7).
    pub fn from_decimal(value: Decimal) -> Result<Self, DecimalError> {
        let scaled = value.checked_mul(Decimal::from(1_000_000)).ok_or(DecimalError::TooLarge)?.normalize();
        if scaled.scale() > 0 {
            return Err(DecimalError::TooManyDecimals);
        }
        i64::try_from(scaled).map(Self).map_err(|_| DecimalError::TooLarge)
    }

    /// From text such as `338.00`.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let value = Decimal::from_str_exact(text.trim()).map_err(|_| DecimalError::NotANumber)?;
        Self::from_decimal(value)
    }
}

impl fmt::Display for Micro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_decimal().fmt(f)
    }
}

impl Serialize for Micro {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Micro {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Rounds kroner to øre: half away from zero. Every amount in the system is rounded here and nowhere else (I2).
///
/// `None` when the result does not fit.
pub fn round_to_ore(kroner: Decimal) -> Option<Money> {
    let ore =
        kroner.checked_mul(Decimal::ONE_HUNDRED)?.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    i64::try_from(ore).ok().map(Money)
}

/// `percent` of an amount, rounded to øre.
pub fn percent_of(amount: Money, percent: Micro) -> Option<Money> {
    let kroner = Decimal::new(amount.ore(), 2);
    round_to_ore(kroner.checked_mul(percent.to_decimal())?.checked_div(Decimal::ONE_HUNDRED)?)
}

/// Net of one line: quantity × unit price less a discount in percent, rounded once.
pub fn line_net(quantity: Micro, unit_price: Micro, discount_percent: Micro) -> Option<Money> {
    let gross = quantity.to_decimal().checked_mul(unit_price.to_decimal())?;
    let keep = Decimal::ONE_HUNDRED - discount_percent.to_decimal();
    round_to_ore(gross.checked_mul(keep)?.checked_div(Decimal::ONE_HUNDRED)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_ore_rounds_away_from_zero() {
        assert_eq!(round_to_ore(Decimal::new(5, 3)), Some(Money(1)));
        assert_eq!(round_to_ore(Decimal::new(-5, 3)), Some(Money(-1)));
        assert_eq!(round_to_ore(Decimal::new(4999, 6)), Some(Money(0)));
    }

    #[test]
    fn more_than_six_decimals_is_refused_not_rounded() {
        assert_eq!(Micro::parse("0.0000001"), Err(DecimalError::TooManyDecimals));
        assert_eq!(Micro::parse("0.1000000"), Ok(Micro(100_000)));
        assert_eq!(Micro::parse("99999999999999"), Err(DecimalError::TooLarge));
        assert_eq!(Micro::parse("12,5"), Err(DecimalError::NotANumber));
    }

    #[test]
    fn amounts_read_as_norwegians_write_them() {
        assert_eq!(Money(183_365).to_string(), "1\u{a0}833,65");
        assert_eq!(Money(-5).to_string(), "\u{2212}0,05");
        assert_eq!(Money(100_000_000).to_string(), "1\u{a0}000\u{a0}000,00");
        assert_eq!(Money(-183_365).to_plain_string(), "-1833.65");
        assert_eq!(Money(i64::MIN).to_plain_string(), "-92233720368547758.08");
    }

    #[test]
    fn a_line_is_rounded_once() {
        let net = line_net(Micro::parse("3").unwrap(), Micro::parse("0.333333").unwrap(), Micro::ZERO);
        assert_eq!(net, Some(Money(100)));
        let net = line_net(Micro::whole(1), Micro::whole(100), Micro::parse("33.333").unwrap());
        assert_eq!(net, Some(Money(6667)));
    }

    #[test]
    fn percent_beyond_what_fits_is_none_not_a_panic() {
        assert_eq!(percent_of(Money(i64::MAX), Micro::whole(2000)), None);
        assert_eq!(line_net(Micro(i64::MAX), Micro(i64::MAX), Micro::ZERO), None);
    }
}
