//! Outgoing webhooks by Standard Webhooks: thin, signed, tried again, switched off when nobody answers, and replayed.

use super::error::Error;
use super::event::{kind_of, kinds};
use super::work::{Actor, Deed, Work};
use crate::ctx::Ctx;
use crate::ports::{Call, Called, Fault};
use crate::store::webhook::{self as store, Endpoint, Message, Taken};
use base64::Engine;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Seconds to the next try after each failed one; after the last the message has failed.
const RETRY_SECONDS: [i64; 7] = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
/// Hours of failures only before an endpoint is switched off.
const PATIENCE_HOURS: i64 = 120;
/// Hours an old secret signs beside the new one.
const OVERLAP_HOURS: i64 = 24;
/// Endpoints an organisation may have.
const MOST: usize = 20;
/// Events turned into messages at once.
const PAGE: u64 = 500;
/// Messages a worker takes at once.
const CLAIM: i64 = 20;

/// An endpoint to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEndpoint {
    /// Where to; https.
    pub url: String,
    /// Types it is told; all when left out.
    #[serde(default)]
    pub types: Vec<String>,
}

/// An endpoint with its secret, shown once.
#[derive(Debug, Clone)]
pub struct Created {
    /// The endpoint.
    pub id: Uuid,
    /// `whsec_…`; signs what is sent.
    pub secret: String,
}

/// An endpoint as it is shown: never with its secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookEndpoint {
    /// The endpoint.
    pub id: Uuid,
    /// Where to.
    pub url: String,
    /// Types it is told; all when empty.
    pub types: Vec<String>,
    /// `active` or `disabled`.
    pub state: String,
    /// When it was switched off.
    pub disabled_at: Option<DateTime<Utc>>,
    /// `by_hand`, `gone` (it answered 410) or `failing` (120 hours without a success).
    pub disabled_why: Option<String>,
    /// Nothing has got through since.
    pub failing_since_at: Option<DateTime<Utc>>,
    /// When something last got through, to the minute.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Until when the secret before this one signs too.
    pub old_secret_until_at: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

fn shown_endpoint(row: Endpoint, now: DateTime<Utc>) -> WebhookEndpoint {
    WebhookEndpoint {
        id: row.id,
        url: row.url,
        types: row.types.split(',').filter(|t| !t.is_empty()).map(str::to_owned).collect(),
        state: row.state,
        disabled_at: row.disabled_at,
        disabled_why: row.disabled_why,
        failing_since_at: row.failing_since_at,
        last_success_at: row.last_success_at,
        old_secret_until_at: row.old_secret_until_at.filter(|until| *until > now),
        created_at: row.created_at,
    }
}

/// Endpoints of the organisation, oldest first.
pub async fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<WebhookEndpoint>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = store::list(&tx).await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(|row| shown_endpoint(row, ctx.now())).collect())
}

/// An endpoint and its version.
pub async fn get(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(i64, WebhookEndpoint), Error> {
    let tx = ctx.db.read(actor.org).await?;
    let row = store::find(&tx, id).await?.ok_or_else(|| Error::not_found("webhook endpoint"))?;
    tx.commit().await?;
    Ok((row.version, shown_endpoint(row, ctx.now())))
}

/// A message for one endpoint, and how it goes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookMessage {
    /// The event it tells; its `webhook-id`.
    pub event_id: Uuid,
    /// Type of the event.
    #[serde(rename = "type")]
    pub kind: String,
    /// Kind of thing it is about.
    pub subject: String,
    /// The thing.
    pub subject_id: Option<Uuid>,
    /// When it happened.
    pub happened_at: DateTime<Utc>,
    /// `queued`, `sent` or `failed`.
    pub state: String,
    /// Tries so far.
    pub attempts: i64,
    /// Not tried before.
    pub not_before_at: DateTime<Utc>,
    /// What the endpoint last answered.
    pub status: Option<i64>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// When it was sent or given up.
    pub done_at: Option<DateTime<Utc>>,
}

/// Which messages of an endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// In this state; all when `None`.
    pub state: Option<&'a str>,
    /// Older than this event.
    pub before: Option<Uuid>,
    /// How many at most.
    pub limit: u64,
}

