//! The payer's link and page: what a mail carries, what is shown to whom, and for how long.

use crate::api::{Api, another, key};
use crate::harness::{Backend, TestApp, both};
use chrono::Duration;
use formats::customer_list::Mode;
use reqwest::{Method, StatusCode};
use reskontro::config::Config;
use reskontro::ctx::Ctx;
use reskontro::services::access::Scope;
use reskontro::services::invoice::{self, CreditRequest, credit};
use reskontro::services::organisation;
use reskontro::services::payer::{self, Opened};
use reskontro::services::payment::{NewPayment, register};
use reskontro::services::{Actor, delivery, upkeep};
use reskontro::store::views::{self, InvoiceItem};
use sea_orm::{ConnectionTrait, Statement};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

pub const LIST: &str = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n\
    1;Kari Nord;Storgata 17;0150;Oslo;kari@example.org;A\n\
    2;Ola Berg;Storgata 18;0150;Oslo;ola@example.org;A\n";
pub const BASE: &str = "https://faktura.example";
/// What says who owes and for what.
pub const PERSONAL: [&str; 6] = ["Kari", "Nord", "Storgata", "0150", "Hemmelig kurs", "kari@"];

/// The service with public pages.
pub fn with_pages(app: &TestApp) -> Ctx {
    changed(&app.ctx, |config| config.payer.base_url = BASE.to_owned())
}

pub fn changed(ctx: &Ctx, change: impl FnOnce(&mut Config)) -> Ctx {
    let mut config = Config::clone(&ctx.config);
    change(&mut config);
    Ctx { config: Arc::new(config), ..ctx.clone() }
}

/// Two customers, each with an invoice whose mail is due; the first is Kari's.
pub async fn billed(app: &TestApp, ctx: &Ctx) -> (Actor, Vec<InvoiceItem>) {
    let actor = app.association().await;
    app.product(&actor, "A", "Hemmelig kurs", "450").await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    app.bill(ctx, &actor).await;
    let tx = ctx.db.read(actor.org).await.unwrap();
    let invoices = views::invoices(&tx, Uuid::nil(), 10).await.unwrap();
    (actor, invoices)
}

/// The same, mailed; and the page of the first.
pub async fn mailed(app: &TestApp, ctx: &Ctx) -> (Actor, Vec<InvoiceItem>, String) {
    let (actor, invoices) = billed(app, ctx).await;
    delivery::drain(ctx).await.unwrap();
    let url = payer::find_url(ctx, &actor, invoices[0].id).await.unwrap().unwrap();
    (actor, invoices, url.strip_prefix(BASE).unwrap().to_owned())
}

pub fn token(path: &str) -> &str {
    path.strip_prefix("/i/").unwrap()
}

pub async fn link(ctx: &Ctx, path: &str) -> payer::Link {
    payer::find(ctx, token(path)).await.unwrap().unwrap()
}

/// A mail as it reads: quoted-printable undone, lines put together.
pub fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace("=\r\n", "");
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (first, hex) {
            (b'=', Some(byte)) => {
                out.push(byte);
                rest = &tail[2..];
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The mails to an address, oldest first.
pub fn mails(app: &TestApp, to: &str) -> Vec<String> {
    let all = app.spool().into_iter().map(|path| readable(&std::fs::read(path).unwrap()));
    all.filter(|mail| mail.contains(&format!("{to}>")) || mail.contains(&format!("To: {to}"))).collect()
}

/// The code of the last code mail.
pub fn last_code(app: &TestApp) -> String {
    let mails = mails(app, "kari@example.org");
    code_of(mails.last().unwrap())
}

pub fn code_of(mail: &str) -> String {
    let line = mail.lines().find(|l| l.len() == 6 && l.bytes().all(|b| b.is_ascii_digit()));
    line.unwrap_or_else(|| panic!("no code in {mail}")).to_owned()
}

/// Somebody with a browser that keeps cookies and follows no redirects.
pub struct Browser {
    base: String,
    client: reqwest::Client,
    pub cookies: BTreeMap<String, String>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }
}

impl Browser {
    pub async fn new(ctx: &Ctx) -> Self {
        let api = Api::serve_ctx(ctx.clone()).await;
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { base: api.base, client, cookies: BTreeMap::new() }
    }

    pub async fn send(&mut self, method: Method, path: &str, form: &[(&str, &str)]) -> Answer {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.base));
        let cookies: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        request = request.header("cookie", cookies.join("; "));
        if method == Method::POST {
            request = request.form(form);
        }
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
        }
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[]).await
    }

    /// Sends a form of the page, with its token, and shows where it leads.
    pub async fn post(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let shown = self.get(page).await.text();
        let csrf = shown.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let mut form = vec![("csrf", csrf.as_str())];
        form.extend_from_slice(fields);
        let answer = self.send(Method::POST, &format!("{page}/{action}"), &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let to = answer.header("location").to_owned();
        self.get(&to).await
    }

    pub async fn sign_in(&mut self, app: &TestApp, page: &str) -> Answer {
        self.post(page, "code", &[]).await;
        let code = last_code(app);
        self.post(page, "open", &[("code", &code)]).await
    }
}

