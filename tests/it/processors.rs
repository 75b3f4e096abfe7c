//! Who works for the installation: registered with an agreement, a place and a ground; named to people; and nothing is started
//! that gives data to anybody else. Acceptances of the data-processing agreement are kept.

use crate::api::{Api, key};
use crate::harness::{Serve, Setting, TestApp, association, both};
use domain::customer::Language;
use domain::privacy::Recipient;
use reqwest::{Method, StatusCode};
use reskontro::ctx::Ctx;
use reskontro::privacy::policy::{self, NewPolicy};
use reskontro::privacy::processor::{self, NewProcessor, Review};
use reskontro::privacy::statement::{self, NewStatement};
use reskontro::privacy::{records, retention};
use reskontro::services::access::Scope;
use reskontro::services::event::{self, Place};
use reskontro::services::organisation::{self, DPA_VERSION, NewAcceptance, NewOrganisation};
use reskontro::services::{Actor, Error};
use sea_orm::{ConnectionTrait, Database};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn mailer() -> NewProcessor {
    NewProcessor {
        own: false,
        name: "Postbud Norge AS".into(),
        service: "mail_relay".into(),
        country: "NO".into(),
        agreement: Some("DBA-14".into()),
        agreement_on: Some("2026-01-10".parse().unwrap()),
        transfer: None,
        assessed_on: Some("2026-11-01".parse().unwrap()),
        hosts: vec!["*.postbud.example".into()],
    }
}

fn abroad() -> NewProcessor {
    NewProcessor {
        name: "Faraway Mail Inc".into(),
        country: "US".into(),
        transfer: Some("standard_contractual_clauses".into()),
        hosts: Vec::new(),
        ..mailer()
    }
}

