//! Reads of personal data are logged: one row a request with who, when, what was asked for and whom it was about, by ids; no
//! value and no address (decision 51). Rows wait in memory for a second, and are written together.

use super::explain::Subject;
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::Actor;
use crate::store::reading::{self as store, Kept, MOST_WAITING, Reading, Waiting};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use store::About;

/// Rows shown at most at a time.
pub const PAGE: u64 = 200;

impl From<Uuid> for About {
    fn from(person: Uuid) -> Self {
        Self::People(vec![person])
    }
}

impl From<Vec<Uuid>> for About {
    fn from(people: Vec<Uuid>) -> Self {
        Self::People(people)
    }
}

impl From<Subject> for About {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Customer(id) | Subject::User(id) => Self::People(vec![id]),
            Subject::Contact { customer, id } => Self::People(vec![customer, id]),
            Subject::Invoice(id) => Self::Of(Kept::Invoice, vec![id]),
            Subject::Payment(id) => Self::Of(Kept::Payment, vec![id]),
        }
    }
}

/// Those some customers' things are of.
pub fn about(people: impl IntoIterator<Item = Option<Uuid>>) -> About {
    About::People(people.into_iter().flatten().collect())
}

/// Whose an invoice is.
pub fn of_invoice(id: Uuid) -> About {
    About::Of(Kept::Invoice, vec![id])
}

/// Those some invoices are of.
pub fn of_invoices(ids: impl IntoIterator<Item = Uuid>) -> About {
    About::Of(Kept::Invoice, ids.into_iter().collect())
}

/// Whose a draft is.
pub fn of_draft(id: Uuid) -> About {
    About::Of(Kept::Draft, vec![id])
}

/// A row of the log for now.
pub(super) fn row(ctx: &Ctx, actor: &Actor, action: &str, reason: Option<&str>) -> Reading {
    Reading {
        org_id: actor.org,
        id: ctx.id(),
        at: ctx.now(),
        actor_kind: actor.kind.as_str().to_owned(),
        actor_id: actor.id,
        action: action.to_owned(),
        people: 0,
        subject_id: None,
        subjects: None,
        reason: reason.map(str::to_owned),
    }
}

/// Logs a read before its answer leaves. When too many rows wait the request writes them itself, and is refused when it cannot:
/// nothing is read without a row.
pub async fn note(ctx: &Ctx, actor: &Actor, action: &'static str, about: impl Into<About>) -> Result<(), Error> {
    let about = about.into();
    let nobody = match &about {
        About::People(ids) | About::Of(_, ids) => ids.is_empty(),
        About::Many(count) => *count == 0,
    };
    if nobody {
        return Ok(());
    }
    if ctx.db.reads().len() >= MOST_WAITING {
        write(ctx).await?;
    }
    ctx.db.reads().add(Waiting { row: row(ctx, actor, action, None), about });
    Ok(())
}

/// The same, written at once: a command ends before a second has passed.
pub async fn note_now(ctx: &Ctx, actor: &Actor, action: &'static str, about: impl Into<About>) -> Result<(), Error> {
    note(ctx, actor, action, about).await?;
    write(ctx).await
}

/// The same, with why.
pub(super) async fn note_because(
    ctx: &Ctx,
    actor: &Actor,
    action: &str,
    reason: &str,
    about: impl Into<About>,
) -> Result<(), Error> {
    ctx.db.reads().add(Waiting { row: row(ctx, actor, action, Some(reason)), about: about.into() });
    write(ctx).await
}

/// Writes what waits. It runs to its end whether or not somebody still waits for it.
pub async fn write(ctx: &Ctx) -> Result<(), Error> {
    if ctx.db.reads().is_empty() {
        return Ok(());
    }
    let db = ctx.db.clone();
    let written = tokio::spawn(async move { store::write(&db).await }).await;
    Ok(written.map_err(|e| std::io::Error::other(e.to_string()))??)
}

/// A read of somebody's data.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReadingView {
    /// The row.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// operator, api_key, user, job, or link for whoever has the payer's own link.
    pub actor_kind: String,
    /// Which key or user.
    pub actor_id: Option<Uuid>,
    /// What was asked for, such as customer.get.
    #[schema(example = "customer.get")]
    pub action: String,
    /// How many people it showed.
    pub people: i64,
    /// Who they were, by id; empty where they were more than 200.
    pub subject_ids: Vec<Uuid>,
    /// Why, where it was asked.
    pub reason: Option<String>,
}

impl From<Reading> for ReadingView {
    fn from(row: Reading) -> Self {
        let subject_ids = store::people(&row);
        let Reading { id, at, actor_kind, actor_id, action, people, reason, .. } = row;
        Self { id, at, actor_kind, actor_id, action, people, subject_ids, reason }
    }
}

/// Reads after one of them, oldest first: of one person, or of everybody.
pub async fn list(
    ctx: &Ctx,
    actor: &Actor,
    person: Option<Uuid>,
    after: Uuid,
    limit: u64,
) -> Result<Vec<ReadingView>, Error> {
    // What was read a moment ago stands in the list too.
    write(ctx).await?;
    let tx = ctx.db.read(actor.org).await?;
    let rows = store::list(&tx, person, after, limit).await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(ReadingView::from).collect())
}
