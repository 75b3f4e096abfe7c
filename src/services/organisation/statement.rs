//! Where the organisation's privacy statement is read: whoever is asked for data, or written to, is shown the way.

use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::Actor;
use crate::store::OrgTx;
use crate::store::organisation::{self as store, Organisation};
use crate::store::privacy;
use uuid::Uuid;

/// The address the statement has for everybody: its page here where one holds and `payer.base_url` is set, else the
/// organisation's own (`privacy_url`); none where there is neither.
pub(crate) async fn statement_url(ctx: &Ctx, tx: &OrgTx, org: &Organisation) -> Result<Option<String>, Error> {
    let base = ctx.config.payer.base_url.trim_end_matches('/');
    if !base.is_empty() && holds(ctx, tx).await? {
        return Ok(Some(format!("{base}/privacy/{}", org.org_id)));
    }
    Ok(org.privacy_url.as_deref().map(absolute))
}

/// The same for the service's own pages, which need no address of the service.
pub(crate) async fn statement_path(ctx: &Ctx, tx: &OrgTx, org: &Organisation) -> Result<Option<String>, Error> {
    if holds(ctx, tx).await? {
        return Ok(Some(format!("/privacy/{}", org.org_id)));
    }
    Ok(org.privacy_url.as_deref().map(absolute))
}

/// What an organisation is called and where it is written to; none where there is no such.
pub async fn name_and_address(ctx: &Ctx, actor: &Actor) -> Result<Option<(String, Option<String>)>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    Ok(store::find(&tx).await?.map(|org| (org.name, org.email)))
}

/// The statement of the one organisation there is, for pages nobody has signed in to.
pub async fn only_statement_path(ctx: &Ctx) -> Result<Option<String>, Error> {
    let tx = ctx.db.system_look().await?;
    let all: Vec<Uuid> = store::list_ids(&tx).await?;
    let [only] = all.as_slice() else { return Ok(None) };
    let tx = ctx.db.read(*only).await?;
    let Some(org) = store::find(&tx).await? else { return Ok(None) };
    statement_path(ctx, &tx, &org).await
}

/// Whether a statement holds today.
async fn holds(ctx: &Ctx, tx: &OrgTx) -> Result<bool, Error> {
    let today = ctx.today();
    Ok(privacy::list_statement_days(tx).await?.into_iter().any(|from| from <= today))
}

/// An address as a browser takes it.
fn absolute(url: &str) -> String {
    if url.contains("://") { url.to_owned() } else { format!("https://{url}") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_without_its_scheme_is_reached_over_https() {
        assert_eq!(super::absolute("lag.example/personvern"), "https://lag.example/personvern");
        assert_eq!(super::absolute("http://lag.example"), "http://lag.example");
    }
}
