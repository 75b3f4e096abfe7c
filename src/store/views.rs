//! Read models for lists and screens. GET handlers may call these directly.

use super::error::Error;
use super::sql::all;
use super::tx::OrgTx;
use chrono::{DateTime, NaiveDate, Utc};
use domain::customer::Field;
use sea_orm::FromQueryResult;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use super::customer::resolve_number as customer_numbered;

/// One ledger entry on its way to the accounting system.
#[derive(Debug, FromQueryResult)]
pub struct PostingRow {
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
}

/// Entries booked in a period, in order.
pub async fn postings(tx: &OrgTx, from: NaiveDate, to: NaiveDate) -> Result<Vec<PostingRow>, Error> {
    let sql = "SELECT id, voucher_no, booked_on, kind, debit_role, debit_code, credit_role, credit_code, amount_ore \
               FROM ledger_entry WHERE org_id = $1 AND booked_on >= $2 AND booked_on <= $3 \
               AND kind <> 'balance_carried' ORDER BY voucher_no, id";
    all(tx, sql, vec![tx.org().into(), from.into(), to.into()]).await
}

/// A customer in a list: number and name only.
#[derive(Debug, Clone, Serialize, ToSchema, FromQueryResult)]
pub struct CustomerItem {
    /// The customer.
    pub id: Uuid,
    /// The organisation's own number.
    pub number: String,
    /// Name.
    pub name: String,
    /// `person` or `business`.
    pub kind: String,
    /// `active` or `ended`.
    pub status: String,
}

/// Some customers by id; who is archived is in no list.
pub async fn customers_by_id(tx: &OrgTx, ids: &[Uuid]) -> Result<Vec<CustomerItem>, Error> {
    let found = super::customer::load(tx, ids).await?;
    let item = |c: super::customer::Customer| CustomerItem {
        id: c.row.id,
        number: c.record.get(Field::Number).unwrap_or_default().to_owned(),
        name: c.record.get(Field::Name).unwrap_or_default().to_owned(),
        kind: c.row.kind,
        status: c.row.status,
    };
    Ok(found.into_iter().map(item).collect())
}

/// Customers after an id; who is archived is in no list.
pub async fn customers(tx: &OrgTx, after: Uuid, limit: i64) -> Result<Vec<CustomerItem>, Error> {
    let sql = "SELECT c.id, k.number, k.name, c.kind, c.status FROM customer c \
               JOIN customer_core k ON k.org_id = c.org_id AND k.customer_id = c.id \
               WHERE c.org_id = $1 AND c.id > $2 ORDER BY c.id LIMIT $3";
    all(tx, sql, vec![tx.org().into(), after.into(), limit.into()]).await
}

/// Customers whose name starts so, or whose number is this.
pub async fn search_customers(tx: &OrgTx, text: &str, limit: i64) -> Result<Vec<CustomerItem>, Error> {
    let sql = "SELECT c.id, k.number, k.name, c.kind, c.status FROM customer_core k \
               JOIN customer c ON c.org_id = k.org_id AND c.id = k.customer_id \
               WHERE k.org_id = $1 AND (k.number = $2 OR k.customer_id IN (SELECT a.customer_id FROM customer_alias a \
               WHERE a.org_id = $1 AND a.number = $2) OR (k.name_search >= $3 AND k.name_search < $4)) \
               ORDER BY k.name_search LIMIT $5";
    let lower = text.to_lowercase();
    let end = format!("{lower}\u{10ffff}");
    all(tx, sql, vec![tx.org().into(), text.into(), lower.into(), end.into(), limit.into()]).await
}

/// A product in a list.
#[derive(Debug, Clone, Serialize, ToSchema, FromQueryResult)]
pub struct ProductItem {
    /// The product.
    pub id: Uuid,
    /// The organisation's own number.
    pub number: String,
    /// What it is called on invoices.
    pub name: String,
    /// UN/ECE unit code.
    pub unit: String,
    /// Price in millionths of a krone, without VAT.
    #[serde(serialize_with = "as_decimal", rename = "unit_price")]
    #[schema(value_type = String)]
    pub price_micro: i64,
    /// SAF-T standard tax code.
    pub vat_code: String,
    /// Months between bills.
    pub every_months: i64,
    /// Whether it may be billed.
    pub active: bool,
    /// Counts changes.
    #[serde(skip)]
    pub version: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn as_decimal<S: serde::Serializer>(micro: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&domain::money::Micro::from_micro(*micro))
}

