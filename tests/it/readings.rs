//! Reads of personal data are logged: every route that shows somebody, the console, the payer's own page; never lost without a
//! word, and deleted when their time is over.

use crate::api::{Api, filled, key, templates, things};
use crate::erasure::{Billed, billed, count, literal};
use crate::harness::{Backend, TestApp, both};
use crate::payer::{Browser, mailed, with_pages};
use chrono::Duration;
use formats::customer_list::Mode;
use reqwest::{Method, StatusCode};
use reskontro::http::{READ_ROUTES, UNREAD_ROUTES};
use reskontro::privacy::explain::Subject;
use reskontro::privacy::reading::{self, About, ReadingView};
use reskontro::privacy::request::{self, NewRequest};
use reskontro::privacy::{erase, retention};
use reskontro::services::Actor;
use reskontro::services::access::{self, Scope};
use reskontro::services::user::{self, NewUser};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Names of fields that say who somebody is, or whose a thing is.
const NAMING: &[&str] = &[
    "customer_id",
    "customer_name",
    "customer_number",
    "subject_id",
    "subject_ids",
    "email",
    "phone",
    "street",
    "kid",
    "debit_account",
    "given_by",
    "wish",
];

/// Names of all fields an answer may hold; none at all where the document does not say.
fn fields(document: &Value, schema: &Value, seen: &mut BTreeSet<String>, out: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        if seen.insert(name.to_owned()) {
            fields(document, &document["components"]["schemas"][name], seen, out);
        }
    }
    for part in ["allOf", "oneOf", "anyOf"].iter().filter_map(|p| schema[p].as_array()).flatten() {
        fields(document, part, seen, out);
    }
    if schema["items"].is_object() {
        fields(document, &schema["items"], seen, out);
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        out.insert(name.clone());
        fields(document, inner, seen, out);
    }
}

/// Whether an answer may show somebody: it names them, or it is a file, or nobody says what it holds.
fn may_show(document: &Value, operation: &Value) -> bool {
    let answers = operation["responses"].as_object().unwrap().iter().filter(|(code, _)| code.starts_with('2'));
    answers.filter_map(|(_, answer)| answer["content"].as_object()).flatten().any(|(kind, content)| {
        let mut names = BTreeSet::new();
        fields(document, &content["schema"], &mut BTreeSet::new(), &mut names);
        kind != "application/json" || names.is_empty() || names.iter().any(|n| NAMING.contains(&n.as_str()))
    })
}

#[test]
fn every_route_that_may_show_somebody_is_known_to_log_it_or_says_why_not() {
    let document: Value = serde_json::from_str(&reskontro::http::openapi_json().unwrap()).unwrap();
    let mut shown = 0;
    for (method, path) in templates() {
        let operation = &document["paths"][&path][method.as_str().to_lowercase()];
        let short = path.strip_prefix("/api/v1").unwrap();
        let stands = |list: &[(&str, &str, &str)]| list.iter().any(|(m, p, _)| method == *m && short == *p);
        let (logs, quiet) = (stands(READ_ROUTES), stands(UNREAD_ROUTES));
        assert!(!(logs && quiet), "{method} {short} stands in both lists");
        let known = if may_show(&document, operation) { logs || quiet } else { !quiet };
        assert!(known, "{method} {short}: put it among READ_ROUTES or UNREAD_ROUTES of http/reads.rs");
        shown += usize::from(logs);
    }
    assert_eq!(shown, READ_ROUTES.len(), "a route of the list is not served");
}

async fn execute(app: &TestApp, actor: &Actor, sql: &str) {
    let tx = app.ctx.db.write(actor.org).await.unwrap();
    tx.execute_unprepared(sql).await.unwrap();
    tx.commit().await.unwrap();
}

async fn logged(app: &TestApp, actor: &Actor, person: Option<Uuid>) -> Vec<ReadingView> {
    reading::list(&app.ctx, actor, person, Uuid::nil(), 10_000).await.unwrap()
}

