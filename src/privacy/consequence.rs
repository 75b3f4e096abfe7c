//! What stops when processing is restricted, objected to, or a consent is taken back: shown before it is confirmed, so that the
//! person is told and nobody is taken by surprise.

use super::consent;
use super::explain::{Subject, subject_in};
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::Actor;
use crate::store::request as store;
use domain::customer::Language;
use render::privacy::{Stop, stop};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Something that stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Consequence {
    /// billing, drafts, sending, lists, deletion, contact or marketing.
    pub what: &'static str,
    /// How many things it stops now, where they can be counted.
    pub count: Option<i64>,
    /// In words, for the person.
    pub text: String,
}

/// What would stop for a customer or a contact person: `of` is restriction, objection or consent_withdrawal.
pub async fn preview(
    ctx: &Ctx,
    actor: &Actor,
    of: &str,
    (subject_kind, subject_id): (&str, Uuid),
    language: Language,
) -> Result<Vec<Consequence>, Error> {
    if !matches!(of, "restriction" | "objection" | "consent_withdrawal") {
        return Err(Error::field("of", "unknown_kind", "restriction, objection or consent_withdrawal"));
    }
    let tx = ctx.db.read(actor.org).await?;
    let subject = subject_in(&tx, subject_kind, subject_id).await?;
    let said = |what: Stop, count: Option<i64>| Consequence {
        what: what.as_str(),
        count,
        text: stop(what, language).to_owned(),
    };
    let stops = match (subject, of) {
        (Subject::Customer(id), "restriction") => {
            let waits = store::count_stopped(&tx, id).await?;
            vec![
                said(Stop::Billing, Some(waits.orders)),
                said(Stop::Drafts, Some(waits.drafts)),
                said(Stop::Sending, Some(waits.deliveries)),
                said(Stop::Lists, None),
                said(Stop::Deletion, None),
            ]
        }
        (Subject::Customer(id), _) => {
            let may = consent::standing(ctx, &tx, id).await?.into_iter().filter(|s| s.may_send).count();
            vec![said(Stop::Marketing, i64::try_from(may).ok())]
        }
        (Subject::Contact { .. }, "objection") => vec![said(Stop::Contact, None)],
        _ => Vec::new(),
    };
    tx.commit().await?;
    Ok(stops)
}
