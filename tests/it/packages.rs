//! What is handed out: of somebody who signs in, of somebody in the archive, of one person in two capacities; and what is portable.

use crate::api::another;
use crate::erasure::{Billed, billed, count};
use crate::harness::{TestApp, both, cli};
use crate::rights::{asks, received};
use domain::customer::Language;
use domain::privacy::Basis;
use reskontro::privacy::erase;
use reskontro::privacy::explain::Subject;
use reskontro::privacy::reading;
use reskontro::privacy::request;
use reskontro::services::customer::{self, Ending};
use reskontro::services::user::{self, NewUser};
use reskontro::services::{Actor, ActorKind};
use serde_json::{Value, json};
use std::io::{Cursor, Read};
use uuid::Uuid;

/// A package: `data.json`, the page, and the names of its files.
struct Handed {
    data: Value,
    page: String,
    files: Vec<String>,
}

async fn handed(app: &TestApp, actor: &Actor, kind: &str, subject: (&str, Uuid)) -> Handed {
    let id = received(app, actor, &asks(kind, subject.0, subject.1)).await;
    let early = request::zip_of(&app.ctx, actor, id, Language::English).await.unwrap_err();
    assert_eq!(early.code(), Some("not_identified"), "before it is known who asks");
    request::identify(&app.ctx, actor, id, true).await.unwrap();
    let bytes = request::zip_of(&app.ctx, actor, id, Language::English).await.unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let files: Vec<String> = zip.file_names().map(str::to_owned).collect();
    let mut read = |name: &str| {
        let mut text = String::new();
        zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    Handed { data: serde_json::from_str(&read("data.json")).unwrap(), page: read("data.html"), files }
}

/// What a clock says of what is held.
fn held<'a>(of: &'a Handed, rule: &str) -> &'a Value {
    let all = of.data["explained"]["held"].as_array().unwrap();
    all.iter().find(|h| h["rule"] == rule).unwrap_or_else(|| panic!("{rule} in {all:#?}"))
}

const KARI: NewUser<'static> = NewUser { login: "kari@kunde.example", name: "Kari Nord", password: "et langt passord" };

/// Somebody who signs in, and has done and looked at something.
async fn kari_signs_in(app: &TestApp, actor: &Actor, looks_at: Uuid) -> (Uuid, Actor) {
    let id = user::create(&app.ctx, &KARI).await.unwrap();
    user::add_member(&app.ctx, actor, id, "operator").await.unwrap();
    user::sign_in(&app.ctx, KARI.login, KARI.password, None).await.unwrap().unwrap();
    let acts = Actor { kind: ActorKind::User, id: Some(id), ..actor.clone() };
    let change = json!({ "reference": "Avdeling 3" });
    let version = customer::read(&app.ctx, actor, looks_at).await.unwrap().customer.row.version;
    customer::patch(&app.ctx, &acts, looks_at, version, change.as_object().unwrap().clone()).await.unwrap();
    reading::note_now(&app.ctx, &acts, "customer.get", looks_at).await.unwrap();
    (id, acts)
}

