//! Requests of persons, who is told of them, consents, and everything held of somebody as it stands.

use super::error::Error;
use super::sql::{Id, all};
use super::tx::{OrgTx, SystemTx};
use chrono::{DateTime, NaiveDate, Utc};
use entity::{consent, privacy_request};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
};
use std::collections::BTreeMap;
use uuid::Uuid;

pub use consent::Model as Consent;
pub use privacy_request::Model as Request;

/// Adds a request.
pub async fn insert(tx: &OrgTx, row: Request) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Writes all fields of a request and counts its version up.
pub async fn update(tx: &OrgTx, mut row: Request) -> Result<(), Error> {
    row.version += 1;
    row.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// A request.
pub async fn find(tx: &OrgTx, id: Uuid) -> Result<Option<Request>, Error> {
    Ok(privacy_request::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// A request, locked.
pub async fn lock(tx: &OrgTx, id: Uuid) -> Result<Option<Request>, Error> {
    Ok(tx.for_update(privacy_request::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// Requests: open ones by their due date, or all of them, the newest first.
pub async fn list(tx: &OrgTx, open: bool, limit: u64) -> Result<Vec<Request>, Error> {
    let rows = privacy_request::Entity::find().filter(privacy_request::Column::OrgId.eq(tx.org()));
    let rows = if open {
        rows.filter(privacy_request::Column::ClosedAt.is_null()).order_by_asc(privacy_request::Column::DueOn)
    } else {
        rows.order_by_desc(privacy_request::Column::Id)
    };
    Ok(rows.limit(limit).all(tx).await?)
}

/// What somebody has asked for, the newest first.
pub async fn list_of(tx: &OrgTx, subject: Uuid, limit: u64) -> Result<Vec<Request>, Error> {
    let rows = privacy_request::Entity::find()
        .filter(privacy_request::Column::OrgId.eq(tx.org()))
        .filter(privacy_request::Column::SubjectId.eq(subject));
    Ok(rows.order_by_desc(privacy_request::Column::Id).limit(limit).all(tx).await?)
}

/// The request a letter has become before.
pub async fn find_letter(tx: &OrgTx, hash: &[u8]) -> Result<Option<Request>, Error> {
    let rows = privacy_request::Entity::find()
        .filter(privacy_request::Column::OrgId.eq(tx.org()))
        .filter(privacy_request::Column::LetterHash.eq(hash.to_vec()));
    Ok(rows.one(tx).await?)
}

/// How many requests came by a channel since a time.
pub async fn count_since(tx: &OrgTx, channel: &str, since: DateTime<Utc>) -> Result<u64, Error> {
    let rows = privacy_request::Entity::find()
        .filter(privacy_request::Column::OrgId.eq(tx.org()))
        .filter(privacy_request::Column::Channel.eq(channel))
        .filter(privacy_request::Column::CreatedAt.gte(since));
    Ok(rows.count(tx).await?)
}

/// How many receipts went to somebody since a time.
pub async fn count_receipts(tx: &OrgTx, reach: &str, since: DateTime<Utc>) -> Result<u64, Error> {
    let rows = privacy_request::Entity::find()
        .filter(privacy_request::Column::OrgId.eq(tx.org()))
        .filter(privacy_request::Column::AskerReach.eq(reach))
        .filter(privacy_request::Column::ReceiptSentAt.gte(since));
    Ok(rows.count(tx).await?)
}

/// The customer an address is of; none where it is of nobody, or of several.
pub async fn only_customer_at(tx: &OrgTx, address: &str) -> Result<Option<Uuid>, Error> {
    let sql = "SELECT customer_id AS id FROM customer_detail WHERE org_id = $1 AND lower(email) = lower($2) LIMIT 2";
    let found = all::<Id>(tx, sql, vec![tx.org().into(), address.into()]).await?;
    Ok(if let [only] = found.as_slice() { Some(only.id) } else { None })
}

/// How many open requests are due before a day.
pub async fn count_due(tx: &OrgTx, before: NaiveDate) -> Result<i64, Error> {
    #[derive(FromQueryResult)]
    struct Count {
        n: i64,
    }
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM privacy_request WHERE org_id = $1 AND closed_at IS NULL \
               AND due_on < $2";
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into(), before.into()]);
    Ok(Count::find_by_statement(statement).one(tx).await?.map_or(0, |c| c.n))
}

/// The organisation and request a link leads to.
pub async fn find_link(tx: &SystemTx, hash: &[u8], now: DateTime<Utc>) -> Result<Option<Request>, Error> {
    let found = privacy_request::Entity::find()
        .filter(privacy_request::Column::LinkHash.eq(hash.to_vec()))
        .filter(privacy_request::Column::LinkExpiresAt.gt(now));
    Ok(found.one(tx).await?)
}

/// Sets or lifts the restriction of a customer: since when, and the day it is looked at again. What is read of the customer
/// before is out of date then.
pub async fn restrict(tx: &OrgTx, customer: Uuid, standing: Option<(DateTime<Utc>, NaiveDate)>) -> Result<bool, Error> {
    let done = entity::customer::Entity::update_many()
        .col_expr(entity::customer::Column::RestrictedAt, Expr::value(standing.map(|(since, _)| since)))
        .col_expr(entity::customer::Column::RestrictionReviewOn, Expr::value(standing.map(|(_, review)| review)))
        .col_expr(entity::customer::Column::Version, Expr::cust("version + 1"))
        .filter(entity::customer::Column::OrgId.eq(tx.org()))
        .filter(entity::customer::Column::Id.eq(customer))
        .exec(tx)
        .await?;
    Ok(done.rows_affected > 0)
}

/// A customer whose data is only stored.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Restricted {
    /// The customer.
    pub customer_id: Uuid,
    /// Since when.
    pub restricted_at: DateTime<Utc>,
    /// The day it is looked at again.
    pub review_on: NaiveDate,
}

/// Customers whose data is restricted, the one to be looked at first on top.
pub async fn list_restricted(tx: &OrgTx) -> Result<Vec<Restricted>, Error> {
    let sql = "SELECT id AS customer_id, restricted_at, restriction_review_on AS review_on FROM customer \
               WHERE org_id = $1 AND restricted_at IS NOT NULL AND restriction_review_on IS NOT NULL \
               ORDER BY restriction_review_on, id";
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into()]);
    Ok(Restricted::find_by_statement(statement).all(tx).await?)
}

/// What a restriction of a customer would stop now.
#[derive(Debug, Clone, Copy, FromQueryResult)]
pub struct Stopped {
    /// Standing orders that go on.
    pub orders: i64,
    /// Drafts.
    pub drafts: i64,
    /// Deliveries that wait to be sent.
    pub deliveries: i64,
}

/// Counts what a restriction of a customer would stop.
pub async fn count_stopped(tx: &OrgTx, customer: Uuid) -> Result<Stopped, Error> {
    let sql = "SELECT \
        (SELECT COUNT(*) FROM standing_order WHERE org_id = $1 AND customer_id = $2 AND next_period_on IS NOT NULL \
          AND (end_on IS NULL OR end_on >= next_period_on)) AS orders, \
        (SELECT COUNT(*) FROM invoice_draft WHERE org_id = $1 AND customer_id = $2) AS drafts, \
        (SELECT COUNT(*) FROM delivery WHERE org_id = $1 AND customer_id = $2 AND state IN ('queued', 'retrying')) \
          AS deliveries";
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into(), customer.into()]);
    let found = Stopped::find_by_statement(statement).one(tx).await?;
    Ok(found.unwrap_or(Stopped { orders: 0, drafts: 0, deliveries: 0 }))
}

