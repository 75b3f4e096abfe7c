//! A day on which a restriction of processing is looked at again: one that nobody looks at would last for ever.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
ALTER TABLE customer ADD COLUMN restriction_review_on $date;
UPDATE customer SET restriction_review_on = DATE(restricted_at) WHERE restricted_at IS NOT NULL;
CREATE INDEX customer_restricted ON customer (org_id, restriction_review_on) WHERE restriction_review_on IS NOT NULL;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await
    }
}
