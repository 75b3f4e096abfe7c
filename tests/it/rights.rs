//! Rights carried out: rectification, complaint, objection, restriction and its days of review, and what is told before.

use crate::api::{Api, key};
use crate::erasure::{Billed, billed, count, literal};
use crate::harness::{TestApp, both, cli};
use chrono::Duration;
use domain::customer::{Field, Language};
use domain::privacy::{AUTHORITY, RuleId};
use formats::customer_list::Mode;
use reqwest::{Method, StatusCode};
use reskontro::privacy::consent::{self, NewConsent, Withdrawal};
use reskontro::privacy::explain::{Subject, explain};
use reskontro::privacy::request::{self, Decision, NewRequest};
use reskontro::privacy::restriction::{self, NextReview};
use reskontro::privacy::{consequence, retention};
use reskontro::services::access::Scope;
use reskontro::services::{Actor, customer, delivery, invoice};
use reskontro::store::views;
use serde_json::{Value, json};
use uuid::Uuid;

pub fn asks(kind: &str, subject_kind: &str, subject_id: Uuid) -> NewRequest {
    NewRequest {
        kind: kind.into(),
        subject_kind: subject_kind.into(),
        subject_id,
        channel: "mail".into(),
        received_on: None,
        wish: None,
    }
}

pub async fn received(app: &TestApp, actor: &Actor, new: &NewRequest) -> Uuid {
    request::receive(&app.ctx, actor, new).await.unwrap()
}

pub fn granted() -> Decision {
    Decision { decision: "granted".into(), grounds: None }
}

pub fn refused(grounds: &str) -> Decision {
    Decision { decision: "refused".into(), grounds: Some(grounds.into()) }
}

/// The code of the newest mail in the folder.
fn code(app: &TestApp) -> String {
    let newest = app.spool().into_iter().max_by_key(|p| std::fs::metadata(p).unwrap().modified().unwrap()).unwrap();
    crate::payer::code_of(&crate::payer::readable(&std::fs::read(newest).unwrap()))
}

async fn id_of(app: &TestApp, actor: &Actor, number: &str) -> Uuid {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let found = views::search_customers(&tx, number, 2).await.unwrap()[0].id;
    tx.commit().await.unwrap();
    found
}

both!(a_rectification_waits_for_proof_then_corrects_and_tells_who_had_the_data, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    let kari = customers[0];
    let admin = key(app, &actor, Scope::Admin).await;
    let api = Api::serve(app).await;
    let sent = invoice::pdf(&app.ctx, &actor, invoices[0]).await.unwrap();
    let wish = Some("Etternavnet er feil, og telefonen er ikke min".into());
    let id = received(app, &actor, &NewRequest { wish, ..asks("rectification", "customer", kari) }).await;
    // Refused before it is known who asks; a wrong code is counted and logged.
    let path = format!("/api/v1/privacy/requests/{id}/decide");
    let decide = async || api.send(Method::POST, &path, Some(&admin), Some(&json!({ "decision": "granted" }))).await;
    let (status, answer) = decide().await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("not_identified")), "{answer}");
    request::send_code(&app.ctx, &actor, id).await.unwrap();
    let right = code(app);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    assert_eq!(request::confirm_code(&app.ctx, &actor, id, wrong).await.unwrap_err().code(), Some("wrong_code"));
    assert_eq!(decide().await.0, StatusCode::CONFLICT, "a wrong code proves nothing");
    assert_eq!(count(app, &actor, "audit_event WHERE verb = 'privacy_request.wrong_code'").await, 1);
    request::confirm_code(&app.ctx, &actor, id, &right).await.unwrap();
    // Corrected, supplemented and removed, field by field; the rest stays.
    let version = customer::read(&app.ctx, &actor, kari).await.unwrap().customer.row.version;
    let change = json!({ "name": "Kari Nordmann", "reference": "Avdeling 3", "phone": null });
    customer::patch(&app.ctx, &actor, kari, version, change.as_object().unwrap().clone()).await.unwrap();
    let (status, answer) = decide().await;
    assert_eq!(
        (status, &answer["state"], &answer["identity"]),
        (StatusCode::OK, &json!("answered"), &json!("by_code"))
    );
    let whole = customer::read(&app.ctx, &actor, kari).await.unwrap();
    let get = |field: Field| whole.customer.record.get(field);
    assert_eq!((get(Field::Name), get(Field::Reference)), (Some("Kari Nordmann"), Some("Avdeling 3")));
    assert_eq!((get(Field::Phone), get(Field::Street)), (None, Some("Gata 1")));
    let changed = "audit_event WHERE verb = 'customer.changed' AND fields LIKE '%name%' AND fields LIKE '%phone%' AND fields LIKE '%reference%'";
    assert_eq!(count(app, &actor, changed).await, 1, "which fields is traced");
    // Whoever was given the data is to be told, and that they were is recorded (article 19).
    assert_eq!(answer["notices"], json!([{ "recipient": "mail_relay", "told_at": null }]));
    let told = format!("/api/v1/privacy/requests/{id}/recipients/mail_relay/told");
    assert_eq!(api.send(Method::POST, &told, Some(&admin), None).await.0, StatusCode::NO_CONTENT);
    let answered = request::get(&app.ctx, &actor, id).await.unwrap();
    assert!(answered.notices[0].told_at.is_some());
    // What was issued stays as it was; the next one has the right name.
    assert_eq!(invoice::pdf(&app.ctx, &actor, invoices[0]).await.unwrap(), sent);
    app.clock.set("2027-03-01T10:00:00Z".parse().unwrap());
    app.bill(&app.ctx, &actor).await;
    assert_eq!(count(app, &actor, "party_block WHERE content LIKE '%Kari Nordmann%'").await, 1);
    assert_eq!(count(app, &actor, "party_block WHERE content LIKE '%Kari Nord%'").await, 2);
});

