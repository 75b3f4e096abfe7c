//! A new privacy statement: those it concerns are told once, before it holds; users accept it; and it says when it has fallen
//! behind the policy.

use crate::api::{Api, key};
use crate::console::{Browser, PASSWORD, person};
use crate::erasure::count;
use crate::harness::{TestApp, both};
use crate::mail::with_relay;
use crate::payer::{BASE, mailed, readable, with_pages};
use chrono::Duration;
use domain::customer::Language;
use formats::customer_list::Mode;
use reqwest::{Method, StatusCode};
use reskontro::delivery::Tls;
use reskontro::jobs::{drain_jobs, run_by_name};
use reskontro::privacy::certificate::Fate;
use reskontro::privacy::explain::Subject;
use reskontro::privacy::notice::{self, NoticeView};
use reskontro::privacy::policy::{self, NewPolicy};
use reskontro::privacy::statement::{self, NewStatement};
use reskontro::privacy::{erase, retention, standing};
use reskontro::services::Actor;
use reskontro::services::access::Scope;
use reskontro::services::organisation::{self, OrganisationPatch};
use reskontro::store::views;
use sea_orm::ConnectionTrait;
use serde_json::json;
use uuid::Uuid;

const LIST: &str = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Språk;Adressesperre\n\
    1;Kari Nord;Gata 1;0150;Oslo;kari@kunde.example;nn;\n2;Ola Sør;Gata 2;0150;Oslo;;;\n\
    3;Eva Vest;Gata 3;0150;Oslo;eva@kunde.example;;ja\n4;Per Aust;Gata 4;0150;Oslo;per@kunde.example;en;\n";

/// A policy whose drafts live so many days, approved.
async fn drafts_live(app: &TestApp, actor: &Actor, days: u32) {
    let changes = json!({"rules": {"draft": {"period": format!("P{days}D")}}});
    let new = NewPolicy { preset: "association-billing".into(), changes, valid_from: None };
    policy::publish(&app.ctx, actor, &new).await.unwrap();
    let version = policy::current(&app.ctx, actor).await.unwrap().version_no;
    policy::approve(&app.ctx, actor, version).await.unwrap();
}

fn responsible() -> NewStatement {
    NewStatement { responsible: Some("daglig leder".into()), ..NewStatement::default() }
}

/// An organisation with four customers; no channel is safe for a protected identity.
async fn with_customers(app: &TestApp) -> Actor {
    let actor = app.association().await;
    let none = OrganisationPatch { safe_channels: Some(String::new()), ..OrganisationPatch::default() };
    organisation::patch(&app.ctx, &actor, None, none).await.unwrap();
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    actor
}

/// Four customers, a statement, and one that follows it and holds in two weeks.
async fn published(app: &TestApp) -> Actor {
    let actor = with_customers(app).await;
    statement::publish(&app.ctx, &actor, &responsible()).await.unwrap();
    app.clock.advance(Duration::hours(1));
    drafts_live(app, &actor, 45).await;
    let from = app.ctx.today().checked_add_days(chrono::Days::new(14));
    statement::publish(&app.ctx, &actor, &NewStatement { valid_from: from, ..responsible() }).await.unwrap();
    actor
}

async fn look(app: &TestApp, actor: &Actor) -> NoticeView {
    notice::look(&app.ctx, actor, None, Language::English).await.unwrap()
}

fn mails(app: &TestApp) -> Vec<String> {
    app.spool().into_iter().map(|path| readable(&std::fs::read(path).unwrap())).collect()
}

fn to<'a>(mails: &'a [String], address: &str) -> Vec<&'a String> {
    mails.iter().filter(|m| m.contains(&format!("To: {address}")) || m.contains(&format!("<{address}>"))).collect()
}

