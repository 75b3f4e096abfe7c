//! Requests of persons: received, identified, answered in time, and each answer carried out (GDPR articles 12 and 15 to 22).
//!
//! A request is due by the earlier of 30 days and a month. It may be extended in time with a reason. Who asks is known by a
//! one-time code to the address on file, or by what the organisation has seen; a refusal names its ground and where to complain.

use super::consent;
use super::erase;
use super::explain::{self, Subject, explain};
use super::policy;
use super::restriction;
use crate::ctx::{Ctx, same};
use crate::services::error::{Error, FieldError};
use crate::services::payer::{self, CodeSent};
use crate::services::work::{Actor, Deed, Work};
use crate::store::customer;
use crate::store::organisation;
use crate::store::request::{self as store, Notice, Request};
use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use domain::customer::Language;
use domain::national_id::contains_national_id;
use domain::privacy::{AUTHORITY, request_due_on, request_extended_to};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use super::handing::{fetch_link, make_link, package_of, zip_of};
pub use super::restriction::lift as lift_restriction;

/// What may be asked for.
pub const KINDS: &[&str] = &[
    "access",
    "rectification",
    "erasure",
    "restriction",
    "objection",
    "portability",
    "consent_withdrawal",
    "complaint",
];
/// How a request came.
pub const CHANNELS: &[&str] = &["api", "mail", "operator"];
/// Minutes a code works.
const CODE_MINUTES: i64 = 30;
/// Wrong guesses after which a code is dead.
const MOST_TRIES: i64 = 5;
/// Codes a request is sent.
const MOST_CODES: i64 = 5;
/// Days before the due date on which a request is told to be due.
const SOON_DAYS: u64 = 7;
/// Requests shown at most.
const SHOWN: u64 = 200;

/// A request as it comes in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRequest {
    /// access, rectification, erasure, restriction, objection, portability, consent_withdrawal or complaint.
    #[schema(example = "access")]
    pub kind: String,
    /// customer, contact or user.
    #[schema(example = "customer")]
    pub subject_kind: String,
    /// Who asks.
    pub subject_id: Uuid,
    /// How it came: api, mail or operator.
    pub channel: String,
    /// The day it came; today when left out. The time runs from here.
    pub received_on: Option<NaiveDate>,
    /// What the person asks for, in short, such as what is wrong.
    pub wish: Option<String>,
}

/// A request as it stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RequestView {
    /// The request.
    pub id: Uuid,
    /// What is asked for.
    pub kind: String,
    /// customer, contact or user.
    pub subject_kind: String,
    /// Who asks; none once the case is closed by an erasure.
    pub subject_id: Option<Uuid>,
    /// How it came.
    pub channel: String,
    /// received, in_progress, answered, refused or withdrawn.
    pub state: String,
    /// The day it came.
    pub received_on: NaiveDate,
    /// The day it is to be answered by.
    pub due_on: NaiveDate,
    /// Days left; negative when it is late.
    pub days_left: i64,
    /// Why the time was extended, where it was.
    pub extended_because: Option<String>,
    /// What the person asks for.
    pub wish: Option<String>,
    /// unknown, by_code, by_organisation or doubted.
    pub identity: String,
    /// What was decided: granted or refused.
    pub decision: Option<String>,
    /// Why, where it was refused: the paragraph and what it means here.
    pub grounds: Option<String>,
    /// The erasure it led to.
    pub erasure_id: Option<Uuid>,
    /// When it was answered.
    pub closed_at: Option<DateTime<Utc>>,
    /// Where the person may complain of the answer (article 12 (4)), once there is one: the answer says so.
    pub complain_to: Option<String>,
    /// Who is to be told of it (article 19), and when they were.
    pub notices: Vec<NoticeView>,
    /// Counts changes.
    pub version: i64,
}

/// Somebody who is to be told.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoticeView {
    /// mail_relay, efaktura, access_point, bank or host.
    pub recipient: String,
    /// When they were told; none yet.
    pub told_at: Option<DateTime<Utc>>,
}

fn view(row: Request, notices: Vec<Notice>, today: NaiveDate) -> RequestView {
    RequestView {
        id: row.id,
        kind: row.kind,
        subject_kind: row.subject_kind,
        subject_id: row.subject_id,
        channel: row.channel,
        state: row.state,
        received_on: row.received_on,
        due_on: row.due_on,
        days_left: (row.due_on - today).num_days(),
        extended_because: row.extended_because,
        wish: row.wish,
        identity: row.identity,
        decision: row.decision,
        grounds: row.grounds,
        erasure_id: row.erasure_id,
        closed_at: row.closed_at,
        complain_to: row.closed_at.map(|_| AUTHORITY.to_string()),
        notices: notices.into_iter().map(|n| NoticeView { recipient: n.recipient, told_at: n.told_at }).collect(),
        version: row.version,
    }
}

