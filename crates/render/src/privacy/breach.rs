//! A breach in words: the letter to a person it concerns (article 34), the notification to the authority (article 33 (3)), and
//! the notice to the controller when it happened at the processor (article 33 (2)).

use super::words::say;
use crate::format::long_date;
use crate::paper::{Block, Paper, Section};
use chrono::{NaiveDate, NaiveDateTime};
use domain::customer::Language;

/// What is known of a breach; times are local.
pub struct BreachFacts {
    /// Whose customers it concerns.
    pub organisation: String,
    /// Its organisation number.
    pub org_number: Option<String>,
    /// Where it is written to.
    pub email: Option<String>,
    /// Where it is called.
    pub phone: Option<String>,
    /// The day the text is made.
    pub on: NaiveDate,
    /// The case.
    pub case: String,
    /// When it was noticed.
    pub noticed_at: NaiveDateTime,
    /// When the authority is to be told by.
    pub due_at: NaiveDateTime,
    /// When it began, where that is known.
    pub from_at: Option<NaiveDateTime>,
    /// When it was over, where that is known.
    pub until_at: Option<NaiveDateTime>,
    /// What happened.
    pub what: String,
    /// Kinds of data.
    pub categories: Option<String>,
    /// Why it happened.
    pub cause: Option<String>,
    /// What it may lead to.
    pub consequences: Option<String>,
    /// What was done, and what people can do.
    pub measures: Option<String>,
    /// none, risk or high.
    pub risk: String,
    /// How many people it concerns, as far as is known.
    pub people: i64,
    /// Why the authority is told late, where it is.
    pub late_because: Option<String>,
    /// When those concerned were told.
    pub persons_informed_on: Option<NaiveDate>,
    /// Why they are not.
    pub not_informed_because: Option<String>,
}

/// Whom a letter is for.
pub struct Addressee {
    /// Name.
    pub name: String,
    /// Lines of the postal address; none in a mail.
    pub address: Vec<String>,
}

