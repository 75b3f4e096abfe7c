//! What the roles of PostgreSQL may do besides what they may with every table: given by the migrations, and again after a
//! restore, which brings tables and no rights.

use crate::ddl::{APP_ROLE, RETENTION_ROLE};
use sea_orm_migration::prelude::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

/// What only the retention role reads.
const CLOSED: [&str; 6] =
    ["archive_customer", "archive_party", "archive_text", "archive_payer", "archive_document", "archive_reading"];

/// What retention changes besides what it deletes.
const CHANGED: [&str; 16] = [
    "customer",
    "customer_detail",
    "delivery",
    "delivery_attempt",
    "delivery_event",
    "mandate",
    "customer_plan",
    "number_series",
    "organisation",
    "org_directory",
    "payment",
    "open_item",
    "standing_order",
    "privacy_hold",
    "privacy_erasure",
    "erased_number",
];

/// Gives them, as the owner of the tables.
pub async fn apply(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    for table in CLOSED {
        db.execute_unprepared(&format!("REVOKE ALL ON {table} FROM {APP_ROLE}")).await?;
    }
    for table in CHANGED {
        db.execute_unprepared(&format!("GRANT UPDATE ON {table} TO {RETENTION_ROLE}")).await?;
    }
    Ok(())
}
