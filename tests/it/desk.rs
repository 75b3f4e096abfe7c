//! The desk of privacy in the console: requests are sorted, identified and decided, somebody is erased, plans are carried out, by
//! those who may.

use crate::console::{Browser, PASSWORD, person};
use crate::erasure::{Billed, billed, count};
use crate::harness::{TestApp, both, one_of_a};
use reskontro::privacy::policy::{self, NewPolicy};
use reskontro::privacy::reading;
use reskontro::privacy::request::{self, NewRequest};
use reskontro::services::Actor;
use reskontro::services::invoice::create_draft;
use uuid::Uuid;

const DESK: &str = "/console/privacy";

async fn page(browser: &mut Browser, path: &str) -> (u16, String) {
    let answer = browser.get(path).await;
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Posts a form with the session's token; where it leads, or the status.
async fn post(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Result<String, u16> {
    let csrf = browser.token(DESK).await;
    let mut all = vec![("csrf", csrf.as_str())];
    all.extend_from_slice(fields);
    let answer = browser.post(path, &all).await;
    match answer.headers().get("location") {
        Some(to) => Ok(to.to_str().unwrap().to_owned()),
        None => Err(answer.status().as_u16()),
    }
}

async fn signed_in(app: &TestApp, actor: &Actor, role: &str) -> Browser {
    person(app, actor, role, role).await;
    signed_in_again(app, role).await
}

async fn signed_in_again(app: &TestApp, role: &str) -> Browser {
    let mut browser = Browser::at(&app.ctx).await;
    assert_eq!(browser.sign_in(role, PASSWORD).await, 303);
    browser
}

async fn asked(app: &TestApp, actor: &Actor, kind: &str, customer: Uuid) -> Uuid {
    let new = NewRequest {
        kind: kind.into(),
        subject_kind: "customer".into(),
        subject_id: customer,
        channel: "operator".into(),
        received_on: None,
        wish: Some("Hva har dere <om> meg?".into()),
    };
    request::receive(&app.ctx, actor, &new).await.unwrap()
}

both!(a_request_is_identified_extended_and_answered_on_the_desk, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let id = asked(app, &actor, "access", customers[0]).await;
    let mut owner = signed_in(app, &actor, "owner").await;
    let (status, desk) = page(&mut owner, DESK).await;
    assert_eq!(status, 200);
    for part in ["1 henvendelse venter", "Kari Nord", "kunde 1", "Innsyn", "Venter på bekreftelse", "30 dager igjen"] {
        assert!(desk.contains(part), "{part}: {desk}");
    }
    let here = format!("{DESK}/requests/{id}");
    let (_, shown) = page(&mut owner, &here).await;
    assert!(
        shown.contains("Hva har dere &#60;om&#62; meg?") || shown.contains("Hva har dere &lt;om&gt; meg?"),
        "{shown}"
    );
    // Nothing is handed out before it is known who asks.
    assert_eq!(post(&mut owner, &format!("{here}/grant"), &[]).await, Err(409));
    assert_eq!(post(&mut owner, &format!("{here}/extend"), &[("reason", " ")]).await, Err(409));
    let back = format!("{here}?saved=1");
    assert_eq!(post(&mut owner, &format!("{here}/extend"), &[("reason", "Mange bilag")]).await, Ok(back.clone()));
    assert_eq!(post(&mut owner, &format!("{here}/identify"), &[]).await, Ok(back.clone()));
    let (_, ready) = page(&mut owner, &here).await;
    assert!(ready.contains("Klar til avgjørelse") && ready.contains("Mange bilag"), "{ready}");
    assert_eq!(post(&mut owner, &format!("{here}/grant"), &[]).await, Ok(back));
    let package = owner.get(&format!("{here}/package")).await;
    assert_eq!(package.headers()["content-type"], "application/zip");
    assert!(page(&mut owner, DESK).await.1.contains("Ingen henvendelser venter"));
    assert!(page(&mut owner, &format!("{DESK}?all=1")).await.1.contains("Besvart"));
    reading::write(&app.ctx).await.unwrap();
    let read =
        "personal_reading WHERE actor_kind = 'user' AND action IN ('requests.list', 'request.get', 'request.package')";
    assert!(count(app, &actor, read).await >= 3, "who looked is logged");
});

both!(what_nobody_could_place_is_sorted_and_what_is_not_due_is_refused_with_a_ground, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let id = asked(app, &actor, "complaint", customers[1]).await;
    let mut owner = signed_in(app, &actor, "owner").await;
    let here = format!("{DESK}/requests/{id}");
    let sorted = [("kind", "rectification"), ("number", "1")];
    assert!(post(&mut owner, &format!("{here}/sort"), &sorted).await.is_ok());
    let row = request::get(&app.ctx, &actor, id).await.unwrap();
    assert_eq!((row.kind.as_str(), row.subject_id), ("rectification", Some(customers[0])));
    let nobody = [("kind", "access"), ("number", "999")];
    assert_eq!(post(&mut owner, &format!("{here}/sort"), &nobody).await, Err(409));
    assert_eq!(post(&mut owner, &format!("{here}/refuse"), &[("grounds", "")]).await, Err(409));
    assert!(post(&mut owner, &format!("{here}/refuse"), &[("grounds", "artikkel 12 (5)")]).await.is_ok());
    let (_, shown) = page(&mut owner, &here).await;
    assert!(shown.contains("Avslått") && shown.contains("artikkel 12 (5)") && !shown.contains("/grant"), "{shown}");
});

