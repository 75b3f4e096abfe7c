//! Webhooks as an integrator meets them: over a real receiver that answers as told.

use crate::api::{Api, key};
use crate::events::{events_with, happens};
use crate::harness::{TestApp, both};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Duration;
use formats::customer_list::Mode;
use reqwest::Method;
use reskontro::ctx::Ctx;
use reskontro::delivery::{EfakturaGateway, EfakturaSettings, WebhookCaller};
use reskontro::services::access::Scope;
use reskontro::services::payment::{self, NewPayment};
use reskontro::services::run::{self, NewRun};
use reskontro::services::webhook::{self, Created, NewEndpoint, Wanted, WebhookEndpoint, WebhookMessage};
use reskontro::services::{Actor, delivery, upkeep};
use reskontro::store::views;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// How the receiver answers.
#[derive(Clone)]
enum Answer {
    Status(u16),
    /// 503 with `Retry-After`.
    Later(u32),
    /// 307 to another place.
    Moved(String),
    /// Never.
    Silent,
}

/// One call that came in.
#[derive(Clone)]
pub struct Seen {
    headers: HeaderMap,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn id(&self) -> Uuid {
        self.header("webhook-id").parse().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Whether the secret signs it: Standard Webhooks as its specification puts it, by another library than ours.
    fn is_signed_by(&self, secret: &str) -> bool {
        let secret = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        let mac = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret), signed.as_bytes());
        let mac = format!("v1,{}", STANDARD.encode(mac));
        self.header("webhook-signature").split(' ').any(|s| s == mac)
    }
}

