//! Where the eFaktura gateway calls: no key, but a signature over every byte.

use super::problem::Failure;
use crate::ctx::Ctx;
use crate::services::delivery;
use axum::Router;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bytes::Bytes;

/// Bytes of one webhook at most; they are thin.
const LARGEST: usize = 64 * 1024;

pub(super) fn routes() -> Router<Ctx> {
    Router::new().route("/webhooks/efaktura", post(take_webhook)).layer(DefaultBodyLimit::max(LARGEST))
}

/// Takes one webhook: 204 when its signature holds, 401 when not, 404 where no gateway is set up.
async fn take_webhook(
    State(ctx): State<Ctx>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Failure> {
    let body = body.map_err(|refused| Failure::new(refused.status(), "body_not_read", refused.body_text()))?;
    let headers: Vec<(&str, &str)> =
        headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    delivery::take_efaktura_webhook(&ctx, &headers, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}
