//! The calls of the contract, and what each must pass before it is served.

use super::problem::{Problem, respond};
use super::state::{Answer, Fact, Issuer};
use super::{Gateway, auth, body, checks, control, lookup, page, submit};
use crate::net::{Refused, lock};
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Path, Query, Request, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// Largest request: a document over the limit must still be read to be rejected.
const MOST_BODY: usize = 16 * 1024 * 1024;

/// Look-ups in the running second.
pub(super) struct Rate {
    pub(super) limit: Option<u32>,
    second: i64,
    used: u32,
}

impl Rate {
    pub(super) const fn new(limit: Option<u32>) -> Self {
        Self { limit, second: 0, used: 0 }
    }

    /// Counts one; `false` when there are too many.
    fn admit(&mut self, second: i64) -> bool {
        if self.second != second {
            (self.second, self.used) = (second, 0);
        }
        self.used += 1;
        self.limit.is_none_or(|limit| self.used <= limit)
    }
}

/// All routes.
pub(super) fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/", get(page::show))
        .route("/oauth/token", post(auth::token))
        .route("/v1/issuers/{orgnr}", get(issuer).put(register))
        .route("/v1/consumers/lookup", post(consumers))
        .route("/v1/invoices", get(find).post(submit::submit))
        .route("/v1/invoices/{id}", get(invoice))
        .route("/v1/invoices/{id}/cancel", post(submit::cancel))
        .route("/v1/events", get(events))
        .merge(control::router())
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "not_found", "There is no such call."))
        .with_state(gateway)
}

impl Gateway {
    /// Checks the token.
    pub(super) fn allow(&self, headers: &HeaderMap, scope: &str) -> Result<(), Refused> {
        auth::check(&lock(&self.tokens), headers, self.clock.now(), scope)
    }
}

/// A POST that was read: its key, what it is known by, and its body.
pub(super) struct Posted {
    pub key: Uuid,
    digest: String,
    pub body: Map<String, Value>,
}

impl Posted {
    /// Checks the token and reads key and body.
    pub(super) async fn read(gateway: &Gateway, request: Request, scope: &str) -> Result<Self, Refused> {
        gateway.allow(request.headers(), scope)?;
        let key = request.headers().get("idempotency-key").and_then(|v| v.to_str().ok());
        let key = key.and_then(|text| Uuid::parse_str(text).ok()).ok_or_else(|| {
            let detail = "Idempotency-Key must be a UUID.";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_missing", detail)
        })?;
        let mut hasher = Sha256::new();
        hasher.update(request.uri().path().as_bytes());
        let bytes = to_bytes(request.into_body(), MOST_BODY)
            .await
            .map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "document_too_large", "The body is too large."))?;
        hasher.update(b"\n");
        hasher.update(&bytes);
        let digest = STANDARD.encode(hasher.finalize());
        let body = read_object(&bytes)?;
        Ok(Self { key, digest, body })
    }

    /// Takes the key. `Err` holds what to answer instead: the first answer, or a refusal.
    pub(super) fn begin(&self, gateway: &Gateway) -> Result<(), Refused> {
        let mut state = gateway.hold();
        if state.running.contains(&self.key) {
            let problem = Problem::new(StatusCode::CONFLICT, "in_progress", "The first request still runs.");
            return Err(problem.retry_after(1).into());
        }
        match state.answers.get(&self.key) {
            Some((digest, answer)) if *digest == self.digest => Err(Box::new(respond(answer))),
            Some(_) => {
                let detail = "The key was used for another body.";
                let code = "idempotency_key_reused";
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).into())
            }
            None => {
                state.running.insert(self.key);
                Ok(())
            }
        }
    }

    /// The fact that this was answered.
    pub(super) fn answered(&self, answer: Answer) -> Fact {
        Fact::Answer { key: self.key, digest: self.digest.clone(), answer }
    }

    /// Keeps a refusal for repeats, unless it passes by itself; then gives the key back.
    pub(super) fn refuse(&self, gateway: &Gateway, problem: &Problem) {
        let mut state = gateway.hold();
        if !problem.passing() {
            gateway.record(&mut state, [self.answered(problem.answer())]);
        }
        state.running.remove(&self.key);
    }

    /// Waits for the disk, then gives the key back.
    pub(super) async fn finish(&self, gateway: &Gateway) -> Result<(), Problem> {
        let synced = gateway.journal.sync().await;
        gateway.hold().running.remove(&self.key);
        synced.map_err(|detail| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_stored", &detail).retry_after(5))
    }
}

