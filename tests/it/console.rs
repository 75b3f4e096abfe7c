//! The console over HTTP: who is let in and for how long, what forms must carry, and the headers of its pages.

use crate::api::Api;
use crate::harness::{TestApp, both};
use chrono::Duration;
use formats::customer_list::Mode;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response, redirect};
use reskontro::config::Config;
use reskontro::ctx::Ctx;
use reskontro::privacy::reading;
use reskontro::services::run::{self, NewRun};
use reskontro::services::user::{self, NewUser};
use reskontro::services::{Actor, delivery};
use reskontro::store::user as store;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

pub const PASSWORD: &str = "a long enough password";

/// The forms that change something.
fn acts(id: Uuid) -> Vec<String> {
    let forms = [
        "deliveries/act",
        "deliveries/redirect",
        "invoices/{id}/revoke-link",
        "runs/{id}/start",
        "print/posted",
        "webhooks/{id}/enable",
        "webhooks/{id}/replay",
    ];
    forms.iter().map(|f| format!("/console/{}", f.replace("{id}", &id.to_string()))).collect()
}

/// A browser: keeps cookies, follows nothing.
pub struct Browser {
    base: String,
    client: Client,
    cookies: BTreeMap<String, String>,
    /// Cookies as they were set, attributes and all.
    set: Vec<String>,
}

impl Browser {
    pub async fn at(ctx: &Ctx) -> Self {
        let base = Api::serve_ctx(ctx.clone()).await.base;
        let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { base, client, cookies: BTreeMap::new(), set: Vec::new() }
    }

    async fn send(&mut self, request: RequestBuilder) -> Response {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header(COOKIE, cookies.join("; ")).send().await.unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap().to_owned();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
            self.set.push(cookie);
        }
        answer
    }

    pub async fn get(&mut self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.base));
        self.send(request).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.client.post(format!("{}{path}", self.base)).form(fields);
        self.send(request).await
    }

    /// The token forms of a page carry.
    pub async fn token(&mut self, path: &str) -> String {
        let page = self.get(path).await.text().await.unwrap();
        let at = page.split_once("name=\"csrf\" value=\"").expect("a form with a token").1;
        at.split_once('"').unwrap().0.to_owned()
    }

    /// Signs in, or tries to; the status.
    pub async fn sign_in(&mut self, user: &str, password: &str) -> u16 {
        let csrf = self.token("/console/sign-in").await;
        let fields = [("csrf", csrf.as_str()), ("user", user), ("password", password)];
        self.post("/console/sign-in", &fields).await.status().as_u16()
    }

    async fn is_in(&mut self) -> bool {
        let answer = self.get("/console/deliveries").await;
        let away = answer.headers().get(LOCATION).map(|to| to.to_str().unwrap().to_owned());
        assert!(away.is_none_or(|to| to.starts_with("/console/sign-in")));
        answer.status() == 200
    }
}

pub async fn person(app: &TestApp, actor: &Actor, login: &str, role: &str) -> Uuid {
    let id = user::create(&app.ctx, &NewUser { login, name: login, password: PASSWORD }).await.unwrap();
    user::add_member(&app.ctx, actor, id, role).await.unwrap();
    id
}

/// A run that has been started and has issued nothing.
async fn started(app: &TestApp, actor: &Actor, customers: usize) -> Uuid {
    app.product(actor, "A", "Vare", "100").await;
    let mut list = String::from("Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n");
    for i in 0..customers {
        list += &format!("{i};Kari Nord;Gata {i};0150;Oslo;;A\n");
    }
    app.sync(actor, list.as_bytes(), Mode::Full).await;
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    run::start(&app.ctx, actor, &new).await.unwrap()
}

