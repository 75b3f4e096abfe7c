//! Set-wise reads: the rows of many keys, each found by its index.

use super::super::error::Error;
use super::super::tx::OrgTx;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, IdenStatic, Iterable, Statement, Value};
use uuid::Uuid;

/// Keys a statement on PostgreSQL takes.
const POSTGRES_KEYS: usize = 2_000;
/// Keys a statement on SQLite takes.
const SQLITE_KEYS: usize = 500;

/// What rows are looked up by.
#[derive(Clone, Copy)]
pub enum Keys<'a> {
    /// Ids.
    Ids(&'a [Uuid]),
    /// Texts.
    Texts(&'a [&'a str]),
    /// Hashes.
    Hashes(&'a [Vec<u8>]),
}

impl Keys<'_> {
    const fn len(&self) -> usize {
        match self {
            Self::Ids(k) => k.len(),
            Self::Texts(k) => k.len(),
            Self::Hashes(k) => k.len(),
        }
    }

    const fn sql_type(&self) -> &'static str {
        match self {
            Self::Ids(_) => "uuid",
            Self::Texts(_) => "text",
            Self::Hashes(_) => "bytea",
        }
    }

    fn array(&self, range: std::ops::Range<usize>) -> Value {
        match self {
            Self::Ids(k) => k[range].to_vec().into(),
            Self::Texts(k) => k[range].iter().map(|t| (*t).to_owned()).collect::<Vec<String>>().into(),
            Self::Hashes(k) => k[range].to_vec().into(),
        }
    }

    fn single(&self, i: usize) -> Value {
        match self {
            Self::Ids(k) => k[i].into(),
            Self::Texts(k) => k[i].into(),
            Self::Hashes(k) => k[i].clone().into(),
        }
    }
}

/// Which rows, and whether they are locked in the order of the keys.
pub struct Wanted<'a, C> {
    /// Column the keys are of; it stands right after `org_id` in an index.
    pub column: C,
    /// The keys, each once; sorted where rows are locked.
    pub keys: Keys<'a>,
    /// A further condition, beginning with `AND`; holds no input.
    pub also: &'a str,
    /// Locks the rows on PostgreSQL.
    pub lock: bool,
}

/// A uuid as it stands in SQL text of this database.
pub fn literal(tx: &impl ConnectionTrait, id: Uuid) -> String {
    if tx.get_database_backend() == DbBackend::Postgres { format!("'{id}'") } else { format!("x'{}'", id.simple()) }
}

/// The rows of many keys.
///
/// On PostgreSQL each key is looked up by itself (`OFFSET 0` keeps the planner from turning it round): statistics of
/// rows written a moment ago are missing, and a list of keys would be compared with every row of the organisation.
pub async fn fetch<E: EntityTrait>(tx: &OrgTx, wanted: Wanted<'_, E::Column>) -> Result<Vec<E::Model>, Error> {
    let postgres = tx.get_database_backend() == DbBackend::Postgres;
    let columns: Vec<&str> = E::Column::iter().map(|c| c.as_str()).collect();
    let (columns, table, key) = (columns.join(", "), E::default().table_name().to_owned(), wanted.column.as_str());
    let size = if postgres { POSTGRES_KEYS } else { SQLITE_KEYS };
    let mut out = Vec::with_capacity(wanted.keys.len());
    let mut from = 0;
    while from < wanted.keys.len() {
        let to = (from + size).min(wanted.keys.len());
        let also = wanted.also;
        let (sql, values) = if postgres {
            let lock = if wanted.lock { "FOR UPDATE" } else { "" };
            let sql = format!(
                "SELECT t.* FROM unnest($2::{}[]) AS k(v) CROSS JOIN LATERAL (SELECT {columns} FROM {table} \
                 WHERE org_id = $1 AND {key} = k.v {also} OFFSET 0 {lock}) t",
                wanted.keys.sql_type()
            );
            (sql, vec![tx.org().into(), wanted.keys.array(from..to)])
        } else {
            let marks = vec!["?"; to - from].join(", ");
            let sql = format!("SELECT {columns} FROM {table} WHERE org_id = ? AND {key} IN ({marks}) {also}");
            let mut values: Vec<Value> = vec![tx.org().into()];
            values.extend((from..to).map(|i| wanted.keys.single(i)));
            (sql, values)
        };
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
        out.extend(E::find().from_raw_sql(statement).all(tx).await?);
        from = to;
    }
    Ok(out)
}

/// The rows of many ids, in no order.
pub async fn by_ids<E: EntityTrait>(tx: &OrgTx, column: E::Column, ids: &[Uuid]) -> Result<Vec<E::Model>, Error> {
    fetch::<E>(tx, Wanted { column, keys: Keys::Ids(ids), also: "", lock: false }).await
}
