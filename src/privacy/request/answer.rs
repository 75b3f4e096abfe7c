//! The answer: decided, carried out, and told to those who were given the data.

use super::{RequestView, UNSORTED, get, letter, lock_open, not_sorted, note_told};
use crate::ctx::Ctx;
use crate::privacy::consent;
use crate::privacy::erase;
use crate::privacy::explain::{self, Subject, explain};
use crate::privacy::restriction;
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::request::{self as store, Request};
use chrono::{DateTime, NaiveDate, Utc};
use render::privacy::Said;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What was decided.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// granted or refused.
    pub decision: String,
    /// Where it is refused: the ground, such as "artikkel 17 (3) b: bokføringsloven § 13". The answer adds where to complain.
    pub grounds: Option<String>,
}

/// Decides a request and carries it out: erases, restricts, stops marketing, or lets the package be fetched. Whoever was given
/// the data is noted to be told (article 19).
pub async fn decide(ctx: &Ctx, actor: &Actor, id: Uuid, decided: &Decision) -> Result<RequestView, Error> {
    let granted = is_granted(decided)?;
    let tx = ctx.db.read(actor.org).await?;
    let asked = store::find(&tx, id).await?.ok_or_else(|| Error::not_found("request"))?;
    // Asked before anything is erased.
    let reached = letter::reached(ctx, &tx, &asked).await?;
    tx.commit().await?;
    if granted && asked.closed_at.is_none() && (asked.kind == UNSORTED || asked.subject_id.is_none()) {
        return Err(not_sorted());
    }
    let subject = if granted { subject_of(ctx, actor, &asked).await? } else { None };
    let needs_proof = erases(&asked) || matches!(asked.kind.as_str(), "access" | "portability" | "rectification");
    if granted && needs_proof && asked.identified_at.is_none() {
        let message =
            "it is not known yet who asks: send a code to the address on file, or say that you know the person";
        return Err(Error::conflict("not_identified", message));
    }
    let told = match subject {
        Some(subject) if erases(&asked) || matches!(asked.kind.as_str(), "rectification" | "restriction") => {
            explain(ctx, actor, subject, None).await?.told
        }
        _ => Vec::new(),
    };
    let erasure = match subject {
        Some(subject) if erases(&asked) && asked.closed_at.is_none() => erased(ctx, actor, subject).await?,
        _ => None,
    };
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_open(&work, id).await?;
    match (subject, row.kind.as_str()) {
        (Some(Subject::Customer(customer)), "restriction") => {
            restriction::place(&work, customer).await?;
        }
        (Some(Subject::Customer(customer)), "objection" | "consent_withdrawal") => {
            consent::withdraw_all(&work, customer, "request").await?;
        }
        _ => {}
    }
    for told in told {
        store::note_recipient(&work.tx, id, told.recipient.as_str(), work.at).await?;
    }
    row.state = if granted { "answered" } else { "refused" }.to_owned();
    row.decision = Some(decided.decision.clone());
    row.grounds = decided.grounds.as_deref().map(str::trim).map(str::to_owned);
    row.erasure_id = erasure.or(row.erasure_id);
    if erases(&row) && granted {
        // A closed erasure case keeps no identity (decision 46).
        row.subject_id = None;
        row.wish = None;
        row.asker_name = None;
        row.asker_reach = None;
    }
    row.code_hash = None;
    row.updated_at = work.at;
    row.closed_at = Some(work.at);
    store::update(&work.tx, row).await?;
    let verb = if granted { "privacy_request.answered" } else { "privacy_request.refused" };
    work.done(Deed { verb, subject: "privacy_request", id, fields: "decision" }).await?;
    let said = if granted {
        Said::Granted { kind: asked.kind.clone() }
    } else {
        Said::Refused { grounds: decided.grounds.as_deref().unwrap_or_default().trim().to_owned() }
    };
    if let Some(reached) = reached
        && letter::tell(ctx, &reached, &asked, &said).await
    {
        note_told(ctx, actor, id, |row, at| row.answer_told_at = Some(at)).await?;
    }
    get(ctx, actor, id).await
}

