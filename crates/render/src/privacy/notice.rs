//! The letter that tells of a new version of the privacy statement: from when it holds, and in short what differs, computed
//! from what both versions were made of.

use super::statement::{Processor, Statement};
use super::words::{period, recipient, say, title};
use crate::format::long_date;
use crate::paper::{Block, Paper, Section};
use chrono::NaiveDate;
use domain::customer::Language;
use domain::privacy::{Period, Policy, Rule, RuleId};
use std::collections::BTreeSet;

/// What differs between two versions of a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Categories held now and not before.
    pub added: Vec<RuleId>,
    /// Categories held before and not now.
    pub removed: Vec<RuleId>,
    /// Categories kept for another time: before, now. None: as long as it is in use.
    pub times: Vec<(RuleId, Option<Period>, Option<Period>)>,
    /// Categories whose ground, trigger or recipients are others.
    pub terms: Vec<RuleId>,
    /// Who works for the organisation and did not, or not as this or there.
    pub joined: Vec<Processor>,
    /// Names of those who no longer do.
    pub left: Vec<String>,
    /// Who answers for the data, or how they are reached.
    pub contact: bool,
    /// What holds of the whole: region, marketing, time to answer, what ends a relationship, cookies.
    pub whole: bool,
    /// What the organisation says in its own words.
    pub own: bool,
}

impl Changes {
    /// What differs from the version before.
    pub fn between(before: &Statement, now: &Statement) -> Self {
        let held = |s: &Statement, id: RuleId| s.policy.rule(id).filter(|_| s.stored.contains(&id)).cloned();
        let mut changes = Self {
            joined: now.processors.iter().filter(|p| !before.processors.iter().any(|b| same(b, p))).cloned().collect(),
            left: gone(before, now),
            contact: before.organisation != now.organisation,
            whole: whole(before) != whole(now) || before.cookies != now.cookies,
            own: before.own != now.own,
            ..Self::default()
        };
        let all: BTreeSet<RuleId> = before.stored.union(&now.stored).copied().collect();
        for id in all {
            match (held(before, id), held(now, id)) {
                (None, Some(_)) => changes.added.push(id),
                (Some(_), None) => changes.removed.push(id),
                (Some(b), Some(n)) if b.period != n.period => changes.times.push((id, b.period, n.period)),
                (Some(b), Some(n)) if b != n => changes.terms.push(id),
                _ => {}
            }
        }
        changes
    }

