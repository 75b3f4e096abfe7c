//! Mail into a folder of `.eml` files: the embedded default.

use super::files::{blocking, write_whole};
use crate::ports::{BeforeHandover, Mail, MailFault, MailOutcome, MailSession, Mailer, Pending};
use std::path::PathBuf;

/// A spool folder.
pub struct SpoolMailer {
    dir: PathBuf,
}

impl SpoolMailer {
    /// Mail under `dir`.
    pub const fn new(dir: PathBuf) -> Self {
        Self { dir }
    }
}

impl Mailer for SpoolMailer {
    fn session(&self) -> Box<dyn MailSession> {
        Box::new(SpoolSession { dir: self.dir.clone() })
    }
}

struct SpoolSession {
    dir: PathBuf,
}

impl MailSession for SpoolSession {
    fn send<'a>(&'a mut self, mail: &'a Mail, before: BeforeHandover<'a>) -> Pending<'a, MailOutcome> {
        Box::pin(async move {
            let fault = |code: &str, detail: String| MailFault { code: code.to_owned(), detail };
            if let Err(detail) = before().await {
                return MailOutcome::Temporary(fault("not_recorded", detail));
            }
            // The file is named by the delivery: written again after a crash, it is still one mail.
            let (path, bytes) = (self.dir.join(format!("{}.eml", mail.id)), mail.bytes.clone());
            match blocking(move || write_whole(&path, &bytes)).await {
                Ok(()) => MailOutcome::Accepted,
                Err(e) if e.kind() == std::io::ErrorKind::StorageFull => {
                    MailOutcome::Temporary(fault("disk_full", "the spool folder's disk is full".to_owned()))
                }
                Err(e) => MailOutcome::Temporary(fault("spool_write_failed", e.to_string())),
            }
        })
    }
}
