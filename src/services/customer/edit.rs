//! Customers by hand, through the same rules as a list.

use super::apply::new_row;
use crate::ctx::Ctx;
use crate::services::error::{Error, FieldError};
use crate::services::standing_order::sync_products;
use crate::services::work::{Actor, Deed, Work};
use crate::store::customer::{self as store, Batch, Customer};
use crate::store::organisation::{self, Counter};
use crate::store::product;
use domain::customer::Field;
use formats::customer_list::{self, Mode, Options};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Makes one customer of a JSON object with the keys of a customer list.
pub async fn create(ctx: &Ctx, actor: &Actor, object: &serde_json::Value) -> Result<Uuid, Error> {
    let work = Work::begin(ctx, actor).await?;
    let org = organisation::find(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    if org.dpa_accepted_at.is_none() {
        let message = "accept the data-processing agreement before personal data is stored";
        return Err(Error::conflict("dpa_not_accepted", message));
    }
    let bytes = format!("[{object}]");
    let (known, mapping) = (HashSet::new(), HashMap::new());
    let options = Options { mode: Mode::Full, known: &known, mapping: &mapping };
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
    let Some(row) = list.rows.first().filter(|_| errors.is_empty()) else {
        return Err(Error::invalid(errors));
    };
    if store::find_by_number(&work.tx, &row.number).await?.is_some() {
        return Err(Error::conflict("number_taken", "a customer has this number already"));
    }
    let id = work.id();
    let kid_no = organisation::take_numbers(&work.tx, Counter::KidCustomer, 1).await?;
    let mut record = row.as_new();
    let products: Vec<String> = record.products().into_iter().map(str::to_owned).collect();
    record.set(Field::StandardProducts, None);
    let kind = record.get(Field::Kind).unwrap_or("person").to_owned();
    let mut batch = Batch::default();
    batch.push(Customer { row: new_row(&work, id, kind, kid_no), record }, true, || work.id());
    batch.write(&work.tx).await?;
    organisation::take_numbers(&work.tx, Counter::Sync, 1).await?;
    sync_products(&work, &[(id, true, products)]).await?;
    work.done(Deed { verb: "customer.created", subject: "customer", id, fields: "" }).await?;
    Ok(id)
}

/// A customer with all its fields, standard products too.
pub async fn read(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Customer, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let found = store::load(&tx, &[id]).await?.into_iter().next();
    let products: Vec<String> = product::list_synced(&tx, &[id]).await?.into_iter().map(|(_, number)| number).collect();
    tx.commit().await?;
    let mut customer = found.ok_or_else(|| Error::not_found("customer"))?;
    customer.record.set(Field::StandardProducts, Some(products.join("\n")));
    Ok(customer)
}

/// Saves which heading means which field for this organisation.
pub async fn set_mapping(ctx: &Ctx, actor: &Actor, mapping: HashMap<String, String>) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let normal = mapping.into_iter().map(|(h, t)| (customer_list::normalise_heading(&h), t)).collect();
    store::save_mapping(&work.tx, &normal).await?;
    work.done(Deed { verb: "column_mapping.saved", subject: "organisation", id: actor.org, fields: "mapping" }).await
}
