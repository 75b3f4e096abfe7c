//! Settings that are of the right type and still wrong.

use super::{Config, ConfigError, EfakturaMode, EhfMode, MailMode, MailTls};
use secrecy::ExposeSecret;
use std::path::PathBuf;

impl Config {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let fail = |key, message: &str| Err(ConfigError::Invalid { key, message: message.to_owned() });
        let url = self.database.url.expose_secret();
        if !url.starts_with("sqlite:") && !url.starts_with("postgres") {
            return fail("database.url", "start it with sqlite: or postgres://");
        }
        self.database_lines()?;
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
        self.bucket()?;
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
        self.sign_ins()?;
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
        self.personal()?;
        if self.mail.connections == 0 || self.worker.run_batch == 0 {
            return fail("mail.connections", "at least one connection and one invoice a batch");
        }
        Ok(())
    }
}

impl Config {
    /// When an address is blocked, and for how long.
    fn sign_ins(&self) -> Result<(), ConfigError> {
        let fail = |key, message: &str| Err(ConfigError::Invalid { key, message: message.to_owned() });
        if self.sign_in.failures < 1 || self.sign_in.window_minutes < 1 || self.sign_in.block_minutes < 1 {
            return fail("sign_in.failures", "failures, window_minutes and block_minutes are 1 or more");
        }
        if !(1..=720).contains(&self.sign_in.longest_block_hours) {
            return fail(
                "sign_in.longest_block_hours",
                "1 to 720 hours; longer blocks are placed by a person, with a reason",
            );
        }
        Ok(())
    }

    /// Where backups go in object storage.
    fn bucket(&self) -> Result<(), ConfigError> {
        let fail = |key, message: &str| Err(ConfigError::Invalid { key, message: message.to_owned() });
        let Some(s3) = &self.backup.s3 else { return Ok(()) };
        if !is_safe_origin(&s3.endpoint) {
            return fail(
                "backup.s3.endpoint",
                "give the storage's address without bucket and path, https:// unless it is on this host",
            );
        }
        if s3.bucket.is_empty() || s3.bucket.contains('/') || s3.region.is_empty() || s3.access_key_id.is_empty() {
            return fail("backup.s3.bucket", "give bucket, region and access_key_id");
        }
        if s3.prefix.starts_with('/') || s3.prefix.ends_with('/') {
            return fail("backup.s3.prefix", "neither begin nor end it with a slash");
        }
        Ok(())
    }

    /// What organisations agree to, and where letters about privacy come.
    fn personal(&self) -> Result<(), ConfigError> {
        let fail = |key, message: &str| Err(ConfigError::Invalid { key, message: message.to_owned() });
        if !is_local_part(&self.privacy.mailbox) {
            return fail("privacy.mailbox", "give what stands before the @, such as privacy; leave it empty for none");
        }
        if self.privacy.dpa_version.trim().is_empty() || self.privacy.dpa_version.chars().count() > 40 {
            return fail("privacy.dpa_version", "give the version in force, such as 2026-11");
        }
        Ok(())
    }

    /// Links to a server on another host are encrypted, or the settings say that they need not be.
    fn database_lines(&self) -> Result<(), ConfigError> {
        let d = &self.database;
        let others = [
            ("database.owner_url", &d.owner_url),
            ("database.retention_url", &d.retention_url),
            ("database.backup_url", &d.backup_url),
        ];
        let urls = others.into_iter().filter_map(|(key, url)| Some((key, url.as_ref()?)));
        for (key, url) in urls.chain([("database.url", &d.url)]) {
            if !d.allow_clear && goes_in_clear(url.expose_secret()) {
                let message = "others can read the line to this host: add ?sslmode=verify-full&sslrootcert=FILE (or require, which \
                               encrypts without asking who answers), or set database.allow_clear on a network of your own";
                return Err(ConfigError::Invalid { key, message: message.to_owned() });
            }
        }
        Ok(())
    }

    /// The folder of the embedded database.
    fn database_folder(&self) -> Option<PathBuf> {
        let path = self.database.url.expose_secret().strip_prefix("sqlite:")?.trim_start_matches("//");
        let folder = std::path::Path::new(path).parent()?;
        Some(folder.to_path_buf()).filter(|f| !f.as_os_str().is_empty())
    }
}

