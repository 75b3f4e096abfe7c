//! Every sample page in every language keeps the promises made to people and to browsers.

use domain::customer::Language;
use reskontro_console::samples::samples;
use reskontro_console::{CSS, JS, PAYER_JS, payer_css};
use std::collections::HashSet;

const LANGUAGES: [Language; 3] = [Language::Bokmal, Language::Nynorsk, Language::English];

/// Pages where nothing is to be done have no primary button.
const NOTHING_TO_DO: [&str; 33] = [
    "desk-new-statement",
    "desk",
    "desk-empty",
    "desk-request-viewer",
    "desk-request-answered",
    "desk-request-refused",
    "desk-erased",
    "desk-plan-viewer",
    "desk-plan-done",
    "desk-plan-nothing",
    "payer-form-sent",
    "deliveries-empty",
    "deliveries-first-day",
    "deliveries-retrying",
    "deliveries-under-way",
    "deliveries-delivered",
    "runs",
    "runs-empty",
    "run-running",
    "run-taken-back",
    "print-queue-empty",
    "webhooks-empty",
    "payer-no-address",
    "payer-open",
    "payer-paid-open",
    "payer-credited",
    "payer-credit-note",
    "payer-dead",
    "payer-trouble",
    "payer-rests",
    "payer-blocked",
    "payer-clear",
    "sign-ins",
];

/// What the payer's page may lead to besides its own: a mail to the seller, and no icon.
const PAYER_LINKS: [&str; 2] = ["mailto:", "data:,"];

fn each(check: impl Fn(&str, &str)) {
    for language in LANGUAGES {
        for (name, page) in samples(language) {
            let html = page.unwrap_or_else(|e| panic!("{name}: {e}"));
            check(&format!("{name} ({})", language.as_str()), &html);
        }
    }
}

/// Values of an attribute.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.split(start.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn no_placeholder_is_left_and_nothing_is_empty() {
    each(|name, html| {
        // A script's template is filled in the browser.
        let text = html.replace("data-template=\"", "\u{0}").replace("data-chosen=\"", "\u{0}");
        let shown: String = text
            .split('\u{0}')
            .enumerate()
            .map(|(i, part)| if i == 0 { part } else { part.split_once('"').map_or("", |(_, rest)| rest) })
            .collect();
        assert!(!shown.contains('{') && !shown.contains('}'), "{name} has a placeholder left");
        assert!(!html.contains("<h1></h1>") && !html.contains("<h2></h2>"), "{name} has an empty heading");
        assert!(!html.contains("<title> "), "{name} has no title");
    });
}

#[test]
fn one_heading_and_one_primary_button() {
    each(|name, html| {
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        let primary = values(html, "class").iter().filter(|c| c.split(' ').any(|c| c == "primary")).count();
        let none = NOTHING_TO_DO.iter().any(|page| name.starts_with(&format!("{page} ")));
        assert_eq!(primary, usize::from(!none), "{name}");
    });
}

#[test]
fn every_posting_form_carries_the_token() {
    each(|name, html| {
        for form in html.split("<form ").skip(1) {
            let form = form.split("</form>").next().unwrap();
            let tag = form.split('>').next().unwrap();
            if tag.contains("method=\"post\"") {
                assert!(form.contains("name=\"csrf\" value=\"c5rf-t0ken\""), "{name}: {tag}");
            } else {
                assert!(tag.contains("method=\"get\"") || tag.contains("method=\"dialog\""), "{name}: {tag}");
                assert!(!form.contains("csrf"), "{name}: the token would be in the address");
            }
        }
    });
}

#[test]
fn ids_are_unique_and_labels_point_somewhere() {
    each(|name, html| {
        let ids = values(html, "id");
        let known: HashSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), known.len(), "{name} has an id twice");
        for attribute in ["for", "aria-labelledby", "aria-describedby"] {
            for value in values(html, attribute) {
                for id in value.split(' ') {
                    assert!(known.contains(id), "{name}: {attribute}={id} points nowhere");
                }
            }
        }
        for target in values(html, "href").iter().filter_map(|href| href.strip_prefix('#')) {
            assert!(known.contains(target), "{name}: #{target} leads nowhere");
        }
    });
}

