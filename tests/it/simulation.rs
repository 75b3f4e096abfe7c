//! Years in seconds: every preset lives through a part of a year with a lost database and a breach in it, one through the years until
//! nothing is left, one hands its archive over, one ends, and what must always hold holds every night.

use crate::backup::{Elsewhere, with_key};
use crate::harness::{Backend, TestApp, both};
use domain::privacy::Preset;
use reskontro::simulate::{self, Broken, End, Outcome, Places, Script};
use serde_json::{Value, json};

fn script(app: &TestApp, preset: Preset, days: u32) -> Script {
    // Other stories on the other database.
    let seed = if app.backend == Backend::Sqlite { 11 } else { 23 };
    let from = "2027-01-04".parse().unwrap();
    Script { preset, changes: Value::Null, seed, from, days, closing_days: 0, end: End::Customers, backup_every: 4 }
}

async fn play(app: &TestApp, script: &Script) -> anyhow::Result<Outcome> {
    let (ctx, identity) = with_key(app);
    // One is lost in the year, and one when the organisation has gone.
    let (second, third) = (Elsewhere::new(app, &ctx).await, Elsewhere::new(app, &ctx).await);
    let databases = vec![(*ctx.config).clone(), second.config.clone(), third.config.clone()];
    Box::pin(simulate::play(script, Places { databases, identity }, |_, _| {})).await
}

fn happened(outcome: &Outcome, what: &[&str]) {
    let missing: Vec<_> = what.iter().filter(|what| outcome.happened.get(**what).is_none_or(|n| *n == 0)).collect();
    assert!(missing.is_empty(), "no {missing:?}: {outcome:?}");
}

/// Two months of a preset.
async fn months(app: &TestApp, preset: Preset) {
    let outcome = play(app, &script(app, preset, 60)).await.unwrap();
    assert!(outcome.held.len() >= 10, "{outcome:?}");
    assert!(outcome.held.values().all(|nights| *nights == 60), "{outcome:?}");
    happened(
        &outcome,
        &[
            "databases lost and restored",
            "customer lists",
            "customers given another number",
            "invoice runs",
            "payments",
            "requests of persons answered",
            "breaches",
            "breaches told to the authority",
            "people concerned by a breach",
            "letters about a breach",
        ],
    );
    let mails = outcome.removed.iter().find(|r| r.what == "mails and e-invoices in folders").unwrap();
    assert!(mails.rows > 0 && mails.period.to_string() == "P30D");
}

both!(an_association_lives_by_its_policy, async |app: &TestApp| months(app, Preset::AssociationBilling).await);
both!(an_invoicing_platform_lives_by_its_policy, async |app: &TestApp| months(app, Preset::InvoicingPlatform).await);
both!(an_accounting_firm_lives_by_its_policy, async |app: &TestApp| months(app, Preset::AccountingFirm).await);
both!(a_marketplace_lives_by_its_policy, async |app: &TestApp| months(app, Preset::AccountingMarketplace).await);
both!(an_erp_vendor_lives_by_its_policy, async |app: &TestApp| months(app, Preset::Erp).await);

both!(when_everybody_has_left_and_the_years_are_over_nothing_is_left, async |app: &TestApp| {
    let script = Script { closing_days: 365 * 8, ..script(app, Preset::AssociationBilling, 60) };
    let outcome = play(app, &script).await.unwrap();
    let people = outcome.people;
    assert!(people.ever >= 24, "{outcome:?}");
    assert_eq!((people.customers, people.archived, people.nothing), (0, 0, people.ever), "{outcome:?}");
    let books = |what: &str| outcome.removed.iter().find(|r| r.what == what).map(|r| r.first_on);
    let first = books("invoices and credit notes").unwrap();
    assert!(first >= "2033-01-01".parse().unwrap(), "what law keeps went on {first}");
});

both!(an_archive_that_is_handed_over_is_here_no_more, async |app: &TestApp| {
    let changes = json!({"archive_custody": "tenant"});
    let script = Script { changes, closing_days: 365 * 3, ..script(app, Preset::AssociationBilling, 60) };
    let outcome = play(app, &script).await.unwrap();
    happened(&outcome, &["packages of the archive", "people whose archive was handed over"]);
    let people = outcome.people;
    assert_eq!((people.customers, people.archived, people.nothing), (0, 0, people.ever), "{outcome:?}");
});

both!(an_organisation_that_ends_leaves_nothing, async |app: &TestApp| {
    let script = Script { closing_days: 80, end: End::Organisation, ..script(app, Preset::AssociationBilling, 60) };
    let outcome = play(app, &script).await.unwrap();
    happened(&outcome, &["agreements ended", "packages of all there is", "organisations deleted whole"]);
    assert_eq!(outcome.happened["databases lost and restored"], 2, "{outcome:?}");
    assert!(outcome.held["of the organisation nothing is left but its certificate"] > 30, "{outcome:?}");
    let people = outcome.people;
    assert_eq!((people.customers, people.archived, people.nothing), (0, 0, people.ever), "{outcome:?}");
});

#[tokio::test]
async fn what_is_left_behind_is_found() {
    for (mark, check) in [
        ("levende", "of those who are gone nothing free is left in any file"),
        ("bekjent", "of contact persons who have gone alone nothing is left"),
        ("kjerne", "of the organisation nothing is left but its certificate"),
    ] {
        let app = TestApp::new(Backend::Sqlite).await.unwrap();
        let stray = app.dir.path().join("files/stray.txt");
        std::fs::create_dir_all(stray.parent().unwrap()).unwrap();
        let everybody: Vec<String> = (1..40).map(|no| format!("{mark}-{no:05}")).collect();
        std::fs::write(&stray, everybody.join("\n")).unwrap();
        // A name may stand for years: of all there is, nothing may when the organisation has gone.
        let script = match mark {
            "kjerne" => {
                Script { closing_days: 60, end: End::Organisation, ..script(&app, Preset::AssociationBilling, 10) }
            }
            _ => script(&app, Preset::AssociationBilling, 90),
        };
        let error = play(&app, &script).await.unwrap_err();
        let broken = error.downcast_ref::<Broken>().unwrap();
        assert_eq!(broken.check, check);
        assert!(broken.finding.ends_with("stray.txt"), "{broken}");
    }
}

#[tokio::test]
async fn the_same_seed_plays_the_same_story() {
    let mut told = Vec::new();
    for _ in 0..2 {
        let app = TestApp::new(Backend::Sqlite).await.unwrap();
        let outcome = play(&app, &script(&app, Preset::Erp, 30)).await.unwrap();
        told.push(serde_json::to_value(outcome).unwrap());
    }
    assert_eq!(told[0], told[1]);
}
