//! The end of a relationship: what is free is deleted, who it was moves to the archive the service's own role cannot read
//! (decision 1). All of it runs on the retention path (`Db::retain`).

use super::bulk::literal;
use super::error::Error;
use super::retention::holds_any;
use super::sql::{Id, all, run};
use super::tx::OrgTx;
use chrono::{DateTime, NaiveDate, Utc};
use domain::privacy::Hold;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Value};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Deliveries that are on their way.
const ON_ITS_WAY: &str = "('queued','sending','handing_over','awaiting_receipt','retrying','unknown')";

/// Ids as they stand in SQL text.
pub(super) fn listed(tx: &OrgTx, ids: &[Uuid]) -> String {
    ids.iter().map(|id| literal(tx, *id)).collect::<Vec<_>>().join(", ")
}

/// What still needs a customer `c` to be reached, or may be billed yet; `$3` is what is too old to be on its way.
fn needed(holds: &BTreeSet<Hold>) -> String {
    format!(
        "({} OR EXISTS (SELECT 1 FROM delivery v WHERE v.org_id = c.org_id AND v.customer_id = c.id \
         AND (v.state IN {ON_ITS_WAY} OR v.needs_person) AND v.created_at > $3) \
         OR EXISTS (SELECT 1 FROM standing_order s WHERE s.org_id = c.org_id AND s.customer_id = c.id \
         AND s.next_period_on <= c.ended_on) OR c.restricted_at IS NOT NULL)",
        holds_any(holds, "c.org_id", "c.id", None)
    )
}

/// What ends a customer's time.
pub struct Over<'a> {
    /// The relationship ended before this day.
    pub before: NaiveDate,
    /// What was made after this may still be on its way.
    pub on_its_way_since: DateTime<Utc>,
    /// Kinds of hold that delay it.
    pub holds: &'a BTreeSet<Hold>,
}

/// How many customers of ended relationships are due for the archive, and how many are still needed.
pub async fn count_over(tx: &OrgTx, over: &Over<'_>) -> Result<super::retention::Counted, Error> {
    let sql = format!(
        "SELECT CAST(COALESCE(SUM(CASE WHEN held THEN 0 ELSE 1 END), 0) AS BIGINT) AS due, \
         CAST(COALESCE(SUM(CASE WHEN held THEN 1 ELSE 0 END), 0) AS BIGINT) AS held FROM \
         (SELECT {} AS held FROM customer c WHERE c.org_id = $1 AND c.status = 'ended' AND c.ended_on < $2) AS s",
        needed(over.holds)
    );
    let found = all(tx, &sql, vec![tx.org().into(), over.before.into(), over.on_its_way_since.into()]).await?;
    Ok(found.into_iter().next().unwrap_or(super::retention::Counted { due: 0, held: 0 }))
}

/// Locks customers whose relationship is over and whom nothing needs any more, oldest first.
pub async fn lock_over(tx: &OrgTx, over: &Over<'_>, limit: u64) -> Result<Vec<Uuid>, Error> {
    let lock = if tx.get_database_backend() == DbBackend::Postgres { "FOR UPDATE OF c SKIP LOCKED" } else { "" };
    let sql = format!(
        "SELECT c.id FROM customer c WHERE c.org_id = $1 AND c.status = 'ended' AND c.ended_on < $2 AND NOT {} \
         ORDER BY c.id LIMIT {limit} {lock}",
        needed(over.holds)
    );
    let values = vec![tx.org().into(), over.before.into(), over.on_its_way_since.into()];
    Ok(all::<Id>(tx, &sql, values).await?.into_iter().map(|r| r.id).collect())
}

/// Whether one customer is still needed: by a hold, by money that is owed, by a document on its way, by a bill to come.
pub async fn is_needed(tx: &OrgTx, id: Uuid, over: &Over<'_>) -> Result<bool, Error> {
    let sql = format!("SELECT c.id FROM customer c WHERE c.org_id = $1 AND c.id = $2 AND {}", needed(over.holds));
    let values = vec![tx.org().into(), id.into(), over.on_its_way_since.into()];
    Ok(!all::<Id>(tx, &sql, values).await?.is_empty())
}

