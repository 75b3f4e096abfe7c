//! The form beside the statement, under which anybody asks without signing in: no cookie, no script needed, no address of ours in
//! it but its own.

use super::form::{LARGEST_FORM, browser_language, field, fields, language_of};
use crate::ctx::Ctx;
use crate::privacy::request::{self, FormRefused, FromForm};
use crate::services::{Actor, organisation};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use console::{AskFormView, FormSaid};
use domain::customer::Language;
use serde::Deserialize;
use tower_http::set_header::SetResponseHeaderLayer;
use uuid::Uuid;

/// The form under `/privacy`.
pub(super) fn routes() -> Router<Ctx> {
    let header = |name: &'static str, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    Router::new()
        .route("/privacy/{org}/request", get(show).post(send))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(header("content-security-policy", console::CONTENT_SECURITY_POLICY))
        .layer(header("x-robots-tag", "noindex"))
}

/// In which language.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    language: Option<String>,
}

/// There is no such organisation, or the form cannot be shown.
struct Missing(StatusCode);

impl IntoResponse for Missing {
    fn into_response(self) -> Response {
        (self.0, "there is no form here\n").into_response()
    }
}

fn failed(error: &impl std::fmt::Display) -> Missing {
    tracing::error!(error = %error, "the form for requests could not be shown");
    Missing(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The form for an organisation there is.
async fn form(ctx: &Ctx, org: &str, language: Language) -> Result<(Uuid, AskFormView), Missing> {
    let id = Uuid::try_parse(org).map_err(|_| Missing(StatusCode::NOT_FOUND))?;
    let found = organisation::name_and_address(ctx, &Actor::job(id)).await.map_err(|e| failed(&e))?;
    let (name, email) = found.ok_or(Missing(StatusCode::NOT_FOUND))?;
    let view = AskFormView {
        organisation: name,
        email,
        path: format!("/privacy/{id}/request"),
        statement: format!("/privacy/{id}?language={}", language.as_str()),
        language,
        now: ctx.now(),
        token: request::form_token(ctx, id),
        said: None,
        typed: Default::default(),
    };
    Ok((id, view))
}

fn page(status: StatusCode, view: &AskFormView) -> Result<Response, Missing> {
    let page = console::ask_form(view).map_err(|e| failed(&e))?;
    Ok((status, Html(page)).into_response())
}

async fn show(
    State(ctx): State<Ctx>,
    Path(org): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Missing> {
    let language = asked.language.as_deref().and_then(language_of).unwrap_or_else(|| browser_language(&headers));
    let (_, view) = form(&ctx, &org, language).await?;
    page(StatusCode::OK, &view)
}

async fn send(
    State(ctx): State<Ctx>,
    Path(org): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Missing> {
    let fields = fields(&body);
    let get = |name: &str| field(&fields, name).unwrap_or_default().to_owned();
    let language = language_of(&get("language")).unwrap_or_else(|| browser_language(&headers));
    let (id, mut view) = form(&ctx, &org, language).await?;
    let typed =
        FromForm { kind: get("kind"), name: get("name"), reach: get("reach"), text: get("text"), token: get("csrf") };
    let (status, said) = match request::ask_by_form(&ctx, id, &typed).await.map_err(|e| failed(&e))? {
        Ok(taken) => (StatusCode::OK, FormSaid::Sent { case: taken.id, due_on: taken.due_on }),
        Err(FormRefused::Incomplete) => (StatusCode::UNPROCESSABLE_ENTITY, FormSaid::Incomplete),
        Err(FormRefused::Stale) => (StatusCode::FORBIDDEN, FormSaid::Stale),
        Err(FormRefused::TooMany) => (StatusCode::TOO_MANY_REQUESTS, FormSaid::TooMany),
    };
    if status != StatusCode::OK {
        view.typed = [typed.kind, typed.name, typed.reach, typed.text];
    }
    view.said = Some(said);
    page(status, &view)
}
