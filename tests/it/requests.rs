//! Requests of persons: due in time, known who asks, answered with all that is held, and carried out.

use crate::erasure::{Billed, billed, count};
use crate::harness::{TestApp, both};
use chrono::Duration;
use domain::customer::Language;
use formats::customer_list::Mode;
use reskontro::privacy::consent::{self, NewConsent, Withdrawal};
use reskontro::privacy::request::{self, Decision, NewRequest};
use reskontro::services::customer::{self, Input};
use reskontro::services::run::{self, NewRun};
use reskontro::services::{Actor, delivery};
use std::io::{Cursor, Read};
use uuid::Uuid;

fn asks(kind: &str, customer: Uuid) -> NewRequest {
    NewRequest {
        kind: kind.into(),
        subject_kind: "customer".into(),
        subject_id: customer,
        channel: "operator".into(),
        received_on: None,
        wish: None,
    }
}

async fn received(app: &TestApp, actor: &Actor, kind: &str, customer: Uuid) -> Uuid {
    request::receive(&app.ctx, actor, &asks(kind, customer)).await.unwrap()
}

fn granted() -> Decision {
    Decision { decision: "granted".into(), grounds: None }
}

/// Every file of a package by name.
fn unpacked(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..zip.len())
        .map(|i| {
            let mut file = zip.by_index(i).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            (file.name().to_owned(), bytes)
        })
        .collect()
}

/// The code of the newest mail in the folder.
fn code_in_spool(app: &TestApp) -> String {
    let newest = app.spool().into_iter().max_by_key(|p| std::fs::metadata(p).unwrap().modified().unwrap()).unwrap();
    let text = std::fs::read_to_string(newest).unwrap();
    let digits = |line: &str| line.chars().filter(char::is_ascii_digit).collect::<String>();
    text.lines().map(digits).find(|d| d.len() == 6).expect("a code of six digits")
}

both!(a_request_is_due_in_a_month_and_extended_once_in_time, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    app.clock.set("2027-01-31T10:00:00Z".parse().unwrap());
    let id = received(app, &actor, "access", customers[0]).await;
    let due = async || request::get(&app.ctx, &actor, id).await.unwrap().due_on.to_string();
    assert_eq!(due().await, "2027-02-28");
    assert!(request::extend(&app.ctx, &actor, id, " ").await.is_err(), "without a reason");
    app.clock.set("2027-02-22T10:00:00Z".parse().unwrap());
    request::remind(&app.ctx, &actor).await.unwrap();
    assert_eq!(count(app, &actor, "audit_event WHERE verb = 'privacy_request.due'").await, 1);
    request::extend(&app.ctx, &actor, id, "Mange dokumenter").await.unwrap();
    assert_eq!(due().await, "2027-04-30");
    let twice = request::extend(&app.ctx, &actor, id, "Enda flere").await.unwrap_err();
    assert_eq!(twice.code(), Some("already_extended"));
    let late = received(app, &actor, "access", customers[1]).await;
    app.clock.set("2027-03-25T10:00:00Z".parse().unwrap());
    let refused = request::extend(&app.ctx, &actor, late, "For sent").await.unwrap_err();
    assert_eq!(refused.code(), Some("too_late"));
    let open = request::list(&app.ctx, &actor, true).await.unwrap();
    assert_eq!((open[0].id, open[0].days_left < 0, open.len()), (late, true, 2), "the one due first on top");
});

both!(nothing_is_handed_out_before_it_is_known_who_asks, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let id = received(app, &actor, "access", customers[0]).await;
    for refused in [
        request::decide(&app.ctx, &actor, id, &granted()).await.map(|_| ()).unwrap_err(),
        request::zip_of(&app.ctx, &actor, id, Language::Bokmal).await.map(|_| ()).unwrap_err(),
        request::make_link(&app.ctx, &actor, id).await.map(|_| ()).unwrap_err(),
    ] {
        assert_eq!(refused.code(), Some("not_identified"));
    }
    request::send_code(&app.ctx, &actor, id).await.unwrap();
    let code = code_in_spool(app);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let refused = request::confirm_code(&app.ctx, &actor, id, wrong).await.unwrap_err();
    assert_eq!(refused.code(), Some("wrong_code"));
    app.clock.advance(Duration::minutes(31));
    let refused = request::confirm_code(&app.ctx, &actor, id, &code).await.unwrap_err();
    assert_eq!(refused.code(), Some("no_code"), "it works for half an hour");
    request::send_code(&app.ctx, &actor, id).await.unwrap();
    request::confirm_code(&app.ctx, &actor, id, &code_in_spool(app)).await.unwrap();
    assert_eq!(request::get(&app.ctx, &actor, id).await.unwrap().identity, "by_code");
    let answered = request::decide(&app.ctx, &actor, id, &granted()).await.unwrap();
    assert_eq!((answered.state.as_str(), answered.notices.len()), ("answered", 0));
});

