//! Issues documents: number, KID, snapshot, ledger, open item, delivery and audit in one transaction (I1 to I5).

use crate::ctx::{Ctx, sha256};
use crate::services::delivery::{Chooser, Known, Paper, mail_address, standing};
use crate::services::error::{Error, FieldError, Kind as No, Refusal};
use crate::services::organisation::{due_date, seller};
use crate::services::work::{Deed, Work};
use crate::store::audit;
use crate::store::billing;
use crate::store::billing::BilledPeriod;
use crate::store::customer::{self, Customer, DocumentAddress};
use crate::store::delivery::{self, Address as DeliveryAddress, Delivery};
use crate::store::invoice::{self as store, Invoice, IssueRows};
use crate::store::ledger::{self, Entry, OpenItemRow};
use crate::store::organisation::{self, BankAccount, Counter, Organisation};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::channel::Channel;
use domain::customer::{Field, Language};
use domain::delivery::State;
use domain::invoice::{
    self, Address, Buyer, Credited, Document, Kind, Line, LineInput, Seller, Totals, missing_elements, sales_by_code,
    vat_by_rate,
};
use domain::kid::KidError;
use domain::ledger::{Transfer, invoice_transfers};
use domain::money::Money;
use domain::numbers::OrgNumber;
use std::collections::{HashMap, VecDeque};
use uuid::Uuid;

/// Version of the document templates; part of what an issued invoice records.
pub(super) const TEMPLATE_VERSION: i64 = 1;

/// Days a customer may be given to pay.
const LONGEST_TERMS: u64 = 731;

/// What every document of one batch shares.
pub struct Billing {
    /// The organisation.
    pub org: Organisation,
    /// Account that is paid to.
    pub account: BankAccount,
    /// The seller as frozen.
    pub seller: Seller,
    /// Documentation date.
    pub issued_on: NaiveDate,
    /// Due date.
    pub due_on: NaiveDate,
    /// Mail goes out from this time on.
    pub send_after: DateTime<Utc>,
    /// The run.
    pub run_id: Option<Uuid>,
    /// What channels are chosen by.
    pub(crate) chooser: Chooser,
    /// Addresses chosen for the documents of protected identities; few organisations have any.
    chosen_addresses: HashMap<Uuid, DocumentAddress>,
}

