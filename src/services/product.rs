//! Products: what is sold, at what price and VAT.

use super::error::{Error, FieldError};
use super::work::{Actor, Deed, Work};
use crate::ctx::Ctx;
use crate::store::organisation;
use crate::store::product::{self as store, Product};
use domain::money::Micro;
use domain::unit;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A product to be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    /// The organisation's own number.
    pub number: String,
    /// What it is called on invoices.
    pub name: String,
    /// UN/ECE unit code, such as H87 (piece), HUR (hour) or MON (month).
    #[serde(default = "piece")]
    pub unit: String,
    /// Price of one in kroner without VAT; a decimal string.
    #[schema(value_type = String, example = "450.00")]
    pub unit_price: Micro,
    /// SAF-T standard tax code, such as 3 (25 %), 31 (15 %), 6 (exempt).
    pub vat_code: String,
    /// Months between bills when a customer list names the product; 0 bills once.
    #[serde(default = "year")]
    pub every_months: u16,
}

fn piece() -> String {
    "H87".to_owned()
}
const fn year() -> u16 {
    12
}

/// Makes a product.
pub async fn create(ctx: &Ctx, actor: &Actor, new: NewProduct) -> Result<Uuid, Error> {
    let work = Work::begin(ctx, actor).await?;
    let id = work.id();
    let row = Product {
        org_id: actor.org,
        id,
        version: 1,
        number: new.number,
        name: new.name,
        unit: new.unit,
        price_micro: new.unit_price.micro(),
        vat_code: new.vat_code,
        every_months: new.every_months.into(),
        active: true,
        created_at: work.at,
        updated_at: work.at,
    };
    check(&work, &row).await?;
    let (number, every_months) = (row.number.clone(), row.every_months);
    match store::insert(&work.tx, row).await {
        Err(crate::store::Error::Conflict(_)) => {
            return Err(Error::conflict("number_taken", "a product has this number already"));
        }
        other => other?,
    }
    store::adopt_orders(&work.tx, &number, every_months).await?;
    work.done(Deed { verb: "product.created", subject: "product", id, fields: "" }).await?;
    Ok(id)
}

/// What may be changed of a product; what is left out stays. What was issued before keeps what it said.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProductPatch {
    /// What it is called on invoices.
    pub name: Option<String>,
    /// UN/ECE unit code.
    pub unit: Option<String>,
    /// Price of one in kroner without VAT; a decimal string.
    #[schema(value_type = Option<String>, example = "450.00")]
    pub unit_price: Option<Micro>,
    /// SAF-T standard tax code.
    pub vat_code: Option<String>,
    /// Months between bills of orders that a customer list makes from now on; 0 bills once.
    pub every_months: Option<u16>,
    /// Whether it may be billed.
    pub active: Option<bool>,
}

/// Changes a product of the version the client saw.
pub async fn patch(ctx: &Ctx, actor: &Actor, id: Uuid, version: i64, patch: ProductPatch) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let before = store::lock(&work.tx, id).await?.ok_or_else(|| Error::not_found("product"))?;
    Error::unless_seen("product", version, before.version)?;
    let row = Product {
        name: patch.name.unwrap_or(before.name),
        unit: patch.unit.unwrap_or(before.unit),
        price_micro: patch.unit_price.map_or(before.price_micro, Micro::micro),
        vat_code: patch.vat_code.unwrap_or(before.vat_code),
        every_months: patch.every_months.map_or(before.every_months, i64::from),
        active: patch.active.unwrap_or(before.active),
        updated_at: work.at,
        ..before
    };
    check(&work, &row).await?;
    store::update(&work.tx, row).await?;
    work.done(Deed { verb: "product.changed", subject: "product", id, fields: "price_micro" }).await
}

async fn check(work: &Work<'_>, row: &Product) -> Result<(), Error> {
    let mut errors = Vec::new();
    let mut require = |ok: bool, field: &str, code: &str, message: String| {
        if !ok {
            errors.push(FieldError { field: field.into(), code: code.into(), message });
        }
    };
    let length = row.number.chars().count();
    require((1..=32).contains(&length), "number", "invalid_number", "1 to 32 characters".to_owned());
    require(!row.name.trim().is_empty(), "name", "required", "say what is sold".to_owned());
    let codes = unit::codes().collect::<Vec<_>>().join(", ");
    require(unit::is_known(&row.unit), "unit", "unknown_unit", format!("one of {codes}"));
    require(row.every_months <= 120, "every_months", "out_of_range", "0 to 120 months".to_owned());
    let known = organisation::list_vat(&work.tx, work.today()).await?;
    let codes = known.iter().map(|v| v.code.as_str()).collect::<Vec<_>>().join(", ");
    let known = known.iter().any(|v| v.code == row.vat_code);
    require(known, "vat_code", "unknown_vat_code", format!("one of {codes}"));
    if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
}
