//! Customers: four tables that make one record, since their parts are kept for different times (decision 1).

use super::bulk::{self, Keys, Wanted};
use super::error::Error;
use super::request::list_objecting_contacts;
use super::tx::OrgTx;
use chrono::{DateTime, NaiveDate, Utc};
use domain::customer::{CustomerRecord, Field};
use entity::{
    column_mapping, customer, customer_alias, customer_contact, customer_core, customer_detail,
    customer_document_address,
};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, Statement,
};
use std::collections::HashMap;
use uuid::Uuid;

pub use customer::Model as CustomerRow;
pub use customer_contact::Model as Contact;
pub use customer_document_address::Model as DocumentAddress;

/// A customer as stored: its row and its record.
#[derive(Debug, Clone)]
pub struct Customer {
    /// Status, version and counters.
    pub row: CustomerRow,
    /// Values by field, standard products apart.
    pub record: CustomerRecord,
    /// The guardian who is written to has objected, and it is not decided yet (GDPR article 21).
    pub guardian_objects: bool,
}

/// Number, id and standing of a customer.
#[derive(Debug, FromQueryResult)]
pub struct Known {
    /// The customer.
    pub id: Uuid,
    /// Its number.
    pub number: String,
    /// `active` or `ended`.
    pub status: String,
    /// Last day of the relationship, when one is set.
    pub ended_on: Option<NaiveDate>,
    /// Digest of the list row the customer was last made of; none when something else has changed it since.
    pub list_digest: Option<Vec<u8>>,
}

/// Every customer's number, and the numbers it had before.
pub async fn list_known(tx: &OrgTx) -> Result<Vec<Known>, Error> {
    let sql = "SELECT c.id, k.number, c.status, c.ended_on, c.list_digest FROM customer c \
               JOIN customer_core k ON k.org_id = c.org_id AND k.customer_id = c.id WHERE c.org_id = $1 \
               UNION ALL SELECT c.id, a.number, c.status, c.ended_on, c.list_digest FROM customer c \
               JOIN customer_alias a ON a.org_id = c.org_id AND a.customer_id = c.id WHERE c.org_id = $1";
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [tx.org().into()]);
    Ok(Known::find_by_statement(statement).all(tx).await?)
}

/// The contact person who is written to where the customer has no address.
const WRITTEN_TO: &str = "guardian1";

/// Customers by id; who is archived is not among them.
pub async fn load(tx: &OrgTx, ids: &[Uuid]) -> Result<Vec<Customer>, Error> {
    let mut rows = bulk::by_ids::<customer::Entity>(tx, customer::Column::Id, ids).await?;
    rows.sort_unstable_by_key(|r| r.id);
    let cores = bulk::by_ids::<customer_core::Entity>(tx, customer_core::Column::CustomerId, ids).await?;
    let mut cores: HashMap<Uuid, customer_core::Model> = cores.into_iter().map(|r| (r.customer_id, r)).collect();
    let details = bulk::by_ids::<customer_detail::Entity>(tx, customer_detail::Column::CustomerId, ids).await?;
    let mut details: HashMap<Uuid, customer_detail::Model> = details.into_iter().map(|r| (r.customer_id, r)).collect();
    let contacts = bulk::by_ids::<customer_contact::Entity>(tx, customer_contact::Column::CustomerId, ids).await?;
    let mut by_customer: HashMap<Uuid, Vec<customer_contact::Model>> = HashMap::new();
    let is_written_to = |c: &customer_contact::Model| c.slot == WRITTEN_TO;
    let objecting = if contacts.iter().any(is_written_to) { list_objecting_contacts(tx).await? } else { Vec::new() };
    for contact in contacts {
        by_customer.entry(contact.customer_id).or_default().push(contact);
    }
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(core) = cores.remove(&row.id) else {
            // Who it was is in the archive.
            if row.status == "archived" {
                continue;
            }
            return Err(Error::inconsistent("customer_core", "customer_id"));
        };
        let contacts = by_customer.remove(&row.id).unwrap_or_default();
        let guardian_objects = contacts.iter().any(|c| is_written_to(c) && objecting.contains(&c.id));
        let record = to_record(&row, core, details.remove(&row.id), contacts);
        found.push(Customer { row, record, guardian_objects });
    }
    Ok(found)
}

