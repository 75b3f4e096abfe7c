//! What happened to an invoice and what will: kinds, words and looks of the timeline.

use crate::channel::Channel;
use crate::channel::Named as _;
use crate::icon::Icon;
use crate::shell::{Shell, capital};
use crate::words::fill;
use crate::{cause, format, reason};
use chrono::{DateTime, NaiveDate, Utc};
use domain::money::Money;

/// When something happened or is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventAt {
    /// At a moment.
    Moment(DateTime<Utc>),
    /// On a day.
    Day(NaiveDate),
}

/// What happened or is planned.
#[derive(Debug, Clone)]
pub enum EventKind {
    /// The document got its number.
    Issued {
        /// The number.
        number: i64,
    },
    /// The service chose a channel, and why.
    ChannelChosen {
        /// The channel.
        channel: Channel,
        /// Code of the reason.
        reason: String,
    },
    /// The channel was changed before sending, and why.
    ChannelChanged {
        /// The new channel.
        channel: Channel,
        /// Code of the reason.
        reason: String,
    },
    /// A delivery is planned.
    DeliveryPlanned {
        /// The channel.
        channel: Channel,
    },
    /// An attempt failed for now.
    AttemptFailed {
        /// The channel.
        channel: Channel,
        /// Cause code.
        cause: String,
    },
    /// Handed over to the provider.
    HandedOver {
        /// The channel.
        channel: Channel,
    },
    /// Arrived.
    Delivered {
        /// The channel.
        channel: Channel,
    },
    /// Came back.
    Bounced {
        /// The channel.
        channel: Channel,
        /// Cause code.
        cause: String,
    },
    /// The provider says it is late.
    Delayed {
        /// The channel.
        channel: Channel,
    },
    /// The receiver said no.
    Rejected {
        /// The channel.
        channel: Channel,
        /// Cause code.
        cause: String,
    },
    /// Not delivered, and not tried again by itself.
    Failed {
        /// The channel.
        channel: Channel,
        /// Cause code.
        cause: String,
    },
    /// Went on to the next channel by itself.
    Fallback {
        /// The new channel.
        channel: Channel,
    },
    /// Somebody chose another channel or address.
    Redirected {
        /// The new channel.
        channel: Channel,
    },
    /// Somebody sent it again.
    Resent {
        /// The channel.
        channel: Channel,
    },
    /// The delivery was stopped before it left.
    Cancelled,
    /// The provider was asked to take it back.
    TakeBackRequested {
        /// The channel.
        channel: Channel,
    },
    /// Held back on purpose.
    Held,
    /// The customer may have got it twice.
    PossiblySentTwice,
    /// Money came.
    Payment {
        /// How much.
        amount: Money,
    },
    /// A credit note took some or all back.
    Credited {
        /// How much.
        amount: Money,
        /// Number of the credit note.
        number: i64,
    },
    /// The day it falls due.
    DueDate,
    /// A reminder goes out unless it is paid.
    ReminderPlanned,
}

/// One event of an invoice.
#[derive(Debug, Clone)]
pub struct Event {
    /// When.
    pub at: EventAt,
    /// What.
    pub kind: EventKind,
    /// One line more, such as the provider's own words; never an address.
    pub detail: Option<String>,
    /// The reasoning behind it, shown on request. A channel choice brings its own.
    pub why: Option<String>,
}

/// An event ready for the template.
pub(crate) struct Shown {
    pub(crate) class: &'static str,
    pub(crate) icon: Icon,
    pub(crate) fact: String,
    pub(crate) time: String,
    pub(crate) machine: String,
    pub(crate) detail: Option<String>,
    pub(crate) why: Option<String>,
}

fn look(kind: &EventKind) -> (&'static str, Icon) {
    match kind {
        EventKind::Issued { .. } => ("neutral", Icon::Lock),
        EventKind::ChannelChosen { .. } | EventKind::ChannelChanged { .. } | EventKind::Fallback { .. } => {
            ("neutral", Icon::Branch)
        }
        EventKind::DeliveryPlanned { .. } | EventKind::HandedOver { .. } => ("info", Icon::Send),
        EventKind::AttemptFailed { .. } => ("warn", Icon::Run),
        EventKind::Delivered { .. } => ("ok", Icon::Check),
        EventKind::Bounced { .. } | EventKind::Rejected { .. } | EventKind::Failed { .. } => ("bad", Icon::Cross),
        EventKind::Delayed { .. } => ("warn", Icon::Clock),
        EventKind::Redirected { .. } | EventKind::Resent { .. } => ("info", Icon::Person),
        EventKind::Cancelled | EventKind::TakeBackRequested { .. } | EventKind::Credited { .. } => {
            ("neutral", Icon::Back)
        }
        EventKind::Held => ("hold", Icon::Pause),
        EventKind::PossiblySentTwice => ("warn", Icon::Twice),
        EventKind::Payment { .. } => ("accent", Icon::Coin),
        EventKind::DueDate => ("neutral", Icon::Clock),
        EventKind::ReminderPlanned => ("neutral", Icon::Bell),
    }
}

