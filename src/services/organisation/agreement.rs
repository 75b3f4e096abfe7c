//! The data-processing agreement: which version is in force, who accepted which, and when.

use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::agreement::{self, Acceptance};
use crate::store::organisation as store;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Version of the data-processing agreement that comes with this release; `privacy.dpa_version` sets another.
pub const DPA_VERSION: &str = "2026-11";

/// Characters of who accepted, at most.
const NAME: usize = 120;

/// An acceptance to be recorded.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAcceptance {
    /// The version in force.
    #[schema(example = "2026-11")]
    pub version: String,
    /// Who accepts for the organisation: a name or a role, such as "daglig leder".
    pub accepted_by: Option<String>,
}

/// An acceptance as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AcceptanceView {
    /// The acceptance.
    pub id: Uuid,
    /// Which version.
    pub version: String,
    /// When.
    pub accepted_at: DateTime<Utc>,
    /// Who, where it was said.
    pub accepted_by: Option<String>,
    /// By whose hand: operator, api_key or user.
    pub actor_kind: String,
    /// Which key or user.
    pub actor_id: Option<Uuid>,
    /// When another version took its place; five years later the acceptance is deleted (the policy's rule `terms`).
    pub superseded_at: Option<DateTime<Utc>>,
}

/// How an organisation stands to the agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Agreement {
    /// The version in force.
    pub current_version: String,
    /// The version it has accepted last.
    pub accepted_version: Option<String>,
    /// Whether the version in force is still to be accepted.
    pub to_accept: bool,
    /// Every acceptance, the newest first.
    pub acceptances: Vec<AcceptanceView>,
}

/// Accepts the data-processing agreement. What was accepted before is kept; accepting the same version again changes nothing.
pub async fn accept_dpa(ctx: &Ctx, actor: &Actor, new: &NewAcceptance) -> Result<(), Error> {
    let current = &ctx.config.privacy.dpa_version;
    if new.version != *current {
        return Err(Error::field("version", "unknown_version", format!("the version in force is {current}")));
    }
    let by = new.accepted_by.as_deref().map(str::trim).filter(|by| !by.is_empty());
    if by.is_some_and(|by| by.chars().count() > NAME) {
        return Err(Error::field("accepted_by", "too_long", format!("at most {NAME} characters")));
    }
    let work = Work::begin(ctx, actor).await?;
    let mut org = store::lock(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    if org.dpa_version.as_ref() == Some(current) {
        return Ok(());
    }
    agreement::accept(&work.tx, row(&work, actor, current, by)).await?;
    org.dpa_version = Some(current.clone());
    org.dpa_accepted_at = Some(work.at);
    org.updated_at = work.at;
    store::update(&work.tx, org).await?;
    work.done(Deed { verb: "organisation.dpa_accepted", subject: "organisation", id: actor.org, fields: "dpa_version" })
        .await
}

/// The row of an acceptance that is given now.
pub(super) fn row(work: &Work<'_>, actor: &Actor, version: &str, by: Option<&str>) -> Acceptance {
    Acceptance {
        org_id: actor.org,
        id: work.id(),
        agreement_version: version.to_owned(),
        accepted_at: work.at,
        accepted_by: by.map(str::to_owned),
        actor_kind: actor.kind.as_str().to_owned(),
        actor_id: actor.id,
        superseded_at: None,
    }
}

/// Whether the version in force is still to be accepted by who has accepted another, or none.
pub fn is_to_accept(ctx: &Ctx, accepted: Option<&str>) -> bool {
    accepted != Some(ctx.config.privacy.dpa_version.as_str())
}

/// How the organisation stands to the agreement, and what it has accepted.
pub async fn dpa(ctx: &Ctx, actor: &Actor) -> Result<Agreement, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let org = store::find(&tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let rows = agreement::list(&tx).await?;
    tx.commit().await?;
    let acceptances = rows.into_iter().map(|r| AcceptanceView {
        id: r.id,
        version: r.agreement_version,
        accepted_at: r.accepted_at,
        accepted_by: r.accepted_by,
        actor_kind: r.actor_kind,
        actor_id: r.actor_id,
        superseded_at: r.superseded_at,
    });
    Ok(Agreement {
        current_version: ctx.config.privacy.dpa_version.clone(),
        to_accept: is_to_accept(ctx, org.dpa_version.as_deref()),
        accepted_version: org.dpa_version,
        acceptances: acceptances.collect(),
    })
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn the_default_version_is_the_one_of_this_release() {
        assert_eq!(Config::with("").unwrap().privacy.dpa_version, super::DPA_VERSION);
    }
}
