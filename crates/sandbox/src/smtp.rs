//! An SMTP server on loopback that keeps what it gets and fails as told.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// How the server fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// It does not.
    #[default]
    None,
    /// Greets with 421.
    GreetsTemporary,
    /// Greets with 554.
    GreetsPermanent,
    /// Accepts the connection and says nothing.
    Hangs,
    /// Refuses the recipient with 450.
    RecipientTemporary,
    /// Refuses the recipient with 550, naming the address.
    RecipientPermanent,
    /// Closes the connection in the middle of the content.
    DropsInContent,
    /// Takes the content and closes the connection without an answer.
    DropsAfterContent,
    /// Takes the content and answers 452.
    ContentTemporary,
}

/// A mail that was taken.
#[derive(Debug, Clone)]
pub struct Received {
    /// Envelope sender.
    pub from: String,
    /// Envelope recipient.
    pub to: String,
    /// Content without dot-stuffing.
    pub content: Vec<u8>,
    /// Whether it came over TLS.
    pub encrypted: bool,
}

impl Received {
    /// A header of the content.
    pub fn header(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.content);
        let wanted = format!("{}:", name.to_lowercase());
        let line = text.lines().take_while(|l| !l.is_empty()).find(|l| l.to_lowercase().starts_with(&wanted))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    }
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    fault: Fault,
    /// Sessions the fault still hits; the next ones go well.
    faults_left: usize,
    connections: usize,
    /// Mails that were taken, kept or not.
    taken: usize,
    /// Mails are counted, not kept.
    forgets: bool,
}

/// How TLS is offered.
#[derive(Clone)]
enum Offer {
    Clear,
    Starttls(TlsAcceptor),
    Implicit(TlsAcceptor),
}

/// The server; it ends when dropped.
pub struct SmtpSink {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SmtpSink {
    /// A server in clear.
    pub async fn start() -> io::Result<Self> {
        Self::listen(Offer::Clear, Duration::ZERO).await
    }

    /// A server in clear at a given address.
    pub async fn start_at(address: SocketAddr) -> io::Result<Self> {
        Self::bind(address, Offer::Clear, Duration::ZERO, true).await
    }

    /// A server in clear at a given address that counts mails and forgets them, for long runs.
    pub async fn start_forgetful(address: SocketAddr) -> io::Result<Self> {
        Self::bind(address, Offer::Clear, Duration::ZERO, false).await
    }

    /// A server that waits before each answer, as one across a network does.
    pub async fn start_slow(per_command: Duration) -> io::Result<Self> {
        Self::listen(Offer::Clear, per_command).await
    }

    /// A server that offers STARTTLS.
    pub async fn start_starttls(acceptor: TlsAcceptor) -> io::Result<Self> {
        Self::listen(Offer::Starttls(acceptor), Duration::ZERO).await
    }

    /// A server that speaks TLS from the first byte.
    pub async fn start_tls(acceptor: TlsAcceptor) -> io::Result<Self> {
        Self::listen(Offer::Implicit(acceptor), Duration::ZERO).await
    }

    async fn listen(offer: Offer, delay: Duration) -> io::Result<Self> {
        Self::bind(SocketAddr::from(([127, 0, 0, 1], 0)), offer, delay, true).await
    }

    async fn bind(address: SocketAddr, offer: Offer, delay: Duration, keeps: bool) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State { forgets: !keeps, ..State::default() }));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let session = Session { state: shared.clone(), delay };
                tokio::spawn(serve(stream, offer.clone(), session));
            }
        });
        Ok(Self { address, state, task })
    }

    /// Address it listens at.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// The next `sessions` sessions fail so.
    pub fn fail(&self, fault: Fault, sessions: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.fault = fault;
        state.faults_left = sessions;
    }

    /// Everything that was taken.
    pub fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).received.clone()
    }

    /// How many mails were taken, kept or not.
    pub fn taken(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).taken
    }

    /// Connections that were made.
    pub fn connections(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).connections
    }
}

async fn serve(stream: TcpStream, offer: Offer, session: Session) {
    let _ = match offer {
        Offer::Clear => session.run(stream, None, false).await,
        Offer::Starttls(acceptor) => session.run(stream, Some(acceptor), false).await,
        Offer::Implicit(acceptor) => match acceptor.accept(stream).await {
            Ok(stream) => session.run(stream, None, true).await,
            Err(e) => Err(e),
        },
    };
}

