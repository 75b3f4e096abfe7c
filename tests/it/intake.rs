//! Requests taken in from where people are: the payer's page, a letter, and the form beside the statement.

use crate::api::{Api, key};
use crate::erasure::{Billed, billed, count};
use crate::harness::{TestApp, both};
use crate::payer::{Browser, changed, mailed, readable, with_pages};
use chrono::Duration;
use domain::customer::Language;
use reqwest::{Method, StatusCode};
use reskontro::ctx::Ctx;
use reskontro::delivery::Bounces;
use reskontro::privacy::erase;
use reskontro::privacy::explain::Subject;
use reskontro::privacy::reading;
use reskontro::privacy::request::{self, Decision, RequestView, Sorted};
use reskontro::privacy::statement::{self, NewStatement};
use reskontro::services::Actor;
use reskontro::services::access::Scope;
use reskontro::services::delivery::Inbound;
use serde_json::json;
use std::io::{Cursor, Read};
use std::sync::Arc;
use uuid::Uuid;

async fn open(app: &TestApp, actor: &Actor) -> Vec<RequestView> {
    request::list(&app.ctx, actor, true).await.unwrap()
}

fn granted() -> Decision {
    Decision { decision: "granted".into(), grounds: None }
}

both!(a_payer_who_has_used_the_code_asks_sees_the_answer_and_fetches_it, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (actor, _, page) = mailed(app, &ctx).await;
    let mut browser = Browser::new(&ctx).await;
    let ask = [("kind", "access"), ("text", "Hva har dere om meg, 10915596784?")];
    // Without the code nothing is taken in, and nothing is shown.
    let closed = browser.post(&page, "request", &ask).await.text();
    assert!(open(app, &actor).await.is_empty() && !closed.contains("/request"), "{closed}");
    browser.sign_in(app, &page).await;
    let shown = browser.post(&page, "request", &ask).await.text();
    let [asked] = open(app, &actor).await.try_into().unwrap();
    assert_eq!((asked.kind.as_str(), asked.channel.as_str(), asked.identity.as_str()), ("access", "payer", "by_code"));
    assert_eq!((asked.state.as_str(), asked.subject_kind.as_str()), ("in_progress", "customer"));
    assert_eq!(asked.wish.as_deref(), Some("Hva har dere om meg, ***********?"));
    assert_eq!((asked.due_on - app.ctx.today()).num_days(), 30);
    assert!(
        shown.contains("Henvendelsen er mottatt") && shown.contains("Svar senest 22.\u{a0}des.\u{a0}2026"),
        "{shown}"
    );
    // The same again while it waits is the same request; what says nothing is none.
    browser.post(&page, "request", &ask).await;
    let nothing = browser.post(&page, "request", &[("kind", "erasure"), ("text", " ")]).await.text();
    assert!(nothing.contains("2 000") || nothing.contains("2\u{a0}000"), "{nothing}");
    browser.post(&page, "request", &[("kind", "everything"), ("text", "Alt")]).await;
    assert_eq!(open(app, &actor).await.len(), 1);
    // Before it is answered there is nothing to fetch.
    let answer = format!("{page}/requests/{}", asked.id);
    assert_eq!(browser.get(&answer).await.header("location"), page);
    request::decide(&ctx, &actor, asked.id, &granted()).await.unwrap();
    assert!(browser.get(&page).await.text().contains(&answer));
    let fetched = browser.get(&answer).await;
    assert_eq!(fetched.header("content-type"), "application/zip");
    let mut zip = zip::ZipArchive::new(Cursor::new(fetched.bytes())).unwrap();
    let mut data = String::new();
    zip.by_name("data.json").unwrap().read_to_string(&mut data).unwrap();
    assert!(data.contains("kari@example.org") && !data.contains("ola@example.org"), "{data}");
    reading::write(&ctx).await.unwrap();
    assert_eq!(
        count(app, &actor, "personal_reading WHERE action = 'request.package' AND actor_kind = 'link'").await,
        1
    );
    // Another's is not handed out, and neither is anything once the page is closed.
    let other = format!("{page}/requests/{}", Uuid::from_u128(1));
    assert_eq!(browser.get(&other).await.header("location"), page);
    browser.post(&page, "close", &[]).await;
    assert_eq!(browser.get(&answer).await.header("location"), page);
});