fn to_record(
    row: &CustomerRow,
    core: customer_core::Model,
    detail: Option<customer_detail::Model>,
    contacts: Vec<customer_contact::Model>,
) -> CustomerRecord {
    let mut record = CustomerRecord::default();
    record.set(Field::Number, Some(core.number));
    record.set(Field::Kind, Some(row.kind.clone()));
    record.set(Field::Name, Some(core.name));
    record.set(Field::OrgNumber, core.org_number);
    if let Some(d) = detail {
        record.set(Field::Street, d.street);
        record.set(Field::Street2, d.street2);
        record.set(Field::PostalCode, d.postal_code);
        record.set(Field::City, d.city);
        record.set(Field::Country, Some(d.country));
        record.set(Field::Email, d.email);
        record.set(Field::Phone, d.phone);
        record.set(Field::Language, Some(d.language));
        record.set(Field::PaymentMethod, d.payment_method);
        record.set(Field::Channel, d.channel);
        record.set(Field::EfakturaAddress, d.efaktura_address);
        record.set(Field::ProtectedIdentity, d.protected_identity.then(|| "true".to_owned()));
        record.set(Field::Reference, d.reference);
        record.set(Field::OrderNumber, d.order_number);
        record.set(Field::ExternalUpdatedAt, d.external_updated_at);
    }
    for contact in contacts {
        let Some(slot) = Slot::ALL.iter().find(|s| s.name == contact.slot) else { continue };
        record.set(slot.name_field, contact.name);
        record.set(slot.email, contact.email);
        record.set(slot.phone, contact.phone);
        if let Some(role) = slot.role {
            record.set(role, contact.role);
        }
    }
    record
}

/// A contact person's place in the record.
struct Slot {
    name: &'static str,
    name_field: Field,
    role: Option<Field>,
    email: Field,
    phone: Field,
}

impl Slot {
    const ALL: [Self; 3] = [
        Self {
            name: "contact",
            name_field: Field::ContactName,
            role: Some(Field::ContactRole),
            email: Field::ContactEmail,
            phone: Field::ContactPhone,
        },
        Self {
            name: "guardian1",
            name_field: Field::Guardian1Name,
            role: None,
            email: Field::Guardian1Email,
            phone: Field::Guardian1Phone,
        },
        Self {
            name: "guardian2",
            name_field: Field::Guardian2Name,
            role: None,
            email: Field::Guardian2Email,
            phone: Field::Guardian2Phone,
        },
    ];
}

/// Rows of many customers, written together.
#[derive(Default)]
pub struct Batch {
    rows: Vec<customer::Model>,
    cores: Vec<customer_core::Model>,
    details: Vec<customer_detail::Model>,
    contacts: Vec<customer_contact::Model>,
    without_contacts: Vec<Uuid>,
}

impl Batch {
    /// Adds one customer; contact persons get ids from `new_id`.
    pub fn push(&mut self, customer: Customer, is_new: bool, mut new_id: impl FnMut() -> Uuid) {
        let Customer { row, record, .. } = customer;
        let (org_id, customer_id) = (row.org_id, row.id);
        let text = |f: Field| record.get(f).map(str::to_owned);
        self.cores.push(customer_core::Model {
            org_id,
            customer_id,
            number: text(Field::Number).unwrap_or_default(),
            name: text(Field::Name).unwrap_or_default(),
            org_number: text(Field::OrgNumber),
            name_search: text(Field::Name).unwrap_or_default().to_lowercase(),
        });
        self.details.push(customer_detail::Model {
            org_id,
            customer_id,
            street: text(Field::Street),
            street2: text(Field::Street2),
            postal_code: text(Field::PostalCode),
            city: text(Field::City),
            country: text(Field::Country).unwrap_or_else(|| "NO".to_owned()),
            email: text(Field::Email),
            phone: text(Field::Phone),
            language: text(Field::Language).unwrap_or_default(),
            payment_method: text(Field::PaymentMethod),
            channel: text(Field::Channel),
            efaktura_address: text(Field::EfakturaAddress),
            protected_identity: record.is_protected(),
            reference: text(Field::Reference),
            order_number: text(Field::OrderNumber),
            external_updated_at: text(Field::ExternalUpdatedAt),
        });
        if !is_new {
            self.without_contacts.push(customer_id);
        }
        for slot in &Slot::ALL {
            let role = slot.role.and_then(text);
            let (name, email, phone) = (text(slot.name_field), text(slot.email), text(slot.phone));
            if name.is_some() || email.is_some() || phone.is_some() || role.is_some() {
                self.contacts.push(customer_contact::Model {
                    org_id,
                    id: new_id(),
                    customer_id,
                    slot: slot.name.to_owned(),
                    role,
                    name,
                    email,
                    phone,
                });
            }
        }
        self.rows.push(row);
    }

