//! The promise register names only tests that exist, and every promise once.

use std::collections::HashSet;
use std::path::Path;

#[test]
fn every_named_test_exists_and_every_promise_stands_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let register = std::fs::read_to_string(root.join("docs/promises.toml")).unwrap();
    let mut ids = HashSet::new();
    let mut linked = 0;
    for line in register.lines() {
        if let Some(id) = line.strip_prefix("id = ") {
            assert!(ids.insert(id), "{id} stands twice");
        }
        let Some(tests) = line.strip_prefix("tests = ") else { continue };
        let tests: Vec<String> = serde_json::from_str(tests).unwrap();
        for test in tests {
            let (module, name) = test.split_once("::").unwrap();
            let file = root.join(format!("tests/it/{module}.rs"));
            let code = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(code.contains(name), "{test} does not exist");
            linked += 1;
        }
    }
    assert_eq!(ids.len(), 258);
    assert!(linked > 0);
}
