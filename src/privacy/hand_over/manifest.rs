//! What a package says of itself, signed by the installation that wrote it, and the check of a package against it.

use crate::ctx::InstallationKey;
use crate::services::error::Error;
use chrono::{DateTime, Utc};
use domain::hex;
use ring::signature::{ED25519, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::path::Path;
use uuid::Uuid;

/// Name of the manifest in a package; the last entry.
pub(super) const MANIFEST: &str = "manifest.json";

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
}

/// What a package says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The package.
    pub id: Uuid,
    /// archive or organisation.
    pub scope: String,
    /// The organisation's id.
    pub organisation_id: Uuid,
    /// Its name.
    pub organisation: String,
    /// Its organisation number.
    pub org_number: Option<String>,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// Customers in it.
    pub customers: i64,
    /// Invoices and credit notes in it.
    pub documents: i64,
    /// Version of the service that wrote it.
    pub version: String,
    /// Every other file by name.
    pub files: BTreeMap<String, Entry>,
    /// The installation's public key, hexadecimal.
    #[serde(default)]
    pub public_key: String,
    /// Ed25519 signature over everything above, hexadecimal.
    #[serde(default)]
    pub signature: String,
}

impl Manifest {
    fn signed_content(&self) -> Vec<u8> {
        let open = Self { signature: String::new(), ..self.clone() };
        serde_json::to_vec(&open).unwrap_or_default()
    }

    /// Signs it with the installation's key.
    pub(super) fn sign(mut self, key: &InstallationKey) -> Result<Self, Error> {
        let no_signer = || Error::conflict("no_signer", "the installation key cannot sign");
        let signer = key.signer().ok_or_else(no_signer)?;
        self.public_key = hex::encode(signer.public_key().as_ref());
        self.signature = hex::encode(signer.sign(&self.signed_content()).as_ref());
        Ok(self)
    }

    /// Whether it is as it was signed, by the key it names.
    pub fn is_genuine(&self) -> bool {
        let (Some(key), Some(signature)) = (hex::decode(&self.public_key), hex::decode(&self.signature)) else {
            return false;
        };
        UnparsedPublicKey::new(&ED25519, key).verify(&self.signed_content(), &signature).is_ok()
    }
}

/// SHA-256 of all that is read.
pub(super) fn digest(mut from: impl Read) -> std::io::Result<([u8; 32], u64)> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let n = from.read(&mut buffer)?;
        if n == 0 {
            return Ok((hash.finalize().into(), bytes));
        }
        hash.update(&buffer[..n]);
        bytes += u64::try_from(n).unwrap_or_default();
    }
}

fn broken(message: String) -> Error {
    Error::field("package", "package_broken", message)
}

/// Reads a package to its end: every file is there and as the signed manifest says. Its manifest and its SHA-256.
pub fn check(path: &Path) -> Result<(Manifest, [u8; 32]), Error> {
    let mut file = std::fs::File::open(path)?;
    let (whole, _) = digest(&mut file)?;
    file.rewind()?;
    let unreadable = |e: zip::result::ZipError| broken(format!("{} is no whole package: {e}", path.display()));
    let mut zip = zip::ZipArchive::new(std::io::BufReader::new(file)).map_err(unreadable)?;
    let manifest: Manifest = {
        let entry = zip.by_name(MANIFEST).map_err(unreadable)?;
        serde_json::from_reader(entry).map_err(|e| broken(format!("{MANIFEST} cannot be read: {e}")))?
    };
    if !manifest.is_genuine() {
        return Err(broken(format!("{MANIFEST} is not as it was signed; fetch the package again")));
    }
    for at in 0..zip.len() {
        let entry = zip.by_index(at).map_err(unreadable)?;
        let name = entry.name().to_owned();
        if name != MANIFEST && !manifest.files.contains_key(&name) {
            return Err(broken(format!("{name} is not in the manifest; fetch the package again")));
        }
    }
    for (name, said) in &manifest.files {
        let entry = zip.by_name(name).map_err(|_| broken(format!("{name} is missing; fetch the package again")))?;
        let differs = || broken(format!("{name} is not as the manifest says; fetch the package again"));
        let (hash, bytes) = digest(entry).map_err(|_| differs())?;
        if hex::encode(&hash) != said.sha256 || bytes != said.bytes {
            return Err(differs());
        }
    }
    Ok((manifest, whole))
}
