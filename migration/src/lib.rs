//! The database schema, one change a file, the same on SQLite and PostgreSQL.
//!
//! To add one: a new file `mYYYYMMDD_HHMMSS_verb_noun.rs` with portable DDL, listed in `Migrator`. Never edit one that
//! has landed. Every table with `org_id` gets forced row-level security from `ddl::apply`.

mod ddl;
pub mod grants;
mod m20261123_000001_create_organisation;
mod m20261123_000002_create_customer;
mod m20261123_000003_create_invoice;
mod m20261123_000004_create_ledger;
mod m20261123_000005_create_delivery;
mod m20261123_000006_protect_history;
mod m20261124_000001_extend_registry;
mod m20261125_000001_add_channels;
mod m20261125_000002_add_webhooks;
mod m20261125_000003_add_users;
mod m20261126_000001_add_payer_links;
mod m20261126_000002_index_open_deliveries;
mod m20261127_000000_reckon_tenant_once;
mod m20261127_000001_add_privacy_policies;
mod m20261127_000002_add_privacy_statements;
mod m20261127_000003_add_retention;
mod m20261128_000001_add_archive;
mod m20261128_000002_add_privacy_requests;
mod m20261129_000001_add_processors;
mod m20261130_000001_log_reads;
mod m20261130_000002_add_breaches;
mod m20261201_000001_part_audit_chains;
mod m20261201_000002_add_statistics;
mod m20261201_000011_log_sign_ins;
mod m20261201_000012_block_addresses;
mod m20261201_000013_add_customer_notes;
mod m20261201_000021_review_restrictions;
mod m20261201_000031_tell_of_statements;
mod m20261201_000032_take_requests_in;
mod m20261201_000041_index_personal_data;
mod m20261201_000051_end_organisations;

pub use ddl::{APP_ROLE, BACKUP_ROLE, OWNER_ROLE, RETENTION_ROLE};
pub use sea_orm_migration::prelude::MigratorTrait;
use sea_orm_migration::prelude::*;

/// All migrations in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_create_organisation::Migration),
            Box::new(m20261123_000002_create_customer::Migration),
            Box::new(m20261123_000003_create_invoice::Migration),
            Box::new(m20261123_000004_create_ledger::Migration),
            Box::new(m20261123_000005_create_delivery::Migration),
            Box::new(m20261123_000006_protect_history::Migration),
            Box::new(m20261124_000001_extend_registry::Migration),
            Box::new(m20261125_000001_add_channels::Migration),
            Box::new(m20261125_000002_add_webhooks::Migration),
            Box::new(m20261125_000003_add_users::Migration),
            Box::new(m20261126_000001_add_payer_links::Migration),
            Box::new(m20261126_000002_index_open_deliveries::Migration),
            Box::new(m20261127_000000_reckon_tenant_once::Migration),
            Box::new(m20261127_000001_add_privacy_policies::Migration),
            Box::new(m20261127_000002_add_privacy_statements::Migration),
            Box::new(m20261127_000003_add_retention::Migration),
            Box::new(m20261128_000001_add_archive::Migration),
            Box::new(m20261128_000002_add_privacy_requests::Migration),
            Box::new(m20261129_000001_add_processors::Migration),
            Box::new(m20261130_000001_log_reads::Migration),
            Box::new(m20261130_000002_add_breaches::Migration),
            Box::new(m20261201_000001_part_audit_chains::Migration),
            Box::new(m20261201_000002_add_statistics::Migration),
            Box::new(m20261201_000011_log_sign_ins::Migration),
            Box::new(m20261201_000012_block_addresses::Migration),
            Box::new(m20261201_000013_add_customer_notes::Migration),
            Box::new(m20261201_000021_review_restrictions::Migration),
            Box::new(m20261201_000031_tell_of_statements::Migration),
            Box::new(m20261201_000032_take_requests_in::Migration),
            Box::new(m20261201_000041_index_personal_data::Migration),
            Box::new(m20261201_000051_end_organisations::Migration),
        ]
    }
}
