//! Read models of the console: what was not delivered, what is under way, one invoice, runs. GET handlers may call these.
//!
//! Counts come from partial indexes over what is open; what is delivered is not counted (decision 44).

use super::error::Error;
use super::sql::all;
use super::tx::OrgTx;
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::FromQueryResult;
use uuid::Uuid;

/// One delivery in the worklist.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Row {
    /// The delivery.
    pub id: Uuid,
    /// Its invoice.
    pub invoice_id: Uuid,
    /// Number of the invoice.
    pub invoice_number: i64,
    /// Name of the customer.
    pub customer_name: String,
    /// Number of the customer.
    pub customer_number: String,
    /// The channel.
    pub channel: String,
    /// Where it stands.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// The provider's words.
    pub words: Option<String>,
    /// When it came to stand there.
    pub at: DateTime<Utc>,
    /// Not tried before.
    pub not_before_at: DateTime<Utc>,
    /// Due date.
    pub due_on: Option<NaiveDate>,
    /// Sum in øre.
    pub total_ore: i64,
    /// It may have been sent twice.
    pub possibly_sent_twice: bool,
}

const ROW: &str = "SELECT d.id, d.invoice_id, i.number AS invoice_number, c.name AS customer_name, \
    c.number AS customer_number, d.channel, d.state, d.reason, a.detail AS words, d.updated_at AS at, \
    d.not_before_at, i.due_on, i.total_ore, d.possibly_sent_twice";
const JOINED: &str = "JOIN invoice i ON i.org_id = d.org_id AND i.id = d.invoice_id \
    JOIN customer_core c ON c.org_id = d.org_id AND c.customer_id = d.customer_id \
    LEFT JOIN delivery_attempt a ON a.org_id = d.org_id AND a.delivery_id = d.id AND a.attempt_no = d.attempts";

/// Where the next page of the worklist begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// Cause of the last row.
    pub reason: String,
    /// The last row.
    pub id: Uuid,
}

/// What needs a person, by cause; the oldest of each first.
pub async fn needs_person(tx: &OrgTx, after: Option<&After>, limit: i64) -> Result<Vec<Row>, Error> {
    let (reason, id) = after.map_or(("", Uuid::nil()), |a| (a.reason.as_str(), a.id));
    let sql = format!(
        "{ROW} FROM (SELECT * FROM delivery WHERE org_id = $1 AND needs_person AND (reason, id) > ($2, $3) \
         ORDER BY reason, id LIMIT $4) d {JOINED} ORDER BY d.reason, d.id"
    );
    all(tx, &sql, vec![tx.org().into(), reason.into(), id.into(), limit.into()]).await
}

/// Deliveries in some states, after an id.
pub async fn in_states(tx: &OrgTx, states: &[&str], after: Uuid, limit: i64) -> Result<Vec<Row>, Error> {
    // One ordered look a state: a list of states would be sorted whole.
    let one = |state: &&str| {
        format!(
            "SELECT * FROM (SELECT * FROM delivery WHERE org_id = $1 AND state = '{state}' AND NOT needs_person \
             AND id > $2 ORDER BY id LIMIT $3) AS {state}"
        )
    };
    let parts: Vec<String> = states.iter().map(one).collect();
    let sql = format!(
        "{ROW} FROM (SELECT * FROM ({}) AS u ORDER BY id LIMIT $3) d {JOINED} ORDER BY d.id",
        parts.join(" UNION ALL ")
    );
    all(tx, &sql, vec![tx.org().into(), after.into(), limit.into()]).await
}

/// What was delivered, newest first.
pub async fn delivered(tx: &OrgTx, before: Option<Uuid>, limit: i64) -> Result<Vec<Row>, Error> {
    let sql = format!(
        "{ROW} FROM (SELECT * FROM delivery WHERE org_id = $1 AND state = 'delivered' AND id < $2 \
         ORDER BY id DESC LIMIT $3) d {JOINED} ORDER BY d.id DESC"
    );
    let before = before.unwrap_or(Uuid::max());
    all(tx, &sql, vec![tx.org().into(), before.into(), limit.into()]).await
}

/// Some deliveries by id.
pub async fn rows(tx: &OrgTx, ids: &[Uuid]) -> Result<Vec<Row>, Error> {
    let mut found = Vec::with_capacity(ids.len());
    let sql = format!("{ROW} FROM delivery d {JOINED} WHERE d.org_id = $1 AND d.id = $2");
    for id in ids {
        found.extend(all::<Row>(tx, &sql, vec![tx.org().into(), (*id).into()]).await?);
    }
    Ok(found)
}