both!(the_progress_of_a_run_is_told_while_it_runs_and_the_telling_ends_with_it, async |app: &TestApp| {
    let actor = app.association().await;
    person(app, &actor, "kari", "viewer").await;
    let id = started(app, &actor, 3).await;
    let mut browser = Browser::at(&app.ctx).await;
    let path = format!("/console/runs/{id}/events");
    assert_eq!(browser.get(&path).await.status(), 303, "told to somebody who is not signed in");
    browser.sign_in("kari", PASSWORD).await;
    let mut answer = browser.get(&path).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut told = String::from_utf8(answer.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    run::continue_run(&app.ctx, &actor, id, |_| {}).await.unwrap();
    let end = async {
        while let Some(more) = answer.chunk().await.unwrap() {
            told += std::str::from_utf8(&more).unwrap();
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), end).await.expect("the telling ends");
    let events: Vec<Value> =
        told.lines().filter_map(|l| l.strip_prefix("data: ")).map(|d| serde_json::from_str(d).unwrap()).collect();
    let (first, last) = (&events[0], events.last().unwrap());
    assert_eq!((&first["state"], &first["issued"], &first["total"]), (&"running".into(), &0.into(), &3.into()));
    assert_eq!((&last["state"], &last["issued"], &last["total"]), (&"finished".into(), &3.into(), &3.into()));
    assert_eq!(events.iter().filter(|e| e["state"] == "finished").count(), 1);
    let other = crate::api::another(app).await;
    person(app, &other, "nabo", "owner").await;
    browser.sign_in("nabo", PASSWORD).await;
    assert_eq!(browser.get(&path).await.status(), 404, "another organisation's run");
});

both!(five_wrong_passwords_rest_the_account_for_five_minutes, async |app: &TestApp| {
    let actor = app.association().await;
    person(app, &actor, "kari", "owner").await;
    person(app, &actor, "ola", "owner").await;
    let mut browser = Browser::at(&app.ctx).await;
    for _ in 0..4 {
        assert_eq!(browser.sign_in("kari", "a wrong password").await, 403);
    }
    assert_eq!(browser.sign_in("kari", PASSWORD).await, 303, "rested too early, or failures are not forgotten");
    for _ in 0..5 {
        assert_eq!(browser.sign_in("kari", "a wrong password").await, 403);
    }
    let mut other = Browser::at(&app.ctx).await;
    for login in ["kari", "KARI"] {
        assert_eq!(other.sign_in(login, PASSWORD).await, 429);
    }
    assert!(!other.is_in().await);
    assert_eq!(other.sign_in("ola", PASSWORD).await, 303);
    app.clock.advance(Duration::seconds(299));
    assert_eq!(browser.sign_in("kari", PASSWORD).await, 429);
    app.clock.advance(Duration::seconds(1));
    // One more wrong one, and it rests twice as long.
    assert_eq!(browser.sign_in("kari", "a wrong password").await, 403);
    app.clock.advance(Duration::seconds(599));
    assert_eq!(browser.sign_in("kari", PASSWORD).await, 429);
    app.clock.advance(Duration::seconds(1));
    assert_eq!(browser.sign_in("kari", PASSWORD).await, 303);
});

both!(a_session_ends_when_idle_and_after_twelve_hours_however_busy, async |app: &TestApp| {
    let actor = app.association().await;
    person(app, &actor, "kari", "owner").await;
    let mut browser = Browser::at(&app.ctx).await;
    browser.sign_in("kari", PASSWORD).await;
    let idle = Duration::minutes(app.ctx.config.console.idle_minutes);
    app.clock.advance(idle);
    assert!(browser.is_in().await);
    app.clock.advance(idle + Duration::seconds(1));
    assert!(!browser.is_in().await);
    app.clock.advance(-idle);
    assert!(!browser.is_in().await, "a session that has ended comes back");
    browser.sign_in("kari", PASSWORD).await;
    for _ in 0..23 {
        app.clock.advance(Duration::minutes(30));
        assert!(browser.is_in().await);
    }
    app.clock.advance(Duration::seconds(1799));
    assert!(browser.is_in().await);
    app.clock.advance(Duration::seconds(1));
    assert!(!browser.is_in().await);
});

both!(who_signs_out_is_out, async |app: &TestApp| {
    let actor = app.association().await;
    person(app, &actor, "kari", "owner").await;
    let mut browser = Browser::at(&app.ctx).await;
    browser.sign_in("kari", PASSWORD).await;
    let kept = browser.cookies.clone();
    let csrf = browser.token("/console/deliveries").await;
    browser.post("/console/sign-out", &[("csrf", &csrf)]).await;
    browser.cookies = kept;
    assert!(!browser.is_in().await, "the cookie still opens the console");
});

both!(a_password_is_stored_as_argon2id_with_a_salt_of_its_own, async |app: &TestApp| {
    let actor = app.association().await;
    let (kari, ola) = (person(app, &actor, "kari", "owner").await, person(app, &actor, "ola", "owner").await);
    let tx = app.ctx.db.system().await.unwrap();
    let kari = store::find(&tx, kari).await.unwrap().unwrap().password_hash;
    let ola = store::find(&tx, ola).await.unwrap().unwrap().password_hash;
    for hash in [&kari, &ola] {
        let (cost, _) = hash.strip_prefix("$argon2id$v=19$m=").unwrap().split_once(',').unwrap();
        assert!(cost.parse::<u32>().unwrap() >= 19_456 && !hash.contains(PASSWORD), "{hash}");
    }
    assert_ne!(kari, ola);
});

both!(who_may_only_look_changes_nothing, async |app: &TestApp| {
    let actor = app.association().await;
    person(app, &actor, "leser", "viewer").await;
    person(app, &actor, "kari", "operator").await;
    let run = started(app, &actor, 1).await;
    run::continue_run(&app.ctx, &actor, run, |_| {}).await.unwrap();
    let before = app.deliveries(&actor).await.remove(0);
    assert_eq!((before.state.as_str(), before.needs_person), ("failed", true));
    let mut browser = Browser::at(&app.ctx).await;
    for (login, status) in [("leser", 403), ("kari", 303)] {
        browser.sign_in(login, PASSWORD).await;
        assert!(browser.is_in().await);
        let csrf = browser.token("/console/deliveries").await;
        let id = before.id.to_string();
        let fields = [("csrf", csrf.as_str()), ("delivery", &id), ("action", "print"), ("channel", "print")];
        if status == 403 {
            for act in acts(run) {
                assert_eq!(browser.post(&act, &fields).await.status(), status, "{act}");
            }
            assert_eq!(app.deliveries(&actor).await[0].channel, "mail");
        }
        assert_eq!(browser.post("/console/deliveries/act", &fields).await.status(), status, "{login}");
    }
    let after = app.deliveries(&actor).await.remove(0);
    assert_eq!((after.channel.as_str(), after.state.as_str()), ("print", "queued"));
});

both!(a_form_without_the_token_of_its_session_is_refused, async |app: &TestApp| {
    let actor = app.association().await;
    person(app, &actor, "kari", "owner").await;
    let run = started(app, &actor, 1).await;
    run::continue_run(&app.ctx, &actor, run, |_| {}).await.unwrap();
    delivery::drain(&app.ctx).await.unwrap();
    let mut browser = Browser::at(&app.ctx).await;
    let fields = [("csrf", ""), ("user", "kari"), ("password", PASSWORD)];
    assert_eq!(browser.post("/console/sign-in", &fields).await.status(), 403);
    let mut other = Browser::at(&app.ctx).await;
    let foreign = other.token("/console/sign-in").await;
    let fields = [("csrf", foreign.as_str()), ("user", "kari"), ("password", PASSWORD)];
    assert_eq!(browser.post("/console/sign-in", &fields).await.status(), 403, "another browser's form");
    assert!(!browser.is_in().await);
    browser.sign_in("kari", PASSWORD).await;
    other.sign_in("kari", PASSWORD).await;
    let foreign = other.token("/console/deliveries").await;
    let delivery = app.deliveries(&actor).await[0].id.to_string();
    let others = ["organisation", "preferences", "sign-out", "print/pdf"].map(|f| format!("/console/{f}"));
    for act in acts(run).into_iter().chain(others) {
        for csrf in [None, Some(""), Some(foreign.as_str())] {
            let mut fields = vec![("delivery", delivery.as_str()), ("action", "print"), ("channel", "print")];
            fields.extend(csrf.map(|token| ("csrf", token)));
            let answer = browser.post(&act, &fields).await;
            let to = answer.headers().get(LOCATION).map(|to| to.to_str().unwrap()).unwrap_or_default();
            assert!(answer.status() == 303 && to.starts_with("/console/sign-in"), "{act} {csrf:?}: {answer:?}");
        }
    }
    assert!(browser.is_in().await, "signed out by a form of others");
    assert_eq!(app.deliveries(&actor).await[0].channel, "mail");
});

both!(pages_run_no_script_of_others_and_cookies_stay_with_the_console, async |app: &TestApp| {
    let actor = app.association().await;
    person(app, &actor, "kari", "owner").await;
    let run = started(app, &actor, 1).await;
    for https in [false, true] {
        let mut config = Config::clone(&app.ctx.config);
        config.console.https = https;
        let ctx = Ctx { config: Arc::new(config), ..app.ctx.clone() };
        let mut browser = Browser::at(&ctx).await;
        assert_eq!(browser.sign_in("kari", PASSWORD).await, 303);
        let run = format!("/console/runs/{run}");
        let nowhere = format!("/console/runs/{}", Uuid::nil());
        for path in ["/console/sign-in", "/console/deliveries", "/console/runs", &run, "/console/print", &nowhere] {
            let answer = browser.get(path).await;
            let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
            let of = |name: &str| policy.split(';').find_map(|d| d.trim().strip_prefix(name)).map(str::trim);
            assert_eq!((of("default-src"), of("script-src")), (Some("'none'"), Some("'self'")), "{path}");
            assert_eq!((of("frame-ancestors"), of("form-action")), (Some("'none'"), Some("'self'")), "{path}");
            let page = answer.text().await.unwrap();
            assert!(page.split("<script").skip(1).all(|s| s.trim_start().starts_with("src=\"/console/")), "{path}");
        }
        let prefix = if https { "__Host-reskontro_" } else { "reskontro_" };
        assert!(browser.set.len() >= 2);
        for cookie in &browser.set {
            let parts: Vec<&str> = cookie.split("; ").collect();
            assert!(parts[0].starts_with(prefix), "{cookie}");
            for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
                assert!(parts.contains(&part), "{cookie}");
            }
            assert_eq!(parts.contains(&"Secure"), https, "{cookie}");
            assert!(!cookie.contains("Domain"), "{cookie}");
        }
        // The cookies of the console are these two, and no page sets another.
        let names: BTreeSet<_> = browser.cookies.keys().map(|name| name.trim_start_matches("__Host-")).collect();
        assert_eq!(names, BTreeSet::from(["reskontro_form", "reskontro_session"]));
        let told = browser.get("/console/deliveries").await.headers().get("strict-transport-security").cloned();
        assert_eq!(told.is_some(), https);
    }
});