/// What may stand before the @ of an address of ours; `b` is taken by bounces.
fn is_local_part(text: &str) -> bool {
    text != "b" && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Whether a PostgreSQL URL leads to another host over a line that may be in clear.
fn goes_in_clear(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://")) else {
        return false;
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let place = place.split('/').next().unwrap_or_default();
    let host = place.rsplit('@').next().unwrap_or_default();
    let host = host
        .strip_prefix('[')
        .and_then(|h| h.split_once(']'))
        .map_or_else(|| host.split(':').next().unwrap_or_default(), |(inside, _)| inside);
    let plain = |text: &str| text.replace("%2F", "/").replace("%2f", "/");
    // The last one counts, as for the driver.
    let given = |names: &[&str]| {
        let mut pairs = query.split('&').filter_map(|p| p.split_once('='));
        pairs.rfind(|(name, _)| names.contains(name)).map(|(_, value)| plain(value))
    };
    let host = given(&["host", "hostaddr"]).unwrap_or_else(|| plain(host));
    let own = host.is_empty()
        || host.starts_with('/')
        || host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|a| a.is_loopback());
    let encrypted = given(&["sslmode", "ssl-mode"])
        .is_some_and(|mode| ["require", "verify-ca", "verify-full"].contains(&mode.as_str()));
    !own && !encrypted
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
    use crate::config::DEFAULT_TOML;

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
    fn a_bucket_is_reached_over_a_line_nobody_else_reads() {
        let bucket = |endpoint: &str, prefix: &str| {
            Config::with(&format!(
                "[backup.s3]\nendpoint = \"{endpoint}\"\nbucket = \"b\"\nregion = \"no\"\nprefix = \"{prefix}\"\n\
                 access_key_id = \"k\"\nsecret_access_key = \"s\"\n"
            ))
        };
        for good in ["https://s3.example.no", "http://127.0.0.1:9000"] {
            assert!(bucket(good, "kopier").is_ok(), "{good}");
        }
        for (endpoint, prefix) in [
            ("http://s3.example.no", ""),
            ("s3.example.no", ""),
            ("https://s3.example.no/b", ""),
            ("https://s3.example.no", "a/"),
        ] {
            let error = bucket(endpoint, prefix).unwrap_err().to_string();
            assert!(error.starts_with("backup.s3."), "{endpoint} {prefix}: {error}");
        }
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
    fn a_database_on_another_host_is_spoken_to_encrypted() {
        let with = |url: &str, more: &str| Config::with(&format!("[database]\nurl = \"{url}\"\n{more}"));
        for good in [
            "postgres://app:p@127.0.0.1:5432/db",
            "postgres://app:p@localhost/db",
            "postgres://app:p@[::1]:5432/db",
            "postgres://app@%2Frun%2Fpostgresql/db",
            "postgres:///db?host=/run/postgresql",
            "postgres://app:p@db.example/db?sslmode=verify-full&sslrootcert=ca.pem",
            "postgresql://app:p@db.example:5433/db?sslmode=require",
            "sqlite:data/reskontro.db",
        ] {
            assert!(with(good, "").is_ok(), "{good}");
        }
        for bad in [
            "postgres://app:p@db.example/db",
            "postgres://app:p@10.0.0.7:5432/db",
            "postgresql://app:p@[2001:db8::7]:5432/db",
            "postgres://app:p@db.example/db?sslmode=disable",
            "postgres://app:p@db.example/db?sslmode=prefer",
            "postgres://app:p@db.example/db?sslmode=allow",
            "postgres://app:p@db.example/db?sslmode=require&sslmode=prefer",
            "postgres://app:p@localhost/db?host=db.example",
        ] {
            let error = with(bad, "").unwrap_err().to_string();
            assert!(error.starts_with("database.url: ") && error.contains("sslmode"), "{bad}: {error}");
            assert!(with(bad, "allow_clear = true\n").is_ok(), "{bad}");
        }
        let owner = "owner_url = \"postgres://owner:p@db.example/db\"\n";
        let error = with("postgres://app:p@127.0.0.1/db", owner).unwrap_err().to_string();
        assert!(error.starts_with("database.owner_url: ") && !error.contains("owner:p"), "{error}");
    }

    #[test]
    fn blocks_begin_with_a_failure_and_end() {
        let with = |line: &str| Config::with(&format!("[sign_in]\n{line}\n"));
        assert!(with("failures = 1").is_ok() && with("longest_block_hours = 720").is_ok());
        for bad in ["failures = 0", "window_minutes = 0", "block_minutes = 0", "longest_block_hours = 721"] {
            assert!(with(bad).unwrap_err().to_string().starts_with("sign_in."), "{bad}");
        }
        assert!(Config::with("[http]\ntrusted_proxies = [\"10.0.0.1/8\"]\n").is_err(), "bits outside of the range");
    }

    #[test]
    fn secrets_do_not_show() {
        let config = Config::with("[mail]\npassword = \"hunter2\"\n").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
