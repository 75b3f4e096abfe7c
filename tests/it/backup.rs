//! Backups: whole or not there, gone after thirty days whatever happens, and restored without anybody who was erased.

use crate::erasure::{Billed, assert_books_hold, billed, count};
use crate::harness::{Backend, TestApp, both};
use age::secrecy::ExposeSecret as _;
use chrono::{DateTime, Duration, Utc};
use formats::customer_list::Mode;
use reskontro::backup::restore::{self, Request};
use reskontro::backup::verify::{self, Reading};
use reskontro::backup::{Manifest, Vault, create, expire};
use reskontro::config::Config;
use reskontro::ctx::{Ctx, InstallationKey};
use reskontro::delivery::{FileJournal, LocalFiles};
use reskontro::jobs::run_by_name;
use reskontro::privacy::erase;
use reskontro::privacy::explain::Subject;
use reskontro::services::customer::{self, Input};
use reskontro::services::{Actor, audit, delivery};
use reskontro::store::{self, views};
use sea_orm::{ConnectionTrait, Database};
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// A key pair: the test's settings name the recipient, the file holds the identity.
pub fn with_key(app: &TestApp) -> (Ctx, PathBuf) {
    let identity = age::x25519::Identity::generate();
    let path = app.dir.path().join("identity.txt");
    std::fs::write(&path, format!("{}\n", identity.to_string().expose_secret())).unwrap();
    let mut config = Config::clone(&app.ctx.config);
    config.backup.recipients = vec![identity.to_public().to_string()];
    // As the running service has it: beside the files, and in every backup.
    std::fs::create_dir_all(&config.files.dir).unwrap();
    std::fs::write(config.files.dir.join("installation.key"), [7; 32]).unwrap();
    (Ctx { config: Arc::new(config), ..app.ctx.clone() }, path)
}

/// Another machine: an empty database and folder, the same ledgers and the same backups.
pub struct Elsewhere {
    pub config: Config,
    dir: tempfile::TempDir,
}

impl Elsewhere {
    #[expect(clippy::disallowed_methods, reason = "the tests' own server")]
    pub async fn new(app: &TestApp, ctx: &Ctx) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::clone(&ctx.config);
        config.files.dir = dir.path().join("files");
        std::fs::create_dir_all(&config.files.dir).unwrap();
        std::fs::write(config.files.dir.join("installation.key"), [7; 32]).unwrap();
        match app.backend {
            Backend::Sqlite => {
                config.database.url = format!("sqlite:{}", dir.path().join("db/test.db").display()).into();
            }
            Backend::Postgres => {
                let admin = std::env::var("TEST_DATABASE_URL").unwrap();
                let name = format!("t_{}", Uuid::new_v4().simple());
                let p = || "test".to_owned();
                let passwords = store::connect::RolePasswords { owner: p(), app: p(), backup: p(), retention: p() };
                // Roles are the server's: one test at a time makes them.
                let lock = Database::connect(&admin).await.unwrap();
                lock.execute_unprepared("SELECT pg_advisory_lock(727001)").await.unwrap();
                store::setup_postgres(&admin, &name, &passwords).await.unwrap();
                lock.close().await.unwrap();
                let host = admin.split('@').nth(1).unwrap().split('/').next().unwrap();
                let url = |role: &str| SecretString::from(format!("postgres://reskontro_{role}:test@{host}/{name}"));
                config.database.url = url("app");
                config.database.owner_url = Some(url("owner"));
                config.database.retention_url = Some(url("retention"));
                config.database.backup_url = Some(url("backup"));
            }
        }
        Self { config, dir }
    }

    /// What serves there once it is loaded.
    pub async fn ctx(&self, app: &TestApp) -> Ctx {
        store::migrate(&self.config.database).await.unwrap();
        Ctx {
            db: store::connect(&self.config.database).await.unwrap(),
            files: Arc::new(LocalFiles::new(self.config.files.dir.clone())),
            erasures: Arc::new(FileJournal::new(self.config.ledgers.dir.join("erasures.log"))),
            seen: Arc::new(FileJournal::new(self.config.ledgers.dir.join("seen.log"))),
            config: Arc::new(self.config.clone()),
            ..app.ctx.clone()
        }
    }
}