/// Whether one customer is still written to, whatever is to be billed: by a hold, by money that is owed, by a document on its
/// way.
pub async fn is_reached(tx: &OrgTx, id: Uuid, over: &Over<'_>) -> Result<bool, Error> {
    let sql = format!(
        "SELECT c.id FROM customer c WHERE c.org_id = $1 AND c.id = $2 AND ({} OR EXISTS (SELECT 1 FROM delivery v \
         WHERE v.org_id = c.org_id AND v.customer_id = c.id AND (v.state IN {ON_ITS_WAY} OR v.needs_person) \
         AND v.created_at > $3) OR c.restricted_at IS NOT NULL)",
        holds_any(over.holds, "c.org_id", "c.id", None)
    );
    let values = vec![tx.org().into(), id.into(), over.on_its_way_since.into()];
    Ok(!all::<Id>(tx, &sql, values).await?.is_empty())
}

/// Those of whom something was booked: law keeps who they were.
async fn booked(tx: &OrgTx, ids: &str) -> Result<Vec<Uuid>, Error> {
    let of =
        |table: &str| format!("EXISTS (SELECT 1 FROM {table} t WHERE t.org_id = c.org_id AND t.customer_id = c.id)");
    let any = ["invoice", "payment", "ledger_entry", "opening_item"].map(of).join(" OR ");
    let sql = format!("SELECT c.id FROM customer c WHERE c.org_id = $1 AND c.id IN ({ids}) AND ({any})");
    Ok(all::<Id>(tx, &sql, vec![tx.org().into()]).await?.into_iter().map(|r| r.id).collect())
}

/// What nobody needs when a relationship is over, in an order that breaks no key. `{ids}` are the customers.
const FREE: &[&str] = &[
    "DELETE FROM standing_order_line WHERE org_id = $1 AND standing_order_id IN \
     (SELECT id FROM standing_order WHERE org_id = $1 AND customer_id IN ({ids}))",
    "DELETE FROM standing_order WHERE org_id = $1 AND customer_id IN ({ids})",
    "DELETE FROM invoice_draft WHERE org_id = $1 AND customer_id IN ({ids})",
    "DELETE FROM invoice_run_skip WHERE org_id = $1 AND customer_id IN ({ids})",
    "DELETE FROM channel_lookup WHERE org_id = $1 AND customer_id IN ({ids})",
    "DELETE FROM mail_suppression WHERE org_id = $1 AND customer_id IN ({ids})",
    "DELETE FROM payer_session WHERE org_id = $1 AND link_id IN \
     (SELECT id FROM payer_link WHERE org_id = $1 AND customer_id IN ({ids}))",
    "DELETE FROM payer_link WHERE org_id = $1 AND customer_id IN ({ids})",
    "DELETE FROM customer_contact WHERE org_id = $1 AND customer_id IN ({ids})",
    "DELETE FROM customer_document_address WHERE org_id = $1 AND customer_id IN ({ids})",
    "DELETE FROM consent WHERE org_id = $1 AND customer_id IN ({ids}) AND act = 'given'",
    // What a dispute or a request turns on waits for its end.
    "DELETE FROM customer_note WHERE org_id = $1 AND customer_id IN ({ids}) AND kind = 'support' AND NOT EXISTS \
     (SELECT 1 FROM privacy_hold h WHERE h.org_id = customer_note.org_id AND h.customer_id = customer_note.customer_id \
     AND h.released_at IS NULL AND h.kind IN ('dispute', 'privacy_request'))",
];

/// What an erasure takes besides: where documents were sent, and what providers said of it.
const TRACES: &[&str] = &[
    // Letters nobody has read yet, from the person's own address.
    "UPDATE privacy_request SET wish = NULL, asker_name = NULL, asker_reach = NULL WHERE org_id = $1 AND subject_id IS NULL \
     AND lower(asker_reach) IN (SELECT lower(d.email) FROM customer_detail d WHERE d.org_id = $1 AND d.customer_id IN ({ids}))",
    "DELETE FROM delivery_address WHERE org_id = $1 AND delivery_id IN \
     (SELECT id FROM delivery WHERE org_id = $1 AND customer_id IN ({ids}))",
    "UPDATE delivery_attempt SET detail = NULL WHERE org_id = $1 AND detail IS NOT NULL AND delivery_id IN \
     (SELECT id FROM delivery WHERE org_id = $1 AND customer_id IN ({ids}))",
    "UPDATE delivery_event SET detail = NULL WHERE org_id = $1 AND detail IS NOT NULL AND delivery_id IN \
     (SELECT id FROM delivery WHERE org_id = $1 AND customer_id IN ({ids}))",
    "DELETE FROM privacy_hold WHERE org_id = $1 AND customer_id IN ({ids}) AND released_at IS NOT NULL",
    "DELETE FROM consent WHERE org_id = $1 AND customer_id IN ({ids})",
];

