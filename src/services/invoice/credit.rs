//! Credit notes, full and partial (bokføringsforskriften § 5-2-7).

use super::issue::{Billing, Prepared, credited, issue_all};
use crate::ctx::Ctx;
use crate::services::delivery::withdraw;
use crate::services::error::Error;
use crate::services::standing_order;
use crate::services::work::{Actor, Deed, Work};
use crate::store::customer;
use crate::store::invoice::{self as store, Invoice};
use crate::store::ledger::{self, Allocation};
use domain::credit_note::credit_totals;
use domain::invoice::{Document, Kind, Line, price};
use domain::money::{Micro, Money};
use domain::payment::allocate;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// What of an invoice is taken back.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditRequest {
    /// Why; printed on the credit note.
    pub reason: Option<String>,
    /// Quantities by line, counted from 1; everything that remains when left out.
    #[serde(default)]
    #[schema(value_type = HashMap<String, String>)]
    pub quantities: HashMap<usize, Micro>,
    /// Frees the periods of standing orders the invoice billed, so that a run bills them again; only where all of the
    /// invoice is credited.
    #[serde(default)]
    pub rebill: bool,
}

/// Credits an invoice, and nets the credit against what is open of it.
pub async fn credit(ctx: &Ctx, actor: &Actor, invoice_id: Uuid, request: &CreditRequest) -> Result<Invoice, Error> {
    let mut work = Work::begin(ctx, actor).await?;
    let note = credit_in(ctx, &mut work, invoice_id, request).await?;
    work.done(Deed { verb: "invoice.credited", subject: "invoice", id: note.id, fields: "" }).await?;
    Ok(note)
}

/// Credits an invoice as part of a larger work.
pub(in crate::services) async fn credit_in(
    ctx: &Ctx,
    work: &mut Work<'_>,
    invoice_id: Uuid,
    request: &CreditRequest,
) -> Result<Invoice, Error> {
    let found = store::find(&work.tx, invoice_id).await?.ok_or_else(|| Error::not_found("invoice"))?;
    customer::lock(&work.tx, &[found.customer_id]).await?;
    let (row, original) = store::load_documents(&work.tx, &[invoice_id])
        .await?
        .into_iter()
        .next()
        .ok_or_else(|| Error::not_found("invoice"))?;
    if original.kind != Kind::Invoice {
        return Err(Error::conflict("not_an_invoice", "a credit note cannot be credited"));
    }
    let before = store::credited_before(&work.tx, invoice_id).await?;
    let lines = chosen_lines(&original, request, !before.is_empty())?;
    let totals = credit_totals(&original.totals, &before, &lines)
        .map_err(|e| Error::conflict("credit_above_remaining", e.to_string()))?;
    if !totals.total.is_positive() {
        let message = "a credit note gives something back; these lines would charge the customer";
        return Err(Error::conflict("credit_not_positive", message));
    }
    let net: Money = before.iter().map(|g| g.basis).sum();
    let whole = net + totals.net == original.totals.net;
    if request.rebill {
        if !whole {
            let message = "only an invoice that is credited in full can be billed again";
            return Err(Error::conflict("not_credited_in_full", message));
        }
        standing_order::reopen_periods(work, invoice_id).await?;
    }
    let buyer = customer::load(&work.tx, &[row.customer_id]).await?.into_iter().next();
    let buyer = buyer.ok_or_else(|| Error::not_found("customer"))?;
    let mut billing = Billing::load(ctx, work, None, None).await?;
    // VAT is taken back as it was charged, whatever the seller is registered for today.
    billing.seller.vat_registered = original.seller.vat_registered;
    let mut document = billing.document(Kind::CreditNote, &buyer, lines, totals);
    document.credits = Some(credited(&row));
    document.delivered_from = original.delivered_from;
    document.delivered_to = original.delivered_to;
    document.note.clone_from(&request.reason);
    let id = work.id();
    let prepared =
        Prepared { id, customer: buyer, document, credits_invoice_id: Some(invoice_id), periods: Vec::new() };
    let issued = issue_all(work, &billing, vec![prepared]).await?;
    let note = issued.into_iter().next().ok_or_else(|| Error::not_found("invoice"))?;
    net_against(work, invoice_id, &note).await?;
    if whole && withdraw(ctx, work, invoice_id, "credited").await? {
        withdraw(ctx, work, note.id, "invoice_not_sent").await?;
    }
    Ok(note)
}

fn chosen_lines(original: &Document, request: &CreditRequest, credited_before: bool) -> Result<Vec<Line>, Error> {
    if request.quantities.is_empty() && credited_before {
        let message = "part of the invoice is credited already; say how many of each line";
        return Err(Error::field("quantities", "required", message));
    }
    if let Some(line) = request.quantities.keys().find(|n| **n == 0 || **n > original.lines.len()) {
        return Err(Error::field(format!("quantities.{line}"), "unknown_line", "the invoice has no such line"));
    }
    let inputs = original.lines.iter().enumerate().filter_map(|(i, line)| {
        let quantity = match request.quantities.get(&(i + 1)) {
            Some(quantity) => *quantity,
            None if request.quantities.is_empty() => line.input.quantity,
            None => return None,
        };
        Some(domain::invoice::LineInput { quantity, ..line.input.clone() })
    });
    price(inputs.collect()).map_err(|e| Error::field("quantities", "invalid_amount", e.to_string()))
}

/// Sets the credit against what is open of the invoice; the rest is money the customer has to its good.
async fn net_against(work: &Work<'_>, invoice_id: Uuid, note: &Invoice) -> Result<(), Error> {
    let open = ledger::lock_items_of_invoices(&work.tx, &[invoice_id]).await?.remove(&invoice_id).unwrap_or_default();
    let placed = allocate(Money::from_ore(note.total_ore), &open);
    let left: HashMap<Uuid, Money> = open.iter().map(|i| (i.id, i.remaining)).collect();
    let mut remaining = HashMap::new();
    let mut rows = Vec::new();
    for part in &placed.parts {
        remaining.insert(part.item, left.get(&part.item).copied().unwrap_or_default() - part.amount);
        rows.push(Allocation {
            org_id: note.org_id,
            id: work.id(),
            open_item_id: part.item,
            payment_id: None,
            credit_note_id: Some(note.id),
            kind: "credit_note".to_owned(),
            reason: "credit_note".to_owned(),
            booked_on: note.issued_on,
            amount_ore: part.amount.ore(),
            reverses_id: None,
            created_at: work.at,
        });
    }
    ledger::set_remaining(&work.tx, &remaining).await?;
    ledger::insert_allocations(&work.tx, &rows).await?;
    if placed.unallocated.is_positive() {
        crate::services::payment::hold_credit(work, note, placed.unallocated).await?;
    }
    Ok(())
}
