//! Many documents as one PDF for the printer: a cover list of what is to be posted, then each document as it is.

use super::canvas::{Canvas, LINE, MM, Style};
use super::face::Faces;
use super::logo::Logo;
use super::{bad, layout, new_file, noon};
use crate::RenderError;
use crate::format::{amount, short_date, title};
use crate::words::words;
use chrono::NaiveDate;
use domain::customer::Language;
use domain::invoice::Document;
use krilla::destination::XyzDestination;
use krilla::geom::Point;
use krilla::metadata::Metadata;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::tagging::{TableHeaderScope, Tag, TagGroup, TagTree};
use std::num::NonZeroU16;

/// A document to be posted.
pub struct Posted {
    /// The document.
    pub document: Document,
    /// The seller's logo.
    pub logo: Option<Vec<u8>>,
}

/// Rows of the list on one page.
const ROWS: usize = 40;
const LEFT: f32 = 20.0;
const RIGHT: f32 = 190.0;
const COLUMNS: [f32; 3] = [20.0, 48.0, 150.0];

/// Draws the cover list and every document, in the order given.
pub fn batch(seller: &str, language: Language, today: NaiveDate, documents: &[Posted]) -> Result<Vec<u8>, RenderError> {
    let w = words(language);
    let mut file = new_file()?;
    let heading = format!("{}, {}", w.print_list, short_date(today, language));
    let metadata = Metadata::new()
        .title(format!("{heading}, {seller}"))
        .language(language.as_str().to_owned())
        .creator("Reskontro".to_owned())
        .authors(vec![seller.to_owned()])
        .creation_date(noon(today));
    file.set_metadata(metadata);
    let mut tree = TagTree::new().with_lang(Some(language.as_str().to_owned()));
    for (page, some) in documents.chunks(ROWS).enumerate() {
        let about = (page == 0).then_some((heading.as_str(), seller, documents.len()));
        cover(&mut file, language, about, some)?.into_iter().for_each(|g| tree.push(g));
    }
    for posted in documents {
        let logo = posted.logo.as_deref().map(Logo::open).transpose()?;
        for child in layout::draw_groups(&mut file, &posted.document, logo)? {
            tree.push(child);
        }
    }
    file.set_tag_tree(tree);
    let mut outline = Outline::new();
    outline.push_child(OutlineNode::new(heading, XyzDestination::new(0, Point::from_xy(0.0, 0.0))));
    file.set_outline(outline);
    file.finish().map_err(|e| bad(&e))
}

/// One page of the list.
fn cover(
    file: &mut krilla::Document,
    language: Language,
    about: Option<(&str, &str, usize)>,
    documents: &[Posted],
) -> Result<Vec<TagGroup>, RenderError> {
    let w = words(language);
    let settings =
        PageSettings::from_wh(210.0 * MM, 297.0 * MM).ok_or_else(|| RenderError::Pdf("page size".to_owned()))?;
    let mut page = file.start_page_with(settings);
    let mut surface = page.surface();
    let mut canvas = Canvas { surface: &mut surface, faces: Faces::get()? };
    let mut groups = Vec::new();
    let mut y = 28.0;
    if let Some((heading, seller, count)) = about {
        let mut head = TagGroup::new(Tag::Hn(NonZeroU16::MIN, Some(heading.to_owned())));
        head.push(canvas.text(LEFT, y, Style::new(16.0).bold(), heading));
        groups.push(head);
        let mut line = TagGroup::new(Tag::P);
        line.push(canvas.text(LEFT, y + 8.0, Style::new(9.5).muted(), &format!("{seller} \u{b7} {count}")));
        groups.push(line);
        y += 20.0;
    }
    let mut table = TagGroup::new(Tag::Table);
    let mut row = TagGroup::new(Tag::TR);
    for (x, label) in COLUMNS.into_iter().zip([w.invoice_number, w.print_receiver, w.print_document]) {
        let mut cell = TagGroup::new(Tag::TH(TableHeaderScope::Column));
        cell.push(canvas.text(x, y, Style::new(8.0).muted(), label));
        row.push(cell);
    }
    table.push(row);
    canvas.rule(LEFT, RIGHT, y + 2.0, LINE);
    for posted in documents {
        y += 5.6;
        let doc = &posted.document;
        let mut row = TagGroup::new(Tag::TR);
        let texts = [
            doc.number.to_string(),
            doc.buyer.name.chars().take(55).collect(),
            format!("{} {}", title(doc), amount(doc.totals.total, language)),
        ];
        for (x, text) in COLUMNS.into_iter().zip(texts) {
            let mut cell = TagGroup::new(Tag::TD);
            cell.push(canvas.text(x, y, Style::new(9.5), &text));
            row.push(cell);
        }
        table.push(row);
    }
    surface.finish();
    page.finish();
    groups.push(table);
    Ok(groups)
}
