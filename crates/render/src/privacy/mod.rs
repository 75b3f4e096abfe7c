//! Personal data in words people read: what is held, why, and until when.

mod words;

pub use words::{basis, ground, hold, period, purpose, recipient, title, trigger};
