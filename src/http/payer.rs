//! The payer's page under `/i/{token}`: open to whoever has the link, and to the payer alone after a one-time code.
//!
//! A GET changes nothing and sends nothing: scanners of mail open links. Every POST answers with a way back to the page.

use super::console::{REGULAR, SEMIBOLD, file, invoices};
use super::form::{LARGEST_FORM, browser_language, cookie, field, fields, language_of, set_cookie};
use super::peer::Peer;
use crate::ctx::{Ctx, same};
use crate::privacy::cookies::{Cookie, PAYER, PAYER_FORM};
use crate::privacy::reading;
use crate::privacy::request::{self, RequestView};
use crate::services::delivery::TimelineEvent;
use crate::services::payer::{self, CodeSent, Door, Link, Opened, Page};
use crate::services::{Actor, Error, user};
use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use console::{AskedState, PayerDoor, PayerInvoice, PayerSaid, PayerSeller, PayerView};
use domain::customer::Language;
use std::collections::HashMap;
use tower_http::set_header::SetResponseHeaderLayer;
use uuid::Uuid;

/// The pages under `/i`.
pub(super) fn routes() -> Router<Ctx> {
    let header = |name: &'static str, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    Router::new()
        .route("/i/{token}", get(show))
        .route("/i/{token}/code", post(send_code))
        .route("/i/{token}/open", post(open))
        .route("/i/{token}/pdf", get(pdf))
        .route("/i/{token}/close", post(close))
        .route("/i/{token}/request", post(ask))
        .route("/i/{token}/requests/{id}", get(answer))
        .route("/i/assets/payer.css", file("text/css; charset=utf-8", console::payer_css()))
        .route("/i/assets/payer.js", file("text/javascript; charset=utf-8", console::PAYER_JS))
        .route("/i/assets/Inter-Regular.ttf", file("font/ttf", REGULAR))
        .route("/i/assets/Inter-SemiBold.ttf", file("font/ttf", SEMIBOLD))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(header("content-security-policy", console::CONTENT_SECURITY_POLICY))
        .layer(header("x-robots-tag", "noindex"))
}

/// Why there is no page.
enum Trouble {
    /// The link is unknown, expired or revoked: which is not said.
    Dead(Language),
    /// Nobody signs in from this address now.
    Blocked(Language, Option<i64>),
    /// Our own fault.
    Internal,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        tracing::error!(error = %error, "a payer's page could not be made");
        Self::Internal
    }
}

impl From<console::ConsoleError> for Trouble {
    fn from(error: console::ConsoleError) -> Self {
        tracing::error!(error = %error, "a payer's page could not be drawn");
        Self::Internal
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let (status, page) = match self {
            Self::Dead(language) => (StatusCode::NOT_FOUND, console::payer_dead(language)),
            Self::Blocked(language, Some(minutes)) => {
                let minutes = u64::try_from(minutes).unwrap_or(1);
                (StatusCode::TOO_MANY_REQUESTS, console::payer_rests(language, minutes))
            }
            Self::Blocked(language, None) => (StatusCode::FORBIDDEN, console::payer_blocked(language)),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, console::payer_trouble(Language::default())),
        };
        (status, Html(page.unwrap_or_default())).into_response()
    }
}

type Token = Result<Path<String>, PathRejection>;

/// Somebody with a link that works.
struct Visit {
    link: Link,
    path: String,
    session: Option<String>,
}

async fn visit(ctx: &Ctx, token: Token, headers: &HeaderMap, language: Option<Language>) -> Result<Visit, Trouble> {
    let token = token.map(|Path(token)| token).unwrap_or_default();
    let found = payer::find(ctx, &token).await?;
    let link = found.ok_or_else(|| Trouble::Dead(language.unwrap_or_else(|| browser_language(headers))))?;
    let session = held(ctx, headers, &PAYER).filter(|s| !s.is_empty());
    Ok(Visit { link, path: format!("/i/{token}"), session })
}