/// Messages of an endpoint, newest first.
pub async fn messages(ctx: &Ctx, actor: &Actor, id: Uuid, wanted: Wanted<'_>) -> Result<Vec<WebhookMessage>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    store::find(&tx, id).await?.ok_or_else(|| Error::not_found("webhook endpoint"))?;
    let rows = store::list_messages_before(&tx, id, wanted.state, wanted.before, wanted.limit).await?;
    tx.commit().await?;
    let shown = |m: Message| WebhookMessage {
        event_id: m.event_id,
        kind: m.kind,
        subject: m.subject_kind,
        subject_id: m.subject_id,
        happened_at: m.happened_at,
        state: m.state,
        attempts: m.attempts,
        not_before_at: m.not_before_at,
        status: m.status,
        error: m.error,
        done_at: m.done_at,
    };
    Ok(rows.into_iter().map(shown).collect())
}

fn check(ctx: &Ctx, new: &NewEndpoint) -> Result<(), Error> {
    if let Err(fault) = ctx.caller.check_url(&new.url) {
        return Err(Error::field("url", "not_allowed", fault.detail));
    }
    let known = kinds();
    if let Some(unknown) = new.types.iter().find(|t| !known.contains(&t.as_str())) {
        return Err(Error::field("types", "unknown", format!("{unknown} is none of {}", known.join(", "))));
    }
    Ok(())
}

fn new_secret(ctx: &Ctx) -> Vec<u8> {
    let mut bytes = vec![0; 32];
    ctx.rng.fill(&mut bytes);
    bytes
}

fn shown(secret: &[u8]) -> String {
    format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(secret))
}

/// Adds an endpoint; it is told what happens from now on.
pub async fn create(ctx: &Ctx, actor: &Actor, new: &NewEndpoint) -> Result<Created, Error> {
    check(ctx, new)?;
    let work = Work::begin(ctx, actor).await?;
    if store::list(&work.tx).await?.len() >= MOST {
        return Err(Error::conflict("too_many_endpoints", format!("an organisation has at most {MOST} endpoints")));
    }
    let (id, secret) = (work.id(), new_secret(ctx));
    let row = Endpoint {
        org_id: actor.org,
        id,
        version: 1,
        url: new.url.clone(),
        types: new.types.join(","),
        secret: ctx.key.seal(ctx.rng.as_ref(), &secret),
        old_secret: None,
        old_secret_until_at: None,
        state: "active".to_owned(),
        disabled_at: None,
        disabled_why: None,
        failing_since_at: None,
        last_success_at: None,
        created_at: work.at,
        updated_at: work.at,
    };
    let from = store::end_of_events(&work.tx).await?;
    store::insert(&work.tx, row, from).await?;
    work.done(Deed { verb: "webhook.created", subject: "webhook_endpoint", id, fields: "" }).await?;
    Ok(Created { id, secret: shown(&secret) })
}

async fn lock(work: &Work<'_>, id: Uuid) -> Result<Endpoint, Error> {
    store::lock(&work.tx, id).await?.ok_or_else(|| Error::not_found("webhook endpoint"))
}

/// Changes where an endpoint is and what it is told.
pub async fn change(ctx: &Ctx, actor: &Actor, id: Uuid, version: i64, new: &NewEndpoint) -> Result<(), Error> {
    check(ctx, new)?;
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock(&work, id).await?;
    Error::unless_seen("webhook endpoint", version, row.version)?;
    row.url.clone_from(&new.url);
    row.types = new.types.join(",");
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "webhook.changed", subject: "webhook_endpoint", id, fields: "url,types" }).await
}

/// Removes an endpoint.
pub async fn remove(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    lock(&work, id).await?;
    store::delete(&work.tx, id).await?;
    work.done(Deed { verb: "webhook.removed", subject: "webhook_endpoint", id, fields: "" }).await
}

/// A new secret; the old one signs beside it for a day.
pub async fn rotate(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<String, Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock(&work, id).await?;
    let secret = new_secret(ctx);
    row.old_secret = Some(std::mem::replace(&mut row.secret, ctx.key.seal(ctx.rng.as_ref(), &secret)));
    row.old_secret_until_at = Some(work.at + Duration::hours(OVERLAP_HOURS));
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "webhook.secret_changed", subject: "webhook_endpoint", id, fields: "secret" }).await?;
    Ok(shown(&secret))
}

