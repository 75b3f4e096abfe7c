//! Routes, limits and headers around them.

use super::problem::Failure;
use super::{api, efaktura, peer};
use crate::ctx::Ctx;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa_swagger_ui::{Config as SwaggerConfig, SwaggerUi};

/// The OpenAPI document, from the code.
pub fn openapi_json() -> anyhow::Result<String> {
    Ok(api::document().to_pretty_json()?)
}

fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        PrometheusBuilder::new()
            .install_recorder()
            .unwrap_or_else(|_| PrometheusBuilder::new().build_recorder().handle())
    })
}

/// Everything that is served.
pub fn router(ctx: Ctx) -> Router {
    recorder();
    let limit = ctx.config.limits.body_bytes;
    let seconds = Duration::from_secs(ctx.config.limits.request_seconds);
    let header = |name: &'static str, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    // The page asks nobody else: without "none" it would tell a validator our address (decision 17).
    let docs = SwaggerUi::new("/docs")
        .config(SwaggerConfig::default().validator_url("none"))
        .url("/openapi.json", api::document());
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(|| async { recorder().render() }))
        .merge(efaktura::routes())
        .nest("/api/v1", api::routes(&ctx).0)
        .nest("/console", super::console::routes())
        .merge(super::payer::routes())
        .merge(super::privacy::routes())
        .route("/", get(|| async { axum::response::Redirect::to("/console/deliveries") }))
        .merge(docs)
        .fallback(|| async { Failure::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address") })
        .layer(DefaultBodyLimit::max(limit))
        .layer(middleware::from_fn_with_state(ctx.clone(), peer::know))
        .layer(middleware::from_fn(observe))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, seconds))
        .layer(CatchPanicLayer::custom(|_| {
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "something went wrong on our side")
                .into_response()
        }))
        .layer(header("x-content-type-options", "nosniff"))
        .layer(header("referrer-policy", "no-referrer"))
        .layer(header("cache-control", "no-store"))
        .layer(header(
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
             connect-src 'self'; frame-ancestors 'none'",
        ))
        .with_state(ctx)
}

async fn ready(State(ctx): State<Ctx>) -> Response {
    match ctx.db.ping().await {
        Ok(()) => "ready\n".into_response(),
        Err(_) => Failure::new(StatusCode::SERVICE_UNAVAILABLE, "database_away", "the database does not answer")
            .into_response(),
    }
}

/// Counts and times requests by route, never by address: ids do not become metric names.
async fn observe(request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |p| p.as_str().to_owned());
    let method = request.method().to_string();
    let began = std::time::Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!("reskontro_http_requests_total", "method" => method.clone(), "route" => route.clone(), "status" => status)
        .increment(1);
    metrics::histogram!("reskontro_http_request_seconds", "method" => method, "route" => route).record(began.elapsed());
    if response.headers().get(header::CONTENT_TYPE).is_none() && response.status() == StatusCode::REQUEST_TIMEOUT {
        return Failure::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the request took too long").into_response();
    }
    response
}
