//! The answer: decided, carried out, told to those who were given the data, and handed over.

use super::{RequestView, UNSORTED, get, lock_open, not_sorted};
use crate::ctx::{Ctx, sha256};
use crate::privacy::consent;
use crate::privacy::erase;
use crate::privacy::explain::{self, Subject, explain};
use crate::privacy::package::{self, Package};
use crate::privacy::reading;
use crate::services::error::Error;
use crate::services::user::new_token;
use crate::services::work::{Actor, Deed, Work};
use crate::store::customer;
use crate::store::request::{self as store, Request};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::customer::Language;
use domain::hex;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Days a link to a package works (retention matrix, row 18).
const LINK_DAYS: u64 = 30;

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
    tx.commit().await?;
    if granted && asked.closed_at.is_none() && (asked.kind == UNSORTED || asked.subject_id.is_none()) {
        return Err(not_sorted());
    }
    let subject = if granted { subject_of(ctx, actor, &asked).await? } else { None };
    let needs_proof = matches!(asked.kind.as_str(), "access" | "erasure" | "portability" | "rectification");
    if granted && needs_proof && asked.identified_at.is_none() {
        let message =
            "it is not known yet who asks: send a code to the address on file, or say that you know the person";
        return Err(Error::conflict("not_identified", message));
    }
    let told = match subject {
        Some(subject) if matches!(asked.kind.as_str(), "rectification" | "erasure" | "restriction") => {
            explain(ctx, actor, subject, None).await?.told
        }
        _ => Vec::new(),
    };
    let erasure = match subject {
        Some(subject) if asked.kind == "erasure" && asked.closed_at.is_none() => erased(ctx, actor, subject).await?,
        _ => None,
    };
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_open(&work, id).await?;
    match (subject, row.kind.as_str()) {
        (Some(Subject::Customer(customer)), "restriction") => {
            store::restrict(&work.tx, customer, Some(work.at)).await?;
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
    if row.kind == "erasure" && granted {
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
    get(ctx, actor, id).await
}

/// Whether it is granted; a refusal names its ground.
fn is_granted(decided: &Decision) -> Result<bool, Error> {
    match (decided.decision.as_str(), decided.grounds.as_deref().map(str::trim)) {
        ("granted", _) => Ok(true),
        ("refused", Some(grounds)) if !grounds.is_empty() => Ok(false),
        ("refused", _) => Err(Error::field("grounds", "required", "a refusal names its ground (article 12 (4))")),
        _ => Err(Error::field("decision", "unknown", "granted or refused")),
    }
}

async fn subject_of(ctx: &Ctx, actor: &Actor, asked: &Request) -> Result<Option<Subject>, Error> {
    let Some(of) = asked.subject_id else { return Ok(None) };
    match explain::subject(ctx, actor, &asked.subject_kind, of).await {
        // Erased before the request could be closed: only that is left to do.
        Err(error) if asked.kind == "erasure" && error.code() == Some("not_found") => Ok(None),
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

/// Lifts the restriction of a customer: only after the person has been told (article 18 (3)).
pub async fn lift_restriction(ctx: &Ctx, actor: &Actor, customer: Uuid, person_told: bool) -> Result<(), Error> {
    if !person_told {
        let message = "tell the person first, and say that you have (article 18 (3))";
        return Err(Error::field("person_told", "required", message));
    }
    let work = Work::begin(ctx, actor).await?;
    let row =
        customer::lock(&work.tx, &[customer]).await?.into_iter().next().ok_or_else(|| Error::not_found("customer"))?;
    if row.restricted_at.is_none() {
        return Err(Error::conflict("not_restricted", "the customer's data is not restricted"));
    }
    store::restrict(&work.tx, customer, None).await?;
    work.done(Deed { verb: "customer.restriction_lifted", subject: "customer", id: customer, fields: "restricted_at" })
        .await
}

/// What is held of who asks: of an answered request for access or portability.
pub async fn package_of(ctx: &Ctx, actor: &Actor, id: Uuid, language: Language) -> Result<Package, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let row = store::find(&tx, id).await?.ok_or_else(|| Error::not_found("request"))?;
    tx.commit().await?;
    let portable = match row.kind.as_str() {
        "access" => false,
        "portability" => true,
        _ => return Err(Error::conflict("no_package", "a package answers a request for access or portability")),
    };
    if row.identified_at.is_none() {
        let message = "it is not known yet who asks: nothing is handed out";
        return Err(Error::conflict("not_identified", message));
    }
    if row.decision.as_deref() == Some("refused") {
        return Err(Error::conflict("refused", "this request was refused"));
    }
    let of = row.subject_id.ok_or_else(|| Error::not_found("person"))?;
    let subject = explain::subject(ctx, actor, &row.subject_kind, of).await?;
    package::make(ctx, actor, subject, portable, language).await
}

/// Makes a link from which the package is fetched for thirty days: by the person, or by another controller (article 20 (2)). A
/// new link takes the place of the one before.
pub async fn make_link(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<String, Error> {
    // Refused where the package is.
    package_of(ctx, actor, id, Language::Bokmal).await?;
    let token = new_token(ctx);
    let work = Work::begin(ctx, actor).await?;
    let mut row = store::lock(&work.tx, id).await?.ok_or_else(|| Error::not_found("request"))?;
    row.link_hash = Some(sha256(token.as_bytes()).to_vec());
    row.link_expires_at = work.at.checked_add_days(Days::new(LINK_DAYS));
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "privacy_request.link_made", subject: "privacy_request", id, fields: "" }).await?;
    Ok(format!("{}/privacy/packages/{token}", ctx.config.payer.base_url.trim_end_matches('/')))
}

/// The file behind a link.
pub async fn fetch_link(ctx: &Ctx, token: &str) -> Result<Vec<u8>, Error> {
    let tx = ctx.db.system_look().await?;
    let found = store::find_link(&tx, &sha256(token.as_bytes()), ctx.now()).await?;
    tx.commit().await?;
    let row = found.ok_or_else(|| Error::not_found("package"))?;
    let actor = Actor::link(row.org_id, row.id);
    let zip = zip_of(ctx, &actor, row.id, Language::Bokmal).await?;
    reading::note(ctx, &actor, "request.package", reading::about([row.subject_id])).await?;
    Ok(zip)
}

/// The package of a request as a file.
pub async fn zip_of(ctx: &Ctx, actor: &Actor, id: Uuid, language: Language) -> Result<Vec<u8>, Error> {
    let package = package_of(ctx, actor, id, language).await?;
    let paper = package.paper(ctx, actor, language).await?;
    let made = tokio::task::spawn_blocking(move || package.zip(Some(&paper))).await;
    made.map_err(|e| Error::from(std::io::Error::other(e.to_string())))?
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
    use ring::signature::KeyPair;
    let row = get(ctx, actor, id).await?;
    let signer = ctx.key.signer().ok_or_else(|| Error::conflict("no_signer", "the installation key cannot sign"))?;
    let mut receipt = Receipt {
        request_id: id,
        organisation_id: actor.org,
        kind: row.kind,
        received_on: row.received_on,
        due_on: row.due_on,
        state: row.state,
        made_at: ctx.now(),
        public_key: hex::encode(signer.public_key().as_ref()),
        signature: String::new(),
    };
    let content = serde_json::to_vec(&receipt).map_err(std::io::Error::other)?;
    receipt.signature = hex::encode(signer.sign(&content).as_ref());
    Ok(receipt)
}
