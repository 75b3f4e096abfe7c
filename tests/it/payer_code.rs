//! One-time codes: where they go, how long they work, and how often one may guess.

use crate::harness::{TestApp, both};
use crate::payer::{
    Browser, LIST, code_of, last_code, link, mailed, mails, readable, says_nothing_personal, stored, token, with_pages,
};
use chrono::Duration;
use domain::customer::Language;
use formats::customer_list::Mode;
use reskontro::ctx::Ctx;
use reskontro::services::customer;
use reskontro::services::organisation::{self, OrganisationPatch};
use reskontro::services::payer::{self, CodeSent, Opened};
use reskontro::store::payer as store;
use sandbox::{Fault, SmtpSink};
use std::sync::Arc;
use uuid::Uuid;

both!(a_code_mail_holds_the_code_and_its_life_alone, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (_, invoices, page) = mailed(app, &ctx).await;
    let mut browser = Browser::new(&ctx).await;
    let before = app.spool();
    let text = browser.post(&page, "code", &[]).await.text();
    assert!(text.contains("Vi har sendt en kode til k•••@e•••.org") && text.contains("one-time-code"), "{text}");
    says_nothing_personal(&text);
    let new: Vec<_> = app.spool().into_iter().filter(|p| !before.contains(p)).collect();
    assert_eq!(new.len(), 1);
    let mail = readable(&std::fs::read(&new[0]).unwrap());
    assert!(mail.contains("To: kari@example.org") && mail.contains("Subject: Engangskode"), "{mail}");
    assert!(mail.contains("Koden virker i 10 minutter."));
    let number = invoices[0].number.to_string();
    let (kid, path) = (invoices[0].kid.as_deref().unwrap(), token(&page));
    for absent in ["Kari", "Nord", "450", "Hemmelig", number.as_str(), kid, path, "http"] {
        assert!(!mail.contains(absent), "says {absent}: {mail}");
    }
    assert!(!mail.contains(&format!(" {}", invoices[0].total_ore / 100)));
    // Only a keyed hash of it is stored.
    let stored = stored(app, &ctx).await;
    assert!(!stored.contains(&code_of(&mail)) && !stored.contains(path), "{stored}");
});

both!(five_wrong_guesses_and_the_code_is_dead, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (_, _, page) = mailed(app, &ctx).await;
    let mut browser = Browser::new(&ctx).await;
    browser.post(&page, "code", &[]).await;
    let code = last_code(app);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for left in ["4 ganger", "3 ganger", "2 ganger", "én gang"] {
        let text = browser.post(&page, "open", &[("code", wrong)]).await.text();
        assert!(text.contains(&format!("prøve {left}")), "{left}: {text}");
    }
    assert!(browser.post(&page, "open", &[("code", wrong)]).await.text().contains("Koden virker ikke lenger"));
    let text = browser.post(&page, "open", &[("code", &code)]).await.text();
    assert!(text.contains("Koden virker ikke lenger"));
    says_nothing_personal(&text);
    // A new code has tries of its own; blanks in it do no harm.
    browser.post(&page, "code", &[]).await;
    let code = last_code_after(app, &code);
    let spaced = format!(" {} {}", &code[..3], &code[3..]);
    assert!(browser.post(&page, "open", &[("code", &spaced)]).await.text().contains("Kari Nord"));
});

/// The code among the mails that is another than this.
fn last_code_after(app: &TestApp, before: &str) -> String {
    let all = mails(app, "kari@example.org").into_iter().filter(|m| m.contains("Engangskode"));
    all.map(|m| code_of(&m)).find(|c| c != before).unwrap()
}

