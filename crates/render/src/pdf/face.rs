//! Fonts with their glyphs and widths looked up once; digits are tabular in the font files themselves.

use crate::RenderError;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use std::collections::HashMap;
use std::sync::OnceLock;

/// A font weight.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    SemiBold,
}

/// One font file.
pub(super) struct Face {
    pub(super) font: Font,
    near: Vec<Option<(u16, f32)>>,
    far: HashMap<char, (u16, f32)>,
    missing: (u16, f32),
}

/// Both weights.
pub(super) struct Faces {
    regular: Face,
    semi_bold: Face,
}

impl Faces {
    /// The fonts, parsed once per process.
    pub(super) fn get() -> Result<&'static Self, RenderError> {
        static FACES: OnceLock<Option<Faces>> = OnceLock::new();
        let load = || {
            Some(Faces {
                regular: Face::load(include_bytes!("../../../../assets/fonts/Inter-Regular.ttf"))?,
                semi_bold: Face::load(include_bytes!("../../../../assets/fonts/Inter-SemiBold.ttf"))?,
            })
        };
        FACES.get_or_init(load).as_ref().ok_or_else(|| RenderError::Pdf("a font file cannot be read".to_owned()))
    }

    pub(super) const fn face(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.regular,
            Weight::SemiBold => &self.semi_bold,
        }
    }
}

impl Face {
    fn load(bytes: &'static [u8]) -> Option<Self> {
        let parsed = ttf_parser::Face::parse(bytes, 0).ok()?;
        let em = f32::from(parsed.units_per_em());
        let glyph = |c: char| {
            let id = parsed.glyph_index(c)?;
            Some((id.0, f32::from(parsed.glyph_hor_advance(id)?) / em))
        };
        let near = (0..0x180).map(|c| char::from_u32(c).and_then(glyph)).collect();
        let far = ('\u{180}'..='\u{ffff}').filter_map(|c| glyph(c).map(|g| (c, g))).collect();
        // A name with a letter the font lacks never stops an invoice: a visible box stands in (decision 26).
        let missing = glyph('\u{25a1}')?;
        Some(Self { font: Font::new(bytes.into(), 0)?, near, far, missing })
    }

    fn glyph(&self, c: char) -> (u16, f32) {
        let found = match self.near.get(c as usize) {
            Some(near) => *near,
            None => self.far.get(&c).copied(),
        };
        found.unwrap_or(self.missing)
    }

    /// Width of a text of size 1.
    pub(super) fn width(&self, text: &str) -> f32 {
        text.chars().map(|c| self.glyph(c).1).sum()
    }

    /// The glyphs of a text.
    pub(super) fn shape(&self, text: &str) -> Vec<KrillaGlyph> {
        text.char_indices()
            .map(|(at, c)| {
                let (id, advance) = self.glyph(c);
                KrillaGlyph::new(GlyphId::new(u32::from(id)), advance, 0.0, 0.0, 0.0, at..at + c.len_utf8(), None)
            })
            .collect()
    }

    /// Lines of at most `width` points; a word that is longer is cut.
    pub(super) fn wrap(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        let room = width / size;
        for word in text.split(' ').filter(|w| !w.is_empty()) {
            let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&joined) <= room {
                line = joined;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for c in word.chars() {
                if self.width(&line) + self.glyph(c).1 > room && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(c);
            }
        }
        if !line.is_empty() || lines.is_empty() {
            lines.push(line);
        }
        lines
    }
}