#[derive(Clone)]
pub struct Receiver {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<Mutex<Answer>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let receiver = Self { url, seen: Arc::default(), answer: Arc::new(Mutex::new(Answer::Status(204))) };
        let router = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    receiver.seen.lock().unwrap().push(Seen { headers, body });
    let answer = receiver.answer.lock().unwrap().clone();
    match answer {
        Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Answer::Later(seconds) => {
            (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", seconds.to_string())]).into_response()
        }
        Answer::Moved(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
        Answer::Silent => std::future::pending().await,
    }
}

pub async fn endpoint(app: &TestApp, actor: &Actor, receiver: &Receiver, types: &[&str]) -> Created {
    let types = types.iter().map(|t| (*t).to_owned()).collect();
    webhook::create(&app.ctx, actor, &NewEndpoint { url: receiver.url.clone(), types }).await.unwrap()
}

/// Sends all that is due once the event can be seen.
pub async fn tell(app: &TestApp, actor: &Actor, last: Uuid) {
    events_with(&app.ctx, actor, |e| e.id == last).await;
    send(&app.ctx).await;
}

pub async fn send(ctx: &Ctx) {
    webhook::spread(ctx).await.unwrap();
    while webhook::send_due(ctx).await.unwrap() > 0 {}
}

pub async fn messages(app: &TestApp, actor: &Actor, id: Uuid) -> Vec<WebhookMessage> {
    let wanted = Wanted { state: None, before: None, limit: 100 };
    webhook::messages(&app.ctx, actor, id, wanted).await.unwrap()
}

async fn shown(app: &TestApp, actor: &Actor, id: Uuid) -> WebhookEndpoint {
    webhook::get(&app.ctx, actor, id).await.unwrap().1
}

const LIST: &str = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n\
    1;Kari Nordmann;Storgata 1;7760;Snåsa;kari@example.org;A\n";

both!(what_happens_arrives_once_signed_and_without_a_word_of_anybody, async |app: &TestApp| {
    let actor = app.association().await;
    let receiver = Receiver::start().await;
    let made = endpoint(app, &actor, &receiver, &[]).await;
    app.product(&actor, "A", "Medlemskontingent", "12345.67").await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let run = run::start(&app.ctx, &actor, &new).await.unwrap();
    run::continue_run(&app.ctx, &actor, run, |_| {}).await.unwrap();
    delivery::drain(&app.ctx).await.unwrap();
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let invoice = views::invoices(&tx, Uuid::nil(), 1).await.unwrap().remove(0);
    tx.commit().await.unwrap();
    let paid = NewPayment { amount_ore: 1_234_567, booked_on: None, invoice_id: Some(invoice.id), customer_id: None };
    payment::register(&app.ctx, &actor, &paid).await.unwrap();
    let events = events_with(&app.ctx, &actor, |e| e.kind == "payment.registered").await;
    send(&app.ctx).await;

    let seen = receiver.seen();
    let of_kind = |kind: &str| seen.iter().filter(|s| s.json()["type"] == kind).count();
    for kind in ["customer_sync.applied", "invoice.issued", "invoice_run.finished", "delivery.delivered"] {
        assert_eq!(of_kind(kind), 1, "{kind}");
    }
    assert_eq!(of_kind("payment.registered"), 1);
    let issued = seen.iter().find(|s| s.json()["type"] == "invoice.issued").unwrap().json();
    assert_eq!(issued["data"]["subject_id"], json!(invoice.id));
    assert_eq!(issued["data"]["organisation_id"], json!(actor.org));
    let told: HashSet<Uuid> = seen.iter().map(Seen::id).collect();
    assert_eq!(told.len(), seen.len(), "told twice");
    let kept: HashSet<Uuid> = events.iter().map(|e| e.id).collect();
    assert_eq!(told, kept, "webhooks and feed tell the same");
    let kid = invoice.kid.unwrap();
    for s in &seen {
        assert!(s.is_signed_by(&made.secret) && !s.is_signed_by("whsec_AAAA"));
        assert_eq!(s.json()["id"], json!(s.id()));
        assert_eq!(s.header("webhook-timestamp"), app.ctx.now().timestamp().to_string());
        assert_eq!(s.header("content-type"), "application/json");
        for word in ["Kari", "Nordmann", "Storgata", "@", "example", kid.as_str(), "12345,67", "12345.67", "1234567"] {
            assert!(!s.body.contains(word), "{word}: {}", s.body);
        }
        let names: Vec<String> = s.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ["data", "id", "timestamp", "type"]);
    }
    send(&app.ctx).await;
    assert_eq!(receiver.seen().len(), seen.len());
    let listed = serde_json::to_string(&webhook::list(&app.ctx, &actor).await.unwrap()).unwrap();
    assert!(!listed.contains("whsec_") && !listed.contains(&made.secret[6..]), "{listed}");
});

both!(a_failing_endpoint_is_tried_by_the_schedule_then_given_up_and_replayed, async |app: &TestApp| {
    let actor = app.association().await;
    let receiver = Receiver::start().await;
    let made = endpoint(app, &actor, &receiver, &["payment.registered"]).await;
    receiver.answers(Answer::Status(500));
    let event = happens(app, &actor, "payment.registered").await;
    tell(app, &actor, event).await;
    for (tries, wait) in [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].into_iter().enumerate() {
        let m = messages(app, &actor, made.id).await.remove(0);
        assert_eq!((m.attempts, m.state.as_str(), m.status), (i64::try_from(tries).unwrap() + 1, "queued", Some(500)));
        let waits = (m.not_before_at - app.ctx.now()).num_seconds();
        assert!((wait * 8 / 10..=wait * 12 / 10).contains(&waits), "{waits} for {wait}");
        app.clock.set(m.not_before_at - Duration::seconds(1));
        send(&app.ctx).await;
        assert_eq!(receiver.seen().len(), tries + 1, "before its time");
        app.clock.set(m.not_before_at);
        send(&app.ctx).await;
    }
    let m = messages(app, &actor, made.id).await.remove(0);
    assert_eq!((m.attempts, m.state.as_str(), m.done_at), (8, "failed", Some(app.ctx.now())));
    app.clock.advance(Duration::days(3));
    send(&app.ctx).await;
    assert_eq!(receiver.seen().len(), 8);
    receiver.answers(Answer::Status(200));
    assert_eq!(webhook::replay(&app.ctx, &actor, made.id).await.unwrap(), 1);
    send(&app.ctx).await;
    let m = messages(app, &actor, made.id).await.remove(0);
    assert_eq!((m.attempts, m.state.as_str(), m.status), (1, "sent", Some(200)));
    assert!(receiver.seen().iter().all(|s| s.id() == event && s.is_signed_by(&made.secret)));
    assert_eq!(webhook::replay(&app.ctx, &actor, made.id).await.unwrap(), 0);
});

both!(an_endpoint_that_is_gone_is_switched_off_and_gets_all_once_it_is_on, async |app: &TestApp| {
    let actor = app.association().await;
    let receiver = Receiver::start().await;
    let made = endpoint(app, &actor, &receiver, &["invoice.issued"]).await;
    receiver.answers(Answer::Status(410));
    let first = happens(app, &actor, "invoice.issued").await;
    tell(app, &actor, first).await;
    let e = shown(app, &actor, made.id).await;
    assert_eq!((e.state.as_str(), e.disabled_why.as_deref()), ("disabled", Some("gone")));
    app.clock.advance(Duration::days(2));
    let second = happens(app, &actor, "invoice.issued").await;
    tell(app, &actor, second).await;
    assert_eq!(receiver.seen().len(), 1);
    receiver.answers(Answer::Status(200));
    webhook::switch(&app.ctx, &actor, made.id, true).await.unwrap();
    send(&app.ctx).await;
    let mut ids: Vec<Uuid> = receiver.seen()[1..].iter().map(Seen::id).collect();
    ids.sort();
    assert_eq!(ids, [first, second]);
    let e = shown(app, &actor, made.id).await;
    assert_eq!((e.state.as_str(), e.disabled_why, e.failing_since_at), ("active", None, None));
    assert_eq!(e.last_success_at, Some(app.ctx.now()));
});

both!(an_endpoint_switched_off_by_hand_collects_and_gets_all_later, async |app: &TestApp| {
    let actor = app.association().await;
    let receiver = Receiver::start().await;
    let made = endpoint(app, &actor, &receiver, &["invoice.issued"]).await;
    // One lies in the queue already when it is switched off.
    let queued = happens(app, &actor, "invoice.issued").await;
    events_with(&app.ctx, &actor, |e| e.id == queued).await;
    webhook::spread(&app.ctx).await.unwrap();
    webhook::switch(&app.ctx, &actor, made.id, false).await.unwrap();
    let mut ids = vec![queued];
    for _ in 0..3 {
        ids.push(happens(app, &actor, "invoice.issued").await);
        app.clock.advance(Duration::hours(30));
        tell(app, &actor, *ids.last().unwrap()).await;
    }
    assert!(receiver.seen().is_empty());
    webhook::switch(&app.ctx, &actor, made.id, true).await.unwrap();
    send(&app.ctx).await;
    let got: HashSet<Uuid> = receiver.seen().iter().map(Seen::id).collect();
    assert_eq!((got, receiver.seen().len()), (ids.into_iter().collect(), 4));
});

both!(five_days_of_failures_switch_off_and_one_success_begins_anew, async |app: &TestApp| {
    let actor = app.association().await;
    let receiver = Receiver::start().await;
    let made = endpoint(app, &actor, &receiver, &["invoice.issued"]).await;
    receiver.answers(Answer::Status(500));
    let round = async |hours: i64| {
        app.clock.advance(Duration::hours(hours));
        let id = happens(app, &actor, "invoice.issued").await;
        tell(app, &actor, id).await;
        shown(app, &actor, made.id).await
    };
    let failing = round(0).await.failing_since_at;
    assert_eq!(failing, Some(app.ctx.now()));
    let version = webhook::get(&app.ctx, &actor, made.id).await.unwrap().0;
    for _ in 0..5 {
        let e = round(23).await;
        assert_eq!((e.state.as_str(), e.failing_since_at), ("active", failing));
    }
    assert_eq!(webhook::get(&app.ctx, &actor, made.id).await.unwrap().0, version, "failures are no change by anybody");
    receiver.answers(Answer::Status(200));
    assert_eq!(round(4).await.failing_since_at, None);
    receiver.answers(Answer::Status(500));
    for _ in 0..6 {
        let e = round(20).await;
        assert_eq!(e.state, "active", "{e:?}");
    }
    let e = round(20).await;
    assert_eq!((e.state.as_str(), e.disabled_why.as_deref()), ("disabled", Some("failing")));
    assert_eq!(e.disabled_at, Some(app.ctx.now()));
});

both!(an_endpoint_may_ask_to_wait_up_to_twice_as_long, async |app: &TestApp| {
    let actor = app.association().await;
    for (asks, waits) in [(8, 8), (100_000, 10)] {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &actor, &receiver, &["invoice.issued"]).await;
        receiver.answers(Answer::Later(asks));
        let id = happens(app, &actor, "invoice.issued").await;
        tell(app, &actor, id).await;
        let m = messages(app, &actor, made.id).await.remove(0);
        assert_eq!((m.status, (m.not_before_at - app.ctx.now()).num_seconds()), (Some(503), waits));
        webhook::remove(&app.ctx, &actor, made.id).await.unwrap();
    }
    assert!(webhook::list(&app.ctx, &actor).await.unwrap().is_empty());
});

