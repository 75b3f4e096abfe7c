//! What is credited, paid or wanted back is sent no more, whatever providers say of it later; what cannot be taken back,
//! or cannot be read, is on somebody's list.

use crate::channels::{World, person, stands, world};
use crate::events::events_with;
use crate::harness::{TestApp, both};
use chrono::Duration;
use domain::channel::Channel;
use reskontro::ctx::Ctx;
use reskontro::delivery::Contract;
use reskontro::services::delivery;
use reskontro::services::invoice::{CreditRequest, credit};
use reskontro::services::payment::{self, NewPayment};
use reskontro::store::channel::{self, Suppression};
use reskontro::store::views::{self, DeliveryItem};
use reskontro::store::worklist;
use sandbox::efaktura::Status;
use sandbox::{Outage, OutageKind};
use uuid::Uuid;

async fn read(w: &World, id: Uuid) -> DeliveryItem {
    let tx = w.ctx.db.read(w.actor.org).await.unwrap();
    views::delivery(&tx, id).await.unwrap().unwrap()
}

async fn credit_all(w: &World, invoice: Uuid) {
    credit(&w.ctx, &w.actor, invoice, &CreditRequest::default()).await.unwrap();
}

/// One request with its consumer's bank.
async fn requested(app: &TestApp, email: &str) -> (World, DeliveryItem) {
    let w = world(app, Contract::Phoss).await;
    let mut found = w.bill(app, &person(1, email)).await;
    let sent = found.remove("1").unwrap();
    assert_eq!(sent.channel, "efaktura");
    (w, sent)
}

both!(a_credited_request_that_is_rejected_meanwhile_is_not_mailed, async |app: &TestApp| {
    let (w, sent) = requested(app, "slow.kari@match.example").await;
    credit_all(&w, sent.invoice_id).await;
    let id = w.gateway.received()[0].id;
    w.gateway.set_status(id, Status::Rejected, Some("blocked_by_receiver"));
    w.again().await;
    let now = read(&w, sent.id).await;
    assert_eq!((now.channel.as_str(), now.state.as_str(), now.needs_person), ("efaktura", "cancelled", false));
    assert_eq!(app.spool().len(), 1, "the credit note alone is mailed");
});

both!(a_paid_request_the_consumer_deletes_is_not_mailed, async |app: &TestApp| {
    let (w, sent) = requested(app, "kari@match.example").await;
    w.again().await;
    let tx = w.ctx.db.read(w.actor.org).await.unwrap();
    let total = views::invoice(&tx, sent.invoice_id).await.unwrap().unwrap().total_ore;
    tx.commit().await.unwrap();
    let paid = NewPayment { amount_ore: total, booked_on: None, invoice_id: Some(sent.invoice_id), customer_id: None };
    payment::register(&w.ctx, &w.actor, &paid).await.unwrap();
    w.gateway.set_status(w.gateway.received()[0].id, Status::DeletedByConsumer, None);
    w.again().await;
    let now = read(&w, sent.id).await;
    assert_eq!((now.channel.as_str(), now.state.as_str(), now.needs_person), ("efaktura", "delivered", false));
    assert!(app.spool().is_empty(), "a paid invoice was sent once more");
});

both!(a_request_that_cannot_be_taken_back_is_for_a_person, async |app: &TestApp| {
    let (w, sent) = requested(app, "paid.kari@match.example").await;
    w.again().await;
    credit_all(&w, sent.invoice_id).await;
    w.again().await;
    let now = read(&w, sent.id).await;
    assert_eq!((now.needs_person, now.reason.as_deref()), (true, Some("not_taken_back")));
    delivery::mark_handled(&w.ctx, &w.actor, sent.id).await.unwrap();
    assert!(!read(&w, sent.id).await.needs_person);
});

both!(a_gateway_that_is_silent_on_taking_back_is_for_a_person_in_time, async |app: &TestApp| {
    let (w, sent) = requested(app, "kari@match.example").await;
    w.again().await;
    credit_all(&w, sent.invoice_id).await;
    w.gateway.outage(Outage { on: Some(true), kind: Some(OutageKind::Refuse), ..Outage::default() });
    w.after(app, Duration::days(3)).await;
    assert!(!read(&w, sent.id).await.needs_person);
    w.after(app, Duration::days(3)).await;
    let now = read(&w, sent.id).await;
    assert_eq!((now.needs_person, now.reason.as_deref()), (true, Some("not_taken_back")));
});

