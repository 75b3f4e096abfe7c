//! The other side, for tests and the simulation: a mail server that misbehaves when told.
//!
//! May import `formats` and `domain`; never the root package. To add a counterpart: one file named as it.

mod smtp;

pub use smtp::{Fault, Received, SmtpSink};
