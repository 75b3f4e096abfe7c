//! The giro reader against the sample files: every OCR and mandate file gives its expectation.

use reskontro_formats::giro::{inspect, parse};
use serde_json::Value;
use std::path::PathBuf;

fn samples() -> Option<PathBuf> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/giro");
    if dir.is_dir() {
        return Some(dir);
    }
    let required = option_env!("RESKONTRO_REQUIRE").is_some_and(|r| r.split(',').any(|p| p == "shared"));
    assert!(!required, "sample files are required and missing at {}", dir.display());
    eprintln!("skipped: no sample files at {}", dir.display());
    None
}

/// Everything expected must be there with that value; what the product adds (line, column, message) may be there too.
fn assert_holds(expected: &Value, found: &Value, path: &str) {
    match (expected, found) {
        (Value::Object(e), Value::Object(f)) => {
            for (key, value) in e {
                if !matches!(key.as_str(), "note" | "bytes") {
                    assert_holds(value, f.get(key).unwrap_or(&Value::Null), &format!("{path}.{key}"));
                }
            }
        }
        (Value::Array(e), Value::Array(f)) => {
            assert_eq!(e.len(), f.len(), "{path}: length");
            for (i, (e, f)) in e.iter().zip(f).enumerate() {
                assert_holds(e, f, &format!("{path}[{i}]"));
            }
        }
        // One third-party entry writes a blank KID as "", the others as null; we say null.
        (Value::String(e), Value::Null) if e.is_empty() => {}
        _ => assert_eq!(expected, found, "{path}"),
    }
}

#[test]
fn every_ocr_and_mandate_sample_gives_its_expectation() {
    let Some(dir) = samples() else { return };
    let text = std::fs::read_to_string(dir.join("expected.json")).unwrap();
    let expected: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let mut checked = 0;
    for (name, want) in &expected {
        let kind = want["kind"].as_str().unwrap();
        let found = inspect(&std::fs::read(dir.join(name)).unwrap());
        if matches!(kind, "ocr" | "fbo") {
            assert_holds(want, &found, name);
            if want["verdict"] == "reject" {
                let fault = &found["fault"];
                assert!(fault["line"].is_u64() && fault["column"].is_u64(), "{name}: {fault}");
                assert!(!fault["message"].as_str().unwrap().is_empty());
            }
            checked += 1;
        } else {
            assert_eq!(found["verdict"], "reject", "{name}");
            let code = found["fault"]["code"].as_str().unwrap();
            assert!(code.starts_with("unsupported_"), "{name}: {code}");
        }
    }
    assert!(checked >= 20, "{checked} files");
}

const START: &str = "NY000010000080801234567000123450000000000000000000000000000000000000000000000000";

fn file(lines: &[String]) -> Vec<u8> {
    let mut out = lines.join("\n").into_bytes();
    out.push(b'\n');
    out
}

fn pad(text: &str) -> String {
    format!("{text:0<80}")
}

#[test]
fn a_skipped_service_still_counts_in_the_end_record() {
    let lines = [
        START.to_owned(),
        pad("NY340020"),
        pad("NY340530"),
        pad("NY3400880000000100000003"),
        pad("NY000089000000010000000500000000000000000231126"),
    ];
    let bytes = file(&lines);
    let parsed = parse(&bytes);
    assert_eq!(parsed.unwrap().transactions, 1);
}

#[test]
fn a_file_cut_anywhere_is_refused_whole() {
    let Some(dir) = samples() else { return };
    let bytes = std::fs::read(dir.join("derived_ocr_types_10_to_21.txt")).unwrap();
    for cut in 0..bytes.len() - 1 {
        assert!(parse(&bytes[..cut]).is_err(), "cut at {cut} was taken");
    }
}

#[test]
fn lines_swapped_or_doubled_are_refused() {
    let Some(dir) = samples() else { return };
    let text: Vec<u8> = std::fs::read(dir.join("derived_ocr_types_10_to_21.txt")).unwrap();
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).collect();
    for i in 1..lines.len() - 1 {
        let mut swapped = lines.clone();
        swapped.swap(i, i + 1);
        assert!(parse(&swapped.join(&b'\n')).is_err(), "lines {i} and {} swapped", i + 1);
        let mut doubled = lines.clone();
        doubled.insert(i, lines[i]);
        assert!(parse(&doubled.join(&b'\n')).is_err(), "line {i} doubled");
    }
}

#[test]
fn other_formats_and_encodings_are_named() {
    let code = |bytes: &[u8]| parse(bytes).unwrap_err().code;
    assert_eq!(code(b""), "empty_file");
    assert_eq!(code(b"\xff\xfeN\0Y\0"), "encoding_invalid");
    assert_eq!(code(b"\xef\xbb\xbfNY000010"), "encoding_invalid");
    assert_eq!(code(b"<?xml version=\"1.0\"?><Document/>"), "unsupported_camt");
    assert_eq!(code(pad("Hello").as_bytes()), "not_a_giro_file");
    assert_eq!(code(pad("NY000089").as_bytes()), "missing_start_record");
}

proptest::proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let _ = parse(&bytes);
        let _ = inspect(&bytes);
    }

    #[test]
    fn a_valid_start_with_random_lines_never_panics(lines in proptest::collection::vec("NY(09|21|00)(00|10|20|24|94)(10|20|30|31|32|70|88|89)[0-9 -]{72}", 0..8)) {
        let mut all = vec![START.to_owned()];
        all.extend(lines);
        let _ = parse(&file(&all));
    }
}