/// What requests say of whoever is erased.
const REQUESTS: &[&str] = &[
    "UPDATE privacy_request SET wish = NULL, grounds = NULL, extended_because = NULL, subject_id = NULL, code_hash = NULL, \
     link_hash = NULL, asker_name = NULL, asker_reach = NULL WHERE org_id = $1 AND subject_id IN ({ids}) AND closed_at IS NOT NULL",
    "UPDATE privacy_request SET wish = NULL, asker_name = NULL, asker_reach = NULL WHERE org_id = $1 \
     AND subject_id IN ({ids}) AND closed_at IS NULL",
];

/// Who it was, on its way to the archive.
const MOVED: &[&str] = &[
    "INSERT INTO archive_party (org_id, id, customer_id, content) SELECT p.org_id, p.id, i.customer_id, p.content \
     FROM invoice i JOIN party_block p ON p.org_id = i.org_id AND p.id = i.buyer_block_id \
     WHERE i.org_id = $1 AND i.customer_id IN ({ids})",
    "DELETE FROM party_block WHERE org_id = $1 AND id IN \
     (SELECT buyer_block_id FROM invoice WHERE org_id = $1 AND customer_id IN ({ids}))",
    "INSERT INTO archive_text (org_id, invoice_id, customer_id, content) SELECT t.org_id, t.invoice_id, i.customer_id, \
     t.content FROM invoice i JOIN invoice_text t ON t.org_id = i.org_id AND t.invoice_id = i.id \
     WHERE i.org_id = $1 AND i.customer_id IN ({ids})",
    "DELETE FROM invoice_text WHERE org_id = $1 AND invoice_id IN \
     (SELECT id FROM invoice WHERE org_id = $1 AND customer_id IN ({ids}))",
    "INSERT INTO archive_document (org_id, invoice_id, kind, customer_id, content_hash, bytes, renderer_version, \
     created_at) SELECT d.org_id, d.invoice_id, d.kind, i.customer_id, d.content_hash, d.bytes, d.renderer_version, \
     d.created_at FROM invoice i JOIN document d ON d.org_id = i.org_id AND d.invoice_id = i.id \
     WHERE i.org_id = $1 AND i.customer_id IN ({ids})",
    "DELETE FROM document WHERE org_id = $1 AND invoice_id IN \
     (SELECT id FROM invoice WHERE org_id = $1 AND customer_id IN ({ids}))",
    "INSERT INTO archive_note (org_id, id, customer_id, channel, text, author_kind, author_id, contact_on, \
     referred_invoice_id, created_at) SELECT org_id, id, customer_id, channel, text, author_kind, author_id, contact_on, \
     referred_invoice_id, created_at FROM customer_note WHERE org_id = $1 AND customer_id IN ({ids}) \
     AND kind = 'correspondence'",
    "DELETE FROM customer_note WHERE org_id = $1 AND customer_id IN ({ids}) AND kind = 'correspondence'",
];

/// Who paid, on its way to the archive.
const PAYERS: &[&str] = &[
    "INSERT INTO archive_payer (org_id, payment_id, customer_id, debit_account, text) SELECT y.org_id, y.payment_id, \
     p.customer_id, y.debit_account, y.text FROM payment p JOIN payment_payer y ON y.org_id = p.org_id \
     AND y.payment_id = p.id WHERE p.org_id = $1 AND p.customer_id IN ({ids}) AND p.unallocated_ore = 0",
    "DELETE FROM payment_payer WHERE org_id = $1 AND payment_id IN \
     (SELECT id FROM payment WHERE org_id = $1 AND customer_id IN ({ids}) AND unallocated_ore = 0)",
];

