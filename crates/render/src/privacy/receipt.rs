//! The receipt somebody who writes about their data is mailed: that it has come, and when it is answered at the latest.

use super::words::say;
use crate::format::long_date;
use crate::paper::{Block, Paper, Section};
use chrono::NaiveDate;
use domain::customer::Language;

/// What a receipt says.
pub struct ReceiptFacts {
    /// Who answers.
    pub organisation: String,
    /// Where somebody who asks is answered.
    pub email: Option<String>,
    /// The case.
    pub case: String,
    /// The day of the receipt.
    pub on: NaiveDate,
    /// The day the request came.
    pub received_on: NaiveDate,
    /// The day it is answered by.
    pub due_on: NaiveDate,
    /// Attachments that were not kept.
    pub left_out: i64,
}

type Words = [&'static str; 3];

const KNOWN: Words = [
    "Før vi gir ut eller sletter noe, må vi vite at det er deg. Vi tar kontakt om det trengs. Det koster ingenting.",
    "Før vi gir ut eller slettar noko, må vi vite at det er deg. Vi tek kontakt om det trengst. Det kostar ingenting.",
    "Before we hand out or erase anything we must know that it is you. We will be in touch if needed. It costs nothing.",
];
const ATTACHMENTS: Words = [
    "Vedleggene er ikke tatt vare på. Send dem på en annen måte hvis vi ber om dem.",
    "Vedlegga er ikkje tekne vare på. Send dei på ein annan måte om vi bed om dei.",
    "The attachments are not kept. Send them in another way if we ask for them.",
];
const MACHINE: Words = [
    "Dette er et automatisk svar. Skriver du igjen det neste døgnet, får du ikke et nytt.",
    "Dette er eit automatisk svar. Skriv du igjen det neste døgnet, får du ikkje eit nytt.",
    "This is an automatic answer. If you write again within a day you do not get another.",
];

/// The receipt in a language. It repeats nothing of what was written.
pub fn request_receipt(facts: &ReceiptFacts, language: Language) -> Paper {
    let t = |text: Words| say(text, language).to_owned();
    let (came, due) = (long_date(facts.received_on, language), long_date(facts.due_on, language));
    let answered = match language {
        Language::Bokmal => format!("Henvendelsen kom {came}. Du får svar senest {due}."),
        Language::Nynorsk => format!("Førespurnaden kom {came}. Du får svar seinast {due}."),
        Language::English => format!("Your request came on {came}. You are answered by {due} at the latest."),
    };
    let mut texts = vec![answered, t(KNOWN)];
    if facts.left_out > 0 {
        texts.push(t(ATTACHMENTS));
    }
    if let Some(email) = &facts.email {
        texts.push(format!("{} {email}.", t(["Spør oss:", "Spør oss:", "Ask us:"])));
    }
    texts.push(t(MACHINE));
    Paper {
        language,
        title: t([
            "Vi har fått henvendelsen din om personopplysninger",
            "Vi har fått førespurnaden din om personopplysningar",
            "We have received your request about personal data",
        ]),
        by: facts.organisation.clone(),
        about: vec![format!("{} {}", t(["Sak", "Sak", "Case"]), facts.case), long_date(facts.on, language)],
        dated: facts.on,
        sections: vec![Section {
            heading: t(["Hva som skjer nå", "Kva som skjer no", "What happens now"]),
            blocks: texts.into_iter().map(Block::Text).collect(),
        }],
    }
}
