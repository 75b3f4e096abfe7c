//! The signed webhook.

use crate::efaktura::{Caller, gateway, invoice};
use reskontro_sandbox::EfakturaGateway;
use reskontro_sandbox::efaktura::{WebhookConfig, WebhookMode, sign};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it came: id, timestamp, signatures, body.
type Came = (String, i64, String, String);

/// Takes webhooks; the first `refusals` are answered 500.
async fn receiver(refusals: usize) -> (String, Arc<Mutex<Vec<Came>>>) {
    let came: Arc<Mutex<Vec<Came>>> = Arc::default();
    let kept = came.clone();
    let handler = async move |headers: axum::http::HeaderMap, body: String| {
        let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
        let mut kept = kept.lock().unwrap();
        kept.push((
            header("webhook-id"),
            header("webhook-timestamp").parse().unwrap(),
            header("webhook-signature"),
            body,
        ));
        if kept.len() <= refusals { axum::http::StatusCode::INTERNAL_SERVER_ERROR } else { axum::http::StatusCode::OK }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/hook", axum::routing::post(handler));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, came)
}

async fn until(came: &Mutex<Vec<Came>>, count: usize) -> Vec<Came> {
    for _ in 0..400 {
        let now = came.lock().unwrap().clone();
        if now.len() >= count {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} of {count} came", came.lock().unwrap().len());
}

const FIRST: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SECOND: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn config(url: String, mode: WebhookMode) -> WebhookConfig {
    WebhookConfig { url: Some(url), secret: Some(FIRST.to_owned()), mode, ..WebhookConfig::default() }
}

async fn send_one(gateway: &EfakturaGateway, number: &str) {
    let caller = Caller::of(gateway).await;
    let identifier = caller.find("kari@match.example").await;
    assert_eq!(caller.try_post("/v1/invoices", &invoice(gateway, number, &identifier)).await.0, 202);
}

fn sequences(came: &[Came]) -> Vec<u64> {
    came.iter().map(|c| serde_json::from_str::<Value>(&c.3).unwrap()["sequence"].as_u64().unwrap()).collect()
}

#[test]
fn the_signature_is_the_standards_own_example() {
    let signature = sign(FIRST, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
    assert_eq!(signature.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    assert_eq!(sign("plain", "a", 1, "b"), None);
}

#[tokio::test]
async fn events_are_signed_with_both_secrets_and_sent_in_order() {
    let (url, came) = receiver(0).await;
    let gateway = gateway().await;
    gateway.webhook(WebhookConfig { second_secret: Some(SECOND.to_owned()), ..config(url, WebhookMode::Normal) });
    send_one(&gateway, "10001").await;
    let came = until(&came, 3).await;
    assert_eq!(sequences(&came), [1, 2, 3]);
    for (id, timestamp, signatures, body) in &came {
        let expected = [FIRST, SECOND].map(|secret| sign(secret, id, *timestamp, body).unwrap());
        assert_eq!(*signatures, expected.join(" "));
        assert_eq!(serde_json::from_str::<Value>(body).unwrap()["event_id"], id.as_str());
        assert!((gateway.now().timestamp() - timestamp).abs() < 60);
    }
}

#[tokio::test]
async fn a_refused_event_comes_again_after_its_wait() {
    let (url, came) = receiver(3).await;
    let gateway = gateway().await;
    gateway.webhook(config(url, WebhookMode::Normal));
    send_one(&gateway, "10001").await;
    until(&came, 3).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    gateway.advance(6);
    assert_eq!(sequences(&until(&came, 6).await), [1, 2, 3, 1, 2, 3]);
}

#[tokio::test]
async fn events_come_twice_reversed_late_or_not_at_all() {
    let (url, came) = receiver(0).await;
    let gateway = gateway().await;
    gateway.webhook(config(url.clone(), WebhookMode::Twice));
    send_one(&gateway, "10001").await;
    assert_eq!(sequences(&until(&came, 6).await), [1, 1, 2, 2, 3, 3]);
    gateway.webhook(config(url.clone(), WebhookMode::Reversed));
    send_one(&gateway, "10002").await;
    assert_eq!(sequences(&until(&came, 9).await[6..]), [3, 2, 1]);
    gateway.webhook(WebhookConfig { delay_seconds: 900, ..config(url.clone(), WebhookMode::Normal) });
    send_one(&gateway, "10003").await;
    gateway.webhook(config(url.clone(), WebhookMode::Off));
    send_one(&gateway, "10004").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(came.lock().unwrap().len(), 9);
    gateway.webhook(config(url, WebhookMode::Normal));
    gateway.advance(901);
    assert_eq!(sequences(&until(&came, 12).await[9..]), [1, 2, 3]);
    let ids: Vec<String> = gateway.events()[..2].iter().rev().map(|e| e.event_id.clone()).collect();
    let caller = Caller::of(&gateway).await;
    caller.control("events/send", &serde_json::json!({"event_ids": ids})).await;
    assert_eq!(sequences(&until(&came, 14).await[12..]), [2, 1]);
}
