//! The log of sign-ins with network addresses, and addresses that are blocked. People who sign in, keys nobody knows and blocks
//! belong to the installation: their tables are global. Codes of payers and known keys are logged with their organisation.

use super::bulk;
use super::error::Error;
use super::retention::Counted;
use super::tx::{Db, OrgTx, SystemTx};
use chrono::{DateTime, Utc};
use entity::{access_attempt, blocked_address, membership, sign_in};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, Statement,
};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

pub use access_attempt::Model as Attempt;
pub use blocked_address::Model as Block;
pub use sign_in::Model as SignIn;

/// Outcomes that count against an address. Refused keys do not: nobody guesses 256 bits, and a forgotten key is tried for days.
const FAILED: [&str; 2] = ["wrong", "dead"];

/// Notes an attempt at the console.
pub async fn insert(tx: &SystemTx, row: SignIn) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Notes an attempt at a door of the organisation.
pub async fn insert_attempt(tx: &OrgTx, row: Attempt) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Count {
    n: i64,
}

async fn count(tx: &impl ConnectionTrait, statement: Statement) -> Result<i64, Error> {
    Ok(Count::find_by_statement(statement).one(tx).await?.map_or(0, |c| c.n))
}

fn failed() -> String {
    FAILED.map(|f| format!("'{f}'")).join(", ")
}

/// Wrong passwords from a network since a time.
pub async fn failures(tx: &SystemTx, network: &str, since: DateTime<Utc>) -> Result<i64, Error> {
    let sql = format!(
        "SELECT CAST(COALESCE(SUM(attempts), 0) AS BIGINT) AS n FROM sign_in WHERE network = $1 AND at > $2 \
         AND outcome IN ({})",
        failed()
    );
    count(tx, Statement::from_sql_and_values(tx.get_database_backend(), sql, [network.into(), since.into()])).await
}

/// Wrong codes of the organisation's payers from a network since a time.
pub async fn failed_attempts(tx: &OrgTx, network: &str, since: DateTime<Utc>) -> Result<i64, Error> {
    let sql = format!(
        "SELECT CAST(COALESCE(SUM(attempts), 0) AS BIGINT) AS n FROM access_attempt WHERE org_id = $1 AND network = $2 \
         AND at > $3 AND outcome IN ({})",
        failed()
    );
    let values = [tx.org().into(), network.into(), since.into()];
    count(tx, Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await
}

/// The newest attempts to sign in to an account.
pub async fn list_of_user(tx: &SystemTx, user: Uuid, limit: u64) -> Result<Vec<SignIn>, Error> {
    let rows = sign_in::Entity::find().filter(sign_in::Column::UserId.eq(user));
    Ok(rows.order_by_desc(sign_in::Column::Id).limit(limit).all(tx).await?)
}

/// Whether somebody acts for the organisation.
pub async fn is_member(tx: &OrgTx, user: Uuid) -> Result<bool, Error> {
    Ok(membership::Entity::find_by_id((tx.org(), user)).one(tx).await?.is_some())
}

/// Which rows of the installation's log have had their time by one organisation's policy: those of its people, and those of
/// nobody. Each organisation deletes by its own time, so that the shortest holds.
pub struct Due<'a> {
    /// The beginning of the first day that is kept.
    pub before: DateTime<Utc>,
    /// Organisations that look into a breach: their people's rows are kept, and those of nobody.
    pub investigating: &'a [Uuid],
    /// People whose rows a hold of any organisation keeps.
    pub held_users: &'a [Uuid],
}

