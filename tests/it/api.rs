//! The API as clients meet it: keys, scopes, other organisations, repeats, versions, problems.

use crate::harness::{TestApp, both};
use reqwest::{Method, StatusCode};
use reskontro::privacy::hand_over;
use reskontro::services::Actor;
use reskontro::services::access::{self, Scope};
use reskontro::services::organisation;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The service on a port of its own.
pub struct Api {
    pub base: String,
    pub client: reqwest::Client,
}

impl Api {
    pub async fn serve(app: &TestApp) -> Self {
        Self::serve_ctx(app.ctx.clone()).await
    }

    pub async fn serve_ctx(ctx: reskontro::ctx::Ctx) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = reskontro::http::router(ctx).into_make_service_with_connect_info::<std::net::SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, client: reqwest::Client::builder().build().unwrap() }
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

pub async fn key(app: &TestApp, actor: &Actor, scope: Scope) -> String {
    access::create_key(&app.ctx, actor, "test", scope, None).await.unwrap().text
}

pub async fn another(app: &TestApp) -> Actor {
    let mut new = crate::harness::association();
    new.name = "Nabolaget velforening".into();
    new.bank_account = None;
    Actor::operator(organisation::create(&app.ctx, new).await.unwrap())
}

const ID: &str = "01939f8e-0000-7000-8000-000000000001";

/// Every route as documented.
pub fn templates() -> Vec<(Method, String)> {
    let document: Value = serde_json::from_str(&reskontro::http::openapi_json().unwrap()).unwrap();
    let mut out = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            out.push((method, path.clone()));
        }
    }
    out
}

/// A path with its names filled in.
pub fn filled(path: &str, value: &dyn Fn(&str) -> String) -> String {
    let parts = path.split('/').map(|part| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
        Some(name) => value(name),
        None => part.to_owned(),
    });
    let path = parts.collect::<Vec<_>>().join("/");
    if path == "/api/v1/customer-syncs" { format!("{path}?mode=full") } else { path }
}

fn operations() -> Vec<(Method, String)> {
    templates().into_iter().map(|(method, path)| (method, filled(&path, &|_| ID.to_owned()))).collect()
}

both!(every_route_asks_for_a_key, async |app: &TestApp| {
    app.association().await;
    let api = Api::serve(app).await;
    let operations = operations();
    assert!(operations.len() > 50, "{} operations", operations.len());
    for (method, path) in operations {
        let (status, body) = api.send(method.clone(), &path, None, None).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert_eq!(body["code"], "api_key_missing", "{method} {path}");
        let (status, _) = api.send(method.clone(), &path, Some("rk_wrong"), None).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path} with a wrong key");
    }
    for open in reskontro::http::OPEN_ROUTES {
        // What comes to the webhook is signed; there is nobody it could come from where no gateway is set up. A payer's
        // link that is none shows its page all the same.
        let (method, answer) = match *open {
            "/webhooks/efaktura" | "/i/{token}/code" | "/i/{token}/open" | "/i/{token}/close"
            | "/i/{token}/request" => (Method::POST, StatusCode::NOT_FOUND),
            // Nothing is published yet.
            "/i/{token}"
            | "/i/{token}/pdf"
            | "/privacy"
            | "/privacy/{org}"
            | "/privacy/{org}/pdf"
            | "/privacy/packages/{token}"
            | "/privacy/{org}/request"
            | "/i/{token}/requests/{id}"
            | "/privacy/{org}/cookies" => (Method::GET, StatusCode::NOT_FOUND),
            _ => (Method::GET, StatusCode::OK),
        };
        let (status, _) = api.send(method, open, None, None).await;
        assert_eq!(status, answer, "{open}");
    }
});

both!(a_reading_key_changes_nothing, async |app: &TestApp| {
    let actor = app.association().await;
    let reader = key(app, &actor, Scope::Read).await;
    let api = Api::serve(app).await;
    let looks = ["/api/v1/customers/search", "/api/v1/invoice-runs/preview", "/api/v1/privacy/erasures/preview"];
    for (method, path) in operations() {
        if method == Method::GET || looks.contains(&path.as_str()) {
            continue;
        }
        let (status, body) = api.send(method.clone(), &path, Some(&reader), Some(&json!({}))).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}: {body}");
        assert_eq!(body["code"], "scope_too_small", "{method} {path}");
    }
});

