//! Organisations, bank accounts, VAT codes and API keys.

use super::bulk;
use super::error::Error;
use super::tx::{OrgTx, SystemTx};
use chrono::{DateTime, NaiveDate, Utc};
use domain::kid::{KidScheme, Modulus};
use domain::money::Micro;
use domain::vat::{Category, Vat};
use entity::{api_key, bank_account, gl_account, number_series, org_directory, organisation, vat_code};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Statement,
};
use uuid::Uuid;

pub use api_key::Model as ApiKey;
pub use bank_account::Model as BankAccount;
pub use gl_account::Model as GlChoice;
pub use number_series::Model as NumberSeries;
pub use organisation::Model as Organisation;
pub use vat_code::Model as VatCode;

/// Adds an organisation with its series and VAT table.
pub async fn insert(tx: &OrgTx, org: Organisation, series: NumberSeries, vat: &[VatCode]) -> Result<(), Error> {
    let listed = org_directory::Model {
        org_id: org.org_id,
        sync_counter: 0,
        next_kid_customer_no: 1,
        created_at: org.created_at,
        gone_at: None,
    };
    listed.into_active_model().insert(tx).await?;
    org.into_active_model().insert(tx).await?;
    series.into_active_model().insert(tx).await?;
    bulk::insert::<vat_code::Entity>(tx, vat).await
}

/// The organisation of this transaction.
pub async fn find(tx: &OrgTx) -> Result<Option<Organisation>, Error> {
    Ok(organisation::Entity::find_by_id(tx.org()).one(tx).await?)
}

/// Locks the organisation of this transaction.
pub async fn lock(tx: &OrgTx) -> Result<Option<Organisation>, Error> {
    Ok(tx.for_update(organisation::Entity::find_by_id(tx.org())).one(tx).await?)
}

/// Writes all fields of an organisation and counts its version up.
pub async fn update(tx: &OrgTx, mut org: Organisation) -> Result<Organisation, Error> {
    org.version += 1;
    Ok(org.into_active_model().reset_all().update(tx).await?)
}

/// Ids of all organisations that are served.
pub async fn list_ids(tx: &SystemTx) -> Result<Vec<Uuid>, Error> {
    let rows = org_directory::Entity::find().filter(org_directory::Column::GoneAt.is_null());
    Ok(rows.order_by_asc(org_directory::Column::OrgId).all(tx).await?.into_iter().map(|r| r.org_id).collect())
}

/// Organisations that were erased, or are being, and since when.
pub async fn list_gone(tx: &SystemTx) -> Result<Vec<(Uuid, DateTime<Utc>)>, Error> {
    let rows = org_directory::Entity::find().filter(org_directory::Column::GoneAt.is_not_null());
    let rows = rows.order_by_asc(org_directory::Column::OrgId).all(tx).await?;
    Ok(rows.into_iter().filter_map(|r| Some((r.org_id, r.gone_at?))).collect())
}

/// Takes `n` numbers of a counter of the organisation and returns the first. The row stays locked until commit.
pub async fn take_numbers(tx: &OrgTx, counter: Counter, n: i64) -> Result<i64, Error> {
    let (table, column) = counter.place();
    let sql = format!("UPDATE {table} SET {column} = {column} + $1 WHERE org_id = $2 RETURNING {column} AS next");
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [n.into(), tx.org().into()]);
    let row = tx.query_one_raw(statement).await?.ok_or(Error::inconsistent("organisation", "org_id"))?;
    Ok(row.try_get::<i64>("", "next")? - n)
}

/// A counter of the organisation.
#[derive(Debug, Clone, Copy)]
pub enum Counter {
    /// Customers made or ended; a plan made before is stale after (decision 34).
    Sync,
    /// Customer part of KIDs.
    KidCustomer,
    /// Voucher numbers of the ledger.
    Voucher,
}

impl Counter {
    /// Customers are locked after the first table and before the second: a sync and a run never wait for each other.
    const fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Sync => ("org_directory", "sync_counter"),
            Self::KidCustomer => ("org_directory", "next_kid_customer_no"),
            Self::Voucher => ("organisation", "next_voucher_no"),
        }
    }
}

