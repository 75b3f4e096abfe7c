//! Ways out of the building, behind the traits of `ports`. May import `domain`, `formats`, `render`, `ports`.

mod access_point;
mod efaktura;
mod files;
mod http;
mod inbox;
mod journal;
mod peppol;
mod smtp;
mod spool;
mod tls;
mod webhook;
mod webhook_signature;

pub use access_point::{AccessPoint, AccessPointSettings, Contract};
pub use efaktura::{EfakturaGateway, EfakturaSettings};
pub use files::LocalFiles;
pub use inbox::{Bounces, ImapSettings};
pub use journal::FileJournal;
pub use peppol::{PeppolDirectory, PeppolSettings};
pub use smtp::{SmtpMailer, SmtpSettings, Tls};
pub use spool::Spool;
pub use webhook::WebhookCaller;
