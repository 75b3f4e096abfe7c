//! What comes back by mail: matched to its delivery by a tag that cannot be forged, and never kept.

use super::choose::address_hash;
use super::engine::{attempted, event, settle};
use super::loaded::Loaded;
use super::parcel::envelope_mac;
use crate::ctx::Ctx;
use crate::ports::{Fault, Pending};
use crate::services::error::Error;
use crate::store::OrgTx;
use crate::store::channel::{self, Suppression};
use crate::store::delivery as store;
use domain::delivery::Outcome;
use formats::bounce::{Cause, InboundKind, Outlook, RecipientReport, Verdict, read, verdict};
use uuid::Uuid;

/// What a letter was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inbound {
    /// The mail did not arrive.
    Bounced,
    /// It will be tried by others for a while.
    Delayed,
    /// It arrived at the mailbox.
    Arrived,
    /// The receiver asks not to get such mail.
    Complaint,
    /// An automatic answer: nothing to do.
    AutoReply,
    /// No tag of ours, a forged one, or one for an earlier address.
    NotOurs,
    /// Nothing that can be understood.
    NotUnderstood,
    /// A request of a person.
    Request,
}

/// Times a mail may come back "for now" and be sent again.
const MOST_RETURNS: usize = 2;

/// Letters read in one round.
const ROUND: usize = 100;

/// Who takes a letter that is about no mail of ours; false where it is not for them either.
pub type Others = for<'a> fn(&'a Ctx, &'a [u8]) -> Pending<'a, Result<bool, Error>>;

fn nobodys<'a>(_: &'a Ctx, _: &'a [u8]) -> Pending<'a, Result<bool, Error>> {
    Box::pin(async { Ok(false) })
}

/// Reads the mailbox bounces come to until it is empty; each letter is removed once it is dealt with. How many.
pub async fn read_inbox(ctx: &Ctx) -> Result<u64, Error> {
    read_inbox_with(ctx, nobodys).await
}

/// The same, where letters may be for somebody else too, who is asked first.
pub(crate) async fn read_inbox_with(ctx: &Ctx, others: Others) -> Result<u64, Error> {
    let Some(mailbox) = &ctx.inbox else { return Ok(0) };
    let away = |fault: &Fault| tracing::warn!(code = %fault.code, "the mailbox of bounces could not be read");
    let mut inbox = match mailbox.open().await {
        Ok(inbox) => inbox,
        Err(fault) => {
            away(&fault);
            return Ok(0);
        }
    };
    let mut count = 0;
    loop {
        let letters = match inbox.list(ROUND).await {
            Ok(letters) => letters,
            Err(fault) => {
                away(&fault);
                break;
            }
        };
        if letters.is_empty() {
            break;
        }
        for letter in letters {
            let taken = match others(ctx, &letter.bytes).await {
                Ok(true) => Ok(Inbound::Request),
                Ok(false) => take_letter(ctx, &letter.bytes).await,
                Err(error) => Err(error),
            };
            let was = match taken {
                // What a letter is about may be gone or broken; it must not stand in the way of the others.
                Err(error) if error.lasts() => {
                    tracing::error!(error = %error, "a bounce could not be taken in");
                    Inbound::NotOurs
                }
                other => other?,
            };
            metrics::counter!("reskontro_inbound_total", "was" => format!("{was:?}")).increment(1);
            if let Err(fault) = inbox.remove(&letter.handle).await {
                away(&fault);
                return Ok(count);
            }
            count += 1;
        }
    }
    inbox.close().await;
    Ok(count)
}

/// Takes one letter in. Twice the same changes nothing.
pub async fn take_letter(ctx: &Ctx, bytes: &[u8]) -> Result<Inbound, Error> {
    let letter = read(bytes, &ctx.config.mail.domain);
    let reports = match letter.kind {
        InboundKind::AutoReply => return Ok(Inbound::AutoReply),
        InboundKind::Unreadable(_) | InboundKind::Other => return Ok(Inbound::NotUnderstood),
        InboundKind::Feedback => Vec::new(),
        InboundKind::Report(reports) => reports,
    };
    let Some((id, mac)) = letter.tag.as_deref().and_then(|t| t.split_once('.')) else { return Ok(Inbound::NotOurs) };
    let Ok(id) = Uuid::try_parse(id) else { return Ok(Inbound::NotOurs) };
    let tx = ctx.db.system().await?;
    let found = store::find_anywhere(&tx, "", Some(id)).await?;
    tx.commit().await?;
    let Some(found) = found else { return Ok(Inbound::NotOurs) };
    let tx = ctx.db.read(found.org_id).await?;
    let Some(row) = store::find(&tx, found.id).await? else { return Ok(Inbound::NotOurs) };
    let loaded = Loaded::read(ctx, &tx, row).await?;
    tx.commit().await?;
    let Some(address) = loaded.address.clone() else { return Ok(Inbound::NotOurs) };
    if envelope_mac(ctx, id, &address) != mac {
        return Ok(Inbound::NotOurs);
    }
    if reports.is_empty() {
        complain(ctx, &loaded, &address).await?;
        return Ok(Inbound::Complaint);
    }
    // One mail has one recipient: the worst of what is said counts.
    let worst = reports.iter().max_by_key(|r| weight(verdict(r)));
    match worst {
        Some(report) => note(ctx, &loaded, &address, report).await,
        None => Ok(Inbound::NotUnderstood),
    }
}

const fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Delivered => 0,
        Verdict::Delayed => 1,
        Verdict::Failed { outlook: Outlook::ForNow, .. } => 2,
        Verdict::Failed { outlook: Outlook::ForGood, .. } => 3,
    }
}

/// Why a mail came back, as the worklist names it.
const fn reason(outlook: Outlook, cause: Cause) -> &'static str {
    match (outlook, cause) {
        (_, Cause::Mailbox) => "mailbox_full",
        (Outlook::ForGood, Cause::Address) => "hard_bounce",
        (Outlook::ForGood, Cause::Policy) => "refused_by_policy",
        (Outlook::ForGood, Cause::Message) => "message_refused",
        (Outlook::ForNow, _) => "soft_bounce",
        _ => "bounced",
    }
}

async fn note(ctx: &Ctx, loaded: &Loaded, address: &str, report: &RecipientReport) -> Result<Inbound, Error> {
    let tx = ctx.db.write(loaded.row.org_id).await?;
    let mut row = store::lock(&tx, loaded.row.id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    // A bounce may be faster than the note that the relay took the mail, and tells what a lost worker could not.
    let mine = row.channel == "mail" && matches!(row.state.as_str(), "delivered" | "handing_over" | "unknown");
    let said = report.diagnostic.as_deref();
    let (kind, code, inbound) = match verdict(report) {
        Verdict::Delivered => ("arrived", None, Inbound::Arrived),
        Verdict::Delayed => ("delayed", None, Inbound::Delayed),
        Verdict::Failed { outlook, cause } => ("bounced", Some(reason(outlook, cause)), Inbound::Bounced),
    };
    let noted = store::list_events(&tx, row.id).await?;
    // Since it was last handed over: the same words about a later try are news.
    let since = row.handed_over_at.unwrap_or(row.created_at);
    let again =
        |e: &store::Event| e.kind == kind && e.code.as_deref() == code && e.detail.as_deref() == said && e.at >= since;
    if noted.iter().any(again) {
        // The same letter once more.
        return Ok(inbound);
    }
    store::note(&tx, &[event(ctx, &row, kind, code, said)]).await?;
    if let Verdict::Failed { outlook, .. } = verdict(report) {
        if verdict(report).address_is_bad() {
            suppress(ctx, &tx, loaded, address, "hard_bounce").await?;
        }
        if mine {
            row.reason = code.map(str::to_owned);
            // Others have tried for days before they gave it back.
            let before = noted.iter().filter(|e| e.kind == "bounced").count();
            let again = outlook == Outlook::ForNow && before < MOST_RETURNS;
            let outcome = if again { Outcome::Temporary } else { Outcome::Permanent };
            row.tried_since_at = Some(ctx.now());
            // The relay took it and others gave it back: a try like any other.
            let (state, at) = attempted(ctx, &row).then(outcome);
            settle(ctx, &tx, row, loaded, state, at).await?;
        }
    }
    tx.commit().await?;
    Ok(inbound)
}

async fn suppress(ctx: &Ctx, tx: &OrgTx, loaded: &Loaded, address: &str, reason: &str) -> Result<(), Error> {
    let row = Suppression {
        org_id: loaded.row.org_id,
        address_hash: address_hash(&ctx.key, loaded.row.org_id, address),
        customer_id: loaded.row.customer_id,
        reason: reason.to_owned(),
        delivery_id: Some(loaded.row.id),
        since_at: ctx.now(),
    };
    Ok(channel::suppress(tx, row).await?)
}

/// Who complains of an invoice gets the next one another way, or it waits for a person.
async fn complain(ctx: &Ctx, loaded: &Loaded, address: &str) -> Result<(), Error> {
    let tx = ctx.db.write(loaded.row.org_id).await?;
    let row = store::lock(&tx, loaded.row.id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    if store::list_events(&tx, row.id).await?.iter().any(|e| e.kind == "complained") {
        return Ok(());
    }
    store::note(&tx, &[event(ctx, &row, "complained", None, None)]).await?;
    suppress(ctx, &tx, loaded, address, "complaint").await?;
    Ok(tx.commit().await?)
}
