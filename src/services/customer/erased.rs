//! Numbers of customers who were erased: a list that still names them does not bring them back (decision 36).

use crate::ctx::{Ctx, InstallationKey};
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::{OrgTx, erasure};
use serde::Deserialize;
use std::collections::HashSet;
use utoipa::ToSchema;
use uuid::Uuid;

/// The keyed hash of a customer number of an organisation.
pub fn number_hash(key: &InstallationKey, org: Uuid, number: &str) -> Vec<u8> {
    key.hash(&[b"erased number", org.as_bytes(), number.as_bytes()]).to_vec()
}

/// The numbers that were erased, by their hashes.
pub(super) struct Erased<'a> {
    marks: HashSet<Vec<u8>>,
    key: &'a InstallationKey,
    org: Uuid,
}

impl Erased<'_> {
    /// Whether somebody with this number was erased.
    pub(super) fn has(&self, number: &str) -> bool {
        !self.marks.is_empty() && self.marks.contains(&number_hash(self.key, self.org, number))
    }
}

/// The numbers that were erased from the organisation.
pub(super) async fn erased_numbers<'a>(tx: &OrgTx, key: &'a InstallationKey) -> Result<Erased<'a>, Error> {
    Ok(Erased { marks: erasure::marked_numbers(tx).await?, key, org: tx.org() })
}

/// A number that is to mean somebody again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Readmission {
    /// The number.
    pub number: String,
    /// Why: the person has become a customer again, or the number was given to somebody else.
    pub reason: String,
}

/// Takes a number in again after whoever had it was erased: the next list makes a new customer of it.
pub async fn readmit(ctx: &Ctx, actor: &Actor, asked: &Readmission) -> Result<(), Error> {
    if asked.reason.trim().is_empty() || asked.reason.chars().count() > 200 {
        return Err(Error::field("reason", "required", "say in up to 200 characters why the number is in use again"));
    }
    let work = Work::begin(ctx, actor).await?;
    let hash = number_hash(&ctx.key, actor.org, asked.number.trim());
    if !erasure::readmit_number(&work.tx, hash, asked.reason.trim(), work.at).await? {
        return Err(Error::not_found("erased customer number"));
    }
    let id = work.id();
    work.done(Deed { verb: "erased_number.readmitted", subject: "erased_number", id, fields: "" }).await
}
