//! Where everything stands on the A4 page: window-envelope address, lines, totals, legal texts, payment block.

use super::canvas::{Canvas, GROUND, LINE, MM, Style, TEXT};
use super::face::{Faces, Weight};
use super::logo::Logo;
use crate::RenderError;
use crate::format::{amount, decimal, facts, legal, quantity, rate, seller_number, short_date, title};
use crate::words::{Words, words};
use domain::invoice::{Document, Kind, Line};
use krilla::page::PageSettings;
use krilla::tagging::{TableHeaderScope, Tag, TagGroup, TagTree};
use std::num::NonZeroU16;

const LEFT: f32 = 20.0;
const RIGHT: f32 = 192.0;
const FACTS: f32 = 122.0;
const FACT_VALUES: f32 = 152.0;
const PRICE: f32 = 146.0;
const VAT: f32 = 164.0;
const BODY: f32 = 9.5;
const SMALL: f32 = 8.0;
/// Where the payment block begins on the first page.
const PAYMENT: f32 = 202.0;
/// Where a later page ends.
const BOTTOM: f32 = 280.0;
/// Height of totals: VAT table or sums, whichever is taller.
const TOTALS_HEAD: f32 = 12.0;
const ROW: f32 = 4.6;

/// One page's share of the lines.
struct Sheet<'a> {
    lines: &'a [Line],
    totals: bool,
}

/// Draws all pages and returns the tags in reading order.
pub(super) fn draw(file: &mut krilla::Document, doc: &Document, logo: Option<Logo>) -> Result<TagTree, RenderError> {
    let mut tree = TagTree::new().with_lang(Some(doc.language.as_str().to_owned()));
    draw_groups(file, doc, logo)?.into_iter().for_each(|g| tree.push(g));
    Ok(tree)
}

/// Draws all pages after those already there.
pub(super) fn draw_groups(
    file: &mut krilla::Document,
    doc: &Document,
    logo: Option<Logo>,
) -> Result<Vec<TagGroup>, RenderError> {
    let faces = Faces::get()?;
    let w = words(doc.language);
    let texts: Vec<String> =
        legal(doc).iter().flat_map(|t| faces.face(Weight::Regular).wrap(t, SMALL, (RIGHT - LEFT) * MM)).collect();
    let first_end = 184.0 - length(texts.len()) * 3.8;
    let row_height = if doc.lines.len() > 4 { 5.2 } else { 7.4 };
    let sheets = share(doc, faces, row_height, first_end);
    let mut groups = Vec::new();
    let mut table = TagGroup::new(Tag::Table);
    let mut after = Vec::new();
    let mut logo = logo;
    let settings = || PageSettings::from_wh(210.0 * MM, 297.0 * MM);
    for (i, sheet) in sheets.iter().enumerate() {
        let settings = settings().ok_or_else(|| RenderError::Pdf("page size".to_owned()))?;
        let mut page = file.start_page_with(settings);
        let mut surface = page.surface();
        let mut canvas = Canvas { surface: &mut surface, faces };
        let top = if i == 0 {
            groups.extend(head(&mut canvas, doc, w, logo.take()));
            95.0
        } else {
            28.0
        };
        let y = lines(&mut canvas, doc, w, sheet.lines, top, row_height, &mut table);
        if sheet.totals {
            after.extend(totals(&mut canvas, doc, w, y + 4.0));
        }
        if i == 0 {
            after.extend(foot(&mut canvas, doc, w, &texts, first_end + 3.0));
            if doc.kind == Kind::Invoice {
                after.extend(payment(&mut canvas, doc, w));
            }
        }
        page_number(&mut canvas, doc, w, i, sheets.len());
        surface.finish();
        page.finish();
    }
    groups.push(table);
    groups.extend(after);
    Ok(groups)
}

#[expect(clippy::cast_precision_loss, reason = "a count of lines on a page")]
const fn length(n: usize) -> f32 {
    n as f32
}

/// Lines of the description of one line.
fn description(faces: &Faces, line: &Line, doc: &Document) -> Vec<String> {
    let mut text = line.input.description.clone();
    if line.input.discount_percent.micro() != 0 {
        let percent = decimal(line.input.discount_percent, doc.language, false);
        text.push_str(&format!(" ({percent}\u{a0}% {})", words(doc.language).discount));
    }
    faces.face(Weight::Regular).wrap(&text, BODY, (100.0 - LEFT) * MM)
}