pub fn says_nothing_personal(text: &str) {
    for word in PERSONAL {
        assert!(!text.contains(word), "says {word}: {text}");
    }
}

both!(every_invoice_mail_carries_the_link_and_a_retry_the_same, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (actor, invoices, page) = mailed(app, &ctx).await;
    let mail = mails(app, "kari@example.org").remove(0);
    let url = format!("{BASE}{page}");
    assert_eq!(mail.matches(&url).count(), 3, "once as text, twice as a link: {mail}");
    assert!(mail.contains("application/pdf"));
    assert_eq!(token(&page).len(), 43);
    // Another invoice has another link.
    let other = payer::find_url(&ctx, &actor, invoices[1].id).await.unwrap().unwrap();
    assert_ne!(other, url);
    // Sent again, it is the same mail.
    let before = app.spool().iter().map(|p| std::fs::read(p).unwrap()).collect::<Vec<_>>();
    app.clock.advance(Duration::days(2));
    for found in app.deliveries(&actor).await {
        delivery::resend(&ctx, &actor, found.id, true).await.unwrap();
    }
    delivery::drain(&ctx).await.unwrap();
    assert_eq!(before, app.spool().iter().map(|p| std::fs::read(p).unwrap()).collect::<Vec<_>>());
});

both!(a_mail_above_the_limit_carries_the_link_alone_and_the_pdf_is_behind_it, async |app: &TestApp| {
    let ctx = changed(&with_pages(app), |config| config.mail.max_bytes = 1000);
    let (actor, invoices, page) = mailed(app, &ctx).await;
    let mail = mails(app, "kari@example.org").remove(0);
    assert!(!mail.contains("application/pdf") && mail.contains("for stor til å legges ved"), "{mail}");
    assert!(mail.contains(&format!("{BASE}{page}")));
    assert!(!mail.contains("Be oss om"));
    let mut browser = Browser::new(&ctx).await;
    let refused = browser.get(&format!("{page}/pdf")).await;
    assert_eq!((refused.status, refused.header("location")), (StatusCode::SEE_OTHER, page.as_str()));
    browser.sign_in(app, &page).await;
    let pdf = browser.get(&format!("{page}/pdf")).await;
    assert_eq!((pdf.status, pdf.header("content-type")), (StatusCode::OK, "application/pdf"));
    assert!(pdf.header("content-disposition").starts_with("attachment"));
    let (_, hash) = invoice::stored_files(&ctx, &actor, invoices[0].id).await.unwrap().remove(0);
    assert_eq!(ctx.files.get(actor.org, &hash).await.unwrap(), pdf.body);
});

