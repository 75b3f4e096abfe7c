//! Use cases. One verb, one function, one transaction: read, compute, write, in that order.
//!
//! May import `domain`, `formats`, `render`, `ports`, `ctx` and `store`. Every write goes through `Work`, which
//! leaves an audit event and honours the client's idempotency key, so no caller can forget either.

pub mod access;
pub mod audit;
pub mod customer;
pub mod delivery;
pub mod error;
pub mod event;
pub mod invoice;
pub mod ledger;
pub mod organisation;
pub mod payer;
pub mod payment;
pub mod product;
pub mod region;
pub mod run;
pub mod seen;
pub mod sign_in;
pub mod standing_order;
pub mod upkeep;
pub mod user;
pub mod webhook;
pub mod work;

pub use error::{Error, FieldError, Kind};
pub use work::{Actor, ActorKind, Idempotency};