/// What manages keys and the organisation: a writing key may not.
const ADMIN: &[(&str, &str)] = &[
    ("POST", "/organisation/ending"),
    ("DELETE", "/organisation/ending"),
    ("POST", "/hand-overs"),
    ("POST", "/hand-overs/{id}/confirm"),
    ("GET", "/users/{user_id}/sign-ins"),
    ("GET", "/blocked-addresses"),
    ("POST", "/blocked-addresses"),
    ("POST", "/blocked-addresses/{block_id}/review"),
    ("DELETE", "/blocked-addresses/{block_id}"),
    ("GET", "/backups"),
    ("POST", "/backups"),
    ("GET", "/backups/certificate"),
    ("POST", "/backups/{name}/verify"),
    ("POST", "/privacy/statements/{version_no}/notice"),
    ("GET", "/privacy/breaches"),
    ("POST", "/privacy/breaches"),
    ("GET", "/privacy/breaches/{id}"),
    ("PATCH", "/privacy/breaches/{id}"),
    ("GET", "/privacy/breaches/{id}/persons"),
    ("POST", "/privacy/breaches/{id}/persons"),
    ("POST", "/privacy/breaches/{id}/letters"),
    ("GET", "/privacy/breaches/{id}/letters.zip"),
    ("POST", "/privacy/breaches/{id}/letters/posted"),
    ("GET", "/privacy/breaches/{id}/draft"),
    ("POST", "/privacy/breaches/{id}/notified"),
    ("POST", "/privacy/breaches/{id}/close"),
    ("GET", "/privacy/reads"),
    ("POST", "/privacy/requests/{id}/decide"),
    ("GET", "/privacy/requests/{id}/package.zip"),
    ("POST", "/privacy/requests/{id}/link"),
    ("POST", "/privacy/erasures"),
    ("POST", "/privacy/archive/readings"),
    ("PATCH", "/organisation"),
    ("POST", "/organisation/dpa"),
    ("PUT", "/organisation/logo"),
    ("DELETE", "/organisation/logo"),
    ("PUT", "/number-series/{code}"),
    ("PUT", "/gl-accounts"),
    ("POST", "/bank-accounts"),
    ("POST", "/vat-codes"),
    ("GET", "/api-keys"),
    ("POST", "/api-keys"),
    ("POST", "/organisation/efaktura"),
    ("DELETE", "/api-keys/{id}"),
    ("POST", "/webhook-endpoints"),
    ("PUT", "/webhook-endpoints/{id}"),
    ("DELETE", "/webhook-endpoints/{id}"),
    ("POST", "/webhook-endpoints/{id}/rotate"),
    ("POST", "/webhook-endpoints/{id}/enable"),
    ("POST", "/webhook-endpoints/{id}/disable"),
    ("POST", "/webhook-endpoints/{id}/replay"),
    ("POST", "/privacy/policies"),
    ("POST", "/privacy/policies/{version_no}/approve"),
    ("GET", "/users/{user_id}/privacy"),
    ("POST", "/privacy/statements"),
    ("POST", "/privacy/retention-plans/{id}/execute"),
];

