//! What a package holds: each document as it was sent, and the books as tables with the fields SAF-T Financial asks for
//! (customers, tax table, general ledger with customer, document and KID on each posting).

use super::manifest::{Entry, MANIFEST, Manifest};
use super::stream::Stream;
use crate::ctx::Ctx;
use crate::privacy::archive::{self, ArchivedInvoice, StoredFile};
use crate::services::error::Error;
use crate::services::ledger::gl_number;
use crate::services::organisation::{GlAccount, gl_accounts};
use crate::services::work::Actor;
use crate::store::archive as archived;
use crate::store::customer::{self, Customer};
use crate::store::hand_over::{self as store, BankFile, Booked, Gone, Whose};
use crate::store::organisation::{self, Organisation};
use crate::store::{OrgTx, invoice, views};
use chrono::NaiveDate;
use domain::customer::Field;
use domain::hex;
use domain::money::Money;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufWriter, Read, Seek};
use uuid::Uuid;

/// Customers read at a time.
const BATCH: u64 = 100;

/// A table on its way into a package: too large to be held in memory.
struct Table {
    name: &'static str,
    csv: csv::Writer<BufWriter<std::fs::File>>,
}

impl Table {
    fn new(name: &'static str, heading: &[&str]) -> Result<Self, Error> {
        let mut csv = csv::WriterBuilder::new().from_writer(BufWriter::new(tempfile::tempfile()?));
        csv.write_record(heading).map_err(std::io::Error::other)?;
        Ok(Self { name, csv })
    }

    fn row(&mut self, cells: &[&str]) -> Result<(), Error> {
        Ok(self.csv.write_record(cells.iter().map(|c| guarded(c))).map_err(std::io::Error::other)?)
    }
}

/// A text that a spreadsheet would take for a formula is made a text; amounts stay what they are.
fn guarded(cell: &str) -> String {
    let is_number = cell.strip_prefix('-').is_some_and(|n| n.chars().all(|c| c.is_ascii_digit() || c == '.'));
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number { format!("'{cell}") } else { cell.to_owned() }
}

fn kroner(ore: i64) -> String {
    Money::from_ore(ore).to_plain_string()
}

fn day(on: Option<NaiveDate>) -> String {
    on.map(|d| d.to_string()).unwrap_or_default()
}

/// What the organisation is, with the accounts and rates its books are kept by.
#[derive(Serialize)]
struct Facts<'a> {
    name: &'a str,
    org_number: Option<&'a str>,
    legal_form: &'a str,
    vat_registered: bool,
    street: Option<&'a str>,
    postal_code: Option<&'a str>,
    city: Option<&'a str>,
    country: &'a str,
    fiscal_year_start_month: i64,
    bank_accounts: Vec<String>,
    general_ledger: Vec<GlAccount>,
    tax_table: Vec<BTreeMap<&'static str, String>>,
}

/// A package being written.
pub(super) struct Package {
    to: Stream,
    files: BTreeMap<String, Entry>,
    customers: Table,
    documents: Table,
    lines: Table,
    vat: Table,
    postings: Table,
    payments: Table,
    notes: Table,
    chosen: Vec<organisation::GlChoice>,
    numbers: HashMap<Uuid, String>,
    /// Customers of the archive in it, and how much was booked for them before they were read.
    pub(super) booked: Vec<Booked>,
    /// Customers in it.
    pub(super) count: i64,
    /// Documents in it.
    pub(super) papers: i64,
}

/// Names of customer fields after those every customer has.
const DETAILS: [Field; 19] = [
    Field::Street,
    Field::Street2,
    Field::PostalCode,
    Field::City,
    Field::Country,
    Field::Email,
    Field::Phone,
    Field::Language,
    Field::PaymentMethod,
    Field::Channel,
    Field::EfakturaAddress,
    Field::Reference,
    Field::OrderNumber,
    Field::ContactName,
    Field::ContactRole,
    Field::ContactEmail,
    Field::ContactPhone,
    Field::Guardian1Name,
    Field::Guardian2Name,
];

