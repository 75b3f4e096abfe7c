//! A mailbox over IMAP, over TLS always save on loopback.

use super::MAX_BYTES;
use crate::delivery::{Tls, tls};
use crate::ports::Letter;
use async_imap::{Client, Session};
use futures_util::TryStreamExt as _;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How to reach the mailbox.
#[derive(Clone)]
pub struct ImapSettings {
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Encryption.
    pub tls: Tls,
    /// Account.
    pub user: String,
    /// Password.
    pub password: String,
    /// Mailbox, `INBOX` most often.
    pub mailbox: String,
    /// A private certificate authority in PEM, besides the public ones.
    pub ca_pem: Option<Vec<u8>>,
    /// Given up after so long for one command.
    pub timeout: Duration,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Stream for T {}

/// A mailbox that is open.
pub struct ImapInbox {
    session: Session<Box<dyn Stream>>,
    /// Whether one letter can be expunged by itself (RFC 4315).
    by_uid: bool,
    patience: Duration,
}

impl ImapInbox {
    /// Logs in and opens the mailbox.
    pub async fn connect(settings: &ImapSettings) -> io::Result<Self> {
        let client = in_time(settings.timeout, greeted(settings)).await?;
        let login = async { client.login(&settings.user, &settings.password).await.map_err(|(e, _)| failed(e)) };
        let mut session = in_time(settings.timeout, login).await?;
        let open = async {
            session.select(&settings.mailbox).await.map_err(failed)?;
            Ok(session.capabilities().await.map_err(failed)?.has_str("UIDPLUS"))
        };
        let by_uid = in_time(settings.timeout, open).await?;
        Ok(Self { session, by_uid, patience: settings.timeout })
    }

    /// The oldest letters. They stay unseen.
    pub async fn list(&mut self, limit: usize) -> io::Result<Vec<Letter>> {
        let search = async { self.session.uid_search("UNDELETED").await.map_err(failed) };
        let mut uids: Vec<u32> = in_time(self.patience, search).await?.into_iter().collect();
        uids.sort_unstable();
        uids.truncate(limit);
        let mut letters = Vec::with_capacity(uids.len());
        for uid in uids {
            if let Some(bytes) = in_time(self.patience, fetch(&mut self.session, uid)).await? {
                letters.push(Letter { handle: uid.to_string(), bytes });
            }
        }
        Ok(letters)
    }

    /// Removes a letter; one already gone is fine.
    pub async fn remove(&mut self, handle: &str) -> io::Result<()> {
        let uid: u32 = handle.parse().map_err(io::Error::other)?;
        let (session, by_uid) = (&mut self.session, self.by_uid);
        let remove = async {
            let flag = session.uid_store(uid.to_string(), "+FLAGS.SILENT (\\Deleted)").await.map_err(failed)?;
            flag.try_collect::<Vec<_>>().await.map_err(failed)?;
            if by_uid {
                let gone = session.uid_expunge(uid.to_string()).await.map_err(failed)?;
                gone.try_collect::<Vec<_>>().await.map_err(failed)?;
            } else {
                let gone = session.expunge().await.map_err(failed)?;
                gone.try_collect::<Vec<_>>().await.map_err(failed)?;
            }
            Ok(())
        };
        in_time(self.patience, remove).await
    }

    /// Says goodbye; what the server answers is of no matter.
    pub async fn close(mut self) {
        let _ = timeout(self.patience, self.session.logout()).await;
    }
}

async fn fetch(session: &mut Session<Box<dyn Stream>>, uid: u32) -> io::Result<Option<Vec<u8>>> {
    let query = format!("(UID BODY.PEEK[]<0.{MAX_BYTES}>)");
    let found: Vec<_> =
        session.uid_fetch(uid.to_string(), query).await.map_err(failed)?.try_collect().await.map_err(failed)?;
    // A server may tell of other letters in between.
    Ok(found.iter().find(|f| f.uid == Some(uid)).and_then(|f| f.body()).map(<[u8]>::to_vec))
}

async fn in_time<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(patience, work).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// A connection that has been greeted and is encrypted as asked.
async fn greeted(settings: &ImapSettings) -> io::Result<Client<Box<dyn Stream>>> {
    let tcp = TcpStream::connect((settings.host.as_str(), settings.port)).await?;
    tcp.set_nodelay(true)?;
    let stream: Box<dyn Stream> =
        if settings.tls == Tls::Implicit { Box::new(encrypted(settings, tcp).await?) } else { Box::new(tcp) };
    let mut client = Client::new(stream);
    client.read_response().await?.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    if settings.tls != Tls::Starttls {
        return Ok(client);
    }
    // A server that does not offer it says so here, and nothing has been told it yet. What it sent in clear after its
    // answer is dropped with the client's buffer.
    client.run_command_and_check_ok("STARTTLS", None).await.map_err(failed)?;
    Ok(Client::new(Box::new(encrypted(settings, client.into_inner()).await?)))
}

async fn encrypted<S: Stream>(settings: &ImapSettings, stream: S) -> io::Result<tokio_rustls::client::TlsStream<S>> {
    tls::connect(&settings.host, settings.ca_pem.as_deref(), stream).await
}

fn failed(error: async_imap::error::Error) -> io::Error {
    match error {
        async_imap::error::Error::Io(error) => error,
        other => io::Error::other(other),
    }
}
