//! Causes that lie in the address or in the receiver's mail.

use super::Cause;
use crate::fix::Fix::{Cancel, Handled, OtherChannel, Print, Resend};

pub(super) const CAUSES: &[Cause] = &[
    Cause {
        codes: &["no_address"],
        title: ["E-postadresse mangler", "E-postadresse manglar", "E-mail address is missing"],
        why: [
            "Kunden har ingen e-postadresse hos oss.",
            "Kunden har inga e-postadresse hos oss.",
            "The customer has no e-mail address with us.",
        ],
        advice: [
            "Legg inn adressen i medlems- eller kundesystemet og send på nytt, eller velg en annen kanal nå.",
            "Legg inn adressa i medlems- eller kundesystemet og send på nytt, eller vel ein annan kanal no.",
            "Add the address in your customer system and send again, or choose another channel now.",
        ],
        fixes: &[OtherChannel, Print, Resend, Handled, Cancel],
    },
    Cause {
        codes: &["invalid_address"],
        title: ["E-postadressen er ugyldig", "E-postadressa er ugyldig", "The e-mail address is invalid"],
        why: [
            "Adressen har en form ingen e-posttjener kan ta imot.",
            "Adressa har ei form ingen e-posttenar kan ta imot.",
            "No mail server can accept an address of this form.",
        ],
        advice: [
            "Rett adressen i kundesystemet og send på nytt, eller skriv en annen adresse nå.",
            "Rett adressa i kundesystemet og send på nytt, eller skriv ei anna adresse no.",
            "Correct the address in your customer system and send again, or type another address now.",
        ],
        fixes: &[OtherChannel, Resend, Print, Handled, Cancel],
    },
    Cause {
        codes: &["address_suppressed"],
        title: [
            "Adressen er sperret etter tidligere avvisning",
            "Adressa er sperra etter tidlegare avvising",
            "The address is blocked after earlier refusals",
        ],
        why: [
            "En tidligere e-post ble avvist for godt, så vi sender ikke dit flere ganger.",
            "Ein tidlegare e-post vart avvist for godt, så vi sender ikkje dit fleire gonger.",
            "An earlier e-mail was refused for good, so we do not send there again.",
        ],
        advice: [
            "Be kunden om en ny adresse, eller send i en annen kanal.",
            "Be kunden om ei ny adresse, eller send i ein annan kanal.",
            "Ask the customer for a new address, or send by another channel.",
        ],
        fixes: &[OtherChannel, Print, Handled, Cancel],
    },
    Cause {
        codes: &["hard_bounce"],
        title: ["E-postadressen finnes ikke", "E-postadressa finst ikkje", "The e-mail address does not exist"],
        why: [
            "Mottakerens e-posttjener avviste adressen for godt.",
            "E-posttenaren til mottakaren avviste adressa for godt.",
            "The receiver's mail server refused the address for good.",
        ],
        advice: [
            "Send i en annen kanal, eller skriv en adresse kunden har bekreftet.",
            "Send i ein annan kanal, eller skriv ei adresse kunden har stadfesta.",
            "Send by another channel, or type an address the customer has confirmed.",
        ],
        fixes: &[OtherChannel, Print, Handled, Cancel],
    },
    Cause {
        codes: &["refused_by_policy", "message_refused", "bounced"],
        title: ["E-posten kom i retur", "E-posten kom i retur", "The e-mail came back"],
        why: [
            "Mottakerens e-posttjener tok ikke imot denne meldingen. Adressen kan være riktig.",
            "E-posttenaren til mottakaren tok ikkje imot denne meldinga. Adressa kan vere rett.",
            "The receiver's mail server did not take this message. The address may be right.",
        ],
        advice: [
            "Send i en annen kanal, eller avtal en annen adresse med kunden.",
            "Send i ein annan kanal, eller avtal ei anna adresse med kunden.",
            "Send by another channel, or agree on another address with the customer.",
        ],
        fixes: &[OtherChannel, Print, Resend, Handled, Cancel],
    },
    Cause {
        codes: &["mailbox_full"],
        title: ["Postkassen er full", "Postkassa er full", "The mailbox is full"],
        why: [
            "Vi har prøvd i flere dager, men postkassen tar ikke imot mer.",
            "Vi har prøvd i fleire dagar, men postkassa tek ikkje imot meir.",
            "We have tried for several days, but the mailbox takes no more.",
        ],
        advice: [
            "Send i en annen kanal, eller prøv igjen når kunden har ryddet.",
            "Send i ein annan kanal, eller prøv igjen når kunden har rydda.",
            "Send by another channel, or try again once the customer has made room.",
        ],
        fixes: &[OtherChannel, Resend, Print, Handled, Cancel],
    },
    Cause {
        codes: &["smtp_550"],
        title: [
            "Mottakeren tar ikke imot e-posten",
            "Mottakaren tek ikkje imot e-posten",
            "The receiver does not accept the e-mail",
        ],
        why: [
            "E-posttjeneren svarte 550: adressen finnes ikke, eller den slipper oss ikke til.",
            "E-posttenaren svarte 550: adressa finst ikkje, eller han slepp oss ikkje til.",
            "The mail server answered 550: the address does not exist, or it does not let us in.",
        ],
        advice: [
            "Sjekk ordene fra tjeneren under. Send i en annen kanal hvis adressen er feil.",
            "Sjekk orda frå tenaren under. Send i ein annan kanal om adressa er feil.",
            "Check the server's words below. Send by another channel if the address is wrong.",
        ],
        fixes: &[OtherChannel, Resend, Print, Handled, Cancel],
    },
    Cause {
        codes: &["smtp_5xx"],
        title: ["E-posten ble avvist for godt", "E-posten vart avvist for godt", "The e-mail was refused for good"],
        why: [
            "E-posttjeneren sa endelig nei. Vi prøver ikke igjen av oss selv.",
            "E-posttenaren sa endeleg nei. Vi prøver ikkje igjen av oss sjølve.",
            "The mail server said a final no. We do not try again by ourselves.",
        ],
        advice: [
            "Les grunnen under. Send på nytt når den er rettet, eller velg en annen kanal.",
            "Les grunnen under. Send på nytt når han er retta, eller vel ein annan kanal.",
            "Read the reason below. Send again once it is put right, or choose another channel.",
        ],
        fixes: &[OtherChannel, Resend, Print, Handled, Cancel],
    },
    Cause {
        codes: &["protected_no_safe_channel"],
        title: [
            "Beskyttet identitet uten trygg kanal",
            "Verna identitet utan trygg kanal",
            "Protected identity and no safe channel",
        ],
        why: [
            "Kunden har beskyttet identitet. Vi sender bare i kanaler som ikke røper adressen.",
            "Kunden har verna identitet. Vi sender berre i kanalar som ikkje røper adressa.",
            "The customer's identity is protected. We only use channels that do not reveal the address.",
        ],
        advice: [
            "Avtal med kunden hvordan fakturaen skal overleveres, og merk den som håndtert.",
            "Avtal med kunden korleis fakturaen skal overleverast, og merk han som handtert.",
            "Agree with the customer how to hand over the invoice, and mark it as handled.",
        ],
        fixes: &[Handled, Cancel],
    },
    Cause {
        codes: &["no_channel"],
        title: ["Ingen kanal når kunden", "Ingen kanal når kunden", "No channel reaches the customer"],
        why: [
            "Ingen av kanalene som er slått på, kan levere til denne kunden.",
            "Ingen av kanalane som er slått på, kan levere til denne kunden.",
            "None of the channels that are switched on can deliver to this customer.",
        ],
        advice: [
            "Skriv ut fakturaen, eller skriv en e-postadresse kunden har bekreftet.",
            "Skriv ut fakturaen, eller skriv ei e-postadresse kunden har stadfesta.",
            "Print the invoice, or type an e-mail address the customer has confirmed.",
        ],
        fixes: &[Print, OtherChannel, Handled, Cancel],
    },
];
