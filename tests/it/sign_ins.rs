//! Every attempt to sign in is logged with the address it came from, and nobody signs in from an address where too many failed, or
//! that a person has blocked.

use crate::api::{Api, another, key};
use crate::erasure::count;
use crate::harness::{TestApp, both};
use crate::payer::{changed, last_code, link, mailed, with_pages};
use chrono::Duration;
use domain::customer::Language;
use reqwest::header::{ACCEPT_LANGUAGE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, StatusCode, redirect};
use reskontro::ctx::Ctx;
use reskontro::privacy::blocked::{self, BlockView, NewBlock};
use reskontro::privacy::breach::{self, Facts};
use reskontro::privacy::explain::{Subject, explain};
use reskontro::privacy::policy::{self, NewPolicy};
use reskontro::privacy::retention::{self, Item};
use reskontro::privacy::{erase, package};
use reskontro::services::Actor;
use reskontro::services::access::Scope;
use reskontro::services::payer::{self, Opened};
use reskontro::services::sign_in;
use reskontro::services::user::{self, NewUser, Refused};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use std::net::IpAddr;
use uuid::Uuid;

const PASSWORD: &str = "a long enough password";

fn ip(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

async fn person(app: &TestApp, actor: &Actor, login: &str) -> Uuid {
    let id = user::create(&app.ctx, &NewUser { login, name: login, password: PASSWORD }).await.unwrap();
    user::add_member(&app.ctx, actor, id, "owner").await.unwrap();
    id
}

/// A service behind a proxy on this host.
fn proxied(app: &TestApp) -> Ctx {
    changed(&app.ctx, |config| config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()])
}

/// A browser behind the proxy, at an address of its own.
struct Visitor {
    base: String,
    client: Client,
    forwarded: String,
    language: &'static str,
    cookie: String,
}

impl Visitor {
    async fn at(ctx: &Ctx, forwarded: &str) -> Self {
        let base = Api::serve_ctx(ctx.clone()).await.base;
        let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { base, client, forwarded: forwarded.to_owned(), language: "nb", cookie: String::new() }
    }

    async fn send(&mut self, method: Method, path: &str, form: &[(&str, &str)]) -> (u16, String, Option<String>) {
        let posts = method == Method::POST;
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.header("X-Forwarded-For", &self.forwarded).header(COOKIE, &self.cookie);
        let request = request.header(ACCEPT_LANGUAGE, self.language);
        let request = if posts { request.form(form) } else { request };
        let answer = request.send().await.unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            self.cookie = if self.cookie.is_empty() { pair } else { format!("{}; {pair}", self.cookie) };
        }
        let to = answer.headers().get(LOCATION).map(|to| to.to_str().unwrap().to_owned());
        (answer.status().as_u16(), answer.text().await.unwrap(), to)
    }

    async fn sign_in(&mut self, login: &str, password: &str) -> (u16, String) {
        self.cookie.clear();
        let (_, page, _) = self.send(Method::GET, "/console/sign-in", &[]).await;
        let csrf = page.split_once("name=\"csrf\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
        let form = [("csrf", csrf.as_str()), ("user", login), ("password", password)];
        let (status, page, _) = self.send(Method::POST, "/console/sign-in", &form).await;
        (status, page)
    }
}