pub fn request<'a>(manifest: &'a Manifest, identity: &'a Path) -> Request<'a> {
    Request { name: Some(&manifest.name), identity, trust_key: None }
}

both!(an_older_backup_does_not_bring_anybody_back, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    let (ctx, identity) = with_key(app);
    reskontro::services::invoice::pdf(&ctx, &actor, invoices[0]).await.unwrap();
    let manifest = create::create(&ctx).await.unwrap();
    // Afterwards: somebody is erased, somebody joins and is billed, and a mail leaves.
    app.clock.advance(Duration::hours(2));
    erase::erase(&ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let joined =
        "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n4;Nils Ny;Gata 4;0150;Oslo;nils@kunde.example;A\n";
    app.sync(&actor, joined.as_bytes(), Mode::Delta).await;
    app.bill(&ctx, &actor).await;
    delivery::drain(&ctx).await.unwrap();
    let tx = ctx.db.read(actor.org).await.unwrap();
    let before = views::series(&tx).await.unwrap().remove(0);
    tx.commit().await.unwrap();
    assert_eq!(before.next_number, before.first_number + 3);

    let elsewhere = Elsewhere::new(app, &ctx).await;
    restore::load(&elsewhere.config, &request(&manifest, &identity)).await.unwrap();
    let closed = restore::unless_closed(&elsewhere.config).unwrap_err();
    assert_eq!(closed.code(), Some("closed"), "loaded and not verified, it is closed");
    let there = elsewhere.ctx(app).await;
    let tx = there.db.read(actor.org).await.unwrap();
    let found = views::search_customers(&tx, "kari", 10).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(found.len(), 1, "the backup held the person");

    let done = restore::open(&there).await.unwrap();
    assert_eq!((done.erased_again, done.organisations), (1, 1));
    let [lost] = done.lost_numbers.as_slice() else { panic!("{done:?}") };
    assert_eq!((lost.first_no, lost.last_no), (before.next_number - 1, before.next_number - 1));
    restore::unless_closed(&elsewhere.config).unwrap();
    let tx = there.db.read(actor.org).await.unwrap();
    assert!(views::search_customers(&tx, "kari", 10).await.unwrap().is_empty());
    let series = views::series(&tx).await.unwrap().remove(0);
    assert_eq!((series.next_number, series.lost_in_restore, series.missing), (before.next_number, 1, 0));
    tx.commit().await.unwrap();
    let mut raw = Vec::new();
    collect(elsewhere.dir.path(), &mut raw);
    for (path, bytes) in raw {
        let holds = bytes.windows(17).any(|w| w == b"kari@kunde.exampl");
        assert!(!holds, "{} holds the erased address", path.display());
    }
    let other = TestAppAt { ctx: &there, actor: &actor };
    other.books_hold().await;
    // The erased number stays erased, the next invoice gets a number nobody has seen.
    let list = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n1;Kari Nord;Gata 1;0150;Oslo;kari@kunde.example;A\n4;Nils Ny;Gata 4;0150;Oslo;nils@kunde.example;A\n";
    let plan = customer::plan(&there, &actor, &Input { bytes: list.as_bytes(), mode: Mode::Delta }).await.unwrap();
    assert_eq!((plan.summary.counts.new, plan.summary.counts.skipped), (1, 1));
    customer::apply(&there, &actor, plan.id, true).await.unwrap();
    app.bill(&there, &actor).await;
    let tx = there.db.read(actor.org).await.unwrap();
    let newest = views::invoices(&tx, Uuid::nil(), 100).await.unwrap().pop().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(newest.number, before.next_number);
    other.books_hold().await;
    there.db.close().await;
});

struct TestAppAt<'a> {
    ctx: &'a Ctx,
    actor: &'a Actor,
}

impl TestAppAt<'_> {
    async fn books_hold(&self) {
        for check in reskontro::services::ledger::verify(self.ctx, self.actor).await.unwrap() {
            assert!(check.findings.is_empty(), "{}: {:?}", check.name, check.findings);
        }
    }
}

fn collect(dir: &Path, out: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, out) } else { out.push((path.clone(), std::fs::read(&path).unwrap())) }
    }
}

