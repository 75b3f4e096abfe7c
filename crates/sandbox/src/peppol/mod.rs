//! The Peppol look-up: a DNS server for NAPTR records and the SMP they point to.
//!
//! May import `net`. The DNS bytes are in `dns`, the HTTP side in `smp`.

mod dns;
mod smp;

pub use dns::participant_hash;

use crate::net::outage::Switch;
use crate::net::server::HttpServer;
use crate::net::{Outage, lock};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// What a participant takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Documents {
    /// Both.
    InvoiceAndCreditNote,
    /// Invoices, no credit notes.
    InvoiceOnly,
    /// In the DNS and the SMP, but for something else.
    None,
}

/// How the look-up fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It does not.
    #[default]
    None,
    /// DNS answers SERVFAIL.
    DnsServfail,
    /// DNS says nothing.
    DnsSilent,
    /// DNS answers with the truncated bit and no record.
    DnsTruncated,
    /// The SMP answers 500.
    SmpError,
    /// The SMP answers 404 though the DNS knows the participant.
    SmpNotFound,
    /// The SMP answers with something that is not a ServiceGroup.
    SmpNonsense,
}

/// How the look-up is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the SMP listens; port 0 picks a free one.
    pub smp_address: SocketAddr,
    /// Where the DNS server listens; port 0 picks a free one.
    pub dns_address: SocketAddr,
    /// Zone of the participants.
    pub zone: String,
}

impl Default for Options {
    fn default() -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { smp_address: free, dns_address: free, zone: "participant.sml.test.tech.peppol.org".to_owned() }
    }
}

/// How often each side was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// DNS questions, bad ones too.
    pub dns_queries: u64,
    /// Requests to the SMP.
    pub smp_requests: u64,
}

/// What both sides share.
#[derive(Default)]
struct Registry {
    participants: HashMap<String, Documents>,
    faults: HashMap<String, Fault>,
    /// For everyone without a fault of its own.
    fault: Fault,
    /// Organisation numbers by the label they have in the zone, in lower case.
    hashes: HashMap<String, String>,
    counters: Counters,
}

impl Registry {
    fn learn(&mut self, orgnr: &str) {
        self.hashes.insert(participant_hash(orgnr).to_lowercase(), orgnr.to_owned());
    }

    fn register(&mut self, orgnr: &str, documents: Documents) {
        self.learn(orgnr);
        self.participants.insert(orgnr.to_owned(), documents);
    }

    fn set_fault(&mut self, orgnr: Option<&str>, fault: Fault) {
        match orgnr {
            None => self.fault = fault,
            Some(orgnr) if fault == Fault::None => {
                self.faults.remove(orgnr);
            }
            Some(orgnr) => {
                self.learn(orgnr);
                self.faults.insert(orgnr.to_owned(), fault);
            }
        }
    }

    fn fault_of(&self, orgnr: &str) -> Fault {
        self.faults.get(orgnr).copied().unwrap_or(self.fault)
    }
}

/// The network; it ends when dropped.
pub struct PeppolNetwork {
    registry: Arc<Mutex<Registry>>,
    switch: Arc<Switch>,
    server: HttpServer,
    dns_address: SocketAddr,
    dns: JoinHandle<()>,
    zone: String,
}

impl Drop for PeppolNetwork {
    fn drop(&mut self) {
        self.dns.abort();
    }
}

impl PeppolNetwork {
    /// A network on free ports.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(Options::default()).await
    }

    /// A network where the caller wants it.
    pub async fn start_with(options: Options) -> io::Result<Self> {
        let registry: Arc<Mutex<Registry>> = Arc::default();
        let switch: Arc<Switch> = Arc::default();
        let router = smp::router(registry.clone(), switch.clone());
        let server = HttpServer::start(options.smp_address, router, switch.clone()).await?;
        let socket = UdpSocket::bind(options.dns_address).await?;
        let dns_address = socket.local_addr()?;
        let responder =
            dns::Responder { registry: registry.clone(), zone: options.zone.clone(), smp_url: server.base_url() };
        let dns = tokio::spawn(responder.run(socket));
        Ok(Self { registry, switch, server, dns_address, dns, zone: options.zone })
    }

    /// Where the DNS server listens (UDP).
    pub const fn dns_addr(&self) -> SocketAddr {
        self.dns_address
    }

    /// The SMP's base URL, as the NAPTR records say it.
    pub fn smp_url(&self) -> String {
        self.server.base_url()
    }

    /// The zone of the participants.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// Puts an organisation into the network.
    pub fn register(&self, orgnr: &str, documents: Documents) {
        lock(&self.registry).register(orgnr, documents);
    }

    /// Takes it out again.
    pub fn forget(&self, orgnr: &str) {
        lock(&self.registry).participants.remove(orgnr);
    }

    /// Sets how the look-up fails: for one organisation, or for all.
    pub fn fault(&self, orgnr: Option<&str>, fault: Fault) {
        lock(&self.registry).set_fault(orgnr, fault);
    }

    /// Takes the SMP down, up again, or makes it slow.
    pub fn outage(&self, change: Outage) {
        self.switch.set(change);
    }

    /// How often each side was asked.
    pub fn counters(&self) -> Counters {
        lock(&self.registry).counters
    }
}