/// The service with an address for letters.
fn with_mailbox(app: &TestApp) -> Ctx {
    changed(&app.ctx, |config| {
        config.privacy.mailbox = "privacy".into();
        config.mail.domain = "post.example".into();
    })
}

fn letter(from: &str, to: &str, more: &str, text: &str) -> Vec<u8> {
    format!(
        "Return-Path: <{from}>\r\nFrom: Kari Nord <{from}>\r\nTo: <{to}>\r\nSubject: Innsyn\r\n\
         Message-ID: <1@kunde.example>\r\nDate: Sun, 01 Mar 2026 08:00:00 +0100\r\n{more}\r\n{text}\r\n"
    )
    .into_bytes()
}

const KARI: &str = "kari@kunde.example";

fn spool(app: &TestApp) -> Vec<String> {
    app.spool().into_iter().map(|path| readable(&std::fs::read(path).unwrap())).collect()
}

both!(a_letter_becomes_a_request_and_is_answered_once_with_a_receipt, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    app.clock.set("2026-03-03T10:00:00Z".parse().unwrap());
    let ctx = with_mailbox(app);
    let before = app.spool().len();
    let first = letter(KARI, "privacy@post.example", "", "Hva har dere om meg?");
    assert_eq!(request::take_letter(&app.ctx, &first).await.unwrap(), Inbound::NotUnderstood, "no address is set up");
    for _ in 0..2 {
        assert_eq!(request::take_letter(&ctx, &first).await.unwrap(), Inbound::Request);
    }
    let [asked] = open(app, &actor).await.try_into().unwrap();
    assert_eq!((asked.kind.as_str(), asked.channel.as_str(), asked.identity.as_str()), ("unsorted", "mail", "unknown"));
    // The one customer at this address; the time runs from the day it was written.
    assert_eq!((asked.subject_id, asked.received_on.to_string().as_str()), (Some(customers[0]), "2026-03-01"));
    assert_eq!(asked.due_on.to_string(), "2026-03-31");
    assert_eq!(asked.wish.as_deref(), Some("Innsyn\nHva har dere om meg?"));
    assert_eq!((asked.asker_name.as_deref(), asked.asker_reach.as_deref()), (Some("Kari Nord"), Some(KARI)));
    let sent = spool(app);
    let receipts: Vec<&String> = sent.iter().filter(|m| m.contains("Vi har fått henvendelsen din")).collect();
    assert_eq!((receipts.len(), sent.len()), (1, before + 1), "twice the same letter is one request and one receipt");
    for part in
        ["Auto-Submitted: auto-replied", "In-Reply-To: <1@kunde.example>", "31. mars 2026", &asked.id.to_string()]
    {
        assert!(receipts[0].contains(part), "{part}: {}", receipts[0]);
    }
    assert!(!receipts[0].contains("Hva har dere om meg"), "it repeats nothing");
    // Another letter the same day is another request, without another receipt; the next day's has its own.
    let image = "Content-Type: multipart/mixed; boundary=x\r\n";
    let parts = "--x\r\nContent-Type: text/plain\r\n\r\nSe vedlegget.\r\n--x\r\nContent-Type: image/png\r\n\r\nPASSBILDE\r\n--x--";
    request::take_letter(&ctx, &letter(KARI, "privacy+312345676@post.example", image, parts)).await.unwrap();
    assert_eq!(app.spool().len(), before + 1);
    let second = open(app, &actor).await.into_iter().find(|r| r.attachments_left_out == 1).unwrap();
    assert_eq!((second.wish.as_deref(), second.receipt_sent_at), (Some("Innsyn\nSe vedlegget."), None));
    assert_eq!(
        count(app, &actor, "privacy_request WHERE wish LIKE '%PASSBILDE%'").await,
        0,
        "attachments are not kept"
    );
    app.clock.advance(Duration::hours(25));
    request::take_letter(&ctx, &letter(KARI, "privacy@post.example", "", "Purring fra 109155 96784")).await.unwrap();
    assert_eq!(app.spool().len(), before + 2);
    let wishes = open(app, &actor).await.into_iter().filter_map(|r| r.wish).collect::<Vec<_>>();
    assert!(
        wishes.contains(&"Innsyn\nPurring fra ****** *****".to_owned()),
        "no national identity number is kept: {wishes:?}"
    );
});

