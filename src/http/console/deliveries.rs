//! The worklist: what did not arrive, why, and what to do.

use super::frame::{Page, Trouble, around};
use super::session::Visitor;
use crate::ctx::Ctx;
use crate::privacy::reading;
use crate::store::{OrgTx, billing, channel, worklist};
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse};
use chrono::Duration;
use console::{
    Channel, ChannelCounts, ChannelDown, DeliveriesView, DeliveryRow, Fix, ReasonCount, RunBar, Tab, deliveries,
};
use domain::delivery::State as Standing;
use domain::money::Money;
use serde::Deserialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Rows of a page.
const ROWS: i64 = 50;
/// Days the figures cover.
const DAYS: i64 = 30;
/// On their way, or asked about.
const UNDER_WAY: [&str; 5] = ["queued", "sending", "handing_over", "awaiting_receipt", "unknown"];
/// What can be done here.
const OFFERED: [Fix; 5] = [Fix::Resend, Fix::OtherChannel, Fix::Print, Fix::Handled, Fix::Cancel];

#[derive(Deserialize)]
pub(super) struct Asked {
    tab: Option<String>,
    after: Option<String>,
}

pub(super) fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}

pub(super) fn row(r: worklist::Row) -> DeliveryRow {
    let state = Standing::parse(&r.state).unwrap_or(Standing::Unknown);
    let wrong = matches!(
        state,
        Standing::Failed | Standing::Rejected | Standing::Unknown | Standing::Held | Standing::Retrying
    ) || r.reason.as_deref() == Some("not_taken_back");
    DeliveryRow {
        id: r.id,
        invoice_id: r.invoice_id,
        invoice_number: r.invoice_number,
        customer_name: r.customer_name,
        customer_number: r.customer_number,
        channel: Channel::parse(&r.channel).unwrap_or(Channel::Mail),
        state,
        cause: match state {
            // What went wrong on the line matters less than that it may have arrived.
            Standing::Unknown if r.reason.as_deref() != Some("left_before_restore") => {
                "lost_while_handing_over".to_owned()
            }
            Standing::Unknown => "left_before_restore".to_owned(),
            _ => r.reason.filter(|_| wrong).unwrap_or_default(),
        },
        words: r.words.filter(|w| !w.is_empty()),
        at: Some(r.at),
        next_try: (state == Standing::Retrying).then_some(r.not_before_at),
        due_on: r.due_on,
        amount: Money::from_ore(r.total_ore),
        possibly_sent_twice: r.possibly_sent_twice,
        can_take: None,
    }
}

/// The rows of a tab, and where the next page begins.
async fn rows(tx: &OrgTx, tab: Tab, after: Option<&str>) -> Result<(Vec<DeliveryRow>, Option<String>), Trouble> {
    let id = after.and_then(|a| Uuid::try_parse(a.rsplit('.').next().unwrap_or_default()).ok());
    let mut found = match tab {
        Tab::NeedsYou => {
            let place = after.and_then(|a| a.rsplit_once('.')).zip(id);
            let place = place.map(|((reason, _), id)| worklist::After { reason: reason.to_owned(), id });
            worklist::needs_person(tx, place.as_ref(), ROWS + 1).await?
        }
        Tab::Retrying => worklist::in_states(tx, &["retrying"], id.unwrap_or_default(), ROWS + 1).await?,
        Tab::UnderWay => worklist::in_states(tx, &UNDER_WAY, id.unwrap_or_default(), ROWS + 1).await?,
        Tab::Delivered => worklist::delivered(tx, id, ROWS + 1).await?,
    };
    let more = i64::try_from(found.len()).unwrap_or_default() > ROWS;
    found.truncate(usize::try_from(ROWS).unwrap_or_default());
    let next = found.last().filter(|_| more).map(|r| match tab {
        Tab::NeedsYou => format!("{}.{}", r.reason.as_deref().unwrap_or_default(), r.id),
        _ => r.id.to_string(),
    });
    Ok((found.into_iter().map(row).collect(), next))
}