both!(without_pages_a_mail_above_the_limit_is_for_a_person, async |app: &TestApp| {
    let ctx = changed(&app.ctx, |config| config.mail.max_bytes = 1000);
    let (actor, invoices) = billed(app, &ctx).await;
    delivery::drain(&ctx).await.unwrap();
    for found in app.deliveries(&actor).await {
        let stands = (found.state.as_str(), found.reason.as_deref(), found.needs_person);
        assert_eq!(stands, ("failed", Some("mail_too_large"), true));
    }
    assert!(console::is_known_cause("mail_too_large"));
    assert!(app.spool().is_empty());
    // And no mail names a page that is not there.
    assert_eq!(payer::find_url(&ctx, &actor, invoices[0].id).await.unwrap(), None);
    // Once there are pages it goes; and where they are taken away again, its link is dead.
    let pages = with_pages(app);
    let found = app.deliveries(&actor).await.remove(0);
    delivery::resend(&pages, &actor, found.id, false).await.unwrap();
    delivery::drain(&pages).await.unwrap();
    let url = payer::find_url(&pages, &actor, found.invoice_id).await.unwrap().unwrap();
    let page = url.strip_prefix(BASE).unwrap();
    assert_eq!(Browser::new(&pages).await.get(page).await.status, StatusCode::OK);
    assert_eq!(Browser::new(&ctx).await.get(page).await.status, StatusCode::NOT_FOUND);
});

both!(before_the_code_nothing_says_who_owes_or_for_what, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (_, invoices, page) = mailed(app, &ctx).await;
    let mut browser = Browser::new(&ctx).await;
    let sent = app.spool().len();
    let answer = browser.get(&page).await;
    assert_eq!(answer.status, StatusCode::OK);
    let text = answer.text();
    says_nothing_personal(&text);
    let number = invoices[0].number.to_string();
    assert!(!text.contains(&format!(" {number}")) && !text.contains("/pdf"), "{text}");
    for shown in ["Fjellbygda idrettslag", "312\u{a0}345\u{a0}676", "450,00", "k•••@e•••.org", "Forfaller"]
    {
        assert!(text.contains(shown), "{shown} is missing: {text}");
    }
    let kid = invoices[0].kid.as_deref().unwrap();
    assert!(text.contains(&format!("data-copy=\"{kid}\"")) && text.contains("data-copy=\"12345678903\""));
    assert_eq!(answer.header("x-robots-tag"), "noindex");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'; style-src"));
    // Scanners of mail open links, also by HEAD: nothing is sent by that.
    browser.send(Method::HEAD, &page, &[]).await;
    browser.get(&format!("{page}?said=sent&language=en")).await;
    assert_eq!(app.spool().len(), sent);
    // Asking in another language.
    let english = browser.get(&format!("{page}?language=en")).await.text();
    assert!(english.contains("<html lang=\"en\"") && english.contains("Invoice from Fjellbygda idrettslag"));
    assert!(browser.get(&format!("{page}?language=xx")).await.text().contains("<html lang=\"nb\""));
});

/// Every column of the link and session tables, as text.
pub async fn stored(app: &TestApp, ctx: &Ctx) -> String {
    let tx = ctx.db.system().await.unwrap();
    let sql = match app.backend {
        Backend::Sqlite => {
            "SELECT hex(token_hash) || coalesce(hex(code_hash), '') || CAST(token_hash AS TEXT) AS t FROM payer_link"
        }
        Backend::Postgres => "SELECT payer_link::text AS t FROM payer_link",
    };
    let rows = tx.query_all_raw(Statement::from_string(tx.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|r| r.try_get::<String>("", "t").unwrap_or_default()).collect()
}

both!(the_code_opens_the_invoice_once_and_for_half_an_hour, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (_, invoices, page) = mailed(app, &ctx).await;
    let mut browser = Browser::new(&ctx).await;
    let text = browser.sign_in(app, &page).await.text();
    let number = invoices[0].number;
    for shown in [&format!("Faktura {number} til Kari Nord"), "Hemmelig kurs", "Levert på e-post", "Avslutt nå"] {
        assert!(text.contains(shown), "{shown} is missing: {text}");
    }
    assert!(!text.contains("uenig") && !text.contains("Opplysningene mine"), "nothing that is not there yet");
    let cookie = browser.cookies.get("__Secure-reskontro_payer").unwrap().clone();
    assert_eq!(cookie.len(), 64);
    // The code is used up.
    let code = last_code(app);
    let found = link(&ctx, &page).await;
    assert_eq!(payer::open(&ctx, &found, &code, None).await.unwrap(), Opened::Dead);
    app.clock.advance(Duration::minutes(29));
    assert!(browser.get(&page).await.text().contains("Kari Nord"));
    app.clock.advance(Duration::minutes(1));
    says_nothing_personal(&browser.get(&page).await.text());
    assert_eq!(browser.get(&format!("{page}/pdf")).await.status, StatusCode::SEE_OTHER);
});

