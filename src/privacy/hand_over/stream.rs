//! A ZIP that leaves while it is written: nothing of it is held but what waits to be taken.

use super::manifest::Entry;
use crate::services::error::Error;
use bytes::Bytes;
use domain::hex;
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::Sender;
use zip::write::{SimpleFileOptions, StreamWriter};

/// What was written and not yet sent on.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A ZIP on its way to whoever takes it.
pub(super) struct Stream {
    zip: Box<zip::ZipWriter<StreamWriter<Buffer>>>,
    buffer: Buffer,
    to: Sender<Bytes>,
    hash: Sha256,
    bytes: u64,
}

impl Stream {
    /// Begins one.
    pub(super) fn new(to: Sender<Bytes>) -> Self {
        let buffer = Buffer::default();
        let zip = Box::new(zip::ZipWriter::new_stream(buffer.clone()));
        Self { zip, buffer, to, hash: Sha256::new(), bytes: 0 }
    }

    /// Adds a file; what is packed already is packed lightly.
    pub(super) async fn add(
        &mut self,
        name: &str,
        from: &mut (impl Read + Send),
        packed: bool,
    ) -> Result<Entry, Error> {
        let level = if packed { None } else { Some(1) };
        let options = SimpleFileOptions::default().compression_level(level).large_file(true);
        self.zip.start_file(name, options).map_err(std::io::Error::other)?;
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        let mut chunk = vec![0; 1 << 16];
        loop {
            let n = from.read(&mut chunk)?;
            if n == 0 {
                break;
            }
            hash.update(&chunk[..n]);
            bytes += u64::try_from(n).unwrap_or_default();
            self.zip.write_all(&chunk[..n])?;
            self.send_on().await?;
        }
        Ok(Entry { bytes, sha256: hex::encode(&hash.finalize()) })
    }

    async fn send_on(&mut self) -> Result<(), Error> {
        let chunk = self.buffer.take();
        if chunk.is_empty() {
            return Ok(());
        }
        self.hash.update(&chunk);
        self.bytes += u64::try_from(chunk.len()).unwrap_or_default();
        let gone = |_| std::io::Error::new(std::io::ErrorKind::BrokenPipe, "nobody takes the package any more");
        Ok(self.to.send(chunk.into()).await.map_err(gone)?)
    }

    /// Ends it. SHA-256 and size of the whole.
    pub(super) async fn finish(mut self) -> Result<([u8; 32], u64), Error> {
        let zip = std::mem::replace(&mut self.zip, Box::new(zip::ZipWriter::new_stream(Buffer::default())));
        zip.finish().map_err(std::io::Error::other)?;
        self.send_on().await?;
        Ok((self.hash.finalize().into(), self.bytes))
    }
}
