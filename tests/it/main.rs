//! Every integration test, each on both databases.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod api;
mod customer_sync;
mod harness;
mod mail;
mod money;
mod road;
mod schema;
mod torture;
