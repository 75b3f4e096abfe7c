//! Policies by version, holds, and what is held of somebody by each clock.

use super::clocks::Kind;
use super::error::Error;
use super::tx::OrgTx;
use chrono::{DateTime, NaiveDate, Utc};
use entity::{privacy_hold, privacy_policy, privacy_statement};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, Statement,
};
use uuid::Uuid;

pub use privacy_hold::Model as HoldRow;
pub use privacy_policy::Model as PolicyRow;
pub use privacy_statement::Model as StatementRow;

/// Adds a version.
pub async fn insert_policy(tx: &OrgTx, row: PolicyRow) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Writes all fields of a version.
pub async fn update_policy(tx: &OrgTx, row: PolicyRow) -> Result<(), Error> {
    row.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// Every version, the newest first.
pub async fn list_policies(tx: &OrgTx) -> Result<Vec<PolicyRow>, Error> {
    let rows = privacy_policy::Entity::find().filter(privacy_policy::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_desc(privacy_policy::Column::VersionNo).all(tx).await?)
}

/// The version in force on a day: the newest of those that hold by then.
pub async fn policy_on(tx: &OrgTx, day: NaiveDate) -> Result<Option<PolicyRow>, Error> {
    let rows = privacy_policy::Entity::find()
        .filter(privacy_policy::Column::OrgId.eq(tx.org()))
        .filter(privacy_policy::Column::ValidFrom.lte(day))
        .order_by_desc(privacy_policy::Column::VersionNo)
        .limit(1);
    Ok(rows.one(tx).await?)
}

/// Adds a hold.
pub async fn insert_hold(tx: &OrgTx, row: HoldRow) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Writes all fields of a hold.
pub async fn update_hold(tx: &OrgTx, row: HoldRow) -> Result<(), Error> {
    row.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// A hold, locked.
pub async fn lock_hold(tx: &OrgTx, id: Uuid) -> Result<Option<HoldRow>, Error> {
    Ok(tx.for_update(privacy_hold::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// Holds in the order they were placed, after an id; released ones too when asked for.
pub async fn list_holds(tx: &OrgTx, released: bool, after: Uuid, limit: u64) -> Result<Vec<HoldRow>, Error> {
    let mut rows = privacy_hold::Entity::find()
        .filter(privacy_hold::Column::OrgId.eq(tx.org()))
        .filter(privacy_hold::Column::Id.gt(after));
    if !released {
        rows = rows.filter(privacy_hold::Column::ReleasedAt.is_null());
    }
    Ok(rows.order_by_asc(privacy_hold::Column::Id).limit(limit).all(tx).await?)
}

/// Holds that bind a thing or the customer it belongs to.
pub async fn holds_on(tx: &OrgTx, subject: Uuid, customer: Option<Uuid>) -> Result<Vec<HoldRow>, Error> {
    let which = Condition::any()
        .add(privacy_hold::Column::SubjectId.eq(subject))
        .add_option(customer.map(|customer| privacy_hold::Column::CustomerId.eq(customer)));
    let rows = privacy_hold::Entity::find()
        .filter(privacy_hold::Column::OrgId.eq(tx.org()))
        .filter(privacy_hold::Column::ReleasedAt.is_null())
        .filter(which);
    Ok(rows.order_by_asc(privacy_hold::Column::Id).all(tx).await?)
}

/// Something that has a life: whose customer it is of, if any. None: there is no such thing.
pub async fn customer_of(tx: &OrgTx, kind: Kind, id: Uuid) -> Result<Option<Option<Uuid>>, Error> {
    #[derive(FromQueryResult)]
    struct Found {
        customer_id: Option<Uuid>,
    }
    let sql = match kind {
        Kind::Customer => "SELECT id AS customer_id FROM customer WHERE org_id = $1 AND id = $2",
        Kind::Contact => "SELECT customer_id FROM customer_contact WHERE org_id = $1 AND id = $2",
        Kind::Invoice => "SELECT customer_id FROM invoice WHERE org_id = $1 AND id = $2",
        Kind::Payment => "SELECT customer_id FROM payment WHERE org_id = $1 AND id = $2",
        Kind::User => "SELECT CAST(NULL AS UUID) AS customer_id FROM membership WHERE org_id = $1 AND user_id = $2",
    };
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into(), id.into()]);
    Ok(Found::find_by_statement(statement).one(tx).await?.map(|f| f.customer_id))
}

/// The days a relationship is reckoned by.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Relationship {
    /// Last day, when it has ended or is to end.
    pub ended_on: Option<NaiveDate>,
    /// Where it stands.
    pub status: String,
    /// Day of the newest invoice.
    pub last_invoice_on: Option<NaiveDate>,
    /// Newest day anything was booked on.
    pub last_booked_on: Option<NaiveDate>,
    /// Day of the newest contact.
    pub last_contact_on: Option<NaiveDate>,
    /// When the customer was made.
    pub created_at: DateTime<Utc>,
    /// Owed in øre, over all invoices.
    pub open_ore: i64,
    /// Paid and not allocated, in øre.
    pub unallocated_ore: i64,
}

/// How a customer's relationship stands.
pub async fn relationship(tx: &OrgTx, customer: Uuid) -> Result<Option<Relationship>, Error> {
    let sql = "SELECT c.ended_on, c.status, c.created_at, \
        (SELECT MAX(i.issued_on) FROM invoice i WHERE i.org_id = $1 AND i.customer_id = $2) AS last_invoice_on, \
        (SELECT MAX(l.booked_on) FROM ledger_entry l WHERE l.org_id = $1 AND l.customer_id = $2) AS last_booked_on, \
        (SELECT MAX(n.contact_on) FROM customer_note n WHERE n.org_id = $1 AND n.customer_id = $2) AS last_contact_on, \
        CAST(COALESCE((SELECT SUM(o.remaining_ore) FROM open_item o WHERE o.org_id = $1 AND o.customer_id = $2 \
          AND o.remaining_ore > 0), 0) AS BIGINT) AS open_ore, \
        CAST(COALESCE((SELECT SUM(p.unallocated_ore) FROM payment p WHERE p.org_id = $1 AND p.customer_id = $2), 0) \
          AS BIGINT) AS unallocated_ore \
        FROM customer c WHERE c.org_id = $1 AND c.id = $2";
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into(), customer.into()]);
    Ok(Relationship::find_by_statement(statement).one(tx).await?)
}

