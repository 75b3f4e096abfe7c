//! Cookies: those that are declared, and no other, on any page.

use crate::harness::{TestApp, both};
use crate::payer::{Browser, mailed, token, with_pages};
use crate::statement::{signed, text_of};
use domain::customer::Language;
use reqwest::Method;
use reskontro::privacy::cookies::{COOKIES, PAYER, PAYER_FORM};
use reskontro::privacy::statement;
use std::collections::BTreeSet;

/// Names of the cookies an answer sets.
fn set_by(answer: &crate::payer::Answer) -> Vec<String> {
    let all = answer.headers.get_all("set-cookie").iter();
    all.map(|cookie| cookie.to_str().unwrap().split('=').next().unwrap().to_owned()).collect()
}

both!(the_payers_page_sets_its_own_two_cookies_and_no_other, async |app: &TestApp| {
    let ctx = with_pages(app);
    let (actor, _, page) = mailed(app, &ctx).await;
    statement::publish(&ctx, &actor, &signed()).await.unwrap();
    let own: BTreeSet<String> = [PAYER, PAYER_FORM].iter().map(|c| format!("__Secure-{}", c.name())).collect();
    let mut browser = Browser::new(&ctx).await;
    let mut seen = BTreeSet::new();
    // Every route of the page, before and after it is opened, and when it is closed again.
    seen.extend(set_by(&browser.get(&page).await));
    seen.extend(set_by(&browser.get(&format!("{page}/pdf")).await));
    seen.extend(set_by(&browser.sign_in(app, &page).await));
    for path in [page.clone(), format!("{page}/pdf")] {
        let answer = browser.get(&path).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.status);
        seen.extend(set_by(&answer));
        assert!(!answer.header("content-security-policy").contains("http"), "{path} may fetch from others");
    }
    for action in ["code", "open", "close"] {
        seen.extend(set_by(&browser.send(Method::POST, &format!("{page}/{action}"), &[("csrf", "wrong")]).await));
    }
    seen.extend(set_by(&browser.post(&page, "close", &[]).await));
    seen.extend(set_by(&browser.get(&format!("/i/{}0", token(&page))).await));
    seen.extend(browser.cookies.keys().cloned());
    assert_eq!(seen, own, "the page sets others, or not all it declares");
    // What everybody may read sets none.
    for path in ["/privacy", "/privacy?language=en", "/docs/", "/api/v1/organisation"] {
        assert_eq!(set_by(&browser.get(path).await), [""; 0], "{path}");
    }
    for part in ["", "/pdf", "/cookies"] {
        let answer = browser.get(&format!("/privacy/{}{part}", actor.org)).await;
        assert!(answer.status.is_success() && set_by(&answer).is_empty(), "{part}");
    }
});

both!(the_declaration_lists_every_cookie_its_use_and_how_long_it_stays, async |app: &TestApp| {
    let ctx = with_pages(app);
    let actor = app.association().await;
    let made = statement::preview(&ctx, &actor, &signed()).await.unwrap();
    assert_eq!(made.cookies.len(), COOKIES.len());
    for (language, uses) in [
        (Language::Bokmal, ["holder deg innlogget", "sikrer at skjemaet er vårt", "holder fakturasiden åpen"]),
        (Language::Nynorsk, ["held deg innlogga", "sikrar at skjemaet er vårt", "held fakturasida open"]),
        (Language::English, ["keeps you signed in", "makes sure that the form is ours", "keeps the invoice page open"]),
    ] {
        let declared = format!("{:?}", render::privacy::cookie_declaration(&made, language));
        let in_statement = text_of(&made, language);
        for text in [&declared, &in_statement] {
            for cookie in COOKIES {
                let name = format!("{}{}", cookie.prefix(&ctx.config), cookie.name());
                assert!(text.contains(&format!("\"{name}\"")), "{name}: {text}");
            }
            assert!(uses.iter().all(|u| text.contains(u)), "{text}");
        }
    }
});
