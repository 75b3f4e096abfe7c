//! The eFaktura gateway when told to misbehave.

use crate::efaktura::{Caller, ISSUER, gateway, invoice, key};
use reskontro_sandbox::EfakturaGateway;
use reskontro_sandbox::efaktura::{Fault, Options};
use reskontro_sandbox::{Outage, OutageKind};
use serde_json::{Value, json};

#[tokio::test]
async fn faults_come_from_the_number_the_control_and_the_address() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let identifier = caller.find("kari@match.example").await;
    let told = json!({"invoice_number": "10007", "fault": "reject:provider_error"});
    assert_eq!(caller.control("faults", &told).await, 204);
    assert_eq!(caller.control("faults", &json!({"invoice_number": "1", "fault": "nonsense"})).await, 422);
    let address = caller.find("reject-invalid_kid.ola@match.example").await;
    let deleted = caller.find("deleted.ola@match.example").await;
    let cases = [
        ("9-REJECT-no_consent", &identifier, "rejected", json!("no_consent")),
        ("10007", &identifier, "rejected", json!("provider_error")),
        ("10008", &address, "rejected", json!("invalid_kid")),
        ("10009", &deleted, "deleted_by_consumer", Value::Null),
    ];
    for (number, identifier, status, reason) in cases {
        caller.try_post("/v1/invoices", &invoice(&gateway, number, identifier)).await;
        let shown = caller.status(number).await;
        assert_eq!((&shown["status"], &shown["reason"]), (&json!(status), &reason), "{number}");
    }
}

#[tokio::test]
async fn slow_waits_for_the_clock() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let identifier = caller.find("slow.kari@match.example").await;
    caller.try_post("/v1/invoices", &invoice(&gateway, "10001", &identifier)).await;
    assert_eq!(caller.status("10001").await["status"], "received");
    assert_eq!(caller.control("clock", &json!({"advance_seconds": 60})).await, 200);
    assert_eq!(caller.status("10001").await["status"], "delivered");
}

#[tokio::test]
async fn unavailable_twice_then_taken() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let identifier = caller.find("kari@match.example").await;
    gateway.fault("10001", Some(Fault::Unavailable));
    let (key, body) = (key(), invoice(&gateway, "10001", &identifier));
    for expected in [503, 503, 202, 202] {
        let answer = caller.post("/v1/invoices", key, &body).await.unwrap();
        assert_eq!(answer.status().as_u16(), expected);
        assert_eq!(answer.headers().contains_key("retry-after"), expected == 503);
    }
    assert_eq!(gateway.received()[0].submissions, 4);
}

#[tokio::test]
async fn a_lost_answer_is_given_on_the_repeat() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let identifier = caller.find("lost.kari@match.example").await;
    let (key, body) = (key(), invoice(&gateway, "10001", &identifier));
    assert!(caller.post("/v1/invoices", key, &body).await.is_err());
    assert_eq!(gateway.received().len(), 1);
    assert_eq!(caller.post("/v1/invoices", key, &body).await.unwrap().status(), 202);
    assert_eq!(gateway.received().len(), 1);
}

#[tokio::test]
async fn outages_take_everything_but_the_control() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let identifier = caller.find("kari@match.example").await;
    let body = invoice(&gateway, "10001", &identifier);
    caller.control("outage", &json!({"on": true, "kind": "503"})).await;
    assert_eq!(caller.post("/v1/invoices", key(), &body).await.unwrap().status(), 503);
    caller.control("outage", &json!({"kind": "refuse"})).await;
    assert!(caller.post("/v1/invoices", key(), &body).await.is_err());
    gateway.outage(Outage { kind: Some(OutageKind::Hang), ..Outage::default() });
    let waiting = caller.post("/v1/invoices", key(), &body);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(200), waiting).await.is_err());
    assert!(gateway.received().is_empty());
    caller.control("outage", &json!({"on": false})).await;
    assert_eq!(caller.post("/v1/invoices", key(), &body).await.unwrap().status(), 202);
}

#[tokio::test]
async fn a_hanging_answer_leaves_the_invoice_taken() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let identifier = caller.find("kari@match.example").await;
    gateway.fault("10001", Some(Fault::Hang));
    let (key, body) = (key(), invoice(&gateway, "10001", &identifier));
    let waiting = caller.post("/v1/invoices", key, &body);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(300), waiting).await.is_err());
    assert_eq!(caller.post("/v1/invoices", key, &body).await.unwrap().status(), 202);
    assert_eq!(gateway.received().len(), 1);
}

#[tokio::test]
async fn look_ups_are_counted_by_the_second() {
    let options = Options { lookups_per_second: Some(2), ..Options::default() };
    let gateway = EfakturaGateway::start(options).await.unwrap();
    let caller = Caller::of(&gateway).await;
    let item = json!({"ref": "1", "national_id": "01010112345"});
    let body = json!({"issuer": ISSUER, "items": [item]});
    let mut limited = 0;
    for _ in 0..8 {
        let answer = caller.post("/v1/consumers/lookup", key(), &body).await.unwrap();
        if answer.status() == 429 {
            assert!(answer.headers().contains_key("retry-after"));
            limited += 1;
        }
    }
    assert!(limited >= 2, "{limited}");
}

#[tokio::test]
async fn an_issuer_may_be_elsewhere_or_blocked() {
    let gateway = gateway().await;
    let caller = Caller::of(&gateway).await;
    let identifier = caller.find("kari@match.example").await;
    caller.control("issuers", &json!({"orgnr": ISSUER, "status": "blocked"})).await;
    caller.try_post("/v1/invoices", &invoice(&gateway, "10001", &identifier)).await;
    assert_eq!(caller.status("10001").await["reason"], "issuer_not_active");
    assert_eq!(caller.get(&format!("/v1/issuers/{ISSUER}")).await.1["status"], "blocked");
    assert_eq!(caller.get("/v1/issuers/923609016").await.0, 404);
}
