//! The letter somebody who asked is sent: that the time is extended and why, or how it was decided (article 12 (3) and (4)).

use crate::ctx::Ctx;
use crate::ports::Handed;
use crate::services::error::Error;
use crate::services::payer;
use crate::store::organisation::{self, Organisation};
use crate::store::request::Request;
use crate::store::{OrgTx, clocks, customer, privacy, user};
use domain::customer::{Field, Language};
use domain::delivery::is_mail_address;
use render::privacy::{AnswerFacts, Said, request_answer};

/// Where somebody who asked is written to.
pub(super) struct Reached {
    org: Organisation,
    to: String,
    language: Language,
}

/// Where somebody who asks is written to: the address on file, else the one they wrote from. None where mail may not go there, or
/// nobody knows where.
pub(super) async fn reached(ctx: &Ctx, tx: &OrgTx, row: &Request) -> Result<Option<Reached>, Error> {
    let org = organisation::find(tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let mut language = Language::from_code(&org.language);
    let wrote_from = row.asker_reach.clone().filter(|reach| is_mail_address(reach));
    let customer_id = match (row.subject_kind.as_str(), row.subject_id) {
        ("customer", id) => id,
        ("contact", Some(id)) => privacy::customer_of(tx, clocks::Kind::Contact, id).await?.flatten(),
        _ => None,
    };
    let known = match customer_id {
        Some(id) => customer::load(tx, &[id]).await?.into_iter().next(),
        None => None,
    };
    let on_file = match (&known, row.subject_kind.as_str(), row.subject_id) {
        (Some(known), "customer", _) => {
            if let Some(own) = known.record.get(Field::Language) {
                language = Language::from_code(own);
            }
            payer::address(ctx, tx, &org, known).await?
        }
        (Some(known), "contact", Some(id)) if !known.record.is_protected() => {
            let contact = customer::find_contact(tx, known.row.id, id).await?;
            contact.and_then(|c| c.email).filter(|email| is_mail_address(email))
        }
        (_, "user", Some(id)) => {
            let tx = ctx.db.system_look().await?;
            let found = user::find(&tx, id).await?;
            tx.commit().await?;
            found.map(|u| u.login).filter(|login| is_mail_address(login))
        }
        _ => None,
    };
    Ok(on_file.or(wrote_from).map(|to| Reached { org, to, language }))
}

/// Mails the letter; `false` where it did not leave: somebody has to tell the person in another way.
pub(super) async fn tell(ctx: &Ctx, reached: &Reached, row: &Request, said: &Said) -> bool {
    let facts = AnswerFacts {
        organisation: reached.org.name.clone(),
        email: reached.org.email.clone(),
        case: row.id.to_string(),
        on: ctx.today(),
        received_on: row.received_on,
    };
    let paper = request_answer(&facts, said, reached.language);
    match payer::mail_letter(ctx, &reached.org, (ctx.id(), ctx.now()), &reached.to, &paper).await {
        Handed::Accepted(_) | Handed::HandedOver(_) => true,
        // What was lost on the line may have arrived; nobody can say so.
        Handed::Lost(fault) | Handed::Temporary(fault) | Handed::Away(fault) | Handed::Permanent(fault) => {
            tracing::warn!(code = %fault.code, "the answer to a request could not be mailed");
            false
        }
    }
}
