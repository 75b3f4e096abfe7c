//! Why a channel was chosen, as a sentence: the "why" beside an automatic decision.

use crate::words::{Text, fill, pick};
use domain::customer::Language;

macro_rules! reasons {
    ($($code:literal: $nb:literal, $nn:literal, $en:literal;)+) => {
        /// Every reason with a sentence of its own.
        pub const KNOWN: &[&str] = &[$($code),+];

        const SENTENCES: &[Text] = &[$([$nb, $nn, $en]),+];
    };
}

fn sentence(code: &str) -> Option<&'static Text> {
    KNOWN.iter().position(|known| *known == code).and_then(|at| SENTENCES.get(at))
}

/// Whether a reason has a sentence of its own.
pub fn is_known(code: &str) -> bool {
    sentence(code).is_some()
}

/// The sentence of a reason; an unknown one shows its code.
pub(crate) fn say(code: &str, language: Language) -> String {
    const OTHER: Text = ["Regelen heter {code}.", "Regelen heiter {code}.", "The rule is called {code}."];
    fill(pick(sentence(code).unwrap_or(&OTHER), language), &[("code", code)])
}

reasons! {
    "business_in_peppol":
        "Kunden er en bedrift som tar imot EHF i Peppol.",
        "Kunden er ei bedrift som tek imot EHF i Peppol.",
        "The customer is a business that accepts EHF in Peppol.";
    "business_lookup_pending":
        "Kunden er en bedrift, og vi venter på svar fra Peppol om den tar imot EHF.",
        "Kunden er ei bedrift, og vi ventar på svar frå Peppol om ho tek imot EHF.",
        "The customer is a business, and we await Peppol's answer on whether it accepts EHF.";
    "business_not_in_peppol":
        "Kunden er en bedrift som ikke tar imot EHF i Peppol.",
        "Kunden er ei bedrift som ikkje tek imot EHF i Peppol.",
        "The customer is a business that does not accept EHF in Peppol.";
    "business_mail_ground":
        "Kunden er en bedrift, og det er registrert et grunnlag for å bruke e-post.",
        "Kunden er ei bedrift, og det er registrert eit grunnlag for å bruke e-post.",
        "The customer is a business, and a ground for using e-mail is recorded.";
    "business_before_duty":
        "Kunden er en bedrift, og plikten til å sende e-faktura gjaldt ikke ennå på fakturadatoen.",
        "Kunden er ei bedrift, og plikta til å sende e-faktura galdt ikkje enno på fakturadatoen.",
        "The customer is a business, and the e-invoice duty did not apply yet on the invoice date.";
    "consumer_accepts_efaktura":
        "Kunden har sagt ja til eFaktura i banken.",
        "Kunden har sagt ja til eFaktura i banken.",
        "The customer has accepted eFaktura in the bank.";
    "consumer_lookup_pending":
        "Vi venter på svar om kunden tar imot eFaktura.",
        "Vi ventar på svar om kunden tek imot eFaktura.",
        "We await an answer on whether the customer accepts eFaktura.";
    "consumer_not_in_efaktura":
        "Kunden har ikke sagt ja til eFaktura.",
        "Kunden har ikkje sagt ja til eFaktura.",
        "The customer has not accepted eFaktura.";
    "efaktura_no_longer_accepted":
        "Kunden tar ikke lenger imot eFaktura.",
        "Kunden tek ikkje lenger imot eFaktura.",
        "The customer no longer accepts eFaktura.";
    "efaktura_not_for_credit_notes":
        "eFaktura tar ikke kreditnotaer.",
        "eFaktura tek ikkje kreditnotaer.",
        "eFaktura does not take credit notes.";
    "efaktura_due_date_too_near":
        "Forfallet er for nær til at eFaktura rekker fram.",
        "Forfallet er for nær til at eFaktura rekk fram.",
        "The due date is too close for eFaktura.";
    "mail_address_on_file":
        "Kunden har en e-postadresse hos oss.",
        "Kunden har ei e-postadresse hos oss.",
        "The customer has an e-mail address with us.";
    "no_mail_address":
        "Kunden har ingen e-postadresse hos oss.",
        "Kunden har inga e-postadresse hos oss.",
        "The customer has no e-mail address with us.";
    "mail_suppressed":
        "E-post til kunden er blitt avvist for godt, så vi sender ikke dit.",
        "E-post til kunden er vorten avvist for godt, så vi sender ikkje dit.",
        "E-mail to the customer was refused for good, so we do not send there.";
    "channel_off":
        "Kanalen som lå først, er slått av.",
        "Kanalen som låg først, er slått av.",
        "The channel that came first is switched off.";
    "channel_not_safe":
        "Kunden har beskyttet identitet, og kanalen kan røpe adressen.",
        "Kunden har verna identitet, og kanalen kan røpe adressa.",
        "The customer's identity is protected, and the channel could reveal the address.";
    "customers_own_choice":
        "Kunden har selv valgt denne kanalen.",
        "Kunden har sjølv valt denne kanalen.",
        "The customer chose this channel.";
    "organisations_order":
        "Kanalen ligger først i rekkefølgen organisasjonen har satt.",
        "Kanalen ligg først i rekkjefølgja organisasjonen har sett.",
        "The channel comes first in the order the organisation has set.";
    "fallback_after_failure":
        "Kanalen før mislyktes, så vi gikk videre til den neste.",
        "Kanalen før verka ikkje, så vi gjekk vidare til den neste.",
        "The channel before failed, so we went on to the next.";
    "operators_choice":
        "En medarbeider valgte kanalen for denne fakturaen.",
        "Ein medarbeidar valde kanalen for denne fakturaen.",
        "A member of staff chose the channel for this invoice.";
    "einvoice_required":
        "Loven krever e-faktura til denne kunden.",
        "Lova krev e-faktura til denne kunden.",
        "The law requires an e-invoice to this customer.";
    "print_last_resort":
        "Ingen elektronisk kanal når kunden, så papir er siste utvei.",
        "Ingen elektronisk kanal når kunden, så papir er siste utveg.",
        "No electronic channel reaches the customer, so paper is the last resort.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_sentence_and_an_unknown_one_is_shown() {
        assert!(KNOWN.iter().all(|code| is_known(code)));
        assert!(!is_known("whim"));
        assert!(say("whim", Language::Bokmal).contains("whim"));
    }
}
