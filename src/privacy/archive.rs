//! The statutory archive: who customers of ended relationships were, for as long as the bookkeeping act asks. No list and no
//! search shows it, nothing is sent from it, and whoever reads it says why.

use super::reading;
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::archive as store;
use crate::store::reading::{self as log, Reading};
use crate::store::{OrgTx, hand_over, invoice, note, organisation};
use chrono::{DateTime, NaiveDate, Utc};
use domain::hex;
use domain::invoice::Document;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Why somebody looks into the archive.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Number the customer had.
    pub number: Option<String>,
    /// Number of one of its documents.
    pub invoice_number: Option<i64>,
    /// The customer.
    pub customer_id: Option<Uuid>,
    /// Why, such as «bokettersyn 2029»; kept with who asked and when.
    pub reason: String,
}

/// What the archive holds of a customer.
#[derive(Clone, Serialize, ToSchema)]
pub struct Record {
    /// The customer.
    pub customer_id: Uuid,
    /// Its number.
    pub number: String,
    /// Numbers it had before.
    pub earlier_numbers: Vec<String>,
    /// Name.
    pub name: String,
    /// Organisation number.
    pub org_number: Option<String>,
    /// The identity was protected: see that nobody else reads this.
    pub protected_identity: bool,
    /// Since when.
    pub archived_at: DateTime<Utc>,
    /// Documents, oldest first.
    pub documents: Vec<ArchivedInvoice>,
    /// Payments, oldest first.
    pub payments: Vec<ArchivedPayment>,
    /// What was agreed or said that matters for what was booked, oldest first.
    pub notes: Vec<ArchivedNote>,
}

/// A note of a contact in the archive.
#[derive(Clone, Serialize, ToSchema)]
pub struct ArchivedNote {
    /// The note.
    pub id: Uuid,
    /// phone, mail, meeting, letter or other.
    pub channel: String,
    /// The day of the contact.
    pub contact_on: NaiveDate,
    /// What was agreed or said.
    pub text: String,
    /// The invoice that refers to it.
    pub referred_invoice_id: Option<Uuid>,
}

/// A document in the archive.
#[derive(Clone, Serialize, ToSchema)]
pub struct ArchivedInvoice {
    /// The invoice or credit note.
    pub id: Uuid,
    /// Its number.
    pub number: u64,
    /// Its date.
    pub issued_on: NaiveDate,
    /// What was charged, in øre.
    pub total_ore: i64,
    /// Files as they were sent: kind and SHA-256.
    pub files: Vec<StoredFile>,
    /// The whole document as it was issued.
    #[serde(skip)]
    #[schema(ignore)]
    pub document: Box<Document>,
}

/// A stored file.
#[derive(Clone, Serialize, ToSchema)]
pub struct StoredFile {
    /// `pdf` or `ehf`.
    pub kind: String,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
}

/// A payment in the archive.
#[derive(Clone, Serialize, ToSchema)]
pub struct ArchivedPayment {
    /// The payment.
    pub id: Uuid,
    /// Day of settlement.
    pub booked_on: NaiveDate,
    /// Amount in øre.
    pub amount_ore: i64,
    /// Account it came from, where the bank told.
    pub debit_account: Option<String>,
    /// What the payer wrote, where the bank told.
    pub text: Option<String>,
}

