//! The composition root: settings become a context; nothing else wires.

use crate::config::{Config, EfakturaMode, EhfMode, InboxMode, LookupMode, MailMode, MailTls};
use crate::ctx::{Ctx, Ids, InstallationKey, SystemClock, SystemRng};
use crate::delivery::{
    AccessPoint, AccessPointSettings, Bounces, Contract, EfakturaGateway, EfakturaSettings, FileJournal, ImapSettings,
    LocalFiles, PeppolDirectory, PeppolSettings, SmtpMailer, SmtpSettings, Spool, Tls, WebhookCaller,
};
use crate::pace::Pace;
use crate::ports::{Caller, Carrier, Efaktura, Fault, Mailbox, Participants, Rng};
use crate::progress::Progress;
use crate::store;
use anyhow::Context;
use domain::channel::Channel;
use render::dkim::DkimKey;
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Opens the database and makes the context of the running service. The schema must be up to date.
pub async fn context(config: Config) -> anyhow::Result<Ctx> {
    let db = store::connect(&config.database).await.context("the database cannot be opened")?;
    let rng = SystemRng;
    let key = installation_key(&config.files.dir, &rng)?;
    Ok(Ctx {
        db,
        clock: Arc::new(SystemClock),
        ids: Arc::new(Ids::default()),
        mailer: mailer(&config)?,
        efaktura: efaktura(&config)?,
        access_point: access_point(&config)?,
        participants: participants(&config)?,
        inbox: inbox(&config)?,
        dkim: dkim(&config)?.map(Arc::new),
        caller: caller(&config)?,
        pace: pace(&config),
        files: Arc::new(LocalFiles::new(config.files.dir.clone())),
        erasures: Arc::new(FileJournal::new(config.ledgers.dir.join("erasures.log"))),
        seen: Arc::new(FileJournal::new(config.ledgers.dir.join("seen.log"))),
        rng: Arc::new(rng),
        config: Arc::new(config),
        progress: Progress::default(),
        key: Arc::new(key),
    })
}

