//! Transactions: the only way to the database (decision 11).

use super::error::Error;
use super::idempotency;
use super::reading;
use super::sign_in;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, EntityTrait, ExecResult, QueryResult,
    QuerySelect, Select, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

/// The database.
#[derive(Clone)]
pub struct Db {
    pool: DatabaseConnection,
    /// What the retention role signs in with; PostgreSQL only.
    retention: Option<DatabaseConnection>,
    /// SQLite has one writer; waiting here is fairer and faster than polling (decision 54).
    writer: Arc<Mutex<()>>,
    held: idempotency::Held,
    /// Reads of personal data that wait to be written.
    reads: Arc<reading::Buffer>,
    /// Refused API keys that wait to be written.
    refusals: Arc<sign_in::Refusals>,
}

impl Db {
    pub(super) fn new(pool: DatabaseConnection, retention: Option<DatabaseConnection>) -> Self {
        Self {
            pool,
            retention,
            writer: Arc::default(),
            held: idempotency::Held::default(),
            reads: Arc::default(),
            refusals: Arc::default(),
        }
    }

    /// Which database it is.
    pub fn backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    /// Whether it is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.backend() == DbBackend::Postgres
    }

    /// A transaction that writes rows of one organisation. Dropped without `commit`, nothing is kept.
    pub async fn write(&self, org: Uuid) -> Result<OrgTx, Error> {
        Ok(OrgTx { handle: self.begin(&self.pool, Some(org), true).await?, org })
    }

    /// A transaction that reads rows of one organisation.
    pub async fn read(&self, org: Uuid) -> Result<OrgTx, Error> {
        Ok(OrgTx { handle: self.begin(&self.pool, Some(org), false).await?, org })
    }

    /// A transaction on the retention path (decision 2): it may delete what is append-only to all others, and sees the
    /// archive. On PostgreSQL it is another login; on SQLite a ticket in the transaction itself.
    pub async fn retain(&self, org: Uuid) -> Result<OrgTx, Error> {
        let pool = if self.is_postgres() { self.retention.as_ref().ok_or(Error::NoRetentionRole)? } else { &self.pool };
        let mut handle = self.begin(pool, Some(org), true).await?;
        if !self.is_postgres() {
            handle.tx.execute_unprepared("INSERT INTO retention_ticket (id) VALUES (1)").await?;
            handle.ticket = true;
        }
        Ok(OrgTx { handle, org })
    }

    /// A look at rows of one organisation that the retention path alone sees: the archive.
    pub async fn retain_look(&self, org: Uuid) -> Result<OrgTx, Error> {
        let pool = if self.is_postgres() { self.retention.as_ref().ok_or(Error::NoRetentionRole)? } else { &self.pool };
        Ok(OrgTx { handle: self.begin(pool, Some(org), false).await?, org })
    }

    /// SQLite: empties the write-ahead log, so that no page with a deleted value stays behind. False while somebody reads.
    pub async fn truncate_log(&self) -> Result<bool, Error> {
        if self.is_postgres() {
            return Ok(true);
        }
        let _writer = self.writer.clone().lock_owned().await;
        let checkpoint = async |how: &str| -> Result<(i32, i32, i32), Error> {
            let sql = Statement::from_string(DbBackend::Sqlite, format!("PRAGMA wal_checkpoint({how})"));
            let row = self.pool.query_one_raw(sql).await?.ok_or(Error::Busy)?;
            Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?))
        };
        // Looked at first, without waiting: a reader that stays would keep all writers waiting.
        let (busy, pages, moved) = checkpoint("PASSIVE").await?;
        if busy != 0 || pages != moved {
            return Ok(false);
        }
        let (busy, ..) = checkpoint("TRUNCATE").await?;
        Ok(busy == 0)
    }

    /// SQLite: writes the whole file anew, without free pages.
    pub async fn rewrite(&self) -> Result<(), Error> {
        let _writer = self.writer.clone().lock_owned().await;
        self.pool.execute_unprepared("VACUUM").await?;
        Ok(())
    }

    /// SQLite: writes a whole and consistent copy of the database to a new file, while others go on.
    pub async fn copy_to(&self, path: &str) -> Result<(), Error> {
        let sql = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO $1", [path.into()]);
        self.pool.execute_raw(sql).await?;
        Ok(())
    }

    /// A transaction over the queue tables of all organisations; ids only stand in these.
    pub async fn system(&self) -> Result<SystemTx, Error> {
        Ok(SystemTx { handle: self.begin(&self.pool, None, true).await? })
    }

    /// A look at the queue tables of all organisations.
    pub async fn system_look(&self) -> Result<SystemTx, Error> {
        Ok(SystemTx { handle: self.begin(&self.pool, None, false).await? })
    }

    /// Idempotency keys that requests of this process hold.
    pub const fn held_keys(&self) -> &idempotency::Held {
        &self.held
    }

    /// Reads of personal data that wait to be written.
    pub fn reads(&self) -> &reading::Buffer {
        &self.reads
    }

    /// Refused API keys that wait to be written.
    pub fn refusals(&self) -> &sign_in::Refusals {
        &self.refusals
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.pool.ping().await?)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        let _ = self.pool.close_by_ref().await;
        if let Some(retention) = &self.retention {
            let _ = retention.close_by_ref().await;
        }
    }

    async fn begin(&self, pool: &DatabaseConnection, org: Option<Uuid>, writes: bool) -> Result<Handle, Error> {
        let postgres = self.is_postgres();
        let writer = if writes && !postgres { Some(self.writer.clone().lock_owned().await) } else { None };
        let mode = if writes { SqliteTransactionMode::Immediate } else { SqliteTransactionMode::Deferred };
        let options = TransactionOptions { sqlite_transaction_mode: (!postgres).then_some(mode), ..Default::default() };
        let tx = pool.begin_with_options(options).await?;
        if postgres {
            let scope = match org {
                Some(org) => format!("SET LOCAL reskontro.org_id = '{org}'"),
                None => "SET LOCAL reskontro.system = 'on'".to_owned(),
            };
            tx.execute_unprepared(&scope).await?;
        }
        Ok(Handle { tx, failed: AtomicBool::new(false), ticket: false, _writer: writer })
    }
}

