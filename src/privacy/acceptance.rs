//! Users and the privacy statement: a new version is shown to each until they have seen and accepted it, and that is kept.

use super::statement::Published;
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::OrgTx;
use crate::store::privacy::{self, StatementRow};
use crate::store::statement::{self as store, Acceptance};
use crate::store::user;
use chrono::{DateTime, NaiveDate, Utc};
use domain::customer::Language;
use render::privacy::Changes;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// How somebody may have accepted.
const CHANNELS: [&str; 2] = ["api", "console"];

/// A version somebody has not accepted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToAccept {
    /// Its number.
    pub version_no: i64,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// What differs from the version before; nothing for the first.
    pub changes: Vec<String>,
}

/// An acceptance: ids and times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StatementAcceptance {
    /// The acceptance.
    pub id: Uuid,
    /// Which version.
    pub version_no: i64,
    /// Who.
    pub user_id: Uuid,
    /// console or api.
    pub channel: String,
    /// When.
    pub accepted_at: DateTime<Utc>,
}

/// What somebody is still to accept: the newest version, if they have not.
pub async fn to_accept(ctx: &Ctx, actor: &Actor, user: Uuid, language: Language) -> Result<Option<ToAccept>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = privacy::list_statements(&tx).await?;
    let Some(newest) = rows.first() else { return Ok(None) };
    if store::acceptance(&tx, newest.id, user).await?.is_some() {
        return Ok(None);
    }
    tx.commit().await?;
    let changes = match rows.get(1) {
        Some(before) => {
            Changes::between(&Published::of_row(before)?.facts, &Published::of_row(newest)?.facts).lines(language)
        }
        None => Vec::new(),
    };
    Ok(Some(ToAccept { version_no: newest.version_no, valid_from: newest.valid_from, changes }))
}

async fn version(tx: &OrgTx, version_no: i64) -> Result<StatementRow, Error> {
    let found = privacy::list_statements(tx).await?.into_iter().find(|r| r.version_no == version_no);
    found.ok_or_else(|| Error::not_found("privacy statement"))
}

/// Records that a user has seen and accepted a version; once is enough, and the first time stands.
pub async fn accept(ctx: &Ctx, actor: &Actor, version_no: i64, user: Uuid, channel: &str) -> Result<Uuid, Error> {
    if !CHANNELS.contains(&channel) {
        return Err(Error::field("channel", "unknown_channel", format!("one of {}", CHANNELS.join(", "))));
    }
    let work = Work::begin(ctx, actor).await?;
    let statement = version(&work.tx, version_no).await?;
    if !user::list_members(&work.tx).await?.iter().any(|m| m.user_id == user) {
        return Err(Error::not_found("user"));
    }
    if let Some(before) = store::acceptance(&work.tx, statement.id, user).await? {
        return Ok(before.id);
    }
    let id = work.id();
    let row = Acceptance {
        org_id: actor.org,
        id,
        statement_id: statement.id,
        user_id: user,
        channel: channel.to_owned(),
        accepted_at: work.at,
    };
    store::accept(&work.tx, row).await?;
    work.done(Deed {
        verb: "privacy_statement.accepted",
        subject: "privacy_statement_acceptance",
        id,
        fields: "accepted_at",
    })
    .await?;
    Ok(id)
}

/// Who accepted a version, in order.
pub async fn list(ctx: &Ctx, actor: &Actor, version_no: i64) -> Result<Vec<StatementAcceptance>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let statement = version(&tx, version_no).await?;
    let rows = store::acceptances(&tx, statement.id).await?;
    tx.commit().await?;
    let view = |a: Acceptance| StatementAcceptance {
        id: a.id,
        version_no,
        user_id: a.user_id,
        channel: a.channel,
        accepted_at: a.accepted_at,
    };
    Ok(rows.into_iter().map(view).collect())
}