/// Takes a request in. A withdrawal of consent and an objection to marketing hold at once, whoever asks; a contact person who
/// objects is not written to until it is decided.
pub async fn receive(ctx: &Ctx, actor: &Actor, new: &NewRequest) -> Result<Uuid, Error> {
    check(ctx, new)?;
    let work = Work::begin(ctx, actor).await?;
    let subject = explain::subject_in(&work.tx, &new.subject_kind, new.subject_id).await?;
    let received_on = new.received_on.unwrap_or_else(|| work.today());
    let days = policy::on(&work.tx, work.today()).await?.policy.request_days;
    let due_on = request_due_on(received_on).min(received_on + Days::new(u64::from(days)));
    let id = work.id();
    let row = Request {
        org_id: actor.org,
        id,
        version: 1,
        kind: new.kind.clone(),
        subject_kind: new.subject_kind.clone(),
        subject_id: Some(new.subject_id),
        channel: new.channel.clone(),
        state: "received".to_owned(),
        received_on,
        due_on,
        extended_because: None,
        wish: new.wish.as_deref().map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned),
        identity: "unknown".to_owned(),
        identified_at: None,
        code_hash: None,
        code_expires_at: None,
        code_tries: 0,
        codes_sent: 0,
        decision: None,
        grounds: None,
        erasure_id: None,
        link_hash: None,
        link_expires_at: None,
        created_at: work.at,
        updated_at: work.at,
        closed_at: None,
    };
    store::insert(&work.tx, row).await?;
    // Nobody must prove who they are to be left alone.
    if let (Subject::Customer(customer), "objection" | "consent_withdrawal") = (subject, new.kind.as_str()) {
        consent::withdraw_all(&work, customer, "request").await?;
    }
    work.done(Deed { verb: "privacy_request.received", subject: "privacy_request", id, fields: "" }).await?;
    Ok(id)
}

fn check(ctx: &Ctx, new: &NewRequest) -> Result<(), Error> {
    let mut errors = Vec::new();
    let mut find = |field: &str, code: &str, message: String| {
        errors.push(FieldError { field: field.to_owned(), code: code.to_owned(), message });
    };
    if !KINDS.contains(&new.kind.as_str()) {
        find("kind", "unknown_kind", format!("one of {}", KINDS.join(", ")));
    }
    if !CHANNELS.contains(&new.channel.as_str()) {
        find("channel", "unknown_channel", format!("one of {}", CHANNELS.join(", ")));
    }
    if !matches!(new.subject_kind.as_str(), "customer" | "contact" | "user") {
        find("subject_kind", "unknown_kind", "customer, contact or user".to_owned());
    }
    // Who may do what in the service is settled by giving and ending access, and nothing is sent to users.
    if new.subject_kind == "user" && matches!(new.kind.as_str(), "restriction" | "objection" | "consent_withdrawal") {
        let message = "somebody who signs in asks for access, rectification, erasure or portability, or complains";
        find("kind", "not_of_users", message.to_owned());
    }
    if let Some(day) = new.received_on
        && (day > ctx.today() || day < ctx.today() - Days::new(366))
    {
        find("received_on", "out_of_range", "a day within the last year, not one to come".to_owned());
    }
    if new.wish.as_ref().is_some_and(|w| w.chars().count() > 2_000) {
        find("wish", "too_long", "at most 2000 characters".to_owned());
    }
    if new.wish.as_ref().is_some_and(|w| contains_national_id(w)) {
        find("wish", Error::NATIONAL_ID, Error::NO_NATIONAL_ID.to_owned());
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
}

/// Requests: open ones by their due date, or all of them.
pub async fn list(ctx: &Ctx, actor: &Actor, open: bool) -> Result<Vec<RequestView>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = store::list(&tx, open, SHOWN).await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(|row| view(row, Vec::new(), ctx.today())).collect())
}

/// A request with who is to be told.
pub async fn get(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<RequestView, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let row = store::find(&tx, id).await?.ok_or_else(|| Error::not_found("request"))?;
    let notices = store::notices(&tx, id).await?;
    tx.commit().await?;
    Ok(view(row, notices, ctx.today()))
}

/// An open request, locked.
async fn lock_open(work: &Work<'_>, id: Uuid) -> Result<Request, Error> {
    let row = store::lock(&work.tx, id).await?.ok_or_else(|| Error::not_found("request"))?;
    if row.closed_at.is_some() {
        return Err(Error::conflict("already_answered", "this request is answered"));
    }
    Ok(row)
}

fn code_hash(ctx: &Ctx, row: &Request, code: &str) -> Vec<u8> {
    ctx.key.hash(&[b"request code", row.org_id.as_bytes(), row.id.as_bytes(), code.as_bytes()]).to_vec()
}

