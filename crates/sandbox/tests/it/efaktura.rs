//! The contract of the eFaktura gateway.

use base64::Engine;
use reqwest::{Method, Response};
use reskontro_sandbox::EfakturaGateway;
use reskontro_sandbox::efaktura::{Options, Outcome, Status};
use serde_json::{Value, json};
use std::path::Path;
use uuid::Uuid;

pub(crate) const ISSUER: &str = "987654325";
const ACCOUNT: &str = "12345678903";

pub(crate) struct Caller {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Caller {
    /// A client with a token, and the issuer registered.
    pub(crate) async fn of(gateway: &EfakturaGateway) -> Self {
        let mut caller = Self { http: crate::client(), base: gateway.base_url(), token: String::new() };
        let answer = caller.token("").await;
        caller.token = answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
        let issuer = json!({"name": "Testlaget", "accounts": [ACCOUNT], "support_contact": {"email": "a@b.example"}});
        let put = caller.http.put(format!("{}/v1/issuers/{ISSUER}", caller.base)).bearer_auth(&caller.token);
        assert!(put.json(&issuer).send().await.unwrap().status().is_success());
        caller
    }

    pub(crate) async fn token(&self, scope: &str) -> Response {
        let form =
            format!("grant_type=client_credentials&client_id=reskontro&client_secret=sandbox-secret&scope={scope}");
        let request = self.http.post(format!("{}/oauth/token", self.base));
        request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, key: Uuid, body: &Value) -> reqwest::Result<Response> {
        let request = self.http.request(Method::POST, format!("{}{path}", self.base)).bearer_auth(&self.token);
        request.header("idempotency-key", key.to_string()).json(body).send().await
    }

    /// Status and body of a POST with a key of its own.
    pub(crate) async fn try_post(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.post(path, key(), body).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.token);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn control(&self, path: &str, body: &Value) -> u16 {
        let request = self.http.post(format!("{}/control/{path}", self.base)).json(body);
        request.send().await.unwrap().status().as_u16()
    }