impl Due<'_> {
    fn listed(tx: &SystemTx, ids: &[Uuid]) -> String {
        ids.iter().map(|id| bulk::literal(tx, *id)).collect::<Vec<_>>().join(", ")
    }

    /// The rows whose time has come, and which of them are kept; `$1` is the organisation, `$2` the time.
    fn parts(&self, tx: &SystemTx) -> (&'static str, String) {
        let due = "s.at < $2 AND (s.user_id IS NULL OR EXISTS (SELECT 1 FROM membership m WHERE m.user_id = s.user_id \
                   AND m.org_id = $1))";
        let mut kept = Vec::new();
        if !self.investigating.is_empty() {
            let orgs = Self::listed(tx, self.investigating);
            kept.push(format!(
                "s.user_id IS NULL OR EXISTS (SELECT 1 FROM membership b WHERE b.user_id = s.user_id \
                 AND b.org_id IN ({orgs}))"
            ));
        }
        if !self.held_users.is_empty() {
            kept.push(format!("(s.user_id IS NOT NULL AND s.user_id IN ({}))", Self::listed(tx, self.held_users)));
        }
        (due, if kept.is_empty() { "FALSE".to_owned() } else { format!("({})", kept.join(" OR ")) })
    }

    /// How many are due, and how many are kept.
    pub async fn count(&self, tx: &SystemTx, org: Uuid) -> Result<Counted, Error> {
        let (due, kept) = self.parts(tx);
        let sql = format!(
            "SELECT CAST(COALESCE(SUM(CASE WHEN {kept} THEN 0 ELSE 1 END), 0) AS BIGINT) AS due, \
             CAST(COALESCE(SUM(CASE WHEN {kept} THEN 1 ELSE 0 END), 0) AS BIGINT) AS held FROM sign_in s WHERE {due}"
        );
        let statement =
            Statement::from_sql_and_values(tx.get_database_backend(), sql, [org.into(), self.before.into()]);
        Ok(Counted::find_by_statement(statement).one(tx).await?.unwrap_or(Counted { due: 0, held: 0 }))
    }

    /// Deletes some; how many.
    pub async fn delete(&self, tx: &SystemTx, org: Uuid, limit: u64) -> Result<u64, Error> {
        let (due, kept) = self.parts(tx);
        let sql = format!(
            "DELETE FROM sign_in WHERE id IN (SELECT s.id FROM sign_in s WHERE {due} AND NOT {kept} ORDER BY s.id \
             LIMIT {limit})"
        );
        let statement =
            Statement::from_sql_and_values(tx.get_database_backend(), sql, [org.into(), self.before.into()]);
        Ok(tx.execute_raw(statement).await?.rows_affected())
    }
}

/// Whether the organisation looks into a breach, and whose sign-ins a hold of these kinds keeps.
pub async fn kept_by(tx: &OrgTx, kinds: &[&str]) -> Result<(bool, Vec<Uuid>), Error> {
    #[derive(FromQueryResult)]
    struct User {
        subject_id: Uuid,
    }
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM breach WHERE org_id = $1 AND closed_at IS NULL";
    let open = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into()]);
    let investigating = count(tx, open).await? > 0;
    let kinds = kinds.iter().map(|k| format!("'{k}'")).collect::<Vec<_>>().join(", ");
    if kinds.is_empty() {
        return Ok((investigating, Vec::new()));
    }
    let sql = format!(
        "SELECT subject_id FROM privacy_hold WHERE org_id = $1 AND released_at IS NULL AND subject_kind = 'user' \
         AND kind IN ({kinds})"
    );
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into()]);
    let users = User::find_by_statement(statement).all(tx).await?.into_iter().map(|u| u.subject_id).collect();
    Ok((investigating, users))
}

/// Blocks of these ranges.
pub async fn find_blocks(tx: &impl ConnectionTrait, ranges: &[String]) -> Result<Vec<Block>, Error> {
    let rows = blocked_address::Entity::find().filter(blocked_address::Column::Range.is_in(ranges.to_vec()));
    Ok(rows.all(tx).await?)
}

/// A block.
pub async fn find_block(tx: &impl ConnectionTrait, id: Uuid) -> Result<Option<Block>, Error> {
    Ok(blocked_address::Entity::find_by_id(id).one(tx).await?)
}

/// Every block, the newest first.
pub async fn list_blocks(tx: &impl ConnectionTrait) -> Result<Vec<Block>, Error> {
    let rows = blocked_address::Entity::find().order_by_desc(blocked_address::Column::SinceAt);
    Ok(rows.order_by_desc(blocked_address::Column::Id).all(tx).await?)
}

/// Keeps blocks to this transaction until its end. On SQLite the one writer holds everything already.
pub async fn lock_blocks(tx: &impl ConnectionTrait) -> Result<(), Error> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("LOCK TABLE blocked_address IN SHARE ROW EXCLUSIVE MODE").await?;
    }
    Ok(())
}