both!(somebody_who_signs_in_is_handed_all_that_is_held_of_them, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let (id, _) = kari_signs_in(app, &actor, customers[1]).await;
    let other = NewUser { login: "eva@lag.example", name: "Eva Annen", password: "et annet passord" };
    let other = user::create(&app.ctx, &other).await.unwrap();
    user::add_member(&app.ctx, &actor, other, "owner").await.unwrap();
    // They act for another organisation too, which is no business of this one.
    let elsewhere = another(app).await;
    user::add_member(&app.ctx, &elsewhere, id, "owner").await.unwrap();
    let of = handed(app, &actor, "access", ("user", id)).await;
    let data = &of.data["data"];
    assert_eq!(
        (&data["app_user"][0]["login"], &data["app_user"][0]["name"]),
        (&json!("kari@kunde.example"), &json!("Kari Nord"))
    );
    assert_eq!((data["membership"].as_array().unwrap().len(), &data["membership"][0]["role"]), (1, &json!("operator")));
    assert!(data["user_session"][0]["expires_at"].is_string(), "{data:#}");
    assert_eq!(data["audit_event"][0]["verb"], "customer.changed");
    assert_eq!(data["personal_reading_by_you"][0]["action"], "customer.get");
    assert_eq!(data["privacy_request"][0]["kind"], "access");
    // Why each is held, and until when.
    for rule in ["app_user", "session", "audit_other", "access_log", "privacy_case"] {
        assert!(held(&of, rule)["purpose"].is_string() && !held(&of, rule)["bases"].as_array().unwrap().is_empty());
    }
    assert_eq!(held(&of, "app_user")["state"], "in_use");
    assert!(held(&of, "session")["deletable_on"].is_string() && held(&of, "access_log")["deletable_on"].is_string());
    let text = of.data.to_string();
    for others in ["argon2", "Eva Annen", "Ola", "ola@kunde.example", "Gata", &elsewhere.org.to_string()] {
        assert!(!text.contains(others), "{others} is not theirs to have");
    }
    assert!(of.page.contains("The account") && of.page.contains("whoever gave you access"), "{}", of.page);
    assert!(of.files.iter().any(|f| f == "app_user.csv"), "{:?}", of.files);
    // What they cannot ask the service for is said so.
    let refused = request::receive(&app.ctx, &actor, &asks("restriction", "user", id)).await.unwrap_err();
    assert!(refused.to_string().contains("kind"), "{refused}");
    let stranger = request::receive(&app.ctx, &elsewhere, &asks("access", "user", other)).await.unwrap_err();
    assert_eq!(stranger.code(), Some("not_found"), "another organisation's user");
    // Erased, the requests name nobody.
    erase::erase(&app.ctx, &actor, Subject::User(id)).await.unwrap();
    let open = "privacy_request WHERE subject_kind = 'user' AND wish IS NOT NULL";
    assert_eq!(count(app, &actor, open).await, 0);
});

both!(somebody_in_the_archive_is_handed_what_it_keeps_and_until_when, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let of = handed(app, &actor, "access", ("customer", customers[0])).await;
    let data = &of.data["data"];
    assert_eq!(
        (&data["archive_customer"][0]["name"], &data["archive_customer"][0]["number"]),
        (&json!("Kari Nord"), &json!("1"))
    );
    let text = data.to_string();
    for kept in ["Gata 1", "Kontingent", "10000"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    for table in ["archive_party", "archive_text", "invoice", "payment", "ledger_entry"] {
        assert!(data[table].as_array().is_some_and(|rows| !rows.is_empty()), "{table} in {data:#}");
    }
    for gone in ["kari@kunde.example", "+4790000001", "Liv Nord", "Ola"] {
        assert!(!of.data.to_string().contains(gone), "{gone} is erased, or somebody else");
    }
    for rule in ["customer_core", "issued_document"] {
        assert_eq!(
            (&held(&of, rule)["deletable_on"], &held(&of, rule)["bases"]),
            (&json!("2032-01-01"), &json!(["legal_duty"]))
        );
    }
    assert!(of.page.contains("In the statutory archive") && of.page.contains("1 January 2032"), "{}", of.page);
    // Whoever looked into the archive for it, and why, is kept.
    let why = "personal_reading WHERE action = 'archive.read' AND reason LIKE 'request %, GDPR article 15'";
    assert_eq!(count(app, &actor, why).await, 1);
    // No address is kept that a code could go to; the number still finds them.
    let id = received(app, &actor, &asks("access", "customer", customers[0])).await;
    assert_eq!(request::send_code(&app.ctx, &actor, id).await.unwrap_err().code(), Some("no_address"));
    assert!(cli(app, &["privacy", "requests", "receive", "access", "customer", "1"]).contains("to be answered by"));
    // What the law alone is the ground of is nothing to take along.
    let portable = handed(app, &actor, "portability", ("customer", customers[0])).await;
    assert!(!portable.data["data"].to_string().contains("Kari Nord"), "{:#}", portable.data["data"]);
});

