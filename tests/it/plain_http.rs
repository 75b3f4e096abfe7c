//! A line others can read is refused on every door, by what a trusted proxy says and by the settings, and who came over a safe one
//! is told to come so the next time.

use crate::api::{Api, key};
use crate::harness::{TestApp, both};
use crate::payer::{changed, mailed, with_pages};
use reqwest::{Client, redirect};
use reskontro::ctx::Ctx;
use reskontro::services::access::Scope;

const DOORS: [&str; 7] =
    ["/api/v1/customers", "/i/none", "/privacy", "/console/sign-in", "/openapi.json", "/webhooks/efaktura", "/nowhere"];
const OPEN: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/i/assets/payer.css"];

struct Line {
    base: String,
    client: Client,
    headers: Vec<(&'static str, &'static str)>,
    key: String,
}

impl Line {
    async fn to(ctx: Ctx, key: &str, headers: &[(&'static str, &'static str)]) -> Self {
        let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { base: Api::serve_ctx(ctx).await.base, client, headers: headers.to_vec(), key: key.to_owned() }
    }

    /// Status, whether https is asked for the next time, and the body.
    async fn get(&self, path: &str) -> (u16, bool, String) {
        let mut request = self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.key);
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let strict = answer.headers().contains_key("strict-transport-security");
        (answer.status().as_u16(), strict, answer.text().await.unwrap())
    }

    async fn is_refused(&self, why: &str) {
        for path in DOORS {
            let (status, strict, body) = self.get(path).await;
            assert_eq!((status, strict), (403, false), "{why} {path}: {body}");
            let says = ["line_not_encrypted", "https", "https only"];
            assert!(says.iter().any(|s| body.contains(s)), "{why} {path}: {body}");
        }
        for path in OPEN {
            assert_eq!(self.get(path).await.0, 200, "{why} {path}");
        }
    }

    async fn is_answered(&self, why: &str, strict: bool) {
        for path in DOORS {
            let (status, asked, body) = self.get(path).await;
            assert_ne!(status, 403, "{why} {path}: {body}");
            assert_eq!(asked, strict, "{why} {path}");
        }
    }
}

both!(every_door_is_closed_over_a_line_others_can_read, async |app: &TestApp| {
    let actor = app.association().await;
    let reader = key(app, &actor, Scope::Read).await;
    let open = |config: &mut reskontro::config::Config| config.http.bind = "0.0.0.0:8080".into();
    let trusting = |config: &mut reskontro::config::Config| {
        config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    };
    let https = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https")];
    let clear = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "http")];
    let on_all = changed(&app.ctx, open);
    Line::to(on_all.clone(), &reader, &[]).await.is_refused("in clear").await;
    // Anybody can claim to have come over https.
    Line::to(on_all.clone(), &reader, &https).await.is_refused("claimed").await;
    // Bound to this host nobody else reads.
    Line::to(app.ctx.clone(), &reader, &[]).await.is_answered("loopback", false).await;
    // The settings vouch for a proxy.
    let vouched = changed(&on_all, |config| config.console.https = true);
    Line::to(vouched.clone(), &reader, &[]).await.is_answered("vouched", true).await;
    // A trusted proxy says how it was reached, and is believed either way.
    let proxied = changed(&vouched, trusting);
    Line::to(proxied.clone(), &reader, &https).await.is_answered("proxy, https", true).await;
    Line::to(proxied.clone(), &reader, &clear).await.is_refused("proxy, clear").await;
    let local = changed(&app.ctx, trusting);
    Line::to(local, &reader, &clear).await.is_refused("proxy on this host, clear").await;
    // Around the proxy.
    let elsewhere = changed(&vouched, |config| config.http.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()]);
    Line::to(elsewhere, &reader, &https).await.is_refused("around the proxy").await;
    // For development.
    let allowed = changed(&on_all, |config| config.http.allow_clear = true);
    Line::to(allowed, &reader, &[]).await.is_answered("allowed", false).await;
    // People sign in where cookies are marked for https: a proxy's word for one request is not enough.
    let half = Line::to(changed(&on_all, trusting), &reader, &https).await;
    assert_eq!(half.get("/api/v1/customers").await.0, 200);
    assert_eq!(half.get("/console/sign-in").await.0, 403);
});

both!(a_payer_is_told_in_their_language_to_come_over_https, async |app: &TestApp| {
    let ctx = changed(&with_pages(app), |config| {
        config.http.bind = "0.0.0.0:8080".into();
        config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    });
    let (_, _, page) = mailed(app, &ctx).await;
    let clear = ("X-Forwarded-Proto", "http");
    for (language, says) in [("nb", "Åpne den på nytt"), ("nn", "Opne ho på nytt"), ("en", "Open it again")] {
        let line = Line::to(ctx.clone(), "", &[clear, ("Accept-Language", language)]).await;
        let (status, strict, text) = line.get(&page).await;
        assert_eq!((status, strict), (403, false));
        assert!(text.contains(says) && text.contains("https://"), "{text}");
        assert!(!text.contains("Kari") && !text.contains("name=\"csrf\""), "{text}");
    }
    let safe = Line::to(ctx, "", &[("X-Forwarded-Proto", "https")]).await;
    let (status, strict, text) = safe.get(&page).await;
    assert!((status, strict) == (200, true) && text.contains("name=\"csrf\""), "{text}");
});
