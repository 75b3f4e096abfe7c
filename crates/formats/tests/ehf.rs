//! The gate against sample documents: every valid one passes, every broken one is refused by the rule it breaks.

use reskontro_formats::ehf::{Finding, check};
use std::path::{Path, PathBuf};

#[expect(clippy::disallowed_methods, reason = "the tests' own switch")]
fn samples() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/ehf");
    if dir.is_dir() {
        return Some(dir);
    }
    let required = std::env::var("RESKONTRO_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|r| r == "shared"), "no sample files at {}", dir.display());
    eprintln!("skipped: no sample files at {}", dir.display());
    None
}

fn shown(findings: &[Finding]) -> String {
    findings.iter().map(|f| format!("{} {}: {}", f.rule, f.path, f.message)).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_valid_document_passes() {
    let Some(dir) = samples() else { return };
    let mut count = 0;
    for folder in ["official", "norwegian"] {
        for file in std::fs::read_dir(dir.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let mut findings = check(&std::fs::read(&path).unwrap());
            // The KID of this official example has no right control character, which no official rule looks at.
            if path.ends_with("Norwegian-example-1.xml") {
                assert_eq!(findings.remove(0).rule, "RESKONTRO-KID");
            }
            assert!(findings.is_empty(), "{}\n{}", path.display(), shown(&findings));
            count += 1;
        }
    }
    assert!(count >= 23, "{count} documents");
}

#[test]
fn every_broken_document_is_refused_by_its_rule() {
    let Some(dir) = samples() else { return };
    let table = std::fs::read_to_string(dir.join("invalid/expected.tsv")).unwrap();
    let mut count = 0;
    for row in table.lines().skip(1) {
        let mut cells = row.split('\t');
        let (file, rule) = (cells.next().unwrap(), cells.next().unwrap());
        let findings = check(&std::fs::read(dir.join("invalid").join(file)).unwrap());
        assert!(findings.iter().any(|f| f.rule == rule), "{file} breaks {rule}\n{}", shown(&findings));
        count += 1;
    }
    assert_eq!(count, 20);
}

/// What the official rules let through and we do not.
#[test]
fn the_gaps_of_the_official_rules_are_closed() {
    let Some(dir) = samples() else { return };
    let mix = std::fs::read_to_string(dir.join("norwegian/no-invoice-vat-mix.xml")).unwrap();
    let vat_id =
        "<cbc:CompanyID>NO987654325MVA</cbc:CompanyID>\n        <cac:TaxScheme>\n          <cbc:ID>VAT</cbc:ID>";
    assert!(mix.contains(vat_id));
    let credit = std::fs::read_to_string(dir.join("norwegian/no-creditnote-full.xml")).unwrap();
    let billing = {
        let (from, to) =
            (credit.find("  <cac:BillingReference>").unwrap(), credit.find("</cac:BillingReference>").unwrap());
        credit[from..to + "</cac:BillingReference>\n".len()].to_owned()
    };
    for (document, from, to, rule) in [
        (&mix, vat_id, "<cac:TaxScheme>\n          <cbc:ID>VAT</cbc:ID>", "RESKONTRO-VAT-NUMBER"),
        (&mix, "2343.75", "2343.76", "RESKONTRO-VAT-EXACT"),
        (&mix, "000123456782", "000123456783", "RESKONTRO-KID"),
        (&mix, "NO6515034567899", "NO6515034567898", "RESKONTRO-ACCOUNT"),
        (&mix, "unitCode=\"EA\"", "unitCode=\"STK\"", "RESKONTRO-UNIT"),
        (&credit, billing.as_str(), "", "RESKONTRO-CREDITED"),
    ] {
        let broken = document.replace(from, to);
        assert_ne!(*document, broken, "{rule}: nothing was changed");
        let findings = check(broken.as_bytes());
        assert!(findings.iter().any(|f| f.rule == rule), "{rule}\n{}", shown(&findings));
    }
    // A rate left out of the breakdown, and the totals lowered to match.
    let (from, to) = (
        mix.find("<cbc:TaxableAmount currencyID=\"NOK\">1074.00").unwrap(),
        mix.find("<cbc:TaxableAmount currencyID=\"NOK\">1228.70").unwrap(),
    );
    let lowered = format!("{}{}", &mix[..from], &mix[to..]);
    let lowered = lowered.replace("2652.29", "2491.19").replace("14628.99", "14467.89");
    let findings = check(lowered.as_bytes());
    assert!(findings.iter().any(|f| f.rule == "RESKONTRO-VAT-GROUPS"), "{}", shown(&findings));
}
