//! Numbers of customers, and names and addresses of contact persons, who were erased: a list that still names them does not bring
//! them back (decision 36).

use crate::ctx::{Ctx, InstallationKey};
use crate::services::error::Error;
use crate::services::work::{Actor, Deed, Work};
use crate::store::customer::{self as store, CustomerRow};
use crate::store::{OrgTx, erasure};
use domain::customer::Field;
use formats::customer_list::ListRow;
use serde::Deserialize;
use std::collections::HashSet;
use utoipa::ToSchema;
use uuid::Uuid;

/// The keyed hash of a customer number of an organisation.
pub fn number_hash(key: &InstallationKey, org: Uuid, number: &str) -> Vec<u8> {
    key.hash(&[b"erased number", org.as_bytes(), number.as_bytes()]).to_vec()
}

/// The keyed hashes a contact person of a customer is known by: the name and the address for mail, each by itself.
pub fn contact_hashes(key: &InstallationKey, org: Uuid, customer: Uuid, said: [Option<&str>; 2]) -> Vec<Vec<u8>> {
    let said = said.into_iter().flatten().map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty());
    said.map(|text| key.hash(&[b"erased contact", org.as_bytes(), customer.as_bytes(), text.as_bytes()]).to_vec())
        .collect()
}

/// What a row says of each contact person: name and address first.
const CONTACTS: [&[Field]; 3] = [
    &[Field::ContactName, Field::ContactEmail, Field::ContactRole, Field::ContactPhone],
    &[Field::Guardian1Name, Field::Guardian1Email, Field::Guardian1Phone],
    &[Field::Guardian2Name, Field::Guardian2Email, Field::Guardian2Phone],
];

/// Who was erased, by hashes.
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

impl Erased<'_> {
    /// Whether a contact person of a customer was erased who had this name or this address.
    pub(super) fn has_contact(&self, customer: Uuid, said: [Option<&str>; 2]) -> bool {
        let hashes = || contact_hashes(self.key, self.org, customer, said);
        !self.marks.is_empty() && hashes().iter().any(|hash| self.marks.contains(hash))
    }

    /// A customer's row without the contact persons who were erased; none where it names none of them.
    pub(super) fn without_contacts(&self, customer: Uuid, row: &ListRow) -> Option<ListRow> {
        if self.marks.is_empty() {
            return None;
        }
        let said = |field: Field| row.sets.iter().find(|(f, _)| *f == field).and_then(|(_, value)| value.as_deref());
        let gone: Vec<Field> = CONTACTS
            .iter()
            .filter(|fields| self.has_contact(customer, [said(fields[0]), said(fields[1])]))
            .flat_map(|fields| fields.iter().copied())
            .collect();
        if gone.is_empty() {
            return None;
        }
        let mut left = row.clone();
        left.sets.retain(|(field, _)| !gone.contains(field));
        Some(left)
    }
}

/// A number, or a contact person, that is to mean somebody again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Readmission {
    /// The customer's number.
    pub number: String,
    /// Name or address of a contact person of that customer, where it is the contact person who was erased.
    #[serde(default)]
    pub contact: Option<String>,
    /// Why: the person has become a customer again, or the number was given to somebody else.
    pub reason: String,
}

/// Takes a number in again after whoever had it was erased: the next list makes a new customer of it.
pub async fn readmit(ctx: &Ctx, actor: &Actor, asked: &Readmission) -> Result<(), Error> {
    if asked.reason.trim().is_empty() || asked.reason.chars().count() > 200 {
        return Err(Error::field("reason", "required", "say in up to 200 characters why the number is in use again"));
    }
    let work = Work::begin(ctx, actor).await?;
    match asked.contact.as_deref() {
        None => {
            let hash = number_hash(&ctx.key, actor.org, asked.number.trim());
            if !erasure::readmit_number(&work.tx, hash, asked.reason.trim(), work.at).await? {
                return Err(Error::not_found("erased customer number"));
            }
        }
        Some(contact) => {
            let known = store::list_known(&work.tx).await?.into_iter().find(|k| k.number == asked.number.trim());
            let customer = known.ok_or_else(|| Error::not_found("customer"))?.id;
            let [hash] = &contact_hashes(&ctx.key, actor.org, customer, [Some(contact), None])[..] else {
                return Err(Error::field("contact", "required", "give the name or the address of the contact person"));
            };
            if !erasure::readmit_number(&work.tx, hash.clone(), asked.reason.trim(), work.at).await? {
                return Err(Error::not_found("erased contact person"));
            }
            // The very same row of a list is news again.
            let rows = store::lock(&work.tx, &[customer]).await?.into_iter();
            let rows =
                rows.map(|row| CustomerRow { version: row.version + 1, list_digest: None, updated_at: work.at, ..row });
            store::update_rows(&work.tx, &rows.collect::<Vec<_>>()).await?;
        }
    }
    let id = work.id();
    work.done(Deed { verb: "erased_number.readmitted", subject: "erased_number", id, fields: "" }).await
}
