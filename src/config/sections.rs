//! The sections of the settings; `config/default.toml` says what each key means.

use chrono::NaiveDate;
use domain::network::Range;
use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;

/// Where rows live.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// What the service signs in with.
    pub url: SecretString,
    /// What `reskontro migrate` signs in with; PostgreSQL only.
    pub owner_url: Option<SecretString>,
    /// What deletes expired data signs in with; PostgreSQL only.
    pub retention_url: Option<SecretString>,
    /// What `reskontro backup` reads with; PostgreSQL only.
    pub backup_url: Option<SecretString>,
    /// Links to PostgreSQL on other hosts may be readable by others; for development.
    pub allow_clear: bool,
    /// Connections of one process.
    pub max_connections: u32,
    /// Seconds to wait for a connection.
    pub acquire_timeout_seconds: u64,
}

/// Where files live.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Folder of documents, bank files and keys.
    pub dir: PathBuf,
}

/// What must outlive the database.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledgers {
    /// Folder of who was erased and of what the world has seen.
    pub dir: PathBuf,
}

/// Backups.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Folder they are written to.
    pub dir: PathBuf,
    /// Object storage they are written to instead.
    pub s3: Option<S3>,
    /// age recipients who can read them; without any no backup is made.
    pub recipients: Vec<String>,
    /// Days one lives at most.
    pub keep_days: i64,
    /// Folder of pg_dump and pg_restore; empty for those of the system.
    pub pg_bin: String,
}

/// A bucket of S3-compatible object storage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// Address of the storage, without the bucket.
    pub endpoint: String,
    /// The bucket, for backups alone.
    pub bucket: String,
    /// The region requests are signed for.
    pub region: String,
    /// What names begin with in it; empty for the whole bucket.
    #[serde(default)]
    pub prefix: String,
    /// Which key.
    pub access_key_id: String,
    /// The key's secret.
    pub secret_access_key: SecretString,
    /// The bucket is part of the host name.
    #[serde(default)]
    pub virtual_hosted: bool,
}

/// The web server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port.
    pub bind: String,
    /// Proxies in front of the service: what they say of where a request came from is believed, and nobody else.
    pub trusted_proxies: Vec<Range>,
    /// The header they say it in.
    pub forwarded_header: ForwardedHeader,
    /// Requests over a line others can read are answered; for development.
    pub allow_clear: bool,
}

/// The header in which a proxy says where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`.
    #[serde(rename = "x-forwarded-for")]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    #[serde(rename = "forwarded")]
    Forwarded,
}

impl ForwardedHeader {
    /// Whether it is the one of RFC 7239.
    pub const fn is_standard(self) -> bool {
        matches!(self, Self::Forwarded)
    }
}

/// Sign-ins that fail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Failures from one address within the window, after which it is blocked.
    pub failures: i64,
    /// Minutes of the window.
    pub window_minutes: i64,
    /// Minutes of the first block; each further one lasts twice as long.
    pub block_minutes: i64,
    /// Hours a block by the service lasts at most.
    pub longest_block_hours: i64,
}

/// How mail leaves.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Spool folder or relay.
    pub mode: MailMode,
    /// Folder of `.eml` files.
    pub spool_dir: PathBuf,
    /// Relay host.
    pub host: String,
    /// Relay port.
    pub port: u16,
    /// Encryption.
    pub tls: MailTls,
    /// Account at the relay; empty for none.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// A private certificate authority in PEM, besides the public ones.
    pub ca_file: Option<PathBuf>,
    /// Name given in EHLO; empty for the host's own.
    pub hello: String,
    /// Domain of Message-IDs and envelope senders.
    pub domain: String,
    /// Connections kept open.
    pub connections: usize,
    /// Seconds before a silent relay is given up.
    pub timeout_seconds: u64,
    /// Larger mails carry only the link to the payer's page.
    pub max_bytes: usize,
    /// Mails a second and process; 0 is no limit.
    pub per_second: u32,
    /// Signs mail by DKIM with this key in PEM.
    pub dkim_key_file: Option<PathBuf>,
    /// Selector of the key in DNS.
    pub dkim_selector: String,
    /// Domain that signs; empty for `domain`.
    pub dkim_domain: String,
    /// Where bounces come to.
    pub inbox: InboxMode,
    /// Folder of the maildir.
    pub inbox_dir: PathBuf,
    /// IMAP host.
    pub imap_host: String,
    /// IMAP port, TLS from the first byte.
    pub imap_port: u16,
    /// Account of the mailbox.
    pub imap_username: String,
    /// Its password.
    pub imap_password: SecretString,
    /// Folder of the mailbox.
    pub imap_folder: String,
}

/// Where bounces come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboxMode {
    /// Nowhere; `reskontro mail inbound` reads them from standard input.
    None,
    /// A maildir.
    Maildir,
    /// A mailbox over IMAP.
    Imap,
}

