//! The calls that steer the gateway: no token, only for tests and the demo.

use super::fault::{Fault, Outcome, identifier_of};
use super::problem::Problem;
use super::state::{Consumer, Fact, Issuer, State};
use super::status::Status;
use super::webhook::{self, WebhookConfig};
use super::{Gateway, checks};
use crate::net::{Outage, lock};
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// An invoice as the counting tests see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Organisation number.
    pub issuer: String,
    /// The issuer's number.
    pub invoice_number: String,
    /// The key of the request that made it.
    pub idempotency_key: Uuid,
    /// The gateway's id.
    pub id: Uuid,
    /// Every POST that named this invoice, refused and repeated ones too.
    pub submissions: u64,
    /// Where it stands.
    pub status: Status,
}

/// All invoices, in the order they came.
pub(super) fn tallies(state: &State) -> Vec<Tally> {
    let tally = |invoice: &super::state::Invoice| {
        let number = (invoice.issuer.clone(), invoice.invoice_number.clone());
        Tally {
            submissions: state.posts.get(&number).copied().unwrap_or_default(),
            issuer: number.0,
            invoice_number: number.1,
            idempotency_key: invoice.idempotency_key,
            id: invoice.id,
            status: invoice.status(),
        }
    };
    state.invoices.iter().map(tally).collect()
}

/// The control routes.
pub(super) fn router() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/control/received", get(received))
        .route("/control/faults", post(faults))
        .route("/control/outage", post(outage))
        .route("/control/clock", get(clock).post(advance))
        .route("/control/consumers", post(consumers))
        .route("/control/issuers", post(issuers))
        .route("/control/rate", post(rate))
        .route("/control/tokens/revoke", post(revoke))
        .route("/control/invoices/{id}/status", post(status))
        .route("/control/webhook", get(webhook_state).post(webhook_config))
        .route("/control/events/send", post(send))
}

type Shares = Shared<Arc<Gateway>>;

fn refuse(detail: &str) -> Response {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", detail).into_response()
}

fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

async fn received(Shared(gateway): Shares) -> Json<Vec<Tally>> {
    Json(tallies(&gateway.hold()))
}

#[derive(Deserialize)]
struct FaultRequest {
    invoice_number: String,
    fault: Option<String>,
}

async fn faults(Shared(gateway): Shares, Json(request): Json<FaultRequest>) -> Response {
    let wanted = request.fault.filter(|text| text != "none");
    let fault = match wanted.as_deref().map(Fault::parse) {
        Some(None) => return refuse("unknown fault"),
        known => known.flatten(),
    };
    let fact = Fact::Fault { invoice_number: request.invoice_number, fault };
    gateway.record(&mut gateway.hold(), [fact]);
    done()
}

async fn outage(Shared(gateway): Shares, Json(change): Json<Outage>) -> Json<Outage> {
    gateway.switch.set(change);
    Json(gateway.switch.get())
}

async fn clock(Shared(gateway): Shares) -> Json<Value> {
    Json(json!({"now": gateway.clock.now(), "offset_seconds": gateway.clock.offset()}))
}

#[derive(Deserialize)]
struct Advance {
    advance_seconds: i64,
}

async fn advance(Shared(gateway): Shares, Json(request): Json<Advance>) -> Json<Value> {
    let now = gateway.advance(request.advance_seconds);
    Json(json!({"now": now, "offset_seconds": gateway.clock.offset()}))
}

#[derive(Deserialize)]
struct ConsumerRequest {
    email: Option<String>,
    national_id: Option<String>,
    outcome: Outcome,
}

async fn consumers(Shared(gateway): Shares, Json(request): Json<ConsumerRequest>) -> Response {
    let Some(key) = request.email.or(request.national_id) else { return refuse("email or national_id is needed") };
    let identifier = identifier_of(&key);
    let consumer = Consumer { identifier: identifier.clone(), outcome: request.outcome, fault: Fault::of_email(&key) };
    gateway.record(&mut gateway.hold(), [Fact::Consumer(consumer)]);
    Json(json!({"identifier": identifier})).into_response()
}

#[derive(Deserialize)]
struct IssuerRequest {
    orgnr: String,
    status: String,
}

async fn issuers(Shared(gateway): Shares, Json(request): Json<IssuerRequest>) -> Response {
    if !checks::org_number(&request.orgnr) {
        return refuse("orgnr");
    }
    if !["pending", "active", "blocked", "elsewhere"].contains(&request.status.as_str()) {
        return refuse("status is pending, active, blocked or elsewhere");
    }
    let mut state = gateway.hold();
    let mut issuer = state.issuers.get(&request.orgnr).cloned().unwrap_or_else(|| Issuer {
        orgnr: request.orgnr.clone(),
        name: String::new(),
        accounts: Vec::new(),
        kid_length: None,
        contact: Value::Null,
        status: String::new(),
    });
    issuer.status = request.status;
    gateway.record(&mut state, [Fact::Issuer(issuer)]);
    done()
}

#[derive(Deserialize)]
struct RateRequest {
    lookups_per_second: Option<u32>,
}

async fn rate(Shared(gateway): Shares, Json(request): Json<RateRequest>) -> Response {
    lock(&gateway.lookup_rate).limit = request.lookups_per_second;
    done()
}

async fn revoke(Shared(gateway): Shares) -> Response {
    lock(&gateway.tokens).clear();
    done()
}

#[derive(Deserialize)]
struct StatusRequest {
    status: Status,
    reason: Option<String>,
}

async fn status(Shared(gateway): Shares, Path(id): Path<Uuid>, Json(request): Json<StatusRequest>) -> Response {
    let event = gateway.step(&mut gateway.hold(), id, request.status, request.reason.as_deref());
    event.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |event| Json(event).into_response())
}

async fn webhook_config(Shared(gateway): Shares, Json(config): Json<WebhookConfig>) -> Response {
    if config.url.as_deref().is_some_and(|url| webhook::target(url).is_none()) {
        return refuse("url must be http://host[:port]/path");
    }
    if [&config.secret, &config.second_secret].into_iter().flatten().any(|secret| webhook::key(secret).is_none()) {
        return refuse("secrets are whsec_<base64>");
    }
    gateway.record(&mut gateway.hold(), [Fact::Webhook(config)]);
    gateway.bell.notify_one();
    done()
}

async fn webhook_state(Shared(gateway): Shares) -> Json<Value> {
    let state = gateway.hold();
    Json(json!({
        "url": state.webhook.url, "mode": state.webhook.mode, "waiting": state.deliveries.len(),
        "sent": state.webhook_sent, "failed": state.webhook_failed, "note": state.webhook_note,
    }))
}

#[derive(Deserialize)]
struct SendRequest {
    event_ids: Vec<String>,
}

/// Sends these events now, in this order, as often as they are named.
async fn send(Shared(gateway): Shares, Json(request): Json<SendRequest>) -> Json<Value> {
    let mut results = Vec::new();
    for id in request.event_ids {
        results.push(webhook::send(&gateway, &id).await.unwrap_or_else(|problem| json!(problem)));
    }
    Json(json!({"results": results}))
}
