//! One write: its transaction, its audit event and its idempotency key (I13, I14).

use super::error::{Error, Kind};
use super::seen;
use crate::ctx::Ctx;
use crate::store::{OrgTx, audit, idempotency};
use chrono::{DateTime, NaiveDate, Utc};
use domain::audit::Chain;
use uuid::Uuid;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// Somebody at the command line of the installation.
    Operator,
    /// A system with an API key.
    ApiKey,
    /// Somebody who has signed in.
    User,
    /// A job.
    Job,
    /// Whoever has a link that was sent to a payer.
    Link,
}

impl ActorKind {
    /// Its name in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::ApiKey => "api_key",
            Self::User => "user",
            Self::Job => "job",
            Self::Link => "link",
        }
    }
}

/// A client's key for one write, and a digest of what it sent.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// The key.
    pub key: String,
    /// Digest of method, path and body.
    pub request: [u8; 32],
}

/// Who asks, for which organisation.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The organisation.
    pub org: Uuid,
    /// Who.
    pub kind: ActorKind,
    /// Which key.
    pub id: Option<Uuid>,
    /// The client's key for this write.
    pub idempotency: Option<Idempotency>,
}

impl Actor {
    /// Somebody at the command line.
    pub const fn operator(org: Uuid) -> Self {
        Self { org, kind: ActorKind::Operator, id: None, idempotency: None }
    }

    /// A job.
    pub const fn job(org: Uuid) -> Self {
        Self { org, kind: ActorKind::Job, id: None, idempotency: None }
    }

    /// Whoever has a link that was sent to a payer.
    pub const fn link(org: Uuid, id: Uuid) -> Self {
        Self { org, kind: ActorKind::Link, id: Some(id), idempotency: None }
    }
}

/// What a write did, for the audit log and for a repeat of the request.
#[derive(Debug, Clone)]
pub struct Deed<'a> {
    /// What was done, such as `invoice.issued`.
    pub verb: &'static str,
    /// Kind of thing, such as `invoice`.
    pub subject: &'static str,
    /// The thing.
    pub id: Uuid,
    /// Names of fields that were written; never values.
    pub fields: &'a str,
}

/// A write in progress. Dropped before `done`, nothing is kept.
pub struct Work<'a> {
    /// The transaction.
    pub tx: OrgTx,
    /// When it began.
    pub at: DateTime<Utc>,
    ctx: &'a Ctx,
    actor: &'a Actor,
    key: Option<(Vec<u8>, idempotency::Hold)>,
    events: Vec<audit::Event>,
}

impl<'a> Work<'a> {
    /// Begins a write. A repeat of a request that was done is [`Error::Replayed`].
    pub async fn begin(ctx: &'a Ctx, actor: &'a Actor) -> Result<Self, Error> {
        Self::on(ctx, actor, false).await
    }

    /// Begins a write on the retention path: it may delete what is append-only to all others, and sees the archive.
    pub async fn retain(ctx: &'a Ctx, actor: &'a Actor) -> Result<Self, Error> {
        Self::on(ctx, actor, true).await
    }

    async fn on(ctx: &'a Ctx, actor: &'a Actor, retention: bool) -> Result<Self, Error> {
        let open = async || if retention { ctx.db.retain(actor.org).await } else { ctx.db.write(actor.org).await };
        let Some(asked) = &actor.idempotency else {
            let tx = open().await?;
            return Ok(Self { tx, at: ctx.now(), ctx, actor, key: None, events: Vec::new() });
        };
        let hash = ctx.key.hash(&[b"idempotency", actor.org.as_bytes(), asked.key.as_bytes()]).to_vec();
        let in_use = || {
            let message = "a request with this Idempotency-Key is still running; ask again shortly";
            Error::conflict("idempotency_key_in_use", message)
        };
        let hold = ctx.db.held_keys().hold(&hash).ok_or_else(in_use)?;
        let tx = open().await?;
        if !idempotency::try_lock(&tx, &hash).await? {
            return Err(in_use());
        }
        if let Some(done) = idempotency::find(&tx, &hash).await? {
            return Err(replay(ctx, asked, done));
        }
        Ok(Self { tx, at: ctx.now(), ctx, actor, key: Some((hash, hold)), events: Vec::new() })
    }

    /// A new id.
    pub fn id(&self) -> Uuid {
        self.ctx.id()
    }

    /// The business date: today in Oslo.
    pub fn today(&self) -> NaiveDate {
        self.ctx.today()
    }

    /// Notes something done besides the deed itself, such as each invoice of a batch.
    pub fn note(&mut self, deed: &Deed<'_>) {
        let event = audit::Event {
            org_id: self.actor.org,
            id: self.ctx.id(),
            at: self.at,
            actor_kind: self.actor.kind.as_str().to_owned(),
            actor_id: self.actor.id,
            verb: deed.verb.to_owned(),
            subject_kind: deed.subject.to_owned(),
            subject_id: Some(deed.id),
            fields: deed.fields.to_owned(),
            chain: Chain::of(deed.subject, deed.verb).as_str().to_owned(),
        };
        self.events.push(event);
    }

    /// Keeps the work with the same deed done to several things; nothing is kept where there are none.
    pub async fn done_each(mut self, ids: &[Uuid], deed: impl Fn(Uuid) -> Deed<'static>) -> Result<(), Error> {
        let Some((last, rest)) = ids.split_last() else { return Ok(()) };
        for id in rest {
            self.note(&deed(*id));
        }
        self.done(deed(*last)).await
    }

    /// Keeps the work with its audit events, and the client's key with what was made.
    pub async fn done(mut self, deed: Deed<'_>) -> Result<(), Error> {
        self.note(&deed);
        audit::record(&self.tx, &self.events).await?;
        // Held until the commit is through.
        let (key_hash, _hold) = self.key.unzip();
        if let (Some(key_hash), Some(asked)) = (key_hash, &self.actor.idempotency) {
            let body_hash = self.ctx.key.hash(&[b"request", &asked.request]).to_vec();
            let done = idempotency::Done {
                org_id: self.actor.org,
                key_hash,
                body_hash,
                status: 201,
                resource_type: deed.subject.to_owned(),
                resource_id: deed.id,
                created_at: self.at,
            };
            idempotency::keep(&self.tx, done).await?;
        }
        let issued = self.events.iter().any(|e| matches!(e.verb.as_str(), "invoice.issued" | "credit_note.issued"));
        self.tx.commit().await?;
        if issued && let Err(error) = seen::note_numbers(self.ctx, self.actor.org).await {
            // It is committed; nothing of it leaves before this succeeds (`seen::note_claimed`).
            tracing::error!(error = %error, "numbers that were given out could not be noted outside the database");
        }
        Ok(())
    }
}

fn replay(ctx: &Ctx, asked: &Idempotency, done: idempotency::Done) -> Error {
    if done.body_hash != ctx.key.hash(&[b"request", &asked.request]) {
        let message = "this Idempotency-Key was used for another request; use a new key";
        return Error::refuse(Kind::Invalid, "idempotency_key_reused", message);
    }
    Error::Replayed {
        status: u16::try_from(done.status).unwrap_or(200),
        resource: done.resource_type,
        id: done.resource_id,
    }
}

/// For fields of a patch: tells `null` from what is left out.
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
pub(super) fn given<'de, T, D>(from: D) -> Result<Option<Option<T>>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    serde::Deserialize::deserialize(from).map(Some)
}
