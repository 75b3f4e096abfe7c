//! Invoices: the list, the search, and one with its timeline.

use super::frame::{Page, Trouble, around};
use super::session::{Posted, Visitor};
use crate::ctx::Ctx;
use crate::privacy::reading;
use crate::services::delivery::{TimelineEvent, timeline};
use crate::services::{Actor, invoice, payer};
use crate::store::{delivery as deliveries, views, worklist};
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use chrono::NaiveDate;
use console::{
    Channel, Event, EventAt, EventKind, FileKind, Fix, InvoiceAction, InvoiceFile, InvoiceLine, InvoiceRow,
    InvoiceSearch, InvoiceView, InvoicesView, MoneyState, VatRow,
};
use domain::delivery::State as Standing;
use domain::hex;
use domain::invoice::{Document, Kind};
use domain::money::Money;
use serde::Deserialize;
use uuid::Uuid;

const ROWS: i64 = 50;

#[derive(Deserialize)]
pub(super) struct Asked {
    q: Option<String>,
    search: Option<String>,
    after: Option<Uuid>,
}

fn money_state(r: &worklist::InvoiceRow, today: NaiveDate) -> MoneyState {
    let overdue = r.due_on.is_some_and(|due| due < today);
    match (r.kind.as_str(), r.remaining_ore) {
        ("credit_note", _) => MoneyState::Issued,
        (_, 0) if r.credited_ore > 0 && r.credited_ore >= r.total_ore => MoneyState::Credited,
        (_, 0) => MoneyState::Paid,
        (_, left) if left < r.total_ore && overdue => MoneyState::OverduePartlyPaid,
        (_, left) if left < r.total_ore => MoneyState::PartlyPaid,
        _ if overdue => MoneyState::Overdue,
        _ => MoneyState::NotDue,
    }
}

fn kind(text: &str) -> Kind {
    if text == "credit_note" { Kind::CreditNote } else { Kind::Invoice }
}

fn listed(r: worklist::InvoiceRow, today: NaiveDate) -> InvoiceRow {
    let state = r.delivery_state.as_deref().and_then(Standing::parse);
    InvoiceRow {
        id: r.id,
        kind: kind(&r.kind),
        number: r.number,
        money: money_state(&r, today),
        delivery: state.zip(r.delivery_channel.as_deref().and_then(Channel::parse)),
        customer_name: r.customer_name,
        customer_number: r.customer_number,
        issued_on: r.issued_on,
        due_on: r.due_on,
        total: Money::from_ore(r.total_ore),
    }
}

/// The list; a name stands sealed in the address, so that no history or log holds it.
pub(super) async fn list(State(ctx): State<Ctx>, visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    let actor = visitor.signed.actor(false)?;
    let frame = around(&ctx, &visitor, &actor).await?;
    let tx = ctx.db.read(actor.org).await?;
    let name = asked.search.as_deref().and_then(hex::decode).and_then(|s| ctx.key.open(&s));
    let name = name.and_then(|n| String::from_utf8(n).ok());
    let number = asked.q.as_deref().map(str::trim).filter(|q| !q.is_empty());
    let (search, mut found) = match (name, number) {
        (Some(name), _) => {
            let customers = views::search_customers(&tx, &name, 50).await?;
            let ids: Vec<Uuid> = customers.iter().map(|c| c.id).collect();
            let token = asked.search.clone().unwrap_or_default();
            (InvoiceSearch::Name { token, name }, worklist::invoices_of(&tx, &ids, ROWS).await?)
        }
        (None, Some(q)) => {
            let digits: String = q.chars().filter(|c| !c.is_whitespace()).collect();
            (InvoiceSearch::Number(q.to_owned()), worklist::invoices_by_number(&tx, &digits, ROWS).await?)
        }
        (None, None) => (InvoiceSearch::All, worklist::invoices(&tx, asked.after, ROWS + 1).await?),
    };
    tx.commit().await?;
    let more = i64::try_from(found.len()).unwrap_or_default() > ROWS;
    found.truncate(usize::try_from(ROWS).unwrap_or_default());
    let next = found.last().filter(|_| more).map(|r| r.id.to_string());
    let today = ctx.today();
    let about = reading::of_invoices(found.iter().map(|r| r.id));
    reading::note(&ctx, &actor, "invoices.list", about).await?;
    let rows = found.into_iter().map(|r| listed(r, today)).collect();
    let view = InvoicesView { search, rows, is_later_page: asked.after.is_some(), next };
    Ok(Html(console::invoices(&view, &frame)?).into_response())
}

