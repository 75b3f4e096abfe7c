//! Records of processing, GDPR article 30: what a controller does, and what it does as processor for others.

use super::statement::Statement;
use super::words::{basis, hold, period, purpose, recipient, say, small_group, subject, title, transfer, trigger};
use crate::format::long_date;
use crate::paper::{Block, Paper, Section};
use domain::customer::Language;
use domain::privacy::{Basis, Hold, Period, Recipient, Region, Role, RuleId, Subject, Trigger};
use serde::Serialize;
use std::collections::BTreeMap;

/// Records of processing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Records {
    /// Who keeps them.
    pub organisation: super::Organisation,
    /// Version of the policy they are made from.
    pub policy_version: i64,
    /// Whether personal data may leave the EEA, on a recorded ground.
    pub transfers_outside_eea: bool,
    /// Whether work is done on behalf of others besides (article 30 (2)).
    pub processes_for_others: bool,
    /// Who works for the organisation.
    pub processors: Vec<super::Processor>,
    /// What is done (article 30 (1)).
    pub activities: Vec<Activity>,
    /// How it is protected (article 32).
    pub security: Vec<String>,
}

/// One category of processing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// The clock it lives by.
    pub rule: RuleId,
    /// What it is called.
    pub title: String,
    /// What it is for.
    pub purpose: String,
    /// Of whom.
    pub subjects: Vec<Subject>,
    /// On what ground.
    pub bases: Vec<Basis>,
    /// Who is told.
    pub recipients: Vec<Recipient>,
    /// How long it is kept.
    pub period: Option<Period>,
    /// What that counts from.
    pub counted_from: Trigger,
    /// Where the period comes from.
    pub source: String,
    /// What may delay erasure.
    pub holds: Vec<Hold>,
}

/// The records that a policy and what is stored make. `subjects` says of whom each clock holds something.
pub fn records(
    facts: &Statement,
    policy_version: i64,
    subjects: &BTreeMap<RuleId, Vec<Subject>>,
    language: Language,
) -> Records {
    let rules = facts.policy.rules.iter().filter(|r| facts.stored.contains(&r.id));
    let activities = rules.map(|r| Activity {
        rule: r.id,
        title: title(r.id, language).to_owned(),
        purpose: match r.id {
            RuleId::Statistics => {
                format!("{}; {}", purpose(r.id, language), small_group(facts.policy.small_group, language))
            }
            id => purpose(id, language).to_owned(),
        },
        subjects: subjects.get(&r.id).cloned().unwrap_or_else(|| vec![Subject::Payer]),
        bases: r.bases.iter().copied().collect(),
        recipients: r.recipients.iter().copied().collect(),
        period: r.period,
        counted_from: r.trigger,
        source: r.id.facts().source.to_owned(),
        holds: r.holds.iter().copied().collect(),
    });
    Records {
        organisation: facts.organisation.clone(),
        policy_version,
        transfers_outside_eea: facts.policy.region != Region::EeaOnly,
        processes_for_others: facts.policy.role == Role::Controller,
        processors: facts.processors.clone(),
        activities: activities.collect(),
        security: security(language),
    }
}

fn security(language: Language) -> Vec<String> {
    [
        ["Trafikk er kryptert (TLS).", "Trafikk er kryptert (TLS).", "Traffic is encrypted (TLS)."],
        [
            "Databasen holder virksomhetenes opplysninger fra hverandre (tvungen radsikkerhet).",
            "Databasen held opplysningane til verksemdene frå kvarandre (tvinga radtryggleik).",
            "The database keeps organisations apart (forced row-level security).",
        ],
        [
            "Tilgang etter rolle; passord lagres som argon2id, nøkler som kontrollsum.",
            "Tilgang etter rolle; passord blir lagra som argon2id, nøklar som kontrollsum.",
            "Access by role; passwords are stored as argon2id, keys as digests.",
        ],
        [
            "Hver endring spores i en kjedet logg uten innhold.",
            "Kvar endring blir spora i ein kjeda logg utan innhald.",
            "Every change is traced in a chained log without values.",
        ],
    ]
    .map(|text| say(text, language).to_owned())
    .to_vec()
}

