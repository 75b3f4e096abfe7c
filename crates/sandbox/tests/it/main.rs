//! The sandbox, over its own sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access_point;
mod efaktura;
mod efaktura_faults;
mod peppol;
mod smtp;
mod webhook;

use std::time::Duration;

/// A client that never waits long.
pub(crate) fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap()
}
