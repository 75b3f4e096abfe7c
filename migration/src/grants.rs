//! What the roles of PostgreSQL may do besides what they may with every table: given by the migrations, and again after a
//! restore, which brings tables and no rights.

use crate::ddl::{APP_ROLE, RETENTION_ROLE};
use sea_orm_migration::prelude::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

/// What only the retention role reads.
const CLOSED: [&str; 6] =
    ["archive_customer", "archive_party", "archive_text", "archive_payer", "archive_document", "archive_note"];

/// What retention changes besides what it deletes.
const CHANGED: &[&str] = &[
    "archive_customer",
    "audit_segment",
    "hand_over",
    "hand_over_customer",
    "organisation_ending",
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
    "privacy_request",
];

/// Gives them, as the owner of the tables.
pub async fn apply(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    let closed = CLOSED.map(|table| (table, format!("REVOKE ALL ON {table} FROM {APP_ROLE}")));
    let changed = CHANGED.iter().map(|table| (*table, format!("GRANT UPDATE ON {table} TO {RETENTION_ROLE}")));
    for (table, sql) in closed.into_iter().chain(changed) {
        // A later migration makes some of them.
        let sql = format!("DO $$ BEGIN IF to_regclass('public.{table}') IS NOT NULL THEN {sql}; END IF; END $$");
        db.execute_unprepared(&sql).await?;
    }
    Ok(())
}
