//! Clients for providers over HTTP: rustls, no redirects, and what a failure means.

use crate::ports::Fault;
use reqwest::{Client, Response};
use std::time::Duration;

/// A client for one provider, trusting the public authorities and, where given, a private one in PEM.
pub(super) fn client(ca_pem: Option<&[u8]>, timeout: Duration) -> Result<Client, Fault> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let bad = |e: &dyn std::fmt::Display| Fault::new("tls_failed", e.to_string());
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in CertificateDer::pem_slice_iter(ca_pem.unwrap_or_default()) {
        roots.add(certificate.map_err(|e| bad(&e))?).map_err(|e| bad(&e))?;
    }
    let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let builder = Client::builder().tls_backend_preconfigured(tls).no_proxy().tcp_nodelay(true);
    let builder = builder.redirect(reqwest::redirect::Policy::none()).timeout(timeout);
    builder.connect_timeout(timeout.min(Duration::from_secs(10))).build().map_err(|e| bad(&e))
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

/// Seconds a provider asks to wait.
pub(super) fn retry_after(response: &Response) -> Option<u32> {
    response.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok()
}

/// A provider's words, cut short and without addresses.
pub(super) fn words(text: &str) -> String {
    let words = text.split_whitespace().map(|w| if w.contains('@') { "[address]" } else { w });
    words.collect::<Vec<_>>().join(" ").chars().take(300).collect()
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
    fn a_path_part_holds_no_separator() {
        assert_eq!(
            path_part("iso6523-actorid-upis::0192:987654325#a/b"),
            "iso6523-actorid-upis%3A%3A0192%3A987654325%23a%2Fb"
        );
    }

    #[test]
    fn words_hold_no_address() {
        assert_eq!(words("user <kari@example.org>\n unknown"), "user [address] unknown");
    }
}