const DOCUMENTS: &[&str] = &[
    "number",
    "kind",
    "issued_on",
    "due_on",
    "delivered_from",
    "delivered_to",
    "customer",
    "buyer",
    "buyer_org_number",
    "buyer_address",
    "reference",
    "order_number",
    "net",
    "vat",
    "total",
    "kid",
    "credits",
    "note",
    "pdf",
    "xml",
];
const LINES: &[&str] = &[
    "document",
    "line",
    "product",
    "description",
    "quantity",
    "unit",
    "unit_price",
    "discount_percent",
    "net",
    "vat_code",
    "vat_rate",
];
const POSTINGS: &[&str] = &[
    "entry",
    "voucher",
    "booked_on",
    "kind",
    "debit_account",
    "debit_role",
    "debit_code",
    "credit_account",
    "credit_role",
    "credit_code",
    "amount",
    "customer",
    "document",
    "kid",
    "due_on",
    "payment",
    "reason",
];
const PAYMENTS: &[&str] =
    &["payment", "booked_on", "amount", "unallocated", "kid", "customer", "debit_account", "text"];

impl Package {
    /// Begins one.
    pub(super) fn begin(chosen: Vec<organisation::GlChoice>, to: Stream) -> Result<Self, Error> {
        let mut heading = vec!["number", "name", "org_number", "earlier_numbers", "kind", "status", "ended_on"];
        heading.extend(["protected_identity"]);
        heading.extend(DETAILS.iter().map(|f| f.name()));
        Ok(Self {
            to,
            files: BTreeMap::new(),
            customers: Table::new("customers.csv", &heading)?,
            documents: Table::new("documents.csv", DOCUMENTS)?,
            lines: Table::new("lines.csv", LINES)?,
            vat: Table::new("vat.csv", &["document", "category", "rate", "basis", "vat", "reason"])?,
            postings: Table::new("postings.csv", POSTINGS)?,
            payments: Table::new("payments.csv", PAYMENTS)?,
            notes: Table::new("notes.csv", &["customer", "contact_on", "channel", "text", "document"])?,
            chosen,
            numbers: HashMap::new(),
            booked: Vec::new(),
            count: 0,
            papers: 0,
        })
    }

    async fn add(&mut self, name: &str, from: &mut (impl Read + Send), packed: bool) -> Result<(), Error> {
        let entry = self.to.add(name, from, packed).await?;
        self.files.insert(name.to_owned(), entry);
        Ok(())
    }

    /// Whom it tells of.
    pub(super) fn people(&self) -> Vec<Uuid> {
        let gone = self.booked.iter().map(|b| b.customer_id).filter(|id| !self.numbers.contains_key(id));
        self.numbers.keys().copied().chain(gone).collect()
    }

    /// Adds customers of the archive with all that is booked for them.
    pub(super) async fn add_archived(&mut self, ctx: &Ctx, actor: &Actor, ids: &[Uuid]) -> Result<(), Error> {
        let tx = ctx.db.retain_look(actor.org).await?;
        // Counted first: what is booked meanwhile makes a difference when it is to be taken away.
        self.booked.extend(store::bookings(&tx, ids).await?);
        let mut papers = Vec::new();
        for id in ids {
            let Some(found) = archived::find(&tx, *id).await? else { continue };
            let earlier = found.earlier_numbers.unwrap_or_default();
            let protected = if found.protected_identity { "true" } else { "" };
            let org_number = found.org_number.unwrap_or_default();
            let mut cells = vec![&*found.number, &found.name, &org_number, &earlier, "", "archived", "", protected];
            cells.extend(DETAILS.map(|_| ""));
            self.customers.row(&cells)?;
            self.numbers.insert(*id, found.number);
            self.count += 1;
            papers.extend(archive::documents(&tx, *id).await?);
        }
        self.add_books(&tx, Whose::Of(ids)).await?;
        self.add_notes(&tx, ids).await?;
        let files = store::bank_files(&tx, Whose::Of(ids)).await?;
        tx.commit().await?;
        for paper in &papers {
            self.add_paper(ctx, actor, paper).await?;
        }
        self.add_bank_files(ctx, actor, &files).await
    }