type Words = [&'static str; 3];

const NOT_KNOWN: Words = [
    "Ikke kjent ennå; ettersendes (artikkel 33 nr. 4).",
    "Ikkje kjent enno; blir ettersendt (artikkel 33 nr. 4).",
    "Not known yet; follows (article 33 (4)).",
];

fn moment(at: NaiveDateTime, language: Language) -> String {
    let o_clock = say(["kl.", "kl.", "at"], language);
    format!("{} {o_clock} {}", long_date(at.date(), language), at.format("%H:%M"))
}

/// When it happened, in words.
fn when(facts: &BreachFacts, language: Language) -> String {
    let t = |text: Words| say(text, language);
    match (facts.from_at, facts.until_at) {
        (Some(from), Some(until)) => {
            let (from, until) = (moment(from, language), moment(until, language));
            format!(
                "{} {from} {} {until}.",
                t(["Det skjedde fra", "Det hende frå", "It happened from"]),
                t(["til", "til", "to"])
            )
        }
        (Some(from), None) => format!("{} {}.", t(["Det begynte", "Det byrja", "It began on"]), moment(from, language)),
        _ => t([
            "Vi vet ikke sikkert når det skjedde.",
            "Vi veit ikkje sikkert når det hende.",
            "We do not know for certain when it happened.",
        ])
        .to_owned(),
    }
}

/// Where somebody who asks is answered.
fn contact(facts: &BreachFacts, language: Language) -> String {
    let ways: Vec<String> = [facts.email.clone(), facts.phone.clone()].into_iter().flatten().collect();
    let or = say([" eller ", " eller ", " or "], language);
    if ways.is_empty() { facts.organisation.clone() } else { format!("{}: {}", facts.organisation, ways.join(or)) }
}

fn section(heading: &str, texts: Vec<String>) -> Section {
    Section { heading: heading.to_owned(), blocks: texts.into_iter().map(Block::Text).collect() }
}

/// The letter to a person: what happened, what it may mean, what was done, whom to ask (article 34 (2)).
pub fn breach_letter(facts: &BreachFacts, to: &Addressee, language: Language) -> Paper {
    let t = |text: Words| say(text, language).to_owned();
    let noticed = format!(
        "{} {}.",
        t(["Vi oppdaget det", "Vi oppdaga det", "We noticed it on"]),
        moment(facts.noticed_at, language)
    );
    let mut happened = vec![t(INTRO), facts.what.clone(), when(facts, language), noticed];
    if let Some(categories) = &facts.categories {
        happened.push(format!(
            "{}: {categories}",
            t(["Opplysninger det gjelder", "Opplysningar det gjeld", "What data it concerns"])
        ));
    }
    let mut sections = vec![section(&t(["Hva som har skjedd", "Kva som har hendt", "What happened"]), happened)];
    if let Some(consequences) = &facts.consequences {
        let heading = t(["Hva det kan bety for deg", "Kva det kan bety for deg", "What it may mean for you"]);
        sections.push(section(&heading, vec![consequences.clone()]));
    }
    if let Some(measures) = &facts.measures {
        let heading = t([
            "Hva vi har gjort, og hva du kan gjøre",
            "Kva vi har gjort, og kva du kan gjere",
            "What we have done, and what you can do",
        ]);
        sections.push(section(&heading, vec![measures.clone()]));
    }
    let ask = t(["Spør oss", "Spør oss", "Ask us"]);
    sections.push(section(&ask, vec![format!("{}.", contact(facts, language)), t(COMPLAIN)]));
    let mut about = vec![to.name.clone()];
    about.extend(to.address.iter().cloned());
    about.push(long_date(facts.on, language));
    Paper { language, title: t(LETTER_TITLE), by: facts.organisation.clone(), about, dated: facts.on, sections }
}

const LETTER_TITLE: Words = [
    "Opplysninger om deg kan ha kommet på avveie",
    "Opplysningar om deg kan ha kome på avvege",
    "Data about you may have been exposed",
];
const INTRO: Words = [
    "Vi skriver til deg fordi det har vært et brudd på sikkerheten for opplysninger vi har om deg.",
    "Vi skriv til deg fordi det har vore eit brot på tryggleiken for opplysningar vi har om deg.",
    "We write to you because the security of data we hold about you was breached.",
];
const COMPLAIN: Words = [
    "Du kan klage til Datatilsynet (datatilsynet.no) hvis du mener vi ikke behandler opplysningene dine riktig.",
    "Du kan klage til Datatilsynet (datatilsynet.no) om du meiner vi ikkje handsamar opplysningane dine rett.",
    "You may complain to the Norwegian Data Protection Authority (datatilsynet.no) if you think we do not treat your data as we should.",
];

/// What a field says, or that it is not known yet.
fn or_unknown(text: Option<&String>, language: Language) -> String {
    text.cloned().unwrap_or_else(|| say(NOT_KNOWN, language).to_owned())
}

fn risk(risk: &str, language: Language) -> &'static str {
    say(
        match risk {
            "none" => [
                "Neppe noen risiko for dem det gjelder.",
                "Neppe nokon risiko for dei det gjeld.",
                "Unlikely to be a risk for those concerned.",
            ],
            "high" => [
                "Trolig høy risiko for dem det gjelder.",
                "Truleg høg risiko for dei det gjeld.",
                "Likely a high risk for those concerned.",
            ],
            _ => [
                "En risiko for dem det gjelder, men neppe høy.",
                "Ein risiko for dei det gjeld, men neppe høg.",
                "A risk for those concerned, unlikely a high one.",
            ],
        },
        language,
    )
}

/// How those concerned are told, in words.
fn told(facts: &BreachFacts, language: Language) -> String {
    let t = |text: Words| say(text, language);
    match (facts.persons_informed_on, &facts.not_informed_because) {
        (Some(on), _) => format!("{} {}.", t(["Varslet", "Varsla", "Told on"]), long_date(on, language)),
        (None, Some(why)) => format!("{}: {why}", t(["Varsles ikke", "Blir ikkje varsla", "Not told"])),
        (None, None) if facts.risk == "high" => t([
            "Varsles uten ugrunnet opphold.",
            "Blir varsla utan grunnlaust opphald.",
            "To be told without undue delay.",
        ])
        .to_owned(),
        (None, None) => t([
            "Ikke varslet; risikoen er ikke vurdert som høy.",
            "Ikkje varsla; risikoen er ikkje vurdert som høg.",
            "Not told; the risk is not held to be high.",
        ])
        .to_owned(),
    }
}