const PRODUCT: &str =
    "SELECT id, number, name, unit, price_micro, vat_code, every_months, active, version FROM product";

/// Products after an id.
pub async fn products(tx: &OrgTx, after: Uuid, limit: i64) -> Result<Vec<ProductItem>, Error> {
    let sql = format!("{PRODUCT} WHERE org_id = $1 AND id > $2 ORDER BY id LIMIT $3");
    all(tx, &sql, vec![tx.org().into(), after.into(), limit.into()]).await
}

/// One product.
pub async fn product(tx: &OrgTx, id: Uuid) -> Result<Option<ProductItem>, Error> {
    let sql = format!("{PRODUCT} WHERE org_id = $1 AND id = $2");
    Ok(all(tx, &sql, vec![tx.org().into(), id.into()]).await?.into_iter().next())
}

/// A standing order in a list.
#[derive(Debug, Clone, Serialize, ToSchema, FromQueryResult)]
pub struct StandingOrderItem {
    /// The standing order.
    pub id: Uuid,
    /// Who is billed.
    pub customer_id: Uuid,
    /// `manual`, or `sync` when a customer list keeps it.
    pub source: String,
    /// First day of the first period.
    pub from_on: NaiveDate,
    /// Months in a period; 0 bills once.
    pub every_months: i64,
    /// No period starts after this day.
    pub end_on: Option<NaiveDate>,
    /// First day of the next period to bill.
    pub next_period_on: Option<NaiveDate>,
    /// Bills only the days up to `end_on` of the last period.
    pub prorate: bool,
    /// Counts changes.
    #[serde(skip)]
    pub version: i64,
}

const STANDING_ORDER: &str = "SELECT id, customer_id, source, from_on, every_months, end_on, next_period_on, prorate, \
    version FROM standing_order";

/// Standing orders after an id.
pub async fn standing_orders(tx: &OrgTx, after: Uuid, limit: i64) -> Result<Vec<StandingOrderItem>, Error> {
    let sql = format!("{STANDING_ORDER} WHERE org_id = $1 AND id > $2 ORDER BY id LIMIT $3");
    all(tx, &sql, vec![tx.org().into(), after.into(), limit.into()]).await
}

/// One line of a standing order.
#[derive(Debug, Clone, Serialize, ToSchema, FromQueryResult)]
pub struct StandingOrderLineItem {
    /// Product number.
    pub product_number: String,
    /// How many.
    #[serde(serialize_with = "as_decimal", rename = "quantity")]
    #[schema(value_type = String)]
    pub quantity_micro: i64,
    /// Price instead of the product's, in kroner without VAT.
    #[serde(serialize_with = "as_optional_decimal", rename = "unit_price")]
    #[schema(value_type = Option<String>)]
    pub price_micro: Option<i64>,
    /// Discount in percent.
    #[serde(serialize_with = "as_decimal", rename = "discount_percent")]
    #[schema(value_type = String)]
    pub discount_micro: i64,
}

#[expect(clippy::ref_option, reason = "serde gives a reference")]
fn as_optional_decimal<S: serde::Serializer>(micro: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    match micro {
        Some(micro) => as_decimal(micro, serializer),
        None => serializer.serialize_none(),
    }
}

/// One standing order with its lines.
pub async fn standing_order(
    tx: &OrgTx,
    id: Uuid,
) -> Result<Option<(StandingOrderItem, Vec<StandingOrderLineItem>)>, Error> {
    let sql = format!("{STANDING_ORDER} WHERE org_id = $1 AND id = $2");
    let found: Vec<StandingOrderItem> = all(tx, &sql, vec![tx.org().into(), id.into()]).await?;
    let Some(order) = found.into_iter().next() else { return Ok(None) };
    let sql = "SELECT product_number, quantity_micro, price_micro, discount_micro FROM standing_order_line \
               WHERE org_id = $1 AND standing_order_id = $2 ORDER BY line_no";
    let lines = all(tx, sql, vec![tx.org().into(), id.into()]).await?;
    Ok(Some((order, lines)))
}

/// A customer that a run left out.
#[derive(Debug, Clone, Serialize, ToSchema, FromQueryResult)]
pub struct RunSkip {
    /// The customer.
    pub customer_id: Uuid,
    /// Its number.
    pub customer_number: String,
    /// Why it was left out.
    pub reason: String,
}

