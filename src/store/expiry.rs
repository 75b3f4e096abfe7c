//! When the years the law asks for are over: documents, payments and ledger of those years are deleted, and one entry a
//! customer carries what they came to (decisions 2 and 3). All of it runs on the retention path (`Db::retain`).

use super::archive::listed;
use super::erasure::{Removal, note_removals};
use super::error::Error;
use super::ledger::{Entry, insert_entries};
use super::retention::{Counted, holds_any};
use super::sql::{Id, all, run};
use super::tx::OrgTx;
use chrono::NaiveDate;
use domain::privacy::Hold;
use sea_orm::FromQueryResult;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What is over: everything booked before a day, but for what a hold keeps.
pub struct Years<'a> {
    /// First day of the oldest financial year that stands.
    pub before: NaiveDate,
    /// Kinds of hold that delay it.
    pub holds: &'a BTreeSet<Hold>,
}

impl Years<'_> {
    /// Invoices whose years are over. What is not paid is kept, and so is what was booked later on it.
    fn invoices(&self) -> String {
        format!(
            "i.org_id = $1 AND i.issued_on < $2 AND NOT EXISTS (SELECT 1 FROM open_item o WHERE o.org_id = i.org_id \
             AND o.invoice_id = i.id AND o.remaining_ore > 0) AND NOT {}",
            holds_any(&self.named(), "i.org_id", "i.customer_id", Some("i.id"))
        )
    }

    /// Payments whose years are over: nothing of them waits, and nothing later was booked on them.
    fn payments(&self) -> String {
        format!(
            "p.org_id = $1 AND p.booked_on < $2 AND p.unallocated_ore = 0 AND NOT EXISTS (SELECT 1 FROM ledger_entry e \
             WHERE e.org_id = p.org_id AND e.payment_id = p.id AND e.booked_on >= $2) AND NOT EXISTS \
             (SELECT 1 FROM allocation a JOIN open_item o ON o.org_id = a.org_id AND o.id = a.open_item_id \
             WHERE a.org_id = p.org_id AND a.payment_id = p.id AND o.remaining_ore > 0) AND NOT {}",
            holds_any(&self.named(), "p.org_id", "p.customer_id", Some("p.id"))
        )
    }

    /// Claims that are closed, the last of it before the day.
    fn items(&self) -> String {
        format!(
            "o.org_id = $1 AND o.booked_on < $2 AND o.remaining_ore = 0 AND NOT EXISTS (SELECT 1 FROM allocation a \
             WHERE a.org_id = o.org_id AND a.open_item_id = o.id AND a.booked_on >= $2) AND NOT {}",
            holds_any(&self.named(), "o.org_id", "o.customer_id", Some("o.invoice_id"))
        )
    }

    /// Holds somebody placed: what is owed is looked at claim by claim.
    fn named(&self) -> BTreeSet<Hold> {
        self.holds.iter().copied().filter(|h| *h != Hold::OpenBalance).collect()
    }

    /// How many documents are over, and how many a hold or an unpaid claim keeps.
    pub async fn count_documents(&self, tx: &OrgTx) -> Result<Counted, Error> {
        let sql = format!(
            "SELECT CAST(COALESCE(SUM(CASE WHEN {} THEN 1 ELSE 0 END), 0) AS BIGINT) AS due, \
             CAST(COALESCE(SUM(CASE WHEN {} THEN 0 ELSE 1 END), 0) AS BIGINT) AS held \
             FROM invoice i WHERE i.org_id = $1 AND i.issued_on < $2",
            self.invoices(),
            self.invoices()
        );
        self.counted(tx, &sql).await
    }

    /// How many payments are over, and how many a hold or an open claim keeps.
    pub async fn count_payments(&self, tx: &OrgTx) -> Result<Counted, Error> {
        let sql = format!(
            "SELECT CAST(COALESCE(SUM(CASE WHEN {} THEN 1 ELSE 0 END), 0) AS BIGINT) AS due, \
             CAST(COALESCE(SUM(CASE WHEN {} THEN 0 ELSE 1 END), 0) AS BIGINT) AS held \
             FROM payment p WHERE p.org_id = $1 AND p.booked_on < $2",
            self.payments(),
            self.payments()
        );
        self.counted(tx, &sql).await
    }

    async fn counted(&self, tx: &OrgTx, sql: &str) -> Result<Counted, Error> {
        let found = all::<Counted>(tx, sql, vec![tx.org().into(), self.before.into()]).await?;
        Ok(found.into_iter().next().unwrap_or(Counted { due: 0, held: 0 }))
    }

    /// Deletes some documents with all that hangs on them, and notes their files for removal; how many.
    pub async fn delete_documents(
        &self,
        tx: &OrgTx,
        limit: u64,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<u64, Error> {
        #[derive(FromQueryResult)]
        struct Series {
            series_id: Uuid,
            documents: i64,
        }
        let sql = format!("SELECT i.id FROM invoice i WHERE {} ORDER BY i.id LIMIT {limit}", self.invoices());
        let ids: Vec<Uuid> =
            all::<Id>(tx, &sql, vec![tx.org().into(), self.before.into()]).await?.into_iter().map(|r| r.id).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        let listed = listed(tx, &ids);
        note_files(tx, &listed, now).await?;
        for sql in OF_INVOICES {
            run(tx, &sql.replace("{ids}", &listed), vec![tx.org().into()]).await?;
        }
        let sql = format!(
            "SELECT series_id, COUNT(*) AS documents FROM invoice WHERE org_id = $1 AND id IN ({listed}) GROUP BY series_id"
        );
        for series in all::<Series>(tx, &sql, vec![tx.org().into()]).await? {
            let sql =
                "UPDATE number_series SET expired_documents = expired_documents + $3 WHERE org_id = $1 AND id = $2";
            run(tx, sql, vec![tx.org().into(), series.series_id.into(), series.documents.into()]).await?;
        }
        run(tx, &format!("DELETE FROM invoice WHERE org_id = $1 AND id IN ({listed})"), vec![tx.org().into()]).await
    }

    /// Deletes some payments with who paid; how many.
    pub async fn delete_payments(&self, tx: &OrgTx, limit: u64) -> Result<u64, Error> {
        let sql = format!("SELECT p.id FROM payment p WHERE {} ORDER BY p.id LIMIT {limit}", self.payments());
        let ids: Vec<Uuid> =
            all::<Id>(tx, &sql, vec![tx.org().into(), self.before.into()]).await?.into_iter().map(|r| r.id).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        let listed = listed(tx, &ids);
        for table in ["payment_payer", "archive_payer"] {
            let sql = format!("DELETE FROM {table} WHERE org_id = $1 AND payment_id IN ({listed})");
            run(tx, &sql, vec![tx.org().into()]).await?;
        }
        run(tx, &format!("DELETE FROM payment WHERE org_id = $1 AND id IN ({listed})"), vec![tx.org().into()]).await
    }

    /// Deletes claims that are closed, with what closed them; how many claims.
    pub async fn delete_items(&self, tx: &OrgTx, limit: u64) -> Result<u64, Error> {
        let sql = format!("SELECT o.id FROM open_item o WHERE {} ORDER BY o.id LIMIT {limit}", self.items());
        let ids: Vec<Uuid> =
            all::<Id>(tx, &sql, vec![tx.org().into(), self.before.into()]).await?.into_iter().map(|r| r.id).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        let listed = listed(tx, &ids);
        let sql = format!("DELETE FROM allocation WHERE org_id = $1 AND open_item_id IN ({listed})");
        run(tx, &sql, vec![tx.org().into()]).await?;
        let sql = format!("DELETE FROM open_item WHERE org_id = $1 AND id IN ({listed})");
        let done = run(tx, &sql, vec![tx.org().into()]).await?;
        let over = "issued_on < $2 AND NOT EXISTS (SELECT 1 FROM open_item o WHERE o.org_id = t.org_id AND o.invoice_id = t.id)";
        let kids = format!("SELECT t.kid FROM opening_item t WHERE t.org_id = $1 AND t.kid IS NOT NULL AND t.{over}");
        let kids = format!("DELETE FROM kid WHERE org_id = $1 AND imported AND kid IN ({kids})");
        run(tx, &kids, vec![tx.org().into(), self.before.into()]).await?;
        let items = format!("DELETE FROM opening_item AS t WHERE t.org_id = $1 AND t.{over}");
        run(tx, &items, vec![tx.org().into(), self.before.into()]).await?;
        Ok(done)
    }

    /// Entries of these years that belong to nothing that is kept.
    const ENTRIES: &'static str = "e.org_id = $1 AND e.booked_on < $2 \
        AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.org_id = e.org_id AND i.id = e.invoice_id) \
        AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.org_id = e.org_id AND p.id = e.payment_id)";

    /// Customers that have such entries, some at a time.
    pub async fn customers_with_entries(&self, tx: &OrgTx, limit: u64) -> Result<Vec<Uuid>, Error> {
        let sql = format!(
            "SELECT DISTINCT e.customer_id AS id FROM ledger_entry e WHERE {} AND e.customer_id IS NOT NULL LIMIT {limit}",
            Self::ENTRIES
        );
        let rows = all::<Id>(tx, &sql, vec![tx.org().into(), self.before.into()]).await?;
        Ok(rows.into_iter().map(|r| r.id).collect())
    }

    /// What the entries of these years come to for customers, in øre; what comes to nothing is left out.
    pub async fn carried(&self, tx: &OrgTx, customers: &[Uuid]) -> Result<Vec<(Uuid, i64)>, Error> {
        #[derive(FromQueryResult)]
        struct Sum {
            customer_id: Uuid,
            ore: i64,
        }
        let sql = format!(
            "SELECT e.customer_id, CAST(SUM(CASE WHEN e.debit_role IN ('receivable', 'unallocated') THEN e.amount_ore \
             ELSE 0 END - CASE WHEN e.credit_role IN ('receivable', 'unallocated') THEN e.amount_ore ELSE 0 END) AS BIGINT) \
             AS ore FROM ledger_entry e WHERE {} AND e.customer_id IN ({}) GROUP BY e.customer_id ORDER BY e.customer_id",
            Self::ENTRIES,
            listed(tx, customers)
        );
        let rows = all::<Sum>(tx, &sql, vec![tx.org().into(), self.before.into()]).await?;
        Ok(rows.into_iter().filter(|r| r.ore != 0).map(|r| (r.customer_id, r.ore)).collect())
    }

    /// Deletes the entries of these years for customers, and posts what carries their sums; how many were deleted.
    pub async fn delete_entries(&self, tx: &OrgTx, customers: &[Uuid], carrying: &[Entry]) -> Result<u64, Error> {
        let which = listed(tx, customers);
        let sql = format!("DELETE FROM ledger_entry AS e WHERE {} AND e.customer_id IN ({which})", Self::ENTRIES);
        let done = run(tx, &sql, vec![tx.org().into(), self.before.into()]).await?;
        insert_entries(tx, carrying).await?;
        Ok(done)
    }

    /// Deletes entries of these years that name no customer, some at a time.
    pub async fn delete_nobodys_entries(&self, tx: &OrgTx, limit: u64) -> Result<u64, Error> {
        let sql = format!(
            "DELETE FROM ledger_entry WHERE org_id = $1 AND id IN (SELECT e.id FROM ledger_entry e WHERE {} \
             AND e.customer_id IS NULL LIMIT {limit})",
            Self::ENTRIES
        );
        run(tx, &sql, vec![tx.org().into(), self.before.into()]).await
    }

    /// How many entries are over.
    pub async fn count_entries(&self, tx: &OrgTx) -> Result<Counted, Error> {
        // What belongs to a document or payment of these years goes with it.
        let sql = format!(
            "SELECT CAST(COUNT(*) AS BIGINT) AS due, CAST(0 AS BIGINT) AS held FROM ledger_entry e WHERE e.org_id = $1 \
             AND e.booked_on < $2 AND (e.invoice_id IS NULL OR NOT EXISTS (SELECT 1 FROM invoice x WHERE x.org_id = e.org_id \
             AND x.id = e.invoice_id) OR e.invoice_id IN (SELECT i.id FROM invoice i WHERE {})) \
             AND (e.payment_id IS NULL OR NOT EXISTS (SELECT 1 FROM payment x WHERE x.org_id = e.org_id \
             AND x.id = e.payment_id) OR e.payment_id IN (SELECT p.id FROM payment p WHERE {}))",
            self.invoices(),
            self.payments()
        );
        self.counted(tx, &sql).await
    }

    /// Bank files taken in before a time of which no payment is left, and their files; how many.
    pub async fn delete_bank_files(
        &self,
        tx: &OrgTx,
        before: chrono::DateTime<chrono::Utc>,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<u64, Error> {
        #[derive(FromQueryResult)]
        struct File {
            id: Uuid,
            content_hash: Vec<u8>,
        }
        let sql = "SELECT f.id, f.content_hash FROM bank_file f WHERE f.org_id = $1 AND f.imported_at < $2 \
                   AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.org_id = f.org_id AND p.bank_file_id = f.id)";
        let files = all::<File>(tx, sql, vec![tx.org().into(), before.into()]).await?;
        for file in &files {
            super::erasure::note_removal(tx, "files", &domain::hex::encode(&file.content_hash), now).await?;
            let sql = "DELETE FROM bank_file WHERE org_id = $1 AND id = $2";
            run(tx, sql, vec![tx.org().into(), file.id.into()]).await?;
        }
        Ok(u64::try_from(files.len()).unwrap_or(u64::MAX))
    }
}

/// What hangs on an invoice, in an order that breaks no key.
const OF_INVOICES: &[&str] = &[
    "DELETE FROM delivery_address WHERE org_id = $1 AND delivery_id IN (SELECT id FROM delivery WHERE org_id = $1 AND invoice_id IN ({ids}))",
    "DELETE FROM delivery_attempt WHERE org_id = $1 AND delivery_id IN (SELECT id FROM delivery WHERE org_id = $1 AND invoice_id IN ({ids}))",
    "DELETE FROM delivery_event WHERE org_id = $1 AND delivery_id IN (SELECT id FROM delivery WHERE org_id = $1 AND invoice_id IN ({ids}))",
    "DELETE FROM delivery WHERE org_id = $1 AND invoice_id IN ({ids})",
    "DELETE FROM payer_session WHERE org_id = $1 AND link_id IN (SELECT id FROM payer_link WHERE org_id = $1 AND invoice_id IN ({ids}))",
    "DELETE FROM payer_link WHERE org_id = $1 AND invoice_id IN ({ids})",
    "DELETE FROM billed_period WHERE org_id = $1 AND invoice_id IN ({ids})",
    "DELETE FROM kid WHERE org_id = $1 AND (bank_account_id, kid) IN (SELECT bank_account_id, kid FROM invoice WHERE org_id = $1 AND id IN ({ids}))",
    "DELETE FROM document WHERE org_id = $1 AND invoice_id IN ({ids})",
    "DELETE FROM archive_document WHERE org_id = $1 AND invoice_id IN ({ids})",
    "DELETE FROM invoice_text WHERE org_id = $1 AND invoice_id IN ({ids})",
    "DELETE FROM archive_text WHERE org_id = $1 AND invoice_id IN ({ids})",
    "DELETE FROM invoice_vat WHERE org_id = $1 AND invoice_id IN ({ids})",
    "DELETE FROM archive_party WHERE org_id = $1 AND id IN (SELECT buyer_block_id FROM invoice WHERE org_id = $1 AND id IN ({ids}))",
    "DELETE FROM party_block WHERE org_id = $1 AND id IN (SELECT buyer_block_id FROM invoice WHERE org_id = $1 AND id IN ({ids}))",
];

/// Notes the stored files of invoices for removal after the commit.
async fn note_files(tx: &OrgTx, invoices: &str, now: chrono::DateTime<chrono::Utc>) -> Result<(), Error> {
    #[derive(FromQueryResult)]
    struct Stored {
        content_hash: Vec<u8>,
    }
    let sql = format!(
        "SELECT content_hash FROM document WHERE org_id = $1 AND invoice_id IN ({invoices}) UNION ALL \
         SELECT content_hash FROM archive_document WHERE org_id = $1 AND invoice_id IN ({invoices})"
    );
    let stored = all::<Stored>(tx, &sql, vec![tx.org().into()]).await?;
    let file = |s: Stored| Removal { place: "files".to_owned(), name: domain::hex::encode(&s.content_hash) };
    note_removals(tx, &stored.into_iter().map(file).collect::<Vec<_>>(), now).await
}
