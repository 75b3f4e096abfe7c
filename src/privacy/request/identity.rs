//! Who asks: known by a one-time code to the address on file, or by what the organisation has seen.

use super::{lock_open, not_sorted};
use crate::ctx::{Ctx, same};
use crate::services::error::Error;
use crate::services::payer::{self, CodeSent};
use crate::services::work::{Actor, Deed, Work};
use crate::store::customer;
use crate::store::organisation;
use crate::store::request::{self as store, Request};
use chrono::{DateTime, Duration, Utc};
use domain::customer::Language;
use uuid::Uuid;

/// Minutes a code works.
const CODE_MINUTES: i64 = 30;
/// Wrong guesses after which a code is dead.
const MOST_TRIES: i64 = 5;
/// Codes a request is sent.
const MOST_CODES: i64 = 5;

fn code_hash(ctx: &Ctx, row: &Request, code: &str) -> Vec<u8> {
    ctx.key.hash(&[b"request code", row.org_id.as_bytes(), row.id.as_bytes(), code.as_bytes()]).to_vec()
}

/// Sends a one-time code to the address on file.
pub async fn send_code(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_open(&work, id).await?;
    let Some(customer) = row.subject_id.filter(|_| row.subject_kind == "customer") else {
        let message = "a code is sent to a customer's address; say yourself how a contact person or a user is known";
        return Err(Error::conflict("no_code_for_contacts", message));
    };
    if row.codes_sent >= MOST_CODES {
        return Err(Error::conflict("too_many_codes", "five codes were sent; say yourself how the person is known"));
    }
    let org = organisation::find(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let no_address = || {
        let message = "there is no address on file a code may be sent to; say yourself how the person is known";
        Error::conflict("no_address", message)
    };
    // Of whoever is in the archive no address is kept.
    let found = customer::load(&work.tx, &[customer]).await?.into_iter().next().ok_or_else(no_address)?;
    let to = payer::address(ctx, &work.tx, &org, &found).await?.ok_or_else(no_address)?;
    let code = payer::new_code(ctx);
    row.code_hash = Some(code_hash(ctx, &row, &code));
    row.code_expires_at = Some(work.at + Duration::minutes(CODE_MINUTES));
    row.code_tries = 0;
    row.codes_sent += 1;
    row.updated_at = work.at;
    store::update(&work.tx, row).await?;
    let language = found.record.get(domain::customer::Field::Language).unwrap_or(&org.language).to_owned();
    work.done(Deed { verb: "privacy_request.code_sent", subject: "privacy_request", id, fields: "" }).await?;
    match payer::mail_code(ctx, &org, &to, &code, CODE_MINUTES, Language::from_code(&language)).await {
        CodeSent::Sent => Ok(()),
        CodeSent::Away => Err(Error::conflict("mail_away", "mail cannot leave now; try again shortly")),
        CodeSent::TooMany | CodeSent::Refused => Err(Error::conflict(
            "address_refused",
            "the relay refused the address; say yourself how the person is known",
        )),
    }
}

/// Takes the code the person was sent.
pub async fn confirm_code(ctx: &Ctx, actor: &Actor, id: Uuid, typed: &str) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_open(&work, id).await?;
    let works = row.code_tries < MOST_TRIES && row.code_expires_at.is_some_and(|until| until > work.at);
    let Some(hash) = row.code_hash.clone().filter(|_| works) else {
        return Err(Error::conflict("no_code", "no code works any more; send a new one"));
    };
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let right = same(&hash, &code_hash(ctx, &row, &typed));
    row.code_tries += 1;
    if right {
        row.code_hash = None;
        identified(&mut row, "by_code", work.at);
    }
    store::update(&work.tx, row).await?;
    // A wrong guess is counted all the same.
    let verb = if right { "privacy_request.identified" } else { "privacy_request.wrong_code" };
    work.done(Deed { verb, subject: "privacy_request", id, fields: "identity" }).await?;
    if right { Ok(()) } else { Err(Error::conflict("wrong_code", "the code is wrong")) }
}

fn identified(row: &mut Request, how: &str, at: DateTime<Utc>) {
    how.clone_into(&mut row.identity);
    row.identified_at = Some(at);
    row.updated_at = at;
    "in_progress".clone_into(&mut row.state);
}

/// Notes that the organisation itself knows who asks, or reasonably doubts it (article 12 (6)). Only the result is kept.
pub async fn identify(ctx: &Ctx, actor: &Actor, id: Uuid, known: bool) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut row = lock_open(&work, id).await?;
    if row.subject_id.is_none() {
        return Err(not_sorted());
    }
    if known {
        identified(&mut row, "by_organisation", work.at);
    } else {
        "doubted".clone_into(&mut row.identity);
        row.identified_at = None;
        row.updated_at = work.at;
    }
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "privacy_request.identified", subject: "privacy_request", id, fields: "identity" }).await
}
