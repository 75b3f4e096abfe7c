//! Causes that lie with us, with the line between, or nowhere we know.

use super::Cause;
use crate::fix::Fix::{Cancel, Handled, OtherChannel, Print, Resend};

pub(super) const CAUSES: &[Cause] = &[
    Cause {
        codes: &["provider_away", "connection_refused", "tls_failed", "tls_not_offered"],
        title: ["Leverandøren svarer ikke", "Leverandøren svarar ikkje", "The provider does not answer"],
        why: [
            "Vi fikk ikke kontakt med leverandøren av kanalen. Ingenting har gått ut.",
            "Vi fekk ikkje kontakt med leverandøren av kanalen. Ingenting har gått ut.",
            "We could not reach the provider of the channel. Nothing has left.",
        ],
        advice: [
            "Send på nytt når leverandøren er tilbake.",
            "Send på nytt når leverandøren er tilbake.",
            "Send again once the provider is back.",
        ],
        fixes: &[Resend, OtherChannel, Print, Cancel],
    },
    Cause {
        codes: &[
            "retries_used_up",
            "connection_lost",
            "timeout",
            "unexpected_answer",
            "soft_bounce",
            "tried_too_often",
        ],
        title: ["Alle forsøk er brukt opp", "Alle forsøk er brukte opp", "All attempts are used up"],
        why: [
            "Vi har prøvd ni ganger over to døgn uten å lykkes.",
            "Vi har prøvd ni gonger over to døgn utan å lykkast.",
            "We tried nine times over two days without success.",
        ],
        advice: [
            "Send på nytt hvis feilen er borte, eller velg en annen kanal.",
            "Send på nytt om feilen er borte, eller vel ein annan kanal.",
            "Send again if the fault is gone, or choose another channel.",
        ],
        fixes: &[Resend, OtherChannel, Print, Handled, Cancel],
    },
    Cause {
        codes: &["restricted"],
        title: ["Behandlingen er begrenset", "Behandlinga er avgrensa", "Processing is restricted"],
        why: [
            "Kunden har krevd at opplysningene bare lagres. Da sendes ingenting.",
            "Kunden har kravd at opplysningane berre blir lagra. Då blir ingenting sendt.",
            "The customer has demanded that the data is only stored. Nothing is sent then.",
        ],
        advice: [
            "Opphev begrensningen når saken er avgjort, og send så på nytt.",
            "Opphev avgrensinga når saka er avgjord, og send så på nytt.",
            "Lift the restriction when the case is decided, then send again.",
        ],
        fixes: &[Resend, Handled, Cancel],
    },
    Cause {
        codes: &["left_before_restore"],
        title: [
            "Kan ha gått ut før gjenopprettingen",
            "Kan ha gått ut før gjenopprettinga",
            "May have left before the restore",
        ],
        why: [
            "Databasen ble gjenopprettet fra en sikkerhetskopi, og denne var på vei ut etter at kopien ble tatt.",
            "Databasen vart gjenoppretta frå ein tryggingskopi, og denne var på veg ut etter at kopien vart teken.",
            "The database was restored from a backup, and this was about to leave after the backup was made.",
        ],
        advice: [
            "Spør kunden om den er kommet. Send på nytt bare hvis den ikke er det.",
            "Spør kunden om han er komen. Send på nytt berre om han ikkje er det.",
            "Ask the customer whether it came. Send again only if it did not.",
        ],
        fixes: &[Handled, Resend, OtherChannel, Print],
    },
    Cause {
        codes: &[
            "lost_while_handing_over",
            "lease_lost",
            "handing_over",
            "no_receipt",
            "uncertain",
            "forgotten_by_provider",
        ],
        title: ["Uvisst om den kom fram", "Uvisst om han kom fram", "Not known whether it arrived"],
        why: [
            "Forbindelsen røk mens fakturaen ble overlevert. Kunden kan ha fått den.",
            "Sambandet vart brote medan fakturaen vart overlevert. Kunden kan ha fått han.",
            "The line broke while the invoice was handed over. The customer may have got it.",
        ],
        advice: [
            "Vi sender aldri slike på nytt av oss selv. Spør kunden, eller send på nytt og regn med at den kan komme to ganger.",
            "Vi sender aldri slike på nytt av oss sjølve. Spør kunden, eller send på nytt og rekn med at han kan kome to gonger.",
            "We never resend these by ourselves. Ask the customer, or send again knowing it may arrive twice.",
        ],
        fixes: &[Handled, Resend, OtherChannel, Print],
    },
    Cause {
        codes: &["not_taken_back"],
        title: ["Kunne ikke trekkes tilbake", "Kunne ikkje trekkjast tilbake", "Could not be taken back"],
        why: [
            "Fakturaen er kreditert eller avbrutt, men kravet står fortsatt i kundens bank, eller er betalt.",
            "Fakturaen er kreditert eller avbroten, men kravet står framleis i banken til kunden, eller er betalt.",
            "The invoice is credited or cancelled, but the request still stands in the customer's bank, or is paid.",
        ],
        advice: [
            "Be kunden slette kravet, eller betal tilbake det som er betalt.",
            "Be kunden slette kravet, eller betal tilbake det som er betalt.",
            "Ask the customer to delete the request, or pay back what was paid.",
        ],
        fixes: &[Handled],
    },
    Cause {
        codes: &["document_too_large"],
        title: [
            "Dokumentet er for stort for kanalen",
            "Dokumentet er for stort for kanalen",
            "The document is too large for the channel",
        ],
        why: [
            "Fakturaen med vedlegg er større enn kanalen tar imot.",
            "Fakturaen med vedlegg er større enn kanalen tek imot.",
            "The invoice with its attachments is larger than the channel accepts.",
        ],
        advice: ["Send i en annen kanal.", "Send i ein annan kanal.", "Send by another channel."],
        fixes: &[OtherChannel, Print, Handled, Cancel],
    },
    Cause {
        codes: &["mail_too_large"],
        title: [
            "Fakturaen er for stor for e-post",
            "Fakturaen er for stor for e-post",
            "The invoice is too large for e-mail",
        ],
        why: [
            "PDF-en er større enn en e-post kan være, og installasjonen har ingen betalerside å lenke til.",
            "PDF-en er større enn ein e-post kan vere, og installasjonen har inga betalarside å lenkje til.",
            "The PDF is larger than an e-mail may be, and the installation has no payer's page to link to.",
        ],
        advice: [
            "Send i en annen kanal, eller be den som drifter systemet om å sette payer.base_url, og send på nytt.",
            "Send i ein annan kanal, eller be den som driftar systemet om å setje payer.base_url, og send på nytt.",
            "Send by another channel, or ask whoever runs the system to set payer.base_url, and send again.",
        ],
        fixes: &[OtherChannel, Print, Resend, Handled, Cancel],
    },
    Cause {
        codes: &["held"],
        title: ["Holdt tilbake", "Haldne tilbake", "Held back"],
        why: [
            "Noen har bedt om at disse ikke sendes ennå.",
            "Nokon har bede om at desse ikkje blir sende enno.",
            "Somebody asked that these are not sent yet.",
        ],
        advice: [
            "Send når de er klare, eller avbryt leveringen.",
            "Send når dei er klare, eller avbryt leveringa.",
            "Send when they are ready, or cancel the delivery.",
        ],
        fixes: &[Resend, OtherChannel, Print, Cancel],
    },
    Cause {
        codes: &["mail_not_composed", "document_not_drawn"],
        title: ["Vi klarte ikke å lage e-posten", "Vi klarte ikkje å lage e-posten", "We could not make the e-mail"],
        why: [
            "Noe i fakturaen lot seg ikke skrive som e-post. Ingenting har gått ut.",
            "Noko i fakturaen lét seg ikkje skrive som e-post. Ingenting har gått ut.",
            "Something in the invoice could not be written as an e-mail. Nothing has left.",
        ],
        advice: [
            "Skriv ut fakturaen nå, og meld fra til den som drifter systemet.",
            "Skriv ut fakturaen no, og meld frå til den som driftar systemet.",
            "Print the invoice now, and tell whoever runs the system.",
        ],
        fixes: &[Print, Resend, OtherChannel, Handled, Cancel],
    },
    Cause {
        codes: &["document_not_stored", "no_document", "spool_write_failed", "disk_full", "not_recorded"],
        title: ["Dokumentet lot seg ikke lagre", "Dokumentet lét seg ikkje lagre", "The document could not be stored"],
        why: [
            "Fakturaen er utstedt, men filen kunne ikke skrives. Ingenting har gått ut.",
            "Fakturaen er utferda, men fila kunne ikkje skrivast. Ingenting har gått ut.",
            "The invoice is issued, but its file could not be written. Nothing has left.",
        ],
        advice: [
            "Meld fra til den som drifter systemet, og send på nytt når lageret virker.",
            "Meld frå til den som driftar systemet, og send på nytt når lageret verkar.",
            "Tell whoever runs the system, and send again once storage works.",
        ],
        fixes: &[Resend, Handled, Cancel],
    },
    Cause {
        codes: &["internal"],
        title: ["Feil hos oss", "Feil hos oss", "A fault on our side"],
        why: [
            "Leveringen stoppet i en feil vi ikke kjenner. Den er logget.",
            "Leveringa stoppa i ein feil vi ikkje kjenner. Han er logga.",
            "The delivery stopped in a fault we do not know. It is logged.",
        ],
        advice: [
            "Send på nytt én gang. Skjer det igjen, meld fra til den som drifter systemet.",
            "Send på nytt éin gong. Skjer det igjen, meld frå til den som driftar systemet.",
            "Send again once. If it happens again, tell whoever runs the system.",
        ],
        fixes: &[Resend, OtherChannel, Print, Handled, Cancel],
    },
];

/// Said of a code that has no words of its own.
pub(super) const OTHER: Cause = Cause {
    codes: &[],
    title: ["Annen årsak: {code}", "Annan årsak: {code}", "Other cause: {code}"],
    why: [
        "Kanalen ga en kode vi ikke har ord for ennå.",
        "Kanalen gav ein kode vi ikkje har ord for enno.",
        "The channel gave a code we have no words for yet.",
    ],
    advice: [
        "Les ordene fra kanalen på raden før du velger.",
        "Les orda frå kanalen på rada før du vel.",
        "Read the channel's words on the row before you choose.",
    ],
    fixes: &[Resend, OtherChannel, Print, Handled, Cancel],
};