both!(machines_and_strangers_get_no_answer_and_no_request_of_anothers, async |app: &TestApp| {
    let Billed { actor, .. } = billed(app).await;
    let ctx = with_mailbox(app);
    let before = app.spool().len();
    let to = "privacy@post.example";
    // Bounces and automatic answers are no requests.
    for (from, more) in [("", ""), (KARI, "Auto-Submitted: auto-replied\r\n"), (KARI, "X-Autoreply: yes\r\n")] {
        let was = request::take_letter(&ctx, &letter(from, to, more, "Jeg er på ferie")).await.unwrap();
        assert_ne!(was, Inbound::Request, "{more}");
    }
    assert!(open(app, &actor).await.is_empty());
    // Taken in and not answered: lists, senders that are machines, and ourselves.
    for (from, more) in [
        (KARI, "List-Id: <alle.kunde.example>\r\n"),
        (KARI, "Precedence: bulk\r\n"),
        ("noreply@kunde.example", ""),
        ("kasserer@fjellbygda.example", ""),
        ("b+1@post.example", ""),
    ] {
        assert_eq!(
            request::take_letter(&ctx, &letter(from, to, more, from)).await.unwrap(),
            Inbound::Request,
            "{from}"
        );
    }
    assert_eq!((open(app, &actor).await.len(), app.spool().len()), (5, before));
    // To another address, or of a number nobody has: for nobody here.
    for to in ["post@post.example", "privacy+999999999@post.example", "privacy@annen.example", "xprivacy@post.example"]
    {
        assert_ne!(request::take_letter(&ctx, &letter(KARI, to, "", to)).await.unwrap(), Inbound::Request, "{to}");
    }
    // With two organisations the number must be there; a stranger is matched to nobody.
    crate::api::another(app).await;
    assert_ne!(request::take_letter(&ctx, &letter(KARI, to, "", "hvem?")).await.unwrap(), Inbound::Request);
    let numbered = letter("ukjent@annen.example", "privacy+312345676@post.example", "", "Slett meg");
    assert_eq!(request::take_letter(&ctx, &numbered).await.unwrap(), Inbound::Request);
    let asked = open(app, &actor).await.into_iter().find(|r| r.asker_reach.as_deref() == Some("ukjent@annen.example"));
    let asked = asked.unwrap();
    assert_eq!((asked.subject_id, asked.subject_kind.as_str()), (None, "unknown"));
    assert_eq!(app.spool().len(), before + 1, "a stranger is answered too");
});

both!(the_mailbox_of_bounces_gives_letters_too_and_is_empty_afterwards, async |app: &TestApp| {
    let Billed { actor, .. } = billed(app).await;
    let dir = app.dir.path().join("maildir");
    for folder in ["new", "cur", "tmp"] {
        std::fs::create_dir_all(dir.join(folder)).unwrap();
    }
    std::fs::write(dir.join("new/1"), letter(KARI, "privacy@post.example", "", "Innsyn, takk")).unwrap();
    std::fs::write(dir.join("new/2"), letter(KARI, "annet@post.example", "", "Noe annet")).unwrap();
    let ctx = Ctx { inbox: Some(Arc::new(Bounces::Maildir(dir.clone()))), ..with_mailbox(app) };
    reskontro::jobs::run_by_name(&ctx, "read_bounces", actor.org, None).await.unwrap();
    assert_eq!(open(app, &actor).await.len(), 1);
    assert_eq!(std::fs::read_dir(dir.join("new")).unwrap().count(), 0, "the raw letters are gone");
});

