//! The published privacy statement, for everybody: as a page, as a PDF, and its cookies by themselves.

use super::form::{browser_language, language_of};
use crate::ctx::Ctx;
use crate::privacy::{request, statement};
use crate::services::{Error, Kind};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use domain::customer::Language;
use render::paper::{self, Paper};
use serde::Deserialize;
use uuid::Uuid;

/// The pages under `/privacy`.
pub(super) fn routes() -> Router<Ctx> {
    Router::new()
        .route("/privacy", get(only))
        .route("/privacy/packages/{token}", get(package))
        .route("/privacy/{org}", get(page))
        .route("/privacy/{org}/pdf", get(pdf))
        .route("/privacy/{org}/cookies", get(cookies))
        .merge(super::ask_form::routes())
}

/// Which version, in which language.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    language: Option<String>,
    version: Option<i64>,
}

/// The same in bokmål and nynorsk.
const ASK: &str = "Spør oss, eller be om innsyn, retting eller sletting";

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

/// What is held of somebody, for whoever has the link.
async fn package(State(ctx): State<Ctx>, Path(token): Path<String>) -> Result<Response, Missing> {
    let zip = request::fetch_link(&ctx, &token).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/zip"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"data.zip\""),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((headers, zip).into_response())
}

/// The statement of the one organisation there is.
async fn only(State(ctx): State<Ctx>) -> Result<Response, Missing> {
    let org = statement::only_organisation(&ctx).await?;
    Ok(Redirect::to(&format!("/privacy/{org}")).into_response())
}

/// What is shown of a statement.
#[derive(Clone, Copy)]
enum Part {
    Whole,
    Cookies,
}

async fn find(ctx: &Ctx, org: &str, asked: &Asked, headers: &HeaderMap, part: Part) -> Result<Paper, Missing> {
    let org = Uuid::try_parse(org).map_err(|_| Missing)?;
    let mut found = statement::published(ctx, org, asked.version).await?;
    let language = asked.language.as_deref().and_then(language_of).unwrap_or_else(|| browser_language(headers));
    let texts = match part {
        Part::Whole => &mut found.texts,
        Part::Cookies => &mut found.cookies,
    };
    texts.remove(language.as_str()).ok_or(Missing)
}

async fn page(
    State(ctx): State<Ctx>,
    Path(org): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Missing> {
    let paper = find(&ctx, &org, &asked, &headers, Part::Whole).await?;
    let language = paper.language;
    let say = |words: [&'static str; 3]| match language {
        Language::Bokmal => words[0],
        Language::Nynorsk => words[1],
        Language::English => words[2],
    };
    let to = |part: &str| format!("/privacy/{org}/{part}?language={}", language.as_str());
    let ask = [ASK, ASK, "Ask us, or for access, correction or erasure"];
    let links = [
        (say(ask), to("request")),
        (say(["Informasjonskapsler", "Informasjonskapslar", "Cookies"]), to("cookies")),
        (say(["Last ned som PDF", "Last ned som PDF", "Download as PDF"]), to("pdf")),
    ];
    Ok(Html(paper::html_with(&paper, &links)?).into_response())
}

async fn cookies(
    State(ctx): State<Ctx>,
    Path(org): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Missing> {
    Ok(Html(paper::html(&find(&ctx, &org, &asked, &headers, Part::Cookies).await?)?).into_response())
}

async fn pdf(
    State(ctx): State<Ctx>,
    Path(org): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Missing> {
    let paper = find(&ctx, &org, &asked, &headers, Part::Whole).await?;
    // Drawing keeps a thread busy: not one that others wait for.
    let drawn = tokio::task::spawn_blocking(move || statement::pdf(&paper)).await;
    let bytes = drawn.map_err(|_| Missing)??;
    Ok(([(header::CONTENT_TYPE, "application/pdf")], bytes).into_response())
}
