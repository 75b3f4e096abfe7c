//! Customers by hand, through the same rules as a list.

use super::apply::{end_orders, ended_row, keep_ended, new_row, staying_row};
use super::classify::{BY_HAND, BY_POLICY, PlanRow, Verdict, classify};
use super::erased::erased_numbers;
use crate::ctx::Ctx;
use crate::services::error::{Error, FieldError, Kind};
use crate::services::organisation::unless_over;
use crate::services::standing_order::sync_products;
use crate::services::work::{Actor, Deed, Work};
use crate::store::customer::{self as store, Batch, Contact, Customer, CustomerRow, DocumentAddress};
use crate::store::organisation::{self, Counter};
use crate::store::product;
use chrono::NaiveDate;
use domain::customer::{Field, shown};
use domain::delivery::MailGround;
use formats::customer_list::{self, ListRow, Mode, Options, Standing};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use utoipa::ToSchema;
use uuid::Uuid;

/// Reads one customer as an object with the keys of a customer list; every fault names its field.
fn read_object(object: &Map<String, Value>, mode: Mode, known: &HashSet<String>) -> Result<ListRow, Error> {
    let bytes = format!("[{}]", Value::Object(object.clone()));
    let mapping = HashMap::new();
    let options = Options { mode, known, mapping: &mapping };
    let list = customer_list::read(bytes.as_bytes(), &options)
        .map_err(|e| Error::field(e.field.unwrap_or("customer"), e.code, e.message))?;
    let refused = list.refused_columns.iter().map(|c| FieldError {
        field: c.heading.clone(),
        code: c.reason.clone(),
        message: "we have no purpose for this field; leave it out".to_owned(),
    });
    let wrong = list.errors.iter().map(|e| FieldError {
        field: e.heading.clone().unwrap_or_default(),
        code: e.code.clone(),
        message: e.code.replace('_', " "),
    });
    let errors: Vec<FieldError> = refused.chain(wrong).collect();
    match list.rows.into_iter().next() {
        Some(row) if errors.is_empty() => Ok(row),
        _ => Err(Error::invalid(errors)),
    }
}

