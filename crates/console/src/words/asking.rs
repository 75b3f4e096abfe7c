//! Words of requests about personal data: on the payer's page, on the form beside the statement, and on the desk.

super::table! {
    /// Words of requests.
    AskingWords, asking_words;
    title: "Personopplysningene dine", "Personopplysningane dine", "Your personal data";
    lead: "Be om innsyn, retting eller sletting. Du får svar innen en måned.", "Be om innsyn, retting eller sletting. Du får svar innan ein månad.", "Ask for access, correction or erasure. You get an answer within a month.";
    form_title: "Spørsmål og krav om personopplysninger", "Spørsmål og krav om personopplysningar", "Questions and requests about personal data";
    form_lead: "Til {name}. Du får svar innen en måned. Det koster ingenting.", "Til {name}. Du får svar innan ein månad. Det kostar ingenting.", "To {name}. You get an answer within a month. It costs nothing.";
    name: "Navn", "Namn", "Name";
    reach: "E-post eller telefon", "E-post eller telefon", "E-mail or phone";
    reach_hint: "Så vi kan svare deg, og finne ut at det er deg.", "Så vi kan svare deg, og finne ut at det er deg.", "So that we can answer you, and know that it is you.";
    kind: "Hva gjelder det?", "Kva gjeld det?", "What is it about?";
    text: "Hva ber du om?", "Kva bed du om?", "What do you ask for?";
    text_hint: "Skriv kort. Ikke skriv fødselsnummer eller helseopplysninger.", "Skriv kort. Ikkje skriv fødselsnummer eller helseopplysningar.", "Be brief. Do not write national identity numbers or health data.";
    send: "Send", "Send", "Send";
    access: "Innsyn: hva dere har om meg", "Innsyn: kva de har om meg", "Access: what you hold about me";
    rectification: "Retting: noe er feil", "Retting: noko er feil", "Correction: something is wrong";
    erasure: "Sletting", "Sletting", "Erasure";
    restriction: "Begrensning: ikke bruk opplysningene", "Avgrensing: ikkje bruk opplysningane", "Restriction: do not use my data";
    objection: "Protest mot bruken", "Protest mot bruken", "Objection to the use";
    portability: "Utlevering i et format en maskin kan lese", "Utlevering i eit format ei maskin kan lese", "My data in a form a machine can read";
    consent_withdrawal: "Jeg trekker et samtykke", "Eg trekkjer eit samtykke", "I withdraw a consent";
    complaint: "Klage", "Klage", "Complaint";
    unsorted: "Annet, eller vet ikke", "Anna, eller veit ikkje", "Something else, or not sure";
    waits: "Mottatt {date}. Svar senest {due}.", "Motteke {date}. Svar seinast {due}.", "Received {date}. Answered by {due}.";
    answered: "Besvart {date}", "Svart på {date}", "Answered {date}";
    refused: "Avslått {date}. Grunnen står i svaret du har fått.", "Avslått {date}. Grunnen står i svaret du har fått.", "Refused {date}. The ground is in the answer you got.";
    download: "Last ned svaret (ZIP)", "Last ned svaret (ZIP)", "Download the answer (ZIP)";
    sent: "Henvendelsen er mottatt. Du får svar senest {due}. Saksnummer: {case}.", "Førespurnaden er motteken. Du får svar seinast {due}. Saksnummer: {case}.", "Your request has been received. You are answered by {due}. Case: {case}.";
    said_asked: "Henvendelsen er mottatt. Du finner den under personopplysningene dine.", "Førespurnaden er motteken. Du finn han under personopplysningane dine.", "Your request has been received. You find it under your personal data.";
    said_not_asked: "Skriv hva du ber om, med høyst 2 000 tegn.", "Skriv kva du bed om, med høgst 2 000 teikn.", "Say what you ask for, in 2,000 characters at most.";
    incomplete: "Skriv hvordan vi når deg og hva du ber om. Teksten kan ha 2 000 tegn, de andre feltene 120.", "Skriv korleis vi når deg og kva du bed om. Teksten kan ha 2 000 teikn, dei andre felta 120.", "Say how we reach you and what you ask for. The text may have 2,000 characters, the other fields 120.";
    stale: "Siden hadde stått for lenge, eller skjemaet ble sendt for fort. Prøv én gang til.", "Sida hadde stått for lenge, eller skjemaet vart sendt for fort. Prøv éin gong til.", "The page had been open for too long, or the form was sent too fast. Try once more.";
    too_many: "Det har kommet mange henvendelser den siste timen. Prøv igjen senere, eller skriv til {email}.", "Det har kome mange førespurnader den siste timen. Prøv igjen seinare, eller skriv til {email}.", "Many requests have come within the last hour. Try again later, or write to {email}.";
}

impl AskingWords {
    /// What a kind of request is called.
    pub(crate) fn kind_of(&self, kind: &str) -> &'static str {
        match kind {
            "access" => self.access,
            "rectification" => self.rectification,
            "erasure" => self.erasure,
            "restriction" => self.restriction,
            "objection" => self.objection,
            "portability" => self.portability,
            "consent_withdrawal" => self.consent_withdrawal,
            "complaint" => self.complaint,
            _ => self.unsorted,
        }
    }
}
