//! Backups in object storage: a bucket that keeps every version, in which nothing may grow old either.

use crate::backup::{Elsewhere, request, with_key};
use crate::erasure::{Billed, billed};
use crate::harness::{TestApp, both, skip};
use chrono::{DateTime, Duration, Utc};
use reskontro::backup::restore;
use reskontro::backup::verify::{self, Reading};
use reskontro::backup::{Vault, create, expire};
use reskontro::config::{Config, S3};
use reskontro::ctx::Ctx;
use reskontro::privacy::erase;
use reskontro::privacy::explain::Subject;
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

/// A bucket of the tests' own.
struct Tub {
    client: reqwest::Client,
    url: String,
    settings: S3,
}

impl Tub {
    /// A new one; none where there is no server.
    #[expect(clippy::disallowed_methods, reason = "the tests' own server, client and names")]
    async fn new(prefix: &str) -> Option<Self> {
        let Ok(endpoint) = std::env::var("TEST_S3_URL") else {
            skip("s3", "TEST_S3_URL is not set; `make test` sets it");
            return None;
        };
        let settings = S3 {
            bucket: format!("b{}", Uuid::new_v4().simple()),
            region: "us-east-1".into(),
            prefix: prefix.into(),
            access_key_id: "test".into(),
            secret_access_key: "test".into(),
            virtual_hosted: false,
            endpoint: endpoint.clone(),
        };
        // The server asks that somebody signs, not who.
        let signed = reqwest::header::HeaderValue::from_static("AWS test:test");
        let headers = [(reqwest::header::AUTHORIZATION, signed)].into_iter().collect();
        let client = reqwest::Client::builder().default_headers(headers).build().unwrap();
        let tub = Self { client, url: format!("{endpoint}/{}", settings.bucket), settings };
        tub.put("", "").await;
        Some(tub)
    }

    async fn put(&self, path: &str, body: &str) {
        let answer = self.client.put(format!("{}{path}", self.url)).body(body.to_owned()).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }

    async fn keep_versions(&self) {
        let body = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        self.put("?versioning", body).await;
    }

