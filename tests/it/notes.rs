//! Notes of contacts with customers: who may see and write them, how long they are kept, and what a contact keeps alive.

use crate::api::{Api, another, key};
use crate::erasure::{Billed, billed, count};
use crate::harness::{TestApp, both};
use domain::customer::Language;
use formats::customer_list::Mode;
use reqwest::{Method, StatusCode};
use reskontro::privacy::archive::{self, Question};
use reskontro::privacy::certificate::Fate;
use reskontro::privacy::consent::{self, NewConsent};
use reskontro::privacy::explain::{Subject, explain};
use reskontro::privacy::hold::{self, NewHold};
use reskontro::privacy::policy::{self, NewPolicy};
use reskontro::privacy::request::{self, Decision, NewRequest};
use reskontro::privacy::retention::{self, Item};
use reskontro::privacy::{erase, package};
use reskontro::services::access::Scope;
use reskontro::services::customer::{self, NewContact, NewNote};
use reskontro::services::invoice::{NewDraft, create_draft, update_draft};
use reskontro::services::{Actor, Error};
use reskontro::store::views;
use sea_orm::ConnectionTrait;
use serde_json::json;
use uuid::Uuid;

/// A birth number nobody has.
const NATIONAL_ID: &str = "13097248022";

fn new(kind: &str, text: &str) -> NewNote {
    NewNote {
        kind: kind.into(),
        channel: "phone".into(),
        text: text.into(),
        contact_on: None,
        referred_invoice_id: None,
        closed: false,
    }
}

async fn add(app: &TestApp, actor: &Actor, customer: Uuid, note: &NewNote) -> Uuid {
    customer::add_note(&app.ctx, actor, customer, note).await.unwrap()
}

async fn retain(app: &TestApp, actor: &Actor) -> Vec<Item> {
    let id = retention::plan(&app.ctx, actor).await.unwrap();
    retention::execute(&app.ctx, actor, id).await.unwrap();
    retention::get(&app.ctx, actor, id).await.unwrap().items
}

fn deleted(items: &[Item], what: &str) -> i64 {
    items.iter().find(|i| i.what == what).unwrap_or_else(|| panic!("{what}: {items:?}")).deleted
}

async fn prefer(app: &TestApp, actor: &Actor, preset: &str) {
    let new = NewPolicy { preset: preset.into(), changes: json!({}), valid_from: None };
    policy::publish(&app.ctx, actor, &new).await.unwrap();
    policy::approve(&app.ctx, actor, 2).await.unwrap();
}

both!(a_note_is_written_read_and_closed_over_the_api, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    let (writer, reader) = (key(app, &actor, Scope::Write).await, key(app, &actor, Scope::Read).await);
    let api = Api::serve(app).await;
    let path = format!("/api/v1/customers/{}/notes", customers[0]);
    let note = json!({ "kind": "support", "channel": "mail", "text": " Spurte om betaling i to deler. " });
    let (status, made) = api.send(Method::POST, &path, Some(&writer), Some(&note)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let referred = json!({
        "kind": "correspondence", "channel": "letter", "text": "Avtalt rabatt.", "contact_on": "2026-02-20",
        "referred_invoice_id": invoices[0]
    });
    assert_eq!(api.send(Method::POST, &path, Some(&writer), Some(&referred)).await.0, StatusCode::CREATED);
    let (status, listed) = api.send(Method::GET, &path, Some(&reader), None).await;
    assert_eq!(status, StatusCode::OK);
    let first = &listed["items"][0];
    assert_eq!(
        (&first["text"], &first["contact_on"]),
        (&"Spurte om betaling i to deler.".into(), &"2026-03-01".into())
    );
    assert_eq!((&first["author_kind"], &first["closed_at"]), (&"api_key".into(), &json!(null)));
    assert_eq!(listed["items"][1]["referred_invoice_id"], invoices[0].to_string());
    let close = format!("{path}/{}/close", made["id"].as_str().unwrap());
    assert_eq!(api.send(Method::POST, &close, Some(&reader), Some(&json!({}))).await.0, StatusCode::FORBIDDEN);
    assert_eq!(api.send(Method::POST, &close, Some(&writer), Some(&json!({}))).await.0, StatusCode::NO_CONTENT);
    let (status, body) = api.send(Method::POST, &close, Some(&writer), Some(&json!({}))).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::CONFLICT, Some("already_closed")));
    let bad = [
        (json!({ "kind": "gossip", "channel": "phone", "text": "x" }), "kind"),
        (json!({ "kind": "support", "channel": "pigeon", "text": "x" }), "channel"),
        (json!({ "kind": "support", "channel": "phone", "text": "  " }), "text"),
        (json!({ "kind": "support", "channel": "phone", "text": "x".repeat(4001) }), "text"),
        (json!({ "kind": "support", "channel": "phone", "text": format!("mor er {NATIONAL_ID}.") }), "text"),
        (json!({ "kind": "support", "channel": "phone", "text": "x", "contact_on": "2026-03-02" }), "contact_on"),
        (
            json!({ "kind": "support", "channel": "phone", "text": "x", "referred_invoice_id": invoices[0] }),
            "referred_invoice_id",
        ),
        (
            json!({ "kind": "correspondence", "channel": "phone", "text": "x", "referred_invoice_id": invoices[1] }),
            "referred_invoice_id",
        ),
    ];
    for (body, field) in bad {
        let (status, problem) = api.send(Method::POST, &path, Some(&writer), Some(&body)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        assert!(!problem.to_string().contains(NATIONAL_ID), "the refusal repeats what it refuses");
    }
    let theirs = key(app, &another(app).await, Scope::Write).await;
    assert_eq!(api.send(Method::GET, &path, Some(&theirs), None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.send(Method::POST, &close, Some(&theirs), Some(&json!({}))).await.0, StatusCode::NOT_FOUND);
});