both!(mail_a_worker_has_taken_does_not_leave_once_it_is_credited, async |app: &TestApp| {
    let w = world(app, Contract::Phoss).await;
    w.issue(app, &person(1, "kari@ukjent.example")).await;
    w.gateway.consumer("kari@ukjent.example", sandbox::efaktura::Outcome::NoConsent);
    // On its way by mail, once the gateway has said no.
    w.ctx.pace.set_away(Channel::Mail, false);
    let mut efaktura = delivery::session(&w.ctx, Channel::Efaktura);
    let mut states = std::collections::HashMap::new();
    delivery::serve_channel(&w.ctx, Channel::Efaktura, &mut efaktura, &mut states, || false).await.unwrap();
    let claimed = delivery::claim(&w.ctx, Channel::Mail, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let sent = read(&w, claimed[0].id).await;
    credit_all(&w, sent.invoice_id).await;
    let mut session = delivery::session(&w.ctx, Channel::Mail).unwrap();
    delivery::deliver(&w.ctx, Some(session.as_mut()), &claimed[0]).await.unwrap();
    let now = read(&w, sent.id).await;
    assert_eq!((now.state.as_str(), now.needs_person), ("cancelled", false));
    assert!(app.spool().is_empty(), "a credited invoice was mailed");
    let refused = delivery::resend(&w.ctx, &w.actor, sent.id, true).await.unwrap_err();
    assert_eq!(refused.code(), Some("credited"));
});

both!(what_a_person_has_handed_over_on_paper_gets_its_credit_note, async |app: &TestApp| {
    let w = world(app, Contract::Phoss).await;
    let found = w.bill(app, &person(1, "")).await;
    assert_eq!((found["1"].state.as_str(), found["1"].needs_person), ("failed", true));
    delivery::mark_handled(&w.ctx, &w.actor, found["1"].id).await.unwrap();
    credit_all(&w, found["1"].invoice_id).await;
    let note = &w.deliveries().await["1"];
    assert_ne!(note.id, found["1"].id);
    assert_ne!(note.state, "cancelled", "the customer has the invoice, and must get the credit note");
});

both!(mail_after_a_failure_keeps_to_the_addresses_that_work, async |app: &TestApp| {
    let (w, sent) = requested(app, "reject-blocked_by_receiver.kari@match.example").await;
    // Rejected, and not yet mailed: mail to the same address comes back from elsewhere.
    delivery::poll_efaktura(&w.ctx).await.unwrap();
    assert_eq!(stands(&w.deliveries().await["1"]).0, "mail");
    hold(&w.ctx, &w, &sent, "reject-blocked_by_receiver.kari@match.example").await;
    w.again().await;
    let now = read(&w, sent.id).await;
    assert_eq!((now.state.as_str(), now.reason.as_deref()), ("held", Some("address_suppressed")));
    assert!(app.spool().is_empty(), "mail went to an address that does not work");
});

async fn hold(ctx: &Ctx, w: &World, sent: &DeliveryItem, address: &str) {
    let org = w.actor.org;
    let row = Suppression {
        org_id: org,
        address_hash: ctx.key.hash(&[b"mail address", org.as_bytes(), address.as_bytes()]).to_vec(),
        customer_id: sent.customer_id,
        reason: "hard_bounce".into(),
        delivery_id: None,
        since_at: ctx.now(),
    };
    let tx = ctx.db.write(org).await.unwrap();
    channel::suppress(&tx, row).await.unwrap();
    tx.commit().await.unwrap();
}

both!(what_is_asked_about_is_seen_as_under_way, async |app: &TestApp| {
    let w = world(app, Contract::Phoss).await;
    w.issue(app, &person(1, "kari@match.example")).await;
    let sent = &w.deliveries().await["1"];
    let tx = w.ctx.db.write(w.actor.org).await.unwrap();
    let mut row = reskontro::store::delivery::lock(&tx, sent.id).await.unwrap().unwrap();
    row.state = "unknown".into();
    reskontro::store::delivery::update(&tx, row).await.unwrap();
    tx.commit().await.unwrap();
    let tx = w.ctx.db.read(w.actor.org).await.unwrap();
    let open = worklist::open_states(&tx).await.unwrap();
    assert!(open.iter().any(|c| c.name == "unknown" && c.count == 1), "{open:?}");
    assert_eq!(worklist::in_states(&tx, &["unknown"], Uuid::nil(), 10).await.unwrap().len(), 1);
});

both!(a_worker_lost_within_the_hand_over_is_told_and_its_attempt_ended, async |app: &TestApp| {
    let w = world(app, Contract::Phase4).await;
    let found = w.bill(app, &person(1, "kari@nei.example")).await;
    let id = found["1"].id;
    assert_eq!(found["1"].channel, "mail");
    let tx = w.ctx.db.write(w.actor.org).await.unwrap();
    let mut row = reskontro::store::delivery::lock(&tx, id).await.unwrap().unwrap();
    row.state = "handing_over".into();
    row.lease_until_at = Some(w.ctx.now());
    row.lease_token = Some(Uuid::from_u128(1));
    let attempt = reskontro::store::delivery::list_attempts(&tx, id).await.unwrap().pop().unwrap();
    let begun = reskontro::store::delivery::Attempt { ended_at: None, outcome: "started".into(), ..attempt };
    reskontro::store::delivery::keep_attempt(&tx, begun).await.unwrap();
    reskontro::store::delivery::update(&tx, row).await.unwrap();
    tx.commit().await.unwrap();
    app.clock.advance(Duration::seconds(1));
    w.again().await;
    let now = read(&w, id).await;
    assert_eq!((now.state.as_str(), now.needs_person), ("unknown", true));
    let tx = w.ctx.db.read(w.actor.org).await.unwrap();
    let attempts = reskontro::store::delivery::list_attempts(&tx, id).await.unwrap();
    assert_eq!(attempts.last().unwrap().outcome, "unknown");
    tx.commit().await.unwrap();
    events_with(&w.ctx, &w.actor, |e| e.kind == "delivery.uncertain").await;
});

both!(a_delivery_that_is_stuck_from_the_start_is_told, async |app: &TestApp| {
    let w = world(app, Contract::Phoss).await;
    w.bill(app, &person(1, "")).await;
    events_with(&w.ctx, &w.actor, |e| e.kind == "delivery.failed").await;
});