/// Every row of a table as text.
async fn rows(app: &TestApp, actor: &Actor, table: &str, columns: &str) -> Vec<String> {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let all: Vec<String> = columns.split(' ').map(|c| format!("COALESCE(CAST({c} AS TEXT), '-')")).collect();
    let sql = format!("SELECT {} AS line FROM {table} ORDER BY id", all.join(" || ' ' || "));
    let rows = tx.query_all_raw(Statement::from_string(tx.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|r| r.try_get("", "line").unwrap()).collect()
}

both!(every_attempt_at_the_console_leaves_its_address_and_nothing_that_was_typed, async |app: &TestApp| {
    let actor = app.association().await;
    let kari = person(app, &actor, "kari@lag.example").await;
    let ctx = proxied(app);
    // What stands before the proxy's own word is anybody's.
    let mut visitor = Visitor::at(&ctx, "198.51.100.66, 192.0.2.7").await;
    assert_eq!(visitor.sign_in("kari@lag.example", "et feil passord").await.0, 403);
    assert_eq!(visitor.sign_in("ukjent@lag.example", "noe hemmelig").await.0, 403);
    visitor.forwarded = "2001:db8:1:2:3::4".into();
    assert_eq!(visitor.sign_in("kari@lag.example", PASSWORD).await.0, 303);
    let logged = rows(app, &actor, "sign_in", "address network how outcome attempts").await;
    assert_eq!(
        logged,
        [
            "192.0.2.7 192.0.2.7 password wrong 1",
            "192.0.2.7 192.0.2.7 password wrong 1",
            "2001:db8:1:2:3::4 2001:db8:1:2::/64 password let_in 1",
        ]
    );
    let known = rows(app, &actor, "sign_in", "at address network how outcome").await.join("\n");
    for typed in ["kari@", "ukjent", "feil", "hemmelig"] {
        assert!(!known.contains(typed), "{typed} is kept: {known}");
    }
    // Who it was sees it, and nobody else does.
    let own = sign_in::list(&app.ctx, kari).await.unwrap();
    let seen: Vec<(&str, &str)> = own.iter().map(|s| (s.address.as_deref().unwrap(), s.outcome.as_str())).collect();
    assert_eq!(seen, [("2001:db8:1:2:3::4", "let_in"), ("192.0.2.7", "wrong")]);
    let (status, page, _) = visitor.send(Method::GET, "/console/sign-ins", &[]).await;
    assert_eq!(status, 200);
    assert!(
        page.contains("192.0.2.7") && page.contains("Feil passord") && page.contains("2001:db8:1:2:3::4"),
        "{page}"
    );
    assert_eq!(page.matches("<code>").count(), 2, "the attempt with an unknown name is nobody's");
    // An administrator and an explanation tell of them too; another organisation knows nobody of that id.
    let api = Api::serve(app).await;
    let path = format!("/api/v1/users/{kari}/sign-ins");
    let admin = key(app, &actor, Scope::Admin).await;
    let (status, body) = api.send(Method::GET, &path, Some(&admin), None).await;
    assert_eq!((status, body.as_array().unwrap().len()), (StatusCode::OK, 2));
    assert_eq!(body[0]["address"], "2001:db8:1:2:3::4");
    let told = explain(&app.ctx, &actor, Subject::User(kari), Some(Language::English)).await.unwrap();
    let held = told.held.iter().find(|h| h.what == "sign-ins").unwrap();
    assert_eq!((held.count, held.rule.as_str()), (2, "access_log"));
    let other = key(app, &another(app).await, Scope::Admin).await;
    assert_eq!(api.send(Method::GET, &path, Some(&other), None).await.0, StatusCode::NOT_FOUND);
    // Where no proxy is trusted the address is the connection's, whatever is claimed.
    let mut direct = Visitor::at(&app.ctx, "203.0.113.9").await;
    assert_eq!(direct.sign_in("kari@lag.example", PASSWORD).await.0, 303);
    assert_eq!(sign_in::list(&app.ctx, kari).await.unwrap()[0].address.as_deref(), Some("127.0.0.1"));
    // Behind a proxy nobody is told the address of, the connection is the proxy's: no address is known.
    let hidden = changed(&app.ctx, |config| config.console.https = true);
    let mut behind = Visitor::at(&hidden, "203.0.113.9").await;
    assert_eq!(behind.sign_in("kari@lag.example", PASSWORD).await.0, 303);
    assert_eq!(sign_in::list(&app.ctx, kari).await.unwrap()[0].address, None);
});

both!(the_standard_header_is_believed_where_it_is_the_one, async |app: &TestApp| {
    let actor = app.association().await;
    person(app, &actor, "kari").await;
    let standard: reskontro::config::Config =
        reskontro::config::Config::with("[http]\nforwarded_header = \"forwarded\"\n").unwrap();
    let ctx = changed(&proxied(app), |config| config.http.forwarded_header = standard.http.forwarded_header);
    let base = Api::serve_ctx(ctx.clone()).await.base;
    let client = Client::builder().build().unwrap();
    let ask = async |name: &str, value: &str| {
        let request = client.get(format!("{base}/api/v1/customers")).header(name, value).bearer_auth("rk_wrong");
        assert_eq!(request.send().await.unwrap().status(), 401);
        sign_in::write(&app.ctx).await.unwrap();
        rows(app, &actor, "sign_in", "address").await.pop().unwrap()
    };
    assert_eq!(ask("Forwarded", "for=\"[2001:db8::9]:4711\";proto=https").await, "2001:db8::9");
    assert_eq!(
        ask("X-Forwarded-For", "192.0.2.7").await,
        "-",
        "the proxy does not write this header: anybody may have"
    );
});

both!(refused_keys_are_counted_together_and_good_ones_cost_nothing, async |app: &TestApp| {
    let actor = app.association().await;
    let reader = key(app, &actor, Scope::Read).await;
    let api = Api::serve_ctx(proxied(app)).await;
    let ask = async |key: &str| {
        let request = api.client.get(format!("{}/api/v1/customers", api.base)).bearer_auth(key);
        request.header("X-Forwarded-For", "192.0.2.7").send().await.unwrap().status()
    };
    for _ in 0..5 {
        assert_eq!(ask(&reader).await, 200);
    }
    assert!(app.ctx.db.refusals().is_empty(), "a good request waits to be written");
    let (head, _) = reader.rsplit_once('_').unwrap();
    for _ in 0..3 {
        assert_eq!(ask(&format!("{head}_{}", "0".repeat(64))).await, 401);
        assert_eq!(ask("rk_nothing").await, 401);
    }
    assert_eq!(count(app, &actor, "sign_in").await + count(app, &actor, "access_attempt").await, 0, "they wait");
    sign_in::write(&app.ctx).await.unwrap();
    assert_eq!(rows(app, &actor, "sign_in", "address how outcome attempts").await, ["192.0.2.7 api_key unknown 3"]);
    assert_eq!(
        rows(app, &actor, "access_attempt", "address how outcome attempts").await,
        ["192.0.2.7 api_key refused 3"]
    );
    assert_eq!(count(app, &actor, "access_attempt t JOIN api_key k ON k.id = t.key_id").await, 1);
    // Nobody guesses a key: an integration with a forgotten one locks nobody out.
    for _ in 0..60 {
        ask("rk_nothing").await;
    }
    sign_in::write(&app.ctx).await.unwrap();
    assert!(blocked::list(&app.ctx).await.unwrap().is_empty());
});

both!(codes_typed_on_a_payers_page_are_logged_and_guesses_block_the_address, async |app: &TestApp| {
    let ctx = changed(&with_pages(app), |config| config.sign_in.failures = 3);
    let (actor, invoices, page) = mailed(app, &ctx).await;
    let found = link(&ctx, &page).await;
    payer::send_code(&ctx, &found, None).await.unwrap();
    let code = last_code(app);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(payer::open(&ctx, &found, wrong, ip("192.0.2.7")).await.unwrap(), Opened::Wrong);
    assert!(matches!(payer::open(&ctx, &found, &code, ip("192.0.2.7")).await.unwrap(), Opened::Session(_)));
    assert_eq!(
        rows(app, &actor, "access_attempt", "address how outcome").await,
        ["192.0.2.7 code wrong", "192.0.2.7 code let_in"]
    );
    let customer = invoices[0].customer_id;
    assert_eq!(count(app, &actor, "access_attempt t JOIN customer c ON c.id = t.customer_id").await, 2);
    let whole = package::make(&ctx, &actor, Subject::Customer(customer), false, Language::English, "").await.unwrap();
    assert_eq!(whole.data["access_attempt"].len(), 2);
    assert_eq!(whole.data["access_attempt"][0]["address"], "192.0.2.7");
    for _ in 0..2 {
        payer::open(&ctx, &found, wrong, ip("192.0.2.7")).await.unwrap();
    }
    assert_eq!(payer::open(&ctx, &found, &code, ip("192.0.2.7")).await.unwrap(), Opened::Blocked(Some(16)));
    assert_eq!(payer::open(&ctx, &found, wrong, ip("192.0.2.8")).await.unwrap(), Opened::Dead, "another address");
    let refused = user::sign_in(&ctx, "kari", "et langt passord", ip("192.0.2.7")).await.unwrap();
    assert_eq!(refused, Err(Refused::Blocked(Some(16))), "the console is behind the same door");
    // The page says what to do, in the reader's language.
    let proxied = changed(&ctx, |config| config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]);
    let mut visitor = Visitor::at(&proxied, "192.0.2.7").await;
    for (language, says) in [("nb", "Vent 16 minutter"), ("nn", "Vent 16 minutt "), ("en", "Wait 16 minutes")] {
        visitor.cookie.clear();
        visitor.language = language;
        let (_, shown, _) = visitor.send(Method::GET, &format!("{page}?language={language}"), &[]).await;
        let csrf = shown.split_once("name=\"csrf\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
        let form = [("csrf", csrf.as_str()), ("code", code.as_str()), ("language", language)];
        let (status, text, _) = visitor.send(Method::POST, &format!("{page}/open"), &form).await;
        assert_eq!(status, 429);
        assert!(text.contains(says), "{language}: {text}");
    }
    // Erased, the log keeps its own time.
    erase::erase(&ctx, &actor, Subject::Customer(customer)).await.unwrap();
    assert!(count(app, &actor, "access_attempt").await > 0);
    app.clock.advance(Duration::days(32));
    retention::nightly(&ctx, &actor).await.unwrap();
    assert_eq!(count(app, &actor, "access_attempt").await, 0);
});

both!(an_address_with_too_many_failures_rests_longer_each_time, async |app: &TestApp| {
    let actor = app.association().await;
    person(app, &actor, "kari").await;
    let ctx = changed(&proxied(app), |config| config.sign_in.failures = 4);
    let mut visitor = Visitor::at(&ctx, "192.0.2.7").await;
    let mut inside = Visitor::at(&ctx, "192.0.2.7").await;
    assert_eq!(inside.sign_in("kari", PASSWORD).await.0, 303);
    for (minutes, round) in [(15, 1), (30, 2), (60, 3)] {
        for n in 0..4 {
            assert_eq!(visitor.sign_in(&format!("nobody{n}"), "et feil passord").await.0, 403, "round {round}");
        }
        let shown =
            [("nb", "fra denne nettadressen"), ("nn", "frå denne nettadressa"), ("en", "from this network address")];
        for (language, says) in shown {
            visitor.language = language;
            let (status, page) = visitor.sign_in("kari", PASSWORD).await;
            assert_eq!(status, 429, "round {round}");
            assert!(page.contains(says) && page.contains(&(minutes + 1).to_string()), "{page}");
        }
        // Who is in stays in; others come in from elsewhere.
        assert_eq!(inside.send(Method::GET, "/console/sign-ins", &[]).await.0, 200);
        assert!(user::sign_in(&ctx, "kari", PASSWORD, ip("192.0.2.8")).await.unwrap().is_ok());
        let block: BlockView = blocked::list(&ctx).await.unwrap().remove(0);
        assert_eq!((block.range.as_str(), block.placed_by.as_str(), block.times), ("192.0.2.7", "service", round));
        assert!(block.in_force && block.review_on.is_none());
        app.clock.advance(Duration::minutes(minutes) - Duration::seconds(1));
        assert_eq!(visitor.sign_in("kari", PASSWORD).await.0, 429, "round {round} ends too early");
        app.clock.advance(Duration::seconds(1));
        assert_eq!(visitor.sign_in("kari", PASSWORD).await.0, 303, "round {round} does not end");
    }
    // What was refused while it was blocked is one row, and counts against nobody.
    sign_in::write(&ctx).await.unwrap();
    assert_eq!(count(app, &actor, "sign_in WHERE outcome = 'blocked'").await, 1);
    assert_eq!(rows(app, &actor, "sign_in WHERE outcome = 'blocked'", "address attempts").await, ["192.0.2.7 12"]);
    // Forgotten after a day; the next time is the first again.
    app.clock.advance(Duration::hours(24));
    assert_eq!(of(&retain(app, &actor).await, "blocked addresses").deleted, 1);
    assert!(blocked::list(&ctx).await.unwrap().is_empty());
    // Failures that are spread over time block nobody, nor do those of neighbours.
    for n in 0..12_u8 {
        assert_eq!(user::sign_in(&ctx, "nobody", "feil", ip("192.0.2.7")).await.unwrap(), Err(Refused::Wrong));
        assert_eq!(
            user::sign_in(&ctx, "nobody", "feil", ip(&format!("192.0.2.{}", 100 + n))).await.unwrap(),
            Err(Refused::Wrong)
        );
        app.clock.advance(Duration::minutes(21));
    }
    assert!(blocked::list(&ctx).await.unwrap().is_empty());
    // Whoever has one address of an IPv6 network has them all.
    for n in 0..4 {
        user::sign_in(&ctx, "nobody", "feil", ip(&format!("2001:db8:0:7::{n}"))).await.unwrap().unwrap_err();
    }
    let rests = user::sign_in(&ctx, "kari", PASSWORD, ip("2001:db8:0:7:ffff::1")).await.unwrap();
    assert_eq!(rests, Err(Refused::Blocked(Some(16))));
    assert!(user::sign_in(&ctx, "kari", PASSWORD, ip("2001:db8:0:8::1")).await.unwrap().is_ok());
});

async fn retain(app: &TestApp, actor: &Actor) -> Vec<Item> {
    let id = retention::plan(&app.ctx, actor).await.unwrap();
    retention::execute(&app.ctx, actor, id).await.unwrap();
    retention::get(&app.ctx, actor, id).await.unwrap().items
}

fn of<'a>(items: &'a [Item], what: &str) -> &'a Item {
    items.iter().find(|i| i.what == what).unwrap_or_else(|| panic!("{what}: {items:?}"))
}

