//! The log of reads of personal data: who looked at whom, when and for what. Ids only; rows wait in memory and are written
//! together, so that no request waits for a transaction of its own (decision 51).

use super::bulk::{self, literal};
use super::error::Error;
use super::sql::all;
use super::tx::{Db, OrgTx};
use entity::personal_reading;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// A row of the log.
pub type Reading = personal_reading::Model;

/// Ids one row holds; of a longer list the count stands alone.
pub const MOST_IDS: usize = 200;
/// Rows that wait at most: whoever comes then writes them.
pub const MOST_WAITING: usize = 2_000;

/// A table whose rows are of a customer each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// An invoice or a credit note.
    Invoice,
    /// A payment.
    Payment,
    /// A draft.
    Draft,
}

impl Kept {
    const fn table(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::Payment => "payment",
            Self::Draft => "invoice_draft",
        }
    }
}

/// Whom a read was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// These people.
    People(Vec<Uuid>),
    /// Those these things are of, each a customer's; looked up when the row is written.
    Of(Kept, Vec<Uuid>),
    /// So many, nobody by name.
    Many(usize),
}

/// A read that waits to be written.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The row; whom it is about is put in when it is written.
    pub row: Reading,
    /// Whom it is about.
    pub about: About,
}

/// Reads that wait.
#[derive(Default)]
pub struct Buffer {
    rows: Mutex<Vec<Waiting>>,
}

impl Buffer {
    fn rows(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a read wait.
    pub fn add(&self, waiting: Waiting) {
        self.rows().push(waiting);
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.rows().len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.rows().is_empty()
    }
}

/// Reads taken out to be written: what was not goes back, whatever happens.
struct Taken<'a> {
    buffer: &'a Buffer,
    by_org: BTreeMap<Uuid, Vec<Waiting>>,
}

impl<'a> Taken<'a> {
    fn from(buffer: &'a Buffer) -> Self {
        let mut by_org: BTreeMap<Uuid, Vec<Waiting>> = BTreeMap::new();
        for waiting in std::mem::take(&mut *buffer.rows()) {
            by_org.entry(waiting.row.org_id).or_default().push(waiting);
        }
        Self { buffer, by_org }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let left = std::mem::take(&mut self.by_org).into_values().flatten();
        self.buffer.rows().splice(0..0, left);
    }
}

/// Writes what waits, one transaction an organisation. A row that is there already is left: its answer was lost.
pub async fn write(db: &Db) -> Result<(), Error> {
    let mut taken = Taken::from(db.reads());
    let orgs: Vec<Uuid> = taken.by_org.keys().copied().collect();
    for org in orgs {
        if let Some(waiting) = taken.by_org.get(&org) {
            let tx = db.write(org).await?;
            let rows = known(&tx, waiting).await?;
            bulk::insert_new::<personal_reading::Entity>(&tx, &rows).await?;
            tx.commit().await?;
        }
        taken.by_org.remove(&org);
    }
    Ok(())
}

/// The rows with whom they are about.
async fn known(tx: &OrgTx, waiting: &[Waiting]) -> Result<Vec<Reading>, Error> {
    let mut customers = HashMap::new();
    for kept in [Kept::Invoice, Kept::Payment, Kept::Draft] {
        let ids = waiting.iter().filter_map(|w| match &w.about {
            About::Of(of, ids) if *of == kept => Some(ids),
            _ => None,
        });
        let mut ids: Vec<Uuid> = ids.flatten().copied().collect();
        ids.sort_unstable();
        ids.dedup();
        customers.extend(customers_of(tx, kept, &ids).await?);
    }
    Ok(waiting.iter().map(|w| named(w, &customers)).collect())
}

async fn customers_of(tx: &OrgTx, kept: Kept, ids: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>, Error> {
    #[derive(FromQueryResult)]
    struct Of {
        id: Uuid,
        customer_id: Uuid,
    }
    let mut found = Vec::new();
    for ids in ids.chunks(500) {
        let listed = ids.iter().map(|id| literal(tx, *id)).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT id, customer_id FROM {} WHERE org_id = $1 AND id IN ({listed}) AND customer_id IS NOT NULL",
            kept.table()
        );
        found.extend(all::<Of>(tx, &sql, vec![tx.org().into()]).await?.into_iter().map(|r| (r.id, r.customer_id)));
    }
    Ok(found)
}

/// A row with whom it is about.
fn named(waiting: &Waiting, customers: &HashMap<Uuid, Uuid>) -> Reading {
    let mut row = waiting.row.clone();
    let (mut ids, counted) = match &waiting.about {
        About::People(ids) => (ids.clone(), 0),
        // A thing that went meanwhile is counted all the same.
        About::Of(_, ids) => (ids.iter().filter_map(|id| customers.get(id).copied()).collect(), ids.len().min(1)),
        About::Many(count) => (Vec::new(), *count),
    };
    ids.sort_unstable();
    ids.dedup();
    row.people = i64::try_from(ids.len().max(counted)).unwrap_or(i64::MAX);
    match ids.as_slice() {
        [] => {}
        [only] => row.subject_id = Some(*only),
        several if several.len() <= MOST_IDS => {
            row.subjects = Some(several.iter().flat_map(Uuid::as_bytes).copied().collect());
        }
        _ => {}
    }
    row
}

/// Whether a row `t` is about a person, whose id is `$2`. The ids of a row stand in order: only one that begins before the person
/// and ends after is searched.
pub fn is_about(tx: &OrgTx) -> &'static str {
    match tx.get_database_backend() {
        DbBackend::Postgres => {
            "(t.subject_id = $2 OR (t.subjects IS NOT NULL AND substring(t.subjects FROM 1 FOR 16) <= uuid_send($2) \
             AND substring(t.subjects FROM length(t.subjects) - 15) >= uuid_send($2) \
             AND position(uuid_send($2) IN t.subjects) > 0))"
        }
        _ => {
            "(t.subject_id = $2 OR (t.subjects IS NOT NULL AND substr(t.subjects, 1, 16) <= $2 \
             AND substr(t.subjects, -16) >= $2 AND instr(t.subjects, $2) > 0))"
        }
    }
}

/// Reads after an id, oldest first: of one person, or of everybody.
pub async fn list(tx: &OrgTx, person: Option<Uuid>, after: Uuid, limit: u64) -> Result<Vec<Reading>, Error> {
    let columns =
        "t.org_id, t.id, t.at, t.actor_kind, t.actor_id, t.action, t.people, t.subject_id, t.subjects, t.reason";
    let (of, person) = match person {
        Some(person) => (is_about(tx), person),
        None => ("t.id <> $2", Uuid::nil()),
    };
    let sql = format!(
        "SELECT {columns} FROM personal_reading t WHERE t.org_id = $1 AND {of} AND t.id > $3 ORDER BY t.id LIMIT {limit}"
    );
    all(tx, &sql, vec![tx.org().into(), person.into(), after.into()]).await
}

/// Notes a read in the transaction that does it.
pub async fn insert(tx: &OrgTx, row: Reading) -> Result<(), Error> {
    bulk::insert_new::<personal_reading::Entity>(tx, &[row]).await
}

/// The people a row names.
pub fn people(row: &Reading) -> Vec<Uuid> {
    let several = row.subjects.as_deref().unwrap_or_default().chunks_exact(16);
    row.subject_id.into_iter().chain(several.filter_map(|id| Uuid::from_slice(id).ok())).collect()
}