both!(notes_go_by_their_own_time_and_a_dispute_keeps_them, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let of = customers[1];
    let closed = add(app, &actor, of, &NewNote { closed: true, ..new("support", "Ringte om fakturaen.") }).await;
    let open = add(app, &actor, of, &new("support", "Skal ringes opp.")).await;
    add(app, &actor, of, &new("correspondence", "Avtalt betaling i to deler.")).await;
    let told = explain(&app.ctx, &actor, Subject::Customer(of), Some(Language::English)).await.unwrap();
    let held = |what: &str| told.held.iter().find(|h| h.what == what).unwrap_or_else(|| panic!("{what}: {told:#?}"));
    let on = |day: &str| Some(day.parse().unwrap());
    assert_eq!((held("notes of support, open").state, held("notes of support, open").deletable_on), ("in_use", None));
    assert_eq!(held("notes of support").deletable_on, on("2026-09-01"), "six months for an association");
    assert_eq!(held("correspondence").deletable_on, on("2030-07-01"), "three years and six months after 2026");
    let whole = package::make(&app.ctx, &actor, Subject::Customer(of), false, Language::English, "").await.unwrap();
    let texts: Vec<&str> = whole.data["customer_note"].iter().map(|r| r["text"].as_str()).collect();
    assert_eq!(texts, ["Ringte om fakturaen.", "Skal ringes opp.", "Avtalt betaling i to deler."]);
    assert!(!whole.data["customer_note"][0].contains_key("author_id"), "who wrote it is another person's");
    let dispute = NewHold {
        kind: "dispute".into(),
        subject_kind: "customer".into(),
        subject_id: of,
        reason: "Kunden bestrider kravet".into(),
        owner: "kasserer".into(),
        review_on: "2027-02-01".parse().unwrap(),
    };
    let dispute = hold::place(&app.ctx, &actor, &dispute).await.unwrap();
    app.clock.set("2026-09-01T10:00:00Z".parse().unwrap());
    assert_eq!(deleted(&retain(app, &actor).await, "notes of support"), 0, "the dispute keeps it");
    hold::release(&app.ctx, &actor, dispute).await.unwrap();
    assert_eq!(deleted(&retain(app, &actor).await, "notes of support"), 1);
    let left = customer::notes(&app.ctx, &actor, of, Uuid::nil(), 10).await.unwrap();
    assert!(left.iter().all(|n| n.id != closed) && left.iter().any(|n| n.id == open), "what is open is in use");
    app.clock.set("2030-06-30T10:00:00Z".parse().unwrap());
    assert_eq!(deleted(&retain(app, &actor).await, "correspondence"), 0, "a day too early");
    // What is owed keeps the books, and what was agreed on them.
    app.clock.set("2030-07-01T10:00:00Z".parse().unwrap());
    assert_eq!(deleted(&retain(app, &actor).await, "correspondence"), 0, "the customer owes");
    let invoice = {
        let tx = app.ctx.db.read(actor.org).await.unwrap();
        views::invoices(&tx, Uuid::nil(), 10).await.unwrap().into_iter().find(|i| i.customer_id == of).unwrap().id
    };
    crate::erasure::pay(app, &actor, invoice).await;
    assert_eq!(deleted(&retain(app, &actor).await, "correspondence"), 1);
});

