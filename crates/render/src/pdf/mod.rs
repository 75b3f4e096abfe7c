//! A tagged PDF/A-3a + PDF/UA-1 drawn with krilla, whose validators refuse to write anything else.

mod canvas;
mod face;
mod layout;
mod logo;
mod paper;
mod print;

pub use logo::check_logo;
pub use paper::paper;
pub use print::{Posted, batch};

use crate::RenderError;
use crate::format::title;
use chrono::{Datelike, NaiveDate};
use domain::invoice::Document;
use krilla::SerializeSettings;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::Point;
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use logo::Logo;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Documents drawn since the cache of glyph outlines was last trimmed.
static DRAWN: AtomicUsize = AtomicUsize::new(0);

fn bad(e: &dyn std::fmt::Debug) -> RenderError {
    RenderError::Pdf(format!("{e:?}"))
}

/// An empty file that refuses to be anything but PDF/A-3a and PDF/UA-1.
fn new_file() -> Result<krilla::Document, RenderError> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A3_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|e| bad(&e))?;
    Ok(krilla::Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() }))
}

/// Draws a document, with the seller's logo where it has one. `id` names the file for ever: the same document, logo and
/// id give the same bytes.
pub fn pdf(doc: &Document, logo: Option<&[u8]>, id: &[u8]) -> Result<Vec<u8>, RenderError> {
    let mut file = new_file()?;
    let logo = logo.map(Logo::open).transpose()?;
    let heading = format!("{} {}", title(doc), doc.number);
    file.set_metadata(metadata(doc, &heading, id));
    let tree = layout::draw(&mut file, doc, logo)?;
    file.set_tag_tree(tree);
    let mut outline = Outline::new();
    outline.push_child(OutlineNode::new(heading, XyzDestination::new(0, Point::from_xy(0.0, 0.0))));
    file.set_outline(outline);
    let bytes = file.finish().map_err(|e| bad(&e))?;
    if (DRAWN.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(100) {
        comemo::evict(5);
    }
    Ok(bytes)
}

/// The day of a document as a point in time that no clock changes.
fn noon(day: NaiveDate) -> DateTime {
    let part = |n: u32| u8::try_from(n).unwrap_or(1);
    DateTime::new(u16::try_from(day.year()).unwrap_or_default())
        .month(part(day.month()))
        .day(part(day.day()))
        .hour(12)
        .minute(0)
        .second(0)
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

fn metadata(doc: &Document, heading: &str, id: &[u8]) -> Metadata {
    Metadata::new()
        .title(format!("{heading}, {}", doc.seller.name))
        .language(doc.language.as_str().to_owned())
        .creator("Reskontro".to_owned())
        .authors(vec![doc.seller.name.clone()])
        .creation_date(noon(doc.issued_on))
        .document_id(domain::hex::encode(id))
}
