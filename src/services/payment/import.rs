//! Imports a bank file: checked whole first, then booked in one transaction (I6, decision 29).

use super::posting::Posting;
use crate::ctx::{Ctx, sha256};
use crate::progress::Tracker;
use crate::services::error::{Error, Kind};
use crate::services::work::{Actor, Deed, Work};
use crate::store::invoice::KidRow;
use crate::store::ledger::{self, Allocation, Entry};
use crate::store::mandate::{self, Mandate};
use crate::store::organisation::{self, BankAccount, Counter};
use crate::store::payment::{self as store, BankFile, Payer, Payment};
use crate::store::{bulk, customer, invoice};
use domain::money::Money;
use domain::payment::{Incoming, KidTarget, OpenItem, PaymentState, Reason, place};
use formats::fixed::Fault;
use formats::giro::{self, Assignment, GiroFile, MandateAssignment, Registration};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Payments looked up and written together.
const CHUNK: usize = 2_000;

/// How a file is taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// Books what concerns our accounts and keeps nothing of the others.
    pub only_known_accounts: bool,
}

/// What an import did.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The file.
    pub file: BankFile,
    /// Whether the same bytes were imported before; then nothing was booked now.
    pub repeated: bool,
    /// Payments by reason.
    pub reasons: BTreeMap<&'static str, u64>,
}

/// Imports a bank file. The same bytes again give the first answer and book nothing (decision 31).
pub async fn import(ctx: &Ctx, actor: &Actor, bytes: &[u8], options: ImportOptions) -> Result<Imported, Error> {
    let mut hash = sha256(bytes);
    if options.only_known_accounts {
        // Another answer once another account is ours: what was left out then is booked, the rest is known.
        hash = sha256(&[&hash[..], known_accounts(ctx, actor).await?.as_bytes()].concat());
    }
    if let Some(done) = known_file(ctx, actor, &hash).await? {
        return Ok(done);
    }
    let file = giro::parse(bytes).map_err(|fault| refused(&fault))?;
    let booked = book(ctx, actor, &file, hash, bytes.len(), options).await;
    if booked.is_ok() && !options.only_known_accounts {
        // A file that may name others' accounts is not kept (decision 30).
        ctx.files.put(actor.org, bytes).await?;
    }
    match booked {
        // Another import of the same bytes was faster.
        Err(Error::Store(crate::store::Error::Conflict(_))) => {
            known_file(ctx, actor, &hash).await?.ok_or_else(|| Error::conflict("file_in_progress", "ask again shortly"))
        }
        other => other,
    }
}

async fn known_accounts(ctx: &Ctx, actor: &Actor) -> Result<String, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let mut numbers: Vec<String> = organisation::list_accounts(&tx).await?.into_iter().map(|a| a.account_no).collect();
    tx.commit().await?;
    numbers.sort_unstable();
    Ok(numbers.join(","))
}

async fn known_file(ctx: &Ctx, actor: &Actor, hash: &[u8]) -> Result<Option<Imported>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let found = store::find_file_by_hash(&tx, hash).await?;
    tx.commit().await?;
    Ok(found.map(|file| Imported { file, repeated: true, reasons: BTreeMap::new() }))
}

/// A file that is not taken: where, why, and that nothing was booked.
fn refused(fault: &Fault) -> Error {
    let kind = if fault.code.starts_with("unsupported_") { Kind::Unsupported } else { Kind::Invalid };
    Error::refuse(kind, fault.code, format!("the file was not imported, nothing was booked; {fault}"))
}