both!(a_session_opens_its_own_link_and_can_be_ended, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (actor, invoices, page) = mailed(app, &ctx).await;
    let mut browser = Browser::new(&ctx).await;
    browser.sign_in(app, &page).await;
    let other = payer::find_url(&ctx, &actor, invoices[1].id).await.unwrap().unwrap();
    let other = other.strip_prefix(BASE).unwrap();
    let text = browser.get(other).await.text();
    assert!(!text.contains("Ola Berg") && text.contains("o•••@e•••.org"), "{text}");
    assert_eq!(browser.get(&format!("{other}/pdf")).await.status, StatusCode::SEE_OTHER);
    assert!(browser.get(&page).await.text().contains("Kari Nord"));
    let kept = browser.cookies.clone();
    let text = browser.post(&page, "close", &[]).await.text();
    says_nothing_personal(&text);
    assert!(text.contains("Fakturaen er lukket"));
    // Also for whoever has kept the cookie.
    browser.cookies = kept;
    says_nothing_personal(&browser.get(&page).await.text());
});

both!(cookies_go_to_the_pages_alone_and_never_in_clear, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (_, _, page) = mailed(app, &ctx).await;
    let mut browser = Browser::new(&ctx).await;
    let form = browser.get(&page).await.header("set-cookie").to_owned();
    browser.post(&page, "code", &[]).await;
    let code = last_code(app);
    let shown = browser.get(&page).await.text();
    let csrf = shown.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let fields = [("csrf", csrf.as_str()), ("code", code.as_str())];
    let session = browser.send(Method::POST, &format!("{page}/open"), &fields).await.header("set-cookie").to_owned();
    for cookie in [form, session] {
        for part in ["__Secure-reskontro_payer", "Path=/i/", "HttpOnly", "SameSite=Lax", "Secure"] {
            assert!(cookie.contains(part), "{part}: {cookie}");
        }
    }
});

both!(the_page_carries_the_sellers_mark_and_asks_nobody_for_it, async |app: &TestApp| {
    let ctx = with_pages(app);
    let actor = app.association().await;
    organisation::set_logo(&ctx, &actor, Some(&crate::settings::png())).await.unwrap();
    app.product(&actor, "A", "Hemmelig kurs", "450").await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    app.bill(&ctx, &actor).await;
    delivery::drain(&ctx).await.unwrap();
    let found = app.deliveries(&actor).await.remove(0);
    let url = payer::find_url(&ctx, &actor, found.invoice_id).await.unwrap().unwrap();
    let mut browser = Browser::new(&ctx).await;
    let text = browser.get(url.strip_prefix(BASE).unwrap()).await.text();
    assert!(text.contains("<img class=\"mark\" src=\"data:image/png;base64,iVBOR"), "{text}");
    // All the page asks for is there, and nothing of it is the console's.
    for asked in text.split(['"', ' ']).filter(|part| part.starts_with("/i/assets/")) {
        assert_eq!(browser.get(asked).await.status, StatusCode::OK, "{asked}");
    }
    // It leads elsewhere once, to the seller's statement, which is asked for when somebody follows it.
    let statement = "<a href=\"https://fjellbygda.example/personvern\">";
    assert_eq!(text.matches(statement).count(), 1, "{text}");
    let rest = text.replace(statement, "");
    assert!(!rest.contains("/console/") && !rest.contains("http"), "{rest}");
});