/// The facts every notice about a breach gives.
fn facts_of(facts: &BreachFacts, language: Language) -> Vec<Section> {
    let t = |text: Words| say(text, language).to_owned();
    let (people, records) = match facts.people {
        0 => (t(NOT_KNOWN), t(NOT_KNOWN)),
        n => (n.to_string(), n.to_string()),
    };
    let noticed = format!("{}: {}", t(["Oppdaget", "Oppdaga", "Noticed"]), moment(facts.noticed_at, language));
    let nature = vec![
        facts.what.clone(),
        when(facts, language),
        noticed,
        format!("{}: {}", t(["Årsak", "Årsak", "Cause"]), or_unknown(facts.cause.as_ref(), language)),
    ];
    let concerned = vec![
        format!(
            "{}: {}",
            t(["Kategorier av opplysninger", "Kategoriar av opplysningar", "Categories of data"]),
            or_unknown(facts.categories.as_ref(), language)
        ),
        format!(
            "{}: {}",
            t([
                "Hvem: kunder. Omtrentlig antall",
                "Kven: kundar. Omtrentleg tal",
                "Who: customers. Approximate number"
            ]),
            people
        ),
        format!(
            "{}: {records}",
            t([
                "Omtrentlig antall poster (kundekort med tilhørende dokumenter)",
                "Omtrentleg tal på postar (kundekort med tilhøyrande dokument)",
                "Approximate number of records (customers with their documents)",
            ])
        ),
    ];
    let likely = vec![or_unknown(facts.consequences.as_ref(), language), risk(&facts.risk, language).to_owned()];
    vec![
        section(&t(["Hva som skjedde", "Kva som hende", "What happened"]), nature),
        section(&t(["Hvem og hva det gjelder", "Kven og kva det gjeld", "Whom and what it concerns"]), concerned),
        section(&t(["Sannsynlige konsekvenser", "Sannsynlege konsekvensar", "Likely consequences"]), likely),
        section(&t(["Tiltak", "Tiltak", "Measures"]), vec![or_unknown(facts.measures.as_ref(), language)]),
    ]
}

fn about(facts: &BreachFacts, language: Language) -> Vec<String> {
    let t = |text: Words| say(text, language);
    let number = facts
        .org_number
        .as_ref()
        .map(|n| format!("{} {n}", t(["Organisasjonsnummer", "Organisasjonsnummer", "Organisation number"])));
    [number, Some(format!("{} {}", t(["Sak", "Sak", "Case"]), facts.case)), Some(long_date(facts.on, language))]
        .into_iter()
        .flatten()
        .collect()
}

/// The notification to the authority, with all article 33 (3) asks for.
pub fn breach_notification(facts: &BreachFacts, language: Language) -> Paper {
    let t = |text: Words| say(text, language).to_owned();
    let mut sections = facts_of(facts, language);
    sections.push(section(
        &t(["Varsel til de berørte", "Varsel til dei det gjeld", "Those concerned"]),
        vec![told(facts, language)],
    ));
    let due = format!("{}: {}", t(["Frist", "Frist", "Due"]), moment(facts.due_at, language));
    let late = facts.late_because.as_ref().map(|why| {
        format!("{}: {why}", t(["Meldt etter fristen fordi", "Meldt etter fristen fordi", "Notified late because"]))
    });
    sections.push(section(
        &t(["Fristen på 72 timer", "Fristen på 72 timar", "The 72 hours"]),
        [Some(due), late].into_iter().flatten().collect(),
    ));
    let heading = t(["Kontaktpunkt", "Kontaktpunkt", "Contact point"]);
    sections.push(section(&heading, vec![format!("{}.", contact(facts, language))]));
    Paper {
        language,
        title: t([
            "Melding til Datatilsynet om brudd på personopplysningssikkerheten",
            "Melding til Datatilsynet om brot på personopplysningstryggleiken",
            "Notification to Datatilsynet of a personal data breach",
        ]),
        by: facts.organisation.clone(),
        about: about(facts, language),
        dated: facts.on,
        sections,
    }
}

