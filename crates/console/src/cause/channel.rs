//! Causes that lie in EHF, eFaktura and the providers between.

use super::Cause;
use crate::fix::Fix::{Cancel, Credit, Handled, OtherChannel, Print, Resend};

pub(super) const CAUSES: &[Cause] = &[
    Cause {
        codes: &["einvoice_required"],
        title: ["Bedriften skal ha EHF", "Bedrifta skal ha EHF", "The business must get an EHF"],
        why: [
            "Fra 2027 skal fakturaer til bokføringspliktige sendes elektronisk. E-post krever et registrert grunnlag.",
            "Frå 2027 skal fakturaer til bokføringspliktige sendast elektronisk. E-post krev eit registrert grunnlag.",
            "From 2027 invoices to businesses with bookkeeping duty go electronically. E-mail needs a recorded ground.",
        ],
        advice: [
            "Send som EHF, eller registrer på kunden hvorfor e-post er lov.",
            "Send som EHF, eller registrer på kunden kvifor e-post er lov.",
            "Send as EHF, or record on the customer why e-mail is allowed.",
        ],
        fixes: &[OtherChannel, Resend, Handled, Cancel],
    },
    Cause {
        codes: &["not_in_peppol"],
        title: ["Mottakeren er ikke i Peppol", "Mottakaren er ikkje i Peppol", "The receiver is not in Peppol"],
        why: [
            "Vi slo opp organisasjonsnummeret, og det tar ikke imot EHF.",
            "Vi slo opp organisasjonsnummeret, og det tek ikkje imot EHF.",
            "We looked up the organisation number, and it does not accept EHF.",
        ],
        advice: [
            "Sjekk organisasjonsnummeret. Er det riktig, send på e-post eller papir.",
            "Sjekk organisasjonsnummeret. Er det rett, send på e-post eller papir.",
            "Check the organisation number. If it is right, send by e-mail or on paper.",
        ],
        fixes: &[OtherChannel, Print, Resend, Handled, Cancel],
    },
    Cause {
        codes: &["no_credit_note_in_peppol"],
        title: [
            "Mottakeren tar ikke EHF-kreditnota",
            "Mottakaren tek ikkje EHF-kreditnota",
            "The receiver takes no EHF credit notes",
        ],
        why: [
            "Mottakeren er registrert for EHF-faktura, men ikke for kreditnota.",
            "Mottakaren er registrert for EHF-faktura, men ikkje for kreditnota.",
            "The receiver is registered for EHF invoices, but not for credit notes.",
        ],
        advice: ["Send kreditnotaen på e-post.", "Send kreditnotaen på e-post.", "Send the credit note by e-mail."],
        fixes: &[OtherChannel, Print, Handled, Cancel],
    },
    Cause {
        codes: &["ehf_refused"],
        title: ["EHF-en bryter en regel", "EHF-en bryt ein regel", "The EHF breaks a rule"],
        why: [
            "Vår egen kontroll stoppet fakturaen før den ble sendt. Regelen står på raden.",
            "Vår eigen kontroll stoppa fakturaen før han vart send. Regelen står på rada.",
            "Our own check stopped the invoice before it left. The rule is shown on the row.",
        ],
        advice: [
            "En utstedt faktura endres aldri. Krediter den og lag en ny med det som manglet.",
            "Ein utferda faktura blir aldri endra. Krediter han og lag ein ny med det som mangla.",
            "An issued invoice is never changed. Credit it and make a new one with what was missing.",
        ],
        fixes: &[Credit, OtherChannel, Handled, Cancel],
    },
    Cause {
        codes: &["access_point_refused"],
        title: [
            "Aksesspunktet avviste fakturaen",
            "Aksesspunktet avviste fakturaen",
            "The access point refused the invoice",
        ],
        why: [
            "Aksesspunktet tok ikke imot. Grunnen deres står på raden.",
            "Aksesspunktet tok ikkje imot. Grunnen deira står på rada.",
            "The access point did not accept it. Their reason is shown on the row.",
        ],
        advice: [
            "Er innholdet feil, krediter og lag ny. Ellers send på nytt.",
            "Er innhaldet feil, krediter og lag ny. Elles send på nytt.",
            "If the content is wrong, credit and reissue. Otherwise send again.",
        ],
        fixes: &[Resend, Credit, OtherChannel, Handled, Cancel],
    },
    Cause {
        codes: &["no_consent"],
        title: [
            "Kunden har ikke sagt ja til eFaktura",
            "Kunden har ikkje sagt ja til eFaktura",
            "The customer has not accepted eFaktura",
        ],
        why: [
            "Banken fant ingen aktiv avtale da vi sendte.",
            "Banken fann ingen aktiv avtale då vi sende.",
            "The bank found no active agreement when we sent.",
        ],
        advice: ["Send i en annen kanal.", "Send i ein annan kanal.", "Send by another channel."],
        fixes: &[OtherChannel, Print, Handled, Cancel],
    },
    Cause {
        codes: &["blocked_by_receiver"],
        title: [
            "Kunden har blokkert oss i eFaktura",
            "Kunden har blokkert oss i eFaktura",
            "The customer has blocked us in eFaktura",
        ],
        why: [
            "Kunden har valgt i nettbanken å ikke få eFaktura fra dere.",
            "Kunden har valt i nettbanken å ikkje få eFaktura frå dykk.",
            "The customer has chosen in the bank not to get eFaktura from you.",
        ],
        advice: [
            "Respekter valget og send i en annen kanal.",
            "Respekter valet og send i ein annan kanal.",
            "Respect the choice and send by another channel.",
        ],
        fixes: &[OtherChannel, Print, Handled, Cancel],
    },
    Cause {
        codes: &["receiver_not_found"],
        title: [
            "Mottakeren finnes ikke i eFaktura",
            "Mottakaren finst ikkje i eFaktura",
            "The receiver is not found in eFaktura",
        ],
        why: [
            "eFaktura kjenner ikke adressen vi har på kunden.",
            "eFaktura kjenner ikkje adressa vi har på kunden.",
            "eFaktura does not know the address we have for the customer.",
        ],
        advice: ["Send i en annen kanal.", "Send i ein annan kanal.", "Send by another channel."],
        fixes: &[OtherChannel, Print, Resend, Handled, Cancel],
    },
    Cause {
        codes: &["deleted_by_consumer"],
        title: [
            "Kunden slettet fakturaen i nettbanken",
            "Kunden sletta fakturaen i nettbanken",
            "The customer deleted the invoice in the bank",
        ],
        why: [
            "Fakturaen kom fram, men kunden fjernet den.",
            "Fakturaen kom fram, men kunden fjerna han.",
            "The invoice arrived, but the customer removed it.",
        ],
        advice: [
            "Kravet gjelder fortsatt. Spør kunden om noe er feil før du sender på nytt.",
            "Kravet gjeld framleis. Spør kunden om noko er feil før du sender på nytt.",
            "The claim still stands. Ask the customer whether something is wrong before sending again.",
        ],
        fixes: &[Handled, OtherChannel, Resend, Print],
    },
    Cause {
        codes: &["due_date_too_early"],
        title: [
            "Forfallet er for nær for eFaktura",
            "Forfallet er for nær for eFaktura",
            "The due date is too close for eFaktura",
        ],
        why: [
            "Nettbanken tar bare imot krav som forfaller noen dager fram.",
            "Nettbanken tek berre imot krav som forfell nokre dagar fram.",
            "The bank only accepts claims that fall due some days ahead.",
        ],
        advice: [
            "Send på e-post eller papir. Forfallet på en utstedt faktura kan ikke endres.",
            "Send på e-post eller papir. Forfallet på ein utferda faktura kan ikkje endrast.",
            "Send by e-mail or on paper. The due date of an issued invoice cannot be changed.",
        ],
        fixes: &[OtherChannel, Print, Handled, Cancel],
    },
    Cause {
        codes: &["issuer_not_active"],
        title: [
            "eFaktura-avtalen deres er ikke aktiv",
            "eFaktura-avtalen dykkar er ikkje aktiv",
            "Your eFaktura agreement is not active",
        ],
        why: [
            "Banken svarer at organisasjonen ikke er aktiv som utsteder. Det gjelder alle fakturaer i kanalen.",
            "Banken svarar at organisasjonen ikkje er aktiv som utferdar. Det gjeld alle fakturaer i kanalen.",
            "The bank says the organisation is not an active issuer. This concerns every invoice in the channel.",
        ],
        advice: [
            "Ta kontakt med banken. Send på nytt når avtalen er i orden, eller bruk en annen kanal.",
            "Ta kontakt med banken. Send på nytt når avtalen er i orden, eller bruk ein annan kanal.",
            "Contact the bank. Send again once the agreement works, or use another channel.",
        ],
        fixes: &[Resend, OtherChannel, Print, Cancel],
    },
    Cause {
        codes: &["account_not_registered"],
        title: [
            "Kontoen er ikke meldt inn i eFaktura",
            "Kontoen er ikkje meld inn i eFaktura",
            "The account is not registered in eFaktura",
        ],
        why: [
            "Kontonummeret på fakturaen står ikke i eFaktura-avtalen.",
            "Kontonummeret på fakturaen står ikkje i eFaktura-avtalen.",
            "The account on the invoice is not part of the eFaktura agreement.",
        ],
        advice: [
            "Meld kontoen inn hos banken og send på nytt.",
            "Meld kontoen inn hos banken og send på nytt.",
            "Register the account with the bank and send again.",
        ],
        fixes: &[Resend, OtherChannel, Print, Cancel],
    },
];