both!(name_and_number_are_portable_while_the_agreement_lasts, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let of = handed(app, &actor, "portability", ("customer", customers[0])).await;
    let core = &of.data["data"]["customer_core"][0];
    assert_eq!((&core["name"], &core["number"]), (&json!("Kari Nord"), &json!("1")));
    assert!(of.files.iter().any(|f| f == "customer_core.csv"), "{:?}", of.files);
    for table in ["customer_detail", "invoice", "invoice_text", "payment"] {
        assert!(of.data["data"][table].is_array(), "{table}");
    }
    assert!(of.data["data"]["ledger_entry"].is_null(), "the ledger rests on law alone");
    for rule in ["customer_core", "issued_document", "payment"] {
        assert_eq!(held(&of, rule)["bases"], json!(["contract", "legal_duty"]), "{rule}");
    }
    assert_eq!(held(&of, "customer_master")["bases"], json!(["contract"]));
    let grounds = [Basis::Contract, Basis::LegalDuty].map(|b| render::privacy::basis(b, Language::English)).join("; ");
    assert!(of.page.contains(&grounds), "{grounds}: {}", of.page);
    // The relationship over, the law alone keeps them.
    let ending = Ending { reason: "sluttet".into(), ended_on: None };
    customer::end(&app.ctx, &actor, customers[0], &ending).await.unwrap();
    let of = handed(app, &actor, "portability", ("customer", customers[0])).await;
    assert!(
        of.data["data"]["customer_core"].is_null() && of.data["data"]["invoice"].is_null(),
        "{:#}",
        of.data["data"]
    );
    assert!(
        of.data["data"]["customer_detail"].is_array(),
        "what is not the law's is portable for as long as it is there"
    );
    assert_eq!(held(&of, "issued_document")["bases"], json!(["legal_duty"]));
    let access = handed(app, &actor, "access", ("customer", customers[0])).await;
    assert_eq!(access.data["data"]["customer_core"][0]["name"], "Kari Nord", "access has it all the same");
});

both!(one_person_in_two_capacities_is_erased_in_one_and_stays_in_the_other, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let (id, _) = kari_signs_in(app, &actor, customers[1]).await;
    // Two packages that hold nothing of each other.
    let as_user = handed(app, &actor, "access", ("user", id)).await.data["data"].to_string();
    let as_customer = handed(app, &actor, "access", ("customer", customers[0])).await.data["data"].to_string();
    assert!(
        as_user.contains("operator") && !as_user.contains("Gata 1") && !as_user.contains("Kontingent"),
        "{as_user}"
    );
    assert!(
        as_customer.contains("Gata 1") && !as_customer.contains("password") && !as_customer.contains("\"login\""),
        "{as_customer}"
    );
    // Erased as a customer, they sign in as before.
    erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    assert_eq!(count(app, &actor, "customer_detail WHERE email = 'kari@kunde.example'").await, 0);
    assert!(user::sign_in(&app.ctx, KARI.login, KARI.password, None).await.unwrap().is_ok());
    assert_eq!(count(app, &actor, "app_user WHERE login = 'kari@kunde.example'").await, 1);
    // Erased as a user, somebody stays a customer.
    let eva = NewUser { login: "eva@kunde.example", name: "Eva Vest", password: "et tredje passord" };
    let eva = user::create(&app.ctx, &eva).await.unwrap();
    user::add_member(&app.ctx, &actor, eva, "viewer").await.unwrap();
    erase::erase(&app.ctx, &actor, Subject::User(eva)).await.unwrap();
    assert_eq!(count(app, &actor, "app_user WHERE login = 'eva@kunde.example'").await, 0);
    assert_eq!(count(app, &actor, "customer_core WHERE name = 'Eva Vest'").await, 1);
    assert_eq!(customer::read(&app.ctx, &actor, customers[2]).await.unwrap().customer.row.status, "active");
});