both!(a_redirect_is_not_followed, async |app: &TestApp| {
    let actor = app.association().await;
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    let made = endpoint(app, &actor, &receiver, &["invoice.issued"]).await;
    receiver.answers(Answer::Moved(elsewhere.url.clone()));
    let id = happens(app, &actor, "invoice.issued").await;
    tell(app, &actor, id).await;
    assert_eq!((receiver.seen().len(), elsewhere.seen().len()), (1, 0));
    let m = messages(app, &actor, made.id).await.remove(0);
    assert_eq!((m.state.as_str(), m.status), ("queued", Some(307)));
});

both!(a_new_secret_signs_beside_the_old_one_for_a_day, async |app: &TestApp| {
    let actor = app.association().await;
    let receiver = Receiver::start().await;
    let made = endpoint(app, &actor, &receiver, &["invoice.issued"]).await;
    let new = webhook::rotate(&app.ctx, &actor, made.id).await.unwrap();
    assert_ne!(new, made.secret);
    let until = shown(app, &actor, made.id).await.old_secret_until_at.unwrap();
    assert_eq!(until - app.ctx.now(), Duration::hours(24));
    app.clock.advance(Duration::hours(23));
    let id = happens(app, &actor, "invoice.issued").await;
    tell(app, &actor, id).await;
    app.clock.advance(Duration::hours(1));
    let id = happens(app, &actor, "invoice.issued").await;
    tell(app, &actor, id).await;
    let seen = receiver.seen();
    let signed: Vec<_> = seen.iter().map(|s| (s.is_signed_by(&made.secret), s.is_signed_by(&new))).collect();
    assert_eq!(signed, [(true, true), (false, true)]);
    assert_eq!(seen[0].header("webhook-signature").split(' ').count(), 2);
    assert_eq!(shown(app, &actor, made.id).await.old_secret_until_at, None);
});

