//! Where backups lie: objects under a prefix a backup, its manifest last. In a folder, or in S3-compatible object storage.

use super::bucket::{self, Bucket};
use super::manifest::{MANIFEST, Manifest};
use super::refuse;
use super::verify::{LOOKED, Looked};
use crate::config::Config;
use crate::services::error::Error;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of an object sent at a time.
const PART: usize = 8 * 1024 * 1024;

/// Where backups lie.
pub struct Vault {
    store: Arc<dyn ObjectStore>,
    place: Place,
}

/// What lies beside the objects is known to their place alone.
enum Place {
    Folder(PathBuf),
    Bucket(Bucket),
}

/// As what something is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// As an object, or a file beside the objects.
    Object,
    /// As a version of an object, or what its deletion left.
    Version {
        /// Which.
        version: String,
        /// Whether it is the object as it is now.
        is_newest: bool,
    },
    /// As the parts of an upload that was cut off.
    Upload(String),
}

/// One object there is, whoever put it there.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its name.
    pub key: String,
    /// When it was last written.
    pub modified_at: DateTime<Utc>,
    /// Its size.
    pub bytes: u64,
    /// As what it is kept.
    pub kept: Kept,
}

impl Found {
    /// Whether whoever reads the object now is given this.
    pub const fn is_now(&self) -> bool {
        matches!(self.kept, Kept::Object | Kept::Version { is_newest: true, .. })
    }
}

pub(super) fn unreadable(error: &object_store::Error) -> Error {
    std::io::Error::other(format!("the place of backups: {error}")).into()
}

impl Vault {
    /// The vault of the settings; its folder is made at first need.
    pub fn open(config: &Config) -> Result<Self, Error> {
        if let Some(s3) = &config.backup.s3 {
            return Ok(Self { store: bucket::objects(s3)?, place: Place::Bucket(Bucket::open(s3)?) });
        }
        std::fs::create_dir_all(&config.backup.dir)?;
        let store = LocalFileSystem::new_with_prefix(&config.backup.dir).map_err(|e| unreadable(&e))?;
        let store = Arc::new(store.with_automatic_cleanup(true).with_fsync(true));
        Ok(Self { store, place: Place::Folder(config.backup.dir.clone()) })
    }

    /// Puts a file there, in parts.
    pub(super) async fn put_file(&self, key: &str, path: &Path) -> Result<(), Error> {
        let mut upload = self.store.put_multipart(&Key::from(key)).await.map_err(|e| unreadable(&e))?;
        let mut file = std::fs::File::open(path)?;
        loop {
            let mut part = Vec::with_capacity(PART);
            let read = file.by_ref().take(PART as u64).read_to_end(&mut part)?;
            if read == 0 {
                break;
            }
            if let Err(error) = upload.put_part(PutPayload::from(part)).await {
                let _ = upload.abort().await;
                return Err(unreadable(&error));
            }
        }
        upload.complete().await.map_err(|e| unreadable(&e))?;
        Ok(())
    }

