//! Where mail that comes back is read: a Maildir on the same machine, or a mailbox over IMAP.
//!
//! Reading changes nothing; a letter is removed once it has been dealt with, so that a crash shows it again. May import
//! `delivery` and `ports`.

mod imap;
mod maildir;

use super::files::blocking;
use crate::ports::{Fault, Inbox, Letter, Mailbox, Pending};
use imap::ImapInbox;
pub use imap::ImapSettings;
use maildir::MaildirInbox;
use std::path::PathBuf;

/// What is read of a letter: a bounce says its say at the beginning.
const MAX_BYTES: u32 = 1 << 20;

/// Where bounces come to, opened anew for each round.
pub enum Bounces {
    /// A Maildir on this machine.
    Maildir(PathBuf),
    /// A mailbox over IMAP.
    Imap(Box<ImapSettings>),
}

fn failed(error: &std::io::Error) -> Fault {
    Fault::new("inbox_failed", error.to_string())
}

impl Mailbox for Bounces {
    fn open(&self) -> Pending<'_, Result<Box<dyn Inbox>, Fault>> {
        Box::pin(async move {
            Ok(match self {
                Self::Maildir(dir) => Box::new(MaildirInbox::new(dir.clone())) as Box<dyn Inbox>,
                Self::Imap(settings) => Box::new(ImapInbox::connect(settings).await.map_err(|e| failed(&e))?),
            })
        })
    }
}

impl Inbox for MaildirInbox {
    fn list(&mut self, limit: usize) -> Pending<'_, Result<Vec<Letter>, Fault>> {
        let inbox = self.clone();
        Box::pin(async move { blocking(move || Self::list(&inbox, limit)).await.map_err(|e| failed(&e)) })
    }

    fn remove<'a>(&'a mut self, handle: &'a str) -> Pending<'a, Result<(), Fault>> {
        let (inbox, handle) = (self.clone(), handle.to_owned());
        Box::pin(async move { blocking(move || Self::remove(&inbox, &handle)).await.map_err(|e| failed(&e)) })
    }
}

impl Inbox for ImapInbox {
    fn list(&mut self, limit: usize) -> Pending<'_, Result<Vec<Letter>, Fault>> {
        Box::pin(async move { Self::list(self, limit).await.map_err(|e| failed(&e)) })
    }

    fn remove<'a>(&'a mut self, handle: &'a str) -> Pending<'a, Result<(), Fault>> {
        Box::pin(async move { Self::remove(self, handle).await.map_err(|e| failed(&e)) })
    }

    fn close(self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(Self::close(*self))
    }
}
