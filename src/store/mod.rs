//! The database: the only user of sea-orm. Rows become domain values here and nowhere else.
//!
//! May import `domain` and `entity`. A handle comes only from `Db`: `read` and `write` for one organisation,
//! `system` for queues. Every query names `org_id` itself. To add a noun: one file named as the noun.

pub mod agreement;
pub mod archive;
pub mod audit;
pub mod backup;
pub mod billing;
pub mod breach;
pub mod bulk;
pub mod channel;
pub mod clocks;
pub mod connect;
pub mod customer;
pub mod delivery;
pub mod ending;
pub mod erasure;
pub mod error;
pub mod expiry;
pub mod hand_over;
pub mod idempotency;
pub mod invoice;
pub mod job;
pub mod ledger;
pub mod mandate;
pub mod note;
pub mod organisation;
pub mod payer;
pub mod payment;
pub mod plan;
pub mod privacy;
pub mod processor;
pub mod product;
pub mod reading;
pub mod request;
pub mod retention;
pub mod seen;
pub mod sign_in;
mod sql;
pub mod statement;
pub mod statistics;
pub mod traces;
pub mod tx;
pub mod user;
pub mod views;
pub mod webhook;
pub mod worklist;

pub use connect::{connect, migrate, setup_postgres};
pub use error::Error;
pub use tx::{Db, OrgTx, SystemTx};
