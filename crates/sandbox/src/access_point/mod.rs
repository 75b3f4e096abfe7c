//! An access point with the REST interfaces of phase4-peppol-standalone and phoss-ap on one server.
//!
//! May import `net`. To add a call: its handler in `standalone` or `queue`, its state as a fact in `state`.

mod control;
mod page;
mod queue;
mod standalone;
mod state;

pub use control::Tally;
pub use state::{Fault, Status};

use crate::net::clock::Clock;
use crate::net::journal::Journal;
use crate::net::outage::Switch;
use crate::net::server::HttpServer;
use crate::net::{Outage, Refused, lock};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use state::{Fact, State};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Largest document.
const MOST_BODY: usize = 32 * 1024 * 1024;

/// How an access point is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 picks a free one.
    pub address: SocketAddr,
    /// What `X-Token` must hold.
    pub token: String,
    /// Queued messages are sent at once; otherwise one step each time the clock is moved.
    pub auto: bool,
    /// File that keeps everything over a restart, documents included.
    pub journal: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: "sandbox-token".to_owned(),
            auto: true,
            journal: None,
        }
    }
}

/// What the handlers share.
struct Point {
    options: Options,
    clock: Clock,
    switch: Arc<Switch>,
    journal: Journal,
    state: Mutex<State>,
}

impl Point {
    /// Changes the state; the facts go to the disk as one write.
    fn record(&self, state: &mut State, facts: impl IntoIterator<Item = Fact>) {
        let mut lines = Vec::new();
        for fact in facts {
            self.journal.write(&mut lines, &fact);
            state.apply(fact);
        }
        self.journal.append(lines);
    }

    /// Checks `X-Token`.
    fn allow(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let token = headers.get("x-token").and_then(|value| value.to_str().ok());
        if token == Some(self.options.token.as_str()) {
            return Ok(());
        }
        let text = "The specified token value does not match the configured required token";
        Err(Box::new((StatusCode::FORBIDDEN, text).into_response()))
    }

    /// Moves the clock and what waits for it.
    fn advance(&self, seconds: i64) -> DateTime<Utc> {
        let mut state = lock(&self.state);
        let offset_seconds = self.clock.offset().saturating_add(seconds);
        self.clock.set_offset(offset_seconds);
        let now = self.clock.now();
        let mut facts = vec![Fact::Clock { offset_seconds }];
        facts.extend(state.moved(now).into_iter().map(Fact::Progress));
        self.record(&mut state, facts);
        now
    }
}

/// The access point; it ends when dropped.
pub struct AccessPoint {
    server: HttpServer,
    point: Arc<Point>,
}

impl Drop for AccessPoint {
    fn drop(&mut self) {
        self.point.journal.sync_blocking();
    }
}

impl AccessPoint {
    /// Reads the journal, listens and serves.
    pub async fn start(options: Options) -> io::Result<Self> {
        let (journal, facts) = Journal::open::<Fact>(options.journal.as_deref())?;
        let (clock, mut state) = (Clock::default(), State::default());
        for fact in facts {
            if let Fact::Clock { offset_seconds } = fact {
                clock.set_offset(offset_seconds);
            }
            state.apply(fact);
        }
        let point = Arc::new(Point { options, clock, switch: Arc::default(), journal, state: Mutex::new(state) });
        let router = Router::new()
            .route("/", axum::routing::get(page::show))
            .merge(standalone::router())
            .merge(queue::router())
            .merge(control::router())
            .with_state(point.clone());
        let server = HttpServer::start(point.options.address, router, point.switch.clone()).await?;
        Ok(Self { server, point })
    }

    /// `http://127.0.0.1:port`.
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// What `X-Token` must hold.
    pub fn token(&self) -> &str {
        &self.point.options.token
    }

    /// Takes the access point down, up again, or makes it slow.
    pub fn outage(&self, change: Outage) {
        self.point.switch.set(change);
    }

    /// Moves the clock; messages that waited go on.
    pub fn advance(&self, seconds: i64) -> DateTime<Utc> {
        self.point.advance(seconds)
    }

    /// Sets or clears what goes wrong with a receiver; `times` limits how often.
    pub fn fault(&self, org_number: &str, fault: Option<Fault>, times: Option<u32>) {
        let fact = Fact::Fault { org_number: org_number.to_owned(), fault, times };
        self.point.record(&mut lock(&self.point.state), [fact]);
    }

    /// Every message made, in order.
    pub fn received(&self) -> Vec<Tally> {
        control::tallies(&lock(&self.point.state))
    }

    /// The document of a message.
    pub fn document(&self, sbdh_instance_id: &str) -> Option<Arc<str>> {
        lock(&self.point.state).message(sbdh_instance_id).map(|message| message.xml.clone())
    }

    /// Where a queued message stands.
    pub fn status(&self, sbdh_instance_id: &str) -> Option<Status> {
        lock(&self.point.state).message(sbdh_instance_id).map(|message| message.progress.status)
    }
}
