//! Payments: read from bank files, placed on claims, corrected by reversing entries (I1, I6).

mod import;
mod manual;
mod posting;

pub use import::{ImportOptions, Imported, import};
pub use manual::{NewPayment, allocate, confirm, refund, register, reverse, write_off};
pub(super) use posting::hold_credit;
