//! Consents: what a person has said yes to, in which words, when and how, and when they took it back (article 7). Taking back is
//! as easy as giving. Each word is kept beside those before it.

use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::OrgTx;
use crate::store::request::{self as store, Consent};
use chrono::{DateTime, Utc};
use domain::privacy::Marketing;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// What may be consented to.
pub const PURPOSES: &[&str] = &["newsletter", "course", "marketing"];
/// By which channel.
pub const CHANNELS: &[&str] = &["mail", "sms", "phone", "post"];
/// The word for all purposes and channels together.
const ALL: &str = "all";

/// What a person says.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConsent {
    /// newsletter, course or marketing.
    pub purpose: String,
    /// mail, sms, phone or post.
    pub channel: String,
    /// Version of the words that were agreed to.
    pub text_version: String,
    /// Where it was given: a form, a meeting, a letter.
    pub given_by: String,
    /// What proves it, such as the number of a form.
    pub proof: Option<String>,
}

/// What is taken back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// newsletter, course or marketing; all of them when left out.
    pub purpose: Option<String>,
    /// mail, sms, phone or post; all of them when left out.
    pub channel: Option<String>,
}

/// One word of a person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConsentView {
    /// The word.
    pub id: Uuid,
    /// newsletter, course, marketing, or all.
    pub purpose: String,
    /// mail, sms, phone, post, or all.
    pub channel: String,
    /// given or withdrawn.
    pub act: String,
    /// Version of the words that were agreed to.
    pub text_version: Option<String>,
    /// Where it was said.
    pub given_by: String,
    /// What proves it.
    pub proof: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// How a purpose stands on a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Standing {
    /// The purpose.
    pub purpose: String,
    /// The channel.
    pub channel: String,
    /// Whether something may be sent for it now.
    pub may_send: bool,
    /// Why: consent, withdrawn, no_consent, relationship (the customer of a relationship that allows it, no objection) or
    /// not_allowed (the policy sends none).
    pub why: String,
}

fn known(field: &str, value: &str, all: &[&str]) -> Result<(), Error> {
    if all.contains(&value) {
        return Ok(());
    }
    Err(Error::field(field, "unknown", format!("one of {}", all.join(", "))))
}

/// Records a consent.
pub async fn give(ctx: &Ctx, actor: &Actor, customer: Uuid, new: &NewConsent) -> Result<Uuid, Error> {
    known("purpose", &new.purpose, PURPOSES)?;
    known("channel", &new.channel, CHANNELS)?;
    for (field, text, most) in [("text_version", &new.text_version, 100), ("given_by", &new.given_by, 200)] {
        if text.trim().is_empty() || text.chars().count() > most {
            return Err(Error::field(field, "required", format!("say it in 1 to {most} characters")));
        }
    }
    Error::unless_without_id("given_by", Some(&new.given_by))?;
    Error::unless_without_id("proof", new.proof.as_deref())?;
    let work = Work::begin(ctx, actor).await?;
    of_customer(&work.tx, customer).await?;
    let id = work.id();
    let row = Consent {
        org_id: actor.org,
        id,
        customer_id: customer,
        purpose: new.purpose.clone(),
        channel: new.channel.clone(),
        act: "given".to_owned(),
        text_version: Some(new.text_version.trim().to_owned()),
        given_by: new.given_by.trim().to_owned(),
        proof: new.proof.clone(),
        at: work.at,
    };
    store::insert_consent(&work.tx, row).await?;
    work.done(Deed { verb: "consent.given", subject: "customer", id: customer, fields: "" }).await?;
    Ok(id)
}

async fn of_customer(tx: &OrgTx, customer: Uuid) -> Result<(), Error> {
    if crate::store::customer::load(tx, &[customer]).await?.is_empty() {
        return Err(Error::not_found("customer"));
    }
    Ok(())
}

/// Takes consents back; again does no harm.
pub async fn withdraw(ctx: &Ctx, actor: &Actor, customer: Uuid, what: &Withdrawal) -> Result<(), Error> {
    if let Some(purpose) = &what.purpose {
        known("purpose", purpose, PURPOSES)?;
    }
    if let Some(channel) = &what.channel {
        known("channel", channel, CHANNELS)?;
    }
    let work = Work::begin(ctx, actor).await?;
    of_customer(&work.tx, customer).await?;
    let purpose = what.purpose.as_deref().unwrap_or(ALL);
    let channel = what.channel.as_deref().unwrap_or(ALL);
    say_no(&work, customer, purpose, channel, "api").await?;
    work.done(Deed { verb: "consent.withdrawn", subject: "customer", id: customer, fields: "" }).await
}

/// Takes everything back, as part of a larger work.
pub(super) async fn withdraw_all(work: &Work<'_>, customer: Uuid, by: &str) -> Result<(), Error> {
    say_no(work, customer, ALL, ALL, by).await
}

