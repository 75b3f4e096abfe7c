//! VAT codes: rate, SAF-T standard code and EN 16931 category, as dated rows an organisation may edit.

use crate::money::Micro;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// EN 16931 VAT category of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Category {
    /// Standard rate, any rate above zero.
    S,
    /// Zero-rated.
    Z,
    /// Exempt: outside the act while the seller is registered (decision 27).
    E,
    /// Reverse charge.
    AE,
    /// Export outside the EEA scope of VAT.
    G,
    /// Not subject to VAT: the whole document when the seller is not registered.
    O,
}

impl Category {
    /// Its code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::Z => "Z",
            Self::E => "E",
            Self::AE => "AE",
            Self::G => "G",
            Self::O => "O",
        }
    }

    /// From its code.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::S, Self::Z, Self::E, Self::AE, Self::G, Self::O].into_iter().find(|c| c.as_str() == text)
    }
}

/// VAT as it stands on one line of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vat {
    /// SAF-T standard tax code, which is also our code.
    pub code: String,
    /// Rate in percent.
    pub rate: Micro,
    /// EN 16931 category.
    pub category: Category,
    /// Why no VAT is charged, where the category asks for it.
    pub reason: Option<String>,
}

/// One dated row of the VAT table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VatRow {
    /// SAF-T standard tax code.
    pub code: &'static str,
    /// What the code is called.
    pub name: &'static str,
    /// Rate in percent.
    pub rate: Micro,
    /// EN 16931 category.
    pub category: Category,
    /// Printed reason.
    pub reason: Option<&'static str>,
    /// First day the row holds.
    pub valid_from: NaiveDate,
}

/// The rows a new organisation starts with: Skatteetaten's standard tax codes for sales at the rates of 2026.
///
/// A default to be checked by the organisation's accountant (decision 27).
pub fn default_rows() -> Vec<VatRow> {
    let from = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap_or_default();
    let row = |code, name, rate, category, reason| VatRow {
        code,
        name,
        rate: Micro::from_micro(rate),
        category,
        reason,
        valid_from: from,
    };
    vec![
        row("3", "alminnelig sats", 25_000_000, Category::S, None),
        row("31", "næringsmidler, vann og avløp", 15_000_000, Category::S, None),
        row("32", "råfisk", 11_110_000, Category::S, None),
        row("33", "lav sats", 12_000_000, Category::S, None),
        row("5", "fritatt innenlands", 0, Category::Z, None),
        row("51", "omvendt avgiftsplikt", 0, Category::AE, Some("Omvendt avgiftsplikt - Merverdiavgift ikke beregnet")),
        row("52", "utførsel", 0, Category::G, Some("Utførsel av varer og tjenester, merverdiavgiftsloven kapittel 6")),
        row("6", "unntatt", 0, Category::E, Some("Omsetning unntatt etter merverdiavgiftsloven kapittel 3")),
        row("7", "uten avgiftsbehandling", 0, Category::E, Some("Utenfor merverdiavgiftsloven")),
    ]
}

/// The reason printed on every line of a seller that is not in the VAT register.
pub const NOT_REGISTERED_REASON: &str = "Selgeren er ikke registrert i Merverdiavgiftsregisteret";

/// VAT as it goes on a document: an unregistered seller makes the whole document category O without rate.
pub fn on_document(vat: Vat, seller_registered: bool) -> Vat {
    if seller_registered {
        return vat;
    }
    Vat {
        code: "7".to_owned(),
        rate: Micro::ZERO,
        category: Category::O,
        reason: Some(NOT_REGISTERED_REASON.to_owned()),
    }
}
