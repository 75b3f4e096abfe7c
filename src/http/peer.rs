//! Where a request comes from, and over what line: by its connection, and by what a trusted proxy says. A line others can read is
//! refused, and who came over a safe one is told to come so the next time (RFC 6797).

use super::console::not_safe;
use super::form::browser_language;
use super::problem::Failure;
use crate::ctx::Ctx;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

/// Seconds a browser comes over https only.
const HTTPS_ONLY: &str = "max-age=31536000";
/// What tells nothing of anybody, and is asked for on the same host or network.
const OPEN_TO_ALL: &[&str] = &["/healthz", "/readyz", "/metrics"];

/// The line a request came over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Line {
    /// A trusted proxy took it over TLS.
    Tls,
    /// A trusted proxy took it in clear, or it came around the proxies.
    Clear,
    /// Nobody says; the settings do.
    #[default]
    Unsaid,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Peer {
    /// Its address; none where only a proxy's is known.
    pub(super) address: Option<IpAddr>,
    line: Line,
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_default())
    }
}

/// What a proxy says of one hop.
#[derive(Debug, Default, PartialEq, Eq)]
struct Hop {
    from: Option<IpAddr>,
    https: Option<bool>,
}

/// An address as proxies write it: with a port or without, in brackets, in quotation marks.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|t| t.split_once(']')).map_or(text, |(inside, _)| inside);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip())).map(domain::network::plain)
}

/// The parts of a header's values in order, parted outside of quotation marks.
fn parts(headers: &HeaderMap, name: &str, by: char) -> Vec<String> {
    let values = headers.get_all(name).into_iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|v| split(v, by)).collect()
}

fn split(text: &str, by: char) -> Vec<String> {
    let (mut parts, mut quoted) = (vec![String::new()], false);
    for c in text.chars() {
        quoted ^= c == '"';
        match parts.last_mut() {
            Some(last) if c != by || quoted => last.push(c),
            _ => parts.push(String::new()),
        }
    }
    parts.into_iter().map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect()
}

/// Hops by `X-Forwarded-For` and `X-Forwarded-Proto`, the first first.
fn x_forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let schemes = parts(headers, "x-forwarded-proto", ',');
    let from = parts(headers, "x-forwarded-for", ',');
    let one = from.is_empty() && !schemes.is_empty();
    let count = from.len().max(usize::from(one));
    let hop = |i: usize| {
        // A proxy that writes the scheme anew writes one, whatever the number of hops.
        let scheme = if schemes.len() == count { schemes.get(i) } else { schemes.last() };
        let from = from.get(i).and_then(|f| address(f));
        Hop { from, https: scheme.map(|s| s.eq_ignore_ascii_case("https")) }
    };
    (0..count).map(hop).collect()
}

/// Hops by `Forwarded` (RFC 7239), the first first.
fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let hop = |element: String| {
        let mut hop = Hop::default();
        for pair in split(&element, ';') {
            match pair.split_once('=') {
                Some((name, value)) if name.eq_ignore_ascii_case("for") => hop.from = address(value),
                Some((name, value)) if name.eq_ignore_ascii_case("proto") => {
                    hop.https = Some(value.trim_matches('"').eq_ignore_ascii_case("https"));
                }
                _ => {}
            }
        }
        hop
    };
    parts(headers, "forwarded", ',').into_iter().map(hop).collect()
}

fn is_bound_to_this_host(ctx: &Ctx) -> bool {
    ctx.config.http.bind.parse::<SocketAddr>().is_ok_and(|a| a.ip().is_loopback())
}

/// Where a request comes from, by who connected and by what its headers say.
fn peer(ctx: &Ctx, connected: Option<IpAddr>, headers: &HeaderMap) -> Peer {
    let trusted = &ctx.config.http.trusted_proxies;
    let is_trusted = |a: IpAddr| trusted.iter().any(|range| range.contains(a));
    let Some(connected) = connected else { return Peer::default() };
    if !is_trusted(connected) {
        if trusted.is_empty() {
            // Settings that speak of a proxy nobody is told the address of: whoever connects is not who asks.
            let proxied = ctx.config.console.https || ctx.config.payer.is_https();
            return Peer { address: (!proxied).then_some(domain::network::plain(connected)), line: Line::Unsaid };
        }
        let line = if is_bound_to_this_host(ctx) { Line::Unsaid } else { Line::Clear };
        return Peer { address: Some(domain::network::plain(connected)), line };
    }
    let hops = if ctx.config.http.forwarded_header.is_standard() { forwarded(headers) } else { x_forwarded(headers) };
    // From the nearest proxy outwards, as far as trusted ones reach: what stands before is anybody's word.
    let (mut from, mut https) = (Some(connected), None);
    for hop in hops.into_iter().rev() {
        if !from.is_some_and(is_trusted) {
            break;
        }
        (from, https) = (hop.from, hop.https);
    }
    let line = match https {
        Some(true) => Line::Tls,
        Some(false) => Line::Clear,
        None => Line::Unsaid,
    };
    Peer { address: from.filter(|a| !is_trusted(*a)), line }
}