async fn each(tx: &OrgTx, statements: &[&str], ids: &str) -> Result<(), Error> {
    for sql in statements {
        run(tx, &sql.replace("{ids}", ids), vec![tx.org().into()]).await?;
    }
    Ok(())
}

/// Ends the time of locked customers: the free is deleted, who they were goes to the archive, and of whom nothing was ever
/// booked nothing is left. Those who were archived; the others are deleted whole.
pub async fn retire(tx: &OrgTx, ids: &[Uuid], today: NaiveDate, at: DateTime<Utc>) -> Result<Vec<Uuid>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let every = listed(tx, ids);
    let kept = booked(tx, &every).await?;
    each(tx, FREE, &every).await?;
    let sql = format!(
        "UPDATE mandate SET active = FALSE, updated_on = $2 WHERE org_id = $1 AND active AND customer_id IN ({every})"
    );
    run(tx, &sql, vec![tx.org().into(), today.into()]).await?;
    // What was never delivered is no longer on anybody's list.
    let sql = format!(
        "UPDATE delivery SET state = CASE WHEN state IN ('queued', 'retrying', 'held', 'sending') THEN 'cancelled' ELSE state \
         END, needs_person = FALSE, version = version + 1, updated_at = $2 WHERE org_id = $1 AND customer_id IN ({every}) \
         AND (needs_person OR state IN ('queued', 'retrying', 'held', 'sending'))"
    );
    run(tx, &sql, vec![tx.org().into(), at.into()]).await?;
    if !kept.is_empty() {
        let kept = listed(tx, &kept);
        let sql = format!(
            "INSERT INTO archive_customer (org_id, customer_id, number, earlier_numbers, name, org_number, \
             protected_identity, archived_at) SELECT k.org_id, k.customer_id, k.number, (SELECT string_agg(a.number, ' ') \
             FROM customer_alias a WHERE a.org_id = k.org_id AND a.customer_id = k.customer_id), k.name, k.org_number, \
             COALESCE(d.protected_identity, FALSE), $2 FROM customer_core k LEFT JOIN customer_detail d \
             ON d.org_id = k.org_id AND d.customer_id = k.customer_id WHERE k.org_id = $1 AND k.customer_id IN ({kept})"
        );
        run(tx, &sql, vec![tx.org().into(), at.into()]).await?;
        each(tx, MOVED, &kept).await?;
        each(tx, PAYERS, &kept).await?;
        let sql = format!(
            "UPDATE customer SET status = 'archived', ended_reason = NULL, list_digest = NULL, mail_ground = NULL, \
             version = version + 1, updated_at = $2 WHERE org_id = $1 AND id IN ({kept})"
        );
        run(tx, &sql, vec![tx.org().into(), at.into()]).await?;
    }
    for table in ["customer_detail", "customer_alias", "customer_core"] {
        let sql = format!("DELETE FROM {table} WHERE org_id = $1 AND customer_id IN ({every})");
        run(tx, &sql, vec![tx.org().into()]).await?;
    }
    let gone: Vec<Uuid> = ids.iter().copied().filter(|id| !kept.contains(id)).collect();
    delete_customers(tx, &gone).await?;
    Ok(kept)
}

/// Removes customers of whom nothing else is left.
async fn delete_customers(tx: &OrgTx, ids: &[Uuid]) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids = listed(tx, ids);
    // KIDs of documents went with them; what is left was brought from an old system for the customer as such.
    let sql = format!("DELETE FROM kid WHERE org_id = $1 AND customer_id IN ({ids}) AND invoice_id IS NULL");
    run(tx, &sql, vec![tx.org().into()]).await?;
    for (table, column) in [
        ("mandate", "customer_id"),
        ("customer_note", "customer_id"),
        ("privacy_hold", "customer_id"),
        ("archive_customer", "customer_id"),
        ("hand_over_customer", "customer_id"),
        ("customer", "id"),
    ] {
        // A hold that stands is released by whoever placed it.
        let also = if table == "privacy_hold" { "AND released_at IS NOT NULL" } else { "" };
        let sql = format!("DELETE FROM {table} WHERE org_id = $1 AND {column} IN ({ids}) {also}");
        run(tx, &sql, vec![tx.org().into()]).await?;
    }
    Ok(())
}

