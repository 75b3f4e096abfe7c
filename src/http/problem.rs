//! Problems as RFC 9457 bodies: the only place that maps a failure to a status.

use crate::services::{Error, FieldError, Kind};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::hex;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A problem, RFC 9457.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Stable code.
    pub code: String,
    /// What kind of problem it is.
    pub title: String,
    /// What is wrong here and what to do.
    pub detail: String,
    /// What is wrong with single fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Names an internal error in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let kind = header::HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if status == StatusCode::UNAUTHORIZED {
            let value = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}

/// What a handler fails with.
pub struct Failure(Box<Problem>);

impl Failure {
    /// A problem of a status.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem {
            status: status.as_u16(),
            code: code.to_owned(),
            title: status.canonical_reason().unwrap_or("Problem").to_owned(),
            detail: detail.into(),
            errors: Vec::new(),
            id: None,
        }))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

const fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Malformed => StatusCode::BAD_REQUEST,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Unauthorised => StatusCode::UNAUTHORIZED,
        Kind::Gone => StatusCode::GONE,
        Kind::Changed => StatusCode::PRECONDITION_FAILED,
        Kind::VersionNeeded => StatusCode::PRECONDITION_REQUIRED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => {
                let mut failure = Self::new(status_of(refusal.kind), refusal.code, refusal.message);
                failure.0.errors = refusal.errors;
                failure
            }
            other => internal(&other),
        }
    }
}

impl From<crate::store::Error> for Failure {
    fn from(error: crate::store::Error) -> Self {
        internal(&error)
    }
}

/// Logged once, here; the client gets a code to quote and nothing of the inside.
fn internal(error: &dyn std::error::Error) -> Failure {
    let mut bytes = [0; 6];
    let _ = getrandom::fill(&mut bytes);
    let id = hex::encode(&bytes);
    tracing::error!(error.id = %id, error = %error, "a request failed");
    let detail = format!("something went wrong on our side; nothing was stored. Quote {id} if you contact us");
    let mut failure = Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail);
    failure.0.id = Some(id);
    failure
}
