//! Messages of the access point, and how a queued one goes on.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// Attempts before a queued message is given up.
const MOST_ATTEMPTS: u32 = 3;
/// Wait after the first failed attempt, in seconds; it doubles.
const FIRST_WAIT: i64 = 60;

/// What goes wrong with a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The other access point answers an AS4 error each time.
    As4Error,
    /// The receiver is not in the network.
    NotRegistered,
    /// Given up at once.
    PermanentlyFailed,
    /// Refused by the access point's own check.
    Rejected,
    /// Two failed attempts, then sent.
    FailsTwice,
    /// Waits for the clock.
    Slow,
    /// Taken; the connection closes without an answer.
    Lost,
    /// Not taken: 503, twice unless said otherwise.
    #[serde(rename = "503")]
    Unavailable,
    /// Taken; no answer comes.
    Hang,
}

/// Where a queued message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In the queue.
    Pending,
    /// On its way.
    Sending,
    /// The receiver's access point has it.
    Sent,
    /// Will be tried again.
    Failed,
    /// Given up.
    PermanentlyFailed,
    /// Refused by the access point's own check.
    Rejected,
}

impl Status {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::PermanentlyFailed => "permanently_failed",
            Self::Rejected => "rejected",
        }
    }

    /// Whether nothing more happens.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Sent | Self::PermanentlyFailed | Self::Rejected)
    }
}

/// How far a message is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Progress {
    pub sbdh_instance_id: String,
    pub status: Status,
    pub attempts: u32,
    pub completed_at: Option<DateTime<Utc>>,
    pub next_retry_at: Option<DateTime<Utc>>,
    pub error: Option<String>,
}

/// A message with its document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Message {
    pub sender: String,
    /// With the `0192:` prefix, without the scheme.
    pub receiver: String,
    pub document_id: String,
    /// Made by the synchronous interface.
    pub synchronous: bool,
    pub created_at: DateTime<Utc>,
    pub custom: [Option<String>; 3],
    pub fault: Option<Fault>,
    #[serde(with = "text")]
    pub xml: Arc<str>,
    pub progress: Progress,
}

/// A shared text as a JSON string.
mod text {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::sync::Arc;

    pub(super) fn serialize<S: Serializer>(text: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(from).map(Arc::from)
    }
}

/// What can happen.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub(super) enum Fact {
    Clock { offset_seconds: i64 },
    Fault { org_number: String, fault: Option<Fault>, times: Option<u32> },
    Message(Box<Message>),
    Progress(Progress),
}

/// Everything the access point knows.
#[derive(Default)]
pub(super) struct State {
    pub messages: Vec<Message>,
    by_id: HashMap<String, usize>,
    /// Ids of messages that are not final, in order.
    open: Vec<String>,
    faults: HashMap<String, (Fault, Option<u32>)>,
    /// Submissions of an id that was already known.
    pub repeats: u64,
}

impl State {
    /// Makes a fact known.
    pub(super) fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::Clock { .. } => {}
            Fact::Fault { org_number, fault, times } => {
                match fact_fault(fault, times) {
                    Some(entry) => self.faults.insert(org_number, entry),
                    None => self.faults.remove(&org_number),
                };
            }
            Fact::Message(message) => {
                let id = message.progress.sbdh_instance_id.clone();
                if !message.progress.status.is_final() {
                    self.open.push(id.clone());
                }
                self.by_id.insert(id, self.messages.len());
                self.messages.push(*message);
            }
            Fact::Progress(progress) => {
                if progress.status.is_final() {
                    self.open.retain(|id| *id != progress.sbdh_instance_id);
                }
                if let Some(at) = self.by_id.get(&progress.sbdh_instance_id)
                    && let Some(message) = self.messages.get_mut(*at)
                {
                    message.progress = progress;
                }
            }
        }
    }

    /// A message by its SBDH instance id.
    pub(super) fn message(&self, id: &str) -> Option<&Message> {
        self.by_id.get(id).and_then(|at| self.messages.get(*at))
    }

    /// Messages that are not final.
    pub(super) fn in_transmission(&self) -> impl Iterator<Item = &Message> {
        self.open.iter().filter_map(|id| self.message(id))
    }

    /// Takes the fault of a receiver, counting its uses.
    pub(super) fn use_fault(&mut self, receiver: &str) -> Option<Fault> {
        let org_number = receiver.rsplit(':').next().unwrap_or(receiver);
        let (fault, left) = self.faults.get_mut(org_number)?;
        let fault = *fault;
        if let Some(left) = left {
            if *left == 0 {
                return None;
            }
            *left -= 1;
        }
        Some(fault)
    }

    /// What moving the clock does to each open message.
    pub(super) fn moved(&self, now: DateTime<Utc>) -> Vec<Progress> {
        self.in_transmission().filter_map(|message| message.next(now)).collect()
    }
}