/// Switches an endpoint on or off. What happened while it was off is sent once it is on.
pub async fn switch(ctx: &Ctx, actor: &Actor, id: Uuid, on: bool) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock(&work, id).await?;
    row.state = if on { "active" } else { "disabled" }.to_owned();
    row.disabled_at = (!on).then_some(work.at);
    row.disabled_why = (!on).then(|| "by_hand".to_owned());
    row.failing_since_at = None;
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    if on {
        store::replay(&work.tx, id, work.at).await?;
    }
    work.done(Deed { verb: "webhook.switched", subject: "webhook_endpoint", id, fields: "state" }).await
}

/// Sends what failed once more; how many.
pub async fn replay(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<u64, Error> {
    let work = Work::begin(ctx, actor).await?;
    lock(&work, id).await?;
    let count = store::replay(&work.tx, id, work.at).await?;
    work.done(Deed { verb: "webhook.replayed", subject: "webhook_endpoint", id, fields: "" }).await?;
    Ok(count)
}

/// Turns new events into messages for every endpoint; how many.
pub async fn spread(ctx: &Ctx) -> Result<u64, Error> {
    let tx = ctx.db.system().await?;
    let active = store::list_active(&tx).await?;
    tx.commit().await?;
    let mut count = 0;
    for (org, endpoint) in active {
        loop {
            let tx = ctx.db.read(org).await?;
            let Some(row) = store::find(&tx, endpoint).await? else { break };
            tx.commit().await?;
            let tx = ctx.db.write(org).await?;
            let Some(mut cursor) = store::lock_cursor(&tx, endpoint).await? else { break };
            let found = store::events(&tx, (cursor.position, cursor.event_id), PAGE).await?;
            let Some(last) = found.last() else { break };
            (cursor.position, cursor.event_id) = (last.position, last.id);
            let wanted = |kind: &str| row.types.is_empty() || row.types.split(',').any(|t| t == kind);
            let now = ctx.now();
            let messages: Vec<Message> = found
                .iter()
                .filter_map(|h| Some((h, kind_of(&h.verb).filter(|k| wanted(k))?)))
                .map(|(h, kind)| Message {
                    org_id: org,
                    endpoint_id: endpoint,
                    event_id: h.id,
                    kind: kind.to_owned(),
                    subject_kind: h.subject_kind.clone(),
                    subject_id: h.subject_id,
                    happened_at: h.at,
                    state: "queued".to_owned(),
                    attempts: 0,
                    not_before_at: now,
                    lease_until_at: None,
                    status: None,
                    error: None,
                    done_at: None,
                })
                .collect();
            count += u64::try_from(messages.len()).unwrap_or_default();
            store::advance(&tx, cursor, &messages).await?;
            tx.commit().await?;
        }
    }
    Ok(count)
}

/// Sends what is due; how many messages were dealt with.
pub async fn send_due(ctx: &Ctx) -> Result<u64, Error> {
    let now = ctx.now();
    let tx = ctx.db.system().await?;
    let taken = store::claim(&tx, now, now + Duration::seconds(ctx.config.worker.lease_seconds), CLAIM).await?;
    tx.commit().await?;
    let sends = taken.iter().map(|t| send(ctx, t));
    let done = futures_util::future::join_all(sends).await;
    done.into_iter().collect::<Result<Vec<()>, Error>>()?;
    Ok(u64::try_from(taken.len()).unwrap_or_default())
}

/// What goes over the wire: ids only, so that no personal data has to be called back later.
#[derive(Serialize)]
struct Body<'a> {
    id: Uuid,
    r#type: &'a str,
    timestamp: DateTime<Utc>,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    organisation_id: Uuid,
    subject: &'a str,
    subject_id: Option<Uuid>,
}

