//! Drafts by hand: made, changed, looked at, issued.

use super::issue::{Billing, Prepared, check, issue_all};
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::organisation::unless_over;
use crate::services::work::{Actor, Deed, Work};
use crate::store::customer::{self, Customer};
use crate::store::invoice::{self as store, Draft, Invoice};
use crate::store::{OrgTx, organisation, product};
use chrono::NaiveDate;
use domain::invoice::{Document, Kind, LineInput};
use domain::money::Micro;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A draft as asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDraft {
    /// Whom it is for.
    pub customer_id: Uuid,
    /// What is sold.
    pub lines: Vec<DraftLine>,
    /// Due date; by the organisation's terms when left out.
    pub due_on: Option<NaiveDate>,
    /// First day of supply; the invoice date when left out.
    pub delivered_from: Option<NaiveDate>,
    /// Last day of supply, when it is a period.
    pub delivered_to: Option<NaiveDate>,
    /// Place of supply, for goods.
    pub delivery_place: Option<String>,
    /// Free text on the invoice.
    pub note: Option<String>,
}

impl NewDraft {
    /// One of a product for a customer, and nothing besides.
    pub fn of_one(customer_id: Uuid, product: &str) -> Self {
        Self {
            customer_id,
            lines: vec![DraftLine {
                product_number: Some(product.to_owned()),
                description: None,
                quantity: Micro::ONE,
                unit: None,
                unit_price: None,
                discount_percent: Micro::ZERO,
                vat_code: None,
            }],
            due_on: None,
            delivered_from: None,
            delivered_to: None,
            delivery_place: None,
            note: None,
        }
    }
}

/// One line: of a product, or free.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftLine {
    /// Product number; gives what is left out below.
    pub product_number: Option<String>,
    /// What is sold.
    pub description: Option<String>,
    /// How many; a decimal string.
    #[schema(value_type = String, example = "2")]
    pub quantity: Micro,
    /// UN/ECE unit code.
    pub unit: Option<String>,
    /// Price of one in kroner without VAT; a decimal string.
    #[schema(value_type = Option<String>, example = "450.00")]
    pub unit_price: Option<Micro>,
    /// Discount in percent.
    #[serde(default)]
    #[schema(value_type = String, example = "0")]
    pub discount_percent: Micro,
    /// SAF-T standard tax code.
    pub vat_code: Option<String>,
}

/// Makes a draft. A draft has no number.
pub async fn create_draft(ctx: &Ctx, actor: &Actor, new: &NewDraft) -> Result<Uuid, Error> {
    let work = Work::begin(ctx, actor).await?;
    check_fields(new)?;
    find_customer(&work.tx, new.customer_id).await?;
    inputs(ctx, &work.tx, &new.lines).await?;
    let id = work.id();
    let row = Draft {
        org_id: actor.org,
        id,
        version: 1,
        customer_id: new.customer_id,
        content: to_content(new)?,
        created_at: work.at,
        updated_at: work.at,
    };
    store::insert_draft(&work.tx, row).await?;
    work.done(Deed { verb: "invoice.drafted", subject: "invoice_draft", id, fields: "" }).await?;
    Ok(id)
}

fn check_fields(new: &NewDraft) -> Result<(), Error> {
    Error::unless_without_id("note", new.note.as_deref())?;
    Error::unless_without_id("delivery_place", new.delivery_place.as_deref())?;
    for (i, line) in new.lines.iter().enumerate() {
        Error::unless_without_id(&format!("lines[{i}].description"), line.description.as_deref())?;
    }
    Error::unless_plausible("due_on", new.due_on)?;
    Error::unless_plausible("delivered_from", new.delivered_from)?;
    Error::unless_plausible("delivered_to", new.delivered_to)
}

/// Changes a draft of the version the client saw.
pub async fn update_draft(ctx: &Ctx, actor: &Actor, id: Uuid, version: i64, new: &NewDraft) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = store::lock_draft(&work.tx, id).await?.ok_or_else(|| Error::not_found("draft"))?;
    Error::unless_seen("draft", version, row.version)?;
    check_fields(new)?;
    find_customer(&work.tx, new.customer_id).await?;
    inputs(ctx, &work.tx, &new.lines).await?;
    row.customer_id = new.customer_id;
    row.content = to_content(new)?;
    row.updated_at = work.at;
    store::update_draft(&work.tx, row).await?;
    work.done(Deed { verb: "invoice.draft_changed", subject: "invoice_draft", id, fields: "content" }).await
}

/// Throws a draft away.
pub async fn delete_draft(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    store::lock_draft(&work.tx, id).await?.ok_or_else(|| Error::not_found("draft"))?;
    store::delete_draft(&work.tx, id).await?;
    work.done(Deed { verb: "invoice.draft_deleted", subject: "invoice_draft", id, fields: "" }).await
}