#[test]
fn nothing_inline_and_nothing_from_elsewhere() {
    each(|name, html| {
        for banned in [" style=", "<style", " onclick=", " onload=", "javascript:", "<iframe", "<base"] {
            assert!(!html.contains(banned), "{name} has {banned}");
        }
        let payer = name.starts_with("payer");
        let (home, script_path) =
            if payer { ("/i/", "/i/assets/payer.js") } else { ("/console/", "/console/assets/console.js") };
        for script in html.split("<script").skip(1) {
            assert!(script.starts_with(&format!(" src=\"{script_path}\" defer></script>")), "{name}");
        }
        for attribute in ["href", "src", "action", "formaction", "data-events"] {
            for value in values(html, attribute) {
                // The statement stands beside all of them, for everybody.
                let statement = matches!(attribute, "href" | "action") && value.starts_with("/privacy/");
                let ours = value.starts_with(home) || value.starts_with('#') || statement;
                let allowed = payer && PAYER_LINKS.iter().any(|link| value.starts_with(link));
                assert!(ours || allowed, "{name}: {attribute}={value}");
            }
        }
    });
}

#[test]
fn what_others_wrote_is_text() {
    each(|name, html| {
        assert!(!html.contains("<nothing>") && !html.contains("<søn>") && !html.contains("<internal>"), "{name}");
    });
}

#[test]
fn tables_have_captions_and_scopes() {
    each(|name, html| {
        assert_eq!(html.matches("<table").count(), html.matches("<caption").count(), "{name}");
        assert_eq!(html.matches("<th ").count(), html.matches("<th scope=").count(), "{name}");
        assert!(!html.contains("<th>"), "{name} has a head without scope");
    });
}

#[test]
fn every_page_is_in_the_language_asked_for() {
    for language in LANGUAGES {
        for (name, page) in samples(language) {
            let html = page.unwrap();
            assert!(html.contains(&format!("<html lang=\"{}\"", language.as_str())), "{name}");
            let foreign: &[&str] = match language {
                Language::Bokmal => &[" ikkje ", ">Customer<", " frå "],
                Language::Nynorsk => &[" ikke ", ">Customer<", " fra "],
                Language::English => &[" ikke ", " ikkje ", ">Kunde<", ">Forfall<"],
            };
            // Names, units and a provider's own words stay as they are.
            let html =
                ["ikke levert tilbake", "Ingen aktiv avtale"].iter().fold(html, |html, own| html.replace(own, ""));
            for word in foreign {
                assert!(!html.contains(word), "{name} ({}) says {word}", language.as_str());
            }
        }
    }
}

#[test]
fn style_and_script_bring_nothing_from_elsewhere() {
    for text in [CSS, JS, &payer_css(), PAYER_JS] {
        assert!(!text.contains("http:") && !text.contains("https:") && !text.contains("@import"));
    }
    assert!([JS, PAYER_JS].iter().all(|script| !script.contains("innerHTML") && !script.contains("eval(")));
    assert!(!payer_css().contains("/console/"));
}

#[test]
fn before_the_code_a_payers_page_says_nothing_of_the_payer() {
    each(|name, html| {
        let open = ["payer-open", "payer-paid-open", "payer-credited", "payer-credit-note"];
        if !name.starts_with("payer") || open.iter().any(|page| name.starts_with(&format!("{page} "))) {
            return;
        }
        for hidden in ["Ingrid", "Solbakken", "Grønnsakskasse", " 10482", "Eggbrett", "/pdf"] {
            assert!(!html.contains(hidden), "{name} says {hidden}");
        }
    });
}

#[test]
fn the_payers_page_is_the_sellers_and_copies_digits_alone() {
    each(|name, html| {
        if name.starts_with("payer") {
            assert!(!html.contains("Reskontro") && html.contains("noindex"), "{name}");
        }
        if name.starts_with("payer-paid") || name.starts_with("payer-credit") || !name.starts_with("payer ") {
            assert!(!name.starts_with("payer-paid") || !html.contains("data-copy"), "{name}");
            return;
        }
        assert_eq!(values(html, "data-copy").len(), 3, "{name}");
        assert!(html.contains("data-copy=\"0104230104820\"") && html.contains("data-copy=\"12345678903\""), "{name}");
    });
}
