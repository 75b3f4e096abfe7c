//! The console: pages for operators behind a sign-in, drawn by the `console` crate.
//!
//! `session` says who asks, `frame` draws what stands around a page, one file a page for the rest. Every POST carries the
//! session's token; there is no other way to change anything here.

mod act;
mod deliveries;
mod frame;
pub(super) mod invoices;
mod other;
mod privacy;
mod runs;
mod session;

use crate::ctx::Ctx;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use bytes::Bytes;
use tower_http::set_header::SetResponseHeaderLayer;

pub(super) const REGULAR: &[u8] = include_bytes!("../../../assets/fonts/Inter-Regular.ttf");
pub(super) const SEMIBOLD: &[u8] = include_bytes!("../../../assets/fonts/Inter-SemiBold.ttf");

/// The page in place of all others where others can read the line.
pub(super) fn not_safe() -> Response {
    frame::Trouble::not_safe().into_response()
}

/// The pages under `/console`.
pub(super) fn routes() -> Router<Ctx> {
    let pages = Router::new()
        .route("/", get(|| async { axum::response::Redirect::to("/console/deliveries") }))
        .route("/sign-in", get(session::show_sign_in).post(session::sign_in))
        .route("/sign-ins", get(session::sign_ins))
        .route("/sign-out", post(session::sign_out))
        .route("/organisation", post(session::choose_organisation))
        .route("/preferences", post(session::set_preferences))
        .route("/statement", post(session::accept_statement))
        .route("/search", post(invoices::search))
        .route("/deliveries", get(deliveries::show))
        .route("/deliveries/act", post(act::act))
        .route("/deliveries/redirect", post(act::redirect))
        .route("/invoices", get(invoices::list))
        .route("/invoices/search", post(invoices::search_name))
        .route("/invoices/{id}", get(invoices::show))
        .route("/invoices/{id}/revoke-link", post(invoices::revoke_link))
        .route("/invoices/{id}/pdf", get(invoices::pdf))
        .route("/invoices/{id}/html", get(invoices::html))
        .route("/invoices/{id}/ehf", get(invoices::ehf))
        .route("/runs", get(runs::list))
        .route("/runs/{id}", get(runs::show))
        .route("/runs/{id}/events", get(runs::events))
        .route("/runs/{id}/start", post(runs::go_on))
        .route("/print", get(other::print_queue))
        .route("/print/pdf", post(other::print_pdf))
        .route("/print/posted", post(other::print_posted))
        .route("/privacy", get(privacy::show))
        .route("/privacy/requests/{id}", get(privacy::show_request))
        .route("/privacy/requests/{id}/sort", post(privacy::sort))
        .route("/privacy/requests/{id}/code", post(privacy::send_code))
        .route("/privacy/requests/{id}/confirm", post(privacy::confirm))
        .route("/privacy/requests/{id}/identify", post(privacy::identify))
        .route("/privacy/requests/{id}/extend", post(privacy::extend))
        .route("/privacy/requests/{id}/grant", post(privacy::grant))
        .route("/privacy/requests/{id}/refuse", post(privacy::refuse))
        .route("/privacy/requests/{id}/package", get(privacy::package))
        .route("/privacy/erasures/look", post(privacy::look))
        .route("/privacy/erasures", post(privacy::erase_customer))
        .route("/privacy/erasures/{id}", get(privacy::show_erasure))
        .route("/privacy/erasures/{id}/certificate", get(privacy::certificate_pdf))
        .route("/privacy/plans", post(privacy::make_plan))
        .route("/privacy/plans/{id}", get(privacy::show_plan))
        .route("/privacy/plans/{id}/run", post(privacy::run_plan))
        .route("/privacy/plans/{id}/approve", post(privacy::approve))
        .route("/webhooks", get(other::webhooks))
        .route("/webhooks/{id}/enable", post(other::enable_webhook))
        .route("/webhooks/{id}/replay", post(other::replay_webhook));
    let policy = HeaderValue::from_static(console::CONTENT_SECURITY_POLICY);
    let name = HeaderName::from_static("content-security-policy");
    // Put on here, inside: the service's own layer leaves it alone.
    pages.merge(assets()).layer(SetResponseHeaderLayer::if_not_present(name, policy))
}

/// A file that is the same for everybody.
pub(super) fn file(kind: &'static str, bytes: impl Into<Bytes>) -> MethodRouter<Ctx> {
    let bytes = bytes.into();
    get(move || async move {
        let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=3600")];
        (headers, bytes).into_response()
    })
}

fn assets() -> Router<Ctx> {
    Router::new()
        .route("/assets/console.css", file("text/css; charset=utf-8", console::CSS.as_bytes()))
        .route("/assets/console.js", file("text/javascript; charset=utf-8", console::JS.as_bytes()))
        .route("/assets/icon.svg", file("image/svg+xml", console::ICON.as_bytes()))
        .route("/assets/Inter-Regular.ttf", file("font/ttf", REGULAR))
        .route("/assets/Inter-SemiBold.ttf", file("font/ttf", SEMIBOLD))
}
