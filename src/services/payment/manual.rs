//! Payments by hand: registered, placed, confirmed, reversed, refunded; small differences written off.

use super::posting::Posting;
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::ledger::{self, Allocation, Entry};
use crate::store::organisation::{self, BankAccount, Counter};
use crate::store::payment::{self as store, Payment};
use crate::store::{customer, invoice};
use chrono::NaiveDate;
use domain::money::Money;
use domain::payment::{self, PaymentState, Reason};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use utoipa::ToSchema;
use uuid::Uuid;

/// A payment registered by hand.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayment {
    /// Amount in øre, above zero.
    pub amount_ore: i64,
    /// Day the money arrived; today when left out.
    pub booked_on: Option<NaiveDate>,
    /// Invoice it pays; the oldest open claims of the customer when left out.
    pub invoice_id: Option<Uuid>,
    /// Customer it comes from; may be left out with an invoice.
    pub customer_id: Option<Uuid>,
}

async fn account(work: &Work<'_>, id: Option<Uuid>) -> Result<BankAccount, Error> {
    let org = organisation::find(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let wanted = id.or(org.default_bank_account_id);
    let all = organisation::list_accounts(&work.tx).await?;
    all.into_iter()
        .find(|a| Some(a.id) == wanted)
        .ok_or_else(|| Error::conflict("no_bank_account", "add a bank account first"))
}

/// Registers a payment and places it.
pub async fn register(ctx: &Ctx, actor: &Actor, new: &NewPayment) -> Result<Uuid, Error> {
    if new.amount_ore <= 0 {
        return Err(Error::field("amount_ore", "out_of_range", "above zero"));
    }
    Error::unless_plausible("booked_on", new.booked_on)?;
    let booked_on = new.booked_on.unwrap_or_else(|| ctx.today());
    if booked_on > ctx.today() {
        return Err(Error::field("booked_on", "in_the_future", "money is registered when it has arrived"));
    }
    let work = Work::begin(ctx, actor).await?;
    let account = account(&work, None).await?;
    let customer_id = match (new.invoice_id, new.customer_id) {
        (Some(id), _) => invoice::find(&work.tx, id).await?.ok_or_else(|| Error::not_found("invoice"))?.customer_id,
        (None, Some(id)) => id,
        (None, None) => return Err(Error::field("customer_id", "required", "say who paid, or which invoice")),
    };
    if customer::lock(&work.tx, &[customer_id]).await?.is_empty() {
        return Err(Error::not_found("customer"));
    }
    let voucher_no = organisation::take_numbers(&work.tx, Counter::Voucher, 1).await?;
    let open = match new.invoice_id {
        Some(id) => ledger::lock_items_of_invoices(&work.tx, &[id]).await?.remove(&id),
        None => ledger::lock_items_of_customers(&work.tx, &[customer_id]).await?.remove(&customer_id),
    }
    .unwrap_or_default();
    let amount = Money::from_ore(new.amount_ore);
    let placed = payment::allocate(amount, &open);
    let id = work.id();
    let row = Payment {
        org_id: actor.org,
        id,
        version: 1,
        bank_account_id: account.id,
        bank_file_id: None,
        line: None,
        transaction_type: None,
        booked_on,
        amount_ore: new.amount_ore,
        unallocated_ore: placed.unallocated.ore(),
        kid: None,
        customer_id: Some(customer_id),
        state: PaymentState::of(amount, placed.unallocated).as_str().to_owned(),
        reason: Reason::Manual.as_str().to_owned(),
        identity_hash: id.as_bytes().to_vec(),
        duplicate_of_id: None,
        created_at: work.at,
    };
    let posting = Posting { work: &work, voucher_no, booked_on, payment_id: id, bank: &account.account_no };
    let mut entries: Vec<Entry> = placed.parts.iter().filter_map(|p| posting.placed(p, customer_id)).collect();
    entries.extend(posting.held(placed.unallocated, Some(customer_id)));
    let allocations: Vec<Allocation> =
        placed.parts.iter().map(|p| posting.allocation(p, Reason::Manual.as_str())).collect();
    store::insert(&work.tx, &[row], &[]).await?;
    write(&work, &open, &placed.parts, &entries, &allocations).await?;
    work.done(Deed { verb: "payment.registered", subject: "payment", id, fields: "" }).await?;
    Ok(id)
}

async fn write(
    work: &Work<'_>,
    open: &[payment::OpenItem],
    parts: &[payment::Part],
    entries: &[Entry],
    allocations: &[Allocation],
) -> Result<(), Error> {
    let mut remaining: HashMap<Uuid, Money> = HashMap::new();
    for part in parts {
        let before = open.iter().find(|i| i.id == part.item).map(|i| i.remaining).unwrap_or_default();
        remaining.insert(part.item, before - part.amount);
    }
    ledger::insert_entries(&work.tx, entries).await?;
    ledger::insert_allocations(&work.tx, allocations).await?;
    Ok(ledger::set_remaining(&work.tx, &remaining).await?)
}

async fn lock_payment(work: &Work<'_>, id: Uuid) -> Result<Payment, Error> {
    store::lock(&work.tx, id).await?.ok_or_else(|| Error::not_found("payment"))
}

fn is_booked(payment: &Payment) -> bool {
    !matches!(payment.reason.as_str(), "terminal_information" | "suspected_duplicate")
}

/// Places what waits of a payment on an invoice.
pub async fn allocate(ctx: &Ctx, actor: &Actor, id: Uuid, invoice_id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_payment(&work, id).await?;
    if !is_booked(&row) {
        return Err(Error::conflict("not_booked", "confirm the payment before it is placed"));
    }
    if row.unallocated_ore <= 0 {
        return Err(Error::conflict("nothing_unallocated", "nothing of this payment waits"));
    }
    let customer_id =
        invoice::claim_customer(&work.tx, invoice_id).await?.ok_or_else(|| Error::not_found("invoice"))?;
    let voucher_no = organisation::take_numbers(&work.tx, Counter::Voucher, 1).await?;
    let open = ledger::lock_items_of_invoices(&work.tx, &[invoice_id]).await?.remove(&invoice_id).unwrap_or_default();
    let placed = payment::allocate(Money::from_ore(row.unallocated_ore), &open);
    if placed.parts.is_empty() {
        return Err(Error::conflict("nothing_open", "nothing is open of this invoice"));
    }
    let account = account(&work, Some(row.bank_account_id)).await?;
    let posting =
        Posting { work: &work, voucher_no, booked_on: ctx.today(), payment_id: id, bank: &account.account_no };
    let entries: Vec<Entry> =
        placed.parts.iter().flat_map(|p| posting.moved(p, row.customer_id, customer_id)).collect();
    let allocations: Vec<Allocation> =
        placed.parts.iter().map(|p| posting.allocation(p, Reason::Manual.as_str())).collect();
    write(&work, &open, &placed.parts, &entries, &allocations).await?;
    row.unallocated_ore = placed.unallocated.ore();
    let state = PaymentState::of(Money::from_ore(row.amount_ore), placed.unallocated);
    row.state = state.as_str().to_owned();
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "payment.allocated", subject: "payment", id, fields: "unallocated_ore" }).await
}