impl Billing {
    /// Reads what documents of today are made with.
    pub async fn load(
        ctx: &Ctx,
        work: &Work<'_>,
        issued_on: Option<NaiveDate>,
        due_on: Option<NaiveDate>,
    ) -> Result<Self, Error> {
        let org = organisation::find(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
        let accounts = organisation::list_accounts(&work.tx).await?;
        let account = accounts
            .into_iter()
            .find(|a| Some(a.id) == org.default_bank_account_id)
            .ok_or_else(|| Error::conflict("no_bank_account", "add a bank account before issuing invoices"))?;
        let issued_on = issued_on.unwrap_or_else(|| ctx.today());
        let due_on = due_on.unwrap_or_else(|| due_date(&org, issued_on));
        if due_on > issued_on + Days::new(LONGEST_TERMS) || due_on < issued_on {
            let message = "on or after the invoice date, and at most two years after it";
            return Err(Error::field("due_on", "out_of_range", message));
        }
        let seller = seller(&org, &account)?;
        let chosen_addresses = customer::list_document_addresses(&work.tx).await?;
        let chooser = Chooser::of(ctx, &org);
        let send_after = work.at;
        Ok(Self { seller, org, account, issued_on, due_on, send_after, run_id: None, chooser, chosen_addresses })
    }

    /// A document for a customer, priced and not yet numbered.
    pub fn document(&self, kind: Kind, customer: &Customer, lines: Vec<Line>, totals: Totals) -> Document {
        Document {
            kind,
            number: 0,
            issued_on: self.issued_on,
            due_on: (kind == Kind::Invoice).then_some(self.due_on),
            delivered_from: self.issued_on,
            delivered_to: None,
            delivery_place: None,
            language: language(&self.org, customer),
            seller: self.seller.clone(),
            buyer: self.buyer(customer),
            lines,
            totals,
            kid: None,
            credits: None,
            note: None,
        }
    }

    /// The buyer as frozen. A protected identity has the address chosen for documents, where one is (decision 41).
    fn buyer(&self, customer: &Customer) -> Buyer {
        let mut buyer = buyer(customer);
        if !customer.record.is_protected() {
            return buyer;
        }
        let Some(chosen) = self.chosen_addresses.get(&customer.row.id) else {
            if buyer.org_number.is_some() {
                // The organisation number says who it is; the live address goes nowhere (§ 5-1-2).
                buyer.address = Address { country: buyer.address.country, ..Address::default() };
            }
            return buyer;
        };
        buyer.address = Address {
            street: chosen.street.clone(),
            street2: chosen.street2.clone(),
            postal_code: chosen.postal_code.clone(),
            city: chosen.city.clone(),
            country: chosen.country.clone(),
        };
        buyer
    }

    /// Prices lines into a document.
    pub fn priced(&self, kind: Kind, customer: &Customer, lines: Vec<LineInput>) -> Result<Document, Error> {
        let wrong = |e: invoice::PriceError| Error::field("lines", "invalid_amount", e.to_string());
        let lines = invoice::price(lines).map_err(wrong)?;
        let totals = invoice::total(&lines).map_err(wrong)?;
        Ok(self.document(kind, customer, lines, totals))
    }
}

/// Language of a customer's documents.
pub(crate) fn language(org: &Organisation, customer: &Customer) -> Language {
    Language::from_code(customer.record.get(Field::Language).unwrap_or(&org.language))
}

fn buyer(customer: &Customer) -> Buyer {
    let text = |f| customer.record.get(f).map(str::to_owned);
    Buyer {
        number: text(Field::Number).unwrap_or_default(),
        name: text(Field::Name).unwrap_or_default(),
        org_number: customer.record.get(Field::OrgNumber).and_then(|n| OrgNumber::parse(n).ok()),
        address: Address {
            street: text(Field::Street),
            street2: text(Field::Street2),
            postal_code: text(Field::PostalCode),
            city: text(Field::City),
            country: text(Field::Country).unwrap_or_else(|| "NO".to_owned()),
        },
        reference: text(Field::Reference),
        order_number: text(Field::OrderNumber),
    }
}

/// A document ready to be numbered.
pub struct Prepared {
    /// Its id to be.
    pub id: Uuid,
    /// Whom it is for.
    pub customer: Customer,
    /// The document without number and KID.
    pub document: Document,
    /// The invoice a credit note takes back.
    pub credits_invoice_id: Option<Uuid>,
    /// Periods of standing orders it bills: order, number and first day.
    pub periods: Vec<(Uuid, i64, NaiveDate)>,
}

/// Refuses a document that lacks a mandatory element, naming each with its paragraph.
pub(super) fn check(document: &Document) -> Result<(), Error> {
    let missing = missing_elements(document);
    if missing.is_empty() {
        return Ok(());
    }
    let errors: Vec<FieldError> = missing
        .iter()
        .map(|m| FieldError {
            field: m.field.to_owned(),
            code: "mandatory_element_missing".to_owned(),
            message: format!("{} (bokføringsforskriften {})", m.message, m.rule),
        })
        .collect();
    Err(Error::Refused(Box::new(Refusal {
        kind: No::Invalid,
        code: "not_issuable",
        message: "the document lacks what bokføringsforskriften § 5-1 demands".to_owned(),
        errors,
    })))
}

/// Numbers and writes documents. The caller has locked the customers; series, account and vouchers are locked here,
/// in that order, and held until commit (decision 18).
pub async fn issue_all(work: &mut Work<'_>, billing: &Billing, prepared: Vec<Prepared>) -> Result<Vec<Invoice>, Error> {
    for p in &prepared {
        check(&p.document)?;
    }
    let count = i64::try_from(prepared.len()).unwrap_or(i64::MAX);
    let periods = billed_periods(work, &prepared);
    billing::insert_periods(&work.tx, &periods).await.map_err(already_billed)?;
    let (series_id, first) = organisation::take_series(&work.tx, "invoice", count).await?;
    let mut kids = KidMaker::lock(work, billing.account.id).await?;
    let voucher = organisation::take_numbers(&work.tx, Counter::Voucher, count).await?;
    let payers: Vec<i64> =
        prepared.iter().filter(|p| p.document.kind == Kind::Invoice).map(|p| p.customer.row.kid_customer_no).collect();
    let mut given = kids.take(work, &payers).await?;
    let seller_block_id = seller_block_id(work.tx.org(), &billing.seller)?;
    store::keep_seller(&work.tx, seller_block_id, &billing.seller).await?;
    let known = billing.chooser.known(&work.tx, prepared.iter().map(|p| &p.customer)).await?;
    let mut rows = IssueRows::default();
    let mut books = Books::default();
    for (offset, mut p) in (0..).zip(prepared) {
        p.document.number = u64::try_from(first + offset).unwrap_or_default();
        if p.document.kind == Kind::Invoice {
            p.document.kid = given.pop_front();
        }
        let snapshot = serde_json::to_vec(&p.document)
            .map_err(|_| crate::store::Error::inconsistent("invoice", "snapshot_hash"))?;
        let row = Invoice {
            org_id: work.tx.org(),
            id: p.id,
            series_id,
            number: first + offset,
            kind: p.document.kind.as_str().to_owned(),
            customer_id: p.customer.row.id,
            bank_account_id: billing.account.id,
            seller_block_id,
            buyer_block_id: work.id(),
            run_id: billing.run_id,
            credits_invoice_id: p.credits_invoice_id,
            issued_on: p.document.issued_on,
            due_on: p.document.due_on,
            language: p.document.language.as_str().to_owned(),
            net_ore: p.document.totals.net.ore(),
            vat_ore: p.document.totals.vat.ore(),
            total_ore: p.document.totals.total.ore(),
            kid: p.document.kid.clone(),
            voucher_no: voucher + offset,
            template_version: TEMPLATE_VERSION,
            snapshot_hash: sha256(&snapshot).to_vec(),
            created_at: work.at,
        };
        books.add(work, &row, &p.document);
        books.deliver(work, billing, &known, &row, &p);
        work.note(&Deed { verb: issued_verb(p.document.kind), subject: "invoice", id: row.id, fields: "" });
        rows.push(row, &p.document)?;
    }
    kids.keep(work).await?;
    rows.write(&work.tx).await?;
    books.write(work).await?;
    Ok(rows.invoices)
}

const fn issued_verb(kind: Kind) -> &'static str {
    match kind {
        Kind::Invoice => "invoice.issued",
        Kind::CreditNote => "credit_note.issued",
    }
}