fn new_block(range: &str) -> NewBlock {
    NewBlock { range: range.into(), reason: "Angrep i natt".into(), review_on: None }
}

both!(a_person_blocks_a_range_until_it_is_looked_at_again, async |app: &TestApp| {
    app.clock.set("2026-11-22T10:00:00Z".parse().unwrap());
    let actor = app.association().await;
    person(app, &actor, "kari").await;
    let id = blocked::place(&app.ctx, &actor, &new_block("198.51.100.0/24")).await.unwrap();
    let try_from = async |from: &str| user::sign_in(&app.ctx, "kari", PASSWORD, ip(from)).await.unwrap();
    assert_eq!(try_from("198.51.100.200").await, Err(Refused::Blocked(None)));
    assert_eq!(try_from("::ffff:198.51.100.1").await, Err(Refused::Blocked(None)), "the same address as IPv6");
    assert!(try_from("198.51.101.1").await.is_ok());
    let shown = blocked::list(&app.ctx).await.unwrap().remove(0);
    assert_eq!((shown.range.as_str(), shown.placed_by.as_str()), ("198.51.100.0/24", "operator"));
    assert_eq!((shown.reason.as_str(), shown.review_on), ("Angrep i natt", Some("2027-05-22".parse().unwrap())));
    let mut visitor = Visitor::at(&proxied(app), "198.51.100.7").await;
    for (language, says) in [("nb", "er sperret"), ("nn", "er sperra"), ("en", "is blocked")] {
        visitor.language = language;
        let (status, page) = visitor.sign_in("kari", PASSWORD).await;
        assert_eq!(status, 403);
        assert!(page.contains(says), "{page}");
    }
    let again = blocked::place(&app.ctx, &actor, &new_block("198.51.100.0/24")).await.unwrap_err();
    assert_eq!(again.code(), Some("blocked_already"));
    for (range, code) in [("198.51.100.7/24", "not_a_range"), ("hjemme", "not_a_range"), ("0.0.0.0/0", "too_wide")] {
        let refused = blocked::place(&app.ctx, &actor, &new_block(range)).await.unwrap_err();
        assert!(format!("{refused:?}").contains(code), "{range}: {refused:?}");
    }
    let late = NewBlock { review_on: Some("2027-05-23".parse().unwrap()), ..new_block("203.0.113.1") };
    assert!(format!("{:?}", blocked::place(&app.ctx, &actor, &late).await.unwrap_err()).contains("out_of_range"));
    let named = NewBlock { reason: "13097248022 prøvde seg".into(), ..new_block("203.0.113.1") };
    assert!(format!("{:?}", blocked::place(&app.ctx, &actor, &named).await.unwrap_err()).contains("national_id"));
    // Looked at in time it stands; not looked at, retention lifts it the day after and says so.
    app.clock.set("2027-05-22T10:00:00Z".parse().unwrap());
    assert_eq!(of(&retain(app, &actor).await, "blocked addresses").deleted, 0, "on its day it stands");
    blocked::review(&app.ctx, &actor, id, None).await.unwrap();
    app.clock.set("2027-05-23T10:00:00Z".parse().unwrap());
    assert_eq!(of(&retain(app, &actor).await, "blocked addresses").deleted, 0);
    assert_eq!(try_from("198.51.100.200").await, Err(Refused::Blocked(None)));
    app.clock.set("2027-11-23T10:00:00Z".parse().unwrap());
    let lifted = of(&retain(app, &actor).await, "blocked addresses").clone();
    assert_eq!((lifted.due, lifted.deleted, lifted.rule.as_str()), (1, 1, "blocked_address"));
    assert!(try_from("198.51.100.200").await.is_ok());
    let acts = count(app, &actor, "audit_event WHERE subject_kind = 'blocked_address'").await;
    assert_eq!(acts, 2, "placed and looked at");
    // A person lifts what the service placed, too.
    let strict = changed(&app.ctx, |config| config.sign_in.failures = 1);
    user::sign_in(&strict, "nobody", "feil", ip("192.0.2.7")).await.unwrap().unwrap_err();
    let own = blocked::list(&app.ctx).await.unwrap().remove(0);
    assert_eq!(blocked::review(&app.ctx, &actor, own.id, None).await.unwrap_err().code(), Some("ends_by_itself"));
    blocked::lift(&app.ctx, &actor, own.id).await.unwrap();
    assert!(try_from("192.0.2.7").await.is_ok());
});