both!(access_and_rectification_are_verified_alike_and_five_wrong_codes_end_it, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    for kind in ["access", "rectification"] {
        let id = received(app, &actor, &asks(kind, "customer", customers[0])).await;
        request::send_code(&app.ctx, &actor, id).await.unwrap();
        let right = code(app);
        let wrong = if right == "000000" { "000001" } else { "000000" };
        for _ in 0..5 {
            assert_eq!(
                request::confirm_code(&app.ctx, &actor, id, wrong).await.unwrap_err().code(),
                Some("wrong_code")
            );
        }
        let dead = request::confirm_code(&app.ctx, &actor, id, &right).await.unwrap_err();
        assert_eq!(dead.code(), Some("no_code"), "{kind}: the right one after five wrong ones");
        let unknown = request::decide(&app.ctx, &actor, id, &granted()).await.unwrap_err();
        assert_eq!(unknown.code(), Some("not_identified"), "{kind}");
        request::identify(&app.ctx, &actor, id, false).await.unwrap();
        let doubted = request::decide(&app.ctx, &actor, id, &granted()).await.unwrap_err();
        assert_eq!(doubted.code(), Some("not_identified"), "{kind}: doubt proves nothing");
        request::identify(&app.ctx, &actor, id, true).await.unwrap();
        assert_eq!(request::decide(&app.ctx, &actor, id, &granted()).await.unwrap().state, "answered", "{kind}");
    }
});

