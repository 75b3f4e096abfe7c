//! The certificate of an erasure: what went, what law keeps and until when, when the backups are gone. It names nobody.

use super::words::{hold, say, title};
use crate::format::long_date;
use crate::paper::{Block, Paper, Section};
use chrono::NaiveDate;
use domain::customer::Language;
use domain::privacy::{Hold, RuleId};

/// What a certificate says.
pub struct Certificate {
    /// Whose records it was erased from.
    pub organisation: String,
    /// The case.
    pub case: String,
    /// customer, contact, user, archive or organisation.
    pub scope: String,
    /// Version of the policy.
    pub policy_version: i64,
    /// When it was asked for.
    pub asked_on: NaiveDate,
    /// When all that could be deleted was.
    pub done_on: Option<NaiveDate>,
    /// What was deleted, and how many rows.
    pub deleted: Vec<(RuleId, i64)>,
    /// What is kept: what, how many rows, until when, where the period comes from, and what delays it.
    pub kept: Vec<Kept>,
    /// The day by which no backup holds any of it.
    pub backups_gone_by: Option<NaiveDate>,
    /// When its remains in the files of the database were, or will be, overwritten.
    pub overwritten: Option<(NaiveDate, bool)>,
    /// Signature of the installation, hexadecimal.
    pub signature: String,
    /// The key it is checked with, hexadecimal.
    pub public_key: String,
}

/// Something that is kept.
pub struct Kept {
    /// The category.
    pub rule: RuleId,
    /// How many rows.
    pub count: i64,
    /// First day it may go, where that is known.
    pub until: Option<NaiveDate>,
    /// Where the period comes from: a paragraph, or "policy".
    pub source: String,
    /// What delays it.
    pub held_by: Vec<Hold>,
}