both!(correspondence_an_invoice_refers_to_is_kept_as_long_as_that, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    let of = customers[0];
    let referred = NewNote { referred_invoice_id: Some(invoices[0]), ..new("correspondence", "Prisen er avtalt.") };
    add(app, &actor, of, &referred).await;
    add(app, &actor, of, &new("correspondence", "Leveringen er avtalt.")).await;
    add(app, &actor, of, &new("support", "Ville vite kontonummeret.")).await;
    let parts = erase::preview(&app.ctx, &actor, Subject::Customer(of)).await.unwrap();
    let part = |what: &str| parts.iter().find(|p| p.what == what).unwrap_or_else(|| panic!("{what}: {parts:#?}"));
    let until = |what: &str| (part(what).fate, part(what).until.map(|d| d.to_string()));
    assert_eq!(until("correspondence"), (Fate::KeptByLaw, Some("2030-07-01".into())));
    assert_eq!(until("correspondence that invoices refer to"), (Fate::KeptByLaw, Some("2032-01-01".into())));
    assert_eq!(part("notes of support, open").fate, Fate::Deleted);
    erase::erase(&app.ctx, &actor, Subject::Customer(of)).await.unwrap();
    assert_eq!(count(app, &actor, "customer_note").await, 0, "what is free goes, what law keeps moves");
    let question = Question { number: None, invoice_number: None, customer_id: Some(of), reason: "Bokettersyn".into() };
    let record = archive::read(&app.ctx, &actor, &question).await.unwrap();
    let texts: Vec<&str> = record.notes.iter().map(|n| n.text.as_str()).collect();
    assert_eq!(texts, ["Prisen er avtalt.", "Leveringen er avtalt."]);
    let refused = customer::add_note(&app.ctx, &actor, of, &new("support", "mer")).await.unwrap_err();
    assert_eq!(refused.code(), Some("not_found"), "nothing is noted of who has left");
    app.clock.set("2030-07-01T10:00:00Z".parse().unwrap());
    assert_eq!(deleted(&retain(app, &actor).await, "correspondence in the archive"), 1);
    assert_eq!(count(app, &actor, "archive_note WHERE referred_invoice_id IS NOT NULL").await, 1);
    app.clock.set("2031-12-31T10:00:00Z".parse().unwrap());
    retain(app, &actor).await;
    assert_eq!(count(app, &actor, "archive_note").await, 1, "as long as the invoice");
    app.clock.set("2032-01-01T10:00:00Z".parse().unwrap());
    retain(app, &actor).await;
    retain(app, &actor).await;
    assert_eq!((count(app, &actor, "invoice").await, count(app, &actor, "archive_note").await), (1, 0));
    assert_eq!(count(app, &actor, "archive_customer").await, 0);
});

both!(erased_in_a_dispute_the_notes_of_it_wait_for_its_end, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let dispute = NewHold {
        kind: "dispute".into(),
        subject_kind: "customer".into(),
        subject_id: customers[0],
        reason: "Kunden vil ha pengene igjen".into(),
        owner: "kasserer".into(),
        review_on: "2026-06-01".parse().unwrap(),
    };
    let dispute = hold::place(&app.ctx, &actor, &dispute).await.unwrap();
    for of in [customers[0], customers[2]] {
        add(app, &actor, of, &new("support", "Sa at varen var ødelagt.")).await;
        erase::erase(&app.ctx, &actor, Subject::Customer(of)).await.unwrap();
    }
    assert_eq!(count(app, &actor, "customer_note").await, 1, "of whom nothing disputes all is gone");
    hold::release(&app.ctx, &actor, dispute).await.unwrap();
    assert_eq!(erase::continue_waiting(&app.ctx, &actor).await.unwrap(), 1);
    assert_eq!(count(app, &actor, "customer_note").await, 0);
});

