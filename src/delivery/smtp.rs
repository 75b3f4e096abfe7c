//! Mail over SMTP with a kept-alive connection per worker.
//!
//! Not lettre's pooled transport: without TCP_NODELAY each mail waits 40 ms for a delayed acknowledgement, and the
//! mark before the content could not be set between DATA and the body (decision 40).

use super::tls;
use crate::ports::{BeforeHandover, Carrier, Fault, Handed, Mail, Parcel, Pending, Session};
use formats::bounce::clean;
use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailCommand, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Encryption towards the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// In clear; loopback only.
    None,
    /// Starts in clear and refuses to go on without TLS.
    Starttls,
    /// TLS from the first byte.
    Implicit,
}

/// How to reach the relay.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Encryption.
    pub tls: Tls,
    /// Account and password.
    pub credentials: Option<(String, String)>,
    /// A private certificate authority in PEM, besides the public ones.
    pub ca_pem: Option<Vec<u8>>,
    /// Name given in EHLO.
    pub hello: Option<String>,
    /// Given up after so long a silence.
    pub timeout: Duration,
}

/// Sends over SMTP.
pub struct SmtpMailer {
    settings: Arc<SmtpSettings>,
}

impl SmtpMailer {
    /// A relay.
    pub fn new(settings: SmtpSettings) -> Self {
        Self { settings: Arc::new(settings) }
    }
}

impl Carrier for SmtpMailer {
    fn session(&self) -> Box<dyn Session> {
        Box::new(SmtpSession { settings: self.settings.clone(), connection: None, sent: 0 })
    }
}

/// Mails over one connection before it is renewed.
const MAILS_PER_CONNECTION: u32 = 100;

struct SmtpSession {
    settings: Arc<SmtpSettings>,
    connection: Option<AsyncSmtpConnection>,
    sent: u32,
}

/// Servers repeat addresses in their answers; these are not kept.
fn fault(code: impl Into<String>, detail: impl Into<String>) -> Fault {
    Fault::new(code, clean(&detail.into(), &[]).unwrap_or_default())
}

/// What went wrong on the line, or the server's status.
fn code_of(error: &SmtpError) -> String {
    match error.status() {
        Some(status) => format!("smtp_{status}"),
        None if error.is_timeout() => "timeout".to_owned(),
        None if error.is_tls() => "tls_failed".to_owned(),
        None => "connection_lost".to_owned(),
    }
}

/// What a server's no means. 421 is the server leaving, whatever was asked.
fn refused(error: &SmtpError) -> Handed {
    let found = fault(code_of(error), error.to_string());
    match error.status() {
        None => Handed::Away(found),
        Some(status) if status.to_string() == "421" => Handed::Away(found),
        Some(_) if error.is_permanent() => Handed::Permanent(found),
        Some(_) => Handed::Temporary(found),
    }
}