/// Sends a one-time code to the address on file.
pub async fn send_code(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_open(&work, id).await?;
    let Some(customer) = row.subject_id.filter(|_| row.subject_kind == "customer") else {
        let message = "a code is sent to a customer's address; say yourself how a contact person or a user is known";
        return Err(Error::conflict("no_code_for_contacts", message));
    };
    if row.codes_sent >= MOST_CODES {
        return Err(Error::conflict("too_many_codes", "five codes were sent; say yourself how the person is known"));
    }
    let org = organisation::find(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let no_address = || {
        let message = "there is no address on file a code may be sent to; say yourself how the person is known";
        Error::conflict("no_address", message)
    };
    // Of whoever is in the archive no address is kept.
    let found = customer::load(&work.tx, &[customer]).await?.into_iter().next().ok_or_else(no_address)?;
    let to = payer::address(ctx, &work.tx, &org, &found).await?.ok_or_else(no_address)?;
    let code = payer::new_code(ctx);
    row.code_hash = Some(code_hash(ctx, &row, &code));
    row.code_expires_at = Some(work.at + Duration::minutes(CODE_MINUTES));
    row.code_tries = 0;
    row.codes_sent += 1;
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    let language = found.record.get(domain::customer::Field::Language).unwrap_or(&org.language).to_owned();
    work.done(Deed { verb: "privacy_request.code_sent", subject: "privacy_request", id, fields: "" }).await?;
    match payer::mail_code(ctx, &org, &to, &code, CODE_MINUTES, Language::from_code(&language)).await {
        CodeSent::Sent => Ok(()),
        CodeSent::Away => Err(Error::conflict("mail_away", "mail cannot leave now; try again shortly")),
        CodeSent::TooMany | CodeSent::Refused => Err(Error::conflict(
            "address_refused",
            "the relay refused the address; say yourself how the person is known",
        )),
    }
}

/// Takes the code the person was sent.
pub async fn confirm_code(ctx: &Ctx, actor: &Actor, id: Uuid, typed: &str) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_open(&work, id).await?;
    let works = row.code_tries < MOST_TRIES && row.code_expires_at.is_some_and(|until| until > work.at);
    let Some(hash) = row.code_hash.clone().filter(|_| works) else {
        return Err(Error::conflict("no_code", "no code works any more; send a new one"));
    };
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let right = same(&hash, &code_hash(ctx, &row, &typed));
    row.code_tries += 1;
    if right {
        row.code_hash = None;
        identified(&mut row, "by_code", work.at);
    }
    store::update(&work.tx, row).await?;
    // A wrong guess is counted all the same.
    let verb = if right { "privacy_request.identified" } else { "privacy_request.wrong_code" };
    work.done(Deed { verb, subject: "privacy_request", id, fields: "identity" }).await?;
    if right { Ok(()) } else { Err(Error::conflict("wrong_code", "the code is wrong")) }
}

fn identified(row: &mut Request, how: &str, at: DateTime<Utc>) {
    how.clone_into(&mut row.identity);
    row.identified_at = Some(at);
    row.updated_at = at;
    "in_progress".clone_into(&mut row.state);
}

/// Notes that the organisation itself knows who asks, or reasonably doubts it (article 12 (6)). Only the result is kept.
pub async fn identify(ctx: &Ctx, actor: &Actor, id: Uuid, known: bool) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_open(&work, id).await?;
    if known {
        identified(&mut row, "by_organisation", work.at);
    } else {
        "doubted".clone_into(&mut row.identity);
        row.identified_at = None;
        row.updated_at = work.at;
    }
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "privacy_request.identified", subject: "privacy_request", id, fields: "identity" }).await
}

/// Extends the time by two months, with the reason the person is told: only before the first time is over (article 12 (3)).
pub async fn extend(ctx: &Ctx, actor: &Actor, id: Uuid, because: &str) -> Result<(), Error> {
    if because.trim().is_empty() || because.chars().count() > 1_000 {
        return Err(Error::field("reason", "required", "say in up to 1000 characters why; the person is told"));
    }
    Error::unless_without_id("reason", Some(because))?;
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_open(&work, id).await?;
    if row.extended_because.is_some() {
        return Err(Error::conflict("already_extended", "the time is extended once"));
    }
    if work.today() > row.due_on {
        let message = "the time is over: an extension must be told before it is; answer now";
        return Err(Error::conflict("too_late", message));
    }
    row.due_on = request_extended_to(row.received_on);
    row.extended_because = Some(because.trim().to_owned());
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "privacy_request.extended", subject: "privacy_request", id, fields: "due_on" }).await
}

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

/// Tells of open requests that are due within a week or late: an event, a log line and a figure.
pub async fn remind(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let mut work = Work::begin(ctx, actor).await?;
    let today = work.today();
    let late = store::count_due(&work.tx, today).await?;
    let soon = store::list(&work.tx, true, SHOWN).await?;
    metrics::gauge!("reskontro_privacy_requests_late", "org" => actor.org.to_string())
        .set(f64::from(i32::try_from(late).unwrap_or(i32::MAX)));
    if late > 0 {
        tracing::error!(org.id = %actor.org, requests.late = late, "requests of persons are late");
    }
    let until = today.checked_add_days(Days::new(SOON_DAYS)).unwrap_or(today);
    let due: Vec<Uuid> = soon.into_iter().filter(|r| r.due_on <= until).map(|r| r.id).collect();
    let Some((last, rest)) = due.split_last() else { return Ok(()) };
    for id in rest {
        work.note(&Deed { verb: "privacy_request.due", subject: "privacy_request", id: *id, fields: "" });
    }
    work.done(Deed { verb: "privacy_request.due", subject: "privacy_request", id: *last, fields: "" }).await
}
