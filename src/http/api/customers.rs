//! Customers and their sync.

use crate::ctx::Ctx;
use crate::http::auth::{Reader, Writer, with_body};
use crate::http::extract::{Created, List, Page, created, done, if_match, json, repeatable, versioned};
use crate::http::problem::{Failure, Problem};
use crate::privacy::reading::{self, About};
use crate::services::customer::{
    self, Applied, Counts, Ending, Guard, Input, NewContact, NewDocumentAddress, NewMailGround, NewNote, NoteView,
    PlanReport, Renumbered, Renumbering,
};
use crate::services::{Actor, Error};
use crate::store::views::{self, CustomerItem};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use formats::customer_list::Mode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Customers: numbers and names.
#[utoipa::path(get, path = "/customers", tag = "customers", params(Page), responses((status = 200, body = List<CustomerItem>)))]
pub(super) async fn list_customers(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Query(page): Query<Page>,
) -> Result<Json<List<CustomerItem>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let items = views::customers(&tx, page.after()?, page.limit()).await?;
    tx.commit().await?;
    reading::note(&ctx, &actor, "customers.list", reading::about(items.iter().map(|c| Some(c.id)))).await?;
    Ok(Json(List::new(items, page.limit(), |c| c.id)))
}

/// What to look for. In the body, since addresses of pages hold no personal data.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// A customer number, or the beginning of a name.
    text: String,
}

/// Finds customers by number or beginning of name.
#[utoipa::path(post, path = "/customers/search", tag = "customers", request_body = Search, responses((status = 200, body = Vec<CustomerItem>)))]
pub(super) async fn search_customers(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    body: Bytes,
) -> Result<Json<Vec<CustomerItem>>, Failure> {
    let search: Search = json(&body)?;
    let tx = ctx.db.read(actor.org).await?;
    let items = views::search_customers(&tx, search.text.trim(), 50).await?;
    tx.commit().await?;
    reading::note(&ctx, &actor, "customers.search", reading::about(items.iter().map(|c| Some(c.id)))).await?;
    Ok(Json(items))
}

/// Makes a customer of a JSON object with the keys of a customer list.
#[utoipa::path(post, path = "/customers", tag = "customers", request_body = Value, responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create_customer(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    body: Bytes,
) -> Result<Response, Failure> {
    let object: serde_json::Map<String, Value> = json(&body)?;
    created(customer::create(&ctx, &with_body(actor, &body), &object).await)
}

/// A customer's fields; address and e-mail of a protected identity are masked, as everywhere outside its invoices.
async fn view(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Response, Failure> {
    let whole = customer::read(ctx, actor, id).await?;
    reading::note(ctx, actor, "customer.get", id).await?;
    Ok(versioned(whole.customer.row.version, &whole.fields()))
}

/// A customer with all its fields.
#[utoipa::path(get, path = "/customers/{id}", tag = "customers", params(("id" = Uuid, Path)), responses((status = 200, body = Value), (status = 404, body = Problem)))]
pub(super) async fn get_customer(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    view(&ctx, &actor, id).await
}

/// Changes fields of a customer, with the keys of a customer list: what is left out stays, `null` clears.
#[utoipa::path(patch, path = "/customers/{id}", tag = "customers", request_body = Value, params(("id" = Uuid, Path), ("If-Match" = String, Header, description = "ETag of the version you saw")), responses((status = 200, body = Value), (status = 404, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn patch_customer(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let version = if_match(&headers)?;
    repeatable(customer::patch(&ctx, &with_body(actor.clone(), &body), id, version, json(&body)?).await)?;
    view(&ctx, &actor, id).await
}

/// Ends the relationship with a customer, now or on a day to come. Nothing is deleted here.
#[utoipa::path(post, path = "/customers/{id}/end", tag = "customers", params(("id" = Uuid, Path)), request_body = Ending, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn end_customer(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let ending: Ending = json(&body)?;
    done(customer::end(&ctx, &with_body(actor, &body), id, &ending).await)
}

/// Takes an ending back.
#[utoipa::path(post, path = "/customers/{id}/reopen", tag = "customers", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn reopen_customer(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(customer::reopen(&ctx, &actor, id).await)
}

/// Gives a customer another number; the old one goes on meaning the customer.
#[utoipa::path(post, path = "/customers/{id}/renumber", tag = "customers", params(("id" = Uuid, Path)), request_body = Renumbering, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn renumber_customer(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let asked: Renumbering = json(&body)?;
    done(customer::renumber(&ctx, &with_body(actor, &body), id, &asked).await)
}

/// Chooses the address that documents of a protected identity carry instead of the live one.
#[utoipa::path(put, path = "/customers/{id}/document-address", tag = "customers", params(("id" = Uuid, Path)), request_body = NewDocumentAddress, responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn put_document_address(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let chosen: NewDocumentAddress = json(&body)?;
    done(customer::set_document_address(&ctx, &with_body(actor, &body), id, Some(chosen)).await)
}

