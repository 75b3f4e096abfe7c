//! An organisation whose agreement ends: its own to fetch, thirty days, and then nothing of it is left.

use crate::backup::{Elsewhere, request, with_key};
use crate::erasure::{Billed, billed, count};
use crate::hand_over::{in_package, sha};
use crate::harness::{TestApp, association, both};
use chrono::Duration;
use domain::hex;
use formats::customer_list::Mode;
use reskontro::backup::{create, restore};
use reskontro::ctx::Ctx;
use reskontro::ports::{FileStore, Pending};
use reskontro::privacy::closing;
use reskontro::privacy::explain::Subject;
use reskontro::privacy::hand_over::{self, Scope};
use reskontro::privacy::hold::{self, NewHold};
use reskontro::privacy::{certificate, erase, retention};
use reskontro::services::Actor;
use reskontro::services::access::{self, Scope as KeyScope};
use reskontro::services::customer::{self, Input};
use reskontro::services::organisation::{self, NewEnding, NewOrganisation};
use reskontro::services::run::{self, NewRun};
use reskontro::services::user::{self, NewUser};
use sea_orm::ConnectionTrait;
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

fn today() -> NewEnding {
    NewEnding::default()
}

/// Rows of the organisation in any table, but its certificate.
async fn left(app: &TestApp, actor: &Actor) -> Vec<(&'static str, i64)> {
    let mut left = Vec::new();
    for table in closing::tables() {
        let of = format!("{table} WHERE org_id = {}", crate::erasure::literal(app, actor.org));
        let n = count(app, actor, &of).await - i64::from(table == "privacy_erasure");
        if n != 0 {
            left.push((table, n));
        }
    }
    left
}

both!(after_thirty_days_nothing_is_left_but_a_certificate_that_names_nobody, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    reskontro::services::invoice::pdf(&app.ctx, &actor, invoices[1]).await.unwrap();
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let key = access::create_key(&app.ctx, &actor, "regnskap", KeyScope::Admin, None).await.unwrap();
    let without_account = NewOrganisation { bank_account: None, ..association() };
    let other = Actor::operator(organisation::create(&app.ctx, without_account).await.unwrap());
    let person = NewUser { login: "per@lag.example", name: "Per Vik", password: "fjell og fjord 12" };
    let only_here = user::create(&app.ctx, &person).await.unwrap();
    user::add_member(&app.ctx, &actor, only_here, "owner").await.unwrap();
    let (ctx, identity) = with_key(app);
    let backup = create::create(&ctx).await.unwrap();

    // Until the last day is over everything works, and it can be called off.
    let past = NewEnding { ends_on: Some("2026-02-01".parse().unwrap()), keep_archive: false };
    assert!(organisation::end(&app.ctx, &actor, &past).await.is_err());
    organisation::end(&app.ctx, &actor, &today()).await.unwrap();
    let twice = organisation::end(&app.ctx, &actor, &today()).await.unwrap_err();
    assert_eq!(twice.code(), Some("ends_already"));
    organisation::call_off(&app.ctx, &actor).await.unwrap();
    assert!(organisation::ending(&app.ctx, &actor).await.unwrap().is_none());
    assert!(organisation::call_off(&app.ctx, &actor).await.is_err());
    organisation::end(&app.ctx, &actor, &today()).await.unwrap();
    app.bill(&app.ctx, &actor).await;
    let early = Input { bytes: b"Kundenr;Navn;E-post\n8;Nora Ny;nora@kunde.example\n", mode: Mode::Delta };
    let planned = customer::plan(&app.ctx, &actor, &early).await.unwrap();
    let ending = customer::Ending { reason: "sluttet".into(), ended_on: None };
    customer::end(&app.ctx, &actor, customers[2], &ending).await.unwrap();

    // Afterwards nothing is billed and nobody taken in; what is here can be fetched.
    app.clock.advance(Duration::days(1));
    let list = b"Kundenr;Navn;E-post\n9;Nils Ny;nils@kunde.example\n";
    let input = Input { bytes: list, mode: Mode::Delta };
    let refused = customer::plan(&app.ctx, &actor, &input).await.map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), Some("agreement_ended"));
    let refused = run::start(&app.ctx, &actor, &NewRun { bill_on: None, due_on: None, send_after_minutes: None })
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some("agreement_ended"));
    let refused = customer::apply(&app.ctx, &actor, planned.id, true).await.map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), Some("agreement_ended"), "a plan of before");
    let refused = customer::reopen(&app.ctx, &actor, customers[2]).await.unwrap_err();
    assert_eq!(refused.code(), Some("agreement_ended"));
    let early = closing::erase(&app.ctx, &actor).await.map(|_| ()).unwrap_err();
    assert_eq!(early.code(), Some("grace"));
    assert_eq!(closing::nightly(&app.ctx).await.unwrap(), 0);
    assert!(!left(app, &actor).await.is_empty());

    app.clock.advance(Duration::days(30));
    assert!(access::authenticate(&app.ctx, &key.text, None).await.is_ok());
    assert_eq!(closing::nightly(&app.ctx).await.unwrap(), 1);
    assert_eq!(left(app, &actor).await, []);
    let folder = app.dir.path().join("files").join(actor.org.to_string());
    assert!(!folder.exists() && app.spool().is_empty(), "files are left");
    assert!(access::authenticate(&app.ctx, &key.text, None).await.is_err());
    let case = closing::certificate(&app.ctx, actor.org).await.unwrap();
    assert!(certificate::is_genuine(&case) && case.done_at.is_some() && case.scope == "organisation");
    assert!(case.parts.iter().map(|p| p.count).sum::<i64>() > 50, "{case:?}");
    let paper = certificate::paper(&app.ctx, &actor, case.id, domain::customer::Language::Bokmal).await.unwrap();
    assert!(!format!("{paper:?}").contains("Idrettslag"), "it names nobody");
    // Whoever signed in for it alone is gone with it; the other organisation goes on. What somebody who was at work when the doors
    // closed has written since goes the next night.
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    let org = crate::erasure::literal(app, actor.org);
    let late = format!(
        "INSERT INTO hand_over_customer (org_id, customer_id, hand_over_id, bookings, taken) VALUES ({org}, {org}, {org}, 1, FALSE)"
    );
    tx.execute_unprepared(&late).await.unwrap();
    tx.commit().await.unwrap();
    app.ctx.files.put(actor.org, b"en liste").await.unwrap();
    app.clock.advance(Duration::days(2));
    assert_eq!(closing::nightly(&app.ctx).await.unwrap(), 1);
    assert_eq!(left(app, &actor).await, []);
    assert!(!folder.exists(), "a file is left");
    assert_eq!(closing::nightly(&app.ctx).await.unwrap(), 0);
    user::remove_orphans(&app.ctx).await.unwrap();
    let tx = app.ctx.db.system_look().await.unwrap();
    assert!(reskontro::store::user::find(&tx, only_here).await.unwrap().is_none());
    assert_eq!(reskontro::store::organisation::list_ids(&tx).await.unwrap(), [other.org]);
    tx.commit().await.unwrap();
    app.sync(&other, list, Mode::Delta).await;

    // A backup from before does not bring it back.
    let elsewhere = Elsewhere::new(app, &ctx).await;
    restore::load(&elsewhere.config, &request(&backup, &identity)).await.unwrap();
    let there = elsewhere.ctx(app).await;
    let restored = restore::open(&there).await.unwrap();
    assert_eq!(restored.organisations, 1);
    let tx = there.db.read(actor.org).await.unwrap();
    assert!(reskontro::store::organisation::find(&tx).await.unwrap().is_none());
    assert_eq!(reskontro::store::ending::count(&tx, "invoice").await.unwrap(), 0);
    tx.commit().await.unwrap();
    there.db.close().await;

    // The certificate goes after five years, and the last trace with it.
    app.clock.advance(Duration::days(5 * 366));
    closing::nightly(&app.ctx).await.unwrap();
    assert_eq!(count(app, &actor, "privacy_erasure WHERE subject_kind = 'organisation'").await, 0);
    let tx = app.ctx.db.system_look().await.unwrap();
    assert!(reskontro::store::organisation::list_gone(&tx).await.unwrap().is_empty());
    tx.commit().await.unwrap();
});