/// The records as a text.
pub fn records_paper(records: &Records, facts: &Statement, language: Language) -> Paper {
    let t = |text: [&'static str; 3]| say(text, language).to_owned();
    let sections = records.activities.iter().map(|a| activity(a, &records.processors, language)).collect::<Vec<_>>();
    let o = &records.organisation;
    let contact: Vec<String> =
        o.address.iter().cloned().chain(o.email.clone()).chain(o.phone.clone()).chain(o.responsible.clone()).collect();
    let place = if records.transfers_outside_eea {
        t([
            "Utenfor EØS bare med registrert overføringsgrunnlag.",
            "Utanfor EØS berre med registrert overføringsgrunnlag.",
            "Outside the EEA only on a recorded ground for the transfer.",
        ])
    } else {
        t(["Ingen overføring ut av EØS.", "Inga overføring ut av EØS.", "No transfer out of the EEA."])
    };
    let mut all = vec![Section {
        heading: t(["Behandlingsansvarlig", "Behandlingsansvarleg", "Controller"]),
        blocks: vec![Block::Text(format!("{}, {}.", o.name, contact.join(", "))), Block::Text(place)],
    }];
    all.push(processors(&records.processors, language));
    all.extend(sections);
    all.push(Section {
        heading: t(["Sikkerhetstiltak, artikkel 32", "Tryggingstiltak, artikkel 32", "Security measures, article 32"]),
        blocks: records.security.iter().cloned().map(Block::Text).collect(),
    });
    Paper {
        language,
        title: t([
            "Protokoll over behandlingsaktiviteter",
            "Protokoll over behandlingsaktivitetar",
            "Records of processing activities",
        ]),
        by: o.name.clone(),
        about: vec![
            t([
                "Artikkel 30 i personvernforordningen",
                "Artikkel 30 i personvernforordninga",
                "Article 30 of the GDPR",
            ]),
            long_date(facts.valid_from, language),
        ],
        dated: facts.valid_from,
        sections: all,
    }
}

fn processors(registered: &[super::Processor], language: Language) -> Section {
    let t = |text: [&'static str; 3]| say(text, language).to_owned();
    let heading = t(["Databehandlere", "Databehandlarar", "Processors"]);
    if registered.is_empty() {
        let none = t(["Ingen er registrert.", "Ingen er registrerte.", "None is registered."]);
        return Section { heading, blocks: vec![Block::Text(none)] };
    }
    let on = |day: Option<chrono::NaiveDate>| day.map(|d| long_date(d, language)).unwrap_or_default();
    let rows = registered.iter().map(|p| {
        let place = match p.transfer {
            Some(ground) => format!("{} ({})", p.country, transfer(ground, language)),
            None => p.country.clone(),
        };
        let agreement: Vec<String> =
            p.agreement.clone().into_iter().chain(p.agreement_on.map(|d| long_date(d, language))).collect();
        vec![
            p.name.clone(),
            recipient(p.recipient, language).to_owned(),
            place,
            agreement.join(", "),
            on(p.assessed_on),
        ]
    });
    let head = [
        ["Navn", "Namn", "Name"],
        ["Oppgave", "Oppgåve", "Task"],
        ["Land", "Land", "Country"],
        ["Avtale", "Avtale", "Agreement"],
        ["Risikovurdert", "Risikovurdert", "Risk assessed"],
    ];
    let table = Block::Table { shares: vec![22, 20, 22, 20, 16], head: head.map(t).to_vec(), rows: rows.collect() };
    Section { heading, blocks: vec![table] }
}

/// A recipient in words, and who that is where it is registered.
fn told(of: Recipient, registered: &[super::Processor], language: Language) -> String {
    let names: Vec<&str> = registered.iter().filter(|p| p.recipient == of).map(|p| p.name.as_str()).collect();
    match names.as_slice() {
        [] => recipient(of, language).to_owned(),
        names => format!("{} ({})", recipient(of, language), names.join(", ")),
    }
}

fn activity(a: &Activity, registered: &[super::Processor], language: Language) -> Section {
    let t = |text: [&'static str; 3]| say(text, language).to_owned();
    let list = |of: Vec<&str>| if of.is_empty() { "\u{2013}".to_owned() } else { of.join(", ") };
    let until = match a.period {
        Some(p) if a.source == "policy" => format!("{} {}", period(p, language), trigger(a.counted_from, language)),
        Some(p) => format!("{} {} ({})", period(p, language), trigger(a.counted_from, language), a.source),
        None => trigger(a.counted_from, language).to_owned(),
    };
    let recipients: Vec<String> = a.recipients.iter().map(|r| told(*r, registered, language)).collect();
    let rows = [
        (["Formål", "Føremål", "Purpose"], a.purpose.clone()),
        (["Hvem", "Kven", "Whom"], list(a.subjects.iter().map(|s| subject(*s, language)).collect())),
        (["Grunnlag", "Grunnlag", "Ground"], list(a.bases.iter().map(|b| basis(*b, language)).collect())),
        (["Mottakere", "Mottakarar", "Recipients"], list(recipients.iter().map(String::as_str).collect())),
        (["Slettefrist", "Slettefrist", "Time limit"], until),
        (
            ["Kan utsettes av", "Kan utsetjast av", "May be delayed by"],
            list(a.holds.iter().map(|h| hold(*h, language)).collect()),
        ),
    ];
    Section {
        heading: a.title.clone(),
        blocks: vec![Block::Table {
            shares: vec![22, 78],
            head: vec![t(["Punkt", "Punkt", "Item"]), t(["Innhold", "Innhald", "Content"])],
            rows: rows.into_iter().map(|(label, text)| vec![t(label), text]).collect(),
        }],
    }
}