impl SmtpSession {
    async fn connect(&self) -> Result<AsyncSmtpConnection, Fault> {
        let s = &self.settings;
        let tcp = TcpStream::connect((s.host.as_str(), s.port))
            .await
            .map_err(|e| fault("connection_refused", e.to_string()))?;
        tcp.set_nodelay(true).map_err(|e| fault("connection_lost", e.to_string()))?;
        let hello = s.hello.clone().map_or_else(ClientId::default, ClientId::Domain);
        let failed = |e: SmtpError| fault(code_of(&e), e.to_string());
        let stream: Box<dyn AsyncTokioStream> =
            if s.tls == Tls::Implicit { Box::new(self.tls_stream(tcp).await?) } else { Box::new(tcp) };
        let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &hello).await.map_err(failed)?;
        if s.tls == Tls::Starttls {
            if !connection.can_starttls() {
                return Err(fault("tls_not_offered", "the relay does not offer STARTTLS; mail is not sent in clear"));
            }
            connection.starttls(self.tls_parameters()?, &hello).await.map_err(failed)?;
        }
        if let Some((user, password)) = &s.credentials {
            let credentials = Credentials::new(user.clone(), password.clone());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(failed)?;
        }
        Ok(connection)
    }

    fn tls_parameters(&self) -> Result<TlsParameters, Fault> {
        let mut builder = TlsParameters::builder(self.settings.host.clone());
        if let Some(pem) = &self.settings.ca_pem {
            let certificate = Certificate::from_pem(pem).map_err(|e| fault("tls_failed", e.to_string()))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build_rustls().map_err(|e| fault("tls_failed", e.to_string()))
    }

    async fn tls_stream(&self, tcp: TcpStream) -> Result<TlsStream, Fault> {
        let s = &self.settings;
        let stream = tls::connect(&s.host, s.ca_pem.as_deref(), tcp).await;
        Ok(TlsStream(stream.map_err(|e| fault("tls_failed", e.to_string()))?))
    }

    /// MAIL, RCPT and DATA: up to the moment the relay is ready for the content.
    async fn open(&mut self, mail: &Mail) -> Result<AsyncSmtpConnection, Handed> {
        let address = |text: &str| {
            text.parse::<Address>().map_err(|e| Handed::Permanent(fault("invalid_address", e.to_string())))
        };
        let (sender, recipient) = (address(&mail.envelope_from)?, address(&mail.recipient)?);
        let kept = self.connection.take();
        let was_kept = kept.is_some();
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.connect().await.map_err(Handed::Away)?,
        };
        let mut parameters = Vec::new();
        if !mail.recipient.is_ascii() {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                self.connection = Some(connection);
                let detail = "the relay does not take addresses with other letters than a to z";
                return Err(Handed::Permanent(fault("smtputf8_not_supported", detail)));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let mut result = connection.command(MailCommand::new(Some(sender.clone()), parameters.clone())).await;
        if was_kept && result.as_ref().is_err_and(|e| e.status().is_none()) {
            // The relay closed a connection that stood idle; nothing was said on it yet.
            connection = self.connect().await.map_err(Handed::Away)?;
            result = connection.command(MailCommand::new(Some(sender), parameters)).await;
        }
        for step in 0..3 {
            if let Err(error) = result {
                if error.status().is_some() && connection.command(Rset).await.is_ok() {
                    self.connection = Some(connection);
                }
                // A relay that does not take our sender takes nobody's mail: no document is to blame.
                let sender_refused = step == 0 && error.is_permanent();
                return Err(if sender_refused {
                    Handed::Away(fault(code_of(&error), error.to_string()))
                } else {
                    refused(&error)
                });
            }
            result = match step {
                0 => connection.command(Rcpt::new(recipient.clone(), Vec::new())).await,
                1 => connection.command(Data).await,
                _ => break,
            };
        }
        Ok(connection)
    }

    async fn send_one(&mut self, mail: &Mail, before: BeforeHandover<'_>) -> Handed {
        let limit = self.settings.timeout;
        let mut connection = match timeout(limit, self.open(mail)).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(outcome)) => return outcome,
            Err(_) => return Handed::Away(fault("timeout", "the relay did not answer in time")),
        };
        if let Err(detail) = before().await {
            // The relay waits for content it will not get: the connection is dropped, and it forgets the mail.
            return Handed::Temporary(fault("not_recorded", detail));
        }
        match timeout(limit, connection.message(&mail.bytes)).await {
            Err(_) => Handed::Lost(fault("timeout", "no answer after the content was handed over")),
            Ok(Err(error)) if error.status().is_some() => {
                self.connection = Some(connection);
                refused(&error)
            }
            Ok(Err(error)) => Handed::Lost(fault("connection_lost", error.to_string())),
            Ok(Ok(response)) => {
                self.keep(connection);
                accepted(&response)
            }
        }
    }

    fn keep(&mut self, connection: AsyncSmtpConnection) {
        self.sent += 1;
        if !self.sent.is_multiple_of(MAILS_PER_CONNECTION) {
            self.connection = Some(connection);
        }
    }
}

fn accepted(response: &Response) -> Handed {
    match response.code().severity {
        Severity::PositiveCompletion => Handed::Accepted(None),
        _ => Handed::Lost(fault("unexpected_answer", response.first_line().unwrap_or_default())),
    }
}

impl Session for SmtpSession {
    fn send<'a>(&'a mut self, parcel: &'a Parcel, before: BeforeHandover<'a>) -> Pending<'a, Handed> {
        Box::pin(async move {
            match parcel {
                Parcel::Mail(mail) => self.send_one(mail, before).await,
                _ => Handed::Permanent(fault("wrong_channel", "only mail goes over SMTP")),
            }
        })
    }
}

/// A TLS stream lettre can use; its own connect sets no TCP_NODELAY.
#[derive(Debug)]
struct TlsStream(tokio_rustls::client::TlsStream<TcpStream>);

impl AsyncTokioStream for TlsStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
