//! Deliveries: which channel, handing over, what became of them, and what a person can do.
//!
//! `choose` picks the channel, `loaded` reads what sending needs, `engine` hands over and notes, `answer` takes in what providers say, `parcel` makes
//! what is handed over, `watch` sees when a provider is away, `manage` is what people do, `timeline` what they see, `feed` what gateways report, `restored` what may have left before a restore, `inbound` what
//! comes back by mail. To add a channel: `domain::channel`, a carrier under `src/delivery`, an arm in `parcel`.

mod answer;
mod choose;
mod engine;
mod feed;
mod inbound;
mod loaded;
mod manage;
mod parcel;
mod print;
mod restored;
mod timeline;
mod watch;
mod work;

pub use answer::check;
pub(crate) use choose::{Chooser, Known, Paper, address_hash, mail_address};
pub(crate) use engine::standing;
pub use engine::{CLAIM, claim, claim_checks, deliver, session};
pub use feed::{poll_efaktura, take_efaktura_webhook};
pub(crate) use inbound::read_inbox_with;
pub use inbound::{Inbound, Others, read_inbox, take_letter};
pub use manage::{
    Act, Bulk, BulkOutcome, Redirect, allow_address, bulk, cancel, mark_handled, redirect, register_efaktura, resend,
    withdraw,
};
pub(crate) use parcel::{envelope_sender, signed};
pub use print::{mark_posted, print_queue};
pub use restored::hold_back;
pub use timeline::{TimelineEvent, timeline};
pub use work::{drain, serve_channel};
