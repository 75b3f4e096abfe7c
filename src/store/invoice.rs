//! Drafts, issued invoices, their frozen text and parties, KIDs and stored documents.

use super::archive;
use super::bulk::{self, Keys, Wanted};
use super::error::Error;
use super::tx::OrgTx;
use chrono::NaiveDate;
use domain::credit_note::CreditedGroup;
use domain::customer::Language;
use domain::invoice::{Buyer, Credited, Document, Kind, Line, Seller, Totals};
use domain::money::{Micro, Money};
use domain::vat::Category;
use entity::{document, invoice, invoice_draft, invoice_text, invoice_vat, kid, party_block};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use uuid::Uuid;

pub use document::Model as StoredDocument;
pub use invoice::Model as Invoice;
pub use invoice_draft::Model as Draft;
pub use invoice_text::Model as InvoiceText;
pub use invoice_vat::Model as InvoiceVat;
pub use kid::Model as KidRow;
pub use party_block::Model as PartyBlock;

/// What an invoice was about: the part of the snapshot that is neither a fact nor a party.
#[derive(Serialize, Deserialize)]
struct Text {
    delivered_from: NaiveDate,
    delivered_to: Option<NaiveDate>,
    delivery_place: Option<String>,
    lines: Vec<Line>,
    totals: Totals,
    note: Option<String>,
    credits: Option<Credited>,
}

/// Rows of issued documents, written together.
#[derive(Default)]
pub struct IssueRows {
    /// Facts.
    pub invoices: Vec<Invoice>,
    /// Texts.
    pub texts: Vec<InvoiceText>,
    /// Sums per rate.
    pub vat: Vec<InvoiceVat>,
    /// Frozen buyers.
    pub parties: Vec<PartyBlock>,
    /// KIDs given out.
    pub kids: Vec<KidRow>,
}

impl IssueRows {
    /// Adds one document.
    pub fn push(&mut self, row: Invoice, doc: &Document) -> Result<(), Error> {
        let bad = |_| Error::inconsistent("invoice_text", "content");
        let text = Text {
            delivered_from: doc.delivered_from,
            delivered_to: doc.delivered_to,
            delivery_place: doc.delivery_place.clone(),
            lines: doc.lines.clone(),
            totals: doc.totals.clone(),
            note: doc.note.clone(),
            credits: doc.credits.clone(),
        };
        let content = serde_json::to_string(&text).map_err(bad)?;
        self.texts.push(InvoiceText { org_id: row.org_id, invoice_id: row.id, content });
        let content = serde_json::to_string(&doc.buyer).map_err(bad)?;
        self.parties.push(PartyBlock { org_id: row.org_id, id: row.buyer_block_id, content });
        self.vat.extend(doc.totals.groups.iter().map(|g| InvoiceVat {
            org_id: row.org_id,
            invoice_id: row.id,
            category: g.category.as_str().to_owned(),
            rate_micro: g.rate.micro(),
            basis_ore: g.basis.ore(),
            vat_ore: g.vat.ore(),
        }));
        if let Some(text) = &row.kid {
            self.kids.push(KidRow {
                org_id: row.org_id,
                bank_account_id: row.bank_account_id,
                kid: text.clone(),
                customer_id: row.customer_id,
                invoice_id: Some(row.id),
                imported: false,
            });
        }
        self.invoices.push(row);
        Ok(())
    }

    /// Writes all rows.
    pub async fn write(&self, tx: &OrgTx) -> Result<(), Error> {
        bulk::insert::<party_block::Entity>(tx, &self.parties).await?;
        bulk::insert::<invoice::Entity>(tx, &self.invoices).await?;
        bulk::insert::<invoice_text::Entity>(tx, &self.texts).await?;
        bulk::insert::<invoice_vat::Entity>(tx, &self.vat).await?;
        bulk::insert::<kid::Entity>(tx, &self.kids).await
    }
}

/// Keeps a seller block once, under an id made of its content.
pub async fn keep_seller(tx: &OrgTx, id: Uuid, seller: &Seller) -> Result<(), Error> {
    if party_block::Entity::find_by_id((tx.org(), id)).one(tx).await?.is_some() {
        return Ok(());
    }
    let content = serde_json::to_string(seller).map_err(|_| Error::inconsistent("party_block", "content"))?;
    let statement = sea_orm::Statement::from_sql_and_values(
        tx.get_database_backend(),
        "INSERT INTO party_block (org_id, id, content) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        [tx.org().into(), id.into(), content.into()],
    );
    tx.execute_raw(statement).await?;
    Ok(())
}