both!(what_had_left_after_the_backup_does_not_leave_twice, async |app: &TestApp| {
    let actor = app.association().await;
    app.product(&actor, "A", "Kontingent", "100").await;
    app.sync(
        &actor,
        b"Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n1;Kari Nord;Gata 1;0150;Oslo;kari@kunde.example;A\n",
        Mode::Full,
    )
    .await;
    app.bill(&app.ctx, &actor).await;
    let (ctx, identity) = with_key(app);
    let manifest = create::create(&ctx).await.unwrap();
    delivery::drain(&ctx).await.unwrap();
    assert_eq!(app.spool().len(), 1);
    let elsewhere = Elsewhere::new(app, &ctx).await;
    restore::load(&elsewhere.config, &request(&manifest, &identity)).await.unwrap();
    let there = elsewhere.ctx(app).await;
    let done = restore::open(&there).await.unwrap();
    assert_eq!((done.left_before, done.lost_numbers.len()), (1, 0));
    std::fs::remove_file(&app.spool()[0]).unwrap();
    delivery::drain(&there).await.unwrap();
    assert!(app.spool().is_empty(), "it was sent again");
    let tx = there.db.read(actor.org).await.unwrap();
    let held = views::deliveries(&tx, Some("unknown"), Uuid::nil(), 10).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((held.len(), held[0].needs_person, held[0].reason.as_deref()), (1, true, Some("left_before_restore")));
    there.db.close().await;
});

both!(without_its_erasure_ledger_a_restore_stays_closed, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let (ctx, identity) = with_key(app);
    erase::erase(&ctx, &actor, Subject::Customer(customers[2])).await.unwrap();
    let manifest = create::create(&ctx).await.unwrap();
    assert_eq!(manifest.erasures.lines, 2);
    erase::erase(&ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let ledger = app.dir.path().join("ledgers/erasures.log");
    let whole = std::fs::read(&ledger).unwrap();
    std::fs::remove_file(&ledger).unwrap();
    let elsewhere = Elsewhere::new(app, &ctx).await;
    restore::load(&elsewhere.config, &request(&manifest, &identity)).await.unwrap();
    let there = elsewhere.ctx(app).await;
    let refused = restore::open(&there).await.unwrap_err();
    assert_eq!(refused.code(), Some("erasure_ledger_lost"));
    let told = restore::unless_closed(&elsewhere.config).unwrap_err().to_string();
    assert!(told.contains("erasure ledger") && told.contains("--resume"), "{told}");
    // Put back, it goes on where it stopped.
    std::fs::write(&ledger, whole).unwrap();
    assert_eq!(restore::open(&there).await.unwrap().erased_again, 1);
    restore::unless_closed(&elsewhere.config).unwrap();
    there.db.close().await;
});

fn reading<'a>(scratch: Option<&SecretString>, identity: Option<&'a Path>, trust_key: Option<&'a str>) -> Reading<'a> {
    Reading { identity, scratch: scratch.cloned(), trust_key }
}

both!(a_ledger_lost_before_anybody_was_erased_is_lost_all_the_same, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let (ctx, identity) = with_key(app);
    let manifest = create::create(&ctx).await.unwrap();
    erase::erase(&ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let elsewhere = Elsewhere::new(app, &ctx).await;
    restore::load(&elsewhere.config, &request(&manifest, &identity)).await.unwrap();
    let there = elsewhere.ctx(app).await;
    for (name, code) in [("erasures.log", "erasure_ledger_lost"), ("seen.log", "seen_ledger_lost")] {
        let path = app.dir.path().join("ledgers").join(name);
        let whole = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(restore::open(&there).await.unwrap_err().code(), Some(code));
        std::fs::write(&path, whole).unwrap();
    }
    // A copy of the ledger from before a newer backup knows nothing of what came after it.
    let path = app.dir.path().join("ledgers/erasures.log");
    let old = std::fs::read(&path).unwrap();
    app.clock.advance(Duration::hours(1));
    erase::erase(&ctx, &actor, Subject::Customer(customers[2])).await.unwrap();
    create::create(&ctx).await.unwrap();
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, old).unwrap();
    assert_eq!(restore::open(&there).await.unwrap_err().code(), Some("erasure_ledger_lost"));
    std::fs::write(&path, whole).unwrap();
    assert_eq!(restore::open(&there).await.unwrap().erased_again, 2);
    there.db.close().await;
});

