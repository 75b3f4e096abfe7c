//! Mail signed for its domain (DKIM, RFC 6376 and RFC 8463): the same mail, key and instant give the same bytes.
//!
//! Header and body are hashed `relaxed`, the body whole: never with `l=`, which lets anyone add to it.

mod canonical;
mod key;

pub use key::DkimKey;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use ring::digest::{SHA256, digest};

/// Fields that are signed, each as often as it stands in the mail; `From` once more, so that none can be added.
const SIGNED: [&str; 8] = ["From", "To", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version", "Content-Type"];
/// RFC 5322 section 2.1.1. A longer line is broken on its way, and the signature with it.
const MAX_LINE_BYTES: usize = 998;
const FOLD_AT: usize = 76;

/// Why a key cannot be used or a mail cannot be signed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DkimError {
    /// No PEM block.
    #[error("the DKIM key is not a PEM file")]
    NotPem,
    /// A PEM block of another kind: encrypted, a public key, another algorithm.
    #[error("the DKIM key is a PEM block \"{0}\"; PRIVATE KEY or RSA PRIVATE KEY is needed")]
    Label(String),
    /// An RSA key under 2048 bits.
    #[error("the DKIM key is shorter than 2048 bits")]
    Short,
    /// A key that cannot be read.
    #[error("the DKIM key cannot be used: {0}")]
    Key(String),
    /// Not a domain name in ASCII.
    #[error("\"{0}\" is not a domain name in ASCII")]
    Name(String),
    /// A mail needs exactly one `From`.
    #[error("the mail has {0} From fields, not one")]
    From(usize),
    /// A field that is none, or a header that does not end.
    #[error("line {0} of the mail is not a header field")]
    Field(usize),
    /// A carriage return or line feed alone, or a line over 998 bytes: it would be changed on its way.
    #[error("line {0} of the mail cannot go over SMTP unchanged")]
    Line(usize),
    /// The signature could not be made.
    #[error("the mail could not be signed")]
    Signing,
}

/// One header field: its name, and what stands after the colon without the last line end.
type Field<'a> = (&'a [u8], &'a [u8]);

/// The message with a `DKIM-Signature` in front.
///
/// The instant is the signature's `t=`: that of the mail's making, so that a second try sends the same bytes.
pub fn sign(message: &[u8], key: &DkimKey, at: DateTime<Utc>) -> Result<Vec<u8>, DkimError> {
    check_lines(message)?;
    let (fields, body) = split(message)?;
    let from = fields.iter().filter(|f| named(f, "From")).count();
    if from != 1 {
        return Err(DkimError::From(from));
    }
    let names = signed_names(&fields);
    let unsigned = signature_field(key, at, &names, &digest(&SHA256, &canonical::body(body)));
    let signature = STANDARD.encode(key.sign(&hashed(&fields, &names, &unsigned))?);
    let mut out = Vec::with_capacity(message.len() + unsigned.len() + signature.len() + 40);
    out.extend(b"DKIM-Signature:");
    out.extend(unsigned.as_bytes());
    out.extend(folded(&signature, " b=".len()).as_bytes());
    out.extend(b"\r\n");
    out.extend(message);
    Ok(out)
}

fn check_lines(message: &[u8]) -> Result<(), DkimError> {
    for (number, line) in message.split_inclusive(|b| *b == b'\n').enumerate() {
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        if text.len() > MAX_LINE_BYTES || text.iter().any(|b| matches!(b, b'\r' | b'\n')) {
            return Err(DkimError::Line(number + 1));
        }
    }
    Ok(())
}

/// The fields and the body of a message whose lines end as they should.
fn split(message: &[u8]) -> Result<(Vec<Field<'_>>, &[u8]), DkimError> {
    let mut fields = Vec::new();
    let (mut at, mut start) = (0, 0);
    for (number, line) in message.split_inclusive(|b| *b == b'\n').enumerate() {
        let continues = line.starts_with(b" ") || line.starts_with(b"\t");
        if at > start && !continues {
            fields.push(field(&message[start..at]).ok_or(DkimError::Field(number))?);
            start = at;
        }
        at += line.len();
        if line == b"\r\n" {
            return Ok((fields, &message[at..]));
        }
    }
    if at > start {
        fields.push(field(&message[start..at]).ok_or(DkimError::Field(fields.len() + 1))?);
    }
    Ok((fields, b""))
}

fn field(lines: &[u8]) -> Option<Field<'_>> {
    let colon = lines.iter().position(|b| *b == b':')?;
    // A space before the colon is obsolete, and those who check signatures disagree on what it names.
    let name = &lines[..colon];
    let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    is_name.then(|| (name, lines[colon + 1..].strip_suffix(b"\r\n").unwrap_or(&lines[colon + 1..])))
}

