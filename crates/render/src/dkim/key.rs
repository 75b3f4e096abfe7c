//! The key a domain signs its mail with, and the record that publishes its other half.

use super::DkimError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};

/// A private key with the domain and selector it is published under.
pub struct DkimKey {
    domain: String,
    selector: String,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl std::fmt::Debug for DkimKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DkimKey")
            .field("domain", &self.domain)
            .field("selector", &self.selector)
            .finish_non_exhaustive()
    }
}

impl DkimKey {
    /// Reads a PEM file: RSA of 2048 bits or more as PKCS#8 or PKCS#1, or Ed25519 as PKCS#8. Names are in ASCII
    /// (`xn--` for others).
    pub fn parse(pem: &str, domain: &str, selector: &str) -> Result<Self, DkimError> {
        let (label, der) = pem_block(pem)?;
        let rsa = |pair: RsaKeyPair| Pair::Rsa(Box::new(pair));
        let pair = match label {
            "PRIVATE KEY" => match Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der) {
                Ok(pair) => Pair::Ed25519(Box::new(pair)),
                Err(_) => RsaKeyPair::from_pkcs8(&der).map(rsa).map_err(rejected)?,
            },
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).map(rsa).map_err(rejected)?,
            other => return Err(DkimError::Label(other.to_owned())),
        };
        Ok(Self { domain: name(domain)?, selector: name(selector)?, pair })
    }

    /// The domain that vouches (`d=`).
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The selector (`s=`).
    pub fn selector(&self) -> &str {
        &self.selector
    }

    /// The name of the TXT record: `selector._domainkey.domain`.
    pub fn dns_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// The value of the TXT record. Zone files hold strings of at most 255 characters: a longer value is cut into
    /// several in one record.
    pub fn dns_record(&self) -> String {
        let (kind, public) = match &self.pair {
            Pair::Rsa(pair) => ("rsa", subject_public_key_info(pair.public_key().as_ref())),
            Pair::Ed25519(pair) => ("ed25519", pair.public_key().as_ref().to_vec()),
        };
        format!("v=DKIM1; k={kind}; p={}", STANDARD.encode(public))
    }

    /// The name of the algorithm (`a=`).
    pub(super) const fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "rsa-sha256",
            Pair::Ed25519(_) => "ed25519-sha256",
        }
    }

    /// Signs the fields as they are hashed. Neither algorithm draws lots: the same text has one signature.
    pub(super) fn sign(&self, fields: &[u8]) -> Result<Vec<u8>, DkimError> {
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), fields, &mut signature)
                    .map_err(|_| DkimError::Signing)?;
                Ok(signature)
            }
            // RFC 8463 section 3: what is signed is the SHA-256 of the fields.
            Pair::Ed25519(pair) => {
                let digest = ring::digest::digest(&ring::digest::SHA256, fields);
                Ok(pair.sign(digest.as_ref()).as_ref().to_vec())
            }
        }
    }
}

fn rejected(reason: ring::error::KeyRejected) -> DkimError {
    match reason.to_string().as_str() {
        "TooSmall" => DkimError::Short,
        reason => DkimError::Key(reason.to_owned()),
    }
}

/// The label and content of the first block.
fn pem_block(pem: &str) -> Result<(&str, Vec<u8>), DkimError> {
    let (_, rest) = pem.split_once("-----BEGIN ").ok_or(DkimError::NotPem)?;
    let (label, rest) = rest.split_once("-----").ok_or(DkimError::NotPem)?;
    let (text, _) = rest.split_once("-----END ").ok_or(DkimError::NotPem)?;
    let text: String = text.split_ascii_whitespace().collect();
    Ok((label, STANDARD.decode(text).map_err(|_| DkimError::NotPem)?))
}

/// A domain name in lower case, or why it is none.
fn name(text: &str) -> Result<String, DkimError> {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    if text.len() > 253 || !text.split('.').all(label) {
        return Err(DkimError::Name(text.to_owned()));
    }
    Ok(text.to_ascii_lowercase())
}

/// An RSA public key as certificates and DNS carry it (RFC 5280 section 4.1): `SEQUENCE { SEQUENCE { rsaEncryption,
/// NULL }, BIT STRING key }`.
fn subject_public_key_info(key: &[u8]) -> Vec<u8> {
    const RSA_ENCRYPTION: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let mut bits = vec![0];
    bits.extend(key);
    let mut content = RSA_ENCRYPTION.to_vec();
    content.extend(der(0x03, &bits));
    der(0x30, &content)
}

/// A DER value: tag, length, content.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|b| **b == 0).count()..];
    let mut out = vec![tag];
    if content.len() >= 128 {
        out.push(0x80 | u8::try_from(length.len()).unwrap_or(u8::MAX));
    }
    out.extend(length);
    out.extend(content);
    out
}
