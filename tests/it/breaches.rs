//! The register of breaches: the 72 hours, whom a breach concerns, letters, notices, and when each part goes.

use crate::api::{Api, key};
use crate::erasure::{Billed, billed, count};
use crate::harness::{TestApp, both};
use chrono::Duration;
use domain::customer::Language;
use formats::customer_list::Mode;
use reqwest::{Method, StatusCode};
use reskontro::privacy::affected::{self, Search};
use reskontro::privacy::breach::{self, Facts, Notified};
use reskontro::privacy::certificate::Fate;
use reskontro::privacy::erase;
use reskontro::privacy::explain::Subject;
use reskontro::privacy::reading::{self, About};
use reskontro::privacy::retention::{self, Item};
use reskontro::services::access::{self, Scope};
use reskontro::services::customer::{self, NewContact};
use reskontro::services::invoice::{self, NewDraft};
use reskontro::services::{Actor, ActorKind};
use reskontro::store::views;
use serde_json::json;
use std::io::Cursor;
use uuid::Uuid;

fn facts() -> Facts {
    Facts {
        what: Some("En nøkkel til programmet kom på avveie.".into()),
        categories: Some("navn, adresse, e-post og fakturaer".into()),
        cause: Some("Nøkkelen lå i et delt dokument.".into()),
        consequences: Some("Noen kan sende deg falske fakturaer.".into()),
        measures: Some("Nøkkelen er stengt. Sjekk kontonummeret før du betaler.".into()),
        risk: Some("high".into()),
        ..Facts::default()
    }
}

async fn opened(app: &TestApp, actor: &Actor) -> Uuid {
    breach::open(&app.ctx, actor, &facts()).await.unwrap()
}

fn given(customers: &[Uuid]) -> Search {
    Search { customer_ids: customers.to_vec(), ..Search::default() }
}

async fn told(app: &TestApp, actor: &Actor, id: Uuid, to: &str) {
    breach::notified(&app.ctx, actor, id, &Notified { to: Some(to.into()), ..Notified::default() }).await.unwrap();
}

both!(the_authority_is_told_within_72_hours_or_with_a_reason, async |app: &TestApp| {
    let Billed { actor, .. } = billed(app).await;
    let noticed = "2026-03-01T10:00:00Z".parse().unwrap();
    app.clock.set("2026-03-01T12:30:00Z".parse().unwrap());
    let id = breach::open(&app.ctx, &actor, &Facts { noticed_at: Some(noticed), ..facts() }).await.unwrap();
    let case = async || breach::get(&app.ctx, &actor, id).await.unwrap();
    let first = case().await;
    assert_eq!((first.due_at, first.hours_left), (noticed + Duration::hours(72), Some(69)));
    assert_eq!(first.to_do, ["tell_controller", "notify_authority", "note_people"]);
    // Warned at 48 and 24 hours left and when none is: once each, however often it is looked at.
    let warned = async |at: &str| {
        app.clock.set(at.parse().unwrap());
        for _ in 0..2 {
            breach::watch_all(&app.ctx).await.unwrap();
        }
        count(app, &actor, "audit_event WHERE verb = 'breach.due'").await
    };
    assert_eq!(warned("2026-03-01T13:00:00Z").await, 0);
    assert_eq!(warned("2026-03-02T11:00:00Z").await, 1);
    assert_eq!(warned("2026-03-03T11:00:00Z").await, 2);
    assert_eq!(warned("2026-03-04T11:00:00Z").await, 3);
    assert_eq!(case().await.hours_left, Some(-1));
    let late = breach::notified(&app.ctx, &actor, id, &Notified::default()).await.unwrap_err();
    assert!(late.to_string().contains("72 hours"), "{late}");
    let reasoned = Notified {
        reference: Some("26/00123".into()),
        late_because: Some("Vi forsto ikke omfanget.".into()),
        ..Notified::default()
    };
    breach::notified(&app.ctx, &actor, id, &reasoned).await.unwrap();
    let settled = case().await;
    assert_eq!((settled.hours_left, settled.authority_reference.as_deref()), (None, Some("26/00123")));
    assert_eq!(warned("2026-03-05T11:00:00Z").await, 3, "the clock no longer runs");
});

