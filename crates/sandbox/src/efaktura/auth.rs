//! OAuth2 client credentials: tokens that expire on the gateway's clock.

use super::Gateway;
use super::problem::Problem;
use crate::net::{Refused, lock, random_id};
use axum::Form;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hyper::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use hyper::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

/// What a token may do, all of it.
pub const SCOPES: [&str; 4] = ["consumer:lookup", "invoice:write", "invoice:read", "issuer:write"];

/// A token that was given out.
pub(super) struct Token {
    expires_at: DateTime<Utc>,
    scopes: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Request {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    scope: Option<String>,
}

/// The client's name and secret from `Authorization: Basic`.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

/// `POST /oauth/token`.
pub(super) async fn token(
    Shared(gateway): Shared<Arc<Gateway>>,
    headers: HeaderMap,
    Form(request): Form<Request>,
) -> Response {
    let refuse = |status: StatusCode, error: &str| (status, axum::Json(json!({"error": error}))).into_response();
    if request.grant_type.as_deref() != Some("client_credentials") {
        return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    let given = basic(&headers).or_else(|| request.client_id.zip(request.client_secret));
    let options = &gateway.options;
    if given.is_none_or(|(id, secret)| id != options.client_id || secret != options.client_secret) {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let scopes: Vec<String> = match request.scope.as_deref().map(str::trim).filter(|scope| !scope.is_empty()) {
        Some(text) => text.split_whitespace().map(str::to_owned).collect(),
        None => SCOPES.iter().map(|&scope| scope.to_owned()).collect(),
    };
    if scopes.iter().any(|scope| !SCOPES.contains(&scope.as_str())) {
        return refuse(StatusCode::BAD_REQUEST, "invalid_scope");
    }
    let (name, seconds) = (random_id().simple().to_string(), options.token_seconds);
    let expires_at = gateway.clock.now() + TimeDelta::try_seconds(seconds).unwrap_or_default();
    let answer =
        json!({"access_token": name, "token_type": "Bearer", "expires_in": seconds, "scope": scopes.join(" ")});
    let mut tokens = lock(&gateway.tokens);
    let now = gateway.clock.now();
    tokens.retain(|_, token: &mut Token| token.expires_at > now);
    tokens.insert(name, Token { expires_at, scopes });
    ([("cache-control", "no-store")], axum::Json(answer)).into_response()
}

/// Lets a request with a living token of the scope through.
pub(super) fn check(
    tokens: &HashMap<String, Token>,
    headers: &HeaderMap,
    now: DateTime<Utc>,
    scope: &str,
) -> Result<(), Refused> {
    let name = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
    let refuse = |code: &str, detail: &str| {
        let mut response = Problem::new(StatusCode::UNAUTHORIZED, code, detail).into_response();
        response.headers_mut().insert(WWW_AUTHENTICATE, hyper::header::HeaderValue::from_static("Bearer"));
        Err(Box::new(response))
    };
    let Some(name) = name else { return refuse("missing_token", "A bearer token is needed.") };
    let Some(token) = tokens.get(name) else { return refuse("invalid_token", "The token is unknown.") };
    if token.expires_at <= now {
        return refuse("invalid_token", "The token has expired.");
    }
    if !token.scopes.iter().any(|has| has == scope) {
        let problem = Problem::new(StatusCode::FORBIDDEN, "insufficient_scope", "The token lacks the scope.");
        return Err(Box::new(problem.with("scope", scope).into_response()));
    }
    Ok(())
}
