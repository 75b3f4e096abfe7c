//! Which mail a message is about: the tag in the address of ours that it went to.

use super::mime::{Headers, Letter, split_head};

const PREFIX: &str = "b+";
const LENGTH: usize = 32 + 1 + 16;
/// Where an address of ours may stand, the surest first.
const FIELDS: [&str; 8] =
    ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-rcpt-to", "to", "cc", "received"];
const RETURNED: [&str; 5] =
    ["message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/rfc822-headers"];

/// The tag of a message: of the address it came to, else of the sender of the mail it returns.
pub fn of(letter: &Letter<'_>, domain: &str) -> Option<String> {
    FIELDS
        .iter()
        .flat_map(|name| letter.headers.all(name))
        .find_map(|value| find(value, domain))
        .or_else(|| returned(letter, domain))
        .or_else(|| letter.part(&["text/plain"]).and_then(|part| find(&part.text(), domain)))
}

/// Whether we sent the message ourselves: its own sender is one of our addresses.
pub fn is_ours(letter: &Letter<'_>, domain: &str) -> bool {
    letter.headers.all("return-path").any(|value| find(value, domain).is_some())
}

fn returned(letter: &Letter<'_>, domain: &str) -> Option<String> {
    let original = letter.part(&RETURNED)?.bytes();
    // `text/rfc822-headers` may end without an empty line: then all of it is header.
    let headers = Headers::read(split_head(&original).0);
    headers.all("return-path").find_map(|value| find(value, domain))
}

/// The first `b+<32 hex>.<16 hex>@domain` in a text.
fn find(text: &str, domain: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let domain = domain.to_ascii_lowercase();
    text.match_indices(PREFIX).find_map(|(at, _)| {
        let part_of_word = text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'));
        let rest = &text[at + PREFIX.len()..];
        let tag = rest.get(..LENGTH).filter(|tag| !part_of_word && is_tag(tag))?;
        let after = rest[LENGTH..].strip_prefix('@')?.strip_prefix(domain.as_str())?;
        let ends = !after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_'))
            && !after.strip_prefix('.').is_some_and(|a| a.starts_with(char::is_alphanumeric));
        ends.then(|| tag.to_owned())
    })
}

fn is_tag(text: &str) -> bool {
    text.bytes().enumerate().all(|(i, b)| if i == 32 { b == b'.' } else { b.is_ascii_hexdigit() })
}

#[cfg(test)]
mod tests {
    use super::find;

    const TAG: &str = "0192f0c1a2b37c4d8e5f60718293a4b5.00000000000000ff";

    #[test]
    fn a_tag_is_found_only_in_an_address_of_ours() {
        let ours = |text: &str| find(text, "Bounce.test").as_deref() == Some(TAG);
        assert!(ours(&format!("<b+{TAG}@bounce.test>")));
        assert!(ours(&format!("for <B+{}@BOUNCE.TEST>; Mon", TAG.to_uppercase())));
        assert!(ours(&format!("b+x@y, prvs=12ab=b+{TAG}@bounce.test.")));
        assert!(!ours(&format!("ab+{TAG}@bounce.test")));
        assert!(!ours(&format!("b+{TAG}@bounce.test.evil.example")));
        assert!(!ours(&format!("b+{TAG}@bounce.testing")));
        assert!(!ours(&format!("b+{}@bounce.test", &TAG[1..])));
        assert!(!ours("b+0192f0c1a2b37c4d8e5f60718293a4b5.0000000000000ø@bounce.test"));
    }
}
