//! Handing out what is held of who asks: as a file, or by a link that works for thirty days (GDPR articles 15 and 20).

use super::explain::{self, Subject};
use super::package::{self, Package};
use super::reading;
use crate::ctx::{Ctx, sha256};
use crate::services::error::Error;
use crate::services::user::new_token;
use crate::services::work::{Actor, Deed, Work};
use crate::store::request as store;
use chrono::Days;
use domain::customer::Language;
use uuid::Uuid;

/// Days a link to a package works (retention matrix, row 18).
const LINK_DAYS: u64 = 30;

/// What is held of who asks: of an answered request for access or portability.
pub async fn package_of(ctx: &Ctx, actor: &Actor, id: Uuid, language: Language) -> Result<Package, Error> {
    let (subject, portable) = may_have(ctx, actor, id).await?;
    let why = format!("request {id}, GDPR article {}", if portable { 20 } else { 15 });
    package::make(ctx, actor, subject, portable, language, &why).await
}

/// Whose package a request asks for, and whether only what is portable; refused where nothing is handed out.
async fn may_have(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(Subject, bool), Error> {
    let tx = ctx.db.read(actor.org).await?;
    let row = store::find(&tx, id).await?.ok_or_else(|| Error::not_found("request"))?;
    tx.commit().await?;
    let portable = match row.kind.as_str() {
        "access" => false,
        "portability" => true,
        _ => return Err(Error::conflict("no_package", "a package answers a request for access or portability")),
    };
    if row.identified_at.is_none() {
        let message = "it is not known yet who asks: nothing is handed out";
        return Err(Error::conflict("not_identified", message));
    }
    if row.decision.as_deref() == Some("refused") {
        return Err(Error::conflict("refused", "this request was refused"));
    }
    let of = row.subject_id.ok_or_else(|| Error::not_found("person"))?;
    Ok((explain::subject(ctx, actor, &row.subject_kind, of).await?, portable))
}

/// Makes a link from which the package is fetched for thirty days: by the person, or by another controller (article 20 (2)). A
/// new link takes the place of the one before.
pub async fn make_link(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<String, Error> {
    may_have(ctx, actor, id).await?;
    let token = new_token(ctx);
    let work = Work::begin(ctx, actor).await?;
    let mut row = store::lock(&work.tx, id).await?.ok_or_else(|| Error::not_found("request"))?;
    row.link_hash = Some(sha256(token.as_bytes()).to_vec());
    row.link_expires_at = work.at.checked_add_days(Days::new(LINK_DAYS));
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "privacy_request.link_made", subject: "privacy_request", id, fields: "" }).await?;
    Ok(format!("{}/privacy/packages/{token}", ctx.config.payer.base_url.trim_end_matches('/')))
}

/// The file behind a link.
pub async fn fetch_link(ctx: &Ctx, token: &str) -> Result<Vec<u8>, Error> {
    let tx = ctx.db.system_look().await?;
    let found = store::find_link(&tx, &sha256(token.as_bytes()), ctx.now()).await?;
    tx.commit().await?;
    let row = found.ok_or_else(|| Error::not_found("package"))?;
    let actor = Actor::link(row.org_id, row.id);
    let zip = zip_of(ctx, &actor, row.id, Language::Bokmal).await?;
    reading::note(ctx, &actor, "request.package", reading::about([row.subject_id])).await?;
    Ok(zip)
}

/// The package of a request as a file.
pub async fn zip_of(ctx: &Ctx, actor: &Actor, id: Uuid, language: Language) -> Result<Vec<u8>, Error> {
    let package = package_of(ctx, actor, id, language).await?;
    let paper = package.paper(ctx, actor, language).await?;
    let made = tokio::task::spawn_blocking(move || package.zip(Some(&paper))).await;
    made.map_err(|e| Error::from(std::io::Error::other(e.to_string())))?
}
