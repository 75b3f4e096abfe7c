//! The layers hold, files stay readable, and nobody but the store touches the database.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

/// Folder or file under `src`, and the layers it may name with `crate::`.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("ports.rs", &["ports"]),
    ("config", &["config"]),
    ("store", &["store", "config"]),
    ("progress.rs", &[]),
    ("pace.rs", &[]),
    ("ctx.rs", &["ctx", "ports", "config", "pace", "progress", "store"]),
    ("services", &["services", "ctx", "ports", "progress", "store"]),
    ("privacy", &["privacy", "services", "ctx", "config", "ports", "store"]),
    ("backup", &["backup", "privacy", "services", "ctx", "config", "ports", "store"]),
    ("delivery", &["delivery", "ports"]),
    ("jobs", &["jobs", "ctx", "services", "privacy", "backup", "store"]),
    ("http", &["http", "ctx", "services", "privacy", "backup", "store"]),
    ("simulate", &["simulate", "app", "jobs", "privacy", "backup", "services", "ctx", "config", "ports", "store"]),
];

/// Parts of the store a layer above may name: job queue for jobs, reads for http.
const STORE_PARTS: &[(&str, &[&str])] = &[
    ("jobs", &["job", "organisation"]),
    (
        "http",
        &[
            "views",
            "worklist",
            "webhook",
            "channel",
            "organisation",
            "billing",
            "payment",
            "mandate",
            "delivery",
            "Error",
            "OrgTx",
        ],
    ),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn files_of(place: &str) -> Vec<PathBuf> {
    let path = root().join(place);
    if path.is_file() {
        return vec![path];
    }
    let mut files = Vec::new();
    rust_files(&path, &mut files);
    assert!(!files.is_empty(), "{place} has no files");
    files
}

/// The code without its tests.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]").next().unwrap().to_owned()
}

/// First names after `crate::`, groups included.
fn imported(text: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in text.split(prefix).skip(1) {
        let word = |s: &str| s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        match part.strip_prefix('{') {
            None => names.push(word(part)),
            Some(group) => {
                let mut depth = 1;
                let mut start = true;
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => start = true,
                        c if start && c.is_alphabetic() => {
                            names.push(word(&group[i..]));
                            start = false;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    names
}

#[test]
fn layers_import_only_what_stands_below_them() {
    for (place, allowed) in MAY_IMPORT {
        for file in files_of(&format!("src/{place}")) {
            for name in imported(&code(&file), "crate::") {
                assert!(allowed.contains(&name.as_str()), "{}: may not import crate::{name}", file.display());
            }
        }
    }
}

#[test]
fn upper_layers_name_only_their_part_of_the_store() {
    for (place, allowed) in STORE_PARTS {
        for file in files_of(&format!("src/{place}")) {
            for name in imported(&code(&file), "crate::store::") {
                assert!(allowed.contains(&name.as_str()), "{}: may not name store::{name}", file.display());
            }
        }
    }
}

#[test]
fn only_the_store_speaks_to_the_database() {
    for file in files_of("src") {
        let inside = file.starts_with(root().join("src/store"));
        assert!(inside || !code(&file).contains("sea_orm"), "{} uses sea_orm", file.display());
        let opens = ["connect.rs", "tx.rs", "store/backup.rs"].iter().any(|f| file.ends_with(f));
        assert!(opens || !code(&file).contains("DatabaseConnection"), "{} holds the pool", file.display());
    }
}

#[test]
fn pure_crates_know_no_clock_database_or_network() {
    for name in ["domain", "formats", "render"] {
        let manifest = std::fs::read_to_string(root().join(format!("crates/{name}/Cargo.toml"))).unwrap();
        for banned in ["tokio", "sea-orm", "reqwest", "sqlx"] {
            assert!(!manifest.contains(banned), "crates/{name} depends on {banned}");
        }
    }
}

#[test]
fn files_stay_short_enough_to_read() {
    let mut files = files_of("src");
    for place in ["crates", "migration/src", "entity/src"] {
        files.extend(files_of(place));
    }
    for file in files {
        let lines = code(&file).lines().count();
        assert!(lines <= 600, "{} has {lines} lines; split it", file.display());
    }
}

#[test]
fn every_file_says_what_it_is() {
    let mut files = files_of("src");
    for place in ["crates", "migration/src", "entity/src", "tests"] {
        files.extend(files_of(place));
    }
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! "), "{} does not begin with a line that says what it is", file.display());
        assert!(!text.contains(concat!("TO", "DO")), "{} has unfinished marks", file.display());
    }
}

/// The word in quotes after `field: `, up to the end of a deed.
fn literal<'a>(deed: &'a str, field: &str) -> Option<&'a str> {
    deed.split_once(&format!("{field}: \""))?.1.split('"').next()
}

#[test]
fn every_act_that_is_recorded_is_sorted_into_a_chain() {
    let mut recorded = 0;
    for file in files_of("src") {
        let text = code(&file);
        let deeds = text.split("Deed {").skip(1).map(|deed| deed.split(';').next().unwrap());
        for deed in deeds {
            let subject = literal(deed, "subject");
            let subject =
                subject.unwrap_or_else(|| panic!("{}: the subject of a deed is a word: {deed}", file.display()));
            let verb = literal(deed, "verb").unwrap_or_default();
            let sorted = domain::audit::Chain::sorted(subject, verb);
            assert!(sorted.is_some(), "{}: sort {subject} ({verb}) in domain::audit", file.display());
            recorded += 1;
        }
        for event in text.split("audit::Event {").skip(1).filter(|e| e.contains("verb:")) {
            let kind = event.split_once("subject_kind: ").unwrap().1;
            let sorted = kind.strip_prefix('"').map(|k| domain::audit::Chain::sorted(k.split('"').next().unwrap(), ""));
            assert!(kind.starts_with("deed.subject") || sorted.flatten().is_some(), "{}", file.display());
        }
    }
    assert!(recorded > 90, "{recorded} deeds");
}