both!(a_writing_key_manages_nothing, async |app: &TestApp| {
    let actor = app.association().await;
    let writer = key(app, &actor, Scope::Write).await;
    let api = Api::serve(app).await;
    for (method, path) in templates() {
        let managed = ADMIN.iter().any(|(m, p)| method == *m && path == format!("/api/v1{p}"));
        let asked = filled(&path, &|_| ID.to_owned());
        let (status, body) = api.send(method.clone(), &asked, Some(&writer), Some(&json!({}))).await;
        assert_eq!(status == StatusCode::FORBIDDEN, managed, "{method} {path}: {status} {body}");
        assert_ne!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
});

/// One thing of every kind an address may name.
pub async fn things(app: &TestApp, api: &Api, key: &str) -> HashMap<&'static str, String> {
    let ours = access::authenticate(&app.ctx, key, None).await.unwrap().0;
    app.product(&ours, "A", "Vare", "100").await;
    let list = "Kundenr;Navn;Orgnr;Adresse;Postnr;Poststed;E-post;Produkter\n1;Nord AS;315771900;Gata 1;0150;Oslo;kari@example.org;A\n";
    app.sync(&ours, list.as_bytes(), formats::customer_list::Mode::Full).await;
    let made = async |path: &str, body: Value| -> String {
        let (status, made) = api.send(Method::POST, &format!("/api/v1{path}"), Some(key), Some(&body)).await;
        assert_eq!(status, StatusCode::CREATED, "{path}: {made}");
        made["id"].as_str().unwrap().to_owned()
    };
    let first = async |path: &str| -> String {
        let (_, listed) = api.send(Method::GET, &format!("/api/v1{path}"), Some(key), None).await;
        listed["items"][0]["id"].as_str().unwrap_or_else(|| panic!("{path}: {listed}")).to_owned()
    };
    let customer = first("/customers").await;
    let draft = json!({ "customer_id": customer, "lines": [{ "product_number": "A", "quantity": "1" }] });
    let issued = made("/invoices", draft.clone()).await;
    made(&format!("/invoice-drafts/{issued}/issue"), json!({})).await;
    let plan = api
        .client
        .post(format!("{}/api/v1/customer-syncs?mode=full", api.base))
        .bearer_auth(key)
        .body(list)
        .send()
        .await
        .unwrap();
    let file = crate::road::ocr_file(&[("99999999", 12_300)]);
    let file = api.client.post(format!("{}/api/v1/bank-files", api.base)).bearer_auth(key).body(file).send().await;
    let id = async |answer: reqwest::Response| {
        let body: Value = answer.json().await.unwrap();
        body["id"].as_str().or(body["file"]["id"].as_str()).unwrap_or_else(|| panic!("{body}")).to_owned()
    };
    let today = app.ctx.today();
    let asked = json!({ "kind": "access", "subject_kind": "customer", "subject_id": customer, "channel": "api" });
    let asked = made("/privacy/requests", asked).await;
    let identify = format!("/api/v1/privacy/requests/{asked}/identify");
    let known = api.send(Method::POST, &identify, Some(key), Some(&json!({ "known": true }))).await;
    assert_eq!(known.0, StatusCode::NO_CONTENT);
    let gone = made("/customers", json!({ "number": "900", "name": "Borte Vekk" })).await;
    let hold = json!({
        "kind": "claim", "subject_kind": "customer", "subject_id": customer, "reason": "krav",
        "owner": "styret", "review_on": today + chrono::Days::new(30)
    });
    let (package, _) = hand_over::write(&app.ctx, &ours, hand_over::Scope::Organisation, "prøve").await.unwrap();
    HashMap::from([
        ("contacts", made(&format!("/customers/{customer}/contacts"), json!({ "name": "Liv" })).await),
        ("customers", customer.clone()),
        ("customer-syncs", id(plan).await),
        ("products", first("/products").await),
        ("standing-orders", first("/standing-orders").await),
        ("deliveries", first("/deliveries").await),
        ("invoices", issued),
        ("invoice-drafts", made("/invoices", draft).await),
        ("invoice-runs", made("/invoice-runs", json!({})).await),
        ("bank-files", id(file.unwrap()).await),
        ("payments", first("/payments").await),
        ("posting-exports", made("/posting-exports", json!({ "from_on": today, "to_on": today })).await),
        ("api-keys", made("/api-keys", json!({ "name": "one more", "scope": "read" })).await),
        ("retention-plans", made("/privacy/retention-plans", json!({})).await),
        ("holds", made("/privacy/holds", hold).await),
        ("webhook-endpoints", made("/webhook-endpoints", json!({ "url": "https://example.no/hooks" })).await),
        ("requests", asked),
        ("hand-overs", package.id.to_string()),
        ("breaches", made("/privacy/breaches", json!({ "what": "En fil kom på avveie." })).await),
        ("erasures", made("/privacy/erasures", json!({ "subject_kind": "customer", "subject_id": gone })).await),
    ])
}