fn line_height(faces: &Faces, line: &Line, doc: &Document, row_height: f32) -> f32 {
    row_height + (length(description(faces, line, doc).len()) - 1.0) * 4.2
}

/// Shares the lines between pages; the totals keep together and follow the last line.
fn share<'a>(doc: &'a Document, faces: &Faces, row_height: f32, first_end: f32) -> Vec<Sheet<'a>> {
    let totals = TOTALS_HEAD + length(doc.totals.groups.len().max(2)) * ROW + 3.0;
    let mut sheets = Vec::new();
    let mut rest = doc.lines.as_slice();
    loop {
        let (top, end) = if sheets.is_empty() { (98.0, first_end) } else { (31.0, BOTTOM) };
        let mut y = top;
        let mut taken = 0;
        for line in rest {
            let height = line_height(faces, line, doc, row_height);
            if y + height > end && taken > 0 {
                break;
            }
            y += height;
            taken += 1;
        }
        let (here, later) = rest.split_at(taken);
        let fits = later.is_empty() && y + totals <= end;
        sheets.push(Sheet { lines: here, totals: fits });
        if fits {
            return sheets;
        }
        rest = later;
    }
}

fn paragraph(ids: impl IntoIterator<Item = krilla::tagging::Identifier>) -> TagGroup {
    let mut group = TagGroup::new(Tag::P);
    ids.into_iter().for_each(|id| group.push(id));
    group
}

/// Seller, title, return address, address in the window, facts.
fn head(c: &mut Canvas<'_, '_>, doc: &Document, w: &Words, logo: Option<Logo>) -> Vec<TagGroup> {
    let mut tags = Vec::new();
    let mut h1 = TagGroup::new(Tag::Hn(NonZeroU16::MIN, Some(title(doc).to_owned())));
    h1.push(c.text_right(RIGHT, 19.5, Style::new(19.0).bold(), title(doc)));
    tags.push(h1);
    let mut name_at = LEFT;
    if let Some(logo) = logo {
        name_at += logo.width + 3.5;
        tags.push(logo.draw(c.surface, LEFT, 18.2, &doc.seller.name));
    }
    tags.push(paragraph([c.text(name_at, 20.0, Style::new(14.0).bold(), &doc.seller.name)]));
    let sender: Vec<String> = std::iter::once(doc.seller.name.clone()).chain(doc.seller.address.lines()).collect();
    let sender = format!("{} {}", w.return_to, sender.join(", "));
    let sender = c.faces.face(Weight::Regular).wrap(&sender, 6.5, 95.0 * MM).swap_remove(0);
    tags.push(paragraph([c.text(LEFT, 47.6, Style::new(6.5).muted(), &sender)]));
    let mut address = vec![doc.buyer.name.clone()];
    address.extend(doc.buyer.address.lines());
    let mut y = 53.6;
    let mut ids = Vec::new();
    for line in address.iter().flat_map(|l| c.faces.face(Weight::Regular).wrap(l, 11.0, 95.0 * MM)).take(5) {
        ids.push(c.text(LEFT, y, Style::new(11.0), &line));
        y += 4.9;
    }
    tags.push(paragraph(ids));
    let mut y = 48.6;
    for (label, value, strong) in facts(doc) {
        let style = if strong { Style::new(BODY).bold() } else { Style::new(BODY) };
        let label = c.text(FACTS, y, Style::new(BODY).muted(), label);
        let mut ids = vec![label];
        for line in c.faces.face(style.weight).wrap(&value, BODY, (RIGHT - FACT_VALUES) * MM).into_iter().take(2) {
            ids.push(c.text(FACT_VALUES, y, style, &line));
            y += 4.9;
        }
        tags.push(paragraph(ids));
    }
    tags
}

fn header_row(c: &mut Canvas<'_, '_>, w: &Words, y: f32) -> TagGroup {
    let style = Style::new(SMALL).bold();
    let mut row = TagGroup::new(Tag::TR);
    let mut th = |id| {
        let mut cell = TagGroup::new(Tag::TH(TableHeaderScope::Column));
        cell.push(id);
        row.push(cell);
    };
    th(c.text(LEFT, y, style, w.description));
    th(c.text_right(FACTS, y, style, w.quantity));
    th(c.text_right(PRICE, y, style, w.price));
    th(c.text_right(VAT, y, style, w.vat));
    th(c.text_right(RIGHT, y, style, w.amount));
    c.rule(LEFT, RIGHT, y + 2.0, TEXT);
    row
}

