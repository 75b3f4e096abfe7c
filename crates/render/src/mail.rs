//! The mail that carries an invoice: text, HTML, PDF and the payer's link, the same bytes every time; and the mail that
//! carries a one-time code; and letters.

use crate::RenderError;
use crate::format::{amount, day_and_month, long_date, title};
use crate::paper::{self, Paper};
use crate::words::words;
use askama::Template;
use chrono::{DateTime, Utc};
use domain::customer::Language;
use domain::invoice::{Document, Kind};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Message, MultiPart, MultiPartKind, SinglePart};
use std::time::SystemTime;

/// What a mail is made of.
pub struct MailParts<'a> {
    /// The document.
    pub document: &'a Document,
    /// Its PDF; none when it is too large to go along.
    pub pdf: Option<&'a [u8]>,
    /// The payer's page.
    pub link: Option<&'a str>,
    /// Where the seller's privacy statement is read.
    pub privacy: Option<&'a str>,
    /// Name of the sender.
    pub from_name: &'a str,
    /// Address of the sender.
    pub from_address: &'a str,
    /// Where answers go, when not to the sender.
    pub reply_to: Option<&'a str>,
    /// Name of the recipient.
    pub to_name: &'a str,
    /// Address of the recipient.
    pub to_address: &'a str,
    /// Message-ID without brackets.
    pub message_id: String,
    /// Date of the mail.
    pub at: DateTime<Utc>,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Body<'a> {
    language: &'static str,
    subject: &'a str,
    greeting: &'static str,
    intro: String,
    rows: Vec<(&'static str, String)>,
    attached: Option<&'static str>,
    link: Option<(&'static str, &'a str)>,
    ask: &'static str,
    why: String,
    privacy: Option<(&'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "mail.txt", escape = "none")]
struct TextBody<'a> {
    body: &'a Body<'a>,
}

/// Whether a mail with this PDF stays within a number of bytes.
pub const fn fits(pdf: &[u8], max_bytes: usize) -> bool {
    pdf.len().saturating_mul(4) / 3 + 20_000 <= max_bytes
}

fn bad(error: impl std::fmt::Display) -> RenderError {
    RenderError::Mail(error.to_string())
}

fn mailbox(name: &str, address: &str) -> Result<Mailbox, RenderError> {
    Ok(Mailbox::new(Some(name.to_owned()).filter(|n| !n.is_empty()), address.parse().map_err(bad)?))
}

/// One boundary a level, made of the Message-ID: nothing random.
fn boundary(level: &str, message_id: &str) -> String {
    format!("{level}-{}", message_id.replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
}

/// Text and HTML that say the same.
fn both(text: String, html: String, message_id: &str) -> MultiPart {
    MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(boundary("alt", message_id))
        .singlepart(SinglePart::plain(text))
        .singlepart(SinglePart::html(html))
}

/// Puts a mail together as it goes over the wire.
pub fn compose(parts: &MailParts<'_>) -> Result<Vec<u8>, RenderError> {
    let subject = subject(parts.document);
    let body = body(parts, &subject);
    let both = both(TextBody { body: &body }.render()?, body.render()?, &parts.message_id);
    let mut mixed =
        MultiPart::builder().kind(MultiPartKind::Mixed).boundary(boundary("mix", &parts.message_id)).multipart(both);
    if let Some(pdf) = parts.pdf {
        let kind = ContentType::parse("application/pdf").map_err(bad)?;
        let name = format!("{}-{}.pdf", title(parts.document).to_lowercase().replace(' ', "-"), parts.document.number);
        mixed = mixed.singlepart(Attachment::new(name).body(pdf.to_vec(), kind));
    }
    let mut message = Message::builder()
        .from(mailbox(parts.from_name, parts.from_address)?)
        .to(mailbox(parts.to_name, parts.to_address)?)
        .subject(subject.as_str())
        .date(SystemTime::from(parts.at))
        .message_id(Some(format!("<{}>", parts.message_id)));
    if let Some(reply_to) = parts.reply_to {
        message = message.reply_to(mailbox(parts.from_name, reply_to)?);
    }
    Ok(message.multipart(mixed).map_err(bad)?.formatted())
}

/// `Faktura 10482 fra Lillevik Grønt AS, forfaller 13. november`. Never a name or an amount of the recipient.
fn subject(doc: &Document) -> String {
    let w = words(doc.language);
    let mut text = format!("{} {}{}{}", title(doc), doc.number, w.mail_subject[0], doc.seller.name);
    if let Some(due) = doc.due_on {
        text.push_str(&format!("{}{}", w.mail_subject[1], day_and_month(due, doc.language)));
    }
    text
}

fn body<'a>(parts: &MailParts<'a>, subject: &'a str) -> Body<'a> {
    let doc = parts.document;
    let w = words(doc.language);
    let link_words = if parts.pdf.is_some() { w.mail_link } else { w.mail_link_only };
    let intro = if doc.kind == Kind::Invoice { w.mail_intro } else { w.mail_credit_intro };
    let label = if doc.kind == Kind::Invoice { w.to_pay } else { w.credited };
    let mut rows = vec![(label, amount(doc.totals.total, doc.language))];
    if let Some(due) = doc.due_on {
        rows.push((w.due_date, long_date(due, doc.language)));
    }
    if let Some(kid) = &doc.kid {
        rows.push((w.kid, kid.clone()));
        rows.push((w.to_account, doc.seller.account.grouped()));
    }
    Body {
        language: doc.language.as_str(),
        subject,
        greeting: w.mail_greeting,
        intro: format!("{}{}{}{}.", intro[0], doc.number, intro[1], doc.seller.name),
        rows,
        attached: parts.pdf.map(|_| w.mail_attached),
        link: parts.link.map(|link| (link_words, link)),
        ask: w.mail_ask,
        why: format!("{}{}{}", w.mail_why[0], doc.seller.name, w.mail_why[1]),
        privacy: parts.privacy.map(|url| (w.mail_privacy, url)),
    }
}

/// What a mail with a one-time code is made of.
pub struct CodeParts<'a> {
    /// Its language.
    pub language: Language,
    /// The code.
    pub code: &'a str,
    /// Minutes it works.
    pub minutes: i64,
    /// Name of the sender.
    pub from_name: &'a str,
    /// Address of the sender.
    pub from_address: &'a str,
    /// Address of the recipient.
    pub to_address: &'a str,
    /// Message-ID without brackets.
    pub message_id: String,
    /// Date of the mail.
    pub at: DateTime<Utc>,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodeBody<'a> {
    language: &'static str,
    subject: &'static str,
    code: &'a str,
    life: String,
}

/// Puts together a mail that holds the code and how long it works, and nothing else.
pub fn compose_code(parts: &CodeParts<'_>) -> Result<Vec<u8>, RenderError> {
    let w = words(parts.language);
    let life = format!("{}{}{}", w.code_life[0], parts.minutes, w.code_life[1]);
    let text = format!("{}\n\n{life}\n", parts.code);
    let html =
        CodeBody { language: parts.language.as_str(), subject: w.code_subject, code: parts.code, life }.render()?;
    let message = Message::builder()
        .from(mailbox(parts.from_name, parts.from_address)?)
        .to(mailbox("", parts.to_address)?)
        .subject(w.code_subject)
        .date(SystemTime::from(parts.at))
        .message_id(Some(format!("<{}>", parts.message_id)));
    Ok(message.multipart(both(text, html, &parts.message_id)).map_err(bad)?.formatted())
}

/// What a mail that carries a letter is made of.
pub struct LetterParts<'a> {
    /// The letter.
    pub paper: &'a Paper,
    /// Name of the sender.
    pub from_name: &'a str,
    /// Address of the sender.
    pub from_address: &'a str,
    /// Where answers go, when not to the sender.
    pub reply_to: Option<&'a str>,
    /// Address of the recipient.
    pub to_address: &'a str,
    /// Message-ID without brackets.
    pub message_id: String,
    /// Date of the mail.
    pub at: DateTime<Utc>,
}

