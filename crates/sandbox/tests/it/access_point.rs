//! The access point, by both of its interfaces.

use reskontro_sandbox::AccessPoint;
use reskontro_sandbox::access_point::Status::{self, Failed, Pending, PermanentlyFailed, Rejected, Sending, Sent};
use reskontro_sandbox::access_point::{Fault, Options};
use serde_json::{Value, json};

const XML: &str = "<Invoice xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2\" xmlns:cbc=\"urn:cbc\">\
                   <cbc:ID>10007</cbc:ID></Invoice>";
const SCHEME: &str = "iso6523-actorid-upis%3A%3A0192%3A";

async fn point() -> AccessPoint {
    AccessPoint::start(Options::default()).await.unwrap()
}

async fn post(point: &AccessPoint, path: String, token: &str) -> reqwest::Result<(u16, Value)> {
    let request = crate::client().post(format!("{}{path}", point.base_url())).header("x-token", token).body(XML);
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    Ok((status, serde_json::from_str(&answer.text().await?).unwrap_or_default()))
}

async fn send(point: &AccessPoint, receiver: &str) -> reqwest::Result<(u16, Value)> {
    let path = format!("/sendas4/0192%3A987654325/0192%3A{receiver}/urn%3Ax%23%23y%3A%3A2.1/urn%3Ap/NO");
    post(point, path, point.token()).await
}

async fn submit(point: &AccessPoint, receiver: &str, id: &str) -> reqwest::Result<(u16, Value)> {
    let kinds = "busdox-docid-qns%3A%3Aurn%3Ax%23%23y%3A%3A2.1/cenbii-procid-ubl%3A%3Aurn%3Ap";
    let path = format!("/api/outbound/submit/{SCHEME}987654325/{SCHEME}{receiver}/{kinds}/NO?sbdhInstanceID={id}");
    post(point, path, point.token()).await
}

async fn status(point: &AccessPoint, id: &str) -> Value {
    let url = format!("{}/api/outbound/status/{id}", point.base_url());
    crate::client().get(url).header("x-token", point.token()).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn the_standalone_call_answers_200_also_for_failures() {
    let point = point().await;
    let (code, answer) = send(&point, "923609016").await.unwrap();
    assert_eq!((code, &answer["overallSuccess"], &answer["sendingResult"]), (200, &json!(true), &json!("SUCCESS")));
    point.fault("923609016", Some(Fault::As4Error), None);
    let (code, answer) = send(&point, "923609016").await.unwrap();
    assert_eq!((code, &answer["overallSuccess"]), (200, &json!(false)));
    assert_eq!(answer["sendingResult"], "AS4_ERROR_MESSAGE_RECEIVED");
    assert_eq!(answer["as4ResponseErrors"][0]["errorCode"], "EBMS:0004");
    // A repeat makes a second message.
    assert_eq!(point.received().len(), 2);
    assert_eq!(point.received()[0].document_id, "10007");
    assert_eq!(post(&point, "/sendas4/a/b/c/d/NO".to_owned(), "wrong").await.unwrap().0, 403);
    let ping = crate::client().get(format!("{}/phase4ping", point.base_url())).send().await.unwrap();
    assert_eq!(ping.text().await.unwrap(), "pong");
}

#[tokio::test]
async fn the_queue_takes_an_id_once() {
    let point = point().await;
    let (code, answer) = submit(&point, "923609016", "id-1").await.unwrap();
    assert_eq!((code, &answer["sbdhInstanceID"]), (200, &json!("id-1")));
    let (code, answer) = submit(&point, "923609016", "id-1").await.unwrap();
    assert_eq!((code, &answer["errorCode"]), (422, &json!("duplicate_sbdh_instance_id")));
    assert_eq!(point.received().len(), 1);
    let shown = status(&point, "id-1").await;
    assert_eq!((&shown["status"], &shown["attemptCount"]), (&json!("sent"), &json!(1)));
    assert_eq!(status(&point, "id-2").await["errorCode"], "not_found");
    assert_eq!(point.document("id-1").as_deref(), Some(XML));
    let bad = format!("/api/outbound/submit-auto/0192%3A987654325/{SCHEME}923609016/NO");
    assert_eq!(post(&point, bad, point.token()).await.unwrap().0, 400);
}

#[tokio::test]
async fn queued_messages_fail_as_told_and_move_with_the_clock() {
    let point = point().await;
    point.fault("911111111", Some(Fault::Slow), None);
    point.fault("922222222", Some(Fault::FailsTwice), None);
    point.fault("933333333", Some(Fault::PermanentlyFailed), None);
    point.fault("944444444", Some(Fault::As4Error), None);
    point.fault("955555555", Some(Fault::Rejected), None);
    for (orgnr, id) in [("911111111", "slow"), ("922222222", "twice"), ("933333333", "never"), ("944444444", "error")] {
        assert_eq!(submit(&point, orgnr, id).await.unwrap().0, 200);
    }
    assert_eq!(submit(&point, "955555555", "bad").await.unwrap().0, 422);
    let all = || ["slow", "twice", "never", "error", "bad"].map(|id| point.status(id).unwrap());
    assert_eq!(all(), [Pending, Failed, PermanentlyFailed, Failed, Rejected]);
    point.advance(30);
    assert_eq!(all(), [Sending, Failed, PermanentlyFailed, Failed, Rejected]);
    point.advance(31);
    assert_eq!(all(), [Sent, Failed, PermanentlyFailed, Failed, Rejected]);
    point.advance(121);
    assert_eq!(all(), [Sent, Sent, PermanentlyFailed, PermanentlyFailed, Rejected]);
    assert_eq!(status(&point, "twice").await["attemptCount"], 3);
}

#[tokio::test]
async fn lost_and_unavailable_are_seen_by_the_caller() {
    let point = point().await;
    point.fault("923609016", Some(Fault::Lost), Some(1));
    assert!(submit(&point, "923609016", "id-1").await.is_err());
    assert_eq!(status(&point, "id-1").await["status"], "sent");
    assert_eq!(submit(&point, "923609016", "id-2").await.unwrap().0, 200);
    point.fault("923609016", Some(Fault::Unavailable), None);
    let codes = [
        submit(&point, "923609016", "id-3").await.unwrap().0,
        submit(&point, "923609016", "id-3").await.unwrap().0,
        submit(&point, "923609016", "id-3").await.unwrap().0,
    ];
    assert_eq!(codes, [503, 503, 200]);
    assert_eq!(point.received().len(), 3);
}

#[tokio::test]
async fn a_restart_keeps_messages_and_their_ids() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { journal: Some(folder.path().join("ap.jsonl")), ..Options::default() };
    let first = AccessPoint::start(options.clone()).await.unwrap();
    first.fault("923609016", Some(Fault::Slow), None);
    submit(&first, "923609016", "id-1").await.unwrap();
    first.advance(10);
    let before = first.received();
    drop(first);
    let second = AccessPoint::start(options).await.unwrap();
    assert_eq!(second.received(), before);
    assert_eq!(submit(&second, "923609016", "id-1").await.unwrap().0, 422);
    second.advance(10);
    assert_eq!(second.status("id-1"), Some(Status::Sent));
    assert_eq!(second.document("id-1").as_deref(), Some(XML));
}
