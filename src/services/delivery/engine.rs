//! One engine for every channel: claimed, handed over, and noted; two transactions around each external call (I7,
//! decisions 39-41).

use super::choose::{address_hash, ask, mail_address};
use super::loaded::{Loaded, held, is_chosen, is_pinned, state_of};
use super::parcel;
use super::watch::{self, Health};
use crate::ctx::Ctx;
use crate::ports::{Carrier, Fault, Handed, Pending, Session};
use crate::services::error::Error;
use crate::services::work::Actor;
use crate::store::delivery::{self as store, Attempt, Begin, Claim, Claimed, Delivery, Event};
use crate::store::{OrgTx, audit, channel, invoice};
use chrono::Duration;
use domain::audit::Chain;
use domain::channel::Channel;
use domain::delivery::{Attempted, Outcome, State};
use std::sync::Arc;
use uuid::Uuid;

/// Deliveries a worker takes at once: few enough that none waits long behind a slow worker.
pub const CLAIM: u64 = 10;

/// Tries of one document on one channel, those that ended with the worker included.
const MOST_TRIES: i64 = 20;

/// Gives back what dead workers held: nothing had left while `sending`; after `handing_over` nobody knows, and whoever can
/// be asked is asked (decision 40).
async fn give_back(ctx: &Ctx) -> Result<(), Error> {
    let tx = ctx.db.system().await?;
    let lost = store::expire_leases(&tx, ctx.now()).await?;
    tx.commit().await?;
    for lost in lost {
        let tx = ctx.db.write(lost.org_id).await?;
        let Some(mut row) = store::lock(&tx, lost.id).await? else { continue };
        if row.state != State::HandingOver.as_str() || held(&row, &lost).is_err() {
            continue;
        }
        let can_ask = Channel::parse(&row.channel).and_then(|c| ctx.carrier(c)).is_some_and(|c| c.can_ask());
        row.state = State::Unknown.as_str().to_owned();
        row.needs_person = !can_ask;
        row.reason = Some("lost_while_handing_over".to_owned());
        row.not_before_at = ctx.now();
        release(ctx, &mut row);
        store::end_attempt(&tx, row.id, row.attempts, ctx.now(), "unknown").await?;
        if row.needs_person {
            announce(ctx, &tx, &row).await?;
        }
        store::update(&tx, row).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Takes due deliveries of a channel for one worker; none while its provider is given time to come back.
pub async fn claim(ctx: &Ctx, channel: Channel, limit: u64) -> Result<Vec<Claimed>, Error> {
    give_back(ctx).await?;
    let tx = ctx.db.system().await?;
    let claimed = match watch::allowance(ctx, &tx, channel, limit).await? {
        0 => Vec::new(),
        limit => store::claim(&tx, &taking(ctx, channel, limit)).await?,
    };
    tx.commit().await?;
    Ok(claimed)
}

/// Takes deliveries of a channel that are to be asked about or taken back.
pub async fn claim_checks(ctx: &Ctx, channel: Channel, limit: u64) -> Result<Vec<Claimed>, Error> {
    let tx = ctx.db.system().await?;
    let claimed = match watch::allowance(ctx, &tx, channel, limit).await? {
        0 => Vec::new(),
        limit => store::claim_checks(&tx, &taking(ctx, channel, limit)).await?,
    };
    tx.commit().await?;
    Ok(claimed)
}

fn taking(ctx: &Ctx, channel: Channel, limit: u64) -> Claim<'static> {
    let now = ctx.now();
    let lease_until = now + Duration::seconds(ctx.config.worker.lease_seconds);
    Claim { channel: channel.as_str(), now, lease_until, token: ctx.id(), limit }
}

/// What trying a claimed delivery came to.
pub(super) enum Tried {
    /// Nothing was handed over; where it stands now.
    Settled(State),
    /// It was tried, and that is to be noted.
    Ended(Box<Ended>),
}

/// An attempt that has ended and is not noted yet.
pub(super) struct Ended {
    loaded: Loaded,
    attempt: Attempt,
    handed: Handed,
}

/// Delivers one claimed delivery and notes how it went.
pub async fn deliver(ctx: &Ctx, session: Option<&mut dyn Session>, claimed: &Claimed) -> Result<State, Error> {
    match try_one(ctx, session, claimed, None).await? {
        Tried::Settled(state) => Ok(state),
        Tried::Ended(ended) => conclude(ctx, claimed, *ended).await,
    }
}

/// Tries one claimed delivery, reading it where that has not been done.
pub(super) async fn try_one(
    ctx: &Ctx,
    session: Option<&mut dyn Session>,
    claimed: &Claimed,
    loaded: Option<Loaded>,
) -> Result<Tried, Error> {
    if let Some(loaded) = loaded {
        return try_loaded(ctx, session, claimed, loaded).await;
    }
    let tx = ctx.db.read(claimed.org_id).await?;
    let row = store::find(&tx, claimed.id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    if let Err(state) = held(&row, claimed) {
        // The lease ran out while earlier ones were sent: another worker has it.
        return Ok(Tried::Settled(state));
    }
    let loaded = match Loaded::read(ctx, &tx, row).await {
        Ok(loaded) => loaded,
        Err(error) if error.lasts() => return Ok(Tried::Settled(unreadable(ctx, claimed, &error).await?)),
        Err(error) => return Err(error),
    };
    tx.commit().await?;
    try_loaded(ctx, session, claimed, loaded).await
}

/// What cannot be read today cannot be read tomorrow: a person must know.
async fn unreadable(ctx: &Ctx, claimed: &Claimed, error: &Error) -> Result<State, Error> {
    tracing::error!(delivery.id = %claimed.id, error = %error, "a delivery cannot be read");
    let tx = ctx.db.write(claimed.org_id).await?;
    let row = store::lock(&tx, claimed.id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    if let Err(state) = held(&row, claimed) {
        return Ok(state);
    }
    let state = park(ctx, &tx, row, "internal").await?;
    tx.commit().await?;
    Ok(state)
}

async fn try_loaded(
    ctx: &Ctx,
    session: Option<&mut dyn Session>,
    claimed: &Claimed,
    mut loaded: Loaded,
) -> Result<Tried, Error> {
    if loaded.row.lease_until_at.is_some_and(|until| until <= ctx.now()) {
        return Ok(Tried::Settled(state_of(&loaded.row)));
    }
    let asked = check_again(ctx, &mut loaded).await?;
    match turn(&loaded, asked.is_ok()) {
        Turn::Stay(reason) => loaded.row.channel_reason = reason.or(loaded.row.channel_reason),
        elsewhere => return Ok(Tried::Settled(divert(ctx, claimed, &loaded, elsewhere).await?)),
    }
    let attempt = Attempt {
        org_id: claimed.org_id,
        delivery_id: claimed.id,
        attempt_no: loaded.row.attempts + 1,
        started_at: ctx.now(),
        ended_at: None,
        outcome: "started".to_owned(),
        code: None,
        detail: None,
    };
    let (handed, asked_provider) = match asked {
        // Who is in Peppol is not said by the access point; consumers are looked up at the gateway itself.
        Err(fault) => (Handed::Away(fault), loaded.channel() == Channel::Efaktura),
        Ok(()) => hand_over(ctx, session, claimed, &loaded, &attempt).await,
    };
    if asked_provider {
        let (outcome, fault, _) = outcome(&handed);
        watch::report(ctx, loaded.channel(), Health::of(outcome), fault).await?;
    }
    Ok(Tried::Ended(Box::new(Ended { loaded, attempt, handed })))
}

/// Asks the directories once more, right before sending. `Err` when one does not answer.
async fn check_again(ctx: &Ctx, loaded: &mut Loaded) -> Result<Result<(), Fault>, Error> {
    let only = is_pinned(&loaded.row).then(|| loaded.channel());
    let Some(question) = loaded.chooser.question(&loaded.known, &loaded.customer, &loaded.paper(), only) else {
        return Ok(Ok(()));
    };
    let issuer = loaded.issuer().to_owned();
    match ask(ctx, &loaded.chooser, &loaded.known, &issuer, &loaded.customer, question).await {
        Err(fault) => Ok(Err(Fault { code: format!("lookup_{}", fault.code), ..fault })),
        Ok(row) => {
            let tx = ctx.db.write(loaded.row.org_id).await?;
            channel::keep_lookups(&tx, std::slice::from_ref(&row)).await?;
            tx.commit().await?;
            loaded.known.add(row);
            Ok(Ok(()))
        }
    }
}

/// What the rules as they are now make of a delivery that is about to be sent.
enum Turn {
    /// It is sent, for this reason where the rules chose.
    Stay(Option<String>),
    /// Another channel is to carry it.
    Elsewhere(Change),
    /// A person must see to it first.
    Stop(&'static str),
    /// It is wanted back before it has left.
    Cancel,
}

/// Whether a delivery still goes the way it was to go. While a directory is silent nothing is decided.
fn turn(loaded: &Loaded, answered: bool) -> Turn {
    if loaded.row.take_back {
        return Turn::Cancel;
    }
    if loaded.row.attempts - loaded.row.attempts_before > MOST_TRIES {
        // Its worker dies of it every time.
        return Turn::Stop("tried_too_often");
    }
    if loaded.customer.row.restricted_at.is_some() {
        return Turn::Stop("restricted");
    }
    if !answered {
        return Turn::Stay(None);
    }
    if is_pinned(&loaded.row) {
        let Loaded { chooser, known, customer, .. } = loaded;
        let (paper, channel) = (loaded.paper(), loaded.channel());
        let allowed = if is_chosen(&loaded.row) {
            chooser.decided(known, customer, &paper, channel)
        } else {
            chooser.only(known, customer, &paper, channel)
        };
        return allowed.map_or_else(Turn::Stop, |()| Turn::Stay(None));
    }
    match loaded.choose(None) {
        Ok(chosen) if chosen.channel == loaded.channel() => Turn::Stay(Some(chosen.reason.to_owned())),
        Ok(chosen) => {
            Turn::Elsewhere(Change { kind: "channel_changed", channel: chosen.channel, reason: chosen.reason })
        }
        Err(reason) => Turn::Stop(reason),
    }
}

/// Puts a delivery on the other channel, or leaves it to a person.
async fn divert(ctx: &Ctx, claimed: &Claimed, loaded: &Loaded, turn: Turn) -> Result<State, Error> {
    let tx = ctx.db.write(claimed.org_id).await?;
    let mut row = store::lock(&tx, claimed.id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    if let Err(state) = held(&row, claimed) {
        return Ok(state);
    }
    let turn = if row.take_back { Turn::Cancel } else { turn };
    let state = match turn {
        Turn::Stay(_) => return Ok(state_of(&row)),
        Turn::Cancel => settle(ctx, &tx, row, loaded, State::Retrying, None).await?,
        Turn::Elsewhere(change) => go_to(ctx, &tx, row, loaded, &change).await?,
        Turn::Stop(reason) => {
            // The reason is that of the last way: what a person can mend.
            let of_mail = ["no_address", "invalid_address", "address_suppressed", "einvoice_required"];
            if !is_pinned(&loaded.row) && of_mail.contains(&reason) {
                Channel::Mail.as_str().clone_into(&mut row.channel);
                row.channel_reason = None;
            }
            park(ctx, &tx, row, reason).await?
        }
    };
    tx.commit().await?;
    Ok(state)
}

/// Counts an attempt in, whether it was begun or ended before it could be.
fn count(row: &mut Delivery, loaded: &Loaded, attempt: &Attempt) {
    row.attempts = attempt.attempt_no;
    row.tried_since_at.get_or_insert(attempt.started_at);
    row.message_id.get_or_insert(row.id);
    row.channel_reason.clone_from(&loaded.row.channel_reason);
}

/// Notes an attempt before anything is sent. As `HandingOver` it is the mark that the content is about to leave: from
/// there on a crash leaves the outcome unknown (decision 40), and what the attempt was made from must not have changed.
async fn note_attempt(
    ctx: &Ctx,
    claimed: &Claimed,
    loaded: &Loaded,
    attempt: &Attempt,
    state: State,
) -> Result<(), Error> {
    let now = ctx.now();
    // Mail that came back while this one was on its way to the relay holds it too.
    let address = loaded.address.as_deref().filter(|_| loaded.channel() == Channel::Mail && !is_chosen(&loaded.row));
    let address_hash = address.map(|a| address_hash(&ctx.key, claimed.org_id, a));
    let begin = Begin {
        id: claimed.id,
        lease_token: claimed.lease_token,
        customer_version: loaded.customer.row.version,
        address_hash: address_hash.as_deref(),
        state: state.as_str(),
        attempt,
        channel_reason: loaded.row.channel_reason.as_deref(),
        lease_until: now + Duration::seconds(ctx.config.worker.lease_seconds),
        now,
    };
    let tx = ctx.db.write(claimed.org_id).await?;
    if !store::begin(&tx, &begin).await? {
        let message = "another worker took the delivery over, the invoice was credited, the customer was changed, or mail came back";
        return Err(Error::conflict("changed_meanwhile", message));
    }
    store::keep_attempt(&tx, attempt.clone()).await?;
    Ok(tx.commit().await?)
}

/// A move to another channel.
pub(super) struct Change {
    pub(super) kind: &'static str,
    pub(super) channel: Channel,
    pub(super) reason: &'static str,
}

/// Puts a delivery on another channel, with all its tries before it.
pub(super) async fn go_to(
    ctx: &Ctx,
    tx: &OrgTx,
    mut row: Delivery,
    loaded: &Loaded,
    change: &Change,
) -> Result<State, Error> {
    let event = event(ctx, &row, change.kind, Some(change.reason), Some(change.channel.as_str()));
    change.channel.as_str().clone_into(&mut row.channel);
    row.channel_reason = Some(change.reason.to_owned());
    row.state = State::Queued.as_str().to_owned();
    row.needs_person = false;
    row.reason = None;
    row.attempts_before = row.attempts;
    row.tried_since_at = None;
    row.handed_over_at = None;
    row.provider_ref = None;
    row.provider_seq = 0;
    row.not_before_at = ctx.now();
    release(ctx, &mut row);
    if change.channel == Channel::Mail
        && let Ok(address) = mail_address(&loaded.customer)
    {
        store::set_address(tx, row.id, address).await?;
    }
    store::note(tx, &[event]).await?;
    store::update(tx, row).await?;
    Ok(State::Queued)
}

/// Leaves a delivery to a person, with the reason.
pub(super) async fn park(ctx: &Ctx, tx: &OrgTx, mut row: Delivery, reason: &str) -> Result<State, Error> {
    row.state = if reason == "address_suppressed" { State::Held } else { State::Failed }.as_str().to_owned();
    row.needs_person = true;
    row.reason = Some(reason.to_owned());
    release(ctx, &mut row);
    let state = State::parse(&row.state).unwrap_or(State::Failed);
    store::note(tx, &[event(ctx, &row, state.as_str(), Some(reason), None)]).await?;
    announce(ctx, tx, &row).await?;
    store::update(tx, row).await?;
    Ok(state)
}

pub(super) fn release(ctx: &Ctx, row: &mut Delivery) {
    row.lease_until_at = None;
    row.lease_token = None;
    row.updated_at = ctx.now();
}

/// Something that happened to a delivery.
pub(super) fn event(ctx: &Ctx, row: &Delivery, kind: &str, code: Option<&str>, detail: Option<&str>) -> Event {
    Event {
        org_id: row.org_id,
        delivery_id: row.id,
        id: ctx.id(),
        at: ctx.now(),
        kind: kind.to_owned(),
        channel: row.channel.clone(),
        code: code.map(str::to_owned),
        detail: detail.map(str::to_owned),
    }
}

/// Tells integrators where a delivery stands now, in the transaction that put it there.
pub(super) async fn announce(ctx: &Ctx, tx: &OrgTx, row: &Delivery) -> Result<(), Error> {
    Ok(audit::record(tx, &[standing(ctx.id(), row)]).await?)
}

/// Where a delivery stands, as integrators are told.
pub(crate) fn standing(id: Uuid, row: &Delivery) -> audit::Event {
    audit::Event {
        org_id: row.org_id,
        id,
        at: row.updated_at,
        actor_kind: "job".to_owned(),
        actor_id: None,
        verb: format!("delivery.{}", row.state),
        subject_kind: "delivery".to_owned(),
        subject_id: Some(row.id),
        fields: "state".to_owned(),
        chain: Chain::Books.as_str().to_owned(),
    }
}

/// Makes the parcel and hands it over; and whether the provider was spoken to at all.
async fn hand_over(
    ctx: &Ctx,
    session: Option<&mut dyn Session>,
    claimed: &Claimed,
    loaded: &Loaded,
    attempt: &Attempt,
) -> (Handed, bool) {
    let Some(session) = session else {
        return (Handed::Permanent(Fault::new("channel_off", "the channel is not set up")), false);
    };
    // Drawing is what may bring a worker down: a document that does so every time is not tried for ever.
    if loaded.file.is_none()
        && let Err(error) = note_attempt(ctx, claimed, loaded, attempt, State::Sending).await
    {
        return (Handed::Temporary(Fault::new("not_recorded", error.to_string())), false);
    }
    let actor = Actor::job(claimed.org_id);
    let parcel = match parcel::prepare(ctx, &actor, loaded).await {
        Ok(Ok(parcel)) => parcel,
        Ok(Err(fault)) => return (Handed::Permanent(fault), false),
        Err(error) => return (unprepared(&error), false),
    };
    ctx.pace.wait(loaded.channel()).await;
    let before = Box::new(move || -> Pending<'_, Result<(), String>> {
        Box::pin(async move {
            let noted = note_attempt(ctx, claimed, loaded, attempt, State::HandingOver).await;
            noted.map_err(|e| e.to_string())
        })
    });
    (session.send(&parcel, before).await, true)
}

/// What a document that cannot be made means for its delivery.
fn unprepared(error: &Error) -> Handed {
    match error {
        Error::Render(e) => Handed::Permanent(Fault::new("document_not_drawn", e.to_string())),
        Error::Io(e) => Handed::Away(Fault::new("document_not_stored", e.to_string())),
        Error::Refused(refusal) => {
            let rules: Vec<&str> = refusal.errors.iter().map(|e| e.code.as_str()).collect();
            let detail = if rules.is_empty() { refusal.message.clone() } else { rules.join(", ") };
            Handed::Permanent(Fault::new(refusal.code, detail))
        }
        other => {
            let detail = other.code().unwrap_or("the document could not be read");
            Handed::Temporary(Fault::new("internal", detail))
        }
    }
}

/// What handing over came to: outcome, fault, and the provider's name for the document.
fn outcome(handed: &Handed) -> (Outcome, Option<&Fault>, Option<&String>) {
    match handed {
        Handed::Accepted(name) => (Outcome::Accepted, None, name.as_ref()),
        Handed::HandedOver(name) => (Outcome::HandedOver, None, name.as_ref()),
        Handed::Temporary(f) => (Outcome::Temporary, Some(f), None),
        Handed::Away(f) => (Outcome::Away, Some(f), None),
        Handed::Permanent(f) => (Outcome::Permanent, Some(f), None),
        Handed::Lost(f) => (Outcome::Lost, Some(f), None),
    }
}

/// How often a delivery has been tried, and for how long.
pub(super) fn attempted(ctx: &Ctx, row: &Delivery) -> Attempted {
    let now = ctx.now();
    Attempted {
        now,
        tries: u32::try_from(row.attempts - row.attempts_before).unwrap_or(u32::MAX),
        since: row.tried_since_at.unwrap_or(now),
        jitter: ctx.jitter(),
        retry_after: None,
        can_ask: false,
    }
}

/// Notes what handing over came to.
pub(super) async fn conclude(ctx: &Ctx, claimed: &Claimed, ended: Ended) -> Result<State, Error> {
    let Ended { loaded, mut attempt, handed } = ended;
    let loaded = &loaded;
    let now = ctx.now();
    let channel = loaded.channel();
    let (outcome, fault, name) = outcome(&handed);
    let tx = ctx.db.write(claimed.org_id).await?;
    let mut row = store::lock(&tx, claimed.id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    if let Err(state) = held(&row, claimed) {
        // The lease ran out and somebody else decided; what they wrote stands.
        return Ok(state);
    }
    count(&mut row, loaded, &attempt);
    let attempted = Attempted {
        retry_after: fault.and_then(|f| f.retry_after),
        can_ask: ctx.carrier(channel).is_some_and(|c| c.can_ask()),
        ..attempted(ctx, &row)
    };
    let (state, again) = attempted.then(outcome);
    attempt.ended_at = Some(now);
    attempt.outcome = state.as_str().to_owned();
    attempt.code = fault.map(|f| f.code.clone());
    attempt.detail = fault.map(|f| f.detail.clone());
    store::keep_attempt(&tx, attempt).await?;
    row.provider_ref = name.cloned().or(row.provider_ref);
    row.reason = fault.map(|f| f.code.clone());
    if outcome == Outcome::Away {
        // The provider's trouble costs the document none of its tries.
        row.attempts_before += 1;
    }
    if state == State::Delivered && channel == Channel::Mail {
        forget_suppression(ctx, &tx, loaded).await?;
    }
    let state = settle(ctx, &tx, row, loaded, state, again).await?;
    tx.commit().await?;
    metrics::counter!("reskontro_deliveries_total", "channel" => channel.as_str(), "state" => state.as_str())
        .increment(1);
    Ok(state)
}

/// What a person let through in spite of a bounce has been taken: the address may be used again.
async fn forget_suppression(ctx: &Ctx, tx: &OrgTx, loaded: &Loaded) -> Result<(), Error> {
    // Only what a person chose goes to an address that is held back.
    if let Some(address) = loaded.address.as_deref().filter(|_| is_chosen(&loaded.row)) {
        let hash = address_hash(&ctx.key, loaded.row.org_id, address);
        // A complaint is not answered by the relay's yes.
        if channel::find_suppression(tx, &hash).await?.is_some_and(|s| s.reason != "complaint") {
            channel::unsuppress(tx, &hash).await?;
        }
    }
    Ok(())
}

/// Puts a delivery into the state it has come to. What would have failed goes to the next channel, once.
pub(super) async fn settle(
    ctx: &Ctx,
    tx: &OrgTx,
    mut row: Delivery,
    loaded: &Loaded,
    state: State,
    again: Option<chrono::DateTime<chrono::Utc>>,
) -> Result<State, Error> {
    // What is wanted back, or credited, is sent no more on any channel.
    let ends = matches!(state, State::Retrying | State::Failed | State::Rejected);
    let credited = ends && invoice::is_credited(tx, row.invoice_id).await?;
    let unwanted = credited || (ends && row.take_back);
    if credited {
        row.reason = Some("credited".to_owned());
    }
    if !unwanted
        && matches!(state, State::Failed | State::Rejected)
        && let Some(change) = way_out(loaded, &row)
    {
        row.fallback_from = Some(row.channel.clone());
        return go_to(ctx, tx, row, loaded, &change).await;
    }
    // What has left is taken back at once.
    let (state, again) = match state {
        _ if unwanted => (State::Cancelled, None),
        State::AwaitingReceipt | State::Unknown if row.take_back => (state, Some(ctx.now())),
        _ => (state, again),
    };
    row.take_back &= state != State::Cancelled;
    row.state = state.as_str().to_owned();
    row.needs_person = state.needs_person() && again.is_none();
    if row.needs_person {
        row.reason.get_or_insert_with(|| "internal".to_owned());
    }
    row.not_before_at = again.unwrap_or(row.not_before_at);
    release(ctx, &mut row);
    if again.is_none() {
        announce(ctx, tx, &row).await?;
    }
    store::update(tx, row).await?;
    Ok(state)
}

/// The next channel after a failure: once, and never against a person's choice.
fn way_out(loaded: &Loaded, row: &Delivery) -> Option<Change> {
    if is_pinned(row) {
        return None;
    }
    let chosen = loaded.choose(Some(Channel::parse(&row.channel)?)).ok()?;
    Some(Change { kind: "fallback", channel: chosen.channel, reason: "fallback_after_failure" })
}

/// A session of a channel's provider, where one is set up.
pub fn session(ctx: &Ctx, channel: Channel) -> Option<Box<dyn Session>> {
    ctx.carrier(channel).map(|carrier: Arc<dyn Carrier>| carrier.session())
}
