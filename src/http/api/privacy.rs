//! Personal data over time: the policy, holds, and why something is held.

use crate::ctx::Ctx;
use crate::http::auth::{Admin, Reader, Writer, with_body};
use crate::http::extract::{Created, List, Page, created, done, json};
use crate::http::problem::{Failure, Problem};
use crate::privacy::explain::{Explained, Subject, explain};
use crate::privacy::hold::{self, NewHold};
use crate::privacy::policy::{self, NewPolicy, Version};
use crate::privacy::reading;
use crate::privacy::retention::{self, Plan};
use crate::privacy::standing;
use crate::privacy::statement::{self, NewStatement};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use domain::customer::Language;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A version of the policy.
#[derive(Serialize, ToSchema)]
pub(super) struct PolicyView {
    /// Its number; 0 for a preset that nobody has published.
    version_no: i64,
    /// First day it holds.
    valid_from: NaiveDate,
    /// When it was published.
    published_at: Option<DateTime<Utc>>,
    /// When its plan was approved; until then nothing is deleted by it.
    approved_at: Option<DateTime<Utc>>,
    /// What it says: preset, role, relationship_end, archive_custody, region, marketing, request_days, small_group, and
    /// each clock under rules with trigger, period, action, bases, holds and recipients.
    #[schema(value_type = Object)]
    policy: domain::privacy::Policy,
}

impl From<Version> for PolicyView {
    fn from(v: Version) -> Self {
        Self {
            version_no: v.version_no,
            valid_from: v.valid_from,
            published_at: v.published_at,
            approved_at: v.approved_at,
            policy: v.policy,
        }
    }
}

/// The policy in force today.
#[utoipa::path(get, path = "/privacy/policy", tag = "privacy", responses((status = 200, body = PolicyView)))]
pub(super) async fn get_policy(State(ctx): State<Ctx>, Reader(actor): Reader) -> Result<Json<PolicyView>, Failure> {
    Ok(Json(policy::current(&ctx, &actor).await?.into()))
}

/// Every version of the policy, the newest first.
#[utoipa::path(get, path = "/privacy/policies", tag = "privacy", responses((status = 200, body = Vec<PolicyView>)))]
pub(super) async fn list_policies(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<PolicyView>>, Failure> {
    Ok(Json(policy::list(&ctx, &actor).await?.into_iter().map(PolicyView::from).collect()))
}

/// Publishes a version: a preset and what differs from it. One that breaks law or a promise is refused with the field. It
/// deletes nothing until its plan is approved. One that keeps data in the EEA is refused while a processor is outside it.
#[utoipa::path(post, path = "/privacy/policies", tag = "privacy", request_body = NewPolicy, responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn publish_policy(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewPolicy = json(&body)?;
    created(policy::publish(&ctx, &with_body(actor, &body), &new).await)
}

/// Lets a version delete: somebody has looked at what it would do.
#[utoipa::path(post, path = "/privacy/policies/{version_no}/approve", tag = "privacy", params(("version_no" = i64, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn approve_policy(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(version_no): Path<i64>,
) -> Result<Response, Failure> {
    done(policy::approve(&ctx, &actor, version_no).await)
}

/// A published statement.
#[derive(Serialize, ToSchema)]
pub(super) struct StatementItem {
    id: Uuid,
    version_no: i64,
    /// Version of the policy it was made from.
    policy_version_no: i64,
    valid_from: NaiveDate,
    published_at: DateTime<Utc>,
    /// Where everybody reads it.
    path: String,
    /// It is in force, and the policy in force is newer than the one it was made from: publish again.
    policy_is_newer: bool,
}

