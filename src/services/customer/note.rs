//! Notes of contacts with customers: support, and what was agreed or said that matters for a booked item. The text is for people;
//! national identity numbers are refused in it. A contact keeps a relationship going.

use crate::ctx::Ctx;
use crate::services::error::{Error, FieldError};
use crate::services::work::{Actor, Deed, Work};
use crate::store::note::{self as store, Note};
use crate::store::{customer, invoice};
use chrono::{DateTime, NaiveDate, Utc};
use domain::national_id::contains_national_id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What a note may be.
pub const KINDS: &[&str] = &["support", "correspondence"];
/// How a contact may have come about.
pub const CHANNELS: &[&str] = &["phone", "mail", "meeting", "letter", "other"];
/// Characters of a note, at most.
const TEXT: usize = 4_000;

/// A note to be written.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    /// support, or correspondence: what was agreed or said that matters for something booked, which law keeps for years.
    #[schema(example = "support")]
    pub kind: String,
    /// phone, mail, meeting, letter or other.
    #[schema(example = "phone")]
    pub channel: String,
    /// What it was about.
    pub text: String,
    /// The day of the contact; today when left out.
    pub contact_on: Option<NaiveDate>,
    /// The invoice that refers to it, of a correspondence: it is kept as long as that.
    pub referred_invoice_id: Option<Uuid>,
    /// Nothing is left to do: it is closed at once.
    #[serde(default)]
    pub closed: bool,
}

/// A note.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoteView {
    /// The note.
    pub id: Uuid,
    /// support or correspondence.
    pub kind: String,
    /// phone, mail, meeting, letter or other.
    pub channel: String,
    /// What it was about.
    pub text: String,
    /// Who wrote it: operator, api_key or user.
    pub author_kind: String,
    /// Which key or user.
    pub author_id: Option<Uuid>,
    /// The day of the contact.
    pub contact_on: NaiveDate,
    /// The invoice that refers to it.
    pub referred_invoice_id: Option<Uuid>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
}

impl From<Note> for NoteView {
    fn from(row: Note) -> Self {
        let Note { id, kind, channel, text, author_kind, author_id, contact_on, .. } = row;
        let Note { referred_invoice_id, created_at, closed_at, .. } = row;
        Self { id, kind, channel, text, author_kind, author_id, contact_on, referred_invoice_id, created_at, closed_at }
    }
}

fn check(ctx: &Ctx, new: &NewNote) -> Result<(), Error> {
    let mut errors = Vec::new();
    let mut find = |field: &str, code: &str, message: String| {
        errors.push(FieldError { field: field.to_owned(), code: code.to_owned(), message });
    };
    if !KINDS.contains(&new.kind.as_str()) {
        find("kind", "unknown", format!("one of {}", KINDS.join(", ")));
    }
    if !CHANNELS.contains(&new.channel.as_str()) {
        find("channel", "unknown", format!("one of {}", CHANNELS.join(", ")));
    }
    if new.text.trim().is_empty() || new.text.chars().count() > TEXT {
        find("text", "required", format!("say in 1 to {TEXT} characters what it was about"));
    } else if contains_national_id(&new.text) {
        find("text", Error::NATIONAL_ID, Error::NO_NATIONAL_ID.to_owned());
    }
    if new.contact_on.is_some_and(|day| day > ctx.today()) {
        find("contact_on", "out_of_range", "the day of the contact, not one to come".to_owned());
    }
    if new.referred_invoice_id.is_some() && new.kind != "correspondence" {
        find(
            "referred_invoice_id",
            "not_here",
            "an invoice refers to a correspondence; leave it out of support".to_owned(),
        );
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
}

/// Writes a note of a contact.
pub async fn add_note(ctx: &Ctx, actor: &Actor, customer_id: Uuid, new: &NewNote) -> Result<Uuid, Error> {
    check(ctx, new)?;
    Error::unless_plausible("contact_on", new.contact_on)?;
    let work = Work::begin(ctx, actor).await?;
    // Locked, so that it does not leave for the archive meanwhile.
    customer::lock(&work.tx, &[customer_id]).await?;
    if customer::load(&work.tx, &[customer_id]).await?.is_empty() {
        return Err(Error::not_found("customer"));
    }
    if let Some(id) = new.referred_invoice_id {
        let found = invoice::find(&work.tx, id).await?.filter(|i| i.customer_id == customer_id);
        found.ok_or_else(|| {
            Error::field("referred_invoice_id", "unknown_invoice", "the customer has no issued invoice with this id")
        })?;
    }
    let id = work.id();
    let row = Note {
        org_id: actor.org,
        id,
        version: 1,
        customer_id,
        kind: new.kind.clone(),
        channel: new.channel.clone(),
        text: new.text.trim().to_owned(),
        author_kind: actor.kind.as_str().to_owned(),
        author_id: actor.id,
        contact_on: new.contact_on.unwrap_or_else(|| work.today()),
        referred_invoice_id: new.referred_invoice_id,
        created_at: work.at,
        closed_at: new.closed.then_some(work.at),
    };
    store::insert(&work.tx, row).await?;
    work.done(Deed { verb: "customer.note_added", subject: "customer_note", id, fields: "" }).await?;
    Ok(id)
}

/// Closes a note: nothing is left to do, and its time begins.
pub async fn close_note(ctx: &Ctx, actor: &Actor, customer_id: Uuid, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let row = store::lock(&work.tx, customer_id, id).await?.ok_or_else(|| Error::not_found("note"))?;
    if row.closed_at.is_some() {
        return Err(Error::conflict("already_closed", "this note is closed; write a new one"));
    }
    store::update(&work.tx, Note { closed_at: Some(work.at), ..row }).await?;
    work.done(Deed { verb: "customer.note_closed", subject: "customer_note", id, fields: "closed_at" }).await
}

/// Notes of a customer after an id, oldest first.
pub async fn notes(
    ctx: &Ctx,
    actor: &Actor,
    customer_id: Uuid,
    after: Uuid,
    limit: u64,
) -> Result<Vec<NoteView>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    if customer::load(&tx, &[customer_id]).await?.is_empty() {
        return Err(Error::not_found("customer"));
    }
    let rows = store::list(&tx, customer_id, after, limit).await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(NoteView::from).collect())
}
