//! Notes of contacts with customers: support, and what matters for a booked item.

use crate::{ddl, grants};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE customer_note (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  customer_id $uuid NOT NULL,
  kind $text NOT NULL,
  channel $text NOT NULL,
  text $text NOT NULL,
  author_kind $text NOT NULL,
  author_id $uuid,
  contact_on $date NOT NULL,
  referred_invoice_id $uuid,
  created_at $time NOT NULL,
  closed_at $time,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX customer_note_customer ON customer_note (org_id, customer_id, contact_on);
CREATE TABLE archive_note (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  channel $text NOT NULL,
  text $text NOT NULL,
  author_kind $text NOT NULL,
  author_id $uuid,
  contact_on $date NOT NULL,
  referred_invoice_id $uuid,
  created_at $time NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX archive_note_customer ON archive_note (org_id, customer_id);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        let db = manager.get_connection();
        if db.get_database_backend() == DbBackend::Postgres {
            for table in ["customer_note", "archive_note"] {
                let sql = format!("ALTER TABLE {table} ALTER COLUMN text SET STATISTICS 0");
                db.execute_unprepared(&sql).await?;
            }
            grants::apply(db).await?;
        }
        Ok(())
    }
}
