//! What forms of people need: cookies, fields, and the language of a browser.

use crate::privacy::cookies::Cookie;
use axum::http::{HeaderMap, HeaderValue, header};
use domain::customer::Language;

/// Bytes of a form at most.
pub(super) const LARGEST_FORM: usize = 256 * 1024;

/// A cookie by its name.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|v| v.split(';')).filter_map(|p| p.trim().split_once('='));
    pairs.find(|(n, _)| *n == name).map(|(_, value)| value.to_owned())
}

/// A cookie of the declared ones, which scripts cannot read; without a value it is taken away. `prefix` stands before its
/// name, `rest` says where it goes.
pub(super) fn set_cookie(kind: &Cookie, prefix: &str, value: &str, rest: &str) -> HeaderValue {
    let seconds = if value.is_empty() { 0 } else { kind.seconds() };
    let text = format!("{prefix}{}={value}; {rest}; HttpOnly; Max-Age={seconds}", kind.name());
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// The fields of a form.
pub(super) fn fields(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// A field by its name.
pub(super) fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

/// One of our languages by its code; no other.
pub(super) fn language_of(code: &str) -> Option<Language> {
    ["nb", "no", "nn", "en"].contains(&code).then(|| Language::from_code(code))
}

/// The first language of the browser that we have.
pub(super) fn browser_language(headers: &HeaderMap) -> Language {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut first = wanted.split(',').map(|l| l.trim().get(..2).unwrap_or_default().to_lowercase());
    first.find_map(|l| language_of(&l)).unwrap_or_default()
}