    /// Whether nothing differs but the words.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What differs, a line each.
    pub fn lines(&self, language: Language) -> Vec<String> {
        let t = |text: [&'static str; 3]| say(text, language);
        let titles = |ids: &[RuleId]| ids.iter().map(|id| title(*id, language)).collect::<Vec<_>>().join(", ");
        let mut lines = Vec::new();
        let mut list = |intro: [&'static str; 3], what: String| {
            if !what.is_empty() {
                lines.push(format!("{}: {what}.", t(intro)));
            }
        };
        list(["Nye opplysninger vi har", "Nye opplysningar vi har", "Data we now hold"], titles(&self.added));
        list(
            ["Opplysninger vi ikke lenger har", "Opplysningar vi ikkje lenger har", "Data we no longer hold"],
            titles(&self.removed),
        );
        let until = |p: &Option<Period>| match p {
            Some(p) => period(*p, language),
            None => t(["så lenge det er i bruk", "så lenge det er i bruk", "as long as in use"]).to_owned(),
        };
        for (id, before, now) in &self.times {
            let was = t(["før", "før", "before"]);
            list(
                ["Ny lagringstid", "Ny lagringstid", "New time of storage"],
                format!("{}, {} ({was} {})", title(*id, language), until(now), until(before)),
            );
        }
        list(
            ["Nytt grunnlag eller nye mottakere", "Nytt grunnlag eller nye mottakarar", "New ground or recipients"],
            titles(&self.terms),
        );
        let joined =
            self.joined.iter().map(|p| format!("{} ({}, {})", p.name, recipient(p.recipient, language), p.country));
        list(["Arbeider nå for oss", "Arbeider no for oss", "Now works for us"], joined.collect::<Vec<_>>().join("; "));
        list(
            ["Arbeider ikke lenger for oss", "Arbeider ikkje lenger for oss", "No longer works for us"],
            self.left.join("; "),
        );
        for (differs, what) in [(self.contact, CONTACT), (self.whole, WHOLE), (self.own, OWN)] {
            if differs {
                lines.push(t(what).to_owned());
            }
        }
        if lines.is_empty() {
            lines.push(t(WORDS_ONLY).to_owned());
        }
        lines
    }
}

fn same(a: &Processor, b: &Processor) -> bool {
    (&a.name, a.recipient, &a.country, a.transfer) == (&b.name, b.recipient, &b.country, b.transfer)
}

fn gone(before: &Statement, now: &Statement) -> Vec<String> {
    let names: BTreeSet<&str> = now.processors.iter().map(|p| p.name.as_str()).collect();
    before.processors.iter().map(|p| &p.name).filter(|n| !names.contains(n.as_str())).cloned().collect()
}

/// The policy without its clocks.
fn whole(of: &Statement) -> Policy {
    Policy { rules: Vec::<Rule>::new(), ..of.policy.clone() }
}

const CONTACT: [&str; 3] = [
    "Hvem som er ansvarlig, eller hvordan du når oss, er oppdatert.",
    "Kven som er ansvarleg, eller korleis du når oss, er oppdatert.",
    "Who is responsible, or how you reach us, is updated.",
];
const WHOLE: [&str; 3] = [
    "Hvor opplysningene behandles, markedsføring, svarfrist, hva som avslutter et kundeforhold eller informasjonskapsler er endret.",
    "Kvar opplysningane blir behandla, marknadsføring, svarfrist, kva som avsluttar eit kundeforhold eller informasjonskapslar er endra.",
    "Where data is treated, marketing, the time to answer, what ends a relationship, or cookies has changed.",
];
const OWN: [&str; 3] = [
    "Det vi selv sier i tillegg, er endret.",
    "Det vi sjølve seier i tillegg, er endra.",
    "What we say in our own words has changed.",
];
const WORDS_ONLY: [&str; 3] = ["Bare ordlyden er ny.", "Berre ordlyden er ny.", "Only the wording is new."];
const WHY: [&str; 3] = [
    "Du får denne meldingen fordi vi har opplysninger om deg. Du trenger ikke gjøre noe. Rettighetene dine står i erklæringen.",
    "Du får denne meldinga fordi vi har opplysningar om deg. Du treng ikkje gjere noko. Rettane dine står i erklæringa.",
    "You get this message because we hold data about you. You need not do anything. Your rights are in the statement.",
];

/// What a notice of change says.
pub struct ChangeFacts {
    /// Whose statement it is.
    pub organisation: String,
    /// Where somebody who asks is answered.
    pub email: Option<String>,
    /// Number of the new version.
    pub version_no: i64,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// The day of the letter.
    pub on: NaiveDate,
    /// Where it is read.
    pub link: Option<String>,
    /// What differs.
    pub changes: Changes,
}

/// The letter to one person, in their language.
pub fn change_notice(facts: &ChangeFacts, name: &str, language: Language) -> Paper {
    let t = |text: [&'static str; 3]| say(text, language).to_owned();
    let holds = format!(
        "{} {}.",
        match language {
            Language::Bokmal => format!("Versjon {} av personvernerklæringen vår gjelder fra", facts.version_no),
            Language::Nynorsk => format!("Versjon {} av personvernerklæringa vår gjeld frå", facts.version_no),
            Language::English => format!("Version {} of our privacy statement holds from", facts.version_no),
        },
        long_date(facts.valid_from, language)
    );
    let section = |heading: [&'static str; 3], texts: Vec<String>| Section {
        heading: t(heading),
        blocks: texts.into_iter().map(Block::Text).collect(),
    };
    let mut sections = vec![
        section(["Når den gjelder", "Når ho gjeld", "When it holds"], vec![holds]),
        section(["Hva som er nytt", "Kva som er nytt", "What is new"], facts.changes.lines(language)),
    ];
    let mut more: Vec<String> = facts.link.iter().cloned().collect();
    if let Some(email) = &facts.email {
        more.push(format!("{} {email}.", t(["Spør oss:", "Spør oss:", "Ask us:"])));
    }
    more.push(t(WHY));
    sections.push(section(["Les hele erklæringen", "Les heile erklæringa", "Read the whole statement"], more));
    Paper {
        language,
        title: t(["Ny personvernerklæring", "Ny personvernerklæring", "New privacy statement"]),
        by: facts.organisation.clone(),
        about: [name.to_owned(), long_date(facts.on, language)].into_iter().filter(|l| !l.is_empty()).collect(),
        dated: facts.on,
        sections,
    }
}

#[cfg(test)]
mod tests {
    use super::super::statement::Organisation;
    use super::*;
    use domain::privacy::{Preset, Recipient};
    use std::collections::BTreeMap;

    fn made() -> Statement {
        let policy = Policy::of(Preset::AssociationBilling);
        Statement {
            version_no: 1,
            valid_from: "2026-11-01".parse().unwrap(),
            organisation: Organisation {
                name: "Fjellbygda idrettslag".to_owned(),
                org_number: None,
                address: Vec::new(),
                email: None,
                phone: None,
                responsible: None,
            },
            stored: [RuleId::Draft, RuleId::CustomerMaster, RuleId::Consent].into(),
            policy,
            cookies: Vec::new(),
            processors: vec![processor("Postbud AS", "NO")],
            own: BTreeMap::new(),
            signed: None,
        }
    }

    fn processor(name: &str, country: &str) -> Processor {
        Processor {
            name: name.to_owned(),
            recipient: Recipient::MailRelay,
            country: country.to_owned(),
            transfer: None,
            agreement: None,
            agreement_on: None,
            assessed_on: None,
        }
    }

    #[test]
    fn the_same_is_no_change_and_says_so() {
        let changes = Changes::between(&made(), &Statement { version_no: 2, ..made() });
        assert!(changes.is_empty());
        assert_eq!(changes.lines(Language::Bokmal), ["Bare ordlyden er ny."]);
    }

    #[test]
    fn what_differs_is_said_in_each_language() {
        let mut now = made();
        now.policy.rules.iter_mut().find(|r| r.id == RuleId::Draft).unwrap().period = Some(Period::days(45));
        now.stored.remove(&RuleId::Consent);
        now.stored.insert(RuleId::Ledger);
        now.processors = vec![processor("Postbud AS", "SE"), processor("Nye Skyer AS", "NO")];
        now.own.insert("nb".to_owned(), "Hei.".to_owned());
        let changes = Changes::between(&made(), &now);
        assert_eq!(
            (changes.added.as_slice(), changes.removed.as_slice()),
            (&[RuleId::Ledger][..], &[RuleId::Consent][..])
        );
        assert_eq!(changes.times.len(), 1);
        assert!(changes.own && !changes.contact && !changes.whole && changes.left.is_empty());
        for language in [Language::Bokmal, Language::Nynorsk, Language::English] {
            let said = changes.lines(language).join("\n");
            for part in ["45", "Postbud AS", "SE", "Nye Skyer AS", title(RuleId::Ledger, language)] {
                assert!(said.contains(part), "{part}: {said}");
            }
        }
        let back = Changes::between(&now, &made());
        assert_eq!(back.left, ["Nye Skyer AS"]);
    }

    #[test]
    fn the_letter_says_from_when_and_where() {
        let facts = ChangeFacts {
            organisation: "Fjellbygda idrettslag".to_owned(),
            email: Some("post@fjellbygda.example".to_owned()),
            version_no: 2,
            valid_from: "2027-01-01".parse().unwrap(),
            on: "2026-12-01".parse().unwrap(),
            link: Some("https://faktura.example/privacy/1".to_owned()),
            changes: Changes::default(),
        };
        for language in [Language::Bokmal, Language::Nynorsk, Language::English] {
            let text = crate::paper::text(&change_notice(&facts, "Kari Nord", language));
            for part in ["2027", "https://faktura.example/privacy/1", "post@fjellbygda.example", "Kari Nord"] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }
}
