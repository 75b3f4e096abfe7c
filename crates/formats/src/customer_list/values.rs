//! One normal form per field, or the code that says why a value is not taken.

use super::countries;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Europe::Oslo;
use domain::customer::Field;
use domain::delivery::is_mail_address;
use domain::numbers::OrgNumber;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Why a value is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The whole row.
    Row(&'static str),
    /// The value alone.
    Cell(&'static str),
}

/// NFC, no-break space as space, control characters and outer blanks off, inner runs to one; a line break becomes `line_break`.
pub(super) fn clean(text: &str, line_break: &str) -> String {
    let nfc = if is_nfc(text) { text.to_owned() } else { text.nfc().collect() };
    let plain = unwrap_text_formula(nfc.trim()).unwrap_or(nfc);
    let lines = plain.split(['\n', '\r']).map(|line| {
        let words = line.split(|c: char| c.is_whitespace() || c.is_control());
        words.filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
    });
    lines.filter(|l| !l.is_empty()).collect::<Vec<_>>().join(line_break)
}

/// `="00123"` is how spreadsheets are told to keep zeros.
fn unwrap_text_formula(text: &str) -> Option<String> {
    let inner = text.strip_prefix("=\"")?.strip_suffix('"')?;
    (!inner.contains('"')).then(|| inner.to_owned())
}

/// Whether a text would be run as a formula by a spreadsheet.
pub(super) fn starts_like_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@'])
}

/// The normal form of a field's value. `country` is the row's country code.
pub(super) fn normalise(field: Field, text: &str, country: &str) -> Result<String, Refusal> {
    use Refusal::{Cell, Row};
    let line_break = if matches!(field, Field::Street | Field::Street2) { ", " } else { " " };
    let text = clean(text, line_break);
    match field {
        Field::Number => number(text),
        Field::Kind => kind(&text).ok_or(Row("wrong_type")).map(str::to_owned),
        Field::OrgNumber => {
            OrgNumber::parse(&text).map(|n| n.as_str().to_owned()).map_err(|_| Row("invalid_org_number"))
        }
        Field::PostalCode => postal_code(&text, country),
        Field::Country => countries::code(&text).map(str::to_owned).ok_or(Row("unknown_country")),
        Field::Email | Field::ContactEmail | Field::Guardian1Email | Field::Guardian2Email => {
            let lower = text.to_lowercase();
            if is_mail_address(&lower) { Ok(lower) } else { Err(Cell("invalid_email")) }
        }
        Field::Phone | Field::ContactPhone | Field::Guardian1Phone | Field::Guardian2Phone => {
            phone(&text).ok_or(Cell("invalid_phone"))
        }
        Field::Language => language(&text).map(str::to_owned).ok_or(Cell("unknown_language")),
        Field::PaymentMethod => payment_method(&text).map(str::to_owned).ok_or(Cell("unknown_payment_method")),
        Field::Channel => channel(&text).map(str::to_owned).ok_or(Cell("unknown_channel")),
        Field::StandardProducts => Ok(products(text.split([',', ';', '|']))),
        Field::ProtectedIdentity => Ok(if protected(&text) { "true".to_owned() } else { String::new() }),
        Field::ExternalUpdatedAt => {
            date_time(&text).map(|t| t.format("%Y-%m-%dT%H:%M:%S").to_string()).ok_or(Row("invalid_date"))
        }
        _ => Ok(text),
    }
}

fn number(text: String) -> Result<String, Refusal> {
    let fits = text.chars().count() <= 32 && text.chars().all(|c| c.is_alphanumeric() || "._/-".contains(c));
    if fits { Ok(text) } else { Err(Refusal::Row("invalid_number")) }
}

fn kind(text: &str) -> Option<&'static str> {
    match text.to_lowercase().as_str() {
        "person" | "privat" | "privatperson" | "private" | "p" | "individual" => Some("person"),
        "business" | "bedrift" | "firma" | "b" | "company" | "organisasjon" | "næring" => Some("business"),
        _ => None,
    }
}

fn postal_code(text: &str, country: &str) -> Result<String, Refusal> {
    let bad = Refusal::Row("invalid_postal_code");
    let upper = text.to_uppercase();
    let bare = upper.strip_prefix("NO-").or_else(|| upper.strip_prefix("N-")).unwrap_or(&upper).trim();
    if country != "NO" {
        let fits = bare.len() <= 12 && bare.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ' || c == '-');
        return if fits { Ok(bare.to_owned()) } else { Err(bad) };
    }
    let digits = bare.bytes().all(|b| b.is_ascii_digit());
    match bare.len() {
        4 if digits && bare != "0000" => Ok(bare.to_owned()),
        3 if digits => Ok(format!("0{bare}")),
        _ => Err(bad),
    }
}

/// E.164. Eight digits are Norwegian; only the shape is checked, never whether a series is in use.
fn phone(text: &str) -> Option<String> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace() && !".-()".contains(*c)).collect();
    let digits = match (bare.strip_prefix('+'), bare.strip_prefix("00")) {
        (Some(rest), _) | (None, Some(rest)) => rest.to_owned(),
        (None, None) if bare.len() == 8 => format!("47{bare}"),
        _ => return None,
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) || !(8..=15).contains(&digits.len()) || digits.starts_with('0') {
        return None;
    }
    if let Some(national) = digits.strip_prefix("47")
        && (national.len() != 8 || !matches!(national.as_bytes()[0], b'2'..=b'9'))
    {
        return None;
    }
    Some(format!("+{digits}"))
}