/// A suspected duplicate is a payment of its own after all: it is booked and waits to be placed.
pub async fn confirm(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_payment(&work, id).await?;
    if row.reason != Reason::SuspectedDuplicate.as_str() || row.state != PaymentState::Unmatched.as_str() {
        return Err(Error::conflict("not_suspected", "only a suspected duplicate is confirmed"));
    }
    let account = account(&work, Some(row.bank_account_id)).await?;
    let voucher_no = organisation::take_numbers(&work.tx, Counter::Voucher, 1).await?;
    let posting =
        Posting { work: &work, voucher_no, booked_on: row.booked_on, payment_id: id, bank: &account.account_no };
    let entries: Vec<Entry> = posting.held(Money::from_ore(row.amount_ore), None).into_iter().collect();
    ledger::insert_entries(&work.tx, &entries).await?;
    row.reason = Reason::Manual.as_str().to_owned();
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "payment.confirmed", subject: "payment", id, fields: "reason" }).await
}

/// Takes a payment back by reversing entries: what it paid is open again.
pub async fn reverse(ctx: &Ctx, actor: &Actor, id: Uuid, reason: &str) -> Result<(), Error> {
    if reason.trim().is_empty() {
        return Err(Error::field("reason", "required", "say why the payment is taken back"));
    }
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_payment(&work, id).await?;
    if matches!(row.state.as_str(), "reversed" | "refunded") {
        return Err(Error::conflict("payment_closed", "the payment was reversed or paid back already"));
    }
    if row.reason == "credit_note" {
        let message = "this is what a credit note left to the customer's good; place it or pay it back";
        return Err(Error::conflict("credit_not_reversible", message));
    }
    let voucher_no = organisation::take_numbers(&work.tx, Counter::Voucher, 1).await?;
    let entries = ledger::list_entries_of_payment(&work.tx, id).await?;
    let swapped: Vec<Entry> = entries
        .into_iter()
        .map(|e| Entry {
            id: work.id(),
            voucher_no,
            booked_on: ctx.today(),
            kind: "reversal".to_owned(),
            debit_role: e.credit_role,
            debit_code: e.credit_code,
            credit_role: e.debit_role,
            credit_code: e.debit_code,
            reverses_id: Some(e.id),
            reason: Some(reason.to_owned()),
            created_at: work.at,
            ..e
        })
        .collect();
    let (back, remaining) = undo_allocations(ctx, &work, id).await?;
    ledger::insert_entries(&work.tx, &swapped).await?;
    ledger::insert_allocations(&work.tx, &back).await?;
    ledger::set_remaining(&work.tx, &remaining).await?;
    row.state = PaymentState::Reversed.as_str().to_owned();
    row.unallocated_ore = 0;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "payment.reversed", subject: "payment", id, fields: "state" }).await
}

