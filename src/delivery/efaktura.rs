//! The eFaktura gateway over HTTPS, by the contract of `docs/efaktura.md`.

use super::http::{client, line_fault, path_part, retry_after, words};
use super::webhook_signature;
use crate::ports::{
    BeforeHandover, Carrier, ConsumerAnswer, ConsumerQuery, Efaktura, EfakturaEvent, EfakturaRequest, Fault, FeedPage,
    Handed, Issuer, Parcel, Pending, Sent, Session, Standing, Told,
};
use base64::Engine;
use chrono::{DateTime, Utc};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

/// How to reach the gateway.
#[derive(Clone)]
pub struct EfakturaSettings {
    /// Its address, without a slash at the end.
    pub base_url: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: String,
    /// Secrets of its webhook.
    pub webhook_secrets: Vec<String>,
    /// A private certificate authority in PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Given up after so long a silence.
    pub timeout: Duration,
}

/// Seconds a token is given up before its end.
const TOKEN_MARGIN: Duration = Duration::from_mins(1);
const SCOPES: &str = "consumer:lookup invoice:write invoice:read issuer:write";

struct Line {
    settings: EfakturaSettings,
    client: Client,
    token: Mutex<Option<(String, Instant)>>,
}

/// The gateway.
pub struct EfakturaGateway(Arc<Line>);

impl EfakturaGateway {
    /// A gateway.
    pub fn new(settings: EfakturaSettings) -> Result<Self, Fault> {
        let client = client(settings.ca_pem.as_deref(), settings.timeout)?;
        Ok(Self(Arc::new(Line { settings, client, token: Mutex::new(None) })))
    }
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    expires_in: u64,
}

/// A problem document; what is left out is empty.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    detail: String,
    title: String,
    /// The existing document, where the number is known already.
    id: Option<String>,
    /// What is wrong with which field.
    errors: Vec<ProblemField>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProblemField {
    field: String,
    code: String,
}

#[derive(Deserialize)]
struct InvoiceView {
    id: String,
    status: String,
    #[serde(default)]
    sequence: i64,
    reason: Option<String>,
}

impl InvoiceView {
    fn told(self) -> Told {
        Told {
            standing: standing(&self.status, self.reason.as_deref()),
            provider_ref: Some(self.id),
            seq: self.sequence,
        }
    }
}

/// What a status means. `paid` is for information only: the ledger closes on what the bank reports.
fn standing(status: &str, reason: Option<&str>) -> Standing {
    let no = |fallback: &str| Standing::Rejected(Fault::new(reason.unwrap_or(fallback), ""));
    match status {
        "delivered" | "opened" | "approved" | "paid" | "expired" => Standing::Delivered,
        "rejected" => no("provider_error"),
        "deleted_by_consumer" => Standing::Rejected(Fault::new("deleted_by_consumer", "")),
        "cancelled" => Standing::TakenBack,
        _ => Standing::UnderWay,
    }
}

/// An answer that is no success.
async fn problem(response: Response) -> (StatusCode, Fault, Problem) {
    let (status, wait) = (response.status(), retry_after(&response));
    let body = response.bytes().await.unwrap_or_default();
    let found: Problem = serde_json::from_slice(&body).unwrap_or_default();
    let code = if found.code.is_empty() { format!("http_{}", status.as_u16()) } else { found.code.clone() };
    let mut detail = if found.detail.is_empty() { found.title.clone() } else { found.detail.clone() };
    for error in &found.errors {
        detail.push_str(&format!(" {}: {}.", error.field, error.code));
    }
    let fault = Fault { retry_after: wait, ..Fault::new(code, words(&detail)) };
    (status, fault, found)
}