    /// Puts some bytes there.
    pub(super) async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), Error> {
        self.store.put(&Key::from(key), PutPayload::from(bytes)).await.map_err(|e| unreadable(&e))?;
        Ok(())
    }

    /// Fetches an object into a file.
    pub(super) async fn fetch(&self, key: &str, path: &Path) -> Result<(), Error> {
        use tokio::io::AsyncWriteExt;
        let found = self.store.get(&Key::from(key)).await.map_err(|e| missing(key, &e))?;
        let mut stream = found.into_stream();
        let mut file = tokio::fs::File::create(path).await?;
        while let Some(part) = stream.next().await {
            file.write_all(&part.map_err(|e| unreadable(&e))?).await?;
        }
        Ok(file.sync_all().await?)
    }

    /// Fetches an object whole.
    pub(super) async fn get(&self, key: &str) -> Result<Vec<u8>, Error> {
        let found = self.store.get(&Key::from(key)).await.map_err(|e| missing(key, &e))?;
        Ok(found.bytes().await.map_err(|e| unreadable(&e))?.to_vec())
    }

    /// An object whole; none where there is no such.
    pub(super) async fn find(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.store.get(&Key::from(key)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(|e| unreadable(&e))?.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unreadable(&error)),
        }
    }

    /// When a backup was last found whole; none when nobody has looked, or the note cannot be read.
    pub async fn looked(&self, name: &str) -> Result<Option<Looked>, Error> {
        let found = self.find(&format!("{name}/{LOOKED}")).await?;
        Ok(found.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Removes an object; one already gone is fine.
    pub(super) async fn delete(&self, key: &str) -> Result<(), Error> {
        match self.store.delete(&Key::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unreadable(&error)),
        }
    }

    /// Every object there is.
    pub async fn list(&self) -> Result<Vec<Found>, Error> {
        let all: Vec<object_store::ObjectMeta> =
            self.store.list(None).try_collect().await.map_err(|e| unreadable(&e))?;
        let mut found: Vec<Found> = all
            .into_iter()
            .map(|o| Found {
                key: o.location.to_string(),
                modified_at: o.last_modified,
                bytes: o.size,
                kept: Kept::Object,
            })
            .collect();
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    /// Every object there is, and what the listing of objects hides: earlier versions, and what an upload that was cut off left.
    pub(super) async fn list_all(&self) -> Result<Vec<Found>, Error> {
        let dir = match &self.place {
            Place::Folder(dir) => dir,
            Place::Bucket(bucket) => {
                return match bucket.list_all().await? {
                    Some(all) => Ok(all),
                    None => self.list().await,
                };
            }
        };
        let mut all = self.list().await?;
        let mut open = vec![dir.clone()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(&folder)? {
                let entry = entry?;
                let kind = entry.metadata()?;
                if kind.is_dir() {
                    open.push(entry.path());
                    continue;
                }
                let path = entry.path();
                let Ok(inside) = path.strip_prefix(dir) else { continue };
                let key = inside.to_string_lossy().into_owned();
                if !all.iter().any(|f| f.key == key) {
                    let modified_at = kind.modified()?.into();
                    all.push(Found { key, modified_at, bytes: kind.len(), kept: Kept::Object });
                }
            }
        }
        Ok(all)
    }

    /// Removes an object, a version of one, or what an upload that was cut off left.
    pub(super) async fn delete_any(&self, found: &Found) -> Result<(), Error> {
        match (&self.place, &found.kept) {
            (Place::Bucket(bucket), Kept::Version { version, .. }) => {
                bucket.delete(&found.key, ("versionId", version)).await
            }
            (Place::Bucket(bucket), Kept::Upload(upload)) => bucket.delete(&found.key, ("uploadId", upload)).await,
            (Place::Bucket(_), Kept::Object) => self.delete(&found.key).await,
            (Place::Folder(dir), _) => {
                self.delete(&found.key).await?;
                match std::fs::remove_file(dir.join(&found.key)) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
                    _ => Ok(()),
                }
            }
        }
    }

    /// The manifest of a backup.
    pub async fn manifest(&self, name: &str) -> Result<Manifest, Error> {
        let bytes = self.get(&format!("{name}/{MANIFEST}")).await?;
        serde_json::from_slice(&bytes).map_err(|_| {
            refuse("backup_broken", format!("the manifest of {name} cannot be read: it was cut off or is no manifest"))
        })
    }

    /// The backups there are, the newest first. What has no manifest is no backup.
    pub async fn backups(&self) -> Result<Vec<Manifest>, Error> {
        let mut out = Vec::new();
        for found in self.list().await? {
            if let Some(name) = found.key.strip_suffix(&format!("/{MANIFEST}")) {
                out.push(self.manifest(name).await?);
            }
        }
        out.sort_by_key(|m| std::cmp::Reverse(m.made_at));
        Ok(out)
    }
}

fn missing(key: &str, error: &object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { .. } => {
            refuse("backup_missing", format!("there is no {key}; `reskontro backup list` names the backups there are"))
        }
        other => unreadable(other),
    }
}
