//! Whether what people are told still is what is done: the statement in force against the policy in force, and a new statement
//! against who is told of it.

use super::policy;
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::Actor;
use crate::store::privacy::{self, StatementRow};
use crate::store::statement::{self as store, Version};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

/// Days before a new statement holds on which those who are not told are warned of, and after which nobody is.
const WARNED_DAYS: i64 = 14;

/// How the statement stands to the policy, and to those it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Standing {
    /// Number of the policy in force; 0 for a preset nobody has published.
    pub policy_version_no: i64,
    /// Number of the statement in force; none where nothing is published.
    pub statement_version_no: Option<i64>,
    /// Number of the policy that statement was made from.
    pub statement_policy_version_no: Option<i64>,
    /// The policy in force is newer than the one the statement in force was made from: publish the statement again.
    pub statement_is_older: bool,
    /// A version that follows another, holds soon or since a short while, and that people have not been told of.
    pub untold: Option<Untold>,
}

/// A version people are not told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Untold {
    /// Its number.
    pub version_no: i64,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// Customers with an address nobody has written to.
    pub customers: i64,
}

impl Standing {
    /// What is to be done, a line each.
    pub fn warnings(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.statement_is_older {
            lines.push(format!(
                "version {} of the policy is in force, and the privacy statement in force was made from version {}: \
                 publish the statement again (reskontro privacy statement publish)",
                self.policy_version_no,
                self.statement_policy_version_no.unwrap_or_default()
            ));
        }
        if let Some(untold) = &self.untold {
            lines.push(format!(
                "version {} of the privacy statement holds from {}, and {} customers are not told: \
                 reskontro privacy statement notify",
                untold.version_no, untold.valid_from, untold.customers
            ));
        }
        lines
    }
}

/// How the statement of an organisation stands today.
pub async fn standing(ctx: &Ctx, actor: &Actor) -> Result<Standing, Error> {
    let today = ctx.today();
    let tx = ctx.db.read(actor.org).await?;
    let policy = policy::on(&tx, today).await?;
    let rows = privacy::list_statements(&tx).await?;
    let in_force = rows.iter().find(|s| s.valid_from <= today);
    let soon = |row: &&StatementRow| (row.valid_from - today).num_days().abs() <= WARNED_DAYS;
    let untold = match rows.first().filter(|_| rows.len() > 1).filter(soon) {
        Some(row) => {
            let version = Version { id: row.id, published_at: row.published_at };
            let customers = store::count_untold(&tx, version).await?;
            (customers > 0).then_some(Untold { version_no: row.version_no, valid_from: row.valid_from, customers })
        }
        None => None,
    };
    let standing = Standing {
        policy_version_no: policy.version_no,
        statement_version_no: in_force.map(|s| s.version_no),
        statement_policy_version_no: in_force.map(|s| s.policy_version_no),
        statement_is_older: in_force.is_some_and(|s| s.policy_version_no < policy.version_no),
        untold,
    };
    tx.commit().await?;
    Ok(standing)
}

/// Says each day in the log what is to be done (job `watch_statement`).
pub async fn watch(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    for warning in standing(ctx, actor).await?.warnings() {
        tracing::warn!(org.id = %actor.org, "{warning}");
    }
    Ok(())
}