/// Makes one customer of a JSON object with the keys of a customer list.
pub async fn create(ctx: &Ctx, actor: &Actor, object: &Map<String, Value>) -> Result<Uuid, Error> {
    let work = Work::begin(ctx, actor).await?;
    let org = organisation::find(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    if org.dpa_accepted_at.is_none() {
        let message = "accept the data-processing agreement before personal data is stored";
        return Err(Error::conflict("dpa_not_accepted", message));
    }
    unless_over(&work.tx, work.today()).await?;
    let row = read_object(object, Mode::Full, &HashSet::new())?;
    if store::resolve_number(&work.tx, &row.number).await?.is_some() {
        return Err(Error::conflict("number_taken", "a customer has this number already, or had it before"));
    }
    if erased_numbers(&work.tx, &ctx.key).await?.has(&row.number) {
        let message = "the customer with this number was erased; take the number in again with a reason first: \
                       reskontro privacy readmit";
        return Err(Error::conflict("number_erased", message));
    }
    let id = work.id();
    let kid_no = organisation::take_numbers(&work.tx, Counter::KidCustomer, 1).await?;
    let mut record = row.as_new();
    let products: Vec<String> = record.products().into_iter().map(str::to_owned).collect();
    record.set(Field::StandardProducts, None);
    let kind = record.get(Field::Kind).unwrap_or("person").to_owned();
    let mut batch = Batch::default();
    batch.push(Customer { row: new_row(&work, id, kind, kid_no), record, guardian_objects: false }, true, || work.id());
    batch.write(&work.tx).await?;
    organisation::take_numbers(&work.tx, Counter::Sync, 1).await?;
    sync_products(&work, &[(id, true, products)]).await?;
    work.done(Deed { verb: "customer.created", subject: "customer", id, fields: "" }).await?;
    Ok(id)
}

/// A customer with what belongs to it.
pub struct Whole {
    /// The customer with all its fields, standard products too.
    pub customer: Customer,
    /// Numbers it had before.
    pub earlier_numbers: Vec<String>,
    /// The address chosen for its documents.
    pub document_address: Option<DocumentAddress>,
}

impl Whole {
    /// Its fields by name, as they are stored; address and e-mail of a protected identity are masked, as everywhere outside its
    /// invoices.
    pub fn fields(&self) -> Map<String, Value> {
        let Customer { row, record, .. } = &self.customer;
        let protected = record.is_protected();
        let (masked, open): (Vec<_>, Vec<_>) =
            record.values().partition(|(f, _)| protected && f.is_masked_when_protected());
        let mut fields: Map<String, Value> =
            open.into_iter().map(|(f, v)| (f.name().to_owned(), json!(shown(f, Some(v))))).collect();
        if protected {
            fields.insert("masked".into(), masked.iter().map(|(f, _)| f.name()).collect());
        }
        let address = self.document_address.as_ref();
        let address = address
            .map(|a| json!({ "street": a.street, "street2": a.street2, "postal_code": a.postal_code, "city": a.city }));
        for (name, value) in [
            ("id", json!(row.id)),
            ("status", json!(row.status)),
            ("ended_on", json!(row.ended_on)),
            ("ended_reason", json!(row.ended_reason)),
            ("mail_ground", json!(row.mail_ground)),
            ("earlier_numbers", json!(self.earlier_numbers)),
            ("document_address", json!(address)),
        ] {
            fields.insert(name.to_owned(), value);
        }
        fields
    }
}

/// A customer with all its fields.
pub async fn read(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Whole, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let customer = load(&tx, id, ctx.today()).await?;
    let earlier_numbers = store::list_aliases(&tx, id).await?;
    let document_address = store::document_address(&tx, id).await?;
    tx.commit().await?;
    Ok(Whole { customer, earlier_numbers, document_address })
}

/// The relationship is over; who it was is no longer here.
fn archived() -> Error {
    let message = "the relationship is over and who it was is in the statutory archive; somebody who comes back is a new customer";
    Error::refuse(Kind::Gone, "customer_archived", message)
}

async fn load(tx: &crate::store::OrgTx, id: Uuid, today: NaiveDate) -> Result<Customer, Error> {
    let found = store::load(tx, &[id]).await?.into_iter().next();
    let Some(mut customer) = found else {
        let known = crate::store::archive::is_archived(tx, id).await?;
        return Err(if known { archived() } else { Error::not_found("customer") });
    };
    let products: Vec<String> =
        product::list_synced(tx, &[id], today).await?.into_iter().map(|(_, number)| number).collect();
    customer.record.set(Field::StandardProducts, Some(products.join("\n")));
    Ok(customer)
}

/// The customer of the version the client saw, locked.
async fn lock(work: &Work<'_>, id: Uuid, version: Option<i64>) -> Result<CustomerRow, Error> {
    let row = store::lock(&work.tx, &[id]).await?.into_iter().next().ok_or_else(|| Error::not_found("customer"))?;
    if row.status == "archived" {
        return Err(archived());
    }
    Error::unless_seen("customer", version.unwrap_or(row.version), row.version)?;
    Ok(row)
}

/// Changes fields of a customer: what is left out stays, `null` clears. The keys are those of a customer list.
pub async fn patch(
    ctx: &Ctx,
    actor: &Actor,
    id: Uuid,
    version: i64,
    mut object: Map<String, Value>,
) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let before = lock(&work, id, Some(version)).await?;
    let stored = load(&work.tx, id, work.today()).await?;
    let number = stored.record.get(Field::Number).unwrap_or_default().to_owned();
    if object.get("number").is_some_and(|n| n.as_str() != Some(&number)) {
        let message = "a number is changed by renumbering, which keeps the old one";
        return Err(Error::field("number", "not_here", message));
    }
    object.insert("number".to_owned(), Value::from(number.as_str()));
    let row = read_object(&object, Mode::Delta, &HashSet::from([number]))?;
    if row.standing != Standing::Unsaid {
        return Err(Error::field("status", "not_here", "end or reopen the customer instead"));
    }
    let plan = match classify(&row, Some(&stored), work.today(), Mode::Delta) {
        Verdict::Plan(plan) => *plan,
        Verdict::Unchanged => return Ok(()),
        Verdict::Stale => {
            let message = "external_updated_at is older than what is stored";
            return Err(Error::field("external_updated_at", "stale", message));
        }
    };
    let fields: Vec<&str> = plan.fields.iter().map(|f| f.field.as_str()).filter(|f| *f != "status").collect();
    let fields = fields.join(",");
    let PlanRow { record, .. } = plan;
    let mut record = record.unwrap_or(stored.record);
    let products = record.products().into_iter().map(str::to_owned).collect();
    record.set(Field::StandardProducts, None);
    let row = CustomerRow {
        version: before.version + 1,
        kind: record.get(Field::Kind).unwrap_or("person").to_owned(),
        list_digest: None,
        updated_at: work.at,
        ..before
    };
    let active = row.status == "active";
    let mut batch = Batch::default();
    batch.push(Customer { row, record, guardian_objects: false }, false, || work.id());
    batch.write(&work.tx).await?;
    if active && fields.split(',').any(|f| f == "standard_products") {
        sync_products(&work, &[(id, false, products)]).await?;
    }
    work.done(Deed { verb: "customer.changed", subject: "customer", id, fields: &fields }).await
}

