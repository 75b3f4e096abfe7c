//! The desk of privacy: requests of persons, erasures with their certificates, retention plans. The same services as the API; what
//! an admin key may there, an owner may here.

use super::deliveries::count;
use super::frame::{Page, Trouble, around};
use super::session::{Posted, Visitor};
use crate::ctx::{Ctx, oslo_day};
use crate::privacy::certificate::{self, Certificate, Fate, Part};
use crate::privacy::explain::{self, Subject};
use crate::privacy::request::{self, Decision, RequestView, Sorted, UNSORTED};
use crate::privacy::retention::{self, Plan};
use crate::privacy::{erase, policy, reading, statement};
use crate::services::user::Signed;
use crate::services::{Actor, Error, Kind};
use crate::store::views;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use console::{
    DeskView, ErasurePart, ErasureRow, ErasureView, PartFate, PlanItem, PlanRow, PlanView, RequestPageView, RequestRow,
    RequestState,
};
use domain::customer::Language;
use domain::privacy::RuleId;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Plans and erasures shown at most.
const SHOWN: usize = 10;

fn is_owner(signed: &Signed) -> bool {
    signed.org.as_ref().is_some_and(|(_, role)| role == "owner")
}

/// An owner: who decides, erases and approves.
fn owner(signed: &Signed) -> Result<Actor, Error> {
    if is_owner(signed) {
        return signed.actor(true);
    }
    let message = "an owner decides, erases and approves; your role is another";
    Err(Error::refuse(Kind::Forbidden, "role_too_small", message))
}

fn state(r: &RequestView) -> RequestState {
    let proof = matches!(r.kind.as_str(), "access" | "erasure" | "portability" | "rectification");
    let known = matches!(r.identity.as_str(), "by_code" | "by_organisation");
    match r.decision.as_deref() {
        Some("granted") => RequestState::Answered,
        Some(_) => RequestState::Refused,
        None if r.kind == UNSORTED || r.subject_id.is_none() => RequestState::Unsorted,
        None if known || !proof => RequestState::Ready,
        None => RequestState::Identity,
    }
}

type Names = HashMap<Uuid, (String, String)>;

/// Names and numbers of the customers some requests are about.
async fn names(ctx: &Ctx, actor: &Actor, ids: impl Iterator<Item = Uuid>) -> Result<Names, Trouble> {
    let ids: Vec<Uuid> = ids.collect();
    let tx = ctx.db.read(actor.org).await?;
    let found = views::customers_by_id(&tx, &ids).await?;
    tx.commit().await?;
    Ok(found.into_iter().map(|c| (c.id, (c.name, c.number))).collect())
}

fn row(r: &RequestView, names: &Names) -> RequestRow {
    RequestRow {
        id: r.id,
        kind: r.kind.clone(),
        customer: r.subject_id.and_then(|id| names.get(&id).cloned()),
        channel: r.channel.clone(),
        received_on: r.received_on,
        due_on: r.due_on,
        state: state(r),
        closed_on: r.closed_at.map(oslo_day),
    }
}

fn plan_row(plan: &Plan) -> PlanRow {
    let done = plan.state == "done";
    let rows: i64 = plan.items.iter().map(|i| if done { i.deleted } else { i.due }).sum();
    PlanRow {
        id: plan.id,
        made_at: plan.made_at,
        state: plan.state.clone(),
        executed_at: plan.executed_at,
        rows: count(rows),
        held: count(plan.items.iter().map(|i| i.held).sum()),
    }
}

fn erasure_row(case: &Certificate) -> ErasureRow {
    ErasureRow { id: case.id, asked_at: case.asked_at, done_at: case.done_at }
}

/// Which requests.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    all: Option<String>,
}

async fn desk(ctx: &Ctx, visitor: &Visitor, all: bool, no_such_customer: bool) -> Page {
    let actor = visitor.signed.actor(false)?;
    let frame = around(ctx, visitor, &actor).await?;
    let requests = request::list(ctx, &actor, !all).await?;
    let names = names(ctx, &actor, requests.iter().filter_map(|r| r.subject_id)).await?;
    reading::note(ctx, &actor, "requests.list", reading::about(requests.iter().map(|r| r.subject_id))).await?;
    let plans = retention::list(ctx, &actor).await?;
    let erasures = certificate::list(ctx, &actor).await?;
    let view = DeskView {
        requests: requests.iter().map(|r| row(r, &names)).collect(),
        all,
        plans: plans.iter().take(SHOWN).map(plan_row).collect(),
        erasures: erasures.iter().take(SHOWN).map(erasure_row).collect(),
        no_such_customer,
        owner: is_owner(&visitor.signed),
    };
    Ok(Html(console::desk(&view, &frame)?).into_response())
}