/// Whether it is granted; a refusal names its ground.
fn is_granted(decided: &Decision) -> Result<bool, Error> {
    Error::unless_without_id("grounds", decided.grounds.as_deref())?;
    match (decided.decision.as_str(), decided.grounds.as_deref().map(str::trim)) {
        ("granted", _) => Ok(true),
        ("refused", Some(grounds)) if !grounds.is_empty() => Ok(false),
        ("refused", _) => Err(Error::field("grounds", "required", "a refusal names its ground (article 12 (4))")),
        _ => Err(Error::field("decision", "unknown", "granted or refused")),
    }
}

/// Whether granting it erases who asks. A contact person who objects to being one is written to no more, and nothing else is a
/// reason to keep them (article 17 (1) c).
fn erases(asked: &Request) -> bool {
    asked.kind == "erasure" || (asked.kind == "objection" && asked.subject_kind == "contact")
}

async fn subject_of(ctx: &Ctx, actor: &Actor, asked: &Request) -> Result<Option<Subject>, Error> {
    let Some(of) = asked.subject_id else { return Ok(None) };
    match explain::subject(ctx, actor, &asked.subject_kind, of).await {
        // Erased before the request could be closed: only that is left to do.
        Err(error) if erases(asked) && error.code() == Some("not_found") => Ok(None),
        other => other.map(Some),
    }
}

/// Erases who asks. It has a transaction and a ledger of its own; cut off before the request is closed, the request is decided
/// again and the erasure found done, or waiting.
async fn erased(ctx: &Ctx, actor: &Actor, subject: Subject) -> Result<Option<Uuid>, Error> {
    let by = Actor { idempotency: None, ..actor.clone() };
    match erase::erase(ctx, &by, subject).await {
        Ok(case) => Ok(Some(case.id)),
        Err(error) if error.code() == Some("erasure_waits") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Notes that somebody who was given the data was told of the rectification, erasure or restriction (article 19).
pub async fn told(ctx: &Ctx, actor: &Actor, id: Uuid, recipient: &str) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    if !store::told(&work.tx, id, recipient, work.at).await? {
        return Err(Error::not_found("recipient who is to be told"));
    }
    work.done(Deed { verb: "privacy_request.recipient_told", subject: "privacy_request", id, fields: "" }).await
}

/// A receipt for the controller a request is prepared for: what came, when it is due, how it stands. Signed; names nobody.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// The request.
    pub request_id: Uuid,
    /// The organisation it is for.
    pub organisation_id: Uuid,
    /// What is asked for.
    pub kind: String,
    /// The day it came.
    pub received_on: NaiveDate,
    /// The day it is to be answered by.
    pub due_on: NaiveDate,
    /// How it stands.
    pub state: String,
    /// When the receipt was made.
    pub made_at: DateTime<Utc>,
    /// The installation's public key, hexadecimal.
    pub public_key: String,
    /// Ed25519 signature over the fields above as JSON, hexadecimal.
    pub signature: String,
}

/// A signed receipt of a request.
pub async fn receipt(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Receipt, Error> {
    let row = get(ctx, actor, id).await?;
    let no_signer = || Error::conflict("no_signer", "the installation key cannot sign");
    let mut receipt = Receipt {
        request_id: id,
        organisation_id: actor.org,
        kind: row.kind,
        received_on: row.received_on,
        due_on: row.due_on,
        state: row.state,
        made_at: ctx.now(),
        public_key: ctx.key.public_key().ok_or_else(no_signer)?,
        signature: String::new(),
    };
    let content = serde_json::to_vec(&receipt).map_err(std::io::Error::other)?;
    receipt.signature = ctx.key.sign(&content).ok_or_else(no_signer)?;
    Ok(receipt)
}