both!(a_backup_is_checked_to_its_end, async |app: &TestApp| {
    let Billed { actor, .. } = billed(app).await;
    let (ctx, identity) = with_key(app);
    let manifest = create::create(&ctx).await.unwrap();
    let folder = ctx.config.backup.dir.join(&manifest.name);
    for object in &manifest.objects {
        let bytes = std::fs::read(folder.join(&object.name)).unwrap();
        assert!(bytes.starts_with(b"age-encryption.org/v1"), "{} is not encrypted", object.name);
    }
    let elsewhere = Elsewhere::new(app, &ctx).await;
    let scratch = elsewhere.config.database.owner_url.clone();
    let found = verify::verify(&ctx, &manifest.name, &reading(scratch.as_ref(), Some(&identity), None)).await.unwrap();
    assert!(found.restored && found.rows > 50 && found.files > 0, "{found:?}");
    assert_eq!(found.organisations, 1);

    let code = async |ctx: &Ctx, identity: Option<&Path>, trust_key: Option<&str>| {
        verify::verify(ctx, &manifest.name, &reading(scratch.as_ref(), identity, trust_key))
            .await
            .unwrap_err()
            .code()
            .unwrap()
    };
    // Somebody else's key cannot read it.
    let stranger = app.dir.path().join("stranger.txt");
    std::fs::write(&stranger, age::x25519::Identity::generate().to_string().expose_secret()).unwrap();
    assert_eq!(code(&ctx, Some(&stranger), None).await, "wrong_identity");
    std::fs::write(&stranger, "not a key\n").unwrap();
    assert_eq!(code(&ctx, Some(&stranger), None).await, "bad_identity");
    // Another installation's signature, and a manifest that was changed.
    let foreign = Ctx { key: Arc::new(InstallationKey::new([9; 32])), ..ctx.clone() };
    assert_eq!(code(&foreign, None, None).await, "backup_not_genuine");
    verify::verify(&foreign, &manifest.name, &reading(scratch.as_ref(), None, Some(&manifest.public_key)))
        .await
        .unwrap();
    let path = folder.join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"lines\": 1", "\"lines\": 0", 1)).unwrap();
    assert_eq!(code(&ctx, None, None).await, "backup_not_genuine");
    std::fs::write(&path, &text[..text.len() / 2]).unwrap();
    assert_eq!(code(&ctx, None, None).await, "backup_broken");
    std::fs::write(&path, &text).unwrap();
    // One bit, and a cut.
    let path = folder.join("database.age");
    let whole = std::fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for bad in [&flipped[..], &whole[..middle], &[]] {
        std::fs::write(&path, bad).unwrap();
        assert_eq!(code(&ctx, None, None).await, "backup_broken");
        let refused = restore::load(&elsewhere.config, &request(&manifest, &identity)).await.unwrap_err();
        assert_eq!(refused.code(), Some("backup_broken"));
    }
    restore::unless_closed(&elsewhere.config).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(code(&ctx, None, None).await, "backup_missing");
    assert_eq!(count(app, &actor, "customer").await, 3, "the service's own database was not touched");
    assert_books_hold(app, &actor).await;
});

both!(a_restore_writes_over_nothing, async |app: &TestApp| {
    billed(app).await;
    let (ctx, identity) = with_key(app);
    let manifest = create::create(&ctx).await.unwrap();
    let refused = restore::load(&ctx.config, &request(&manifest, &identity)).await.unwrap_err();
    assert_eq!(refused.code(), Some("target_not_empty"));
    restore::unless_closed(&ctx.config).unwrap();
    let elsewhere = Elsewhere::new(app, &ctx).await;
    std::fs::write(elsewhere.config.files.dir.join("something"), "else").unwrap();
    let refused = restore::load(&elsewhere.config, &request(&manifest, &identity)).await.unwrap_err();
    assert_eq!(refused.code(), Some("target_not_empty"));
});