both!(access_hands_out_everything_that_is_held, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let id = received(app, &actor, "access", customers[0]).await;
    request::identify(&app.ctx, &actor, id, true).await.unwrap();
    let files = unpacked(&request::zip_of(&app.ctx, &actor, id, Language::Bokmal).await.unwrap());
    let file = |name: &str| &files.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("{name}")).1;
    let data: serde_json::Value = serde_json::from_slice(file("data.json")).unwrap();
    let text = data.to_string();
    for held in ["Kari Nord", "Gata 1", "kari@kunde.example", "+4790000001", "Liv Nord", "Kontingent"] {
        assert!(text.contains(held), "{held}");
    }
    for others in ["Ola", "Eva Vest", "ola@kunde.example"] {
        assert!(!text.contains(others), "{others} is somebody else");
    }
    assert!(data["explained"]["held"].as_array().unwrap().iter().all(|h| h["purpose"].is_string()));
    assert!(data["left_out"]["bank_file"].is_string());
    assert!(String::from_utf8_lossy(file("customer_detail.csv")).contains("\"kari@kunde.example\""));
    assert!(file("data.pdf").starts_with(b"%PDF"));
    assert!(String::from_utf8_lossy(file("data.html")).contains("Datatilsynet"));
    // Another controller fetches it by a link, which dies when a new one is made.
    let token = |url: String| url.rsplit('/').next().unwrap().to_owned();
    let first = token(request::make_link(&app.ctx, &actor, id).await.unwrap());
    assert!(!request::fetch_link(&app.ctx, &first).await.unwrap().is_empty());
    let second = token(request::make_link(&app.ctx, &actor, id).await.unwrap());
    assert!(request::fetch_link(&app.ctx, &first).await.is_err());
    app.clock.advance(Duration::days(30));
    assert!(request::fetch_link(&app.ctx, &second).await.is_err(), "thirty days");
});

both!(portability_hands_out_what_rests_on_contract_or_consent, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let id = received(app, &actor, "portability", customers[0]).await;
    request::identify(&app.ctx, &actor, id, true).await.unwrap();
    let files = unpacked(&request::zip_of(&app.ctx, &actor, id, Language::English).await.unwrap());
    let names: Vec<&str> = files.iter().map(|(n, _)| n.as_str()).collect();
    assert!(names.contains(&"customer_detail.csv") && names.contains(&"payment.csv"), "{names:?}");
    assert!(!names.contains(&"ledger_entry.csv"), "the ledger rests on law: {names:?}");
});

both!(a_granted_erasure_erases_and_tells_whom_to_tell, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let id = received(app, &actor, "erasure", customers[0]).await;
    request::identify(&app.ctx, &actor, id, true).await.unwrap();
    let done = request::decide(&app.ctx, &actor, id, &granted()).await.unwrap();
    assert!(done.erasure_id.is_some() && done.subject_id.is_none(), "{done:?}");
    assert_eq!(done.notices.iter().map(|n| n.recipient.as_str()).collect::<Vec<_>>(), ["mail_relay"]);
    request::told(&app.ctx, &actor, id, "mail_relay").await.unwrap();
    assert!(request::get(&app.ctx, &actor, id).await.unwrap().notices[0].told_at.is_some());
    assert!(request::told(&app.ctx, &actor, id, "mail_relay").await.is_err(), "once");
    assert_eq!(count(app, &actor, "customer_detail").await, 2);
    let again = request::decide(&app.ctx, &actor, id, &granted()).await.unwrap_err();
    assert_eq!(again.code(), Some("already_answered"));
});