impl Line {
    async fn token(&self, fresh: bool) -> Result<String, Fault> {
        let mut held = self.token.lock().await;
        if let Some((token, until)) = held.as_ref().filter(|_| !fresh)
            && *until > Instant::now()
        {
            return Ok(token.clone());
        }
        let s = &self.settings;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", s.client_id.as_str()),
            ("client_secret", s.client_secret.as_str()),
            ("scope", SCOPES),
        ];
        let sent = self.client.post(format!("{}/oauth/token", s.base_url)).form(&form).send().await;
        let response = sent.map_err(|e| line_fault(&e).0)?;
        if !response.status().is_success() {
            let (_, fault, _) = problem(response).await;
            return Err(Fault { code: format!("token_{}", fault.code), ..fault });
        }
        let token: Token = response.json().await.map_err(|e| line_fault(&e).0)?;
        let until = Instant::now() + Duration::from_secs(token.expires_in).saturating_sub(TOKEN_MARGIN);
        *held = Some((token.access_token.clone(), until));
        Ok(token.access_token)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.settings.base_url))
    }

    /// Sends with a token; one that is refused is renewed once.
    async fn call(&self, make: impl Fn() -> RequestBuilder + Send + Sync) -> Result<Response, (Fault, bool)> {
        for fresh in [false, true] {
            let token = self.token(fresh).await.map_err(|f| (f, true))?;
            let response = make().bearer_auth(token).send().await.map_err(|e| line_fault(&e))?;
            if response.status() != StatusCode::UNAUTHORIZED || fresh {
                return Ok(response);
            }
        }
        Err((Fault::new("not_authorised", "the gateway does not accept our token"), true))
    }

    async fn view(&self, sent: &Sent) -> Result<Option<InvoiceView>, Fault> {
        let path = match &sent.provider_ref {
            Some(id) => format!("/v1/invoices/{}", path_part(id)),
            None => {
                let (issuer, number) = (path_part(&sent.issuer), path_part(&sent.invoice_number));
                format!("/v1/invoices?issuer={issuer}&invoice_number={number}")
            }
        };
        let response = self.call(|| self.request(Method::GET, &path)).await.map_err(|(f, _)| f)?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !response.status().is_success() {
            return Err(problem(response).await.1);
        }
        response.json().await.map(Some).map_err(|e| line_fault(&e).0)
    }

    async fn submit(&self, request: &EfakturaRequest, before: BeforeHandover<'_>) -> Handed {
        let body = body(request);
        // The token first: nothing may stand between the mark and the document.
        if let Err(fault) = self.token(false).await {
            return Handed::Away(fault);
        }
        if let Err(detail) = before().await {
            return Handed::Temporary(Fault::new("not_recorded", detail));
        }
        let key = request.id.to_string();
        let make = || self.request(Method::POST, "/v1/invoices").header("idempotency-key", &key).json(&body);
        let response = match self.call(make).await {
            Ok(response) => response,
            Err((fault, true)) => return Handed::Away(fault),
            Err((fault, false)) => return Handed::Lost(fault),
        };
        if response.status().is_success() {
            return match response.json::<InvoiceView>().await {
                Ok(view) => Handed::HandedOver(Some(view.id)),
                Err(e) => Handed::Lost(line_fault(&e).0),
            };
        }
        let (status, fault, found) = problem(response).await;
        match (status, fault.code.as_str()) {
            // Ours from an earlier life of this delivery: what became of it is asked.
            (StatusCode::CONFLICT, "duplicate_invoice") => Handed::HandedOver(found.id),
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _) => Handed::Away(fault),
            // It may have been taken before this answer: asked about, with the same key.
            (StatusCode::CONFLICT, "in_progress") => Handed::Lost(fault),
            _ if status.is_server_error() => Handed::Lost(fault),
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => Handed::Away(fault),
            _ => Handed::Permanent(fault),
        }
    }

    async fn cancel(&self, sent: &Sent) -> Result<Told, Fault> {
        let told = |standing| Told { standing, provider_ref: sent.provider_ref.clone(), seq: 0 };
        let id = match &sent.provider_ref {
            Some(id) => id.clone(),
            None => match self.view(sent).await? {
                Some(view) => view.id,
                // It never arrived: there is nothing to take back.
                None => return Ok(told(Standing::TakenBack)),
            },
        };
        let path = format!("/v1/invoices/{}/cancel", path_part(&id));
        let key = format!("{}", Uuid::from_u128(!sent.message_id.as_u128()));
        let make =
            || self.request(Method::POST, &path).header("idempotency-key", &key).json(&json!({"reason": "credited"}));
        let response = self.call(make).await.map_err(|(f, _)| f)?;
        if response.status().is_success() {
            return Ok(told(Standing::TakenBack));
        }
        let (status, fault, _) = problem(response).await;
        match (status, fault.code.as_str()) {
            (StatusCode::CONFLICT, "already_cancelled") | (StatusCode::NOT_FOUND, _) => Ok(told(Standing::TakenBack)),
            (StatusCode::CONFLICT, "already_paid" | "too_late") => Ok(told(Standing::TooLate(fault))),
            _ => Err(fault),
        }
    }
}

