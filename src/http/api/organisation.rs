//! The organisation itself, its accounts, VAT table and API keys.

use crate::ctx::Ctx;
use crate::http::auth::{Admin, Reader, with_body};
use crate::http::extract::{Created, created, done, if_match, json, repeatable, versioned};
use crate::http::problem::{Failure, Problem};
use crate::services::Error;
use crate::services::access::{self, Scope};
use crate::services::organisation::{
    self, Agreement, GlAccount, NewAcceptance, NewBankAccount, NewVatCode, OrganisationPatch,
};
use crate::store::organisation as store;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The organisation of the key.
#[derive(Serialize, ToSchema)]
pub(super) struct OrganisationView {
    id: Uuid,
    name: String,
    org_number: Option<String>,
    legal_form: String,
    vat_registered: bool,
    street: Option<String>,
    street2: Option<String>,
    postal_code: Option<String>,
    city: Option<String>,
    country: String,
    email: Option<String>,
    phone: Option<String>,
    privacy_url: Option<String>,
    language: String,
    terms_days: i64,
    fiscal_year_start_month: i64,
    sender_name: String,
    sender_email: String,
    reply_to: Option<String>,
    guard_percent: i64,
    ending_grace_days: i64,
    write_off_limit_ore: i64,
    /// Whether documents carry a logo.
    has_logo: bool,
    default_bank_account_id: Option<Uuid>,
    dpa_version: Option<String>,
    dpa_accepted_at: Option<DateTime<Utc>>,
    /// Version of the data-processing agreement in force.
    dpa_current_version: String,
    /// Whether that version is still to be accepted.
    dpa_to_accept: bool,
}

async fn view(ctx: &Ctx, org: Uuid) -> Result<Response, Failure> {
    let tx = ctx.db.read(org).await?;
    let o = store::find(&tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    tx.commit().await?;
    let view = OrganisationView {
        id: o.org_id,
        name: o.name,
        org_number: o.org_number,
        legal_form: o.legal_form,
        vat_registered: o.vat_registered,
        street: o.street,
        street2: o.street2,
        postal_code: o.postal_code,
        city: o.city,
        country: o.country,
        email: o.email,
        phone: o.phone,
        privacy_url: o.privacy_url,
        language: o.language,
        terms_days: o.terms_days,
        fiscal_year_start_month: o.fiscal_year_start_month,
        sender_name: o.sender_name,
        sender_email: o.sender_email,
        reply_to: o.reply_to,
        guard_percent: o.guard_percent,
        ending_grace_days: o.ending_grace_days,
        write_off_limit_ore: o.write_off_limit_ore,
        has_logo: o.logo.is_some(),
        default_bank_account_id: o.default_bank_account_id,
        dpa_current_version: ctx.config.privacy.dpa_version.clone(),
        dpa_to_accept: organisation::is_to_accept(ctx, o.dpa_version.as_deref()),
        dpa_version: o.dpa_version,
        dpa_accepted_at: o.dpa_accepted_at,
    };
    Ok(versioned(o.version, &view))
}

/// The organisation.
#[utoipa::path(get, path = "/organisation", tag = "organisation", responses((status = 200, body = OrganisationView), (status = 401, body = Problem)))]
pub(super) async fn get_organisation(State(ctx): State<Ctx>, Reader(actor): Reader) -> Result<Response, Failure> {
    view(&ctx, actor.org).await
}

/// Changes the organisation. Documents issued before keep what they said.
#[utoipa::path(patch, path = "/organisation", tag = "organisation", request_body = OrganisationPatch, params(("If-Match" = String, Header, description = "ETag of the version you saw")), responses((status = 200, body = OrganisationView), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn patch_organisation(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let version = if_match(&headers)?;
    let patch: OrganisationPatch = json(&body)?;
    repeatable(organisation::patch(&ctx, &with_body(actor.clone(), &body), Some(version), patch).await)?;
    view(&ctx, actor.org).await
}

/// How the organisation stands to the data-processing agreement, and every acceptance, the newest first.
#[utoipa::path(get, path = "/organisation/dpa", tag = "organisation", responses((status = 200, body = Agreement)))]
pub(super) async fn get_dpa(State(ctx): State<Ctx>, Reader(actor): Reader) -> Result<Json<Agreement>, Failure> {
    Ok(Json(organisation::dpa(&ctx, &actor).await?))
}

