//! The statuses of an invoice at the gateway.

use serde::{Deserialize, Serialize};

/// Where an invoice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Taken, not looked at.
    Received,
    /// Found in order.
    Accepted,
    /// In the consumer's bank.
    Delivered,
    /// Refused, with a code.
    Rejected,
    /// Withdrawn by the issuer.
    Cancelled,
    /// Past its time.
    Expired,
    /// Seen by the consumer.
    Opened,
    /// The consumer will pay.
    Approved,
    /// The consumer threw it away.
    DeletedByConsumer,
    /// Reported as paid; information only.
    Paid,
}

impl Status {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Opened => "opened",
            Self::Approved => "approved",
            Self::DeletedByConsumer => "deleted_by_consumer",
            Self::Paid => "paid",
        }
    }
}