/// Published privacy statements, the newest first.
#[utoipa::path(get, path = "/privacy/statements", tag = "privacy", responses((status = 200, body = Vec<StatementItem>)))]
pub(super) async fn list_statements(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<StatementItem>>, Failure> {
    let stands = standing::standing(&ctx, &actor).await?;
    let older = stands.statement_version_no.filter(|_| stands.statement_is_older);
    let items = statement::list(&ctx, &actor).await?.into_iter().map(|s| StatementItem {
        policy_is_newer: older == Some(s.version_no),
        id: s.id,
        version_no: s.version_no,
        policy_version_no: s.policy_version_no,
        valid_from: s.valid_from,
        published_at: s.published_at,
        path: format!("/privacy/{}?version={}", s.org_id, s.version_no),
    });
    Ok(Json(items.collect()))
}

/// Publishes the privacy statement the policy makes. One whose own text names another company, or promises a time the policy
/// does not keep, is refused.
#[utoipa::path(post, path = "/privacy/statements", tag = "privacy", request_body = NewStatement, responses((status = 201, body = Created), (status = 422, body = Problem)))]
pub(super) async fn publish_statement(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewStatement = json(&body)?;
    created(statement::publish(&ctx, &with_body(actor, &body), &new).await)
}

/// Retention plans and reports, the newest first.
#[utoipa::path(get, path = "/privacy/retention-plans", tag = "privacy", responses((status = 200, body = Vec<Plan>)))]
pub(super) async fn list_retention_plans(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<Plan>>, Failure> {
    Ok(Json(retention::list(&ctx, &actor).await?))
}

/// Looks at what is due by which rule, and what is held; nothing is deleted.
#[utoipa::path(post, path = "/privacy/retention-plans", tag = "privacy", responses((status = 201, body = Created)))]
pub(super) async fn make_retention_plan(State(ctx): State<Ctx>, Writer(actor): Writer) -> Result<Response, Failure> {
    created(retention::plan(&ctx, &actor).await)
}

/// A retention plan, or the report of what it did: counts and rules, no persons.
#[utoipa::path(get, path = "/privacy/retention-plans/{id}", tag = "privacy", params(("id" = Uuid, Path)), responses((status = 200, body = Plan), (status = 404, body = Problem)))]
pub(super) async fn get_retention_plan(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Json<Plan>, Failure> {
    Ok(Json(retention::get(&ctx, &actor, id).await?))
}

/// Carries a plan out by the policy in force, where that is approved.
#[utoipa::path(post, path = "/privacy/retention-plans/{id}/execute", tag = "privacy", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn execute_retention_plan(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(retention::execute(&ctx, &actor, id).await)
}

/// A hold.
#[derive(Serialize, ToSchema)]
pub(super) struct HoldItem {
    id: Uuid,
    /// dispute, claim, order, privacy_request or security.
    kind: String,
    /// customer, contact, invoice, payment or user.
    subject_kind: String,
    subject_id: Uuid,
    reason: String,
    owner: String,
    /// When it is looked at again.
    review_on: NaiveDate,
    placed_at: DateTime<Utc>,
    released_at: Option<DateTime<Utc>>,
}

/// Which holds.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct HoldFilter {
    /// Released ones too.
    #[serde(default)]
    released: bool,
}

/// Holds that stand, in the order they were placed.
#[utoipa::path(get, path = "/privacy/holds", tag = "privacy", params(Page, HoldFilter), responses((status = 200, body = List<HoldItem>)))]
pub(super) async fn list_holds(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Query(page): Query<Page>,
    Query(filter): Query<HoldFilter>,
) -> Result<Json<List<HoldItem>>, Failure> {
    let limit = page.limit();
    let rows = hold::list(&ctx, &actor, filter.released, page.after()?, limit.unsigned_abs()).await?;
    let people = rows.iter().map(|h| h.customer_id.or(Some(h.subject_id)));
    reading::note(&ctx, &actor, "holds.list", reading::about(people)).await?;
    let items = rows.into_iter().map(|h| HoldItem {
        id: h.id,
        kind: h.kind,
        subject_kind: h.subject_kind,
        subject_id: h.subject_id,
        reason: h.reason,
        owner: h.owner,
        review_on: h.review_on,
        placed_at: h.placed_at,
        released_at: h.released_at,
    });
    Ok(Json(List::new(items.collect(), limit, |h| h.id)))
}

/// Places a hold: what its kind may delay is kept until it is released.
#[utoipa::path(post, path = "/privacy/holds", tag = "privacy", request_body = NewHold, responses((status = 201, body = Created), (status = 422, body = Problem)))]
pub(super) async fn place_hold(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewHold = json(&body)?;
    created(hold::place(&ctx, &with_body(actor, &body), &new).await)
}

/// The next day of review.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Review {
    /// Within twelve months.
    review_on: NaiveDate,
}

