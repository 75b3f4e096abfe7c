//! The parts of a message, down to a fixed depth and number.
//!
//! Header fields are read by `mail-parser`. The tree is walked here: the library's own tree nests a level for every
//! `message/rfc822`, without bound, and looks for each boundary to the end of the message, so that a hostile mail of a
//! few megabytes takes its stack or its time. A bounce needs four levels and never the inside of the returned mail.

use encoding_rs::Encoding;
use mail_parser::decoders::{base64::base64_decode, quoted_printable::quoted_printable_decode};
use mail_parser::parsers::MessageStream;
use mail_parser::{ContentType, HeaderName, HeaderValue, MessageParser};
use std::borrow::Cow;

/// What is looked at of a message; a report says its say well within.
const MAX_BYTES: usize = 1 << 20;
const MAX_HEAD_BYTES: usize = 128 << 10;
const MAX_TEXT_BYTES: usize = 64 << 10;
const MAX_DEPTH: usize = 4;
const MAX_PARTS: usize = 50;

/// Header fields in their order.
pub struct Headers<'a> {
    fields: Vec<(String, String)>,
    content_type: Option<ContentType<'a>>,
}

impl<'a> Headers<'a> {
    /// Reads a block of fields, unfolded and with encoded words decoded.
    pub fn read(block: &'a [u8]) -> Self {
        let block = block.get(..MAX_HEAD_BYTES).unwrap_or(block);
        let parser = MessageParser::new().header_content_type(HeaderName::ContentType).default_header_text();
        let mut found = Vec::new();
        MessageStream::new(block).parse_headers(&parser, &mut found);
        let mut headers = Self { fields: Vec::with_capacity(found.len()), content_type: None };
        for header in found {
            match header.value {
                HeaderValue::Text(text) => {
                    headers.fields.push((header.name.as_str().to_lowercase(), text.into_owned()));
                }
                HeaderValue::ContentType(kind) if headers.content_type.is_none() => headers.content_type = Some(kind),
                _ => {}
            }
        }
        headers
    }

    /// The first field of a name given in lower case.
    pub fn get(&self, name: &'static str) -> Option<&str> {
        self.all(name).next()
    }

    /// All fields of a name given in lower case.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.trim())
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.content_type.is_none()
    }

    /// Type and subtype in lower case; text when none is named.
    fn kind(&self) -> String {
        self.content_type.as_ref().map_or_else(
            || "text/plain".to_owned(),
            |t| format!("{}/{}", t.ctype(), t.subtype().unwrap_or("plain")).to_lowercase(),
        )
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.content_type.as_ref().and_then(|t| t.attribute(name))
    }
}

/// A part that holds no other.
pub struct Part<'a> {
    /// Type and subtype in lower case.
    pub kind: String,
    headers: Headers<'a>,
    body: &'a [u8],
}

impl<'a> Part<'a> {
    /// The content with its transfer encoding undone.
    pub fn bytes(&self) -> Cow<'a, [u8]> {
        let encoding = self.headers.get("content-transfer-encoding").unwrap_or_default().to_ascii_lowercase();
        let decoded = match encoding.as_str() {
            "base64" => base64_decode(self.body),
            "quoted-printable" => quoted_printable_decode(self.body),
            _ => None,
        };
        decoded.map_or(Cow::Borrowed(self.body), Cow::Owned)
    }

    /// The content as text, its beginning if it is long; an unknown character set is taken for UTF-8.
    pub fn text(&self) -> String {
        let bytes = self.bytes();
        let bytes = bytes.get(..MAX_TEXT_BYTES).unwrap_or(&bytes);
        let encoding = self.headers.attribute("charset").and_then(|label| Encoding::for_label(label.as_bytes()));
        encoding.unwrap_or(encoding_rs::UTF_8).decode(bytes).0.into_owned()
    }
}

/// A message: its header and the parts that hold no other.
pub struct Letter<'a> {
    /// The message's own header.
    pub headers: Headers<'a>,
    /// Its type and subtype in lower case.
    pub kind: String,
    /// Parts, at most 50.
    pub parts: Vec<Part<'a>>,
}

impl<'a> Letter<'a> {
    /// Takes a message apart; none when it has no header field.
    pub fn read(raw: &'a [u8]) -> Option<Self> {
        let (head, body) = split_head(raw.get(..MAX_BYTES).unwrap_or(raw));
        let headers = Headers::read(head);
        if headers.is_empty() {
            return None;
        }
        let mut parts = Vec::new();
        let kind = headers.kind();
        if kind.starts_with("multipart/") {
            collect(&headers, body, MAX_DEPTH, &mut parts);
        } else {
            parts.push(Part { kind: kind.clone(), headers: Headers::read(head), body });
        }
        Some(Self { headers, kind, parts })
    }

    /// The `report-type` of a report, in lower case.
    pub fn report_type(&self) -> Option<String> {
        self.headers.attribute("report-type").map(str::to_lowercase)
    }

    /// The first part whose type is one of those given.
    pub fn part(&self, kinds: &[&str]) -> Option<&Part<'a>> {
        self.parts.iter().find(|p| kinds.contains(&p.kind.as_str()))
    }
}

/// Header and body on either side of the first empty line.
pub fn split_head(raw: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    for line in raw.split_inclusive(|b| *b == b'\n') {
        at += line.len();
        if at > line.len() && matches!(line, b"\n" | b"\r\n") {
            break;
        }
    }
    raw.split_at(at)
}

fn collect<'a>(headers: &Headers<'a>, body: &'a [u8], depth: usize, parts: &mut Vec<Part<'a>>) {
    let boundary = headers.attribute("boundary").map(|b| b.as_bytes().to_vec()).or_else(|| guess(body));
    for section in sections(body, &boundary.unwrap_or_default()) {
        if parts.len() >= MAX_PARTS {
            return;
        }
        let (head, body) = match section {
            // An empty first line: the part has no header.
            [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => (&section[..0], rest),
            _ => split_head(section),
        };
        let headers = Headers::read(head);
        let kind = headers.kind();
        if kind.starts_with("multipart/") && depth > 1 {
            collect(&headers, body, depth - 1, parts);
        } else {
            parts.push(Part { kind, headers, body });
        }
    }
}

/// A boundary that nobody named: the first line that looks like one.
fn guess(body: &[u8]) -> Option<Vec<u8>> {
    let line = body.split(|b| *b == b'\n').find(|l| l.starts_with(b"--") && l.trim_ascii_end().len() > 4)?;
    Some(line.trim_ascii_end()[2..].to_vec())
}

/// What stands between the lines `--boundary`; the last one may lack its end.
fn sections<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let mut found = Vec::new();
    let (mut at, mut start) = (0, None);
    for line in body.split_inclusive(|b| *b == b'\n') {
        let rest = line.trim_ascii_end().strip_prefix(b"--").and_then(|l| l.strip_prefix(boundary));
        if let Some(rest @ (b"" | b"--")) = rest
            && !boundary.is_empty()
        {
            if let Some(start) = start {
                found.push(&body[start..at]);
            }
            start = (rest.is_empty() && found.len() < MAX_PARTS).then_some(at + line.len());
            if start.is_none() {
                return found;
            }
        }
        at += line.len();
    }
    if let Some(start) = start {
        found.push(&body[start..]);
    }
    found
}
