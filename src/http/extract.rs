//! What requests are made of: JSON bodies with errors that name the field, pages, versions.

use super::problem::Failure;
use crate::services::{Error, Kind};
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Reads a JSON body; what is wrong is named with line and column.
pub(super) fn json<T: DeserializeOwned>(body: &Bytes) -> Result<T, Failure> {
    if body.windows(6).any(|w| w == b"\\u0000" || w == b"\\u0001") {
        let detail = "the body holds a control character (\\u0000 or \\u0001) in a text; take it out";
        return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "control_character", detail));
    }
    serde_json::from_slice(body).map_err(|e| {
        let code = if e.is_data() { "invalid_body" } else { "malformed_json" };
        let kind = if e.is_data() { Kind::Invalid } else { Kind::Malformed };
        Error::refuse(kind, code, format!("the body cannot be read: {e}")).into()
    })
}

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct Page {
    /// How many, 1 to 200; 50 when left out.
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl Page {
    pub(super) fn limit(&self) -> i64 {
        i64::from(self.limit.unwrap_or(50).clamp(1, 200))
    }

    /// The id the page begins after. A cursor holds an id and nothing else (decision 15).
    pub(super) fn after(&self) -> Result<Uuid, Failure> {
        let Some(cursor) = self.cursor.as_deref().filter(|c| !c.is_empty()) else { return Ok(Uuid::nil()) };
        Uuid::try_parse(cursor).map_err(|_| {
            Failure::new(StatusCode::BAD_REQUEST, "invalid_cursor", "use next_cursor of the page before, unchanged")
        })
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T: ToSchema> {
    /// The items.
    items: Vec<T>,
    /// Gives the next page; none on the last.
    next_cursor: Option<String>,
}

impl<T: ToSchema> List<T> {
    pub(super) fn new(items: Vec<T>, limit: i64, id: impl Fn(&T) -> Uuid) -> Self {
        let full = i64::try_from(items.len()).is_ok_and(|n| n >= limit);
        let next_cursor = items.last().filter(|_| full).map(|last| id(last).to_string());
        Self { items, next_cursor }
    }
}

/// A single resource with its version as ETag.
pub(super) fn versioned<T: Serialize>(version: i64, body: &T) -> Response {
    let mut response = Json(body).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The version the client saw: `If-Match` is demanded where something is changed (decision 15).
pub(super) fn if_match(headers: &HeaderMap) -> Result<i64, Failure> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        let detail = "say which version you saw: If-Match with the ETag of the resource";
        return Err(Failure::new(StatusCode::PRECONDITION_REQUIRED, "if_match_required", detail));
    };
    value.to_str().ok().and_then(|v| v.trim_matches('"').parse().ok()).ok_or_else(|| {
        Failure::new(StatusCode::PRECONDITION_FAILED, "version_mismatch", "If-Match is not an ETag of this resource")
    })
}

/// Something that was made, and where it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Created {
    /// The new thing.
    pub(super) id: Uuid,
}

/// 201 with the id; a repeat of the same request gives the same answer.
pub(super) fn created(result: Result<Uuid, Error>) -> Result<Response, Failure> {
    let id = match result {
        Ok(id) | Err(Error::Replayed { id, .. }) => id,
        Err(error) => return Err(error.into()),
    };
    Ok((StatusCode::CREATED, Json(Created { id })).into_response())
}

/// A repeat of the same request counts as done.
pub(super) fn repeatable(result: Result<(), Error>) -> Result<(), Failure> {
    match result {
        Ok(()) | Err(Error::Replayed { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// 204; a repeat of the same request gives the same answer.
pub(super) fn done(result: Result<(), Error>) -> Result<Response, Failure> {
    repeatable(result)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
