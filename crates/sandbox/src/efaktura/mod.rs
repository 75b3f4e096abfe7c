//! The eFaktura gateway: OAuth2, issuers, look-up, invoices, events and a signed webhook over real HTTP.
//!
//! May import `net`. To add a call: its handler in `routes`, its state as a fact in `state`.

mod auth;
mod body;
pub(crate) mod checks;
mod control;
mod fault;
mod invoice;
mod lookup;
mod page;
mod problem;
mod routes;
mod state;
mod status;
mod submit;
mod webhook;

pub use auth::SCOPES;
pub use control::Tally;
pub use fault::{Fault, Outcome, REJECT_CODES, identifier_of};
pub use state::Event;
pub use status::Status;
pub use webhook::{WebhookConfig, WebhookMode, sign};

use crate::net::clock::Clock;
use crate::net::journal::Journal;
use crate::net::outage::Switch;
use crate::net::server::HttpServer;
use crate::net::{Outage, lock, random_id};
use chrono::{DateTime, Utc};
use state::{Consumer, Fact, State};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How a gateway is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 picks a free one.
    pub address: SocketAddr,
    /// OAuth2 client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Life of a token, on the gateway's clock.
    pub token_seconds: i64,
    /// Days from today to the earliest due date.
    pub min_days: i64,
    /// Invoices go from received to delivered at once; otherwise when the clock is moved.
    pub auto: bool,
    /// Look-ups a second; the contract says 10, `None` does not count.
    pub lookups_per_second: Option<u32>,
    /// Where events are sent.
    pub webhook: Option<WebhookConfig>,
    /// File that keeps everything over a restart.
    pub journal: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            client_id: "reskontro".to_owned(),
            client_secret: "sandbox-secret".to_owned(),
            token_seconds: 3600,
            min_days: 4,
            auto: true,
            lookups_per_second: None,
            webhook: None,
            journal: None,
        }
    }
}

/// What the handlers share.
struct Gateway {
    options: Options,
    clock: Clock,
    switch: Arc<Switch>,
    journal: Journal,
    state: Mutex<State>,
    tokens: Mutex<HashMap<String, auth::Token>>,
    lookup_rate: Mutex<routes::Rate>,
    /// Rung when there is something to send.
    bell: Notify,
}

/// The state, held; it is written when let go.
struct Held<'a> {
    state: MutexGuard<'a, State>,
    journal: &'a Journal,
}

impl Deref for Held<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.journal.append(std::mem::take(&mut self.state.unwritten));
    }
}

impl Gateway {
    /// Takes the state. What is recorded under one hold goes to the disk as one write.
    fn hold(&self) -> Held<'_> {
        Held { state: lock(&self.state), journal: &self.journal }
    }

    /// Makes facts known and notes them for the disk, in one order.
    fn record(&self, state: &mut State, facts: impl IntoIterator<Item = Fact>) {
        for fact in facts {
            self.journal.write(&mut state.unwritten, &fact);
            state.apply(fact);
        }
    }

    /// Moves an invoice; the event is known at once.
    fn step(&self, state: &mut State, id: Uuid, status: Status, reason: Option<&str>) -> Option<Event> {
        let invoice = state.invoice(id)?;
        let event = Event {
            event_id: random_id().to_string(),
            sequence: invoice.history.last().map_or(1, |step| step.sequence + 1),
            kind: "invoice.status".to_owned(),
            occurred_at: self.clock.now(),
            invoice_id: id,
            issuer: invoice.issuer.clone(),
            invoice_number: invoice.invoice_number.clone(),
            status,
            reason: reason.map(str::to_owned),
        };
        self.record(state, [Fact::Event(event.clone())]);
        self.bell.notify_one();
        Some(event)
    }

    /// Takes an invoice on from `received` to the bank, and whatever comes after.
    fn carry(&self, state: &mut State, id: Uuid) {
        let afterwards = state.invoice(id).and_then(|invoice| invoice.afterwards);
        for status in [Some(Status::Accepted), Some(Status::Delivered), afterwards].into_iter().flatten() {
            self.step(state, id, status, None);
        }
    }

    /// Moves the clock and everything that waited for it.
    fn advance(&self, seconds: i64) -> DateTime<Utc> {
        let mut state = self.hold();
        let offset_seconds = self.clock.offset().saturating_add(seconds);
        self.clock.set_offset(offset_seconds);
        self.record(&mut state, [Fact::Clock { offset_seconds }]);
        for id in state.waiting.clone() {
            self.record(&mut state, [Fact::Released { id }]);
            if state.invoice(id).is_some_and(|invoice| invoice.status() == Status::Received) {
                self.carry(&mut state, id);
            }
        }
        self.bell.notify_one();
        self.clock.now()
    }
}