/// Contact persons whose objection is not decided yet: they are not written to until then.
pub async fn list_objecting_contacts(tx: &OrgTx) -> Result<Vec<Uuid>, Error> {
    let rows = privacy_request::Entity::find()
        .filter(privacy_request::Column::OrgId.eq(tx.org()))
        .filter(privacy_request::Column::ClosedAt.is_null())
        .filter(privacy_request::Column::Kind.eq("objection"))
        .filter(privacy_request::Column::SubjectKind.eq("contact"));
    Ok(rows.all(tx).await?.into_iter().filter_map(|r| r.subject_id).collect())
}

/// Somebody who is to be told of a rectification, an erasure or a restriction (article 19).
#[derive(Debug, Clone, FromQueryResult)]
pub struct Notice {
    /// Who.
    pub recipient: String,
    /// Since when they are to be told.
    pub noted_at: DateTime<Utc>,
    /// When they were.
    pub told_at: Option<DateTime<Utc>>,
}

/// Notes somebody who is to be told.
pub async fn note_recipient(tx: &OrgTx, request: Uuid, recipient: &str, at: DateTime<Utc>) -> Result<(), Error> {
    let sql = "INSERT INTO privacy_notice (org_id, request_id, recipient, noted_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT DO NOTHING";
    let values = [tx.org().into(), request.into(), recipient.into(), at.into()];
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(())
}

