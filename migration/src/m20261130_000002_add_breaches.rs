//! The register of breaches, and whom each concerns.

use crate::ddl;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE breach (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  as_processor $bool NOT NULL,
  noticed_at $time NOT NULL,
  due_at $time NOT NULL,
  happened_from_at $time,
  happened_until_at $time,
  what $text NOT NULL,
  categories $text,
  cause $text,
  consequences $text,
  measures $text,
  risk $text NOT NULL,
  people $int NOT NULL,
  authority_notified_at $time,
  authority_reference $text,
  not_notified_because $text,
  late_because $text,
  controller_told_at $time,
  persons_informed_at $time,
  not_informed_because $text,
  told_hours_left $int,
  created_at $time NOT NULL,
  updated_at $time NOT NULL,
  closed_at $time,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX breach_open ON breach (org_id, due_at) WHERE closed_at IS NULL;
CREATE TABLE breach_person (
  org_id $uuid NOT NULL,
  breach_id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  letter_id $uuid NOT NULL,
  found_by $text NOT NULL,
  noted_at $time NOT NULL,
  informed_at $time,
  informed_by $text,
  PRIMARY KEY (org_id, breach_id, customer_id)
);
CREATE INDEX breach_person_customer ON breach_person (org_id, customer_id);
";

/// Texts whose values the planner keeps no samples of.
const NO_SAMPLES: &str =
    "what categories cause consequences measures not_notified_because late_because not_informed_because";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        let db = manager.get_connection();
        if db.get_database_backend() == DbBackend::Postgres {
            for column in NO_SAMPLES.split(' ') {
                let sql = format!("ALTER TABLE breach ALTER COLUMN {column} SET STATISTICS 0");
                db.execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }
}