/// The certificate as a text.
pub fn certificate(c: &Certificate, language: Language) -> Paper {
    let t = |text: [&'static str; 3]| say(text, language).to_owned();
    let day = |d: NaiveDate| long_date(d, language);
    let mut sections = vec![Section { heading: t(WHAT_HAPPENED), blocks: story(c, language) }];
    if !c.deleted.is_empty() {
        let rows = c.deleted.iter().map(|(rule, count)| vec![title(*rule, language).to_owned(), count.to_string()]);
        sections.push(Section {
            heading: t(["Slettet", "Sletta", "Deleted"]),
            blocks: vec![Block::Table {
                shares: vec![80, 20],
                head: vec![t(["Kategori", "Kategori", "Category"]), t(["Antall", "Tal", "Number"])],
                rows: rows.collect(),
            }],
        });
    }
    if !c.kept.is_empty() {
        let rows = c.kept.iter().map(|k| {
            let until = k.until.map_or_else(|| t(UNTIL_SETTLED), day);
            vec![title(k.rule, language).to_owned(), k.count.to_string(), until, ground(k, language)]
        });
        sections.push(Section {
            heading: t(["Beholdt", "Behalde", "Kept"]),
            blocks: vec![
                Block::Text(t(CLOSED_AWAY)),
                Block::Table {
                    shares: vec![36, 10, 24, 30],
                    head: vec![
                        t(["Kategori", "Kategori", "Category"]),
                        t(["Antall", "Tal", "Number"]),
                        t(["Slettes fra", "Blir sletta frå", "Goes from"]),
                        t(["Grunnlag", "Grunnlag", "Ground"]),
                    ],
                    rows: rows.collect(),
                },
            ],
        });
    }
    if !c.signature.is_empty() {
        sections.push(Section {
            heading: t(["Signatur", "Signatur", "Signature"]),
            blocks: vec![
                Block::Text(format!("Ed25519: {}", grouped(&c.signature))),
                Block::Text(format!("{}: {}", t(["Nøkkel", "Nøkkel", "Key"]), grouped(&c.public_key))),
            ],
        });
    }
    Paper {
        language,
        title: t(["Attest for sletting", "Attest for sletting", "Certificate of erasure"]),
        by: c.organisation.clone(),
        about: vec![
            format!("{} {}", t(["Sak", "Sak", "Case"]), c.case),
            format!(
                "{} {}",
                t(["Personvernregler, versjon", "Personvernreglar, versjon", "Privacy policy, version"]),
                c.policy_version
            ),
        ],
        dated: c.done_on.unwrap_or(c.asked_on),
        sections,
    }
}

const WHAT_HAPPENED: [&str; 3] = ["Hva som er gjort", "Kva som er gjort", "What was done"];
const UNTIL_SETTLED: [&str; 3] = ["når det er oppgjort", "når det er gjort opp", "when it is settled"];
const CLOSED_AWAY: [&str; 3] = [
    "Dette er stengt inne: det vises ikke i lister eller søk, brukes ikke til utsending, og den som leser det må oppgi hvorfor.",
    "Dette er stengt inne: det blir ikkje vist i lister eller søk, blir ikkje brukt til utsending, og den som les det må seie kvifor.",
    "This is closed away: no list or search shows it, nothing is sent from it, and whoever reads it says why.",
];

fn story(c: &Certificate, language: Language) -> Vec<Block> {
    let t = |text: [&'static str; 3]| say(text, language).to_owned();
    let day = |d: NaiveDate| long_date(d, language);
    let mut lines = vec![format!(
        "{} {}: {}.",
        t(["Sletting ble bedt om", "Det vart bede om sletting", "Erasure was asked for on"]),
        day(c.asked_on),
        match c.scope.as_str() {
            "contact" => t(["en kontaktperson", "ein kontaktperson", "a contact person"]),
            "user" => t(["en bruker", "ein brukar", "a user"]),
            "archive" => t([
                "arkivet, etter at virksomheten hadde fått det overlevert",
                "arkivet, etter at verksemda hadde fått det overlevert",
                "the archive, after it was handed over to the organisation",
            ]),
            "organisation" => t([
                "en hel virksomhet, etter at avtalen var slutt",
                "ei heil verksemd, etter at avtalen var slutt",
                "a whole organisation, after its agreement had ended",
            ]),
            _ => t(["en kunde", "ein kunde", "a customer"]),
        }
    )];
    lines.push(match c.done_on {
        Some(on) => {
            format!("{} {}.", t(["Alt som kunne slettes, ble slettet", "Alt som kunne slettast, vart sletta", "All that could be deleted was deleted on"]), day(on))
        }
        None => t([
            "Det som ikke trengs for å nå skyldneren, er slettet. Resten slettes av seg selv når kravet er gjort opp.",
            "Det som ikkje trengst for å nå skyldnaren, er sletta. Resten blir sletta av seg sjølv når kravet er gjort opp.",
            "What is not needed to reach the debtor is deleted. The rest goes by itself when the claim is settled.",
        ]),
    });
    if let Some(by) = c.backups_gone_by {
        lines.push(format!(
            "{} {}.",
            t([
                "Siste sikkerhetskopi er borte senest",
                "Siste tryggingskopi er borte seinast",
                "The last backup is gone by"
            ]),
            day(by)
        ));
    }
    match c.overwritten {
        Some((on, true)) => lines.push(format!(
            "{} {}.",
            t([
                "Restene på disk ble overskrevet",
                "Restane på disk vart overskrivne",
                "The remains on disk were overwritten on"
            ]),
            day(on)
        )),
        Some((by, false)) => lines.push(format!(
            "{} {}.",
            t([
                "Restene på disk overskrives senest",
                "Restane på disk blir overskrivne seinast",
                "The remains on disk are overwritten by"
            ]),
            day(by)
        )),
        None => {}
    }
    lines.into_iter().map(Block::Text).collect()
}

fn ground(kept: &Kept, language: Language) -> String {
    let held: Vec<&str> = kept.held_by.iter().map(|h| hold(*h, language)).collect();
    match (kept.source.as_str(), held.is_empty()) {
        ("policy", true) => say(["personvernreglene", "personvernreglane", "the privacy policy"], language).to_owned(),
        ("policy", false) => held.join(", "),
        (source, true) => source.to_owned(),
        (source, false) => format!("{source}; {}", held.join(", ")),
    }
}

/// Hexadecimal digits in groups, so that they break over lines.
fn grouped(digits: &str) -> String {
    let chars: Vec<char> = digits.chars().collect();
    chars.chunks(8).map(|c| c.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_went_what_stays_and_until_when() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let c = Certificate {
            organisation: "Fjellbygda idrettslag".to_owned(),
            case: "0190".to_owned(),
            scope: "customer".to_owned(),
            policy_version: 1,
            asked_on: day("2026-03-01"),
            done_on: Some(day("2026-03-01")),
            deleted: vec![(RuleId::CustomerMaster, 2)],
            kept: vec![Kept {
                rule: RuleId::IssuedDocument,
                count: 1,
                until: Some(day("2032-01-01")),
                source: "bokføringsloven § 13".to_owned(),
                held_by: Vec::new(),
            }],
            backups_gone_by: Some(day("2026-03-31")),
            overwritten: Some((day("2026-03-02"), false)),
            signature: "ab".repeat(64),
            public_key: "cd".repeat(32),
        };
        for language in [Language::Bokmal, Language::Nynorsk, Language::English] {
            let page = crate::paper::html(&certificate(&c, language)).unwrap();
            for part in ["bokføringsloven § 13", "2032", "Fjellbygda idrettslag", "abababab abababab"] {
                assert!(page.contains(part), "{part}: {page}");
            }
        }
        assert!(crate::paper::pdf(&certificate(&c, Language::Bokmal), &[0; 32]).unwrap().starts_with(b"%PDF"));
    }
}
