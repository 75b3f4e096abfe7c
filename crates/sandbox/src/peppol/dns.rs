//! DNS over UDP, as much as NAPTR look-ups need (RFC 1035, RFC 3403).

use super::{Fault, Registry};
use crate::net::lock;
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::UdpSocket;

const TYPE_NAPTR: u16 = 35;
const CLASS_IN: u16 = 1;
const HEADER: usize = 12;
/// Seconds a record may be kept.
const TTL: u32 = 60;

const NO_ERROR: u16 = 0;
const FORMAT_ERROR: u16 = 1;
const SERVER_FAILURE: u16 = 2;
const NAME_ERROR: u16 = 3;
const REFUSED: u16 = 5;

/// Base32 of RFC 4648 without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut text, mut buffer, mut bits) = (String::new(), 0_u32, 0_u32);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(buffer >> bits) as usize & 31]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(buffer << (5 - bits)) as usize & 31]));
    }
    text
}

/// The label a participant has in the zone: base32(SHA-256(`0192:<orgnr>`)).
pub fn participant_hash(orgnr: &str) -> String {
    base32(&Sha256::digest(format!("0192:{orgnr}").to_lowercase().as_bytes()))
}

/// A question as it came.
struct Question<'a> {
    name: String,
    kind: u16,
    class: u16,
    /// Name, type and class, to be repeated in the answer.
    bytes: &'a [u8],
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// Reads the only question of a query.
fn question(query: &[u8]) -> Option<Question<'_>> {
    if word(query, 4)? != 1 {
        return None;
    }
    let (mut labels, mut at) = (Vec::new(), HEADER);
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        if length > 63 {
            return None;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let bytes = query.get(HEADER..at + 4)?;
    Some(Question { name: labels.join("."), kind: word(query, at)?, class: word(query, at + 2)?, bytes })
}

/// A character string: its length and its bytes.
fn string(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(&text.as_bytes()[..text.len().min(usize::from(u8::MAX))]);
}

/// Data of the record: order, preference, flags, service, regexp and an empty replacement.
fn naptr(smp_url: &str) -> Vec<u8> {
    let mut data = vec![0, 100, 0, 10];
    string(&mut data, "U");
    string(&mut data, "Meta:SMP");
    string(&mut data, &format!("!^.*$!{smp_url}!"));
    data.push(0);
    data
}

