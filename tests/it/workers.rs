//! Several processes of `reskontro serve` on one PostgreSQL: they share what is due, and take over from one that died.

use crate::harness::{Backend, Serve, Setting, TestApp, count, mail_to, message_ids};
use formats::customer_list::Mode;
use reskontro::services::Actor;
use reskontro::store::delivery::{self as store, Attempt, Delivery};
use sandbox::{Fault, SmtpSink};
use std::collections::HashSet;
use std::time::{Duration, Instant};

const MAILS: usize = 400;

/// A process sends under a domain of its own, so that each mail tells who sent it.
fn settings(sink: &SmtpSink, domain: &str, connections: usize, lease_seconds: u32) -> Vec<Setting> {
    let mut settings = mail_to(sink);
    settings.push(("mail.domain", domain.to_owned()));
    settings.push(("mail.connections", connections.to_string()));
    settings.push(("worker.lease_seconds", lease_seconds.to_string()));
    settings
}

/// Customers who get their invoices by mail.
async fn customers(app: &TestApp, count: usize) -> Actor {
    app.keep_real_time();
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    let mut list = String::from("Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n");
    for i in 0..count {
        list += &format!("{i};Medlem {i};Gata {i};0150;Oslo;m{i}@example.org;A\n");
    }
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    actor
}

/// The deliveries as stored, with their attempts.
async fn stored(app: &TestApp, actor: &Actor) -> Vec<(Delivery, Vec<Attempt>)> {
    let all = app.deliveries(actor).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let mut found = Vec::new();
    for d in all {
        let row = store::find(&tx, d.id).await.unwrap().unwrap();
        found.push((row, store::list_attempts(&tx, d.id).await.unwrap()));
    }
    tx.commit().await.unwrap();
    found
}

/// Waits until every delivery is delivered.
async fn delivered(app: &TestApp, actor: &Actor) {
    let began = Instant::now();
    loop {
        let all = app.deliveries(actor).await;
        let left: Vec<_> = all.iter().filter(|d| d.state != "delivered").map(|d| (&d.state, d.attempts)).collect();
        if left.is_empty() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(90), "{left:?} are left\n{}", app.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn shared_by(processes: usize) {
    let Some(app) = TestApp::new(Backend::Postgres).await else { return };
    let actor = customers(&app, MAILS).await;
    let sink = SmtpSink::start().await.unwrap();
    let names: Vec<String> = (1..=processes).map(|n| format!("p{n}.example")).collect();
    let running: Vec<Serve> = names.iter().map(|n| Serve::start(&app, &settings(&sink, n, 2, 60))).collect();
    app.bill(&app.ctx, &actor).await;
    delivered(&app, &actor).await;
    drop(running);

    let sent = message_ids(&sink);
    assert_eq!(sent.len(), MAILS, "mails lost or doubled");
    let once = count(sent.iter().map(|(id, _)| *id));
    for (row, attempts) in stored(&app, &actor).await {
        assert_eq!(once.get(&row.id), Some(&1), "{row:?}");
        assert_eq!((row.attempts, attempts.len()), (1, 1), "{attempts:?}");
    }
    let shares = count(sent.iter().map(|(_, domain)| domain.as_str()));
    assert_eq!(shares.len(), processes, "some process did nothing: {shares:?}");
    eprintln!("{MAILS} mails shared by {processes} processes: {shares:?}");
}

#[tokio::test]
async fn two_processes_share_the_queue_and_send_each_mail_once() {
    shared_by(2).await;
}

#[tokio::test]
async fn four_processes_share_the_queue_and_send_each_mail_once() {
    shared_by(4).await;
}

#[tokio::test]
async fn what_a_dead_process_held_is_taken_over_when_its_lease_has_run_out() {
    let Some(app) = TestApp::new(Backend::Postgres).await else { return };
    let actor = customers(&app, 15).await;
    let sink = SmtpSink::start().await.unwrap();
    sink.fail(Fault::Hangs, 1);
    app.bill(&app.ctx, &actor).await;
    let dying = Serve::start(&app, &settings(&sink, "dying.example", 1, 3));
    let began = Instant::now();
    let held = loop {
        let rows = stored(&app, &actor).await;
        // Begun, and on the line that hangs.
        if sink.connections() == 1 {
            break rows.into_iter().map(|(row, _)| row).filter(|row| row.state == "sending").collect::<Vec<_>>();
        }
        assert!(began.elapsed() < Duration::from_mins(1), "it claims nothing\n{}", app.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    drop(dying);
    assert_eq!(held.len(), 10, "a worker claims ten");
    assert!(held.iter().all(|row| row.lease_until_at.is_some() && row.lease_token.is_some()));

    let heir = Serve::start(&app, &settings(&sink, "heir.example", 1, 3));
    delivered(&app, &actor).await;
    drop(heir);
    let sent = message_ids(&sink);
    assert!(sent.iter().all(|(_, domain)| domain == "heir.example"), "{sent:?}");
    assert_eq!(sent.iter().map(|(id, _)| id).collect::<HashSet<_>>().len(), sent.len(), "a mail was sent twice");
    let rows = stored(&app, &actor).await;
    assert_eq!(sent.len(), rows.len());
    for lost in &held {
        let (_, attempts) = rows.iter().find(|(row, _)| row.id == lost.id).unwrap();
        let taken_over = attempts.last().unwrap().started_at;
        assert!(Some(taken_over) > lost.lease_until_at, "taken over at {taken_over} in spite of {lost:?}");
    }
    let tries: i64 = rows.iter().map(|(row, _)| row.attempts).sum();
    assert_eq!(tries, 16, "the one attempt that was begun is noted, and no other was lost");
}
