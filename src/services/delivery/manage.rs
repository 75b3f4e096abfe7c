//! What people do with deliveries: send again, another way, not at all; each is audited.

use super::choose::{Paper, address_hash, mail_address};
use super::engine::{announce, event};
use super::loaded::Loaded;
use crate::ctx::Ctx;
use crate::ports::{Fault, Issuer};
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::delivery::{self as store, Delivery};
use crate::store::{channel as lookups, customer, erasure, invoice, organisation};
use domain::channel::Channel;
use domain::delivery::{State, is_mail_address};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

async fn lock(work: &Work<'_>, id: Uuid) -> Result<Delivery, Error> {
    store::lock(&work.tx, id).await?.ok_or_else(|| Error::not_found("delivery"))
}

fn refused(reason: &'static str) -> Error {
    let message = match reason {
        "einvoice_required" => "the customer is a business: send the EHF, or record on what ground it may get mail",
        "no_address" | "invalid_address" => "the customer has no usable e-mail address; add one first",
        "address_suppressed" => "mail to this address came back; correct the address, or let it through once more",
        "restricted" => "the customer's data is restricted; lift the restriction first",
        "protected_no_safe_channel" => "the customer's identity is protected and no safe channel can be used",
        "business_not_in_peppol" => "the business is not registered for e-invoices",
        "no_credit_note_in_peppol" => "the business takes e-invoices, and no credit notes",
        "no_org_number" => "an e-invoice needs the organisation numbers of both",
        _ => "no channel can be used for this customer as things stand",
    };
    Error::conflict(reason, message)
}

/// Back to the start of the queue, on a channel.
async fn requeue(work: &Work<'_>, row: &mut Delivery, channel: Channel, reason: &str) -> Result<(), Error> {
    if row.channel != channel.as_str() || (channel == Channel::Ehf && row.state != "unknown") {
        // Another message for the provider; one whose fate is unknown keeps its id, so that it stays one.
        // The file of the one before, where there is one, is named after nothing that is kept.
        if let Some(before) = row.message_id.filter(|message| *message != row.id) {
            erasure::note_removal(&work.tx, "ehf", &format!("{before}.xml"), work.at).await?;
        }
        row.message_id = row.message_id.map(|_| work.id());
        row.provider_ref = None;
        row.provider_seq = 0;
    }
    channel.as_str().clone_into(&mut row.channel);
    row.channel_reason = Some(reason.to_owned());
    row.state = State::Queued.as_str().to_owned();
    row.needs_person = false;
    row.reason = None;
    row.fallback_from = None;
    row.take_back = false;
    row.attempts_before = row.attempts;
    row.tried_since_at = None;
    row.handed_over_at = None;
    row.lease_until_at = None;
    row.lease_token = None;
    row.not_before_at = work.at;
    row.updated_at = work.at;
    Ok(())
}

/// A credited invoice is not sent any more, whoever asks.
async fn unless_credited(work: &Work<'_>, row: &Delivery) -> Result<(), Error> {
    if invoice::is_credited(&work.tx, row.invoice_id).await? {
        let message = "the invoice is credited in full: the credit note is what the customer is to get";
        return Err(Error::conflict("credited", message));
    }
    Ok(())
}

/// Whether a delivery may be sent anew; one that has or may have arrived is marked.
fn may_send(row: &mut Delivery, even_if_delivered: bool) -> Result<(), Error> {
    match row.state.as_str() {
        // Nobody found out whether it had arrived.
        "cancelled" if row.reason.as_deref() == Some("uncertain") => row.possibly_sent_twice = true,
        "failed" | "rejected" | "held" | "cancelled" => {}
        "unknown" => row.possibly_sent_twice = true,
        "delivered" if even_if_delivered => row.possibly_sent_twice = true,
        "delivered" => {
            let message = "the customer has got this invoice; ask for even_if_delivered to send it once more";
            return Err(Error::conflict("already_delivered", message));
        }
        _ => return Err(Error::conflict("under_way", "the delivery is under way")),
    }
    Ok(())
}

