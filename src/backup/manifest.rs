//! What a backup says of itself, signed by the installation that made it.

use super::refuse;
use crate::ctx::{InstallationKey, is_signed};
use crate::privacy::ledger::Head;
use crate::services::error::Error;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the manifest; written last, so that what has one is whole.
pub const MANIFEST: &str = "manifest.json";

/// One encrypted object of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its name under the backup's.
    pub name: String,
    /// Its size as it lies there.
    pub bytes: u64,
    /// SHA-256 of it as it lies there, hexadecimal.
    pub sha256: String,
}

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its name: the time, and some letters of its own.
    pub name: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// sqlite or postgres.
    pub engine: String,
    /// The newest migration of its schema.
    pub schema: String,
    /// Version of the service that made it.
    pub version: String,
    /// Its objects.
    pub objects: Vec<Object>,
    /// Rows of each table.
    pub rows: BTreeMap<String, i64>,
    /// Where the erasure ledger ended before it was made.
    pub erasures: Head,
    /// Who can read it.
    pub recipients: Vec<String>,
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
        let no_signer = || refuse("no_signer", "the installation key cannot sign");
        self.public_key = key.public_key().ok_or_else(no_signer)?;
        self.signature = key.sign(&self.signed_content()).ok_or_else(no_signer)?;
        Ok(self)
    }

    /// Whether it is as the holder of this key signed it.
    pub fn is_signed_by(&self, public_key: &str) -> bool {
        self.public_key == public_key && is_signed(&self.signed_content(), &self.signature, public_key)
    }

    /// Bytes of all its objects.
    pub fn bytes(&self) -> u64 {
        self.objects.iter().map(|o| o.bytes).sum()
    }
}