fn already_billed(error: crate::store::Error) -> Error {
    match error {
        crate::store::Error::Conflict(_) => Error::conflict("period_billed", "a period was billed already"),
        other => other.into(),
    }
}

fn billed_periods(work: &Work<'_>, prepared: &[Prepared]) -> Vec<BilledPeriod> {
    let all = prepared.iter().flat_map(|p| p.periods.iter().map(move |period| (p.id, period)));
    all.map(|(invoice_id, (standing_order_id, period_no, from_on))| BilledPeriod {
        org_id: work.tx.org(),
        standing_order_id: *standing_order_id,
        period_from_on: *from_on,
        period_no: *period_no,
        invoice_id,
    })
    .collect()
}

/// A seller block is kept once: its id is made of its content.
fn seller_block_id(org: Uuid, seller: &Seller) -> Result<Uuid, Error> {
    let mut content = org.as_bytes().to_vec();
    content
        .extend(serde_json::to_vec(seller).map_err(|_| crate::store::Error::inconsistent("party_block", "content"))?);
    let hash = sha256(&content);
    let first = hash.first_chunk::<16>().copied().unwrap_or_default();
    Ok(uuid::Builder::from_custom_bytes(first).into_uuid())
}

/// Makes KIDs of one account; serials that give a hyphen are skipped (decision 21).
struct KidMaker {
    account: BankAccount,
    scheme: domain::kid::KidScheme,
    made: bool,
}

impl KidMaker {
    async fn lock(work: &Work<'_>, id: Uuid) -> Result<Self, Error> {
        let account =
            organisation::lock_account(&work.tx, id).await?.ok_or_else(|| Error::not_found("bank account"))?;
        Ok(Self { scheme: organisation::kid_scheme(&account)?, account, made: false })
    }

    /// A KID for each customer number, in order. Serials that give a hyphen, and KIDs that an old system gave out, are
    /// passed over.
    async fn take(&mut self, work: &Work<'_>, customers: &[i64]) -> Result<VecDeque<String>, Error> {
        let mut kids: Vec<String> = Vec::with_capacity(customers.len());
        for customer in customers {
            kids.push(self.next(*customer)?);
        }
        loop {
            let asked: Vec<&str> = kids.iter().map(String::as_str).collect();
            let taken = store::find_kids(&work.tx, self.account.id, &asked).await?;
            if taken.is_empty() {
                return Ok(kids.into());
            }
            for (kid, customer) in kids.iter_mut().zip(customers) {
                if taken.contains_key(kid) {
                    *kid = self.next(*customer)?;
                }
            }
        }
    }

    fn next(&mut self, customer_no: i64) -> Result<String, Error> {
        let customer = u64::try_from(customer_no).unwrap_or_default();
        loop {
            let serial = u64::try_from(self.account.next_kid_serial).unwrap_or_default();
            match self.scheme.compose(customer, serial) {
                Ok(kid) => {
                    self.account.next_kid_serial += 1;
                    self.made = true;
                    return Ok(kid);
                }
                Err(KidError::Hyphen | KidError::AllZeros) => self.account.next_kid_serial += 1,
                Err(e) => return Err(Error::conflict("kid_digits_used_up", e.to_string())),
            }
        }
    }

    /// Keeps the next serial, and freezes the scheme at its first use.
    async fn keep(mut self, work: &Work<'_>) -> Result<(), Error> {
        if !self.made {
            return Ok(());
        }
        self.account.kid_frozen_at = self.account.kid_frozen_at.or(Some(work.at));
        Ok(organisation::update_account(&work.tx, self.account).await?)
    }
}