both!(guesses_at_once_are_no_more_than_one_after_the_other, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (_, _, page) = mailed(app, &ctx).await;
    let found = link(&ctx, &page).await;
    assert_eq!(payer::send_code(&ctx, &found, None).await.unwrap(), CodeSent::Sent);
    let code = last_code(app);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let guesses = (0..20).map(|_| {
        let ctx = ctx.clone();
        tokio::spawn(async move { payer::open(&ctx, &found, wrong, None).await.unwrap() })
    });
    let mut heard = 0;
    for guess in guesses.collect::<Vec<_>>() {
        heard += usize::from(guess.await.unwrap() == Opened::Wrong);
    }
    assert_eq!(heard, 4, "guesses that were told wrong before the code was dead");
    let tx = ctx.db.read(found.org).await.unwrap();
    let row = store::find(&tx, found.id).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!((row.code_tries, row.code_hash), (5, None));
    assert_eq!(payer::open(&ctx, &found, &code, None).await.unwrap(), Opened::Dead);
    // The right code at once from many opens once.
    payer::send_code(&ctx, &found, None).await.unwrap();
    let code = last_code_after(app, &code);
    let tries = (0..5).map(|_| {
        let (ctx, code) = (ctx.clone(), code.clone());
        tokio::spawn(async move { payer::open(&ctx, &found, &code, None).await.unwrap() })
    });
    let mut opened = 0;
    for one in tries.collect::<Vec<_>>() {
        opened += usize::from(matches!(one.await.unwrap(), Opened::Session(_)));
    }
    assert_eq!(opened, 1);
});

both!(a_code_lives_ten_minutes_and_there_are_five_a_day, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (_, _, page) = mailed(app, &ctx).await;
    let found = link(&ctx, &page).await;
    let send = async || payer::send_code(&ctx, &found, None).await.unwrap();
    assert_eq!(send().await, CodeSent::Sent);
    let code = last_code(app);
    app.clock.advance(Duration::minutes(10));
    assert_eq!(payer::open(&ctx, &found, &code, None).await.unwrap(), Opened::Dead);
    // A newer code takes the place of the one before it.
    assert_eq!(send().await, CodeSent::Sent);
    let second = last_code_after(app, &code);
    assert_eq!(send().await, CodeSent::Sent);
    if all_codes(app).iter().filter(|c| **c == second).count() == 1 {
        assert_eq!(payer::open(&ctx, &found, &second, None).await.unwrap(), Opened::Wrong);
    }
    assert_eq!(send().await, CodeSent::Sent);
    assert_eq!(send().await, CodeSent::Sent);
    assert_eq!(send().await, CodeSent::TooMany);
    let mut browser = Browser::new(&ctx).await;
    let text = browser.post(&page, "code", &[]).await.text();
    assert!(text.contains("fem koder det siste døgnet"), "{text}");
    app.clock.advance(Duration::minutes(24 * 60 - 10));
    assert_eq!(send().await, CodeSent::Sent);
});

fn all_codes(app: &TestApp) -> Vec<String> {
    let codes = mails(app, "kari@example.org").into_iter().filter(|m| m.contains("Engangskode"));
    codes.map(|m| code_of(&m)).collect()
}

both!(a_code_goes_to_the_address_as_it_is_now, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (actor, _, page) = mailed(app, &ctx).await;
    let list = LIST.replace("kari@example.org", "ny@annet.example");
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let mut browser = Browser::new(&ctx).await;
    assert!(browser.get(&page).await.text().contains("n•••@a•••.example"));
    browser.post(&page, "code", &[]).await;
    assert_eq!(mails(app, "ny@annet.example").len(), 1);
    // An address that mail is held back from gets none, and neither does nobody.
    let tx = ctx.db.write(actor.org).await.unwrap();
    let hash = ctx.key.hash(&[b"mail address", actor.org.as_bytes(), b"ny@annet.example"]).to_vec();
    let row = reskontro::store::channel::Suppression {
        org_id: actor.org,
        address_hash: hash,
        customer_id: Uuid::nil(),
        reason: "hard_bounce".into(),
        delivery_id: None,
        since_at: ctx.now(),
    };
    reskontro::store::channel::suppress(&tx, row).await.unwrap();
    tx.commit().await.unwrap();
    let whom = "Spør Fjellbygda idrettslag";
    let text = browser.get(&page).await.text();
    assert!(text.contains(whom) && text.contains("kasserer@fjellbygda.example") && !text.contains("•••"), "{text}");
    app.sync(&actor, LIST.replace("kari@example.org", "").as_bytes(), Mode::Full).await;
    assert!(browser.get(&page).await.text().contains(whom));
    let found = link(&ctx, &page).await;
    assert_eq!(payer::send_code(&ctx, &found, None).await.unwrap(), CodeSent::Refused);
    assert_eq!(mails(app, "ny@annet.example").len(), 1);
});