    /// Adds customers who are not in the archive with all that is booked for them.
    pub(super) async fn add_living(&mut self, ctx: &Ctx, actor: &Actor, ids: &[Uuid]) -> Result<(), Error> {
        let tx = ctx.db.retain_look(actor.org).await?;
        for Customer { row, record, .. } in customer::load(&tx, ids).await? {
            let of = |field| record.get(field).unwrap_or_default();
            let (number, name, org_number) = (of(Field::Number), of(Field::Name), of(Field::OrgNumber));
            let ended_on = day(row.ended_on);
            let protected = of(Field::ProtectedIdentity);
            let mut cells = vec![number, name, org_number, "", &row.kind, &row.status, &ended_on, protected];
            cells.extend(DETAILS.map(of));
            self.customers.row(&cells)?;
            self.numbers.insert(row.id, number.to_owned());
            self.count += 1;
        }
        let invoices = store::invoices(&tx, ids).await?;
        let stored = invoice::list_documents(&tx, &invoices).await?;
        let papers: Vec<ArchivedInvoice> = invoice::load_documents(&tx, &invoices)
            .await?
            .into_iter()
            .map(|(row, document)| ArchivedInvoice {
                id: row.id,
                number: document.number,
                issued_on: row.issued_on,
                total_ore: row.total_ore,
                files: stored
                    .iter()
                    .filter(|s| s.invoice_id == row.id)
                    .map(|s| StoredFile { kind: s.kind.clone(), sha256: hex::encode(&s.content_hash) })
                    .collect(),
                document: Box::new(document),
            })
            .collect();
        self.add_books(&tx, Whose::Of(ids)).await?;
        self.add_notes(&tx, ids).await?;
        tx.commit().await?;
        for paper in &papers {
            self.add_paper(ctx, actor, paper).await?;
        }
        Ok(())
    }

    /// Adds everybody: who is not in the archive, who is, who is not here by name any more, and what belongs to nobody. Somebody
    /// who is archived meanwhile is in it once.
    pub(super) async fn add_all(&mut self, ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
        let mut after = Uuid::nil();
        loop {
            let tx = ctx.db.read(actor.org).await?;
            let page = views::customers(&tx, after, i64::try_from(BATCH).unwrap_or(i64::MAX)).await?;
            tx.commit().await?;
            let ids: Vec<Uuid> = page.iter().map(|c| c.id).collect();
            let Some(last) = ids.last() else { break };
            after = *last;
            self.add_living(ctx, actor, &ids).await?;
        }
        self.add_archive(ctx, actor, Gone::Every).await?;
        let tx = ctx.db.retain_look(actor.org).await?;
        self.add_books(&tx, Whose::Nobodys).await?;
        let files = store::bank_files(&tx, Whose::Nobodys).await?;
        tx.commit().await?;
        self.add_bank_files(ctx, actor, &files).await
    }

