//! Loading the database of a backup into an empty place, whole or not at all.

use super::manifest::Manifest;
use super::seal::{Keys, open_from};
use super::{refuse, tools};
use crate::config::{Config, Database};
use crate::services::error::Error;
use crate::store::backup::Target;
use secrecy::ExposeSecret;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The file of an embedded database.
pub(super) fn sqlite_path(database: &Database) -> Option<PathBuf> {
    let path = database.url.expose_secret().strip_prefix("sqlite:")?.trim_start_matches("//");
    Some(PathBuf::from(path))
}

/// The place must be empty: nothing that stands is written over.
pub(super) async fn check_empty(database: &Database) -> Result<(), Error> {
    if let Some(path) = sqlite_path(database) {
        // A log that was left would be played onto what is restored.
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let file = PathBuf::from(format!("{}{suffix}", path.display()));
            if file.exists() {
                let message = format!("{} exists: move it away, a restore writes over nothing", file.display());
                return Err(refuse("target_not_empty", message));
            }
        }
        return Ok(());
    }
    let target = Target::open(database).await?;
    let empty = target.is_empty().await;
    target.close().await?;
    if empty? {
        return Ok(());
    }
    let message = "the database holds tables: make an empty one with `reskontro db setup --database NAME` and name it in \
                   database.url and the others; a restore writes over nothing";
    Err(refuse("target_not_empty", message))
}

/// Loads a sealed dump.
pub(super) async fn load(
    config: &Config,
    database: &Database,
    manifest: &Manifest,
    sealed: &Path,
    keys: &Keys,
) -> Result<(), Error> {
    check_empty(database).await?;
    match (sqlite_path(database), manifest.engine.as_str()) {
        (Some(path), "sqlite") => load_sqlite(&path, sealed, keys),
        (None, "postgres") => load_postgres(config, database, sealed, keys).await,
        (_, engine) => {
            let message = format!("the backup is of {engine}; name such a database in database.url");
            Err(refuse("wrong_engine", message))
        }
    }
}

fn load_sqlite(path: &Path, sealed: &Path, keys: &Keys) -> Result<(), Error> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    open_from(sealed, keys, |from| io::copy(from, &mut file).map(drop))?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|e| e.error)?;
    Ok(File::open(folder)?.sync_all()?)
}

async fn load_postgres(config: &Config, database: &Database, sealed: &Path, keys: &Keys) -> Result<(), Error> {
    let target = Target::open(database).await?;
    let url = target.url().clone();
    let restore = tools::program(config, "pg_restore", 0)?;
    let loaded = open_from(sealed, keys, |from| {
        let mut command = tools::command(&restore, &url)?;
        let name = command.get_envs().find(|(k, _)| *k == "PGDATABASE").and_then(|(_, v)| v.map(ToOwned::to_owned));
        command.arg("--dbname").arg(name.unwrap_or_default());
        // All of it or nothing.
        command.args(["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut to = child.stdin.take().ok_or_else(|| io::Error::other("pg_restore listens to nobody"))?;
        let copied = io::copy(from, &mut to);
        if copied.is_err() {
            // Cut off: it must not take what it has for the whole.
            let _ = child.kill();
        }
        drop(to);
        let ended = tools::ended("pg_restore", child);
        copied?;
        ended
    });
    let granted = if loaded.is_ok() { target.grant().await } else { Ok(()) };
    target.close().await?;
    loaded?;
    Ok(granted?)
}

/// Whether every table holds as many rows as when the backup was made.
pub(super) async fn check_rows(target: &Target, manifest: &Manifest) -> Result<(), Error> {
    let there = target.counts().await?;
    for (table, rows) in &manifest.rows {
        let found = there.get(table).copied().unwrap_or_default();
        if found != *rows {
            let message = format!("{table} holds {found} rows instead of {rows}: the dump was not whole");
            return Err(refuse("rows_missing", message));
        }
    }
    Ok(())
}
