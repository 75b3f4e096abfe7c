//! The API over HTTP.

use crate::ctx::Ctx;

/// The router.
pub fn router(_ctx: Ctx) -> axum::Router {
    axum::Router::new()
}
/// The OpenAPI document.
pub fn openapi_json() -> anyhow::Result<String> {
    Ok(String::new())
}