both!(a_contact_keeps_a_relationship_going_for_three_years_more, async |app: &TestApp| {
    app.clock.set("2023-05-10T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    app.product(&actor, "A", "Kontingent", "100").await;
    let list = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n\
        1;Kari Nord;Gata 1;0150;Oslo;kari@kunde.example;A\n2;Ola Sør;Gata 2;0150;Oslo;ola@kunde.example;A\n";
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    app.bill(&app.ctx, &actor).await;
    prefer(app, &actor, "invoicing-platform").await;
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    tx.execute_unprepared("DELETE FROM standing_order_line").await.unwrap();
    tx.execute_unprepared("DELETE FROM standing_order").await.unwrap();
    let mut customers = views::customers(&tx, Uuid::nil(), 10).await.unwrap();
    tx.commit().await.unwrap();
    customers.sort_by(|a, b| a.number.cmp(&b.number));
    let (kari, ola) = (customers[0].id, customers[1].id);
    app.clock.set("2026-05-01T10:00:00Z".parse().unwrap());
    add(app, &actor, kari, &new("support", "Lurte på om hun fortsatt er kunde.")).await;
    let told = explain(&app.ctx, &actor, Subject::Customer(kari), None).await.unwrap();
    assert_eq!(told.relationship_ends_by_itself_on, Some("2029-05-01".parse().unwrap()));
    let ended = async |id: Uuid| {
        let told = explain(&app.ctx, &actor, Subject::Customer(id), None).await.unwrap();
        told.relationship_ended_on.is_some()
    };
    app.clock.set("2026-05-09T10:00:00Z".parse().unwrap());
    retain(app, &actor).await;
    assert!(!ended(ola).await, "a day too early");
    app.clock.set("2026-05-10T10:00:00Z".parse().unwrap());
    retain(app, &actor).await;
    assert!(ended(ola).await && !ended(kari).await, "nobody has talked with Ola");
    app.clock.set("2029-04-30T10:00:00Z".parse().unwrap());
    retain(app, &actor).await;
    assert!(!ended(kari).await, "a day too early");
    app.clock.set("2029-05-01T10:00:00Z".parse().unwrap());
    retain(app, &actor).await;
    assert!(ended(kari).await);
});

both!(no_identity_number_is_kept_in_a_text, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let of = customers[0];
    let text = format!("Mor, {} {}, ringte", &NATIONAL_ID[..6], &NATIONAL_ID[6..]);
    let refused = |what: &str, error: Error| {
        let said = format!("{error:?}");
        assert!(said.contains("national_id"), "{what}: {said}");
        assert!(!said.contains(&NATIONAL_ID[..6]), "{what} repeats it: {said}");
    };
    let draft = |note: Option<&str>, place: Option<&str>, line: &str| {
        let of_json = json!({
            "customer_id": of, "note": note, "delivery_place": place,
            "lines": [{ "product_number": "A", "description": line, "quantity": "1" }]
        });
        serde_json::from_value::<NewDraft>(of_json).unwrap()
    };
    for (what, new) in [
        ("note", draft(Some(&text), None, "Vare")),
        ("place", draft(None, Some(&text), "Vare")),
        ("line", draft(None, None, &text)),
    ] {
        refused(what, create_draft(&app.ctx, &actor, &new).await.unwrap_err());
    }
    let id = create_draft(&app.ctx, &actor, &draft(Some("Takk"), None, "Vare")).await.unwrap();
    let changed = draft(Some(&text), None, "Vare");
    refused("change", update_draft(&app.ctx, &actor, id, 1, &changed).await.unwrap_err());
    for (what, name, role) in [("name", text.as_str(), "leder"), ("role", "Liv", text.as_str())] {
        let contact = NewContact { name: name.into(), role: Some(role.into()), email: None, phone: None };
        let found = customer::add_contact(&app.ctx, &actor, of, &contact).await;
        refused(what, found.map_or_else(|e| e, |_| panic!("{what} was kept")));
    }
    let hold = |reason: &str, owner: &str| NewHold {
        kind: "claim".into(),
        subject_kind: "customer".into(),
        subject_id: of,
        reason: reason.into(),
        owner: owner.into(),
        review_on: "2026-06-01".parse().unwrap(),
    };
    refused("hold", hold::place(&app.ctx, &actor, &hold(&text, "styret")).await.unwrap_err());
    refused("owner", hold::place(&app.ctx, &actor, &hold("krav", &text)).await.unwrap_err());
    let asked = |wish: &str| NewRequest {
        kind: "rectification".into(),
        subject_kind: "customer".into(),
        subject_id: of,
        channel: "mail".into(),
        received_on: None,
        wish: Some(wish.into()),
    };
    refused("wish", request::receive(&app.ctx, &actor, &asked(&text)).await.unwrap_err());
    let id = request::receive(&app.ctx, &actor, &asked("Feil adresse")).await.unwrap();
    refused("extension", request::extend(&app.ctx, &actor, id, &text).await.unwrap_err());
    let decided = Decision { decision: "refused".into(), grounds: Some(text.clone()) };
    refused("grounds", request::decide(&app.ctx, &actor, id, &decided).await.unwrap_err());
    let consent = |given_by: &str, proof: &str| NewConsent {
        purpose: "course".into(),
        channel: "mail".into(),
        text_version: "1".into(),
        given_by: given_by.into(),
        proof: Some(proof.into()),
    };
    refused("given by", consent::give(&app.ctx, &actor, of, &consent(&text, "skjema")).await.unwrap_err());
    refused("proof", consent::give(&app.ctx, &actor, of, &consent("skjema", &text)).await.unwrap_err());
    refused("customer note", customer::add_note(&app.ctx, &actor, of, &new("support", &text)).await.unwrap_err());
    // Digits that are no such number are let through.
    add(app, &actor, of, &new("support", "Betalte 13097 248 kroner, KID 000104200001576.")).await;
});