/// Customers that a run left out, after one of them.
pub async fn run_skips(tx: &OrgTx, run: Uuid, after: Uuid, limit: i64) -> Result<Vec<RunSkip>, Error> {
    let sql = "SELECT s.customer_id, k.number AS customer_number, s.reason FROM invoice_run_skip s \
               JOIN customer_core k ON k.org_id = s.org_id AND k.customer_id = s.customer_id \
               WHERE s.org_id = $1 AND s.run_id = $2 AND s.customer_id > $3 ORDER BY s.customer_id LIMIT $4";
    all(tx, sql, vec![tx.org().into(), run.into(), after.into(), limit.into()]).await
}

/// A claim brought in from an old system.
#[derive(Debug, Clone, Serialize, ToSchema, FromQueryResult)]
pub struct OpeningItemView {
    /// The claim.
    pub id: Uuid,
    /// Who owes.
    pub customer_id: Uuid,
    /// Number the claim had.
    pub old_number: String,
    /// Date of the old invoice.
    pub issued_on: NaiveDate,
    /// Due date of the old invoice.
    pub due_on: NaiveDate,
    /// What was left of it when it was brought in, in øre.
    pub amount_ore: i64,
    /// KID it had.
    pub kid: Option<String>,
}

/// Claims brought in from an old system, after an id.
pub async fn opening_items(tx: &OrgTx, after: Uuid, limit: i64) -> Result<Vec<OpeningItemView>, Error> {
    let sql = "SELECT id, customer_id, old_number, issued_on, due_on, amount_ore, kid FROM opening_item \
               WHERE org_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    all(tx, sql, vec![tx.org().into(), after.into(), limit.into()]).await
}

/// Claims brought in from an old system: how many, and their sum.
pub async fn opening_tally(tx: &OrgTx) -> Result<Tally, Error> {
    let sql = "SELECT 'opening' AS name, COUNT(*) AS count, CAST(COALESCE(SUM(amount_ore), 0) AS BIGINT) AS ore \
               FROM opening_item WHERE org_id = $1";
    let found: Vec<Tally> = all(tx, sql, vec![tx.org().into()]).await?;
    found.into_iter().next().ok_or(Error::inconsistent("opening_item", "amount_ore"))
}

/// An issued invoice or credit note.
#[derive(Debug, Clone, Serialize, ToSchema, FromQueryResult)]
pub struct InvoiceItem {
    /// The invoice.
    pub id: Uuid,
    /// `invoice` or `credit_note`.
    pub kind: String,
    /// Number in its series.
    pub number: i64,
    /// Who owes.
    pub customer_id: Uuid,
    /// Documentation date.
    pub issued_on: NaiveDate,
    /// Due date.
    pub due_on: Option<NaiveDate>,
    /// Sum without VAT in øre.
    pub net_ore: i64,
    /// VAT in øre.
    pub vat_ore: i64,
    /// Sum in øre.
    pub total_ore: i64,
    /// What is left to pay in øre.
    pub remaining_ore: i64,
    /// KID.
    pub kid: Option<String>,
    /// The invoice a credit note takes back.
    pub credits_invoice_id: Option<Uuid>,
    /// The run it was issued by.
    pub run_id: Option<Uuid>,
}

const INVOICE: &str = "SELECT i.id, i.kind, i.number, i.customer_id, i.issued_on, i.due_on, i.net_ore, i.vat_ore, \
    i.total_ore, CAST(COALESCE((SELECT SUM(o.remaining_ore) FROM open_item o WHERE o.org_id = i.org_id AND \
    o.invoice_id = i.id), 0) AS BIGINT) AS remaining_ore, i.kid, i.credits_invoice_id, i.run_id FROM invoice i";

/// Invoices after an id.
pub async fn invoices(tx: &OrgTx, after: Uuid, limit: i64) -> Result<Vec<InvoiceItem>, Error> {
    let sql = format!("{INVOICE} WHERE i.org_id = $1 AND i.id > $2 ORDER BY i.id LIMIT $3");
    all(tx, &sql, vec![tx.org().into(), after.into(), limit.into()]).await
}

/// One invoice.
pub async fn invoice(tx: &OrgTx, id: Uuid) -> Result<Option<InvoiceItem>, Error> {
    let sql = format!("{INVOICE} WHERE i.org_id = $1 AND i.id = $2");
    Ok(all(tx, &sql, vec![tx.org().into(), id.into()]).await?.into_iter().next())
}

