//! The seller's logo: a PNG or JPEG beside its name.

use super::canvas::MM;
use super::{bad, new_file};
use crate::RenderError;
use krilla::Data;
use krilla::geom::{Size, Transform};
use krilla::image::Image;
use krilla::metadata::Metadata;
use krilla::outline::Outline;
use krilla::page::PageSettings;
use krilla::surface::Surface;
use krilla::tagging::{ContentTag, SpanTag, Tag, TagGroup, TagTree};

/// Room it has, in millimetres.
const WIDTH: f32 = 45.0;
const HEIGHT: f32 = 13.0;
/// Pixels it may have.
const PIXELS: u64 = 4_000_000;

/// A logo that can be drawn.
pub(super) struct Logo {
    image: Image,
    /// Width on the page in millimetres.
    pub(super) width: f32,
    height: f32,
}

impl Logo {
    #[expect(clippy::cast_precision_loss, reason = "a picture of a few thousand pixels")]
    pub(super) fn open(bytes: &[u8]) -> Result<Self, RenderError> {
        let (width, height) =
            dimensions(bytes).ok_or_else(|| RenderError::Image("this is not a PNG or JPEG picture".to_owned()))?;
        if width == 0 || height == 0 || u64::from(width) * u64::from(height) > PIXELS {
            return Err(RenderError::Image(format!("{width} x {height} pixels; at most {PIXELS} pixels are drawn")));
        }
        let data: Data = bytes.to_vec().into();
        let opened = if is_png(bytes) { Image::from_png(data, false) } else { Image::from_jpeg(data, false) };
        let image = opened.map_err(|e| RenderError::Image(format!("the picture cannot be read: {e}")))?;
        let scale = (WIDTH / width as f32).min(HEIGHT / height as f32);
        Ok(Self { image, width: width as f32 * scale, height: height as f32 * scale })
    }

    /// Draws it with its left edge at `x` and its middle at `y`, in millimetres.
    pub(super) fn draw(self, surface: &mut Surface<'_>, x: f32, y: f32, name: &str) -> TagGroup {
        let mut figure = TagGroup::new(Tag::Figure(Some(name.to_owned())));
        figure.push(surface.start_tagged(ContentTag::Span(SpanTag::empty())));
        surface.push_transform(&Transform::from_translate(x * MM, (y - self.height / 2.0) * MM));
        if let Some(size) = Size::from_wh(self.width * MM, self.height * MM) {
            surface.draw_image(self.image, size);
        }
        surface.pop();
        surface.end_tagged();
        figure
    }
}

fn is_png(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n")
}

/// Width and height as the picture's head says, before anything is unpacked.
fn dimensions(bytes: &[u8]) -> Option<(u32, u32)> {
    if is_png(bytes) {
        let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        return Some((number(16)?, number(20)?));
    }
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    // JPEG: segments up to a start of frame (SOF0 to SOF15 but for DHT, JPG and DAC).
    let mut at = 2;
    loop {
        let [0xff, marker] = *bytes.get(at..at + 2)? else { return None };
        let short = |from: usize| Some(u16::from_be_bytes(bytes.get(from..from + 2)?.try_into().ok()?));
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return Some((short(at + 7)?.into(), short(at + 5)?.into()));
        }
        at += 2 + usize::from(short(at + 2)?);
    }
}

/// Whether a logo can stand on a document: it is drawn on a page of its own, under the same rules.
pub fn check_logo(bytes: &[u8]) -> Result<(), RenderError> {
    let logo = Logo::open(bytes)?;
    let mut file = new_file()?;
    let settings = PageSettings::from_wh(100.0, 100.0).ok_or_else(|| RenderError::Pdf("page size".to_owned()))?;
    let mut page = file.start_page_with(settings);
    let mut surface = page.surface();
    let figure = logo.draw(&mut surface, 0.0, HEIGHT, "logo");
    surface.finish();
    page.finish();
    let mut tree = TagTree::new().with_lang(Some("nb".to_owned()));
    tree.push(figure);
    file.set_tag_tree(tree);
    let date = krilla::metadata::DateTime::new(2026);
    file.set_metadata(Metadata::new().title("logo".to_owned()).language("nb".to_owned()).creation_date(date));
    file.set_outline(Outline::new());
    file.finish().map(|_| ()).map_err(|e| RenderError::Image(format!("the picture cannot be drawn: {:?}", bad(&e))))
}
