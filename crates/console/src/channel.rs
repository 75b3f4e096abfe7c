//! Channels, and the chips for money and delivery.

use crate::html::{Html, escape};
use crate::icon::Icon;
use crate::words::{Words, words};
use domain::customer::Language;
use domain::delivery::State;

pub use domain::channel::Channel;

/// How a channel is named.
pub(crate) trait Named {
    /// `E-post`.
    fn name(self, language: Language) -> &'static str;
    /// `på e-post`, `som EHF`.
    fn by(self, language: Language) -> &'static str;
}

impl Named for Channel {
    fn name(self, language: Language) -> &'static str {
        let w = words(language);
        match self {
            Self::Mail => w.mail,
            Self::Ehf => w.ehf,
            Self::Efaktura => w.efaktura,
            Self::Print => w.print,
        }
    }

    fn by(self, language: Language) -> &'static str {
        let w = words(language);
        match self {
            Self::Mail => w.by_mail,
            Self::Ehf => w.by_ehf,
            Self::Efaktura => w.by_efaktura,
            Self::Print => w.by_print,
        }
    }
}

/// Where an invoice's money stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyState {
    /// Nothing paid, not due.
    NotDue,
    /// Nothing paid, past due.
    Overdue,
    /// Something paid, not due.
    PartlyPaid,
    /// Something paid, past due.
    OverduePartlyPaid,
    /// Nothing left.
    Paid,
    /// Taken back by a credit note.
    Credited,
    /// The customer disagrees.
    Disputed,
    /// Booked as a loss.
    WrittenOff,
    /// A document with nothing to pay: a credit note.
    Issued,
}

/// A chip: icon, words and colour class.
pub(crate) fn chip(class: &str, icon: Icon, text: &str) -> Html {
    Html(format!("<span class=\"chip {class}\">{icon}{}</span>", escape(text)))
}

pub(crate) fn money_chip(state: MoneyState, language: Language) -> Html {
    let w = words(language);
    let (class, icon, text) = match state {
        MoneyState::NotDue => ("neutral", Icon::Clock, w.not_due),
        MoneyState::Overdue => ("warn", Icon::Clock, w.overdue),
        MoneyState::PartlyPaid => ("info", Icon::Coin, w.partly_paid),
        MoneyState::OverduePartlyPaid => ("warn", Icon::Clock, w.overdue_partly),
        MoneyState::Paid => ("ok", Icon::Check, w.paid),
        MoneyState::Credited => ("neutral", Icon::Back, w.credited),
        MoneyState::Disputed => ("hold", Icon::Flag, w.disputed),
        MoneyState::WrittenOff => ("neutral", Icon::Cross, w.written_off),
        MoneyState::Issued => ("neutral", Icon::Lock, w.issued),
    };
    chip(class, icon, text)
}

const fn state_look(state: State, w: &'static Words) -> (&'static str, Icon, &'static str) {
    match state {
        State::Queued => ("info", Icon::Clock, w.queued),
        State::Sending | State::HandingOver => ("info", Icon::Send, w.sending),
        State::AwaitingReceipt => ("info", Icon::Clock, w.awaiting_receipt),
        State::Delivered => ("ok", Icon::Check, w.delivered),
        State::Retrying => ("warn", Icon::Run, w.retrying),
        State::Failed => ("bad", Icon::Cross, w.failed),
        State::Rejected => ("bad", Icon::Cross, w.rejected),
        State::Held => ("hold", Icon::Pause, w.held),
        State::Cancelled => ("neutral", Icon::Back, w.cancelled),
        State::Unknown => ("bad", Icon::Info, w.unknown),
    }
}

/// The chip of a delivery; a delivered one says by which channel.
pub(crate) fn delivery_chip(state: State, channel: Option<Channel>, language: Language) -> Html {
    let (class, icon, text) = state_look(state, words(language));
    match channel {
        Some(channel) if state == State::Delivered => chip(class, icon, &format!("{text} {}", channel.by(language))),
        _ => chip(class, icon, text),
    }
}