both!(no_page_of_the_console_is_shown_to_who_is_not_signed_in, async |app: &TestApp| {
    let actor = app.association().await;
    person(app, &actor, "kari", "owner").await;
    let run = started(app, &actor, 1).await;
    run::continue_run(&app.ctx, &actor, run, |_| {}).await.unwrap();
    let invoice = app.deliveries(&actor).await[0].invoice_id;
    let lists = ["deliveries", "invoices", "runs", "print", "webhooks"].map(String::from);
    let single = ["", "/pdf", "/html", "/ehf"].map(|what| format!("invoices/{invoice}{what}"));
    let runs = ["", "/events"].map(|what| format!("runs/{run}{what}"));
    let pages: Vec<String> = lists.into_iter().chain(single).chain(runs).map(|p| format!("/console/{p}")).collect();
    let mut browser = Browser::at(&app.ctx).await;
    for page in &pages {
        let answer = browser.get(page).await;
        let to = answer.headers().get(LOCATION).map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
        assert!(answer.status() == 303 && to.starts_with("/console/sign-in"), "{page}: {answer:?}");
        let shown = answer.text().await.unwrap();
        assert!(!shown.contains("Kari Nord"), "{page}: {shown}");
    }
    browser.sign_in("kari", PASSWORD).await;
    for page in pages.iter().filter(|p| !p.ends_with("/ehf") && !p.ends_with("/events")) {
        assert_eq!(browser.get(page).await.status(), 200, "{page}");
    }
});