/// A transaction that remembers a failed statement: sqlx would commit it as if nothing had happened, and keep half the
/// work (SQLite) or none of it (PostgreSQL).
struct Handle {
    tx: DatabaseTransaction,
    failed: AtomicBool,
    /// On the retention path of SQLite: the ticket goes before the commit.
    ticket: bool,
    _writer: Option<OwnedMutexGuard<()>>,
}

impl Handle {
    fn note<T>(&self, result: Result<T, DbErr>) -> Result<T, DbErr> {
        if result.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        result
    }

    async fn commit(self) -> Result<(), Error> {
        if self.failed.load(Ordering::Relaxed) {
            self.tx.rollback().await?;
            return Err(Error::RolledBack);
        }
        if self.ticket {
            self.tx.execute_unprepared("DELETE FROM retention_ticket").await?;
        }
        Ok(self.tx.commit().await?)
    }
}

/// A transaction over the rows of one organisation.
pub struct OrgTx {
    handle: Handle,
    org: Uuid,
}

impl OrgTx {
    /// The organisation.
    pub const fn org(&self) -> Uuid {
        self.org
    }

    /// Locks the rows of a query until the end of the transaction; on SQLite the one writer holds them all already.
    pub(super) fn for_update<E: EntityTrait>(&self, query: Select<E>) -> Select<E> {
        if self.get_database_backend() == DbBackend::Postgres { query.lock_exclusive() } else { query }
    }

    /// Keeps what was written. An error when any statement failed: then nothing is kept.
    pub async fn commit(self) -> Result<(), Error> {
        self.handle.commit().await
    }
}

/// A transaction over queue tables.
pub struct SystemTx {
    handle: Handle,
}

impl SystemTx {
    /// Keeps what was written.
    pub async fn commit(self) -> Result<(), Error> {
        self.handle.commit().await
    }
}

macro_rules! connection {
    ($name:ident) => {
        #[async_trait::async_trait]
        impl ConnectionTrait for $name {
            fn get_database_backend(&self) -> DbBackend {
                ConnectionTrait::get_database_backend(&self.handle.tx)
            }
            async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
                self.handle.note(self.handle.tx.execute_raw(statement).await)
            }
            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                self.handle.note(self.handle.tx.execute_unprepared(sql).await)
            }
            async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
                self.handle.note(self.handle.tx.query_one_raw(statement).await)
            }
            async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
                self.handle.note(self.handle.tx.query_all_raw(statement).await)
            }
        }
    };
}

connection!(OrgTx);
connection!(SystemTx);
