//! The privacy statement, the records and the cookies, made from the policy and what is stored.

use crate::api::{Api, key};
use crate::harness::{TestApp, both};
use domain::customer::Language;
use domain::privacy::RuleId;
use reqwest::{Method, StatusCode};
use reskontro::privacy::cookies::COOKIES;
use reskontro::privacy::policy::{self, NewPolicy};
use reskontro::privacy::statement::{self, NewStatement};
use reskontro::privacy::{map, records};
use reskontro::services::access::Scope;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Somebody answers for it.
pub fn signed() -> NewStatement {
    NewStatement { responsible: Some("daglig leder".into()), ..NewStatement::default() }
}

fn own(text: &str) -> NewStatement {
    NewStatement { own: BTreeMap::from([("nb".to_owned(), text.to_owned())]), ..signed() }
}

/// Everything a statement says.
pub fn text_of(statement: &render::privacy::Statement, language: Language) -> String {
    format!("{:?}", render::privacy::statement(statement, language))
}

both!(the_statement_says_what_the_policy_does_and_changes_with_it, async |app: &TestApp| {
    let actor = app.association().await;
    let made = statement::preview(&app.ctx, &actor, &NewStatement::default()).await.unwrap();
    let text = text_of(&made, Language::Bokmal);
    for said in ["Fjellbygda idrettslag", "312345676", "kasserer@fjellbygda.example", "bare i EU/EØS", "Datatilsynet"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(text.contains("30\\u{a0}dager etter opprettelsen") || text.contains("30\u{a0}dager etter opprettelsen"));
    // What nothing is stored of is not in it, whatever the policy could hold.
    assert!(made.policy.rule(RuleId::Prospect).is_some() && !text.contains("Mulige kunder"));
    assert!(text.contains("Henvendelser og notater") && text.contains("Sperrede IP-adresser"), "{text}");
    for cookie in COOKIES {
        assert!(text.contains(&format!("\"{}\"", cookie.name())), "{}", cookie.name());
    }
    let changes = json!({"rules": {"draft": {"period": "P45D"}}});
    let new = NewPolicy { preset: "association-billing".into(), changes, valid_from: None };
    policy::publish(&app.ctx, &actor, &new).await.unwrap();
    let made = statement::preview(&app.ctx, &actor, &NewStatement::default()).await.unwrap();
    let english = text_of(&made, Language::English);
    assert!(
        english.contains("45\\u{a0}days after the last change")
            || english.contains("45\u{a0}days after the last change")
    );
});

both!(what_is_published_is_kept_as_it_was_and_read_by_everybody, async |app: &TestApp| {
    app.clock.set("2026-11-24T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    let api = Api::serve(app).await;
    let page = async |path: &str| {
        let answer = api.client.get(format!("{}{path}", api.base)).send().await.unwrap();
        let kind = answer.headers().get("content-type").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
        (answer.status(), kind, answer.bytes().await.unwrap())
    };
    let here = format!("/privacy/{}", actor.org);
    assert_eq!(page(&here).await.0, StatusCode::NOT_FOUND);
    statement::publish(&app.ctx, &actor, &signed()).await.unwrap();
    let later = NewStatement { valid_from: Some("2026-12-24".parse().unwrap()), ..own("Velkommen til oss.") };
    statement::publish(&app.ctx, &actor, &later).await.unwrap();
    let (status, kind, first) = page(&here).await;
    let first = String::from_utf8(first.to_vec()).unwrap();
    assert_eq!((status, kind.as_str()), (StatusCode::OK, "text/html; charset=utf-8"));
    assert!(first.contains("Versjon 1") && first.contains("daglig leder") && !first.contains("Velkommen"), "{first}");
    assert!(!first.contains("<script") && !first.contains("http://") && !first.contains("https://"), "{first}");
    assert_eq!(page("/privacy").await.0, StatusCode::OK, "the only organisation's statement");
    let english = String::from_utf8(page(&format!("{here}?language=en")).await.2.to_vec()).unwrap();
    assert!(english.contains("Privacy statement") && english.contains("lang=\"en\""), "{english}");
    let (status, kind, pdf) = page(&format!("{here}/pdf?language=nn")).await;
    assert_eq!((status, kind.as_str(), &pdf[..5]), (StatusCode::OK, "application/pdf", &b"%PDF-"[..]));
    assert_eq!(pdf, page(&format!("{here}/pdf?language=nn")).await.2, "the same statement, other bytes");
    let cookies = String::from_utf8(page(&format!("{here}/cookies")).await.2.to_vec()).unwrap();
    assert!(cookies.contains("reskontro_payer_form") && !cookies.contains("Datatilsynet"), "{cookies}");
    app.clock.set("2026-12-24T10:00:00Z".parse().unwrap());
    let second = String::from_utf8(page(&here).await.2.to_vec()).unwrap();
    assert!(second.contains("Versjon 2") && second.contains("Velkommen til oss."), "{second}");
    let kept = String::from_utf8(page(&format!("{here}?version=1")).await.2.to_vec()).unwrap();
    assert_eq!(kept, first, "an earlier version was changed");
    assert_eq!(page(&format!("{here}?version=3")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(page("/privacy/nobody").await.0, StatusCode::NOT_FOUND);
});

both!(a_statement_that_names_another_or_promises_other_times_is_refused, async |app: &TestApp| {
    let actor = app.association().await;
    let admin = key(app, &actor, Scope::Admin).await;
    let api = Api::serve(app).await;
    for (text, code) in [
        ("Opplysningene behandles av Lillevik Regnskap AS på vegne av oss.", "names_another"),
        ("Alt er borte etter 14 dager.", "promises_other"),
        ("We keep nothing longer than 2 years.", "promises_other"),
    ] {
        let body = json!({ "responsible": "daglig leder", "own": { "nb": text } });
        let (status, answer) = api.send(Method::POST, "/api/v1/privacy/statements", Some(&admin), Some(&body)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{text}: {answer}");
        assert_eq!((&answer["errors"][0]["field"], &answer["errors"][0]["code"]), (&json!("own.nb"), &json!(code)));
    }
    let fine = "Vi svarer innen 30 dager, og bokføringen beholdes i 5 år. Laget er for alle over 13 år.";
    let fine = json!({ "responsible": "daglig leder", "own": { "nb": fine } });
    let (status, answer) = api.send(Method::POST, "/api/v1/privacy/statements", Some(&admin), Some(&fine)).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let changes = json!({"rules": {"draft": {"period": "P45D"}}});
    let new = NewPolicy { preset: "association-billing".into(), changes, valid_from: None };
    policy::publish(&app.ctx, &actor, &new).await.unwrap();
    let early = statement::publish(&app.ctx, &actor, &signed()).await.unwrap_err();
    assert_eq!(early.code(), Some("policy_not_approved"), "it would say what does not run");
    let past = NewStatement { valid_from: app.ctx.today().pred_opt(), ..signed() };
    let refused = statement::publish(&app.ctx, &actor, &past).await.unwrap_err();
    assert!(refused.to_string().contains("valid_from"), "{refused}");
});

both!(the_records_have_a_time_limit_and_a_ground_for_every_activity, async |app: &TestApp| {
    let actor = app.association().await;
    let (records, paper) = records::of_today(&app.ctx, &actor, Language::English).await.unwrap();
    let stored = statement::stored_rules();
    // An association keeps no statistics; everything else that is stored stands in the records.
    assert!(stored.contains(&RuleId::Statistics));
    assert_eq!(records.activities.len(), stored.len() - 1);
    assert!(records.activities.iter().all(|a| a.rule != RuleId::Statistics));
    for activity in &records.activities {
        assert!(
            activity.period.is_some() && !activity.bases.is_empty() && !activity.subjects.is_empty(),
            "{activity:?}"
        );
    }
    assert!(!records.transfers_outside_eea);
    let json: Value = serde_json::to_value(&records).unwrap();
    let ledger = json["activities"].as_array().unwrap().iter().find(|a| a["rule"] == "ledger").unwrap();
    assert_eq!((&ledger["period"], &ledger["source"]), (&json!("P5Y"), &json!("bokføringsloven § 13")));
    assert!(render::paper::html(&paper).unwrap().contains("article 6 (1) (c)"));
    assert!(render::paper::pdf(&paper, &[1; 32]).unwrap().starts_with(b"%PDF-"));
    assert!(map::data_map().contains("- name: privacy_statement"));
});