/// The desk.
pub(super) async fn show(State(ctx): State<Ctx>, visitor: Visitor, Query(which): Query<Which>) -> Page {
    desk(&ctx, &visitor, which.all.is_some(), false).await
}

/// A request.
pub(super) async fn show_request(State(ctx): State<Ctx>, visitor: Visitor, Path(id): Path<Uuid>) -> Page {
    let actor = visitor.signed.actor(false)?;
    let frame = around(&ctx, &visitor, &actor).await?;
    let r = request::get(&ctx, &actor, id).await?;
    let names = names(&ctx, &actor, r.subject_id.into_iter()).await?;
    reading::note(&ctx, &actor, "request.get", reading::about([r.subject_id])).await?;
    let owner = is_owner(&visitor.signed);
    let known = matches!(r.identity.as_str(), "by_code" | "by_organisation");
    let asker: Vec<String> = [r.asker_name.clone(), r.asker_reach.clone()].into_iter().flatten().collect();
    let view = RequestPageView {
        row: row(&r, &names),
        package: owner
            && known
            && r.decision.as_deref() != Some("refused")
            && matches!(r.kind.as_str(), "access" | "portability"),
        asker: Some(asker.join(", ")).filter(|a| !a.is_empty()),
        left_out: count(r.attachments_left_out),
        receipt_at: r.receipt_sent_at,
        wish: r.wish,
        identity: r.identity,
        extended: r.extended_because,
        grounds: r.grounds,
        notices: r.notices.into_iter().map(|n| (n.recipient, n.told_at.is_some())).collect(),
        owner,
    };
    Ok(Html(console::desk_request(&view, &frame)?).into_response())
}

fn back(id: Uuid) -> Response {
    Redirect::to(&format!("/console/privacy/requests/{id}?saved=1")).into_response()
}

/// The customer with a number.
async fn numbered(ctx: &Ctx, actor: &Actor, number: &str) -> Result<Option<Uuid>, Trouble> {
    let tx = ctx.db.read(actor.org).await?;
    let found = views::customer_numbered(&tx, number).await?;
    tx.commit().await?;
    Ok(found)
}

/// Says what a request asks for and whom it is about.
pub(super) async fn sort(State(ctx): State<Ctx>, Path(id): Path<Uuid>, posted: Posted) -> Page {
    let actor = posted.visitor.signed.actor(true)?;
    let number = posted.get("number").unwrap_or_default().trim().to_owned();
    let subject_id = match number.as_str() {
        "" => None,
        number => Some(numbered(&ctx, &actor, number).await?.ok_or_else(no_such_customer)?),
    };
    let subject_kind = subject_id.map(|_| "customer".to_owned());
    let kind = posted.get("kind").map(str::to_owned);
    request::sort(&ctx, &actor, id, &Sorted { kind, subject_kind, subject_id }).await?;
    Ok(back(id))
}

fn no_such_customer() -> Error {
    Error::conflict("no_such_customer", "there is no customer with this number")
}

/// Sends a code to the address on file.
pub(super) async fn send_code(State(ctx): State<Ctx>, Path(id): Path<Uuid>, posted: Posted) -> Page {
    request::send_code(&ctx, &posted.visitor.signed.actor(true)?, id).await?;
    Ok(back(id))
}

/// Takes the code the person was sent.
pub(super) async fn confirm(State(ctx): State<Ctx>, Path(id): Path<Uuid>, posted: Posted) -> Page {
    let actor = posted.visitor.signed.actor(true)?;
    request::confirm_code(&ctx, &actor, id, posted.get("code").unwrap_or_default()).await?;
    Ok(back(id))
}

/// Notes that the organisation knows who asks.
pub(super) async fn identify(State(ctx): State<Ctx>, Path(id): Path<Uuid>, posted: Posted) -> Page {
    request::identify(&ctx, &posted.visitor.signed.actor(true)?, id, true).await?;
    Ok(back(id))
}