/// Sends again what failed, is held or is uncertain; what was delivered needs `even_if_delivered`.
pub async fn resend(ctx: &Ctx, actor: &Actor, id: Uuid, even_if_delivered: bool) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock(&work, id).await?;
    let was = row.state.clone();
    may_send(&mut row, even_if_delivered)?;
    unless_credited(&work, &row).await?;
    let loaded = Loaded::read(ctx, &work.tx, row.clone()).await?;
    let same = Channel::parse(&row.channel).unwrap_or(Channel::Mail);
    let (channel, reason) = match was.as_str() {
        // What is held, or may have arrived, goes the same way again by a person's word.
        "delivered" if same == Channel::Efaktura => {
            let message = "the request stands in the customer's bank; the service takes a number once";
            return Err(Error::conflict("number_used_there", message));
        }
        "held" | "unknown" | "delivered" => (same, "operators_choice"),
        _ => {
            // The gateway takes a number once: what it has said no to goes another way.
            let said_no = same == Channel::Efaktura && row.provider_ref.is_some();
            let without = said_no.then_some(Channel::Efaktura);
            let chosen = loaded.choose(without).map_err(refused)?;
            (chosen.channel, chosen.reason)
        }
    };
    if channel == Channel::Mail {
        let address = mail_address(&loaded.customer).map_err(refused)?;
        store::set_address(&work.tx, row.id, address).await?;
    }
    let noted = event(ctx, &row, "resent", Some(reason), Some(channel.as_str()));
    requeue(&work, &mut row, channel, reason).await?;
    store::note(&work.tx, &[noted]).await?;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "delivery.resent", subject: "delivery", id, fields: "state" }).await
}

/// Another way for a delivery.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Redirect {
    /// ehf, efaktura, mail or print.
    #[schema(value_type = String)]
    pub channel: Channel,
    /// For mail: an address for this delivery alone; the customer's own when left out.
    pub address: Option<String>,
    /// Sends although the customer has got it.
    #[serde(default)]
    pub even_if_delivered: bool,
}

/// Sends a delivery on a channel a person chooses.
pub async fn redirect(ctx: &Ctx, actor: &Actor, id: Uuid, to: &Redirect) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock(&work, id).await?;
    if row.channel == "efaktura" && row.state == "delivered" && to.channel != Channel::Efaktura {
        let message = "the request stands in the customer's bank: cancel the delivery first, then send it another way";
        return Err(Error::conflict("take_back_first", message));
    }
    if row.provider_ref.is_some() && row.channel == "efaktura" && to.channel == Channel::Efaktura {
        let message = "the service takes a number once; send it another way, or credit the invoice and make a new one";
        return Err(Error::conflict("number_used_there", message));
    }
    if !matches!(row.state.as_str(), "queued" | "retrying") {
        may_send(&mut row, to.even_if_delivered)?;
    }
    unless_credited(&work, &row).await?;
    let Loaded { chooser, known, customer, document, .. } = Loaded::read(ctx, &work.tx, row.clone()).await?;
    let paper = Paper::of(&document);
    let typed = to.address.as_deref().map(str::trim).filter(|a| !a.is_empty());
    match (to.channel, typed) {
        (Channel::Mail, Some(address)) => {
            if !is_mail_address(address) {
                return Err(Error::field("address", "invalid", "an e-mail address such as navn@eksempel.no"));
            }
            chooser.decided(&known, &customer, &paper, Channel::Mail).map_err(refused)?;
            store::set_address(&work.tx, row.id, address).await?;
        }
        (_, Some(_)) => return Err(Error::field("address", "not_for_this_channel", "only mail goes to an address")),
        (channel, None) => {
            chooser.only(&known, &customer, &paper, channel).map_err(refused)?;
            if channel == Channel::Mail {
                store::set_address(&work.tx, row.id, mail_address(&customer).map_err(refused)?).await?;
            }
        }
    }
    let noted = event(ctx, &row, "redirected", Some("operators_choice"), Some(to.channel.as_str()));
    requeue(&work, &mut row, to.channel, "operators_choice").await?;
    store::note(&work.tx, &[noted]).await?;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "delivery.redirected", subject: "delivery", id, fields: "channel" }).await
}

