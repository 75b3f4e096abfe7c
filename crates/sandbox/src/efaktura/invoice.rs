//! The invoice request: its shape (refused at once) and the business rules (rejected later).

use super::body::{Fields, sized};
use super::checks;
use super::fault::Outcome;
use super::state::{Consumer, Issuer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{NaiveDate, TimeDelta};
use serde_json::{Map, Value};

/// Largest document, in bytes.
const MOST_BYTES: usize = 5 * 1024 * 1024;
const MOST_ORE: i64 = 99_999_999_999;

/// How the receiver was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Receiver {
    Identifier(String),
    Reference(String),
    NationalId(String),
}

/// The document, by what can be wrong with it.
#[derive(Debug, Clone)]
pub(super) enum Document {
    Pdf { bytes: usize, looks_right: bool },
    Url(String),
}

impl Document {
    /// For the page.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Pdf { bytes, .. } => format!("PDF, {} kB", bytes.div_ceil(1024)),
            Self::Url(url) => url.clone(),
        }
    }
}

/// A request of the right shape.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub issuer: String,
    pub receiver: Receiver,
    pub invoice_number: String,
    pub document_type: String,
    pub due_date: NaiveDate,
    pub amount_ore: i64,
    pub minimum_amount_ore: Option<i64>,
    pub kid: String,
    pub account: String,
    pub payment: String,
    pub document: Document,
}

const KNOWN: [&str; 13] = [
    "issuer",
    "receiver",
    "invoice_number",
    "document_type",
    "issue_date",
    "due_date",
    "amount_ore",
    "minimum_amount_ore",
    "kid",
    "account",
    "payment",
    "text",
    "specification",
];

impl Request {
    /// Reads the body, or names every field that is wrong.
    pub(super) fn read(body: &Map<String, Value>) -> Result<Self, Vec<(String, &'static str)>> {
        let mut fields = Fields::new(body, "", &KNOWN);
        let issuer = fields.required("issuer", "invalid_org_number", checks::org_number);
        let invoice_number = fields.required("invoice_number", "invalid_length", |t| sized(t, 1, 100));
        let document_type = fields.required("document_type", "invalid_choice", |t| matches!(t, "invoice" | "reminder"));
        fields.required("issue_date", "invalid_date", |t| date(t).is_some());
        let due = fields.required("due_date", "invalid_date", |t| date(t).is_some());
        let kid = fields.required("kid", "invalid_format", checks::kid_shape);
        let account = fields.required("account", "invalid_format", |t| checks::digits(t, 11));
        let payment = fields.required("payment", "invalid_choice", |t| matches!(t, "manual" | "avtalegiro"));
        if fields.text("text").is_some_and(|t| !sized(t, 0, 1000)) {
            fields.wrong("text", "invalid_length");
        }
        if fields.value("amount_ore").is_none() {
            fields.wrong("amount_ore", "required");
        }
        let amount_ore = fields.whole("amount_ore").unwrap_or_default();
        if fields.value("amount_ore").is_some_and(Value::is_i64) && !(1..=MOST_ORE).contains(&amount_ore) {
            fields.wrong("amount_ore", "out_of_range");
        }
        let minimum_amount_ore = fields.whole("minimum_amount_ore");
        if minimum_amount_ore.is_some_and(|minimum| minimum < 0) {
            fields.wrong("minimum_amount_ore", "out_of_range");
        }
        let receiver = receiver(&mut fields);
        let document = document(&mut fields);
        match (receiver, document, date(&due)) {
            (Some(receiver), Some(document), Some(due_date)) if fields.errors.is_empty() => Ok(Self {
                issuer,
                receiver,
                invoice_number,
                document_type,
                due_date,
                amount_ore,
                minimum_amount_ore,
                kid,
                account,
                payment,
                document,
            }),
            _ => Err(fields.errors),
        }
    }

