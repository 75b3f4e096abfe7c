//! One page: text with its tag, rules and boxes as artifacts. Places are millimetres from the top left.

use super::face::{Faces, Weight};
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::num::NormalizedF32;
use krilla::paint::{Fill, FillRule, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, Identifier, SpanTag};

/// Points of a millimetre.
pub(super) const MM: f32 = 72.0 / 25.4;

/// A colour.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ink(u8, u8, u8);

/// Text.
pub(super) const TEXT: Ink = Ink(0x16, 0x21, 0x1f);
/// Labels and small print.
pub(super) const MUTED: Ink = Ink(0x53, 0x60, 0x5d);
/// Light rules.
pub(super) const LINE: Ink = Ink(0xc9, 0xcf, 0xcb);
/// Ground of the payment block.
pub(super) const GROUND: Ink = Ink(0xf2, 0xf4, 0xf2);
/// Inside of boxes.
pub(super) const PAPER: Ink = Ink(0xff, 0xff, 0xff);

/// How a text looks.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) size: f32,
    pub(super) weight: Weight,
    pub(super) ink: Ink,
}

impl Style {
    pub(super) const fn new(size: f32) -> Self {
        Self { size, weight: Weight::Regular, ink: TEXT }
    }

    pub(super) const fn bold(self) -> Self {
        Self { weight: Weight::SemiBold, ..self }
    }

    pub(super) const fn muted(self) -> Self {
        Self { ink: MUTED, ..self }
    }
}

/// A page being drawn.
pub(super) struct Canvas<'a, 'b> {
    pub(super) surface: &'a mut Surface<'b>,
    pub(super) faces: &'static Faces,
}

impl Canvas<'_, '_> {
    fn fill(&mut self, ink: Ink) {
        self.surface.set_fill(Some(Fill {
            paint: rgb::Color::new(ink.0, ink.1, ink.2).into(),
            opacity: NormalizedF32::ONE,
            rule: FillRule::default(),
        }));
        self.surface.set_stroke(None);
    }

    /// Text that starts at `x`, its baseline at `y`.
    pub(super) fn text(&mut self, x: f32, y: f32, style: Style, text: &str) -> Identifier {
        let tag = ContentTag::Span(SpanTag::empty());
        self.tagged(x * MM, y * MM, style, text, tag)
    }

    /// Text that ends at `x`.
    pub(super) fn text_right(&mut self, x: f32, y: f32, style: Style, text: &str) -> Identifier {
        let width = self.faces.face(style.weight).width(text) * style.size;
        self.tagged(x * MM - width, y * MM, style, text, ContentTag::Span(SpanTag::empty()))
    }

    /// Text that is no part of the document itself, such as a page number.
    pub(super) fn page_text(&mut self, x: f32, y: f32, style: Style, text: &str) {
        let tag = ContentTag::Artifact(Artifact::with_kind(ArtifactType::Footer));
        self.tagged(x * MM, y * MM, style, text, tag);
    }

    fn tagged(&mut self, x: f32, y: f32, style: Style, text: &str, tag: ContentTag<'_>) -> Identifier {
        self.fill(style.ink);
        let face = self.faces.face(style.weight);
        let id = self.surface.start_tagged(tag);
        let glyphs = face.shape(text);
        self.surface.draw_glyphs(Point::from_xy(x, y), &glyphs, face.font.clone(), text, style.size, false);
        self.surface.end_tagged();
        id
    }

    /// A horizontal rule.
    pub(super) fn rule(&mut self, x1: f32, x2: f32, y: f32, ink: Ink) {
        self.filled(x1, y, x2 - x1, 0.18, ink);
    }

    /// A filled rectangle.
    pub(super) fn filled(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        self.fill(ink);
        self.rectangle(x, y, width, height);
    }

    /// A box with a thin frame.
    pub(super) fn framed(&mut self, x: f32, y: f32, width: f32, height: f32) {
        self.fill(PAPER);
        self.surface.set_stroke(Some(Stroke {
            paint: rgb::Color::new(TEXT.0, TEXT.1, TEXT.2).into(),
            width: 0.6,
            ..Stroke::default()
        }));
        self.rectangle(x, y, width, height);
    }

    fn rectangle(&mut self, x: f32, y: f32, width: f32, height: f32) {
        let Some(rect) = Rect::from_xywh(x * MM, y * MM, width * MM, height * MM) else { return };
        let mut path = PathBuilder::new();
        path.push_rect(rect);
        if let Some(path) = path.finish() {
            self.surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Other)));
            self.surface.draw_path(&path);
            self.surface.end_tagged();
        }
    }
}