/// The notice to the controller, where the breach happened at its processor.
pub fn breach_notice(facts: &BreachFacts, language: Language) -> Paper {
    let t = |text: Words| say(text, language).to_owned();
    let mut sections = vec![section(
        &t(["Hva dere må gjøre", "Kva de må gjere", "What you must do"]),
        vec![format!("{} {}.", t(CONTROLLER), moment(facts.due_at, language))],
    )];
    sections.extend(facts_of(facts, language));
    Paper {
        language,
        title: t([
            "Varsel til behandlingsansvarlig om brudd på personopplysningssikkerheten",
            "Varsel til behandlingsansvarleg om brot på personopplysningstryggleiken",
            "Notice to the controller of a personal data breach",
        ]),
        by: format!("{} {}", t(["Til", "Til", "To"]), facts.organisation),
        about: about(facts, language),
        dated: facts.on,
        sections,
    }
}

const CONTROLLER: Words = [
    "Vi varsler dere som databehandler, uten ugrunnet opphold (artikkel 33 nr. 2). Dere vurderer om bruddet skal meldes til Datatilsynet \
     og om de berørte skal varsles. Regnet fra da vi oppdaget det, er de 72 timene ute",
    "Vi varslar dykk som databehandlar, utan grunnlaust opphald (artikkel 33 nr. 2). De vurderer om brotet skal meldast til Datatilsynet \
     og om dei det gjeld skal varslast. Rekna frå då vi oppdaga det, er dei 72 timane ute",
    "We tell you as your processor, without undue delay (article 33 (2)). You decide whether Datatilsynet is to be notified and whether \
     those concerned are to be told. Counted from when we noticed it, the 72 hours are over on",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> BreachFacts {
        BreachFacts {
            organisation: "Fjellbygda idrettslag".to_owned(),
            org_number: Some("315771900".to_owned()),
            email: Some("post@fjellbygda.example".to_owned()),
            phone: None,
            on: "2026-03-02".parse().unwrap(),
            case: "0193".to_owned(),
            noticed_at: "2026-03-01T10:00:00".parse().unwrap(),
            due_at: "2026-03-04T10:00:00".parse().unwrap(),
            from_at: Some("2026-02-27T22:10:00".parse().unwrap()),
            until_at: None,
            what: "En nøkkel kom på avveie.".to_owned(),
            categories: Some("navn og e-post".to_owned()),
            cause: None,
            consequences: Some("Du kan få falske fakturaer.".to_owned()),
            measures: Some("Nøkkelen er stengt.".to_owned()),
            risk: "high".to_owned(),
            people: 12,
            late_because: None,
            persons_informed_on: None,
            not_informed_because: None,
        }
    }

    #[test]
    fn a_letter_says_what_happened_what_it_means_what_was_done_and_whom_to_ask() {
        let to = Addressee { name: "Kari Nord".to_owned(), address: vec!["Gata 1".to_owned(), "0150 Oslo".to_owned()] };
        for language in [Language::Bokmal, Language::Nynorsk, Language::English] {
            let text = crate::paper::text(&breach_letter(&facts(), &to, language));
            for part in [
                "Kari Nord",
                "Gata 1",
                "En nøkkel",
                "navn og e-post",
                "falske fakturaer",
                "stengt",
                "post@fjellbygda",
                "Datatilsynet",
                "datatilsynet.no",
                "22:10",
            ] {
                assert!(
                    text.contains(part) || (language == Language::English && part == "Datatilsynet"),
                    "{part}: {text}"
                );
            }
        }
    }

    #[test]
    fn the_notification_holds_all_that_is_asked_for_and_names_what_is_not_known() {
        let mut known = facts();
        known.late_because = Some("Vi forsto ikke omfanget.".to_owned());
        let text = crate::paper::text(&breach_notification(&known, Language::Bokmal));
        for part in [
            "12",
            "navn og e-post",
            "falske",
            "stengt",
            "Kontaktpunkt",
            "4. mars 2026 kl. 10:00",
            "artikkel 33 nr. 4",
            "omfanget",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let notice = crate::paper::text(&breach_notice(&known, Language::English));
        assert!(notice.contains("processor") && notice.contains("4 March 2026 at 10:00"), "{notice}");
    }
}