/// The request as the contract has it.
fn body(request: &EfakturaRequest) -> Value {
    json!({
        "issuer": request.issuer,
        "receiver": {"identifier": request.receiver},
        "invoice_number": request.invoice_number,
        "document_type": "invoice",
        "issue_date": request.issued_on,
        "due_date": request.due_on,
        "amount_ore": request.amount_ore,
        "kid": request.kid,
        "account": request.account,
        "payment": if request.avtalegiro { "avtalegiro" } else { "manual" },
        "specification": {"pdf_base64": base64::engine::general_purpose::STANDARD.encode(&request.pdf)},
    })
}

struct EfakturaSession(Arc<Line>);

impl Session for EfakturaSession {
    fn send<'a>(&'a mut self, parcel: &'a Parcel, before: BeforeHandover<'a>) -> Pending<'a, Handed> {
        Box::pin(async move {
            match parcel {
                Parcel::Efaktura(request) => self.0.submit(request, before).await,
                _ => Handed::Permanent(Fault::new("wrong_channel", "only requests go to the gateway")),
            }
        })
    }

    fn ask<'a>(&'a mut self, sent: &'a Sent) -> Pending<'a, Told> {
        Box::pin(async move {
            match self.0.view(sent).await {
                Ok(Some(view)) => view.told(),
                Ok(None) => Told { standing: Standing::NotThere, provider_ref: None, seq: 0 },
                Err(fault) => Told { standing: Standing::Silent(fault), provider_ref: None, seq: 0 },
            }
        })
    }

    fn take_back<'a>(&'a mut self, sent: &'a Sent) -> Pending<'a, Told> {
        Box::pin(async move {
            self.0.cancel(sent).await.unwrap_or_else(|fault| Told {
                standing: Standing::Silent(fault),
                provider_ref: None,
                seq: 0,
            })
        })
    }
}

impl Carrier for EfakturaGateway {
    fn session(&self) -> Box<dyn Session> {
        Box::new(EfakturaSession(self.0.clone()))
    }

    fn can_ask(&self) -> bool {
        true
    }
}

#[derive(Deserialize)]
struct Answers {
    results: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "ref")]
    reference: Uuid,
    outcome: String,
    identifier: Option<String>,
}

impl Answer {
    fn understood(self) -> Option<(Uuid, ConsumerAnswer)> {
        let answer = match (self.outcome.as_str(), self.identifier) {
            ("match", Some(identifier)) => ConsumerAnswer::Match(identifier),
            ("no_consent", _) => ConsumerAnswer::NoConsent,
            ("blocked", _) => ConsumerAnswer::Blocked,
            ("ambiguous", _) => ConsumerAnswer::Ambiguous,
            ("none" | "insufficient_criteria", _) => ConsumerAnswer::Nobody,
            // A word we do not know is no answer.
            _ => return None,
        };
        Some((self.reference, answer))
    }
}

fn question(query: &ConsumerQuery) -> Value {
    let mut item = json!({"ref": query.reference});
    let mut set = |name: &str, value: Value| {
        if let Some(map) = item.as_object_mut() {
            map.insert(name.to_owned(), value);
        }
    };
    if let Some(identifier) = &query.identifier {
        set("identifier", json!(identifier));
    }
    if let Some(phone) = &query.phone {
        set("phone", json!(phone));
    }
    if let Some(email) = &query.email {
        set("email", json!(email));
    }
    if let Some((first, last)) = &query.name {
        set("name", json!({"first": first, "last": last}));
    }
    item
}

#[derive(Deserialize)]
struct EventView {
    sequence: i64,
    invoice_id: String,
    status: String,
    reason: Option<String>,
}