both!(a_case_is_closed_when_nothing_is_left_to_do, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let id = opened(app, &actor).await;
    let refused = breach::close(&app.ctx, &actor, id).await.unwrap_err();
    assert_eq!(refused.code(), Some("not_settled"));
    let unreasonable = Facts { not_notified_because: Some("Vi rekker det ikke.".into()), ..Facts::default() };
    let version = breach::get(&app.ctx, &actor, id).await.unwrap().version;
    assert!(breach::patch(&app.ctx, &actor, id, version, &unreasonable).await.is_err(), "there is a risk");
    told(app, &actor, id, "controller").await;
    told(app, &actor, id, "authority").await;
    affected::search(&app.ctx, &actor, id, &given(&customers[..1])).await.unwrap();
    assert_eq!(breach::get(&app.ctx, &actor, id).await.unwrap().to_do, ["inform_people"]);
    affected::send(&app.ctx, &actor, id, true).await.unwrap();
    breach::close(&app.ctx, &actor, id).await.unwrap();
    assert_eq!(breach::close(&app.ctx, &actor, id).await.unwrap_err().code(), Some("already_closed"));
    // Unlikely a risk: nobody is told, with the reason.
    let harmless =
        Facts { risk: Some("none".into()), not_notified_because: Some("Filen var kryptert.".into()), ..facts() };
    let harmless = breach::open(&app.ctx, &actor, &harmless).await.unwrap();
    told(app, &actor, harmless, "controller").await;
    breach::close(&app.ctx, &actor, harmless).await.unwrap();
    assert!(breach::list(&app.ctx, &actor, true).await.unwrap().is_empty());
    assert_eq!(breach::list(&app.ctx, &actor, false).await.unwrap().len(), 2);
    for wrong in [
        Facts::default(),
        Facts { risk: Some("stor".into()), ..facts() },
        Facts { noticed_at: Some(app.ctx.now() + Duration::hours(1)), ..facts() },
        Facts { what: Some(" ".into()), ..facts() },
    ] {
        assert!(breach::open(&app.ctx, &actor, &wrong).await.is_err(), "{wrong:?}");
    }
});