both!(a_form_from_elsewhere_does_nothing, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (actor, invoices, page) = mailed(app, &ctx).await;
    let mut browser = Browser::new(&ctx).await;
    let sent = app.spool().len();
    let bare = browser.send(Method::POST, &format!("{page}/code"), &[]).await;
    assert_eq!(bare.header("location"), format!("{page}?said=form"));
    // The token of one link is none for another.
    let other = payer::find_url(&ctx, &actor, invoices[1].id).await.unwrap().unwrap();
    let shown = browser.get(other.strip_prefix(BASE).unwrap()).await.text();
    let csrf = shown.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let forged = browser.send(Method::POST, &format!("{page}/code"), &[("csrf", csrf)]).await;
    assert_eq!(forged.header("location"), format!("{page}?said=form"));
    assert_eq!(app.spool().len(), sent);
});

both!(paid_and_credited_pages_say_so_and_ask_for_nothing, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (actor, invoices, page) = mailed(app, &ctx).await;
    let pay = async |amount_ore| {
        let new = NewPayment { amount_ore, booked_on: None, invoice_id: Some(invoices[0].id), customer_id: None };
        register(&ctx, &actor, &new).await.unwrap();
    };
    let mut browser = Browser::new(&ctx).await;
    pay(10_000).await;
    let text = browser.get(&page).await.text();
    assert!(text.contains("350,00") && text.contains("100,00\u{a0}kr er betalt"), "{text}");
    assert!(text.contains("data-copy=\"350,00\""));
    // More than is owed is paid all the same.
    pay(50_000).await;
    let text = browser.get(&page).await.text();
    assert!(text.contains("Fakturaen er betalt. Takk.") && !text.contains("data-copy"), "{text}");
    let text = browser.sign_in(app, &page).await.text();
    assert!(text.contains("Innbetaling 100,00") && text.contains("Innbetaling 350,00"), "{text}");
    // Credited in full: the link works and says so, and the credit note has a page of its own.
    credit(&ctx, &actor, invoices[1].id, &CreditRequest::default()).await.unwrap();
    delivery::drain(&ctx).await.unwrap();
    let other = payer::find_url(&ctx, &actor, invoices[1].id).await.unwrap().unwrap();
    let text = browser.get(other.strip_prefix(BASE).unwrap()).await.text();
    assert!(text.contains("kreditert i sin helhet") && !text.contains("data-copy"), "{text}");
    let tx = ctx.db.read(actor.org).await.unwrap();
    let note = views::invoices(&tx, Uuid::nil(), 10).await.unwrap().into_iter().find(|i| i.kind == "credit_note");
    tx.commit().await.unwrap();
    let note = payer::find_url(&ctx, &actor, note.unwrap().id).await.unwrap().unwrap();
    let text = browser.get(note.strip_prefix(BASE).unwrap()).await.text();
    assert!(text.contains("Ingenting å betale") && !text.contains("data-copy"), "{text}");
});

both!(dead_links_are_one_and_the_same_page, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (actor, invoices, page) = mailed(app, &ctx).await;
    let revoked = payer::find_url(&ctx, &actor, invoices[1].id).await.unwrap().unwrap();
    let revoked = revoked.strip_prefix(BASE).unwrap().to_owned();
    let mut browser = Browser::new(&ctx).await;
    browser.sign_in(app, &page).await;
    payer::revoke(&ctx, &actor, invoices[1].id).await.unwrap();
    app.clock.advance(Duration::days(89));
    assert_eq!(browser.get(&page).await.status, StatusCode::OK);
    app.clock.advance(Duration::days(1));
    let unknown = format!("/i/{}", "A".repeat(43));
    let mut seen = Vec::new();
    for path in [&page, &revoked, &unknown, "/i/x", "/i/%ff"] {
        for (method, rest) in
            [(Method::GET, ""), (Method::GET, "/pdf"), (Method::POST, "/code"), (Method::POST, "/open")]
        {
            let answer = browser.send(method, &format!("{path}{rest}"), &[("code", "1")]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}{rest}");
            let mut names: Vec<String> = answer.headers.iter().map(|(n, v)| format!("{n}: {v:?}")).collect();
            names.retain(|h| !h.starts_with("date"));
            seen.push((answer.body, names));
        }
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "dead links can be told apart");
    let text = String::from_utf8(seen.remove(0).0).unwrap();
    assert!(text.contains("Lenken virker ikke") && !text.contains("Fjellbygda"), "{text}");
    // The next mail carries a new link, and the old one stays dead.
    for found in app.deliveries(&actor).await {
        delivery::resend(&ctx, &actor, found.id, true).await.unwrap();
    }
    delivery::drain(&ctx).await.unwrap();
    for (invoice, old) in invoices.iter().zip([&page, &revoked]) {
        let new = payer::find_url(&ctx, &actor, invoice.id).await.unwrap().unwrap();
        assert!(!new.ends_with(old.as_str()));
        assert_eq!(browser.get(old).await.status, StatusCode::NOT_FOUND);
        assert_eq!(browser.get(new.strip_prefix(BASE).unwrap()).await.status, StatusCode::OK);
    }
});