impl EventView {
    fn event(self) -> EfakturaEvent {
        let told = Told {
            standing: standing(&self.status, self.reason.as_deref()),
            provider_ref: Some(self.invoice_id.clone()),
            seq: self.sequence,
        };
        EfakturaEvent { provider_ref: self.invoice_id, told }
    }
}

#[derive(Deserialize)]
struct Feed {
    events: Vec<serde_json::Value>,
    next: Option<String>,
}

/// Events read in one call.
const PAGE: usize = 200;

impl Efaktura for EfakturaGateway {
    fn look_up<'a>(
        &'a self,
        id: Uuid,
        issuer: &'a str,
        queries: &'a [ConsumerQuery],
    ) -> Pending<'a, Result<Vec<(Uuid, ConsumerAnswer)>, Fault>> {
        Box::pin(async move {
            let line = &self.0;
            let body = json!({"issuer": issuer, "items": queries.iter().map(question).collect::<Vec<_>>()});
            let key = id.to_string();
            let make =
                || line.request(Method::POST, "/v1/consumers/lookup").header("idempotency-key", &key).json(&body);
            let response = line.call(make).await.map_err(|(f, _)| f)?;
            if !response.status().is_success() {
                let (_, fault, _) = problem(response).await;
                // Of several it does not say which; each is then asked about by itself.
                if let ("insufficient_criteria", [query]) = (fault.code.as_str(), queries) {
                    return Ok(vec![(query.reference, ConsumerAnswer::Nobody)]);
                }
                return Err(fault);
            }
            let answers: Answers = response.json().await.map_err(|e| line_fault(&e).0)?;
            Ok(answers.results.into_iter().filter_map(Answer::understood).collect())
        })
    }

    fn register<'a>(&'a self, issuer: &'a Issuer) -> Pending<'a, Result<String, Fault>> {
        Box::pin(async move {
            #[derive(Deserialize)]
            struct Registered {
                status: String,
            }
            let line = &self.0;
            let path = format!("/v1/issuers/{}", path_part(&issuer.org_number));
            let mut body = json!({"name": issuer.name, "accounts": issuer.accounts, "support_contact": issuer.support});
            if let (Some(length), Some(fields)) = (issuer.kid_length, body.as_object_mut()) {
                fields.insert("kid_length".to_owned(), json!(length));
            }
            let response = line.call(|| line.request(Method::PUT, &path).json(&body)).await.map_err(|(f, _)| f)?;
            if !response.status().is_success() {
                return Err(problem(response).await.1);
            }
            let registered: Registered = response.json().await.map_err(|e| line_fault(&e).0)?;
            Ok(registered.status)
        })
    }

    fn events<'a>(&'a self, after: &'a str) -> Pending<'a, Result<FeedPage, Fault>> {
        Box::pin(async move {
            let path = format!("/v1/events?after={}&limit={PAGE}", path_part(after));
            let response = self.0.call(|| self.0.request(Method::GET, &path)).await.map_err(|(f, _)| f)?;
            if !response.status().is_success() {
                return Err(problem(response).await.1);
            }
            let feed: Feed = response.json().await.map_err(|e| line_fault(&e).0)?;
            let id = |event: &serde_json::Value| event["event_id"].as_str().map(str::to_owned);
            let last = feed.events.last().and_then(id).filter(|id| !id.is_empty());
            let next = feed.next.or(last).unwrap_or_else(|| after.to_owned());
            // One that cannot be understood does not stop those after it.
            let understood = |event| match serde_json::from_value::<EventView>(event) {
                Ok(event) => Some(event.event()),
                Err(error) => {
                    tracing::warn!(error = %error, "an event of the eFaktura gateway is not understood");
                    None
                }
            };
            Ok((feed.events.into_iter().filter_map(understood).collect(), next))
        })
    }

    fn read_webhook(&self, headers: &[(&str, &str)], body: &[u8], now: DateTime<Utc>) -> Result<EfakturaEvent, Fault> {
        webhook_signature::verify(&self.0.settings.webhook_secrets, headers, body, now)?;
        let event: EventView =
            serde_json::from_slice(body).map_err(|_| Fault::new("not_understood", "the body is no event"))?;
        Ok(event.event())
    }
}