    /// What the storage itself says of all it has: versions, what deletions left, and uploads.
    async fn everything(&self) -> Vec<String> {
        let mut keys = Vec::new();
        for what in ["versions", "uploads"] {
            let text = self.client.get(format!("{}?{what}", self.url)).send().await.unwrap().text().await.unwrap();
            keys.extend(text.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap().to_owned()));
        }
        keys.sort();
        keys
    }

    fn ctx(&self, app: &TestApp) -> (Ctx, PathBuf) {
        let (ctx, identity) = with_key(app);
        let mut config = Config::clone(&ctx.config);
        config.backup.s3 = Some(self.settings.clone());
        (Ctx { config: Arc::new(config), ..ctx }, identity)
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

both!(a_backup_in_a_bucket_is_verified_and_restored_without_who_was_erased, async |app: &TestApp| {
    let Some(tub) = Tub::new("").await else { return };
    let (ctx, identity) = tub.ctx(app);
    let Billed { actor, customers, .. } = billed(app).await;
    let made = create::create(&ctx).await.unwrap();
    assert!(!ctx.config.backup.dir.join(&made.name).exists(), "nothing lies in the folder");
    let reading = Reading { identity: Some(&identity), scratch: None, trust_key: None };
    if app.backend == crate::harness::Backend::Sqlite {
        verify::verify(&ctx, &made.name, &reading).await.unwrap();
    }
    app.clock.advance(Duration::hours(1));
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let elsewhere = Elsewhere::new(app, &ctx).await;
    restore::load(&elsewhere.config, &request(&made, &identity)).await.unwrap();
    let there = elsewhere.ctx(app).await;
    assert_eq!(restore::open(&there).await.unwrap().erased_again, 1);
    there.db.close().await;
    let unknown = restore::Request { name: Some("20200101T000000Z-00000000"), ..request(&made, &identity) };
    let gone = restore::load(&elsewhere.config, &unknown).await.map(|_| ()).unwrap_err();
    assert!(gone.code().is_some(), "{gone}");
});

both!(no_version_in_a_bucket_grows_old, async |app: &TestApp| {
    app.association().await;
    for prefix in ["", "kopier/lag"] {
        let Some(tub) = Tub::new(prefix).await else { return };
        tub.keep_versions().await;
        let (ctx, _) = tub.ctx(app);
        // The bucket tells time by itself: what has no time in its name is as old as the bucket says.
        app.clock.set(at("2026-03-01T01:30:00Z"));
        let first = create::create(&ctx).await.unwrap();
        app.clock.set(at("2026-03-10T01:30:00Z"));
        let second = create::create(&ctx).await.unwrap();
        let inside =
            |key: &str| format!("/{}{key}", if prefix.is_empty() { String::new() } else { format!("{prefix}/") });
        // Written over, deleted by hand, and an upload that was cut off: each leaves a copy that no listing of objects tells of.
        let manifest = format!("{}/manifest.json", first.name);
        let object = format!("{}/{}", second.name, second.objects[0].name);
        tub.put(&inside(&object), "written over").await;
        let deleted = tub.client.delete(format!("{}{}", tub.url, inside(&manifest))).send().await.unwrap();
        assert!(deleted.status().is_success(), "{deleted:?}");
        let upload = format!("{}{}?uploads", tub.url, inside(&format!("{}/database.age", first.name)));
        assert!(tub.client.post(upload).send().await.unwrap().status().is_success());
        let vault = Vault::open(&ctx.config).unwrap();
        assert_eq!(vault.backups().await.unwrap().len(), 1);
        assert!(tub.everything().await.iter().any(|key| key.ends_with(&manifest)), "it sings");

        app.clock.set(at("2026-03-30T01:29:00Z"));
        let aged = expire::expire(&ctx).await.unwrap();
        assert!(aged.removed.is_empty() && aged.backups == 1 && aged.holds, "{aged:?}");
        assert!(aged.stray.contains(&manifest), "a backup that was deleted by hand is not gone: {aged:?}");
        app.clock.set(at("2026-03-30T01:30:00Z"));
        let aged = expire::expire(&ctx).await.unwrap();
        assert_eq!(aged.removed, std::slice::from_ref(&first.name), "{aged:?}");
        let left = tub.everything().await;
        assert!(!left.iter().any(|key| key.contains(&first.name)), "{left:?}");
        assert!(left.iter().any(|key| key.ends_with(&object)));
        app.clock.set(at("2026-05-01T00:00:00Z"));
        let aged = expire::expire(&ctx).await.unwrap();
        assert_eq!((aged.backups, aged.stray.len(), aged.oldest_hours), (0, 0, 0), "{aged:?}");
        let left = tub.everything().await;
        assert!(left.iter().all(|key| key.ends_with("certificates/newest.json")), "{left:?}");
        // Certificates of before are versions too, and go when they are as old.
        app.clock.set(ctx.now() + Duration::days(3_650));
        expire::expire(&ctx).await.unwrap();
        assert_eq!(tub.everything().await.len(), 2, "the newest, and the one before it that it took the place of");
    }
});

#[tokio::test]
async fn a_bucket_that_is_away_is_told_and_nothing_is_lost() {
    let app = TestApp::new(crate::harness::Backend::Sqlite).await.unwrap();
    let Some(tub) = Tub::new("").await else { return };
    let (ctx, _) = tub.ctx(&app);
    let mut config = Config::clone(&ctx.config);
    config.backup.s3.as_mut().unwrap().bucket = "nobody-made-this".into();
    let ctx = Ctx { config: Arc::new(config), ..ctx };
    app.association().await;
    let error = create::create(&ctx).await.unwrap_err().to_string();
    assert!(error.contains("backups"), "{error}");
    let error = expire::expire(&ctx).await.unwrap_err().to_string();
    assert!(error.contains("bucket of backups") && error.contains("404"), "{error}");
}
