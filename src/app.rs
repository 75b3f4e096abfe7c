//! The composition root: settings become a context; nothing else wires.

use crate::config::{Config, MailMode, MailTls};
use crate::ctx::{Ctx, Ids, InstallationKey, SystemClock, SystemRng};
use crate::delivery::{LocalFiles, SmtpMailer, SmtpSettings, SpoolMailer, Tls};
use crate::ports::{Mailer, Rng};
use crate::progress::Progress;
use crate::store;
use anyhow::Context;
use secrecy::ExposeSecret;
use std::path::Path;
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
        files: Arc::new(LocalFiles::new(config.files.dir.clone())),
        rng: Arc::new(rng),
        config: Arc::new(config),
        progress: Progress::default(),
        key: Arc::new(key),
    })
}

/// How mail leaves, by the settings.
pub fn mailer(config: &Config) -> anyhow::Result<Arc<dyn Mailer>> {
    let mail = &config.mail;
    if mail.mode == MailMode::Spool {
        return Ok(Arc::new(SpoolMailer::new(mail.spool_dir.clone())));
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

/// The key of keyed hashes: made at first start, readable by its owner alone, backed up with the files.
fn installation_key(dir: &Path, rng: &dyn Rng) -> anyhow::Result<InstallationKey> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::create_dir_all(dir).with_context(|| format!("the folder {} cannot be made", dir.display()))?;
    let path = dir.join("installation.key");
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            file.write_all(&bytes)?;
            file.sync_all()?;
        }
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