/// Documents a provider was given.
#[derive(Debug, Clone, FromQueryResult)]
pub struct HandedOver {
    /// The channel.
    pub channel: String,
    /// How many documents.
    pub documents: i64,
    /// When the last was.
    pub last_at: DateTime<Utc>,
}

/// What was handed over of a customer or an invoice, by channel. `column` names the id.
pub async fn handed_over(tx: &OrgTx, column: &'static str, id: Uuid) -> Result<Vec<HandedOver>, Error> {
    // A delivery that went on to another channel was with the one before.
    let sql = format!(
        "SELECT channel, COUNT(*) AS documents, MAX(at) AS last_at FROM (SELECT channel, handed_over_at AS at \
         FROM delivery WHERE org_id = $1 AND {column} = $2 AND handed_over_at IS NOT NULL UNION ALL \
         SELECT e.channel, e.at FROM delivery d JOIN delivery_event e ON e.org_id = d.org_id AND e.delivery_id = d.id \
         WHERE d.org_id = $1 AND d.{column} = $2 AND e.kind = 'fallback') AS h GROUP BY channel ORDER BY channel"
    );
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into(), id.into()]);
    Ok(HandedOver::find_by_statement(statement).all(tx).await?)
}

/// Adds a published statement.
pub async fn insert_statement(tx: &OrgTx, row: StatementRow) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// The days from which published statements hold.
pub async fn list_statement_days(tx: &OrgTx) -> Result<Vec<NaiveDate>, Error> {
    let rows = privacy_statement::Entity::find().filter(privacy_statement::Column::OrgId.eq(tx.org()));
    Ok(rows.select_only().column(privacy_statement::Column::ValidFrom).into_tuple().all(tx).await?)
}

/// Published statements, the newest first.
pub async fn list_statements(tx: &OrgTx) -> Result<Vec<StatementRow>, Error> {
    let rows = privacy_statement::Entity::find().filter(privacy_statement::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_desc(privacy_statement::Column::VersionNo).all(tx).await?)
}