both!(a_new_version_is_told_once_by_mail_in_each_language_before_it_holds, async |app: &TestApp| {
    let actor = with_customers(app).await;
    person(app, &actor, "liv@laget.example", "viewer").await;
    person(app, &actor, "kasserer", "owner").await;
    let nothing = notice::look(&app.ctx, &actor, None, Language::English).await.unwrap_err();
    assert_eq!(nothing.code(), Some("not_found"));
    statement::publish(&app.ctx, &actor, &responsible()).await.unwrap();
    let first = notice::tell(&app.ctx, &actor, None, Language::English).await.unwrap_err();
    assert_eq!(first.code(), Some("nothing_before"), "the first statement changes nothing");
    app.clock.advance(Duration::hours(1));
    drafts_live(app, &actor, 45).await;
    let from = app.ctx.today().checked_add_days(chrono::Days::new(14));
    statement::publish(&app.ctx, &actor, &NewStatement { valid_from: from, ..responsible() }).await.unwrap();
    // Looked at: two customers and the user with an address; nobody is written to.
    let seen = look(app, &actor).await;
    assert_eq!((seen.version_no, seen.follows, seen.to_tell, seen.without_address, seen.told), (2, 1, 3, 3, 0));
    assert_eq!(seen.changes.len(), 1, "{:?}", seen.changes);
    assert!(seen.changes[0].contains("45") && app.spool().is_empty());
    // Who comes after it was published is told by the statement itself.
    app.clock.advance(Duration::hours(1));
    let late = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post\n5;Nils Ny;Gata 5;0150;Oslo;nils@kunde.example\n";
    app.sync(&actor, late.as_bytes(), Mode::Delta).await;
    let done = notice::tell(&app.ctx, &actor, None, Language::English).await.unwrap();
    assert_eq!((done.told, done.to_tell, done.refused, done.uncertain), (3, 0, 0, 0));
    let sent = mails(app);
    assert_eq!(sent.len(), 3);
    for (address, parts) in [
        ("kari@kunde.example", ["gjeld frå", "Kari Nord", "45"]),
        ("per@kunde.example", ["holds from", "Per Aust", "45"]),
        ("liv@laget.example", ["gjelder fra", "liv@laget.example", "45"]),
    ] {
        let [mail] = to(&sent, address)[..] else { panic!("{address}: {sent:?}") };
        for part in parts.into_iter().chain(["https://fjellbygda.example/personvern", "kasserer@fjellbygda.example"]) {
            assert!(mail.contains(part), "{part}: {mail}");
        }
    }
    // Again writes to nobody.
    assert_eq!(notice::tell(&app.ctx, &actor, Some(2), Language::English).await.unwrap().told, 3);
    assert_eq!(app.spool().len(), 3);
    assert_eq!(count(app, &actor, "statement_notice WHERE state = 'sent' AND told_at IS NOT NULL").await, 3);
    assert_eq!(count(app, &actor, "audit_event WHERE verb = 'privacy_statement.told'").await, 1);
    let older = notice::look(&app.ctx, &actor, Some(1), Language::English).await.unwrap_err();
    assert_eq!(older.code(), Some("nothing_before"));
});