/// A body each route accepts, where an empty one is not enough to get as far as looking the thing up.
fn body_for(path: &str) -> Value {
    match path.rsplit('/').next().unwrap() {
        "end" => json!({ "reason": "flyttet" }),
        "renumber" => json!({ "number": "77" }),
        "contacts" => json!({ "name": "Liv" }),
        "notes" => json!({ "kind": "support", "channel": "phone", "text": "ringte" }),
        "redirect" => json!({ "channel": "mail" }),
        "allocate" => json!({ "invoice_id": ID }),
        "confirm" if path.contains("hand-overs") => json!({ "sha256": "00" }),
        "confirm" => json!({ "code": "123456" }),
        "identify" => json!({ "known": true }),
        "extend" => json!({ "reason": "mye" }),
        "decide" => json!({ "decision": "granted" }),
        "lift-restriction" => json!({ "person_told": true }),
        "consents" => {
            json!({ "purpose": "course", "channel": "mail", "text_version": "1", "given_by": "skjema" })
        }
        "review" | "review-restriction" => json!({ "review_on": "2027-01-01" }),
        "reverse" => json!({ "reason": "feil" }),
        "credit" if path.contains("invoice-runs") => json!({ "reason": "feil" }),
        "{id}" if path.contains("/webhook-endpoints/") => json!({ "url": "https://example.no/hooks" }),
        _ if path.contains("/invoice-drafts/") => json!({ "customer_id": ID, "lines": [] }),
        _ => json!({}),
    }
}

both!(another_organisations_things_are_not_found, async |app: &TestApp| {
    let (ours, theirs) = (app.association().await, another(app).await);
    let (our_key, their_key) = (key(app, &ours, Scope::Admin).await, key(app, &theirs, Scope::Admin).await);
    let api = Api::serve(app).await;
    let things = things(app, &api, &our_key).await;
    let mut asked = 0;
    for (method, path) in templates() {
        let Some((before, _)) = path.split_once("/{id}") else { continue };
        let kind = before.rsplit('/').next().unwrap();
        let real = filled(&path, &|name| match name {
            "id" => things.get(kind).unwrap_or_else(|| panic!("no thing of kind {kind}")).clone(),
            _ => things["contacts"].clone(),
        });
        let request = api.client.request(method.clone(), format!("{}{real}", api.base)).bearer_auth(&their_key);
        let answer = request.header("If-Match", "\"1\"").json(&body_for(&path)).send().await.unwrap();
        let status = answer.status();
        assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}: {}", answer.text().await.unwrap());
        if method == Method::GET {
            let (status, body) = api.send(Method::GET, &real, Some(&our_key), None).await;
            assert_eq!(status, StatusCode::OK, "{path}: {body}");
        }
        asked += 1;
    }
    assert!(asked > 42, "{asked} routes");
    let draft = json!({ "customer_id": things["customers"], "lines": [{ "product_number": "A", "quantity": "1" }] });
    let (status, _) = api.send(Method::POST, "/api/v1/invoices", Some(&their_key), Some(&draft)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    // A key that names our organisation and their key id is no key.
    let forged = their_key.replace(&theirs.org.simple().to_string(), &ours.org.simple().to_string());
    let (status, _) = api.send(Method::GET, "/api/v1/customers", Some(&forged), None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
});

both!(a_request_under_way_is_not_begun_again, async |app: &TestApp| {
    let actor = app.association().await;
    let writer = key(app, &actor, Scope::Write).await;
    let api = Api::serve(app).await;
    // A key's first use is noted, which the writer held below would stop.
    api.send(Method::GET, "/api/v1/products", Some(&writer), None).await;
    // The writer holds what the request needs, so that it is under way while the second one asks.
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    reskontro::store::organisation::lock(&tx).await.unwrap();
    let body = json!({ "items": [] });
    let post = || {
        let request = api.client.post(format!("{}/api/v1/opening-items", api.base)).bearer_auth(&writer);
        request.header("Idempotency-Key", "one").json(&body).send()
    };
    let (mut one, mut other) = (tokio::spawn(post()), tokio::spawn(post()));
    let (refused, waiting) = tokio::select! {
        answer = &mut one => (answer, other),
        answer = &mut other => (answer, one),
    };
    let refused = refused.unwrap().unwrap();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "idempotency_key_in_use");
    tx.commit().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().status(), StatusCode::CREATED);
});