/// An organisation whose preset lets data leave the EEA on a ground.
async fn company(app: &TestApp) -> Actor {
    let new = NewOrganisation { legal_form: "AS".into(), org_number: None, bank_account: None, ..association() };
    Actor::operator(organisation::create(&app.ctx, new).await.unwrap())
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> (String, Vec<(String, String)>) {
    let Err(Error::Refused(refusal)) = result else { panic!("taken: {result:?}") };
    let fields = refusal.errors.into_iter().map(|e| (e.field, e.code)).collect();
    (format!("{} ({})", refusal.message, refusal.code), fields)
}

both!(nobody_is_registered_without_agreement_assessment_and_ground, async |app: &TestApp| {
    let empty =
        NewProcessor { name: " ".into(), service: "nothing".into(), country: "UK".into(), ..Default::default() };
    let (_, fields) = refused(processor::add(&app.ctx, &empty).await);
    let named: Vec<&str> = fields.iter().map(|(f, _)| f.as_str()).collect();
    assert_eq!(named, ["name", "service", "country", "agreement", "agreement_on", "assessed_on"]);
    for (transfer, code) in [
        (None, "required"),
        (Some("Privacy Shield"), "annulled"),
        (Some("privacy_shield"), "annulled"),
        (Some("x"), "unknown"),
    ] {
        let new = NewProcessor { transfer: transfer.map(str::to_owned), ..abroad() };
        let (message, fields) = refused(processor::add(&app.ctx, &new).await);
        assert_eq!(fields, [("transfer".to_owned(), code.to_owned())]);
        assert!(code != "annulled" || message.contains("C-311/18"), "{message}");
    }
    let inside = NewProcessor { transfer: Some("adequacy_decision".into()), ..mailer() };
    assert_eq!(refused(processor::add(&app.ctx, &inside).await).1[0].1, "not_needed");
    let tomorrow = app.ctx.today().succ_opt();
    let early = NewProcessor { assessed_on: tomorrow, hosts: vec!["https://a.example".into()], ..mailer() };
    let (_, fields) = refused(processor::add(&app.ctx, &early).await);
    assert_eq!(fields.iter().map(|(f, _)| f.as_str()).collect::<Vec<_>>(), ["hosts", "assessed_on"]);
    let own = NewProcessor { own: true, service: "host".into(), ..mailer() };
    assert_eq!(refused(processor::add(&app.ctx, &own).await).1, [("agreement".to_owned(), "not_needed".to_owned())]);
    processor::add(&app.ctx, &mailer()).await.unwrap();
    assert!(refused(processor::add(&app.ctx, &mailer()).await).0.ends_with("(already_registered)"));
    assert_eq!(processor::list(&app.ctx, true).await.unwrap().len(), 1);
});

both!(a_risk_is_assessed_again_after_a_year, async |app: &TestApp| {
    let id = processor::add(&app.ctx, &mailer()).await.unwrap();
    let late = async || processor::find(&app.ctx, "Postbud Norge AS").await.unwrap().review_late;
    app.clock.set("2027-11-01T12:00:00Z".parse().unwrap());
    assert!(!late().await, "the day itself is in time");
    app.clock.set("2027-11-02T12:00:00Z".parse().unwrap());
    assert!(late().await);
    let new = Review {
        agreement: Some("DBA-15".into()),
        agreement_on: Some("2027-10-01".parse().unwrap()),
        hosts: vec!["smtp.postbud.example".into()],
        ..Default::default()
    };
    processor::review(&app.ctx, id, &new).await.unwrap();
    let now = processor::find(&app.ctx, &id.to_string()).await.unwrap();
    assert_eq!((now.review_late, now.review_due_on), (false, "2028-11-02".parse().ok()));
    assert_eq!((now.agreement.as_deref(), now.hosts), (Some("DBA-15"), vec!["smtp.postbud.example".to_owned()]));
    let shield = Review { transfer: Some("privacy_shield".into()), ..Default::default() };
    assert_eq!(refused(processor::review(&app.ctx, id, &shield).await).1[0].1, "annulled");
});

both!(data_promised_to_stay_in_the_eea_stays_there, async |app: &TestApp| {
    let company = company(app).await;
    let club = app.association().await;
    let (message, _) = refused(processor::add(&app.ctx, &abroad()).await);
    assert!(message.ends_with("(region_locked)") && message.contains(&club.org.to_string()), "{message}");
    assert!(!message.contains(&company.org.to_string()), "{message}");
    assert!(processor::list(&app.ctx, true).await.unwrap().is_empty());
    // A promise that is to hold later counts too.
    let lock = |valid_from: &str| NewPolicy {
        preset: "erp".into(),
        changes: json!({ "region": "eea_only" }),
        valid_from: valid_from.parse().ok(),
    };
    let open = NewPolicy { preset: "erp".into(), changes: Value::Null, valid_from: None };
    policy::publish(&app.ctx, &club, &open).await.unwrap();
    policy::publish(&app.ctx, &company, &lock("2027-06-01")).await.unwrap();
    let (message, _) = refused(processor::add(&app.ctx, &abroad()).await);
    assert!(message.contains(&company.org.to_string()) && !message.contains(&club.org.to_string()), "{message}");
    app.clock.set("2027-06-02T10:00:00Z".parse().unwrap());
    policy::publish(&app.ctx, &company, &open).await.unwrap();
    let id = processor::add(&app.ctx, &abroad()).await.unwrap();
    // And nobody promises it while somebody is outside.
    let (message, _) = refused(policy::publish(&app.ctx, &company, &lock("2028-01-01")).await);
    assert!(message.ends_with("(processor_outside_eea)") && message.contains("Faraway Mail Inc (US)"), "{message}");
    let new = NewOrganisation { bank_account: None, ..association() };
    let (message, _) = refused(organisation::create(&app.ctx, new.clone()).await);
    assert!(message.ends_with("(processor_outside_eea)"), "{message}");
    processor::end(&app.ctx, id).await.unwrap();
    policy::publish(&app.ctx, &company, &lock("2028-01-01")).await.unwrap();
    organisation::create(&app.ctx, new).await.unwrap();
});

both!(the_statement_and_the_records_name_who_works_for_us, async |app: &TestApp| {
    let actor = company(app).await;
    let own = NewProcessor {
        own: true,
        name: "Serverrommet".into(),
        service: "host".into(),
        country: "NO".into(),
        hosts: vec!["db.eget.example".into()],
        ..Default::default()
    };
    for new in [mailer(), abroad(), own] {
        processor::add(&app.ctx, &new).await.unwrap();
    }
    let text = "Fakturaer sendes av Postbud Norge AS.";
    let new = NewStatement {
        responsible: Some("daglig leder".into()),
        own: BTreeMap::from([("nb".to_owned(), text.to_owned())]),
        ..NewStatement::default()
    };
    let made = statement::preview(&app.ctx, &actor, &new).await.unwrap();
    for (language, ground) in [
        (Language::Bokmal, "Faraway Mail Inc (US, EUs standardkontrakter, artikkel 46)"),
        (Language::Nynorsk, "Faraway Mail Inc (US, EUs standardkontraktar, artikkel 46)"),
        (Language::English, "Faraway Mail Inc (US, standard contractual clauses, article 46)"),
    ] {
        let said = render::paper::html(&render::privacy::statement(&made, language)).unwrap();
        let recipient = render::privacy::recipient(Recipient::MailRelay, language);
        assert!(said.contains(&format!("Postbud Norge AS ({recipient}, NO)")) && said.contains(ground), "{said}");
        assert!(!said.contains("Serverrommet") && !said.contains("postbud.example"), "{said}");
        let (records, paper) = records::of_today(&app.ctx, &actor, language).await.unwrap();
        let said = render::paper::html(&paper).unwrap();
        assert!(
            said.contains("DBA-14") && said.contains(&format!("{recipient} (Faraway Mail Inc, Postbud Norge AS)")),
            "{said}"
        );
        assert_eq!(records.processors.len(), 2);
        let shown = serde_json::to_value(&records).unwrap();
        assert_eq!(shown["processors"][0]["transfer"], "standard_contractual_clauses");
    }
    // Who no longer works for us is named no more, and what was published is as it was.
    statement::publish(&app.ctx, &actor, &new).await.unwrap();
    let id = processor::find(&app.ctx, "Faraway Mail Inc").await.unwrap().id;
    processor::end(&app.ctx, id).await.unwrap();
    let made = statement::preview(&app.ctx, &actor, &new).await.unwrap();
    assert_eq!(made.processors.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["Postbud Norge AS"]);
    let kept = statement::published(&app.ctx, actor.org, Some(1)).await.unwrap();
    assert_eq!(kept.facts.processors.len(), 2);
    // The organisation is told of both; of our own machines it is not.
    let (told, _) = event::list(&app.ctx, &actor, Place::START, 1_000).await.unwrap();
    let count = |kind: &str| told.iter().filter(|e| e.kind == kind).count();
    assert_eq!((count("processor.added"), count("processor.ended")), (2, 1));
});

both!(every_key_reads_the_register_and_no_host_of_it, async |app: &TestApp| {
    let actor = company(app).await;
    processor::add(&app.ctx, &mailer()).await.unwrap();
    let old = processor::add(&app.ctx, &abroad()).await.unwrap();
    processor::end(&app.ctx, old).await.unwrap();
    let own = NewProcessor { own: true, agreement: None, agreement_on: None, assessed_on: None, ..mailer() };
    processor::add(&app.ctx, &NewProcessor { name: "Egen".into(), service: "host".into(), ..own }).await.unwrap();
    let reader = key(app, &actor, Scope::Read).await;
    let api = Api::serve(app).await;
    let (status, found) = api.send(Method::GET, "/api/v1/privacy/processors", Some(&reader), None).await;
    assert_eq!((status, found.as_array().unwrap().len()), (StatusCode::OK, 1), "{found}");
    assert_eq!((&found[0]["name"], &found[0]["in_eea"]), (&json!("Postbud Norge AS"), &json!(true)));
    assert_eq!(found[0]["review_due_on"], "2027-11-01");
    assert!(!found.to_string().contains("postbud.example"), "{found}");
    let (_, found) = api.send(Method::GET, "/api/v1/privacy/processors?all=true", Some(&reader), None).await;
    assert_eq!(found[0]["transfer_ground"], "standard_contractual_clauses");
    assert!(found[0]["ended_at"].is_string() && found[1]["ended_at"].is_null(), "{found}");
});

both!(a_promise_and_somebody_outside_never_come_about_at_once, async |app: &TestApp| {
    let actor = company(app).await;
    let policy =
        |region: &str| NewPolicy { preset: "erp".into(), changes: json!({ "region": region }), valid_from: None };
    for _ in 0..5 {
        let (lock, new) = (policy("eea_only"), abroad());
        let (added, promised) = tokio::join!(processor::add(&app.ctx, &new), policy::publish(&app.ctx, &actor, &lock));
        assert_ne!(added.is_ok(), promised.is_ok(), "{added:?} {promised:?}");
        if let Ok(id) = added {
            processor::end(&app.ctx, id).await.unwrap();
        }
        policy::publish(&app.ctx, &actor, &policy("eea")).await.unwrap();
    }
});

/// Runs a command to its end.
fn run(app: &TestApp, settings: &[Setting], args: &[&str]) -> Output {
    let mut command = crate::torture::command(app, args);
    for (key, value) in settings {
        command.env(format!("RESKONTRO__{}", key.to_uppercase().replace('.', "__")), value);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Starts the service and waits until it has said something.
fn wait_for(app: &TestApp, settings: &[Setting], text: &str) -> String {
    let settings: Vec<Setting> = settings.iter().cloned().chain([("log.filter", "info".to_owned())]).collect();
    let _serve = Serve::start(app, &settings);
    let began = Instant::now();
    while !app.log().contains(text) && began.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(50));
    }
    app.log()
}

fn relay_and_gateway() -> Vec<Setting> {
    vec![
        ("mail.mode", "smtp".to_owned()),
        ("mail.host", "smtp.postbud.example".to_owned()),
        ("efaktura.mode", "gateway".to_owned()),
        ("efaktura.base_url", "https://gateway.bank.example/v1".to_owned()),
    ]
}

both!(nothing_starts_that_gives_data_to_somebody_unregistered, async |app: &TestApp| {
    let settings = relay_and_gateway();
    for args in [&["serve"][..], &["config", "check"]] {
        let output = run(app, &settings, args);
        let said = said(&output);
        assert!(!output.status.success(), "{args:?} {said}");
        for line in [
            "smtp.postbud.example",
            "mail.host",
            "efaktura.base_url",
            "processor add --name NAME --service mail_relay",
            "--host gateway.bank.example",
        ] {
            assert!(said.contains(line), "{args:?} {line}: {said}");
        }
    }
    // The commands it names are run while nothing serves.
    let register = |more: &[&str]| {
        let all: Vec<&str> = ["privacy", "processor", "add"].iter().chain(more).copied().collect();
        let output = run(app, &settings, &all);
        assert!(output.status.success(), "{}", said(&output));
    };
    register(&[
        "--name",
        "Postbud Norge AS",
        "--service",
        "mail_relay",
        "--country",
        "NO",
        "--agreement",
        "DBA-14",
        "--agreement-on",
        "2020-01-10",
        "--assessed-on",
        "2020-02-01",
        "--host",
        "*.postbud.example",
    ]);
    let half = said(&run(app, &settings, &["config", "check"]));
    assert!(half.contains("gateway.bank.example") && !half.contains("smtp.postbud.example"), "{half}");
    register(&["--own", "--name", "Egen port", "--country", "NO", "--host", "gateway.bank.example"]);
    let output = run(app, &settings, &["config", "check"]);
    assert!(output.status.success() && said(&output).contains("The settings can be used."), "{}", said(&output));
    let log = wait_for(app, &settings, "serving");
    assert!(log.contains("serving"), "{log}");
    // What the settings point at is not given up.
    let output = run(app, &settings, &["privacy", "processor", "end", "Postbud Norge AS"]);
    assert!(!output.status.success() && said(&output).contains("(still_in_use)"), "{}", said(&output));
    let moved = run(app, &settings, &["privacy", "processor", "review", "Egen port", "--host", "other.example"]);
    assert!(said(&moved).contains("(still_in_use)"), "{}", said(&moved));
    let output = run(app, &[], &["privacy", "processor", "end", "Postbud Norge AS"]);
    assert!(output.status.success(), "{}", said(&output));
});

both!(a_check_that_is_switched_off_says_so_at_every_start, async |app: &TestApp| {
    let mut settings = relay_and_gateway();
    settings.push(("privacy.require_registered_processors", "false".to_owned()));
    let log = wait_for(app, &settings, "serving");
    assert!(log.contains("serving") && log.contains("require_registered_processors is off"), "{log}");
    let output = run(app, &settings, &["config", "check"]);
    assert!(output.status.success() && said(&output).contains("Warning"), "{}", said(&output));
});

/// The same service with another version of the agreement in force.
fn with_version(app: &TestApp, version: &str) -> Ctx {
    let mut config = (*app.ctx.config).clone();
    config.privacy.dpa_version = version.to_owned();
    Ctx { config: Arc::new(config), ..app.ctx.clone() }
}

both!(every_acceptance_of_the_agreement_is_kept_until_its_term, async |app: &TestApp| {
    let actor = app.association().await;
    let stands = organisation::dpa(&app.ctx, &actor).await.unwrap();
    assert_eq!((stands.to_accept, stands.acceptances.len()), (false, 1));
    app.clock.set("2026-12-01T10:00:00Z".parse().unwrap());
    let newer = with_version(app, "2026-12");
    assert!(organisation::dpa(&newer, &actor).await.unwrap().to_accept);
    let accept = |version: &str| NewAcceptance { version: version.into(), accepted_by: Some("daglig leder".into()) };
    let old = organisation::accept_dpa(&newer, &actor, &accept(DPA_VERSION)).await.unwrap_err();
    assert_eq!(old.code(), Some("validation_failed"));
    organisation::accept_dpa(&newer, &actor, &accept("2026-12")).await.unwrap();
    organisation::accept_dpa(&newer, &actor, &accept("2026-12")).await.unwrap();
    let stands = organisation::dpa(&newer, &actor).await.unwrap();
    let [second, first] = &stands.acceptances[..] else { panic!("{stands:?}") };
    assert!(!stands.to_accept && stands.accepted_version.as_deref() == Some("2026-12"));
    assert_eq!((second.version.as_str(), second.accepted_by.as_deref()), ("2026-12", Some("daglig leder")));
    assert_eq!((first.version.as_str(), first.superseded_at), (DPA_VERSION, Some(second.accepted_at)));
    // Five years after another took its place it goes; the one in force stays.
    let retain = async |day: &str| {
        app.clock.set(format!("{day}T11:00:00Z").parse().unwrap());
        let id = retention::plan(&app.ctx, &actor).await.unwrap();
        retention::execute(&app.ctx, &actor, id).await.unwrap();
        let plan = retention::get(&app.ctx, &actor, id).await.unwrap();
        plan.items.into_iter().find(|i| i.what == "acceptances of earlier agreements").unwrap().deleted
    };
    assert_eq!(retain("2031-11-30").await, 0);
    assert_eq!(retain("2031-12-01").await, 1);
    assert_eq!(retain("2040-01-01").await, 0);
    let left = organisation::dpa(&newer, &actor).await.unwrap().acceptances;
    assert_eq!(left.iter().map(|a| a.version.as_str()).collect::<Vec<_>>(), ["2026-12"]);
});

both!(what_was_accepted_before_acceptances_were_kept_is_taken_over, async |app: &TestApp| {
    let actor = app.association().await;
    let database = &app.ctx.config.database;
    // The schema as it was before.
    let owner = Database::connect(database.owner_url.as_ref().unwrap_or(&database.url).expose_secret()).await.unwrap();
    for sql in [
        "DROP TABLE processor",
        "DROP TABLE agreement_acceptance",
        "DELETE FROM seaql_migrations WHERE version = 'm20261129_000001_add_processors'",
    ] {
        owner.execute_unprepared(sql).await.unwrap();
    }
    owner.close().await.unwrap();
    reskontro::store::migrate(database).await.unwrap();
    let stands = organisation::dpa(&app.ctx, &actor).await.unwrap();
    let [only] = &stands.acceptances[..] else { panic!("{stands:?}") };
    assert_eq!((only.version.as_str(), only.accepted_at, only.superseded_at), (DPA_VERSION, app.ctx.now(), None));
});

both!(an_agreement_that_is_to_be_accepted_is_told_until_it_is, async |app: &TestApp| {
    app.keep_real_time();
    let actor = app.association().await;
    let admin = key(app, &actor, Scope::Admin).await;
    let api = Api::serve_ctx(with_version(app, "2027-01")).await;
    let stands = async || api.send(Method::GET, "/api/v1/organisation", Some(&admin), None).await.1;
    let before = stands().await;
    assert_eq!((&before["dpa_to_accept"], &before["dpa_current_version"]), (&json!(true), &json!("2027-01")));
    let settings = [("privacy.dpa_version", "2027-01".to_owned())];
    let show = || said(&run(app, &settings, &["org", "show"]));
    assert!(show().contains("org accept-dpa --version 2027-01"), "{}", show());
    let body = json!({ "version": "2027-01", "accepted_by": "styrets leder" });
    let (status, _) = api.send(Method::POST, "/api/v1/organisation/dpa", Some(&admin), Some(&body)).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(stands().await["dpa_to_accept"], false);
    let (_, listed) = api.send(Method::GET, "/api/v1/organisation/dpa", Some(&admin), None).await;
    let newest = &listed["acceptances"][0];
    assert_eq!((&newest["accepted_by"], &newest["actor_kind"]), (&json!("styrets leder"), &json!("api_key")));
    assert!(newest["actor_id"].is_string() && listed["acceptances"][1]["superseded_at"].is_string(), "{listed}");
    assert!(!show().contains("accept-dpa"), "{}", show());
    // At the command line.
    let settings = [("privacy.dpa_version", "2027-02".to_owned())];
    let accepted = run(app, &settings, &["org", "accept-dpa", "--version", "2027-02", "--by", "daglig leder"]);
    assert!(accepted.status.success(), "{}", said(&accepted));
    let listed = said(&run(app, &settings, &["org", "agreements"]));
    assert!(listed.contains("2027-02") && listed.contains("styrets leder") && listed.contains("2026-11"), "{listed}");
});