both!(cut_off_it_goes_on_and_nobody_is_written_to_twice, async |app: &TestApp| {
    let actor = published(app).await;
    // A relay that does not answer: nobody is told, nothing is used up.
    let away = with_relay(app, 1, Tls::None, None);
    let refused = notice::tell(&away, &actor, None, Language::English).await.unwrap_err();
    assert_eq!(refused.code(), Some("mail_away"));
    assert_eq!(count(app, &actor, "statement_notice WHERE state = 'sending'").await, 0);
    // Stopped while one was on its way: it may have left, and is not sent again.
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    tx.execute_unprepared(
        "INSERT INTO statement_notice (org_id, statement_id, person_id, person_kind, state, noted_at) \
         SELECT s.org_id, s.id, c.customer_id, 'customer', 'sending', s.published_at FROM privacy_statement s, customer_core c \
         WHERE s.version_no = 2 AND c.number = '1'",
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    run_by_name(&app.ctx, "tell_of_statement", actor.org, Some(Uuid::from_u128(1))).await.unwrap();
    assert!(app.spool().is_empty(), "of a version that is not the newest nobody is told");
    let done = notice::tell(&app.ctx, &actor, None, Language::English).await.unwrap();
    assert_eq!((done.told, done.uncertain, app.spool().len()), (1, 1, 1));
    // Somebody whose address may be used again is told then.
    let open = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Adressesperre\n3;Eva Vest;Gata 3;0150;Oslo;eva@kunde.example;nei\n";
    app.sync(&actor, open.as_bytes(), Mode::Delta).await;
    let both = tokio::join!(
        notice::tell(&app.ctx, &actor, None, Language::English),
        notice::tell(&app.ctx, &actor, None, Language::English)
    );
    assert!(both.0.is_ok() && both.1.is_ok());
    assert_eq!(to(&mails(app), "eva@kunde.example").len(), 1, "two at once write once");
});

both!(the_service_tells_people_as_a_job_and_warns_of_those_it_has_not, async |app: &TestApp| {
    let actor = published(app).await;
    let (admin, reader) = (key(app, &actor, Scope::Admin).await, key(app, &actor, Scope::Read).await);
    let api = Api::serve(app).await;
    let stands = standing::standing(&app.ctx, &actor).await.unwrap();
    // Three have an address of their own; one is a protected identity, which nobody has tried yet.
    assert_eq!(stands.untold.as_ref().map(|u| (u.version_no, u.customers)), Some((2, 3)));
    assert!(stands.warnings().iter().any(|w| w.contains("3 customers")), "{:?}", stands.warnings());
    let path = "/api/v1/privacy/statements/2/notice";
    let (status, seen) = api.send(Method::GET, &format!("{path}?language=nn"), Some(&reader), None).await;
    assert_eq!((status, &seen["to_tell"]), (StatusCode::OK, &json!(2)), "{seen}");
    assert!(seen["changes"][0].as_str().unwrap().contains("Ny lagringstid"));
    assert_eq!(api.send(Method::POST, path, Some(&admin), None).await.0, StatusCode::ACCEPTED);
    assert!(app.spool().is_empty(), "the job has not run yet");
    drain_jobs(&app.ctx).await.unwrap();
    assert_eq!(app.spool().len(), 2);
    let (_, told) = api.send(Method::GET, path, Some(&reader), None).await;
    assert_eq!((&told["told"], &told["to_tell"]), (&json!(2), &json!(0)), "{told}");
    assert_eq!(standing::standing(&app.ctx, &actor).await.unwrap().untold, None);
    let first = api.send(Method::POST, "/api/v1/privacy/statements/1/notice", Some(&admin), None).await;
    assert_eq!((first.0, &first.1["code"]), (StatusCode::CONFLICT, &json!("nothing_before")));
});

both!(a_statement_that_has_fallen_behind_the_policy_is_told_everywhere, async |app: &TestApp| {
    let actor = app.association().await;
    statement::publish(&app.ctx, &actor, &responsible()).await.unwrap();
    let before = standing::standing(&app.ctx, &actor).await.unwrap();
    assert!(!before.statement_is_older && before.warnings().is_empty(), "{before:?}");
    drafts_live(app, &actor, 45).await;
    let after = standing::standing(&app.ctx, &actor).await.unwrap();
    assert!(after.statement_is_older && after.policy_version_no > after.statement_policy_version_no.unwrap());
    assert!(after.warnings()[0].contains("publish the statement again"));
    let reader = key(app, &actor, Scope::Read).await;
    let api = Api::serve(app).await;
    let newer = async || {
        let (_, listed) = api.send(Method::GET, "/api/v1/privacy/statements", Some(&reader), None).await;
        let (_, stands) = api.send(Method::GET, "/api/v1/privacy/statement-standing", Some(&reader), None).await;
        (listed[0]["policy_is_newer"].clone(), stands["statement_is_older"].clone())
    };
    assert_eq!(newer().await, (json!(true), json!(true)));
    standing::watch(&app.ctx, &actor).await.unwrap();
    statement::publish(&app.ctx, &actor, &responsible()).await.unwrap();
    assert_eq!(newer().await, (json!(false), json!(false)));
});

both!(the_console_shows_a_new_version_until_it_is_accepted, async |app: &TestApp| {
    let actor = published(app).await;
    let kari = person(app, &actor, "kari", "viewer").await;
    let mut browser = Browser::at(&app.ctx).await;
    assert_eq!(browser.sign_in("kari", PASSWORD).await, 303);
    let page = async |browser: &mut Browser| browser.get("/console/deliveries").await.text().await.unwrap();
    let shown = page(&mut browser).await;
    for part in ["versjon 2 gjelder fra", "45", "/console/statement", &format!("/privacy/{}?version=2", actor.org)] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let forged = [("csrf", "x"), ("version", "2")];
    browser.post("/console/statement", &forged).await;
    assert_eq!(count(app, &actor, "statement_acceptance").await, 0, "a form from elsewhere accepts nothing");
    let csrf = browser.token("/console/deliveries").await;
    for _ in 0..2 {
        let fields = [("csrf", csrf.as_str()), ("version", "2"), ("return_to", "/console/deliveries")];
        assert_eq!(browser.post("/console/statement", &fields).await.status(), 303);
    }
    assert!(!page(&mut browser).await.contains("/console/statement"));
    let reader = key(app, &actor, Scope::Read).await;
    let api = Api::serve(app).await;
    let path = "/api/v1/privacy/statements/2/acceptances";
    let (_, listed) = api.send(Method::GET, path, Some(&reader), None).await;
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!((&listed[0]["user_id"], &listed[0]["channel"]), (&json!(kari), &json!("console")));
    // In a system of the organisation's own; nobody who is no user, and no version that is none.
    let per = person(app, &actor, "per", "operator").await;
    let writer = key(app, &actor, Scope::Write).await;
    let accept = async |path: &str, user: Uuid| {
        api.send(Method::POST, path, Some(&writer), Some(&json!({ "user_id": user }))).await.0
    };
    assert_eq!(accept(path, per).await, StatusCode::CREATED);
    assert_eq!(accept(path, per).await, StatusCode::CREATED, "once is enough");
    assert_eq!(count(app, &actor, "statement_acceptance").await, 2);
    assert_eq!(accept(path, Uuid::from_u128(1)).await, StatusCode::NOT_FOUND);
    assert_eq!(accept("/api/v1/privacy/statements/9/acceptances", per).await, StatusCode::NOT_FOUND);
});

both!(wherever_data_is_given_the_statement_is_a_link_away, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (actor, _, page) = mailed(app, &ctx).await;
    let kari = "kari@example.org";
    // Without a statement here, the organisation's own.
    assert!(to(&mails(app), kari)[0].contains("https://fjellbygda.example/personvern"));
    statement::publish(&ctx, &actor, &responsible()).await.unwrap();
    let here = format!("/privacy/{}", actor.org);
    person(app, &actor, "kari", "viewer").await;
    let mut browser = Browser::at(&ctx).await;
    for path in ["/console/sign-in", &page] {
        let text = browser.get(path).await.text().await.unwrap();
        assert!(text.contains(&format!("href=\"{here}\"")), "{path}: {text}");
    }
    browser.sign_in("kari", PASSWORD).await;
    for path in ["/console/deliveries", "/console/invoices", "/console/runs", "/console/print", "/console/webhooks"] {
        let text = browser.get(path).await.text().await.unwrap();
        assert!(text.contains(&format!("href=\"{here}\"")), "{path}: {text}");
    }
    app.clock.advance(Duration::days(370));
    app.bill(&ctx, &actor).await;
    reskontro::services::delivery::drain(&ctx).await.unwrap();
    let mails = mails(app);
    let newest = to(&mails, kari);
    assert!(newest.iter().any(|m| m.contains(&format!("{BASE}{here}"))), "{newest:?}");
    assert!(reskontro::http::openapi_json().unwrap().contains("/privacy/{organisation}"));
});

