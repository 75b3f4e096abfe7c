//! Who may ask: an API key on every route but those listed here (decision 12).

use super::peer::Peer;
use super::problem::Failure;
use crate::ctx::{Ctx, sha256};
use crate::services::access::{self, Scope};
use crate::services::{Actor, Idempotency};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};

/// Routes open without a key; what comes to the webhook is signed, and the payer's page asks for its link and a code. The
/// route test reads this list.
pub const OPEN_ROUTES: &[&str] = &[
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/webhooks/efaktura",
    "/i/{token}",
    "/i/{token}/code",
    "/i/{token}/open",
    "/i/{token}/pdf",
    "/i/{token}/close",
    "/i/{token}/request",
    "/i/{token}/requests/{id}",
    "/privacy",
    "/privacy/packages/{token}",
    "/privacy/{org}",
    "/privacy/{org}/pdf",
    "/privacy/{org}/cookies",
    "/privacy/{org}/request",
    "/i/assets/payer.css",
    "/i/assets/payer.js",
    "/i/assets/Inter-Regular.ttf",
    "/i/assets/Inter-SemiBold.ttf",
];

async fn authenticate(parts: &Parts, ctx: &Ctx) -> Result<(Actor, Scope), Failure> {
    let token = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.strip_prefix("Bearer ").or_else(|| v.strip_prefix("bearer ")));
    let Some(token) = token else {
        let detail = "send an API key: Authorization: Bearer rk_…";
        return Err(Failure::new(StatusCode::UNAUTHORIZED, "api_key_missing", detail));
    };
    let from = parts.extensions.get::<Peer>().and_then(|p| p.address);
    Ok(access::authenticate(ctx, token.trim(), from).await?)
}

fn require(has: Scope, needs: Scope) -> Result<(), Failure> {
    if has >= needs {
        return Ok(());
    }
    let detail = format!("this needs a key with scope {}; yours has {}", needs.as_str(), has.as_str());
    Err(Failure::new(StatusCode::FORBIDDEN, "scope_too_small", detail))
}

macro_rules! scoped {
    ($(#[$meta:meta])* $name:ident, $scope:expr) => {
        $(#[$meta])*
        pub(super) struct $name(pub(super) Actor);

        impl FromRequestParts<Ctx> for $name {
            type Rejection = Failure;

            async fn from_request_parts(parts: &mut Parts, ctx: &Ctx) -> Result<Self, Failure> {
                let (mut actor, scope) = authenticate(parts, ctx).await?;
                require(scope, $scope)?;
                actor.idempotency = idempotency(parts)?;
                Ok(Self(actor))
            }
        }
    };
}

scoped!(
    /// Somebody who may look.
    Reader,
    Scope::Read
);
scoped!(
    /// Somebody who may change.
    Writer,
    Scope::Write
);
scoped!(
    /// Somebody who may manage keys and the organisation.
    Admin,
    Scope::Admin
);

scoped!(
    /// Somebody who runs the installation.
    Operator,
    Scope::Operator
);

/// The client's key for this write, with a digest of method and path; the body is added when it is read.
fn idempotency(parts: &Parts) -> Result<Option<Idempotency>, Failure> {
    let Some(value) = parts.headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|k| (1..=255).contains(&k.len())).map(str::to_owned);
    let Some(key) = key else {
        let detail = "an Idempotency-Key has 1 to 255 visible ASCII characters";
        return Err(Failure::new(StatusCode::BAD_REQUEST, "invalid_idempotency_key", detail));
    };
    let request = sha256(format!("{} {}", parts.method, parts.uri).as_bytes());
    Ok(Some(Idempotency { key, request }))
}

/// Adds the body to what the client's key stands for.
pub(super) fn with_body(mut actor: Actor, body: &[u8]) -> Actor {
    if let Some(asked) = &mut actor.idempotency {
        asked.request = sha256(&[&asked.request[..], body].concat());
    }
    actor
}