    /// Looks a consumer up by e-mail and name; gives the identifier of a match.
    pub(crate) async fn find(&self, email: &str) -> String {
        let item = json!({"ref": "1", "email": email, "name": {"first": "Kari", "last": "Nordmann"}});
        let (status, body) = self.try_post("/v1/consumers/lookup", &json!({"issuer": ISSUER, "items": [item]})).await;
        assert_eq!(status, 200, "{body}");
        body["results"][0]["identifier"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn status(&self, number: &str) -> Value {
        self.get(&format!("/v1/invoices?issuer={ISSUER}&invoice_number={number}")).await.1
    }
}

#[expect(clippy::disallowed_methods, reason = "a key for a test")]
pub(crate) fn key() -> Uuid {
    Uuid::new_v4()
}

pub(crate) fn invoice(gateway: &EfakturaGateway, number: &str, identifier: &str) -> Value {
    let due = (gateway.now() + chrono::TimeDelta::days(14)).date_naive();
    json!({
        "issuer": ISSUER, "receiver": {"identifier": identifier}, "invoice_number": number,
        "document_type": "invoice", "issue_date": gateway.now().date_naive(), "due_date": due,
        "amount_ore": 125_050, "kid": "1234567897", "account": ACCOUNT, "payment": "manual",
        "specification": {"pdf_base64": base64::engine::general_purpose::STANDARD.encode("%PDF-1.7 test")},
    })
}

pub(crate) async fn gateway() -> EfakturaGateway {
    EfakturaGateway::start(Options::default()).await.unwrap()
}

async fn kept(journal: &Path) -> EfakturaGateway {
    EfakturaGateway::start(Options { journal: Some(journal.to_owned()), ..Options::default() }).await.unwrap()
}

#[tokio::test]
async fn tokens_expire_on_the_gateways_clock_and_carry_scopes() {
    let gateway = gateway().await;
    let mut caller = Caller::of(&gateway).await;
    assert_eq!(caller.get("/v1/events").await.0, 200);
    gateway.advance(3601);
    assert_eq!(caller.get("/v1/events").await.0, 401);
    assert_eq!(caller.token("nonsense").await.status(), 400);
    let narrow = caller.token("consumer:lookup").await.json::<Value>().await.unwrap();
    caller.token = narrow["access_token"].as_str().unwrap().to_owned();
    assert_eq!(caller.get("/v1/events").await.0, 403);
    caller.token = "wrong".to_owned();
    assert_eq!(caller.get("/v1/events").await.1["code"], "invalid_token");
}

#[tokio::test]
async fn look_up_finds_by_suffix_and_verifies_by_identifier() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let name = json!({"first": "A", "last": "B"});
    let hosts = ["match", "noconsent", "blocked", "ambiguous", "elsewhere"];
    let items: Vec<Value> =
        hosts.iter().map(|host| json!({"ref": host, "email": format!("kari@{host}.example"), "name": name})).collect();
    let (_, body) = caller.try_post("/v1/consumers/lookup", &json!({"issuer": ISSUER, "items": items})).await;
    let outcomes: Vec<&str> =
        body["results"].as_array().unwrap().iter().map(|r| r["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["match", "no_consent", "blocked", "ambiguous", "none"]);
    let identifier = caller.find("kari@match.example").await;
    let verify = json!({"issuer": ISSUER, "items": [{"ref": "1", "identifier": identifier}]});
    assert_eq!(caller.try_post("/v1/consumers/lookup", &verify).await.1["results"][0]["outcome"], "match");
    gateway.consumer("kari@match.example", Outcome::Blocked);
    assert_eq!(caller.try_post("/v1/consumers/lookup", &verify).await.1["results"][0]["outcome"], "blocked");
    let weak = json!({"issuer": ISSUER, "items": [{"ref": "1", "email": "kari@match.example"}]});
    let (status, body) = caller.try_post("/v1/consumers/lookup", &weak).await;
    assert_eq!((status, body["code"].as_str()), (422, Some("insufficient_criteria")));
}

#[tokio::test]
async fn an_invoice_goes_to_the_bank_and_can_be_cancelled_once() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let identifier = caller.find("kari@match.example").await;
    let (status, body) = caller.try_post("/v1/invoices", &invoice(&gateway, "10001", &identifier)).await;
    assert_eq!((status, body["status"].as_str()), (202, Some("received")));
    let shown = caller.status("10001").await;
    assert_eq!((shown["status"].as_str(), shown["sequence"].as_u64()), (Some("delivered"), Some(3)));
    let path = format!("/v1/invoices/{}/cancel", body["id"].as_str().unwrap());
    let reason = json!({"reason": "credited"});
    assert_eq!(caller.try_post(&path, &reason).await.0, 202);
    assert_eq!(caller.try_post(&path, &reason).await.1["code"], "already_cancelled");
    let (status, twin) = caller.try_post("/v1/invoices", &invoice(&gateway, "10001", &identifier)).await;
    assert_eq!((status, &twin["code"], &twin["id"]), (409, &json!("duplicate_invoice"), &body["id"]));
}

#[tokio::test]
async fn a_malformed_body_names_every_field() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let mut body = invoice(&gateway, "1", "x");
    body["amount_ore"] = json!(0);
    body["payment"] = json!("cash");
    body["receiver"] = json!({"identifier": "x", "national_id": "01010112345"});
    body.as_object_mut().unwrap().remove("kid");
    let (status, problem) = caller.try_post("/v1/invoices", &body).await;
    assert_eq!(status, 422);
    for error in [
        ("amount_ore", "out_of_range"),
        ("payment", "invalid_choice"),
        ("receiver", "exactly_one"),
        ("kid", "required"),
    ] {
        let named = json!({"field": error.0, "code": error.1});
        assert!(problem["errors"].as_array().unwrap().contains(&named), "{problem}");
    }
}

#[tokio::test]
async fn business_rules_reject_later() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let identifier = caller.find("kari@match.example").await;
    let soon = (gateway.now() + chrono::TimeDelta::days(2)).date_naive();
    let cases = [
        ("account", json!("98765432109"), "account_not_registered"),
        ("kid", json!("1234567890"), "invalid_kid"),
        ("due_date", json!(soon), "due_date_too_early"),
        ("minimum_amount_ore", json!(999_999), "amount_invalid"),
        ("specification", json!({"pdf_base64": "aGVp"}), "document_invalid"),
        ("receiver", json!({"identifier": "EFA-unknown"}), "receiver_not_found"),
    ];
    for (field, value, code) in cases {
        let mut body = invoice(&gateway, &format!("R-{code}"), &identifier);
        body[field] = value;
        assert_eq!(caller.try_post("/v1/invoices", &body).await.0, 202);
        let shown = caller.status(&format!("R-{code}")).await;
        assert_eq!((shown["status"].as_str(), shown["reason"].as_str()), (Some("rejected"), Some(code)));
    }
    gateway.consumer("kari@match.example", Outcome::NoConsent);
    caller.try_post("/v1/invoices", &invoice(&gateway, "R-consent", &identifier)).await;
    assert_eq!(caller.status("R-consent").await["reason"], "no_consent");
}

#[tokio::test]
async fn a_key_gives_the_first_answer_again_and_refuses_another_body() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let identifier = caller.find("kari@match.example").await;
    let (key, body) = (key(), invoice(&gateway, "10001", &identifier));
    let first = caller.post("/v1/invoices", key, &body).await.unwrap().text().await.unwrap();
    let again = caller.post("/v1/invoices", key, &body).await.unwrap();
    assert_eq!((again.status().as_u16(), again.text().await.unwrap()), (202, first));
    let other = caller.post("/v1/invoices", key, &invoice(&gateway, "10002", &identifier)).await.unwrap();
    assert_eq!(other.status(), 422);
    assert_eq!(other.json::<Value>().await.unwrap()["code"], "idempotency_key_reused");
    let received = gateway.received();
    assert_eq!((received.len(), received[0].submissions), (1, 2));
}