/// What an erasure can take of a customer who is still needed: all but what reaches the debtor.
pub async fn take_free(tx: &OrgTx, id: Uuid) -> Result<(), Error> {
    let id = literal(tx, id);
    for sql in FREE.iter().filter(|s| {
        // Guardians are reached in the payer's stead, and documents carry the chosen address.
        !s.contains("customer_contact") && !s.contains("customer_document_address") && !s.contains("payer_")
    }) {
        run(tx, &sql.replace("{ids}", &id), vec![tx.org().into()]).await?;
    }
    let sql = format!("UPDATE customer_detail SET efaktura_address = NULL WHERE org_id = $1 AND customer_id = {id}");
    run(tx, &sql, vec![tx.org().into()]).await?;
    Ok(())
}

/// What an erasure takes besides an ending: addresses documents went to, and what providers said.
pub async fn take_traces(tx: &OrgTx, id: Uuid) -> Result<(), Error> {
    forget_requests(tx, id).await?;
    each(tx, TRACES, &literal(tx, id)).await
}

/// Empties what requests say of a customer, a contact person or a user who is erased.
pub async fn forget_requests(tx: &OrgTx, id: Uuid) -> Result<(), Error> {
    each(tx, REQUESTS, &literal(tx, id)).await
}

/// Addresses of a contact person that a customer's documents went to, and what providers said of them; those deliveries.
pub async fn take_contact_traces(tx: &OrgTx, customer: Uuid, contact: Uuid) -> Result<Vec<Uuid>, Error> {
    let sql = "SELECT d.id FROM delivery d JOIN delivery_address a ON a.org_id = d.org_id AND a.delivery_id = d.id \
               JOIN customer_contact k ON k.org_id = d.org_id AND k.id = $3 AND lower(k.email) = lower(a.address) \
               WHERE d.org_id = $1 AND d.customer_id = $2";
    let values = vec![tx.org().into(), customer.into(), contact.into()];
    let ids: Vec<Uuid> = all::<Id>(tx, sql, values).await?.into_iter().map(|r| r.id).collect();
    if !ids.is_empty() {
        let listed = listed(tx, &ids);
        for sql in [
            format!("DELETE FROM delivery_address WHERE org_id = $1 AND delivery_id IN ({listed})"),
            format!("UPDATE delivery_attempt SET detail = NULL WHERE org_id = $1 AND delivery_id IN ({listed})"),
            format!("UPDATE delivery_event SET detail = NULL WHERE org_id = $1 AND delivery_id IN ({listed})"),
        ] {
            run(tx, &sql, vec![tx.org().into()]).await?;
        }
    }
    Ok(ids)
}

/// Money that came in for somebody who was archived before: who paid follows. For how many customers.
pub async fn follow(tx: &OrgTx, limit: u64) -> Result<u64, Error> {
    let sql = format!(
        "SELECT DISTINCT c.id FROM customer c JOIN payment p ON p.org_id = c.org_id AND p.customer_id = c.id \
               JOIN payment_payer y ON y.org_id = p.org_id AND y.payment_id = p.id \
               WHERE c.org_id = $1 AND c.status = 'archived' AND p.unallocated_ore = 0 LIMIT {limit}"
    );
    let ids: Vec<Uuid> = all::<Id>(tx, &sql, vec![tx.org().into()]).await?.into_iter().map(|r| r.id).collect();
    if !ids.is_empty() {
        each(tx, PAYERS, &listed(tx, &ids)).await?;
    }
    Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
}

/// Every delivery of a customer: its spool file is named after it.
pub async fn deliveries_of(tx: &OrgTx, id: Uuid) -> Result<Vec<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct Named {
        id: Uuid,
        message_id: Option<Uuid>,
    }
    let sql = "SELECT id, message_id FROM delivery WHERE org_id = $1 AND customer_id = $2";
    let rows = all::<Named>(tx, sql, vec![tx.org().into(), id.into()]).await?;
    Ok(rows.into_iter().flat_map(|r| [Some(r.id), r.message_id.filter(|m| *m != r.id)]).flatten().collect())
}

