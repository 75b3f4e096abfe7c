//! Bare clients: the same calls with the same bytes over as many connections, and nothing else. Everything is put
//! together before the clock starts.

use crate::channels::mailer;
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use formats::ehf::{CUSTOMIZATION, PROFILE};
use reskontro::ctx::Ctx;
use reskontro::ports::{Handed, Mail, Parcel, Pending};
use reskontro::store::views::InvoiceItem;
use sandbox::{AccessPoint, EfakturaGateway, SmtpSink, efaktura};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Consumers our workers ask about in one call.
const LOOK_UP: usize = 10;
/// The organisation of the bench.
const ISSUER: &str = "312345676";

/// Sends `count` mails, taking the same ones over and over.
pub(crate) async fn mail(
    sink: &SmtpSink,
    mails: Arc<Vec<(String, Vec<u8>)>>,
    count: usize,
    connections: usize,
) -> anyhow::Result<Duration> {
    let mailer = mailer(sink);
    let began = Instant::now();
    let mut tasks = Vec::new();
    for first in 0..connections {
        let (mut session, mails) = (mailer.session(), mails.clone());
        tasks.push(tokio::spawn(async move {
            for (recipient, bytes) in (first..count).step_by(connections).filter_map(|i| mails.get(i % mails.len())) {
                let envelope_from = "b@bench.example".to_owned();
                let (recipient, bytes) = (recipient.clone(), bytes.clone());
                let mail = Parcel::Mail(Mail { id: Uuid::nil(), envelope_from, recipient, bytes });
                let before = Box::new(|| -> Pending<'_, Result<(), String>> { Box::pin(async { Ok(()) }) });
                anyhow::ensure!(session.send(&mail, before).await == Handed::Accepted(None), "a mail was not taken");
            }
            Ok(())
        }));
    }
    for task in tasks {
        task.await.context("a sender")??;
    }
    Ok(began.elapsed())
}

/// A call that is ready to go.
struct Call {
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// Makes the calls, a share each for so many clients, one after the other.
async fn make(shares: Vec<Vec<Call>>) -> anyhow::Result<Duration> {
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
    let began = Instant::now();
    let mut tasks = Vec::new();
    for share in shares {
        let client = client.clone();
        tasks.push(tokio::spawn(async move {
            for call in share {
                let mut request = client.post(call.url).body(call.body);
                for (name, value) in call.headers {
                    request = request.header(name, value);
                }
                request.send().await?.error_for_status()?.bytes().await?;
            }
            anyhow::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(began.elapsed())
}

/// One look-up for every ten consumers, and one request for each.
pub(crate) async fn requests(
    gateway: &EfakturaGateway,
    ctx: &Ctx,
    account: &str,
    documents: &[(InvoiceItem, Vec<u8>)],
    clients: usize,
) -> anyhow::Result<Duration> {
    let token = token(gateway).await?;
    let post = |path: &str, body: &Value| {
        let headers = vec![
            ("authorization", format!("Bearer {token}")),
            ("content-type", "application/json".to_owned()),
            ("idempotency-key", ctx.id().to_string()),
        ];
        anyhow::Ok(Call { url: format!("{}{path}", gateway.base_url()), headers, body: serde_json::to_vec(body)? })
    };
    let numbered: Vec<(usize, &(InvoiceItem, Vec<u8>))> = documents.iter().enumerate().collect();
    let mut shares = Vec::new();
    for share in numbered.chunks(documents.len().div_ceil(clients)) {
        let mut calls = Vec::new();
        for some in share.chunks(LOOK_UP) {
            let item = |(i, _): &(usize, _)| {
                let (phone, email) = (format!("+47{}", 90_000_000 + i), format!("k{i}@match.example"));
                json!({"ref": ctx.id(), "phone": phone, "email": email})
            };
            let items: Vec<Value> = some.iter().map(item).collect();
            calls.push(post("/v1/consumers/lookup", &json!({"issuer": ISSUER, "items": items}))?);
            for (i, (issued, pdf)) in some {
                let receiver = efaktura::identifier_of(&format!("k{i}@match.example"));
                calls.push(post("/v1/invoices", &request(issued, &receiver, account, pdf))?);
            }
        }
        shares.push(calls);
    }
    make(shares).await
}

async fn token(gateway: &EfakturaGateway) -> anyhow::Result<String> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", gateway.client_id()),
        ("client_secret", gateway.client_secret()),
    ];
    let response = client.post(format!("{}/oauth/token", gateway.base_url())).form(&form).send().await?;
    let answer: Value = response.error_for_status()?.json().await?;
    Ok(answer["access_token"].as_str().context("a token")?.to_owned())
}

/// The body our workers send, under a number of its own: the same number again would be refused.
fn request(issued: &InvoiceItem, receiver: &str, account: &str, pdf: &[u8]) -> Value {
    json!({
        "issuer": ISSUER,
        "receiver": {"identifier": receiver},
        "invoice_number": format!("B{}", issued.number),
        "document_type": "invoice",
        "issue_date": issued.issued_on,
        "due_date": issued.due_on,
        "amount_ore": issued.total_ore,
        "kid": issued.kid,
        "account": account,
        "payment": "manual",
        "specification": {"pdf_base64": STANDARD.encode(pdf)},
    })
}

/// The same XML to the same interface, under ids of its own.
pub(crate) async fn einvoices(
    point: &AccessPoint,
    ctx: &Ctx,
    documents: Vec<Vec<u8>>,
    clients: usize,
) -> anyhow::Result<Duration> {
    let document = format!(
        "busdox-docid-qns::urn:oasis:names:specification:ubl:schema:xsd:Invoice-2::Invoice##{CUSTOMIZATION}::2.1"
    );
    let party = "iso6523-actorid-upis::0192:";
    let path =
        format!("{party}{ISSUER}/{party}923609016/{document}/cenbii-procid-ubl::{PROFILE}/NO").replace('#', "%23");
    let mut shares: Vec<Vec<Call>> = (0..clients).map(|_| Vec::new()).collect();
    for (i, body) in documents.into_iter().enumerate() {
        let url = format!("{}/api/outbound/submit/{path}?sbdhInstanceID={}", point.base_url(), ctx.id());
        let headers = vec![("x-token", point.token().to_owned()), ("content-type", "application/xml".to_owned())];
        shares[i % clients].push(Call { url, headers, body });
    }
    make(shares).await
}