both!(who_was_told_and_who_accepted_is_kept_five_years_after_the_next_version, async |app: &TestApp| {
    let actor = published(app).await;
    let kari = person(app, &actor, "kari", "viewer").await;
    notice::tell(&app.ctx, &actor, None, Language::English).await.unwrap();
    reskontro::privacy::acceptance::accept(&app.ctx, &actor, 2, kari, "console").await.unwrap();
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let customer = views::search_customers(&tx, "1", 1).await.unwrap()[0].id;
    tx.commit().await.unwrap();
    // Erased, the ids stay as proof, and the certificate says so.
    let case = erase::erase(&app.ctx, &actor, Subject::Customer(customer)).await.unwrap();
    let kept = case.parts.iter().find(|p| p.what == "notices of new privacy statements").unwrap();
    assert_eq!((kept.fate, kept.count), (Fate::KeptOtherwise, 1));
    let rows =
        async || (count(app, &actor, "statement_notice").await, count(app, &actor, "statement_acceptance").await);
    let before = rows().await;
    assert_eq!(before, (3, 1), "two told, one who may not be");
    statement::publish(
        &app.ctx,
        &actor,
        &NewStatement { valid_from: Some("2027-01-01".parse().unwrap()), ..responsible() },
    )
    .await
    .unwrap();
    for (at, left) in [("2031-12-31T22:30:00Z", before), ("2031-12-31T23:30:00Z", (0, 0))] {
        app.clock.set(at.parse().unwrap());
        retention::nightly(&app.ctx, &actor).await.unwrap();
        assert_eq!(rows().await, left, "{at}");
    }
});
