//! Opening a database, bringing its schema up to date, and making the roles of PostgreSQL.

use super::error::Error;
use super::tx::Db;
use crate::config::Database;
use chrono::{DateTime, Utc};
use migration::{APP_ROLE, BACKUP_ROLE, Migrator, MigratorTrait, OWNER_ROLE, RETENTION_ROLE};
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::SqliteJournalMode;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database as SeaDatabase, DatabaseConnection, DbBackend, DbErr, Statement,
};
use secrecy::ExposeSecret;
use std::time::Duration;

/// Opens the database for the service. On PostgreSQL a role that could see other organisations' rows is refused.
pub async fn connect(config: &Database) -> Result<Db, Error> {
    let pool = open(config.url.expose_secret(), config, false).await?;
    let mut retention = None;
    if pool.get_database_backend() == DbBackend::Postgres {
        refuse_mighty_role(&pool).await?;
        if let Some(url) = &config.retention_url {
            retention =
                Some(open(url.expose_secret(), &Database { max_connections: 2, ..config.clone() }, false).await?);
        }
    }
    Ok(Db::new(pool, retention))
}

/// Brings the schema up to date, as the owner on PostgreSQL.
pub async fn migrate(config: &Database) -> Result<(), Error> {
    let url = config.owner_url.as_ref().unwrap_or(&config.url).expose_secret();
    let pool = open(url, config, true).await?;
    Migrator::up(&pool, None).await?;
    pool.close().await?;
    Ok(())
}

/// The host a PostgreSQL URL leads to, as the driver reads it; none for a socket and for SQLite.
pub fn host_of(url: &str) -> Option<String> {
    if url.starts_with("sqlite:") {
        return None;
    }
    let options: PgConnectOptions = url.parse().ok()?;
    let host = options.get_host().to_owned();
    (options.get_socket().is_none() && !host.starts_with('/')).then_some(host)
}

/// Tenths of a second that older transactions are waited for.
const PATIENCE: u32 = 300;

/// Waits until nobody can see what was deleted before: a rewrite copies such rows with the rest. Writers of every database of
/// the server count, and readers of this one.
async fn settle_down(pool: &DatabaseConnection) -> Result<(), Error> {
    let value = async |sql: &str, values: Vec<sea_orm::Value>| -> Result<Option<sea_orm::QueryResult>, Error> {
        Ok(pool.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?)
    };
    let own = value("SELECT pg_current_xact_id()::text::bigint AS xid", Vec::new()).await?;
    let own: i64 = own.ok_or(Error::Busy)?.try_get("", "xid")?;
    let mut since: Option<DateTime<Utc>> = None;
    for _ in 0..PATIENCE {
        if since.is_none() {
            let sql =
                "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > $1 AS over, clock_timestamp() AS at";
            let row = value(sql, vec![own.into()]).await?.ok_or(Error::Busy)?;
            since = if row.try_get("", "over")? { Some(row.try_get("", "at")?) } else { None };
        }
        if let Some(since) = since {
            let sql = "SELECT COUNT(*) AS n FROM pg_stat_activity WHERE datname = current_database() \
                       AND backend_xmin IS NOT NULL AND xact_start < $1 AND pid <> pg_backend_pid()";
            let row = value(sql, vec![since.into()]).await?.ok_or(Error::Busy)?;
            if row.try_get::<i64>("", "n")? == 0 {
                return Ok(());
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Error::Busy)
}

/// PostgreSQL: rewrites tables without their dead rows, as the owner, and lets the log that held them go (decision 48).
pub async fn rewrite(config: &Database, tables: &[&str]) -> Result<(), Error> {
    let url = config.owner_url.as_ref().ok_or(Error::NoOwnerRole)?.expose_secret();
    let pool = open(url, config, true).await?;
    // One connection: the service waits for us no longer than this.
    pool.execute_unprepared("SET lock_timeout = '5s'").await?;
    settle_down(&pool).await?;
    for table in tables {
        pool.execute_unprepared(&format!("VACUUM (FULL) {table}")).await?;
    }
    // The log is switched only where something stands in it; recycled files would keep what they held.
    for sql in ["CHECKPOINT", "SELECT pg_switch_wal()", "CHECKPOINT"] {
        pool.execute_unprepared(sql).await?;
    }
    pool.close().await?;
    Ok(())
}

pub(super) async fn open(url: &str, config: &Database, owner: bool) -> Result<DatabaseConnection, Error> {
    let sqlite = url.starts_with("sqlite:");
    let url = if sqlite { sqlite_url(url)? } else { url.to_owned() };
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(if owner { 1 } else { config.max_connections })
        .acquire_timeout(Duration::from_secs(config.acquire_timeout_seconds))
        .sqlx_logging(false);
    if sqlite {
        options.map_sqlx_sqlite_opts(|o| {
            o.create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(30))
                // A commit is on disk before anybody is told of it: a mark, a payment (I7).
                .pragma("synchronous", "FULL")
                .pragma("secure_delete", "ON")
                .pragma("recursive_triggers", "ON")
                .pragma("temp_store", "MEMORY")
        });
    } else if owner {
        options.map_sqlx_postgres_opts(|o| o.options([("reskontro.migration", "on")]));
    }
    Ok(SeaDatabase::connect(options).await?)
}

fn sqlite_url(url: &str) -> Result<String, Error> {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    let folder = std::path::Path::new(path).parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder)
            .map_err(|e| Error::Db(DbErr::Custom(format!("the folder {} cannot be made: {e}", folder.display()))))?;
    }
    Ok(format!("sqlite://{path}?mode=rwc"))
}

