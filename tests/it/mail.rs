//! Mail over real SMTP: every way a server fails, encryption, and what a crash leaves.

use crate::harness::{TestApp, both};
use chrono::Duration;
use domain::channel::Channel;
use formats::customer_list::Mode;
use reskontro::ctx::Ctx;
use reskontro::delivery::{SmtpMailer, SmtpSettings, Tls};
use reskontro::services::run::{self, NewRun};
use reskontro::services::{Actor, delivery};
use reskontro::store::bulk;
use reskontro::store::views::{self, DeliveryItem};
use sandbox::{Fault, SmtpSink};
use sea_orm::ConnectionTrait;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

const LIST: &str = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n\
    1;Kari Nord;Gata 1;0150;Oslo;kari@example.org;A\n";

/// The service with a relay.
pub fn with_relay(app: &TestApp, port: u16, tls: Tls, ca_pem: Option<Vec<u8>>) -> Ctx {
    let mailer = Arc::new(SmtpMailer::new(SmtpSettings {
        host: "localhost".into(),
        port,
        tls,
        credentials: None,
        ca_pem,
        hello: Some("test.example".into()),
        timeout: std::time::Duration::from_millis(1500),
    }));
    Ctx { mailer, ..app.ctx.clone() }
}

/// One issued invoice whose delivery is due.
async fn one_invoice(app: &TestApp) -> Actor {
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let id = run::start(&app.ctx, &actor, &new).await.unwrap();
    run::continue_run(&app.ctx, &actor, id, |_| {}).await.unwrap();
    actor
}

async fn the_delivery(app: &TestApp, actor: &Actor) -> DeliveryItem {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    views::deliveries(&tx, None, Uuid::nil(), 2).await.unwrap().remove(0)
}

/// Lets one session fail so, and says where the delivery stands after it.
async fn after(app: &TestApp, fault: Fault) -> (SmtpSink, Ctx, DeliveryItem, Actor) {
    let sink = SmtpSink::start().await.unwrap();
    let ctx = with_relay(app, sink.port(), Tls::None, None);
    let actor = one_invoice(app).await;
    sink.fail(fault, 1);
    delivery::drain(&ctx).await.unwrap();
    let found = the_delivery(app, &actor).await;
    (sink, ctx, found, actor)
}

macro_rules! fault {
    ($name:ident, $fault:expr, $state:literal, $reason:literal, $taken:literal) => {
        both!($name, async |app: &TestApp| {
            let (sink, _, found, _) = after(app, $fault).await;
            assert_eq!((found.state.as_str(), found.reason.as_deref()), ($state, Some($reason)));
            assert_eq!(sink.received().len(), $taken);
            assert_eq!(found.needs_person, $state != "retrying");
        });
    };
}

fault!(a_temporary_greeting_is_tried_again, Fault::GreetsTemporary, "retrying", "smtp_421", 0);
// The relay sends us away, not the mail: once that is put right the mail goes.
fault!(a_relay_that_sends_us_away_is_tried_again, Fault::GreetsPermanent, "retrying", "smtp_554", 0);
fault!(a_busy_recipient_is_tried_again, Fault::RecipientTemporary, "retrying", "smtp_450", 0);
fault!(an_unknown_recipient_is_for_a_person, Fault::RecipientPermanent, "failed", "smtp_550", 0);
fault!(a_full_relay_is_tried_again, Fault::ContentTemporary, "retrying", "smtp_452", 0);
fault!(a_silent_relay_is_tried_again, Fault::Hangs, "retrying", "timeout", 0);
fault!(a_line_dead_within_the_content_is_unknown, Fault::DropsInContent, "unknown", "connection_lost", 0);
fault!(a_line_dead_after_the_content_is_unknown, Fault::DropsAfterContent, "unknown", "connection_lost", 1);

both!(what_was_tried_again_arrives_once_with_the_same_bytes, async |app: &TestApp| {
    let (sink, ctx, _, actor) = after(app, Fault::ContentTemporary).await;
    app.clock.advance(Duration::minutes(2));
    delivery::drain(&ctx).await.unwrap();
    let found = the_delivery(app, &actor).await;
    assert_eq!((found.state.as_str(), found.attempts), ("delivered", 2));
    let received = sink.received();
    assert_eq!(received.len(), 1);
    let mail = &received[0];
    assert_eq!(mail.to, "kari@example.org");
    assert!(mail.from.starts_with("b+") && !mail.from.contains("kari"), "{}", mail.from);
    assert_eq!(mail.header("message-id").unwrap(), format!("<{}@localhost.localdomain>", found.id));
    let content = String::from_utf8_lossy(&mail.content);
    assert!(content.contains("application/pdf") && content.contains("text/html") && content.contains("text/plain"));
    let subject = mail.header("subject").unwrap();
    assert!(subject.contains("Faktura 10001") && !subject.contains("Kari"), "{subject}");
    // Resending what was delivered takes a decision, and gives the same bytes.
    let refused = delivery::resend(&app.ctx, &actor, found.id, false).await.unwrap_err();
    assert_eq!(refused.code(), Some("already_delivered"));
    delivery::resend(&app.ctx, &actor, found.id, true).await.unwrap();
    delivery::drain(&ctx).await.unwrap();
    assert_eq!(sink.received()[1].content, mail.content);
    assert!(the_delivery(app, &actor).await.possibly_sent_twice);
});

