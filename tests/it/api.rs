//! The API as clients meet it: keys, scopes, other organisations, repeats, versions, problems.

use crate::harness::{TestApp, both};
use reqwest::{Method, StatusCode};
use reskontro::services::Actor;
use reskontro::services::access::{self, Scope};
use reskontro::services::organisation;
use serde_json::{Value, json};

/// The service on a port of its own.
struct Api {
    base: String,
    client: reqwest::Client,
}

impl Api {
    async fn serve(app: &TestApp) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = reskontro::http::router(app.ctx.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, client: reqwest::Client::builder().build().unwrap() }
    }

    async fn send(&self, method: Method, path: &str, key: Option<&str>, body: Option<&Value>) -> (StatusCode, Value) {
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

async fn key(app: &TestApp, actor: &Actor, scope: Scope) -> String {
    access::create_key(&app.ctx, actor, "test", scope, None).await.unwrap().text
}

async fn another(app: &TestApp) -> Actor {
    let mut new = crate::harness::association();
    new.name = "Nabolaget velforening".into();
    new.bank_account = None;
    Actor::operator(organisation::create(&app.ctx, new).await.unwrap())
}

const ID: &str = "01939f8e-0000-7000-8000-000000000001";

fn operations() -> Vec<(Method, String)> {
    let document: Value = serde_json::from_str(&reskontro::http::openapi_json().unwrap()).unwrap();
    let mut out = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            out.push((method, path.replace("{id}", ID)));
        }
    }
    out
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
        let (status, _) = api.send(Method::GET, open, None, None).await;
        assert_eq!(status, StatusCode::OK, "{open}");
    }
});

both!(a_reading_key_changes_nothing, async |app: &TestApp| {
    let actor = app.association().await;
    let reader = key(app, &actor, Scope::Read).await;
    let api = Api::serve(app).await;
    let looks = ["/api/v1/customers/search", "/api/v1/invoice-runs/preview"];
    for (method, path) in operations() {
        if method == Method::GET || looks.contains(&path.as_str()) {
            continue;
        }
        let asked = if path == "/api/v1/customer-syncs" { format!("{path}?mode=full") } else { path.clone() };
        let (status, body) = api.send(method.clone(), &asked, Some(&reader), Some(&json!({}))).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}: {body}");
        assert_eq!(body["code"], "scope_too_small", "{method} {path}");
    }
});

both!(another_organisations_things_are_not_found, async |app: &TestApp| {
    let ours = app.association().await;
    let theirs = another(app).await;
    app.product(&ours, "A", "Vare", "100").await;
    let list = "Kundenr;Navn;Postnr;Poststed;E-post\n1;Kari Nord;0150;Oslo;kari@example.org\n";
    app.sync(&ours, list.as_bytes(), formats::customer_list::Mode::Full).await;
    let tx = app.ctx.db.read(ours.org).await.unwrap();
    let customer = reskontro::store::views::customers(&tx, uuid::Uuid::nil(), 1).await.unwrap()[0].id;
    tx.commit().await.unwrap();
    let (our_key, their_key) = (key(app, &ours, Scope::Admin).await, key(app, &theirs, Scope::Admin).await);
    let api = Api::serve(app).await;
    let draft = json!({ "customer_id": customer, "lines": [{ "product_number": "A", "quantity": "1" }] });
    let (status, _) = api.send(Method::POST, "/api/v1/invoices", Some(&their_key), Some(&draft)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, made) = api.send(Method::POST, "/api/v1/invoices", Some(&our_key), Some(&draft)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let id = made["id"].as_str().unwrap();
    let (status, issued) =
        api.send(Method::POST, &format!("/api/v1/invoice-drafts/{id}/issue"), Some(&our_key), None).await;
    assert_eq!(status, StatusCode::CREATED, "{issued}");
    for path in [
        format!("/api/v1/invoices/{id}"),
        format!("/api/v1/customers/{customer}"),
        format!("/api/v1/invoices/{id}/pdf"),
        format!("/api/v1/invoices/{id}/timeline"),
    ] {
        assert_eq!(api.send(Method::GET, &path, Some(&our_key), None).await.0, StatusCode::OK, "{path}");
        assert_eq!(api.send(Method::GET, &path, Some(&their_key), None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    // A key that names our organisation and their key id is no key.
    let forged = their_key.replace(&theirs.org.simple().to_string(), &ours.org.simple().to_string());
    let (status, _) = api.send(Method::GET, "/api/v1/customers", Some(&forged), None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
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