fn held(ctx: &Ctx, headers: &HeaderMap, kind: &Cookie) -> Option<String> {
    cookie(headers, &format!("{}{}", kind.prefix(&ctx.config), kind.name()))
}

/// Adds a cookie that goes to payers' pages alone.
fn give_cookie(ctx: &Ctx, response: &mut Response, kind: &Cookie, value: &str) {
    let secure = if ctx.config.payer.is_https() { "; Secure" } else { "" };
    let rest = format!("Path=/i/; SameSite=Lax{secure}");
    response.headers_mut().append(header::SET_COOKIE, set_cookie(kind, kind.prefix(&ctx.config), value, &rest));
}

fn seller(page: &Page) -> PayerSeller {
    let seller = &page.document.seller;
    let data_url = |bytes: &Vec<u8>| {
        let kind = if bytes.starts_with(&[0xff, 0xd8]) { "jpeg" } else { "png" };
        format!("data:image/{kind};base64,{}", STANDARD.encode(bytes))
    };
    PayerSeller {
        name: seller.name.clone(),
        org_number: seller.org_number.clone().map(String::from),
        email: seller.email.clone(),
        phone: seller.phone.clone(),
        logo: page.logo.as_ref().map(data_url),
    }
}

/// What payers are told of what happened: how it came to them and what was paid, not how we tried.
fn events(all: &[TimelineEvent], notes: &HashMap<Uuid, i64>) -> Vec<console::Event> {
    let told = all.iter().filter(|e| match e.what {
        "issued" | "delivered" | "posted" | "credited" | "due" => true,
        "delivery_attempt" => e.detail.as_deref() == Some("delivered"),
        "payment" => e.detail.as_deref() != Some("small_difference"),
        _ => false,
    });
    let number = |note: Uuid| notes.get(&note).copied().unwrap_or_default();
    told.filter_map(|e| invoices::shown(e, number)).map(|e| console::Event { detail: None, why: None, ..e }).collect()
}

/// The view; what the code opens is in it only when the door is.
fn view(ctx: &Ctx, visit: &Visit, page: &Page, requests: Vec<RequestView>, asked: &Asked, csrf: String) -> PayerView {
    let document = &page.document;
    let door = match &page.door {
        Door::NoAddress => PayerDoor::NoAddress,
        Door::Closed { masked, tries_left } => PayerDoor::Closed {
            masked: masked.clone(),
            tries_left: tries_left.and_then(|left| u64::try_from(left).ok()),
        },
        Door::Open { events: all, notes } => PayerDoor::Open(Box::new(PayerInvoice {
            name: document.buyer.name.clone(),
            number: document.number,
            lines: invoices::lines(document),
            vat: invoices::vat(document),
            net: document.totals.net,
            events: events(all, notes),
            requests: requests.into_iter().map(asked_before).collect(),
        })),
    };
    PayerView {
        path: visit.path.clone(),
        language: asked.language.unwrap_or(document.language),
        now: ctx.now(),
        csrf,
        said: asked.said,
        seller: seller(page),
        kind: document.kind,
        total: document.totals.total,
        remaining: page.remaining,
        credited: page.credited,
        due_on: document.due_on,
        kid: document.kid.clone(),
        account: document.seller.account.to_string(),
        privacy: page.privacy.clone(),
        door,
    }
}

/// What the address asks for.
struct Asked {
    language: Option<Language>,
    said: Option<PayerSaid>,
}

impl Asked {
    fn of(uri: &Uri) -> Self {
        let fields = fields(uri.query().unwrap_or_default().as_bytes());
        Self {
            language: field(&fields, "language").and_then(language_of),
            said: field(&fields, "said").and_then(PayerSaid::parse),
        }
    }
}

/// Logs that whoever has the link saw what the code opens.
async fn read(ctx: &Ctx, link: &Link, action: &'static str) -> Result<(), Error> {
    reading::note(ctx, &Actor::link(link.org, link.id), action, link.customer_id).await
}