async fn say_no(work: &Work<'_>, customer: Uuid, purpose: &str, channel: &str, by: &str) -> Result<(), Error> {
    let row = Consent {
        org_id: work.tx.org(),
        id: work.id(),
        customer_id: customer,
        purpose: purpose.to_owned(),
        channel: channel.to_owned(),
        act: "withdrawn".to_owned(),
        text_version: None,
        given_by: by.to_owned(),
        proof: None,
        at: work.at,
    };
    Ok(store::insert_consent(&work.tx, row).await?)
}

/// Everything a person has said, oldest first, and how each purpose stands on each channel.
pub async fn list(ctx: &Ctx, actor: &Actor, customer: Uuid) -> Result<(Vec<ConsentView>, Vec<Standing>), Error> {
    let tx = ctx.db.read(actor.org).await?;
    of_customer(&tx, customer).await?;
    let rows = store::list_consents(&tx, customer).await?;
    let policy = super::policy::on(&tx, ctx.today()).await?.policy;
    tx.commit().await?;
    let standing = stand(&rows, policy.marketing);
    let views = rows.into_iter().map(|c| ConsentView {
        id: c.id,
        purpose: c.purpose,
        channel: c.channel,
        act: c.act,
        text_version: c.text_version,
        given_by: c.given_by,
        proof: c.proof,
        at: c.at,
    });
    Ok((views.collect(), standing))
}

/// How each purpose stands on each channel, in a transaction.
pub(super) async fn standing(ctx: &Ctx, tx: &OrgTx, customer: Uuid) -> Result<Vec<Standing>, Error> {
    let rows = store::list_consents(tx, customer).await?;
    Ok(stand(&rows, super::policy::on(tx, ctx.today()).await?.policy.marketing))
}

/// How each purpose stands on each channel: the last word counts, and without one the policy (markedsføringsloven § 15).
fn stand(rows: &[Consent], marketing: Marketing) -> Vec<Standing> {
    let mut last: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for row in rows {
        for purpose in PURPOSES.iter().filter(|p| row.purpose == ALL || row.purpose == **p) {
            for channel in CHANNELS.iter().filter(|c| row.channel == ALL || row.channel == **c) {
                last.insert((purpose, channel), row.act == "given");
            }
        }
    }
    let mut out = Vec::new();
    for purpose in PURPOSES {
        for channel in CHANNELS {
            let (may_send, why) = match (last.get(&(*purpose, *channel)), marketing) {
                (Some(true), _) => (true, "consent"),
                (Some(false), _) => (false, "withdrawn"),
                (None, Marketing::OptOut) if *purpose == "marketing" => (true, "relationship"),
                (None, Marketing::RelationshipOnly) => (false, "not_allowed"),
                (None, _) => (false, "no_consent"),
            };
            let (purpose, channel) = ((*purpose).to_owned(), (*channel).to_owned());
            out.push(Standing { purpose, channel, may_send, why: why.to_owned() });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(purpose: &str, channel: &str, act: &str) -> Consent {
        Consent {
            org_id: Uuid::nil(),
            id: Uuid::nil(),
            customer_id: Uuid::nil(),
            purpose: purpose.to_owned(),
            channel: channel.to_owned(),
            act: act.to_owned(),
            text_version: None,
            given_by: String::new(),
            proof: None,
            at: DateTime::UNIX_EPOCH,
        }
    }

    fn may(rows: &[Consent], marketing: Marketing, purpose: &str, channel: &str) -> (bool, String) {
        let found = stand(rows, marketing).into_iter().find(|s| s.purpose == purpose && s.channel == channel).unwrap();
        (found.may_send, found.why)
    }

    #[test]
    fn the_last_word_counts_and_a_no_to_all_is_a_no_to_each() {
        let rows =
            [word("newsletter", "mail", "given"), word("all", "all", "withdrawn"), word("course", "mail", "given")];
        for marketing in [Marketing::Consent, Marketing::OptOut, Marketing::RelationshipOnly] {
            assert_eq!(may(&rows, marketing, "newsletter", "mail"), (false, "withdrawn".to_owned()));
            assert_eq!(may(&rows, marketing, "course", "mail"), (true, "consent".to_owned()));
            assert!(!may(&rows, marketing, "marketing", "post").0);
        }
    }

    #[test]
    fn silence_is_no_consent() {
        assert_eq!(may(&[], Marketing::Consent, "newsletter", "mail"), (false, "no_consent".to_owned()));
        assert_eq!(may(&[], Marketing::RelationshipOnly, "marketing", "mail"), (false, "not_allowed".to_owned()));
        // Own similar products, to customers who have not objected.
        assert_eq!(may(&[], Marketing::OptOut, "marketing", "mail"), (true, "relationship".to_owned()));
        assert_eq!(may(&[], Marketing::OptOut, "newsletter", "mail"), (false, "no_consent".to_owned()));
    }
}
