//! The policy by version, holds, and why something is held until when.

use crate::api::{Api, another, key};
use crate::harness::{TestApp, both};
use chrono::{Months, NaiveDate};
use domain::customer::Language;
use domain::privacy::{Hold, Period, Policy, Preset, Recipient, RuleId};
use formats::customer_list::Mode;
use reqwest::{Method, StatusCode};
use reskontro::privacy::explain::{Explained, Held, Subject, explain};
use reskontro::privacy::hold::{self, NewHold};
use reskontro::privacy::policy::{self, NewPolicy};
use reskontro::services::access::Scope;
use reskontro::services::customer::Ending;
use reskontro::services::payment::{self, NewPayment};
use reskontro::services::{Actor, customer, delivery};
use reskontro::store::views;
use serde_json::{Value, json};
use uuid::Uuid;

const LIST: &str =
    "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n1;Kari Nord;Gata 1;0150;Oslo;kari@kunde.example;A\n";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A customer with an invoice issued on 1 March 2026, and mailed.
async fn billed(app: &TestApp) -> (Actor, Uuid, Uuid) {
    app.clock.set("2026-03-01T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    app.product(&actor, "A", "Kontingent", "100").await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    app.bill(&app.ctx, &actor).await;
    delivery::drain(&app.ctx).await.unwrap();
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let invoice = views::invoices(&tx, Uuid::nil(), 10).await.unwrap().remove(0);
    (actor, invoice.customer_id, invoice.id)
}

fn ended() -> Ending {
    Ending { reason: "sluttet".into(), ended_on: None }
}

async fn of_customer(app: &TestApp, actor: &Actor, id: Uuid) -> Explained {
    explain(&app.ctx, actor, Subject::Customer(id), Some(Language::English)).await.unwrap()
}

fn held(explained: &Explained, rule: RuleId) -> &Held {
    explained.held.iter().find(|h| h.rule == rule).unwrap_or_else(|| panic!("{rule:?} in {explained:#?}"))
}

fn new_hold(kind: &str, subject_kind: &str, subject_id: Uuid, review_on: NaiveDate) -> NewHold {
    NewHold {
        kind: kind.into(),
        subject_kind: subject_kind.into(),
        subject_id,
        reason: "Kunden bestrider kravet".into(),
        owner: "kasserer".into(),
        review_on,
    }
}

both!(an_organisation_starts_with_the_preset_of_its_legal_form, async |app: &TestApp| {
    let actor = app.association().await;
    let version = policy::current(&app.ctx, &actor).await.unwrap();
    assert_eq!((version.version_no, version.policy.preset), (1, Preset::AssociationBilling));
    assert!(version.approved_at.is_some(), "nothing would ever be deleted");
    assert_eq!(version.policy, Policy::of(Preset::AssociationBilling));
    let mut new = crate::harness::association();
    new.bank_account = None;
    new.privacy_preset = Some("erp".into());
    let erp = reskontro::services::organisation::create(&app.ctx, new.clone()).await.unwrap();
    let version = policy::current(&app.ctx, &Actor::operator(erp)).await.unwrap();
    assert_eq!(version.policy.preset, Preset::Erp);
    new.privacy_preset = Some("nothing".into());
    let refused = reskontro::services::organisation::create(&app.ctx, new).await.unwrap_err();
    assert!(refused.to_string().contains("privacy_preset"), "{refused}");
});

both!(a_policy_holds_from_its_day_and_the_one_before_until_then, async |app: &TestApp| {
    app.clock.set("2026-11-24T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    let publish = async |changes: Value, from: &str| {
        let new = NewPolicy { preset: "association-billing".into(), changes, valid_from: Some(day(from)) };
        policy::publish(&app.ctx, &actor, &new).await
    };
    let notes = async || {
        let version = policy::current(&app.ctx, &actor).await.unwrap();
        let period = version.policy.rule(RuleId::SupportCase).unwrap().period.unwrap();
        (version.version_no, period, version.approved_at.is_some())
    };
    let shorter = json!({"rules": {"support_case": {"period": "P3M"}}});
    publish(shorter.clone(), "2026-12-01").await.unwrap();
    assert_eq!(notes().await, (1, Period::months(6), true));
    app.clock.set("2026-12-01T00:30:00+01:00".parse::<chrono::DateTime<chrono::FixedOffset>>().unwrap().into());
    assert_eq!(notes().await, (2, Period::months(3), false));
    policy::approve(&app.ctx, &actor, 2).await.unwrap();
    assert_eq!(notes().await, (2, Period::months(3), true));
    assert_eq!(policy::approve(&app.ctx, &actor, 2).await.unwrap_err().code(), Some("already_approved"));
    assert_eq!(policy::approve(&app.ctx, &actor, 9).await.unwrap_err().code(), Some("not_found"));
    let past = publish(shorter.clone(), "2026-11-30").await.unwrap_err();
    assert!(past.to_string().contains("valid_from"), "{past}");
    publish(shorter.clone(), "2027-02-01").await.unwrap();
    let before = publish(shorter, "2027-01-01").await.unwrap_err();
    assert!(before.to_string().contains("version 3 is to hold from 2027-02-01"), "{before}");
    let numbers: Vec<i64> = policy::list(&app.ctx, &actor).await.unwrap().iter().map(|v| v.version_no).collect();
    assert_eq!(numbers, [3, 2, 1], "a version was lost");
});

both!(a_policy_that_breaks_law_or_a_promise_is_refused_with_the_field, async |app: &TestApp| {
    let actor = app.association().await;
    let admin = key(app, &actor, Scope::Admin).await;
    let api = Api::serve(app).await;
    for (changes, field, code) in [
        (json!({"rules": {"ledger": {"period": "P4Y"}}}), "changes.rules.ledger.period", "below_floor"),
        (json!({"rules": {"backup": {"period": "P45D"}}}), "changes.rules.backup.period", "above_ceiling"),
        (json!({"rules": {"mandate": null}}), "changes.rules.mandate", "missing_rule"),
        (json!({"region": "eea"}), "changes.region", "region_locked"),
        (json!({"request_days": 60}), "changes.request_days", "above_ceiling"),
    ] {
        let body = json!({"preset": "association-billing", "changes": changes});
        let (status, answer) = api.send(Method::POST, "/api/v1/privacy/policies", Some(&admin), Some(&body)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        assert_eq!((&answer["errors"][0]["field"], &answer["errors"][0]["code"]), (&json!(field), &json!(code)));
    }
    let (status, answer) = api.send(Method::GET, "/api/v1/privacy/policies", Some(&admin), None).await;
    assert_eq!((status, answer.as_array().unwrap().len()), (StatusCode::OK, 1));
});

both!(what_is_held_of_a_customer_says_why_and_until_when, async |app: &TestApp| {
    let (actor, customer, invoice) = billed(app).await;
    let explained = of_customer(app, &actor, customer).await;
    assert_eq!((explained.policy_version, explained.relationship_ended_on), (1, None));
    // An association's relationship ends when somebody says so.
    assert_eq!(explained.relationship_ends_by_itself_on, None);
    let master = held(&explained, RuleId::CustomerMaster);
    assert_eq!((master.state, master.deletable_on), ("in_use", None));
    assert_eq!(master.purpose, "to perform the agreement with the customer");
    let issued = held(&explained, RuleId::IssuedDocument);
    assert_eq!((issued.count, issued.state, issued.source), (1, "running", "bokføringsloven § 13"));
    assert_eq!((issued.counted_from, issued.deletable_on), (Some(day("2026-03-01")), Some(day("2032-01-01"))));
    assert_eq!(held(&explained, RuleId::Ledger).deletable_on, Some(day("2032-01-01")));
    assert_eq!(held(&explained, RuleId::OpenItem).state, "in_use");
    assert_eq!(held(&explained, RuleId::DeliveryAddress).deletable_on, Some(day("2027-03-01")));
    assert_eq!(held(&explained, RuleId::DeliveryLog).deletable_on, Some(day("2032-01-01")));
    let told: Vec<_> = explained.told.iter().map(|t| (t.recipient, t.documents)).collect();
    assert_eq!(told, [(Recipient::MailRelay, 1)]);
    // What is owed holds by itself, and only what may be held for it.
    assert_eq!(explained.holds.len(), 1);
    assert_eq!((explained.holds[0].kind, explained.holds[0].id), (Hold::OpenBalance, None));
    assert!(issued.held_by.contains(&Hold::OpenBalance));
    assert!(held(&explained, RuleId::DeliveryAddress).held_by.is_empty());
    let of_invoice = explain(&app.ctx, &actor, Subject::Invoice(invoice), None).await.unwrap();
    assert_eq!(held(&of_invoice, RuleId::IssuedDocument).title, "Fakturaer og kreditnotaer");
    assert_eq!(held(&of_invoice, RuleId::IssuedDocument).deletable_on, Some(day("2032-01-01")));
});

both!(the_core_of_a_customer_follows_the_last_thing_booked, async |app: &TestApp| {
    let (actor, customer, invoice) = billed(app).await;
    app.clock.set("2027-01-10T10:00:00Z".parse().unwrap());
    let paid = NewPayment { amount_ore: 10_000, booked_on: None, invoice_id: Some(invoice), customer_id: None };
    payment::register(&app.ctx, &actor, &paid).await.unwrap();
    customer::end(&app.ctx, &actor, customer, &ended()).await.unwrap();
    let explained = of_customer(app, &actor, customer).await;
    assert_eq!(explained.relationship_ended_on, Some(day("2027-01-10")));
    // The invoice goes with the year it was booked in, the payment and who it was with the year of the payment.
    assert_eq!(held(&explained, RuleId::IssuedDocument).deletable_on, Some(day("2032-01-01")));
    assert_eq!(held(&explained, RuleId::Payment).deletable_on, Some(day("2033-01-01")));
    assert_eq!(held(&explained, RuleId::CustomerCore).deletable_on, Some(day("2033-01-01")));
    let claims: Vec<_> = explained.held.iter().filter(|h| h.rule == RuleId::OpenItem).collect();
    assert_eq!((claims.len(), claims[0].what, claims[0].deletable_on), (1, "settled claims", Some(day("2033-01-01"))));
    // An association's contact details go at once.
    let master = held(&explained, RuleId::CustomerMaster);
    assert_eq!((master.state, master.deletable_on), ("due", Some(day("2027-01-10"))));
    assert!(explained.holds.is_empty(), "{:?}", explained.holds);
});

both!(of_whom_nothing_was_booked_the_law_keeps_nothing, async |app: &TestApp| {
    app.clock.set("2026-03-01T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    app.sync(&actor, "Kundenr;Navn;Adresse;Postnr;Poststed\n1;Kari Nord;Gata 1;0150;Oslo\n".as_bytes(), Mode::Full)
        .await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let customer = views::customers(&tx, Uuid::nil(), 10).await.unwrap().remove(0).id;
    tx.commit().await.unwrap();
    customer::end(&app.ctx, &actor, customer, &ended()).await.unwrap();
    let explained = of_customer(app, &actor, customer).await;
    let core = held(&explained, RuleId::CustomerCore);
    assert_eq!((core.state, core.deletable_on, core.source), ("due", Some(day("2026-03-01")), "policy"));
});

both!(a_relationship_without_an_ending_is_over_three_years_after_the_last_invoice, async |app: &TestApp| {
    let (actor, customer, _) = billed(app).await;
    let new = NewPolicy { preset: "invoicing-platform".into(), changes: Value::Null, valid_from: None };
    policy::publish(&app.ctx, &actor, &new).await.unwrap();
    let explained = of_customer(app, &actor, customer).await;
    assert_eq!(explained.relationship_ends_by_itself_on, Some(day("2029-03-01")));
});

both!(a_hold_delays_what_its_kind_may_and_nothing_once_released, async |app: &TestApp| {
    let (actor, customer, invoice) = billed(app).await;
    let paid = NewPayment { amount_ore: 10_000, booked_on: None, invoice_id: Some(invoice), customer_id: None };
    payment::register(&app.ctx, &actor, &paid).await.unwrap();
    customer::end(&app.ctx, &actor, customer, &ended()).await.unwrap();
    let place = async |new: NewHold| hold::place(&app.ctx, &actor, &new).await;
    let id = place(new_hold("dispute", "customer", customer, day("2026-09-01"))).await.unwrap();
    let explained = of_customer(app, &actor, customer).await;
    let master = held(&explained, RuleId::CustomerMaster);
    assert_eq!((master.state, master.held_by.as_slice()), ("held", &[Hold::Dispute][..]));
    // eFaktura references and drafts are held by nothing.
    assert!(explained.held.iter().filter(|h| h.rule == RuleId::EfakturaReference).all(|h| h.held_by.is_empty()));
    hold::review(&app.ctx, &actor, id, day("2027-02-01")).await.unwrap();
    hold::release(&app.ctx, &actor, id).await.unwrap();
    let explained = of_customer(app, &actor, customer).await;
    assert_eq!(held(&explained, RuleId::CustomerMaster).state, "due", "its own time did not come back at once");
    assert_eq!(hold::release(&app.ctx, &actor, id).await.unwrap_err().code(), Some("already_released"));
    let told = crate::events::events_with(&app.ctx, &actor, |e| e.kind == "privacy_hold.released").await;
    assert!(
        told.iter().any(|e| e.kind == "privacy_hold.placed" && e.subject_id == Some(id)),
        "integrators are not told"
    );
    let over = app.ctx.today() + Months::new(12);
    for (new, field) in [
        (new_hold("open_balance", "customer", customer, over), "kind"),
        (new_hold("because", "customer", customer, over), "kind"),
        (new_hold("claim", "planet", customer, over), "subject_kind"),
        (new_hold("claim", "customer", Uuid::nil(), over), "subject_id"),
        (new_hold("claim", "customer", customer, over.succ_opt().unwrap()), "review_on"),
        (new_hold("claim", "customer", customer, app.ctx.today()), "review_on"),
        (NewHold { reason: " ".into(), ..new_hold("claim", "customer", customer, over) }, "reason"),
    ] {
        let refused = place(new).await.unwrap_err();
        assert!(refused.to_string().starts_with(field), "{field}: {refused}");
    }
    let standing = hold::list(&app.ctx, &actor, false, Uuid::nil(), 10).await.unwrap();
    assert!(standing.is_empty());
    assert_eq!(hold::list(&app.ctx, &actor, true, Uuid::nil(), 10).await.unwrap().len(), 1);
});

both!(holds_and_explanations_are_had_over_http, async |app: &TestApp| {
    let (actor, customer, invoice) = billed(app).await;
    let writer = key(app, &actor, Scope::Write).await;
    let api = Api::serve(app).await;
    let body = json!({
        "kind": "dispute", "subject_kind": "invoice", "subject_id": invoice, "reason": "Varen kom aldri",
        "owner": "kasserer", "review_on": "2026-08-01"
    });
    let (status, made) = api.send(Method::POST, "/api/v1/privacy/holds", Some(&writer), Some(&body)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let path = format!("/api/v1/customers/{customer}/privacy?language=nn");
    let (status, told) = api.send(Method::GET, &path, Some(&writer), None).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    let dispute = told["holds"].as_array().unwrap().iter().find(|h| h["kind"] == "dispute").unwrap();
    assert_eq!((&dispute["owner"], &dispute["grounds"][0]), (&json!("kasserer"), &json!("dispute")));
    let issued = told["held"].as_array().unwrap().iter().find(|h| h["rule"] == "issued_document").unwrap();
    assert_eq!((&issued["period"], &issued["deletable_on"]), (&json!("P5Y"), &json!("2032-01-01")));
    assert_eq!(issued["bases"], json!(["contract", "legal_duty"]), "the agreement lasts");
    let nobody = another(app).await;
    let theirs = key(app, &nobody, Scope::Admin).await;
    let (status, _) = api.send(Method::GET, &path, Some(&theirs), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let foreign = hold::place(&app.ctx, &nobody, &new_hold("claim", "customer", customer, day("2026-08-01"))).await;
    assert!(foreign.is_err(), "another organisation's customer was held");
});
