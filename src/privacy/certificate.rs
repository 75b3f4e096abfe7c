//! The certificate of an erasure: what went, what law keeps and until when, signed by the installation. It names nobody.

use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::Actor;
use crate::store::erasure::{self as store, Erasure};
use crate::store::organisation;
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::customer::Language;
use domain::hex;
use domain::privacy::{Hold, RuleId};
use render::paper::Paper;
use render::privacy::Kept;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Days until the last copy of anything is gone from the backups.
pub const BACKUP_DAYS: u64 = 30;
/// Cases shown at most.
const SHOWN: u64 = 200;

/// What becomes of one category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Deleted now.
    Deleted,
    /// Kept by law, in the archive, until a day.
    KeptByLaw,
    /// Kept on another ground, until a day or until that is over.
    KeptOtherwise,
}

/// What becomes of the rows of one clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Part {
    /// What becomes of it.
    pub fate: Fate,
    /// The clock.
    #[schema(value_type = String, example = "customer_master")]
    pub rule: RuleId,
    /// What the rows are.
    pub what: String,
    /// How many there are.
    pub count: i64,
    /// First day it may go, where that is known.
    pub until: Option<NaiveDate>,
    /// Where the period comes from: a paragraph, or "policy".
    pub source: String,
    /// What delays it.
    #[schema(value_type = Vec<String>)]
    pub held_by: Vec<Hold>,
}

/// A case: what goes, what law keeps and until when. It names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// The case.
    pub id: Uuid,
    /// customer, contact, user, archive or organisation.
    pub scope: String,
    /// Version of the policy it was carried out by.
    pub policy_version: i64,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// When all that could be deleted was; none while something is still needed.
    pub done_at: Option<DateTime<Utc>>,
    /// What became of what.
    pub parts: Vec<Part>,
    /// The day by which no backup holds any of it.
    pub backups_gone_by: Option<NaiveDate>,
    /// The day by which its remains in the database's files are overwritten.
    pub overwritten_by: Option<NaiveDate>,
    /// When they were.
    #[serde(default)]
    pub overwritten_at: Option<DateTime<Utc>>,
    /// Ed25519 signature of the installation over the certificate without its signature and time of overwriting, hexadecimal.
    #[serde(default)]
    pub signature: String,
    /// The installation's public key, hexadecimal.
    #[serde(default)]
    pub public_key: String,
}

/// Everything free is gone: says when the rest follows, and signs.
pub(super) fn finish(ctx: &Ctx, certificate: &mut Certificate, at: DateTime<Utc>) {
    certificate.done_at = Some(at);
    certificate.backups_gone_by = ctx.today().checked_add_days(Days::new(BACKUP_DAYS));
    certificate.overwritten_by = ctx.today().succ_opt();
    sign(ctx, certificate);
}

/// What is signed: all but the signature and what comes after it.
fn signed_content(certificate: &Certificate) -> Vec<u8> {
    let open = Certificate {
        overwritten_at: None,
        signature: String::new(),
        public_key: String::new(),
        ..certificate.clone()
    };
    serde_json::to_vec(&open).unwrap_or_default()
}

pub(super) fn sign(ctx: &Ctx, certificate: &mut Certificate) {
    use ring::signature::KeyPair;
    let content = signed_content(certificate);
    if let Some(signer) = ctx.key.signer() {
        certificate.signature = hex::encode(signer.sign(&content).as_ref());
        certificate.public_key = hex::encode(signer.public_key().as_ref());
    }
}

/// Whether a certificate is as it was signed.
pub fn is_genuine(certificate: &Certificate) -> bool {
    let (Some(key), Some(signature)) = (hex::decode(&certificate.public_key), hex::decode(&certificate.signature))
    else {
        return false;
    };
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key);
    key.verify(&signed_content(certificate), &signature).is_ok()
}

pub(super) fn to_content(certificate: &Certificate) -> Result<String, Error> {
    Ok(serde_json::to_string(certificate)
        .map_err(|_| crate::store::Error::inconsistent("privacy_erasure", "content"))?)
}

pub(super) fn of_row(row: &Erasure) -> Result<Certificate, Error> {
    let mut certificate: Certificate = serde_json::from_str(&row.content)
        .map_err(|_| crate::store::Error::inconsistent("privacy_erasure", "content"))?;
    certificate.overwritten_at = row.overwritten_at;
    Ok(certificate)
}

/// Cases, the newest first.
pub async fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Certificate>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = store::list(&tx, false, SHOWN).await?;
    tx.commit().await?;
    rows.iter().map(of_row).collect()
}

/// A case.
pub async fn get(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Certificate, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let row = store::find(&tx, id).await?.ok_or_else(|| Error::not_found("erasure"))?;
    tx.commit().await?;
    of_row(&row)
}

/// A case as a text to be printed or shown.
pub async fn paper(ctx: &Ctx, actor: &Actor, id: Uuid, language: Language) -> Result<Paper, Error> {
    let case = get(ctx, actor, id).await?;
    let tx = ctx.db.read(actor.org).await?;
    // Of an organisation that was deleted its id is left.
    let organisation = organisation::find(&tx).await?.map_or_else(|| actor.org.to_string(), |org| org.name);
    tx.commit().await?;
    let day = |at: DateTime<Utc>| at.with_timezone(&chrono_tz::Europe::Oslo).date_naive();
    let (deleted, kept): (Vec<Part>, Vec<Part>) = case.parts.into_iter().partition(|p| p.fate == Fate::Deleted);
    let overwritten = case.overwritten_at.map(|at| (day(at), true)).or(case.overwritten_by.map(|by| (by, false)));
    let facts = render::privacy::Certificate {
        organisation,
        case: case.id.to_string(),
        scope: case.scope,
        policy_version: case.policy_version,
        asked_on: day(case.asked_at),
        done_on: case.done_at.map(day),
        deleted: by_rule(&deleted),
        kept: kept
            .into_iter()
            .map(|p| Kept { rule: p.rule, count: p.count, until: p.until, source: p.source, held_by: p.held_by })
            .collect(),
        backups_gone_by: case.backups_gone_by,
        overwritten,
        signature: case.signature,
        public_key: case.public_key,
    };
    Ok(render::privacy::certificate(&facts, language))
}

/// Rows of one clock counted together.
fn by_rule(parts: &[Part]) -> Vec<(RuleId, i64)> {
    let mut out: Vec<(RuleId, i64)> = Vec::new();
    for part in parts {
        match out.iter_mut().find(|(rule, _)| *rule == part.rule) {
            Some((_, count)) => *count += part.count,
            None => out.push((part.rule, part.count)),
        }
    }
    out
}
