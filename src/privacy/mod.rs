//! Personal data: what every stored column is, whom it is about, why it is held and until when (I9).
//!
//! May import `domain`, `ctx`, `services`, `store`. A new column is classified in `inventory` or the tests fail.

pub mod acceptance;
pub mod affected;
pub mod archive;
pub mod blocked;
pub mod breach;
pub mod certificate;
pub mod closing;
pub mod consent;
pub mod consequence;
pub mod cookies;
pub mod erase;
pub mod explain;
pub mod hand_over;
pub mod handing;
pub mod hold;
pub mod inventory;
pub mod ledger;
pub mod map;
pub mod notice;
pub mod package;
pub mod policy;
pub mod processor;
pub mod promises;
pub mod reading;
pub mod recipients;
pub mod records;
pub mod request;
pub mod restriction;
pub mod retention;
pub mod scrub;
pub mod standing;
pub mod statement;
pub mod statistics;
mod steps;
