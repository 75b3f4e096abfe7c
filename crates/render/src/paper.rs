//! Running text in sections, with tables: privacy statements, records, certificates. Drawn as a page or as a PDF.

use crate::RenderError;
use askama::Template;
use chrono::NaiveDate;
use domain::customer::Language;
use serde::{Deserialize, Serialize};

/// A text in sections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// Its language.
    pub language: Language,
    /// What it is called.
    pub title: String,
    /// Whose it is.
    pub by: String,
    /// Version and dates, a line each.
    pub about: Vec<String>,
    /// Its day, for the metadata.
    pub dated: NaiveDate,
    /// Its sections.
    pub sections: Vec<Section>,
}

/// A section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A paragraph or a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A table; shares are those of the columns in the width, in percent.
    Table {
        /// Share of each column.
        shares: Vec<u8>,
        /// Headings of the columns.
        head: Vec<String>,
        /// Rows of as many cells.
        rows: Vec<Vec<String>>,
    },
}

#[derive(Template)]
#[template(path = "paper.html")]
struct Page<'a> {
    paper: &'a Paper,
    language: &'static str,
    links: &'a [(&'a str, String)],
}

/// Draws a text as a page without scripts or requests.
pub fn html(paper: &Paper) -> Result<String, RenderError> {
    html_with(paper, &[])
}

/// The same with links below: what they say, and where they lead.
pub fn html_with(paper: &Paper, links: &[(&str, String)]) -> Result<String, RenderError> {
    Ok(Page { paper, language: paper.language.as_str(), links }.render()?)
}

/// A text as plain text, for mail.
pub fn text(paper: &Paper) -> String {
    let mut out = format!("{}\n{}\n", paper.title, paper.by);
    for line in &paper.about {
        out.push_str(line);
        out.push('\n');
    }
    for section in &paper.sections {
        out.push_str(&format!("\n{}\n", section.heading));
        for block in &section.blocks {
            match block {
                Block::Text(text) => out.push_str(&format!("{text}\n")),
                Block::Table { rows, .. } => rows.iter().for_each(|r| out.push_str(&format!("{}\n", r.join(": ")))),
            }
        }
    }
    out
}

pub use crate::pdf::paper as pdf;
