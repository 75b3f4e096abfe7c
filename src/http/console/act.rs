//! What is done with selected deliveries; what cannot be taken back is asked about first.

use super::deliveries::row;
use super::frame::{Page, Trouble, around};
use super::session::Posted;
use crate::ctx::Ctx;
use crate::privacy::reading;
use crate::services::delivery::{self, Act, Bulk, Redirect as Way};
use crate::services::{Actor, Error};
use crate::store::worklist;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect};
use console::{
    Channel, ChannelChoice, ConfirmView, Fix, QuestionRow, RedirectError, RedirectView, delivery_confirm,
    redirect as redirect_page,
};
use domain::delivery::State as Standing;
use uuid::Uuid;

const BACK: &str = "/console/deliveries";

async fn questions(ctx: &Ctx, actor: &Actor, ids: &[Uuid]) -> Result<Vec<QuestionRow>, Trouble> {
    let tx = ctx.db.read(actor.org).await?;
    let found = worklist::rows(&tx, ids).await?;
    tx.commit().await?;
    let about = reading::of_invoices(found.iter().map(|r| r.invoice_id));
    reading::note(ctx, actor, "deliveries.list", about).await?;
    let question = |r: worklist::Row| {
        let r = row(r);
        QuestionRow {
            id: r.id,
            invoice_id: r.invoice_id,
            invoice_number: r.invoice_number,
            customer_name: r.customer_name,
            amount: r.amount,
            channel: r.channel,
            state: r.state,
        }
    };
    Ok(found.into_iter().map(question).collect())
}

/// What is asked for: a fix, and a channel where it names one.
fn asked(action: &str) -> Option<(Fix, Option<Channel>)> {
    match action.split_once(':') {
        Some(("redirect", channel)) => Some((Fix::OtherChannel, Some(Channel::parse(channel)?))),
        Some(_) => None,
        None => Some((Fix::parse(action)?, None)),
    }
}

const fn act_of(fix: Fix, channel: Option<Channel>) -> Option<Act> {
    Some(match (fix, channel) {
        (Fix::Resend, _) => Act::Resend,
        (Fix::Print, _) | (Fix::OtherChannel, Some(Channel::Print)) => Act::Print,
        (Fix::Cancel, _) => Act::Cancel,
        (Fix::Handled, _) => Act::Handled,
        (Fix::OtherChannel, Some(Channel::Mail)) => Act::Mail,
        (Fix::OtherChannel, Some(Channel::Ehf)) => Act::Ehf,
        (Fix::OtherChannel, Some(Channel::Efaktura)) => Act::Efaktura,
        (Fix::OtherChannel, None) | (Fix::Credit, _) => return None,
    })
}

/// Does it, or asks first.
pub(super) async fn act(State(ctx): State<Ctx>, posted: Posted) -> Page {
    let actor = posted.visitor.signed.actor(true)?;
    let ids = posted.ids("delivery");
    if ids.is_empty() {
        return Ok(Redirect::to(&format!("{BACK}?done=0")).into_response());
    }
    let (fix, channel) = asked(posted.get("action").unwrap_or_default()).ok_or(Trouble::NotFound)?;
    let rows = questions(&ctx, &actor, &ids).await?;
    let back = posted.back(BACK);
    if (fix, channel) == (Fix::OtherChannel, None) {
        return choose(&ctx, &posted, &actor, rows, None, Vec::new()).await;
    }
    let sent_before = rows.iter().any(|r| matches!(r.state, Standing::Delivered | Standing::Unknown));
    let risky = sent_before && matches!(fix, Fix::Resend | Fix::OtherChannel | Fix::Print);
    if (risky || fix == Fix::Cancel) && posted.get("confirmed") != Some("yes") {
        let frame = around(&ctx, &posted.visitor, &actor).await?;
        let view = ConfirmView { fix, rows, channel, address: None, back };
        return Ok(Html(delivery_confirm(&view, &frame)?).into_response());
    }
    let act = act_of(fix, channel).ok_or(Trouble::NotFound)?;
    let asked = Bulk { act, ids, even_if_delivered: posted.get("confirmed") == Some("yes") };
    let outcomes = delivery::bulk(&ctx, &actor, &asked).await?;
    let refused = outcomes.iter().filter(|o| o.refused.is_some()).count();
    let done = outcomes.len() - refused;
    Ok(Redirect::to(&format!("{BACK}?done={done}&refused={refused}")).into_response())
}

/// The page to choose another channel on.
async fn choose(
    ctx: &Ctx,
    posted: &Posted,
    actor: &Actor,
    rows: Vec<QuestionRow>,
    chosen: Option<Channel>,
    errors: Vec<RedirectError>,
) -> Page {
    let frame = around(ctx, &posted.visitor, actor).await?;
    let choice = |channel| {
        let off = channel != Channel::Print && ctx.carrier(channel).is_none();
        ChannelChoice { channel, blocked_by: off.then(|| "channel_off".to_owned()) }
    };
    let view = RedirectView {
        rows,
        channels: [Channel::Mail, Channel::Ehf, Channel::Efaktura, Channel::Print].into_iter().map(choice).collect(),
        chosen,
        address: posted.get("address").unwrap_or_default().to_owned(),
        errors,
        back: posted.back(BACK),
    };
    Ok(Html(redirect_page(&view, &frame)?).into_response())
}

/// Sends on the channel that was chosen.
pub(super) async fn redirect(State(ctx): State<Ctx>, posted: Posted) -> Page {
    let actor = posted.visitor.signed.actor(true)?;
    let ids = posted.ids("delivery");
    let rows = questions(&ctx, &actor, &ids).await?;
    if rows.is_empty() {
        return Ok(Redirect::to(&format!("{BACK}?done=0")).into_response());
    }
    let Some(channel) = posted.get("channel").and_then(Channel::parse) else {
        return choose(&ctx, &posted, &actor, rows, None, vec![RedirectError::NoChannel]).await;
    };
    let typed = posted.get("address").map(str::trim).filter(|a| !a.is_empty() && channel == Channel::Mail);
    let sent_before = rows.iter().any(|r| matches!(r.state, Standing::Delivered | Standing::Unknown));
    if sent_before && posted.get("confirmed") != Some("yes") {
        let frame = around(&ctx, &posted.visitor, &actor).await?;
        let address = typed.map(str::to_owned);
        let back = posted.back(BACK);
        let view = ConfirmView { fix: Fix::OtherChannel, rows, channel: Some(channel), address, back };
        return Ok(Html(delivery_confirm(&view, &frame)?).into_response());
    }
    let way = Way { channel, address: typed.map(str::to_owned), even_if_delivered: sent_before };
    let (mut done, mut refused) = (0, None);
    for r in &rows {
        match delivery::redirect(&ctx, &actor, r.id, &way).await {
            Ok(()) => done += 1,
            Err(Error::Refused(why)) => refused = Some(why),
            Err(other) => return Err(other.into()),
        }
    }
    if let (0, Some(why)) = (done, refused.as_ref()) {
        let error = match why.code {
            "validation_failed" => RedirectError::InvalidAddress,
            "no_address" | "invalid_address" => RedirectError::NoAddress,
            code => RedirectError::Refused(code.to_owned()),
        };
        return choose(&ctx, &posted, &actor, rows, Some(channel), vec![error]).await;
    }
    let left = rows.len() - done;
    Ok(Redirect::to(&format!("{BACK}?done={done}&refused={left}")).into_response())
}
