//! The mail server at a given address.

use reskontro_sandbox::SmtpSink;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends one small mail.
async fn send(to: SocketAddr) {
    let mut stream = TcpStream::connect(to).await.unwrap();
    for line in ["EHLO a", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA", "hello\r\n.", "QUIT"] {
        stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }
    let mut talk = String::new();
    stream.read_to_string(&mut talk).await.unwrap();
    assert!(talk.contains("250 taken"), "{talk}");
}

#[tokio::test]
async fn mails_are_kept_or_only_counted() {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let keeping = SmtpSink::start_at(free).await.unwrap();
    send(keeping.address()).await;
    assert_eq!((keeping.taken(), keeping.received().len()), (1, 1));
    let forgetful = SmtpSink::start_forgetful(free).await.unwrap();
    send(forgetful.address()).await;
    assert_eq!((forgetful.taken(), forgetful.received().len()), (1, 0));
}