/// A superuser, a role that bypasses row-level security, an owner of tables or a member of the retention role may not
/// serve (decision 10).
async fn refuse_mighty_role(pool: &DatabaseConnection) -> Result<(), Error> {
    let sql = "SELECT CASE WHEN r.rolsuper THEN 'is a superuser' \
               WHEN r.rolbypassrls THEN 'bypasses row-level security' \
               WHEN EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relowner = r.oid AND c.relkind = 'r' AND n.nspname = 'public') THEN 'owns the tables' \
               WHEN EXISTS (SELECT 1 FROM pg_roles x WHERE x.rolname = $1 AND pg_has_role(r.oid, x.oid, 'MEMBER')) \
                 THEN 'is a member of the retention role' END AS fault \
               FROM pg_roles r WHERE r.rolname = current_user";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [RETENTION_ROLE.into()]);
    let fault: Option<String> = match pool.query_one_raw(statement).await? {
        Some(row) => row.try_get("", "fault")?,
        None => None,
    };
    match fault {
        Some(fault) => Err(Error::Db(DbErr::Custom(format!(
            "the database role {fault}; sign in as {APP_ROLE}, made by `reskontro db setup`"
        )))),
        None => Ok(()),
    }
}

/// Passwords of the roles `reskontro db setup` makes.
#[derive(Debug, Clone)]
pub struct RolePasswords {
    /// Of `reskontro_owner`.
    pub owner: String,
    /// Of `reskontro_app`.
    pub app: String,
    /// Of `reskontro_backup`.
    pub backup: String,
    /// Of `reskontro_retention`.
    pub retention: String,
}

/// Makes the roles and a database they may use. Run by a superuser, once; running it again changes nothing but
/// passwords.
pub async fn setup_postgres(admin_url: &str, database: &str, passwords: &RolePasswords) -> Result<(), Error> {
    let admin = SeaDatabase::connect(ConnectOptions::new(admin_url.to_owned()).sqlx_logging(false).clone()).await?;
    if !database.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(Error::Db(DbErr::Custom("a database name has letters, digits and underscores".to_owned())));
    }
    for (role, password, extra) in [
        (OWNER_ROLE, &passwords.owner, ""),
        (APP_ROLE, &passwords.app, ""),
        (BACKUP_ROLE, &passwords.backup, " BYPASSRLS"),
        (RETENTION_ROLE, &passwords.retention, ""),
    ] {
        let known = exists(&admin, "SELECT 1 FROM pg_roles WHERE rolname = $1", role).await?;
        let verb = if known { "ALTER" } else { "CREATE" };
        let password = password.replace('\'', "''");
        admin.execute_unprepared(&format!("{verb} ROLE {role} LOGIN PASSWORD '{password}'{extra}")).await?;
    }
    if !exists(&admin, "SELECT 1 FROM pg_database WHERE datname = $1", database).await? {
        admin
            .execute_unprepared(&format!(
                "CREATE DATABASE {database} OWNER {OWNER_ROLE} TEMPLATE template0 ENCODING 'UTF8'"
            ))
            .await?;
    }
    admin.execute_unprepared(&format!("REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")).await?;
    for role in [APP_ROLE, BACKUP_ROLE, RETENTION_ROLE] {
        admin.execute_unprepared(&format!("GRANT CONNECT ON DATABASE {database} TO {role}")).await?;
    }
    admin.execute_unprepared(&format!("GRANT pg_checkpoint TO {OWNER_ROLE}")).await?;
    admin.close().await?;
    grant_defaults(admin_url, database).await
}

/// What the roles may do with tables the owner will make.
async fn grant_defaults(admin_url: &str, database: &str) -> Result<(), Error> {
    let mut url = admin_url.to_owned();
    if let Some(at) = url.rfind('/') {
        let query = url[at..].find('?').map(|q| url[at + q..].to_owned()).unwrap_or_default();
        url.truncate(at + 1);
        url.push_str(database);
        url.push_str(&query);
    }
    let inside = SeaDatabase::connect(ConnectOptions::new(url).sqlx_logging(false).clone()).await?;
    for (role, rights) in [
        (APP_ROLE, "SELECT, INSERT, UPDATE, DELETE"),
        (BACKUP_ROLE, "SELECT"),
        (RETENTION_ROLE, "SELECT, INSERT, DELETE"),
    ] {
        inside.execute_unprepared(&format!("GRANT USAGE ON SCHEMA public TO {role}")).await?;
        inside
            .execute_unprepared(&format!(
                "ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER_ROLE} IN SCHEMA public GRANT {rights} ON TABLES TO {role}"
            ))
            .await?;
    }
    inside.execute_unprepared(&format!("GRANT ALL ON SCHEMA public TO {OWNER_ROLE}")).await?;
    // To see whether somebody still reads what is being overwritten.
    inside.execute_unprepared(&format!("GRANT pg_read_all_stats TO {OWNER_ROLE}")).await?;
    // Rights on functions are those of one database.
    inside.execute_unprepared(&format!("GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {OWNER_ROLE}")).await?;
    inside.close().await?;
    Ok(())
}

async fn exists(db: &DatabaseConnection, sql: &str, name: &str) -> Result<bool, Error> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [name.into()]);
    Ok(db.query_one_raw(statement).await?.is_some())
}