both!(whom_a_key_has_read_or_touched_in_a_window_is_reckoned, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    let stolen = access::create_key(&app.ctx, &actor, "stjålet", Scope::Admin, None).await.unwrap();
    let thief = access::authenticate(&app.ctx, &stolen.text, None).await.unwrap().0;
    let contact = NewContact { name: "Siv Vest".into(), role: None, email: None, phone: None };
    let contact = customer::add_contact(&app.ctx, &actor, customers[2], &contact).await.unwrap();
    let at = |text: &str| app.clock.set(text.parse().unwrap());
    at("2026-03-10T08:00:00Z");
    reading::note(&app.ctx, &thief, "customer.get", customers[0]).await.unwrap();
    at("2026-03-11T08:00:00Z");
    reading::note(&app.ctx, &thief, "invoice.pdf", reading::of_invoice(invoices[1])).await.unwrap();
    reading::note(&app.ctx, &actor, "customer.get", customers[2]).await.unwrap();
    at("2026-03-13T08:00:00Z");
    let id = opened(app, &actor).await;
    let search = async |from: &str, until: &str, who: Option<Uuid>| {
        let search = Search {
            actor_id: who,
            from_at: Some(from.parse().unwrap()),
            until_at: Some(until.parse().unwrap()),
            ..Search::default()
        };
        affected::search(&app.ctx, &actor, id, &search).await.unwrap()
    };
    let found = search("2026-03-11T00:00:00Z", "2026-03-12T00:00:00Z", thief.id).await;
    assert_eq!((found.added, found.people, found.unlisted_reads), (1, 1, 0));
    let named = affected::list(&app.ctx, &actor, id, Uuid::nil(), 10).await.unwrap();
    assert_eq!((named[0].customer_id, named[0].found_by.as_str()), (customers[1], "reads"));
    // A wider window adds the other, and takes nobody away; again adds nobody.
    let wide = ("2026-03-01T00:00:00Z", "2026-03-12T00:00:00Z");
    assert_eq!(search(wide.0, wide.1, thief.id).await.added, 1);
    assert_eq!(search(wide.0, wide.1, thief.id).await.added, 0);
    // What the thief has done counts as what was read; a contact person stands for the customer.
    at("2026-03-14T08:00:00Z");
    let draft = NewDraft {
        customer_id: customers[2],
        ..serde_json::from_value(json!({ "customer_id": customers[2], "lines": [] })).unwrap()
    };
    let drafted = invoice::create_draft(&app.ctx, &thief, &draft).await;
    assert!(drafted.is_ok(), "{:?}", drafted.err());
    let found = search("2026-03-13T12:00:00Z", "2026-03-15T00:00:00Z", thief.id).await;
    assert_eq!((found.added, found.people), (1, 3));
    let other = breach::open(&app.ctx, &actor, &facts()).await.unwrap();
    at("2026-03-15T08:00:00Z");
    reading::note(&app.ctx, &thief, "contacts.list", contact).await.unwrap();
    let by_contact = Search {
        actor_id: thief.id,
        from_at: Some("2026-03-15T00:00:00Z".parse().unwrap()),
        until_at: Some("2026-03-16T00:00:00Z".parse().unwrap()),
        ..Search::default()
    };
    assert_eq!(affected::search(&app.ctx, &actor, other, &by_contact).await.unwrap().people, 1);
    assert!(affected::search(&app.ctx, &actor, other, &given(&[contact])).await.is_err(), "a contact is no customer");
    // A list too long to name anybody says that more are concerned.
    at("2026-03-16T08:00:00Z");
    reading::note(&app.ctx, &thief, "customers.list", About::Many(5_000)).await.unwrap();
    assert_eq!(search("2026-03-16T00:00:00Z", "2026-03-17T00:00:00Z", thief.id).await.unlisted_reads, 1);
    let everybody = Search { everybody: true, ..Search::default() };
    assert_eq!(affected::search(&app.ctx, &actor, other, &everybody).await.unwrap().people, 3);
    // One way at a time; nobody unknown, and nobody of another organisation.
    assert!(affected::search(&app.ctx, &actor, other, &Search::default()).await.is_err());
    assert!(affected::search(&app.ctx, &actor, other, &given(&[Uuid::from_u128(1)])).await.is_err());
    let neighbour = crate::api::another(app).await;
    assert!(affected::search(&app.ctx, &neighbour, id, &everybody).await.is_err());
});

both!(letters_go_by_mail_in_the_persons_language_and_on_paper_to_the_rest, async |app: &TestApp| {
    let actor = app.association().await;
    let list = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Språk;Adressesperre\n\
        1;Kari Nord;Gata 1;0150;Oslo;kari@kunde.example;nn;\n2;Ola Sør;Gata 2;0150;Oslo;;;\n\
        3;Eva Vest;Gata 3;0150;Oslo;;;ja\n";
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let customers = views::customers(&tx, Uuid::nil(), 10).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(customers.len(), 3);
    let bare = Facts { what: Some("En fil ble sendt feil.".into()), ..Facts::default() };
    let id = breach::open(&app.ctx, &actor, &bare).await.unwrap();
    let everybody = Search { everybody: true, ..Search::default() };
    affected::search(&app.ctx, &actor, id, &everybody).await.unwrap();
    let incomplete = affected::send(&app.ctx, &actor, id, true).await.unwrap_err();
    assert_eq!(incomplete.code(), Some("letter_incomplete"));
    let version = breach::get(&app.ctx, &actor, id).await.unwrap().version;
    breach::patch(&app.ctx, &actor, id, version, &facts()).await.unwrap();
    let seen = affected::send(&app.ctx, &actor, id, false).await.unwrap();
    assert!(app.spool().is_empty(), "it only counts");
    let sent = affected::send(&app.ctx, &actor, id, true).await.unwrap();
    assert_eq!(seen, sent);
    assert_eq!((sent.mailed, sent.to_post, sent.unreachable, sent.waiting), (1, 1, 1, 0));
    let mail = crate::payer::readable(&std::fs::read(app.spool().remove(0)).unwrap());
    for part in [
        "kari@kunde.example",
        "Opplysningar om deg kan ha kome på avvege",
        "En nøkkel til programmet kom på avveie.",
        "falske fakturaer",
        "Sjekk kontonummeret",
        "Datatilsynet",
    ] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    assert!(!mail.contains("Gata 1"), "a mail needs no postal address");
    // On paper, with the address; the protected identity is told in no letter.
    let letters = affected::to_post(&app.ctx, &actor, id).await.unwrap();
    let text = render::paper::text(&letters[0].paper);
    assert_eq!((letters.len(), letters[0].number.as_str()), (1, "2"));
    assert!(text.contains("Ola Sør") && text.contains("Gata 2") && text.contains("på avveie"), "{text}");
    let mut zip = zip::ZipArchive::new(Cursor::new(affected::zip(&letters).unwrap())).unwrap();
    assert!(zip.by_name("2.pdf").is_ok() && zip.by_name("2.html").is_ok());
    // Again mails nobody twice; posted, one cannot be reached, and that needs its reason.
    assert_eq!(affected::send(&app.ctx, &actor, id, true).await.unwrap().mailed, 0);
    assert_eq!((affected::posted(&app.ctx, &actor, id).await.unwrap(), app.spool().len()), (1, 1));
    let case = breach::get(&app.ctx, &actor, id).await.unwrap();
    assert_eq!((case.people_told, case.persons_informed_at), (Some(2), None));
    assert!(case.to_do.contains(&"inform_people"));
    let public = Facts { not_informed_because: Some("Kunngjort på nettsiden.".into()), ..Facts::default() };
    breach::patch(&app.ctx, &actor, id, case.version, &public).await.unwrap();
    assert!(!breach::get(&app.ctx, &actor, id).await.unwrap().to_do.contains(&"inform_people"));
});

