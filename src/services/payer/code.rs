//! One-time codes: sent to the address on file, used once, and dead after a few wrong guesses.

use super::link::{Link, is_live};
use crate::ctx::{Ctx, same};
use crate::ports::{Fault, Handed, Mail, Parcel};
use crate::services::delivery::{address_hash, envelope_sender, mail_address, signed};
use crate::services::error::Error;
use crate::services::sign_in::{self, How, Outcome};
use crate::services::user::new_token;
use crate::store::customer::Customer;
use crate::store::organisation::Organisation;
use crate::store::{OrgTx, channel, customer, erasure, invoice, organisation, payer as store};
use chrono::{DateTime, Duration, Utc};
use domain::channel::Channel;
use domain::customer::Language;
use render::RenderError;
use render::mail::{CodeParts, LetterParts, compose_code, compose_letter};
use render::paper::Paper;
use std::net::IpAddr;
use uuid::Uuid;

/// Minutes a code works.
pub(super) const CODE_MINUTES: i64 = 10;
/// Wrong guesses after which a code is dead.
pub(super) const MOST_TRIES: i64 = 5;
/// Codes of a link in a day: whoever holds a link and guesses for all its life has a chance of a few in a thousand.
const MOST_CODES: i64 = 5;
/// Minutes a page stays open.
pub(super) const SESSION_MINUTES: i64 = 30;

/// What became of asking for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeSent {
    /// It is on its way.
    Sent,
    /// Mail cannot leave now; nothing was used up.
    Away,
    /// Enough codes for today.
    TooMany,
    /// There is no address it may go to, or the one there is was refused.
    Refused,
}

/// What became of a code somebody typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// Right: the token for the cookie.
    Session(String),
    /// Wrong; the page says how many tries are left.
    Wrong,
    /// There is no code that works.
    Dead,
    /// Nobody signs in from this address: minutes left, or none where a person lifts it.
    Blocked(Option<i64>),
}

/// Where a code may go: the customer's address as it is now, not one that mail is held back from, and for a protected
/// identity only where the organisation holds mail for safe.
pub(crate) async fn address(
    ctx: &Ctx,
    tx: &OrgTx,
    org: &Organisation,
    customer: &Customer,
) -> Result<Option<String>, Error> {
    let safe = Channel::parse_list(&org.safe_channels).unwrap_or_default();
    if customer.record.is_protected() && !safe.contains(&Channel::Mail) {
        return Ok(None);
    }
    let Ok(address) = mail_address(customer) else { return Ok(None) };
    let hash = address_hash(&ctx.key, org.org_id, address);
    let held_back = channel::find_suppression(tx, &hash).await?.is_some();
    Ok((!held_back).then(|| address.to_owned()))
}

