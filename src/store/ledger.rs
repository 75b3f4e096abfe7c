//! Ledger entries, open items and allocations.

use super::bulk::{self, Keys, Wanted};
use super::error::Error;
use super::tx::OrgTx;
use domain::money::Money;
use domain::payment::{ItemClass, OpenItem};
use entity::{allocation, ledger_entry, open_item, opening_item, posting_export};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter,
    QueryOrder, Statement,
};
use std::collections::HashMap;
use uuid::Uuid;

pub use allocation::Model as Allocation;
pub use ledger_entry::Model as Entry;
pub use open_item::Model as OpenItemRow;
pub use opening_item::Model as OpeningItemRow;
pub use posting_export::Model as PostingExport;

/// Adds ledger entries.
pub async fn insert_entries(tx: &OrgTx, rows: &[Entry]) -> Result<(), Error> {
    bulk::insert::<ledger_entry::Entity>(tx, rows).await
}

/// Adds open items.
pub async fn insert_items(tx: &OrgTx, rows: &[OpenItemRow]) -> Result<(), Error> {
    bulk::insert::<open_item::Entity>(tx, rows).await
}

/// Adds what an old system left open.
pub async fn insert_opening_items(tx: &OrgTx, rows: &[OpeningItemRow]) -> Result<(), Error> {
    bulk::insert::<opening_item::Entity>(tx, rows).await
}

/// Records an export of postings.
pub async fn insert_export(tx: &OrgTx, row: PostingExport) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Exports of postings, oldest first.
pub async fn list_exports(tx: &OrgTx) -> Result<Vec<PostingExport>, Error> {
    let rows = posting_export::Entity::find().filter(posting_export::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_asc(posting_export::Column::Id).all(tx).await?)
}

/// Adds allocations.
pub async fn insert_allocations(tx: &OrgTx, rows: &[Allocation]) -> Result<(), Error> {
    bulk::insert::<allocation::Entity>(tx, rows).await
}

fn to_item(row: &OpenItemRow) -> OpenItem {
    OpenItem {
        id: row.id,
        claim: row.invoice_id,
        due_on: row.due_on,
        class: ItemClass::parse(&row.class),
        remaining: Money::from_ore(row.remaining_ore),
    }
}

/// Locks what is open of invoices, in order of ids.
pub async fn lock_items_of_invoices(tx: &OrgTx, invoices: &[Uuid]) -> Result<HashMap<Uuid, Vec<OpenItem>>, Error> {
    lock_items(tx, open_item::Column::InvoiceId, invoices, |row| row.invoice_id).await
}

/// Locks what is open of customers, in order of ids.
pub async fn lock_items_of_customers(tx: &OrgTx, customers: &[Uuid]) -> Result<HashMap<Uuid, Vec<OpenItem>>, Error> {
    lock_items(tx, open_item::Column::CustomerId, customers, |row| row.customer_id).await
}

async fn lock_items(
    tx: &OrgTx,
    column: open_item::Column,
    ids: &[Uuid],
    key: impl Fn(&OpenItemRow) -> Uuid,
) -> Result<HashMap<Uuid, Vec<OpenItem>>, Error> {
    let mut out: HashMap<Uuid, Vec<OpenItem>> = HashMap::new();
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let wanted = Wanted { column, keys: Keys::Ids(&ids), also: "AND remaining_ore > 0", lock: true };
    for row in bulk::fetch::<open_item::Entity>(tx, wanted).await? {
        out.entry(key(&row)).or_default().push(to_item(&row));
    }
    Ok(out)
}

/// Sets what is left of items.
pub async fn set_remaining(tx: &OrgTx, changes: &HashMap<Uuid, Money>) -> Result<(), Error> {
    let mut changes: Vec<(Uuid, i64)> = changes.iter().map(|(id, left)| (*id, left.ore())).collect();
    changes.sort_unstable();
    bulk::set_number(tx, "open_item", "remaining_ore", &changes).await
}

