//! A file that is only added to: each line is on disk before anybody is told of it, and a lock keeps writers of several
//! processes apart.

use super::files::{blocking, write_whole};
use crate::ports::{Journal, NextLines, Pending, Rewrite};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes at the end of a journal that hold its last line.
const TAIL: u64 = 64 * 1024;

/// A journal in a local folder, or one on a file system several nodes share.
pub struct FileJournal {
    path: PathBuf,
}

impl FileJournal {
    /// The file `path`, made at first need.
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).read(true).append(true).open(path)
}

/// Locks the journal against others until the file is closed. The lock stands beside it: replacing the journal keeps it.
fn locked(path: &Path) -> io::Result<File> {
    let lock = open(&path.with_extension("lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// Cuts off what a crash left half written: everything after the last line end.
fn mend(file: &mut File) -> io::Result<Option<String>> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let cut = u64::try_from(tail.len() - whole).unwrap_or_default();
    if cut > 0 {
        file.set_len(length - cut)?;
    }
    let text = String::from_utf8_lossy(&tail[..whole]);
    Ok(text.lines().next_back().map(str::to_owned))
}

impl Journal for FileJournal {
    fn append(&self, next: NextLines) -> Pending<'_, io::Result<()>> {
        let path = self.path.clone();
        Box::pin(blocking(move || {
            let _lock = locked(&path)?;
            let is_new = !path.exists();
            let mut file = open(&path)?;
            let last = mend(&mut file)?;
            let lines = next(last.as_deref());
            if lines.is_empty() {
                return Ok(());
            }
            let mut text = lines.join("\n");
            text.push('\n');
            file.write_all(text.as_bytes())?;
            file.sync_data()?;
            match path.parent().filter(|_| is_new) {
                Some(folder) => File::open(folder)?.sync_all(),
                None => Ok(()),
            }
        }))
    }

    fn lines(&self) -> Pending<'_, io::Result<Vec<String>>> {
        let path = self.path.clone();
        Box::pin(blocking(move || whole_lines(&path)))
    }

    fn rewrite(&self, made: Rewrite) -> Pending<'_, io::Result<()>> {
        let path = self.path.clone();
        Box::pin(blocking(move || {
            let _lock = locked(&path)?;
            let Some(lines) = made(&whole_lines(&path)?) else { return Ok(()) };
            let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
            write_whole(&path, text.as_bytes())
        }))
    }
}

/// The lines of a journal, without one that was cut off.
fn whole_lines(path: &Path) -> io::Result<Vec<String>> {
    let text = match std::fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let whole = text.rfind('\n').map_or("", |at| &text[..at]);
    Ok(whole.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn add(journal: &FileJournal, line: &'static str) {
        journal.append(Box::new(move |last| vec![format!("{}{line}", last.unwrap_or_default())])).await.unwrap();
    }

    #[tokio::test]
    async fn what_a_crash_left_half_written_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledgers/test.log");
        let journal = FileJournal::new(path.clone());
        assert!(journal.lines().await.unwrap().is_empty());
        add(&journal, "a").await;
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"half").unwrap();
        assert_eq!(journal.lines().await.unwrap(), ["a"]);
        add(&journal, "b").await;
        assert_eq!(journal.lines().await.unwrap(), ["a", "ab"], "the next line follows the last whole one");
        journal.rewrite(Box::new(|lines| (lines.len() == 2).then(|| vec!["c".to_owned()]))).await.unwrap();
        add(&journal, "d").await;
        assert_eq!(journal.lines().await.unwrap(), ["c", "cd"]);
    }

    #[tokio::test]
    async fn writers_wait_for_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.log");
        let tasks = (0..8).map(|_| {
            let journal = FileJournal::new(path.clone());
            tokio::spawn(async move {
                for _ in 0..20 {
                    let next = |last: Option<&str>| {
                        let number: u32 = last.and_then(|l| l.parse().ok()).unwrap_or_default();
                        vec![(number + 1).to_string()]
                    };
                    journal.append(Box::new(next)).await.unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        let lines = FileJournal::new(path).lines().await.unwrap();
        assert_eq!(lines, (1..=160).map(|n| n.to_string()).collect::<Vec<_>>());
    }
}
