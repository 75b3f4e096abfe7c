//! Who asks: the session behind a cookie, signing in and out, and the token every form must carry.

use super::frame::{self, Page, Trouble};
use crate::ctx::{Ctx, same};
use crate::http::form::{self, LARGEST_FORM, browser_language, cookie, field, fields};
use crate::http::peer::Peer;
use crate::privacy::acceptance;
use crate::privacy::cookies::{Cookie, FORM, SESSION};
use crate::services::organisation::only_statement_path;
use crate::services::sign_in::{self, SignInView};
use crate::services::user::{self, Refused, Signed};
use axum::extract::{FromRequest, FromRequestParts, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use console::{Frame, SignInError, SignInOutcome, SignInRow, SignInsView};
use serde::Deserialize;
use uuid::Uuid;

fn held(ctx: &Ctx, headers: &HeaderMap, kind: &Cookie) -> Option<String> {
    cookie(headers, &format!("{}{}", kind.prefix(&ctx.config), kind.name()))
}

fn set_cookie(ctx: &Ctx, kind: &Cookie, value: &str) -> HeaderValue {
    let secure = if ctx.config.console.https { "; Secure" } else { "" };
    form::set_cookie(kind, kind.prefix(&ctx.config), value, &format!("Path=/; SameSite=Strict{secure}"))
}

/// Somebody who is signed in, on a page that only shows.
pub(super) struct Visitor {
    pub(super) signed: Signed,
    pub(super) path: String,
    pub(super) token: String,
}

async fn visitor(ctx: &Ctx, headers: &HeaderMap, path: String) -> Result<Visitor, Trouble> {
    let Some(token) = held(ctx, headers, &SESSION) else { return Err(Trouble::SignIn(path)) };
    let signed = user::session(ctx, &token).await?.ok_or_else(|| Trouble::SignIn(path.clone()))?;
    Ok(Visitor { signed, path, token })
}

fn path_of(uri: &axum::http::Uri) -> String {
    // The router strips the prefix it is mounted under.
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    if path.starts_with("/console") { path.to_owned() } else { format!("/console{path}") }
}

impl FromRequestParts<Ctx> for Visitor {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, ctx: &Ctx) -> Result<Self, Trouble> {
        visitor(ctx, &parts.headers, path_of(&parts.uri)).await
    }
}

/// A form somebody signed in has sent, its token checked.
pub(super) struct Posted {
    pub(super) visitor: Visitor,
    fields: Vec<(String, String)>,
}

impl Posted {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        field(&self.fields, name)
    }

    pub(super) fn ids(&self, name: &str) -> Vec<Uuid> {
        let all = self.fields.iter().filter(|(n, _)| n == name);
        all.filter_map(|(_, v)| Uuid::try_parse(v).ok()).take(500).collect()
    }

    /// A path of this service to go back to.
    pub(super) fn back(&self, otherwise: &str) -> String {
        own_path(self.get("return_to").unwrap_or(otherwise), otherwise)
    }
}

/// A path of ours; anything else could lead somebody away.
fn own_path(path: &str, otherwise: &str) -> String {
    let ours = path.starts_with("/console/") && !path.contains(['\\', '\r', '\n']) && !path.contains("//");
    if ours { path.to_owned() } else { otherwise.to_owned() }
}

async fn read(request: Request) -> Result<Bytes, Trouble> {
    axum::body::to_bytes(request.into_body(), LARGEST_FORM).await.map_err(|_| Trouble::NotFound)
}

impl FromRequest<Ctx> for Posted {
    type Rejection = Trouble;

    async fn from_request(request: Request, ctx: &Ctx) -> Result<Self, Trouble> {
        let visitor = visitor(ctx, request.headers(), "/console/deliveries".to_owned()).await?;
        let fields = fields(&read(request).await?);
        let given = field(&fields, "csrf").unwrap_or_default();
        if !same(given.as_bytes(), visitor.signed.csrf.as_bytes()) {
            return Err(Trouble::SignIn(visitor.path));
        }
        Ok(Self { visitor, fields })
    }
}

#[derive(Deserialize)]
pub(super) struct Next {
    next: Option<String>,
    expired: Option<String>,
}

/// The page to sign in on.
pub(super) async fn show_sign_in(
    State(ctx): State<Ctx>,
    headers: HeaderMap,
    Query(query): Query<Next>,
) -> Result<Response, Trouble> {
    let error = query.expired.map(|_| SignInError::Expired);
    let next = own_path(query.next.as_deref().unwrap_or_default(), "/console/deliveries");
    sign_in_page(&ctx, &headers, &console::SignInView { user: String::new(), error, next }, StatusCode::OK).await
}

async fn sign_in_page(
    ctx: &Ctx,
    headers: &HeaderMap,
    view: &console::SignInView,
    status: StatusCode,
) -> Result<Response, Trouble> {
    let form = held(ctx, headers, &FORM).unwrap_or_else(|| user::new_token(ctx));
    let frame = Frame {
        privacy: only_statement_path(ctx).await?,
        ..frame::bare(ctx, browser_language(headers), user::form_token(ctx, &form))
    };
    let page = console::sign_in(view, &frame)?;
    let mut response = (status, axum::response::Html(page)).into_response();
    response.headers_mut().append(header::SET_COOKIE, set_cookie(ctx, &FORM, &form));
    Ok(response)
}