async fn undo_allocations(
    ctx: &Ctx,
    work: &Work<'_>,
    payment_id: Uuid,
) -> Result<(Vec<Allocation>, HashMap<Uuid, Money>), Error> {
    let made = ledger::list_allocations_of(&work.tx, payment_id).await?;
    let undone: HashSet<Uuid> = made.iter().filter_map(|a| a.reverses_id).collect();
    let mut remaining: HashMap<Uuid, Money> = HashMap::new();
    let mut back = Vec::new();
    for a in made.into_iter().filter(|a| a.reverses_id.is_none() && !undone.contains(&a.id)) {
        let left = match remaining.get(&a.open_item_id) {
            Some(left) => *left,
            None => {
                let item = ledger::lock_item(&work.tx, a.open_item_id).await?;
                Money::from_ore(item.ok_or_else(|| Error::not_found("open item"))?.remaining_ore)
            }
        };
        remaining.insert(a.open_item_id, left + Money::from_ore(a.amount_ore));
        back.push(Allocation {
            id: work.id(),
            reverses_id: Some(a.id),
            amount_ore: -a.amount_ore,
            booked_on: ctx.today(),
            created_at: work.at,
            ..a
        });
    }
    Ok((back, remaining))
}

/// Notes that what waits of a payment was paid back.
pub async fn refund(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_payment(&work, id).await?;
    if row.unallocated_ore <= 0 || !is_booked(&row) {
        return Err(Error::conflict("nothing_unallocated", "nothing of this payment waits to be paid back"));
    }
    let account = account(&work, Some(row.bank_account_id)).await?;
    let voucher_no = organisation::take_numbers(&work.tx, Counter::Voucher, 1).await?;
    let posting =
        Posting { work: &work, voucher_no, booked_on: ctx.today(), payment_id: id, bank: &account.account_no };
    let entries: Vec<Entry> =
        posting.refunded(Money::from_ore(row.unallocated_ore), row.customer_id).into_iter().collect();
    ledger::insert_entries(&work.tx, &entries).await?;
    // What was placed of it stays placed; only a payment paid back whole is closed.
    let whole = row.unallocated_ore == row.amount_ore;
    row.unallocated_ore = 0;
    row.state = if whole { PaymentState::Refunded } else { PaymentState::Matched }.as_str().to_owned();
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "payment.refunded", subject: "payment", id, fields: "state" }).await
}

/// Writes off what little is left of an invoice, up to the organisation's limit.
pub async fn write_off(ctx: &Ctx, actor: &Actor, invoice_id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let org = organisation::find(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let customer_id =
        invoice::claim_customer(&work.tx, invoice_id).await?.ok_or_else(|| Error::not_found("invoice"))?;
    let voucher_no = organisation::take_numbers(&work.tx, Counter::Voucher, 1).await?;
    let open = ledger::lock_items_of_invoices(&work.tx, &[invoice_id]).await?.remove(&invoice_id).unwrap_or_default();
    let left: Money = open.iter().map(|i| i.remaining).sum();
    if !left.is_positive() {
        return Err(Error::conflict("nothing_open", "nothing is open of this invoice"));
    }
    if left.ore() > org.write_off_limit_ore {
        let limit = Money::from_ore(org.write_off_limit_ore);
        return Err(Error::conflict(
            "above_write_off_limit",
            format!("at most {limit} kr are written off as a difference"),
        ));
    }
    let today = ctx.today();
    let (mut entries, mut allocations, mut remaining) = (Vec::new(), Vec::new(), HashMap::new());
    for item in &open {
        remaining.insert(item.id, Money::ZERO);
        entries.push(Entry {
            org_id: actor.org,
            id: work.id(),
            voucher_no,
            booked_on: today,
            kind: "write_off".to_owned(),
            debit_role: "rounding".to_owned(),
            debit_code: String::new(),
            credit_role: "receivable".to_owned(),
            credit_code: String::new(),
            amount_ore: item.remaining.ore(),
            customer_id: Some(customer_id),
            invoice_id: Some(invoice_id),
            payment_id: None,
            reverses_id: None,
            reason: Some("small difference".to_owned()),
            created_at: work.at,
        });
        allocations.push(Allocation {
            org_id: actor.org,
            id: work.id(),
            open_item_id: item.id,
            payment_id: None,
            credit_note_id: None,
            kind: "write_off".to_owned(),
            reason: "small_difference".to_owned(),
            booked_on: today,
            amount_ore: item.remaining.ore(),
            reverses_id: None,
            created_at: work.at,
        });
    }
    ledger::insert_entries(&work.tx, &entries).await?;
    ledger::insert_allocations(&work.tx, &allocations).await?;
    ledger::set_remaining(&work.tx, &remaining).await?;
    work.done(Deed { verb: "invoice.difference_written_off", subject: "invoice", id: invoice_id, fields: "" }).await
}