/// Takes `n` numbers of the invoice series: gapless, since the row stays locked until commit (I3).
pub async fn take_series(tx: &OrgTx, code: &str, n: i64) -> Result<(Uuid, i64), Error> {
    let sql = "UPDATE number_series SET next_number = next_number + $1 WHERE org_id = $2 AND code = $3 \
               RETURNING id, next_number";
    let values = [n.into(), tx.org().into(), code.into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    let row = tx.query_one_raw(statement).await?.ok_or(Error::inconsistent("number_series", "code"))?;
    Ok((row.try_get("", "id")?, row.try_get::<i64>("", "next_number")? - n))
}

/// Locks a number series.
pub async fn lock_series(tx: &OrgTx, code: &str) -> Result<Option<NumberSeries>, Error> {
    let row = number_series::Entity::find()
        .filter(number_series::Column::OrgId.eq(tx.org()))
        .filter(number_series::Column::Code.eq(code));
    Ok(tx.for_update(row).one(tx).await?)
}

/// Writes all fields of a number series.
pub async fn update_series(tx: &OrgTx, series: NumberSeries) -> Result<(), Error> {
    series.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// Adds a bank account.
pub async fn insert_account(tx: &OrgTx, account: BankAccount) -> Result<(), Error> {
    account.into_active_model().insert(tx).await?;
    Ok(())
}

/// Bank accounts in the order they were added.
pub async fn list_accounts(tx: &OrgTx) -> Result<Vec<BankAccount>, Error> {
    let rows = bank_account::Entity::find().filter(bank_account::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_asc(bank_account::Column::Id).all(tx).await?)
}

/// Locks a bank account for making KIDs.
pub async fn lock_account(tx: &OrgTx, id: Uuid) -> Result<Option<BankAccount>, Error> {
    Ok(tx.for_update(bank_account::Entity::find_by_id((tx.org(), id))).one(tx).await?)
}

/// Writes all fields of a bank account.
pub async fn update_account(tx: &OrgTx, mut account: BankAccount) -> Result<(), Error> {
    account.version += 1;
    account.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// The KID scheme of a bank account.
pub fn kid_scheme(account: &BankAccount) -> Result<KidScheme, Error> {
    let bad = || Error::inconsistent("bank_account", "kid_modulus");
    let digits = |n: i64| u8::try_from(n).map_err(|_| bad());
    let modulus = Modulus::parse(&account.kid_modulus).ok_or_else(bad)?;
    KidScheme::new(digits(account.kid_customer_digits)?, digits(account.kid_invoice_digits)?, modulus)
        .map_err(|_| bad())
}

/// VAT codes that hold on a day.
pub async fn list_vat(tx: &OrgTx, on: NaiveDate) -> Result<Vec<Vat>, Error> {
    let rows = vat_code::Entity::find()
        .filter(vat_code::Column::OrgId.eq(tx.org()))
        .filter(vat_code::Column::ValidFrom.lte(on))
        .filter(vat_code::Column::ValidTo.is_null().or(vat_code::Column::ValidTo.gte(on)))
        .order_by_asc(vat_code::Column::ValidFrom)
        .all(tx)
        .await?;
    rows.into_iter()
        .map(|r| {
            let category = Category::parse(&r.category).ok_or(Error::inconsistent("vat_code", "category"))?;
            Ok(Vat { code: r.code, rate: Micro::from_micro(r.rate_micro), category, reason: r.reason })
        })
        .collect()
}

/// All VAT rows.
pub async fn list_vat_rows(tx: &OrgTx) -> Result<Vec<VatCode>, Error> {
    let rows = vat_code::Entity::find().filter(vat_code::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_asc(vat_code::Column::Code).order_by_asc(vat_code::Column::ValidFrom).all(tx).await?)
}

/// Adds a VAT row.
pub async fn insert_vat(tx: &OrgTx, row: VatCode) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Writes all fields of a VAT row.
pub async fn update_vat(tx: &OrgTx, row: VatCode) -> Result<(), Error> {
    row.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// Chooses a general-ledger number, or goes back to the default.
pub async fn set_gl(tx: &OrgTx, role: &str, code: &str, number: Option<&str>) -> Result<(), Error> {
    let key = (tx.org(), role.to_owned(), code.to_owned());
    gl_account::Entity::delete_by_id(key).exec(tx).await?;
    if let Some(number) = number {
        let (role, code, gl_number) = (role.to_owned(), code.to_owned(), number.to_owned());
        gl_account::Model { org_id: tx.org(), role, code, gl_number }.into_active_model().insert(tx).await?;
    }
    Ok(())
}

/// General-ledger numbers the organisation has chosen: role, code, number.
pub async fn list_gl(tx: &OrgTx) -> Result<Vec<GlChoice>, Error> {
    Ok(gl_account::Entity::find().filter(gl_account::Column::OrgId.eq(tx.org())).all(tx).await?)
}

/// Adds an API key.
pub async fn insert_key(tx: &OrgTx, key: ApiKey) -> Result<(), Error> {
    key.into_active_model().insert(tx).await?;
    Ok(())
}

/// An API key by id.
pub async fn find_key(tx: &OrgTx, id: Uuid) -> Result<Option<ApiKey>, Error> {
    Ok(api_key::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}

/// All API keys, newest last.
pub async fn list_keys(tx: &OrgTx) -> Result<Vec<ApiKey>, Error> {
    let rows = api_key::Entity::find().filter(api_key::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_asc(api_key::Column::Id).all(tx).await?)
}

/// Notes when a key was last used.
pub async fn touch_key(tx: &OrgTx, id: Uuid, at: DateTime<Utc>) -> Result<(), Error> {
    set_key_time(tx, id, api_key::Column::LastUsedAt, at).await
}

/// Revokes a key.
pub async fn revoke_key(tx: &OrgTx, id: Uuid, at: DateTime<Utc>) -> Result<(), Error> {
    set_key_time(tx, id, api_key::Column::RevokedAt, at).await
}

async fn set_key_time(tx: &OrgTx, id: Uuid, column: api_key::Column, at: DateTime<Utc>) -> Result<(), Error> {
    api_key::Entity::update_many()
        .col_expr(column, Expr::value(at))
        .filter(api_key::Column::OrgId.eq(tx.org()))
        .filter(api_key::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}
