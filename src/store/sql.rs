//! Statements written as SQL, within one organisation.

use super::error::Error;
use super::tx::OrgTx;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};
use uuid::Uuid;

/// A row's id.
#[derive(FromQueryResult)]
pub(super) struct Id {
    pub(super) id: Uuid,
}

/// Runs one; how many rows it touched.
pub(super) async fn run(tx: &OrgTx, sql: &str, values: Vec<Value>) -> Result<u64, Error> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

/// The rows one finds.
pub(super) async fn all<T: FromQueryResult>(tx: &OrgTx, sql: &str, values: Vec<Value>) -> Result<Vec<T>, Error> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(T::find_by_statement(statement).all(tx).await?)
}