both!(an_erasure_is_looked_at_asked_about_and_certified, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let mut owner = signed_in(app, &actor, "owner").await;
    let csrf = owner.token(DESK).await;
    let look = owner.post(&format!("{DESK}/erasures/look"), &[("csrf", &csrf), ("number", "1")]).await;
    assert_eq!(look.status(), 200);
    let question = look.text().await.unwrap();
    for part in [
        "Vil du slette opplysningene om Kari Nord?",
        "Slettes nå",
        "Beholdes etter loven",
        "til 1.\u{a0}jan.\u{a0}2032",
    ] {
        assert!(question.contains(part), "{part}: {question}");
    }
    assert_eq!(count(app, &actor, "privacy_erasure").await, 0, "it only looks");
    let nobody = owner.post(&format!("{DESK}/erasures/look"), &[("csrf", &csrf), ("number", "999")]).await;
    assert!(nobody.text().await.unwrap().contains("Det finnes ingen kunde med dette nummeret."));
    let customer = customers[0].to_string();
    let to = post(&mut owner, &format!("{DESK}/erasures"), &[("customer", &customer)]).await.unwrap();
    let (status, certificate) = page(&mut owner, &to).await;
    assert!(status == 200 && certificate.contains("Slettet") && !certificate.contains("Kari"), "{certificate}");
    let pdf = owner.get(&format!("{}/certificate", to.split('?').next().unwrap())).await;
    assert_eq!(pdf.headers()["content-type"], "application/pdf");
    assert!(pdf.bytes().await.unwrap().starts_with(b"%PDF"));
});

both!(a_plan_is_made_looked_at_and_carried_out, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let mut owner = signed_in(app, &actor, "owner").await;
    let plan = async |owner: &mut Browser| {
        let to = post(owner, &format!("{DESK}/plans"), &[]).await.unwrap();
        let shown = page(owner, &to).await.1;
        (to.split('?').next().unwrap().to_owned(), shown)
    };
    let (_, empty) = plan(&mut owner).await;
    assert!(empty.contains("Ingenting har nådd fristen sin.") && !empty.contains("/run\""), "{empty}");
    // A draft forgotten, and a policy nobody has approved yet: looked at, and nothing goes.
    create_draft(&app.ctx, &actor, &one_of_a(customers[2])).await.unwrap();
    app.clock.advance(chrono::Duration::days(31));
    let changes = serde_json::json!({"rules": {"draft": {"period": "P30D"}}});
    let new = NewPolicy { preset: "association-billing".into(), changes, valid_from: None };
    policy::publish(&app.ctx, &actor, &new).await.unwrap();
    let mut owner = signed_in_again(app, "owner").await;
    let (dry, shown) = plan(&mut owner).await;
    assert!(shown.contains("Ikke godkjent: ingenting slettes") && shown.contains("Fakturautkast"), "{shown}");
    assert_eq!(post(&mut owner, &format!("{dry}/run"), &[]).await, Err(409));
    assert_eq!(count(app, &actor, "invoice_draft").await, 1);
    let version = policy::current(&app.ctx, &actor).await.unwrap().version_no.to_string();
    assert!(post(&mut owner, &format!("{dry}/approve"), &[("version", &version)]).await.is_ok());
    let (planned, _) = plan(&mut owner).await;
    assert_eq!(post(&mut owner, &format!("{planned}/run"), &[]).await, Ok(format!("{planned}?saved=1")));
    assert_eq!(count(app, &actor, "invoice_draft").await, 0);
    assert!(page(&mut owner, &planned).await.1.contains("Gjennomført"));
    assert!(page(&mut owner, DESK).await.1.contains("Sletteplan"));
});

both!(who_looks_decides_nothing_and_a_form_from_elsewhere_does_nothing, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let id = asked(app, &actor, "erasure", customers[0]).await;
    request::identify(&app.ctx, &actor, id, true).await.unwrap();
    let request = format!("{DESK}/requests/{id}");
    let customer = customers[0].to_string();
    let owners = [
        (format!("{request}/grant"), vec![]),
        (format!("{request}/refuse"), vec![("grounds", "artikkel 12 (5)")]),
        (format!("{DESK}/erasures"), vec![("customer", customer.as_str())]),
        (format!("{DESK}/erasures/look"), vec![("number", "1")]),
    ];
    for role in ["viewer", "operator"] {
        let mut browser = signed_in(app, &actor, role).await;
        let (status, shown) = page(&mut browser, &request).await;
        assert!(status == 200 && shown.contains("Bare en eier avgjør"), "{role}: {shown}");
        for (path, fields) in &owners {
            assert_eq!(post(&mut browser, path, fields).await, Err(403), "{role} {path}");
        }
        assert_eq!(browser.get(&format!("{request}/package")).await.status(), 403, "{role}");
        let extended = post(&mut browser, &format!("{request}/extend"), &[("reason", "x")]).await;
        assert_eq!(extended.is_ok(), role == "operator", "{role}: {extended:?}");
    }
    let mut owner = signed_in(app, &actor, "owner").await;
    for (path, fields) in &owners {
        let mut forged = vec![("csrf", "x")];
        forged.extend_from_slice(fields);
        let answer = owner.post(path, &forged).await;
        assert!(answer.headers()["location"].to_str().unwrap().starts_with("/console/sign-in"), "{path}");
    }
    assert_eq!(request::get(&app.ctx, &actor, id).await.unwrap().state, "in_progress");
    // Another organisation's is not there.
    let neighbour = crate::api::another(app).await;
    person(app, &neighbour, "nabo", "owner").await;
    let mut nabo = Browser::at(&app.ctx).await;
    nabo.sign_in("nabo", PASSWORD).await;
    assert_eq!(page(&mut nabo, &request).await.0, 404);
    assert_eq!(post(&mut nabo, &format!("{request}/grant"), &[]).await, Err(404));
});
