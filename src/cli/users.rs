//! People who sign in to the console.

use super::{Org, context, print_json, text};
use crate::ctx::Ctx;
use crate::privacy::reading;
use crate::services::sign_in;
use crate::services::user::{self, NewUser};
use anyhow::{Context, bail};
use clap::Subcommand;
use std::io::Read;

/// People who sign in.
#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Makes an account and lets it act for an organisation.
    Create {
        /// What they sign in with, such as an e-mail address.
        #[arg(long)]
        login: String,
        /// Their name, as others see it.
        #[arg(long)]
        name: String,
        /// What they may do: owner, operator or viewer.
        #[arg(long, default_value = "operator", value_parser = ["owner", "operator", "viewer"])]
        role: String,
        /// Reads the password from standard input; one is made when left out.
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        org: Org,
    },
    /// Shows the newest attempts to sign in to an account: when, from which address, and what became of it.
    SignIns {
        /// What they sign in with, or the account's id.
        who: String,
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Lists the accounts that act for an organisation.
    List {
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: UserCommand) -> anyhow::Result<()> {
    let ctx = context().await?;
    match command {
        UserCommand::Create { login, name, role, password_stdin, org } => {
            let actor = org.actor(&ctx).await?;
            let tx = ctx.db.read(actor.org).await?;
            crate::store::organisation::find(&tx).await?.context("there is no such organisation")?;
            tx.commit().await?;
            let password = if password_stdin { given()? } else { made(&ctx) };
            let new = NewUser { login: &login, name: &name, password: &password };
            let id = user::create(&ctx, &new).await?;
            user::add_member(&ctx, &actor, id, &role).await?;
            println!("{} can sign in, as {role}.", login.trim().to_lowercase());
            if !password_stdin {
                println!("Password: {password}\n\nIt is not shown again. Hand it over in person or by telephone.");
            }
        }
        UserCommand::SignIns { who, org, json } => {
            let actor = org.actor(&ctx).await?;
            let members = user::members(&ctx, &actor).await?;
            let login = who.trim().to_lowercase();
            let found = members.iter().find(|m| m.login == login || m.id.to_string() == login);
            let id = found.context("nobody who acts for the organisation signs in with this")?.id;
            let attempts = sign_in::list_of_member(&ctx, actor.org, id).await?;
            reading::note_now(&ctx, &actor, "user.sign_ins", id).await?;
            if json {
                return print_json(&attempts);
            }
            for a in attempts {
                let address = a.address.as_deref().unwrap_or("unknown");
                println!("{}  {:<9}{:<9}{address}", text::moment(a.at), a.how, a.outcome);
            }
        }
        UserCommand::List { org, json } => {
            let actor = org.actor(&ctx).await?;
            let members = user::members(&ctx, &actor).await?;
            reading::note_now(&ctx, &actor, "users.list", reading::about(members.iter().map(|m| Some(m.id)))).await?;
            if json {
                return print_json(&members);
            }
            for m in members {
                println!("{}  {:<9}{}  {}", m.id, m.role, m.login, m.name);
            }
        }
    }
    Ok(())
}

/// The password on standard input, without the end of its line.
fn given() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text).context("the password cannot be read")?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.contains(['\r', '\n']) {
        bail!("standard input holds more than one line; give the password alone");
    }
    Ok(password.to_owned())
}

/// Letters and digits nobody mistakes for each other.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A password of 100 bits, in groups that can be read out.
fn made(ctx: &Ctx) -> String {
    let mut bytes = [0; 20];
    ctx.rng.fill(&mut bytes);
    let letters: Vec<char> = bytes.iter().map(|b| char::from(LETTERS[usize::from(b % 32)])).collect();
    letters.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}