    /// The rule it breaks, if any, in the order a gateway would look.
    pub(super) fn rejection(&self, ground: &Ground) -> Option<&'static str> {
        let Some(issuer) = ground.issuer.filter(|issuer| issuer.status == "active") else {
            return Some("issuer_not_active");
        };
        if !issuer.accounts.contains(&self.account) {
            return Some("account_not_registered");
        }
        let right_length = issuer.kid_length.is_none_or(|length| length == self.kid.len() as u64);
        if !right_length || !checks::kid(&self.kid) {
            return Some("invalid_kid");
        }
        if self.minimum_amount_ore.is_some_and(|minimum| minimum > self.amount_ore) {
            return Some("amount_invalid");
        }
        if self.due_date < ground.today + TimeDelta::days(ground.min_days) {
            return Some("due_date_too_early");
        }
        match self.document {
            Document::Pdf { bytes, .. } if bytes > MOST_BYTES => return Some("document_too_large"),
            Document::Pdf { looks_right: false, .. } => return Some("document_invalid"),
            _ => {}
        }
        match ground.consumer.map(|consumer| consumer.outcome) {
            Some(Outcome::Match) => None,
            Some(Outcome::NoConsent) => Some("no_consent"),
            Some(Outcome::Blocked) => Some("blocked_by_receiver"),
            Some(Outcome::Ambiguous | Outcome::None) | None => Some("receiver_not_found"),
        }
    }
}

/// What a request is judged by.
pub(super) struct Ground<'a> {
    pub issuer: Option<&'a Issuer>,
    pub consumer: Option<&'a Consumer>,
    pub today: NaiveDate,
    pub min_days: i64,
}

fn date(text: &str) -> Option<NaiveDate> {
    (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten()
}

fn receiver(fields: &mut Fields) -> Option<Receiver> {
    if fields.value("receiver").is_none() {
        fields.wrong("receiver", "required");
    }
    let object = fields.object("receiver")?;
    let mut inner = Fields::new(object, "receiver.", &["identifier", "reference", "national_id"]);
    let named = [inner.text("identifier"), inner.text("reference"), inner.text("national_id")];
    let receiver = match named {
        [Some(id), None, None] if sized(id, 1, 100) => Some(Receiver::Identifier(id.to_owned())),
        [None, Some(reference), None] if sized(reference, 2, 50) => Some(Receiver::Reference(reference.to_owned())),
        [None, None, Some(id)] if checks::digits(id, 11) => Some(Receiver::NationalId(id.to_owned())),
        _ => None,
    };
    if receiver.is_none() {
        let one = named.iter().flatten().count() == 1;
        fields.wrong("receiver", if one { "invalid_format" } else { "exactly_one" });
    }
    fields.errors.append(&mut inner.errors);
    receiver
}

fn document(fields: &mut Fields) -> Option<Document> {
    if fields.value("specification").is_none() {
        fields.wrong("specification", "required");
    }
    let object = fields.object("specification")?;
    let mut inner = Fields::new(object, "specification.", &["pdf_base64", "url"]);
    let named = (inner.text("pdf_base64"), inner.text("url"));
    let document = match named {
        (Some(text), None) => {
            let bytes = STANDARD.decode(text).ok();
            if bytes.is_none() {
                inner.wrong("pdf_base64", "invalid_base64");
            }
            bytes.map(|bytes| Document::Pdf { bytes: bytes.len(), looks_right: bytes.starts_with(b"%PDF-") })
        }
        (None, Some(url)) if safe_url(url) => Some(Document::Url(url.to_owned())),
        (None, Some(_)) => {
            inner.wrong("url", "invalid_url");
            None
        }
        _ => {
            fields.wrong("specification", "exactly_one");
            None
        }
    };
    fields.errors.append(&mut inner.errors);
    document
}

/// HTTPS; plain HTTP only to this machine, for development.
fn safe_url(url: &str) -> bool {
    let host = |rest: &str| rest.split(['/', '?', '#']).next().is_some_and(|host| !host.is_empty());
    if let Some(rest) = url.strip_prefix("https://") {
        return host(rest);
    }
    url.strip_prefix("http://").is_some_and(|rest| {
        let name = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
        matches!(name, "localhost" | "127.0.0.1")
    })
}