/// Something on every route that can show somebody.
async fn something_everywhere(app: &TestApp, api: &Api, actor: &Actor, key: &str) -> HashMap<&'static str, String> {
    let mut things = things(app, api, key).await;
    let customer: Uuid = things["customers"].parse().unwrap();
    let (org, id) = (literal(app, actor.org), literal(app, customer));
    let (run, new) = (literal(app, things["invoice-runs"].parse().unwrap()), literal(app, Uuid::from_u128(7)));
    for sql in [
        format!(
            "INSERT INTO invoice_run_skip (org_id, run_id, customer_id, reason) VALUES ({org}, {run}, {id}, 'test')"
        ),
        format!(
            "INSERT INTO opening_item (org_id, id, customer_id, old_number, issued_on, due_on, amount_ore, created_at) \
             VALUES ({org}, {new}, {id}, '7', '2026-01-01', '2026-01-15', 100, '2026-01-01 00:00:00+00:00')"
        ),
        format!(
            "INSERT INTO mandate (org_id, bank_account_id, kid, customer_id, notify, active, updated_on) \
             SELECT org_id, id, '12345674', {id}, FALSE, TRUE, '2026-01-01' FROM bank_account WHERE org_id = {org}"
        ),
    ] {
        execute(app, actor, &sql).await;
    }
    let send = async |method: Method, path: &str, body: Value| {
        let (status, answer) = api.send(method, &format!("/api/v1{path}"), Some(key), Some(&body)).await;
        assert!(status.is_success(), "{path}: {answer}");
        answer
    };
    let invoice = things["invoices"].clone();
    let paid = send(Method::POST, "/payments", json!({ "amount_ore": 100, "invoice_id": invoice })).await;
    things.insert("payments", paid["id"].as_str().unwrap().to_owned());
    // A list with somebody new waits; what is to be printed waits too.
    let list = "Kundenr;Navn\n55;Ny Person\n";
    let planned = api.client.post(format!("{}/api/v1/customer-syncs?mode=delta", api.base)).bearer_auth(key).body(list);
    let planned: Value = planned.send().await.unwrap().json().await.unwrap();
    things.insert("customer-syncs", planned["id"].as_str().unwrap().to_owned());
    let redirect = format!("/deliveries/{}/redirect", things["deliveries"]);
    send(Method::POST, &redirect, json!({ "channel": "print", "even_if_delivered": true })).await;
    // Somebody the archive holds: billed, paid and erased.
    let list = "Kundenr;Navn;Adresse;Postnr;Poststed;Produkter\n66;Arkiv Person;Gata 6;0150;Oslo;\n";
    app.sync(actor, list.as_bytes(), Mode::Delta).await;
    let found = send(Method::POST, "/customers/search", json!({ "text": "66" })).await;
    let archived = found[0]["id"].as_str().unwrap().to_owned();
    let draft = json!({ "customer_id": archived, "lines": [{ "product_number": "A", "quantity": "1" }] });
    let draft = send(Method::POST, "/invoices", draft).await["id"].as_str().unwrap().to_owned();
    let issued = send(Method::POST, &format!("/invoice-drafts/{draft}/issue"), json!({})).await;
    let whole = json!({ "amount_ore": issued["total_ore"], "invoice_id": draft });
    send(Method::POST, "/payments", whole).await;
    app.clock.advance(Duration::days(11));
    execute(
        app,
        actor,
        &format!(
            "UPDATE delivery SET state = 'cancelled', needs_person = FALSE WHERE customer_id = {}",
            literal(app, archived.parse().unwrap())
        ),
    )
    .await;
    let person = json!({ "subject_kind": "customer", "subject_id": archived });
    send(Method::POST, "/privacy/erasures", person).await;
    things.insert("archived", archived);
    // A breach that concerns somebody who has no address for mail.
    let list = "Kundenr;Navn;Adresse;Postnr;Poststed\n77;Papir Person;Gata 7;0150;Oslo\n";
    app.sync(actor, list.as_bytes(), Mode::Delta).await;
    let found = send(Method::POST, "/customers/search", json!({ "text": "77" })).await;
    let breach = json!({ "what": "Noe skjedde.", "consequences": "Lite.", "measures": "Alt." });
    let breach = send(Method::POST, "/privacy/breaches", breach).await["id"].as_str().unwrap().to_owned();
    send(Method::POST, &format!("/privacy/breaches/{breach}/persons"), json!({ "customer_ids": [found[0]["id"]] }))
        .await;
    things.insert("breaches", breach);
    let new = NewUser { login: "kasserer", name: "Kasserer", password: "langt og hemmelig 12" };
    let member = user::create(&app.ctx, &new).await.unwrap();
    user::add_member(&app.ctx, actor, member, "operator").await.unwrap();
    things.insert("users", member.to_string());
    things
}

