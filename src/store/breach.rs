//! The register of breaches, and whom each concerns: reckoned from the audit log and the log of reads.

use super::bulk::{self, literal};
use super::error::Error;
use super::sql::{Id, all, run};
use super::tx::OrgTx;
use chrono::{DateTime, Utc};
use entity::{breach, breach_person};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use std::collections::BTreeSet;
use uuid::Uuid;

pub use breach::Model as Breach;
pub use breach_person::Model as Affected;

/// Adds a breach.
pub async fn insert(tx: &OrgTx, row: Breach) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Writes all fields of a breach and counts its version up.
pub async fn update(tx: &OrgTx, mut row: Breach) -> Result<(), Error> {
    row.version += 1;
    row.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// A breach.
pub async fn find(tx: &OrgTx, id: Uuid) -> Result<Option<Breach>, Error> {
    Ok(breach::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// A breach, locked.
pub async fn lock(tx: &OrgTx, id: Uuid) -> Result<Option<Breach>, Error> {
    Ok(tx.for_update(breach::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// Breaches: open ones by when they are due, or all of them, the newest first.
pub async fn list(tx: &OrgTx, open: bool, limit: u64) -> Result<Vec<Breach>, Error> {
    let rows = breach::Entity::find().filter(breach::Column::OrgId.eq(tx.org()));
    let rows = if open {
        rows.filter(breach::Column::ClosedAt.is_null()).order_by_asc(breach::Column::DueAt)
    } else {
        rows.order_by_desc(breach::Column::Id)
    };
    Ok(rows.limit(limit).all(tx).await?)
}

/// Whose acts are looked at, and when they were.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// An API key or a user.
    pub actor: Uuid,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// People somebody has read of or done something with.
#[derive(Debug, Clone, Default)]
pub struct Touched {
    /// Ids of customers, contact persons and users.
    pub people: BTreeSet<Uuid>,
    /// Reads of lists too long for their people to be named.
    pub unlisted: u64,
}

/// Whom somebody has read of, by the log of reads.
pub async fn read_by(tx: &OrgTx, window: Window) -> Result<Touched, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        subject_id: Option<Uuid>,
        subjects: Option<Vec<u8>>,
        reads: i64,
    }
    let sql = "SELECT subject_id, subjects, CAST(COUNT(*) AS BIGINT) AS reads FROM personal_reading WHERE org_id = $1 \
               AND actor_id = $2 AND at >= $3 AND at <= $4 GROUP BY subject_id, subjects";
    let values = vec![tx.org().into(), window.actor.into(), window.from.into(), window.until.into()];
    let mut touched = Touched::default();
    for row in all::<Row>(tx, sql, values).await? {
        if row.subject_id.is_none() && row.subjects.is_none() {
            touched.unlisted += u64::try_from(row.reads).unwrap_or_default();
        }
        touched.people.extend(row.subject_id);
        let several = row.subjects.as_deref().unwrap_or_default().chunks_exact(16);
        touched.people.extend(several.filter_map(|id| Uuid::from_slice(id).ok()));
    }
    Ok(touched)
}

/// Customers whose things somebody has done something with, by the audit log.
pub async fn acted_on(tx: &OrgTx, window: Window) -> Result<Vec<Uuid>, Error> {
    let acts = "(SELECT subject_id FROM audit_event WHERE org_id = $1 AND actor_id = $2 AND at >= $3 AND at <= $4)";
    let of = |table: &str, column: &str| {
        format!("SELECT {column} AS id FROM {table} WHERE org_id = $1 AND id IN {acts} AND {column} IS NOT NULL")
    };
    let sql = [
        of("customer", "id"),
        of("invoice", "customer_id"),
        of("payment", "customer_id"),
        of("delivery", "customer_id"),
        of("standing_order", "customer_id"),
        of("invoice_draft", "customer_id"),
    ]
    .join(" UNION ");
    let values = vec![tx.org().into(), window.actor.into(), window.from.into(), window.until.into()];
    Ok(all::<Id>(tx, &sql, values).await?.into_iter().map(|r| r.id).collect())
}

/// The customers among some ids, and those some contact persons are of.
pub async fn customers_among(tx: &OrgTx, ids: &BTreeSet<Uuid>) -> Result<BTreeSet<Uuid>, Error> {
    let mut found = BTreeSet::new();
    for part in ids.iter().copied().collect::<Vec<_>>().chunks(500) {
        let listed = part.iter().map(|id| literal(tx, *id)).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT id FROM customer WHERE org_id = $1 AND id IN ({listed}) UNION \
             SELECT customer_id AS id FROM customer_contact WHERE org_id = $1 AND id IN ({listed})"
        );
        found.extend(all::<Id>(tx, &sql, vec![tx.org().into()]).await?.into_iter().map(|r| r.id));
    }
    Ok(found)
}

/// Every customer of the organisation, archived ones too.
pub async fn all_customers(tx: &OrgTx) -> Result<Vec<Uuid>, Error> {
    let sql = "SELECT id FROM customer WHERE org_id = $1";
    Ok(all::<Id>(tx, sql, vec![tx.org().into()]).await?.into_iter().map(|r| r.id).collect())
}

/// Adds people a breach concerns; who is there already stays as they were.
pub async fn add_people(tx: &OrgTx, rows: &[Affected]) -> Result<(), Error> {
    bulk::insert_new::<breach_person::Entity>(tx, rows).await
}

/// Whom a breach concerns, after an id.
pub async fn people(tx: &OrgTx, breach: Uuid, after: Uuid, limit: u64) -> Result<Vec<Affected>, Error> {
    let rows = breach_person::Entity::find()
        .filter(breach_person::Column::OrgId.eq(tx.org()))
        .filter(breach_person::Column::BreachId.eq(breach))
        .filter(breach_person::Column::CustomerId.gt(after));
    Ok(rows.order_by_asc(breach_person::Column::CustomerId).limit(limit).all(tx).await?)
}

/// Who is not told yet, after an id.
pub async fn waiting(tx: &OrgTx, breach: Uuid, after: Uuid, limit: u64) -> Result<Vec<Affected>, Error> {
    let rows = breach_person::Entity::find()
        .filter(breach_person::Column::OrgId.eq(tx.org()))
        .filter(breach_person::Column::BreachId.eq(breach))
        .filter(breach_person::Column::CustomerId.gt(after))
        .filter(breach_person::Column::InformedAt.is_null());
    Ok(rows.order_by_asc(breach_person::Column::CustomerId).limit(limit).all(tx).await?)
}

/// How many a breach concerns, and how many of them are told.
pub async fn tally(tx: &OrgTx, breach: Uuid) -> Result<(i64, i64), Error> {
    #[derive(FromQueryResult)]
    struct Tally {
        people: i64,
        told: i64,
    }
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) AS people, CAST(COUNT(informed_at) AS BIGINT) AS told FROM breach_person \
               WHERE org_id = $1 AND breach_id = $2";
    let found = all::<Tally>(tx, sql, vec![tx.org().into(), breach.into()]).await?.into_iter().next();
    Ok(found.map_or((0, 0), |t| (t.people, t.told)))
}

/// Notes that mail to somebody was refused: they are told on paper.
pub async fn refused(tx: &OrgTx, breach: Uuid, customer: Uuid) -> Result<(), Error> {
    let sql = "UPDATE breach_person SET informed_by = 'refused' WHERE org_id = $1 AND breach_id = $2 AND customer_id = $3 \
               AND informed_at IS NULL";
    run(tx, sql, vec![tx.org().into(), breach.into(), customer.into()]).await?;
    Ok(())
}

/// Notes that somebody was told, and how.
pub async fn told(tx: &OrgTx, breach: Uuid, customer: Uuid, by: &str, at: DateTime<Utc>) -> Result<(), Error> {
    let sql = "UPDATE breach_person SET informed_at = $4, informed_by = $5 WHERE org_id = $1 AND breach_id = $2 \
               AND customer_id = $3 AND informed_at IS NULL";
    run(tx, sql, vec![tx.org().into(), breach.into(), customer.into(), at.into(), by.into()]).await?;
    Ok(())
}