/// Goes back to the customer's own address.
#[utoipa::path(delete, path = "/customers/{id}/document-address", tag = "customers", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn delete_document_address(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(customer::set_document_address(&ctx, &actor, id, None).await)
}

/// Records on what ground a business gets mail although e-invoices between businesses are a duty from 2027-01-01.
#[utoipa::path(put, path = "/customers/{id}/mail-ground", tag = "customers", params(("id" = Uuid, Path)), request_body = NewMailGround, responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put_mail_ground(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewMailGround = json(&body)?;
    done(customer::set_mail_ground(&ctx, &with_body(actor, &body), id, new).await)
}

/// A contact person.
#[derive(Serialize, ToSchema)]
pub(super) struct ContactView {
    id: Uuid,
    /// `contact`, `guardian1` or `guardian2` when a customer list keeps it.
    kept_by_list: Option<String>,
    name: Option<String>,
    role: Option<String>,
    email: Option<String>,
    phone: Option<String>,
}

/// Contact persons of a customer.
#[utoipa::path(get, path = "/customers/{id}/contacts", tag = "customers", params(("id" = Uuid, Path)), responses((status = 200, body = Vec<ContactView>), (status = 404, body = Problem)))]
pub(super) async fn list_contacts(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<ContactView>>, Failure> {
    let protected = customer::read(&ctx, &actor, id).await?.customer.record.is_protected();
    let found = customer::contacts(&ctx, &actor, id).await?;
    let people = found.iter().map(|c| Some(c.id)).chain([Some(id)]);
    reading::note(&ctx, &actor, "contacts.list", reading::about(people)).await?;
    let views = found.into_iter().map(|c| ContactView {
        kept_by_list: Some(c.slot).filter(|s| Uuid::try_parse(s).is_err()),
        id: c.id,
        name: c.name,
        role: c.role,
        email: c.email.filter(|_| !protected),
        phone: c.phone,
    });
    Ok(Json(views.collect()))
}

/// Adds a contact person, besides those a customer list keeps.
#[utoipa::path(post, path = "/customers/{id}/contacts", tag = "customers", params(("id" = Uuid, Path)), request_body = NewContact, responses((status = 201, body = Created), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn add_contact(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewContact = json(&body)?;
    created(customer::add_contact(&ctx, &with_body(actor, &body), id, &new).await)
}

/// Removes a contact person.
#[utoipa::path(delete, path = "/customers/{id}/contacts/{contact_id}", tag = "customers", params(("id" = Uuid, Path), ("contact_id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove_contact(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path((id, contact_id)): Path<(Uuid, Uuid)>,
) -> Result<Response, Failure> {
    done(customer::remove_contact(&ctx, &actor, id, contact_id).await)
}

/// Notes of contacts with a customer, oldest first.
#[utoipa::path(get, path = "/customers/{id}/notes", tag = "customers", params(("id" = Uuid, Path), Page), responses((status = 200, body = List<NoteView>), (status = 404, body = Problem)))]
pub(super) async fn list_notes(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
    Query(page): Query<Page>,
) -> Result<Json<List<NoteView>>, Failure> {
    let limit = page.limit();
    let rows = customer::notes(&ctx, &actor, id, page.after()?, limit.unsigned_abs()).await?;
    reading::note(&ctx, &actor, "customer.notes", id).await?;
    Ok(Json(List::new(rows, limit, |n| n.id)))
}

/// Writes a note of a contact with a customer: support, or what was agreed or said that matters for something booked.
#[utoipa::path(post, path = "/customers/{id}/notes", tag = "customers", params(("id" = Uuid, Path)), request_body = NewNote, responses((status = 201, body = Created), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn add_note(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewNote = json(&body)?;
    created(customer::add_note(&ctx, &with_body(actor, &body), id, &new).await)
}

/// Closes a note: nothing is left to do, and the time it is kept for begins.
#[utoipa::path(post, path = "/customers/{id}/notes/{note_id}/close", tag = "customers", params(("id" = Uuid, Path), ("note_id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn close_note(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path((id, note_id)): Path<(Uuid, Uuid)>,
) -> Result<Response, Failure> {
    done(customer::close_note(&ctx, &actor, id, note_id).await)
}

/// Headings and the fields they stand for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Mapping {
    /// Heading to field, such as `Medl. nr` to `number`.
    headings: HashMap<String, String>,
}

/// Saves which heading means which field; it wins over the built-in table.
#[utoipa::path(put, path = "/customer-syncs/mapping", tag = "customers", request_body = Mapping, responses((status = 204)))]
pub(super) async fn set_mapping(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    body: Bytes,
) -> Result<Response, Failure> {
    let mapping: Mapping = json(&body)?;
    done(customer::set_mapping(&ctx, &with_body(actor, &body), mapping.headings).await)
}

/// Whether the file holds everybody.
#[derive(Deserialize, IntoParams)]
pub(super) struct ModeQuery {
    /// `full` (everybody; who is not in it has left) or `delta` (changes only).
    #[param(value_type = String)]
    mode: Mode,
}