/// A count by name.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Count {
    /// What is counted.
    pub name: String,
    /// How many.
    pub count: i64,
}

/// What needs a person, by cause, most frequent first.
pub async fn causes(tx: &OrgTx) -> Result<Vec<Count>, Error> {
    let sql = "SELECT COALESCE(reason, '') AS name, COUNT(*) AS count FROM delivery WHERE org_id = $1 AND needs_person \
               GROUP BY 1 ORDER BY 2 DESC, 1";
    all(tx, sql, vec![tx.org().into()]).await
}

/// What is open and needs nobody, by state.
pub async fn open_states(tx: &OrgTx) -> Result<Vec<Count>, Error> {
    let sql = "SELECT state AS name, COUNT(*) AS count FROM delivery WHERE org_id = $1 AND state IN \
               ('queued','sending','handing_over','awaiting_receipt','retrying','unknown') AND NOT needs_person \
               GROUP BY state";
    all(tx, sql, vec![tx.org().into()]).await
}

/// How many documents wait for print.
pub async fn print_waiting(tx: &OrgTx) -> Result<i64, Error> {
    let sql = "SELECT 'print' AS name, COUNT(*) AS count FROM delivery WHERE org_id = $1 AND channel = 'print' \
               AND state = 'queued'";
    Ok(all::<Count>(tx, sql, vec![tx.org().into()]).await?.first().map_or(0, |c| c.count))
}

/// How many deliveries wait on a channel.
pub async fn waiting_on(tx: &OrgTx, channel: &str) -> Result<i64, Error> {
    let sql = "SELECT channel AS name, COUNT(*) AS count FROM delivery WHERE org_id = $1 AND state IN \
               ('queued','retrying') AND NOT needs_person AND channel = $2 GROUP BY channel";
    let found = all::<Count>(tx, sql, vec![tx.org().into(), channel.into()]).await?;
    Ok(found.first().map_or(0, |c| c.count))
}

/// Deliveries counted at most for a figure.
const COUNTED: i64 = 20_000;

/// A count by channel and state.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Outcome {
    /// The channel.
    pub channel: String,
    /// The state.
    pub state: String,
    /// Whether a person must act.
    pub needs_person: bool,
    /// How many.
    pub count: i64,
    /// Sum in øre.
    pub total_ore: i64,
}

/// The newest deliveries by channel and state, from an id on; nothing when there are more than a figure may count.
pub async fn outcomes_since(tx: &OrgTx, since: Uuid) -> Result<Vec<Outcome>, Error> {
    let sql = "SELECT channel, state, needs_person, COUNT(*) AS count, CAST(0 AS BIGINT) AS total_ore FROM \
               (SELECT channel, state, needs_person FROM delivery WHERE org_id = $1 AND id > $2 LIMIT $3) AS d \
               GROUP BY channel, state, needs_person";
    let found: Vec<Outcome> = all(tx, sql, vec![tx.org().into(), since.into(), (COUNTED + 1).into()]).await?;
    let counted: i64 = found.iter().map(|o| o.count).sum();
    Ok(if counted > COUNTED { Vec::new() } else { found })
}

/// Deliveries of a run by channel and state.
pub async fn outcomes_of_run(tx: &OrgTx, run: Uuid) -> Result<Vec<Outcome>, Error> {
    let sql = "SELECT d.channel, d.state, d.needs_person, COUNT(*) AS count, \
               CAST(SUM(i.total_ore) AS BIGINT) AS total_ore FROM invoice i \
               JOIN delivery d ON d.org_id = i.org_id AND d.invoice_id = i.id \
               WHERE i.org_id = $1 AND i.run_id = $2 GROUP BY d.channel, d.state, d.needs_person";
    all(tx, sql, vec![tx.org().into(), run.into()]).await
}

/// When anything was last delivered.
pub async fn last_delivered_at(tx: &OrgTx) -> Result<Option<DateTime<Utc>>, Error> {
    #[derive(FromQueryResult)]
    struct Last {
        at: DateTime<Utc>,
    }
    let sql =
        "SELECT updated_at AS at FROM delivery WHERE org_id = $1 AND state = 'delivered' ORDER BY id DESC LIMIT 1";
    Ok(all::<Last>(tx, sql, vec![tx.org().into()]).await?.first().map(|l| l.at))
}

