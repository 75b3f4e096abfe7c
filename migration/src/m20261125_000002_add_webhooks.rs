//! Webhooks: endpoints, how far each has been told, and the messages on their way; events in the order they were kept.

use crate::ddl;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
ALTER TABLE audit_event ADD COLUMN position $int NOT NULL DEFAULT 0;
CREATE TABLE webhook_endpoint (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  url $text NOT NULL,
  types $text NOT NULL,
  secret $bytes NOT NULL,
  old_secret $bytes,
  old_secret_until_at $time,
  state $text NOT NULL,
  disabled_at $time,
  disabled_why $text,
  failing_since_at $time,
  last_success_at $time,
  created_at $time NOT NULL,
  updated_at $time NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE TABLE webhook_cursor (
  org_id $uuid NOT NULL,
  endpoint_id $uuid NOT NULL,
  position $int NOT NULL,
  event_id $uuid NOT NULL,
  active $bool NOT NULL,
  PRIMARY KEY (org_id, endpoint_id)
);
CREATE TABLE webhook_message (
  org_id $uuid NOT NULL,
  endpoint_id $uuid NOT NULL,
  event_id $uuid NOT NULL,
  kind $text NOT NULL,
  subject_kind $text NOT NULL,
  subject_id $uuid,
  happened_at $time NOT NULL,
  state $text NOT NULL,
  attempts $int NOT NULL,
  not_before_at $time NOT NULL,
  lease_until_at $time,
  status $int,
  error $text,
  done_at $time,
  PRIMARY KEY (org_id, endpoint_id, event_id)
);
CREATE INDEX webhook_message_due ON webhook_message (not_before_at, org_id) WHERE state = 'queued';
CREATE INDEX webhook_message_done ON webhook_message (org_id, done_at) WHERE state <> 'queued';
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        ddl::allow_system(manager, &["webhook_cursor", "webhook_message"]).await?;
        let db = manager.get_connection();
        if db.get_database_backend() == DbBackend::Postgres {
            // The number of the transaction: a reader that stops at the oldest one still running misses nothing.
            // SQLite has one writer, whose rows stand in order by themselves.
            for sql in [
                "ALTER TABLE audit_event ALTER COLUMN position SET DEFAULT (pg_current_xact_id()::text)::bigint",
                "CREATE INDEX audit_event_position ON audit_event (org_id, position, id)",
            ] {
                db.execute_unprepared(sql).await?;
            }
        }
        Ok(())
    }
}