both!(what_came_unsorted_is_sorted_before_it_is_answered, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let ctx = with_mailbox(app);
    let strange = letter("ny@adresse.example", "privacy@post.example", "", "Hva har dere?");
    request::take_letter(&ctx, &strange).await.unwrap();
    let id = open(app, &actor).await[0].id;
    let early = request::decide(&app.ctx, &actor, id, &granted()).await.unwrap_err();
    assert_eq!(early.code(), Some("not_sorted"));
    let unknown = request::identify(&app.ctx, &actor, id, true).await.unwrap_err();
    assert_eq!(unknown.code(), Some("not_sorted"));
    let (writer, reader) = (key(app, &actor, Scope::Write).await, key(app, &actor, Scope::Read).await);
    let api = Api::serve(app).await;
    let path = format!("/api/v1/privacy/requests/{id}/sort");
    let body = json!({ "kind": "access", "subject_kind": "customer", "subject_id": customers[1] });
    assert_eq!(api.send(Method::POST, &path, Some(&reader), Some(&body)).await.0, StatusCode::FORBIDDEN);
    let (status, sorted) = api.send(Method::POST, &path, Some(&writer), Some(&body)).await;
    assert_eq!(
        (status, &sorted["kind"], &sorted["identity"]),
        (StatusCode::OK, &json!("access"), &json!("unknown")),
        "{sorted}"
    );
    for wrong in
        [json!({ "kind": "unsorted" }), json!({ "subject_kind": "customer" }), json!({ "subject_id": customers[0] })]
    {
        let (status, _) = api.send(Method::POST, &path, Some(&writer), Some(&wrong)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let refused = request::decide(&app.ctx, &actor, id, &granted()).await.unwrap_err();
    assert_eq!(refused.code(), Some("not_identified"), "a letter proves nothing");
    request::identify(&app.ctx, &actor, id, true).await.unwrap();
    // About somebody else than before, they must be known anew.
    let other = Sorted { kind: None, subject_kind: Some("customer".into()), subject_id: Some(customers[0]) };
    assert_eq!(request::sort(&app.ctx, &actor, id, &other).await.unwrap().identity, "unknown");
    request::identify(&app.ctx, &actor, id, true).await.unwrap();
    assert_eq!(request::decide(&app.ctx, &actor, id, &granted()).await.unwrap().state, "answered");
    assert!(request::package_of(&app.ctx, &actor, id, Language::Bokmal).await.is_ok());
});

both!(anybody_asks_by_the_form_beside_the_statement_and_not_too_often, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    statement::publish(
        &app.ctx,
        &actor,
        &NewStatement { responsible: Some("daglig leder".into()), ..Default::default() },
    )
    .await
    .unwrap();
    let api = Api::serve(app).await;
    let form = format!("/privacy/{}/request", actor.org);
    let get = async |path: &str| {
        let answer = api.client.get(format!("{}{path}", api.base)).send().await.unwrap();
        let policy = answer.headers().get("content-security-policy").unwrap().to_str().unwrap().to_owned();
        assert!(answer.headers().get("set-cookie").is_none(), "nobody is followed");
        (answer.status(), policy, answer.text().await.unwrap())
    };
    let (_, _, said) = get(&format!("/privacy/{}?language=en", actor.org)).await;
    assert!(said.contains(&format!("href=\"{form}?language=en\"")), "{said}");
    let (status, policy, shown) = get(&format!("{form}?language=nn")).await;
    assert!(status == StatusCode::OK && policy.contains("form-action 'self'") && policy.contains("default-src 'none'"));
    assert!(shown.contains("Kva bed du om?") && shown.contains("Fjellbygda idrettslag"), "{shown}");
    let token = |page: &str| {
        let at = page.split_once("name=\"csrf\" value=\"").unwrap().1;
        at.split_once('"').unwrap().0.to_owned()
    };
    let send = async |token: &str, reach: &str, text: &str| {
        let fields =
            [("csrf", token), ("kind", "erasure"), ("name", "Kari <b>Nord</b>"), ("reach", reach), ("text", text)];
        let answer = api.client.post(format!("{}{form}", api.base)).form(&fields).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    // Faster than anybody reads, forged, too old, or with nothing in it: not taken in, and what was typed is not lost.
    let fresh = token(&shown);
    assert_eq!(send(&fresh, KARI, "Slett meg").await.0, 403);
    app.clock.advance(Duration::seconds(5));
    assert_eq!(send("1.00", KARI, "Slett meg").await.0, 403);
    let (status, again) = send(&fresh, "", "Slett meg, takk").await;
    assert!(status == 422 && again.contains("Slett meg, takk") && !again.contains("<b>Nord"), "{again}");
    assert!(open(app, &actor).await.is_empty());
    let (status, sent) = send(&fresh, "Kari@Kunde.example", "Slett meg").await;
    let [asked] = open(app, &actor).await.try_into().unwrap();
    assert!(status == 200 && sent.contains(&asked.id.to_string()), "{sent}");
    assert_eq!((asked.kind.as_str(), asked.channel.as_str(), asked.identity.as_str()), ("erasure", "form", "unknown"));
    assert_eq!((asked.subject_id, asked.asker_reach.as_deref()), (Some(customers[0]), Some(KARI)));
    assert!(spool(app).iter().all(|m| !m.contains("henvendelsen din")), "mail goes to no address somebody has typed");
    let refused = request::decide(&app.ctx, &actor, asked.id, &granted()).await.unwrap_err();
    assert_eq!(refused.code(), Some("not_identified"));
    for i in 1..30 {
        assert_eq!(send(&fresh, "90 00 00 00", &format!("Nummer {i}")).await.0, 200, "{i}");
    }
    let (status, full) = send(&fresh, KARI, "En til").await;
    assert!(status == 429 && full.contains("kasserer@fjellbygda.example"), "{full}");
    app.clock.advance(Duration::hours(1) + Duration::seconds(1));
    assert_eq!(send(&fresh, KARI, "En time etter").await.0, 200);
    app.clock.advance(Duration::hours(24));
    assert_eq!(send(&fresh, KARI, "Dagen etter").await.0, 403);
    for nobody in ["/privacy/x/request".to_owned(), format!("/privacy/{}/request", Uuid::from_u128(1))] {
        assert_eq!(get(&nobody).await.0, StatusCode::NOT_FOUND, "{nobody}");
    }
});

both!(who_is_erased_is_in_no_letter_any_more, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let ctx = with_mailbox(app);
    // One that was matched, and one nobody could match because two had the address then.
    request::take_letter(&ctx, &letter(KARI, "privacy@post.example", "", "Kanariord en")).await.unwrap();
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(
        &tx,
        "INSERT INTO privacy_request (org_id, id, version, kind, subject_kind, channel, state, received_on, due_on, wish, \
         identity, code_tries, codes_sent, asker_name, asker_reach, left_out, created_at, updated_at) \
         SELECT org_id, customer_id, 1, 'unsorted', 'unknown', 'mail', 'received', '2026-03-01', '2026-03-31', 'Kanariord to', \
         'unknown', 0, 0, 'Kari Nord', 'kari@kunde.example', 0, '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z' \
         FROM customer_core WHERE number = '1'",
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(app, &actor, "privacy_request WHERE wish LIKE '%Kanariord%'").await, 2);
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    for held in ["wish LIKE '%Kanariord%'", "asker_reach IS NOT NULL", "asker_name IS NOT NULL"] {
        assert_eq!(count(app, &actor, &format!("privacy_request WHERE {held}")).await, 0, "{held}");
    }
});