async fn book(
    ctx: &Ctx,
    actor: &Actor,
    file: &GiroFile<'_>,
    hash: [u8; 32],
    size: usize,
    options: ImportOptions,
) -> Result<Imported, Error> {
    let work = Work::begin(ctx, actor).await?;
    let accounts = our_accounts(&work, file, options).await?;
    bulk::prefer_indexes(&work.tx).await?;
    let mut importer = Importer {
        ctx,
        file_id: work.id(),
        voucher_no: organisation::take_numbers(&work.tx, Counter::Voucher, 1).await?,
        work,
        reasons: BTreeMap::new(),
        payments: 0,
        matched: 0,
        sum: Money::ZERO,
        seen: HashMap::new(),
        tracker: ctx.progress.begin(
            actor.org,
            "bank_file.import",
            file.assignments.iter().map(|a| a.payments.len()).sum(),
        ),
    };
    let row = |i: &Importer<'_>, mandates: usize| BankFile {
        org_id: actor.org,
        id: i.file_id,
        content_hash: hash.to_vec(),
        kind: if file.assignments.is_empty() { "fbo" } else { "ocr" }.to_owned(),
        bytes: i64::try_from(size).unwrap_or(i64::MAX),
        transmission: transmission_key(file),
        payments: i.payments,
        payments_ore: i.sum.ore(),
        matched: i.matched,
        mandates: i64::try_from(mandates).unwrap_or(i64::MAX),
        imported_at: i.work.at,
    };
    for assignment in &file.assignments {
        let Some(account) = accounts.get(assignment.account) else { continue };
        importer.take(assignment, account).await?;
    }
    let mut mandates = 0;
    for assignment in &file.mandates {
        let Some(account) = accounts.get(assignment.account) else { continue };
        mandates += assignment.mandates.len();
        take_mandates(ctx, &importer.work, assignment, account).await?;
    }
    let stored = row(&importer, mandates);
    store::insert_file(&importer.work.tx, stored.clone()).await?;
    let deed = Deed { verb: "bank_file.imported", subject: "bank_file", id: stored.id, fields: "" };
    let reasons = std::mem::take(&mut importer.reasons);
    importer.work.done(deed).await?;
    Ok(Imported { file: stored, repeated: false, reasons })
}

fn transmission_key(file: &GiroFile<'_>) -> String {
    let t = &file.transmission;
    format!("{}/{}/{}", t.sender, t.number, t.recipient)
}

/// Our accounts by number. A file that names others is refused, naming them, unless they are to be left out
/// (decision 30).
async fn our_accounts(
    work: &Work<'_>,
    file: &GiroFile<'_>,
    options: ImportOptions,
) -> Result<HashMap<String, BankAccount>, Error> {
    let ours: HashMap<String, BankAccount> =
        organisation::list_accounts(&work.tx).await?.into_iter().map(|a| (a.account_no.clone(), a)).collect();
    let named = file.assignments.iter().map(|a| (a.account, a.line));
    let named = named.chain(file.mandates.iter().map(|a| (a.account, a.line)));
    let foreign: Vec<String> =
        named.filter(|(a, _)| !ours.contains_key(*a)).map(|(a, line)| format!("{a} (line {line})")).collect();
    if foreign.is_empty() || options.only_known_accounts {
        return Ok(ours);
    }
    let message = format!(
        "the file was not imported, nothing was booked; it names accounts that are not yours: {}. Add the account, or \
         import with only_known_accounts to leave those out",
        foreign.join(", ")
    );
    Err(Error::refuse(Kind::Invalid, "unknown_account", message))
}

struct Importer<'a> {
    ctx: &'a Ctx,
    work: Work<'a>,
    file_id: Uuid,
    voucher_no: i64,
    reasons: BTreeMap<&'static str, u64>,
    payments: i64,
    matched: i64,
    sum: Money,
    /// How often each identity was met in this file.
    seen: HashMap<Vec<u8>, usize>,
    tracker: Tracker,
}

/// Rows of one chunk.
#[derive(Default)]
struct Rows {
    payments: Vec<Payment>,
    payers: Vec<Payer>,
    entries: Vec<Entry>,
    allocations: Vec<Allocation>,
}