/// Looks at a hold again: it stands until the next day of review.
#[utoipa::path(post, path = "/privacy/holds/{id}/review", tag = "privacy", params(("id" = Uuid, Path)), request_body = Review, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn review_hold(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    let review: Review = json(&body)?;
    done(hold::review(&ctx, &with_body(actor, &body), id, review.review_on).await)
}

/// Releases a hold: what it delayed has its own time again, at once.
#[utoipa::path(post, path = "/privacy/holds/{id}/release", tag = "privacy", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn release_hold(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    done(hold::release(&ctx, &actor, id).await)
}

/// In which language.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct In {
    /// nb, nn or en; the organisation's own when left out.
    pub(super) language: Option<String>,
}

async fn explained(
    ctx: &Ctx,
    actor: crate::services::Actor,
    subject: Subject,
    wanted: In,
) -> Result<Json<Explained>, Failure> {
    let language = wanted.language.as_deref().map(Language::from_code);
    let explained = explain(ctx, &actor, subject, language).await?;
    reading::note(ctx, &actor, "privacy.explain", subject).await?;
    Ok(Json(explained))
}

/// What is held of a customer, why, on what ground, until when, and who was told.
#[utoipa::path(get, path = "/customers/{id}/privacy", tag = "privacy", params(("id" = Uuid, Path), In), responses((status = 200, body = Explained), (status = 404, body = Problem)))]
pub(super) async fn explain_customer(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
    Query(wanted): Query<In>,
) -> Result<Json<Explained>, Failure> {
    explained(&ctx, actor, Subject::Customer(id), wanted).await
}

/// What is held of a contact person, why and until when.
#[utoipa::path(get, path = "/customers/{id}/contacts/{contact_id}/privacy", tag = "privacy", params(("id" = Uuid, Path), ("contact_id" = Uuid, Path), In), responses((status = 200, body = Explained), (status = 404, body = Problem)))]
pub(super) async fn explain_contact(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path((customer, id)): Path<(Uuid, Uuid)>,
    Query(wanted): Query<In>,
) -> Result<Json<Explained>, Failure> {
    explained(&ctx, actor, Subject::Contact { customer, id }, wanted).await
}

/// What is held of an invoice, why and until when.
#[utoipa::path(get, path = "/invoices/{id}/privacy", tag = "privacy", params(("id" = Uuid, Path), In), responses((status = 200, body = Explained), (status = 404, body = Problem)))]
pub(super) async fn explain_invoice(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
    Query(wanted): Query<In>,
) -> Result<Json<Explained>, Failure> {
    explained(&ctx, actor, Subject::Invoice(id), wanted).await
}

/// What is held of a payment, why and until when.
#[utoipa::path(get, path = "/payments/{id}/privacy", tag = "privacy", params(("id" = Uuid, Path), In), responses((status = 200, body = Explained), (status = 404, body = Problem)))]
pub(super) async fn explain_payment(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
    Query(wanted): Query<In>,
) -> Result<Json<Explained>, Failure> {
    explained(&ctx, actor, Subject::Payment(id), wanted).await
}

/// What is held of somebody who signs in, why and until when.
#[utoipa::path(get, path = "/users/{user_id}/privacy", tag = "privacy", params(("user_id" = Uuid, Path), In), responses((status = 200, body = Explained), (status = 404, body = Problem)))]
pub(super) async fn explain_user(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(id): Path<Uuid>,
    Query(wanted): Query<In>,
) -> Result<Json<Explained>, Failure> {
    explained(&ctx, actor, Subject::User(id), wanted).await
}