/// The page.
async fn show(State(ctx): State<Ctx>, token: Token, uri: Uri, headers: HeaderMap) -> Result<Response, Trouble> {
    let asked = Asked::of(&uri);
    let visit = visit(&ctx, token, &headers, asked.language).await?;
    let page = payer::show(&ctx, &visit.link, visit.session.as_deref()).await?;
    if matches!(page.door, Door::Open { .. }) {
        read(&ctx, &visit.link, "invoice.get").await?;
    }
    let requests = request::of_payer(&ctx, &visit.link, visit.session.as_deref()).await?;
    let form = held(&ctx, &headers, &PAYER_FORM).unwrap_or_else(|| user::new_token(&ctx));
    let csrf = payer::form_token(&ctx, &form, &visit.link);
    let mut response = Html(console::payer(&view(&ctx, &visit, &page, requests, &asked, csrf))?).into_response();
    give_cookie(&ctx, &mut response, &PAYER_FORM, &form);
    Ok(response)
}

/// A form of the page, sent from the browser it was shown in.
struct Posted {
    visit: Visit,
    language: Option<Language>,
    fields: Vec<(String, String)>,
    is_ours: bool,
}

impl Posted {
    async fn read(ctx: &Ctx, token: Token, headers: &HeaderMap, body: &[u8]) -> Result<Self, Trouble> {
        let fields = fields(body);
        let language = field(&fields, "language").and_then(language_of);
        let visit = visit(ctx, token, headers, language).await?;
        let form = held(ctx, headers, &PAYER_FORM).unwrap_or_default();
        let wanted = payer::form_token(ctx, &form, &visit.link);
        let given = field(&fields, "csrf").unwrap_or_default();
        let is_ours = !form.is_empty() && same(given.as_bytes(), wanted.as_bytes());
        Ok(Self { visit, language, fields, is_ours })
    }

    /// Back to the page, with what is to be said there.
    fn back(&self, said: Option<PayerSaid>) -> Response {
        let language = self.language.map(|l| format!("language={}", l.as_str()));
        let said = said.map(|s| format!("said={}", s.as_str()));
        let query: Vec<String> = [language, said].into_iter().flatten().collect();
        let mark = if query.is_empty() { "" } else { "?" };
        Redirect::to(&format!("{}{mark}{}", self.visit.path, query.join("&"))).into_response()
    }
}

/// Sends a code to the address on file.
async fn send_code(State(ctx): State<Ctx>, token: Token, headers: HeaderMap, body: Bytes) -> Result<Response, Trouble> {
    let posted = Posted::read(&ctx, token, &headers, &body).await?;
    if !posted.is_ours {
        return Ok(posted.back(Some(PayerSaid::Form)));
    }
    let said = match payer::send_code(&ctx, &posted.visit.link, posted.language).await? {
        CodeSent::Sent => PayerSaid::Sent,
        CodeSent::Away => PayerSaid::Away,
        CodeSent::TooMany => PayerSaid::TooMany,
        CodeSent::Refused => PayerSaid::Refused,
    };
    Ok(posted.back(Some(said)))
}