fn sealed_search(ctx: &Ctx, name: &str) -> Response {
    let name: String = name.trim().chars().take(100).collect();
    if name.is_empty() {
        return Redirect::to("/console/invoices").into_response();
    }
    let token = hex::encode(&ctx.key.seal(ctx.rng.as_ref(), name.as_bytes()));
    Redirect::to(&format!("/console/invoices?search={token}")).into_response()
}

/// Searches by name.
pub(super) async fn search_name(State(ctx): State<Ctx>, posted: Posted) -> Page {
    Ok(sealed_search(&ctx, posted.get("name").unwrap_or_default()))
}

/// The one search that takes anything: digits are a number or a KID, the rest a name.
pub(super) async fn search(State(ctx): State<Ctx>, posted: Posted) -> Page {
    let text = posted.get("q").unwrap_or_default().trim().to_owned();
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '-') {
        return Ok(Redirect::to(&format!("/console/invoices?q={digits}")).into_response());
    }
    Ok(sealed_search(&ctx, &text))
}

/// What happened, in the page's own kinds; what it has no words for is left out.
pub(in crate::http) fn shown(e: &TimelineEvent, number_of: impl Fn(Uuid) -> i64) -> Option<Event> {
    let channel = e.channel.as_deref().and_then(Channel::parse).unwrap_or(Channel::Mail);
    let code = e.detail.clone().unwrap_or_default();
    let to = e.said.as_deref().and_then(Channel::parse).unwrap_or(channel);
    let amount = Money::from_ore(e.amount_ore.unwrap_or_default());
    let kind = match e.what {
        "issued" => EventKind::Issued { number: code.parse().unwrap_or_default() },
        "channel_chosen" if code.is_empty() => return None,
        "channel_chosen" => EventKind::ChannelChosen { channel, reason: code },
        "channel_changed" => EventKind::ChannelChanged { channel: to, reason: code },
        "delivery_planned" => EventKind::DeliveryPlanned { channel },
        "delivery_attempt" => match code.as_str() {
            "delivered" => EventKind::Delivered { channel },
            "awaiting_receipt" => EventKind::HandedOver { channel },
            "started" => return None,
            _ => EventKind::AttemptFailed { channel, cause: code },
        },
        "delivered" | "arrived" | "posted" => EventKind::Delivered { channel },
        "delivery_failed" | "failed" => EventKind::Failed { channel, cause: code },
        "held" => EventKind::Held,
        "bounced" => EventKind::Bounced { channel, cause: code },
        "delayed" => EventKind::Delayed { channel },
        "rejected" => EventKind::Rejected { channel, cause: code },
        "fallback" => EventKind::Fallback { channel: to },
        "redirected" => EventKind::Redirected { channel: to },
        "resent" => EventKind::Resent { channel: to },
        "cancelled" | "taken_back" => EventKind::Cancelled,
        "take_back_asked" => EventKind::TakeBackRequested { channel },
        "payment" => EventKind::Payment { amount },
        "credited" => EventKind::Credited { amount, number: e.subject_id.map(number_of).unwrap_or_default() },
        "due" => EventKind::DueDate,
        _ => return None,
    };
    let at = match kind {
        EventKind::DueDate => EventAt::Day(e.at.date_naive()),
        _ => EventAt::Moment(e.at),
    };
    let names_channel = matches!(e.what, "channel_changed" | "fallback" | "redirected" | "resent");
    let detail = e.said.clone().filter(|s| !s.is_empty() && !names_channel);
    Some(Event { at, kind, detail, why: None })
}