async fn send(ctx: &Ctx, taken: &Taken) -> Result<(), Error> {
    let tx = ctx.db.read(taken.org_id).await?;
    let endpoint = store::find(&tx, taken.endpoint_id).await?;
    let message = store::find_message(&tx, taken.endpoint_id, taken.event_id).await?;
    tx.commit().await?;
    let (Some(endpoint), Some(message)) = (endpoint, message) else { return Ok(()) };
    if endpoint.state != "active" {
        // Waits until the endpoint is switched on again.
        return put_off(ctx, message, Duration::hours(1)).await;
    }
    let data = Data { organisation_id: taken.org_id, subject: &message.subject_kind, subject_id: message.subject_id };
    let body = Body { id: message.event_id, r#type: &message.kind, timestamp: message.happened_at, data };
    let body = serde_json::to_vec(&body).map_err(|e| std::io::Error::other(e.to_string()))?;
    let still = endpoint.old_secret_until_at.is_some_and(|until| until > ctx.now());
    let sealed = [Some(&endpoint.secret), endpoint.old_secret.as_ref().filter(|_| still)];
    let secrets = sealed.into_iter().flatten().filter_map(|s| ctx.key.open(s)).map(|s| shown(&s)).collect();
    let call = Call { id: message.event_id, url: endpoint.url.clone(), secrets, at: ctx.now(), body };
    let answer = ctx.caller.call(&call).await;
    conclude(ctx, taken, message, answer).await
}

async fn put_off(ctx: &Ctx, mut message: Message, by: Duration) -> Result<(), Error> {
    let tx = ctx.db.write(message.org_id).await?;
    message.not_before_at = ctx.now() + by;
    message.lease_until_at = None;
    message.attempts -= 1;
    store::update_message(&tx, message).await?;
    Ok(tx.commit().await?)
}

async fn conclude(ctx: &Ctx, taken: &Taken, mut message: Message, answer: Result<Called, Fault>) -> Result<(), Error> {
    let now = ctx.now();
    let tx = ctx.db.write(taken.org_id).await?;
    let Some(mut endpoint) = store::lock(&tx, taken.endpoint_id).await? else { return Ok(()) };
    let (ok, gone, asked) = match &answer {
        Ok(called) => ((200..300).contains(&called.status), called.status == 410, called.retry_after),
        Err(_) => (false, false, None),
    };
    message.status = answer.as_ref().ok().map(|c| i64::from(c.status));
    message.error = answer.err().map(|f| f.code);
    message.lease_until_at = None;
    if ok {
        message.state = "sent".to_owned();
        message.done_at = Some(now);
    } else {
        match next_try(now, message.attempts, ctx.jitter(), asked) {
            Some(at) => message.not_before_at = at,
            None => {
                message.state = "failed".to_owned();
                message.done_at = Some(now);
            }
        }
    }
    let changed = note_health(&mut endpoint, now, ok, gone);
    store::update_message(&tx, message).await?;
    if changed {
        store::update_health(&tx, endpoint).await?;
    }
    Ok(tx.commit().await?)
}

/// How the endpoint is doing after an answer; whether that changed.
fn note_health(endpoint: &mut Endpoint, now: DateTime<Utc>, ok: bool, gone: bool) -> bool {
    if ok {
        let news = endpoint.failing_since_at.take().is_some()
            || endpoint.last_success_at.is_none_or(|at| now - at > Duration::minutes(1));
        endpoint.last_success_at = Some(now);
        return news;
    }
    let news = endpoint.failing_since_at.is_none();
    let since = *endpoint.failing_since_at.get_or_insert(now);
    let why = match gone {
        true => Some("gone"),
        false if now - since >= Duration::hours(PATIENCE_HOURS) => Some("failing"),
        false => None,
    };
    let Some(why) = why.filter(|_| endpoint.state == "active") else { return news };
    endpoint.state = "disabled".to_owned();
    endpoint.disabled_at = Some(now);
    endpoint.disabled_why = Some(why.to_owned());
    true
}

/// When to try again: the schedule with ±20 %, longer when the endpoint asks, at most twice the wait.
fn next_try(now: DateTime<Utc>, attempts: i64, jitter: u16, asked: Option<u32>) -> Option<DateTime<Utc>> {
    let base = RETRY_SECONDS.get(usize::try_from(attempts.checked_sub(1)?).ok()?)?;
    let spread = base * 2 / 5;
    let wait = base + spread * i64::from(jitter) / i64::from(u16::MAX) - spread / 2;
    Some(now + Duration::seconds(wait.max(asked.map_or(0, i64::from).min(base * 2))))
}

/// Days messages that were dealt with are kept to look at.
pub(super) const KEEP_DAYS: i64 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_follow_the_schedule_and_an_endpoint_may_ask_for_twice_as_long() {
        let now = DateTime::UNIX_EPOCH;
        let wait = |attempts, asked| next_try(now, attempts, u16::MAX / 2, asked).map(|at| (at - now).num_seconds());
        assert_eq!((wait(1, None), wait(2, None)), (Some(4), Some(299)));
        assert_eq!(wait(2, Some(400)), Some(400));
        assert_eq!(wait(2, Some(10_000)), Some(600));
        assert_eq!((wait(7, None).is_some(), wait(8, None), wait(0, None)), (true, None, None));
    }
}