both!(only_the_types_asked_for_are_told, async |app: &TestApp| {
    let actor = app.association().await;
    let receiver = Receiver::start().await;
    endpoint(app, &actor, &receiver, &["invoice.issued", "delivery.failed"]).await;
    for verb in ["payment.registered", "delivery.rejected", "product.created", "invoice.issued"] {
        happens(app, &actor, verb).await;
    }
    let last = happens(app, &actor, "payment.refunded").await;
    tell(app, &actor, last).await;
    let mut kinds: Vec<String> = receiver.seen().iter().map(|s| s.json()["type"].as_str().unwrap().into()).collect();
    kinds.sort();
    assert_eq!(kinds, ["delivery.failed", "invoice.issued"]);
    let unknown = NewEndpoint { url: receiver.url.clone(), types: vec!["product.created".into()] };
    let refused = webhook::create(&app.ctx, &actor, &unknown).await.unwrap_err();
    assert!(refused.to_string().contains("product.created"), "{refused}");
});

both!(no_endpoint_lies_inside_the_network, async |app: &TestApp| {
    let actor = app.association().await;
    let timeout = std::time::Duration::from_secs(2);
    let outside = Ctx { caller: Arc::new(WebhookCaller::new(timeout, false).unwrap()), ..app.ctx.clone() };
    for url in [
        "https://127.0.0.1/hooks",
        "https://localhost/hooks",
        "https://10.0.0.8/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data",
        "http://example.no/hooks",
        "https://intranet/hooks",
    ] {
        let new = NewEndpoint { url: url.into(), types: Vec::new() };
        let refused = webhook::create(&outside, &actor, &new).await.unwrap_err();
        assert_eq!(refused.code(), Some("validation_failed"), "{url}");
    }
    assert!(webhook::list(&app.ctx, &actor).await.unwrap().is_empty());
    // What was let in while it was allowed is not called once it is not: the check is made again at every call.
    let receiver = Receiver::start().await;
    let made = endpoint(app, &actor, &receiver, &["invoice.issued"]).await;
    let id = happens(app, &actor, "invoice.issued").await;
    events_with(&app.ctx, &actor, |e| e.id == id).await;
    send(&outside).await;
    assert!(receiver.seen().is_empty());
    let m = messages(app, &actor, made.id).await.remove(0);
    assert_eq!((m.state.as_str(), m.error.as_deref()), ("queued", Some("url_not_allowed")));
});

