//! Requests of persons: received, identified, answered in time, and each answer carried out (GDPR articles 12 and 15 to 22).
//!
//! A request is due by the earlier of 30 days and a month. It may be extended in time with a reason. Who asks is known by a
//! one-time code to the address on file, or by what the organisation has seen; a refusal names its ground and where to complain.
//!
//! `intake` takes them in from the payer's page, from mail and from the form beside the statement; `identity` says who asks;
//! `answer` decides.

mod answer;
mod identity;
mod intake;
mod letter;

pub use super::handing::{fetch_link, make_link, package_of, zip_of};
pub use super::restriction::lift as lift_restriction;
pub use answer::{Decision, Receipt, decide, receipt, told};
pub use identity::{confirm_code, identify, send_code};
pub use intake::{
    FormRefused, FromForm, Sorted, ask_as_payer, ask_by_form, form_token, of_payer, package_for_payer, read_inbox,
    sort, take_letter,
};

use super::consent;
use super::explain;
use super::policy;
use crate::ctx::Ctx;
use crate::services::error::{Error, FieldError};
use crate::services::work::{Actor, Deed, Work};
use crate::store::request::{self as store, Notice, Request};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::national_id::contains_national_id;
use domain::privacy::{AUTHORITY, request_due_on, request_extended_to};
use render::privacy::Said;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

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
/// What is asked for where nobody has read it yet.
pub const UNSORTED: &str = "unsorted";
/// What users do not ask for: who may do what in the service is settled by giving and ending access, and nothing is sent to them.
const NOT_OF_USERS: &[&str] = &["restriction", "objection", "consent_withdrawal"];
const FOR_USERS: &str = "somebody who signs in asks for access, rectification, erasure or portability, or complains";
/// How a request came that is noted by hand; what comes by itself came by mail, payer or form.
pub const CHANNELS: &[&str] = &["api", "mail", "operator"];
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
    /// What is asked for; unsorted where nobody has read it yet.
    pub kind: String,
    /// customer, contact or user; unknown where nobody has said whom it is about.
    pub subject_kind: String,
    /// Who asks; none while that is unknown, and once the case is closed by an erasure.
    pub subject_id: Option<Uuid>,
    /// How it came: api, mail, operator, payer (the payer's page) or form (beside the statement).
    pub channel: String,
    /// What who asks is called, as they say, where it came by mail or form.
    pub asker_name: Option<String>,
    /// How they are reached, as they say.
    pub asker_reach: Option<String>,
    /// Attachments of a letter, which are not kept.
    pub attachments_left_out: i64,
    /// When a receipt was mailed to who asks.
    pub receipt_sent_at: Option<DateTime<Utc>>,
    /// When the person was mailed that the time is extended, and why; none where somebody has to tell them.
    pub extension_told_at: Option<DateTime<Utc>>,
    /// When the person was mailed the answer; none where somebody has to tell them.
    pub answer_told_at: Option<DateTime<Utc>>,
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
        asker_name: row.asker_name,
        asker_reach: row.asker_reach,
        attachments_left_out: row.left_out,
        receipt_sent_at: row.receipt_sent_at,
        extension_told_at: row.extension_told_at,
        answer_told_at: row.answer_told_at,
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

/// A request as it is kept first.
struct Incoming {
    kind: String,
    /// Kind and id of whom it is about, where that is known.
    subject: Option<(String, Uuid)>,
    channel: &'static str,
    received_on: NaiveDate,
    wish: Option<String>,
    identity: &'static str,
    asker_name: Option<String>,
    asker_reach: Option<String>,
    letter_hash: Option<Vec<u8>>,
    left_out: i64,
    receipt_sent_at: Option<DateTime<Utc>>,
}