/// What is open of a claim.
#[derive(Debug, Clone, Serialize, ToSchema, FromQueryResult)]
pub struct OpenItemView {
    /// The item.
    pub id: Uuid,
    /// Who owes.
    pub customer_id: Uuid,
    /// The claim.
    pub invoice_id: Uuid,
    /// `principal`, `interest` or `cost`.
    pub class: String,
    /// Due date.
    pub due_on: NaiveDate,
    /// What it was, in øre.
    pub amount_ore: i64,
    /// What was left on the day asked for, in øre.
    pub remaining_ore: i64,
}

/// Open items as they stood at the end of a day.
pub async fn open_items(tx: &OrgTx, as_of: NaiveDate, after: Uuid, limit: i64) -> Result<Vec<OpenItemView>, Error> {
    let sql = "SELECT i.id, i.customer_id, i.invoice_id, i.class, i.due_on, i.amount_ore, \
               CAST(i.amount_ore - COALESCE(SUM(a.amount_ore), 0) AS BIGINT) AS remaining_ore FROM open_item i \
               LEFT JOIN allocation a ON a.org_id = i.org_id AND a.open_item_id = i.id AND a.booked_on <= $2 \
               WHERE i.org_id = $1 AND i.booked_on <= $2 AND i.id > $3 \
               GROUP BY i.id, i.customer_id, i.invoice_id, i.class, i.due_on, i.amount_ore \
               HAVING i.amount_ore - COALESCE(SUM(a.amount_ore), 0) > 0 ORDER BY i.id LIMIT $4";
    all(tx, sql, vec![tx.org().into(), as_of.into(), after.into(), limit.into()]).await
}

/// One line of a customer's ledger.
#[derive(Debug, Clone, Serialize, ToSchema, FromQueryResult)]
pub struct LedgerLine {
    /// The entry.
    pub id: Uuid,
    /// Voucher number.
    pub voucher_no: i64,
    /// Booking date.
    pub booked_on: NaiveDate,
    /// What it is.
    pub kind: String,
    /// What it is about.
    pub invoice_id: Option<Uuid>,
    /// The payment.
    pub payment_id: Option<Uuid>,
    /// What it adds to what the customer owes, in øre.
    pub effect_ore: i64,
    /// What the customer owes after it, in øre.
    pub balance_ore: i64,
}

/// A customer's ledger with its running balance, oldest first.
pub async fn customer_ledger(tx: &OrgTx, customer: Uuid) -> Result<Vec<LedgerLine>, Error> {
    let sql = "SELECT id, voucher_no, booked_on, kind, invoice_id, payment_id, CAST(effect AS BIGINT) AS effect_ore, \
               CAST(SUM(effect) OVER (ORDER BY booked_on, id) AS BIGINT) AS balance_ore FROM ( \
               SELECT id, voucher_no, booked_on, kind, invoice_id, payment_id, \
               CASE WHEN debit_role IN ('receivable', 'unallocated') THEN amount_ore ELSE 0 END \
               - CASE WHEN credit_role IN ('receivable', 'unallocated') THEN amount_ore ELSE 0 END AS effect \
               FROM ledger_entry WHERE org_id = $1 AND customer_id = $2) e ORDER BY booked_on, id";
    all(tx, sql, vec![tx.org().into(), customer.into()]).await
}

/// A delivery in a list.
#[derive(Debug, Clone, Serialize, ToSchema, FromQueryResult)]
pub struct DeliveryItem {
    /// The delivery.
    pub id: Uuid,
    /// What is delivered.
    pub invoice_id: Uuid,
    /// Number of the invoice.
    pub invoice_number: i64,
    /// To whom.
    pub customer_id: Uuid,
    /// `ehf`, `efaktura`, `mail` or `print`.
    pub channel: String,
    /// Why that channel.
    pub channel_reason: Option<String>,
    /// The channel it failed on before.
    pub fallback_from: Option<String>,
    /// Where it stands.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// Whether somebody must act.
    pub needs_person: bool,
    /// Attempts so far.
    pub attempts: i64,
    /// Not tried before.
    pub not_before_at: DateTime<Utc>,
    /// Set when it may have been sent twice.
    pub possibly_sent_twice: bool,
}

const DELIVERY: &str = "SELECT d.id, d.invoice_id, i.number AS invoice_number, d.customer_id, d.channel, \
    d.channel_reason, d.fallback_from, d.state, d.reason, d.needs_person, d.attempts, d.not_before_at, d.possibly_sent_twice FROM delivery d \
    JOIN invoice i ON i.org_id = d.org_id AND i.id = d.invoice_id";

