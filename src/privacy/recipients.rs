//! Hosts the settings point at, and whether the register says whose they are.

use crate::config::{Config, EfakturaMode, EhfMode, InboxMode, MailMode};
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::store::connect::host_of;
use crate::store::processor::{self as store, Processor};
use domain::privacy::{HostPattern, Recipient, is_private_host};
use secrecy::ExposeSecret;

/// A host that personal data goes to, outside this machine and private networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The host.
    pub host: String,
    /// Settings that name it.
    pub settings: Vec<&'static str>,
    /// What it is for.
    pub service: Recipient,
}

/// Every host the settings point at that must stand in the register.
pub fn reached(config: &Config) -> Vec<Reached> {
    let mut all: Vec<Reached> = Vec::new();
    for (setting, service, host) in named(config) {
        if is_private_host(&host) {
            continue;
        }
        match all.iter_mut().find(|r| r.host == host) {
            Some(known) => known.settings.push(setting),
            None => all.push(Reached { host, settings: vec![setting], service }),
        }
    }
    all
}

/// Settings in use, what for, and the host each names.
fn named(config: &Config) -> Vec<(&'static str, Recipient, String)> {
    let mut all = Vec::new();
    let db = &config.database;
    for (setting, url) in [
        ("database.url", Some(&db.url)),
        ("database.retention_url", db.retention_url.as_ref()),
        ("database.backup_url", db.backup_url.as_ref()),
        ("database.owner_url", db.owner_url.as_ref()),
    ] {
        all.extend(url.and_then(|u| host_of(u.expose_secret())).map(|host| (setting, Recipient::Host, host)));
    }
    if let Some(s3) = &config.backup.s3 {
        all.push(("backup.s3.endpoint", Recipient::Host, host_in(&s3.endpoint)));
    }
    if config.mail.mode == MailMode::Smtp {
        all.push(("mail.host", Recipient::MailRelay, config.mail.host.clone()));
    }
    if config.mail.inbox == InboxMode::Imap {
        all.push(("mail.imap_host", Recipient::MailRelay, config.mail.imap_host.clone()));
    }
    if config.efaktura.mode == EfakturaMode::Gateway {
        all.push(("efaktura.base_url", Recipient::Efaktura, host_in(&config.efaktura.base_url)));
    }
    if matches!(config.ehf.mode, EhfMode::Phase4 | EhfMode::Phoss) {
        all.push(("ehf.base_url", Recipient::AccessPoint, host_in(&config.ehf.base_url)));
    }
    all
}

/// The host of an address, as the client that calls it reads it; the whole text where it has none.
fn host_in(url: &str) -> String {
    let parsed = reqwest::Url::parse(url).ok();
    parsed.and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_else(|| url.to_owned())
}

/// Whether a host belongs to an entry of the register.
pub(super) fn is_of(entry: &Processor, host: &str) -> bool {
    entry.hosts.split_whitespace().filter_map(HostPattern::parse).any(|pattern| pattern.matches(host))
}

/// Hosts the settings point at and nobody has registered.
pub async fn unregistered(ctx: &Ctx) -> Result<Vec<Reached>, Error> {
    let mut missing = reached(&ctx.config);
    if missing.is_empty() {
        return Ok(missing);
    }
    let tx = ctx.db.system_look().await?;
    let entries = store::list(&tx, false).await?;
    tx.commit().await?;
    missing.retain(|r| !entries.iter().any(|entry| is_of(entry, &r.host)));
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(changes: &str) -> Vec<(String, Vec<&'static str>)> {
        reached(&Config::with(changes).unwrap()).into_iter().map(|r| (r.host, r.settings)).collect()
    }

    #[test]
    fn only_what_is_used_and_elsewhere_counts() {
        assert_eq!(hosts(""), [], "the defaults point at nobody");
        assert_eq!(hosts("[mail]\nhost = \"smtp.example.no\"\nimap_host = \"imap.example.no\"\n"), [], "not in use");
        assert_eq!(hosts("[mail]\nmode = \"smtp\"\nhost = \"localhost\"\n"), []);
        let bucket = "[backup.s3]\nendpoint = \"https://s3.example.no\"\nbucket = \"b\"\nregion = \"no\"\n\
                      access_key_id = \"k\"\nsecret_access_key = \"s\"\n";
        assert_eq!(hosts(bucket), [("s3.example.no".to_owned(), vec!["backup.s3.endpoint"])]);
        assert_eq!(hosts("[mail]\nmode = \"smtp\"\nhost = \"10.0.0.5\"\n"), []);
        let mail =
            "[mail]\nmode = \"smtp\"\nhost = \"mail.example.no\"\ninbox = \"imap\"\nimap_host = \"mail.example.no\"\n";
        assert_eq!(hosts(mail), [("mail.example.no".to_owned(), vec!["mail.host", "mail.imap_host"])]);
    }

    #[test]
    fn hosts_of_addresses_are_found_whatever_stands_around_them() {
        let gateway =
            |url: &str| hosts(&format!("[efaktura]\nmode = \"gateway\"\nbase_url = \"{url}\"\n"))[0].0.clone();
        assert_eq!(gateway("https://Gateway.Example:8443/v1"), "gateway.example");
        assert_eq!(gateway("https://good.example@other.example/v1"), "other.example");
        let access = "[ehf]\nmode = \"phoss\"\nbase_url = \"https://ap.example/x\"\n";
        assert_eq!(hosts(access), [("ap.example".to_owned(), vec!["ehf.base_url"])]);
    }

    #[test]
    fn a_database_elsewhere_counts_and_a_socket_does_not() {
        let url = |url: &str| hosts(&format!("[database]\nallow_clear = true\nurl = \"{url}\"\n"));
        for near in [
            "postgres://a:b@127.0.0.1/r",
            "postgres://a:b@localhost:5433/r",
            "postgres://a:b@[::1]/r",
            "postgres://a:b@%2Fvar%2Frun%2Fpostgresql/r",
            "postgres:///r?host=/var/run/postgresql",
            "postgres://a:b@192.168.3.4/r",
            "sqlite:data/r.db",
        ] {
            assert_eq!(url(near), [], "{near}");
        }
        for far in ["postgres://a:p%40ss@db.example.com:5432/r", "postgres:///r?host=db.example.com"] {
            assert_eq!(url(far), [("db.example.com".to_owned(), vec!["database.url"])], "{far}");
        }
        let all = "[database]\nurl = \"postgres://a@db.example.com/r?sslmode=require\"\n\
                   owner_url = \"postgres://o@db.example.com/r?sslmode=require\"\n";
        assert_eq!(hosts(all), [("db.example.com".to_owned(), vec!["database.url", "database.owner_url"])]);
    }
}
