//! Figures as SVG drawn on the server: no style, no script, a sentence as label, the same numbers as text beside.

use crate::format::count;
use crate::html::{Html, escape};
use domain::customer::Language;

/// One part of a bar.
pub(crate) struct Part {
    /// Class that gives the colour, and the key's square.
    pub(crate) class: &'static str,
    /// How many.
    pub(crate) n: u64,
    /// What they are, after the number.
    pub(crate) words: String,
    /// A line more.
    pub(crate) detail: String,
}

impl Part {
    pub(crate) fn new(class: &'static str, n: u64, words: &str) -> Self {
        Self { class, n, words: words.to_owned(), detail: String::new() }
    }
}

const WIDTH: u64 = 1000;
/// Narrower than this a part cannot be seen.
const SLIVER: u64 = 8;

/// Widths that add up to the whole, with a sliver for the smallest part that is there.
fn widths(counts: &[u64], whole: u64) -> Vec<u64> {
    let sum: u64 = counts.iter().sum();
    if sum == 0 {
        return vec![0; counts.len()];
    }
    let wide = |n: u64| if n == 0 { 0 } else { (n.saturating_mul(whole) / sum).max(SLIVER.min(whole)) };
    let mut out: Vec<u64> = counts.iter().map(|n| wide(*n)).collect();
    let used: u64 = out.iter().sum();
    if let Some(largest) = out.iter_mut().max() {
        *largest = (*largest + whole).saturating_sub(used);
    }
    out
}

/// `1 251 levert, 26 på vei, 7 ikke levert`.
pub(crate) fn sentence(parts: &[Part], language: Language) -> String {
    let said: Vec<String> =
        parts.iter().filter(|p| p.n > 0).map(|p| format!("{} {}", count(p.n, language), p.words)).collect();
    said.join(", ")
}

/// A bar of parts side by side.
pub(crate) fn stacked(parts: &[Part], label: &str, class: &str) -> Html {
    let counts: Vec<u64> = parts.iter().map(|p| p.n).collect();
    let mut rects = String::new();
    let mut x = 0;
    for (part, width) in parts.iter().zip(widths(&counts, WIDTH)) {
        if width > 0 {
            let drawn = if x + width < WIDTH { width - 2 } else { width };
            rects.push_str(&format!(
                "<rect class=\"{}\" x=\"{x}\" y=\"0\" width=\"{drawn}\" height=\"10\"/>",
                part.class
            ));
        }
        x += width;
    }
    Html(format!(
        "<svg class=\"bar {class}\" viewBox=\"0 0 {WIDTH} 10\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{}\"><rect class=\"empty\" x=\"0\" y=\"0\" width=\"{WIDTH}\" height=\"10\"/>{rects}</svg>",
        escape(label)
    ))
}

/// One bar of `n` out of the greatest; beside it stands the number, so it is hidden from assistive technology.
pub(crate) fn single(n: u64, greatest: u64) -> Html {
    let width = n.saturating_mul(WIDTH).checked_div(greatest).unwrap_or_default().max(SLIVER.min(n * SLIVER));
    Html(format!(
        "<svg class=\"bar thin\" viewBox=\"0 0 {WIDTH} 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\" \
         focusable=\"false\"><rect class=\"needs\" x=\"0\" y=\"0\" width=\"{width}\" height=\"10\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_fill_the_bar_and_the_smallest_is_seen() {
        let widths = widths(&[1251, 26, 7, 0], WIDTH);
        assert_eq!(widths.iter().sum::<u64>(), WIDTH);
        assert!(widths[2] >= SLIVER && widths[3] == 0);
    }

    #[test]
    fn nothing_is_an_empty_bar() {
        assert_eq!(widths(&[0, 0], WIDTH), [0, 0]);
    }
}
