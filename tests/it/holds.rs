//! Holds by kind: the ground of each, what it delays and what it does not, and that the original time applies once released.

use crate::erasure::{Billed, billed, count, literal};
use crate::harness::{TestApp, both};
use chrono::NaiveDate;
use domain::privacy::{Ground, Hold, RuleId};
use reskontro::jobs::run_by_name;
use reskontro::privacy::consent::{self, NewConsent, Withdrawal};
use reskontro::privacy::explain::{Explained, Held, Subject, explain};
use reskontro::privacy::hold::{self, NewHold};
use reskontro::privacy::{erase, reading, retention};
use reskontro::services::Actor;
use reskontro::services::user::{self, NewUser};
use uuid::Uuid;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

async fn place(app: &TestApp, actor: &Actor, kind: &str, subject: (&str, Uuid), review_on: &str) -> Uuid {
    let new = NewHold {
        kind: kind.into(),
        subject_kind: subject.0.into(),
        subject_id: subject.1,
        reason: "Sak 26/77".into(),
        owner: "styret".into(),
        review_on: day(review_on),
    };
    hold::place(&app.ctx, actor, &new).await.unwrap()
}

async fn night(app: &TestApp, actor: &Actor, on: &str) {
    app.clock.set(format!("{on}T10:00:00Z").parse().unwrap());
    retention::nightly(&app.ctx, actor).await.unwrap();
}

async fn explained(app: &TestApp, actor: &Actor, customer: Uuid) -> Explained {
    explain(&app.ctx, actor, Subject::Customer(customer), None).await.unwrap()
}

fn held(explained: &Explained, rule: RuleId) -> &Held {
    explained.held.iter().find(|h| h.rule == rule).unwrap_or_else(|| panic!("{rule:?} in {explained:#?}"))
}

/// The only hold that stands: its kind, its grounds, and who sees to it.
fn standing(explained: &Explained) -> (Hold, &[Ground], Option<&str>) {
    let [only] = explained.holds.as_slice() else { panic!("{:?}", explained.holds) };
    (only.kind, &only.grounds, only.owner.as_deref())
}

both!(an_order_keeps_the_books_by_law_and_released_they_go_by_their_own_time, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let of = |table: &str| format!("{table} WHERE customer_id = {}", literal(app, customers[0]));
    app.clock.set("2031-12-01T10:00:00Z".parse().unwrap());
    let id = place(app, &actor, "order", ("customer", customers[0]), "2032-06-01").await;
    night(app, &actor, "2032-01-02").await;
    let now = explained(app, &actor, customers[0]).await;
    assert_eq!(standing(&now), (Hold::Order, &[Ground::LegalDuty][..], Some("styret")));
    for rule in [RuleId::IssuedDocument, RuleId::Ledger, RuleId::Payment] {
        let held = held(&now, rule);
        assert_eq!((held.state, held.held_by.as_slice()), ("held", &[Hold::Order][..]), "{rule:?}");
        assert_eq!(held.deletable_on, Some(day("2032-01-01")), "{rule:?}: the original day stands");
    }
    assert_eq!((count(app, &actor, &of("invoice")).await, count(app, &actor, &of("payment")).await), (1, 1));
    // What an order has nothing to do with went in its own time.
    assert_eq!(count(app, &actor, "delivery_address").await, 0);
    hold::release(&app.ctx, &actor, id).await.unwrap();
    let now = explained(app, &actor, customers[0]).await;
    let issued = held(&now, RuleId::IssuedDocument);
    assert_eq!((issued.state, issued.deletable_on), ("due", Some(day("2032-01-01"))));
    night(app, &actor, "2032-01-02").await;
    assert_eq!((count(app, &actor, &of("invoice")).await, count(app, &actor, &of("payment")).await), (0, 0));
});

both!(a_hold_whose_day_of_review_has_come_is_told_each_morning, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let place = async |on: &str| {
        let new = NewHold {
            kind: "dispute".into(),
            subject_kind: "customer".into(),
            subject_id: customers[0],
            reason: "Varen kom aldri".into(),
            owner: "kasserer".into(),
            review_on: day(on),
        };
        hold::place(&app.ctx, &actor, &new).await.unwrap()
    };
    let (soon, _later) = (place("2026-03-20").await, place("2026-09-01").await);
    let told = async || count(app, &actor, "audit_event WHERE verb = 'privacy_hold.review_due'").await;
    run_by_name(&app.ctx, "remind_requests", actor.org, None).await.unwrap();
    assert_eq!(told().await, 0, "weeks are left");
    app.clock.set("2026-03-13T08:00:00Z".parse().unwrap());
    run_by_name(&app.ctx, "remind_requests", actor.org, None).await.unwrap();
    assert_eq!(told().await, 1);
    app.clock.set("2026-04-01T08:00:00Z".parse().unwrap());
    run_by_name(&app.ctx, "remind_requests", actor.org, None).await.unwrap();
    assert_eq!(told().await, 2, "late, and it holds all the same");
    hold::review(&app.ctx, &actor, soon, day("2026-08-01")).await.unwrap();
    run_by_name(&app.ctx, "remind_requests", actor.org, None).await.unwrap();
    assert_eq!(told().await, 2);
});

