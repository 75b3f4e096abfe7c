//! Plain HTML pages: escaping, one style sheet, tables.

use axum::response::Html;
use std::fmt::Write;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5d6b7a;--line:#dde3ea;--paper:#fff;--back:#f4f6f9;--mark:#0b6b58}\
@media(prefers-color-scheme:dark){:root{--ink:#e7ecf2;--soft:#9aa7b5;--line:#2c3743;--paper:#18202a;--back:#10161d;--mark:#5fd0b5}}\
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif}\
main{max-width:76rem;margin:0 auto;padding:2rem 1.25rem 4rem}h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .6rem}\
.lead{color:var(--soft);margin:.25rem 0 1.5rem;max-width:60ch}\
.facts{display:flex;flex-wrap:wrap;gap:.75rem;margin:0;padding:0;list-style:none}\
.facts li{background:var(--paper);border:1px solid var(--line);border-radius:.6rem;padding:.6rem 1rem;min-width:9rem}\
.facts b{display:block;font-size:1.25rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}.facts span{color:var(--soft);font-size:.85rem}\
.wide{overflow-x:auto;background:var(--paper);border:1px solid var(--line);border-radius:.6rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.5rem .8rem;border-bottom:1px solid var(--line);vertical-align:top}\
th{font-size:.8rem;color:var(--soft);font-weight:600;white-space:nowrap}tr:last-child td{border-bottom:0}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.m{font-family:ui-monospace,monospace;font-size:.85rem}\
.s{font-weight:600;color:var(--mark)}small{color:var(--soft)}.none{padding:1rem;color:var(--soft);margin:0}";

/// Text made safe for an element or an attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A whole page. `facts` are pairs of label and value, escaped here; `body` is ready HTML.
pub(crate) fn page(title: &str, lead: &str, facts: &[(&str, String)], body: &str) -> Html<String> {
    let mut list = String::new();
    for (label, value) in facts {
        let _ = write!(list, "<li><b>{}</b><span>{}</span></li>", escape(value), escape(label));
    }
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>{0}</title><style>{STYLE}</style></head>\
         <body><main><h1>{0}</h1><p class=\"lead\">{1}</p><ul class=\"facts\">{list}</ul>{body}</main></body></html>",
        escape(title),
        escape(lead),
    ))
}

/// A table with its heading. Columns ending in `#` are figures; `rows` are ready `<tr>` elements.
pub(crate) fn table(heading: &str, columns: &[&str], rows: &str) -> String {
    if rows.is_empty() {
        return format!("<h2>{}</h2><div class=\"wide\"><p class=\"none\">Nothing yet.</p></div>", escape(heading));
    }
    let mut head = String::new();
    for column in columns {
        let (name, class) = column.strip_suffix('#').map_or((*column, ""), |name| (name, " class=\"n\""));
        let _ = write!(head, "<th scope=\"col\"{class}>{}</th>", escape(name));
    }
    format!(
        "<h2>{}</h2><div class=\"wide\"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>",
        escape(heading)
    )
}

/// Øre as kroner, the Norwegian way: `1 234,50`.
pub(crate) fn kroner(amount_ore: i64) -> String {
    let sign = if amount_ore < 0 { "−" } else { "" };
    let ore = amount_ore.unsigned_abs();
    let digits = (ore / 100).to_string();
    let mut whole = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            whole.push('\u{a0}');
        }
        whole.push(c);
    }
    format!("{sign}{whole},{:02}", ore % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_markup_are_written_safely() {
        assert_eq!(kroner(123_456_789), "1\u{a0}234\u{a0}567,89");
        assert_eq!(kroner(5), "0,05");
        assert_eq!(kroner(-10_000), "−100,00");
        assert_eq!(escape("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    }
}
