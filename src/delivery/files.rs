//! Files in a local folder, named by the hash of their content.

use crate::ports::{FileStore, Pending};
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A folder of files, one folder an organisation.
pub struct LocalFiles {
    dir: PathBuf,
}

impl LocalFiles {
    /// Files under `dir`.
    pub const fn new(dir: PathBuf) -> Self {
        Self { dir }
    }
}

/// Writes a file so that it is either whole or not there: temporary name, flush to disk, rename.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    std::fs::File::open(folder)?.sync_all()
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

impl FileStore for LocalFiles {
    fn put<'a>(&'a self, org: Uuid, bytes: &'a [u8]) -> Pending<'a, io::Result<[u8; 32]>> {
        let hash: [u8; 32] = Sha256::digest(bytes).into();
        let (path, bytes) = (self.path(org, &hash), bytes.to_vec());
        Box::pin(blocking(move || {
            if !path.exists() {
                write_whole(&path, &bytes)?;
            }
            Ok(hash)
        }))
    }

    fn get<'a>(&'a self, org: Uuid, hash: &'a [u8]) -> Pending<'a, io::Result<Vec<u8>>> {
        let (path, hash) = (self.path(org, hash), hash.to_vec());
        Box::pin(blocking(move || {
            let bytes = std::fs::read(&path)?;
            if Sha256::digest(&bytes).as_slice() != hash {
                let message = format!("{} does not hold what its name says", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            Ok(bytes)
        }))
    }

    fn remove<'a>(&'a self, org: Uuid, hash: &'a [u8]) -> Pending<'a, io::Result<()>> {
        let path = self.path(org, hash);
        Box::pin(blocking(move || match std::fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }))
    }

    fn remove_all(&self, org: Uuid) -> Pending<'_, io::Result<()>> {
        let folder = self.dir.join(org.to_string());
        Box::pin(blocking(move || match std::fs::remove_dir_all(&folder) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }))
    }

    fn path(&self, org: Uuid, hash: &[u8]) -> PathBuf {
        let name = domain::hex::encode(hash);
        let (shard, rest) = name.split_at(name.len().min(2));
        self.dir.join(org.to_string()).join(shard).join(rest)
    }
}
