//! The document as a page of its own, for the console and the payer.

use crate::RenderError;
use crate::format::{amount, decimal, facts, legal, quantity, rate, seller_number, short_date, title};
use crate::words::{Words, words};
use askama::Template;
use base64::Engine;
use domain::invoice::{Document, Kind};

#[derive(Template)]
#[template(path = "invoice.html")]
struct Page<'a> {
    doc: &'a Document,
    w: &'static Words,
    title: &'static str,
    language: &'static str,
    facts: Vec<(&'static str, String, bool)>,
    lines: Vec<[String; 5]>,
    groups: Vec<[String; 3]>,
    net: String,
    vat: String,
    total: String,
    legal: Vec<String>,
    seller_number: Option<String>,
    due: Option<String>,
    is_invoice: bool,
    logo: Option<String>,
}

/// Draws a document as HTML without scripts or requests.
pub fn html(doc: &Document, logo: Option<&[u8]>) -> Result<String, RenderError> {
    let language = doc.language;
    let lines = doc.lines.iter().map(|l| {
        let discount = match l.input.discount_percent.micro() {
            0 => String::new(),
            _ => format!(" ({} % {})", decimal(l.input.discount_percent, language, false), words(language).discount),
        };
        [
            format!("{}{discount}", l.input.description),
            quantity(l, language),
            decimal(l.input.unit_price, language, true),
            rate(l.input.vat.category, l.input.vat.rate, language),
            amount(l.net, language),
        ]
    });
    let groups = doc
        .totals
        .groups
        .iter()
        .map(|g| [rate(g.category, g.rate, language), amount(g.basis, language), amount(g.vat, language)]);
    let page = Page {
        w: words(language),
        title: title(doc),
        language: language.as_str(),
        facts: facts(doc),
        lines: lines.collect(),
        groups: groups.collect(),
        net: amount(doc.totals.net, language),
        vat: amount(doc.totals.vat, language),
        total: amount(doc.totals.total, language),
        legal: legal(doc),
        seller_number: seller_number(doc),
        due: doc.due_on.map(|d| short_date(d, language)),
        is_invoice: doc.kind == Kind::Invoice,
        logo: logo.map(data_url),
        doc,
    };
    Ok(page.render()?)
}

/// A picture inside the page itself: nothing is asked of anybody.
fn data_url(bytes: &[u8]) -> String {
    let kind = if bytes.starts_with(&[0xff, 0xd8]) { "jpeg" } else { "png" };
    format!("data:image/{kind};base64,{}", base64::engine::general_purpose::STANDARD.encode(bytes))
}
