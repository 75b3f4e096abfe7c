//! Requests taken in from where people are: the payer's page, where a code has said who asks; letters to the address for them;
//! and the form beside the statement. What a letter or a form says of who asks is proof of nothing; a national identity number in it is not
//! kept.

use super::{FOR_USERS, Incoming, KINDS, NOT_OF_USERS, RequestView, UNSORTED, heed, keep, lock_open, received, view};
use crate::ctx::{Ctx, same, sha256};
use crate::ports::{Handed, Pending};
use crate::privacy::{explain, reading};
use crate::services::delivery::{self, Inbound};
use crate::services::error::Error;
use crate::services::payer::{self, Link};
use crate::services::work::{Actor, Deed, Work};
use crate::store::organisation::{self, Organisation};
use crate::store::request as store;
use crate::store::{OrgTx, customer};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::customer::{Field, Language};
use domain::delivery::is_mail_address;
use domain::hex;
use domain::national_id::without_national_ids;
use formats::bounce::{PersonLetter, person};
use render::mail::{LetterParts, compose_answer};
use render::privacy::{ReceiptFacts, request_receipt};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Characters of what somebody asks for.
const WISH: usize = 2_000;
/// Characters of a name, and of how somebody is reached.
const NAME: usize = 120;
/// Requests a payer's page shows.
const SHOWN: u64 = 20;
/// Requests an organisation takes in by the form in an hour.
const FORMS_AN_HOUR: u64 = 30;
/// Seconds a form is looked at at least, and hours it works.
const FORM_SECONDS: i64 = 2;
const FORM_HOURS: i64 = 24;
/// Hours within which somebody gets one receipt, however many letters they write (RFC 3834 section 2).
const RECEIPT_HOURS: i64 = 24;
/// Days a letter may have lain unread: its time runs from the day it was written.
const LAIN_DAYS: i64 = 14;

fn wish(text: &str) -> Result<String, Error> {
    let text = text.trim();
    let strange = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.is_empty() || text.chars().count() > WISH || text.contains(strange) {
        return Err(Error::field("wish", "required", format!("say in up to {WISH} characters what you ask for")));
    }
    Ok(without_national_ids(text))
}

/// Takes a request in from a payer's page that a code has opened: who asks is known by it. The same asked again while it waits
/// is the same request. None where the page is closed.
pub async fn ask_as_payer(
    ctx: &Ctx,
    link: &Link,
    session: Option<&str>,
    kind: &str,
    text: &str,
) -> Result<Option<Uuid>, Error> {
    if !payer::is_open(ctx, link, session).await? {
        return Ok(None);
    }
    let Some(kind) = KINDS.iter().find(|k| **k == kind) else {
        return Err(Error::field("kind", "unknown_kind", format!("one of {}", KINDS.join(", "))));
    };
    let text = wish(text)?;
    let actor = Actor::link(link.org, link.id);
    let work = Work::begin(ctx, &actor).await?;
    // Two at once make one.
    customer::lock(&work.tx, &[link.customer_id]).await?;
    let before = store::list_of(&work.tx, link.customer_id, SHOWN).await?;
    if let Some(waits) = before.iter().find(|r| r.kind == *kind && r.closed_at.is_none()) {
        return Ok(Some(waits.id));
    }
    let incoming = Incoming {
        kind: (*kind).to_owned(),
        subject: Some(("customer".to_owned(), link.customer_id)),
        channel: "payer",
        received_on: work.today(),
        wish: Some(text),
        identity: "by_code",
        asker_name: None,
        asker_reach: None,
        letter_hash: None,
        left_out: 0,
        receipt_sent_at: None,
    };
    let id = keep(&work, incoming).await?.id;
    work.done(received(id)).await?;
    Ok(Some(id))
}

/// What the payer has asked for, the newest first; nothing where the page is closed.
pub async fn of_payer(ctx: &Ctx, link: &Link, session: Option<&str>) -> Result<Vec<RequestView>, Error> {
    if !payer::is_open(ctx, link, session).await? {
        return Ok(Vec::new());
    }
    let tx = ctx.db.read(link.org).await?;
    let rows = store::list_of(&tx, link.customer_id, SHOWN).await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(|row| view(row, Vec::new(), ctx.today())).collect())
}

