//! Events as an integrator reads them: all of them, once, in the order they were kept.

use crate::harness::{Backend, TestApp, both};
use crate::webhooks::{Receiver, Seen, endpoint, messages, send, tell};
use reskontro::ctx::Ctx;
use reskontro::services::Actor;
use reskontro::services::event::{self, Event, Place};
use reskontro::store::{OrgTx, audit};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Notes an event as a service would, within a transaction.
pub async fn note(ctx: &Ctx, tx: &OrgTx, verb: &str) -> Uuid {
    let id = ctx.id();
    let event = audit::Event {
        org_id: tx.org(),
        id,
        at: ctx.now(),
        actor_kind: "job".into(),
        actor_id: None,
        verb: verb.into(),
        subject_kind: verb.split('.').next().unwrap().into(),
        subject_id: Some(Uuid::from_u128(7)),
        fields: String::new(),
        chain: "other".into(),
    };
    audit::record(tx, &[event]).await.unwrap();
    id
}

pub async fn happens(app: &TestApp, actor: &Actor, verb: &str) -> Uuid {
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    let id = note(&app.ctx, &tx, verb).await;
    tx.commit().await.unwrap();
    id
}

/// All events so far, once `last` is among them: on PostgreSQL transactions of other tests may hold it back a moment.
pub async fn events_with(ctx: &Ctx, actor: &Actor, last: impl Fn(&Event) -> bool) -> Vec<Event> {
    for _ in 0..400 {
        let (events, _) = event::list(ctx, actor, Place::START, 10_000).await.unwrap();
        if events.iter().any(&last) {
            return events;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("an event is not told");
}

both!(no_event_is_skipped_or_doubled_while_many_write, async |app: &TestApp| {
    let actor = app.association().await;
    let (_, start) = event::list(&app.ctx, &actor, Place::START, 10_000).await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|w: u64| {
            let (ctx, org) = (app.ctx.clone(), actor.org);
            tokio::spawn(async move {
                let mut made = Vec::new();
                for n in 0..15_u64 {
                    let tx = ctx.db.write(org).await.unwrap();
                    made.push(note(&ctx, &tx, "invoice.issued").await);
                    if ctx.db.is_postgres() {
                        // Transactions end in another order than they began.
                        tokio::time::sleep(std::time::Duration::from_millis((w * 7 + n * 5) % 23)).await;
                    }
                    made.push(note(&ctx, &tx, "payment.registered").await);
                    tx.commit().await.unwrap();
                }
                made
            })
        })
        .collect();
    let all = tokio::spawn(async move { futures_util::future::join_all(writers).await });
    let (mut got, mut place) = (Vec::new(), start);
    for _ in 0..4_000 {
        let (events, next) = event::list(&app.ctx, &actor, place, 7).await.unwrap();
        place = next;
        got.extend(events.iter().map(|e| e.id));
        if got.len() >= 240 && all.is_finished() {
            break;
        }
        if events.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
    let made: Vec<Uuid> = all.await.unwrap().into_iter().flat_map(Result::unwrap).collect();
    assert_eq!((made.len(), got.len()), (240, 240));
    assert_eq!(got.iter().collect::<HashSet<_>>(), made.iter().collect::<HashSet<_>>());
    let (events, again) = event::list(&app.ctx, &actor, place, 7).await.unwrap();
    assert!(events.is_empty());
    assert_eq!(again, place);
});

both!(a_slow_transaction_that_began_first_and_ends_last_is_told, async |app: &TestApp| {
    if app.backend == Backend::Sqlite {
        // One writer: there is no transaction beside another.
        return;
    }
    let actor = app.association().await;
    let receiver = Receiver::start().await;
    let slow = app.ctx.db.write(actor.org).await.unwrap();
    let first = note(&app.ctx, &slow, "invoice.issued").await;
    // Added while the slow one runs: what that one commits later is from now on too.
    let made = endpoint(app, &actor, &receiver, &["invoice.issued"]).await;
    let second = happens(app, &actor, "invoice.issued").await;
    let (events, place) = event::list(&app.ctx, &actor, Place::START, 10_000).await.unwrap();
    assert!(!events.iter().any(|e| e.id == first || e.id == second), "told before what came first was kept");
    send(&app.ctx).await;
    assert!(receiver.seen().is_empty());
    slow.commit().await.unwrap();
    events_with(&app.ctx, &actor, |e| e.id == second).await;
    let (events, _) = event::list(&app.ctx, &actor, place, 10_000).await.unwrap();
    let ids: Vec<Uuid> = events.iter().map(|e| e.id).filter(|id| [first, second].contains(id)).collect();
    assert_eq!(ids, [first, second]);
    send(&app.ctx).await;
    let told: Vec<Uuid> = messages(app, &actor, made.id).await.iter().map(|m| m.event_id).collect();
    assert!(told.contains(&first) && told.contains(&second), "{told:?}");
});

both!(events_of_one_organisation_are_not_told_to_another, async |app: &TestApp| {
    let ours = app.association().await;
    let theirs = crate::api::another(app).await;
    let (us, them) = (Receiver::start().await, Receiver::start().await);
    endpoint(app, &ours, &us, &["invoice.issued"]).await;
    endpoint(app, &theirs, &them, &["invoice.issued"]).await;
    let told: HashMap<Uuid, Uuid> = HashMap::from([
        (ours.org, happens(app, &ours, "invoice.issued").await),
        (theirs.org, happens(app, &theirs, "invoice.issued").await),
    ]);
    tell(app, &ours, told[&ours.org]).await;
    tell(app, &theirs, told[&theirs.org]).await;
    for (receiver, org) in [(&us, ours.org), (&them, theirs.org)] {
        let ids: Vec<Uuid> = receiver.seen().iter().map(Seen::id).collect();
        assert_eq!(ids, [told[&org]]);
    }
});
