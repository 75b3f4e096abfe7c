//! The register of promises names only tests that exist and run here.

use reskontro::privacy::promises::register;
use std::collections::HashSet;
use std::process::Command;

/// The tests of this program, as it lists them itself.
fn listed(more: &[&str]) -> HashSet<String> {
    let out = Command::new(std::env::current_exe().unwrap()).args(["--list", "--format", "terse"]).args(more).output();
    let text = String::from_utf8(out.unwrap().stdout).unwrap();
    text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}

/// Whether a test runs: under its name, or on both databases under names of its own.
fn is_among(tests: &HashSet<String>, name: &str) -> bool {
    let databases = ["sqlite", "postgres"].map(|database| format!("{name}::{database}"));
    tests.contains(name) || databases.iter().all(|test| tests.contains(test))
}

#[test]
fn every_named_test_is_one_that_runs() {
    let (all, ignored) = (listed(&[]), listed(&["--ignored"]));
    let run: HashSet<String> = all.difference(&ignored).cloned().collect();
    let mut named = HashSet::new();
    for promise in register().unwrap() {
        for test in promise.tests {
            assert!(is_among(&run, &test), "{} is proved by {test}, which does not run", promise.id);
            named.insert(test);
        }
    }
    assert!(named.len() > 50, "{}", named.len());
    assert!(!is_among(&run, "promises::every_named_test"), "part of a name is no test");
}