/// Deliveries after an id, of one state or all.
pub async fn deliveries(tx: &OrgTx, state: Option<&str>, after: Uuid, limit: i64) -> Result<Vec<DeliveryItem>, Error> {
    let filter = if state.is_some() { "d.state = $4" } else { "$4 = ''" };
    let sql = format!("{DELIVERY} WHERE d.org_id = $1 AND d.id > $2 AND {filter} ORDER BY d.id LIMIT $3");
    let values = vec![tx.org().into(), after.into(), limit.into(), state.unwrap_or_default().into()];
    all(tx, &sql, values).await
}

/// One delivery.
pub async fn delivery(tx: &OrgTx, id: Uuid) -> Result<Option<DeliveryItem>, Error> {
    let sql = format!("{DELIVERY} WHERE d.org_id = $1 AND d.id = $2");
    Ok(all(tx, &sql, vec![tx.org().into(), id.into()]).await?.into_iter().next())
}

/// A payment in a list.
#[derive(Debug, Clone, Serialize, ToSchema, FromQueryResult)]
pub struct PaymentItem {
    /// The payment.
    pub id: Uuid,
    /// The bank file it came in.
    pub bank_file_id: Option<Uuid>,
    /// Line of the file.
    pub line: Option<i64>,
    /// Day of settlement.
    pub booked_on: NaiveDate,
    /// Signed amount in øre.
    pub amount_ore: i64,
    /// What is not placed, in øre.
    pub unallocated_ore: i64,
    /// KID as stated.
    pub kid: Option<String>,
    /// Whose money it is, when known.
    pub customer_id: Option<Uuid>,
    /// Where it stands.
    pub state: String,
    /// Why it was placed as it was, or waits.
    pub reason: String,
    /// The payment it seems to repeat.
    pub duplicate_of_id: Option<Uuid>,
}

const PAYMENT: &str = "SELECT id, bank_file_id, line, booked_on, amount_ore, unallocated_ore, kid, customer_id, state, \
    reason, duplicate_of_id FROM payment";

/// Payments after an id: of one state or all, and those of which something waits or all.
pub async fn payments(
    tx: &OrgTx,
    state: Option<&str>,
    waiting: bool,
    after: Uuid,
    limit: i64,
) -> Result<Vec<PaymentItem>, Error> {
    let filter = if state.is_some() { "state = $4" } else { "$4 = ''" };
    let waits = if waiting { "AND unallocated_ore <> 0" } else { "" };
    let sql = format!("{PAYMENT} WHERE org_id = $1 AND id > $2 AND {filter} {waits} ORDER BY id LIMIT $3");
    let values = vec![tx.org().into(), after.into(), limit.into(), state.unwrap_or_default().into()];
    all(tx, &sql, values).await
}

/// One payment.
pub async fn payment(tx: &OrgTx, id: Uuid) -> Result<Option<PaymentItem>, Error> {
    let sql = format!("{PAYMENT} WHERE org_id = $1 AND id = $2");
    Ok(all(tx, &sql, vec![tx.org().into(), id.into()]).await?.into_iter().next())
}

/// An event of the audit log.
#[derive(Debug, Clone, Serialize, ToSchema, FromQueryResult)]
pub struct AuditItem {
    /// The event.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// `operator`, `api_key` or `job`.
    pub actor_kind: String,
    /// Which key.
    pub actor_id: Option<Uuid>,
    /// What was done.
    pub verb: String,
    /// To what kind of thing.
    pub subject_kind: String,
    /// To which thing.
    pub subject_id: Option<Uuid>,
    /// Names of fields that were written.
    pub fields: String,
}

/// Audit events after an id.
pub async fn audit_events(tx: &OrgTx, after: Uuid, limit: i64) -> Result<Vec<AuditItem>, Error> {
    let sql = "SELECT id, at, actor_kind, actor_id, verb, subject_kind, subject_id, fields FROM audit_event \
               WHERE org_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    all(tx, sql, vec![tx.org().into(), after.into(), limit.into()]).await
}

/// A number series and what it has given out.
#[derive(Debug, Clone, Serialize, ToSchema, FromQueryResult)]
pub struct SeriesReport {
    /// Name of the series.
    pub code: String,
    /// First number given.
    pub first_number: i64,
    /// When the first number was chosen to go on from an old system; none when it is the usual one.
    pub start_set_at: Option<DateTime<Utc>>,
    /// Number given next.
    pub next_number: i64,
    /// Documents in the series.
    pub documents: i64,
    /// Documents that were deleted when the years the law asks for were over.
    pub expired_documents: i64,
    /// Numbers that were given out after the backup a restore began from: lost, explained, and never given again.
    pub lost_in_restore: i64,
    /// Numbers between first and next that no document has or had; 0 proves continuity.
    pub missing: i64,
}

