//! Calls of integrators' endpoints: signed, without redirects, and never to an address inside a network of ours.

use super::http::{build, builder, line_fault, retry_after};
use super::webhook_signature::sign;
use crate::ports::{Call, Called, Caller, Fault, Pending};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Calls endpoints over HTTPS.
pub struct WebhookCaller {
    client: Client,
    /// For development: endpoints on this host, without encryption.
    allow_local: bool,
}

impl WebhookCaller {
    /// A caller; `allow_local` is for development only.
    pub fn new(timeout: Duration, allow_local: bool) -> Result<Self, Fault> {
        let builder = builder(None, timeout)?.dns_resolver(Arc::new(PublicOnly { allow_local }));
        Ok(Self { client: build(builder)?, allow_local })
    }
}

/// Resolves names, and leaves out addresses that are not public: checked where the connection is made, so that a name
/// that changes its mind after it was checked gets nowhere.
struct PublicOnly {
    allow_local: bool,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_local = self.allow_local;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|a| is_allowed(a.ip(), allow_local)).collect();
            if public.is_empty() {
                return Err("the name leads to no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

fn is_allowed(ip: IpAddr, allow_local: bool) -> bool {
    is_public(ip) || (allow_local && ip.is_loopback())
}

/// Whether an address is on the open internet.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let inner = |high: u16, low: u16| is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match ip.segments() {
        // Addresses that carry an IPv4 address: mapped, compatible, translated, 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            inner(high, low)
        }
        [0, 0, 0, 0, 0, 0, ..] | [0x64, 0xff9b, 1, ..] | [0x100, 0, 0, 0, ..] | [0x2001, 0xdb8 | 0, ..] => false,
        // Global unicast is 2000::/3.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

impl Caller for WebhookCaller {
    fn check_url(&self, url: &str) -> Result<(), Fault> {
        let no = |detail: &str| Err(Fault::new("url_not_allowed", detail));
        let Ok(url) = Url::parse(url) else { return no("an address such as https://example.no/hooks") };
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let address = bare.parse::<IpAddr>().ok();
        let local = address.is_some_and(|ip| ip.is_loopback()) || host == "localhost";
        if local && self.allow_local {
            return Ok(());
        }
        if url.scheme() != "https" {
            return no("webhooks go over https");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return no("no name and password in the address; the signature says who sends");
        }
        if local || address.is_some_and(|ip| !is_public(ip)) || !host.contains(['.', ':']) {
            return no("the address is not on the open internet");
        }
        Ok(())
    }

    fn call<'a>(&'a self, call: &'a Call) -> Pending<'a, Result<Called, Fault>> {
        Box::pin(async move {
            self.check_url(&call.url)?;
            let id = call.id.to_string();
            let signature = sign(&call.secrets, &id, call.at, &call.body);
            let request = self
                .client
                .post(&call.url)
                .header("content-type", "application/json")
                .header("user-agent", "Reskontro")
                .header("webhook-id", &id)
                .header("webhook-timestamp", call.at.timestamp().to_string())
                .header("webhook-signature", signature)
                .body(call.body.clone());
            let response = request.send().await.map_err(|e| line_fault(&e).0)?;
            Ok(Called { status: response.status().as_u16(), retry_after: retry_after(&response) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_open_internet_is_called() {
        for ip in ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "2002:5db8:d822::1"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "198.51.100.1",
            "240.0.0.1",
            "::1",
            "::",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::1",
            "2001:db8::1",
            "::10.0.0.1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[tokio::test]
    async fn a_name_leads_only_to_public_addresses() {
        let resolve = async |allow_local| PublicOnly { allow_local }.resolve("localhost".parse().unwrap()).await;
        assert!(resolve(false).await.is_err());
        assert!(resolve(true).await.unwrap().all(|a| a.ip().is_loopback()));
    }

    #[test]
    fn addresses_are_checked_before_they_are_kept() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let caller = |local| WebhookCaller::new(Duration::from_secs(1), local).unwrap();
        for good in ["https://example.no/hooks", "https://example.no:8443/a?b=c", "https://93.184.216.34/x"] {
            assert!(caller(false).check_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://example.no",
            "https://127.0.0.1/",
            "https://localhost/",
            "https://[::1]/",
            "https://10.1.2.3/",
            "https://169.254.169.254/latest",
            "https://intranet/",
            "ftp://example.no",
            "https://a:b@example.no/",
            "x",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://[::ffff:10.0.0.1]/",
        ] {
            assert!(caller(false).check_url(bad).is_err(), "{bad}");
        }
        assert!(caller(true).check_url("http://127.0.0.1:9000/x").is_ok());
        assert!(caller(true).check_url("https://10.0.0.1/x").is_err());
    }
}
