//! What providers say of documents they have: asked for, told by a feed, and applied once; old news changes nothing.

use super::engine::{announce, event, release, settle};
use super::loaded::{Loaded, held, state_of};
use super::watch::{self, Health};
use crate::ctx::Ctx;
use crate::ports::{Sent, Session, Standing, Told};
use crate::services::error::Error;
use crate::store::delivery::{self as store, Claimed, Delivery};
use crate::store::{OrgTx, channel, invoice};
use domain::channel::Channel;
use domain::delivery::{State, next_check};

/// Why a delivery needs a person when it could not be taken back.
const TOO_LATE: &str = "not_taken_back";

/// Asks about one delivery, or takes it back, and notes the answer.
pub async fn check(ctx: &Ctx, session: &mut dyn Session, claimed: &Claimed) -> Result<State, Error> {
    let tx = ctx.db.read(claimed.org_id).await?;
    let row = store::find(&tx, claimed.id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    if let Err(state) = held(&row, claimed) {
        return Ok(state);
    }
    let loaded = Loaded::read(ctx, &tx, row).await?;
    tx.commit().await?;
    let sent = Sent {
        message_id: loaded.row.message_id.unwrap_or(claimed.id),
        provider_ref: loaded.row.provider_ref.clone(),
        issuer: loaded.issuer().to_owned(),
        invoice_number: loaded.invoice.number.to_string(),
    };
    ctx.pace.wait(loaded.channel()).await;
    let can_ask = ctx.carrier(loaded.channel()).is_some_and(|c| c.can_ask());
    let told = match (loaded.row.take_back, can_ask) {
        (true, _) => session.take_back(&sent).await,
        (false, true) => session.ask(&sent).await,
        // Handed over through a provider that could be asked, and is no longer the one that is set up.
        (false, false) => Told { standing: Standing::UnderWay, provider_ref: None, seq: 0 },
    };
    let (health, fault) = match &told.standing {
        Standing::Silent(fault) => (Health::Away, Some(fault)),
        _ => (Health::Well, None),
    };
    watch::report(ctx, loaded.channel(), health, fault).await?;
    take_answer(ctx, &loaded, told, Some(claimed)).await
}

/// Applies what a provider says of a delivery; old news changes nothing.
pub(super) async fn take_answer(
    ctx: &Ctx,
    loaded: &Loaded,
    told: Told,
    claimed: Option<&Claimed>,
) -> Result<State, Error> {
    let tx = ctx.db.write(loaded.row.org_id).await?;
    let mut row = store::lock(&tx, loaded.row.id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    let stands = state_of(&row);
    let mine = claimed.is_none_or(|c| held(&row, c).is_ok());
    let elsewhere = row.channel != loaded.row.channel || row.message_id != loaded.row.message_id;
    let old = told.seq > 0 && told.seq <= row.provider_seq && row.provider_ref == told.provider_ref;
    if !mine || elsewhere {
        return Ok(stands);
    }
    if claimed.is_some() {
        release(ctx, &mut row);
    }
    row.provider_ref = told.provider_ref.or(row.provider_ref);
    row.provider_seq = row.provider_seq.max(told.seq);
    let open = matches!(stands, State::AwaitingReceipt | State::Unknown);
    // Whoever wanted it back wants it no other way either.
    let unwanted = row.take_back || row.reason.as_deref() == Some(TOO_LATE);
    let state = match told.standing {
        Standing::Rejected(fault) if !old && (open || stands == State::Delivered) => {
            if loaded.channel() == Channel::Efaktura {
                // What the gateway said of the consumer no longer holds.
                channel::forget_lookup(&tx, row.customer_id, &row.channel).await?;
            }
            store::note(&tx, &[event(ctx, &row, "rejected", Some(&fault.code), Some(&fault.detail))]).await?;
            if stands == State::Delivered && !unwanted && invoice::is_settled(&tx, row.invoice_id).await? {
                // The customer has paid it: another one could be paid once more.
                store::update(&tx, row).await?;
                stands
            } else {
                row.reason = Some(fault.code);
                row.take_back = unwanted;
                settle(ctx, &tx, row, loaded, State::Rejected, None).await?
            }
        }
        Standing::Delivered if open => {
            store::note(&tx, &[event(ctx, &row, "delivered", None, None)]).await?;
            row.reason = None;
            settle(ctx, &tx, row, loaded, State::Delivered, None).await?
        }
        Standing::TakenBack if !old && !row.take_back && (open || stands == State::Delivered) => {
            // Nobody here asked for that: the customer has no invoice.
            store::note(&tx, &[event(ctx, &row, "rejected", Some("cancelled_by_provider"), None)]).await?;
            row.reason = Some("cancelled_by_provider".to_owned());
            settle(ctx, &tx, row, loaded, State::Rejected, None).await?
        }
        Standing::TakenBack if row.take_back => {
            store::note(&tx, &[event(ctx, &row, "taken_back", None, None)]).await?;
            row.take_back = false;
            settle(ctx, &tx, row, loaded, State::Cancelled, None).await?
        }
        Standing::TooLate(fault) => {
            store::note(&tx, &[event(ctx, &row, "too_late", Some(&fault.code), Some(&fault.detail))]).await?;
            not_taken_back(ctx, &tx, row).await?;
            stands
        }
        // Handed over again with the same id, it is still one document. What an access point had taken and has forgotten
        // may have gone out.
        Standing::NotThere if stands == State::Unknown || (open && loaded.channel() == Channel::Efaktura) => {
            let now = ctx.now();
            settle(ctx, &tx, row, loaded, State::Retrying, Some(now)).await?
        }
        Standing::NotThere if open => {
            row.reason = Some("forgotten_by_provider".to_owned());
            settle(ctx, &tx, row, loaded, State::Unknown, None).await?
        }
        _ => wait_on(ctx, &tx, row, stands).await?,
    };
    tx.commit().await?;
    Ok(state)
}

/// It stands with the provider although it is wanted back: a person tells the customer.
async fn not_taken_back(ctx: &Ctx, tx: &OrgTx, mut row: Delivery) -> Result<(), Error> {
    row.take_back = false;
    row.needs_person = true;
    row.reason = Some(TOO_LATE.to_owned());
    row.updated_at = ctx.now();
    store::update(tx, row).await?;
    Ok(())
}

/// No news: asked again later, and left to a person when the receipt stays out too long.
async fn wait_on(ctx: &Ctx, tx: &OrgTx, mut row: Delivery, stands: State) -> Result<State, Error> {
    if !matches!(stands, State::AwaitingReceipt | State::Unknown) && !row.take_back {
        store::update(tx, row).await?;
        return Ok(stands);
    }
    let now = ctx.now();
    let since = if row.take_back {
        let events = store::list_events(tx, row.id).await?;
        events.iter().rfind(|e| e.kind == "take_back_asked").map_or(now, |e| e.at)
    } else {
        row.handed_over_at.unwrap_or(row.created_at)
    };
    match next_check(since, now) {
        Some(at) => row.not_before_at = at,
        None if row.take_back => {
            not_taken_back(ctx, tx, row).await?;
            return Ok(stands);
        }
        None => {
            // A person may send it again, knowing that it may have arrived.
            row.state = State::Unknown.as_str().to_owned();
            row.needs_person = true;
            row.reason = Some("no_receipt".to_owned());
            row.updated_at = now;
            announce(ctx, tx, &row).await?;
        }
    }
    row.updated_at = now;
    store::update(tx, row).await?;
    Ok(stands)
}
