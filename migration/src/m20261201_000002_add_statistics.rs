//! Statistics of financial years that are over: counts and sums that stand for many, without a key.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE statistic_year (
  org_id $uuid NOT NULL,
  from_on $date NOT NULL,
  until_on $date NOT NULL,
  small_group $int NOT NULL,
  reckoned_at $time NOT NULL,
  PRIMARY KEY (org_id, from_on)
);
CREATE TABLE statistic (
  org_id $uuid NOT NULL,
  year_from_on $date NOT NULL,
  kind $text NOT NULL,
  month_no $int NOT NULL,
  items $int NOT NULL,
  net_ore $int NOT NULL,
  vat_ore $int NOT NULL,
  total_ore $int NOT NULL,
  customers $int NOT NULL,
  PRIMARY KEY (org_id, year_from_on, kind, month_no)
);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await
    }
}