/// Takes a delivery back: before it has left, or from a provider that can still give it back.
pub async fn cancel(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock(&work, id).await?;
    let noted = match row.state.as_str() {
        "queued" | "retrying" | "failed" | "held" | "rejected" => {
            row.state = State::Cancelled.as_str().to_owned();
            row.needs_person = false;
            "cancelled"
        }
        "awaiting_receipt" | "delivered" if row.channel == "efaktura" => {
            row.take_back = true;
            row.not_before_at = work.at;
            "take_back_asked"
        }
        "unknown" if row.needs_person => {
            // A person has found out, or lets it rest: it leaves the worklist and is not sent.
            row.state = State::Cancelled.as_str().to_owned();
            row.reason = Some("uncertain".to_owned());
            row.needs_person = false;
            "cancelled"
        }
        _ => return Err(Error::conflict("too_late", "the delivery is under way or done")),
    };
    row.updated_at = work.at;
    store::note(&work.tx, &[event(ctx, &row, noted, None, None)]).await?;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "delivery.cancelled", subject: "delivery", id, fields: "state" }).await
}

/// Takes a delivery off the worklist: a person has seen to it in another way, or found that it arrived.
pub async fn mark_handled(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock(&work, id).await?;
    if !row.needs_person {
        return Err(Error::conflict("not_on_worklist", "the delivery needs nobody"));
    }
    row.needs_person = false;
    if row.state == "unknown" {
        // Neither sent again nor asked about.
        row.state = State::Cancelled.as_str().to_owned();
        row.reason = Some("uncertain".to_owned());
    }
    row.updated_at = work.at;
    store::note(&work.tx, &[event(ctx, &row, "handled", None, None)]).await?;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "delivery.handled", subject: "delivery", id, fields: "needs_person" }).await
}

/// Takes back what has not left of an invoice that is credited in full, and asks for the rest; `true` when nothing of it
/// has ever left.
pub async fn withdraw(ctx: &Ctx, work: &Work<'_>, invoice_id: Uuid, reason: &str) -> Result<bool, Error> {
    let mut nothing_left = true;
    for seen in store::list_of_invoice(&work.tx, invoice_id).await? {
        let Some(mut row) = store::lock(&work.tx, seen.id).await? else { continue };
        // What a person has seen to, or prints, may have come to the customer on paper.
        let open = row.needs_person || matches!(row.state.as_str(), "queued" | "retrying" | "cancelled");
        nothing_left &= row.attempts == 0 && open && row.channel != Channel::Print.as_str();
        match row.state.as_str() {
            "queued" | "retrying" | "failed" | "held" | "rejected" => {
                row.state = State::Cancelled.as_str().to_owned();
                row.reason = Some(reason.to_owned());
                row.needs_person = false;
            }
            // Stopped before it leaves.
            "sending" if row.channel != Channel::Efaktura.as_str() => {
                row.take_back = true;
                nothing_left = false;
            }
            // The consumer must not pay what is taken back.
            "sending" | "handing_over" | "awaiting_receipt" | "delivered" | "unknown" if row.channel == "efaktura" => {
                row.take_back = true;
                row.not_before_at = work.at;
                store::note(&work.tx, &[event(ctx, &row, "take_back_asked", Some(reason), None)]).await?;
            }
            _ => {
                nothing_left &= row.state == "cancelled";
                continue;
            }
        }
        row.updated_at = work.at;
        if row.state == State::Cancelled.as_str() {
            announce(ctx, &work.tx, &row).await?;
        }
        store::update(&work.tx, row).await?;
    }
    Ok(nothing_left)
}

/// What is done with many deliveries at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Send again.
    Resend,
    /// Take back.
    Cancel,
    /// Put into the print queue.
    Print,
    /// Send as mail.
    Mail,
    /// Send as EHF.
    Ehf,
    /// Send as eFaktura.
    Efaktura,
    /// Printed and posted.
    Posted,
    /// Seen to in another way.
    Handled,
}

/// An act on many deliveries.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// What to do.
    pub act: Act,
    /// With which; at most 500.
    pub ids: Vec<Uuid>,
    /// Sends although the customer has got it.
    #[serde(default)]
    pub even_if_delivered: bool,
}

/// How an act on one of many deliveries went.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BulkOutcome {
    /// The delivery.
    pub id: Uuid,
    /// Why it was not done; nothing when it was.
    pub refused: Option<String>,
}

