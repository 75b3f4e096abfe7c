//! A Maildir that the mail server delivers into.

use super::MAX_BYTES;
use crate::ports::Letter;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

/// A Maildir: letters lie in `new/`, or in `cur/` once a mail program has seen them.
#[derive(Clone)]
pub struct MaildirInbox {
    dir: PathBuf,
}

impl MaildirInbox {
    /// The Maildir at `dir`.
    pub const fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The first letters by name, which begins with the time of delivery.
    ///
    /// A letter that another program takes away meanwhile is left out; a folder that is missing is an error.
    pub fn list(&self, limit: usize) -> io::Result<Vec<Letter>> {
        let mut names = Vec::new();
        for folder in ["new", "cur"] {
            for entry in std::fs::read_dir(self.dir.join(folder))? {
                let entry = entry?;
                // What is not a plain file, such as a link to another folder, is no letter. A name that is not
                // UTF-8 was not given by a mail server.
                if let Ok(name) = entry.file_name().into_string()
                    && !name.starts_with('.')
                    && entry.file_type()?.is_file()
                {
                    names.push((name, folder));
                }
            }
        }
        names.sort_unstable();
        names.truncate(limit);
        names.into_iter().filter_map(|(name, folder)| self.read(&format!("{folder}/{name}")).transpose()).collect()
    }

    /// Removes a letter; one already gone is fine.
    pub fn remove(&self, handle: &str) -> io::Result<()> {
        if handle.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a letter of this inbox"));
        }
        match std::fs::remove_file(self.dir.join(handle)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn read(&self, handle: &str) -> io::Result<Option<Letter>> {
        let file = match File::open(self.dir.join(handle)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(u64::from(MAX_BYTES)).read_to_end(&mut bytes)?;
        Ok(Some(Letter { handle: handle.to_owned(), bytes }))
    }
}

#[cfg(test)]
mod tests {
    use super::MaildirInbox;

    #[test]
    fn letters_are_listed_in_their_order_and_removed_once() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["new", "cur", "tmp"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        for (name, text) in [("new/2.a", "two"), ("cur/1.a:2,S", "one"), ("tmp/0.a", "half"), ("new/.x", "hidden")] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let inbox = MaildirInbox::new(dir.path().to_owned());
        let letters = inbox.list(10).unwrap();
        assert_eq!(letters.iter().map(|l| l.bytes.as_slice()).collect::<Vec<_>>(), [b"one", b"two"]);
        assert_eq!(inbox.list(1).unwrap().len(), 1);
        inbox.remove(&letters[0].handle).unwrap();
        inbox.remove(&letters[0].handle).unwrap();
        assert_eq!(inbox.list(10).unwrap()[0].bytes, b"two");
        assert!(inbox.remove("../x").is_err());
        assert!(MaildirInbox::new(dir.path().join("none")).list(1).is_err());
    }
}
