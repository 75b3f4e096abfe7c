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
    /// The retention path needs a login of its own.
    #[error(
        "database.retention_url is not set: the login of reskontro_retention, made by `reskontro db setup`, is needed"
    )]
    NoRetentionRole,
    /// Rewriting tables needs their owner.
    #[error("database.owner_url is not set: the owner of the tables, reskontro_owner, is needed to rewrite them")]
    NoOwnerRole,
    /// A dump needs a role that sees all rows.
    #[error("database.backup_url is not set: the login of reskontro_backup, made by `reskontro db setup`, is needed")]
    NoBackupRole,
    /// Somebody still sees what is to be overwritten.
    #[error("a transaction that began earlier still sees deleted rows: try again when it has ended")]
    Busy,
    /// The relationship is over: who it was stands in the archive.
    #[error("the customer relationship is over, and who it was is in the statutory archive")]
    Archived,
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