both!(a_complaint_is_recorded_due_and_answered_with_the_authority_named, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    app.clock.set("2027-02-20T10:00:00Z".parse().unwrap());
    let wish = Some("Dere svarte ikke på det jeg spurte om".to_owned());
    let received_on = Some("2027-01-31".parse().unwrap());
    let new = NewRequest { wish: wish.clone(), received_on, ..asks("complaint", "customer", customers[2]) };
    let id = received(app, &actor, &new).await;
    let open = request::list(&app.ctx, &actor, true).await.unwrap();
    let due = "2027-02-28".parse().unwrap();
    assert_eq!((open[0].id, &open[0].wish, open[0].due_on, open[0].days_left), (id, &wish, due, 8));
    assert_eq!(open[0].complain_to, None, "not answered yet");
    // It is told before it is due, and held as a case of the person.
    app.clock.set("2027-02-22T10:00:00Z".parse().unwrap());
    request::remind(&app.ctx, &actor).await.unwrap();
    assert_eq!(count(app, &actor, "audit_event WHERE verb = 'privacy_request.due'").await, 1);
    let explained = explain(&app.ctx, &actor, Subject::Customer(customers[2]), None).await.unwrap();
    assert!(explained.held.iter().any(|h| h.rule == RuleId::PrivacyCase && h.count == 1), "{explained:?}");
    // Nobody proves who they are to complain; a refusal says why, and each answer where to go on.
    let silent = Decision { decision: "refused".into(), grounds: None };
    assert!(request::decide(&app.ctx, &actor, id, &silent).await.is_err());
    let no = request::decide(&app.ctx, &actor, id, &refused("Svaret var fullstendig")).await.unwrap();
    let other = received(app, &actor, &asks("complaint", "customer", customers[2])).await;
    let yes = request::decide(&app.ctx, &actor, other, &granted()).await.unwrap();
    assert_eq!((no.state.as_str(), yes.state.as_str()), ("refused", "answered"));
    for answer in [no, yes] {
        let told = answer.complain_to.unwrap();
        for part in [AUTHORITY.name, AUTHORITY.email, AUTHORITY.phone, AUTHORITY.postal, AUTHORITY.visiting] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
    // Recorded for three years after the answer, then gone.
    let kept = async |day: &str| {
        app.clock.set(format!("{day}T10:00:00Z").parse().unwrap());
        retention::nightly(&app.ctx, &actor).await.unwrap();
        count(app, &actor, "privacy_request WHERE kind = 'complaint'").await
    };
    assert_eq!((kept("2030-02-21").await, kept("2030-02-23").await), (2, 0));
});

const GUARDIANS: &str = "Kundenr;Navn;Adresse;Postnr;Poststed;Foresatt1 navn;Foresatt1 e-post;Produkter\n\
    1;Kari Nord;Gata 1;0150;Oslo;Mor Nord;mor@kunde.example;A\n";

both!(who_objects_to_being_written_to_is_left_alone_until_it_is_decided, async |app: &TestApp| {
    app.clock.set("2026-03-01T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    app.product(&actor, "A", "Kontingent", "100").await;
    app.sync(&actor, GUARDIANS.as_bytes(), Mode::Full).await;
    let kari = id_of(app, &actor, "1").await;
    let mother = async || customer::contacts(&app.ctx, &actor, kari).await.unwrap()[0].id;
    let mails = async |day: &str| {
        app.clock.set(format!("{day}T10:00:00Z").parse().unwrap());
        app.bill(&app.ctx, &actor).await;
        delivery::drain(&app.ctx).await.unwrap();
        crate::payer::mails(app, "mor@kunde.example").len()
    };
    assert_eq!(mails("2026-03-01").await, 1, "she is written to in the payer's stead");
    // From the moment it comes, whoever looks at it or not; a list that changes something else does not end it.
    let id = received(app, &actor, &asks("objection", "contact", mother().await)).await;
    app.sync(&actor, GUARDIANS.replace("Gata 1", "Ny gate 5").as_bytes(), Mode::Full).await;
    assert_eq!(mother().await, request::get(&app.ctx, &actor, id).await.unwrap().subject_id.unwrap());
    assert_eq!(mails("2027-03-01").await, 1, "she was written to");
    // Weighed and refused with its ground, the writing goes on.
    request::decide(&app.ctx, &actor, id, &refused("artikkel 21 nr. 1: den som skal betale, er mindreårig"))
        .await
        .unwrap();
    assert_eq!(mails("2028-03-01").await, 3, "two bills, and the answer");
    // Granted, she is no contact person any more: and for that it is known who asks.
    let again = received(app, &actor, &asks("objection", "contact", mother().await)).await;
    let unknown = request::decide(&app.ctx, &actor, again, &granted()).await.unwrap_err();
    assert_eq!(unknown.code(), Some("not_identified"));
    request::identify(&app.ctx, &actor, again, true).await.unwrap();
    let done = request::decide(&app.ctx, &actor, again, &granted()).await.unwrap();
    assert_eq!((done.subject_id, done.erasure_id.is_some()), (None, true));
    assert_eq!(count(app, &actor, "customer_contact").await, 0);
    assert_eq!(mails("2029-03-01").await, 1, "she is told that she is gone, and written to no more");
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!(crate::payer::mails(app, "mor@kunde.example").len(), 0, "nor is anything kept");
});

both!(an_objection_to_marketing_is_never_weighed, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let yes = NewConsent {
        purpose: "marketing".into(),
        channel: "mail".into(),
        text_version: "1".into(),
        given_by: "skjema".into(),
        proof: None,
    };
    consent::give(&app.ctx, &actor, customers[0], &yes).await.unwrap();
    let may = async || consent::list(&app.ctx, &actor, customers[0]).await.unwrap().1.iter().any(|s| s.may_send);
    assert!(may().await);
    let id = received(app, &actor, &asks("objection", "customer", customers[0])).await;
    assert!(!may().await, "at once");
    request::decide(&app.ctx, &actor, id, &refused("artikkel 21 nr. 1")).await.unwrap();
    assert!(!may().await, "a refusal brings it back");
});

