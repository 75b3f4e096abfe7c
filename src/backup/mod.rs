//! Backups: made whole or not at all, encrypted for people who keep the key elsewhere, gone after thirty days whatever
//! happens, and restored into a closed database that opens only once nobody who was erased is in it (I10, I11; decision 50).
//!
//! May import `privacy`, `services`, `store`, `ctx`, `config`, `ports`. To add a kind of content: an object in `create`, its
//! reading in `restore`, and its check in `verify`.

mod bucket;
pub mod create;
pub mod expire;
mod load;
pub mod manifest;
pub mod restore;
pub mod seal;
pub mod status;
mod tools;
pub mod vault;
pub mod verify;

use crate::services::error::Error;
pub use manifest::{Manifest, Object};
pub use vault::Vault;

/// Why a backup or a restore did not come about; the code is stable.
pub(crate) fn refuse(code: &'static str, message: impl Into<String>) -> Error {
    Error::conflict(code, message)
}