both!(a_refusal_names_its_ground, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let id = received(app, &actor, "erasure", customers[1]).await;
    let refuse = |grounds: Option<&str>| Decision { decision: "refused".into(), grounds: grounds.map(str::to_owned) };
    assert!(request::decide(&app.ctx, &actor, id, &refuse(None)).await.is_err());
    let done = request::decide(&app.ctx, &actor, id, &refuse(Some("artikkel 17 (3) e"))).await.unwrap();
    assert_eq!((done.state.as_str(), done.grounds.as_deref()), ("refused", Some("artikkel 17 (3) e")));
    assert_eq!(count(app, &actor, "customer_detail").await, 3, "nothing was erased");
    let receipt = request::receipt(&app.ctx, &actor, id).await.unwrap();
    let open = request::Receipt { signature: String::new(), ..receipt.clone() };
    let key = domain::hex::decode(&receipt.public_key).unwrap();
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key);
    let signature = domain::hex::decode(&receipt.signature).unwrap();
    key.verify(&serde_json::to_vec(&open).unwrap(), &signature).unwrap();
});

both!(restricted_data_is_stored_and_nothing_else, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let id = received(app, &actor, "restriction", customers[0]).await;
    request::decide(&app.ctx, &actor, id, &granted()).await.unwrap();
    // Not billed, not changed by a list, not sent to, not deleted.
    app.clock.set("2027-03-01T10:00:00Z".parse().unwrap());
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let billed = run::start(&app.ctx, &actor, &new).await.unwrap();
    let done = run::continue_run(&app.ctx, &actor, billed, |_| {}).await.unwrap();
    assert_eq!((done.issued_count, done.skipped_count), (1, 1));
    let list = b"Kundenr;Navn;Adresse\n1;Kari Nord;Ny gate 5\n";
    let plan = customer::plan(&app.ctx, &actor, &Input { bytes: list, mode: Mode::Delta }).await.unwrap();
    assert_eq!((plan.changes, plan.summary.counts.skipped), (0, 1));
    assert!(plan.summary.notes.iter().any(|n| n.code == "restricted"));
    let early = request::lift_restriction(&app.ctx, &actor, customers[0], false).await.unwrap_err();
    assert!(early.to_string().contains("tell the person"), "{early}");
    request::lift_restriction(&app.ctx, &actor, customers[0], true).await.unwrap();
    let plan = customer::plan(&app.ctx, &actor, &Input { bytes: list, mode: Mode::Delta }).await.unwrap();
    assert_eq!(plan.changes, 1);
    assert!(request::lift_restriction(&app.ctx, &actor, customers[0], true).await.is_err());
});

both!(what_is_restricted_does_not_leave, async |app: &TestApp| {
    let actor = app.association().await;
    app.product(&actor, "A", "Kontingent", "100").await;
    let list =
        "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n1;Kari Nord;Gata 1;0150;Oslo;kari@kunde.example;A\n";
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    app.bill(&app.ctx, &actor).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let customer = reskontro::store::views::customers(&tx, Uuid::nil(), 1).await.unwrap()[0].id;
    tx.commit().await.unwrap();
    let id = received(app, &actor, "restriction", customer).await;
    request::decide(&app.ctx, &actor, id, &granted()).await.unwrap();
    let before = app.spool();
    assert_eq!(before.len(), 1, "the answer alone");
    delivery::drain(&app.ctx).await.unwrap();
    assert!(letters(app, &before).is_empty());
    let held = app.deliveries(&actor).await;
    assert_eq!((held[0].needs_person, held[0].reason.as_deref()), (true, Some("restricted")));
});

both!(an_objection_stops_marketing_at_once_and_consent_is_as_easy_to_take_back, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let [customer, other, _] = customers[..] else { panic!() };
    let yes = NewConsent {
        purpose: "newsletter".into(),
        channel: "mail".into(),
        text_version: "2026-01".into(),
        given_by: "skjema på nettsiden".into(),
        proof: Some("skjema 77".into()),
    };
    let may = async |customer: Uuid| {
        let (_, standing) = consent::list(&app.ctx, &actor, customer).await.unwrap();
        standing.into_iter().find(|s| s.purpose == "newsletter" && s.channel == "mail").unwrap().may_send
    };
    assert!(!may(customer).await, "silence is no consent");
    consent::give(&app.ctx, &actor, customer, &yes).await.unwrap();
    consent::give(&app.ctx, &actor, other, &yes).await.unwrap();
    assert!(may(customer).await && may(other).await);
    let no = Withdrawal { purpose: Some("newsletter".into()), channel: None };
    consent::withdraw(&app.ctx, &actor, customer, &no).await.unwrap();
    assert!(!may(customer).await);
    // An objection holds from the moment it comes, before anybody has looked at it.
    received(app, &actor, "objection", other).await;
    assert!(!may(other).await);
    let (words, _) = consent::list(&app.ctx, &actor, customer).await.unwrap();
    assert_eq!(words.iter().map(|w| w.act.as_str()).collect::<Vec<_>>(), ["given", "withdrawn"]);
    assert_eq!((words[0].text_version.as_deref(), words[0].proof.as_deref()), (Some("2026-01"), Some("skjema 77")));
});

