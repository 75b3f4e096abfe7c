//! Links: one that works for an invoice at a time, made when its mail is first put together.

use crate::ctx::{Ctx, sha256};
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::invoice::{self, Invoice};
use crate::store::payer as store;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

/// A link that works, and what it stands for.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// The organisation.
    pub org: Uuid,
    /// The link.
    pub id: Uuid,
    /// The invoice.
    pub invoice_id: Uuid,
    /// Who owes.
    pub customer_id: Uuid,
}

/// The token of a link: the same each time it is asked for, and to be guessed by nobody without the key.
fn token(ctx: &Ctx, org: Uuid, id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(ctx.key.hash(&[b"payer link", org.as_bytes(), id.as_bytes()]))
}

/// Whether a link works.
pub(super) fn is_live(row: &store::Link, now: DateTime<Utc>) -> bool {
    row.revoked_at.is_none() && row.expires_at > now
}

/// The address of the page a token opens; none where payers have no pages.
fn url(ctx: &Ctx, row: &store::Link) -> Option<String> {
    let base = ctx.config.payer.base_url.trim_end_matches('/');
    (!base.is_empty()).then(|| format!("{base}/i/{}", token(ctx, row.org_id, row.id)))
}

/// The address of an invoice's page, made when there is none that works; none where payers have no pages.
pub(crate) async fn url_for(ctx: &Ctx, invoice: &Invoice) -> Result<Option<String>, Error> {
    if ctx.config.payer.base_url.is_empty() {
        return Ok(None);
    }
    let now = ctx.now();
    let tx = ctx.db.read(invoice.org_id).await?;
    let found = store::find_of_invoice(&tx, invoice.id).await?;
    tx.commit().await?;
    if let Some(row) = found.filter(|row| is_live(row, now)) {
        return Ok(url(ctx, &row));
    }
    let tx = ctx.db.write(invoice.org_id).await?;
    if let Some(mut old) = store::find_of_invoice(&tx, invoice.id).await?.filter(|row| !is_live(row, now)) {
        old.revoked_at = Some(now);
        store::update(&tx, old).await?;
    }
    // Two workers at once make one: the second finds the first one's.
    store::insert(&tx, new_link(ctx, invoice, now)).await?;
    let row = store::find_of_invoice(&tx, invoice.id).await?.ok_or_else(|| Error::not_found("payer link"))?;
    tx.commit().await?;
    Ok(url(ctx, &row))
}

fn new_link(ctx: &Ctx, invoice: &Invoice, now: DateTime<Utc>) -> store::Link {
    let (org_id, id) = (invoice.org_id, ctx.id());
    store::Link {
        org_id,
        id,
        invoice_id: invoice.id,
        customer_id: invoice.customer_id,
        token_hash: sha256(token(ctx, org_id, id).as_bytes()).to_vec(),
        created_at: now,
        expires_at: now + Duration::days(ctx.config.payer.link_days),
        revoked_at: None,
        code_hash: None,
        code_made_at: None,
        code_expires_at: None,
        code_tries: 0,
        codes_since_at: None,
        codes_sent: 0,
    }
}

/// The link a token stands for; none when it is unknown, expired or revoked, and which is not said.
pub async fn find(ctx: &Ctx, token: &str) -> Result<Option<Link>, Error> {
    if ctx.config.payer.base_url.is_empty() {
        return Ok(None);
    }
    let tx = ctx.db.system().await?;
    let found = store::find_anywhere(&tx, &sha256(token.as_bytes())).await?;
    tx.commit().await?;
    let live = found.filter(|row| is_live(row, ctx.now()));
    Ok(live.map(|r| Link { org: r.org_id, id: r.id, invoice_id: r.invoice_id, customer_id: r.customer_id }))
}

/// The address of an invoice's page, where it has one that works.
pub async fn find_url(ctx: &Ctx, actor: &Actor, invoice_id: Uuid) -> Result<Option<String>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let found = store::find_of_invoice(&tx, invoice_id).await?;
    tx.commit().await?;
    Ok(found.filter(|row| is_live(row, ctx.now())).and_then(|row| url(ctx, &row)))
}

/// Makes the link of an invoice dead at once, with everything opened by it. Its next mail gets a new one.
pub async fn revoke(ctx: &Ctx, actor: &Actor, invoice_id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    invoice::find(&work.tx, invoice_id).await?.ok_or_else(|| Error::not_found("invoice"))?;
    let found = store::find_of_invoice(&work.tx, invoice_id).await?.filter(|row| is_live(row, work.at));
    let found = found.ok_or_else(|| Error::not_found("payer link"))?;
    let mut row = store::lock(&work.tx, found.id).await?.ok_or_else(|| Error::not_found("payer link"))?;
    row.revoked_at = Some(work.at);
    row.code_hash = None;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "invoice.payer_link_revoked", subject: "invoice", id: invoice_id, fields: "revoked_at" })
        .await
}