/// An issued invoice or credit note.
pub async fn find(tx: &OrgTx, id: Uuid) -> Result<Option<Invoice>, Error> {
    Ok(invoice::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// Id of the document with a number, in whichever series.
pub async fn find_by_number(tx: &OrgTx, number: i64) -> Result<Option<Uuid>, Error> {
    let rows = invoice::Entity::find()
        .filter(invoice::Column::OrgId.eq(tx.org()))
        .filter(invoice::Column::Number.eq(number))
        .order_by_desc(invoice::Column::Id);
    Ok(rows.one(tx).await?.map(|row| row.id))
}

/// Whose claim it is: an issued invoice's, or an opening item's.
pub async fn claim_customer(tx: &OrgTx, claim: Uuid) -> Result<Option<Uuid>, Error> {
    let row = entity::open_item::Entity::find()
        .filter(entity::open_item::Column::OrgId.eq(tx.org()))
        .filter(entity::open_item::Column::InvoiceId.eq(claim))
        .one(tx)
        .await?;
    Ok(row.map(|r| r.customer_id))
}

/// The frozen documents of record.
pub async fn load_documents(tx: &OrgTx, ids: &[Uuid]) -> Result<Vec<(Invoice, Document)>, Error> {
    let mut rows = bulk::by_ids::<invoice::Entity>(tx, invoice::Column::Id, ids).await?;
    rows.sort_unstable_by_key(|r| r.id);
    let texts = bulk::by_ids::<invoice_text::Entity>(tx, invoice_text::Column::InvoiceId, ids).await?;
    let mut texts: HashMap<Uuid, String> = texts.into_iter().map(|t| (t.invoice_id, t.content)).collect();
    let mut blocks: Vec<Uuid> = rows.iter().flat_map(|r| [r.seller_block_id, r.buyer_block_id]).collect();
    blocks.sort_unstable();
    blocks.dedup();
    let blocks = bulk::by_ids::<party_block::Entity>(tx, party_block::Column::Id, &blocks).await?;
    let blocks: HashMap<Uuid, String> = blocks.into_iter().map(|b| (b.id, b.content)).collect();
    let mut out = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(text) = texts.remove(&row.id) else {
            if archive::is_archived(tx, row.customer_id).await? {
                return Err(Error::Archived);
            }
            return Err(Error::inconsistent("invoice_text", "invoice_id"));
        };
        let doc = to_document(&row, &text, &blocks)?;
        out.push((row, doc));
    }
    Ok(out)
}

/// A document as it was issued, from its parts in the archive.
pub async fn from_archive(tx: &OrgTx, archived: &archive::ArchivedDocument) -> Result<(Invoice, Document), Error> {
    let row = find(tx, archived.invoice_id).await?.ok_or(Error::inconsistent("archive_text", "invoice_id"))?;
    let seller = party_block::Entity::find_by_id((tx.org(), row.seller_block_id)).one(tx).await?;
    let seller = seller.ok_or(Error::inconsistent("party_block", "id"))?;
    let blocks = HashMap::from([(row.seller_block_id, seller.content), (row.buyer_block_id, archived.buyer.clone())]);
    let document = to_document(&row, &archived.text, &blocks)?;
    Ok((row, document))
}

fn to_document(row: &Invoice, text: &str, blocks: &HashMap<Uuid, String>) -> Result<Document, Error> {
    let bad = Error::inconsistent("party_block", "content");
    let block = |id: Uuid| blocks.get(&id).map(String::as_str).unwrap_or_default();
    let seller: Seller = serde_json::from_str(block(row.seller_block_id)).map_err(|_| bad)?;
    let buyer: Buyer =
        serde_json::from_str(block(row.buyer_block_id)).map_err(|_| Error::inconsistent("party_block", "content"))?;
    let text: Text = serde_json::from_str(text).map_err(|_| Error::inconsistent("invoice_text", "content"))?;
    Ok(Document {
        kind: Kind::parse(&row.kind),
        number: u64::try_from(row.number).map_err(|_| Error::inconsistent("invoice", "number"))?,
        issued_on: row.issued_on,
        due_on: row.due_on,
        delivered_from: text.delivered_from,
        delivered_to: text.delivered_to,
        delivery_place: text.delivery_place,
        language: Language::from_code(&row.language),
        seller,
        buyer,
        lines: text.lines,
        totals: text.totals,
        kid: row.kid.clone(),
        credits: text.credits,
        note: text.note,
    })
}

/// The credit notes of an invoice.
pub async fn list_credit_notes(tx: &OrgTx, invoice_id: Uuid) -> Result<Vec<Invoice>, Error> {
    let notes = invoice::Entity::find()
        .filter(invoice::Column::OrgId.eq(tx.org()))
        .filter(invoice::Column::CreditsInvoiceId.eq(invoice_id));
    Ok(notes.all(tx).await?)
}

/// Locks an invoice's open item so that two credit notes of it wait for each other; what was credited before.
pub async fn credited_before(tx: &OrgTx, invoice_id: Uuid) -> Result<Vec<CreditedGroup>, Error> {
    let notes = list_credit_notes(tx, invoice_id).await?;
    let rows = invoice_vat::Entity::find()
        .filter(invoice_vat::Column::OrgId.eq(tx.org()))
        .filter(invoice_vat::Column::InvoiceId.is_in(notes.iter().map(|n| n.id)))
        .all(tx)
        .await?;
    rows.into_iter()
        .map(|r| {
            let category = Category::parse(&r.category).ok_or(Error::inconsistent("invoice_vat", "category"))?;
            Ok(CreditedGroup {
                category,
                rate: Micro::from_micro(r.rate_micro),
                basis: Money::from_ore(r.basis_ore),
                vat: Money::from_ore(r.vat_ore),
            })
        })
        .collect()
}

/// Whether an invoice is credited in full: nothing of it is to be sent any more.
pub async fn is_credited(tx: &OrgTx, id: Uuid) -> Result<bool, Error> {
    let sql = "SELECT i.id FROM invoice i WHERE i.org_id = $1 AND i.id = $2 AND i.kind = 'invoice' AND i.total_ore > 0 \
               AND i.total_ore <= (SELECT COALESCE(SUM(n.total_ore), 0) FROM invoice n WHERE n.org_id = $1 \
               AND n.credits_invoice_id = $2)";
    exists(tx, sql, id).await
}

/// Whether nothing is left to pay of an invoice.
pub async fn is_settled(tx: &OrgTx, id: Uuid) -> Result<bool, Error> {
    let sql = "SELECT o.invoice_id FROM open_item o WHERE o.org_id = $1 AND o.invoice_id = $2 \
               GROUP BY o.invoice_id HAVING SUM(o.remaining_ore) <= 0";
    exists(tx, sql, id).await
}

async fn exists(tx: &OrgTx, sql: &str, id: Uuid) -> Result<bool, Error> {
    let values = [tx.org().into(), id.into()];
    let statement = sea_orm::Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(tx.query_one_raw(statement).await?.is_some())
}

/// Adds a draft.
pub async fn insert_draft(tx: &OrgTx, draft: Draft) -> Result<(), Error> {
    draft.into_active_model().insert(tx).await?;
    Ok(())
}

/// A draft.
pub async fn find_draft(tx: &OrgTx, id: Uuid) -> Result<Option<Draft>, Error> {
    Ok(invoice_draft::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// Locks a draft, so that it is issued once.
pub async fn lock_draft(tx: &OrgTx, id: Uuid) -> Result<Option<Draft>, Error> {
    Ok(tx.for_update(invoice_draft::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// Writes a draft over what was there and counts its version up.
pub async fn update_draft(tx: &OrgTx, mut draft: Draft) -> Result<Draft, Error> {
    draft.version += 1;
    Ok(draft.into_active_model().reset_all().update(tx).await?)
}

/// Removes a draft.
pub async fn delete_draft(tx: &OrgTx, id: Uuid) -> Result<(), Error> {
    invoice_draft::Entity::delete_by_id((tx.org(), id)).exec(tx).await?;
    Ok(())
}

/// Whom a KID of an account belongs to.
pub async fn find_kids(tx: &OrgTx, account: Uuid, kids: &[&str]) -> Result<HashMap<String, KidRow>, Error> {
    let mut kids = kids.to_vec();
    kids.sort_unstable();
    kids.dedup();
    let also = format!("AND bank_account_id = {}", bulk::literal(tx, account));
    let wanted = Wanted { column: kid::Column::Kid, keys: Keys::Texts(&kids), also: &also, lock: false };
    let rows = bulk::fetch::<kid::Entity>(tx, wanted).await?;
    Ok(rows.into_iter().map(|r| (r.kid.clone(), r)).collect())
}

/// Registers KIDs brought in from elsewhere.
pub async fn insert_kids(tx: &OrgTx, rows: &[KidRow]) -> Result<(), Error> {
    bulk::insert::<kid::Entity>(tx, rows).await
}

/// A stored document of an invoice.
pub async fn find_document(tx: &OrgTx, invoice_id: Uuid, kind: &str) -> Result<Option<StoredDocument>, Error> {
    Ok(document::Entity::find_by_id((tx.org(), invoice_id, kind.to_owned())).one(tx).await?)
}

/// The stored documents of invoices, in no order.
pub async fn list_documents(tx: &OrgTx, invoices: &[Uuid]) -> Result<Vec<StoredDocument>, Error> {
    bulk::by_ids::<document::Entity>(tx, document::Column::InvoiceId, invoices).await
}

/// Notes where a document is stored; the first one made stays (I4).
pub async fn keep_document(tx: &OrgTx, row: StoredDocument) -> Result<(), Error> {
    let statement = sea_orm::Statement::from_sql_and_values(
        tx.get_database_backend(),
        "INSERT INTO document (org_id, invoice_id, kind, content_hash, bytes, renderer_version, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        [
            row.org_id.into(),
            row.invoice_id.into(),
            row.kind.into(),
            row.content_hash.into(),
            row.bytes.into(),
            row.renderer_version.into(),
            row.created_at.into(),
        ],
    );
    tx.execute_raw(statement).await?;
    Ok(())
}