/// Notes that somebody was told; `false` when nobody of that name was to be.
pub async fn told(tx: &OrgTx, request: Uuid, recipient: &str, at: DateTime<Utc>) -> Result<bool, Error> {
    let sql = "UPDATE privacy_notice SET told_at = $4 WHERE org_id = $1 AND request_id = $2 AND recipient = $3 \
               AND told_at IS NULL";
    let values = [tx.org().into(), request.into(), recipient.into(), at.into()];
    let done = tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(done.rows_affected() > 0)
}

/// Who is to be told, and who was.
pub async fn notices(tx: &OrgTx, request: Uuid) -> Result<Vec<Notice>, Error> {
    let sql = "SELECT recipient, noted_at, told_at FROM privacy_notice WHERE org_id = $1 AND request_id = $2 \
               ORDER BY recipient";
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into(), request.into()]);
    Ok(Notice::find_by_statement(statement).all(tx).await?)
}

/// Adds what a person has said of a purpose.
pub async fn insert_consent(tx: &OrgTx, row: Consent) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Everything a person has said, oldest first.
pub async fn list_consents(tx: &OrgTx, customer: Uuid) -> Result<Vec<Consent>, Error> {
    let rows = consent::Entity::find()
        .filter(consent::Column::OrgId.eq(tx.org()))
        .filter(consent::Column::CustomerId.eq(customer));
    Ok(rows.order_by_asc(consent::Column::Id).all(tx).await?)
}

/// Rows as names and texts.
pub type Rows = Vec<BTreeMap<String, String>>;

/// The values of some columns of the rows of a table that are about somebody; `of` names `$2`, the subject.
pub async fn values(tx: &OrgTx, from: &str, of: &str, columns: &[&str], subject: Uuid) -> Result<Rows, Error> {
    let postgres = tx.get_database_backend() == DbBackend::Postgres;
    let text = |c: &&str| {
        if postgres {
            format!("CAST(t.{c} AS TEXT) AS {c}")
        } else {
            format!("CASE WHEN typeof(t.{c}) = 'blob' THEN lower(hex(t.{c})) ELSE CAST(t.{c} AS TEXT) END AS {c}")
        }
    };
    let selected = columns.iter().map(text).collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT {selected} FROM {from} WHERE t.org_id = $1 AND {of}");
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into(), subject.into()]);
    let mut rows = Rows::new();
    for row in tx.query_all_raw(statement).await? {
        let mut values = BTreeMap::new();
        for column in columns {
            if let Some(value) = row.try_get::<Option<String>>("", column)?.filter(|v| !v.is_empty()) {
                values.insert((*column).to_owned(), value);
            }
        }
        rows.push(values);
    }
    Ok(rows)
}