/// Extends the time.
pub(super) async fn extend(State(ctx): State<Ctx>, Path(id): Path<Uuid>, posted: Posted) -> Page {
    let actor = posted.visitor.signed.actor(true)?;
    request::extend(&ctx, &actor, id, posted.get("reason").unwrap_or_default()).await?;
    Ok(back(id))
}

async fn decide(ctx: &Ctx, posted: &Posted, id: Uuid, decision: &str) -> Page {
    let actor = owner(&posted.visitor.signed)?;
    let grounds = posted.get("grounds").map(str::to_owned);
    let decided = Decision { decision: decision.to_owned(), grounds };
    let done = request::decide(ctx, &actor, id, &decided).await?;
    reading::note(ctx, &actor, "request.get", reading::about([done.subject_id])).await?;
    Ok(back(id))
}

/// Grants a request and carries it out.
pub(super) async fn grant(State(ctx): State<Ctx>, Path(id): Path<Uuid>, posted: Posted) -> Page {
    decide(&ctx, &posted, id, "granted").await
}

/// Refuses a request, with its ground.
pub(super) async fn refuse(State(ctx): State<Ctx>, Path(id): Path<Uuid>, posted: Posted) -> Page {
    decide(&ctx, &posted, id, "refused").await
}

/// What is held of who asks, as a file.
pub(super) async fn package(State(ctx): State<Ctx>, visitor: Visitor, Path(id): Path<Uuid>) -> Page {
    let actor = owner(&visitor.signed)?;
    let zip = request::zip_of(&ctx, &actor, id, visitor.signed.language).await?;
    let of = request::get(&ctx, &actor, id).await?.subject_id;
    reading::note(&ctx, &actor, "request.package", reading::about([of])).await?;
    let name = "attachment; filename=\"data.zip\"";
    Ok(([(header::CONTENT_TYPE, "application/zip"), (header::CONTENT_DISPOSITION, name)], zip).into_response())
}

/// One line a category: rows of the same clock and fate together.
fn parts(all: &[Part], language: Language) -> Vec<ErasurePart> {
    let held =
        |part: &Part| part.held_by.iter().map(|h| render::privacy::hold(*h, language).to_owned()).collect::<Vec<_>>();
    let mut found: Vec<(RuleId, ErasurePart)> = Vec::new();
    for part in all.iter().filter(|p| p.count > 0) {
        let fate = match part.fate {
            Fate::Deleted => PartFate::Goes,
            Fate::KeptByLaw => PartFate::ByLaw,
            Fate::KeptOtherwise => PartFate::Otherwise,
        };
        let rows = count(part.count);
        match found.iter_mut().find(|(rule, p)| *rule == part.rule && p.fate == fate) {
            Some((_, same)) => {
                same.rows += rows;
                same.until = same.until.max(part.until);
                same.held.extend(held(part).into_iter().filter(|h| !same.held.contains(h)).collect::<Vec<_>>());
            }
            None => {
                let title = render::privacy::title(part.rule, language).to_owned();
                found.push((part.rule, ErasurePart { title, fate, until: part.until, held: held(part), rows }));
            }
        }
    }
    found.into_iter().map(|(_, part)| part).collect()
}

/// Shows what erasing a customer would do, and asks.
pub(super) async fn look(State(ctx): State<Ctx>, posted: Posted) -> Page {
    let signed = &posted.visitor.signed;
    let actor = owner(signed)?;
    let number = posted.get("number").unwrap_or_default().trim();
    let Some(id) = numbered(&ctx, &actor, number).await? else {
        return desk(&ctx, &posted.visitor, false, true).await;
    };
    let subject = Subject::Customer(id);
    let found = erase::preview(&ctx, &actor, subject).await?;
    reading::note(&ctx, &actor, "erasure.preview", subject).await?;
    let name = names(&ctx, &actor, std::iter::once(id)).await?.remove(&id).map(|(name, _)| name);
    let frame = around(&ctx, &posted.visitor, &actor).await?;
    let view = ErasureView {
        customer: Some((name.unwrap_or_default(), id)),
        case: None,
        parts: parts(&found, signed.language),
        backups_gone_by: None,
    };
    Ok(Html(console::desk_erasure(&view, &frame)?).into_response())
}