/// Who is written to, and in whose name.
pub(super) async fn parties(tx: &OrgTx, link: &Link) -> Result<(Organisation, Customer), Error> {
    let org = organisation::find(tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let customer = customer::load(tx, &[link.customer_id]).await?.into_iter().next();
    Ok((org, customer.ok_or_else(|| Error::not_found("customer"))?))
}

fn code_hash(ctx: &Ctx, link: &Link, code: &str) -> Vec<u8> {
    ctx.key.hash(&[b"payer code", link.org.as_bytes(), link.id.as_bytes(), code.as_bytes()]).to_vec()
}

/// Six digits, each code as likely as the next.
pub(crate) fn new_code(ctx: &Ctx) -> String {
    const CODES: u32 = 1_000_000;
    loop {
        let mut bytes = [0; 4];
        ctx.rng.fill(&mut bytes);
        let number = u32::from_le_bytes(bytes);
        // The last, incomplete round would favour low numbers.
        if number < u32::MAX / CODES * CODES {
            return format!("{:06}", number % CODES);
        }
    }
}

/// Makes a code and mails it, in a language or in the document's: recorded first, taken back when mail cannot leave.
pub async fn send_code(ctx: &Ctx, link: &Link, language: Option<Language>) -> Result<CodeSent, Error> {
    let tx = ctx.db.read(link.org).await?;
    let invoice = invoice::find(&tx, link.invoice_id).await?.ok_or_else(|| Error::not_found("invoice"))?;
    let language = language.unwrap_or_else(|| Language::from_code(&invoice.language));
    let (org, customer) = parties(&tx, link).await?;
    let to = address(ctx, &tx, &org, &customer).await?;
    tx.commit().await?;
    let Some(to) = to else { return Ok(CodeSent::Refused) };
    let code = new_code(ctx);
    let Some(before) = record(ctx, link, &code).await? else { return Ok(CodeSent::TooMany) };
    let sent = mail_code(ctx, &org, &to, &code, CODE_MINUTES, language).await;
    if sent == CodeSent::Away {
        take_back(ctx, link, &code, before).await?;
    }
    Ok(sent)
}

/// Mails a code that works for so many minutes.
pub(crate) async fn mail_code(
    ctx: &Ctx,
    org: &Organisation,
    to: &str,
    code: &str,
    minutes: i64,
    language: Language,
) -> CodeSent {
    match mail(ctx, org, to, code, minutes, language).await {
        // What was lost on the line may have arrived.
        Handed::Accepted(_) | Handed::HandedOver(_) | Handed::Lost(_) => CodeSent::Sent,
        Handed::Temporary(fault) | Handed::Away(fault) => {
            tracing::warn!(code = %fault.code, "a one-time code could not be mailed");
            CodeSent::Away
        }
        Handed::Permanent(fault) => {
            tracing::warn!(code = %fault.code, "a one-time code was refused");
            CodeSent::Refused
        }
    }
}

/// Records a new code in place of the one before it; the link as it was, or none when there were enough today.
async fn record(ctx: &Ctx, link: &Link, code: &str) -> Result<Option<store::Link>, Error> {
    let now = ctx.now();
    let tx = ctx.db.write(link.org).await?;
    let Some(before) = store::lock(&tx, link.id).await?.filter(|row| is_live(row, now)) else { return Ok(None) };
    let mut row = before.clone();
    if row.codes_since_at.is_none_or(|since| now - since >= Duration::days(1)) {
        row.codes_since_at = Some(now);
        row.codes_sent = 0;
    }
    if row.codes_sent >= MOST_CODES {
        return Ok(None);
    }
    row.codes_sent += 1;
    row.code_hash = Some(code_hash(ctx, link, code));
    row.code_made_at = Some(now);
    row.code_expires_at = Some(now + Duration::minutes(CODE_MINUTES));
    row.code_tries = 0;
    store::update(&tx, row).await?;
    tx.commit().await?;
    Ok(Some(before))
}

/// Puts the link back as it was before a code that could not be mailed; guesses made meanwhile count on.
async fn take_back(ctx: &Ctx, link: &Link, code: &str, before: store::Link) -> Result<(), Error> {
    let tx = ctx.db.write(link.org).await?;
    let Some(row) = store::lock(&tx, link.id).await? else { return Ok(()) };
    if row.code_hash == Some(code_hash(ctx, link, code)) {
        let code_tries = before.code_tries + row.code_tries;
        store::update(&tx, store::Link { code_tries, revoked_at: row.revoked_at, ..before }).await?;
    }
    Ok(tx.commit().await?)
}

/// Mails a code.
async fn mail(ctx: &Ctx, org: &Organisation, to: &str, code: &str, minutes: i64, language: Language) -> Handed {
    let (id, at) = (ctx.id(), ctx.now());
    let parts = CodeParts {
        language,
        code,
        minutes,
        from_name: &org.sender_name,
        from_address: &org.sender_email,
        to_address: to,
        message_id: format!("{id}@{}", ctx.config.mail.domain),
        at,
    };
    hand_over(ctx, org.org_id, id, to, at, compose_code(&parts)).await
}

/// Mails a letter of an organisation that belongs to no delivery.
pub(crate) async fn mail_letter(
    ctx: &Ctx,
    org: &Organisation,
    (id, at): (Uuid, DateTime<Utc>),
    to: &str,
    paper: &Paper,
) -> Handed {
    let parts = LetterParts {
        paper,
        from_name: &org.sender_name,
        from_address: &org.sender_email,
        reply_to: org.reply_to.as_deref(),
        to_address: to,
        message_id: format!("{id}@{}", ctx.config.mail.domain),
        at,
    };
    hand_over(ctx, org.org_id, id, to, ctx.now(), compose_letter(&parts)).await
}

/// Signs a mail that belongs to no delivery and hands it to the relay. Its envelope sender names no delivery: what comes back is
/// thrown away. A file in a folder is noted for removal before it is there: the next erasure or night takes it, and no folder is
/// searched for it.
pub(crate) async fn hand_over(
    ctx: &Ctx,
    org: Uuid,
    id: Uuid,
    to: &str,
    at: DateTime<Utc>,
    composed: Result<Vec<u8>, RenderError>,
) -> Handed {
    let composed = composed.map_err(|e| Fault::new("mail_not_composed", e.to_string()));
    let bytes = match composed.and_then(|bytes| signed(ctx, bytes, at)) {
        Err(fault) => return Handed::Permanent(fault),
        Ok(bytes) => bytes,
    };
    let parcel =
        Parcel::Mail(Mail { id, envelope_from: envelope_sender(ctx, id, to), recipient: to.to_owned(), bytes });
    ctx.pace.wait(Channel::Mail).await;
    let before = async move {
        if ctx.config.mail.is_spooled() {
            return note_file(ctx, org, id).await.map_err(|e| e.to_string());
        }
        Ok(())
    };
    ctx.mailer.session().send(&parcel, Box::new(|| Box::pin(before))).await
}

async fn note_file(ctx: &Ctx, org: Uuid, id: Uuid) -> Result<(), crate::store::Error> {
    let tx = ctx.db.write(org).await?;
    erasure::note_removal(&tx, "spool", &format!("{id}.eml"), ctx.now()).await?;
    tx.commit().await
}

/// Takes a code: right, it is used up and the page is open. Guesses are counted under the row's lock, so that many at
/// once are no more than one after the other. Every attempt is logged with the address it came from.
pub async fn open(ctx: &Ctx, link: &Link, typed: &str, from: Option<IpAddr>) -> Result<Opened, Error> {
    if let Some(blocked) = sign_in::blocked(ctx, How::Code, from).await? {
        return Ok(Opened::Blocked(blocked.minutes(ctx.now())));
    }
    let tx = ctx.db.write(link.org).await?;
    let opened = take(ctx, &tx, link, typed).await?;
    let outcome = match &opened {
        Opened::Session(_) => Outcome::LetIn,
        Opened::Wrong => Outcome::Wrong,
        Opened::Dead | Opened::Blocked(_) => Outcome::Dead,
    };
    let failed = sign_in::note_code(ctx, &tx, from, link.customer_id, outcome).await?;
    tx.commit().await?;
    if let Some(network) = failed {
        sign_in::watch_codes(ctx, link.org, &network).await?;
    }
    Ok(opened)
}

async fn take(ctx: &Ctx, tx: &OrgTx, link: &Link, typed: &str) -> Result<Opened, Error> {
    let now = ctx.now();
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let Some(mut row) = store::lock(tx, link.id).await?.filter(|row| is_live(row, now)) else {
        return Ok(Opened::Dead);
    };
    let works = row.code_tries < MOST_TRIES && row.code_expires_at.is_some_and(|until| until > now);
    let Some(hash) = row.code_hash.clone().filter(|_| works) else { return Ok(Opened::Dead) };
    row.code_tries += 1;
    let left = MOST_TRIES - row.code_tries;
    let right = same(&hash, &code_hash(ctx, link, &typed));
    if right || left == 0 {
        row.code_hash = None;
    }
    store::update(tx, row).await?;
    let session = new_token(ctx);
    if right {
        let row = store::Session {
            id_hash: crate::ctx::sha256(session.as_bytes()).to_vec(),
            org_id: link.org,
            link_id: link.id,
            created_at: now,
            expires_at: now + Duration::minutes(SESSION_MINUTES),
        };
        store::insert_session(tx, row).await?;
    }
    Ok(match (right, left) {
        (true, _) => Opened::Session(session),
        (false, 0) => Opened::Dead,
        (false, _) => Opened::Wrong,
    })
}