/// Locks an open item.
pub async fn lock_item(tx: &OrgTx, id: Uuid) -> Result<Option<OpenItemRow>, Error> {
    Ok(tx.for_update(open_item::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// Allocations of a payment, oldest first.
pub async fn list_allocations_of(tx: &OrgTx, payment_id: Uuid) -> Result<Vec<Allocation>, Error> {
    let rows = allocation::Entity::find()
        .filter(allocation::Column::OrgId.eq(tx.org()))
        .filter(allocation::Column::PaymentId.eq(payment_id));
    Ok(rows.order_by_asc(allocation::Column::Id).all(tx).await?)
}

/// What was taken from a claim, oldest first.
pub async fn list_allocations_of_invoice(tx: &OrgTx, invoice_id: Uuid) -> Result<Vec<Allocation>, Error> {
    let items = open_item::Entity::find()
        .filter(open_item::Column::OrgId.eq(tx.org()))
        .filter(open_item::Column::InvoiceId.eq(invoice_id))
        .all(tx)
        .await?;
    let rows = allocation::Entity::find()
        .filter(allocation::Column::OrgId.eq(tx.org()))
        .filter(allocation::Column::OpenItemId.is_in(items.iter().map(|i| i.id)));
    Ok(rows.order_by_asc(allocation::Column::Id).all(tx).await?)
}

/// Entries of a payment, oldest first.
pub async fn list_entries_of_payment(tx: &OrgTx, payment_id: Uuid) -> Result<Vec<Entry>, Error> {
    let rows = ledger_entry::Entity::find()
        .filter(ledger_entry::Column::OrgId.eq(tx.org()))
        .filter(ledger_entry::Column::PaymentId.eq(payment_id));
    Ok(rows.order_by_asc(ledger_entry::Column::Id).all(tx).await?)
}

/// A check of the ledger that found something.
#[derive(Debug, FromQueryResult)]
pub struct Finding {
    /// What it is about.
    pub subject_id: Option<Uuid>,
    /// What was expected.
    pub expected_ore: i64,
    /// What was found.
    pub found_ore: i64,
}

/// One check: a name, what must hold, and a query that lists what breaks it.
pub struct Check {
    /// Stable name.
    pub name: &'static str,
    /// The rule in words.
    pub rule: &'static str,
    sql: &'static str,
}

/// Every check of the ledger (I1, I3, I6).
pub const CHECKS: &[Check] = &[
    Check {
        name: "open_item_remaining",
        rule: "what is left of an open item is its amount less its allocations",
        sql: "SELECT i.id AS subject_id, CAST(i.amount_ore - COALESCE(SUM(a.amount_ore), 0) AS BIGINT) AS expected_ore, \
              i.remaining_ore AS found_ore FROM open_item i \
              LEFT JOIN allocation a ON a.org_id = i.org_id AND a.open_item_id = i.id WHERE i.org_id = $1 \
              GROUP BY i.id, i.amount_ore, i.remaining_ore \
              HAVING i.amount_ore - COALESCE(SUM(a.amount_ore), 0) <> i.remaining_ore",
    },
    Check {
        name: "customer_balance",
        rule: "a customer's ledger balance is its open items less its unplaced money",
        sql: "WITH moved AS (SELECT customer_id, \
                SUM(CASE WHEN debit_role IN ('receivable', 'unallocated') THEN amount_ore ELSE 0 END \
                  - CASE WHEN credit_role IN ('receivable', 'unallocated') THEN amount_ore ELSE 0 END) AS ore \
                FROM ledger_entry WHERE org_id = $1 AND customer_id IS NOT NULL GROUP BY customer_id), \
              held AS (SELECT customer_id, SUM(ore) AS ore FROM ( \
                SELECT customer_id, remaining_ore AS ore FROM open_item WHERE org_id = $1 UNION ALL \
                SELECT customer_id, -unallocated_ore AS ore FROM payment WHERE org_id = $1 AND customer_id IS NOT NULL \
                ) x GROUP BY customer_id) \
              SELECT m.customer_id AS subject_id, CAST(COALESCE(h.ore, 0) AS BIGINT) AS expected_ore, \
              CAST(m.ore AS BIGINT) AS found_ore FROM moved m LEFT JOIN held h ON h.customer_id = m.customer_id \
              WHERE COALESCE(h.ore, 0) <> m.ore",
    },
    Check {
        name: "payment_booked",
        rule: "every payment is booked once: its bank entries, refunds apart, equal its amount",
        sql: "SELECT p.id AS subject_id, p.amount_ore AS expected_ore, CAST(COALESCE(SUM( \
                CASE WHEN e.debit_role = 'bank' THEN e.amount_ore WHEN e.credit_role = 'bank' THEN -e.amount_ore ELSE 0 END \
              ), 0) AS BIGINT) AS found_ore FROM payment p \
              LEFT JOIN ledger_entry e ON e.org_id = p.org_id AND e.payment_id = p.id AND e.kind <> 'refund' \
              WHERE p.org_id = $1 AND p.state <> 'reversed' AND p.reason NOT IN ('terminal_information', 'suspected_duplicate', 'credit_note') \
              GROUP BY p.id, p.amount_ore HAVING COALESCE(SUM( \
                CASE WHEN e.debit_role = 'bank' THEN e.amount_ore WHEN e.credit_role = 'bank' THEN -e.amount_ore ELSE 0 END \
              ), 0) <> p.amount_ore",
    },
    Check {
        name: "invoice_booked",
        rule: "every invoice is booked with its total",
        sql: "SELECT i.id AS subject_id, CASE WHEN i.kind = 'credit_note' THEN -i.total_ore ELSE i.total_ore END AS expected_ore, \
              CAST(COALESCE(SUM(CASE WHEN e.debit_role = 'receivable' THEN e.amount_ore \
                WHEN e.credit_role = 'receivable' THEN -e.amount_ore ELSE 0 END), 0) AS BIGINT) AS found_ore \
              FROM invoice i LEFT JOIN ledger_entry e ON e.org_id = i.org_id AND e.invoice_id = i.id \
                AND e.kind IN ('invoice', 'credit_note') \
              WHERE i.org_id = $1 GROUP BY i.id, i.kind, i.total_ore \
              HAVING COALESCE(SUM(CASE WHEN e.debit_role = 'receivable' THEN e.amount_ore \
                WHEN e.credit_role = 'receivable' THEN -e.amount_ore ELSE 0 END), 0) \
                <> CASE WHEN i.kind = 'credit_note' THEN -i.total_ore ELSE i.total_ore END",
    },
    Check {
        name: "number_continuity",
        rule: "invoice numbers of a series run from its first to its next without a gap nobody can explain",
        sql: "SELECT s.id AS subject_id, CAST(s.due AS BIGINT) AS expected_ore, CAST(COUNT(i.id) AS BIGINT) AS found_ore \
              FROM (SELECT n.*, n.next_number - n.first_number - n.expired_documents - COALESCE((SELECT \
                SUM(g.last_no - g.first_no + 1) FROM number_gap g WHERE g.org_id = n.org_id AND g.series_id = n.id), 0) AS due \
                FROM number_series n WHERE n.org_id = $1) s \
              LEFT JOIN invoice i ON i.org_id = s.org_id AND i.series_id = s.id AND i.number >= s.first_number \
                AND i.number < s.next_number \
              WHERE s.org_id = $1 GROUP BY s.id, s.due HAVING COUNT(i.id) <> s.due",
    },
    Check {
        name: "invoice_delivery",
        rule: "every invoice has a delivery",
        sql: "SELECT i.id AS subject_id, CAST(1 AS BIGINT) AS expected_ore, CAST(0 AS BIGINT) AS found_ore \
              FROM invoice i WHERE i.org_id = $1 AND NOT EXISTS \
              (SELECT 1 FROM delivery d WHERE d.org_id = i.org_id AND d.invoice_id = i.id)",
    },
];

/// Runs one check.
pub async fn run_check(tx: &OrgTx, check: &Check) -> Result<Vec<Finding>, Error> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), check.sql, [tx.org().into()]);
    Ok(Finding::find_by_statement(statement).all(tx).await?)
}
