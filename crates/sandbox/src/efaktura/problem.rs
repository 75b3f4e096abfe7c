//! Errors as `application/problem+json`.

use super::state::Answer;
use crate::net::Refused;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::{Value, json};

/// A refused request.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    status: StatusCode,
    body: Value,
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem with its code.
    pub(super) fn new(status: StatusCode, code: &str, detail: &str) -> Self {
        let retryable = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        let body = json!({
            "type": format!("urn:efaktura:problem:{code}"),
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "code": code,
            "detail": detail,
            "retryable": retryable,
            "errors": [],
        });
        Self { status, body, retry_after: None }
    }

    /// A body that breaks the contract, field by field.
    pub(super) fn fields(code: &str, errors: &[(String, &'static str)]) -> Self {
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, "The request has errors.");
        let list: Vec<Value> = errors.iter().map(|(field, code)| json!({"field": field, "code": code})).collect();
        problem.body["errors"] = Value::Array(list);
        problem
    }

    /// Says when to come back.
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self.body["retryable"] = Value::Bool(true);
        self
    }

    /// Adds a member.
    pub(super) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.body[member] = value.into();
        self
    }

    /// Whether a repeat must be judged anew instead of getting this again.
    pub(super) fn passing(&self) -> bool {
        self.status.is_server_error() || self.status == StatusCode::TOO_MANY_REQUESTS
    }

    /// As kept for a repeat.
    pub(super) fn answer(&self) -> Answer {
        Answer { status: self.status.as_u16(), body: self.body.clone() }
    }
}

/// A response of a kept answer.
pub(super) fn respond(answer: &Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
    (status, [(CONTENT_TYPE, kind)], answer.body.to_string()).into_response()
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Box::new(problem.into_response())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = respond(&self.answer());
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