/// The answer to a request of the payer's own; none where the page is closed, or it is not theirs.
pub async fn package_for_payer(
    ctx: &Ctx,
    link: &Link,
    session: Option<&str>,
    id: Uuid,
    language: Language,
) -> Result<Option<Vec<u8>>, Error> {
    let own = of_payer(ctx, link, session).await?.into_iter().find(|r| r.id == id);
    if own.is_none_or(|r| r.decision.as_deref() != Some("granted")) {
        return Ok(None);
    }
    let actor = Actor::link(link.org, link.id);
    let zip = super::zip_of(ctx, &actor, id, language).await?;
    reading::note(ctx, &actor, "request.package", link.customer_id).await?;
    Ok(Some(zip))
}

/// What the form beside the statement asks for.
#[derive(Debug, Clone, Default)]
pub struct FromForm {
    /// One of the kinds, or unsorted.
    pub kind: String,
    /// What who asks is called.
    pub name: String,
    /// How they are reached.
    pub reach: String,
    /// What they ask for.
    pub text: String,
    /// The token of the form.
    pub token: String,
}

/// Why a form is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormRefused {
    /// How to reach them, or what they ask for, is missing or too long.
    Incomplete,
    /// It was not ours, or too old, or sent faster than anybody reads.
    Stale,
    /// Enough for this hour.
    TooMany,
}

fn form_mac(ctx: &Ctx, org: Uuid, at: i64) -> String {
    hex::encode(&ctx.key.hash(&[b"request form", org.as_bytes(), &at.to_be_bytes()])[..16])
}

/// The token of a form: when it was shown, and that it was by us. Nobody is signed in, so that it stands for nobody.
pub fn form_token(ctx: &Ctx, org: Uuid) -> String {
    let at = ctx.now().timestamp();
    format!("{at}.{}", form_mac(ctx, org, at))
}

fn is_fresh(ctx: &Ctx, org: Uuid, token: &str) -> bool {
    let Some((at, mac)) = token.split_once('.') else { return false };
    let Ok(at) = at.parse::<i64>() else { return false };
    let age = ctx.now().timestamp() - at;
    (FORM_SECONDS..=FORM_HOURS * 3_600).contains(&age) && same(mac.as_bytes(), form_mac(ctx, org, at).as_bytes())
}