/// The end of a relationship.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// Last day; today when left out. On a day to come, what begins before it is still billed.
    pub ended_on: Option<NaiveDate>,
    /// Why.
    pub reason: String,
}

/// Ends the relationship with a customer, now or on a day to come.
pub async fn end(ctx: &Ctx, actor: &Actor, id: Uuid, ending: &Ending) -> Result<(), Error> {
    if ending.reason.trim().is_empty() || ending.reason.chars().count() > 200 {
        return Err(Error::field("reason", "required", "say in up to 200 characters why"));
    }
    Error::unless_plausible("ended_on", ending.ended_on)?;
    let work = Work::begin(ctx, actor).await?;
    organisation::take_numbers(&work.tx, Counter::Sync, 1).await?;
    let before = lock(&work, id, None).await?;
    if before.status != "active" {
        return Err(Error::conflict("customer_ended", "the customer relationship has ended already"));
    }
    let (today, reason) = (work.today(), ending.reason.trim().to_owned());
    let on = ending.ended_on.unwrap_or(today);
    let row = ended_row(&work, &before, today, on, Some(reason), BY_HAND);
    keep_ended(&work, &[row]).await?;
    work.done(Deed { verb: "customer.ended", subject: "customer", id, fields: "status,ended_on" }).await
}

/// Takes an ending back. What a customer list names for the customer is billed again from the next list on.
pub async fn reopen(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    unless_over(&work.tx, work.today()).await?;
    organisation::take_numbers(&work.tx, Counter::Sync, 1).await?;
    let before = lock(&work, id, None).await?;
    if before.ended_on.is_none() && before.status == "active" {
        return Err(Error::conflict("customer_active", "the customer is active"));
    }
    let stored = load(&work.tx, id, work.today()).await?;
    if erased_numbers(&work.tx, &ctx.key).await?.has(stored.record.get(Field::Number).unwrap_or_default()) {
        let message = "the customer asked to be erased, and is reached only until what is owed is settled; take the number in \
                       again with a reason first: reskontro privacy readmit";
        return Err(Error::conflict("customer_erased", message));
    }
    let products: Vec<String> = stored.record.products().into_iter().map(str::to_owned).collect();
    store::update_rows(&work.tx, &[staying_row(&work, &before)]).await?;
    sync_products(&work, &[(id, false, products)]).await?;
    work.done(Deed { verb: "customer.reopened", subject: "customer", id, fields: "status,ended_on" }).await
}

/// Another number for a customer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Renumbering {
    /// The new number: up to 32 letters, digits, `.`, `_`, `/` or `-`.
    pub number: String,
}