/// Adds a block.
pub async fn insert_block(tx: &impl ConnectionTrait, row: Block) -> Result<(), Error> {
    blocked_address::Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

/// Writes all fields of a block.
pub async fn update_block(tx: &impl ConnectionTrait, row: Block) -> Result<(), Error> {
    blocked_address::Entity::update(row.into_active_model().reset_all()).exec(tx).await?;
    Ok(())
}

/// Lifts a block.
pub async fn delete_block(tx: &impl ConnectionTrait, id: Uuid) -> Result<(), Error> {
    blocked_address::Entity::delete_by_id(id).exec(tx).await?;
    Ok(())
}

/// What attempts that are refused without a look are counted by while they wait.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// How somebody tried to get in.
    pub how: &'static str,
    /// Whose key it was, and which, where it is known.
    pub key: Option<(Uuid, Uuid)>,
    /// Address and network it came from.
    pub from: Option<(String, String)>,
    /// Why it was refused.
    pub outcome: &'static str,
}

/// Refusals that wait to be written.
#[derive(Default)]
pub struct Refusals(Mutex<BTreeMap<Refusal, i64>>);

/// Different refusals that wait at most; of further ones the address is not kept.
const MOST_WAITING: usize = 10_000;

impl Refusals {
    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Refusal, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one.
    pub fn add(&self, refusal: Refusal) {
        let mut waiting = self.waiting();
        let full = waiting.len() >= MOST_WAITING && !waiting.contains_key(&refusal);
        let refusal = if full { Refusal { key: None, from: None, ..refusal } } else { refusal };
        *waiting.entry(refusal).or_default() += 1;
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }
}

/// Writes the refusals that wait, each kind as one row with how many there were. What cannot be written waits on.
pub async fn write_refusals(db: &Db, at: DateTime<Utc>, id: impl Fn() -> Uuid) -> Result<(), Error> {
    let taken = std::mem::take(&mut *db.refusals().waiting());
    let (mut nobodys, mut known) = (Vec::new(), BTreeMap::<Uuid, Vec<(&Refusal, i64)>>::new());
    for (refusal, attempts) in &taken {
        match refusal.key {
            Some((org, _)) => known.entry(org).or_default().push((refusal, *attempts)),
            None => nobodys.push((refusal, *attempts)),
        }
    }
    let mut failed = Ok(());
    let mut left: Vec<(&Refusal, i64)> = Vec::new();
    if let Err(error) = write_nobodys(db, &nobodys, at, &id).await {
        left.append(&mut nobodys);
        failed = Err(error);
    }
    for (org, mut refusals) in known {
        if let Err(error) = write_known(db, org, &refusals, at, &id).await {
            left.append(&mut refusals);
            failed = Err(error);
        }
    }
    let mut waiting = db.refusals().waiting();
    for (refusal, attempts) in left {
        *waiting.entry(refusal.clone()).or_default() += attempts;
    }
    failed
}

async fn write_nobodys(
    db: &Db,
    refusals: &[(&Refusal, i64)],
    at: DateTime<Utc>,
    id: &impl Fn() -> Uuid,
) -> Result<(), Error> {
    if refusals.is_empty() {
        return Ok(());
    }
    let tx = db.system().await?;
    for (refusal, attempts) in refusals {
        let (address, network) = refusal.from.clone().unzip();
        let (how, outcome, attempts) = (refusal.how.to_owned(), refusal.outcome.to_owned(), *attempts);
        insert(&tx, SignIn { id: id(), at, address, network, how, outcome, attempts, user_id: None }).await?;
    }
    tx.commit().await
}

async fn write_known(
    db: &Db,
    org_id: Uuid,
    refusals: &[(&Refusal, i64)],
    at: DateTime<Utc>,
    id: &impl Fn() -> Uuid,
) -> Result<(), Error> {
    let rows: Vec<Attempt> = refusals
        .iter()
        .map(|(refusal, attempts)| {
            let (address, network) = refusal.from.clone().unzip();
            let (how, outcome, attempts) = (refusal.how.to_owned(), refusal.outcome.to_owned(), *attempts);
            let (key_id, customer_id) = (refusal.key.map(|(_, key)| key), None);
            Attempt { org_id, id: id(), at, address, network, how, outcome, attempts, key_id, customer_id }
        })
        .collect();
    let tx = db.write(org_id).await?;
    bulk::insert_new::<access_attempt::Entity>(&tx, &rows).await?;
    tx.commit().await
}