both!(a_new_machine_asks_whose_backup_it_is_and_a_wrong_key_leaves_it_as_it_was, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let (ctx, identity) = with_key(app);
    let manifest = create::create(&ctx).await.unwrap();
    app.clock.advance(Duration::hours(1));
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    // Nothing is left of the old machine but its backups, its ledgers, and the public key somebody wrote down.
    let elsewhere = Elsewhere::new(app, &ctx).await;
    let key = elsewhere.config.files.dir.join("installation.key");
    std::fs::remove_file(&key).unwrap();
    let load = async |identity: &Path, trust_key: Option<&str>| {
        let request = Request { name: Some(&manifest.name), identity, trust_key };
        restore::load(&elsewhere.config, &request).await.map_err(|e| e.code())
    };
    assert_eq!(load(&identity, None).await.unwrap_err(), Some("backup_not_trusted"));
    let other = InstallationKey::new([9; 32]).public_key().unwrap();
    assert_eq!(load(&identity, Some(&other)).await.unwrap_err(), Some("backup_not_genuine"));
    let stranger = app.dir.path().join("stranger.txt");
    std::fs::write(&stranger, age::x25519::Identity::generate().to_string().expose_secret()).unwrap();
    assert_eq!(load(&stranger, Some(&manifest.public_key)).await.unwrap_err(), Some("wrong_identity"));
    restore::unless_closed(&elsewhere.config).unwrap();
    assert_eq!(std::fs::read_dir(&elsewhere.config.files.dir).unwrap().count(), 0, "nothing was begun");
    load(&identity, Some(&manifest.public_key)).await.unwrap();
    assert_eq!(std::fs::read(&key).unwrap(), [7; 32], "the key came out of the backup, and reads the ledgers");
    let there = elsewhere.ctx(app).await;
    assert_eq!(restore::open(&there).await.unwrap().erased_again, 1);
    there.db.close().await;
});

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

both!(a_copy_brought_back_by_other_means_is_made_safe_like_a_backup, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let (ctx, identity) = with_key(app);
    create::create(&ctx).await.unwrap();
    app.clock.advance(Duration::hours(1));
    app.sync(&actor, b"Kundenr;Navn;E-post\n9;Nils Ny;nils@kunde.example\n", Mode::Delta).await;
    let later = create::create(&ctx).await.unwrap();
    let as_of = app.ctx.now() - Duration::minutes(1);
    app.clock.advance(Duration::hours(1));
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    // As point-in-time recovery leaves it: rows and files of then, and nothing says that it is a copy.
    let elsewhere = Elsewhere::new(app, &ctx).await;
    restore::load(&elsewhere.config, &request(&later, &identity)).await.unwrap();
    std::fs::remove_file(elsewhere.config.ledgers.dir.join("restore.json")).unwrap();
    let there = elsewhere.ctx(app).await;
    let future = restore::adopt(&there, there.now() + Duration::days(1)).await.map(|_| ()).unwrap_err();
    assert_eq!(future.code(), Some("validation_failed"));
    let before_all = restore::adopt(&there, at("2020-01-01T00:00:00Z")).await.map(|_| ()).unwrap_err();
    assert_eq!(before_all.code(), Some("backup_missing"));
    let adopted = restore::adopt(&there, as_of).await.unwrap();
    assert_eq!(adopted.erased_again, 1);
    assert!(!elsewhere.config.ledgers.dir.join("restore.json").exists(), "it is open");
    assert_eq!(audit::verify(&there, &actor).await.unwrap().broken, None);
    let tx = there.db.read(actor.org).await.unwrap();
    let (gone, kept) = (views::search_customers(&tx, "kari", 5).await, views::search_customers(&tx, "nils", 5).await);
    tx.commit().await.unwrap();
    assert_eq!((gone.unwrap().len(), kept.unwrap().len()), (0, 1));
    there.db.close().await;
});

