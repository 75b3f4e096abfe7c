//! Signatures of webhooks by Standard Webhooks: HMAC-SHA-256 over `id.timestamp.body`, one or more secrets while one changes.

use crate::ports::Fault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Minutes a timestamp may be off.
const SLACK_SECONDS: i64 = 300;

fn key(secret: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok().filter(|k| !k.is_empty())
}

fn mac(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)?).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Some(mac)
}

/// The header `webhook-signature`: one signature a secret.
pub fn sign(secrets: &[String], id: &str, at: DateTime<Utc>, body: &[u8]) -> String {
    let timestamp = at.timestamp().to_string();
    let one =
        |s: &String| Some(format!("v1,{}", STANDARD.encode(mac(s, id, &timestamp, body)?.finalize().into_bytes())));
    secrets.iter().filter_map(one).collect::<Vec<_>>().join(" ")
}

/// Whether a webhook is signed by one of the secrets, and fresh.
pub fn verify(secrets: &[String], headers: &[(&str, &str)], body: &[u8], now: DateTime<Utc>) -> Result<(), Fault> {
    let get = |name: &str| headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| *v);
    let (Some(id), Some(timestamp), Some(signatures)) =
        (get("webhook-id"), get("webhook-timestamp"), get("webhook-signature"))
    else {
        return Err(Fault::new("unsigned", "webhook-id, webhook-timestamp or webhook-signature is missing"));
    };
    let age = timestamp.parse::<i64>().ok().map(|t| now.timestamp().saturating_sub(t).saturating_abs());
    if age.is_none_or(|age| age > SLACK_SECONDS) {
        return Err(Fault::new("stale", "the timestamp is more than five minutes off"));
    }
    let given: Vec<Vec<u8>> =
        signatures.split(' ').filter_map(|s| STANDARD.decode(s.strip_prefix("v1,")?).ok()).collect();
    let holds = |secret: &String| {
        given.iter().any(|g| mac(secret, id, timestamp, body).is_some_and(|m| m.verify_slice(g).is_ok()))
    };
    if secrets.iter().any(holds) {
        return Ok(());
    }
    Err(Fault::new("wrong_signature", "no signature fits a secret of ours"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_published_example_is_signed_alike() {
        // From the reference implementations of Standard Webhooks.
        let body = br#"{"test": 2432232314}"#;
        let signed = sign(&[OLD.to_owned()], "msg_p5jXN8AQM9LWM0D4loKWxJek", at(1_614_265_330), body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn either_secret_holds_while_one_changes_and_nothing_else_does() {
        let both = [OLD.to_owned(), NEW.to_owned()];
        let signature = sign(&both, "msg_1", at(1000), b"{}");
        assert_eq!(signature.split(' ').count(), 2);
        let headers = |s| [("Webhook-Id", "msg_1"), ("webhook-timestamp", "1000"), ("webhook-signature", s)];
        for secret in &both {
            assert!(verify(std::slice::from_ref(secret), &headers(&signature), b"{}", at(1100)).is_ok());
        }
        let code = |r: Result<(), Fault>| r.unwrap_err().code;
        assert_eq!(code(verify(&both, &headers(&signature), b"{ }", at(1100))), "wrong_signature");
        assert_eq!(code(verify(&both, &headers(&signature), b"{}", at(1301))), "stale");
        assert_eq!(code(verify(&both, &headers("v1,AAAA"), b"{}", at(1000))), "wrong_signature");
        assert_eq!(code(verify(&[], &headers(&signature), b"{}", at(1000))), "wrong_signature");
        assert_eq!(code(verify(&both, &headers(&signature)[..2], b"{}", at(1000))), "unsigned");
    }
}
