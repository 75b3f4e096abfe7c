//! A switch that takes a server down, and one that makes it slow.

use super::lock;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Mutex;
use std::time::Duration;

/// How a server is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutageKind {
    /// Answers 503 with `Retry-After`.
    #[serde(rename = "503")]
    Unavailable,
    /// Closes each connection without an answer.
    #[serde(rename = "refuse")]
    Refuse,
    /// Takes the request and never answers.
    #[serde(rename = "hang")]
    Hang,
}

/// Body of `POST /control/outage`; what is left out stays as it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// Whether the server is down.
    pub on: Option<bool>,
    /// How; 503 when nothing is said.
    pub kind: Option<OutageKind>,
    /// Wait before each request is read.
    pub latency_ms: Option<u64>,
    /// Wait in the middle of a request, when its idempotency key is taken and nothing is stored.
    pub processing_ms: Option<u64>,
}

fn unavailable() -> Response {
    let headers = [("retry-after", "1"), ("content-type", "application/problem+json")];
    let body = r#"{"type":"about:blank","title":"Service Unavailable","status":503,"code":"unavailable","detail":"Down as told.","retryable":true,"errors":[]}"#;
    (StatusCode::SERVICE_UNAVAILABLE, headers, body).into_response()
}

/// The state of the switch.
#[derive(Default)]
pub(crate) struct Switch(Mutex<Outage>);

impl Switch {
    /// Changes what is named.
    pub(crate) fn set(&self, change: Outage) {
        let mut now = lock(&self.0);
        now.on = change.on.or(now.on);
        now.kind = change.kind.or(now.kind);
        now.latency_ms = change.latency_ms.or(now.latency_ms);
        now.processing_ms = change.processing_ms.or(now.processing_ms);
    }

    /// How it stands.
    pub(crate) fn get(&self) -> Outage {
        *lock(&self.0)
    }

    /// Lets a request through, or gives what it gets instead.
    pub(crate) async fn pass(&self) -> Option<Response> {
        let now = self.get();
        if let Some(ms) = now.latency_ms.filter(|ms| *ms > 0) {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        if now.on != Some(true) {
            return None;
        }
        Some(match now.kind.unwrap_or(OutageKind::Unavailable) {
            OutageKind::Unavailable => unavailable(),
            OutageKind::Refuse => super::server::hang_up(),
            OutageKind::Hang => std::future::pending().await,
        })
    }

    /// Spends the time a request takes inside.
    pub(crate) async fn work(&self) {
        if let Some(ms) = self.get().processing_ms.filter(|ms| *ms > 0) {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
    }
}
