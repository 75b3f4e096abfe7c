//! What is handed over on each channel, the same bytes every time, or why there can be nothing.

use super::choose::mail_address;
use super::loaded::Loaded;
use crate::ctx::Ctx;
use crate::ports::{EfakturaRequest, EhfMessage, Fault, Mail, Parcel};
use crate::services::error::Error;
use crate::services::invoice::{ehf, pdf};
use crate::services::organisation::statement_url;
use crate::services::payer;
use crate::services::work::Actor;
use crate::store::{delivery as store, mandate};
use chrono::{DateTime, Utc};
use domain::channel::Channel;
use domain::hex;
use domain::invoice::Kind;
use render::dkim::sign;
use render::mail::{MailParts, compose, fits};
use uuid::Uuid;

type Made<T> = Result<Result<T, Fault>, Error>;

pub(super) async fn prepare(ctx: &Ctx, actor: &Actor, loaded: &Loaded) -> Made<Parcel> {
    match loaded.channel() {
        Channel::Mail => Ok(mail(ctx, actor, loaded).await?.map(Parcel::Mail)),
        Channel::Efaktura => Ok(efaktura(ctx, actor, loaded).await?.map(|r| Parcel::Efaktura(Box::new(r)))),
        Channel::Ehf => Ok(ehf_message(ctx, actor, loaded).await?.map(Parcel::Ehf)),
        Channel::Print => Ok(Err(Fault::new("wrong_channel", "print is for a person"))),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where a parcel is made")]
fn fault<T>(code: &str, detail: &str) -> Made<T> {
    Ok(Err(Fault::new(code, detail)))
}

/// The file the channel carries: the one that is stored, or made now.
async fn file(ctx: &Ctx, actor: &Actor, loaded: &Loaded) -> Result<Vec<u8>, Error> {
    match &loaded.file {
        Some(hash) => Ok(ctx.files.get(actor.org, hash).await?),
        None if loaded.channel() == Channel::Ehf => ehf(ctx, actor, loaded.row.invoice_id).await,
        None => pdf(ctx, actor, loaded.row.invoice_id).await,
    }
}

/// Mail goes to the address of the customer the invoice belongs to as it is now, or to one a person chose for this
/// delivery; to no other.
async fn recipient(ctx: &Ctx, loaded: &Loaded) -> Made<String> {
    if loaded.invoice.customer_id != loaded.row.customer_id {
        return fault("wrong_customer", "the delivery and the invoice belong to different customers");
    }
    if loaded.row.channel_reason.as_deref() == Some("operators_choice")
        && let Some(address) = &loaded.address
    {
        return Ok(Ok(address.clone()));
    }
    let address = match mail_address(&loaded.customer) {
        Err("no_address") => return fault("no_address", "the customer has no e-mail address"),
        Err(code) => return fault(code, "the e-mail address cannot be right"),
        Ok(address) => address,
    };
    if loaded.address.as_deref() != Some(address) {
        let tx = ctx.db.write(loaded.row.org_id).await?;
        store::set_address(&tx, loaded.row.id, address).await?;
        tx.commit().await?;
    }
    Ok(Ok(address.to_owned()))
}

async fn mail(ctx: &Ctx, actor: &Actor, loaded: &Loaded) -> Made<Mail> {
    let address = match recipient(ctx, loaded).await? {
        Ok(address) => address,
        Err(fault) => return Ok(Err(fault)),
    };
    let attachment = file(ctx, actor, loaded).await?;
    let settings = &ctx.config.mail;
    let link = payer::url_for(ctx, &loaded.invoice).await?;
    let tx = ctx.db.read(loaded.row.org_id).await?;
    let privacy = statement_url(ctx, &tx, &loaded.org).await?;
    tx.commit().await?;
    let attachment = Some(attachment.as_slice()).filter(|pdf| fits(pdf, settings.max_bytes));
    if attachment.is_none() && link.is_none() {
        return fault("mail_too_large", "the PDF is above mail.max_bytes, and payer.base_url names no page to link to");
    }
    let (id, document) = (loaded.row.id, &loaded.document);
    let parts = MailParts {
        document,
        pdf: attachment,
        link: link.as_deref(),
        privacy: privacy.as_deref(),
        from_name: &loaded.org.sender_name,
        from_address: &loaded.org.sender_email,
        reply_to: loaded.org.reply_to.as_deref(),
        to_name: &document.buyer.name,
        to_address: &address,
        message_id: format!("{id}@{}", settings.domain),
        at: loaded.invoice.created_at,
    };
    let envelope_from = envelope_sender(ctx, id, &address);
    let bytes = match compose(&parts) {
        Err(e) => return fault("mail_not_composed", &e.to_string()),
        Ok(bytes) => bytes,
    };
    let signed = signed(ctx, bytes, loaded.invoice.created_at);
    Ok(signed.map(|bytes| Mail { id, envelope_from, recipient: address, bytes }))
}

/// A mail with its DKIM signature, where a key is set up.
pub(crate) fn signed(ctx: &Ctx, bytes: Vec<u8>, at: DateTime<Utc>) -> Result<Vec<u8>, Fault> {
    let Some(key) = &ctx.dkim else { return Ok(bytes) };
    sign(&bytes, key, at).map_err(|e| Fault::new("mail_not_signed", e.to_string()))
}

/// `b+<tag>.<mac>@domain`: finds its delivery again, and never holds the recipient (decision 43).
pub(crate) fn envelope_sender(ctx: &Ctx, id: Uuid, address: &str) -> String {
    format!("b+{}.{}@{}", id.simple(), envelope_mac(ctx, id, address), ctx.config.mail.domain)
}

/// Ties a tag to the address it was made for: a forged one, or one for an earlier address, is seen.
pub(super) fn envelope_mac(ctx: &Ctx, id: Uuid, address: &str) -> String {
    let mac = ctx.key.hash(&[b"envelope", id.as_bytes(), address.to_lowercase().as_bytes()]);
    hex::encode(&mac[..8])
}

/// What one side of an e-invoice must have.
fn both_numbers(loaded: &Loaded) -> Option<(String, String)> {
    let seller = loaded.document.seller.org_number.clone()?;
    let buyer = loaded.document.buyer.org_number.clone()?;
    Some((String::from(seller), String::from(buyer)))
}

async fn ehf_message(ctx: &Ctx, actor: &Actor, loaded: &Loaded) -> Made<EhfMessage> {
    let Some((sender, receiver)) = both_numbers(loaded) else {
        return fault("no_org_number", "an e-invoice finds its receiver by the organisation numbers of both");
    };
    let xml = file(ctx, actor, loaded).await?;
    let id = loaded.row.message_id.unwrap_or(loaded.row.id);
    let credit_note = loaded.document.kind == Kind::CreditNote;
    Ok(Ok(EhfMessage { id, sender, receiver, credit_note, xml }))
}

/// Whether the bank pays by itself.
async fn has_mandate(ctx: &Ctx, loaded: &Loaded) -> Result<bool, Error> {
    let tx = ctx.db.read(loaded.row.org_id).await?;
    let found = mandate::is_active(&tx, loaded.row.customer_id, loaded.invoice.bank_account_id).await?;
    tx.commit().await?;
    Ok(found)
}

async fn efaktura(ctx: &Ctx, actor: &Actor, loaded: &Loaded) -> Made<EfakturaRequest> {
    let document = &loaded.document;
    let (Some(receiver), Some(issuer), Some(due_on), Some(kid)) = (
        loaded.chooser.identifier(&loaded.known, &loaded.customer),
        loaded.org.org_number.clone(),
        document.due_on,
        document.kid.clone(),
    ) else {
        return fault("receiver_not_found", "the consumer's identifier, the seller's number or the KID is missing");
    };
    let avtalegiro = ctx.config.efaktura.avtalegiro && has_mandate(ctx, loaded).await?;
    let pdf = file(ctx, actor, loaded).await?;
    Ok(Ok(EfakturaRequest {
        id: loaded.row.message_id.unwrap_or(loaded.row.id),
        issuer,
        receiver: receiver.to_owned(),
        invoice_number: loaded.invoice.number.to_string(),
        issued_on: document.issued_on,
        due_on,
        amount_ore: document.totals.total.ore(),
        kid,
        account: document.seller.account.to_string(),
        avtalegiro,
        pdf,
    }))
}
