//! What can go wrong in the database, told apart by what to do about it.

use sea_orm::{DbErr, SqlErr};

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed or is away.
    #[error("database: {0}")]
    Db(DbErr),
    /// Stored data breaks a rule: somebody must look.
    #[error("stored data is inconsistent: {table}.{column}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A unique or foreign key said no.
    #[error("conflict: {0}")]
    Conflict(String),
    /// A statement failed earlier in this transaction, so nothing of it was kept.
    #[error("the transaction was rolled back")]
    RolledBack,
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(m) | SqlErr::ForeignKeyConstraintViolation(m)) => Self::Conflict(m),
            _ => Self::Db(error),
        }
    }
}

impl Error {
    /// Stored data breaks a rule.
    pub const fn inconsistent(table: &'static str, column: &'static str) -> Self {
        Self::Inconsistent { table, column }
    }
}