/// Gives a customer another number. The old one goes on meaning the customer, in lists and when searching (decision 35).
pub async fn renumber(ctx: &Ctx, actor: &Actor, id: Uuid, asked: &Renumbering) -> Result<(), Error> {
    let mut object = Map::new();
    object.insert("number".to_owned(), Value::from(asked.number.as_str()));
    object.insert("name".to_owned(), Value::from("-"));
    let number = read_object(&object, Mode::Full, &HashSet::new())?.number;
    let work = Work::begin(ctx, actor).await?;
    organisation::take_numbers(&work.tx, Counter::Sync, 1).await?;
    let row = lock(&work, id, None).await?;
    let own = store::find_by_number(&work.tx, &number).await? == Some(id);
    let taken = store::resolve_number(&work.tx, &number).await?.is_some_and(|by| by != id);
    if own || taken {
        return Err(Error::conflict("number_taken", "a customer has this number already, or had it before"));
    }
    store::renumber(&work.tx, id, &number, work.at).await?;
    let row = CustomerRow { version: row.version + 1, list_digest: None, updated_at: work.at, ..row };
    store::update_rows(&work.tx, &[row]).await?;
    work.done(Deed { verb: "customer.renumbered", subject: "customer", id, fields: "number" }).await
}

/// An address for the documents of somebody with a protected identity.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDocumentAddress {
    /// Street or box.
    pub street: Option<String>,
    /// Second line.
    pub street2: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Post town.
    pub city: Option<String>,
}

/// Chooses the address that documents of a protected identity carry instead of the live one (decision 41), or goes back.
pub async fn set_document_address(
    ctx: &Ctx,
    actor: &Actor,
    id: Uuid,
    chosen: Option<NewDocumentAddress>,
) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    lock(&work, id, None).await?;
    let address = chosen.map(|a| DocumentAddress {
        org_id: actor.org,
        customer_id: id,
        street: a.street,
        street2: a.street2,
        postal_code: a.postal_code,
        city: a.city,
        country: "NO".to_owned(),
    });
    store::set_document_address(&work.tx, id, address).await?;
    work.done(Deed { verb: "customer.document_address_set", subject: "customer", id, fields: "document_address" }).await
}

/// On what ground a business gets mail instead of an e-invoice.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMailGround {
    /// `below_threshold` (sales under 50 000 kroner), `other_format` (another electronic format is agreed, until the end of
    /// 2029), `not_bookkeeping_liable` (the buyer keeps no books by law), or `null` for none.
    #[schema(value_type = Option<String>)]
    pub ground: Option<MailGround>,
}

/// Records on what ground a business gets mail although e-invoices are a duty (decision 42).
pub async fn set_mail_ground(ctx: &Ctx, actor: &Actor, id: Uuid, new: NewMailGround) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let row = lock(&work, id, None).await?;
    let mail_ground = new.ground.map(|g| g.as_str().to_owned());
    let row = CustomerRow { version: row.version + 1, mail_ground, updated_at: work.at, ..row };
    store::update_rows(&work.tx, &[row]).await?;
    work.done(Deed { verb: "customer.mail_ground_set", subject: "customer", id, fields: "mail_ground" }).await
}

/// A contact person.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContact {
    /// Name.
    pub name: String,
    /// What the person is for the customer, such as `daglig leder`.
    pub role: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone, Norwegian or with country code.
    pub phone: Option<String>,
}

/// Adds a contact person, besides those a customer list keeps.
pub async fn add_contact(ctx: &Ctx, actor: &Actor, customer_id: Uuid, new: &NewContact) -> Result<Uuid, Error> {
    // Through the reader of customer lists: the same shapes, the same refusal of national identity numbers.
    let contact = serde_json::json!({ "name": new.name, "role": new.role, "email": new.email, "phone": new.phone });
    let mut object = Map::new();
    object.insert("number".to_owned(), Value::from("1"));
    object.insert("name".to_owned(), Value::from("-"));
    object.insert("contact".to_owned(), contact);
    let record = read_object(&object, Mode::Full, &HashSet::new())?.as_new();
    let text = |f| record.get(f).map(str::to_owned);
    let Some(name) = text(Field::ContactName) else {
        return Err(Error::field("name", "required", "give the contact person a name"));
    };
    let work = Work::begin(ctx, actor).await?;
    lock(&work, customer_id, None).await?;
    let said = [Some(name.as_str()), record.get(Field::ContactEmail)];
    if erased_numbers(&work.tx, &ctx.key).await?.has_contact(customer_id, said) {
        let message = "this contact person asked to be erased; take them in again with a reason first: reskontro privacy \
                       readmit NUMBER --contact NAME";
        return Err(Error::conflict("contact_erased", message));
    }
    let id = work.id();
    let row = Contact {
        org_id: actor.org,
        id,
        customer_id,
        slot: id.to_string(),
        role: text(Field::ContactRole),
        name: Some(name),
        email: text(Field::ContactEmail),
        phone: text(Field::ContactPhone),
    };
    store::insert_contact(&work.tx, row).await?;
    work.done(Deed { verb: "contact.added", subject: "contact", id, fields: "" }).await?;
    Ok(id)
}

