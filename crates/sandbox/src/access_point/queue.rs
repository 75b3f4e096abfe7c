//! phoss-ap: a queue that knows each message by the caller's SBDH instance id.

use super::state::{Fact, Fault, Message, Progress, Status, document_id, is_billing};
use super::{MOST_BODY, Point};
use crate::net::server::hang_up;
use crate::net::{Refused, lock, random_id};
use axum::body::to_bytes;
use axum::extract::{Path, Query, Request, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

const PARTICIPANT: &str = "iso6523-actorid-upis::";

/// The routes of this interface.
pub(super) fn router() -> Router<Arc<Point>> {
    Router::new()
        .route("/api/outbound/submit/{sender}/{receiver}/{document_type}/{process}/{country}", post(submit))
        .route("/api/outbound/submit-auto/{sender}/{receiver}/{country}", post(submit_auto))
        .route("/api/outbound/status/{id}", get(status))
        .route("/api/outbound/in-transmission", get(in_transmission))
}

#[derive(Deserialize)]
struct Extra {
    #[serde(rename = "sbdhInstanceID")]
    sbdh_instance_id: Option<String>,
    custom1: Option<String>,
    custom2: Option<String>,
    custom3: Option<String>,
}

async fn submit(
    Shared(point): Shared<Arc<Point>>,
    Path((sender, receiver, document_type, process, country)): Path<(String, String, String, String, String)>,
    Query(extra): Query<Extra>,
    request: Request,
) -> Response {
    let right = document_type.starts_with("busdox-docid-qns::") && process.starts_with("cenbii-procid-ubl::");
    take(&point, [sender, receiver, country], extra, request, right).await
}

async fn submit_auto(
    Shared(point): Shared<Arc<Point>>,
    Path((sender, receiver, country)): Path<(String, String, String)>,
    Query(extra): Query<Extra>,
    request: Request,
) -> Response {
    take(&point, [sender, receiver, country], extra, request, true).await
}

fn refuse(status: StatusCode, code: &str, detail: &str, id: Option<&str>) -> Response {
    let body = json!({"success": false, "errorCode": code, "errorDetails": detail, "sbdhInstanceID": id});
    (status, Json(body)).into_response()
}

async fn take(
    point: &Point,
    [sender, receiver, country]: [String; 3],
    extra: Extra,
    request: Request,
    right: bool,
) -> Response {
    if let Err(response) = point.allow(request.headers()) {
        return *response;
    }
    let parties = sender.strip_prefix(PARTICIPANT).zip(receiver.strip_prefix(PARTICIPANT));
    let (Some((sender, receiver)), true) = (parties, right && country.len() == 2) else {
        let detail = "Ids need their scheme, the country two letters.";
        return refuse(StatusCode::BAD_REQUEST, "bad_parameter", detail, None);
    };
    let Ok(bytes) = to_bytes(request.into_body(), MOST_BODY).await else {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The document is too large.", None);
    };
    let xml = String::from_utf8_lossy(&bytes).into_owned();
    point.switch.work().await;
    let id = extra.sbdh_instance_id.clone().unwrap_or_else(|| random_id().to_string());
    let message = match store(point, [sender, receiver], &id, extra, xml) {
        Ok(message) => message,
        Err(response) => return *response,
    };
    if let Err(problem) = point.journal.sync().await {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "not_stored", &problem, Some(&id));
    }
    if message.progress.status == Status::Rejected {
        let detail = "The document did not pass verification.";
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "verification_failed", detail, Some(&id));
    }
    match message.fault {
        Some(Fault::Lost) => hang_up(),
        Some(Fault::Hang) => std::future::pending().await,
        _ => Json(json!({"success": true, "sbdhInstanceID": id, "status": Status::Pending})).into_response(),
    }
}

/// Queues the message, unless its id is known.
fn store(
    point: &Point,
    [sender, receiver]: [&str; 2],
    id: &str,
    extra: Extra,
    xml: String,
) -> Result<Message, Refused> {
    let mut state = lock(&point.state);
    if state.message(id).is_some() {
        state.repeats += 1;
        let detail = "A message with this SBDH instance id was submitted before.";
        let code = "duplicate_sbdh_instance_id";
        return Err(Box::new(refuse(StatusCode::UNPROCESSABLE_ENTITY, code, detail, Some(id))));
    }
    let fault = state.use_fault(receiver);
    if fault == Some(Fault::Unavailable) {
        return Err(Box::new((StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")]).into_response()));
    }
    let now = point.clock.now();
    let number = document_id(&xml);
    let refused = fault == Some(Fault::Rejected) || number.is_none() || !is_billing(&xml);
    let mut message = Message {
        sender: sender.to_owned(),
        receiver: receiver.to_owned(),
        document_id: number.unwrap_or_default(),
        synchronous: false,
        created_at: now,
        custom: [extra.custom1, extra.custom2, extra.custom3],
        fault,
        xml: xml.into(),
        progress: Progress {
            sbdh_instance_id: id.to_owned(),
            status: if refused { Status::Rejected } else { Status::Pending },
            attempts: 0,
            completed_at: refused.then_some(now),
            next_retry_at: None,
            error: refused.then(|| "verification failed".to_owned()),
        },
    };
    if !refused && point.options.auto && fault != Some(Fault::Slow) {
        message.progress = message.attempt(now);
    }
    point.record(&mut state, [Fact::Message(Box::new(message.clone()))]);
    Ok(message)
}

/// A message as the status call shows it.
fn report(message: &Message) -> Value {
    let progress = &message.progress;
    json!({
        "sbdhInstanceID": progress.sbdh_instance_id,
        "senderID": format!("{PARTICIPANT}{}", message.sender),
        "receiverID": format!("{PARTICIPANT}{}", message.receiver),
        "status": progress.status,
        "attemptCount": progress.attempts,
        "createdDT": message.created_at,
        "completedDT": progress.completed_at,
        "nextRetryDT": progress.next_retry_at,
        "errorDetails": progress.error,
        "mlsStatus": null,
        "custom1": message.custom[0],
        "custom2": message.custom[1],
        "custom3": message.custom[2],
    })
}

async fn status(Shared(point): Shared<Arc<Point>>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    if let Err(response) = point.allow(&headers) {
        return *response;
    }
    let state = lock(&point.state);
    match state.message(&id).filter(|message| !message.synchronous) {
        Some(message) => Json(report(message)).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "not_found", "No message has this id.", Some(&id)),
    }
}

async fn in_transmission(Shared(point): Shared<Arc<Point>>, headers: HeaderMap) -> Response {
    if let Err(response) = point.allow(&headers) {
        return *response;
    }
    let state = lock(&point.state);
    Json(state.in_transmission().map(report).collect::<Vec<_>>()).into_response()
}