impl Importer<'_> {
    async fn take(&mut self, assignment: &Assignment<'_>, account: &BankAccount) -> Result<(), Error> {
        for chunk in assignment.payments.chunks(CHUNK) {
            self.take_chunk(chunk, account).await?;
            self.tracker.advance(chunk.len());
        }
        Ok(())
    }

    async fn take_chunk(&mut self, chunk: &[giro::Payment<'_>], account: &BankAccount) -> Result<(), Error> {
        let identities: Vec<Vec<u8>> = chunk.iter().map(|p| self.identity(p, account)).collect();
        let before = store::find_identities(&self.work.tx, self.file_id, &identities).await?;
        let kids: Vec<&str> = chunk.iter().map(|p| p.kid).filter(|k| !k.is_empty()).collect();
        let targets = invoice::find_kids(&self.work.tx, account.id, &kids).await?;
        let mut open = Open::lock(&self.work, &targets).await?;
        let mut rows = Rows::default();
        for (payment, identity) in chunk.iter().zip(identities) {
            let duplicate = self.duplicate_of(&before, &identity);
            let target = targets.get(payment.kid);
            let incoming = Incoming {
                amount: Money::from_ore(payment.amount_ore),
                kid: payment.kid,
                terminal_information: payment.is_terminal_information(),
                suspected_duplicate: duplicate.is_some(),
                target: target.map(|t| if t.invoice_id.is_some() { KidTarget::Claim } else { KidTarget::Customer }),
            };
            let items = target.map(|t| open.of(t)).unwrap_or_default();
            let (reason, allocation) = place(&incoming, &items);
            let customer_id = target.map(|t| t.customer_id);
            let row = self.row(payment, account, identity, reason, allocation.unallocated, customer_id, duplicate);
            let posting = Posting {
                work: &self.work,
                voucher_no: self.voucher_no,
                booked_on: row.booked_on,
                payment_id: row.id,
                bank: &account.account_no,
            };
            for part in &allocation.parts {
                open.take(part.item, part.amount);
                rows.entries.extend(customer_id.and_then(|c| posting.placed(part, c)));
                rows.allocations.push(posting.allocation(part, reason.as_str()));
            }
            if !matches!(reason, Reason::TerminalInformation | Reason::SuspectedDuplicate) {
                rows.entries.extend(posting.held(allocation.unallocated, customer_id));
            }
            if payment.debit_account.is_some() || payment.text.is_some() {
                rows.payers.push(Payer {
                    org_id: row.org_id,
                    payment_id: row.id,
                    debit_account: payment.debit_account.map(str::to_owned),
                    text: payment.text.clone(),
                });
            }
            *self.reasons.entry(reason.as_str()).or_default() += 1;
            self.payments += 1;
            self.matched += i64::from(allocation.unallocated.is_zero());
            self.sum = self.sum + incoming.amount;
            rows.payments.push(row);
        }
        store::insert(&self.work.tx, &rows.payments, &rows.payers).await?;
        ledger::insert_entries(&self.work.tx, &rows.entries).await?;
        ledger::insert_allocations(&self.work.tx, &rows.allocations).await?;
        Ok(ledger::set_remaining(&self.work.tx, &open.changed).await?)
    }

    /// What makes a payment the same payment in another file; a keyed hash, since it says who paid.
    fn identity(&self, p: &giro::Payment<'_>, account: &BankAccount) -> Vec<u8> {
        let amount = p.amount_ore.to_be_bytes();
        let day = p.settled_on.to_string();
        let parts: [&[u8]; 9] = [
            b"payment",
            account.account_no.as_bytes(),
            day.as_bytes(),
            p.settlement.as_bytes(),
            &[p.kind],
            &amount,
            p.kid.as_bytes(),
            p.reference.as_bytes(),
            p.debit_account.unwrap_or_default().as_bytes(),
        ];
        self.ctx.key.hash(&parts).to_vec()
    }

    /// The earlier payment this one repeats. Equal payments in one file are all real.
    fn duplicate_of(&mut self, before: &HashMap<Vec<u8>, (Uuid, usize)>, identity: &[u8]) -> Option<Uuid> {
        let (id, count) = before.get(identity)?;
        let mine = self.seen.entry(identity.to_vec()).or_default();
        *mine += 1;
        (*mine <= *count).then_some(*id)
    }

    #[expect(clippy::too_many_arguments, reason = "one row, each part from another place")]
    fn row(
        &self,
        p: &giro::Payment<'_>,
        account: &BankAccount,
        identity_hash: Vec<u8>,
        reason: Reason,
        unallocated: Money,
        customer_id: Option<Uuid>,
        duplicate_of_id: Option<Uuid>,
    ) -> Payment {
        let amount = Money::from_ore(p.amount_ore);
        Payment {
            org_id: self.work.tx.org(),
            id: self.work.id(),
            version: 1,
            bank_account_id: account.id,
            bank_file_id: Some(self.file_id),
            line: i64::try_from(p.line).ok(),
            transaction_type: Some(i64::from(p.kind)),
            booked_on: p.settled_on,
            amount_ore: p.amount_ore,
            unallocated_ore: unallocated.ore(),
            kid: Some(p.kid).filter(|k| !k.is_empty()).map(str::to_owned),
            // Money that is not booked is nobody's yet.
            customer_id: customer_id
                .filter(|_| !matches!(reason, Reason::TerminalInformation | Reason::SuspectedDuplicate)),
            state: PaymentState::of(amount, unallocated).as_str().to_owned(),
            reason: reason.as_str().to_owned(),
            identity_hash,
            duplicate_of_id,
            created_at: self.work.at,
        }
    }
}