/// Whether a request over a line is answered. People sign in where the settings know of https, since their cookies go by them.
fn is_answered(ctx: &Ctx, line: Line, console: bool) -> bool {
    let config = &ctx.config;
    let signs_in = config.console.https || is_bound_to_this_host(ctx);
    match line {
        _ if config.http.allow_clear => true,
        Line::Clear => false,
        Line::Tls => !console || signs_in,
        Line::Unsaid => signs_in || (!console && config.payer.is_https()),
    }
}

fn refusal(path: &str, headers: &HeaderMap) -> Response {
    let is_under = |place: &str| path == place || path.starts_with(&format!("{place}/"));
    if is_under("/console") {
        return not_safe();
    }
    if is_under("/i") || is_under("/privacy") {
        let page = console::payer_clear(browser_language(headers)).unwrap_or_default();
        return (StatusCode::FORBIDDEN, Html(page)).into_response();
    }
    let detail = "this line can be read by others: come over https. The operator says where it ends: console.https with \
                  http.trusted_proxies, or http.bind on the loopback address";
    Failure::new(StatusCode::FORBIDDEN, "line_not_encrypted", detail).into_response()
}

/// Finds out where a request comes from, and refuses it over a line others can read.
pub(super) async fn know(State(ctx): State<Ctx>, mut request: Request, next: Next) -> Response {
    let connected = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip());
    let peer = peer(&ctx, connected, request.headers());
    let path = request.uri().path();
    let is_asset = path.starts_with("/console/assets/") || path.starts_with("/i/assets/");
    let console = path == "/console" || path.starts_with("/console/");
    if !is_asset && !OPEN_TO_ALL.contains(&path) && !is_answered(&ctx, peer.line, console) {
        return refusal(path, request.headers());
    }
    let said = ctx.config.console.https || ctx.config.payer.is_https();
    let secure = peer.line == Line::Tls || (peer.line == Line::Unsaid && said);
    request.extensions_mut().insert(peer);
    let mut response = next.run(request).await;
    if secure {
        let asked = HeaderValue::from_static(HTTPS_ONLY);
        response.headers_mut().entry(header::STRICT_TRANSPORT_SECURITY).or_insert(asked);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    fn hop(from: Option<&str>, https: Option<bool>) -> Hop {
        Hop { from: from.map(|f| f.parse().unwrap()), https }
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (written, is) in [
            ("192.0.2.43", Some("192.0.2.43")),
            ("192.0.2.43:47011", Some("192.0.2.43")),
            ("\"[2001:db8:cafe::17]:4711\"", Some("2001:db8:cafe::17")),
            ("[2001:db8:cafe::17]", Some("2001:db8:cafe::17")),
            ("2001:db8:cafe::17", Some("2001:db8:cafe::17")),
            ("::ffff:192.0.2.43", Some("192.0.2.43")),
            ("unknown", None),
            ("_hidden", None),
            ("", None),
        ] {
            assert_eq!(address(written), is.map(|a| a.parse().unwrap()), "{written}");
        }
    }

    #[test]
    fn hops_are_told_apart_in_both_headers() {
        let given = headers(&[
            ("forwarded", "for=192.0.2.43;proto=https, for=\"[2001:db8::1]:80\";by=_a"),
            ("forwarded", "For=unknown"),
        ]);
        let read = forwarded(&given);
        assert_eq!(read, [hop(Some("192.0.2.43"), Some(true)), hop(Some("2001:db8::1"), None), hop(None, None)]);
        let given = headers(&[("x-forwarded-for", "203.0.113.9, 192.0.2.43"), ("x-forwarded-proto", "http, https")]);
        let read = x_forwarded(&given);
        assert_eq!(read, [hop(Some("203.0.113.9"), Some(false)), hop(Some("192.0.2.43"), Some(true))]);
        let given = headers(&[("x-forwarded-for", "203.0.113.9, 192.0.2.43"), ("x-forwarded-proto", "http")]);
        let read = x_forwarded(&given);
        assert_eq!(read, [hop(Some("203.0.113.9"), Some(false)), hop(Some("192.0.2.43"), Some(false))]);
        assert_eq!(x_forwarded(&headers(&[("x-forwarded-proto", "https")])), [hop(None, Some(true))]);
        assert_eq!(x_forwarded(&headers(&[])), []);
    }
}
