//! What somebody who asked is told: that the time is extended and why, or how the request was decided, on what ground, and where to
//! complain (GDPR article 12 (3) and (4)).

use super::words::say;
use crate::format::long_date;
use crate::paper::{Block, Paper, Section};
use chrono::NaiveDate;
use domain::customer::Language;
use domain::privacy::AUTHORITY;

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The time is extended.
    Extended {
        /// The day it is answered by now.
        due_on: NaiveDate,
        /// Why.
        because: String,
    },
    /// It is granted.
    Granted {
        /// What was asked for, by its name in the API.
        kind: String,
    },
    /// It is refused.
    Refused {
        /// The ground.
        grounds: String,
    },
}

/// What an answer says besides.
#[derive(Debug, Clone)]
pub struct AnswerFacts {
    /// Who answers.
    pub organisation: String,
    /// Where they are asked.
    pub email: Option<String>,
    /// The case.
    pub case: String,
    /// The day of the answer.
    pub on: NaiveDate,
    /// The day the request came.
    pub received_on: NaiveDate,
}

type Words = [&'static str; 3];

fn done(kind: &str) -> Words {
    match kind {
        "access" | "portability" => [
            "Du får opplysningene i en egen pakke.",
            "Du får opplysningane i ein eigen pakke.",
            "You are given the data in a package of its own.",
        ],
        "erasure" => [
            "Det vi kan slette, er slettet. Det loven pålegger oss å beholde, er sperret og blir slettet når tiden er ute. Skylder \
             du noe, blir resten slettet når det er gjort opp.",
            "Det vi kan slette, er sletta. Det lova pålegg oss å behalde, er sperra og blir sletta når tida er ute. Skuldar du noko, \
             blir resten sletta når det er gjort opp.",
            "What we may erase is erased. What law makes us keep is closed away, and erased when its time is over. If you owe \
             something, the rest is erased when that is settled.",
        ],
        "restriction" => [
            "Opplysningene blir bare lagret til du får beskjed om noe annet.",
            "Opplysningane blir berre lagra til du får melding om noko anna.",
            "The data are only stored until you are told otherwise.",
        ],
        "complaint" => [
            "Klagen er behandlet, og du har fått medhold.",
            "Klaga er behandla, og du har fått medhald.",
            "Your complaint was considered and upheld.",
        ],
        _ => ["Vi har gjort det du ba om.", "Vi har gjort det du bad om.", "We have done what you asked for."],
    }
}

fn title(said: &Said) -> Words {
    match said {
        Said::Extended { .. } => [
            "Vi trenger mer tid til å svare deg",
            "Vi treng meir tid til å svare deg",
            "We need more time to answer you",
        ],
        Said::Granted { .. } => [
            "Svar på henvendelsen din om personopplysninger",
            "Svar på førespurnaden din om personopplysningar",
            "The answer to your request about personal data",
        ],
        Said::Refused { .. } => {
            ["Vi kan ikke gjøre det du ba om", "Vi kan ikkje gjere det du bad om", "We cannot do what you asked for"]
        }
    }
}

/// The letter in a language. It repeats nothing of what the person wrote.
pub fn request_answer(facts: &AnswerFacts, said: &Said, language: Language) -> Paper {
    let t = |text: Words| say(text, language).to_owned();
    let came = long_date(facts.received_on, language);
    let mut texts = match said {
        Said::Extended { due_on, because } => {
            let due = long_date(*due_on, language);
            vec![
                match language {
                    Language::Bokmal => format!("Henvendelsen kom {came}. Du får nå svar senest {due}."),
                    Language::Nynorsk => format!("Førespurnaden kom {came}. Du får no svar seinast {due}."),
                    Language::English => {
                        format!("Your request came on {came}. You are now answered by {due} at the latest.")
                    }
                },
                format!("{} {because}", t(["Grunnen er:", "Grunnen er:", "The reason is:"])),
            ]
        }
        Said::Granted { kind } => vec![t(done(kind))],
        Said::Refused { grounds } => vec![format!("{} {grounds}", t(["Grunnen er:", "Grunnen er:", "The ground is:"]))],
    };
    texts.push(match language {
        Language::Bokmal => format!("Er du ikke enig, kan du klage til {AUTHORITY}. Du kan også gå til domstolene."),
        Language::Nynorsk => format!("Er du ikkje samd, kan du klage til {AUTHORITY}. Du kan òg gå til domstolane."),
        Language::English => format!("If you do not agree, you may complain to {AUTHORITY}. You may also go to court."),
    });
    if let Some(email) = &facts.email {
        texts.push(format!("{} {email}.", t(["Spør oss:", "Spør oss:", "Ask us:"])));
    }
    Paper {
        language,
        title: t(title(said)),
        by: facts.organisation.clone(),
        about: vec![format!("{} {}", t(["Sak", "Sak", "Case"]), facts.case), long_date(facts.on, language)],
        dated: facts.on,
        sections: vec![Section {
            heading: t(["Svaret vårt", "Svaret vårt", "Our answer"]),
            blocks: texts.into_iter().map(Block::Text).collect(),
        }],
    }
}
