//! What the privacy statement, the answer to a request and the records say, in three languages and by every preset.

use crate::api::{Api, key};
use crate::erasure::{Billed, billed};
use crate::harness::{TestApp, both};
use crate::rights::{asks, received};
use crate::statement::{signed, text_of};
use domain::customer::Language;
use domain::privacy::{AUTHORITY, Basis, Policy, Preset, RuleId};
use reqwest::{Method, StatusCode};
use reskontro::privacy::statement::{self, NewStatement};
use reskontro::privacy::{records, request};
use reskontro::services::Actor;
use reskontro::services::access::Scope;
use serde_json::json;

const LANGUAGES: [Language; 3] = [Language::Bokmal, Language::Nynorsk, Language::English];

both!(it_says_who_is_controller_and_how_to_reach_them, async |app: &TestApp| {
    for preset in [Preset::AccountingMarketplace, Preset::Erp] {
        let actor = app.association_by(preset).await;
        let made = statement::preview(&app.ctx, &actor, &signed()).await.unwrap();
        for (language, says) in LANGUAGES.into_iter().zip([
            "er behandlingsansvarlig for opplysningene om kundene sine, de som bruker tjenesten for oss, og andre som er i kontakt med oss",
            "er behandlingsansvarleg for opplysningane om kundane sine, dei som bruker tenesta for oss, og andre som er i kontakt med oss",
            "is the controller of data about its customers, those who use the service for it, and others who are in contact with it",
        ]) {
            let text = text_of(&made, language);
            let org_no = if language == Language::English { "org. no." } else { "org.nr." };
            let number = made.organisation.org_number.as_deref().unwrap();
            let who = format!("Fjellbygda idrettslag ({org_no} {number}) {says}");
            assert!(text.contains(&who), "{who}: {text}");
            // Mail, telephone and postal address stand together.
            let phone = made.organisation.phone.as_deref().unwrap();
            assert!(phone.ends_with("74150000"), "{phone}");
            let reach = format!("Idrettsveien 1, 7760 Snåsa, kasserer@fjellbygda.example, {phone}.");
            assert!(text.contains(&reach), "{reach}: {text}");
        }
    }
});

both!(every_category_that_is_stored_is_named_with_use_ground_and_time, async |app: &TestApp| {
    let actor = app.association().await;
    let mut made = statement::preview(&app.ctx, &actor, &signed()).await.unwrap();
    let stored = statement::stored_rules();
    assert!(stored.len() > 20, "{stored:?}");
    for preset in Preset::ALL {
        made.policy = Policy::of(preset);
        for language in LANGUAGES {
            let paper = render::privacy::statement(&made, language);
            let rows: Vec<&Vec<String>> = paper
                .sections
                .iter()
                .flat_map(|s| &s.blocks)
                .filter_map(|b| match b {
                    render::paper::Block::Table { rows, .. } => Some(rows),
                    render::paper::Block::Text(_) => None,
                })
                .flatten()
                .collect();
            for rule in &stored {
                let title = render::privacy::title(*rule, language);
                let [row] = rows.iter().filter(|r| r[0] == title).collect::<Vec<_>>()[..] else { panic!("{rule:?}") };
                assert_eq!(row[1], render::privacy::purpose(*rule, language));
                let first = made.policy.rule(*rule).unwrap().bases.first().copied().unwrap();
                assert!(row[2].contains(render::privacy::basis(first, language)) && !row[3].is_empty(), "{row:?}");
            }
        }
    }
    // A category nobody stores any more is not named.
    made.stored.remove(&RuleId::Mandate);
    let title = render::privacy::title(RuleId::Mandate, Language::Bokmal);
    assert!(!text_of(&made, Language::Bokmal).contains(title));
});

/// The answer to a request as a page, in a language.
async fn answer(app: &TestApp, actor: &Actor, id: uuid::Uuid, language: Language) -> String {
    let package = request::package_of(&app.ctx, actor, id, language).await.unwrap();
    render::paper::html(&package.paper(&app.ctx, actor, language).await.unwrap()).unwrap()
}

both!(rights_cost_nothing_and_no_machine_decides_says_statement_and_package, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let made = statement::preview(&app.ctx, &actor, &signed()).await.unwrap();
    let id = received(app, &actor, &asks("access", "customer", customers[0])).await;
    request::identify(&app.ctx, &actor, id, true).await.unwrap();
    for (language, free, free_answer, profiles, decisions) in [
        (
            Language::Bokmal,
            "Det er gratis",
            "Det koster ingenting",
            "Vi lager ingen profiler av deg",
            "Ingen avgjørelse med rettsvirkning for deg",
        ),
        (
            Language::Nynorsk,
            "Det er gratis",
            "Det kostar ingenting",
            "Vi lagar ingen profilar av deg",
            "Inga avgjerd med rettsverknad for deg",
        ),
        (
            Language::English,
            "It is free",
            "It costs nothing",
            "We make no profile of you",
            "No decision with legal effect for you",
        ),
    ] {
        let said = text_of(&made, language);
        let handed = answer(app, &actor, id, language).await;
        assert!(said.contains(free) && handed.contains(free_answer), "{language:?}");
        for text in [&said, &handed] {
            assert!(text.contains(profiles) && text.contains(decisions) && text.contains("22"), "{language:?}: {text}");
        }
        assert!(handed.contains(AUTHORITY.email) && handed.contains(AUTHORITY.postal), "{handed}");
    }
});

