//! Mail into a folder of `.eml` files, e-invoices into one of `.xml` files: the embedded defaults.

use super::files::{blocking, write_whole};
use crate::ports::{BeforeHandover, Carrier, Fault, Handed, Parcel, Pending, Session};
use std::path::PathBuf;

/// A folder documents are put into.
pub struct Spool {
    dir: PathBuf,
}

impl Spool {
    /// Files under `dir`.
    pub const fn new(dir: PathBuf) -> Self {
        Self { dir }
    }
}

impl Carrier for Spool {
    fn session(&self) -> Box<dyn Session> {
        Box::new(SpoolSession { dir: self.dir.clone() })
    }
}

struct SpoolSession {
    dir: PathBuf,
}

impl Session for SpoolSession {
    fn send<'a>(&'a mut self, parcel: &'a Parcel, before: BeforeHandover<'a>) -> Pending<'a, Handed> {
        Box::pin(async move {
            let (name, bytes) = match parcel {
                Parcel::Mail(mail) => (format!("{}.eml", mail.id), mail.bytes.clone()),
                Parcel::Ehf(message) => (format!("{}.xml", message.id), message.xml.clone()),
                Parcel::Efaktura(_) => {
                    return Handed::Permanent(Fault::new("wrong_channel", "a request in a bank is no file"));
                }
            };
            if let Err(detail) = before().await {
                return Handed::Temporary(Fault::new("not_recorded", detail));
            }
            // The file is named by the delivery: written again after a crash, it is still one.
            let path = self.dir.join(name);
            match blocking(move || write_whole(&path, &bytes)).await {
                Ok(()) => Handed::Accepted(None),
                Err(e) if e.kind() == std::io::ErrorKind::StorageFull => {
                    Handed::Away(Fault::new("disk_full", "the disk of the folder is full"))
                }
                Err(e) => Handed::Away(Fault::new("spool_write_failed", e.to_string())),
            }
        })
    }
}
