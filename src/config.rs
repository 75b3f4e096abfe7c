//! Typed settings: `config/default.toml`, then the file named by `RESKONTRO_CONFIG`, then the environment
//! (`RESKONTRO__SECTION__KEY`). The only place that reads the environment.

use chrono::NaiveDate;
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::path::PathBuf;

/// Every key with its default and what it means.
pub const DEFAULT_TOML: &str = include_str!("../config/default.toml");

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where rows live.
    pub database: Database,
    /// Where files live.
    pub files: Files,
    /// What must outlive the database.
    pub ledgers: Ledgers,
    /// Backups.
    pub backup: Backup,
    /// The web server.
    pub http: Http,
    /// How mail leaves.
    pub mail: Mail,
    /// The eFaktura gateway.
    pub efaktura: Efaktura,
    /// How e-invoices leave.
    pub ehf: Ehf,
    /// Calls of integrators' endpoints.
    pub webhooks: Webhooks,
    /// People who sign in.
    pub console: Console,
    /// The payer's page.
    pub payer: Payer,
    /// Who works for the installation, and what organisations agree to.
    pub privacy: Privacy,
    /// What is too large.
    pub limits: Limits,
    /// Dated rules of law that may move.
    pub rules: Rules,
    /// Background work.
    pub worker: Worker,
    /// What is logged and how.
    pub log: Log,
}

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
    /// age recipients who can read them; without any no backup is made.
    pub recipients: Vec<String>,
    /// Days one lives at most.
    pub keep_days: i64,
    /// Folder of pg_dump and pg_restore; empty for those of the system.
    pub pg_bin: String,
}

/// The web server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port.
    pub bind: String,
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

impl Privacy {
    fn validate(&self) -> Result<(), ConfigError> {
        let fail = |key, message: &str| Err(ConfigError::Invalid { key, message: message.to_owned() });
        if !is_local_part(&self.mailbox) {
            return fail("privacy.mailbox", "give what stands before the @, such as privacy; leave it empty for none");
        }
        if self.dpa_version.trim().is_empty() || self.dpa_version.chars().count() > 40 {
            return fail("privacy.dpa_version", "give the version in force, such as 2026-11");
        }
        Ok(())
    }
}

/// What may stand before the @ of an address of ours; `b` is taken by bounces.
fn is_local_part(text: &str) -> bool {
    text != "b" && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Missing, of the wrong type or unknown.
    #[error("{0}")]
    Read(Box<figment::Error>),
    /// Of the right type and still wrong.
    #[error("{key}: {message}")]
    Invalid {
        /// The key.
        key: &'static str,
        /// What to do.
        message: String,
    },
}