/// Does one thing with many deliveries, each on its own: one that is refused does not stop the others.
pub async fn bulk(ctx: &Ctx, actor: &Actor, asked: &Bulk) -> Result<Vec<BulkOutcome>, Error> {
    if asked.ids.is_empty() || asked.ids.len() > 500 {
        return Err(Error::field("ids", "out_of_range", "1 to 500 deliveries"));
    }
    // Each is a write of its own; a repeat finds those that are done under way.
    let actor = Actor { idempotency: None, ..actor.clone() };
    let way = |channel| Redirect { channel, address: None, even_if_delivered: asked.even_if_delivered };
    let mut outcomes = Vec::with_capacity(asked.ids.len());
    for id in &asked.ids {
        let done = match asked.act {
            Act::Resend => resend(ctx, &actor, *id, asked.even_if_delivered).await,
            Act::Cancel => cancel(ctx, &actor, *id).await,
            Act::Print => redirect(ctx, &actor, *id, &way(Channel::Print)).await,
            Act::Mail => redirect(ctx, &actor, *id, &way(Channel::Mail)).await,
            Act::Ehf => redirect(ctx, &actor, *id, &way(Channel::Ehf)).await,
            Act::Posted => super::print::mark_posted(ctx, &actor, *id).await,
            Act::Efaktura => redirect(ctx, &actor, *id, &way(Channel::Efaktura)).await,
            Act::Handled => mark_handled(ctx, &actor, *id).await,
        };
        let refused = match done {
            Ok(()) => None,
            Err(error) => Some(error.code().ok_or(error)?.to_owned()),
        };
        outcomes.push(BulkOutcome { id: *id, refused });
    }
    Ok(outcomes)
}

/// Lets mail to a customer's address go again.
pub async fn allow_address(ctx: &Ctx, actor: &Actor, customer_id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let found = customer::load(&work.tx, &[customer_id]).await?.into_iter().next();
    let found = found.ok_or_else(|| Error::not_found("customer"))?;
    if let Ok(address) = mail_address(&found) {
        lookups::unsuppress(&work.tx, &address_hash(&ctx.key, actor.org, address)).await?;
    }
    lookups::unsuppress_customer(&work.tx, customer_id).await?;
    work.done(Deed { verb: "customer.address_allowed", subject: "customer", id: customer_id, fields: "email" }).await
}

/// Registers the organisation with the eFaktura gateway, with all its accounts; its status there.
pub async fn register_efaktura(ctx: &Ctx, actor: &Actor) -> Result<String, Error> {
    let gateway = ctx.efaktura.as_ref().ok_or_else(|| {
        Error::conflict("efaktura_off", "no eFaktura gateway is set up; see [efaktura] in the configuration")
    })?;
    let tx = ctx.db.read(actor.org).await?;
    let org = organisation::find(&tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let accounts = organisation::list_accounts(&tx).await?;
    tx.commit().await?;
    let org_number = org.org_number.clone().ok_or_else(|| {
        Error::conflict("no_org_number", "an eFaktura issuer is known by its organisation number; add it first")
    })?;
    let mut lengths: Vec<i64> = accounts.iter().map(|a| a.kid_customer_digits + a.kid_invoice_digits + 1).collect();
    lengths.dedup();
    let kid_length = lengths.first().copied().filter(|_| lengths.len() == 1);
    let issuer = Issuer {
        org_number,
        name: org.name.clone(),
        accounts: accounts.iter().map(|a| a.account_no.clone()).collect(),
        kid_length,
        support: org.email.clone().unwrap_or_else(|| org.sender_email.clone()),
    };
    let away =
        |f: Fault| Error::conflict("efaktura_away", format!("the gateway did not take it: {} ({})", f.detail, f.code));
    let status = gateway.register(&issuer).await.map_err(away)?;
    let work = Work::begin(ctx, actor).await?;
    let mut org = organisation::lock(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    org.efaktura_status = Some(status.clone());
    org.updated_at = work.at;
    organisation::update(&work.tx, org).await?;
    let deed = Deed {
        verb: "organisation.efaktura_registered",
        subject: "organisation",
        id: actor.org,
        fields: "efaktura_status",
    };
    work.done(deed).await?;
    Ok(status)
}
