//! Set-wise writes: UNNEST of one array a column on PostgreSQL, rows of values on SQLite. The only place that knows
//! which database it is.

mod fetch;

pub use fetch::{Keys, Wanted, by_ids, fetch, literal};

use super::error::Error;
use super::tx::OrgTx;
use sea_orm::sea_query::{ArrayType, ColumnType};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IdenStatic, Iterable, ModelTrait, PrimaryKeyToColumn,
    Statement, Value,
};
use std::fmt::Write;
use uuid::Uuid;

/// Rows a statement on PostgreSQL takes; larger is slower.
const POSTGRES_CHUNK: usize = 2_000;
/// Values a statement on SQLite takes.
const SQLITE_VALUES: usize = 1_000;

/// What to do with a row whose key exists.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Existing {
    Fail,
    Keep,
    Replace,
}

/// For a transaction that reads what it has just written: the statistics know nothing of those rows yet, and a plan
/// that scans the whole table for every chunk would take the square of the time.
pub async fn prefer_indexes(tx: &OrgTx) -> Result<(), Error> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off").await?;
    }
    Ok(())
}

/// Inserts rows; an existing key is an error.
pub async fn insert<E: EntityTrait>(tx: &OrgTx, rows: &[E::Model]) -> Result<(), Error>
where
    E::Model: ModelTrait<Entity = E>,
{
    write::<E>(tx, rows, Existing::Fail).await
}

/// Inserts rows whose key does not exist; the others stay as they are.
pub async fn insert_new<E: EntityTrait>(tx: &OrgTx, rows: &[E::Model]) -> Result<(), Error>
where
    E::Model: ModelTrait<Entity = E>,
{
    write::<E>(tx, rows, Existing::Keep).await
}

/// Inserts rows, or replaces those whose primary key exists.
pub async fn upsert<E: EntityTrait>(tx: &OrgTx, rows: &[E::Model]) -> Result<(), Error>
where
    E::Model: ModelTrait<Entity = E>,
{
    write::<E>(tx, rows, Existing::Replace).await
}

async fn write<E: EntityTrait>(tx: &OrgTx, rows: &[E::Model], existing: Existing) -> Result<(), Error>
where
    E::Model: ModelTrait<Entity = E>,
{
    let columns: Vec<E::Column> = E::Column::iter().collect();
    let postgres = tx.get_database_backend() == DbBackend::Postgres;
    let chunk = if postgres { POSTGRES_CHUNK } else { (SQLITE_VALUES / columns.len()).max(1) };
    for rows in rows.chunks(chunk) {
        let mut sql = head::<E>(&columns);
        let values =
            if postgres { unnest::<E>(&mut sql, &columns, rows) } else { row_values::<E>(&mut sql, &columns, rows) };
        match existing {
            Existing::Fail => {}
            Existing::Keep => sql.push_str(" ON CONFLICT DO NOTHING"),
            Existing::Replace => on_conflict::<E>(&mut sql, &columns),
        }
        tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    }
    Ok(())
}

/// Sets one whole-number column of many rows by id.
pub async fn set_number(tx: &OrgTx, table: &str, column: &str, changes: &[(Uuid, i64)]) -> Result<(), Error> {
    let backend = tx.get_database_backend();
    let postgres = backend == DbBackend::Postgres;
    for chunk in changes.chunks(if postgres { POSTGRES_CHUNK } else { SQLITE_VALUES / 2 }) {
        let (source, values) = if postgres {
            let ids: Vec<Uuid> = chunk.iter().map(|c| c.0).collect();
            let numbers: Vec<i64> = chunk.iter().map(|c| c.1).collect();
            let source = "unnest($2::uuid[], $3::bigint[]) AS v(column1, column2)".to_owned();
            (source, vec![tx.org().into(), ids.into(), numbers.into()])
        } else {
            let pairs: Vec<String> = (0..chunk.len()).map(|i| format!("(${}, ${})", 2 * i + 2, 2 * i + 3)).collect();
            let mut values: Vec<Value> = vec![tx.org().into()];
            values.extend(chunk.iter().flat_map(|(id, number)| [Value::from(*id), Value::from(*number)]));
            (format!("(VALUES {}) AS v", pairs.join(", ")), values)
        };
        let sql = format!("UPDATE {table} SET {column} = v.column2 FROM {source} WHERE org_id = $1 AND id = v.column1");
        tx.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    }
    Ok(())
}

fn head<E: EntityTrait>(columns: &[E::Column]) -> String {
    let names: Vec<&str> = columns.iter().map(sea_orm::IdenStatic::as_str).collect();
    format!("INSERT INTO {} ({}) ", E::default().table_name(), names.join(", "))
}

fn row_values<E: EntityTrait>(sql: &mut String, columns: &[E::Column], rows: &[E::Model]) -> Vec<Value>
where
    E::Model: ModelTrait<Entity = E>,
{
    let one = format!("({})", vec!["?"; columns.len()].join(", "));
    let _ = write!(sql, "VALUES {}", vec![one; rows.len()].join(", "));
    rows.iter().flat_map(|row| columns.iter().map(|c| row.get(*c))).collect()
}