fn read_object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(Problem::new(StatusCode::BAD_REQUEST, "malformed_json", "The body is not a JSON object.")),
    }
}

fn issuer_answer(issuer: &Issuer) -> Value {
    json!({
        "orgnr": issuer.orgnr, "name": issuer.name, "accounts": issuer.accounts,
        "kid_length": issuer.kid_length, "support_contact": issuer.contact, "status": issuer.status,
    })
}

async fn issuer(Shared(gateway): Shared<Arc<Gateway>>, headers: HeaderMap, Path(orgnr): Path<String>) -> Response {
    if let Err(response) = gateway.allow(&headers, "issuer:write") {
        return *response;
    }
    match gateway.hold().issuers.get(&orgnr).filter(|issuer| issuer.status != "elsewhere") {
        Some(issuer) => axum::Json(issuer_answer(issuer)).into_response(),
        None => {
            Problem::new(StatusCode::NOT_FOUND, "issuer_not_found", "The issuer is not registered.").into_response()
        }
    }
}

async fn register(
    Shared(gateway): Shared<Arc<Gateway>>,
    Path(orgnr): Path<String>,
    headers: HeaderMap,
    bytes: bytes::Bytes,
) -> Response {
    if let Err(response) = gateway.allow(&headers, "issuer:write") {
        return *response;
    }
    let object = match read_object(&bytes) {
        Ok(object) => object,
        Err(problem) => return problem.into_response(),
    };
    let read = read_issuer(&orgnr, &object);
    let mut issuer = match read {
        Ok(issuer) => issuer,
        Err(errors) => return Problem::fields("invalid_request", &errors).into_response(),
    };
    let created = {
        let mut state = gateway.hold();
        let known = state.issuers.get(&orgnr).map(|known| known.status.clone());
        if known.as_deref() == Some("elsewhere") {
            let detail = "The issuer has an agreement with another provider.";
            return Problem::new(StatusCode::CONFLICT, "issuer_elsewhere", detail).into_response();
        }
        issuer.status = known.clone().unwrap_or_else(|| "active".to_owned());
        gateway.record(&mut state, [Fact::Issuer(issuer.clone())]);
        known.is_none()
    };
    if gateway.journal.sync().await.is_err() {
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_stored", "Try again.").into_response();
    }
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    (status, axum::Json(issuer_answer(&issuer))).into_response()
}

fn read_issuer(orgnr: &str, object: &Map<String, Value>) -> Result<Issuer, Vec<(String, &'static str)>> {
    let mut fields = body::Fields::new(object, "", &["name", "accounts", "kid_length", "support_contact"]);
    if !checks::org_number(orgnr) {
        fields.wrong("orgnr", "invalid_org_number");
    }
    let name = fields.required("name", "invalid_length", |text| body::sized(text, 1, 200));
    let list = fields.value("accounts").and_then(Value::as_array);
    let accounts: Vec<String> = list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    if accounts.is_empty() || accounts.len() != list.map_or(0, Vec::len) {
        fields.wrong("accounts", "required");
    }
    if accounts.iter().any(|account| !checks::account(account)) {
        fields.wrong("accounts", "invalid_account");
    }
    let kid_length = fields.whole("kid_length");
    if kid_length.is_some_and(|length| !(2..=25).contains(&length)) {
        fields.wrong("kid_length", "out_of_range");
    }
    let contact = fields.value("support_contact").cloned().unwrap_or_default();
    if !fields.errors.is_empty() {
        return Err(fields.errors);
    }
    let kid_length = kid_length.and_then(|length| u64::try_from(length).ok());
    Ok(Issuer { orgnr: orgnr.to_owned(), name, accounts, kid_length, contact, status: String::new() })
}

