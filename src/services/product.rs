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
    let mut errors = Vec::new();
    let mut require = |ok: bool, field: &str, code: &str, message: String| {
        if !ok {
            errors.push(FieldError { field: field.into(), code: code.into(), message });
        }
    };
    let length = new.number.chars().count();
    require((1..=32).contains(&length), "number", "invalid_number", "1 to 32 characters".to_owned());
    require(!new.name.trim().is_empty(), "name", "required", "say what is sold".to_owned());
    let codes = unit::codes().collect::<Vec<_>>().join(", ");
    require(unit::is_known(&new.unit), "unit", "unknown_unit", format!("one of {codes}"));
    require(new.every_months <= 120, "every_months", "out_of_range", "0 to 120 months".to_owned());
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    let work = Work::begin(ctx, actor).await?;
    let known = organisation::list_vat(&work.tx, ctx.today()).await?;
    if !known.iter().any(|v| v.code == new.vat_code) {
        let codes: Vec<&str> = known.iter().map(|v| v.code.as_str()).collect();
        return Err(Error::field("vat_code", "unknown_vat_code", format!("one of {}", codes.join(", "))));
    }
    let id = work.id();
    let (number, every_months) = (new.number.clone(), i64::from(new.every_months));
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
