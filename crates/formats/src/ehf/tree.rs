//! Looking things up in a parsed document by element names, whatever their prefixes.

use domain::money::Money;
use roxmltree::Node;
use rust_decimal::Decimal;

/// Children with a name.
pub(super) fn all<'a, 'i>(node: Node<'a, 'i>, name: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |c| c.is_element() && c.tag_name().name() == name)
}

/// The descendants at the end of a path of names, such as `Party/EndpointID`.
pub(super) fn at<'a, 'i>(node: Node<'a, 'i>, path: &'a str) -> Vec<Node<'a, 'i>> {
    path.split('/').fold(vec![node], |nodes, name| nodes.into_iter().flat_map(|n| all(n, name)).collect())
}

/// The first descendant at the end of a path.
pub(super) fn first<'a, 'i>(node: Node<'a, 'i>, path: &'a str) -> Option<Node<'a, 'i>> {
    match path.split_once('/') {
        None => all(node, path).next(),
        Some((name, rest)) => all(node, name).find_map(|n| first(n, rest)),
    }
}

/// Text at the end of a path, trimmed; the first of several.
pub(super) fn text<'a>(node: Node<'a, '_>, path: &'a str) -> Option<&'a str> {
    first(node, path)?.text().map(str::trim).filter(|t| !t.is_empty())
}

/// A decimal at the end of a path.
pub(super) fn number(node: Node<'_, '_>, path: &str) -> Option<Decimal> {
    text(node, path).and_then(|t| Decimal::from_str_exact(t).ok())
}

/// An amount of at most two decimals at the end of a path.
pub(super) fn amount(node: Node<'_, '_>, path: &str) -> Option<Money> {
    let value = number(node, path)?.checked_mul(Decimal::from(100))?.normalize();
    if value.scale() > 0 { None } else { i64::try_from(value).ok().map(Money::from_ore) }
}

/// Where an element stands, for people: `Invoice/InvoiceLine[2]/Price`.
pub(super) fn path(node: Node<'_, '_>) -> String {
    let mut parts: Vec<String> = node
        .ancestors()
        .filter(Node::is_element)
        .map(|n| {
            let name = n.tag_name().name();
            let Some(parent) = n.parent().filter(Node::is_element) else { return name.to_owned() };
            let same: Vec<Node<'_, '_>> = all(parent, name).collect();
            match same.iter().position(|s| *s == n) {
                Some(i) if same.len() > 1 => format!("{name}[{}]", i + 1),
                _ => name.to_owned(),
            }
        })
        .collect();
    parts.reverse();
    parts.join("/")
}