pub(in crate::http) fn lines(document: &Document) -> Vec<InvoiceLine> {
    let line = |l: &domain::invoice::Line| InvoiceLine {
        description: l.input.description.clone(),
        quantity: l.input.quantity,
        unit: l.input.unit.clone(),
        unit_price: l.input.unit_price,
        discount: l.input.discount_percent,
        category: l.input.vat.category,
        rate: l.input.vat.rate,
        net: l.net,
    };
    document.lines.iter().map(line).collect()
}

pub(in crate::http) fn vat(document: &Document) -> Vec<VatRow> {
    let groups = document.totals.groups.iter();
    groups.map(|g| VatRow { category: g.category, rate: g.rate, basis: g.basis, vat: g.vat }).collect()
}

/// What can be done with the latest delivery, and with the payer's link.
fn actions(latest: Option<&deliveries::Delivery>, has_link: bool) -> Vec<InvoiceAction> {
    let state = latest.and_then(|d| Standing::parse(&d.state));
    let fixes: &[Fix] = state.map_or(&[], |state| match state {
        Standing::Failed | Standing::Rejected | Standing::Held => {
            &[Fix::Resend, Fix::OtherChannel, Fix::Print, Fix::Cancel]
        }
        Standing::Unknown if latest.is_some_and(|d| d.needs_person) => &[Fix::Handled, Fix::Resend, Fix::OtherChannel],
        Standing::Delivered | Standing::Cancelled => &[Fix::Resend, Fix::OtherChannel],
        Standing::Queued | Standing::Retrying => &[Fix::OtherChannel, Fix::Cancel],
        _ => &[],
    });
    let link = has_link.then_some(InvoiceAction::RevokeLink);
    fixes.iter().map(|f| InvoiceAction::Deliver(*f)).chain(link).collect()
}

/// One invoice: facts, lines, and everything that happened and will.
pub(super) async fn show(State(ctx): State<Ctx>, visitor: Visitor, Path(id): Path<Uuid>) -> Page {
    let actor = visitor.signed.actor(false)?;
    let frame = around(&ctx, &visitor, &actor).await?;
    let events = timeline(&ctx, &actor, id).await?;
    let document = invoice::document(&ctx, &actor, id).await?;
    let files = invoice::stored_files(&ctx, &actor, id).await?;
    let tx = ctx.db.read(actor.org).await?;
    let row = worklist::invoice(&tx, id).await?.ok_or(Trouble::NotFound)?;
    let item = views::invoice(&tx, id).await?.ok_or(Trouble::NotFound)?;
    let latest = deliveries::list_of_invoice(&tx, id).await?.pop();
    let mut numbers = std::collections::HashMap::new();
    for note in events.iter().filter(|e| e.what == "credited").filter_map(|e| e.subject_id) {
        numbers.insert(note, views::invoice(&tx, note).await?.map_or(0, |i| i.number));
    }
    let credits = match item.credits_invoice_id {
        Some(credited) => views::invoice(&tx, credited).await?.map(|i| (credited, i.number)),
        None => None,
    };
    tx.commit().await?;
    reading::note(&ctx, &actor, "invoice.get", item.customer_id).await?;
    let standing = latest.as_ref().and_then(|d| Some((d.id, Standing::parse(&d.state)?, Channel::parse(&d.channel)?)));
    let may_write = visitor.signed.actor(true).is_ok();
    let file = |kind: FileKind| InvoiceFile {
        kind,
        sha256: files.iter().find(|(name, _)| name == kind.as_str()).map(|(_, hash)| hex::encode(hash)),
    };
    let mut kinds = vec![FileKind::Pdf, FileKind::Html];
    if document.buyer.org_number.is_some() && document.seller.org_number.is_some() {
        kinds.push(FileKind::Ehf);
    }
    let has_link = payer::find_url(&ctx, &actor, id).await?.is_some();
    let money = |ore| Money::from_ore(ore);
    let view = InvoiceView {
        id,
        kind: document.kind,
        number: row.number,
        customer_name: row.customer_name.clone(),
        customer_number: row.customer_number.clone(),
        money: money_state(&row, ctx.today()),
        delivery: standing,
        possibly_sent_twice: latest.as_ref().is_some_and(|d| d.possibly_sent_twice),
        total: money(row.total_ore),
        credited: money(row.credited_ore),
        paid: money((row.total_ore - row.remaining_ore - row.credited_ore).max(0)),
        remaining: money(row.remaining_ore),
        issued_on: row.issued_on,
        due_on: row.due_on,
        delivered_from: document.delivered_from,
        delivered_to: document.delivered_to,
        kid: item.kid,
        account: (document.kind == Kind::Invoice).then(|| document.seller.account.to_string()),
        your_reference: document.buyer.reference.clone(),
        order_number: document.buyer.order_number.clone(),
        run_id: item.run_id,
        credits,
        lines: lines(&document),
        vat: vat(&document),
        net: money(item.net_ore),
        events: events
            .iter()
            .rev()
            .filter_map(|e| shown(e, |n| numbers.get(&n).copied().unwrap_or_default()))
            .collect(),
        fee_from: None,
        files: kinds.into_iter().map(file).collect(),
        actions: if may_write { actions(latest.as_ref(), has_link) } else { Vec::new() },
    };
    Ok(Html(console::invoice(&view, &frame)?).into_response())
}

