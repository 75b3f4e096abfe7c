//! Ways out of the building, behind the traits of `ports`. May import `domain`, `formats`, `render`, `ports`.

mod files;
mod smtp;
mod spool;

pub use files::LocalFiles;
pub use smtp::{SmtpMailer, SmtpSettings, Tls};
pub use spool::SpoolMailer;