fn fact(kind: &EventKind, p: &Shell<'_>) -> String {
    let t = p.t;
    let by = |template: &str, channel: Channel| {
        fill(template, &[("by", channel.by(p.lang())), ("channel", channel.name(p.lang()))])
    };
    let text = match kind {
        EventKind::Issued { number } => p.fill(t.ev_issued, "number", number),
        EventKind::ChannelChosen { channel, .. } => by(t.ev_chosen, *channel),
        EventKind::ChannelChanged { channel, .. } => by(t.ev_changed, *channel),
        EventKind::DeliveryPlanned { channel } => by(t.ev_planned, *channel),
        EventKind::AttemptFailed { channel, .. } => by(t.ev_attempt_failed, *channel),
        EventKind::HandedOver { channel } => by(t.ev_handed_over, *channel),
        EventKind::Delivered { channel } => by(t.ev_delivered, *channel),
        EventKind::Bounced { channel, .. } => by(t.ev_bounced, *channel),
        EventKind::Delayed { channel } => by(t.ev_delayed, *channel),
        EventKind::Rejected { channel, .. } => by(t.ev_rejected, *channel),
        EventKind::Failed { channel, .. } => by(t.ev_failed, *channel),
        EventKind::Fallback { channel } => by(t.ev_fallback, *channel),
        EventKind::Redirected { channel } => by(t.ev_redirected, *channel),
        EventKind::Resent { channel } => by(t.ev_resent, *channel),
        EventKind::Cancelled => t.ev_cancelled.to_owned(),
        EventKind::TakeBackRequested { channel } => by(t.ev_take_back, *channel),
        EventKind::Held => t.ev_held.to_owned(),
        EventKind::PossiblySentTwice => t.ev_twice.to_owned(),
        EventKind::Payment { amount } => p.fill(t.ev_payment, "amount", p.kr(amount)),
        EventKind::Credited { amount, number } => {
            fill(t.ev_credited, &[("amount", &p.kr(amount)), ("number", &number.to_string())])
        }
        EventKind::DueDate => p.w.due.to_owned(),
        EventKind::ReminderPlanned => t.ev_reminder.to_owned(),
    };
    capital(&text)
}

/// What is planned and what has happened, each newest first; of those at the same moment the last told is the newest.
pub(crate) fn newest_first<'a>(events: &'a [Event], p: &Shell<'_>) -> (Vec<&'a Event>, Vec<&'a Event>) {
    let mut events: Vec<&Event> = events.iter().collect();
    events.sort_by_key(|event| event.day_and_time());
    events.reverse();
    events.into_iter().partition(|event| event.is_planned(p))
}

impl Event {
    /// The moment it sorts by: a day counts from its start in Oslo.
    pub(crate) fn day_and_time(&self) -> (NaiveDate, i64) {
        match self.at {
            EventAt::Day(day) => (day, 0),
            EventAt::Moment(at) => (format::oslo(at).date_naive(), at.timestamp()),
        }
    }

    pub(crate) fn is_planned(&self, p: &Shell<'_>) -> bool {
        match self.at {
            EventAt::Day(day) => day > p.today(),
            EventAt::Moment(at) => at > p.frame.now,
        }
    }

    pub(crate) fn shown(&self, p: &Shell<'_>) -> Shown {
        let (class, icon) = look(&self.kind);
        let said = match &self.kind {
            EventKind::AttemptFailed { cause, .. }
            | EventKind::Bounced { cause, .. }
            | EventKind::Rejected { cause, .. }
            | EventKind::Failed { cause, .. } => Some(cause::say(cause, p.lang()).title),
            _ => None,
        };
        let reason = match &self.kind {
            EventKind::ChannelChosen { reason, .. } | EventKind::ChannelChanged { reason, .. } => {
                Some(reason::say(reason, p.lang()))
            }
            _ => None,
        };
        let detail = match (said, &self.detail) {
            (Some(said), Some(detail)) => Some(format!("{said}. {}", p.quote(detail))),
            (said, detail) => said.or_else(|| detail.clone()),
        };
        let why = match (reason, &self.why) {
            (Some(reason), Some(more)) => Some(format!("{reason} {more}")),
            (reason, more) => reason.or_else(|| more.clone()),
        };
        let (time, machine) = match self.at {
            EventAt::Day(day) => (format::day_month(day, p.lang()), day.to_string()),
            EventAt::Moment(at) => (p.moment_text(&at), format::oslo(at).format("%Y-%m-%dT%H:%M:%S%:z").to_string()),
        };
        Shown { class, icon, fact: fact(&self.kind, p), time, machine, detail, why }
    }
}
