//! Running text on as many pages as it takes: first where every line goes, then the drawing, then the tags.

use super::canvas::{Canvas, LINE, MM, Style};
use super::face::Faces;
use super::{bad, new_file, noon};
use crate::RenderError;
use crate::paper::{Block, Paper};
use krilla::destination::XyzDestination;
use krilla::geom::Point;
use krilla::metadata::Metadata;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::tagging::{Identifier, TableHeaderScope, Tag, TagGroup, TagTree};
use std::num::NonZeroU16;

const LEFT: f32 = 20.0;
const RIGHT: f32 = 190.0;
const TOP: f32 = 24.0;
const BOTTOM: f32 = 272.0;
/// Between lines, as a share of the size of the letters.
const LEADING: f32 = 1.45;
const BODY: f32 = 9.5;
const CELL: f32 = 8.5;
const POINT: f32 = 1.0 / MM;

/// A line of text with its place, and the element it belongs to.
struct Line {
    x: f32,
    y: f32,
    style: Style,
    text: String,
    element: usize,
}

/// Lines and rules of one page.
#[derive(Default)]
struct Sheet {
    lines: Vec<Line>,
    rules: Vec<f32>,
}

/// What an element is in the tree of tags.
enum Element {
    Heading(u16, String),
    Paragraph,
    /// The next so many rows, header included, of so many cells.
    Table {
        rows: usize,
        columns: usize,
    },
    Cell,
}

struct Flow {
    faces: &'static Faces,
    sheets: Vec<Sheet>,
    y: f32,
    elements: Vec<Element>,
    headings: Vec<(String, usize, f32)>,
}

impl Flow {
    fn sheet(&mut self) -> &mut Sheet {
        if self.sheets.is_empty() {
            self.sheets.push(Sheet::default());
        }
        let last = self.sheets.len() - 1;
        &mut self.sheets[last]
    }

    /// Begins a new page unless there is room for so many millimetres.
    fn need(&mut self, height: f32) {
        if self.y + height > BOTTOM {
            self.sheets.push(Sheet::default());
            self.y = TOP;
        }
    }

    fn wrap(&self, text: &str, style: Style, width: f32) -> Vec<String> {
        self.faces.face(style.weight).wrap(text, style.size, width * MM)
    }

    fn element(&mut self, element: Element) -> usize {
        self.elements.push(element);
        self.elements.len() - 1
    }

    /// A text over the whole width, with room below it.
    fn text(&mut self, text: &str, style: Style, element: Element, below: f32) {
        let element = self.element(element);
        let step = style.size * LEADING * POINT;
        for text in self.wrap(text, style, RIGHT - LEFT) {
            self.need(step);
            self.y += step;
            let y = self.y;
            self.sheet().lines.push(Line { x: LEFT, y, style, text, element });
        }
        self.y += below;
    }

    fn heading(&mut self, level: u16, text: &str, style: Style) {
        self.y += if level == 1 { 0.0 } else { 5.0 };
        // A heading does not stand alone at the foot of a page.
        self.need(style.size * LEADING * POINT + 14.0);
        let page = self.sheets.len().saturating_sub(1);
        self.headings.push((text.to_owned(), page, self.y));
        self.text(text, style, Element::Heading(level, text.to_owned()), 1.5);
    }

    fn table(&mut self, shares: &[u8], head: &[String], rows: &[Vec<String>]) {
        let columns = head.len();
        self.element(Element::Table { rows: rows.len() + 1, columns });
        self.row(shares, head, Style::new(CELL).muted());
        for row in rows {
            self.row(shares, row, Style::new(CELL));
        }
        self.y += 3.0;
    }

    fn row(&mut self, shares: &[u8], cells: &[String], style: Style) {
        let mut x = LEFT;
        let mut wrapped = Vec::new();
        for (cell, share) in cells.iter().zip(shares) {
            let width = (RIGHT - LEFT) * f32::from(*share) / 100.0;
            let style = if x <= LEFT { style.bold() } else { style };
            wrapped.push((x, style, self.wrap(cell, style, width - 4.0)));
            x += width;
        }
        let step = style.size * LEADING * POINT;
        let tallest = wrapped.iter().map(|(_, _, lines)| lines.len()).max().unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "a row has few lines")]
        let height = step * tallest as f32;
        self.need(height + 3.0);
        let top = self.y + 1.2;
        for (x, style, lines) in wrapped {
            let element = self.element(Element::Cell);
            let mut y = top;
            for text in lines {
                y += step;
                self.sheet().lines.push(Line { x, y, style, text, element });
            }
        }
        self.y = top + height + 1.6;
        let y = self.y;
        self.sheet().rules.push(y);
    }
}