both!(the_drafts_hold_what_the_law_asks_for_and_name_nobody, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let id = opened(app, &actor).await;
    affected::search(&app.ctx, &actor, id, &given(&customers)).await.unwrap();
    let drafted = async |to: &str, language: Language| {
        render::paper::text(&breach::draft(&app.ctx, &actor, id, to, language).await.unwrap())
    };
    let text = drafted("authority", Language::Bokmal).await;
    for part in
        ["antall: 3", "navn, adresse", "falske fakturaer", "stengt", "Kontaktpunkt", "delt dokument", "4. mars 2026"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("Kari") && !text.contains("kari@"), "{text}");
    assert!(drafted("controller", Language::English).await.contains("processor"));
    assert!(breach::draft(&app.ctx, &actor, id, "avisen", Language::Bokmal).await.is_err());
});

fn of<'a>(items: &'a [Item], what: &str) -> &'a Item {
    items.iter().find(|i| i.what == what).unwrap_or_else(|| panic!("{what}: {items:?}"))
}

both!(
    the_list_of_people_goes_after_a_year_the_case_after_five_and_an_open_case_keeps_the_log,
    async |app: &TestApp| {
        let Billed { actor, customers, .. } = billed(app).await;
        let plan = async || {
            let id = retention::plan(&app.ctx, &actor).await.unwrap();
            retention::get(&app.ctx, &actor, id).await.unwrap().items
        };
        let reader = Actor { kind: ActorKind::User, id: Some(Uuid::from_u128(5)), ..actor.clone() };
        reading::note_now(&app.ctx, &reader, "customer.get", customers[0]).await.unwrap();
        let id = opened(app, &actor).await;
        affected::search(&app.ctx, &actor, id, &given(&customers)).await.unwrap();
        affected::send(&app.ctx, &actor, id, true).await.unwrap();
        told(app, &actor, id, "controller").await;
        told(app, &actor, id, "authority").await;
        app.clock.set("2026-06-01T10:00:00Z".parse().unwrap());
        let items = plan().await;
        let reads = of(&items, "reads of personal data");
        assert_eq!((reads.due, reads.held), (0, 1), "an open case keeps what may answer it");
        retention::nightly(&app.ctx, &actor).await.unwrap();
        assert_eq!(count(app, &actor, "personal_reading").await, 1);
        breach::close(&app.ctx, &actor, id).await.unwrap();
        retention::nightly(&app.ctx, &actor).await.unwrap();
        assert_eq!(count(app, &actor, "personal_reading").await, 0);

        app.clock.set("2027-02-28T10:00:00Z".parse().unwrap());
        assert_eq!(of(&plan().await, "people concerned by breaches").due, 0);
        app.clock.set("2027-03-01T10:00:00Z".parse().unwrap());
        assert_eq!(of(&plan().await, "people concerned by breaches").due, 3);
        retention::nightly(&app.ctx, &actor).await.unwrap();
        assert_eq!(count(app, &actor, "breach_person").await, 0);
        let case = breach::get(&app.ctx, &actor, id).await.unwrap();
        assert_eq!((case.people, case.people_told), (3, None), "the number stays");
        app.clock.set("2031-05-31T10:00:00Z".parse().unwrap());
        retention::nightly(&app.ctx, &actor).await.unwrap();
        assert_eq!(count(app, &actor, "breach").await, 1);
        app.clock.set("2031-06-03T10:00:00Z".parse().unwrap());
        retention::nightly(&app.ctx, &actor).await.unwrap();
        assert_eq!(count(app, &actor, "breach").await, 0);
    }
);