struct Session {
    state: Arc<Mutex<State>>,
    delay: Duration,
}

impl Session {
    fn begin(&self) -> Fault {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.connections += 1;
        if state.faults_left == 0 {
            return Fault::None;
        }
        state.faults_left -= 1;
        state.fault
    }

    async fn run<S>(self, stream: S, starttls: Option<TlsAcceptor>, encrypted: bool) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let fault = self.begin();
        let mut stream = BufReader::new(stream);
        match fault {
            Fault::GreetsTemporary => return self.say(&mut stream, "421 try later").await,
            Fault::GreetsPermanent => return self.say(&mut stream, "554 go away").await,
            Fault::Hangs => {
                tokio::time::sleep(Duration::from_hours(1)).await;
                return Ok(());
            }
            _ => self.say(&mut stream, "220 sandbox ESMTP").await?,
        }
        let Some(acceptor) = starttls else { return self.talk(stream, fault, encrypted).await };
        if self.until_starttls(&mut stream).await? {
            let stream = acceptor.accept(stream.into_inner()).await?;
            return self.talk(BufReader::new(stream), fault, true).await;
        }
        Ok(())
    }

    async fn say<S: AsyncWrite + Unpin>(&self, stream: &mut S, text: &str) -> io::Result<()> {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        stream.write_all(format!("{text}\r\n").as_bytes()).await?;
        stream.flush().await
    }

    /// Answers EHLO until STARTTLS is asked for.
    async fn until_starttls<S>(&self, stream: &mut BufReader<S>) -> io::Result<bool>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            match line.trim_end().to_uppercase().as_str() {
                "STARTTLS" => {
                    self.say(stream, "220 go ahead").await?;
                    return Ok(true);
                }
                l if l.starts_with("EHLO") => self.say(stream, "250-sandbox\r\n250 STARTTLS").await?,
                "QUIT" => return Ok(false),
                _ => self.say(stream, "530 STARTTLS first").await?,
            }
            line.clear();
        }
        Ok(false)
    }

    async fn talk<S>(&self, mut stream: BufReader<S>, fault: Fault, encrypted: bool) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut from, mut to) = (String::new(), String::new());
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            let upper = line.trim_end().to_uppercase();
            let address =
                || line.split_once('<').and_then(|(_, r)| r.split_once('>')).map_or("", |(a, _)| a).to_owned();
            if upper.starts_with("MAIL FROM") {
                from = address();
                self.say(&mut stream, "250 ok").await?;
            } else if upper.starts_with("RCPT TO") {
                to = address();
                match fault {
                    Fault::RecipientTemporary => self.say(&mut stream, "450 busy").await?,
                    Fault::RecipientPermanent => self.say(&mut stream, &format!("550 no such user {to}")).await?,
                    _ => self.say(&mut stream, "250 ok").await?,
                }
            } else if upper == "DATA" {
                self.say(&mut stream, "354 go").await?;
                if !self.content(&mut stream, fault, &from, &to, encrypted).await? {
                    return Ok(());
                }
            } else if upper == "QUIT" {
                return self.say(&mut stream, "221 bye").await;
            } else {
                self.say(&mut stream, "250 SMTPUTF8").await?;
            }
            line.clear();
        }
        Ok(())
    }

    /// Reads the content; `false` when the connection is to be closed.
    async fn content<S>(
        &self,
        stream: &mut BufReader<S>,
        fault: Fault,
        from: &str,
        to: &str,
        encrypted: bool,
    ) -> io::Result<bool>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut content = Vec::new();
        loop {
            let mut line = Vec::new();
            if stream.read_until(b'\n', &mut line).await? == 0 {
                return Ok(false);
            }
            if fault == Fault::DropsInContent && content.len() > 200 {
                return Ok(false);
            }
            if line == b".\r\n" {
                break;
            }
            content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        if fault == Fault::ContentTemporary {
            self.say(stream, "452 no room").await?;
            return Ok(true);
        }
        let received = Received { from: from.to_owned(), to: to.to_owned(), content, encrypted };
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.taken += 1;
            if !state.forgets {
                state.received.push(received);
            }
        }
        if fault == Fault::DropsAfterContent {
            return Ok(false);
        }
        self.say(stream, "250 taken").await?;
        Ok(true)
    }
}