async fn consumers(Shared(gateway): Shared<Arc<Gateway>>, request: Request) -> Response {
    let posted = match Posted::read(&gateway, request, "consumer:lookup").await {
        Ok(posted) => posted,
        Err(response) => return *response,
    };
    if !lock(&gateway.lookup_rate).admit(gateway.clock.now().timestamp()) {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many look-ups a second.");
        return problem.retry_after(1).into_response();
    }
    if let Err(response) = posted.begin(&gateway) {
        return *response;
    }
    let refused = |problem: Problem| {
        posted.refuse(&gateway, &problem);
        problem.into_response()
    };
    let items = match lookup::read(&posted.body) {
        Ok(items) => items,
        Err(errors) => return refused(Problem::fields("invalid_request", &errors)),
    };
    let weak = lookup::insufficient(&items);
    if !weak.is_empty() {
        return refused(Problem::fields("insufficient_criteria", &weak));
    }
    let mut state = gateway.hold();
    let (body, met) = lookup::answer(&items, &state);
    state.lookups += items.len() as u64;
    let answer = Answer { status: 200, body };
    gateway.record(&mut state, met.into_iter().map(Fact::Consumer));
    gateway.record(&mut state, [posted.answered(answer.clone())]);
    state.running.remove(&posted.key);
    respond(&answer)
}

fn unknown_invoice() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "invoice_not_found", "There is no such invoice.").into_response()
}

async fn invoice(Shared(gateway): Shared<Arc<Gateway>>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    if let Err(response) = gateway.allow(&headers, "invoice:read") {
        return *response;
    }
    let state = gateway.hold();
    let found = Uuid::parse_str(&id).ok().and_then(|id| state.invoice(id));
    found.map_or_else(unknown_invoice, |invoice| axum::Json(submit::full(invoice)).into_response())
}

#[derive(Deserialize)]
struct Wanted {
    issuer: Option<String>,
    invoice_number: Option<String>,
}

async fn find(Shared(gateway): Shared<Arc<Gateway>>, headers: HeaderMap, Query(wanted): Query<Wanted>) -> Response {
    if let Err(response) = gateway.allow(&headers, "invoice:read") {
        return *response;
    }
    let (Some(issuer), Some(number)) = (wanted.issuer, wanted.invoice_number) else {
        let errors = [("issuer".to_owned(), "required"), ("invoice_number".to_owned(), "required")];
        return Problem::fields("invalid_request", &errors).into_response();
    };
    let state = gateway.hold();
    let found = state.numbered(&issuer, &number);
    found.map_or_else(unknown_invoice, |invoice| axum::Json(submit::full(invoice)).into_response())
}

#[derive(Deserialize)]
struct Page {
    after: Option<String>,
    limit: Option<usize>,
}

async fn events(Shared(gateway): Shared<Arc<Gateway>>, headers: HeaderMap, Query(page): Query<Page>) -> Response {
    if let Err(response) = gateway.allow(&headers, "invoice:read") {
        return *response;
    }
    let (after, limit) = (page.after.unwrap_or_default(), page.limit.unwrap_or(100).clamp(1, 1000));
    let state = gateway.hold();
    let Some(events) = state.events_after(&after, limit) else {
        let detail = "No event has the id in `after`.";
        return Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_cursor", detail).into_response();
    };
    let next = events.last().map_or(after, |event| event.event_id.clone());
    axum::Json(json!({"events": events, "next": next})).into_response()
}