both!(who_has_confirmed_need_not_wait, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let (early, early_file) =
        hand_over::write(&app.ctx, &actor, Scope::Organisation, "for sikkerhets skyld").await.unwrap();
    let goes_on = hand_over::confirm(&app.ctx, &actor, early.id, &sha(early_file.path())).await.unwrap_err();
    assert_eq!(goes_on.code(), Some("agreement_goes_on"));
    organisation::end(&app.ctx, &actor, &today()).await.unwrap();
    app.clock.advance(Duration::days(1));
    // What came after a package is in none.
    let old = hand_over::confirm(&app.ctx, &actor, early.id, &sha(early_file.path())).await.unwrap_err();
    assert_eq!(old.code(), Some("package_too_old"));
    let (before_payment, file) = hand_over::write(&app.ctx, &actor, Scope::Organisation, "oppsigelse").await.unwrap();
    app.clock.advance(Duration::minutes(1));
    crate::erasure::pay(app, &actor, invoices[1]).await;
    let old = hand_over::confirm(&app.ctx, &actor, before_payment.id, &sha(file.path())).await.unwrap_err();
    assert_eq!(old.code(), Some("package_too_old"));
    let (made, file) = hand_over::write(&app.ctx, &actor, Scope::Organisation, "oppsigelse").await.unwrap();
    let path = app.dir.path().join("alt.zip");
    hand_over::save(&file, &path).unwrap();
    let (manifest, hash) = hand_over::check(&path).unwrap();
    assert_eq!((manifest.customers, manifest.documents), (3, 2));
    let people = in_package(&path, "customers.csv");
    // Who is in the archive with name and number; who is not with all that is held.
    assert!(people.contains("1,Kari Nord,,,,archived") && !people.contains("kari@kunde.example"), "{people}");
    assert!(people.contains("ola@kunde.example") && people.contains("Eva Vest"), "{people}");
    assert_eq!(in_package(&path, "documents.csv").lines().count(), 3);
    let sha_of_it = hex::encode(&hash);
    hand_over::confirm(&app.ctx, &actor, made.id, &sha_of_it).await.unwrap();
    let case = closing::erase(&app.ctx, &actor).await.unwrap();
    assert!(case.done_at.is_some());
    assert_eq!(left(app, &actor).await, []);
});

