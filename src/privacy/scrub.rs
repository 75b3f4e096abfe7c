//! Overwriting what deleted rows leave behind in the files of the database (decision 48).
//!
//! SQLite overwrites what it deletes (`secure_delete`); the scrub writes the file anew, so that no freed page is left.
//! PostgreSQL keeps dead rows until a table is rewritten, and its log until it is switched: the owner does both.

use super::erase::{note_overwritten, note_overwritten_of_gone};
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::Actor;
use crate::store::{connect, erasure, organisation};

/// What a scrub did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scrubbed {
    /// What was rewritten, for people.
    pub rewritten: String,
    /// Erasures that are overwritten now.
    pub noted: u64,
}

/// Rewrites the database, and notes on every erasure before it that its remains are gone.
pub async fn run(ctx: &Ctx) -> Result<Scrubbed, Error> {
    let begun_at = ctx.now();
    let rewritten = if ctx.db.is_postgres() {
        let tables = super::inventory::personal_tables();
        connect::rewrite(&ctx.config.database, &tables).await?;
        format!("{} tables with personal data", tables.len())
    } else {
        ctx.db.rewrite().await?;
        if !ctx.db.truncate_log().await? {
            let message = "somebody reads the database, so that its log cannot be emptied; try again shortly";
            return Err(Error::conflict("database_busy", message));
        }
        "the whole database file".to_owned()
    };
    let tx = ctx.db.system_look().await?;
    let (orgs, gone) = (organisation::list_ids(&tx).await?, organisation::list_gone(&tx).await?);
    tx.commit().await?;
    let mut noted = 0;
    for (org, _) in gone {
        noted += note_overwritten_of_gone(ctx, org, begun_at).await?;
    }
    for org in orgs {
        noted += note_overwritten(ctx, &Actor::job(org), begun_at).await?;
    }
    Ok(Scrubbed { rewritten, noted })
}

/// The nightly scrub: only where somebody was erased since the last one, and only where it can be done.
pub async fn nightly(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let tx = ctx.db.read(actor.org).await?;
    let waiting = erasure::not_overwritten(&tx).await?;
    tx.commit().await?;
    if waiting.is_empty() {
        return Ok(());
    }
    run(ctx).await.map(|_| ())
}