both!(a_request_not_yet_answered_keeps_what_proves_consent_and_nothing_else, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let yes = NewConsent {
        purpose: "newsletter".into(),
        channel: "mail".into(),
        text_version: "1".into(),
        given_by: "skjema".into(),
        proof: None,
    };
    consent::give(&app.ctx, &actor, customers[0], &yes).await.unwrap();
    let no = Withdrawal { purpose: Some("newsletter".into()), channel: Some("mail".into()) };
    consent::withdraw(&app.ctx, &actor, customers[0], &no).await.unwrap();
    app.clock.set("2029-02-20T10:00:00Z".parse().unwrap());
    let id = place(app, &actor, "privacy_request", ("customer", customers[0]), "2029-06-01").await;
    night(app, &actor, "2029-03-02").await;
    assert_eq!(count(app, &actor, "consent").await, 2);
    let now = explained(app, &actor, customers[0]).await;
    assert_eq!(standing(&now), (Hold::PrivacyRequest, &[Ground::LegalDuty][..], Some("styret")));
    let proof = held(&now, RuleId::Consent);
    assert_eq!((proof.state, proof.held_by.as_slice()), ("held", &[Hold::PrivacyRequest][..]));
    assert_eq!(proof.deletable_on, Some(day("2029-03-01")));
    for rule in [RuleId::IssuedDocument, RuleId::CustomerMaster, RuleId::DeliveryLog] {
        assert!(held(&now, rule).held_by.is_empty(), "{rule:?} is none of its business");
    }
    hold::release(&app.ctx, &actor, id).await.unwrap();
    night(app, &actor, "2029-03-02").await;
    assert_eq!(count(app, &actor, "consent").await, 0);
});

both!(an_incident_keeps_the_log_of_reads_and_the_account_looked_into, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let (looked_into, other) = (customers[0], customers[2]);
    for customer in [looked_into, other] {
        reading::note_now(&app.ctx, &actor, "customer.get", customer).await.unwrap();
    }
    let reads = async || count(app, &actor, "personal_reading WHERE action = 'customer.get'").await;
    let id = place(app, &actor, "security", ("customer", looked_into), "2026-06-01").await;
    night(app, &actor, "2026-04-02").await;
    assert_eq!(reads().await, 1, "of the one looked into alone");
    let now = explained(app, &actor, looked_into).await;
    assert_eq!(standing(&now), (Hold::Security, &[Ground::Security, Ground::Fraud][..], Some("styret")));
    let log = held(&now, RuleId::AccessLog);
    assert_eq!((log.state, log.held_by.as_slice()), ("held", &[Hold::Security][..]));
    assert_eq!(log.deletable_on, Some(day("2026-03-31")), "thirty days");
    assert!(held(&now, RuleId::IssuedDocument).held_by.is_empty());
    hold::release(&app.ctx, &actor, id).await.unwrap();
    night(app, &actor, "2026-04-02").await;
    assert_eq!(reads().await, 0);

    // An account that is looked into is not erased meanwhile.
    let new = NewUser { login: "kari.kasserer@lag.example", name: "Kari Kasserer", password: "et langt passord" };
    let account = user::create(&app.ctx, &new).await.unwrap();
    user::add_member(&app.ctx, &actor, account, "operator").await.unwrap();
    let id = place(app, &actor, "security", ("user", account), "2026-06-01").await;
    let refused = erase::erase(&app.ctx, &actor, Subject::User(account)).await.unwrap_err();
    assert_eq!(refused.code(), Some("held"), "{refused}");
    assert_eq!(count(app, &actor, "membership").await, 1);
    hold::release(&app.ctx, &actor, id).await.unwrap();
    assert!(erase::erase(&app.ctx, &actor, Subject::User(account)).await.unwrap().done_at.is_some());
    assert_eq!(count(app, &actor, "membership").await, 0);
});

both!(every_hold_has_one_of_the_grounds_a_statement_names_and_no_other_is_taken, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let mut grounds: Vec<Ground> = Hold::ALL.iter().flat_map(|h| h.grounds()).copied().collect();
    grounds.sort_unstable();
    grounds.dedup();
    let named = [Ground::Agreement, Ground::LegalDuty, Ground::Dispute, Ground::Security, Ground::Fraud];
    assert_eq!(grounds, named);
    for kind in Hold::ALL.iter().filter(|h| **h != Hold::OpenBalance) {
        let id = place(app, &actor, kind.as_str(), ("customer", customers[2]), "2026-06-01").await;
        let now = explained(app, &actor, customers[2]).await;
        assert_eq!(standing(&now), (*kind, kind.grounds(), Some("styret")));
        hold::release(&app.ctx, &actor, id).await.unwrap();
    }
    let other = NewHold {
        kind: "curiosity".into(),
        subject_kind: "customer".into(),
        subject_id: customers[2],
        reason: "Kan bli nyttig".into(),
        owner: "styret".into(),
        review_on: day("2026-06-01"),
    };
    let refused = hold::place(&app.ctx, &actor, &other).await.unwrap_err();
    assert!(refused.to_string().contains("kind"), "{refused}");
});