/// Number and earlier numbers of a customer, archived or not.
pub async fn numbers_of(tx: &OrgTx, id: Uuid) -> Result<Vec<String>, Error> {
    #[derive(FromQueryResult)]
    struct Earlier {
        earlier_numbers: Option<String>,
    }
    #[derive(FromQueryResult)]
    struct Number {
        number: String,
    }
    let sql = "SELECT number FROM customer_core WHERE org_id = $1 AND customer_id = $2 UNION ALL \
               SELECT number FROM customer_alias WHERE org_id = $1 AND customer_id = $2 UNION ALL \
               SELECT number FROM archive_customer WHERE org_id = $1 AND customer_id = $2";
    let rows = all::<Number>(tx, sql, vec![tx.org().into(), id.into()]).await?;
    let mut numbers: Vec<String> = rows.into_iter().map(|r| r.number).collect();
    let sql = "SELECT earlier_numbers FROM archive_customer WHERE org_id = $1 AND customer_id = $2";
    for row in all::<Earlier>(tx, sql, vec![tx.org().into(), id.into()]).await? {
        numbers.extend(row.earlier_numbers.unwrap_or_default().split_whitespace().map(str::to_owned));
    }
    Ok(numbers)
}

/// Sync plans that wait and name a customer, by number or by id: the list can be planned again without it.
pub async fn drop_plans(tx: &OrgTx, id: Uuid, numbers: &[String]) -> Result<u64, Error> {
    #[derive(FromQueryResult)]
    struct Plan {
        plan_id: Uuid,
    }
    let mut any = vec!["content LIKE $2".to_owned()];
    let mut values: Vec<Value> = vec![tx.org().into(), format!("%{id}%").into()];
    for number in numbers {
        values.push(format!("%\"number\":\"{number}\"%").into());
        any.push(format!("content LIKE ${}", values.len()));
    }
    let which = format!("SELECT DISTINCT plan_id FROM customer_plan_part WHERE org_id = $1 AND ({})", any.join(" OR "));
    let plans = all::<Plan>(tx, &which, values).await?;
    let count = u64::try_from(plans.len()).unwrap_or(u64::MAX);
    for plan in plans {
        super::plan::finish(tx, plan.plan_id, "discarded", None).await?;
    }
    Ok(count)
}

/// Who is in the archive.
#[derive(Clone, FromQueryResult)]
pub struct Archived {
    /// The customer.
    pub customer_id: Uuid,
    /// Its number.
    pub number: String,
    /// Numbers it had before, parted by blanks.
    pub earlier_numbers: Option<String>,
    /// Name.
    pub name: String,
    /// Organisation number.
    pub org_number: Option<String>,
    /// Whether the identity was protected.
    pub protected_identity: bool,
    /// Since when.
    pub archived_at: DateTime<Utc>,
}

/// Who is in the archive under an id.
pub async fn find(tx: &OrgTx, id: Uuid) -> Result<Option<Archived>, Error> {
    let sql = "SELECT customer_id, number, earlier_numbers, name, org_number, protected_identity, archived_at \
               FROM archive_customer WHERE org_id = $1 AND customer_id = $2";
    Ok(all(tx, sql, vec![tx.org().into(), id.into()]).await?.into_iter().next())
}

/// Who is in the archive under a number of the customer; several, where a number was given again.
pub async fn find_by_number(tx: &OrgTx, number: &str) -> Result<Vec<Uuid>, Error> {
    let sql = "SELECT customer_id AS id FROM archive_customer WHERE org_id = $1 AND (number = $2 \
               OR ' ' || COALESCE(earlier_numbers, '') || ' ' LIKE $3) ORDER BY archived_at DESC";
    let values = vec![tx.org().into(), number.into(), format!("% {number} %").into()];
    Ok(all::<Id>(tx, sql, values).await?.into_iter().map(|r| r.id).collect())
}

/// Whose archived document has a number.
pub async fn find_by_document(tx: &OrgTx, number: i64) -> Result<Vec<Uuid>, Error> {
    let sql = "SELECT DISTINCT i.customer_id AS id FROM invoice i JOIN archive_customer a ON a.org_id = i.org_id \
               AND a.customer_id = i.customer_id WHERE i.org_id = $1 AND i.number = $2";
    Ok(all::<Id>(tx, sql, vec![tx.org().into(), number.into()]).await?.into_iter().map(|r| r.id).collect())
}