fn body_for(method: &str, path: &str, things: &HashMap<&'static str, String>) -> Option<Value> {
    Some(match (method, path) {
        ("GET", _) => return None,
        (_, "/customers/search") => json!({ "text": "Nord" }),
        (_, "/privacy/erasures/preview") => json!({ "subject_kind": "customer", "subject_id": things["customers"] }),
        (_, "/hand-overs") => json!({ "scope": "organisation", "reason": "prøve" }),
        (_, "/privacy/archive/readings") => json!({ "customer_id": things["archived"], "reason": "prøve" }),
        (_, "/privacy/requests/{id}/decide") => json!({ "decision": "refused", "grounds": "artikkel 15 (4)" }),
        ("PATCH", "/customers/{id}") => json!({ "city": "Bergen" }),
        _ => json!({}),
    })
}

both!(every_route_that_shows_somebody_logs_it, async |app: &TestApp| {
    let actor = app.association().await;
    let admin = key(app, &actor, Scope::Admin).await;
    let reader = access::authenticate(&app.ctx, &admin, None).await.unwrap().0;
    let api = Api::serve(app).await;
    let things = something_everywhere(app, &api, &actor, &admin).await;
    let mut seen = logged(app, &actor, None).await.len();
    // What changes a thing comes after what only shows it.
    let (shows, changes): (Vec<_>, Vec<_>) = READ_ROUTES.iter().copied().partition(|(method, ..)| *method == "GET");
    for (method, path, action) in shows.into_iter().chain(changes) {
        let kind = path.split('/').collect::<Vec<_>>().windows(2).find(|w| w[1].starts_with("{id}")).map(|w| w[0]);
        let mut real = filled(&format!("/api/v1{path}"), &|name| match name {
            "contact_id" => things["contacts"].clone(),
            "user_id" => things["users"].clone(),
            _ => things[kind.unwrap()].clone(),
        });
        if path == "/privacy/reads" {
            real = format!("{real}?customer_id={}", things["customers"]);
        }
        let client = api.client.request(method.parse().unwrap(), format!("{}{real}", api.base)).bearer_auth(&admin);
        let mut request = client;
        if method == "PATCH" {
            let get = api.client.get(format!("{}{real}", api.base)).bearer_auth(&admin).send().await.unwrap();
            request = request.header("If-Match", get.headers()["etag"].clone());
            seen = logged(app, &actor, None).await.len();
        }
        if let Some(body) = body_for(method, path, &things) {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let said = answer.bytes().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {status} {}", String::from_utf8_lossy(&said));
        let all = logged(app, &actor, None).await;
        let new = &all[seen..];
        assert_eq!(new.len(), 1, "{method} {path} logged {new:?}");
        let row = &new[0];
        assert_eq!(row.action, action, "{method} {path}");
        assert!(row.people >= 1, "{method} {path}: {row:?}");
        assert_eq!((row.actor_kind.as_str(), row.actor_id), ("api_key", reader.id));
        let new_customer = action == "sync.changes";
        assert_eq!(new_customer, row.subject_ids.is_empty(), "{method} {path} names nobody: {row:?}");
        seen = all.len();
    }
});

both!(who_looked_at_somebody_is_found_whether_alone_or_in_a_list, async |app: &TestApp| {
    let Billed { actor, customers, invoices } = billed(app).await;
    let note = async |action: &'static str, about: About| reading::note(&app.ctx, &actor, action, about).await.unwrap();
    note("customer.get", customers[0].into()).await;
    note("customers.list", customers.clone().into()).await;
    note("invoice.pdf", reading::of_invoice(invoices[1])).await;
    note("customers.list", About::Many(5_000)).await;
    note("customers.list", About::People(Vec::new())).await;
    let many: Vec<Uuid> = (1..=201).map(Uuid::from_u128).collect();
    note("deliveries.list", many.into()).await;
    assert_eq!(count(app, &actor, "personal_reading").await, 0, "no request waits for a transaction of its own");
    let of = async |person: Option<Uuid>| {
        let rows = logged(app, &actor, person).await;
        rows.into_iter().map(|r| (r.action, r.people)).collect::<Vec<_>>()
    };
    let row = |action: &str, people: i64| (action.to_owned(), people);
    assert_eq!(of(Some(customers[0])).await, [row("customer.get", 1), row("customers.list", 3)]);
    assert_eq!(of(Some(customers[1])).await, [row("customers.list", 3), row("invoice.pdf", 1)]);
    for customer in &customers {
        assert!(of(Some(*customer)).await.contains(&row("customers.list", 3)), "first, last and between");
    }
    let beside = customers.iter().map(|c| Uuid::from_u128(c.as_u128() + 1)).chain([Uuid::nil(), Uuid::max()]);
    for nobody in beside {
        assert!(of(Some(nobody)).await.is_empty(), "{nobody}");
    }
    let all = of(None).await;
    assert_eq!(all.len(), 5, "a list of nobody is no read: {all:?}");
    assert_eq!(all[3..], [row("customers.list", 5_000), row("deliveries.list", 201)]);
    // A page after another.
    let first = reading::list(&app.ctx, &actor, None, Uuid::nil(), 2).await.unwrap();
    let rest = reading::list(&app.ctx, &actor, None, first[1].id, 10).await.unwrap();
    assert_eq!((first.len(), rest.len()), (2, 3));
    // Nobody of another organisation sees it.
    let other = crate::api::another(app).await;
    assert!(logged(app, &other, Some(customers[0])).await.is_empty());
});

both!(a_full_log_is_written_by_who_comes_next_and_nothing_is_read_without_a_row, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let most = reskontro::store::reading::MOST_WAITING;
    for _ in 0..=most {
        reading::note(&app.ctx, &actor, "customer.get", customers[0]).await.unwrap();
    }
    assert_eq!(app.ctx.db.reads().len(), 1);
    assert_eq!(count(app, &actor, "personal_reading").await, i64::try_from(most).unwrap());
    // The database is away for the log: what waits stays, and when no more can wait the request is refused.
    let away = match app.backend {
        Backend::Sqlite => "ALTER TABLE personal_reading RENAME TO personal_reading_away",
        Backend::Postgres => return,
    };
    execute(app, &actor, away).await;
    assert!(reading::write(&app.ctx).await.is_err());
    assert_eq!(app.ctx.db.reads().len(), 1, "what could not be written waits");
    for _ in 1..most {
        reading::note(&app.ctx, &actor, "customer.get", customers[0]).await.unwrap();
    }
    assert!(reading::note(&app.ctx, &actor, "customer.get", customers[0]).await.is_err());
    execute(app, &actor, "ALTER TABLE personal_reading_away RENAME TO personal_reading").await;
    reading::write(&app.ctx).await.unwrap();
    assert_eq!(count(app, &actor, "personal_reading").await, i64::try_from(most * 2).unwrap());
    assert!(app.ctx.db.reads().is_empty());
});