both!(a_name_that_leads_inside_is_not_called, async |app: &TestApp| {
    let actor = app.association().await;
    let timeout = std::time::Duration::from_secs(2);
    let outside = Ctx { caller: Arc::new(WebhookCaller::new(timeout, false).unwrap()), ..app.ctx.clone() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let knocks = Arc::new(Mutex::new(0));
    let count = knocks.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            *count.lock().unwrap() += 1;
        }
    });
    // Names that look public, by their dot.
    let mut leads_inside = false;
    for name in ["localhost.localdomain", "localhost."] {
        leads_inside |= tokio::net::lookup_host((name, port))
            .await
            .is_ok_and(|mut found| found.any(|a| a.ip() == std::net::Ipv4Addr::LOCALHOST));
        let new = NewEndpoint { url: format!("https://{name}:{port}/hooks"), types: vec!["invoice.issued".into()] };
        webhook::create(&outside, &actor, &new).await.unwrap();
    }
    let id = happens(app, &actor, "invoice.issued").await;
    events_with(&app.ctx, &actor, |e| e.id == id).await;
    send(&outside).await;
    assert_eq!(*knocks.lock().unwrap(), 0);
    for e in webhook::list(&app.ctx, &actor).await.unwrap() {
        let m = messages(app, &actor, e.id).await.remove(0);
        assert_eq!((m.state.as_str(), m.status, m.error.is_some()), ("queued", None, true), "{}", e.url);
    }
    if leads_inside {
        // The same call by a caller that may: the name does lead here.
        app.clock.advance(Duration::minutes(1));
        send(&app.ctx).await;
        assert!(*knocks.lock().unwrap() > 0);
    }
});