/// One archived document of a customer: the frozen buyer and text.
#[derive(Clone, FromQueryResult)]
pub struct ArchivedDocument {
    /// The invoice or credit note.
    pub invoice_id: Uuid,
    /// Frozen buyer.
    pub buyer: String,
    /// Frozen text.
    pub text: String,
}

/// The archived documents of a customer, oldest first.
pub async fn documents(tx: &OrgTx, customer: Uuid) -> Result<Vec<ArchivedDocument>, Error> {
    let sql = "SELECT i.id AS invoice_id, p.content AS buyer, t.content AS text FROM invoice i \
               JOIN archive_party p ON p.org_id = i.org_id AND p.id = i.buyer_block_id \
               JOIN archive_text t ON t.org_id = i.org_id AND t.invoice_id = i.id \
               WHERE i.org_id = $1 AND i.customer_id = $2 ORDER BY i.id";
    all(tx, sql, vec![tx.org().into(), customer.into()]).await
}

/// Stored files of an archived customer: invoice, kind and hash.
pub async fn files(tx: &OrgTx, customer: Uuid) -> Result<Vec<(Uuid, String, Vec<u8>)>, Error> {
    #[derive(FromQueryResult)]
    struct Stored {
        invoice_id: Uuid,
        kind: String,
        content_hash: Vec<u8>,
    }
    let sql = "SELECT invoice_id, kind, content_hash FROM archive_document WHERE org_id = $1 AND customer_id = $2 \
               ORDER BY invoice_id, kind";
    let rows = all::<Stored>(tx, sql, vec![tx.org().into(), customer.into()]).await?;
    Ok(rows.into_iter().map(|r| (r.invoice_id, r.kind, r.content_hash)).collect())
}

/// One payment of an archived customer with who paid.
#[derive(Clone, FromQueryResult)]
pub struct ArchivedPayment {
    /// The payment.
    pub payment_id: Uuid,
    /// When it was booked.
    pub booked_on: NaiveDate,
    /// Amount in øre.
    pub amount_ore: i64,
    /// Account it came from.
    pub debit_account: Option<String>,
    /// What the payer wrote.
    pub text: Option<String>,
}

/// The payments of an archived customer, oldest first.
pub async fn payments(tx: &OrgTx, customer: Uuid) -> Result<Vec<ArchivedPayment>, Error> {
    let sql = "SELECT p.id AS payment_id, p.booked_on, p.amount_ore, y.debit_account, y.text FROM payment p \
               LEFT JOIN archive_payer y ON y.org_id = p.org_id AND y.payment_id = p.id \
               WHERE p.org_id = $1 AND p.customer_id = $2 ORDER BY p.booked_on, p.id";
    all(tx, sql, vec![tx.org().into(), customer.into()]).await
}

/// Customers in the archive of whom the years are over: nothing booked is left. Some after an id are removed, in order.
pub async fn delete_emptied(tx: &OrgTx, holds: &BTreeSet<Hold>, after: Uuid, limit: u64) -> Result<Vec<Uuid>, Error> {
    let none = |table: &str| {
        format!("NOT EXISTS (SELECT 1 FROM {table} t WHERE t.org_id = c.org_id AND t.customer_id = c.id)")
    };
    let all_gone =
        ["invoice", "payment", "ledger_entry", "opening_item", "delivery", "archive_note"].map(none).join(" AND ");
    let sql = format!(
        "SELECT c.id FROM customer c WHERE c.org_id = $1 AND c.id > $2 AND c.status = 'archived' AND {all_gone} \
         AND NOT {} ORDER BY c.id LIMIT {limit}",
        holds_any(holds, "c.org_id", "c.id", None)
    );
    let values = vec![tx.org().into(), after.into()];
    let ids: Vec<Uuid> = all::<Id>(tx, &sql, values).await?.into_iter().map(|r| r.id).collect();
    delete_customers(tx, &ids).await?;
    Ok(ids)
}

/// Whether a customer is in the archive: its row is here, who it was is not.
pub async fn is_archived(tx: &OrgTx, customer: Uuid) -> Result<bool, Error> {
    let sql = "SELECT id FROM customer WHERE org_id = $1 AND id = $2 AND status = 'archived'";
    Ok(!all::<Id>(tx, sql, vec![tx.org().into(), customer.into()]).await?.is_empty())
}
