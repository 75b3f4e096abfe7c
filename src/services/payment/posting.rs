//! The ledger rows of a payment.

use crate::services::error::Error;
use crate::services::work::Work;
use crate::store::invoice::Invoice;
use crate::store::ledger::{Allocation, Entry, insert_entries};
use crate::store::payment::{self as store, Payment};
use chrono::NaiveDate;
use domain::ledger::{Account, Role, Transfer};
use domain::money::Money;
use domain::payment::Part;
use uuid::Uuid;

/// What every row of one posting shares.
pub(super) struct Posting<'a> {
    pub(super) work: &'a Work<'a>,
    pub(super) voucher_no: i64,
    pub(super) booked_on: NaiveDate,
    pub(super) payment_id: Uuid,
    pub(super) bank: &'a str,
}

impl Posting<'_> {
    fn row(&self, kind: &str, transfer: &Transfer, customer_id: Option<Uuid>, invoice_id: Option<Uuid>) -> Entry {
        Entry {
            org_id: self.work.tx.org(),
            id: self.work.id(),
            voucher_no: self.voucher_no,
            booked_on: self.booked_on,
            kind: kind.to_owned(),
            debit_role: transfer.debit().role.as_str().to_owned(),
            debit_code: transfer.debit().code.clone(),
            credit_role: transfer.credit().role.as_str().to_owned(),
            credit_code: transfer.credit().code.clone(),
            amount_ore: transfer.amount().ore(),
            customer_id,
            invoice_id,
            payment_id: Some(self.payment_id),
            reverses_id: None,
            reason: None,
            created_at: self.work.at,
        }
    }

    fn bank(&self) -> Account {
        Account::with(Role::Bank, self.bank)
    }

    /// Money from the bank placed on a claim.
    pub(super) fn placed(&self, part: &Part, customer_id: Uuid) -> Option<Entry> {
        let transfer = Transfer::new(self.bank(), Account::of(Role::Receivable), part.amount)?;
        Some(self.row("payment", &transfer, Some(customer_id), Some(part.claim)))
    }

    /// Money from the bank that waits. A negative amount goes the other way.
    pub(super) fn held(&self, amount: Money, customer_id: Option<Uuid>) -> Option<Entry> {
        let transfer = Transfer::new(self.bank(), Account::of(Role::Unallocated), amount)?;
        Some(self.row("payment", &transfer, customer_id, None))
    }

    /// Money that waited, placed on a claim. Money of another customer, or of nobody, is taken back from there first:
    /// a row names one customer only.
    pub(super) fn moved(&self, part: &Part, holder: Option<Uuid>, customer_id: Uuid) -> Vec<Entry> {
        let unallocated = Account::of(Role::Unallocated);
        if holder == Some(customer_id) {
            let transfer = Transfer::new(unallocated, Account::of(Role::Receivable), part.amount);
            return transfer.iter().map(|t| self.row("allocation", t, Some(customer_id), Some(part.claim))).collect();
        }
        let back = Transfer::new(unallocated, self.bank(), part.amount);
        let back = back.iter().map(|t| self.row("allocation", t, holder, None)).collect::<Vec<_>>();
        back.into_iter().chain(self.placed(part, customer_id)).collect()
    }

    /// Money paid back.
    pub(super) fn refunded(&self, amount: Money, customer_id: Option<Uuid>) -> Option<Entry> {
        let transfer = Transfer::new(Account::of(Role::Unallocated), self.bank(), amount)?;
        Some(self.row("refund", &transfer, customer_id, None))
    }

    /// The allocation of a part.
    pub(super) fn allocation(&self, part: &Part, reason: &str) -> Allocation {
        Allocation {
            org_id: self.work.tx.org(),
            id: self.work.id(),
            open_item_id: part.item,
            payment_id: Some(self.payment_id),
            credit_note_id: None,
            kind: "payment".to_owned(),
            reason: reason.to_owned(),
            booked_on: self.booked_on,
            amount_ore: part.amount.ore(),
            reverses_id: None,
            created_at: self.work.at,
        }
    }
}

/// What a credit note gives beyond what was open: the customer's money, held until it is placed or paid back.
pub(in crate::services) async fn hold_credit(work: &Work<'_>, note: &Invoice, amount: Money) -> Result<(), Error> {
    let payment = Payment {
        org_id: note.org_id,
        id: work.id(),
        version: 1,
        bank_account_id: note.bank_account_id,
        bank_file_id: None,
        line: None,
        transaction_type: None,
        booked_on: note.issued_on,
        amount_ore: amount.ore(),
        unallocated_ore: amount.ore(),
        kid: None,
        customer_id: Some(note.customer_id),
        state: "unmatched".to_owned(),
        reason: "credit_note".to_owned(),
        identity_hash: note.id.as_bytes().to_vec(),
        duplicate_of_id: None,
        created_at: work.at,
    };
    let posting =
        Posting { work, voucher_no: note.voucher_no, booked_on: note.issued_on, payment_id: payment.id, bank: "" };
    let transfer = Transfer::new(Account::of(Role::Receivable), Account::of(Role::Unallocated), amount);
    let entries: Vec<Entry> =
        transfer.iter().map(|t| posting.row("credit_held", t, Some(note.customer_id), None)).collect();
    insert_entries(&work.tx, &entries).await?;
    Ok(store::insert(&work.tx, &[payment], &[]).await?)
}
