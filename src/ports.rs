//! What the service needs of the outside world. May import `domain`. Implementations live in `delivery` and `ctx`.

use chrono::{DateTime, Utc};
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

/// Tells the time. Nothing else may.
pub trait Clock: Send + Sync {
    /// Now, in whole microseconds: what both databases keep.
    fn now(&self) -> DateTime<Utc>;
}

/// Gives random bytes. Nothing else may.
pub trait Rng: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// A boxed future, so that ports can be trait objects.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One mail as it goes out.
#[derive(Clone)]
pub struct Mail {
    /// Names the file in a spool and the Message-ID.
    pub id: uuid::Uuid,
    /// Address the answers of the mail system go to.
    pub envelope_from: String,
    /// The one recipient.
    pub recipient: String,
    /// Headers and body as sent, CR LF line ends.
    pub bytes: Vec<u8>,
}

/// How handing over a mail ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailOutcome {
    /// The relay or the spool took it.
    Accepted,
    /// Not now; nothing was handed over.
    Temporary(MailFault),
    /// Not ever.
    Permanent(MailFault),
    /// The line went dead while the content was being handed over.
    Lost(MailFault),
}

/// Why a mail did not go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFault {
    /// Stable code such as `smtp_450` or `connection_refused`.
    pub code: String,
    /// The provider's words, without addresses.
    pub detail: String,
}

/// Called once, right before the content is handed over (decision 40).
pub type BeforeHandover<'a> = Box<dyn FnOnce() -> Pending<'a, Result<(), String>> + Send + 'a>;

/// Sends mail over one kept connection; each worker has its own.
pub trait MailSession: Send {
    /// Hands over one mail. `before` runs when the receiver is ready for the content; when it fails nothing is sent.
    fn send<'a>(&'a mut self, mail: &'a Mail, before: BeforeHandover<'a>) -> Pending<'a, MailOutcome>;
}

/// Opens mail sessions.
pub trait Mailer: Send + Sync {
    /// A session for one worker.
    fn session(&self) -> Box<dyn MailSession>;
}

/// Keeps files by the hash of their content.
pub trait FileStore: Send + Sync {
    /// Keeps `bytes` and returns their SHA-256. The same bytes twice are kept once.
    fn put<'a>(&'a self, org: uuid::Uuid, bytes: &'a [u8]) -> Pending<'a, std::io::Result<[u8; 32]>>;
    /// The bytes with this hash.
    fn get<'a>(&'a self, org: uuid::Uuid, hash: &'a [u8]) -> Pending<'a, std::io::Result<Vec<u8>>>;
    /// Where a file would be, for people to look at.
    fn path(&self, org: uuid::Uuid, hash: &[u8]) -> PathBuf;
}
