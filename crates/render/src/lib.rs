//! The frozen document drawn for people: PDF, HTML and mail. The same document always gives the same bytes.
//!
//! Pure; may import `domain` and its own format libraries. Words in three languages stand in `words`; add a text there
//! and the compiler asks for every language.
#![expect(clippy::float_arithmetic, reason = "drawing is done in points")]

pub mod dkim;
mod format;
mod html;
pub mod mail;
pub mod paper;
mod pdf;
pub mod privacy;
mod words;

pub use html::html;
pub use pdf::{check_logo, pdf};

/// Many documents as one PDF for the printer.
pub mod print {
    pub use crate::pdf::{Posted, batch};
}

/// Why a document could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The PDF would break PDF/A-3a or PDF/UA-1.
    #[error("PDF: {0}")]
    Pdf(String),
    /// A logo cannot be used.
    #[error("{0}")]
    Image(String),
    /// The page could not be filled in.
    #[error("HTML: {0}")]
    Html(#[from] askama::Error),
    /// The mail could not be put together.
    #[error("mail: {0}")]
    Mail(String),
}
