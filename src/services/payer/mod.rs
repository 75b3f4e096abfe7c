//! The payer's page: a link that stands for one invoice, a one-time code to the address on file, and what each shows.
//!
//! `link` makes, finds and revokes, `code` sends codes and takes them, `page` shows. A token is never stored, logged or
//! shown by `Debug`: it is made anew from the installation's key, and found by its hash.

mod code;
mod link;
mod page;

pub use code::{CodeSent, Opened, open, send_code};
pub(crate) use code::{address, hand_over, mail_code, mail_letter, new_code};
pub(crate) use link::url_for;
pub use link::{Link, find, find_url, revoke};
pub(crate) use page::is_open;
pub use page::{Door, Page, close, form_token, pdf, show};