both!(the_authority_supervises_and_is_reached_without_complaining_to_us_first, async |app: &TestApp| {
    for (preset, says) in [
        (Preset::Erp, "dit kan du alltid klage, også uten å ha klaget til oss"),
        (Preset::AccountingMarketplace, "dit kan du alltid klage, også uten å ha klaget til oss"),
        (Preset::AccountingFirm, "Datatilsynet fører tilsyn"),
    ] {
        let actor = app.association_by(preset).await;
        let made = statement::preview(&app.ctx, &actor, &signed()).await.unwrap();
        let text = text_of(&made, Language::Bokmal);
        assert!(
            text.contains(says) && text.contains("si det gjerne til oss: en klage blir skrevet ned og besvart"),
            "{text}"
        );
        for language in LANGUAGES {
            let text = text_of(&made, language);
            let facts = [
                "postkasse@datatilsynet.no",
                "22 39 69 00",
                "Postboks 458 Sentrum, 0105 Oslo",
                "Trelastgata 3, 0191 Oslo",
            ];
            for fact in facts {
                assert!(text.contains(fact), "{fact}: {text}");
            }
        }
        assert!(text_of(&made, Language::English).contains("also without having complained to us"));
    }
});

both!(it_says_that_services_may_stop_before_they_do, async |app: &TestApp| {
    let actor = app.association_by(Preset::Erp).await;
    let made = statement::preview(&app.ctx, &actor, &signed()).await.unwrap();
    for (language, says) in LANGUAGES.into_iter().zip([
        "Vi sier fra om hva som stopper, før det skjer.",
        "Vi seier frå om kva som stoppar, før det skjer.",
        "We tell you what stops before it does.",
    ]) {
        assert!(text_of(&made, language).contains(says), "{language:?}");
    }
});

both!(nothing_is_published_without_somebody_who_answers_for_it, async |app: &TestApp| {
    app.clock.set("2026-11-24T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    let admin = key(app, &actor, Scope::Admin).await;
    let api = Api::serve(app).await;
    let long = "x".repeat(101);
    for nobody in [json!({}), json!({ "responsible": "  " }), json!({ "responsible": long })] {
        let (status, answer) = api.send(Method::POST, "/api/v1/privacy/statements", Some(&admin), Some(&nobody)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{nobody}: {answer}");
        assert_eq!(answer["errors"][0]["field"], "responsible", "{answer}");
    }
    assert!(statement::list(&app.ctx, &actor).await.unwrap().is_empty());
    // Looked at, it may be unsigned; published it is not, and says who it was then.
    let unsigned = statement::preview(&app.ctx, &actor, &NewStatement::default()).await.unwrap();
    assert!(!text_of(&unsigned, Language::Bokmal).contains("Underskrevet"));
    statement::publish(&app.ctx, &actor, &signed()).await.unwrap();
    let next = NewStatement { responsible: Some(" Eva Vest ".into()), ..NewStatement::default() };
    statement::publish(&app.ctx, &actor, &next).await.unwrap();
    let by = async |version: i64| statement::published(&app.ctx, actor.org, Some(version)).await.unwrap();
    let (first, second) = (by(1).await, by(2).await);
    assert_eq!(first.facts.organisation.responsible.as_deref(), Some("daglig leder"));
    assert_eq!(second.facts.organisation.responsible.as_deref(), Some("Eva Vest"));
    let said = |p: &statement::Published| format!("{:?}", p.texts["nb"]);
    assert!(said(&first).contains("Ansvaret ligger hos daglig leder.") && !said(&first).contains("Eva Vest"));
    assert!(said(&second).contains("Ansvaret ligger hos Eva Vest."));
});

both!(it_ends_with_place_day_and_signature, async |app: &TestApp| {
    app.clock.set("2026-11-24T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    let later = NewStatement { valid_from: Some("2026-12-24".parse().unwrap()), ..signed() };
    statement::publish(&app.ctx, &actor, &later).await.unwrap();
    let published = statement::published(&app.ctx, actor.org, Some(1)).await.unwrap();
    for (language, place, who) in [
        ("nb", "Snåsa, 24. november 2026", "Underskrevet for Fjellbygda idrettslag: daglig leder"),
        ("nn", "Snåsa, 24. november 2026", "Underskrive for Fjellbygda idrettslag: daglig leder"),
        ("en", "Snåsa, 24 November 2026", "Signed for Fjellbygda idrettslag: daglig leder"),
    ] {
        let last = published.texts[language].sections.last().unwrap();
        let texts: Vec<String> = last
            .blocks
            .iter()
            .map(|b| match b {
                render::paper::Block::Text(text) => text.replace('\u{a0}', " "),
                render::paper::Block::Table { .. } => panic!("a table"),
            })
            .collect();
        assert_eq!(texts, [place, who], "{language}: the day it was signed, not the day it holds from");
    }
});

both!(records_name_the_agreement_for_accounts_and_legitimate_interest_for_logs_of_use, async |app: &TestApp| {
    let actor = app.association_by(Preset::Erp).await;
    for language in LANGUAGES {
        let (records, paper) = records::of_today(&app.ctx, &actor, language).await.unwrap();
        let page = render::paper::html(&paper).unwrap();
        for (rule, basis) in [
            (RuleId::AppUser, Basis::Contract),
            (RuleId::Session, Basis::Contract),
            (RuleId::AccessLog, Basis::LegitimateInterest),
            (RuleId::AuditOther, Basis::LegitimateInterest),
        ] {
            let activity = records.activities.iter().find(|a| a.rule == rule).unwrap();
            assert_eq!(activity.bases, [basis], "{rule:?}");
            let section = page.split(&format!("<h2>{}</h2>", activity.title)).nth(1).unwrap();
            let section = section.split("<h2>").next().unwrap();
            assert!(section.contains(render::privacy::basis(basis, language)), "{rule:?}: {section}");
        }
    }
});