both!(who_is_erased_stays_on_the_list_by_id_until_its_time_and_is_written_to_no_more, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let id = opened(app, &actor).await;
    affected::search(&app.ctx, &actor, id, &given(&customers[..1])).await.unwrap();
    let case = erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let part = case.parts.iter().find(|p| p.what == "named as concerned by a breach").unwrap();
    assert_eq!((part.fate, part.count), (Fate::KeptOtherwise, 1));
    assert_eq!(count(app, &actor, "breach_person").await, 1);
    let sent = affected::send(&app.ctx, &actor, id, true).await.unwrap();
    assert_eq!((sent.mailed, sent.to_post, sent.unreachable), (0, 0, 1));
});

both!(the_register_over_http, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let (admin, writer) = (key(app, &actor, Scope::Admin).await, key(app, &actor, Scope::Write).await);
    let api = Api::serve(app).await;
    let base = "/api/v1/privacy/breaches";
    let (status, _) = api.send(Method::GET, base, Some(&writer), None).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let body =
        json!({ "what": "En fil ble sendt feil.", "risk": "high", "consequences": "Svindel.", "measures": "Slettet." });
    let (status, made) = api.send(Method::POST, base, Some(&admin), Some(&body)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let case = format!("{base}/{}", made["id"].as_str().unwrap());
    let post = async |path: &str, body: serde_json::Value| {
        let (status, answer) = api.send(Method::POST, &format!("{case}{path}"), Some(&admin), Some(&body)).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    };
    let seen = api.client.get(format!("{}{case}", api.base)).bearer_auth(&admin).send().await.unwrap();
    let tag = seen.headers()["etag"].clone();
    assert_eq!(seen.json::<serde_json::Value>().await.unwrap()["hours_left"], 72);
    let patch = async |tag: &reqwest::header::HeaderValue| {
        let request = api.client.patch(format!("{}{case}", api.base)).bearer_auth(&admin).header("If-Match", tag);
        request.json(&json!({ "cause": "Feil mottaker." })).send().await.unwrap().status()
    };
    assert_eq!(patch(&tag).await, StatusCode::NO_CONTENT);
    assert_eq!(patch(&tag).await, StatusCode::PRECONDITION_FAILED);
    assert_eq!(post("/persons", json!({ "customer_ids": [customers[0]] })).await["people"], 1);
    assert_eq!(post("/letters", json!({})).await["mailed"], 1);
    assert_eq!(post("/letters", json!({ "send": true })).await["mailed"], 1);
    assert_eq!(post("/letters/posted", json!({})).await["posted"], 0);
    post("/notified", json!({ "to": "controller" })).await;
    post("/notified", json!({ "reference": "26/1" })).await;
    let (status, page) = api.send(Method::GET, &format!("{case}/draft?language=en"), Some(&admin), None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.as_str().unwrap().contains("Feil mottaker."), "{page}");
    post("/close", json!({})).await;
    let (_, open) = api.send(Method::GET, base, Some(&admin), None).await;
    assert_eq!(open, json!([]));
});