/// Who asks for a file of an invoice; that it was read is logged.
async fn actor_of(ctx: &Ctx, visitor: &Visitor, action: &'static str, id: Uuid) -> Result<Actor, Trouble> {
    let actor = visitor.signed.actor(false)?;
    let tx = ctx.db.read(actor.org).await?;
    let found = views::invoice(&tx, id).await?.ok_or(Trouble::NotFound)?;
    tx.commit().await?;
    reading::note(ctx, &actor, action, found.customer_id).await?;
    Ok(actor)
}

/// Makes the payer's link dead.
pub(super) async fn revoke_link(State(ctx): State<Ctx>, Path(id): Path<Uuid>, posted: Posted) -> Page {
    let actor = posted.visitor.signed.actor(true)?;
    payer::revoke(&ctx, &actor, id).await?;
    Ok(Redirect::to(&format!("/console/invoices/{id}?done=1")).into_response())
}

/// The PDF.
pub(super) async fn pdf(State(ctx): State<Ctx>, visitor: Visitor, Path(id): Path<Uuid>) -> Page {
    let actor = actor_of(&ctx, &visitor, "invoice.pdf", id).await?;
    let bytes = invoice::pdf(&ctx, &actor, id).await?;
    Ok(([(header::CONTENT_TYPE, "application/pdf")], bytes).into_response())
}

/// The document as a page. It carries its own look inside, so it has a policy of its own.
pub(super) async fn html(State(ctx): State<Ctx>, visitor: Visitor, Path(id): Path<Uuid>) -> Page {
    let actor = actor_of(&ctx, &visitor, "invoice.html", id).await?;
    let page = invoice::html(&ctx, &actor, id).await?;
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";
    Ok(([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response())
}

/// The EHF.
pub(super) async fn ehf(State(ctx): State<Ctx>, visitor: Visitor, Path(id): Path<Uuid>) -> Page {
    let actor = actor_of(&ctx, &visitor, "invoice.xml", id).await?;
    let bytes = invoice::ehf(&ctx, &actor, id).await?;
    let headers =
        [(header::CONTENT_TYPE, "application/xml"), (header::CONTENT_DISPOSITION, "attachment; filename=ehf.xml")];
    Ok((headers, bytes).into_response())
}