both!(a_repeated_request_gives_the_first_answer, async |app: &TestApp| {
    let actor = app.association().await;
    let writer = key(app, &actor, Scope::Write).await;
    let api = Api::serve(app).await;
    let product = |number: &str| json!({ "number": number, "name": "Vare", "unit_price": "10", "vat_code": "6" });
    let post = async |body: &Value| {
        let request = api.client.post(format!("{}/api/v1/products", api.base)).bearer_auth(&writer);
        let response = request.header("Idempotency-Key", "one").json(body).send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    let (first, again) = (post(&product("A")).await, post(&product("A")).await);
    assert_eq!(first.0, StatusCode::CREATED);
    assert_eq!(first, again);
    let (status, body) = post(&product("B")).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("idempotency_key_reused")));
    let (status, listed) = api.send(Method::GET, "/api/v1/products", Some(&writer), None).await;
    assert_eq!((status, listed["items"].as_array().unwrap().len()), (StatusCode::OK, 1));
});

both!(a_change_names_the_version_it_saw, async |app: &TestApp| {
    let actor = app.association().await;
    let admin = key(app, &actor, Scope::Admin).await;
    let api = Api::serve(app).await;
    let url = format!("{}/api/v1/organisation", api.base);
    let get = api.client.get(&url).bearer_auth(&admin).send().await.unwrap();
    let tag = get.headers()["etag"].to_str().unwrap().to_owned();
    let patch = async |tag: Option<&str>| {
        let mut request = api.client.patch(&url).bearer_auth(&admin).json(&json!({ "terms_days": 21 }));
        if let Some(tag) = tag {
            request = request.header("If-Match", tag);
        }
        request.send().await.unwrap().status()
    };
    assert_eq!(patch(None).await, StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(patch(Some(&tag)).await, StatusCode::OK);
    assert_eq!(patch(Some(&tag)).await, StatusCode::PRECONDITION_FAILED);
});

both!(what_is_wrong_is_named, async |app: &TestApp| {
    let actor = app.association().await;
    let writer = key(app, &actor, Scope::Write).await;
    let api = Api::serve(app).await;
    let bad = [
        (
            json!({ "number": "A", "name": "Vare", "unit_price": "1.0000001", "vat_code": "6" }),
            "more than six decimals",
        ),
        (json!({ "number": "A", "name": "Vare", "unit_price": "99999999999999", "vat_code": "6" }), "too large"),
        (json!({ "number": "A", "name": "Vare", "unit_price": 10, "vat_code": "6" }), "expected a string"),
        (json!({ "number": "A", "name": "Vare", "unit_price": "10", "vat_code": "99" }), "vat_code"),
        (json!({ "number": "A", "name": "Vare", "unit_price": "10", "vat_code": "6", "colour": "red" }), "colour"),
        (json!({ "number": "", "name": "", "unit_price": "10", "vat_code": "6", "unit": "XX" }), "3 fields"),
    ];
    for (body, says) in bad {
        let (status, problem) = api.send(Method::POST, "/api/v1/products", Some(&writer), Some(&body)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    }
    let (status, problem) = api.send(Method::GET, "/api/v1/customers?cursor=nonsense", Some(&writer), None).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_cursor")));
    let (status, problem) = api.send(Method::GET, "/nowhere", None, None).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::NOT_FOUND, Some("not_found")));
});

#[test]
fn the_committed_openapi_document_is_that_of_the_code() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let made = reskontro::http::openapi_json().unwrap();
    assert!(committed.trim_end() == made.trim_end(), "run `make generate` and commit docs/openapi.json");
}
