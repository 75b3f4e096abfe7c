//! Who works for the installation, and every acceptance of the data-processing agreement.

use crate::{ddl, grants};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE processor (
  id $uuid NOT NULL PRIMARY KEY,
  version $int NOT NULL,
  kind $text NOT NULL,
  name $text NOT NULL,
  service $text NOT NULL,
  country $text NOT NULL,
  agreement $text,
  agreement_on $date,
  transfer_ground $text,
  assessed_on $date,
  hosts $text NOT NULL,
  added_at $time NOT NULL,
  ended_at $time
);
CREATE UNIQUE INDEX processor_name ON processor (name, service) WHERE ended_at IS NULL;
CREATE TABLE agreement_acceptance (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  agreement_version $text NOT NULL,
  accepted_at $time NOT NULL,
  accepted_by $text,
  actor_kind $text NOT NULL,
  actor_id $uuid,
  superseded_at $time,
  PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX agreement_acceptance_in_force ON agreement_acceptance (org_id) WHERE superseded_at IS NULL;
INSERT INTO agreement_acceptance (org_id, id, agreement_version, accepted_at, actor_kind)
  SELECT org_id, org_id, dpa_version, dpa_accepted_at, 'operator' FROM organisation
  WHERE dpa_version IS NOT NULL AND dpa_accepted_at IS NOT NULL;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        let db = manager.get_connection();
        if db.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        db.execute_unprepared("ALTER TABLE agreement_acceptance ALTER COLUMN accepted_by SET STATISTICS 0").await?;
        grants::apply(db).await
    }
}
