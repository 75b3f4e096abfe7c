//! The log of reads of personal data. What was read of the archive stands in it too, with its reason.

use crate::ddl;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE personal_reading (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  at $time NOT NULL,
  actor_kind $text NOT NULL,
  actor_id $uuid,
  action $text NOT NULL,
  people $int NOT NULL,
  subject_id $uuid,
  subjects $bytes,
  reason $text,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX personal_reading_subject ON personal_reading (org_id, subject_id, id) WHERE subject_id IS NOT NULL;
CREATE INDEX personal_reading_several ON personal_reading (org_id, id) WHERE subjects IS NOT NULL;
CREATE INDEX personal_reading_at ON personal_reading (org_id, at);
INSERT INTO personal_reading (org_id, id, at, actor_kind, actor_id, action, people, subject_id, reason)
  SELECT org_id, id, at, actor_kind, actor_id, 'archive.read', 1, customer_id, reason FROM archive_reading;
DROP TABLE archive_reading;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        let db = manager.get_connection();
        if db.get_database_backend() == DbBackend::Postgres {
            let sql = "CREATE TRIGGER personal_reading_append_only BEFORE UPDATE OR DELETE OR TRUNCATE \
                       ON personal_reading FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()";
            db.execute_unprepared(sql).await?;
            db.execute_unprepared("ALTER TABLE personal_reading ALTER COLUMN reason SET STATISTICS 0").await?;
            return Ok(());
        }
        for sql in [
            "CREATE TRIGGER personal_reading_no_update BEFORE UPDATE ON personal_reading \
             BEGIN SELECT RAISE(ABORT, 'personal_reading is append-only'); END",
            "CREATE TRIGGER personal_reading_no_delete BEFORE DELETE ON personal_reading \
             WHEN NOT EXISTS (SELECT 1 FROM retention_ticket) \
             BEGIN SELECT RAISE(ABORT, 'personal_reading is append-only'); END",
        ] {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