/// Ledger entries, open items and deliveries of issued documents.
#[derive(Default)]
struct Books {
    entries: Vec<Entry>,
    items: Vec<OpenItemRow>,
    deliveries: Vec<Delivery>,
    addresses: Vec<DeliveryAddress>,
}

impl Books {
    fn add(&mut self, work: &Work<'_>, row: &Invoice, document: &Document) {
        let negate = document.kind == Kind::CreditNote;
        let signed = |sums: Vec<(String, Money)>| -> Vec<(String, Money)> {
            sums.into_iter().map(|(code, sum)| (code, if negate { -sum } else { sum })).collect()
        };
        let sales = signed(sales_by_code(&document.lines));
        let transfers = invoice_transfers(&sales, &signed(vat_by_rate(&document.totals)));
        self.entries.extend(transfers.iter().map(|t| entry(work, row, t)));
        if document.kind == Kind::Invoice && document.totals.total.is_positive() {
            self.items.push(OpenItemRow {
                org_id: row.org_id,
                id: work.id(),
                customer_id: row.customer_id,
                invoice_id: row.id,
                class: "principal".to_owned(),
                booked_on: row.issued_on,
                due_on: row.due_on.unwrap_or(row.issued_on),
                amount_ore: row.total_ore,
                remaining_ore: row.total_ore,
            });
        }
    }

    /// Every document has a delivery, recorded before anything leaves (I7), on the channel chosen now and looked at again
    /// when it is sent; where no channel can be used it has failed already.
    fn deliver(&mut self, work: &Work<'_>, billing: &Billing, known: &Known, row: &Invoice, p: &Prepared) {
        let chosen = billing.chooser.choose(known, &p.customer, &Paper::of(&p.document), None);
        let (channel, reason) = match &chosen {
            Ok(chosen) => (chosen.channel, Some(chosen.reason)),
            Err(_) => (Channel::Mail, None),
        };
        let id = work.id();
        let held = chosen.err() == Some("address_suppressed");
        let state = if chosen.is_ok() {
            State::Queued
        } else if held {
            State::Held
        } else {
            State::Failed
        };
        self.deliveries.push(Delivery {
            org_id: row.org_id,
            id,
            version: 1,
            invoice_id: row.id,
            customer_id: row.customer_id,
            channel: channel.as_str().to_owned(),
            state: state.as_str().to_owned(),
            reason: chosen.err().map(str::to_owned),
            needs_person: chosen.is_err(),
            attempts: 0,
            not_before_at: billing.send_after,
            lease_until_at: None,
            lease_token: None,
            possibly_sent_twice: false,
            channel_reason: reason.map(str::to_owned),
            fallback_from: None,
            attempts_before: 0,
            tried_since_at: None,
            handed_over_at: None,
            message_id: None,
            provider_ref: None,
            provider_seq: 0,
            take_back: false,
            created_at: work.at,
            updated_at: work.at,
        });
        if channel == Channel::Mail
            && let (Ok(_), Ok(address)) = (chosen, mail_address(&p.customer))
        {
            let address = address.to_owned();
            self.addresses.push(DeliveryAddress { org_id: row.org_id, delivery_id: id, address });
        }
    }

    async fn write(self, work: &Work<'_>) -> Result<(), Error> {
        ledger::insert_entries(&work.tx, &self.entries).await?;
        ledger::insert_items(&work.tx, &self.items).await?;
        let stuck = self.deliveries.iter().filter(|d| d.needs_person);
        let told: Vec<_> = stuck.map(|d| standing(work.id(), d)).collect();
        audit::record(&work.tx, &told).await?;
        Ok(delivery::insert(&work.tx, &self.deliveries, &self.addresses).await?)
    }
}

fn entry(work: &Work<'_>, row: &Invoice, transfer: &Transfer) -> Entry {
    Entry {
        org_id: row.org_id,
        id: work.id(),
        voucher_no: row.voucher_no,
        booked_on: row.issued_on,
        kind: row.kind.clone(),
        debit_role: transfer.debit().role.as_str().to_owned(),
        debit_code: transfer.debit().code.clone(),
        credit_role: transfer.credit().role.as_str().to_owned(),
        credit_code: transfer.credit().code.clone(),
        amount_ore: transfer.amount().ore(),
        customer_id: Some(row.customer_id),
        invoice_id: Some(row.id),
        payment_id: None,
        reverses_id: None,
        reason: None,
        created_at: work.at,
    }
}

/// The invoice a credit note refers to.
pub(super) fn credited(row: &Invoice) -> Credited {
    Credited { number: u64::try_from(row.number).unwrap_or_default(), issued_on: row.issued_on }
}