/// What is open of the claims and customers of one chunk, as payments use it up.
struct Open {
    by_invoice: HashMap<Uuid, Vec<OpenItem>>,
    by_customer: HashMap<Uuid, Vec<OpenItem>>,
    changed: HashMap<Uuid, Money>,
}

impl Open {
    async fn lock(work: &Work<'_>, targets: &HashMap<String, KidRow>) -> Result<Self, Error> {
        let invoices: Vec<Uuid> = targets.values().filter_map(|t| t.invoice_id).collect();
        let customers: Vec<Uuid> = targets.values().filter(|t| t.invoice_id.is_none()).map(|t| t.customer_id).collect();
        Ok(Self {
            by_invoice: ledger::lock_items_of_invoices(&work.tx, &invoices).await?,
            by_customer: ledger::lock_items_of_customers(&work.tx, &customers).await?,
            changed: HashMap::new(),
        })
    }

    fn of(&self, target: &KidRow) -> Vec<OpenItem> {
        let items = match target.invoice_id {
            Some(invoice) => self.by_invoice.get(&invoice),
            None => self.by_customer.get(&target.customer_id),
        };
        let left = |item: &OpenItem| OpenItem {
            remaining: self.changed.get(&item.id).copied().unwrap_or(item.remaining),
            ..item.clone()
        };
        items.map(|items| items.iter().map(left).filter(|i| i.remaining.is_positive()).collect()).unwrap_or_default()
    }

    fn take(&mut self, item: Uuid, amount: Money) {
        let find =
            |map: &HashMap<Uuid, Vec<OpenItem>>| map.values().flatten().find(|i| i.id == item).map(|i| i.remaining);
        let known = self.changed.get(&item).copied();
        let before = known.or_else(|| find(&self.by_invoice)).or_else(|| find(&self.by_customer)).unwrap_or_default();
        self.changed.insert(item, before - amount);
    }
}

/// Applies mandates in file order; a complete list replaces all of the account.
async fn take_mandates(
    ctx: &Ctx,
    work: &Work<'_>,
    assignment: &MandateAssignment<'_>,
    account: &BankAccount,
) -> Result<(), Error> {
    let today = ctx.today();
    if assignment.mandates.iter().any(|m| m.registration == Registration::Complete) {
        mandate::end_all(&work.tx, account.id, today).await?;
    }
    let scheme = organisation::kid_scheme(account)?;
    let part = |kid: &str| scheme.customer_part(kid).and_then(|p| p.parse::<i64>().ok());
    let numbers: Vec<i64> = assignment.mandates.iter().filter_map(|m| part(m.kid)).collect();
    let owners = customer::find_by_kid_numbers(&work.tx, &numbers).await?;
    let kids: Vec<&str> = assignment.mandates.iter().map(|m| m.kid).collect();
    let registered = invoice::find_kids(&work.tx, account.id, &kids).await?;
    let mut latest: BTreeMap<&str, Mandate> = BTreeMap::new();
    for m in &assignment.mandates {
        let owner = part(m.kid).and_then(|n| owners.get(&n).copied());
        latest.insert(
            m.kid,
            Mandate {
                org_id: work.tx.org(),
                bank_account_id: account.id,
                kid: m.kid.to_owned(),
                // A KID we registered says whose it is; the customer part alone is a guess among our own numbers.
                customer_id: registered.get(m.kid).map(|k| k.customer_id).or(owner),
                notify: m.notify,
                active: m.registration != Registration::Deleted,
                updated_on: today,
            },
        );
    }
    let rows: Vec<Mandate> = latest.into_values().collect();
    Ok(mandate::upsert(&work.tx, &rows).await?)
}