/// Takes a request in from the form: nobody knows who asks until somebody has looked.
pub async fn ask_by_form(ctx: &Ctx, org: Uuid, form: &FromForm) -> Result<Result<RequestView, FormRefused>, Error> {
    if !is_fresh(ctx, org, &form.token) {
        return Ok(Err(FormRefused::Stale));
    }
    let (name, reach) = (form.name.trim(), form.reach.trim());
    let kind = KINDS.iter().find(|k| **k == form.kind).copied().unwrap_or(UNSORTED);
    let short = |text: &str| text.chars().count() <= NAME && !text.contains(char::is_control);
    let fits = !reach.is_empty() && short(reach) && short(name);
    let (true, Ok(text)) = (fits, wish(&form.text)) else { return Ok(Err(FormRefused::Incomplete)) };
    let actor = Actor::job(org);
    let work = Work::begin(ctx, &actor).await?;
    // Counted one after the other.
    organisation::lock(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    if store::count_since(&work.tx, "form", work.at - Duration::hours(1)).await? >= FORMS_AN_HOUR {
        return Ok(Err(FormRefused::TooMany));
    }
    let reach = if is_mail_address(reach) { reach.to_lowercase() } else { without_national_ids(reach) };
    let incoming = Incoming {
        kind: kind.to_owned(),
        subject: whose(&work.tx, &reach).await?,
        channel: "form",
        received_on: work.today(),
        wish: Some(text),
        identity: "unknown",
        asker_name: Some(without_national_ids(name)).filter(|n| !n.is_empty()),
        asker_reach: Some(reach),
        letter_hash: None,
        left_out: 0,
        receipt_sent_at: None,
    };
    let row = keep(&work, incoming).await?;
    work.done(received(row.id)).await?;
    Ok(Ok(view(row, Vec::new(), ctx.today())))
}

/// The customer an address is of, where it is of one alone.
async fn whose(tx: &OrgTx, reach: &str) -> Result<Option<(String, Uuid)>, Error> {
    if !is_mail_address(reach) {
        return Ok(None);
    }
    Ok(store::only_customer_at(tx, reach).await?.map(|id| ("customer".to_owned(), id)))
}

/// Reads the mailbox of bounces, where letters to the address for privacy come too. How many were dealt with.
pub async fn read_inbox(ctx: &Ctx) -> Result<u64, Error> {
    delivery::read_inbox_with(ctx, taken).await
}

fn taken<'a>(ctx: &'a Ctx, bytes: &'a [u8]) -> Pending<'a, Result<bool, Error>> {
    Box::pin(take(ctx, bytes))
}

/// Takes in one letter: a request, or what came back of a mail.
pub async fn take_letter(ctx: &Ctx, bytes: &[u8]) -> Result<Inbound, Error> {
    if take(ctx, bytes).await? { Ok(Inbound::Request) } else { delivery::take_letter(ctx, bytes).await }
}

/// The organisation a letter is for: by the address it went to.
async fn addressed(ctx: &Ctx, letter: &PersonLetter) -> Result<Option<Organisation>, Error> {
    let (mailbox, domain) = (&ctx.config.privacy.mailbox, ctx.config.mail.domain.to_lowercase());
    if mailbox.is_empty() {
        return Ok(None);
    }
    let tags = letter.to.iter().filter_map(|to| {
        let local = to.strip_suffix(&domain)?.strip_suffix('@')?.strip_prefix(&mailbox.to_lowercase())?;
        if local.is_empty() { Some(None) } else { local.strip_prefix('+').map(Some) }
    });
    let tags: Vec<Option<&str>> = tags.collect();
    if tags.is_empty() {
        return Ok(None);
    }
    let tx = ctx.db.system_look().await?;
    let all = organisation::list_ids(&tx).await?;
    tx.commit().await?;
    for id in &all {
        let tx = ctx.db.read(*id).await?;
        let Some(org) = organisation::find(&tx).await? else { continue };
        tx.commit().await?;
        let meant = |tag: Option<&str>| match tag {
            Some(tag) => org.org_number.as_deref() == Some(tag),
            None => all.len() == 1,
        };
        if tags.iter().copied().any(meant) {
            return Ok(Some(org));
        }
    }
    Ok(None)
}

/// Takes a letter in where it is a person's, to the address for privacy: the text is kept, attachments and the letter are not.
/// Twice the same is one request.
async fn take(ctx: &Ctx, bytes: &[u8]) -> Result<bool, Error> {
    if ctx.config.privacy.mailbox.is_empty() {
        return Ok(false);
    }
    let Some(letter) = person(bytes) else { return Ok(false) };
    let Some(org) = addressed(ctx, &letter).await? else { return Ok(false) };
    let from = letter.from.as_deref().filter(|from| is_mail_address(from));
    let actor = Actor::job(org.org_id);
    let work = Work::begin(ctx, &actor).await?;
    let hash = sha256(bytes).to_vec();
    organisation::lock(&work.tx).await?;
    if store::find_letter(&work.tx, &hash).await?.is_some() {
        return Ok(true);
    }
    let subject = match from {
        Some(from) => whose(&work.tx, from).await?,
        None => None,
    };
    let since = work.at - Duration::hours(RECEIPT_HOURS);
    let to = match from.filter(|f| letter.may_be_answered && is_strange(ctx, &org, f)) {
        Some(from) if store::count_receipts(&work.tx, from, since).await? == 0 => Some(from),
        _ => None,
    };
    let language = language_of(&work.tx, &org, subject.as_ref()).await?;
    let incoming = Incoming {
        kind: UNSORTED.to_owned(),
        subject,
        channel: "mail",
        received_on: came_on(&letter, work.today()),
        wish: Some(without_national_ids(&format!("{}\n{}", letter.subject, letter.text))),
        identity: "unknown",
        asker_name: letter.name.as_deref().map(without_national_ids),
        asker_reach: from.map(str::to_owned),
        letter_hash: Some(hash),
        left_out: i64::try_from(letter.left_out).unwrap_or(i64::MAX),
        // Noted before it leaves: one receipt at most.
        receipt_sent_at: to.map(|_| work.at),
    };
    let row = keep(&work, incoming).await?;
    let at = work.at;
    work.done(received(row.id)).await?;
    if let Some(to) = to {
        let facts = ReceiptFacts {
            organisation: org.name.clone(),
            email: org.email.clone(),
            case: row.id.to_string(),
            on: ctx.today(),
            received_on: row.received_on,
            due_on: row.due_on,
            left_out: row.left_out,
        };
        answer(ctx, &org, to, &facts, language, &letter, at).await;
    }
    Ok(true)
}

/// Whether an address is neither ours nor the organisation's own: two machines do not write to each other.
fn is_strange(ctx: &Ctx, org: &Organisation, from: &str) -> bool {
    let own = [Some(org.sender_email.as_str()), org.reply_to.as_deref(), org.email.as_deref()];
    !own.into_iter().flatten().any(|own| own.eq_ignore_ascii_case(from))
        && !from.ends_with(&format!("@{}", ctx.config.mail.domain.to_lowercase()))
}

/// The day a letter came: the day it was written where it has lain unread for a while, else today.
fn came_on(letter: &PersonLetter, today: NaiveDate) -> NaiveDate {
    letter.written_on.filter(|d| (0..=LAIN_DAYS).contains(&(today - *d).num_days())).unwrap_or(today)
}

async fn language_of(tx: &OrgTx, org: &Organisation, of: Option<&(String, Uuid)>) -> Result<Language, Error> {
    let known = match of {
        Some((_, id)) => customer::load(tx, &[*id]).await?.into_iter().next(),
        None => None,
    };
    let own = known.and_then(|k| k.record.get(Field::Language).map(str::to_owned));
    Ok(Language::from_code(own.as_deref().unwrap_or(&org.language)))
}

/// Mails the receipt. It is a courtesy: where mail cannot leave, the request stands all the same.
async fn answer(
    ctx: &Ctx,
    org: &Organisation,
    to: &str,
    facts: &ReceiptFacts,
    language: Language,
    letter: &PersonLetter,
    at: DateTime<Utc>,
) {
    let id = ctx.id();
    let parts = LetterParts {
        paper: &request_receipt(facts, language),
        from_name: &org.sender_name,
        from_address: &org.sender_email,
        reply_to: org.reply_to.as_deref(),
        to_address: to,
        message_id: format!("{id}@{}", ctx.config.mail.domain),
        at,
    };
    let composed = compose_answer(&parts, letter.message_id.as_deref());
    match payer::hand_over(ctx, org.org_id, id, to, at, composed).await {
        Handed::Temporary(fault) | Handed::Away(fault) | Handed::Permanent(fault) => {
            tracing::warn!(code = %fault.code, "the receipt of a request could not be mailed");
        }
        _ => {}
    }
}

/// What somebody who has read a request says of it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sorted {
    /// What is asked for; as it was when left out.
    pub kind: Option<String>,
    /// customer, contact or user, with `subject_id`; as it was when both are left out.
    pub subject_kind: Option<String>,
    /// Whom it is about.
    pub subject_id: Option<Uuid>,
}