/// A plan: what a file would do.
#[derive(Serialize, ToSchema)]
pub(super) struct PlanView {
    /// The plan, to be named when applying.
    id: Uuid,
    /// `planned`, `applied`, `discarded` or `expired`.
    status: String,
    mode: String,
    counts: Counts,
    ending_by_row: usize,
    guard: Guard,
    renumbered: Vec<Renumbered>,
    /// How the file was understood.
    #[schema(value_type = Object)]
    detect: Value,
    /// Heading to field.
    #[schema(value_type = Object)]
    mapping: Value,
    /// Columns that are not stored, and why.
    #[schema(value_type = Vec<Object>)]
    refused_columns: Value,
    /// Row and cell errors with line and column, never with the value.
    #[schema(value_type = Vec<Object>)]
    errors: Value,
    #[schema(value_type = Vec<Object>)]
    notes: Value,
    /// Customers that apply would touch.
    changes: i64,
    expires_at: DateTime<Utc>,
    applied_at: Option<DateTime<Utc>>,
}

impl From<PlanReport> for PlanView {
    fn from(report: PlanReport) -> Self {
        let s = report.summary;
        Self {
            id: report.id,
            status: report.status,
            mode: report.mode,
            counts: s.counts,
            ending_by_row: s.ending_by_row,
            guard: s.guard,
            renumbered: s.renumbered,
            detect: value!(s.detect),
            mapping: value!(s.mapping),
            refused_columns: value!(s.refused_columns),
            errors: value!(s.errors),
            notes: value!(s.notes),
            changes: report.changes,
            expires_at: report.expires_at,
            applied_at: report.applied_at,
        }
    }
}

/// Plans a sync: the body is the file, CSV, XLSX, JSON or NDJSON. Nothing changes yet.
#[utoipa::path(post, path = "/customer-syncs", tag = "customers", params(ModeQuery), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 201, body = PlanView), (status = 409, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn plan_sync(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Query(query): Query<ModeQuery>,
    body: Bytes,
) -> Result<Response, Failure> {
    let actor = with_body(actor, &body);
    let report = match customer::plan(&ctx, &actor, &Input { bytes: &body, mode: query.mode }).await {
        Err(Error::Replayed { id, .. }) => customer::find_plan(&ctx, &actor, id).await?,
        other => other?,
    };
    Ok((StatusCode::CREATED, Json(PlanView::from(report))).into_response())
}

/// A plan.
#[utoipa::path(get, path = "/customer-syncs/{id}", tag = "customers", params(("id" = Uuid, Path)), responses((status = 200, body = PlanView), (status = 404, body = Problem)))]
pub(super) async fn get_sync(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Json<PlanView>, Failure> {
    Ok(Json(customer::find_plan(&ctx, &actor, id).await?.into()))
}

/// Which part of a plan's changes.
#[derive(Deserialize, IntoParams)]
pub(super) struct PartQuery {
    /// 0 for the first 500 changes, 1 for the next, until a part is empty.
    part: Option<u32>,
}

/// The field-by-field diff of a plan, 500 customers a part.
#[utoipa::path(get, path = "/customer-syncs/{id}/changes", tag = "customers", params(("id" = Uuid, Path), PartQuery), responses((status = 200, body = Vec<Value>), (status = 404, body = Problem)))]
pub(super) async fn get_sync_changes(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
    Query(query): Query<PartQuery>,
) -> Result<Json<Vec<Value>>, Failure> {
    let rows = customer::part_of_plan(&ctx, &actor, id, query.part.unwrap_or(0)).await?;
    let people = rows.iter().map(|r| r.id);
    // Whoever is new has no id yet, and is counted.
    let about = if people.clone().all(|id| id.is_some()) { reading::about(people) } else { About::Many(rows.len()) };
    reading::note(&ctx, &actor, "sync.changes", about).await?;
    let shown = rows.iter().map(|r| {
        value!({ "action": r.action, "number": r.number, "fields": r.fields, "ended_on": r.ended_on, "ended_reason": r.ended_reason })
    });
    Ok(Json(shown.collect()))
}

/// How to apply.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ApplyBody {
    /// Applies although the guard stops the plan.
    force: bool,
}

/// Applies a plan in one transaction. 409 when data it touches moved since, or the guard stops it.
#[utoipa::path(post, path = "/customer-syncs/{id}/apply", tag = "customers", params(("id" = Uuid, Path)), request_body = ApplyBody, responses((status = 200, body = Applied), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn apply_sync(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let how: ApplyBody = if body.is_empty() { ApplyBody::default() } else { json(&body)? };
    Ok(Json(customer::apply(&ctx, &with_body(actor, &body), id, how.force).await?).into_response())
}

/// Discards a plan and its rows.
#[utoipa::path(delete, path = "/customer-syncs/{id}", tag = "customers", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn discard_sync(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(customer::discard(&ctx, &actor, id).await)
}
