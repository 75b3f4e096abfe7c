//! Compressed by zstd, then encrypted by age: written to a file while it is hashed, and read back.

use super::refuse;
use crate::services::error::Error;
use age::x25519::Recipient;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

/// Fast, and half the size: what is in a database repeats itself.
const LEVEL: i32 = 3;

/// Counts and hashes what goes through.
struct Counted<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(part)?;
        self.hash.update(&part[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Who can read a backup.
pub(super) fn recipients(names: &[String]) -> Result<Vec<Recipient>, Error> {
    if names.is_empty() {
        let message = "nobody could read a backup: make a key with age-keygen, keep the identity elsewhere, and name its \
                       recipient (age1…) in backup.recipients";
        return Err(refuse("no_recipients", message));
    }
    names
        .iter()
        .map(|n| {
            n.parse().map_err(|_| refuse("bad_recipient", format!("{n} is no age recipient; it begins with age1")))
        })
        .collect()
}

/// Seals what `write` writes into a file; its size and hash.
pub(super) fn seal_into(
    path: &Path,
    recipients: &[Recipient],
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<(u64, [u8; 32])> {
    let file = Counted { inner: BufWriter::new(File::create(path)?), hash: Sha256::new(), bytes: 0 };
    let encryptor = age::Encryptor::with_recipients(recipients.iter().map(|r| r as &dyn age::Recipient))
        .map_err(io::Error::other)?;
    let mut packed = zstd::Encoder::new(encryptor.wrap_output(file)?, LEVEL)?;
    write(&mut packed)?;
    let mut file = packed.finish()?.finish()?;
    file.flush()?;
    file.inner.get_ref().sync_all()?;
    Ok((file.bytes, file.hash.finalize().into()))
}

/// The keys of an identity file, as `age-keygen` writes it.
pub struct Keys(Vec<Box<dyn age::Identity>>);

impl Keys {
    /// Reads an identity file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        let unusable = |why: String| {
            refuse("bad_identity", format!("{shown} is no age identity file ({why}); age-keygen makes one"))
        };
        let file = File::open(path).map_err(|e| unusable(e.to_string()))?;
        let file = age::IdentityFile::from_buffer(BufReader::new(file)).map_err(|e| unusable(e.to_string()))?;
        let keys = file.into_identities().map_err(|e| unusable(e.to_string()))?;
        if keys.is_empty() {
            return Err(unusable("it holds no key".to_owned()));
        }
        Ok(Self(keys.into_iter().map(|k| k as Box<dyn age::Identity>).collect()))
    }
}

/// Opens a sealed file and hands what is in it to `read`.
pub(super) fn open_from<T>(
    path: &Path,
    keys: &Keys,
    read: impl FnOnce(&mut dyn Read) -> io::Result<T>,
) -> Result<T, Error> {
    let file = BufReader::new(File::open(path)?);
    let decryptor = age::Decryptor::new(file)
        .map_err(|e| refuse("backup_broken", format!("this is not an age file, or its head was changed: {e}")))?;
    let open = decryptor.decrypt(keys.0.iter().map(AsRef::as_ref)).map_err(|e| match e {
        age::DecryptError::NoMatchingKeys => {
            refuse("wrong_identity", "the backup was made for others: this identity cannot read it")
        }
        other => refuse("backup_broken", format!("the backup cannot be decrypted: {other}")),
    })?;
    let mut unpacked = zstd::Decoder::new(open)?;
    // A part that was changed or cut off does not verify; whoever reads it finds an error, never other content.
    read(&mut unpacked).map_err(|e| refuse("backup_broken", format!("the backup cannot be read to its end: {e}")))
}

/// SHA-256 of a file.
pub(super) fn hash_of(path: &Path) -> io::Result<(u64, [u8; 32])> {
    let mut through = Counted { inner: io::sink(), hash: Sha256::new(), bytes: 0 };
    io::copy(&mut File::open(path)?, &mut through)?;
    Ok((through.bytes, through.hash.finalize().into()))
}
