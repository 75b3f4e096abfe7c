//! Facts as JSON lines in a file that only grows. Many writers share one fsync.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

type Done = Box<dyn FnOnce(Result<(), String>) + Send>;

enum Order {
    Lines(Vec<u8>),
    Sync(Done),
}

/// An open journal; without a path it forgets everything.
#[derive(Clone)]
pub(crate) struct Journal {
    orders: Option<Sender<Order>>,
}

impl Journal {
    /// Opens or makes the file and reads the facts it holds. A torn last line is cut off.
    pub(crate) fn open<T: DeserializeOwned>(path: Option<&Path>) -> io::Result<(Self, Vec<T>)> {
        let Some(path) = path else { return Ok((Self { orders: None }, Vec::new())) };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let bytes = match std::fs::read(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let mut facts = Vec::new();
        for line in bytes.get(..whole).unwrap_or_default().split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            facts.push(serde_json::from_slice(line).map_err(io::Error::other)?);
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(whole as u64)?;
        let (orders, inbox) = channel();
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || write(file, &inbox))?;
        Ok((Self { orders: Some(orders) }, facts))
    }

    /// Adds a fact to lines that will be appended together.
    pub(crate) fn write<T: Serialize>(&self, lines: &mut Vec<u8>, fact: &T) {
        if self.orders.is_some()
            && let Ok(line) = serde_json::to_vec(fact)
        {
            lines.extend_from_slice(&line);
            lines.push(b'\n');
        }
    }

    /// Queues lines as one write; they are on disk after the next [`Journal::sync`].
    pub(crate) fn append(&self, lines: Vec<u8>) {
        if let Some(orders) = self.orders.as_ref().filter(|_| !lines.is_empty()) {
            let _ = orders.send(Order::Lines(lines));
        }
    }

    /// Waits until everything appended so far is on disk.
    pub(crate) async fn sync(&self) -> Result<(), String> {
        let Some(orders) = &self.orders else { return Ok(()) };
        let (tell, told) = tokio::sync::oneshot::channel();
        let done: Done = Box::new(move |result| {
            let _ = tell.send(result);
        });
        orders.send(Order::Sync(done)).map_err(|_| "the journal has ended".to_owned())?;
        told.await.map_err(|_| "the journal has ended".to_owned())?
    }

    /// As [`Journal::sync`], for a drop.
    pub(crate) fn sync_blocking(&self) {
        let Some(orders) = &self.orders else { return };
        let (tell, told) = channel();
        let done: Done = Box::new(move |_| {
            let _ = tell.send(());
        });
        if orders.send(Order::Sync(done)).is_ok() {
            let _ = told.recv();
        }
    }
}

/// Takes all that waits, writes it at once, and answers those who asked for the disk.
fn write(mut file: File, inbox: &Receiver<Order>) {
    let mut broken: Option<String> = None;
    while let Ok(first) = inbox.recv() {
        let (mut bytes, mut waiting) = (Vec::new(), Vec::new());
        for order in std::iter::once(first).chain(inbox.try_iter()) {
            match order {
                Order::Lines(lines) => bytes.extend_from_slice(&lines),
                Order::Sync(done) => waiting.push(done),
            }
        }
        let mut result = file.write_all(&bytes);
        if !waiting.is_empty() && result.is_ok() {
            result = file.sync_data();
        }
        if let Err(e) = result {
            broken = Some(e.to_string());
        }
        for done in waiting {
            done(broken.clone().map_or(Ok(()), Err));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn facts_come_back_and_a_torn_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/journal");
        let (journal, before) = Journal::open::<u32>(Some(&path)).unwrap();
        assert!(before.is_empty());
        let mut lines = Vec::new();
        journal.write(&mut lines, &7);
        journal.write(&mut lines, &8);
        journal.append(lines);
        journal.sync().await.unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"9").unwrap();
        let (journal, after) = Journal::open::<u32>(Some(&path)).unwrap();
        assert_eq!(after, [7, 8]);
        journal.append(b"10\n".to_vec());
        journal.sync_blocking();
        assert_eq!(std::fs::read(&path).unwrap(), b"7\n8\n10\n");
    }
}