/// 503 passes after two; the others stay until cleared.
fn fact_fault(fault: Option<Fault>, times: Option<u32>) -> Option<(Fault, Option<u32>)> {
    let fault = fault?;
    Some((fault, times.or((fault == Fault::Unavailable).then_some(2))))
}

impl Message {
    /// The next step of a message that is not final, if its time has come.
    fn next(&self, now: DateTime<Utc>) -> Option<Progress> {
        match self.progress.status {
            Status::Pending => Some(Progress { status: Status::Sending, ..self.progress.clone() }),
            Status::Failed if self.progress.next_retry_at.is_some_and(|at| at > now) => None,
            Status::Sending | Status::Failed => Some(self.attempt(now)),
            _ => None,
        }
    }

    /// One attempt to send.
    pub(super) fn attempt(&self, now: DateTime<Utc>) -> Progress {
        let attempts = self.progress.attempts + 1;
        let mut progress =
            Progress { attempts, completed_at: None, next_retry_at: None, error: None, ..self.progress.clone() };
        let error = match self.fault {
            Some(Fault::As4Error) => Some(("The receiving access point answered EBMS:0004 (Other)", false)),
            Some(Fault::FailsTwice) if attempts <= 2 => {
                Some(("Connection to the receiving access point failed", false))
            }
            Some(Fault::NotRegistered) => Some(("The receiver is not registered in the Peppol network", true)),
            Some(Fault::PermanentlyFailed) => Some(("The receiving access point refused the document", true)),
            _ => None,
        };
        match error {
            None => progress.status = Status::Sent,
            Some((text, hopeless)) if hopeless || attempts >= MOST_ATTEMPTS => {
                progress.status = Status::PermanentlyFailed;
                progress.error = Some(text.to_owned());
            }
            Some((text, _)) => {
                let wait = FIRST_WAIT << (attempts - 1);
                progress.status = Status::Failed;
                progress.error = Some(text.to_owned());
                progress.next_retry_at = Some(now + TimeDelta::try_seconds(wait).unwrap_or_default());
            }
        }
        if progress.status.is_final() {
            progress.completed_at = Some(now);
        }
        progress
    }
}

/// The document's own number: the first element called `ID`, whatever its prefix.
pub(super) fn document_id(xml: &str) -> Option<String> {
    xml.match_indices('<').find_map(|(at, _)| {
        let rest = xml.get(at + 1..)?;
        let (tag, after) = rest.split_once('>')?;
        let name = tag.split_whitespace().next()?;
        if name.rsplit(':').next() != Some("ID") {
            return None;
        }
        after.split('<').next().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    })
}

/// Whether it looks like an invoice or a credit note.
pub(super) fn is_billing(xml: &str) -> bool {
    ["Invoice-2", "CreditNote-2"]
        .iter()
        .any(|kind| xml.contains(&format!("urn:oasis:names:specification:ubl:schema:xsd:{kind}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_number_is_found() {
        let xml = "<?xml version=\"1.0\"?><Invoice xmlns:cbc=\"urn\"><cbc:CustomizationID>x</cbc:CustomizationID>\
                   <cbc:ID> 10007 </cbc:ID><cbc:ID>2</cbc:ID></Invoice>";
        assert_eq!(document_id(xml).as_deref(), Some("10007"));
        assert_eq!(document_id("<Invoice><cbc:ID>"), None);
        assert_eq!(document_id("nonsense"), None);
    }
}