/// One array a column, or one value where every row has the same: an organisation, a time, nothing. Arrays hold no NULL
/// here, so a stand-in travels and is turned back by the database.
fn unnest<E: EntityTrait>(sql: &mut String, columns: &[E::Column], rows: &[E::Model]) -> Vec<Value>
where
    E::Model: ModelTrait<Entity = E>,
{
    let mut bound = Vec::with_capacity(columns.len());
    let (mut selected, mut casts, mut names) = (Vec::with_capacity(columns.len()), Vec::new(), Vec::new());
    for (i, column) in columns.iter().enumerate() {
        let definition = column.def();
        let kind = Kind::of(definition.get_column_type());
        let place = format!("${}::{}", i + 1, kind.sql_type());
        let mut values: Vec<Value> = rows.iter().map(|row| row.get(*column)).collect();
        if values.windows(2).all(|pair| pair[0] == pair[1])
            && let Some(only) = values.pop()
        {
            selected.push(place);
            bound.push(only);
            continue;
        }
        let name = format!("c{i}");
        selected.push(kind.selected(&name, definition.is_null()));
        casts.push(format!("{place}[]"));
        names.push(name);
        let values = values.into_iter().map(|v| kind.stand_in(v)).collect();
        bound.push(Value::Array(kind.array_type(), Some(Box::new(values))));
    }
    let _ = write!(sql, "SELECT {}", selected.join(", "));
    // Without an array it is one row: two would have different keys.
    if !names.is_empty() {
        let _ = write!(sql, " FROM unnest({}) AS t({})", casts.join(", "), names.join(", "));
    }
    bound
}

fn on_conflict<E: EntityTrait>(sql: &mut String, columns: &[E::Column]) {
    let keys: Vec<String> = E::PrimaryKey::iter().map(|k| k.into_column().as_str().to_owned()).collect();
    let set: Vec<String> = columns
        .iter()
        .map(sea_orm::IdenStatic::as_str)
        .filter(|c| !keys.iter().any(|k| k == c))
        .map(|c| format!("{c} = excluded.{c}"))
        .collect();
    let _ = write!(sql, " ON CONFLICT ({}) DO UPDATE SET {}", keys.join(", "), set.join(", "));
}

/// How the values of a column travel in an array.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Uuid,
    Int,
    Bool,
    Text,
    Bytes,
    Date,
    Time,
}

/// Stands for NULL in a text array; no stored text holds control characters.
const NO_TEXT: &str = "\u{1}";

impl Kind {
    fn of(column: &ColumnType) -> Self {
        match column {
            ColumnType::Uuid => Self::Uuid,
            ColumnType::BigInteger => Self::Int,
            ColumnType::Boolean => Self::Bool,
            ColumnType::Date => Self::Date,
            ColumnType::TimestampWithTimeZone | ColumnType::Timestamp => Self::Time,
            ColumnType::VarBinary(_) | ColumnType::Binary(_) | ColumnType::Blob => Self::Bytes,
            _ => Self::Text,
        }
    }

    const fn sql_type(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Int => "bigint",
            Self::Bool => "boolean",
            Self::Bytes => "bytea",
            Self::Text => "text",
            Self::Date => "date",
            Self::Time => "timestamptz",
        }
    }

    const fn array_type(self) -> ArrayType {
        match self {
            Self::Uuid => ArrayType::Uuid,
            Self::Int => ArrayType::BigInt,
            Self::Bool => ArrayType::Bool,
            Self::Bytes => ArrayType::Bytes,
            Self::Text => ArrayType::String,
            Self::Date => ArrayType::ChronoDate,
            Self::Time => ArrayType::ChronoDateTimeUtc,
        }
    }

    fn selected(self, name: &str, nullable: bool) -> String {
        let none = match self {
            _ if !nullable => return name.to_owned(),
            Self::Uuid => "'00000000-0000-0000-0000-000000000000'".to_owned(),
            Self::Int => i64::MIN.to_string(),
            Self::Text => "E'\\x01'".to_owned(),
            Self::Bytes => "''::bytea".to_owned(),
            Self::Date => "DATE '1970-01-01'".to_owned(),
            Self::Time => "TIMESTAMPTZ '1970-01-01 00:00:00+00'".to_owned(),
            Self::Bool => return name.to_owned(),
        };
        format!("NULLIF({name}, {none})")
    }

    /// A value, or what stands for NULL: no business is done on the first day of 1970.
    fn stand_in(self, value: Value) -> Value {
        match (self, value) {
            (Self::Uuid, Value::Uuid(None)) => Value::Uuid(Some(uuid::Uuid::nil())),
            (Self::Int, Value::BigInt(None)) => Value::BigInt(Some(i64::MIN)),
            (Self::Text, Value::String(None)) => Value::String(Some(NO_TEXT.to_owned())),
            (Self::Bytes, Value::Bytes(None)) => Value::Bytes(Some(Vec::new())),
            (Self::Date, Value::ChronoDate(None)) => Value::ChronoDate(Some(chrono::NaiveDate::default())),
            (Self::Time, Value::ChronoDateTimeUtc(None)) => {
                Value::ChronoDateTimeUtc(Some(chrono::DateTime::UNIX_EPOCH))
            }
            (_, other) => other,
        }
    }
}