#[tokio::test]
async fn twenty_at_once_with_one_key_make_one_invoice() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let identifier = caller.find("kari@match.example").await;
    caller.control("outage", &json!({"processing_ms": 150})).await;
    let (key, body) = (key(), invoice(&gateway, "10001", &identifier));
    let calls = (0..20).map(|_| async {
        let answer = caller.post("/v1/invoices", key, &body).await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    });
    let mut set = Vec::new();
    // All are sent before the first can end.
    let mut pending: Vec<_> = calls.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        pending.retain_mut(|call| match call.as_mut().poll(cx) {
            std::task::Poll::Ready(answer) => {
                set.push(answer);
                false
            }
            std::task::Poll::Pending => true,
        });
        if pending.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    let taken = set.iter().filter(|(status, _)| *status == 202).count();
    let running = set.iter().filter(|(_, body)| body["code"] == "in_progress").count();
    assert_eq!(taken + running, 20);
    assert!(taken >= 1 && running >= 1, "{taken} {running}");
    assert_eq!(gateway.received().len(), 1);
}

#[tokio::test]
async fn a_restart_keeps_invoices_keys_events_and_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("efaktura.jsonl");
    let (key, before, body, first) = {
        let gateway = kept(&journal).await;
        gateway.advance(86_400 * 30);
        let caller = Caller::of(&gateway).await;
        let identifier = caller.find("kari@match.example").await;
        let (key, body) = (key(), invoice(&gateway, "10001", &identifier));
        let first = caller.post("/v1/invoices", key, &body).await.unwrap().text().await.unwrap();
        (key, gateway.events(), body, first)
    };
    let gateway = kept(&journal).await;
    assert_eq!(gateway.events(), before);
    assert!(gateway.now() - before[0].occurred_at < chrono::TimeDelta::minutes(5));
    let caller = Caller::of(&gateway).await;
    let again = caller.post("/v1/invoices", key, &body).await.unwrap();
    assert_eq!((again.status().as_u16(), again.text().await.unwrap()), (202, first));
    assert_eq!(caller.status("10001").await["status"], "delivered");
    assert_eq!((gateway.received().len(), gateway.received()[0].submissions), (1, 2));
    let identifier = body["receiver"]["identifier"].clone();
    let verify = json!({"issuer": ISSUER, "items": [{"ref": "1", "identifier": identifier}]});
    assert_eq!(caller.try_post("/v1/consumers/lookup", &verify).await.1["results"][0]["outcome"], "match");
}

#[tokio::test]
async fn events_come_in_order_behind_a_cursor() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let identifier = caller.find("kari@match.example").await;
    for number in ["10001", "10002"] {
        caller.try_post("/v1/invoices", &invoice(&gateway, number, &identifier)).await;
    }
    let id = gateway.received()[0].id;
    gateway.set_status(id, Status::Paid, None).unwrap();
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let (_, page) = caller.get(&format!("/v1/events?after={after}&limit=3")).await;
        let events = page["events"].as_array().unwrap().clone();
        assert!(events.len() <= 3);
        let next = page["next"].as_str().unwrap().to_owned();
        if events.is_empty() {
            assert_eq!(next, after);
            break;
        }
        seen.extend(events.iter().map(|e| (e["invoice_number"].clone(), e["sequence"].as_u64().unwrap())));
        after = next;
    }
    let expected = [("10001", 1), ("10001", 2), ("10001", 3), ("10002", 1), ("10002", 2), ("10002", 3), ("10001", 4)];
    assert_eq!(seen, expected.map(|(number, sequence)| (json!(number), sequence)));
    assert_eq!(caller.get("/v1/events?after=nonsense").await.1["code"], "unknown_cursor");
}

#[tokio::test]
async fn the_page_shows_what_came_and_escapes_it() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let identifier = caller.find("kari@match.example").await;
    caller.try_post("/v1/invoices", &invoice(&gateway, "<b>1</b>", &identifier)).await;
    let html = crate::client().get(gateway.base_url()).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("&lt;b&gt;1&lt;/b&gt;") && !html.contains("<b>1</b></td>"));
    assert!(html.contains("1\u{a0}250,50") && html.contains("delivered"));
}