both!(addresses_are_blocked_over_the_api_where_one_organisation_has_the_service, async |app: &TestApp| {
    let actor = app.association().await;
    let admin = key(app, &actor, Scope::Admin).await;
    let api = Api::serve(app).await;
    let send = async |method: Method, path: &str, body: Value| {
        api.send(method, &format!("/api/v1/blocked-addresses{path}"), Some(&admin), Some(&body)).await
    };
    let (status, made) = send(Method::POST, "", json!({ "range": "203.0.113.0/24", "reason": "angrep" })).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let id = made["id"].as_str().unwrap().to_owned();
    let (_, listed) = send(Method::GET, "", json!({})).await;
    assert_eq!((&listed[0]["range"], &listed[0]["placed_by"]), (&"203.0.113.0/24".into(), &"api_key".into()));
    let day = app.ctx.today() + chrono::Days::new(30);
    let (status, body) = send(Method::POST, &format!("/{id}/review"), json!({ "review_on": day })).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    assert_eq!(blocked::list(&app.ctx).await.unwrap()[0].review_on, Some(day));
    another(app).await;
    let (status, body) = send(Method::DELETE, &format!("/{id}"), json!({})).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::FORBIDDEN, Some("operator_only")));
    assert_eq!(blocked::list(&app.ctx).await.unwrap().len(), 1);
});