/// The gateway; it ends when dropped.
pub struct EfakturaGateway {
    server: HttpServer,
    sender: JoinHandle<()>,
    gateway: Arc<Gateway>,
}

impl Drop for EfakturaGateway {
    fn drop(&mut self) {
        self.sender.abort();
        self.gateway.journal.sync_blocking();
    }
}

impl EfakturaGateway {
    /// Reads the journal, listens and serves.
    pub async fn start(options: Options) -> io::Result<Self> {
        let (journal, facts) = Journal::open::<Fact>(options.journal.as_deref())?;
        let (clock, mut state) = (Clock::default(), State::default());
        // Before the facts, so that events not sent yet are queued again; after them, because the caller decides.
        state.webhook = options.webhook.clone().unwrap_or_default();
        for fact in facts {
            if let Fact::Clock { offset_seconds } = fact {
                clock.set_offset(offset_seconds);
            }
            state.apply(fact);
        }
        if let Some(config) = &options.webhook {
            state.webhook = config.clone();
        }
        let gateway = Arc::new(Gateway {
            lookup_rate: Mutex::new(routes::Rate::new(options.lookups_per_second)),
            options,
            clock,
            switch: Arc::default(),
            journal,
            state: Mutex::new(state),
            tokens: Mutex::default(),
            bell: Notify::new(),
        });
        let router = routes::router(gateway.clone());
        let server = HttpServer::start(gateway.options.address, router, gateway.switch.clone()).await?;
        let sender = tokio::spawn(webhook::run(gateway.clone()));
        Ok(Self { server, sender, gateway })
    }

    /// `http://127.0.0.1:port`.
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// The OAuth2 client.
    pub fn client_id(&self) -> &str {
        &self.gateway.options.client_id
    }

    /// The client's secret.
    pub fn client_secret(&self) -> &str {
        &self.gateway.options.client_secret
    }

    /// Takes the gateway down, up again, or makes it slow.
    pub fn outage(&self, change: Outage) {
        self.gateway.switch.set(change);
    }

    /// Moves the clock; what waited for it goes on.
    pub fn advance(&self, seconds: i64) -> DateTime<Utc> {
        self.gateway.advance(seconds)
    }

    /// The gateway's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.gateway.clock.now()
    }

    /// Sets or, with `None`, clears the fault of an invoice number.
    pub fn fault(&self, invoice_number: &str, fault: Option<Fault>) {
        let fact = Fact::Fault { invoice_number: invoice_number.to_owned(), fault };
        self.gateway.record(&mut self.gateway.hold(), [fact]);
    }

    /// Sets what a look-up finds, by e-mail address or national id. Gives the identifier.
    pub fn consumer(&self, key: &str, outcome: Outcome) -> String {
        let identifier = identifier_of(key);
        let consumer = Consumer { identifier: identifier.clone(), outcome, fault: Fault::of_email(key) };
        self.gateway.record(&mut self.gateway.hold(), [Fact::Consumer(consumer)]);
        identifier
    }

    /// Fires a status, whatever came before. `None` when the invoice is unknown.
    pub fn set_status(&self, id: Uuid, status: Status, reason: Option<&str>) -> Option<Event> {
        self.gateway.step(&mut self.gateway.hold(), id, status, reason)
    }

    /// Changes where and how events are sent.
    pub fn webhook(&self, config: WebhookConfig) {
        self.gateway.record(&mut self.gateway.hold(), [Fact::Webhook(config)]);
        self.gateway.bell.notify_one();
    }

    /// Forgets all tokens, as a gateway that was restarted.
    pub fn revoke_tokens(&self) {
        lock(&self.gateway.tokens).clear();
    }

    /// Every event so far.
    pub fn events(&self) -> Vec<Event> {
        self.gateway.hold().events.clone()
    }

    /// Every invoice taken, with how often it was posted.
    pub fn received(&self) -> Vec<Tally> {
        control::tallies(&self.gateway.hold())
    }
}