both!(the_last_failed_attempt_is_for_a_person, async |app: &TestApp| {
    let (sink, ctx, _, actor) = after(app, Fault::RecipientTemporary).await;
    sink.fail(Fault::RecipientTemporary, 100);
    for _ in 0..10 {
        app.clock.advance(Duration::days(2));
        delivery::drain(&ctx).await.unwrap();
    }
    let found = the_delivery(app, &actor).await;
    assert_eq!((found.state.as_str(), found.attempts, found.needs_person), ("failed", 9, true));
    assert_eq!(sink.received().len(), 0);
});

both!(a_relay_that_is_away_costs_no_tries_until_days_have_passed, async |app: &TestApp| {
    let (sink, ctx, _, actor) = after(app, Fault::GreetsTemporary).await;
    sink.fail(Fault::GreetsTemporary, 1000);
    for _ in 0..200 {
        app.clock.advance(Duration::minutes(30));
        delivery::drain(&ctx).await.unwrap();
    }
    let found = the_delivery(app, &actor).await;
    assert_eq!((found.state.as_str(), found.needs_person), ("retrying", false));
    assert!(found.attempts > 20, "{} attempts in four days", found.attempts);
    sink.fail(Fault::None, 0);
    app.clock.advance(Duration::minutes(30));
    delivery::drain(&ctx).await.unwrap();
    assert_eq!(the_delivery(app, &actor).await.state, "delivered");
    assert_eq!(sink.received().len(), 1);
});

both!(a_relay_that_stays_away_is_for_a_person_after_five_days, async |app: &TestApp| {
    let (sink, ctx, _, actor) = after(app, Fault::GreetsTemporary).await;
    sink.fail(Fault::GreetsTemporary, 1000);
    for _ in 0..4 {
        app.clock.advance(Duration::days(2));
        delivery::drain(&ctx).await.unwrap();
    }
    let found = the_delivery(app, &actor).await;
    assert_eq!((found.state.as_str(), found.reason.as_deref(), found.needs_person), ("failed", Some("smtp_421"), true));
});

both!(a_dead_workers_delivery_is_taken_up_or_shown_as_unknown, async |app: &TestApp| {
    let actor = one_invoice(app).await;
    let claimed = delivery::claim(&app.ctx, Channel::Mail, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert!(delivery::claim(&app.ctx, Channel::Mail, 10).await.unwrap().is_empty(), "claimed twice");
    app.clock.advance(Duration::seconds(121));
    let again = delivery::claim(&app.ctx, Channel::Mail, 10).await.unwrap();
    assert_eq!(again.len(), 1, "a delivery nothing of had left was not taken up");
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    let mut row = reskontro::store::delivery::lock(&tx, again[0].id).await.unwrap().unwrap();
    row.state = "handing_over".into();
    reskontro::store::delivery::update(&tx, row).await.unwrap();
    tx.commit().await.unwrap();
    app.clock.advance(Duration::seconds(121));
    assert!(delivery::claim(&app.ctx, Channel::Mail, 10).await.unwrap().is_empty());
    let found = the_delivery(app, &actor).await;
    assert_eq!((found.state.as_str(), found.needs_person), ("unknown", true));
});

// The address that counts is the one on file when the content leaves, however long the way there took.
both!(an_address_that_changes_on_the_way_to_the_relay_gets_no_mail, async |app: &TestApp| {
    let sink = SmtpSink::start_slow(std::time::Duration::from_millis(150)).await.unwrap();
    let ctx = with_relay(app, sink.port(), Tls::None, None);
    let actor = one_invoice(app).await;
    let sending = tokio::spawn(async move { delivery::drain(&ctx).await.unwrap() });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    app.sync(&actor, LIST.replace("kari@", "kari.nord@").as_bytes(), Mode::Full).await;
    sending.await.unwrap();
    let found = the_delivery(app, &actor).await;
    assert_eq!((found.state.as_str(), found.reason.as_deref()), ("retrying", Some("not_recorded")));
    assert!(sink.received().is_empty(), "mail went to an address that was no longer on file");
    app.clock.advance(Duration::minutes(2));
    delivery::drain(&with_relay(app, sink.port(), Tls::None, None)).await.unwrap();
    let to: Vec<String> = sink.received().into_iter().map(|m| m.to).collect();
    assert_eq!(to, ["kari.nord@example.org"]);
});

both!(a_broken_delivery_does_not_stop_those_taken_with_it, async |app: &TestApp| {
    let sink = SmtpSink::start().await.unwrap();
    let ctx = with_relay(app, sink.port(), Tls::None, None);
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    let more = "2;Ola Nord;Gata 2;0150;Oslo;ola@example.org;A\n3;Per Nord;Gata 3;0150;Oslo;per@example.org;A\n";
    app.sync(&actor, format!("{LIST}{more}").as_bytes(), Mode::Full).await;
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let id = run::start(&app.ctx, &actor, &new).await.unwrap();
    run::continue_run(&app.ctx, &actor, id, |_| {}).await.unwrap();
    let broken = the_delivery(app, &actor).await;
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    let customer = bulk::literal(&tx, broken.customer_id);
    tx.execute_unprepared(&format!("DELETE FROM customer_core WHERE customer_id = {customer}")).await.unwrap();
    tx.commit().await.unwrap();
    let mut session = delivery::session(&ctx, Channel::Mail);
    let mut states = HashMap::new();
    delivery::serve_channel(&ctx, Channel::Mail, &mut session, &mut states, || false).await.unwrap();
    assert_eq!(sink.received().len(), 2, "{states:?}");
    let left = the_delivery(app, &actor).await;
    assert_eq!((left.state.as_str(), left.reason.as_deref(), left.needs_person), ("failed", Some("internal"), true));
});

/// A private authority and a server that holds a leaf of it.
fn authority() -> (Vec<u8>, tokio_rustls::TlsAcceptor) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut root = rcgen::CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = root.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(root, key);
    let leaf_key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap().signed_by(&leaf_key, &issuer).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap();
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap();
    (ca.pem().into_bytes(), tokio_rustls::TlsAcceptor::from(Arc::new(config)))
}