/// Draws a text as PDF/A-3a and PDF/UA-1. `id` names the file: the same text and id give the same bytes.
pub fn paper(paper: &Paper, id: &[u8]) -> Result<Vec<u8>, RenderError> {
    let mut flow =
        Flow { faces: Faces::get()?, sheets: Vec::new(), y: TOP, elements: Vec::new(), headings: Vec::new() };
    flow.text(&paper.by, Style::new(10.5).bold(), Element::Paragraph, 3.0);
    flow.heading(1, &paper.title, Style::new(20.0).bold());
    for line in &paper.about {
        flow.text(line, Style::new(BODY).muted(), Element::Paragraph, 0.5);
    }
    for section in &paper.sections {
        flow.heading(2, &section.heading, Style::new(12.0).bold());
        for block in &section.blocks {
            match block {
                Block::Text(text) => flow.text(text, Style::new(BODY), Element::Paragraph, 2.0),
                Block::Table { shares, head, rows } => flow.table(shares, head, rows),
            }
        }
    }
    let mut file = new_file()?;
    file.set_metadata(metadata(paper, id));
    let drawn = draw(&mut file, paper, &flow)?;
    file.set_tag_tree(tree(paper, flow.elements, drawn));
    let mut outline = Outline::new();
    for (heading, page, y) in flow.headings {
        outline.push_child(OutlineNode::new(heading, XyzDestination::new(page, Point::from_xy(0.0, y * MM))));
    }
    file.set_outline(outline);
    file.finish().map_err(|e| bad(&e))
}

/// Draws every page; what was drawn of each element.
fn draw(file: &mut krilla::Document, paper: &Paper, flow: &Flow) -> Result<Vec<Vec<Identifier>>, RenderError> {
    let mut drawn: Vec<Vec<Identifier>> = flow.elements.iter().map(|_| Vec::new()).collect();
    let count = flow.sheets.len();
    for (number, sheet) in flow.sheets.iter().enumerate() {
        let settings =
            PageSettings::from_wh(210.0 * MM, 297.0 * MM).ok_or_else(|| RenderError::Pdf("page size".to_owned()))?;
        let mut page = file.start_page_with(settings);
        let mut surface = page.surface();
        let mut canvas = Canvas { surface: &mut surface, faces: flow.faces };
        for rule in &sheet.rules {
            canvas.rule(LEFT, RIGHT, *rule, LINE);
        }
        for line in &sheet.lines {
            drawn[line.element].push(canvas.text(line.x, line.y, line.style, &line.text));
        }
        let foot = format!("{}  \u{b7}  {}  \u{b7}  {} / {count}", paper.by, paper.title, number + 1);
        canvas.page_text(LEFT, 284.0, Style::new(8.0).muted(), &foot);
        surface.finish();
        page.finish();
    }
    Ok(drawn)
}

fn tree(paper: &Paper, elements: Vec<Element>, drawn: Vec<Vec<Identifier>>) -> TagTree {
    let mut tree = TagTree::new().with_lang(Some(paper.language.as_str().to_owned()));
    let mut all = elements.into_iter().zip(drawn);
    while let Some((element, ids)) = all.next() {
        let mut group = match element {
            Element::Heading(level, text) => {
                TagGroup::new(Tag::Hn(NonZeroU16::new(level).unwrap_or(NonZeroU16::MIN), Some(text)))
            }
            Element::Paragraph | Element::Cell => TagGroup::new(Tag::P),
            Element::Table { rows, columns } => {
                let mut table = TagGroup::new(Tag::Table);
                for row in 0..rows {
                    let mut line = TagGroup::new(Tag::TR);
                    for column in 0..columns {
                        let Some((_, ids)) = all.next() else { break };
                        let mut cell = match (row, column) {
                            (0, _) => TagGroup::new(Tag::TH(TableHeaderScope::Column)),
                            (_, 0) => TagGroup::new(Tag::TH(TableHeaderScope::Row)),
                            _ => TagGroup::new(Tag::TD),
                        };
                        ids.into_iter().for_each(|id| cell.push(id));
                        line.push(cell);
                    }
                    table.push(line);
                }
                tree.push(table);
                continue;
            }
        };
        ids.into_iter().for_each(|id| group.push(id));
        tree.push(group);
    }
    tree
}

fn metadata(paper: &Paper, id: &[u8]) -> Metadata {
    Metadata::new()
        .title(format!("{}, {}", paper.title, paper.by))
        .language(paper.language.as_str().to_owned())
        .creator("Reskontro".to_owned())
        .authors(vec![paper.by.clone()])
        .creation_date(noon(paper.dated))
        .document_id(domain::hex::encode(id))
}