/// How the deliveries of a run stand; none while a run is too large to count for a page.
pub(super) async fn run_bar(tx: &OrgTx, run: &billing::Run) -> Result<Option<RunBar>, Trouble> {
    if run.issued_count == 0 || run.issued_count > 20_000 {
        return Ok(None);
    }
    let mut bar = RunBar {
        id: run.id,
        bill_on: run.bill_on,
        sent_on: Some(run.send_after_at.with_timezone(&chrono_tz::Europe::Oslo).date_naive()),
        invoices: count(run.issued_count),
        delivered: Vec::new(),
        under_way: 0,
        needs_you: 0,
        needs_you_amount: Money::from_ore(0),
        held: 0,
    };
    let mut delivered: BTreeMap<Channel, u64> = BTreeMap::new();
    for o in worklist::outcomes_of_run(tx, run.id).await? {
        match o.state.as_str() {
            _ if o.needs_person => {
                bar.needs_you += count(o.count);
                bar.needs_you_amount = bar.needs_you_amount + Money::from_ore(o.total_ore);
            }
            "delivered" => {
                *delivered.entry(Channel::parse(&o.channel).unwrap_or(Channel::Mail)).or_default() += count(o.count);
            }
            "held" => bar.held += count(o.count),
            "queued" | "sending" | "handing_over" | "awaiting_receipt" | "retrying" | "unknown" => {
                bar.under_way += count(o.count);
            }
            _ => {}
        }
    }
    bar.delivered = delivered.into_iter().collect();
    Ok(Some(bar))
}

async fn funnel(ctx: &Ctx, tx: &OrgTx) -> Result<Vec<ChannelCounts>, Trouble> {
    let since = (ctx.now() - Duration::days(DAYS)).timestamp_millis();
    let since = uuid::Builder::from_unix_timestamp_millis(u64::try_from(since).unwrap_or_default(), &[0; 10]);
    let mut channels: BTreeMap<Channel, ChannelCounts> = BTreeMap::new();
    for o in worklist::outcomes_since(tx, since.into_uuid()).await? {
        let channel = Channel::parse(&o.channel).unwrap_or(Channel::Mail);
        let empty = ChannelCounts { channel, issued: 0, under_way: 0, delivered: 0, needs_you: 0 };
        let counts = channels.entry(channel).or_insert(empty);
        counts.issued += count(o.count);
        match o.state.as_str() {
            _ if o.needs_person => counts.needs_you += count(o.count),
            "delivered" => counts.delivered += count(o.count),
            "cancelled" | "failed" | "rejected" | "held" => {}
            _ => counts.under_way += count(o.count),
        }
    }
    Ok(channels.into_values().collect())
}

/// Providers that are away, and what waits for each.
async fn down(ctx: &Ctx, tx: &OrgTx) -> Result<Vec<ChannelDown>, Trouble> {
    let system = ctx.db.system().await?;
    let states = channel::list_states(&system).await?;
    system.commit().await?;
    let mut found = Vec::new();
    for s in states {
        let (Some(channel), Some(since), true) = (Channel::parse(&s.channel), s.away_since_at, s.failures >= 3) else {
            continue;
        };
        let waiting = count(worklist::waiting_on(tx, &s.channel).await?);
        found.push(ChannelDown { channel, since, waiting, next_try: s.open_until_at });
    }
    Ok(found)
}

/// The page.
pub(super) async fn show(State(ctx): State<Ctx>, visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    let actor = visitor.signed.actor(false)?;
    let frame = around(&ctx, &visitor, &actor).await?;
    let tx = ctx.db.read(actor.org).await?;
    let down = down(&ctx, &tx).await?;
    let tab = Tab::from_name(asked.tab.as_deref().unwrap_or_default());
    let (rows, next) = rows(&tx, tab, asked.after.as_deref()).await?;
    let about = reading::of_invoices(rows.iter().map(|r| r.invoice_id));
    let open = worklist::open_states(&tx).await?;
    let sum = |states: &[&str]| open.iter().filter(|c| states.contains(&c.name.as_str())).map(|c| count(c.count)).sum();
    let latest = billing::list_runs(&tx, 1).await?.into_iter().next();
    let latest_run = match &latest {
        Some(run) => run_bar(&tx, run).await?,
        None => None,
    };
    let causes = worklist::causes(&tx).await?;
    let view = DeliveriesView {
        needs_you: frame.needs_you,
        reminders_stopped: false,
        last_delivered_at: worklist::last_delivered_at(&tx).await?,
        latest_run,
        channels_down: down,
        tab,
        retrying: sum(&["retrying"]),
        under_way: sum(&UNDER_WAY),
        rows,
        is_later_page: asked.after.is_some(),
        next,
        funnel: funnel(&ctx, &tx).await?,
        reasons: causes.into_iter().map(|c| ReasonCount { cause: c.name, count: count(c.count) }).collect(),
        offered: if visitor.signed.actor(true).is_ok() { OFFERED.to_vec() } else { Vec::new() },
    };
    tx.commit().await?;
    reading::note(&ctx, &actor, "deliveries.list", about).await?;
    Ok(Html(deliveries(&view, &frame)?).into_response())
}
