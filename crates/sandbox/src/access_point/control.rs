//! The calls that steer the access point: no token, only for tests and the demo.

use super::Point;
use super::state::{Fact, Fault, State, Status};
use crate::net::{Outage, lock};
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// A message as the counting tests see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// `0192:` and the organisation number.
    pub receiver: String,
    /// The document's own number.
    pub document_id: String,
    /// The caller's id, or one of ours where the interface takes none.
    pub sbdh_instance_id: String,
    /// Size of the document.
    pub bytes: usize,
    /// Where it stands.
    pub status: Status,
}

/// All messages, in the order they came.
pub(super) fn tallies(state: &State) -> Vec<Tally> {
    let tally = |message: &super::state::Message| Tally {
        receiver: message.receiver.clone(),
        document_id: message.document_id.clone(),
        sbdh_instance_id: message.progress.sbdh_instance_id.clone(),
        bytes: message.xml.len(),
        status: message.progress.status,
    };
    state.messages.iter().map(tally).collect()
}

/// The control routes.
pub(super) fn router() -> Router<Arc<Point>> {
    Router::new()
        .route("/control/received", get(received))
        .route("/control/documents/{id}", get(document))
        .route("/control/faults", post(faults))
        .route("/control/outage", post(outage))
        .route("/control/clock", post(advance))
}

type Shares = Shared<Arc<Point>>;

async fn received(Shared(point): Shares) -> Json<Vec<Tally>> {
    Json(tallies(&lock(&point.state)))
}

async fn document(Shared(point): Shares, Path(id): Path<String>) -> Response {
    let xml = lock(&point.state).message(&id).map(|message| message.xml.to_string());
    let found = xml.map(|xml| ([("content-type", "application/xml")], xml).into_response());
    found.unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

#[derive(Deserialize)]
struct FaultRequest {
    org_number: String,
    fault: Option<Fault>,
    times: Option<u32>,
}

async fn faults(Shared(point): Shares, Json(request): Json<FaultRequest>) -> StatusCode {
    let FaultRequest { org_number, fault, times } = request;
    point.record(&mut lock(&point.state), [Fact::Fault { org_number, fault, times }]);
    StatusCode::NO_CONTENT
}

async fn outage(Shared(point): Shares, Json(change): Json<Outage>) -> Json<Outage> {
    point.switch.set(change);
    Json(point.switch.get())
}

#[derive(Deserialize)]
struct Advance {
    advance_seconds: i64,
}

async fn advance(Shared(point): Shares, Json(request): Json<Advance>) -> Json<Value> {
    let now = point.advance(request.advance_seconds);
    Json(json!({"now": now, "offset_seconds": point.clock.offset()}))
}