/// Puts together a mail that is a letter: the same as text and as a page.
pub fn compose_letter(parts: &LetterParts<'_>) -> Result<Vec<u8>, RenderError> {
    Ok(letter(parts)?.formatted())
}

/// Puts together a letter a machine answers another with (RFC 3834 section 3): marked, so that no machine answers it.
pub fn compose_answer(parts: &LetterParts<'_>, to: Option<&str>) -> Result<Vec<u8>, RenderError> {
    let mut message = letter(parts)?;
    let mut put = |name: &'static str, value: &str| {
        let name = HeaderName::new_from_ascii_str(name);
        message.headers_mut().insert_raw(HeaderValue::new(name, value.to_owned()));
    };
    put("Auto-Submitted", "auto-replied");
    if let Some(to) = to {
        put("In-Reply-To", to);
        put("References", to);
    }
    Ok(message.formatted())
}

fn letter(parts: &LetterParts<'_>) -> Result<Message, RenderError> {
    let mut message = Message::builder()
        .from(mailbox(parts.from_name, parts.from_address)?)
        .to(mailbox("", parts.to_address)?)
        .subject(parts.paper.title.as_str())
        .date(SystemTime::from(parts.at))
        .message_id(Some(format!("<{}>", parts.message_id)));
    if let Some(reply_to) = parts.reply_to {
        message = message.reply_to(mailbox(parts.from_name, reply_to)?);
    }
    let both = both(paper::text(parts.paper), paper::html(parts.paper)?, &parts.message_id);
    message.multipart(both).map_err(bad)
}