both!(an_order_of_an_authority_stands_in_the_way, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let order = NewHold {
        kind: "order".into(),
        subject_kind: "customer".into(),
        subject_id: customers[1],
        reason: "Pålegg fra retten".into(),
        owner: "styreleder".into(),
        review_on: "2026-06-01".parse().unwrap(),
    };
    let held = hold::place(&app.ctx, &actor, &order).await.unwrap();
    organisation::end(&app.ctx, &actor, &today()).await.unwrap();
    app.clock.advance(Duration::days(31));
    assert_eq!(closing::nightly(&app.ctx).await.unwrap(), 0);
    assert_eq!(closing::erase(&app.ctx, &actor).await.map(|_| ()).unwrap_err().code(), Some("held"));
    hold::release(&app.ctx, &actor, held).await.unwrap();
    assert_eq!(closing::nightly(&app.ctx).await.unwrap(), 1);
    assert_eq!(left(app, &actor).await, []);
});

both!(an_archive_that_is_kept_goes_when_its_years_are_over, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    crate::erasure::pay(app, &actor, invoices[1]).await;
    let keep = NewEnding { ends_on: None, keep_archive: true };
    organisation::end(&app.ctx, &actor, &keep).await.unwrap();
    app.clock.advance(Duration::days(40));
    assert_eq!(closing::nightly(&app.ctx).await.unwrap(), 0);
    let kept = closing::erase(&app.ctx, &actor).await.map(|_| ()).unwrap_err();
    assert_eq!(kept.code(), Some("grace"), "what is to be kept is not deleted by a command either");
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!(count(app, &actor, "customer_detail").await, 0, "relationships have ended");
    assert_eq!(count(app, &actor, "archive_customer").await, 2);
    assert!(!customers.is_empty());
    for year in ["2031-12-31", "2032-01-02"] {
        app.clock.set(format!("{year}T10:00:00Z").parse().unwrap());
        retention::nightly(&app.ctx, &actor).await.unwrap();
        let went = closing::nightly(&app.ctx).await.unwrap();
        assert_eq!(went, u64::from(year.starts_with("2032")), "{year}");
    }
    assert_eq!(left(app, &actor).await, []);
});

/// Files whose folder cannot be removed at first.
struct Stubborn(Arc<dyn FileStore>);

impl FileStore for Stubborn {
    fn put<'a>(&'a self, org: Uuid, bytes: &'a [u8]) -> Pending<'a, std::io::Result<[u8; 32]>> {
        self.0.put(org, bytes)
    }
    fn get<'a>(&'a self, org: Uuid, hash: &'a [u8]) -> Pending<'a, std::io::Result<Vec<u8>>> {
        self.0.get(org, hash)
    }
    fn remove<'a>(&'a self, org: Uuid, hash: &'a [u8]) -> Pending<'a, std::io::Result<()>> {
        self.0.remove(org, hash)
    }
    fn remove_all(&self, _: Uuid) -> Pending<'_, std::io::Result<()>> {
        Box::pin(async { Err(std::io::Error::other("the disk is away")) })
    }
    fn path(&self, org: Uuid, hash: &[u8]) -> PathBuf {
        self.0.path(org, hash)
    }
}

both!(a_deletion_that_was_cut_off_is_gone_on_with, async |app: &TestApp| {
    let Billed { actor, invoices, .. } = billed(app).await;
    reskontro::services::invoice::pdf(&app.ctx, &actor, invoices[1]).await.unwrap();
    organisation::end(&app.ctx, &actor, &today()).await.unwrap();
    app.clock.advance(Duration::days(31));
    let broken = Ctx { files: Arc::new(Stubborn(app.ctx.files.clone())), ..app.ctx.clone() };
    assert!(closing::erase(&broken, &actor).await.is_err());
    let case = closing::certificate(&app.ctx, actor.org).await.unwrap();
    assert_eq!(case.done_at, None, "it says that it is not done");
    // A ledger settled meanwhile knows that it was begun and will be done.
    app.clock.advance(Duration::hours(2));
    reskontro::privacy::ledger::settle(&app.ctx).await.unwrap();
    let lines = reskontro::privacy::ledger::read(&app.ctx).await.unwrap();
    assert_eq!(reskontro::privacy::ledger::to_replay(&lines).len(), 1);
    // With nobody served any more the installation's own jobs go on.
    assert!(reskontro::jobs::enqueue_due(&app.ctx).await.unwrap() > 0);
    let begun = case;
    let case = closing::erase(&app.ctx, &actor).await.unwrap();
    assert!(case.id == begun.id && case.done_at.is_some() && certificate::is_genuine(&case), "the same case goes on");
    assert!(!app.dir.path().join("files").join(actor.org.to_string()).exists());
    assert_eq!(closing::nightly(&app.ctx).await.unwrap(), 0);
});
