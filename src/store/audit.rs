//! Who did what, when: ids and field names only (I14).

use super::bulk;
use super::error::Error;
use super::tx::OrgTx;
use entity::audit_event;

/// One row of the audit log.
pub type Event = audit_event::Model;

/// Adds events.
pub async fn record(tx: &OrgTx, events: &[Event]) -> Result<(), Error> {
    bulk::insert::<audit_event::Entity>(tx, events).await
}