/// Accepts the data-processing agreement; nothing is imported before. Acceptances of earlier versions are kept.
#[utoipa::path(post, path = "/organisation/dpa", tag = "organisation", request_body = NewAcceptance, responses((status = 204), (status = 422, body = Problem)))]
pub(super) async fn accept_dpa(State(ctx): State<Ctx>, Admin(actor): Admin, body: Bytes) -> Result<Response, Failure> {
    let acceptance: NewAcceptance = json(&body)?;
    done(organisation::accept_dpa(&ctx, &with_body(actor, &body), &acceptance).await)
}

/// Puts a logo on the documents issued from now on: the body is a PNG or JPEG of up to 512 kB.
#[utoipa::path(put, path = "/organisation/logo", tag = "organisation", request_body(content = Vec<u8>, content_type = "image/png"), responses((status = 204), (status = 413, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put_logo(State(ctx): State<Ctx>, Admin(actor): Admin, body: Bytes) -> Result<Response, Failure> {
    done(organisation::set_logo(&ctx, &with_body(actor, &body), Some(&body)).await)
}

/// Takes the logo off the documents issued from now on.
#[utoipa::path(delete, path = "/organisation/logo", tag = "organisation", responses((status = 204)))]
pub(super) async fn delete_logo(State(ctx): State<Ctx>, Admin(actor): Admin) -> Result<Response, Failure> {
    done(organisation::set_logo(&ctx, &actor, None).await)
}

/// Where a number series begins.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SeriesStart {
    /// Number of the first document.
    first_number: u64,
}

/// Sets the first number of a series (`invoice`), once and before it is used.
#[utoipa::path(put, path = "/number-series/{code}", tag = "organisation", params(("code" = String, Path)), request_body = SeriesStart, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn start_series(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(code): Path<String>,
    body: Bytes,
) -> Result<Response, Failure> {
    let start: SeriesStart = json(&body)?;
    done(organisation::start_series(&ctx, &with_body(actor, &body), &code, start.first_number).await)
}

/// Every account of the customer ledger with its general-ledger number.
#[utoipa::path(get, path = "/gl-accounts", tag = "organisation", responses((status = 200, body = Vec<GlAccount>)))]
pub(super) async fn list_gl_accounts(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<GlAccount>>, Failure> {
    Ok(Json(organisation::gl_accounts(&ctx, &actor).await?))
}

/// Chooses general-ledger numbers; those left out stay, `null` goes back to the default.
#[utoipa::path(put, path = "/gl-accounts", tag = "organisation", request_body = Vec<GlAccount>, responses((status = 204), (status = 422, body = Problem)))]
pub(super) async fn set_gl_accounts(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    body: Bytes,
) -> Result<Response, Failure> {
    let accounts: Vec<GlAccount> = json(&body)?;
    done(organisation::set_gl_accounts(&ctx, &with_body(actor, &body), &accounts).await)
}

/// A bank account and its KID scheme.
#[derive(Serialize, ToSchema)]
pub(super) struct BankAccountView {
    id: Uuid,
    account_no: String,
    name: String,
    kid_modulus: String,
    kid_customer_digits: i64,
    kid_invoice_digits: i64,
    /// Set when the scheme was first used; it does not change after.
    kid_frozen_at: Option<DateTime<Utc>>,
}

/// Bank accounts.
#[utoipa::path(get, path = "/bank-accounts", tag = "organisation", responses((status = 200, body = Vec<BankAccountView>)))]
pub(super) async fn list_bank_accounts(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<BankAccountView>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = store::list_accounts(&tx).await?;
    tx.commit().await?;
    let views = rows.into_iter().map(|a| BankAccountView {
        id: a.id,
        account_no: a.account_no,
        name: a.name,
        kid_modulus: a.kid_modulus,
        kid_customer_digits: a.kid_customer_digits,
        kid_invoice_digits: a.kid_invoice_digits,
        kid_frozen_at: a.kid_frozen_at,
    });
    Ok(Json(views.collect()))
}

/// Adds a bank account.
#[utoipa::path(post, path = "/bank-accounts", tag = "organisation", request_body = NewBankAccount, responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn add_bank_account(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewBankAccount = json(&body)?;
    created(organisation::add_account(&ctx, &with_body(actor, &body), &new).await)
}