both!(mail_goes_over_starttls_and_over_tls_of_a_private_authority, async |app: &TestApp| {
    for implicit in [false, true] {
        let (pem, acceptor) = authority();
        let (sink, tls) = if implicit {
            (SmtpSink::start_tls(acceptor).await.unwrap(), Tls::Implicit)
        } else {
            (SmtpSink::start_starttls(acceptor).await.unwrap(), Tls::Starttls)
        };
        let ctx = with_relay(app, sink.port(), tls, Some(pem));
        if implicit {
            let tx = app.ctx.db.system().await.unwrap();
            let org = reskontro::store::organisation::list_ids(&tx).await.unwrap()[0];
            drop(tx);
            let actor = Actor::operator(org);
            let found = the_delivery(app, &actor).await;
            delivery::resend(&app.ctx, &actor, found.id, true).await.unwrap();
        } else {
            one_invoice(app).await;
        }
        delivery::drain(&ctx).await.unwrap();
        let received = sink.received();
        assert_eq!(received.len(), 1);
        assert!(received[0].encrypted);
    }
});

both!(a_relay_without_starttls_gets_nothing_in_clear, async |app: &TestApp| {
    let sink = SmtpSink::start().await.unwrap();
    let ctx = with_relay(app, sink.port(), Tls::Starttls, None);
    let actor = one_invoice(app).await;
    delivery::drain(&ctx).await.unwrap();
    let found = the_delivery(app, &actor).await;
    assert_eq!(found.reason.as_deref(), Some("tls_not_offered"));
    assert!(sink.received().is_empty());
});

both!(a_kept_connection_carries_many_mails, async |app: &TestApp| {
    let sink = SmtpSink::start().await.unwrap();
    let ctx = with_relay(app, sink.port(), Tls::None, None);
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    let mut list = String::from("Kundenr;Navn;Postnr;Poststed;E-post;Produkter\n");
    for i in 0..120 {
        list.push_str(&format!("{i};Medlem {i};0150;Oslo;m{i}@example.org;A\n"));
    }
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let id = run::start(&app.ctx, &actor, &new).await.unwrap();
    run::continue_run(&app.ctx, &actor, id, |_| {}).await.unwrap();
    let states = delivery::drain(&ctx).await.unwrap();
    assert_eq!(states.get("delivered"), Some(&120));
    let mut to: Vec<String> = sink.received().into_iter().map(|r| r.to).collect();
    to.sort();
    to.dedup();
    assert_eq!(to.len(), 120);
    assert!(sink.connections() <= 3, "{} connections", sink.connections());
});

both!(mail_waits_until_its_time, async |app: &TestApp| {
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: None };
    let id = run::start(&app.ctx, &actor, &new).await.unwrap();
    run::continue_run(&app.ctx, &actor, id, |_| {}).await.unwrap();
    assert!(delivery::drain(&app.ctx).await.unwrap().is_empty());
    app.clock.advance(Duration::minutes(15));
    assert_eq!(delivery::drain(&app.ctx).await.unwrap().get("delivered"), Some(&1));
});