both!(reads_are_append_only_and_go_when_their_time_is_over, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    reading::note_now(&app.ctx, &actor, "customer.get", customers[0]).await.unwrap();
    for verb in ["DELETE FROM personal_reading", "UPDATE personal_reading SET people = 2"] {
        let tx = app.ctx.db.write(actor.org).await.unwrap();
        let refused = tx.execute_unprepared(verb).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{verb}: {refused}");
    }
    // Erased, the person's reads stay by id until their own time is over, and the certificate says so.
    let case = erase::erase(&app.ctx, &actor, Subject::Customer(customers[0])).await.unwrap();
    let part = case.parts.iter().find(|p| p.what == "reads of their data").unwrap();
    assert_eq!((part.count, part.until), (1, Some("2026-03-31".parse().unwrap())));
    app.clock.advance(Duration::days(29));
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!(count(app, &actor, "personal_reading").await, 1, "thirty days in this preset");
    app.clock.advance(Duration::days(2));
    retention::nightly(&app.ctx, &actor).await.unwrap();
    assert_eq!(count(app, &actor, "personal_reading").await, 0);
});

// CJEU C-579/21: when and for what the data was consulted is handed out, who consulted it is not.
both!(a_person_is_told_when_and_for_what_and_not_by_whom, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let user = Uuid::from_u128(0xabc);
    let reader = Actor { kind: reskontro::services::ActorKind::User, id: Some(user), ..actor.clone() };
    reading::note(&app.ctx, &reader, "customer.get", customers[0]).await.unwrap();
    reading::note(&app.ctx, &reader, "customers.list", customers.clone()).await.unwrap();
    reading::note(&app.ctx, &reader, "customer.get", customers[1]).await.unwrap();
    let asks = NewRequest {
        kind: "access".into(),
        subject_kind: "customer".into(),
        subject_id: customers[0],
        channel: "operator".into(),
        received_on: None,
        wish: None,
    };
    let id = request::receive(&app.ctx, &actor, &asks).await.unwrap();
    request::identify(&app.ctx, &actor, id, true).await.unwrap();
    let package = request::package_of(&app.ctx, &actor, id, domain::customer::Language::Bokmal).await.unwrap();
    let reads = &package.data["personal_reading"];
    let actions: Vec<&str> = reads.iter().map(|r| r["action"].as_str()).collect();
    assert_eq!(actions, ["customer.get", "customers.list"]);
    assert!(reads.iter().all(|r| r["actor_kind"] == "user" && r["at"].starts_with("2026-03-01")), "{reads:?}");
    let text = serde_json::to_string(&package).unwrap();
    // Fetched by its link, that is a read too.
    let url = request::make_link(&app.ctx, &actor, id).await.unwrap();
    request::fetch_link(&app.ctx, url.rsplit('/').next().unwrap()).await.unwrap();
    let last = logged(app, &actor, Some(customers[0])).await.pop().unwrap();
    assert_eq!((last.action.as_str(), last.actor_kind.as_str()), ("request.package", "link"));
    for hidden in [user, customers[1], customers[2]] {
        assert!(!text.contains(&hidden.to_string()) && !text.contains(&hidden.simple().to_string()), "{hidden}");
    }
});

