//! What backups and restores need of the database: a snapshot to dump from, counts of rows, and an empty place to load into.

use super::connect::{self, open};
use super::error::Error;
use super::tx::Db;
use crate::config::Database;
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, FromQueryResult,
    IsolationLevel, Statement, TransactionTrait,
};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::path::Path;

/// The newest migration this service knows.
pub fn newest_migration() -> String {
    Migrator::migrations().last().map(|m| m.name().to_owned()).unwrap_or_default()
}

async fn count_all<C: ConnectionTrait>(db: &C) -> Result<BTreeMap<String, i64>, Error> {
    #[derive(FromQueryResult)]
    struct Table {
        name: String,
    }
    #[derive(FromQueryResult)]
    struct Count {
        n: i64,
    }
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => {
            "SELECT c.relname::text AS name FROM pg_class c WHERE c.relkind = 'r' \
             AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
        }
        _ => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1",
    };
    let mut counts = BTreeMap::new();
    for table in Table::find_by_statement(Statement::from_string(backend, sql)).all(db).await? {
        let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM {}", table.name);
        let found = Count::find_by_statement(Statement::from_string(backend, sql)).one(db).await?;
        counts.insert(table.name, found.map_or(0, |c| c.n));
    }
    Ok(counts)
}

/// PostgreSQL: a moment everybody who names it sees the same, as the role that reads everything.
pub struct Snapshot {
    pool: DatabaseConnection,
    tx: DatabaseTransaction,
    /// What pg_dump calls it.
    pub id: String,
    /// Major version of the server.
    pub server: i32,
}

impl Snapshot {
    /// Opens one.
    pub async fn open(config: &Database) -> Result<Self, Error> {
        let url = config.backup_url.as_ref().ok_or(Error::NoBackupRole)?;
        let pool = open(url.expose_secret(), config, false).await?;
        let tx = pool.begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)).await?;
        let sql = "SELECT pg_export_snapshot() AS id, current_setting('server_version_num')::int / 10000 AS server, \
                   (SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = current_user) AS sees_all";
        let row = tx.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
        let row = row.ok_or(Error::inconsistent("pg_roles", "rolname"))?;
        if !row.try_get::<bool>("", "sees_all")? {
            let message = "the role of database.backup_url does not bypass row-level security: its dump would be empty";
            return Err(Error::Db(DbErr::Custom(message.to_owned())));
        }
        let (id, server) = (row.try_get("", "id")?, row.try_get("", "server")?);
        Ok(Self { pool, tx, id, server })
    }

    /// Rows of each table at that moment.
    pub async fn counts(&self) -> Result<BTreeMap<String, i64>, Error> {
        count_all(&self.tx).await
    }

    /// Lets it go.
    pub async fn close(self) -> Result<(), Error> {
        self.tx.rollback().await?;
        Ok(self.pool.close().await?)
    }
}

/// SQLite: rows of each table of a file nobody else uses.
pub async fn count_file(path: &Path) -> Result<BTreeMap<String, i64>, Error> {
    let url = format!("sqlite://{}?mode=ro&immutable=1", path.display());
    let mut options = sea_orm::ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let pool = sea_orm::Database::connect(options).await?;
    let counts = count_all(&pool).await;
    pool.close().await?;
    counts
}

/// A database something is loaded into, as its owner.
pub struct Target {
    pool: DatabaseConnection,
    url: SecretString,
}

impl Target {
    /// Opens it.
    pub async fn open(config: &Database) -> Result<Self, Error> {
        let url = config.owner_url.clone().unwrap_or_else(|| config.url.clone());
        Ok(Self { pool: open(url.expose_secret(), config, true).await?, url })
    }

    /// What it is signed in with.
    pub const fn url(&self) -> &SecretString {
        &self.url
    }

    /// Whether it holds no table yet.
    pub async fn is_empty(&self) -> Result<bool, Error> {
        Ok(count_all(&self.pool).await?.is_empty())
    }

    /// Rows of each table.
    pub async fn counts(&self) -> Result<BTreeMap<String, i64>, Error> {
        count_all(&self.pool).await
    }

    /// Gives the roles their rights again: a dump brings tables alone.
    pub async fn grant(&self) -> Result<(), Error> {
        if self.pool.get_database_backend() == DbBackend::Postgres {
            migration::grants::apply(&self.pool).await?;
        }
        Ok(())
    }

    /// A handle that checks what was loaded. It is the owner's, and serves nobody.
    pub fn handle(&self) -> Db {
        Db::new(self.pool.clone(), None)
    }

    /// Empties a scratch database.
    pub async fn empty(&self) -> Result<(), Error> {
        if self.pool.get_database_backend() == DbBackend::Postgres {
            self.pool.execute_unprepared("DROP SCHEMA public CASCADE").await?;
            self.pool.execute_unprepared("CREATE SCHEMA public").await?;
        }
        Ok(())
    }

    /// Closes it.
    pub async fn close(self) -> Result<(), Error> {
        Ok(self.pool.close().await?)
    }
}

/// Brings what was loaded up to the schema of this service.
pub async fn migrate(config: &Database) -> Result<(), Error> {
    connect::migrate(config).await
}