/// A dated row of the VAT table.
#[derive(Serialize, ToSchema)]
pub(super) struct VatCodeView {
    /// SAF-T standard tax code.
    code: String,
    name: String,
    /// Percent, a decimal string.
    rate: String,
    /// EN 16931 category.
    category: String,
    reason: Option<String>,
    valid_from: chrono::NaiveDate,
    valid_to: Option<chrono::NaiveDate>,
}

/// VAT codes: a default to be checked by the organisation's accountant.
#[utoipa::path(get, path = "/vat-codes", tag = "organisation", responses((status = 200, body = Vec<VatCodeView>)))]
pub(super) async fn list_vat_codes(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<VatCodeView>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = store::list_vat_rows(&tx).await?;
    tx.commit().await?;
    let views = rows.into_iter().map(|r| VatCodeView {
        code: r.code,
        name: r.name,
        rate: domain::money::Micro::from_micro(r.rate_micro).to_string(),
        category: r.category,
        reason: r.reason,
        valid_from: r.valid_from,
        valid_to: r.valid_to,
    });
    Ok(Json(views.collect()))
}

/// Adds a dated row to the VAT table: a new rate, or a new code. What was issued before keeps its rate.
#[utoipa::path(post, path = "/vat-codes", tag = "organisation", request_body = NewVatCode, responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn add_vat_code(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewVatCode = json(&body)?;
    created(organisation::add_vat_code(&ctx, &with_body(actor, &body), &new).await)
}

/// An API key. Its secret is shown once, when it is made.
#[derive(Serialize, ToSchema)]
pub(super) struct ApiKeyView {
    id: Uuid,
    name: String,
    scope: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

/// API keys.
#[utoipa::path(get, path = "/api-keys", tag = "organisation", responses((status = 200, body = Vec<ApiKeyView>), (status = 403, body = Problem)))]
pub(super) async fn list_api_keys(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
) -> Result<Json<Vec<ApiKeyView>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = store::list_keys(&tx).await?;
    tx.commit().await?;
    let views = rows.into_iter().map(|k| ApiKeyView {
        id: k.id,
        name: k.name,
        scope: k.scope,
        created_at: k.created_at,
        expires_at: k.expires_at,
        last_used_at: k.last_used_at,
        revoked_at: k.revoked_at,
    });
    Ok(Json(views.collect()))
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewApiKey {
    /// What it is for.
    name: String,
    scope: Scope,
    /// When it ends; never when left out.
    expires_at: Option<DateTime<Utc>>,
}

/// A new key with its text, shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct NewApiKeyView {
    id: Uuid,
    key: String,
}

/// Makes an API key.
#[utoipa::path(post, path = "/api-keys", tag = "organisation", request_body = NewApiKey, responses((status = 201, body = NewApiKeyView), (status = 410, body = Problem, description = "The request was done before; the key is shown only once"), (status = 422, body = Problem)))]
pub(super) async fn create_api_key(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewApiKey = json(&body)?;
    if new.scope == Scope::Operator {
        let detail =
            "a key that runs the installation is made at its command line: reskontro api-key create --scope operator";
        return Err(Failure::new(StatusCode::FORBIDDEN, "scope_not_given_here", detail));
    }
    match access::create_key(&ctx, &with_body(actor, &body), &new.name, new.scope, new.expires_at).await {
        Ok(key) => Ok((StatusCode::CREATED, Json(NewApiKeyView { id: key.id, key: key.text })).into_response()),
        Err(Error::Replayed { .. }) => {
            let detail = "this request was done before; the key was shown then and cannot be shown again";
            Err(Failure::new(StatusCode::GONE, "key_shown_once", detail))
        }
        Err(error) => Err(error.into()),
    }
}

/// Revokes an API key at once.
#[utoipa::path(delete, path = "/api-keys/{id}", tag = "organisation", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn revoke_api_key(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(access::revoke_key(&ctx, &actor, id).await)
}
