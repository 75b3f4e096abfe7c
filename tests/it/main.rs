//! Every integration test, each on both databases.

mod customer_sync;
mod harness;
mod road;
