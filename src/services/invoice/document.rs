//! PDF, HTML and EHF of an issued document: made at first need, stored, and served as first made (I4, decision 24).

use crate::ctx::Ctx;
use crate::services::error::{Error, FieldError, Kind, Refusal};
use crate::services::work::Actor;
use crate::store::invoice::{self as store, StoredDocument};
use domain::hex;
use domain::invoice::Document;
use formats::ehf;
use uuid::Uuid;

/// Version of the code that draws; recorded with each stored document.
pub const RENDERER_VERSION: i64 = 1;

/// The frozen document, for a page.
pub async fn document(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Document, Error> {
    load(ctx, actor, id).await
}

/// The files that were made of it: kind and hash.
pub async fn stored_files(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let mut files = Vec::new();
    for kind in ["pdf", "ehf"] {
        files.extend(store::find_document(&tx, id, kind).await?.map(|d| (d.kind, d.content_hash)));
    }
    tx.commit().await?;
    Ok(files)
}

/// The frozen document.
async fn load(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Document, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let found = store::load_documents(&tx, &[id]).await?.into_iter().next();
    tx.commit().await?;
    found.map(|(_, document)| document).ok_or_else(|| Error::not_found("invoice"))
}

/// The PDF.
pub async fn pdf(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Vec<u8>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let stored = store::find_document(&tx, id, "pdf").await?;
    tx.commit().await?;
    if let Some(stored) = stored {
        return Ok(ctx.files.get(actor.org, &stored.content_hash).await?);
    }
    let document = load(ctx, actor, id).await?;
    let logo = logo(ctx, actor, &document).await?;
    let bytes = tokio::task::spawn_blocking(move || render::pdf(&document, logo.as_deref(), id.as_bytes()))
        .await
        .map_err(|e| std::io::Error::other(e.to_string()))??;
    keep(ctx, actor, id, "pdf", &bytes).await?;
    Ok(bytes)
}

/// Stores a document under the hash of its content and notes where.
async fn keep(ctx: &Ctx, actor: &Actor, invoice_id: Uuid, kind: &str, bytes: &[u8]) -> Result<(), Error> {
    let hash = ctx.files.put(actor.org, bytes).await?;
    let tx = ctx.db.write(actor.org).await?;
    // Archived while it was drawn: it does not stay in the open.
    let invoice = store::find(&tx, invoice_id).await?.ok_or_else(|| Error::not_found("invoice"))?;
    let customer = crate::store::customer::lock(&tx, &[invoice.customer_id]).await?.into_iter().next();
    if customer.is_none_or(|c| c.status == "archived") {
        crate::store::erasure::note_removal(&tx, "files", &hex::encode(&hash), ctx.now()).await?;
        tx.commit().await?;
        return Err(crate::store::Error::Archived.into());
    }
    let row = StoredDocument {
        org_id: actor.org,
        invoice_id,
        kind: kind.to_owned(),
        content_hash: hash.to_vec(),
        bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        renderer_version: RENDERER_VERSION,
        created_at: ctx.now(),
    };
    store::keep_document(&tx, row).await?;
    Ok(tx.commit().await?)
}

/// The same as HTML.
pub async fn html(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<String, Error> {
    let document = load(ctx, actor, id).await?;
    let logo = logo(ctx, actor, &document).await?;
    Ok(render::html(&document, logo.as_deref())?)
}

/// The logo as it was when the document was issued.
pub(in crate::services) async fn logo(ctx: &Ctx, actor: &Actor, document: &Document) -> Result<Option<Vec<u8>>, Error> {
    let Some(hash) = document.seller.logo.as_deref().and_then(hex::decode) else { return Ok(None) };
    Ok(Some(ctx.files.get(actor.org, &hash).await?))
}

/// The document as EHF, with its PDF inside: checked by the gate, then stored and served as first made.
pub async fn ehf(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Vec<u8>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let stored = store::find_document(&tx, id, "ehf").await?;
    tx.commit().await?;
    if let Some(stored) = stored {
        return Ok(ctx.files.get(actor.org, &stored.content_hash).await?);
    }
    let document = load(ctx, actor, id).await?;
    let attachment = pdf(ctx, actor, id).await?;
    let bytes = ehf::write(&document, Some(&attachment)).map_err(|e| Error::conflict("no_ehf", e.to_string()))?;
    let findings = ehf::check(&bytes);
    if !findings.is_empty() {
        let errors =
            findings.into_iter().map(|f| FieldError { field: f.path, code: f.rule.to_owned(), message: f.message });
        return Err(Error::Refused(Box::new(Refusal {
            kind: Kind::Conflict,
            code: "ehf_refused",
            message: "the document breaks rules of EHF and would be refused; nothing was made".to_owned(),
            errors: errors.collect(),
        })));
    }
    keep(ctx, actor, id, "ehf", &bytes).await?;
    Ok(bytes)
}
