//! Personal data: what every stored column is, whom it is about, why it is held and until when (I9).
//!
//! May import `domain`, `ctx`, `services`, `store`. A new column is classified in `inventory` or the tests fail.

pub mod cookies;
pub mod explain;
pub mod hold;
pub mod inventory;
pub mod map;
pub mod policy;
pub mod records;
pub mod retention;
pub mod statement;