both!(a_crash_between_sending_and_noting_sends_again_with_the_same_id, async |app: &TestApp| {
    let actor = app.association().await;
    let receiver = Receiver::start().await;
    let made = endpoint(app, &actor, &receiver, &["invoice.issued"]).await;
    receiver.answers(Answer::Silent);
    let id = happens(app, &actor, "invoice.issued").await;
    events_with(&app.ctx, &actor, |e| e.id == id).await;
    webhook::spread(&app.ctx).await.unwrap();
    let ctx = app.ctx.clone();
    let worker = tokio::spawn(async move { webhook::send_due(&ctx).await });
    while receiver.seen().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    worker.abort();
    let _ = worker.await;
    receiver.answers(Answer::Status(200));
    send(&app.ctx).await;
    assert_eq!(receiver.seen().len(), 1, "another worker took what is still held");
    app.clock.advance(Duration::seconds(app.ctx.config.worker.lease_seconds + 1));
    send(&app.ctx).await;
    let ids: Vec<Uuid> = receiver.seen().iter().map(Seen::id).collect();
    assert_eq!(ids, [id, id]);
    let m = messages(app, &actor, made.id).await.remove(0);
    assert_eq!((m.state.as_str(), m.attempts), ("sent", 2));
});

both!(what_was_dealt_with_is_forgotten_after_thirty_days, async |app: &TestApp| {
    let actor = app.association().await;
    let receiver = Receiver::start().await;
    let made = endpoint(app, &actor, &receiver, &["invoice.issued"]).await;
    let sent = happens(app, &actor, "invoice.issued").await;
    tell(app, &actor, sent).await;
    receiver.answers(Answer::Status(500));
    let waits = happens(app, &actor, "invoice.issued").await;
    tell(app, &actor, waits).await;
    app.clock.advance(Duration::days(30));
    upkeep::forget_old(&app.ctx, &actor).await.unwrap();
    assert_eq!(messages(app, &actor, made.id).await.len(), 2);
    app.clock.advance(Duration::hours(1));
    upkeep::forget_old(&app.ctx, &actor).await.unwrap();
    let left: Vec<Uuid> = messages(app, &actor, made.id).await.iter().map(|m| m.event_id).collect();
    assert_eq!(left, [waits]);
    // The events themselves stay.
    let events = events_with(&app.ctx, &actor, |e| e.id == waits).await;
    assert!(events.iter().any(|e| e.id == sent));
});

