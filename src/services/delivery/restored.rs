//! Deliveries after a restore: what was about to leave after the backup was made may have left, and does not leave twice.

use super::engine::{announce, event, release};
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::store::delivery as store;
use domain::channel::Channel;
use domain::delivery::State;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Makes those that wait to be sent uncertain: a provider that can be asked is asked by our id, the rest is for a person.
pub async fn hold_back(ctx: &Ctx, org: Uuid, seen: &BTreeSet<Uuid>) -> Result<u64, Error> {
    let ids: Vec<Uuid> = seen.iter().copied().collect();
    let mut held = 0;
    for part in ids.chunks(500) {
        let tx = ctx.db.write(org).await?;
        let waiting = store::load(&tx, part).await?.into_iter().filter(|row| {
            [State::Queued, State::Sending, State::Retrying, State::HandingOver, State::Failed, State::Held]
                .iter()
                .any(|s| s.as_str() == row.state)
        });
        for mut row in waiting {
            let can_ask = Channel::parse(&row.channel).and_then(|c| ctx.carrier(c)).is_some_and(|c| c.can_ask());
            row.state = State::Unknown.as_str().to_owned();
            row.needs_person = !can_ask;
            row.reason = Some("left_before_restore".to_owned());
            row.not_before_at = ctx.now();
            row.message_id.get_or_insert(row.id);
            release(ctx, &mut row);
            store::note(&tx, &[event(ctx, &row, "uncertain", Some("left_before_restore"), None)]).await?;
            if row.needs_person {
                announce(ctx, &tx, &row).await?;
            }
            store::update(&tx, row).await?;
            held += 1;
        }
        tx.commit().await?;
    }
    Ok(held)
}
