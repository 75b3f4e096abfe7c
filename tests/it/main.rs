//! Every integration test, each on both databases.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod api;
mod backup;
mod bad_input;
mod bounces;
mod breaches;
mod browser;
mod canary;
mod channels;
mod console;
mod customer_sync;
mod document;
mod ehf;
mod erasure;
mod events;
mod harness;
mod mail;
mod money;
mod payer;
mod payer_code;
mod privacy;
mod readings;
mod registry;
mod requests;
mod retention;
mod road;
mod rules;
mod schema;
mod settings;
mod statement;
mod torture;
mod torture_privacy;
mod torture_serve;
mod webhooks;
mod withdrawn;
mod workers;