both!(what_stops_is_told_before_it_does, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let reader = key(app, &actor, Scope::Read).await;
    let api = Api::serve(app).await;
    let ask = async |of: &str, language: &str| {
        let path = format!("/api/v1/customers/{}/consequences?of={of}&language={language}", customers[0]);
        api.send(Method::GET, &path, Some(&reader), None).await
    };
    let (status, stops) = ask("restriction", "en").await;
    assert_eq!(status, StatusCode::OK, "{stops}");
    let counts: Vec<(&str, &Value)> =
        stops.as_array().unwrap().iter().map(|s| (s["what"].as_str().unwrap(), &s["count"])).collect();
    let none = &Value::Null;
    assert_eq!(
        counts,
        [("billing", &json!(1)), ("drafts", &json!(0)), ("sending", &json!(0)), ("lists", none), ("deletion", none)]
    );
    assert_eq!(stops[0]["text"], "Standing orders are not billed.");
    assert_eq!(ask("restriction", "nn").await.1[0]["text"], "Faste avtalar blir ikkje fakturerte.");
    // A withdrawal stops what may be sent, and nothing when nothing may.
    let count_of = async || ask("consent_withdrawal", "nb").await.1[0]["count"].clone();
    assert_eq!(count_of().await, json!(0));
    let yes = NewConsent {
        purpose: "newsletter".into(),
        channel: "mail".into(),
        text_version: "1".into(),
        given_by: "skjema".into(),
        proof: None,
    };
    consent::give(&app.ctx, &actor, customers[0], &yes).await.unwrap();
    assert_eq!(count_of().await, json!(1));
    let (status, answer) = ask("access", "nb").await;
    assert_eq!((status, &answer["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("of")));
    // A look changes nothing; what was told comes true.
    assert_eq!(count(app, &actor, "customer WHERE restricted_at IS NOT NULL").await, 0);
    consent::withdraw(&app.ctx, &actor, customers[0], &Withdrawal { purpose: None, channel: None }).await.unwrap();
    assert_eq!(count_of().await, json!(0));
    let contact = customer::contacts(&app.ctx, &actor, customers[0]).await.unwrap()[0].id;
    let of_contact = consequence::preview(&app.ctx, &actor, "objection", ("contact", contact), Language::English).await;
    assert_eq!(of_contact.unwrap()[0].text, "The contact person is not written to.");
    let shown = cli(app, &["privacy", "requests", "consequences", "restriction", "customer", "1"]);
    assert!(shown.contains("Faste avtaler blir ikke fakturert. (1)"), "{shown}");
});

both!(a_restriction_is_looked_at_again_and_told_until_it_is, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let writer = key(app, &actor, Scope::Write).await;
    let api = Api::serve(app).await;
    let id = received(app, &actor, &asks("restriction", "customer", customers[0])).await;
    request::decide(&app.ctx, &actor, id, &granted()).await.unwrap();
    let list = async || restriction::list(&app.ctx, &actor).await.unwrap();
    let rows = list().await;
    assert_eq!(
        (rows.len(), rows[0].customer_id, rows[0].review_on.to_string()),
        (1, customers[0], "2026-06-01".into())
    );
    let told = async |day: &str| {
        app.clock.set(format!("{day}T10:00:00Z").parse().unwrap());
        restriction::remind(&app.ctx, &actor).await.unwrap();
        count(app, &actor, "audit_event WHERE verb = 'customer.restriction_due'").await
    };
    assert_eq!((told("2026-05-24").await, told("2026-05-25").await, told("2026-06-02").await), (0, 1, 2));
    assert_eq!(list().await[0].days_left, -1, "late");
    // Restricted again by another request, the day stands.
    let again = received(app, &actor, &asks("restriction", "customer", customers[0])).await;
    request::decide(&app.ctx, &actor, again, &granted()).await.unwrap();
    assert_eq!(list().await[0].review_on.to_string(), "2026-06-01");
    let path = format!("/api/v1/customers/{}/review-restriction", customers[0]);
    for (day, status) in [
        ("2026-06-02", StatusCode::UNPROCESSABLE_ENTITY),
        ("2027-06-03", StatusCode::UNPROCESSABLE_ENTITY),
        ("2026-12-01", StatusCode::NO_CONTENT),
    ] {
        let body = json!({ "review_on": day });
        assert_eq!(api.send(Method::POST, &path, Some(&writer), Some(&body)).await.0, status, "{day}");
    }
    let (_, shown) = api.send(Method::GET, "/api/v1/privacy/restrictions", Some(&writer), None).await;
    assert_eq!((&shown[0]["review_on"], &shown[0]["days_left"]), (&json!("2026-12-01"), &json!(182)));
    assert_eq!(told("2026-06-03").await, 2, "looked at: nothing more is told");
    // Kept for as long as it stands, and gone by its own time once it is lifted.
    let ending = customer::Ending { reason: "sluttet".into(), ended_on: None };
    customer::end(&app.ctx, &actor, customers[0], &ending).await.unwrap();
    app.clock.advance(Duration::days(2));
    retention::nightly(&app.ctx, &actor).await.unwrap();
    let of = format!("customer_detail WHERE customer_id = {}", literal(app, customers[0]));
    assert_eq!(count(app, &actor, &of).await, 1);
    restriction::lift(&app.ctx, &actor, customers[0], true).await.unwrap();
    assert!(list().await.is_empty());
    let next = NextReview { review_on: "2026-12-01".parse().unwrap() };
    let nothing = restriction::review(&app.ctx, &actor, customers[0], &next).await.unwrap_err();
    assert_eq!(nothing.code(), Some("not_restricted"));
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!(count(app, &actor, &of).await, 0);
});

both!(at_the_command_line_what_is_to_be_passed_on_is_passed_on, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let wish = Some("Etternavnet er feil".into());
    let corrected =
        received(app, &actor, &NewRequest { wish, ..asks("rectification", "customer", customers[0]) }).await;
    let carried = received(app, &actor, &asks("portability", "customer", customers[0])).await;
    for id in [corrected, carried] {
        request::identify(&app.ctx, &actor, id, true).await.unwrap();
    }
    let granted = cli(app, &["privacy", "requests", "grant", &corrected.to_string()]);
    let next = format!("privacy requests told {corrected} --recipient mail_relay");
    assert!(granted.contains(&next), "{granted}");
    cli(app, &next.split(' ').collect::<Vec<_>>());
    let told = request::get(&app.ctx, &actor, corrected).await.unwrap();
    assert!(told.notices.iter().all(|n| n.told_at.is_some()), "{told:?}");
    let receipt = cli(app, &["privacy", "requests", "receipt", &corrected.to_string()]);
    let receipt: serde_json::Value = serde_json::from_str(&receipt).unwrap();
    assert_eq!((&receipt["request_id"], &receipt["kind"]), (&json!(corrected), &json!("rectification")));
    assert_eq!(receipt["signature"].as_str().map(str::len), Some(128));
    cli(app, &["privacy", "requests", "grant", &carried.to_string()]);
    let link = cli(app, &["privacy", "requests", "link", &carried.to_string()]);
    let token = link.trim().rsplit('/').next().unwrap();
    assert!(request::fetch_link(&app.ctx, token).await.is_ok(), "{link}");
});
