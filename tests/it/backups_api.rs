//! Backups over HTTP: for those who run the installation, and nobody else.

use crate::api::{Api, key};
use crate::backup::with_key;
use crate::harness::{TestApp, both};
use chrono::{DateTime, Duration, Utc};
use reqwest::{Method, StatusCode};
use reskontro::backup::{create, expire};
use reskontro::jobs::drain_jobs;
use reskontro::services::access::Scope;
use serde_json::{Value, json};

const PATH: &str = "/api/v1/backups";

both!(a_backup_is_made_looked_through_and_shown_with_its_last_day, async |app: &TestApp| {
    let actor = app.association().await;
    let (ctx, _) = with_key(app);
    let operator = key(app, &actor, Scope::Operator).await;
    let api = Api::serve_ctx(ctx.clone()).await;
    let get = async |path: &str| api.send(Method::GET, path, Some(&operator), None).await;
    let post = async |path: &str| api.send(Method::POST, path, Some(&operator), None).await;
    assert_eq!(get(PATH).await, (StatusCode::OK, json!([])));
    assert_eq!(get(&format!("{PATH}/certificate")).await.0, StatusCode::NOT_FOUND);
    // Asked for twice within a minute, one is made.
    for _ in 0..2 {
        assert_eq!(post(PATH).await.0, StatusCode::ACCEPTED);
    }
    drain_jobs(&ctx).await.unwrap();
    app.clock.advance(Duration::hours(30));
    let (_, listed) = get(PATH).await;
    let [backup] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!(
        (&backup["state"], &backup["age_hours"], &backup["verified_at"]),
        (&json!("made"), &json!(30), &Value::Null)
    );
    assert!(backup["bytes"].as_u64().unwrap() > 100);
    let at = |field: &str| backup[field].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert_eq!(at("expires_at") - at("made_at"), Duration::days(ctx.config.backup.keep_days));
    let name = backup["name"].as_str().unwrap();
    let (status, looked) = post(&format!("{PATH}/{name}/verify")).await;
    assert_eq!((status, &looked["state"]), (StatusCode::OK, &json!("verified")), "{looked}");
    assert_eq!(get(PATH).await.1[0]["verified_at"], looked["verified_at"]);
    expire::expire(&ctx).await.unwrap();
    let (status, aged) = get(&format!("{PATH}/certificate")).await;
    assert_eq!(
        (status, &aged["holds"], &aged["backups"], &aged["stray"]),
        (StatusCode::OK, &json!(true), &json!(1), &json!([]))
    );
    assert!(expire::is_genuine(&serde_json::from_value(aged).unwrap()));
    // The note goes with the backup.
    app.clock.advance(Duration::days(30));
    let gone = expire::expire(&ctx).await.unwrap();
    assert_eq!((gone.removed.len(), gone.backups, gone.oldest_hours), (1, 0, 0), "{gone:?}");
    assert_eq!(get(PATH).await.1, json!([]));
});

both!(a_backup_that_was_tampered_with_is_not_whole, async |app: &TestApp| {
    let actor = app.association().await;
    let (ctx, _) = with_key(app);
    let operator = key(app, &actor, Scope::Operator).await;
    let api = Api::serve_ctx(ctx.clone()).await;
    let manifest = create::create(&ctx).await.unwrap();
    let object = ctx.config.backup.dir.join(&manifest.name).join(&manifest.objects[0].name);
    let mut bytes = std::fs::read(&object).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&object, bytes).unwrap();
    let path = format!("{PATH}/{}/verify", manifest.name);
    let (status, refused) = api.send(Method::POST, &path, Some(&operator), None).await;
    assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("backup_broken")), "{refused}");
    let (_, listed) = api.send(Method::GET, PATH, Some(&operator), None).await;
    assert_eq!(listed[0]["state"], json!("made"), "what is not whole is not noted as verified");
    for nothing in ["20200101T000000Z-00000000", "..%2f..%2fetc"] {
        let (status, _) = api.send(Method::POST, &format!("{PATH}/{nothing}/verify"), Some(&operator), None).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{nothing}");
    }
});

both!(an_organisation_asks_for_no_backup_and_makes_no_key_that_may, async |app: &TestApp| {
    let actor = app.association().await;
    let admin = key(app, &actor, Scope::Admin).await;
    let operator = key(app, &actor, Scope::Operator).await;
    let api = Api::serve(app).await;
    for (method, path) in [(Method::GET, PATH), (Method::POST, PATH), (Method::GET, "/api/v1/backups/certificate")] {
        let (status, answer) = api.send(method, path, Some(&admin), None).await;
        assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("scope_too_small")), "{path}");
    }
    for maker in [&admin, &operator] {
        let new = json!({ "name": "høyere", "scope": "operator" });
        let (status, answer) = api.send(Method::POST, "/api/v1/api-keys", Some(maker), Some(&new)).await;
        assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("scope_not_given_here")), "{answer}");
    }
    // Where nobody could read it, none is made.
    let (status, answer) = api.send(Method::POST, PATH, Some(&operator), None).await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("no_recipients")), "{answer}");
});