/// One invoice in a list.
#[derive(Debug, Clone, FromQueryResult)]
pub struct InvoiceRow {
    /// The invoice.
    pub id: Uuid,
    /// `invoice` or `credit_note`.
    pub kind: String,
    /// Its number.
    pub number: i64,
    /// Name of the customer.
    pub customer_name: String,
    /// Number of the customer.
    pub customer_number: String,
    /// Documentation date.
    pub issued_on: NaiveDate,
    /// Due date.
    pub due_on: Option<NaiveDate>,
    /// Sum in øre.
    pub total_ore: i64,
    /// Left to pay in øre.
    pub remaining_ore: i64,
    /// Credited in øre.
    pub credited_ore: i64,
    /// State of its latest delivery.
    pub delivery_state: Option<String>,
    /// Channel of its latest delivery.
    pub delivery_channel: Option<String>,
}

const INVOICE: &str = "SELECT i.id, i.kind, i.number, c.name AS customer_name, c.number AS customer_number, \
    i.issued_on, i.due_on, i.total_ore, CAST(COALESCE((SELECT SUM(o.remaining_ore) FROM open_item o \
    WHERE o.org_id = i.org_id AND o.invoice_id = i.id), 0) AS BIGINT) AS remaining_ore, \
    CAST(COALESCE((SELECT SUM(n.total_ore) FROM invoice n WHERE n.org_id = i.org_id \
    AND n.credits_invoice_id = i.id), 0) AS BIGINT) AS credited_ore, \
    (SELECT d.state FROM delivery d WHERE d.org_id = i.org_id AND d.invoice_id = i.id ORDER BY d.id DESC LIMIT 1) \
    AS delivery_state, (SELECT d.channel FROM delivery d WHERE d.org_id = i.org_id AND d.invoice_id = i.id \
    ORDER BY d.id DESC LIMIT 1) AS delivery_channel FROM invoice i \
    JOIN customer_core c ON c.org_id = i.org_id AND c.customer_id = i.customer_id";

/// Invoices, newest first, before an id.
pub async fn invoices(tx: &OrgTx, before: Option<Uuid>, limit: i64) -> Result<Vec<InvoiceRow>, Error> {
    let sql = format!("{INVOICE} WHERE i.org_id = $1 AND i.id < $2 ORDER BY i.id DESC LIMIT $3");
    let before = before.unwrap_or(Uuid::max());
    all(tx, &sql, vec![tx.org().into(), before.into(), limit.into()]).await
}

/// One invoice.
pub async fn invoice(tx: &OrgTx, id: Uuid) -> Result<Option<InvoiceRow>, Error> {
    let sql = format!("{INVOICE} WHERE i.org_id = $1 AND i.id = $2");
    Ok(all(tx, &sql, vec![tx.org().into(), id.into()]).await?.into_iter().next())
}

/// Invoices with a number or a KID, newest first.
pub async fn invoices_by_number(tx: &OrgTx, text: &str, limit: i64) -> Result<Vec<InvoiceRow>, Error> {
    let number = text.parse::<i64>().unwrap_or(-1);
    let sql = format!(
        "{INVOICE} WHERE i.org_id = $1 AND i.id IN (SELECT n.id FROM invoice n JOIN number_series s \
         ON s.org_id = n.org_id AND s.id = n.series_id WHERE n.org_id = $1 AND n.number = $2 \
         UNION SELECT k.invoice_id FROM kid k JOIN bank_account b ON b.org_id = k.org_id AND b.id = k.bank_account_id \
         WHERE k.org_id = $1 AND k.kid = $3) ORDER BY i.id DESC LIMIT $4"
    );
    all(tx, &sql, vec![tx.org().into(), number.into(), text.into(), limit.into()]).await
}

/// Invoices of some customers, newest first.
pub async fn invoices_of(tx: &OrgTx, customers: &[Uuid], limit: i64) -> Result<Vec<InvoiceRow>, Error> {
    let mut found = Vec::new();
    let sql = format!("{INVOICE} WHERE i.org_id = $1 AND i.customer_id = $2 ORDER BY i.number DESC LIMIT $3");
    for id in customers {
        found.extend(all::<InvoiceRow>(tx, &sql, vec![tx.org().into(), (*id).into(), limit.into()]).await?);
    }
    found.sort_by_key(|r| std::cmp::Reverse(r.number));
    found.truncate(usize::try_from(limit).unwrap_or_default());
    Ok(found)
}