/// Says what an open request asks for, and whom it is about. Somebody else than before must be known anew.
pub async fn sort(ctx: &Ctx, actor: &Actor, id: Uuid, sorted: &Sorted) -> Result<RequestView, Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_open(&work, id).await?;
    if let Some(kind) = &sorted.kind {
        if !KINDS.contains(&kind.as_str()) {
            return Err(Error::field("kind", "unknown_kind", format!("one of {}", KINDS.join(", "))));
        }
        row.kind.clone_from(kind);
    }
    match (&sorted.subject_kind, sorted.subject_id) {
        (None, None) => {}
        (Some(kind), Some(of)) if matches!(kind.as_str(), "customer" | "contact" | "user") => {
            explain::subject_in(&work.tx, kind, of).await?;
            if row.subject_id != Some(of) {
                "unknown".clone_into(&mut row.identity);
                "received".clone_into(&mut row.state);
                row.identified_at = None;
                row.code_hash = None;
            }
            row.subject_kind.clone_from(kind);
            row.subject_id = Some(of);
        }
        _ => {
            let message = "give subject_kind (customer, contact or user) and subject_id together";
            return Err(Error::field("subject_id", "required", message));
        }
    }
    if row.subject_kind == "user" && NOT_OF_USERS.contains(&row.kind.as_str()) {
        return Err(Error::field("kind", "not_of_users", FOR_USERS));
    }
    row.updated_at = work.at;
    let customer = row.subject_id.filter(|_| row.subject_kind == "customer");
    heed(&work, customer, &row.kind).await?;
    store::update(&work.tx, row).await?;
    let fields = "kind,subject_kind,subject_id";
    work.done(Deed { verb: "privacy_request.sorted", subject: "privacy_request", id, fields }).await?;
    super::get(ctx, actor, id).await
}
