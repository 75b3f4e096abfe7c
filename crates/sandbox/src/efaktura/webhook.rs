//! The webhook: signed the Standard Webhooks way, tried again with back-off, and misbehaving when told.

use super::Gateway;
use super::state::{Delivery, Fact};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use hyper::StatusCode;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

/// Waits between attempts, in seconds; the last one repeats.
const BACK_OFF: [i64; 7] = [5, 30, 120, 600, 1800, 3600, 14_400];
/// An event older than this is given up.
const PATIENCE_DAYS: i64 = 3;
/// A receiver has this long.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long the reversed mode gathers events.
const GATHER: Duration = Duration::from_millis(200);

/// How events are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookMode {
    /// In order, once.
    #[default]
    Normal,
    /// Every event two times.
    Twice,
    /// What has gathered, newest first.
    Reversed,
    /// Not at all; polling still finds them.
    Off,
}

/// Where and how events are sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// `http://host:port/path`; nothing is sent without.
    pub url: Option<String>,
    /// `whsec_<base64>`.
    pub secret: Option<String>,
    /// A second one during rotation; both sign.
    pub second_secret: Option<String>,
    /// How it misbehaves.
    #[serde(default)]
    pub mode: WebhookMode,
    /// The first attempt comes this late, on the gateway's clock.
    #[serde(default)]
    pub delay_seconds: i64,
}

impl WebhookConfig {
    /// Whether events are queued.
    pub(super) fn sends(&self) -> bool {
        self.url.is_some() && self.mode != WebhookMode::Off
    }

    /// When an event is first tried.
    pub(super) fn first_attempt(&self, occurred_at: DateTime<Utc>) -> DateTime<Utc> {
        occurred_at + TimeDelta::try_seconds(self.delay_seconds).unwrap_or_default()
    }
}

/// The key in a secret's text.
pub(super) fn key(secret: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.strip_prefix("whsec_")?).ok()
}

/// A Standard Webhooks signature, `v1,<base64>`; `None` when the secret is not `whsec_<base64>`.
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)?).ok()?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// Host with port, and path, of an `http` URL.
pub(super) fn target(url: &str) -> Option<(String, String)> {
    let rest = url.strip_prefix("http://")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if host.is_empty() {
        return None;
    }
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    Some((host, if path.is_empty() { "/".to_owned() } else { path.to_owned() }))
}

/// Events taken up at a time.
const BATCH: usize = 500;

/// Sends what is due, for ever.
pub(super) async fn run(gateway: Arc<Gateway>) {
    loop {
        let _ = tokio::time::timeout(Duration::from_secs(1), gateway.bell.notified()).await;
        let reversed = gateway.hold().webhook.mode == WebhookMode::Reversed;
        if reversed {
            tokio::time::sleep(GATHER).await;
        }
        let due = due(&gateway);
        if due.len() == BATCH {
            gateway.bell.notify_one();
        }
        for delivery in due {
            attempt(&gateway, delivery).await;
        }
    }
}

fn due(gateway: &Gateway) -> Vec<Delivery> {
    let state = gateway.hold();
    if !state.webhook.sends() {
        return Vec::new();
    }
    let now = gateway.clock.now();
    let mut due: Vec<Delivery> = state.deliveries.iter().filter(|d| d.not_before <= now).take(BATCH).cloned().collect();
    if state.webhook.mode == WebhookMode::Reversed {
        due.reverse();
    }
    due
}

async fn attempt(gateway: &Gateway, delivery: Delivery) {
    let twice = gateway.hold().webhook.mode == WebhookMode::Twice;
    let sent = send(gateway, &delivery.event_id).await;
    if twice && sent.is_ok() {
        let _ = send(gateway, &delivery.event_id).await;
    }
    let now = gateway.clock.now();
    let mut state = gateway.hold();
    let occurred_at =
        state.event_at.get(&delivery.event_id).and_then(|at| state.events.get(*at)).map(|e| e.occurred_at);
    let too_old = occurred_at.is_none_or(|at| now - at > TimeDelta::days(PATIENCE_DAYS));
    if sent.is_ok() || too_old {
        gateway.record(&mut state, [Fact::Sent { event_id: delivery.event_id }]);
        return;
    }
    let wait = BACK_OFF.get(delivery.attempts as usize).or(BACK_OFF.last()).copied().unwrap_or_default();
    if let Some(kept) = state.deliveries.iter_mut().find(|d| d.event_id == delivery.event_id) {
        kept.attempts += 1;
        kept.not_before = now + TimeDelta::try_seconds(wait).unwrap_or_default();
    }
}

/// Sends one event now. An answer other than 2xx is an error.
pub(super) async fn send(gateway: &Gateway, event_id: &str) -> Result<Value, String> {
    let (config, event) = {
        let state = gateway.hold();
        let event = state.event_at.get(event_id).and_then(|at| state.events.get(*at)).cloned();
        (state.webhook.clone(), event.ok_or("there is no such event")?)
    };
    let body = serde_json::to_string(&event).map_err(|e| e.to_string())?;
    let posted = tokio::time::timeout(ANSWER_WITHIN, post(&config, event_id, gateway.clock.now().timestamp(), body));
    let result = match posted.await {
        Err(_) => Err("no answer in time".to_owned()),
        Ok(Ok(status)) if status.is_success() => Ok(json!({"event_id": event_id, "status": status.as_u16()})),
        Ok(Ok(status)) => Err(format!("answered {status}")),
        Ok(Err(problem)) => Err(problem),
    };
    let mut state = gateway.hold();
    match &result {
        Ok(_) => state.webhook_sent += 1,
        Err(problem) => {
            state.webhook_failed += 1;
            state.webhook_note.clone_from(problem);
        }
    }
    result
}

async fn post(config: &WebhookConfig, id: &str, timestamp: i64, body: String) -> Result<StatusCode, String> {
    let (host, path) = config.url.as_deref().and_then(target).ok_or("no webhook URL")?;
    let secrets = [config.secret.as_deref(), config.second_secret.as_deref()];
    let signatures: Vec<String> = secrets.into_iter().flatten().filter_map(|s| sign(s, id, timestamp, &body)).collect();
    let request = hyper::Request::post(path)
        .header("host", &host)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signatures.join(" "))
        .body(axum::body::Body::from(Bytes::from(body)))
        .map_err(|e| e.to_string())?;
    let stream = TcpStream::connect(&host).await.map_err(|e| e.to_string())?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(|e| e.to_string())?;
    let driver = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map(|response| response.status());
    driver.abort();
    answer.map_err(|e| e.to_string())
}