/// The continuity report of every series (I3).
pub async fn series(tx: &OrgTx) -> Result<Vec<SeriesReport>, Error> {
    let sql = "SELECT s.code, s.first_number, s.start_set_at, s.next_number, CAST(COUNT(i.id) AS BIGINT) AS documents, \
               s.expired_documents, CAST(s.lost AS BIGINT) AS lost_in_restore, \
               CAST(s.next_number - s.first_number - s.expired_documents - s.lost - COUNT(i.id) AS BIGINT) AS missing \
               FROM (SELECT n.*, COALESCE((SELECT SUM(g.last_no - g.first_no + 1) FROM number_gap g \
               WHERE g.org_id = n.org_id AND g.series_id = n.id), 0) AS lost FROM number_series n WHERE n.org_id = $1) s \
               LEFT JOIN invoice i ON i.org_id = s.org_id AND i.series_id = s.id WHERE s.org_id = $1 \
               GROUP BY s.code, s.first_number, s.start_set_at, s.next_number, s.expired_documents, s.lost ORDER BY s.code";
    all(tx, sql, vec![tx.org().into()]).await
}

/// A count by name.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Tally {
    /// What is counted.
    pub name: String,
    /// How many.
    pub count: i64,
    /// Sum in øre, where there is one.
    pub ore: i64,
}

/// Deliveries by channel and state, those that went another way, and those a person must see to.
pub async fn delivery_tally(tx: &OrgTx) -> Result<Vec<Tally>, Error> {
    let sql = "SELECT channel || ' ' || state AS name, COUNT(*) AS count, CAST(0 AS BIGINT) AS ore FROM delivery \
               WHERE org_id = $1 GROUP BY 1 UNION ALL \
               SELECT 'fallback', COUNT(*), CAST(0 AS BIGINT) FROM delivery WHERE org_id = $1 \
               AND fallback_from IS NOT NULL UNION ALL \
               SELECT 'worklist', COUNT(*), CAST(0 AS BIGINT) FROM delivery WHERE org_id = $1 AND needs_person";
    all(tx, sql, vec![tx.org().into()]).await
}

/// Payments by reason.
pub async fn payment_tally(tx: &OrgTx) -> Result<Vec<Tally>, Error> {
    let sql = "SELECT reason AS name, COUNT(*) AS count, CAST(SUM(amount_ore) AS BIGINT) AS ore FROM payment \
               WHERE org_id = $1 GROUP BY reason ORDER BY reason";
    all(tx, sql, vec![tx.org().into()]).await
}

/// What is open in all: how many items, and their sum.
pub async fn open_tally(tx: &OrgTx) -> Result<Tally, Error> {
    let sql = "SELECT 'open' AS name, COUNT(*) AS count, CAST(COALESCE(SUM(remaining_ore), 0) AS BIGINT) AS ore \
               FROM open_item WHERE org_id = $1 AND remaining_ore > 0";
    let found: Vec<Tally> = all(tx, sql, vec![tx.org().into()]).await?;
    found.into_iter().next().ok_or(Error::inconsistent("open_item", "remaining_ore"))
}

/// A delivery that waits for print.
#[derive(Debug, Clone, Serialize, ToSchema, FromQueryResult)]
pub struct PrintItem {
    /// The delivery.
    pub id: Uuid,
    /// The document.
    pub invoice_id: Uuid,
    /// Its number.
    pub invoice_number: i64,
    /// Whom it is for.
    pub customer_name: String,
    /// Since when it waits.
    pub since_at: DateTime<Utc>,
}

/// What waits for print, oldest first.
pub async fn print_queue(tx: &OrgTx, limit: i64) -> Result<Vec<PrintItem>, Error> {
    let sql = "SELECT d.id, d.invoice_id, i.number AS invoice_number, c.name AS customer_name, \
               d.updated_at AS since_at FROM delivery d JOIN invoice i ON i.org_id = d.org_id AND i.id = d.invoice_id \
               JOIN customer_core c ON c.org_id = d.org_id AND c.customer_id = d.customer_id \
               WHERE d.org_id = $1 AND d.state = 'queued' AND d.channel = 'print' ORDER BY d.id LIMIT $2";
    all(tx, sql, vec![tx.org().into(), limit.into()]).await
}
