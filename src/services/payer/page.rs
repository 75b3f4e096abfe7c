//! What the page shows: before the code nothing that says who owes or for what, after it the invoice.

use super::code::{MOST_TRIES, address, parties};
use super::link::Link;
use crate::ctx::{Ctx, sha256};
use crate::services::delivery::{TimelineEvent, timeline};
use crate::services::error::Error;
use crate::services::invoice;
use crate::services::organisation::statement_path;
use crate::services::work::Actor;
use crate::store::{invoice as documents, payer as store, worklist};
use chrono::{DateTime, Utc};
use domain::hex;
use domain::invoice::Document;
use domain::money::Money;
use std::collections::HashMap;
use uuid::Uuid;

/// What stands between a visitor and the invoice.
pub enum Door {
    /// No code can be sent.
    NoAddress,
    /// A code can be sent to this masked address; tries that are left of one that was.
    Closed {
        /// `i•••@s•••.no`.
        masked: String,
        /// Tries left of a code that works.
        tries_left: Option<i64>,
    },
    /// Open.
    Open {
        /// What happened to the invoice, newest first.
        events: Vec<TimelineEvent>,
        /// Numbers of its credit notes.
        notes: HashMap<Uuid, i64>,
    },
}

/// What the page is made of.
pub struct Page {
    /// The frozen document. Only its seller, KID, account, due date and total may be shown while the door is closed.
    pub document: Document,
    /// Left to pay.
    pub remaining: Money,
    /// Taken back by credit notes.
    pub credited: Money,
    /// The seller's logo.
    pub logo: Option<Vec<u8>>,
    /// Where the seller's privacy statement is read.
    pub privacy: Option<String>,
    /// What stands between a visitor and the invoice.
    pub door: Door,
}

/// `ingrid@solbakken.no` as `i•••@s•••.no`.
fn masked(address: &str) -> String {
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let end = domain.rsplit_once('.').map_or("", |(_, end)| end);
    format!("{}•••@{}•••.{end}", first(local), first(domain))
}

/// Whether a session opens this link and no other.
pub(crate) async fn is_open(ctx: &Ctx, link: &Link, session: Option<&str>) -> Result<bool, Error> {
    let Some(session) = session else { return Ok(false) };
    let tx = ctx.db.read(link.org).await?;
    let found = store::find_session(&tx, &sha256(session.as_bytes())).await?;
    tx.commit().await?;
    Ok(found.is_some_and(|s| s.link_id == link.id && s.expires_at > ctx.now()))
}

fn tries_left(row: &store::Link, now: DateTime<Utc>) -> Option<i64> {
    let works = row.code_hash.is_some() && row.code_expires_at.is_some_and(|until| until > now);
    works.then_some(MOST_TRIES - row.code_tries).filter(|left| *left > 0)
}

/// What a visitor sees.
pub async fn show(ctx: &Ctx, link: &Link, session: Option<&str>) -> Result<Page, Error> {
    let actor = Actor::job(link.org);
    let is_open = is_open(ctx, link, session).await?;
    let tx = ctx.db.read(link.org).await?;
    let missing = || Error::not_found("invoice");
    let (_, document) =
        documents::load_documents(&tx, &[link.invoice_id]).await?.into_iter().next().ok_or_else(missing)?;
    let row = worklist::invoice(&tx, link.invoice_id).await?.ok_or_else(missing)?;
    let (org, customer) = parties(&tx, link).await?;
    let to = address(ctx, &tx, &org, &customer).await?;
    let privacy = statement_path(ctx, &tx, &org).await?;
    let state = store::find(&tx, link.id).await?;
    let notes = documents::list_credit_notes(&tx, link.invoice_id).await?;
    tx.commit().await?;
    let door = match to {
        _ if is_open => {
            let notes = notes.into_iter().map(|note| (note.id, note.number)).collect();
            Door::Open { events: timeline(ctx, &actor, link.invoice_id).await?, notes }
        }
        None => Door::NoAddress,
        Some(to) => {
            let tries_left = state.and_then(|row| tries_left(&row, ctx.now()));
            Door::Closed { masked: masked(&to), tries_left }
        }
    };
    Ok(Page {
        remaining: Money::from_ore(row.remaining_ore),
        credited: Money::from_ore(row.credited_ore),
        privacy,
        logo: invoice::logo(ctx, &actor, &document).await?,
        door,
        document,
    })
}

/// The stored PDF and its number, for somebody who has used the code.
pub async fn pdf(ctx: &Ctx, link: &Link, session: Option<&str>) -> Result<Option<(i64, Vec<u8>)>, Error> {
    if !is_open(ctx, link, session).await? {
        return Ok(None);
    }
    let tx = ctx.db.read(link.org).await?;
    let found = documents::find(&tx, link.invoice_id).await?.ok_or_else(|| Error::not_found("invoice"))?;
    tx.commit().await?;
    Ok(Some((found.number, invoice::pdf(ctx, &Actor::job(link.org), link.invoice_id).await?)))
}

/// Closes what a session has opened.
pub async fn close(ctx: &Ctx, link: &Link, session: &str) -> Result<(), Error> {
    let tx = ctx.db.write(link.org).await?;
    store::delete_session(&tx, &sha256(session.as_bytes())).await?;
    Ok(tx.commit().await?)
}

/// Ties a form to the browser and the link it was shown for.
pub fn form_token(ctx: &Ctx, cookie: &str, link: &Link) -> String {
    hex::encode(&ctx.key.hash(&[b"payer form", cookie.as_bytes(), link.id.as_bytes()])[..16])
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn an_address_is_recognised_by_its_owner_alone() {
        assert_eq!(masked("ingrid@solbakken.no"), "i•••@s•••.no");
        assert_eq!(masked("i@post.solbakken.example.org"), "i•••@p•••.org");
    }
}