/// Mails in the folder since, as they are read.
fn letters(app: &TestApp, before: &[std::path::PathBuf]) -> Vec<String> {
    let new = app.spool().into_iter().filter(|path| !before.contains(path));
    new.map(|path| crate::payer::readable(&std::fs::read(path).unwrap())).collect()
}

both!(who_asks_is_mailed_why_it_takes_longer_and_how_it_was_decided_and_where_to_complain, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let asked = async |kind: &str, customer: Uuid| {
        let id = received(app, &actor, kind, customer).await;
        request::identify(&app.ctx, &actor, id, true).await.unwrap();
        id
    };
    let (longer, refused) = (asked("access", customers[0]).await, asked("erasure", customers[1]).await);
    let before = app.spool();
    request::extend(&app.ctx, &actor, longer, "Mange dokumenter").await.unwrap();
    let sent = letters(app, &before);
    let [letter] = &sent[..] else { panic!("{sent:?}") };
    for part in ["kari@kunde.example", "Mange dokumenter", "1. juni 2026", "Datatilsynet", &longer.to_string()] {
        assert!(letter.contains(part), "{part}: {letter}");
    }
    assert!(request::get(&app.ctx, &actor, longer).await.unwrap().extension_told_at.is_some());

    let before = app.spool();
    let grounds = Some("Artikkel 17 (3) b: bokføringsloven § 13".into());
    let done =
        request::decide(&app.ctx, &actor, refused, &Decision { decision: "refused".into(), grounds }).await.unwrap();
    let sent = letters(app, &before);
    let [letter] = &sent[..] else { panic!("{sent:?}") };
    for part in ["ola@kunde.example", "bokføringsloven § 13", "Datatilsynet", "domstolene"] {
        assert!(letter.contains(part), "{part}: {letter}");
    }
    assert!(done.answer_told_at.is_some());

    // Who is erased is told at the address that was there; afterwards the letter is not there any more than the person.
    let before = app.spool();
    let erased = asked("erasure", customers[2]).await;
    let done = request::decide(&app.ctx, &actor, erased, &granted()).await.unwrap();
    assert!(done.answer_told_at.is_some());
    let sent = letters(app, &before);
    assert!(sent.len() == 1 && sent[0].contains("eva@kunde.example") && sent[0].contains("er slettet"), "{sent:?}");
    app.clock.advance(Duration::days(1));
    reskontro::privacy::retention::nightly(&app.ctx, &actor).await.unwrap();
    assert!(letters(app, &before).iter().all(|letter| !letter.contains("eva@")));
});

both!(who_cannot_be_mailed_is_told_by_somebody, async |app: &TestApp| {
    let Billed { actor, .. } = billed(app).await;
    let list = "Kundenr;Navn;Adresse;Postnr;Poststed;Adressesperre\n7;Siri Sperret;Gata 7;0150;Oslo;ja\n";
    app.sync(&actor, list.as_bytes(), Mode::Delta).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let siri = reskontro::store::views::search_customers(&tx, "7", 5).await.unwrap();
    let siri = siri.iter().find(|c| c.number == "7").unwrap().id;
    tx.commit().await.unwrap();
    let before = app.spool();
    let id = received(app, &actor, "complaint", siri).await;
    request::extend(&app.ctx, &actor, id, "Mange dokumenter").await.unwrap();
    let done = request::decide(&app.ctx, &actor, id, &granted()).await.unwrap();
    assert!(letters(app, &before).is_empty());
    assert_eq!((done.extension_told_at, done.answer_told_at), (None, None));
    assert!(done.complain_to.is_some());
});