both!(a_link_is_revoked_over_the_api_with_a_trace, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (actor, invoices, page) = mailed(app, &ctx).await;
    let api = Api::serve_ctx(ctx.clone()).await;
    let path = format!("/api/v1/invoices/{}/payer-link", invoices[0].id);
    let reader = key(app, &actor, Scope::Read).await;
    assert_eq!(api.send(Method::DELETE, &path, Some(&reader), None).await.0, StatusCode::FORBIDDEN);
    let other = another(app).await;
    let stranger = key(app, &other, Scope::Write).await;
    assert_eq!(api.send(Method::DELETE, &path, Some(&stranger), None).await.0, StatusCode::NOT_FOUND);
    let mut browser = Browser::new(&ctx).await;
    browser.sign_in(app, &page).await;
    assert!(browser.get(&page).await.text().contains("Kari Nord"));
    let writer = key(app, &actor, Scope::Write).await;
    assert_eq!(api.send(Method::DELETE, &path, Some(&writer), None).await.0, StatusCode::NO_CONTENT);
    // Whoever has it open sees it no more.
    assert_eq!(browser.get(&page).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.send(Method::DELETE, &path, Some(&writer), None).await.0, StatusCode::NOT_FOUND);
    let tx = ctx.db.read(actor.org).await.unwrap();
    let events = views::audit_events(&tx, Uuid::nil(), 1000).await.unwrap();
    let revoked: Vec<_> = events.iter().filter(|e| e.verb == "invoice.payer_link_revoked").collect();
    assert_eq!((revoked.len(), revoked[0].subject_id), (1, Some(invoices[0].id)));
});

both!(tokens_stand_in_no_metric_and_no_debug, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (_, _, page) = mailed(app, &ctx).await;
    let mut browser = Browser::new(&ctx).await;
    browser.sign_in(app, &page).await;
    let metrics = browser.get("/metrics").await.text();
    assert!(metrics.contains("/i/{token}/open") && !metrics.contains(token(&page)));
    assert!(!format!("{:?}", link(&ctx, &page).await).contains(token(&page)));
});

both!(what_has_expired_is_forgotten, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (actor, _, page) = mailed(app, &ctx).await;
    Browser::new(&ctx).await.sign_in(app, &page).await;
    let count = async |table: &str| {
        let tx = ctx.db.read(actor.org).await.unwrap();
        let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM {table}");
        let row = tx.query_one_raw(Statement::from_string(tx.get_database_backend(), sql)).await.unwrap().unwrap();
        row.try_get::<i64>("", "n").unwrap()
    };
    assert_eq!((count("payer_link").await, count("payer_session").await), (2, 1));
    app.clock.advance(Duration::minutes(31));
    upkeep::forget_old(&ctx, &actor).await.unwrap();
    assert_eq!((count("payer_link").await, count("payer_session").await), (2, 0));
    app.clock.advance(Duration::days(119));
    upkeep::forget_old(&ctx, &actor).await.unwrap();
    assert_eq!(count("payer_link").await, 2);
    app.clock.advance(Duration::days(1));
    upkeep::forget_old(&ctx, &actor).await.unwrap();
    assert_eq!(count("payer_link").await, 0);
});
