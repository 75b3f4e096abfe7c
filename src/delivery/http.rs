//! Clients for providers over HTTP: rustls, no redirects, and what a failure means.

use super::tls;
use crate::ports::Fault;
use chrono::DateTime;
use formats::bounce::clean;
use reqwest::{Client, ClientBuilder, Response};
use std::time::Duration;

/// What every client has in common: no proxy, no redirects, and the authorities it trusts.
pub(super) fn builder(ca_pem: Option<&[u8]>, timeout: Duration) -> Result<ClientBuilder, Fault> {
    let trust = tls::config(ca_pem).map_err(|e| Fault::new("tls_failed", e.to_string()))?;
    let builder = Client::builder().tls_backend_preconfigured(trust).no_proxy().tcp_nodelay(true);
    let builder = builder.redirect(reqwest::redirect::Policy::none()).timeout(timeout);
    Ok(builder.connect_timeout(timeout.min(Duration::from_secs(10))))
}

/// A client as its builder says.
pub(super) fn build(builder: ClientBuilder) -> Result<Client, Fault> {
    builder.build().map_err(|e| Fault::new("tls_failed", e.to_string()))
}

/// A client for one provider, trusting the public authorities and, where given, a private one in PEM.
pub(super) fn client(ca_pem: Option<&[u8]>, timeout: Duration) -> Result<Client, Fault> {
    build(builder(ca_pem, timeout)?)
}

/// What went wrong on the line. `true` when nothing can have arrived.
pub(super) fn line_fault(error: &reqwest::Error) -> (Fault, bool) {
    if error.is_connect() {
        return (Fault::new("connection_refused", "the provider could not be reached"), true);
    }
    if error.is_builder() {
        return (Fault::new("request_not_made", "the request could not be put together"), true);
    }
    let code = if error.is_timeout() { "timeout" } else { "connection_lost" };
    (Fault::new(code, "the provider did not answer"), false)
}

/// Seconds a provider asks to wait: a number, or a time by its own clock.
pub(super) fn retry_after(response: &Response) -> Option<u32> {
    let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::trim);
    seconds_to_wait(header("retry-after")?, header("date"))
}

fn seconds_to_wait(retry_after: &str, date: Option<&str>) -> Option<u32> {
    if let Ok(seconds) = retry_after.parse() {
        return Some(seconds);
    }
    let time = |text: &str| DateTime::parse_from_rfc2822(text).ok();
    u32::try_from((time(retry_after)? - time(date?)?).num_seconds().max(0)).ok()
}

/// A provider's words, cut short and without the people in them.
pub(super) fn words(text: &str) -> String {
    clean(text, &[]).unwrap_or_default()
}

/// A body of text up to a size; a longer one is an error.
pub(super) async fn bounded_text(mut response: Response, most: usize) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| line_fault(&e).0)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > most {
            return Err(Fault::new("answer_too_large", "the provider answers with too much"));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// One part of a path, percent-encoded.
pub(super) fn path_part(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_says_how_long_to_wait() {
        let date = Some("Wed, 21 Oct 2026 07:28:00 GMT");
        assert_eq!(seconds_to_wait("120", None), Some(120));
        assert_eq!(seconds_to_wait("Wed, 21 Oct 2026 07:30:30 GMT", date), Some(150));
        assert_eq!(seconds_to_wait("Wed, 21 Oct 2026 07:00:00 GMT", date), Some(0));
        assert_eq!(seconds_to_wait("Wed, 21 Oct 2026 07:30:30 GMT", None), None);
        assert_eq!(seconds_to_wait("soon", date), None);
    }

    #[test]
    fn a_path_part_holds_no_separator() {
        assert_eq!(
            path_part("iso6523-actorid-upis::0192:987654325#a/b"),
            "iso6523-actorid-upis%3A%3A0192%3A987654325%23a%2Fb"
        );
    }
}