/// Takes a code.
async fn open(
    State(ctx): State<Ctx>,
    token: Token,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Trouble> {
    let posted = Posted::read(&ctx, token, &headers, &body).await?;
    if !posted.is_ours {
        return Ok(posted.back(Some(PayerSaid::Form)));
    }
    let typed = field(&posted.fields, "code").unwrap_or_default();
    Ok(match payer::open(&ctx, &posted.visit.link, typed, peer.address).await? {
        Opened::Session(session) => {
            let mut response = posted.back(None);
            give_cookie(&ctx, &mut response, &PAYER, &session);
            response
        }
        Opened::Wrong => posted.back(Some(PayerSaid::Wrong)),
        Opened::Dead => posted.back(Some(PayerSaid::Dead)),
        Opened::Blocked(minutes) => {
            let language = posted.language.unwrap_or_else(|| browser_language(&headers));
            return Err(Trouble::Blocked(language, minutes));
        }
    })
}

/// The PDF as it was stored; without a session the way back to the page.
async fn pdf(State(ctx): State<Ctx>, token: Token, headers: HeaderMap) -> Result<Response, Trouble> {
    let visit = visit(&ctx, token, &headers, None).await?;
    let Some((number, bytes)) = payer::pdf(&ctx, &visit.link, visit.session.as_deref()).await? else {
        return Ok(Redirect::to(&visit.path).into_response());
    };
    read(&ctx, &visit.link, "invoice.pdf").await?;
    let name = format!("attachment; filename=\"{number}.pdf\"");
    Ok(([(header::CONTENT_TYPE, "application/pdf".to_owned()), (header::CONTENT_DISPOSITION, name)], bytes)
        .into_response())
}

/// A request as the payer sees it.
fn asked_before(r: RequestView) -> console::Asked {
    let granted = r.decision.as_deref() == Some("granted");
    let on = r.closed_at.map_or(r.due_on, |at| at.with_timezone(&chrono_tz::Europe::Oslo).date_naive());
    console::Asked {
        id: r.id,
        package: granted && r.closed_at.is_some() && matches!(r.kind.as_str(), "access" | "portability"),
        kind: r.kind,
        received_on: r.received_on,
        due_on: r.due_on,
        state: match r.closed_at {
            None => AskedState::Waits,
            Some(_) if granted => AskedState::Answered(on),
            Some(_) => AskedState::Refused(on),
        },
    }
}

/// Takes in a request about the payer's data: who asks is known by the code.
async fn ask(State(ctx): State<Ctx>, token: Token, headers: HeaderMap, body: Bytes) -> Result<Response, Trouble> {
    let posted = Posted::read(&ctx, token, &headers, &body).await?;
    if !posted.is_ours {
        return Ok(posted.back(Some(PayerSaid::Form)));
    }
    let get = |name| field(&posted.fields, name).unwrap_or_default();
    let (link, session) = (&posted.visit.link, posted.visit.session.as_deref());
    Ok(match request::ask_as_payer(&ctx, link, session, get("kind"), get("text")).await {
        Ok(Some(_)) => posted.back(Some(PayerSaid::Asked)),
        Ok(None) => posted.back(None),
        Err(Error::Refused(_)) => posted.back(Some(PayerSaid::NotAsked)),
        Err(error) => return Err(error.into()),
    })
}

type Answer = Result<Path<(String, String)>, PathRejection>;

/// The answer to a request of the payer's own; without a session the way back to the page.
async fn answer(State(ctx): State<Ctx>, path: Answer, headers: HeaderMap) -> Result<Response, Trouble> {
    let (token, id) = path.map(|Path(both)| both).unwrap_or_default();
    let visit = visit(&ctx, Ok(Path(token)), &headers, None).await?;
    let id = Uuid::try_parse(&id).unwrap_or_default();
    let language = browser_language(&headers);
    let zip = request::package_for_payer(&ctx, &visit.link, visit.session.as_deref(), id, language).await?;
    let Some(zip) = zip else { return Ok(Redirect::to(&visit.path).into_response()) };
    let name = "attachment; filename=\"data.zip\"";
    Ok(([(header::CONTENT_TYPE, "application/zip"), (header::CONTENT_DISPOSITION, name)], zip).into_response())
}

/// Closes the page before its time.
async fn close(State(ctx): State<Ctx>, token: Token, headers: HeaderMap, body: Bytes) -> Result<Response, Trouble> {
    let posted = Posted::read(&ctx, token, &headers, &body).await?;
    if !posted.is_ours {
        return Ok(posted.back(Some(PayerSaid::Form)));
    }
    if let Some(session) = &posted.visit.session {
        payer::close(&ctx, &posted.visit.link, session).await?;
    }
    let mut response = posted.back(Some(PayerSaid::Closed));
    give_cookie(&ctx, &mut response, &PAYER, "");
    Ok(response)
}