    /// Somebody who stays keeps their id: requests and holds go by it.
    fn keep_ids(&mut self, before: &[customer_contact::Model]) {
        let known: HashMap<(Uuid, &str), &customer_contact::Model> =
            before.iter().map(|c| ((c.customer_id, c.slot.as_str()), c)).collect();
        for contact in &mut self.contacts {
            let same = known.get(&(contact.customer_id, contact.slot.as_str()));
            let same = same.filter(|k| {
                (k.name.is_some() && k.name == contact.name) || (k.email.is_some() && k.email == contact.email)
            });
            contact.id = same.map_or(contact.id, |k| k.id);
        }
    }

    /// How many customers wait.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes all of them, new or known.
    pub async fn write(mut self, tx: &OrgTx) -> Result<(), Error> {
        let all_new = self.without_contacts.is_empty();
        for ids in std::mem::take(&mut self.without_contacts).chunks(500) {
            let of_list = Condition::all()
                .add(customer_contact::Column::OrgId.eq(tx.org()))
                .add(customer_contact::Column::CustomerId.is_in(ids.iter().copied()))
                .add(customer_contact::Column::Slot.is_in(Slot::ALL.map(|s| s.name)));
            let before = customer_contact::Entity::find().filter(of_list.clone()).all(tx).await?;
            customer_contact::Entity::delete_many().filter(of_list).exec(tx).await?;
            self.keep_ids(&before);
        }
        if all_new {
            bulk::insert::<customer::Entity>(tx, &self.rows).await?;
            bulk::insert::<customer_core::Entity>(tx, &self.cores).await?;
            bulk::insert::<customer_detail::Entity>(tx, &self.details).await?;
        } else {
            bulk::upsert::<customer::Entity>(tx, &self.rows).await?;
            bulk::upsert::<customer_core::Entity>(tx, &self.cores).await?;
            bulk::upsert::<customer_detail::Entity>(tx, &self.details).await?;
        }
        bulk::insert::<customer_contact::Entity>(tx, &self.contacts).await
    }
}

/// Locks customers against changes by others, in order of ids.
pub async fn lock(tx: &OrgTx, ids: &[Uuid]) -> Result<Vec<CustomerRow>, Error> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let wanted = Wanted { column: customer::Column::Id, keys: Keys::Ids(&ids), also: "", lock: true };
    bulk::fetch::<customer::Entity>(tx, wanted).await
}

/// Writes rows of `customer` alone: standing and version.
pub async fn update_rows(tx: &OrgTx, rows: &[CustomerRow]) -> Result<(), Error> {
    bulk::upsert::<customer::Entity>(tx, rows).await
}

/// Id of the customer with a number.
pub async fn find_by_number(tx: &OrgTx, number: &str) -> Result<Option<Uuid>, Error> {
    let row = customer_core::Entity::find()
        .filter(customer_core::Column::OrgId.eq(tx.org()))
        .filter(customer_core::Column::Number.eq(number))
        .one(tx)
        .await?;
    Ok(row.map(|r| r.customer_id))
}

/// Who has a number, or had it before.
pub async fn resolve_number(tx: &OrgTx, number: &str) -> Result<Option<Uuid>, Error> {
    if let Some(id) = find_by_number(tx, number).await? {
        return Ok(Some(id));
    }
    let alias = customer_alias::Entity::find_by_id((tx.org(), number.to_owned())).one(tx).await?;
    Ok(alias.map(|a| a.customer_id))
}