/// First and last number of the invoices of a run.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Numbers {
    /// The run.
    pub id: Uuid,
    /// First.
    pub first: Option<i64>,
    /// Last.
    pub last: Option<i64>,
}

/// Ids and numbers of a run grow together, so the ends are looked up.
const NUMBERS: &str = "SELECT r.id, (SELECT i.number FROM invoice i WHERE i.org_id = r.org_id AND i.run_id = r.id \
    AND i.kind = 'invoice' ORDER BY i.id LIMIT 1) AS first, (SELECT i.number FROM invoice i WHERE i.org_id = r.org_id \
    AND i.run_id = r.id AND i.kind = 'invoice' ORDER BY i.id DESC LIMIT 1) AS last FROM invoice_run r";

/// The numbers the latest runs have given.
pub async fn numbers_of_runs(tx: &OrgTx, limit: i64) -> Result<Vec<Numbers>, Error> {
    let sql = format!("{NUMBERS} WHERE r.org_id = $1 ORDER BY r.id DESC LIMIT $2");
    all(tx, &sql, vec![tx.org().into(), limit.into()]).await
}

/// The numbers a run has given.
pub async fn numbers_of_run(tx: &OrgTx, run: Uuid) -> Result<Option<Numbers>, Error> {
    let sql = format!("{NUMBERS} WHERE r.org_id = $1 AND r.id = $2");
    Ok(all(tx, &sql, vec![tx.org().into(), run.into()]).await?.into_iter().next())
}

/// VAT of the invoices of a run, in øre.
pub async fn vat_of_run(tx: &OrgTx, run: Uuid) -> Result<i64, Error> {
    let sql = "SELECT 'vat' AS name, CAST(COALESCE(SUM(vat_ore), 0) AS BIGINT) AS count FROM invoice \
               WHERE org_id = $1 AND run_id = $2 AND kind = 'invoice'";
    Ok(all::<Count>(tx, sql, vec![tx.org().into(), run.into()]).await?.first().map_or(0, |c| c.count))
}

/// A run and how many of its deliveries need a person.
#[derive(Debug, Clone, FromQueryResult)]
pub struct RunNeeds {
    /// The run.
    pub id: Uuid,
    /// How many.
    pub count: i64,
}

/// Deliveries that need a person, by run.
pub async fn needs_person_by_run(tx: &OrgTx) -> Result<Vec<RunNeeds>, Error> {
    let sql = "SELECT i.run_id AS id, COUNT(*) AS count FROM delivery d JOIN invoice i ON i.org_id = d.org_id \
               AND i.id = d.invoice_id WHERE d.org_id = $1 AND d.needs_person AND i.run_id IS NOT NULL GROUP BY i.run_id";
    all(tx, sql, vec![tx.org().into()]).await
}

/// Webhook endpoints that are switched off.
pub async fn webhooks_off(tx: &OrgTx) -> Result<i64, Error> {
    let sql = "SELECT 'off' AS name, COUNT(*) AS count FROM webhook_endpoint WHERE org_id = $1 AND state <> 'active'";
    Ok(all::<Count>(tx, sql, vec![tx.org().into()]).await?.first().map_or(0, |c| c.count))
}

/// Jobs that stopped and wait for a person.
pub async fn parked_jobs(tx: &OrgTx) -> Result<i64, Error> {
    let sql = "SELECT 'parked' AS name, COUNT(*) AS count FROM job WHERE org_id = $1 AND state = 'parked'";
    Ok(all::<Count>(tx, sql, vec![tx.org().into()]).await?.first().map_or(0, |c| c.count))
}

/// When bank data last came.
pub async fn bank_updated_at(tx: &OrgTx) -> Result<Option<DateTime<Utc>>, Error> {
    #[derive(FromQueryResult)]
    struct Last {
        at: DateTime<Utc>,
    }
    let sql = "SELECT imported_at AS at FROM bank_file WHERE org_id = $1 ORDER BY id DESC LIMIT 1";
    Ok(all::<Last>(tx, sql, vec![tx.org().into()]).await?.first().map(|l| l.at))
}
