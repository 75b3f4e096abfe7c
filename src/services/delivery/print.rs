//! The print queue: what no machine can deliver, as one PDF with a cover list, marked when it is posted.

use super::engine::{announce, event};
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::{delivery as store, invoice, organisation, views};
use domain::customer::Language;
use domain::delivery::State;
use domain::hex;
use render::print::{Posted, batch};
use uuid::Uuid;

/// Documents of one PDF at most.
const BATCH: i64 = 200;

/// A PDF of what waits for print.
pub struct Printed {
    /// A cover list, then each document.
    pub pdf: Vec<u8>,
    /// Whose documents.
    pub customers: Vec<Uuid>,
}

/// What waits for print, in one PDF: a cover list, then each document; `chosen` names some of it, or all when it is empty.
/// `None` when nothing waits.
pub async fn print_queue(ctx: &Ctx, actor: &Actor, chosen: &[Uuid]) -> Result<Option<Printed>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let mut waiting = views::print_queue(&tx, BATCH).await?;
    waiting.retain(|w| chosen.is_empty() || chosen.contains(&w.id));
    let org = organisation::find(&tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let ids: Vec<Uuid> = waiting.iter().map(|w| w.invoice_id).collect();
    let mut documents = invoice::load_documents(&tx, &ids).await?;
    tx.commit().await?;
    if documents.is_empty() {
        return Ok(None);
    }
    documents.sort_by_key(|(row, _)| row.number);
    let customers = documents.iter().map(|(row, _)| row.customer_id).collect();
    let mut posted = Vec::with_capacity(documents.len());
    for (_, document) in documents {
        let logo = match document.seller.logo.as_deref().and_then(hex::decode) {
            Some(hash) => Some(ctx.files.get(actor.org, &hash).await?),
            None => None,
        };
        posted.push(Posted { document, logo });
    }
    let (language, today) = (Language::from_code(&org.language), ctx.today());
    let drawn = tokio::task::spawn_blocking(move || batch(&org.name, language, today, &posted));
    let pdf = drawn.await.map_err(|e| std::io::Error::other(e.to_string()))??;
    Ok(Some(Printed { pdf, customers }))
}

/// Notes that a printed document is in the post.
pub async fn mark_posted(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = store::lock(&work.tx, id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    if row.channel != "print" || row.state != "queued" {
        return Err(Error::conflict("not_in_print_queue", "only what waits for print can be marked as posted"));
    }
    row.state = State::Delivered.as_str().to_owned();
    row.reason = None;
    row.updated_at = work.at;
    store::note(&work.tx, &[event(ctx, &row, "posted", None, None)]).await?;
    announce(ctx, &work.tx, &row).await?;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "delivery.posted", subject: "delivery", id, fields: "state" }).await
}
