//! The published privacy statement, for everybody: as a page, as a PDF, and its cookies by themselves.

use super::form::{browser_language, language_of};
use crate::ctx::Ctx;
use crate::privacy::statement;
use crate::services::{Error, Kind};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use domain::customer::Language;
use render::paper::{self, Paper};
use render::privacy::{Statement, cookie_declaration};
use serde::Deserialize;
use uuid::Uuid;

/// The pages under `/privacy`.
pub(super) fn routes() -> Router<Ctx> {
    Router::new()
        .route("/privacy", get(only))
        .route("/privacy/{org}", get(page))
        .route("/privacy/{org}/pdf", get(pdf))
        .route("/privacy/{org}/cookies", get(cookies))
}

/// Which version, in which language.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    language: Option<String>,
    version: Option<i64>,
}

/// There is no such statement.
struct Missing;

impl From<Error> for Missing {
    fn from(error: Error) -> Self {
        if !matches!(&error, Error::Refused(refusal) if refusal.kind == Kind::NotFound) {
            tracing::error!(error = %error, "a privacy statement could not be shown");
        }
        Self
    }
}

impl From<render::RenderError> for Missing {
    fn from(error: render::RenderError) -> Self {
        Error::from(error).into()
    }
}

impl IntoResponse for Missing {
    fn into_response(self) -> Response {
        (StatusCode::NOT_FOUND, "no privacy statement is published here\n").into_response()
    }
}

/// The statement of the one organisation there is.
async fn only(State(ctx): State<Ctx>) -> Result<Response, Missing> {
    let org = statement::only_organisation(&ctx).await?;
    Ok(Redirect::to(&format!("/privacy/{org}")).into_response())
}

async fn find(ctx: &Ctx, org: &str, asked: &Asked, headers: &HeaderMap) -> Result<(Statement, Language), Missing> {
    let org = Uuid::try_parse(org).map_err(|_| Missing)?;
    let found = statement::published(ctx, org, asked.version).await?;
    let language = asked.language.as_deref().and_then(language_of).unwrap_or_else(|| browser_language(headers));
    Ok((found, language))
}

async fn page(
    State(ctx): State<Ctx>,
    Path(org): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Missing> {
    let (found, language) = find(&ctx, &org, &asked, &headers).await?;
    shown(&render::privacy::statement(&found, language))
}

async fn cookies(
    State(ctx): State<Ctx>,
    Path(org): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Missing> {
    let (found, language) = find(&ctx, &org, &asked, &headers).await?;
    shown(&cookie_declaration(&found, language))
}

fn shown(paper: &Paper) -> Result<Response, Missing> {
    Ok(Html(paper::html(paper)?).into_response())
}

async fn pdf(
    State(ctx): State<Ctx>,
    Path(org): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Missing> {
    let (found, language) = find(&ctx, &org, &asked, &headers).await?;
    let bytes = statement::pdf(&found, language)?;
    Ok(([(header::CONTENT_TYPE, "application/pdf")], bytes).into_response())
}