/// How mail leaves, by the settings.
pub fn mailer(config: &Config) -> anyhow::Result<Arc<dyn Carrier>> {
    let mail = &config.mail;
    if mail.mode == MailMode::Spool {
        return Ok(Arc::new(Spool::new(mail.spool_dir.clone())));
    }
    let ca_pem = mail.ca_file.as_ref().map(std::fs::read).transpose().context("mail.ca_file cannot be read")?;
    let user = Some(mail.username.clone()).filter(|u| !u.is_empty());
    Ok(Arc::new(SmtpMailer::new(SmtpSettings {
        host: mail.host.clone(),
        port: mail.port,
        tls: match mail.tls {
            MailTls::None => Tls::None,
            MailTls::Starttls => Tls::Starttls,
            MailTls::Tls => Tls::Implicit,
        },
        credentials: user.map(|u| (u, mail.password.expose_secret().to_owned())),
        ca_pem,
        hello: Some(mail.hello.clone()).filter(|h| !h.is_empty()),
        timeout: Duration::from_secs(mail.timeout_seconds),
    })))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn unusable(fault: Fault) -> anyhow::Error {
    anyhow::anyhow!("{} ({})", fault.detail, fault.code)
}

fn pem(key: &'static str, path: Option<&PathBuf>) -> anyhow::Result<Option<Vec<u8>>> {
    path.map(std::fs::read).transpose().with_context(|| format!("{key} cannot be read"))
}

fn pace(config: &Config) -> Pace {
    Pace::new(&[
        (Channel::Mail, config.mail.per_second),
        (Channel::Efaktura, config.efaktura.per_second),
        (Channel::Ehf, config.ehf.per_second),
    ])
}

/// Where bounces come to, by the settings.
fn inbox(config: &Config) -> anyhow::Result<Option<Arc<dyn Mailbox>>> {
    let mail = &config.mail;
    Ok(match mail.inbox {
        InboxMode::None => None,
        InboxMode::Maildir => Some(Arc::new(Bounces::Maildir(mail.inbox_dir.clone()))),
        InboxMode::Imap => Some(Arc::new(Bounces::Imap(Box::new(ImapSettings {
            host: mail.imap_host.clone(),
            port: mail.imap_port,
            tls: Tls::Implicit,
            user: mail.imap_username.clone(),
            password: mail.imap_password.expose_secret().to_owned(),
            mailbox: mail.imap_folder.clone(),
            ca_pem: pem("mail.ca_file", mail.ca_file.as_ref())?,
            timeout: Duration::from_secs(mail.timeout_seconds),
        })))),
    })
}

/// The key mail is signed with, by the settings.
pub fn dkim(config: &Config) -> anyhow::Result<Option<DkimKey>> {
    let mail = &config.mail;
    let Some(path) = &mail.dkim_key_file else { return Ok(None) };
    let pem = std::fs::read_to_string(path).context("mail.dkim_key_file cannot be read")?;
    let domain = if mail.dkim_domain.is_empty() { &mail.domain } else { &mail.dkim_domain };
    Ok(Some(DkimKey::parse(&pem, domain, &mail.dkim_selector).context("mail.dkim_key_file")?))
}

/// What calls endpoints of integrators, by the settings.
pub fn caller(config: &Config) -> anyhow::Result<Arc<dyn Caller>> {
    let w = &config.webhooks;
    Ok(Arc::new(WebhookCaller::new(Duration::from_secs(w.timeout_seconds), w.allow_local).map_err(unusable)?))
}

/// The eFaktura gateway, by the settings.
pub fn efaktura(config: &Config) -> anyhow::Result<Option<Arc<dyn Efaktura>>> {
    let e = &config.efaktura;
    if e.mode == EfakturaMode::Off {
        return Ok(None);
    }
    let settings = EfakturaSettings {
        base_url: e.base_url.trim_end_matches('/').to_owned(),
        client_id: e.client_id.clone(),
        client_secret: e.client_secret.expose_secret().to_owned(),
        webhook_secrets: e.webhook_secrets.iter().map(|s| s.expose_secret().to_owned()).collect(),
        ca_pem: pem("efaktura.ca_file", e.ca_file.as_ref())?,
        timeout: Duration::from_secs(e.timeout_seconds),
    };
    Ok(Some(Arc::new(EfakturaGateway::new(settings).map_err(unusable)?)))
}

/// What takes e-invoices, by the settings.
pub fn access_point(config: &Config) -> anyhow::Result<Option<Arc<dyn Carrier>>> {
    let e = &config.ehf;
    let contract = match e.mode {
        EhfMode::Off => return Ok(None),
        EhfMode::Files => return Ok(Some(Arc::new(Spool::new(e.dir.clone())))),
        EhfMode::Phase4 => Contract::Phase4,
        EhfMode::Phoss => Contract::Phoss,
    };
    let settings = AccessPointSettings {
        contract,
        base_url: e.base_url.trim_end_matches('/').to_owned(),
        token: e.token.expose_secret().to_owned(),
        ca_pem: pem("ehf.ca_file", e.ca_file.as_ref())?,
        timeout: Duration::from_secs(e.timeout_seconds),
    };
    Ok(Some(Arc::new(AccessPoint::new(settings).map_err(unusable)?)))
}

/// How receivers of e-invoices are found, by the settings.
pub fn participants(config: &Config) -> anyhow::Result<Option<Arc<dyn Participants>>> {
    let e = &config.ehf;
    if e.lookup == LookupMode::None || e.mode == EhfMode::Off {
        return Ok(None);
    }
    let settings = PeppolSettings {
        zone: e.dns_zone.clone(),
        dns: e.dns_server.parse().ok(),
        ca_pem: pem("ehf.ca_file", e.ca_file.as_ref())?,
        timeout: Duration::from_secs(e.timeout_seconds.min(10)),
    };
    Ok(Some(Arc::new(PeppolDirectory::new(&settings).map_err(unusable)?)))
}

/// The key of keyed hashes: made at first start, readable by its owner alone, backed up with the files.
fn installation_key(dir: &Path, rng: &dyn Rng) -> anyhow::Result<InstallationKey> {
    use std::io::Write;
    std::fs::create_dir_all(dir).with_context(|| format!("the folder {} cannot be made", dir.display()))?;
    let path = dir.join("installation.key");
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    // Whole or not there, however early the process dies; only its owner reads a temporary file.
    let mut file =
        tempfile::NamedTempFile::new_in(dir).with_context(|| format!("{} cannot be written", dir.display()))?;
    file.write_all(&bytes)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(&path).map_err(|e| e.error) {
        Ok(_) => {}
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            let stored = std::fs::read(&path)?;
            let shown = path.display();
            bytes = stored
                .try_into()
                .map_err(|_| anyhow::anyhow!("{shown} must hold 32 bytes; restore it from a backup"))?;
        }
        Err(e) => return Err(e).with_context(|| format!("{} cannot be written", path.display())),
    }
    Ok(InstallationKey::new(bytes))
}
