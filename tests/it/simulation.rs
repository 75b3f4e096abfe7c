//! Years in seconds: every preset lives through a part of a year with a lost database in it, and one through the years until
//! nothing is left, and what must always hold holds every night.

use crate::backup::{Elsewhere, with_key};
use crate::harness::{Backend, TestApp, both};
use domain::privacy::Preset;
use reskontro::simulate::{self, Broken, Outcome, Places, Script};
use serde_json::Value;

fn script(app: &TestApp, preset: Preset, days: u32) -> Script {
    // Other stories on the other database.
    let seed = if app.backend == Backend::Sqlite { 11 } else { 23 };
    let from = "2027-01-04".parse().unwrap();
    Script { preset, changes: Value::Null, seed, from, days, closing_days: 0, backup_every: 4 }
}

async fn play(app: &TestApp, script: &Script) -> anyhow::Result<Outcome> {
    let (ctx, identity) = with_key(app);
    let elsewhere = Elsewhere::new(app, &ctx).await;
    let databases = vec![(*ctx.config).clone(), elsewhere.config.clone()];
    Box::pin(simulate::play(script, Places { databases, identity }, |_, _| {})).await
}

/// Two months of a preset.
async fn months(app: &TestApp, preset: Preset) {
    let outcome = play(app, &script(app, preset, 60)).await.unwrap();
    assert!(outcome.held.len() >= 10, "{outcome:?}");
    assert!(outcome.held.values().all(|nights| *nights == 60), "{outcome:?}");
    for what in
        ["databases lost and restored", "customer lists", "invoice runs", "payments", "requests of persons answered"]
    {
        assert!(outcome.happened.get(what).is_some_and(|n| *n > 0), "no {what}: {outcome:?}");
    }
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

#[tokio::test]
async fn what_is_left_behind_is_found() {
    let app = TestApp::new(Backend::Sqlite).await.unwrap();
    let stray = app.dir.path().join("files/stray.txt");
    std::fs::create_dir_all(stray.parent().unwrap()).unwrap();
    let everybody: Vec<String> = (1..40).map(|no| format!("levende-{no:05}")).collect();
    std::fs::write(&stray, everybody.join("\n")).unwrap();
    let error = play(&app, &script(&app, Preset::AssociationBilling, 90)).await.unwrap_err();
    let broken = error.downcast_ref::<Broken>().unwrap();
    assert_eq!(broken.check, "of those who are gone nothing free is left in any file");
    assert!(broken.finding.ends_with("stray.txt"), "{broken}");
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