fn data_row(ids: Vec<Vec<krilla::tagging::Identifier>>) -> TagGroup {
    let mut row = TagGroup::new(Tag::TR);
    for cell in ids {
        let mut td = TagGroup::new(Tag::TD);
        cell.into_iter().for_each(|id| td.push(id));
        row.push(td);
    }
    row
}

/// The lines of one page; returns where they end.
fn lines(
    c: &mut Canvas<'_, '_>,
    doc: &Document,
    w: &Words,
    lines: &[Line],
    top: f32,
    row_height: f32,
    table: &mut TagGroup,
) -> f32 {
    if lines.is_empty() {
        return top;
    }
    table.push(header_row(c, w, top));
    let mut y = top + 2.2;
    let style = Style::new(BODY);
    for line in lines {
        let base = y + row_height * 0.5 + 1.2;
        let mut text = Vec::new();
        for (i, part) in description(c.faces, line, doc).iter().enumerate() {
            text.push(c.text(LEFT, base + length(i) * 4.2, style, part));
        }
        let vat = &line.input.vat;
        let cells = vec![
            text,
            vec![c.text_right(FACTS, base, style, &quantity(line, doc.language))],
            vec![c.text_right(PRICE, base, style, &decimal(line.input.unit_price, doc.language, true))],
            vec![c.text_right(VAT, base, style, &rate(vat.category, vat.rate, doc.language))],
            vec![c.text_right(RIGHT, base, style, &amount(line.net, doc.language))],
        ];
        table.push(data_row(cells));
        y += line_height(c.faces, line, doc, row_height);
        c.rule(LEFT, RIGHT, y, LINE);
    }
    y
}

/// VAT per rate on the left, sums on the right.
fn totals(c: &mut Canvas<'_, '_>, doc: &Document, w: &Words, top: f32) -> Vec<TagGroup> {
    let (basis, end) = (78.0, 102.0);
    let head = Style::new(SMALL).bold();
    let style = Style::new(SMALL);
    let mut table = TagGroup::new(Tag::Table);
    let mut row = TagGroup::new(Tag::TR);
    for id in [
        c.text(LEFT, top + 2.0, head, w.vat_rate),
        c.text_right(basis, top + 2.0, head, w.basis),
        c.text_right(end, top + 2.0, head, w.vat_in_nok),
    ] {
        let mut cell = TagGroup::new(Tag::TH(TableHeaderScope::Column));
        cell.push(id);
        row.push(cell);
    }
    table.push(row);
    c.rule(LEFT, end, top + 3.6, TEXT);
    let mut y = top + 7.4;
    for group in &doc.totals.groups {
        let cells = vec![
            vec![c.text(LEFT, y, style, &rate(group.category, group.rate, doc.language))],
            vec![c.text_right(basis, y, style, &amount(group.basis, doc.language))],
            vec![c.text_right(end, y, style, &amount(group.vat, doc.language))],
        ];
        table.push(data_row(cells));
        y += ROW;
    }
    let mut tags = vec![table];
    let sums = [(w.net, doc.totals.net), (w.vat, doc.totals.vat)];
    let mut y = top + 2.4;
    for (label, sum) in sums {
        let ids = [
            c.text(FACTS, y, Style::new(BODY), label),
            c.text_right(RIGHT, y, Style::new(BODY), &amount(sum, doc.language)),
        ];
        tags.push(paragraph(ids));
        y += 4.8;
    }
    c.rule(FACTS, RIGHT, y - 2.2, TEXT);
    let label = if doc.kind == Kind::Invoice { w.to_pay } else { w.credited };
    let strong = Style::new(13.0).bold();
    let ids = [
        c.text(FACTS, y + 4.0, strong, label),
        c.text_right(RIGHT, y + 4.0, strong, &amount(doc.totals.total, doc.language)),
    ];
    tags.push(paragraph(ids));
    tags
}