/// The eFaktura gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Efaktura {
    /// Whether there is one.
    pub mode: EfakturaMode,
    /// Its address.
    pub base_url: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: SecretString,
    /// Secrets of its webhook, `whsec_…`, the old one too while it changes.
    pub webhook_secrets: Vec<SecretString>,
    /// A private certificate authority in PEM, besides the public ones.
    pub ca_file: Option<PathBuf>,
    /// Days the gateway wants before the due date.
    pub min_days: u16,
    /// Claims on mandates are sent, so requests of such customers say that AvtaleGiro pays.
    pub avtalegiro: bool,
    /// Documents handed over at a time.
    pub workers: usize,
    /// Calls a second and process; 0 is no limit.
    pub per_second: u32,
    /// Seconds before a silent gateway is given up.
    pub timeout_seconds: u64,
}

/// Whether there is a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EfakturaMode {
    /// There is none.
    Off,
    /// One that speaks the contract of `docs/efaktura.md`.
    Gateway,
}

/// How e-invoices leave.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ehf {
    /// Access point or folder.
    pub mode: EhfMode,
    /// Folder of `.xml` files.
    pub dir: PathBuf,
    /// Address of the access point.
    pub base_url: String,
    /// Its token.
    pub token: SecretString,
    /// A private certificate authority in PEM, besides the public ones.
    pub ca_file: Option<PathBuf>,
    /// How receivers are found.
    pub lookup: LookupMode,
    /// DNS zone of the Peppol network.
    pub dns_zone: String,
    /// DNS server, address and port; empty for the system's own.
    pub dns_server: String,
    /// Documents handed over at a time.
    pub workers: usize,
    /// Documents a second and process; 0 is no limit.
    pub per_second: u32,
    /// Seconds before a silent access point is given up.
    pub timeout_seconds: u64,
}

/// Access point or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EhfMode {
    /// No e-invoices.
    Off,
    /// `.xml` files in a folder, for a person to upload.
    Files,
    /// phase4-peppol-standalone.
    Phase4,
    /// phoss-ap.
    Phoss,
}

/// How receivers are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LookupMode {
    /// Not at all: every business with a number is taken to be registered.
    None,
    /// DNS and the receiver's SMP.
    Dns,
}

/// Spool folder or relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailMode {
    /// `.eml` files in a folder.
    Spool,
    /// SMTP.
    Smtp,
}

impl Mail {
    /// Whether mail goes into a folder.
    pub const fn is_spooled(&self) -> bool {
        matches!(self.mode, MailMode::Spool)
    }
}

/// Encryption towards the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// In clear; loopback only.
    None,
    /// Starts in clear, and refuses to go on without TLS.
    Starttls,
    /// TLS from the first byte.
    Tls,
}

/// Calls of integrators' endpoints.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// Endpoints on this host, without encryption; for development.
    pub allow_local: bool,
    /// Seconds before a silent endpoint is given up.
    pub timeout_seconds: u64,
}

/// People who sign in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Console {
    /// The service is reached over https: by a proxy in front of it.
    pub https: bool,
    /// Minutes after which somebody idle must sign in again.
    pub idle_minutes: i64,
}

/// The payer's page.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payer {
    /// The service's public address; empty for no links.
    pub base_url: String,
    /// Days a link works.
    pub link_days: i64,
}

impl Payer {
    /// Whether payers come over https: their cookies then never travel in clear.
    pub fn is_https(&self) -> bool {
        self.base_url.starts_with("https://")
    }
}

/// Who works for the installation, and what organisations agree to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    /// The service does not start while a setting points at a host nobody has registered.
    pub require_registered_processors: bool,
    /// Version of the data-processing agreement in force.
    pub dpa_version: String,
    /// Local part of the address letters about privacy come to; empty for none.
    pub mailbox: String,
}

/// What is too large.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a customer list.
    pub customer_list_bytes: usize,
    /// Bytes of a bank file.
    pub bank_file_bytes: usize,
    /// Bytes of any other request.
    pub body_bytes: usize,
    /// Seconds a request may take.
    pub request_seconds: u64,
}

/// Dated rules of law that may move.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// First day e-invoices between businesses are a duty.
    pub einvoice_duty_from: NaiveDate,
}

/// Background work.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Whether `serve` runs it.
    pub enabled: bool,
    /// Seconds between looks at the queues.
    pub poll_seconds: u64,
    /// Seconds a worker may hold a delivery.
    pub lease_seconds: i64,
    /// Invoices issued in one transaction of a run.
    pub run_batch: u64,
}

/// What is logged and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `text` or `json`.
    pub format: String,
    /// A `tracing` filter.
    pub filter: String,
}
