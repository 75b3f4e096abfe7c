//! What the gateway knows, and the facts that make it known: each is applied and written to the journal.

use super::fault::{Fault, Outcome};
use super::status::Status;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{HashMap, HashSet, VecDeque};
use uuid::Uuid;

/// An issuer as registered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Issuer {
    pub orgnr: String,
    pub name: String,
    pub accounts: Vec<String>,
    pub kid_length: Option<u64>,
    pub contact: Value,
    /// `pending`, `active`, `blocked` or `elsewhere`.
    pub status: String,
}

/// A consumer, known since a look-up or a control call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Consumer {
    pub identifier: String,
    pub outcome: Outcome,
    pub fault: Option<Fault>,
}

/// A step of an invoice.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Step {
    pub sequence: u64,
    pub at: DateTime<Utc>,
    pub status: Status,
    pub reason: Option<String>,
}

/// An invoice that was taken. The document itself is only measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the number's name is the one on the wire")]
pub(super) struct Invoice {
    pub id: Uuid,
    pub idempotency_key: Uuid,
    pub issuer: String,
    pub invoice_number: String,
    pub receiver: String,
    pub document_type: String,
    pub amount_ore: i64,
    pub due_date: String,
    pub kid: String,
    pub payment: String,
    pub document: String,
    /// Stays `received` until the clock is moved.
    pub waits: bool,
    /// Statuses that follow delivery at once.
    pub afterwards: Option<Status>,
    #[serde(default)]
    pub history: Vec<Step>,
}

impl Invoice {
    /// The newest status.
    pub(super) fn status(&self) -> Status {
        self.history.last().map_or(Status::Received, |step| step.status)
    }

    /// Whether it was ever in `status`.
    pub(super) fn was(&self, status: Status) -> bool {
        self.history.iter().any(|step| step.status == status)
    }
}

/// A status event, as polled and as sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Unique; the cursor of the list.
    pub event_id: String,
    /// Grows for each invoice.
    pub sequence: u64,
    /// Always `invoice.status`.
    #[serde(rename = "type")]
    pub kind: String,
    /// On the gateway's clock.
    pub occurred_at: DateTime<Utc>,
    /// The gateway's id.
    pub invoice_id: Uuid,
    /// Organisation number.
    pub issuer: String,
    /// The issuer's number.
    pub invoice_number: String,
    /// The status reached.
    pub status: Status,
    /// Why, when there is a reason.
    pub reason: Option<String>,
}

/// An answer kept for a repeat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Answer {
    pub status: u16,
    pub body: Value,
}

/// What can happen.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub(super) enum Fact {
    Clock { offset_seconds: i64 },
    Issuer(Issuer),
    Consumer(Consumer),
    Fault { invoice_number: String, fault: Option<Fault> },
    Invoice(Box<Invoice>),
    Event(Event),
    Answer { key: Uuid, digest: String, answer: Answer },
    Posted { issuer: String, invoice_number: String },
    Released { id: Uuid },
    Webhook(super::webhook::WebhookConfig),
    Sent { event_id: String },
}

/// An event on its way to the webhook.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub event_id: String,
    pub attempts: u32,
    pub not_before: DateTime<Utc>,
}

/// Everything the gateway knows.
#[derive(Default)]
pub(super) struct State {
    pub issuers: HashMap<String, Issuer>,
    pub consumers: HashMap<String, Consumer>,
    pub faults: HashMap<String, Fault>,
    pub invoices: Vec<Invoice>,
    pub by_id: HashMap<Uuid, usize>,
    pub by_number: HashMap<(String, String), usize>,
    pub waiting: Vec<Uuid>,
    pub events: Vec<Event>,
    pub event_at: HashMap<String, usize>,
    pub answers: HashMap<Uuid, (String, Answer)>,
    pub running: HashSet<Uuid>,
    pub posts: HashMap<(String, String), u64>,
    /// How often an invoice number has met 503.
    pub unavailable: HashMap<String, u32>,
    pub lookups: u64,
    pub webhook: super::webhook::WebhookConfig,
    pub deliveries: VecDeque<Delivery>,
    pub webhook_sent: u64,
    pub webhook_failed: u64,
    pub webhook_note: String,
    /// Lines for the journal since the state was taken.
    pub unwritten: Vec<u8>,
}

impl State {
    /// Makes a fact known.
    pub(super) fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::Clock { .. } => {}
            Fact::Issuer(issuer) => {
                self.issuers.insert(issuer.orgnr.clone(), issuer);
            }
            Fact::Consumer(consumer) => {
                self.consumers.insert(consumer.identifier.clone(), consumer);
            }
            Fact::Fault { invoice_number, fault } => {
                self.unavailable.remove(&invoice_number);
                match fault {
                    Some(fault) => self.faults.insert(invoice_number, fault),
                    None => self.faults.remove(&invoice_number),
                };
            }
            Fact::Invoice(invoice) => self.take(*invoice),
            Fact::Event(event) => self.happen(event),
            Fact::Answer { key, digest, answer } => {
                self.answers.insert(key, (digest, answer));
            }
            Fact::Posted { issuer, invoice_number } => *self.posts.entry((issuer, invoice_number)).or_default() += 1,
            Fact::Released { id } => self.waiting.retain(|waiting| *waiting != id),
            Fact::Webhook(config) => self.webhook = config,
            Fact::Sent { event_id } => {
                if self.deliveries.front().is_some_and(|first| first.event_id == event_id) {
                    self.deliveries.pop_front();
                } else {
                    self.deliveries.retain(|delivery| delivery.event_id != event_id);
                }
            }
        }
    }

    fn take(&mut self, invoice: Invoice) {
        let at = self.invoices.len();
        self.by_id.insert(invoice.id, at);
        self.by_number.insert((invoice.issuer.clone(), invoice.invoice_number.clone()), at);
        if invoice.waits {
            self.waiting.push(invoice.id);
        }
        self.invoices.push(invoice);
    }

    fn happen(&mut self, event: Event) {
        if let Some(invoice) = self.by_id.get(&event.invoice_id).and_then(|at| self.invoices.get_mut(*at)) {
            let (at, reason) = (event.occurred_at, event.reason.clone());
            invoice.history.push(Step { sequence: event.sequence, at, status: event.status, reason });
        }
        if self.webhook.sends() {
            let not_before = self.webhook.first_attempt(event.occurred_at);
            self.deliveries.push_back(Delivery { event_id: event.event_id.clone(), attempts: 0, not_before });
        }
        self.event_at.insert(event.event_id.clone(), self.events.len());
        self.events.push(event);
    }

    /// An invoice by the gateway's id.
    pub(super) fn invoice(&self, id: Uuid) -> Option<&Invoice> {
        self.by_id.get(&id).and_then(|at| self.invoices.get(*at))
    }

    /// An invoice by the issuer's number.
    pub(super) fn numbered(&self, issuer: &str, number: &str) -> Option<&Invoice> {
        self.by_number.get(&(issuer.to_owned(), number.to_owned())).and_then(|at| self.invoices.get(*at))
    }

    /// Events after a cursor; `None` when the cursor is unknown.
    pub(super) fn events_after(&self, after: &str, limit: usize) -> Option<&[Event]> {
        let start = if after.is_empty() { 0 } else { self.event_at.get(after)? + 1 };
        self.events.get(start..start.saturating_add(limit).min(self.events.len()))
    }
}
