//! The `relaxed` forms of RFC 6376 section 3.4, in which servers on the way may fold and trim.

/// A header field as it is hashed, with its line end (section 3.4.2).
pub fn field(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = name.trim_ascii().to_ascii_lowercase();
    out.push(b':');
    out.extend(squeezed(value));
    out.extend(b"\r\n");
    out
}

/// The body as it is hashed (section 3.4.4): runs of blanks are one, none end a line, no empty lines end the body.
pub fn body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut empty_lines = 0;
    for line in lines(body) {
        let starts_blank = line.first().is_some_and(|b| is_blank(*b));
        let line = squeezed(line);
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut empty_lines) {
            out.extend(b"\r\n");
        }
        if starts_blank {
            out.push(b' ');
        }
        out.extend(line);
        out.extend(b"\r\n");
    }
    out
}

/// The lines of a text without their ends, and without the nothing after the last.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|b| *b == b'\n')
        .map(|line| line.strip_suffix(b"\n").map_or(line, |l| l.strip_suffix(b"\r").unwrap_or(l)))
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The words of a text with one space between them; line ends within it are those of folding.
fn squeezed(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text.iter().filter(|b| !matches!(b, b'\r' | b'\n')) {
        match (is_blank(*byte), out.last()) {
            (true, None | Some(b' ')) => {}
            (true, _) => out.push(b' '),
            (false, _) => out.push(*byte),
        }
    }
    if out.last() == Some(&b' ') {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{body, field};
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_rfc_6376_section_3_4_5_hold() {
        assert_eq!(field(b"A", b" X"), b"a:X\r\n");
        assert_eq!(field(b"B ", b" Y\t\r\n\tZ  "), b"b:Y Z\r\n");
        assert_eq!(body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
        assert_eq!(body(b""), b"");
        assert_eq!(body(b"\r\n \t\r\n"), b"");
        assert_eq!(body(b"no end"), b"no end\r\n");
    }

    fn line() -> impl Strategy<Value = String> {
        "[ \ta-cå.]{0,12}"
    }

    proptest! {
        #[test]
        fn what_is_canonical_stays_so(lines in proptest::collection::vec(line(), 0..8)) {
            let once = body(lines.join("\r\n").as_bytes());
            prop_assert_eq!(body(&once), once);
        }

        #[test]
        fn blanks_at_the_ends_change_nothing(lines in proptest::collection::vec(line(), 1..8), blanks in "[ \t]{0,4}") {
            let plain = lines.join("\r\n");
            let padded = lines.join(&format!("{blanks}\r\n"));
            prop_assert_eq!(body(plain.as_bytes()), body(format!("{padded}{blanks}\r\n\r\n").as_bytes()));
        }

        #[test]
        fn a_field_may_be_folded_anywhere_between_words(words in proptest::collection::vec("[a-cå]{1,6}", 1..8)) {
            let folded = field(b"Subject", words.join("\r\n \t").as_bytes());
            prop_assert_eq!(folded, field(b"SUBJECT", format!(" {} ", words.join(" ")).as_bytes()));
        }
    }
}
