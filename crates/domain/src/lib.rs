//! The rules of invoicing and accounts receivable: values that cannot be wrong and pure functions over them.
//!
//! Nothing here knows a clock, a database or a file. A function that needs "today" takes it as an argument.
//! May import value crates only. To add a noun: one file named as the noun, values first, rules after, tests last.

pub mod audit;
pub mod calendar;
pub mod channel;
pub mod credit_note;
pub mod customer;
pub mod delivery;
pub mod hex;
pub mod invoice;
pub mod kid;
pub mod ledger;
pub mod money;
pub mod national_id;
pub mod network;
pub mod numbers;
pub mod payment;
pub mod privacy;
pub mod standing_order;
pub mod statistics;
pub mod unit;
pub mod vat;