impl Config {
    /// Reads defaults, the file named by `RESKONTRO_CONFIG`, and the environment.
    pub fn load() -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULT_TOML));
        if let Some(path) = std::env::var_os("RESKONTRO_CONFIG") {
            figment = figment.merge(Toml::file_exact(PathBuf::from(path)));
        }
        Self::from_figment(&figment.merge(Env::prefixed("RESKONTRO__").split("__")))
    }

    /// Defaults with changes in TOML, for tests and the demo.
    pub fn with(changes: &str) -> Result<Self, ConfigError> {
        Self::from_figment(&Figment::from(Toml::string(DEFAULT_TOML)).merge(Toml::string(changes)))
    }

    fn from_figment(figment: &Figment) -> Result<Self, ConfigError> {
        let config: Self = figment.extract().map_err(|e| ConfigError::Read(Box::new(e)))?;
        config.validate()?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let fail = |key, message: &str| Err(ConfigError::Invalid { key, message: message.to_owned() });
        let url = self.database.url.expose_secret();
        if !url.starts_with("sqlite:") && !url.starts_with("postgres") {
            return fail("database.url", "start it with sqlite: or postgres://");
        }
        if self.database.acquire_timeout_seconds <= 30 {
            return fail(
                "database.acquire_timeout_seconds",
                "must be above 30, the time a writer may wait for another",
            );
        }
        if !(1..=30).contains(&self.backup.keep_days) {
            return fail("backup.keep_days", "1 to 30 days: longer is promised to nobody, and forbidden by the policy");
        }
        if let Some(bad) = self.backup.recipients.iter().find(|r| r.parse::<age::x25519::Recipient>().is_err()) {
            return fail("backup.recipients", &format!("{bad:?} is no age recipient; it begins with age1"));
        }
        if lies_in(&self.ledgers.dir, &self.backup.dir) || lies_in(&self.backup.dir, &self.ledgers.dir) {
            return fail("ledgers.dir", "keep it outside backup.dir: a restore needs what backups cannot hold");
        }
        if let Some(folder) = self.database_folder().filter(|folder| lies_in(&self.ledgers.dir, folder)) {
            let message =
                format!("keep it outside {}, the folder of the database: it must outlive it", folder.display());
            return fail("ledgers.dir", &message);
        }
        if lies_in(&self.ledgers.dir, &self.files.dir) || lies_in(&self.files.dir, &self.ledgers.dir) {
            return fail("ledgers.dir", "keep it outside files.dir, which every backup holds as it was then");
        }
        if lies_in(&self.backup.dir, &self.files.dir) {
            return fail("backup.dir", "keep it outside files.dir, which is part of every backup");
        }
        if self.http.bind.parse::<std::net::SocketAddr>().is_err() {
            return fail("http.bind", "give an address and a port, such as 127.0.0.1:8080");
        }
        if self.mail.domain.is_empty() || self.mail.domain.contains('@') {
            return fail("mail.domain", "give a domain, such as faktura.example.no");
        }
        let loopback = matches!(self.mail.host.as_str(), "localhost" | "127.0.0.1" | "::1");
        if self.mail.mode == MailMode::Smtp && self.mail.tls == MailTls::None && !loopback {
            return fail("mail.tls", "use starttls or tls; mail in clear is only for a relay on this host");
        }
        if self.efaktura.mode == EfakturaMode::Gateway && !is_safe_url(&self.efaktura.base_url) {
            return fail("efaktura.base_url", "give the gateway's address, https:// unless it is on this host");
        }
        if matches!(self.ehf.mode, EhfMode::Phase4 | EhfMode::Phoss) && !is_safe_url(&self.ehf.base_url) {
            return fail("ehf.base_url", "give the access point's address, https:// unless it is on this host");
        }
        if !self.ehf.dns_server.is_empty() && self.ehf.dns_server.parse::<std::net::SocketAddr>().is_err() {
            return fail("ehf.dns_server", "give an address and a port, such as 192.0.2.53:53");
        }
        if !self.payer.base_url.is_empty() && !is_safe_origin(&self.payer.base_url) {
            let message =
                "give the public address without a path, https:// unless it is on this host; or leave it empty";
            return fail("payer.base_url", message);
        }
        if !(1..=3650).contains(&self.payer.link_days) {
            return fail("payer.link_days", "1 to 3650 days");
        }
        if self.efaktura.workers == 0 || self.ehf.workers == 0 {
            return fail("efaktura.workers", "at least one worker a channel");
        }
        self.privacy.validate()?;
        if self.mail.connections == 0 || self.worker.run_batch == 0 {
            return fail("mail.connections", "at least one connection and one invoice a batch");
        }
        Ok(())
    }
}

impl Config {
    /// The folder of the embedded database.
    fn database_folder(&self) -> Option<PathBuf> {
        let path = self.database.url.expose_secret().strip_prefix("sqlite:")?.trim_start_matches("//");
        let folder = std::path::Path::new(path).parent()?;
        Some(folder.to_path_buf()).filter(|f| !f.as_os_str().is_empty())
    }
}

/// Whether a folder is another one, or lies in it.
fn lies_in(inner: &std::path::Path, outer: &std::path::Path) -> bool {
    let whole = |path: &std::path::Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    whole(inner).starts_with(whole(outer))
}

