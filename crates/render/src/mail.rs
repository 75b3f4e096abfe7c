//! The mail that carries an invoice: text, HTML and PDF, the same bytes every time.

use crate::RenderError;
use crate::format::{amount, day_and_month, long_date, title};
use crate::words::words;
use askama::Template;
use chrono::{DateTime, Utc};
use domain::invoice::{Document, Kind};
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, Message, MultiPart, MultiPartKind, SinglePart};
use std::time::SystemTime;

/// What a mail is made of.
pub struct MailParts<'a> {
    /// The document.
    pub document: &'a Document,
    /// Its PDF.
    pub pdf: &'a [u8],
    /// Larger mails carry no attachment.
    pub max_bytes: usize,
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
    attached: &'static str,
    ask: &'static str,
    why: String,
}

#[derive(Template)]
#[template(path = "mail.txt", escape = "none")]
struct TextBody<'a> {
    body: &'a Body<'a>,
}

/// Puts a mail together as it goes over the wire.
pub fn compose(parts: &MailParts<'_>) -> Result<Vec<u8>, RenderError> {
    let bad = |e: &dyn std::fmt::Display| RenderError::Mail(e.to_string());
    let with_pdf = parts.pdf.len().saturating_mul(4) / 3 + 20_000 <= parts.max_bytes;
    let subject = subject(parts.document);
    let body = body(parts.document, &subject, with_pdf);
    let text = TextBody { body: &body }.render()?;
    let html = body.render()?;
    let mailbox = |name: &str, address: &str| -> Result<Mailbox, RenderError> {
        let address = address.parse().map_err(|e| bad(&e))?;
        Ok(Mailbox::new(Some(name.to_owned()).filter(|n| !n.is_empty()), address))
    };
    // One boundary a level, made of the Message-ID: nothing random.
    let boundary =
        |level: &str| format!("{level}-{}", parts.message_id.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    let both = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(boundary("alt"))
        .singlepart(SinglePart::plain(text))
        .singlepart(SinglePart::html(html));
    let mut mixed = MultiPart::builder().kind(MultiPartKind::Mixed).boundary(boundary("mix")).multipart(both);
    if with_pdf {
        let kind = ContentType::parse("application/pdf").map_err(|e| bad(&e))?;
        let name = format!("{}-{}.pdf", title(parts.document).to_lowercase().replace(' ', "-"), parts.document.number);
        mixed = mixed.singlepart(Attachment::new(name).body(parts.pdf.to_vec(), kind));
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
    Ok(message.multipart(mixed).map_err(|e| bad(&e))?.formatted())
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

fn body<'a>(doc: &Document, subject: &'a str, with_pdf: bool) -> Body<'a> {
    let w = words(doc.language);
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
        attached: if with_pdf { w.mail_attached } else { w.mail_too_large },
        ask: w.mail_ask,
        why: format!("{}{}{}", w.mail_why[0], doc.seller.name, w.mail_why[1]),
    }
}