/// Gives a customer another number; the old one goes on meaning the customer. A number of its own past is taken back.
pub async fn renumber(tx: &OrgTx, id: Uuid, number: &str, at: DateTime<Utc>) -> Result<(), Error> {
    customer_alias::Entity::delete_by_id((tx.org(), number.to_owned())).exec(tx).await?;
    let core = customer_core::Entity::find_by_id((tx.org(), id)).one(tx).await?;
    let core = core.ok_or(Error::inconsistent("customer_core", "customer_id"))?;
    let alias = customer_alias::Model { org_id: tx.org(), number: core.number, customer_id: id, replaced_at: at };
    alias.into_active_model().insert(tx).await?;
    customer_core::Entity::update_many()
        .col_expr(customer_core::Column::Number, Expr::value(number))
        .filter(customer_core::Column::OrgId.eq(tx.org()))
        .filter(customer_core::Column::CustomerId.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Numbers a customer had before.
pub async fn list_aliases(tx: &OrgTx, id: Uuid) -> Result<Vec<String>, Error> {
    let rows = customer_alias::Entity::find()
        .filter(customer_alias::Column::OrgId.eq(tx.org()))
        .filter(customer_alias::Column::CustomerId.eq(id));
    Ok(rows.order_by_asc(customer_alias::Column::Number).all(tx).await?.into_iter().map(|a| a.number).collect())
}

/// Notes that a customer no longer is what the last list made it.
pub async fn forget_list(tx: &OrgTx, id: Uuid) -> Result<(), Error> {
    customer::Entity::update_many()
        .col_expr(customer::Column::ListDigest, Expr::value(Option::<Vec<u8>>::None))
        .filter(customer::Column::OrgId.eq(tx.org()))
        .filter(customer::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Active customers whose last day has come.
pub async fn list_ending(tx: &OrgTx, today: NaiveDate) -> Result<Vec<Uuid>, Error> {
    let rows = customer::Entity::find()
        .filter(customer::Column::OrgId.eq(tx.org()))
        .filter(customer::Column::Status.eq("active"))
        .filter(customer::Column::EndedOn.lte(today));
    Ok(rows.order_by_asc(customer::Column::Id).all(tx).await?.into_iter().map(|c| c.id).collect())
}

/// Adds a contact person.
pub async fn insert_contact(tx: &OrgTx, contact: Contact) -> Result<(), Error> {
    contact.into_active_model().insert(tx).await?;
    Ok(())
}

/// Contact persons of a customer, oldest first.
pub async fn list_contacts(tx: &OrgTx, id: Uuid) -> Result<Vec<Contact>, Error> {
    let rows = customer_contact::Entity::find()
        .filter(customer_contact::Column::OrgId.eq(tx.org()))
        .filter(customer_contact::Column::CustomerId.eq(id));
    Ok(rows.order_by_asc(customer_contact::Column::Id).all(tx).await?)
}

/// A contact person of a customer.
pub async fn find_contact(tx: &OrgTx, customer_id: Uuid, id: Uuid) -> Result<Option<Contact>, Error> {
    Ok(customer_contact::Entity::find()
        .filter(customer_contact::Column::OrgId.eq(tx.org()))
        .filter(customer_contact::Column::CustomerId.eq(customer_id))
        .filter(customer_contact::Column::Id.eq(id))
        .one(tx)
        .await?)
}

/// Removes a contact person of a customer; `false` when there was none.
pub async fn delete_contact(tx: &OrgTx, customer_id: Uuid, id: Uuid) -> Result<bool, Error> {
    let done = customer_contact::Entity::delete_many()
        .filter(customer_contact::Column::OrgId.eq(tx.org()))
        .filter(customer_contact::Column::CustomerId.eq(customer_id))
        .filter(customer_contact::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Every address chosen for documents, by customer.
pub async fn list_document_addresses(tx: &OrgTx) -> Result<HashMap<Uuid, DocumentAddress>, Error> {
    let rows = customer_document_address::Entity::find()
        .filter(customer_document_address::Column::OrgId.eq(tx.org()))
        .all(tx)
        .await?;
    Ok(rows.into_iter().map(|r| (r.customer_id, r)).collect())
}

/// The address chosen for a customer's documents.
pub async fn document_address(tx: &OrgTx, id: Uuid) -> Result<Option<DocumentAddress>, Error> {
    Ok(customer_document_address::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// Chooses an address for documents, or goes back to the customer's own.
pub async fn set_document_address(tx: &OrgTx, id: Uuid, address: Option<DocumentAddress>) -> Result<(), Error> {
    customer_document_address::Entity::delete_by_id((tx.org(), id)).exec(tx).await?;
    if let Some(address) = address {
        address.into_active_model().insert(tx).await?;
    }
    Ok(())
}

/// Customers by the customer part of their KIDs.
pub async fn find_by_kid_numbers(tx: &OrgTx, numbers: &[i64]) -> Result<HashMap<i64, Uuid>, Error> {
    let mut out = HashMap::new();
    for numbers in numbers.chunks(500) {
        let rows = customer::Entity::find()
            .filter(customer::Column::OrgId.eq(tx.org()))
            .filter(customer::Column::KidCustomerNo.is_in(numbers.iter().copied()))
            .all(tx)
            .await?;
        out.extend(rows.into_iter().map(|r| (r.kid_customer_no, r.id)));
    }
    Ok(out)
}

/// The organisation's saved mapping of headings.
pub async fn mapping(tx: &OrgTx) -> Result<HashMap<String, String>, Error> {
    let rows = column_mapping::Entity::find().filter(column_mapping::Column::OrgId.eq(tx.org())).all(tx).await?;
    Ok(rows.into_iter().map(|r| (r.heading, r.target)).collect())
}

/// Saves a mapping of headings, over what was there.
pub async fn save_mapping(tx: &OrgTx, mapping: &HashMap<String, String>) -> Result<(), Error> {
    let rows: Vec<column_mapping::Model> = mapping
        .iter()
        .map(|(heading, target)| column_mapping::Model {
            org_id: tx.org(),
            heading: heading.clone(),
            target: target.clone(),
        })
        .collect();
    bulk::upsert::<column_mapping::Entity>(tx, &rows).await
}