/// Lets somebody in.
pub(super) async fn sign_in(
    State(ctx): State<Ctx>,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Trouble> {
    let fields = fields(&body);
    let get = |name: &str| field(&fields, name).unwrap_or_default();
    let next = own_path(get("next"), "/console/deliveries");
    let again = async |error, status| {
        let view = console::SignInView { user: get("user").to_owned(), error: Some(error), next: next.clone() };
        sign_in_page(&ctx, &headers, &view, status).await
    };
    let form = held(&ctx, &headers, &FORM).unwrap_or_default();
    if form.is_empty() || !same(get("csrf").as_bytes(), user::form_token(&ctx, &form).as_bytes()) {
        return again(SignInError::Expired, StatusCode::FORBIDDEN).await;
    }
    let token = match user::sign_in(&ctx, get("user"), get("password"), peer.address).await? {
        Ok(token) => token,
        Err(Refused::Wrong) => return again(SignInError::Wrong, StatusCode::FORBIDDEN).await,
        Err(Refused::Resting(minutes)) => {
            let minutes = u64::try_from(minutes).unwrap_or(1);
            return again(SignInError::TooMany(minutes), StatusCode::TOO_MANY_REQUESTS).await;
        }
        Err(Refused::Blocked(Some(minutes))) => {
            let minutes = u64::try_from(minutes).unwrap_or(1);
            return again(SignInError::AddressRests(minutes), StatusCode::TOO_MANY_REQUESTS).await;
        }
        Err(Refused::Blocked(None)) => return again(SignInError::AddressBlocked, StatusCode::FORBIDDEN).await,
    };
    let mut response = Redirect::to(&next).into_response();
    response.headers_mut().append(header::SET_COOKIE, set_cookie(&ctx, &SESSION, &token));
    Ok(response)
}

/// The newest attempts to sign in to one's own account.
pub(super) async fn sign_ins(State(ctx): State<Ctx>, visitor: Visitor) -> Page {
    let frame = frame::around_all(&ctx, &visitor).await?;
    let row = |a: SignInView| SignInRow {
        at: a.at,
        address: a.address,
        outcome: match a.outcome.as_str() {
            "let_in" => SignInOutcome::LetIn,
            "resting" => SignInOutcome::Rested,
            _ => SignInOutcome::Wrong,
        },
    };
    let rows = sign_in::list(&ctx, visitor.signed.user).await?.into_iter().map(row).collect();
    Ok(axum::response::Html(console::sign_ins(&SignInsView { rows }, &frame)?).into_response())
}

/// Ends the session.
pub(super) async fn sign_out(State(ctx): State<Ctx>, posted: Posted) -> Result<Response, Trouble> {
    user::sign_out(&ctx, &posted.visitor.token).await?;
    let mut response = Redirect::to("/console/sign-in").into_response();
    response.headers_mut().append(header::SET_COOKIE, set_cookie(&ctx, &SESSION, ""));
    Ok(response)
}

/// Chooses the organisation to act for.
pub(super) async fn choose_organisation(State(ctx): State<Ctx>, posted: Posted) -> Page {
    let id = posted.get("organisation_id").and_then(|t| Uuid::try_parse(t).ok()).ok_or(Trouble::NotFound)?;
    user::choose_organisation(&ctx, &posted.visitor.token, id).await?;
    // A page of one organisation is not there in another.
    Ok(Redirect::to("/console/deliveries").into_response())
}

/// Records that the user has seen and accepted a version of the privacy statement: whoever looks may.
pub(super) async fn accept_statement(State(ctx): State<Ctx>, posted: Posted) -> Page {
    let signed = &posted.visitor.signed;
    let actor = signed.actor(false)?;
    let version = posted.get("version").and_then(|v| v.parse().ok()).ok_or(Trouble::NotFound)?;
    acceptance::accept(&ctx, &actor, version, signed.user, "console").await?;
    Ok(Redirect::to(&posted.back("/console/deliveries")).into_response())
}

/// Chooses language and theme.
pub(super) async fn set_preferences(State(ctx): State<Ctx>, posted: Posted) -> Page {
    let signed = &posted.visitor.signed;
    let language = posted.get("language").unwrap_or_else(|| signed.language.as_str());
    let theme = posted.get("theme").unwrap_or(&signed.theme);
    user::set_preferences(&ctx, signed.user, language, theme).await?;
    Ok(Redirect::to(&posted.back("/console/deliveries")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_away() {
        assert_eq!(own_path("/console/runs?after=1", "x"), "/console/runs?after=1");
        for bad in ["", "https://evil.example", "//evil.example", "/console//evil.example", "/console/\\evil", "/api"] {
            assert_eq!(own_path(bad, "x"), "x", "{bad}");
        }
    }
}