both!(sign_ins_go_by_the_shortest_time_of_those_they_concern, async |app: &TestApp| {
    // Thirty days.
    let actor = app.association().await;
    let other = another(app).await;
    // Ninety days.
    let new = NewPolicy { preset: "invoicing-platform".into(), changes: json!({}), valid_from: None };
    policy::publish(&app.ctx, &other, &new).await.unwrap();
    policy::approve(&app.ctx, &other, 2).await.unwrap();
    person(app, &actor, "kari").await;
    let ola = person(app, &other, "ola").await;
    let liv = person(app, &actor, "liv").await;
    user::add_member(&app.ctx, &other, liv, "viewer").await.unwrap();
    for login in ["kari", "ola", "liv", "nobody"] {
        let _ = user::sign_in(&app.ctx, login, PASSWORD, ip("192.0.2.7")).await.unwrap();
    }
    app.clock.advance(Duration::days(31));
    retention::nightly(&app.ctx, &other).await.unwrap();
    assert_eq!(count(app, &actor, "sign_in").await, 4, "nothing is ninety days old");
    // While a breach is looked into, what may answer it stays.
    let facts = Facts { what: Some("Noen prøvde seg.".into()), ..Facts::default() };
    let case = breach::open(&app.ctx, &other, &facts).await.unwrap();
    assert_eq!((of(&retain(app, &actor).await, "sign-ins").deleted, count(app, &actor, "sign_in").await), (1, 3));
    let tx = app.ctx.db.write(other.org).await.unwrap();
    let sql = "UPDATE breach SET closed_at = $1 WHERE id = $2";
    let values = [app.ctx.now().into(), case.into()];
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await.unwrap();
    tx.commit().await.unwrap();
    let item = of(&retain(app, &actor).await, "sign-ins").clone();
    assert_eq!((item.due, item.deleted), (2, 2), "of both organisations, and of nobody");
    assert_eq!(
        sign_in::list(&app.ctx, ola).await.unwrap().len(),
        1,
        "those of another organisation alone keep its time"
    );
    // An account that goes leaves an address and nobody.
    erase::erase(&app.ctx, &other, Subject::User(ola)).await.unwrap();
    assert_eq!(count(app, &actor, "sign_in WHERE user_id IS NULL").await, 1);
    assert_eq!(of(&retain(app, &actor).await, "sign-ins").deleted, 1);
});