both!(the_api_shows_a_secret_once_and_leads_on_through_the_events, async |app: &TestApp| {
    let actor = app.association().await;
    let receiver = Receiver::start().await;
    let (admin, reader) = (key(app, &actor, Scope::Admin).await, key(app, &actor, Scope::Read).await);
    let api = Api::serve(app).await;
    let body = json!({ "url": receiver.url, "types": ["invoice.issued"] });
    let post = async |path: &str, repeat: &str| {
        let request = api.client.post(format!("{}/api/v1{path}", api.base)).bearer_auth(&admin);
        let answer = request.header("Idempotency-Key", repeat).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default())
    };
    let (status, made) = post("/webhook-endpoints", "one").await;
    assert_eq!(status, 201);
    let secret = made["secret"].as_str().unwrap();
    let id = made["id"].as_str().unwrap();
    let (status, again) = post("/webhook-endpoints", "one").await;
    assert_eq!((status, again["code"].as_str()), (410, Some("secret_shown_once")));
    let (_, listed) = api.send(Method::GET, "/api/v1/webhook-endpoints", Some(&reader), None).await;
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert!(!listed.to_string().contains(&secret[6..]) && !again.to_string().contains(&secret[6..]));
    let (status, rotated) = post(&format!("/webhook-endpoints/{id}/rotate"), "two").await;
    assert_eq!((status, rotated["secret"].as_str().map(|s| s == secret)), (200, Some(false)));
    assert_eq!(post(&format!("/webhook-endpoints/{id}/rotate"), "two").await.0, 410);

    let path = format!("/api/v1/webhook-endpoints/{id}");
    let put = async |tag: Option<&str>| {
        let mut request = api.client.put(format!("{}{path}", api.base)).bearer_auth(&admin).json(&body);
        if let Some(tag) = tag {
            request = request.header("If-Match", tag);
        }
        request.send().await.unwrap().status().as_u16()
    };
    let seen = api.client.get(format!("{}{path}", api.base)).bearer_auth(&reader).send().await.unwrap();
    let tag = seen.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!((put(None).await, put(Some(&tag)).await, put(Some(&tag)).await), (428, 204, 412));

    let get = async |path: &str| api.send(Method::GET, &format!("/api/v1{path}"), Some(&reader), None).await;
    let (status, nothing) = get("/events?limit=1&after=").await;
    assert_eq!(status, 200);
    let mut next = nothing["next"].as_str().unwrap().to_owned();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(happens(app, &actor, "invoice.issued").await.to_string());
    }
    events_with(&app.ctx, &actor, |e| e.id.to_string() == ids[2]).await;
    let mut got = Vec::new();
    for _ in 0..10 {
        let (_, page) = get(&format!("/events?limit=1&after={next}")).await;
        next = page["next"].as_str().unwrap().to_owned();
        got.extend(page["items"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(got[got.len() - 3..], ids);
    let (status, bad) = get("/events?after=nonsense").await;
    assert_eq!((status.as_u16(), bad["code"].as_str()), (400, Some("invalid_place")));

    send(&app.ctx).await;
    let (_, page) = get(&format!("/webhook-endpoints/{id}/messages?state=sent&limit=2")).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let cursor = page["next_cursor"].as_str().unwrap();
    let (_, page) = get(&format!("/webhook-endpoints/{id}/messages?state=sent&limit=2&cursor={cursor}")).await;
    assert_eq!(page["items"][0]["event_id"].as_str(), Some(ids[0].as_str()));
    assert_eq!(post(&format!("/webhook-endpoints/{id}/replay"), "three").await, (200, json!({ "count": 0 })));
    assert_eq!(post(&format!("/webhook-endpoints/{id}/disable"), "four").await.0, 204);
    let (_, off) = get(&format!("/webhook-endpoints/{id}")).await;
    assert_eq!((off["state"].as_str(), off["disabled_why"].as_str()), (Some("disabled"), Some("by_hand")));
    assert_eq!(post(&format!("/webhook-endpoints/{id}/enable"), "five").await.0, 204);
    let (status, _) = api.send(Method::DELETE, &path, Some(&admin), None).await;
    assert_eq!(status, 204);
    assert_eq!(get(&format!("/webhook-endpoints/{id}")).await.0, 404);
});

both!(the_gateways_webhook_is_let_in_by_its_signature_alone, async |app: &TestApp| {
    app.association().await;
    let secret = format!("whsec_{}", STANDARD.encode([9; 32]));
    let gateway = EfakturaGateway::new(EfakturaSettings {
        base_url: "http://127.0.0.1:9".into(),
        client_id: "x".into(),
        client_secret: "y".into(),
        webhook_secrets: vec![secret.clone()],
        ca_pem: None,
        timeout: std::time::Duration::from_secs(1),
    });
    let open = Api::serve_ctx(app.ctx.clone()).await;
    let with = Api::serve_ctx(Ctx { efaktura: Some(Arc::new(gateway.unwrap())), ..app.ctx.clone() }).await;
    let body = json!({ "event_id": "e", "sequence": 1, "invoice_id": "unknown", "status": "delivered" }).to_string();
    let stamp = app.ctx.now().timestamp().to_string();
    let secret = STANDARD.decode(&secret[6..]).unwrap();
    let post = async |api: &Api, body: String, signed: &str| {
        let mac = ring::hmac::sign(
            &ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret),
            format!("msg_1.{stamp}.{signed}").as_bytes(),
        );
        let request = api.client.post(format!("{}/webhooks/efaktura", api.base)).body(body);
        let request = request.header("webhook-id", "msg_1").header("webhook-timestamp", &stamp);
        let request = request.header("webhook-signature", format!("v1,{}", STANDARD.encode(mac)));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(post(&with, body.clone(), &body).await, 204);
    assert_eq!(post(&with, body.clone(), "another").await, 401);
    assert_eq!(post(&with, "{}".into(), "{}").await, 401);
    let large = " ".repeat(70_000);
    assert_eq!(post(&with, large.clone(), &large).await, 413);
    assert_eq!(post(&open, body.clone(), &body).await, 404);
});
