//! The audit log in two chains, each with its own clock; a segment says when its events went, and by which rule.
//!
//! What was sealed before the log was parted is mixed: it belongs to the chain that is kept longer.

use crate::ddl::{self, RETENTION_ROLE};
use crate::grants;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
ALTER TABLE audit_event ADD COLUMN chain $text NOT NULL DEFAULT 'books';
ALTER TABLE audit_segment RENAME TO audit_segment_before;
CREATE TABLE audit_segment (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  chain $text NOT NULL,
  last_event_id $uuid NOT NULL,
  events $int NOT NULL,
  newest_at $time NOT NULL,
  previous_hash $bytes NOT NULL,
  head_hash $bytes NOT NULL,
  sealed_at $time NOT NULL,
  pruned_at $time,
  pruned_by $text,
  PRIMARY KEY (org_id, id)
);
INSERT INTO audit_segment (org_id, id, chain, last_event_id, events, newest_at, previous_hash, head_hash, sealed_at)
  SELECT s.org_id, s.id, 'books', s.last_event_id, s.events, COALESCE((SELECT e.at FROM audit_event e
  WHERE e.org_id = s.org_id AND e.id = s.last_event_id), s.sealed_at), s.previous_hash, s.head_hash, s.sealed_at
  FROM audit_segment_before s;
DROP TABLE audit_segment_before;
CREATE INDEX audit_segment_standing ON audit_segment (org_id, chain, newest_at) WHERE pruned_at IS NULL;
";

/// What never changes once it is sealed.
const SEALED: &str = "org_id, id, chain, last_event_id, events, newest_at, previous_hash, head_hash, sealed_at";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        let db = manager.get_connection();
        let postgres = db.get_database_backend() == DbBackend::Postgres;
        for sql in if postgres { on_postgres() } else { on_sqlite() } {
            db.execute_unprepared(&sql).await?;
        }
        if postgres { grants::apply(db).await } else { Ok(()) }
    }
}

/// The mark is set once, by the retention path; everything else stands for ever.
fn on_postgres() -> Vec<String> {
    vec![
        format!(
            "CREATE TRIGGER audit_segment_append_only BEFORE UPDATE OF {SEALED} OR DELETE OR TRUNCATE ON audit_segment \
             FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        ),
        format!(
            "CREATE TRIGGER audit_segment_marked_once BEFORE UPDATE OF pruned_at, pruned_by ON audit_segment FOR EACH ROW \
             WHEN (current_user <> '{RETENTION_ROLE}' OR OLD.pruned_at IS NOT NULL) EXECUTE FUNCTION refuse_change()"
        ),
    ]
}

fn on_sqlite() -> Vec<String> {
    let refuse = "BEGIN SELECT RAISE(ABORT, 'audit_segment is append-only'); END";
    let without_ticket = "NOT EXISTS (SELECT 1 FROM retention_ticket)";
    vec![
        format!("CREATE TRIGGER audit_segment_no_update BEFORE UPDATE OF {SEALED} ON audit_segment {refuse}"),
        format!(
            "CREATE TRIGGER audit_segment_marked_once BEFORE UPDATE OF pruned_at, pruned_by ON audit_segment \
             WHEN OLD.pruned_at IS NOT NULL OR {without_ticket} {refuse}"
        ),
        format!("CREATE TRIGGER audit_segment_no_delete BEFORE DELETE ON audit_segment WHEN {without_ticket} {refuse}"),
    ]
}
