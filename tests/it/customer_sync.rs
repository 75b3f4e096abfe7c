//! Customer sync against the sample lists: what each file does, exactly.

use crate::harness::{TestApp, both, shared};
use domain::customer::shown;
use formats::customer_list::Mode;
use reskontro::services::customer::{self, Action, Input, PlanReport, PlanRow};
use reskontro::services::{Actor, Error};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn mode(entry: &Value) -> Mode {
    if entry["mode"] == "delta" { Mode::Delta } else { Mode::Full }
}

fn strings(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect()
}

fn numbers(rows: &[PlanRow], action: Action) -> BTreeSet<String> {
    rows.iter().filter(|r| r.action == action).map(|r| r.number.clone()).collect()
}

fn as_set(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().map(ToString::to_string).collect()
}

fn check(name: &str, want: &Value, report: &PlanReport, rows: &[PlanRow]) {
    let found = serde_json::to_value(&report.summary).unwrap();
    for key in ["detect", "mapping", "counts", "ending_by_row", "guard"] {
        assert_eq!(want[key], found[key], "{name}: {key}");
    }
    assert_eq!(as_set(&want["refused_columns"]), as_set(&found["refused_columns"]), "{name}: refused columns");
    assert_eq!(as_set(&want["errors"]), as_set(&found["errors"]), "{name}: errors");
    let codes = |notes: &Value| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for note in notes.as_array().into_iter().flatten() {
            *counts.entry(note["code"].to_string()).or_default() += 1;
        }
        counts
    };
    assert_eq!(codes(&want["notes"]), codes(&found["notes"]), "{name}: notes");
    assert_eq!(as_set(&want["renumbered"]), as_set(&found["renumbered"]), "{name}: renumbered");
    if want["new_numbers"].is_array() {
        assert_eq!(strings(&want["new_numbers"]), numbers(rows, Action::New), "{name}: new");
    }
    assert_eq!(strings(&want["ending_numbers"]), numbers(rows, Action::End), "{name}: ending");
    assert_eq!(strings(&want["reopened"]), numbers(rows, Action::Reopen), "{name}: reopened");
    let changed: BTreeMap<&str, Vec<&str>> = rows
        .iter()
        .filter(|r| r.action == Action::Change)
        .map(|r| (r.number.as_str(), r.fields.iter().map(|f| f.field.as_str()).collect()))
        .collect();
    assert_eq!(want["changed"], json!(changed), "{name}: changed");
    for diff in want["diffs"].as_array().into_iter().flatten() {
        let row = rows.iter().find(|r| diff["number"] == r.number.as_str()).unwrap();
        assert_eq!(diff["fields"], serde_json::to_value(&row.fields).unwrap(), "{name}: diff of {}", diff["number"]);
    }
    for sample in want["samples"].as_array().into_iter().flatten() {
        let row = rows.iter().find(|r| sample["number"] == r.number.as_str()).unwrap();
        let record = row.record.as_ref().unwrap();
        let record: BTreeMap<&str, Value> =
            record.values().map(|(f, v)| (f.name(), serde_json::to_value(shown(f, Some(v))).unwrap())).collect();
        assert_eq!(*sample, json!(record), "{name}: sample");
    }
}

async fn one_file(app: &TestApp, dir: &Path, all: &[Value], want: &Value) {
    let name = want["file"].as_str().unwrap();
    let actor = fresh(app, name).await;
    let read = |name: &str| std::fs::read(dir.join(name)).unwrap();
    for earlier in want["starting_state"].as_array().unwrap() {
        let earlier = earlier.as_str().unwrap();
        let entry = all.iter().find(|f| f["file"] == earlier).unwrap();
        app.sync(&actor, &read(earlier), mode(entry)).await;
    }
    let bytes = read(name);
    let input = Input { bytes: &bytes, mode: mode(want) };
    let planned = customer::plan(&app.ctx, &actor, &input).await;
    if let Some(code) = want["file_error"]["code"].as_str() {
        assert_eq!(planned.unwrap_err().code(), Some(code), "{name}");
        return;
    }
    let report = planned.unwrap();
    let rows = customer::rows_of_plan(&app.ctx, &actor, report.id).await.unwrap();
    check(name, want, &report, &rows);
    let refused = customer::apply(&app.ctx, &actor, report.id, false).await;
    if report.summary.guard.trips {
        assert_eq!(refused.unwrap_err().code(), Some("mass_end_guard"), "{name}");
        customer::apply(&app.ctx, &actor, report.id, true).await.unwrap();
    } else {
        refused.unwrap();
    }
    let again = customer::plan(&app.ctx, &actor, &input).await.unwrap().summary.counts;
    assert_eq!((again.new, again.changed, again.reopened, again.ending), (0, 0, 0, 0), "{name}: again");
    assert_eq!(again.rejected, report.summary.counts.rejected, "{name}: rejected again");
}

/// An organisation of its own for each file; only the first may have the account.
async fn fresh(app: &TestApp, name: &str) -> Actor {
    let mut new = crate::harness::association();
    new.name = name.to_owned();
    new.bank_account = None;
    Actor::operator(reskontro::services::organisation::create(&app.ctx, new).await.unwrap())
}

both!(every_sample_list_gives_its_expectation, async |app: &TestApp| {
    let Some(dir) = shared().map(|d| d.join("fixtures/customers")) else { return };
    let expected: Value = serde_json::from_slice(&std::fs::read(dir.join("expected.json")).unwrap()).unwrap();
    let files = expected["files"].as_array().unwrap();
    assert!(files.len() >= 19);
    for want in files {
        one_file(app, &dir, files, want).await;
    }
});

const LIST: &str =
    "Kundenr;Navn;Postnr;Poststed;E-post\n1;Kari Nord;0150;Oslo;kari@example.org\n2;Ola Sør;0150;Oslo;\n";

both!(a_plan_is_stale_when_a_customer_it_touches_moved, async |app: &TestApp| {
    let actor = app.association().await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    let change = LIST.replace("Kari Nord", "Kari Nordmann");
    let plan = async || {
        let input = Input { bytes: change.as_bytes(), mode: Mode::Full };
        customer::plan(&app.ctx, &actor, &input).await.unwrap().id
    };
    let (first, second) = (plan().await, plan().await);
    customer::apply(&app.ctx, &actor, first, false).await.unwrap();
    let stale = customer::apply(&app.ctx, &actor, second, false).await.unwrap_err();
    assert_eq!(stale.code(), Some("plan_stale"));
    let twice = customer::apply(&app.ctx, &actor, first, false).await.unwrap_err();
    assert_eq!(twice.code(), Some("plan_applied"));
});

both!(nothing_is_imported_before_the_agreement_is_accepted, async |app: &TestApp| {
    let mut new = crate::harness::association();
    new.accept_dpa = None;
    let actor = Actor::operator(reskontro::services::organisation::create(&app.ctx, new).await.unwrap());
    let input = Input { bytes: LIST.as_bytes(), mode: Mode::Full };
    let refused: Error = customer::plan(&app.ctx, &actor, &input).await.unwrap_err();
    assert_eq!(refused.code(), Some("dpa_not_accepted"));
});