fn language(text: &str) -> Option<&'static str> {
    match text.to_lowercase().as_str() {
        "nb" | "no" | "bokmål" | "norsk" | "norsk bokmål" | "norwegian" | "nb-no" => Some("nb"),
        "nn" | "nynorsk" | "norsk nynorsk" | "nn-no" => Some("nn"),
        "en" | "engelsk" | "english" | "en-gb" | "en-us" => Some("en"),
        _ => None,
    }
}

fn payment_method(text: &str) -> Option<&'static str> {
    match text.to_lowercase().replace([' ', '-'], "").as_str() {
        "giro" | "faktura" | "bankgiro" | "nettbank" | "kid" => Some("giro"),
        "avtalegiro" => Some("avtalegiro"),
        "efaktura" => Some("efaktura"),
        _ => None,
    }
}

fn channel(text: &str) -> Option<&'static str> {
    match text.to_lowercase().replace([' ', '-'], "").as_str() {
        "email" | "epost" | "mail" => Some("email"),
        "efaktura" => Some("efaktura"),
        "ehf" | "peppol" => Some("ehf"),
        "print" | "papir" | "brev" | "post" | "paper" | "letter" => Some("print"),
        _ => None,
    }
}

/// Anything but a clear no protects: a code or a level stands here in some exports.
fn protected(text: &str) -> bool {
    !matches!(text.to_lowercase().as_str(), "" | "nei" | "no" | "n" | "false" | "0" | "usann" | "ingen" | "none")
}

/// One product number a line, each once.
pub(super) fn products<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut out: Vec<String> = Vec::new();
    for part in parts {
        let number = clean(part, " ");
        if !number.is_empty() && !out.contains(&number) {
            out.push(number);
        }
    }
    out.join("\n")
}

/// Whether a status ends the customer; `None` when it is not a status.
pub(super) fn ends(text: &str) -> Option<bool> {
    match clean(text, " ").to_lowercase().as_str() {
        "aktiv" | "active" | "medlem" | "innmeldt" | "ja" | "yes" => Some(false),
        "utmeldt" | "avsluttet" | "avslutta" | "sluttet" | "opphørt" | "ended" | "inaktiv" | "inactive" | "slettet" => {
            Some(true)
        }
        _ => None,
    }
}

/// A date, with or without a time, as Norwegian local time.
pub(super) fn date_time(text: &str) -> Option<NaiveDateTime> {
    let text = clean(text, " ");
    if let Ok(zoned) = DateTime::parse_from_rfc3339(&text) {
        return Some(zoned.with_timezone(&Oslo).naive_local()).filter(|t| (1900..=2100).contains(&t.year()));
    }
    let (day, time) = match text.split_once(['T', ' ']) {
        Some((day, time)) => (day, time.trim()),
        None => (text.as_str(), ""),
    };
    let date = date(day)?;
    if time.is_empty() {
        return date.and_hms_opt(0, 0, 0);
    }
    // Without a zone it is Norwegian time; fractions of a second are dropped.
    let clock = time.split('.').next().filter(|c| c.contains(':')).unwrap_or(time).replace('.', ":");
    ["%H:%M:%S", "%H:%M"].iter().find_map(|f| NaiveTime::parse_from_str(&clock, f).ok()).map(|t| date.and_time(t))
}

/// `2026-10-31` or `31.10.2026`, years 1900 to 2100.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let formats: &[&str] = if text.contains('.') { &["%d.%m.%Y"] } else { &["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y"] };
    let date = formats.iter().find_map(|f| NaiveDate::parse_from_str(text, f).ok())?;
    (1900..=2100).contains(&date.year()).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_get_their_country_and_lose_their_dress() {
        assert_eq!(phone("(+47) 42932173").as_deref(), Some("+4742932173"));
        assert_eq!(phone("0047 446 36 105").as_deref(), Some("+4744636105"));
        assert_eq!(phone("433 19 777").as_deref(), Some("+4743319777"));
        assert_eq!(phone("1234567"), None);
        assert_eq!(phone("+47 1234 5678"), None);
    }

    #[test]
    fn dates_are_read_as_norwegians_and_programs_write_them() {
        let at = |t: &str| date_time(t).map(|d| d.to_string());
        assert_eq!(at("01.08.2026 12:23").as_deref(), Some("2026-08-01 12:23:00"));
        assert_eq!(at("2026-11-01T09:15:00").as_deref(), Some("2026-11-01 09:15:00"));
        assert_eq!(at("2026-11-01T08:15:00Z").as_deref(), Some("2026-11-01 09:15:00"));
        assert_eq!(at("31.02.2026"), None);
        assert_eq!(at("1.1.1899"), None);
    }

    #[test]
    fn a_line_break_in_a_street_becomes_a_comma() {
        assert_eq!(clean("v/ Borettslaget\nÅsveien 4", ", "), "v/ Borettslaget, Åsveien 4");
        assert_eq!(clean("=\"00123\"", " "), "00123");
        assert_eq!(clean(" a\u{a0} b ", " "), "a b");
    }
}