both!(what_was_erased_is_gone_from_backups_in_thirty_days_and_from_a_restore_before_that, async |app: &TestApp| {
    // Retention matrix, section 5, example 7.
    let Billed { actor, customers, .. } = billed(app).await;
    let (ctx, identity) = with_key(app);
    app.clock.set(at("2026-11-22T01:30:00Z"));
    let made = create::create(&ctx).await.unwrap();
    app.clock.set(at("2026-11-22T12:00:00Z"));
    let case = erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    assert_eq!(case.backups_gone_by, Some("2026-12-22".parse().unwrap()));
    app.clock.set(at("2026-12-01T12:00:00Z"));
    let elsewhere = Elsewhere::new(app, &ctx).await;
    restore::load(&elsewhere.config, &request(&made, &identity)).await.unwrap();
    let there = elsewhere.ctx(app).await;
    assert_eq!(restore::open(&there).await.unwrap().erased_again, 1);
    let tx = there.db.read(actor.org).await.unwrap();
    assert!(views::search_customers(&tx, "kari", 5).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    there.db.close().await;
    app.clock.set(at("2026-12-21T04:45:00Z"));
    assert_eq!(expire::expire(&ctx).await.unwrap().backups, 0);
});

#[tokio::test]
async fn what_cannot_age_out_is_told_before_the_limit() {
    let app = TestApp::new(Backend::Sqlite).await.unwrap();
    let actor = app.association().await;
    let (ctx, _) = with_key(&app);
    app.clock.set(at("2026-03-01T01:30:00Z"));
    create::create(&ctx).await.unwrap();
    app.clock.set(at("2026-03-30T13:29:00Z"));
    assert!(!expire::watch(&ctx).await.unwrap());
    app.clock.set(at("2026-03-30T13:30:00Z"));
    assert!(expire::watch(&ctx).await.unwrap(), "twelve hours are left, and nothing has removed it");
    run_by_name(&ctx, "watch_backups", actor.org, None).await.unwrap();
    run_by_name(&ctx, "expire_backups", actor.org, None).await.unwrap();
    assert!(!expire::watch(&ctx).await.unwrap());
}

#[tokio::test]
async fn no_backup_grows_old_even_when_none_is_made_any_more() {
    let app = TestApp::new(Backend::Sqlite).await.unwrap();
    app.association().await;
    let (ctx, _) = with_key(&app);
    app.clock.set(at("2026-03-01T01:30:00Z"));
    let first = create::create(&ctx).await.unwrap();
    app.clock.set(at("2026-03-10T01:30:00Z"));
    let second = create::create(&ctx).await.unwrap();
    let names = async || {
        let all = Vault::open(&ctx.config).unwrap().backups().await.unwrap();
        all.into_iter().map(|m| m.name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, [second.name.clone(), first.name.clone()]);
    // Somebody's copy, and what a crash left: no backup, and as old as the rest.
    let left = ctx.config.backup.dir.join("20260301T013000Z-ffffffff");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("database.age"), "half").unwrap();
    // What an upload that was cut off leaves is hidden from a listing of objects.
    let cut = ctx.config.backup.dir.join(&first.name).join("database.age#1");
    std::fs::write(&cut, "half").unwrap();
    app.clock.set(at("2026-03-30T01:29:00Z"));
    let aged = expire::expire(&ctx).await.unwrap();
    assert!(aged.removed.is_empty() && aged.holds && expire::is_genuine(&aged), "{aged:?}");
    assert_eq!((aged.backups, aged.stray.len()), (2, 1));
    app.clock.set(at("2026-03-30T01:30:00Z"));
    let aged = expire::expire(&ctx).await.unwrap();
    assert_eq!(aged.removed.len(), 2, "twenty-nine days: {aged:?}");
    assert!(aged.holds && !left.join("database.age").exists() && !cut.exists());
    assert_eq!(names().await, std::slice::from_ref(&second.name));
    // Nobody makes any more, and the service was down for weeks.
    app.clock.set(at("2026-05-01T00:00:00Z"));
    let aged = expire::expire(&ctx).await.unwrap();
    assert_eq!((aged.removed.as_slice(), aged.backups), (&[second.name][..], 0));
    let mut forged = aged.clone();
    forged.backups = 7;
    assert!(expire::is_genuine(&aged) && !expire::is_genuine(&forged));
    assert!(names().await.is_empty());
    let certificate = std::fs::read(ctx.config.backup.dir.join("certificates/newest.json")).unwrap();
    assert!(expire::is_genuine(&serde_json::from_slice(&certificate).unwrap()));
}

#[tokio::test]
async fn a_backup_nobody_could_read_is_not_made() {
    let app = TestApp::new(Backend::Sqlite).await.unwrap();
    assert_eq!(create::create(&app.ctx).await.unwrap_err().code(), Some("no_recipients"));
    create::nightly(&app.ctx).await.unwrap();
    assert!(Vault::open(&app.ctx.config).unwrap().list().await.unwrap().is_empty());
}
