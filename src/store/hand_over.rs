//! The statutory archive handed to the organisation: what was written, what of it was confirmed, and what is taken away then.

use super::archive::listed;
use super::bulk::literal;
use super::erasure::note_stored;
use super::error::Error;
use super::retention::holds_any;
use super::sql::{Id, all, run};
use super::tx::OrgTx;
use chrono::{DateTime, NaiveDate, Utc};
use domain::privacy::Hold;
use entity::hand_over;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

pub use hand_over::Model as HandOver;

/// Adds a package that was written.
pub async fn insert(tx: &OrgTx, row: HandOver) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Locks a package.
pub async fn lock(tx: &OrgTx, id: Uuid) -> Result<Option<HandOver>, Error> {
    Ok(tx.for_update(hand_over::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// Writes all fields of a package.
pub async fn update(tx: &OrgTx, row: HandOver) -> Result<(), Error> {
    row.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// Packages, the newest first.
pub async fn list(tx: &OrgTx) -> Result<Vec<HandOver>, Error> {
    let rows = hand_over::Entity::find().filter(hand_over::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_desc(hand_over::Column::Id).all(tx).await?)
}

/// What is booked for a customer `c`: documents, payments, postings and notes. What differs was booked since.
const BOOKINGS: &str = "((SELECT COUNT(*) FROM invoice t WHERE t.org_id = c.org_id AND t.customer_id = c.id) \
    + (SELECT COUNT(*) FROM payment t WHERE t.org_id = c.org_id AND t.customer_id = c.id) \
    + (SELECT COUNT(*) FROM ledger_entry t WHERE t.org_id = c.org_id AND t.customer_id = c.id) \
    + (SELECT COUNT(*) FROM archive_note t WHERE t.org_id = c.org_id AND t.customer_id = c.id))";

/// Which of those who are not here by name any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// Those for whom something was booked since, or whose payer is here.
    Since,
    /// All of them.
    Every,
}

/// Customers in the archive after an id.
pub async fn archived(tx: &OrgTx, after: Uuid, limit: u64) -> Result<Vec<Uuid>, Error> {
    let sql = format!(
        "SELECT customer_id AS id FROM archive_customer WHERE org_id = $1 AND customer_id > $2 \
         ORDER BY customer_id LIMIT {limit}"
    );
    let rows = all::<Id>(tx, &sql, vec![tx.org().into(), after.into()]).await?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Customers after an id who were handed over and taken away here.
pub async fn gone(tx: &OrgTx, which: Gone, after: Uuid, limit: u64) -> Result<Vec<Uuid>, Error> {
    let since = match which {
        Gone::Every => String::new(),
        Gone::Since => format!(
            "AND (h.bookings <> {BOOKINGS} OR EXISTS (SELECT 1 FROM archive_payer y WHERE y.org_id = c.org_id \
             AND y.customer_id = c.id))"
        ),
    };
    let sql = format!(
        "SELECT c.id FROM hand_over_customer h JOIN customer c ON c.org_id = h.org_id AND c.id = h.customer_id \
         WHERE h.org_id = $1 AND h.customer_id > $2 AND c.handed_over_at IS NOT NULL {since} ORDER BY c.id LIMIT {limit}"
    );
    let rows = all::<Id>(tx, &sql, vec![tx.org().into(), after.into()]).await?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// How many customers are in the archive, and since when the one who has waited longest is.
pub async fn waiting(tx: &OrgTx) -> Result<(i64, Option<DateTime<Utc>>), Error> {
    #[derive(FromQueryResult)]
    struct Waiting {
        customers: i64,
        since: Option<DateTime<Utc>>,
    }
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) AS customers, MIN(archived_at) AS since FROM archive_customer \
               WHERE org_id = $1";
    let found = all::<Waiting>(tx, sql, vec![tx.org().into()]).await?.into_iter().next();
    Ok(found.map_or((0, None), |w| (w.customers, w.since)))
}

/// A customer, and how much is booked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromQueryResult)]
pub struct Booked {
    /// The customer.
    pub customer_id: Uuid,
    /// Documents, payments, postings and notes.
    pub bookings: i64,
}

/// How much is booked for some customers.
pub async fn bookings(tx: &OrgTx, customers: &[Uuid]) -> Result<Vec<Booked>, Error> {
    if customers.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT c.id AS customer_id, CAST({BOOKINGS} AS BIGINT) AS bookings FROM customer c WHERE c.org_id = $1 AND c.id IN ({})",
        listed(tx, customers)
    );
    all(tx, &sql, vec![tx.org().into()]).await
}

/// How much is booked in all: documents, payments and postings.
pub async fn all_bookings(tx: &OrgTx) -> Result<i64, Error> {
    #[derive(FromQueryResult)]
    struct Count {
        n: i64,
    }
    let of = |table: &str| format!("(SELECT COUNT(*) FROM {table} WHERE org_id = $1)");
    let sum = ["invoice", "payment", "ledger_entry"].map(of).join(" + ");
    let found = all::<Count>(tx, &format!("SELECT CAST({sum} AS BIGINT) AS n"), vec![tx.org().into()]).await?;
    Ok(found.first().map_or(0, |c| c.n))
}

/// Notes which package customers went with, and how much was booked for them then. The last package is what counts.
pub async fn note(tx: &OrgTx, customers: &[Booked], package: Uuid) -> Result<(), Error> {
    for some in customers.chunks(400) {
        let rows = some.iter().map(|b| format!("($1, {}, $2, {}, FALSE)", literal(tx, b.customer_id), b.bookings));
        let sql = format!(
            "INSERT INTO hand_over_customer (org_id, customer_id, hand_over_id, bookings, taken) VALUES {} \
             ON CONFLICT (org_id, customer_id) DO UPDATE SET hand_over_id = excluded.hand_over_id, \
             bookings = excluded.bookings, taken = FALSE",
            rows.collect::<Vec<_>>().join(", ")
        );
        run(tx, &sql, vec![tx.org().into(), package.into()]).await?;
    }
    Ok(())
}

/// Customers of a package whose copy here can go: nothing was booked for them since it was made, and nothing holds them.
pub async fn to_take(tx: &OrgTx, package: Uuid, limit: u64) -> Result<Vec<Uuid>, Error> {
    let named: BTreeSet<Hold> = Hold::ALL.iter().copied().filter(|h| *h != Hold::OpenBalance).collect();
    let sql = format!(
        "SELECT c.id FROM hand_over_customer h JOIN customer c ON c.org_id = h.org_id AND c.id = h.customer_id \
         WHERE h.org_id = $1 AND h.hand_over_id = $2 AND NOT h.taken AND c.status = 'archived' AND h.bookings = {BOOKINGS} \
         AND NOT {} ORDER BY c.id LIMIT {limit}",
        holds_any(&named, "c.org_id", "c.id", None)
    );
    Ok(all::<Id>(tx, &sql, vec![tx.org().into(), package.into()]).await?.into_iter().map(|r| r.id).collect())
}

/// How many customers of each package are still here.
pub async fn left(tx: &OrgTx) -> Result<HashMap<Uuid, i64>, Error> {
    #[derive(FromQueryResult)]
    struct Left {
        hand_over_id: Uuid,
        n: i64,
    }
    let sql = "SELECT hand_over_id, CAST(COUNT(*) AS BIGINT) AS n FROM hand_over_customer WHERE org_id = $1 AND NOT taken \
               GROUP BY hand_over_id";
    let found = all::<Left>(tx, sql, vec![tx.org().into()]).await?;
    Ok(found.into_iter().map(|l| (l.hand_over_id, l.n)).collect())
}

/// Rows that were taken away, by what they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Names and numbers of customers.
    pub customers: u64,
    /// Buyers, texts and files of documents.
    pub documents: u64,
    /// Who paid.
    pub payers: u64,
    /// Notes that matter for the books.
    pub notes: u64,
    /// Addresses documents were sent to.
    pub addresses: u64,
}

impl Taken {
    /// Both together.
    pub const fn plus(self, other: Self) -> Self {
        Self {
            customers: self.customers + other.customers,
            documents: self.documents + other.documents,
            payers: self.payers + other.payers,
            notes: self.notes + other.notes,
            addresses: self.addresses + other.addresses,
        }
    }

    /// Whether nothing went.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// Takes away who archived customers were, with the documents as they were sent. What is left of them are amounts and days.
pub async fn take(tx: &OrgTx, customers: &[Uuid], at: DateTime<Utc>) -> Result<Taken, Error> {
    if customers.is_empty() {
        return Ok(Taken::default());
    }
    let ids = listed(tx, customers);
    let sql = format!("SELECT content_hash FROM archive_document WHERE org_id = $1 AND customer_id IN ({ids})");
    note_stored(tx, &sql, at).await?;
    let delete = async |table: &str| {
        let sql = format!("DELETE FROM {table} WHERE org_id = $1 AND customer_id IN ({ids})");
        run(tx, &sql, vec![tx.org().into()]).await
    };
    let documents = delete("archive_document").await? + delete("archive_text").await? + delete("archive_party").await?;
    let payers = delete("archive_payer").await?;
    let notes = delete("archive_note").await?;
    let customers = delete("archive_customer").await?;
    let sql = format!(
        "DELETE FROM delivery_address WHERE org_id = $1 AND delivery_id IN (SELECT id FROM delivery WHERE org_id = $1 \
         AND customer_id IN ({ids}))"
    );
    let addresses = run(tx, &sql, vec![tx.org().into()]).await?;
    for table in ["delivery_attempt", "delivery_event"] {
        let sql = format!(
            "UPDATE {table} SET detail = NULL WHERE org_id = $1 AND detail IS NOT NULL AND delivery_id IN \
             (SELECT id FROM delivery WHERE org_id = $1 AND customer_id IN ({ids}))"
        );
        run(tx, &sql, vec![tx.org().into()]).await?;
    }
    run(
        tx,
        &format!("UPDATE hand_over_customer SET taken = TRUE WHERE org_id = $1 AND customer_id IN ({ids})"),
        vec![tx.org().into()],
    )
    .await?;
    // The bank's own file names payers too: it goes with the last of them.
    let sql =
        format!("UPDATE customer SET handed_over_at = $2, version = version + 1 WHERE org_id = $1 AND id IN ({ids})");
    run(tx, &sql, vec![tx.org().into(), at.into()]).await?;
    let sql = format!(
        "SELECT f.content_hash FROM bank_file f WHERE f.org_id = $1 AND EXISTS (SELECT 1 FROM payment p \
         WHERE p.org_id = f.org_id AND p.bank_file_id = f.id AND p.customer_id IN ({ids})) AND NOT {STAYS}"
    );
    note_stored(tx, &sql, at).await?;
    Ok(Taken { customers, documents, payers, notes, addresses })
}

/// Whether who an archived customer was has been handed over and taken away here.
pub async fn is_taken(tx: &OrgTx, customer: Uuid) -> Result<bool, Error> {
    let sql = "SELECT id FROM customer WHERE org_id = $1 AND id = $2 AND handed_over_at IS NOT NULL";
    Ok(!all::<Id>(tx, sql, vec![tx.org().into(), customer.into()]).await?.is_empty())
}

/// A posting with what it is about.
#[derive(FromQueryResult)]
pub struct Posting {
    /// The entry.
    pub id: Uuid,
    /// Voucher number.
    pub voucher_no: i64,
    /// Booking date.
    pub booked_on: NaiveDate,
    /// What it is.
    pub kind: String,
    /// Debit account role.
    pub debit_role: String,
    /// Which of its accounts.
    pub debit_code: String,
    /// Credit account role.
    pub credit_role: String,
    /// Which of its accounts.
    pub credit_code: String,
    /// Amount in øre.
    pub amount_ore: i64,
    /// Whose account.
    pub customer_id: Option<Uuid>,
    /// Number of the document.
    pub document: Option<i64>,
    /// Its KID.
    pub kid: Option<String>,
    /// Its due date.
    pub due_on: Option<NaiveDate>,
    /// The payment.
    pub payment_id: Option<Uuid>,
    /// Why, of what was reversed or written off.
    pub reason: Option<String>,
}

/// A payment with who paid.
#[derive(FromQueryResult)]
pub struct Paid {
    /// The payment.
    pub id: Uuid,
    /// Day of settlement.
    pub booked_on: NaiveDate,
    /// Amount in øre.
    pub amount_ore: i64,
    /// What of it is not allocated, in øre.
    pub unallocated_ore: i64,
    /// KID it was paid with.
    pub kid: Option<String>,
    /// Whose.
    pub customer_id: Option<Uuid>,
    /// Account it came from.
    pub debit_account: Option<String>,
    /// What the payer wrote.
    pub text: Option<String>,
}

/// A note of a contact, in the archive or not.
#[derive(FromQueryResult)]
pub struct Noted {
    /// The customer.
    pub customer_id: Uuid,
    /// The day of the contact.
    pub contact_on: NaiveDate,
    /// phone, mail, meeting, letter or other.
    pub channel: String,
    /// What was agreed or said.
    pub text: String,
    /// Number of the document that refers to it.
    pub document: Option<i64>,
}

/// Notes of contacts with customers, oldest first.
pub async fn notes(tx: &OrgTx, customers: &[Uuid]) -> Result<Vec<Noted>, Error> {
    let columns = "t.customer_id, t.contact_on, t.channel, t.text, i.number AS document, t.id";
    let of = |table: &str| {
        format!(
            "SELECT {columns} FROM {table} t LEFT JOIN invoice i ON i.org_id = t.org_id AND i.id = t.referred_invoice_id \
             WHERE t.org_id = $1 AND {}",
            Whose::Of(customers).condition(tx)
        )
    };
    let sql = format!("{} UNION ALL {} ORDER BY 6", of("archive_note"), of("customer_note"));
    all(tx, &sql, vec![tx.org().into()]).await
}

/// Whose rows: those of some customers, or those that belong to nobody.
#[derive(Clone, Copy)]
pub enum Whose<'a> {
    /// Of these.
    Of(&'a [Uuid]),
    /// Of no customer.
    Nobodys,
}

impl Whose<'_> {
    fn condition(&self, tx: &OrgTx) -> String {
        match self {
            Self::Of([]) => "FALSE".to_owned(),
            Self::Of(ids) => format!("t.customer_id IN ({})", listed(tx, ids)),
            Self::Nobodys => "t.customer_id IS NULL".to_owned(),
        }
    }
}

/// Postings in order of their vouchers.
pub async fn postings(tx: &OrgTx, whose: Whose<'_>) -> Result<Vec<Posting>, Error> {
    let sql = format!(
        "SELECT t.id, t.voucher_no, t.booked_on, t.kind, t.debit_role, t.debit_code, t.credit_role, t.credit_code, \
         t.amount_ore, t.customer_id, i.number AS document, i.kid, i.due_on, t.payment_id, t.reason FROM ledger_entry t \
         LEFT JOIN invoice i ON i.org_id = t.org_id AND i.id = t.invoice_id WHERE t.org_id = $1 AND {} \
         ORDER BY t.voucher_no, t.id",
        whose.condition(tx)
    );
    all(tx, &sql, vec![tx.org().into()]).await
}

/// Payments in the order they were booked, with who paid wherever that stands.
pub async fn payments(tx: &OrgTx, whose: Whose<'_>) -> Result<Vec<Paid>, Error> {
    let sql = format!(
        "SELECT t.id, t.booked_on, t.amount_ore, t.unallocated_ore, t.kid, t.customer_id, \
         COALESCE(a.debit_account, y.debit_account) AS debit_account, COALESCE(a.text, y.text) AS text FROM payment t \
         LEFT JOIN payment_payer y ON y.org_id = t.org_id AND y.payment_id = t.id \
         LEFT JOIN archive_payer a ON a.org_id = t.org_id AND a.payment_id = t.id \
         WHERE t.org_id = $1 AND {} ORDER BY t.booked_on, t.id",
        whose.condition(tx)
    );
    all(tx, &sql, vec![tx.org().into()]).await
}

/// Whether a bank file `f` holds a payment of somebody who was not handed over, or of nobody that is known.
const STAYS: &str = "EXISTS (SELECT 1 FROM payment p LEFT JOIN customer c ON c.org_id = p.org_id AND c.id = p.customer_id \
    WHERE p.org_id = f.org_id AND p.bank_file_id = f.id AND c.handed_over_at IS NULL)";

/// A bank file.
#[derive(FromQueryResult)]
pub struct BankFile {
    /// When it was taken in.
    pub imported_at: DateTime<Utc>,
    /// Hash of its content.
    pub content_hash: Vec<u8>,
    /// Whether it is needed here; one that is not may be gone with an earlier package.
    pub stays: bool,
}

/// Bank files with payments of somebody, or what belongs to nobody.
pub async fn bank_files(tx: &OrgTx, whose: Whose<'_>) -> Result<Vec<BankFile>, Error> {
    let stays = format!(
        "({STAYS} OR NOT EXISTS (SELECT 1 FROM payment p WHERE p.org_id = f.org_id AND p.bank_file_id = f.id))"
    );
    let which = match whose {
        Whose::Nobodys => stays.clone(),
        of @ Whose::Of(_) => format!(
            "EXISTS (SELECT 1 FROM payment t WHERE t.org_id = f.org_id AND t.bank_file_id = f.id AND {})",
            of.condition(tx)
        ),
    };
    let sql = format!(
        "SELECT f.imported_at, f.content_hash, {stays} AS stays FROM bank_file f WHERE f.org_id = $1 AND {which} ORDER BY f.id"
    );
    all(tx, &sql, vec![tx.org().into()]).await
}

/// Ids of the documents of customers who are not in the archive.
pub async fn invoices(tx: &OrgTx, customers: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let sql = format!(
        "SELECT t.id FROM invoice t WHERE t.org_id = $1 AND {} ORDER BY t.id",
        Whose::Of(customers).condition(tx)
    );
    Ok(all::<Id>(tx, &sql, vec![tx.org().into()]).await?.into_iter().map(|r| r.id).collect())
}
