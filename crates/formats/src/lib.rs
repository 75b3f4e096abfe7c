//! Bytes to typed records and back: giro files, customer lists, EHF and mail that came back.
//!
//! Pure: no clock, no database, no paths. May import the domain and format libraries. To add a format: one file or
//! folder named as the format, parser and writer side by side, faults that name line and column, tests that random
//! bytes never panic.

pub mod bounce;
pub mod customer_list;
pub mod ehf;
pub mod fixed;
pub mod giro;
