//! Who did what, when: ids and field names only, sealed into a chain of segments (I14, decision 14).

use super::bulk;
use super::error::Error;
use super::tx::OrgTx;
use entity::{audit_event, audit_segment};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// One row of the audit log.
pub type Event = audit_event::Model;
/// Some rows of the log, linked to all before them by a hash.
pub type Segment = audit_segment::Model;

/// Adds events.
pub async fn record(tx: &OrgTx, events: &[Event]) -> Result<(), Error> {
    bulk::insert::<audit_event::Entity>(tx, events).await
}

/// Events after an id, in order.
pub async fn list(tx: &OrgTx, after: Uuid, limit: u64) -> Result<Vec<Event>, Error> {
    let rows = audit_event::Entity::find()
        .filter(audit_event::Column::OrgId.eq(tx.org()))
        .filter(audit_event::Column::Id.gt(after));
    Ok(rows.order_by_asc(audit_event::Column::Id).limit(limit).all(tx).await?)
}

/// Segments in order.
pub async fn list_segments(tx: &OrgTx) -> Result<Vec<Segment>, Error> {
    let rows = audit_segment::Entity::find().filter(audit_segment::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_asc(audit_segment::Column::Id).all(tx).await?)
}

/// Adds a segment.
pub async fn insert_segment(tx: &OrgTx, segment: Segment) -> Result<(), Error> {
    segment.into_active_model().insert(tx).await?;
    Ok(())
}
