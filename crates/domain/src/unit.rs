//! Units of quantity: UN/ECE Recommendation 20 codes and what people call them.

/// Code, bokmål, nynorsk, English.
const UNITS: &[(&str, &str, &str, &str)] = &[
    ("H87", "stk.", "stk.", "pcs"),
    ("EA", "stk.", "stk.", "each"),
    ("HUR", "time", "time", "hour"),
    ("DAY", "dag", "dag", "day"),
    ("WEE", "uke", "veke", "week"),
    ("MON", "md.", "md.", "month"),
    ("ANN", "år", "år", "year"),
    ("KGM", "kg", "kg", "kg"),
    ("GRM", "g", "g", "g"),
    ("TNE", "tonn", "tonn", "tonne"),
    ("LTR", "l", "l", "l"),
    ("MTR", "m", "m", "m"),
    ("KMT", "km", "km", "km"),
    ("MTK", "m²", "m²", "m²"),
    ("MTQ", "m³", "m³", "m³"),
    ("KWH", "kWh", "kWh", "kWh"),
    ("PR", "par", "par", "pair"),
    ("SET", "sett", "sett", "set"),
    ("XPK", "pakke", "pakke", "package"),
    ("E48", "enhet", "eining", "service unit"),
    ("LS", "rund sum", "rund sum", "lump sum"),
];

/// Whether a code is one we can print and send.
pub fn is_known(code: &str) -> bool {
    UNITS.iter().any(|u| u.0 == code)
}

/// The word for a unit in a language; the code itself when it has none.
pub fn name(code: &str, language: crate::customer::Language) -> &str {
    use crate::customer::Language;
    UNITS.iter().find(|u| u.0 == code).map_or(code, |u| match language {
        Language::Bokmal => u.1,
        Language::Nynorsk => u.2,
        Language::English => u.3,
    })
}

/// All codes, for messages and documentation.
pub fn codes() -> impl Iterator<Item = &'static str> {
    UNITS.iter().map(|u| u.0)
}
