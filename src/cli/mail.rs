//! Mail: what comes back, and the record that vouches for what is sent.

use super::context;
use crate::config::Config;
use crate::ctx::Ctx;
use crate::delivery::Bounces;
use crate::ports::{Fault, Mailbox};
use crate::privacy::request;
use crate::services::delivery::Inbound;
use anyhow::{Context, anyhow, bail};
use clap::Subcommand;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

/// Mail.
#[derive(Subcommand)]
pub(super) enum MailCommand {
    /// Takes in what came to a bounce address: one letter from standard input, as mail servers hand it to a program.
    Inbound {
        /// Reads this Maildir instead, and removes every letter it has dealt with.
        #[arg(long, value_name = "DIR")]
        maildir: Option<PathBuf>,
    },
    /// Prints the DNS record of the key mail is signed with.
    Dkim,
}

pub(super) async fn run(command: MailCommand) -> anyhow::Result<()> {
    match command {
        MailCommand::Dkim => dkim(),
        MailCommand::Inbound { maildir: None } => {
            let letter = letter()?;
            println!("{}", said(request::take_letter(&context().await?, &letter).await?));
            Ok(())
        }
        MailCommand::Inbound { maildir: Some(dir) } => maildir(dir).await,
    }
}

fn dkim() -> anyhow::Result<()> {
    let key = crate::app::dkim(&Config::load()?)?;
    let key = key.context("mail is not signed: set mail.dkim_key_file to a key in PEM")?;
    println!("Name   {}\nType   TXT\nValue  {}", key.dns_name(), key.dns_record());
    Ok(())
}

/// Bytes of a letter that are read; a bounce says its say at the beginning.
const LARGEST: u64 = 1 << 20;

fn letter() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut stdin = std::io::stdin().lock();
    stdin.by_ref().take(LARGEST).read_to_end(&mut bytes).context("the letter cannot be read")?;
    // What a mail server still writes is taken from it, so that it does not see a broken pipe.
    std::io::copy(&mut stdin, &mut std::io::sink()).context("the letter cannot be read")?;
    if bytes.is_empty() {
        bail!("there is no letter on standard input");
    }
    Ok(bytes)
}

const fn said(was: Inbound) -> &'static str {
    match was {
        Inbound::Bounced => "Bounced: the mail did not arrive.",
        Inbound::Delayed => "Delayed: others still try.",
        Inbound::Arrived => "Arrived at the mailbox.",
        Inbound::Complaint => "A complaint: no more mail to this address.",
        Inbound::AutoReply => "An automatic answer: nothing to do.",
        Inbound::NotOurs => "Not about a mail of ours, or about an earlier address: nothing to do.",
        Inbound::NotUnderstood => "Nothing that can be understood: nothing to do.",
        Inbound::Request => "A request of a person: taken in.",
    }
}

async fn maildir(dir: PathBuf) -> anyhow::Result<()> {
    let ctx = context().await?;
    let unreadable = |f: Fault| anyhow!("the Maildir cannot be read: {} ({})", f.detail, f.code);
    let inbox: Arc<dyn Mailbox> = Arc::new(Bounces::Maildir(dir));
    inbox.open().await.map_err(unreadable)?.list(1).await.map_err(unreadable)?;
    let taken = request::read_inbox(&Ctx { inbox: Some(inbox.clone()), ..ctx }).await?;
    println!("{taken} letters taken in.");
    let left = inbox.open().await.map_err(unreadable)?.list(1).await.map_err(unreadable)?;
    if !left.is_empty() {
        bail!("letters lie there that could not be removed");
    }
    Ok(())
}