/// Reads what the archive holds of a customer; who asked and why is kept.
pub async fn read(ctx: &Ctx, actor: &Actor, question: &Question) -> Result<Record, Error> {
    if question.reason.trim().is_empty() || question.reason.chars().count() > 200 {
        return Err(Error::field("reason", "required", "say in up to 200 characters why you look into the archive"));
    }
    let work = Work::retain(ctx, actor).await?;
    let found = match (question.customer_id, question.number.as_deref(), question.invoice_number) {
        (Some(id), None, None) => vec![id],
        (None, Some(number), None) => store::find_by_number(&work.tx, number.trim()).await?,
        (None, None, Some(number)) => store::find_by_document(&work.tx, number).await?,
        _ => {
            let message =
                "give the customer's number, the number of a document, or the customer's id: one of the three";
            return Err(Error::field("number", "required", message));
        }
    };
    let id = match found.as_slice() {
        [only] => *only,
        [] => return Err(Error::not_found("customer in the archive")),
        several => {
            let ids = several.iter().map(Uuid::to_string).collect::<Vec<_>>().join(", ");
            let message = format!("the number was given again: several customers had it. Give one's id: {ids}");
            return Err(Error::field("number", "ambiguous", message));
        }
    };
    let Some(found) = store::find(&work.tx, id).await? else {
        if hand_over::is_taken(&work.tx, id).await? {
            let message = "the archive of this customer was handed over to the organisation and deleted here; look in the \
                           package it was handed over with";
            return Err(Error::conflict("handed_over", message));
        }
        return Err(Error::not_found("customer in the archive"));
    };
    let documents = documents(&work.tx, id).await?;
    let payments = store::payments(&work.tx, id).await?.into_iter().map(|p| ArchivedPayment {
        id: p.payment_id,
        booked_on: p.booked_on,
        amount_ore: p.amount_ore,
        debit_account: p.debit_account,
        text: p.text,
    });
    let payments = payments.collect();
    let notes = note::archived(&work.tx, id).await?.into_iter().map(|n| ArchivedNote {
        id: n.id,
        channel: n.channel,
        contact_on: n.contact_on,
        text: n.text,
        referred_invoice_id: n.referred_invoice_id,
    });
    let notes = notes.collect();
    let reason = Some(question.reason.trim());
    let row = Reading { people: 1, subject_id: Some(id), ..reading::row(ctx, actor, "archive.read", reason) };
    log::insert(&work.tx, row).await?;
    work.done(Deed { verb: "archive.read", subject: "customer", id, fields: "" }).await?;
    Ok(Record {
        customer_id: id,
        number: found.number,
        earlier_numbers: found.earlier_numbers.unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        name: found.name,
        org_number: found.org_number,
        protected_identity: found.protected_identity,
        archived_at: found.archived_at,
        documents,
        payments,
        notes,
    })
}

/// The documents of a customer in the archive, oldest first.
pub(super) async fn documents(tx: &OrgTx, customer: Uuid) -> Result<Vec<ArchivedInvoice>, Error> {
    let files = store::files(tx, customer).await?;
    let mut out = Vec::new();
    for archived in store::documents(tx, customer).await? {
        let (row, document) = invoice::from_archive(tx, &archived).await?;
        let own = files.iter().filter(|(invoice, ..)| *invoice == row.id);
        out.push(ArchivedInvoice {
            id: row.id,
            number: document.number,
            issued_on: row.issued_on,
            total_ore: row.total_ore,
            files: own.map(|(_, kind, hash)| StoredFile { kind: kind.clone(), sha256: hex::encode(hash) }).collect(),
            document: Box::new(document),
        });
    }
    Ok(out)
}

/// The PDF of an archived document: the one that was sent where it was kept, else drawn from what was issued.
pub async fn pdf(ctx: &Ctx, actor: &Actor, archived: &ArchivedInvoice) -> Result<Vec<u8>, Error> {
    let stored = archived.files.iter().find(|f| f.kind == "pdf").and_then(|f| hex::decode(&f.sha256));
    if let Some(hash) = stored {
        return Ok(ctx.files.get(actor.org, &hash).await?);
    }
    let (document, id) = ((*archived.document).clone(), archived.id);
    let logo = match document.seller.logo.as_deref().and_then(hex::decode) {
        Some(hash) => Some(ctx.files.get(actor.org, &hash).await?),
        None => None,
    };
    let drawn = tokio::task::spawn_blocking(move || render::pdf(&document, logo.as_deref(), id.as_bytes())).await;
    Ok(drawn.map_err(|e| std::io::Error::other(e.to_string()))??)
}

/// First month of the organisation's financial year.
pub(super) async fn fiscal_start(tx: &OrgTx) -> Result<u32, Error> {
    let org = organisation::find(tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    Ok(u32::try_from(org.fiscal_year_start_month).unwrap_or(1))
}
