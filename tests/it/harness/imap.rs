//! A mail server that speaks as much IMAP as a mailbox of bounces needs.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Letters by UID.
type Letters = Vec<(u32, Vec<u8>)>;

/// A mailbox over IMAP: letters by UID, and every command that came.
pub struct ImapServer {
    pub port: u16,
    pub letters: Arc<Mutex<Letters>>,
    pub commands: Arc<Mutex<Vec<String>>>,
}

impl ImapServer {
    pub async fn start(capabilities: &'static str, letters: Letters) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, letters: Arc::new(Mutex::new(letters)), commands: Arc::default() };
        let (letters, commands) = (server.letters.clone(), server.commands.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                talk(stream, capabilities, &letters, &commands).await;
            }
        });
        server
    }

    /// How many commands began so.
    pub fn heard(&self, command: &str) -> usize {
        self.commands.lock().unwrap().iter().filter(|c| c.starts_with(command)).count()
    }
}

async fn talk(mut stream: TcpStream, capabilities: &str, letters: &Mutex<Letters>, commands: &Mutex<Vec<String>>) {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"* OK ready\r\n").await.unwrap();
    let mut marked = None;
    while let Ok(Some(line)) = lines.next_line().await {
        let (tag, command) = line.split_once(' ').unwrap();
        commands.lock().unwrap().push(command.to_owned());
        let words: Vec<&str> = command.split(' ').collect();
        let mut said = match words[..] {
            ["CAPABILITY"] => format!("* CAPABILITY {capabilities}\r\n").into_bytes(),
            ["SELECT", _] => b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] as ever\r\n".to_vec(),
            ["UID", "SEARCH", ..] => {
                let uids: Vec<String> = letters.lock().unwrap().iter().map(|(uid, _)| uid.to_string()).collect();
                format!("* SEARCH {}\r\n", uids.join(" ")).into_bytes()
            }
            ["UID", "FETCH", uid, ..] => {
                let letters = letters.lock().unwrap();
                let (uid, bytes) = letters.iter().find(|(u, _)| u.to_string() == uid).unwrap();
                let head = format!("* 1 FETCH (UID {uid} BODY[]<0> {{{}}}\r\n", bytes.len());
                [head.as_bytes(), bytes, b")\r\n"].concat()
            }
            ["UID", "STORE", uid, "+FLAGS.SILENT", "(\\Deleted)"] => {
                marked = Some(uid.parse::<u32>().unwrap());
                Vec::new()
            }
            ["UID", "EXPUNGE", _] | ["EXPUNGE"] => {
                letters.lock().unwrap().retain(|(uid, _)| Some(*uid) != marked);
                b"* 1 EXPUNGE\r\n".to_vec()
            }
            ["LOGOUT"] => b"* BYE\r\n".to_vec(),
            _ => Vec::new(),
        };
        said.extend_from_slice(format!("{tag} OK done\r\n").as_bytes());
        write.write_all(&said).await.unwrap();
    }
}