fn named(field: &Field<'_>, name: &str) -> bool {
    field.0.eq_ignore_ascii_case(name.as_bytes())
}

/// The names for `h=`.
fn signed_names(fields: &[Field<'_>]) -> Vec<&'static str> {
    let times = |name: &str| fields.iter().filter(|f| named(f, name)).count() + usize::from(name == "From");
    SIGNED.iter().flat_map(|name| std::iter::repeat_n(*name, times(name))).collect()
}

/// The value of the signature's own field, up to and with `b=`.
fn signature_field(key: &DkimKey, at: DateTime<Utc>, names: &[&str], body_hash: &ring::digest::Digest) -> String {
    let mut field = format!(
        " v=1; a={}; c=relaxed/relaxed; t={};\r\n d={};\r\n s={};\r\n h=",
        key.algorithm(),
        at.timestamp(),
        key.domain(),
        key.selector()
    );
    let mut width = " h=".len();
    for (i, name) in names.iter().enumerate() {
        if i > 0 {
            field.push(':');
            width += 1;
        }
        if width + name.len() >= FOLD_AT {
            field.push_str("\r\n  ");
            width = 2;
        }
        field.push_str(name);
        width += name.len();
    }
    field.push_str(&format!(";\r\n bh={};\r\n b=", STANDARD.encode(body_hash)));
    field
}

/// A long word cut into lines; the first begins after `used` characters.
fn folded(word: &str, used: usize) -> String {
    let mut out = String::with_capacity(word.len() + word.len() / 20);
    let mut width = used;
    for c in word.chars() {
        if width >= FOLD_AT {
            out.push_str("\r\n ");
            width = 1;
        }
        out.push(c);
        width += 1;
    }
    out
}

/// What is signed (RFC 6376 section 3.7): the fields named, the last of a name first, then the signature's own field
/// with nothing in `b=` and no line end.
fn hashed(fields: &[Field<'_>], names: &[&str], unsigned: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let taken = names[..i].iter().filter(|n| n.eq_ignore_ascii_case(name)).count();
        if let Some((name, value)) = fields.iter().rev().filter(|f| named(f, name)).nth(taken) {
            out.extend(canonical::field(name, value));
        }
    }
    out.extend(canonical::field(b"DKIM-Signature", unsigned.as_bytes()));
    out.truncate(out.len() - 2);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mail of RFC 8463 appendix A.3.
    const MAIL: &str = "From: Joe SixPack <joe@football.example.com>\r\n\
        To: Suzie Q <suzie@shopping.example.net>\r\n\
        Subject: Is dinner ready?\r\n\
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
        Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n\
        Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    const FIELD: &str = " v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n \
        q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n \
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=";
    const SIGNATURE: &str = "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";
    const NAMES: [&str; 8] = ["from", "to", "subject", "date", "message-id", "from", "subject", "date"];

    /// The key of appendix A.2, its 32 bytes put into PKCS#8.
    fn key() -> DkimKey {
        let mut pkcs8 = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        pkcs8.extend(STANDARD.decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").unwrap());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8));
        DkimKey::parse(&pem, "football.example.com", "brisbane").unwrap()
    }

    #[test]
    fn the_example_of_rfc_8463_is_signed_as_there() {
        let key = key();
        assert_eq!(key.dns_record(), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
        let (fields, body) = split(MAIL.as_bytes()).unwrap();
        let body_hash = STANDARD.encode(digest(&SHA256, &canonical::body(body)));
        assert!(FIELD.contains(&format!("bh={body_hash};")), "{body_hash}");
        let signature = key.sign(&hashed(&fields, &NAMES, FIELD)).unwrap();
        assert_eq!(STANDARD.encode(signature), SIGNATURE);
    }

    #[test]
    fn an_empty_body_has_the_hash_of_nothing() {
        // RFC 6376 section 3.4.4.
        assert_eq!(
            STANDARD.encode(digest(&SHA256, &canonical::body(b"\r\n\r\n"))),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
    }

    #[test]
    fn of_a_doubled_field_the_last_is_taken_first() {
        let (fields, _) = split(b"To: one\r\nFrom: a\r\nTo: two\r\n\r\n").unwrap();
        let names = signed_names(&fields);
        assert_eq!(names, ["From", "From", "To", "To"]);
        assert!(hashed(&fields, &names, "").starts_with(b"from:a\r\nto:two\r\nto:one\r\n"));
    }
}
