//! What the eFaktura gateway reports, by webhook or by polling its feed: nothing depends on the webhook.

use super::answer::take_answer;
use super::loaded::Loaded;
use crate::ctx::Ctx;
use crate::ports::EfakturaEvent;
use crate::services::error::{Error, Kind};
use crate::store::channel;
use crate::store::delivery as store;

const FEED: &str = "efaktura";

/// Reads the gateway's feed to its end; how many events were taken. The position moves only past what is dealt with.
pub async fn poll_efaktura(ctx: &Ctx) -> Result<u64, Error> {
    let Some(gateway) = &ctx.efaktura else { return Ok(0) };
    let mut taken = 0;
    loop {
        let tx = ctx.db.system().await?;
        let after = channel::position(&tx, FEED).await?;
        tx.commit().await?;
        let (events, next) = match gateway.events(&after).await {
            Ok(page) => page,
            Err(fault) if fault.code == "unknown_cursor" && !after.is_empty() => {
                // The gateway has begun a new feed: read from its beginning; old news changes nothing.
                let tx = ctx.db.system().await?;
                channel::set_position(&tx, FEED, "", ctx.now()).await?;
                tx.commit().await?;
                continue;
            }
            Err(fault) => {
                tracing::warn!(code = %fault.code, "the eFaktura feed could not be read");
                return Ok(taken);
            }
        };
        for event in &events {
            match take(ctx, event).await {
                // What it is about may be gone; it must not stand in the way of the others.
                Err(Error::Refused(_)) | Ok(()) => taken += 1,
                Err(error) => return Err(error),
            }
        }
        if next == after {
            return Ok(taken);
        }
        let tx = ctx.db.system().await?;
        channel::set_position(&tx, FEED, &next, ctx.now()).await?;
        tx.commit().await?;
    }
}

/// Takes a webhook whose signature holds; one for a document we do not know is passed over, the feed has it too.
pub async fn take_efaktura_webhook(ctx: &Ctx, headers: &[(&str, &str)], body: &[u8]) -> Result<(), Error> {
    let Some(gateway) = &ctx.efaktura else { return Err(Error::not_found("eFaktura gateway")) };
    let event = gateway.read_webhook(headers, body, ctx.now()).map_err(|fault| {
        Error::refuse(Kind::Unauthorised, "webhook_refused", format!("{} ({})", fault.detail, fault.code))
    })?;
    take(ctx, &event).await
}

/// Applies one event. Late, doubled and unknown ones change nothing.
async fn take(ctx: &Ctx, event: &EfakturaEvent) -> Result<(), Error> {
    let tx = ctx.db.system().await?;
    let found = store::find_anywhere(&tx, &event.provider_ref, None).await?;
    tx.commit().await?;
    // Its answer may not be noted yet: then the delivery is asked about in its turn.
    let Some(found) = found else { return Ok(()) };
    let tx = ctx.db.read(found.org_id).await?;
    let Some(row) = store::find(&tx, found.id).await? else { return Ok(()) };
    if row.provider_ref.as_deref() != Some(event.provider_ref.as_str()) || event.told.seq <= row.provider_seq {
        return Ok(());
    }
    let loaded = Loaded::read(ctx, &tx, row).await?;
    tx.commit().await?;
    take_answer(ctx, &loaded, event.told.clone(), None).await?;
    Ok(())
}