/// Legal texts, then the seller in four columns.
fn foot(c: &mut Canvas<'_, '_>, doc: &Document, w: &Words, texts: &[String], top: f32) -> Vec<TagGroup> {
    let mut y = top;
    let mut ids = Vec::new();
    for text in texts {
        ids.push(c.text(LEFT, y, Style::new(SMALL).muted(), text));
        y += 3.8;
    }
    let mut tags = vec![paragraph(ids)];
    c.rule(LEFT, RIGHT, 186.5, LINE);
    let seller = &doc.seller;
    let register = seller.in_business_register.then(|| w.business_register.to_owned());
    let phone = seller.phone.as_ref().map(|p| format!("{} {p}", w.phone));
    let account = format!("{} {}", w.account, seller.account.grouped());
    let columns: [(f32, Vec<String>); 4] = [
        (LEFT, std::iter::once(seller.name.clone()).chain(seller.address.lines()).collect()),
        (67.0, register.into_iter().chain(seller_number(doc)).collect()),
        (109.0, seller.email.clone().into_iter().chain(phone).collect()),
        (152.0, vec![account, format!("IBAN {}", seller.account.iban())]),
    ];
    for (x, lines) in columns {
        let mut ids = Vec::new();
        for (i, line) in lines.iter().take(3).enumerate() {
            let fitted = c.faces.face(Weight::Regular).wrap(line, 7.5, 44.0 * MM).swap_remove(0);
            ids.push(c.text(x, 190.6 + length(i) * 3.7, Style::new(7.5), &fitted));
        }
        if !ids.is_empty() {
            tags.push(paragraph(ids));
        }
    }
    tags
}

/// A labelled box; the value in bold.
fn field(c: &mut Canvas<'_, '_>, place: [f32; 4], label: &str, value: &str) -> TagGroup {
    let [x, y, width, height] = place;
    c.framed(x, y, width, height);
    let label = c.text(x + 2.7, y + 4.2, Style::new(SMALL).muted(), label);
    paragraph([label, c.text(x + 2.7, y + 9.6, Style::new(13.0).bold(), value)])
}

/// What is needed to pay, on the lower third of the first page.
fn payment(c: &mut Canvas<'_, '_>, doc: &Document, w: &Words) -> Vec<TagGroup> {
    c.filled(0.0, PAYMENT, 210.0, 297.0 - PAYMENT, GROUND);
    let mut h2 = TagGroup::new(Tag::Hn(NonZeroU16::MIN.saturating_add(1), Some(w.payment_information.to_owned())));
    h2.push(c.text(LEFT, 210.8, Style::new(12.0).bold(), w.payment_information));
    let mut tags = vec![h2, paragraph([c.text_right(RIGHT, 210.8, Style::new(SMALL).muted(), w.not_a_form)])];
    let party = |c: &mut Canvas<'_, '_>, x: f32, label: &str, name: &str, address: Vec<String>| {
        c.framed(x, 216.0, 84.0, 26.8);
        let mut ids = vec![c.text(x + 2.7, 220.3, Style::new(SMALL).muted(), label)];
        let mut y = 224.6;
        for line in std::iter::once(name.to_owned()).chain(address).take(5) {
            let fitted = c.faces.face(Weight::Regular).wrap(&line, BODY, 79.0 * MM).swap_remove(0);
            ids.push(c.text(x + 2.7, y, Style::new(BODY), &fitted));
            y += 4.4;
        }
        paragraph(ids)
    };
    tags.push(party(c, LEFT, w.pay_to, &doc.seller.name, doc.seller.address.lines()));
    tags.push(party(c, 108.0, w.paid_by, &doc.buyer.name, doc.buyer.address.lines()));
    tags.push(field(c, [LEFT, 246.8, 84.0, 13.0], w.invoice_number, &doc.number.to_string()));
    if let Some(due) = doc.due_on {
        tags.push(field(c, [108.0, 246.8, 84.0, 13.0], w.pay_within, &short_date(due, doc.language)));
    }
    if let Some(kid) = &doc.kid {
        tags.push(field(c, [LEFT, 263.8, 72.0, 13.6], w.kid, kid));
    }
    tags.push(field(c, [96.0, 263.8, 44.0, 13.6], w.amount_kr, &amount(doc.totals.total, doc.language)));
    tags.push(field(c, [144.0, 263.8, 48.0, 13.6], w.to_account, &doc.seller.account.grouped()));
    tags
}

fn page_number(c: &mut Canvas<'_, '_>, doc: &Document, w: &Words, index: usize, pages: usize) {
    let style = Style::new(7.5).muted();
    let mut text = format!("{} {} {} {pages}", w.page[0], index + 1, w.page[1]);
    if index > 0 {
        text = format!("{} {}, {}", title(doc), doc.number, text.to_lowercase());
    }
    c.page_text(LEFT, 285.0, style, &text);
}