both!(what_a_payer_sees_of_themselves_is_logged_once_the_code_has_opened_it, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (actor, invoices, page) = mailed(app, &ctx).await;
    let mut browser = Browser::new(&ctx).await;
    browser.get(&page).await;
    assert!(logged(app, &actor, None).await.is_empty(), "a closed page shows nobody");
    browser.sign_in(app, &page).await;
    browser.get(&page).await;
    browser.get(&format!("{page}/pdf")).await;
    let rows = logged(app, &actor, Some(invoices[0].customer_id)).await;
    let actions: BTreeSet<&str> = rows.iter().map(|r| r.action.as_str()).collect();
    assert_eq!(actions, BTreeSet::from(["invoice.get", "invoice.pdf"]));
    assert!(rows.iter().all(|r| r.actor_kind == "link"), "{rows:?}");
});

both!(the_log_is_read_over_http_page_by_page, async |app: &TestApp| {
    let Billed { actor, customers, .. } = billed(app).await;
    let (admin, writer) = (key(app, &actor, Scope::Admin).await, key(app, &actor, Scope::Write).await);
    let api = Api::serve(app).await;
    for _ in 0..3 {
        let path = format!("/api/v1/customers/{}", customers[0]);
        api.send(Method::GET, &path, Some(&writer), None).await;
    }
    let path = format!("/api/v1/privacy/reads?customer_id={}&limit=2", customers[0]);
    let (status, _) = api.send(Method::GET, &path, Some(&writer), None).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "who looked at whom is for administrators");
    let (_, first) = api.send(Method::GET, &path, Some(&admin), None).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let next = format!("{path}&cursor={}", first["next_cursor"].as_str().unwrap());
    let (_, second) = api.send(Method::GET, &next, Some(&admin), None).await;
    let actions: Vec<&str> =
        second["items"].as_array().unwrap().iter().map(|i| i["action"].as_str().unwrap()).collect();
    // Looking at the log is a read too.
    assert_eq!(actions, ["customer.get", "reads.list"]);
});
