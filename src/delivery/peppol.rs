//! Whether a business is in Peppol: DNS names its SMP, and the SMP names the document types it takes.

use super::access_point::document_type;
use super::http::{bounded_text, client, line_fault, path_part};
use crate::ports::{Fault, Participant, Participants, Pending};
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};
use reqwest::{Client, StatusCode};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::time::Duration;

/// How to ask the network.
#[derive(Clone)]
pub struct PeppolSettings {
    /// DNS zone.
    pub zone: String,
    /// DNS server; the system's own when left out.
    pub dns: Option<SocketAddr>,
    /// A private certificate authority in PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Given up after so long a silence.
    pub timeout: Duration,
}

/// The directory of the network.
pub struct PeppolDirectory {
    zone: String,
    resolver: TokioResolver,
    client: Client,
    /// An SMP without encryption is only asked next to a DNS server on this host.
    allows_http: bool,
}

/// Largest answer of an SMP that is read.
const LARGEST: usize = 1024 * 1024;

impl PeppolDirectory {
    /// A directory.
    pub fn new(settings: &PeppolSettings) -> Result<Self, Fault> {
        let bad = |e: &dyn std::fmt::Display| Fault::new("dns_not_set_up", e.to_string());
        let mut builder = match settings.dns {
            None => Resolver::builder_tokio().map_err(|e| bad(&e))?,
            Some(address) => {
                let mut server = NameServerConfig::udp_and_tcp(address.ip());
                let with_port = |c: &mut ConnectionConfig| c.port = address.port();
                server.connections.iter_mut().for_each(with_port);
                let config = ResolverConfig::from_name_servers(vec![server]);
                Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.timeout = settings.timeout.min(Duration::from_secs(5));
        options.attempts = 2;
        // What is kept, and how long, is decided where the answer is stored.
        options.cache_size = 0;
        Ok(Self {
            zone: settings.zone.clone(),
            resolver: builder.build().map_err(|e| bad(&e))?,
            client: client(settings.ca_pem.as_deref(), settings.timeout)?,
            allows_http: settings.dns.is_some_and(|a| a.ip().is_loopback()),
        })
    }

    /// Address of the participant's SMP; `None` when it is not in the network.
    async fn smp(&self, participant: &str) -> Result<Option<String>, Fault> {
        let name = format!("{}.iso6523-actorid-upis.{}.", dns_label(participant), self.zone);
        let found = match self.resolver.lookup(name, RecordType::NAPTR).await {
            Ok(found) => found,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(Fault::new("dns_failed", error.to_string())),
        };
        let url = found.answers().iter().find_map(|record| match &record.data {
            RData::NAPTR(n) if n.services.eq_ignore_ascii_case(b"Meta:SMP") => smp_url(&n.regexp),
            _ => None,
        });
        let Some(url) = url else { return Ok(None) };
        if url.starts_with("https://") || (self.allows_http && url.starts_with("http://127.0.0.1:")) {
            return Ok(Some(url));
        }
        Err(Fault::new("smp_not_encrypted", "the SMP of the receiver is not reached over https"))
    }

    async fn ask(&self, org_number: &str) -> Result<Participant, Fault> {
        let nobody = Participant { invoice: false, credit_note: false };
        let participant = format!("0192:{org_number}");
        let Some(smp) = self.smp(&participant).await? else { return Ok(nobody) };
        let path = path_part(&format!("iso6523-actorid-upis::{participant}"));
        let asked = self.client.get(format!("{}/{path}", smp.trim_end_matches('/'))).send().await;
        let response = asked.map_err(|e| line_fault(&e).0)?;
        match response.status() {
            StatusCode::NOT_FOUND => return Ok(nobody),
            status if !status.is_success() => {
                return Err(Fault::new(format!("smp_{}", status.as_u16()), "the SMP of the receiver did not answer"));
            }
            _ => {}
        }
        let group = bounded_text(response, LARGEST).await?;
        if !group.contains("ServiceGroup") {
            return Err(Fault::new("smp_not_understood", "the SMP of the receiver answers something else"));
        }
        Ok(takes(&group))
    }
}

/// Which of our documents a service group names.
fn takes(group: &str) -> Participant {
    let named = |credit_note| {
        let id = path_part(&format!("busdox-docid-qns::{}", document_type(credit_note)));
        let hrefs = group.split("href=").skip(1).filter_map(|part| part.get(1..)?.split(['"', '\'']).next());
        let mut found = hrefs.map(str::to_ascii_lowercase);
        let wanted = id.to_ascii_lowercase();
        // Dots, hyphens and the like may be written either way.
        found.any(|href| href.contains(&wanted) || decoded(&href).contains(&decoded(&wanted)))
    };
    Participant { invoice: named(false), credit_note: named(true) }
}

fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        let escaped = (byte == b'%').then(|| {
            let mut ahead = bytes.clone();
            let (high, low) = (hex(ahead.next())?, hex(ahead.next())?);
            u8::try_from(high * 16 + low).ok()
        });
        if let Some(Some(value)) = escaped {
            out.push(value);
            bytes.nth(1);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn is_absent(error: &NetError) -> bool {
    matches!(error, NetError::Dns(DnsError::NoRecordsFound(none))
        if matches!(none.response_code, ResponseCode::NXDomain | ResponseCode::NoError))
}

/// `!^.*$!https://smp.example!` → `https://smp.example`.
fn smp_url(regexp: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(regexp).ok()?;
    let delimiter = text.chars().next()?;
    let url = text.split(delimiter).nth(2)?;
    (!url.is_empty() && !url.contains(char::is_whitespace)).then(|| url.to_owned())
}

/// Base32 of the SHA-256 of the lower-cased identifier, without padding.
fn dns_label(participant: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let hash = Sha256::digest(participant.to_lowercase().as_bytes());
    let mut out = String::with_capacity(52);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in hash {
        held = (held << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(ALPHABET[usize::try_from((held >> bits) & 31).unwrap_or_default()]));
        }
    }
    if bits > 0 {
        out.push(char::from(ALPHABET[usize::try_from((held << (5 - bits)) & 31).unwrap_or_default()]));
    }
    out
}

impl Participants for PeppolDirectory {
    fn look_up<'a>(&'a self, org_number: &'a str) -> Pending<'a, Result<Participant, Fault>> {
        Box::pin(self.ask(org_number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_is_that_of_the_specification() {
        let label = dns_label("0192:923609016");
        assert_eq!(label, "XQK4T3FMTEZDUY5BOVJMTNAQ45N7E4TIBYHWFPGOT75BSP7UYG2A");
        assert_eq!(dns_label("0192:923609016"), dns_label("0192:923609016".to_uppercase().as_str()));
    }

    #[test]
    fn the_record_names_the_smp() {
        assert_eq!(smp_url(b"!^.*$!https://smp.example/a!").as_deref(), Some("https://smp.example/a"));
        for bad in [&b""[..], b"!", b"!^.*$!", b"!^.*$!!", b"!^.*$!https://a b!", b"\xff"] {
            assert_eq!(smp_url(bad), None);
        }
    }

    #[test]
    fn invoices_and_credit_notes_are_registered_apart() {
        let href = |credit_note, encode: fn(&str) -> String| {
            let id = format!("busdox-docid-qns::{}", document_type(credit_note));
            format!("<x href=\"https://smp.example/p/services/{}\"/>", encode(&id))
        };
        let plain = |s: &str| s.replace('#', "%23").replace(':', "%3A");
        assert_eq!(takes(&href(false, path_part)), Participant { invoice: true, credit_note: false });
        assert_eq!(takes(&href(true, plain)), Participant { invoice: false, credit_note: true });
        let both = href(false, plain) + &href(true, path_part);
        assert_eq!(takes(&both), Participant { invoice: true, credit_note: true });
        assert_eq!(takes("<ServiceGroup/>"), Participant { invoice: false, credit_note: false });
        let other = "<x href='https://smp.example/p/services/busdox-docid-qns%3A%3Aurn%3Aother'/>";
        assert_eq!(takes(other), Participant { invoice: false, credit_note: false });
    }
}