    /// The bank's own files, each once: the documentation of the payments in them.
    async fn add_bank_files(&mut self, ctx: &Ctx, actor: &Actor, files: &[BankFile]) -> Result<(), Error> {
        for file in files {
            let on = file.imported_at.date_naive();
            let name = format!("bank-files/{on}-{}.txt", &hex::encode(&file.content_hash)[..16]);
            if self.files.contains_key(&name) {
                continue;
            }
            match ctx.files.get(actor.org, &file.content_hash).await {
                Ok(content) => self.add(&name, &mut &*content, true).await?,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && !file.stays => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Adds everybody in the archive, and of who is not here by name any more what was booked.
    pub(super) async fn add_archive(&mut self, ctx: &Ctx, actor: &Actor, gone: Gone) -> Result<(), Error> {
        let mut after = Uuid::nil();
        loop {
            let tx = ctx.db.retain_look(actor.org).await?;
            let mut ids = store::archived(&tx, after, BATCH).await?;
            tx.commit().await?;
            let Some(last) = ids.last() else { break };
            after = *last;
            ids.retain(|id| !self.numbers.contains_key(id));
            self.add_archived(ctx, actor, &ids).await?;
        }
        let mut after = Uuid::nil();
        loop {
            let tx = ctx.db.retain_look(actor.org).await?;
            let ids = store::gone(&tx, gone, after, BATCH).await?;
            tx.commit().await?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = *last;
            self.add_archived(ctx, actor, &ids).await?;
        }
    }

    async fn add_books(&mut self, tx: &OrgTx, whose: Whose<'_>) -> Result<(), Error> {
        for p in store::postings(tx, whose).await? {
            let number = |role: &str, code: &str| gl_number(&self.chosen, role, code);
            let customer = p.customer_id.and_then(|id| self.numbers.get(&id)).map_or("", String::as_str);
            let (debit, credit) = (number(&p.debit_role, &p.debit_code), number(&p.credit_role, &p.credit_code));
            let document = p.document.map(|n| n.to_string()).unwrap_or_default();
            let payment = p.payment_id.map(|id| id.to_string()).unwrap_or_default();
            self.postings.row(&[
                &p.id.to_string(),
                &p.voucher_no.to_string(),
                &p.booked_on.to_string(),
                &p.kind,
                &debit,
                &p.debit_role,
                &p.debit_code,
                &credit,
                &p.credit_role,
                &p.credit_code,
                &kroner(p.amount_ore),
                customer,
                &document,
                p.kid.as_deref().unwrap_or_default(),
                &day(p.due_on),
                &payment,
                p.reason.as_deref().unwrap_or_default(),
            ])?;
        }
        for p in store::payments(tx, whose).await? {
            let customer = p.customer_id.and_then(|id| self.numbers.get(&id)).map_or("", String::as_str);
            self.payments.row(&[
                &p.id.to_string(),
                &p.booked_on.to_string(),
                &kroner(p.amount_ore),
                &kroner(p.unallocated_ore),
                p.kid.as_deref().unwrap_or_default(),
                customer,
                p.debit_account.as_deref().unwrap_or_default(),
                p.text.as_deref().unwrap_or_default(),
            ])?;
        }
        Ok(())
    }

    async fn add_notes(&mut self, tx: &OrgTx, ids: &[Uuid]) -> Result<(), Error> {
        for note in store::notes(tx, ids).await? {
            let whose = self.numbers.get(&note.customer_id).map_or("", String::as_str);
            let document = note.document.map(|n| n.to_string()).unwrap_or_default();
            self.notes.row(&[whose, &note.contact_on.to_string(), &note.channel, &note.text, &document])?;
        }
        Ok(())
    }

    async fn add_paper(&mut self, ctx: &Ctx, actor: &Actor, paper: &ArchivedInvoice) -> Result<(), Error> {
        let pdf = format!("documents/{}.pdf", paper.number);
        self.add(&pdf, &mut &*archive::pdf(ctx, actor, paper).await?, false).await?;
        let stored = paper.files.iter().find(|f| f.kind == "ehf").and_then(|f| hex::decode(&f.sha256));
        let xml = match stored {
            Some(hash) => {
                let name = format!("documents/{}.xml", paper.number);
                self.add(&name, &mut &*ctx.files.get(actor.org, &hash).await?, true).await?;
                name
            }
            None => String::new(),
        };
        self.papers += 1;
        let d = &paper.document;
        let (number, totals) = (d.number.to_string(), &d.totals);
        self.documents.row(&[
            &number,
            d.kind.as_str(),
            &d.issued_on.to_string(),
            &day(d.due_on),
            &d.delivered_from.to_string(),
            &day(d.delivered_to),
            &d.buyer.number,
            &d.buyer.name,
            &d.buyer.org_number.clone().map(String::from).unwrap_or_default(),
            &d.buyer.address.lines().join(", "),
            d.buyer.reference.as_deref().unwrap_or_default(),
            d.buyer.order_number.as_deref().unwrap_or_default(),
            &totals.net.to_plain_string(),
            &totals.vat.to_plain_string(),
            &totals.total.to_plain_string(),
            d.kid.as_deref().unwrap_or_default(),
            &d.credits.as_ref().map(|c| c.number.to_string()).unwrap_or_default(),
            d.note.as_deref().unwrap_or_default(),
            &pdf,
            &xml,
        ])?;
        for (at, line) in d.lines.iter().enumerate() {
            let input = &line.input;
            self.lines.row(&[
                &number,
                &(at + 1).to_string(),
                input.product.as_deref().unwrap_or_default(),
                &input.description,
                &input.quantity.to_string(),
                &input.unit,
                &input.unit_price.to_string(),
                &input.discount_percent.to_string(),
                &line.net.to_plain_string(),
                &input.vat.code,
                &input.vat.rate.to_string(),
            ])?;
        }
        for group in &totals.groups {
            self.vat.row(&[
                &number,
                group.category.as_str(),
                &group.rate.to_string(),
                &group.basis.to_plain_string(),
                &group.vat.to_plain_string(),
                group.reason.as_deref().unwrap_or_default(),
            ])?;
        }
        Ok(())
    }

    /// Writes the tables and the signed manifest. SHA-256 and size of the whole.
    pub(super) async fn finish(
        mut self,
        ctx: &Ctx,
        org: &Organisation,
        scope: &str,
        id: Uuid,
    ) -> Result<([u8; 32], u64), Error> {
        let general_ledger = gl_accounts(ctx, &Actor::job(org.org_id)).await?;
        let tx = ctx.db.read(org.org_id).await?;
        let facts = facts(&tx, org, general_ledger).await?;
        tx.commit().await?;
        let facts = serde_json::to_vec_pretty(&facts).map_err(std::io::Error::other)?;
        self.add("organisation.json", &mut &*facts, true).await?;
        let spare = || Table::new("", &[]);
        for table in [
            std::mem::replace(&mut self.customers, spare()?),
            std::mem::replace(&mut self.documents, spare()?),
            std::mem::replace(&mut self.lines, spare()?),
            std::mem::replace(&mut self.vat, spare()?),
            std::mem::replace(&mut self.postings, spare()?),
            std::mem::replace(&mut self.payments, spare()?),
            std::mem::replace(&mut self.notes, spare()?),
        ] {
            let inner = table.csv.into_inner().map_err(|e| std::io::Error::other(e.to_string()))?;
            let mut file = inner.into_inner().map_err(|e| std::io::Error::other(e.to_string()))?;
            file.rewind()?;
            self.add(table.name, &mut file, true).await?;
        }
        let manifest = Manifest {
            id,
            scope: scope.to_owned(),
            organisation_id: org.org_id,
            organisation: org.name.clone(),
            org_number: org.org_number.clone(),
            made_at: ctx.now(),
            customers: self.count,
            documents: self.papers,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            files: std::mem::take(&mut self.files),
            public_key: String::new(),
            signature: String::new(),
        }
        .sign(&ctx.key)?;
        let manifest = serde_json::to_vec_pretty(&manifest).map_err(std::io::Error::other)?;
        self.add(MANIFEST, &mut &*manifest, true).await?;
        self.to.finish().await
    }
}

async fn facts<'a>(tx: &OrgTx, org: &'a Organisation, general_ledger: Vec<GlAccount>) -> Result<Facts<'a>, Error> {
    let tax_table = organisation::list_vat_rows(tx).await?.into_iter().map(|v| {
        BTreeMap::from([
            ("code", v.code),
            ("name", v.name),
            ("rate", domain::money::Micro::from_micro(v.rate_micro).to_string()),
            ("category", v.category),
            ("valid_from", v.valid_from.to_string()),
            ("valid_to", day(v.valid_to)),
        ])
    });
    Ok(Facts {
        name: &org.name,
        org_number: org.org_number.as_deref(),
        legal_form: &org.legal_form,
        vat_registered: org.vat_registered,
        street: org.street.as_deref(),
        postal_code: org.postal_code.as_deref(),
        city: org.city.as_deref(),
        country: &org.country,
        fiscal_year_start_month: org.fiscal_year_start_month,
        bank_accounts: organisation::list_accounts(tx).await?.into_iter().map(|a| a.account_no).collect(),
        general_ledger,
        tax_table: tax_table.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_text_is_no_formula_and_an_amount_no_text() {
        assert_eq!(guarded("=1+1"), "'=1+1");
        assert_eq!(guarded("-Kari"), "'-Kari");
        assert_eq!(guarded("-12.50"), "-12.50");
        assert_eq!(guarded("12.50"), "12.50");
    }
}