/// An answer with its code, perhaps cut short, perhaps with a record.
fn answer(query: &[u8], asked: Option<&Question>, code: u16, truncated: bool, data: Option<&[u8]>) -> Vec<u8> {
    let recursion_wanted = word(query, 2).unwrap_or_default() & 0x0100;
    let flags = 0x8400 | recursion_wanted | 0x0080 | (u16::from(truncated) << 9) | code;
    let mut out = query.get(..2).unwrap_or(&[0, 0]).to_vec();
    let counts = [flags, u16::from(asked.is_some()), u16::from(data.is_some()), 0, 0];
    counts.into_iter().for_each(|count| out.extend_from_slice(&count.to_be_bytes()));
    out.extend_from_slice(asked.map_or(&[], |question| question.bytes));
    if let Some(data) = data {
        // The name is the question's, by a pointer to it.
        for field in [0xC00C, TYPE_NAPTR, CLASS_IN] {
            out.extend_from_slice(&field.to_be_bytes());
        }
        out.extend_from_slice(&TTL.to_be_bytes());
        out.extend_from_slice(&u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend_from_slice(data);
    }
    out
}

/// The DNS server.
pub(super) struct Responder {
    pub registry: Arc<Mutex<Registry>>,
    pub zone: String,
    pub smp_url: String,
}

impl Responder {
    /// Answers for ever.
    pub(super) async fn run(self, socket: UdpSocket) {
        let mut buffer = [0_u8; 1500];
        loop {
            let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
            self.serve(&socket, buffer.get(..length).unwrap_or_default(), from).await;
        }
    }

    async fn serve(&self, socket: &UdpSocket, query: &[u8], from: SocketAddr) {
        if let Some(out) = self.respond(query) {
            let _ = socket.send_to(&out, from).await;
        }
    }

    /// The answer to a query; `None` keeps silent.
    fn respond(&self, query: &[u8]) -> Option<Vec<u8>> {
        // An answer is never answered.
        if query.len() < HEADER || word(query, 2)? & 0x8000 != 0 {
            return None;
        }
        let mut registry = lock(&self.registry);
        registry.counters.dns_queries += 1;
        let Some(asked) = question(query) else { return Some(answer(query, None, FORMAT_ERROR, false, None)) };
        let suffix = format!(".iso6523-actorid-upis.{}", self.zone.to_lowercase());
        let Some(hash) = asked.name.strip_suffix(&suffix) else {
            return Some(answer(query, Some(&asked), REFUSED, false, None));
        };
        let orgnr = registry.hashes.get(hash);
        let fault = orgnr.map_or(registry.fault, |orgnr| registry.fault_of(orgnr));
        match fault {
            Fault::DnsSilent => return None,
            Fault::DnsServfail => return Some(answer(query, Some(&asked), SERVER_FAILURE, false, None)),
            Fault::DnsTruncated => return Some(answer(query, Some(&asked), NO_ERROR, true, None)),
            _ => {}
        }
        if !orgnr.is_some_and(|orgnr| registry.participants.contains_key(orgnr)) {
            return Some(answer(query, Some(&asked), NAME_ERROR, false, None));
        }
        let data = naptr(&self.smp_url);
        let fits = asked.kind == TYPE_NAPTR && asked.class == CLASS_IN;
        Some(answer(query, Some(&asked), NO_ERROR, false, fits.then_some(&data)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peppol::Documents;

    fn query(name: &str, kind: u16) -> Vec<u8> {
        let mut out = vec![0xAB, 0xCD, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        name.split('.').for_each(|label| string(&mut out, label));
        out.push(0);
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&CLASS_IN.to_be_bytes());
        out
    }

    fn responder() -> Responder {
        let registry: Arc<Mutex<Registry>> = Arc::default();
        lock(&registry).register("923609016", Documents::InvoiceAndCreditNote);
        Responder { registry, zone: "zone.example".to_owned(), smp_url: "http://127.0.0.1:1".to_owned() }
    }

    fn name(orgnr: &str) -> String {
        format!("{}.iso6523-actorid-upis.zone.example", participant_hash(orgnr))
    }

    #[test]
    fn the_known_check_value_comes_out() {
        assert_eq!(participant_hash("923609016"), "XQK4T3FMTEZDUY5BOVJMTNAQ45N7E4TIBYHWFPGOT75BSP7UYG2A");
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
        assert_eq!(base32(b"f"), "MY");
    }

    #[test]
    fn a_known_participant_gets_its_record_byte_for_byte() {
        let asked = query(&name("923609016"), TYPE_NAPTR);
        let out = responder().respond(&asked).unwrap();
        assert_eq!(&out[..12], [0xAB, 0xCD, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
        assert_eq!(&out[12..asked.len()], &asked[12..]);
        let record = &out[asked.len()..];
        assert_eq!(&record[..10], [0xC0, 12, 0, 35, 0, 1, 0, 0, 0, 60]);
        let length = usize::from(word(record, 10).unwrap());
        assert_eq!(record.len(), 12 + length);
        let mut expected = vec![0, 100, 0, 10, 1, b'U', 8];
        expected.extend_from_slice(b"Meta:SMP");
        expected.push(25);
        expected.extend_from_slice(b"!^.*$!http://127.0.0.1:1!");
        expected.push(0);
        assert_eq!(&record[12..], expected);
    }

    #[test]
    fn others_get_a_name_error_and_faults_hit_one_participant() {
        let responder = responder();
        let code = |orgnr: &str, kind| responder.respond(&query(&name(orgnr), kind)).map(|out| out[3] & 15);
        assert_eq!(code("987654325", TYPE_NAPTR), Some(3));
        // Known, but no record of this type.
        let out = responder.respond(&query(&name("923609016"), 1)).unwrap();
        assert_eq!((out[3] & 15, out[7]), (0, 0));
        lock(&responder.registry).set_fault(Some("923609016"), Fault::DnsServfail);
        assert_eq!(code("923609016", TYPE_NAPTR), Some(2));
        assert_eq!(code("987654325", TYPE_NAPTR), Some(3));
        lock(&responder.registry).fault = Fault::DnsSilent;
        assert_eq!(code("987654325", TYPE_NAPTR), None);
        lock(&responder.registry).fault = Fault::DnsTruncated;
        let out = responder.respond(&query(&name("987654325"), TYPE_NAPTR)).unwrap();
        assert_eq!((out[2] & 2, out[7]), (2, 0));
        assert_eq!(responder.respond(&query("other.example", TYPE_NAPTR)).unwrap()[3] & 15, 5);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let responder = responder();
        let whole = query(&name("923609016"), TYPE_NAPTR);
        for length in 0..whole.len() {
            let _ = responder.respond(&whole[..length]);
        }
        let mut wild = whole.clone();
        for at in 2..wild.len() {
            wild[at] = 0xFF;
            let _ = responder.respond(&wild);
        }
    }
}
