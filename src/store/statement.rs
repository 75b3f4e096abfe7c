//! Who is told of a version of the privacy statement, and who accepted it: ids and times.

use super::error::Error;
use super::sql::{Id, all, run};
use super::tx::OrgTx;
use chrono::{DateTime, Utc};
use entity::{statement_acceptance, statement_notice};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter, QueryOrder};
use uuid::Uuid;

pub use statement_acceptance::Model as Acceptance;
pub use statement_notice::Model as Told;

/// A version people are told of.
#[derive(Debug, Clone, Copy)]
pub struct Version {
    /// The statement.
    pub id: Uuid,
    /// When it was published: who came later is told at once, by the statement itself.
    pub published_at: DateTime<Utc>,
}

/// Customers a version concerns, who are not told, refused or being told: active, and not restricted.
const WAITING: &str = "c.org_id = $1 AND c.status = 'active' AND c.restricted_at IS NULL AND c.created_at < $3 \
    AND NOT EXISTS (SELECT 1 FROM statement_notice n WHERE n.org_id = c.org_id AND n.statement_id = $2 \
    AND n.person_id = c.id AND n.state <> 'unreachable')";

/// Customers who are not told of a version yet, after an id.
pub async fn customers_to_tell(tx: &OrgTx, of: Version, after: Uuid, limit: u64) -> Result<Vec<Uuid>, Error> {
    let sql = format!("SELECT c.id FROM customer c WHERE {WAITING} AND c.id > $4 ORDER BY c.id LIMIT {limit}");
    let values = vec![tx.org().into(), of.id.into(), of.published_at.into(), after.into()];
    Ok(all::<Id>(tx, &sql, values).await?.into_iter().map(|r| r.id).collect())
}

/// Users who are not told of a version yet.
pub async fn users_to_tell(tx: &OrgTx, of: Version) -> Result<Vec<Uuid>, Error> {
    let sql = "SELECT m.user_id AS id FROM membership m WHERE m.org_id = $1 AND m.created_at < $3 AND NOT EXISTS \
               (SELECT 1 FROM statement_notice n WHERE n.org_id = m.org_id AND n.statement_id = $2 \
               AND n.person_id = m.user_id AND n.state <> 'unreachable') ORDER BY m.user_id";
    let values = vec![tx.org().into(), of.id.into(), of.published_at.into()];
    Ok(all::<Id>(tx, sql, values).await?.into_iter().map(|r| r.id).collect())
}

/// How many customers with an address of their own nobody has tried to tell.
pub async fn count_untold(tx: &OrgTx, of: Version) -> Result<i64, Error> {
    #[derive(FromQueryResult)]
    struct Count {
        n: i64,
    }
    let sql = format!(
        "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM customer c JOIN customer_detail d ON d.org_id = c.org_id \
         AND d.customer_id = c.id WHERE {WAITING} AND d.email IS NOT NULL AND NOT EXISTS (SELECT 1 FROM statement_notice n \
         WHERE n.org_id = c.org_id AND n.statement_id = $2 AND n.person_id = c.id)"
    );
    let values = vec![tx.org().into(), of.id.into(), of.published_at.into()];
    Ok(all::<Count>(tx, &sql, values).await?.into_iter().next().map_or(0, |c| c.n))
}

/// Notes that somebody is about to be told, or could not be reached; false when they are told, or another is at it.
pub async fn claim(tx: &OrgTx, row: Told) -> Result<bool, Error> {
    let sql = "INSERT INTO statement_notice (org_id, statement_id, person_id, person_kind, state, noted_at) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (org_id, statement_id, person_id) \
               DO UPDATE SET state = $5, noted_at = $6 WHERE statement_notice.state = 'unreachable'";
    let values = vec![
        row.org_id.into(),
        row.statement_id.into(),
        row.person_id.into(),
        row.person_kind.into(),
        row.state.into(),
        row.noted_at.into(),
    ];
    Ok(run(tx, sql, values).await? > 0)
}

/// Notes what became of it.
pub async fn settle(tx: &OrgTx, statement: Uuid, person: Uuid, state: &str, at: DateTime<Utc>) -> Result<(), Error> {
    let sql = "UPDATE statement_notice SET state = $4, told_at = CASE WHEN $4 = 'sent' THEN $5 ELSE NULL END \
               WHERE org_id = $1 AND statement_id = $2 AND person_id = $3 AND state = 'sending'";
    let values = vec![tx.org().into(), statement.into(), person.into(), state.into(), at.into()];
    run(tx, sql, values).await?;
    Ok(())
}

/// Forgets that somebody was about to be told: nothing left.
pub async fn take_back(tx: &OrgTx, statement: Uuid, person: Uuid) -> Result<(), Error> {
    let sql = "DELETE FROM statement_notice WHERE org_id = $1 AND statement_id = $2 AND person_id = $3 \
               AND state = 'sending'";
    run(tx, sql, vec![tx.org().into(), statement.into(), person.into()]).await?;
    Ok(())
}

/// How many stand where.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Tally {
    /// sending, sent, refused or unreachable.
    pub state: String,
    /// How many.
    pub people: i64,
}

/// How many stand where, of a version.
pub async fn tally(tx: &OrgTx, statement: Uuid) -> Result<Vec<Tally>, Error> {
    let sql = "SELECT state, CAST(COUNT(*) AS BIGINT) AS people FROM statement_notice WHERE org_id = $1 \
               AND statement_id = $2 GROUP BY state";
    all(tx, sql, vec![tx.org().into(), statement.into()]).await
}

/// Keeps an acceptance; the first one stands.
pub async fn accept(tx: &OrgTx, row: Acceptance) -> Result<bool, Error> {
    if acceptance(tx, row.statement_id, row.user_id).await?.is_some() {
        return Ok(false);
    }
    row.into_active_model().insert(tx).await?;
    Ok(true)
}

/// What somebody accepted of a version.
pub async fn acceptance(tx: &OrgTx, statement: Uuid, user: Uuid) -> Result<Option<Acceptance>, Error> {
    let rows = statement_acceptance::Entity::find()
        .filter(statement_acceptance::Column::OrgId.eq(tx.org()))
        .filter(statement_acceptance::Column::StatementId.eq(statement))
        .filter(statement_acceptance::Column::UserId.eq(user));
    Ok(rows.one(tx).await?)
}

/// Who accepted a version, in order.
pub async fn acceptances(tx: &OrgTx, statement: Uuid) -> Result<Vec<Acceptance>, Error> {
    let rows = statement_acceptance::Entity::find()
        .filter(statement_acceptance::Column::OrgId.eq(tx.org()))
        .filter(statement_acceptance::Column::StatementId.eq(statement));
    Ok(rows.order_by_asc(statement_acceptance::Column::Id).all(tx).await?)
}