/// The draft's version, the document it would be today, and what it lacks.
pub async fn preview_draft(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(i64, Document, Result<(), Error>), Error> {
    let looker = Actor { idempotency: None, ..actor.clone() };
    let work = Work::begin(ctx, &looker).await?;
    let row = store::find_draft(&work.tx, id).await?.ok_or_else(|| Error::not_found("draft"))?;
    let new = of_content(&row)?;
    let billing = Billing::load(ctx, &work, None, new.due_on).await?;
    let customer = find_customer(&work.tx, row.customer_id).await?;
    let document = document_of(ctx, &work, &billing, &customer, &new).await?;
    let verdict = check(&document);
    Ok((row.version, document, verdict))
}

/// Issues a draft: from now on it has a number and never changes (I3, I4).
pub async fn issue_draft(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Invoice, Error> {
    let mut work = Work::begin(ctx, actor).await?;
    unless_over(&work.tx, work.today()).await?;
    let row = store::lock_draft(&work.tx, id).await?.ok_or_else(|| Error::not_found("draft"))?;
    let new = of_content(&row)?;
    customer::lock(&work.tx, &[row.customer_id]).await?;
    let customer = find_customer(&work.tx, row.customer_id).await?;
    if customer.row.restricted_at.is_some() {
        let message = "the customer's data is restricted (GDPR article 18): it is stored and nothing else; lift the restriction first";
        return Err(Error::conflict("restricted", message));
    }
    let billing = Billing::load(ctx, &work, None, new.due_on).await?;
    let document = document_of(ctx, &work, &billing, &customer, &new).await?;
    let prepared = Prepared { id, customer, document, credits_invoice_id: None, periods: Vec::new() };
    let issued = issue_all(&mut work, &billing, vec![prepared]).await?;
    store::delete_draft(&work.tx, id).await?;
    work.done(Deed { verb: "invoice.draft_issued", subject: "invoice", id, fields: "" }).await?;
    issued.into_iter().next().ok_or_else(|| Error::not_found("invoice"))
}

async fn find_customer(tx: &OrgTx, id: Uuid) -> Result<Customer, Error> {
    customer::load(tx, &[id]).await?.into_iter().next().ok_or_else(|| Error::not_found("customer"))
}

async fn document_of(
    ctx: &Ctx,
    work: &Work<'_>,
    billing: &Billing,
    customer: &Customer,
    new: &NewDraft,
) -> Result<Document, Error> {
    let lines = inputs(ctx, &work.tx, &new.lines).await?;
    let mut document = billing.priced(Kind::Invoice, customer, lines)?;
    document.delivered_from = new.delivered_from.unwrap_or(billing.issued_on);
    document.delivered_to = new.delivered_to;
    document.delivery_place.clone_from(&new.delivery_place);
    document.note.clone_from(&new.note);
    Ok(document)
}

/// Lines with what their products give.
async fn inputs(ctx: &Ctx, tx: &OrgTx, lines: &[DraftLine]) -> Result<Vec<LineInput>, Error> {
    let products = product::by_number(tx).await?;
    let vat = organisation::list_vat(tx, ctx.today()).await?;
    let org = organisation::find(tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let mut out = Vec::with_capacity(lines.len());
    for (i, line) in lines.iter().enumerate() {
        let at = |name: &str| format!("lines[{i}].{name}");
        let product = match &line.product_number {
            None => None,
            Some(number) => Some(products.get(number).ok_or_else(|| {
                Error::field(at("product_number"), "unknown_product", "there is no product with this number")
            })?),
        };
        let code = line.vat_code.as_deref().or(product.map(|p| p.vat_code.as_str()));
        let code = code.ok_or_else(|| Error::field(at("vat_code"), "required", "give a VAT code or a product"))?;
        let rate = vat.iter().find(|v| v.code == code);
        let rate = rate.ok_or_else(|| Error::field(at("vat_code"), "unknown_vat_code", "no such VAT code today"))?;
        if line.unit.as_deref().is_some_and(|u| !domain::unit::is_known(u)) {
            let codes = domain::unit::codes().collect::<Vec<_>>().join(", ");
            return Err(Error::field(at("unit"), "unknown_unit", format!("one of {codes}")));
        }
        let price = line.unit_price.or(product.map(|p| Micro::from_micro(p.price_micro)));
        out.push(LineInput {
            description: line.description.clone().or(product.map(|p| p.name.clone())).unwrap_or_default(),
            quantity: line.quantity,
            unit: line.unit.clone().or(product.map(|p| p.unit.clone())).unwrap_or_else(|| "H87".to_owned()),
            unit_price: price.ok_or_else(|| Error::field(at("unit_price"), "required", "give a price or a product"))?,
            discount_percent: line.discount_percent,
            vat: domain::vat::on_document(rate.clone(), org.vat_registered),
            product: line.product_number.clone(),
        });
    }
    Ok(out)
}

fn to_content(new: &NewDraft) -> Result<String, Error> {
    Ok(serde_json::to_string(new).map_err(|_| crate::store::Error::inconsistent("invoice_draft", "content"))?)
}

fn of_content(row: &Draft) -> Result<NewDraft, Error> {
    Ok(serde_json::from_str(&row.content).map_err(|_| crate::store::Error::inconsistent("invoice_draft", "content"))?)
}