both!(a_protected_identity_gets_codes_only_where_mail_is_safe, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (actor, invoices, page) = mailed(app, &ctx).await;
    let patch = serde_json::json!({ "protected_identity": true });
    let patch = patch.as_object().unwrap().clone();
    let version = customer::read(&ctx, &actor, invoices[0].customer_id).await.unwrap().customer.row.version;
    customer::patch(&ctx, &actor, invoices[0].customer_id, version, patch).await.unwrap();
    let found = link(&ctx, &page).await;
    assert_eq!(payer::send_code(&ctx, &found, None).await.unwrap(), CodeSent::Sent);
    let none = OrganisationPatch { safe_channels: Some(String::new()), ..OrganisationPatch::default() };
    organisation::patch(&ctx, &actor, None, none).await.unwrap();
    assert_eq!(payer::send_code(&ctx, &found, None).await.unwrap(), CodeSent::Refused);
    let text = Browser::new(&ctx).await.get(&page).await.text();
    assert!(!text.contains("•••"), "not even masked: {text}");
});

both!(a_relay_that_is_away_uses_nothing_up, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (_, _, page) = mailed(app, &ctx).await;
    let found = link(&ctx, &page).await;
    payer::send_code(&ctx, &found, None).await.unwrap();
    let code = last_code(app);
    let sink = SmtpSink::start().await.unwrap();
    let relay = reskontro::delivery::SmtpMailer::new(reskontro::delivery::SmtpSettings {
        host: "127.0.0.1".into(),
        port: sink.port(),
        tls: reskontro::delivery::Tls::None,
        credentials: None,
        ca_pem: None,
        hello: Some("test.example".into()),
        timeout: std::time::Duration::from_secs(2),
    });
    let smtp = Ctx { mailer: Arc::new(relay), ..ctx.clone() };
    sink.fail(Fault::GreetsTemporary, 5);
    let mut browser = Browser::new(&smtp).await;
    for _ in 0..5 {
        let text = browser.post(&page, "code", &[("language", "nn")]).await.text();
        assert!(text.contains("Ingenting er brukt opp") && text.contains("lang=\"nn\""), "{text}");
    }
    assert!(sink.received().is_empty());
    // The code from before works on; and when the relay is back there are codes left.
    sink.fail(Fault::None, 0);
    assert_eq!(payer::send_code(&smtp, &found, Some(Language::English)).await.unwrap(), CodeSent::Sent);
    let received = sink.received();
    assert_eq!((received.len(), received[0].to.as_str()), (1, "kari@example.org"));
    assert!(!received[0].from.contains("kari"));
    let mail = readable(&received[0].content);
    assert!(mail.contains("The code works for 10 minutes."), "{mail}");
    assert_ne!(payer::open(&ctx, &found, &code_of(&mail), None).await.unwrap(), Opened::Dead);
    sink.fail(Fault::RecipientPermanent, 1);
    assert_eq!(payer::send_code(&smtp, &found, None).await.unwrap(), CodeSent::Refused);
    assert!(
        !matches!(payer::open(&ctx, &found, &code, None).await.unwrap(), Opened::Session(_)),
        "newer ones took its place"
    );
});

both!(an_earlier_code_outlives_a_relay_that_is_away, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (_, _, page) = mailed(app, &ctx).await;
    let found = link(&ctx, &page).await;
    payer::send_code(&ctx, &found, None).await.unwrap();
    let code = last_code(app);
    // A file stands where the spool folder would be.
    let blocked = app.dir.path().join("blocked");
    std::fs::write(&blocked, b"").unwrap();
    let away = Ctx { mailer: Arc::new(reskontro::delivery::Spool::new(blocked)), ..ctx.clone() };
    assert_eq!(payer::send_code(&away, &found, None).await.unwrap(), CodeSent::Away);
    assert!(matches!(payer::open(&ctx, &found, &code, None).await.unwrap(), Opened::Session(_)));
});
