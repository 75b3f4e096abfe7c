//! phase4-peppol-standalone: one synchronous call, HTTP 200 also when sending failed, no idempotency.

use super::state::{Fact, Fault, Message, Progress, Status, document_id};
use super::{MOST_BODY, Point};
use crate::net::server::hang_up;
use crate::net::{lock, random_id};
use axum::body::to_bytes;
use axum::extract::{Path, Request, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;

/// The routes of this interface.
pub(super) fn router() -> Router<Arc<Point>> {
    Router::new()
        .route("/phase4ping", get(async || "pong"))
        .route("/sendsbdh", post(async || StatusCode::NOT_FOUND))
        .route("/sendas4/{sender}/{receiver}/{document_type}/{process}/{country}", post(send))
}

/// Turns a fault into the result name and the AS4 error, if sending failed.
fn failure(fault: Option<Fault>) -> Option<(&'static str, &'static str)> {
    match fault? {
        Fault::As4Error => Some(("AS4_ERROR_MESSAGE_RECEIVED", "EBMS:0004")),
        Fault::FailsTwice => Some(("TRANSPORT_ERROR", "connection failed")),
        Fault::NotRegistered => Some(("SMP_LOOKUP_FAILED", "receiver not registered")),
        Fault::PermanentlyFailed | Fault::Rejected => Some(("AS4_ERROR_MESSAGE_RECEIVED", "EBMS:0101")),
        Fault::Slow | Fault::Lost | Fault::Hang | Fault::Unavailable => None,
    }
}

async fn send(
    Shared(point): Shared<Arc<Point>>,
    Path((sender, receiver, document_type, process, country)): Path<(String, String, String, String, String)>,
    request: Request,
) -> Response {
    if let Err(response) = point.allow(request.headers()) {
        return *response;
    }
    let Ok(bytes) = to_bytes(request.into_body(), MOST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let xml = String::from_utf8_lossy(&bytes).into_owned();
    point.switch.work().await;
    let (answer, fault) = {
        let mut state = lock(&point.state);
        let mut fault = state.use_fault(&receiver);
        if fault == Some(Fault::FailsTwice) && tried(&state.messages, &receiver, &xml) >= 2 {
            fault = None;
        }
        if fault == Some(Fault::Unavailable) {
            return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")]).into_response();
        }
        let message = message(&point, [sender, receiver.clone()], xml, fault);
        let mut answer = answer(&message, fault);
        answer["docTypeId"] = json!(document_type);
        answer["processId"] = json!(process);
        answer["countryC1"] = json!(country);
        point.record(&mut state, [Fact::Message(Box::new(message))]);
        (answer, fault)
    };
    if let Err(problem) = point.journal.sync().await {
        return (StatusCode::SERVICE_UNAVAILABLE, problem).into_response();
    }
    match fault {
        Some(Fault::Lost) => hang_up(),
        Some(Fault::Hang) => std::future::pending().await,
        _ => Json(answer).into_response(),
    }
}

/// How often this document was tried before.
fn tried(messages: &[Message], receiver: &str, xml: &str) -> usize {
    let id = document_id(xml);
    messages.iter().filter(|m| m.receiver == receiver && Some(&m.document_id) == id.as_ref()).count()
}

fn message(point: &Point, [sender, receiver]: [String; 2], xml: String, fault: Option<Fault>) -> Message {
    let now = point.clock.now();
    let failed = failure(fault);
    Message {
        sender,
        receiver,
        document_id: document_id(&xml).unwrap_or_default(),
        synchronous: true,
        created_at: now,
        custom: [None, None, None],
        fault,
        xml: xml.into(),
        progress: Progress {
            sbdh_instance_id: random_id().to_string(),
            status: if failed.is_some() { Status::PermanentlyFailed } else { Status::Sent },
            attempts: 1,
            completed_at: Some(now),
            next_retry_at: None,
            error: failed.map(|(result, detail)| format!("{result}: {detail}")),
        },
    }
}

fn answer(message: &Message, fault: Option<Fault>) -> Value {
    let failed = failure(fault);
    let found = fault != Some(Fault::NotRegistered);
    let errors: Vec<Value> = failed
        .filter(|(_, detail)| detail.starts_with("EBMS"))
        .map(|(_, code)| json!({"errorCode": code, "severity": "failure", "errorDetails": "as the sandbox was told"}))
        .into_iter()
        .collect();
    json!({
        "currentDateTimeUTC": message.created_at,
        "senderId": message.sender,
        "receiverId": message.receiver,
        "sbdhInstanceIdentifier": message.progress.sbdh_instance_id,
        "as4MessageId": format!("{}@sandbox", message.progress.sbdh_instance_id),
        "c3EndpointUrl": found.then_some("https://ap.example/as4"),
        "c3CertCheckResult": found.then_some("valid"),
        "sendingResult": failed.map_or("SUCCESS", |(result, _)| result),
        "as4ResponseErrors": errors,
        "sendingSuccess": failed.is_none(),
        "overallSuccess": failed.is_none(),
        "overallDurationMillis": 400,
    })
}