/// Keeps a request. A withdrawal of consent and an objection to marketing hold at once, whoever asks.
async fn keep(work: &Work<'_>, new: Incoming) -> Result<Request, Error> {
    let days = policy::on(&work.tx, work.today()).await?.policy.request_days;
    let customer = new.subject.as_ref().filter(|(kind, _)| kind == "customer").map(|(_, id)| *id);
    let known = new.identity != "unknown";
    let row = Request {
        org_id: work.tx.org(),
        id: work.id(),
        version: 1,
        kind: new.kind,
        subject_kind: new.subject.as_ref().map_or_else(|| "unknown".to_owned(), |(kind, _)| kind.clone()),
        subject_id: new.subject.map(|(_, id)| id),
        channel: new.channel.to_owned(),
        state: if known { "in_progress" } else { "received" }.to_owned(),
        received_on: new.received_on,
        due_on: request_due_on(new.received_on).min(new.received_on + Days::new(u64::from(days))),
        extended_because: None,
        wish: new.wish.as_deref().map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned),
        identity: new.identity.to_owned(),
        identified_at: known.then_some(work.at),
        code_hash: None,
        code_expires_at: None,
        code_tries: 0,
        codes_sent: 0,
        decision: None,
        grounds: None,
        erasure_id: None,
        link_hash: None,
        link_expires_at: None,
        asker_name: new.asker_name,
        asker_reach: new.asker_reach,
        letter_hash: new.letter_hash,
        left_out: new.left_out,
        receipt_sent_at: new.receipt_sent_at,
        extension_told_at: None,
        answer_told_at: None,
        created_at: work.at,
        updated_at: work.at,
        closed_at: None,
    };
    store::insert(&work.tx, row.clone()).await?;
    heed(work, customer, &row.kind).await?;
    Ok(row)
}

/// Nobody must prove who they are to be left alone.
async fn heed(work: &Work<'_>, customer: Option<Uuid>, kind: &str) -> Result<(), Error> {
    if let (Some(customer), "objection" | "consent_withdrawal") = (customer, kind) {
        consent::withdraw_all(work, customer, "request").await?;
    }
    Ok(())
}

const fn received(id: Uuid) -> Deed<'static> {
    Deed { verb: "privacy_request.received", subject: "privacy_request", id, fields: "" }
}

/// Takes a request in. A withdrawal of consent and an objection to marketing hold at once, whoever asks; a contact person who
/// objects is not written to until it is decided.
pub async fn receive(ctx: &Ctx, actor: &Actor, new: &NewRequest) -> Result<Uuid, Error> {
    check(ctx, new)?;
    let channel = CHANNELS.iter().find(|c| **c == new.channel).copied().unwrap_or("operator");
    let work = Work::begin(ctx, actor).await?;
    explain::subject_in(&work.tx, &new.subject_kind, new.subject_id).await?;
    let incoming = Incoming {
        kind: new.kind.clone(),
        subject: Some((new.subject_kind.clone(), new.subject_id)),
        channel,
        received_on: new.received_on.unwrap_or_else(|| work.today()),
        wish: new.wish.clone(),
        identity: "unknown",
        asker_name: None,
        asker_reach: None,
        letter_hash: None,
        left_out: 0,
        receipt_sent_at: None,
    };
    let id = keep(&work, incoming).await?.id;
    work.done(received(id)).await?;
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
    if new.subject_kind == "user" && NOT_OF_USERS.contains(&new.kind.as_str()) {
        find("kind", "not_of_users", FOR_USERS.to_owned());
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

/// Nobody has said yet whom a request is about, or what it asks for.
fn not_sorted() -> Error {
    let message = "nobody has said yet whom this request is about and what it asks for: sort it first";
    Error::conflict("not_sorted", message)
}

/// An open request, locked.
async fn lock_open(work: &Work<'_>, id: Uuid) -> Result<Request, Error> {
    let row = store::lock(&work.tx, id).await?.ok_or_else(|| Error::not_found("request"))?;
    if row.closed_at.is_some() {
        return Err(Error::conflict("already_answered", "this request is answered"));
    }
    Ok(row)
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
    let reached = letter::reached(ctx, &work.tx, &row).await?;
    store::update(&work.tx, row.clone()).await?;
    work.done(Deed { verb: "privacy_request.extended", subject: "privacy_request", id, fields: "due_on" }).await?;
    let said = Said::Extended { due_on: row.due_on, because: because.trim().to_owned() };
    if let Some(reached) = reached
        && letter::tell(ctx, &reached, &row, &said).await
    {
        note_told(ctx, actor, id, |row, at| row.extension_told_at = Some(at)).await?;
    }
    Ok(())
}

/// Notes that the person was told.
async fn note_told(
    ctx: &Ctx,
    actor: &Actor,
    id: Uuid,
    set: impl FnOnce(&mut Request, DateTime<Utc>),
) -> Result<(), Error> {
    let tx = ctx.db.write(actor.org).await?;
    if let Some(mut row) = store::lock(&tx, id).await? {
        set(&mut row, ctx.now());
        store::update(&tx, row).await?;
    }
    Ok(tx.commit().await?)
}

/// Tells of open requests that are due within a week or late: an event, a log line and a figure.
pub async fn remind(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
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
    work.done_each(&due, |id| Deed { verb: "privacy_request.due", subject: "privacy_request", id, fields: "" }).await
}