/// Encrypted, or not leaving this host.
fn is_safe_url(url: &str) -> bool {
    let host = |rest: &str| rest.split(['/', ':']).next().unwrap_or_default().to_owned();
    match url.split_once("://") {
        Some(("https", rest)) => !host(rest).is_empty(),
        Some(("http", rest)) => matches!(host(rest).as_str(), "localhost" | "127.0.0.1"),
        _ => false,
    }
}

/// A safe address that is a host and a port alone: the pages stand at the top of it.
fn is_safe_origin(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = rest.strip_suffix('/').unwrap_or(rest);
    is_safe_url(url) && !host.contains(|c: char| !(c.is_ascii_alphanumeric() || ".:-".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_is_whole_and_valid() {
        assert!(Config::with("").is_ok());
    }

    #[test]
    fn every_default_key_has_a_comment() {
        let mut previous = "";
        for line in DEFAULT_TOML.lines() {
            if line.contains(" = ") && !line.starts_with('#') {
                assert!(previous.starts_with('#'), "no comment above: {line}");
            }
            previous = line;
        }
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        let error = Config::with("[http]\nport = 1\n").unwrap_err().to_string();
        assert!(error.contains("port"), "{error}");
    }

    #[test]
    fn mail_in_clear_leaves_only_to_this_host() {
        let error = Config::with("[mail]\nmode = \"smtp\"\ntls = \"none\"\nhost = \"mail.example\"\n").unwrap_err();
        assert!(error.to_string().starts_with("mail.tls"), "{error}");
    }

    #[test]
    fn a_gateway_off_this_host_is_spoken_to_encrypted() {
        let with = |url: &str| Config::with(&format!("[efaktura]\nmode = \"gateway\"\nbase_url = \"{url}\"\n"));
        assert!(with("https://gateway.example/v1").is_ok() && with("http://127.0.0.1:8181").is_ok());
        for bad in ["http://gateway.example", "gateway.example", ""] {
            let error = with(bad).unwrap_err().to_string();
            assert!(error.starts_with("efaktura.base_url"), "{error}");
        }
    }

    #[test]
    fn payers_come_to_a_safe_address_or_to_none() {
        let with = |url: &str| Config::with(&format!("[payer]\nbase_url = \"{url}\"\n"));
        for good in ["", "https://faktura.example", "https://faktura.example:8443/", "http://127.0.0.1:8080"] {
            assert!(with(good).is_ok(), "{good}");
        }
        for bad in ["http://faktura.example", "faktura.example", "https://faktura.example/a", "https://a@b.example"] {
            let error = with(bad).unwrap_err().to_string();
            assert!(error.starts_with("payer.base_url"), "{bad}: {error}");
        }
        assert!(Config::with("[payer]\nlink_days = 0\n").is_err());
    }

    #[test]
    fn what_must_outlive_the_database_lies_elsewhere() {
        let at = |dir: &str| Config::with(&format!("[ledgers]\ndir = \"{dir}\"\n"));
        assert!(at("elsewhere").is_ok() && at("database-ledgers").is_ok());
        for bad in ["data", "data/ledgers", "backups", "backups/ledgers"] {
            let error = at(bad).unwrap_err().to_string();
            assert!(error.starts_with("ledgers.dir"), "{bad}: {error}");
        }
        let error = Config::with("[backup]\ndir = \"data/files/backups\"\n").unwrap_err().to_string();
        assert!(error.starts_with("backup.dir"), "{error}");
    }

    #[test]
    fn no_backup_lives_longer_than_is_promised() {
        let days = |days: i64| Config::with(&format!("[backup]\nkeep_days = {days}\n"));
        assert!(days(30).is_ok() && days(1).is_ok());
        for bad in [31, 0, -1] {
            assert!(days(bad).unwrap_err().to_string().starts_with("backup.keep_days"), "{bad}");
        }
        let error = Config::with("[backup]\nrecipients = [\"age1nobody\"]\n").unwrap_err().to_string();
        assert!(error.starts_with("backup.recipients"), "{error}");
    }

    #[test]
    fn secrets_do_not_show() {
        let config = Config::with("[mail]\npassword = \"hunter2\"\n").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