both!(nobody_signs_in_over_a_line_others_can_read, async |app: &TestApp| {
    let actor = app.association().await;
    person(app, &actor, "kari", "owner").await;
    let mut config = Config::clone(&app.ctx.config);
    config.http.bind = "0.0.0.0:8080".into();
    let plain = Ctx { config: Arc::new(config.clone()), ..app.ctx.clone() };
    config.console.https = true;
    let proxied = Ctx { config: Arc::new(config), ..app.ctx.clone() };
    let mut safe = Browser::at(&proxied).await;
    assert_eq!(safe.sign_in("kari", PASSWORD).await, 303);
    let mut browser = Browser::at(&plain).await;
    browser.cookies = safe.cookies.iter().map(|(n, v)| (n.trim_start_matches("__Host-").into(), v.clone())).collect();
    for page in ["/console/sign-in", "/console/deliveries"] {
        assert_eq!(browser.get(page).await.status(), 403, "{page}");
    }
    let csrf = safe.cookies["__Host-reskontro_form"].clone();
    let fields = [("csrf", csrf.as_str()), ("user", "kari"), ("password", PASSWORD)];
    assert_eq!(browser.post("/console/sign-in", &fields).await.status(), 403);
});

both!(what_the_console_shows_of_somebody_is_logged_with_who_looked, async |app: &TestApp| {
    let billed = crate::erasure::billed(app).await;
    let viewer = person(app, &billed.actor, "ser", "viewer").await;
    let mut browser = Browser::at(&app.ctx).await;
    assert_eq!(browser.sign_in("ser", PASSWORD).await, 303);
    let mut seen = 0;
    let invoice = billed.invoices[0];
    for (path, action, people) in [
        ("/console/deliveries?tab=delivered".to_owned(), "deliveries.list", 2),
        ("/console/invoices".to_owned(), "invoices.list", 2),
        (format!("/console/invoices/{invoice}"), "invoice.get", 1),
        (format!("/console/invoices/{invoice}/pdf"), "invoice.pdf", 1),
        (format!("/console/invoices/{invoice}/html"), "invoice.html", 1),
    ] {
        assert_eq!(browser.get(&path).await.status(), 200, "{path}");
        let rows = reading::list(&app.ctx, &billed.actor, None, Uuid::nil(), 100).await.unwrap();
        let new = &rows[seen..];
        assert_eq!(new.len(), 1, "{path}: {new:?}");
        assert_eq!((new[0].action.as_str(), new[0].people), (action, people), "{path}");
        assert_eq!((new[0].actor_kind.as_str(), new[0].actor_id), ("user", Some(viewer)));
        seen = rows.len();
    }
});