/// Removes a contact person.
pub async fn remove_contact(ctx: &Ctx, actor: &Actor, customer_id: Uuid, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let row = lock(&work, customer_id, None).await?;
    if !store::delete_contact(&work.tx, customer_id, id).await? {
        return Err(Error::not_found("contact person"));
    }
    let row = CustomerRow { version: row.version + 1, list_digest: None, updated_at: work.at, ..row };
    store::update_rows(&work.tx, &[row]).await?;
    work.done(Deed { verb: "contact.removed", subject: "contact", id, fields: "" }).await
}

/// Contact persons of a customer.
pub async fn contacts(ctx: &Ctx, actor: &Actor, customer_id: Uuid) -> Result<Vec<Contact>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    if store::load(&tx, &[customer_id]).await?.is_empty() {
        return Err(Error::not_found("customer"));
    }
    let found = store::list_contacts(&tx, customer_id).await?;
    tx.commit().await?;
    Ok(found)
}

/// Ends the relationships whose last day has come.
pub async fn end_due(ctx: &Ctx, actor: &Actor) -> Result<u64, Error> {
    let mut work = Work::begin(ctx, actor).await?;
    let today = work.today();
    let due = store::list_ending(&work.tx, today).await?;
    let moved = i64::try_from(due.len()).unwrap_or(i64::MAX);
    organisation::take_numbers(&work.tx, Counter::Sync, moved).await?;
    let mut ended = Vec::new();
    for row in store::lock(&work.tx, &due).await? {
        if row.status == "active" && row.ended_on.is_some_and(|on| on <= today) {
            work.note(&Deed { verb: "customer.ended", subject: "customer", id: row.id, fields: "status" });
            ended.push(CustomerRow {
                version: row.version + 1,
                status: "ended".to_owned(),
                updated_at: work.at,
                ..row
            });
        }
    }
    store::update_rows(&work.tx, &ended).await?;
    end_orders(&work, &ended, true).await?;
    let count = u64::try_from(ended.len()).unwrap_or(u64::MAX);
    work.done(Deed { verb: "customers.ended", subject: "organisation", id: actor.org, fields: "" }).await?;
    Ok(count)
}

/// Ends relationships that nobody has ended: nothing has happened in them for long, or the organisation's agreement is over;
/// how many.
pub async fn end_by_policy(ctx: &Ctx, actor: &Actor, ids: &[Uuid]) -> Result<u64, Error> {
    let mut work = Work::begin(ctx, actor).await?;
    let today = work.today();
    let moved = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    organisation::take_numbers(&work.tx, Counter::Sync, moved).await?;
    let mut ended = Vec::new();
    for row in store::lock(&work.tx, ids).await? {
        if row.status == "active" && row.ended_on.is_none() {
            work.note(&Deed { verb: "customer.ended", subject: "customer", id: row.id, fields: "status,ended_on" });
            ended.push(ended_row(&work, &row, today, today, None, BY_POLICY));
        }
    }
    keep_ended(&work, &ended).await?;
    let count = u64::try_from(ended.len()).unwrap_or(u64::MAX);
    work.done(Deed { verb: "customers.ended", subject: "organisation", id: actor.org, fields: "" }).await?;
    Ok(count)
}

/// Saves which heading means which field for this organisation.
pub async fn set_mapping(ctx: &Ctx, actor: &Actor, mapping: HashMap<String, String>) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let normal = mapping.into_iter().map(|(h, t)| (customer_list::normalise_heading(&h), t)).collect();
    store::save_mapping(&work.tx, &normal).await?;
    work.done(Deed { verb: "column_mapping.saved", subject: "organisation", id: actor.org, fields: "mapping" }).await
}