/// Erases a customer.
pub(super) async fn erase_customer(State(ctx): State<Ctx>, posted: Posted) -> Page {
    let actor = owner(&posted.visitor.signed)?;
    let id = posted.get("customer").and_then(|t| Uuid::try_parse(t).ok()).ok_or(Trouble::NotFound)?;
    let subject = explain::subject(&ctx, &actor, "customer", id).await?;
    let case = erase::erase(&ctx, &actor, subject).await?;
    Ok(Redirect::to(&format!("/console/privacy/erasures/{}?saved=1", case.id)).into_response())
}

/// An erasure: what went, what is kept.
pub(super) async fn show_erasure(State(ctx): State<Ctx>, visitor: Visitor, Path(id): Path<Uuid>) -> Page {
    let actor = visitor.signed.actor(false)?;
    let frame = around(&ctx, &visitor, &actor).await?;
    let case = certificate::get(&ctx, &actor, id).await?;
    let view = ErasureView {
        customer: None,
        case: Some(erasure_row(&case)),
        parts: parts(&case.parts, visitor.signed.language),
        backups_gone_by: case.backups_gone_by,
    };
    Ok(Html(console::desk_erasure(&view, &frame)?).into_response())
}

/// The certificate of an erasure.
pub(super) async fn certificate_pdf(State(ctx): State<Ctx>, visitor: Visitor, Path(id): Path<Uuid>) -> Page {
    let actor = visitor.signed.actor(false)?;
    let paper = certificate::paper(&ctx, &actor, id, visitor.signed.language).await?;
    let drawn = tokio::task::spawn_blocking(move || statement::pdf(&paper)).await;
    let pdf = drawn.map_err(|e| Error::from(std::io::Error::other(e.to_string())))??;
    let name = "attachment; filename=\"slettebevis.pdf\"";
    Ok(([(header::CONTENT_TYPE, "application/pdf"), (header::CONTENT_DISPOSITION, name)], pdf).into_response())
}

fn to_plan(id: Uuid) -> Response {
    Redirect::to(&format!("/console/privacy/plans/{id}?saved=1")).into_response()
}

/// Makes a plan: nothing is deleted by it.
pub(super) async fn make_plan(State(ctx): State<Ctx>, posted: Posted) -> Page {
    Ok(to_plan(retention::plan(&ctx, &posted.visitor.signed.actor(true)?).await?))
}

/// A plan, or the report of what it did.
pub(super) async fn show_plan(State(ctx): State<Ctx>, visitor: Visitor, Path(id): Path<Uuid>) -> Page {
    let actor = visitor.signed.actor(false)?;
    let frame = around(&ctx, &visitor, &actor).await?;
    let plan = retention::get(&ctx, &actor, id).await?;
    let language = visitor.signed.language;
    let done = plan.state == "done";
    let mut by_rule: BTreeMap<&str, PlanItem> = BTreeMap::new();
    for item in &plan.items {
        let rows = count(if done { item.deleted } else { item.due });
        let line = by_rule.entry(item.rule.as_str()).or_insert_with(|| PlanItem {
            title: render::privacy::title(item.rule, language).to_owned(),
            period: render::privacy::period(item.period, language),
            rows: 0,
            held: 0,
        });
        line.rows += rows;
        line.held += count(item.held);
    }
    let items = by_rule.into_values().filter(|i| i.rows > 0 || i.held > 0).collect();
    let view =
        PlanView { row: plan_row(&plan), policy_version: plan.policy_version, items, owner: is_owner(&visitor.signed) };
    Ok(Html(console::desk_plan(&view, &frame)?).into_response())
}

/// Carries a plan out.
pub(super) async fn run_plan(State(ctx): State<Ctx>, Path(id): Path<Uuid>, posted: Posted) -> Page {
    retention::execute(&ctx, &owner(&posted.visitor.signed)?, id).await?;
    Ok(to_plan(id))
}

/// Approves the policy a plan was made by, having looked at it.
pub(super) async fn approve(State(ctx): State<Ctx>, Path(id): Path<Uuid>, posted: Posted) -> Page {
    let version = posted.get("version").and_then(|v| v.parse().ok()).ok_or(Trouble::NotFound)?;
    policy::approve(&ctx, &owner(&posted.visitor.signed)?, version).await?;
    Ok(to_plan(id))
}
