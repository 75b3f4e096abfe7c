//! What every integration test stands on: a fresh database, a clock that moves when told, sinks that can be read.

mod app;
mod builders;
mod imap;
mod process;
mod wire;

pub use app::{Backend, TestApp};
pub use builders::*;
pub use imap::ImapServer;
pub use process::{Serve, Setting, cli, count, mail_to, message_ids};
pub use wire::{Instead, Wire};

/// One test on both databases. The body gets a `&TestApp`.
macro_rules! both {
    ($(#[$meta:meta])* $name:ident, $body:expr) => {
        mod $name {
            use super::*;

            $(#[$meta])*
            #[tokio::test]
            async fn sqlite() {
                let app = crate::harness::TestApp::new(crate::harness::Backend::Sqlite).await.unwrap();
                ($body)(&app).await;
            }

            $(#[$meta])*
            #[tokio::test]
            async fn postgres() {
                let Some(app) = crate::harness::TestApp::new(crate::harness::Backend::Postgres).await else { return };
                ($body)(&app).await;
            }
        }
    };
}
pub(crate) use both;

/// The folder of shared sample files; required where `RESKONTRO_REQUIRE` names `shared`, else reported as skipped.
pub fn shared() -> Option<std::path::PathBuf> {
    let dir = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    if dir.join("fixtures").is_dir() {
        return Some(dir);
    }
    skip("shared", &format!("no sample files at {}", dir.display()));
    None
}

/// Reports a skip, or fails where it is required.
#[expect(clippy::disallowed_methods, reason = "the tests' own switch")]
pub fn skip(what: &str, why: &str) {
    let required = std::env::var("RESKONTRO_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|r| r == what), "{what} is required: {why}");
    eprintln!("skipped: {why}");
}
