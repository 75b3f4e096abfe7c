//! What stops when processing is restricted, objected to, or a consent is taken back, in words for the person.

use super::words::say;
use domain::customer::Language;

/// Something that stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Standing orders are not billed.
    Billing,
    /// Drafts are not issued.
    Drafts,
    /// What waits to be sent is held back.
    Sending,
    /// Lists change nothing.
    Lists,
    /// Nothing is deleted.
    Deletion,
    /// A contact person is not written to.
    Contact,
    /// No marketing.
    Marketing,
}

impl Stop {
    /// Its name in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Billing => "billing",
            Self::Drafts => "drafts",
            Self::Sending => "sending",
            Self::Lists => "lists",
            Self::Deletion => "deletion",
            Self::Contact => "contact",
            Self::Marketing => "marketing",
        }
    }
}

/// What it means for the person.
pub fn stop(of: Stop, language: Language) -> &'static str {
    let text = match of {
        Stop::Billing => [
            "Faste avtaler blir ikke fakturert.",
            "Faste avtalar blir ikkje fakturerte.",
            "Standing orders are not billed.",
        ],
        Stop::Drafts => [
            "Fakturaer som er under arbeid, blir ikke utstedt.",
            "Fakturaer som er under arbeid, blir ikkje skrivne ut.",
            "Invoices being prepared are not issued.",
        ],
        Stop::Sending => [
            "Fakturaer som venter på å bli sendt, blir holdt tilbake.",
            "Fakturaer som ventar på å bli sende, blir haldne tilbake.",
            "Invoices waiting to be sent are held back.",
        ],
        Stop::Lists => [
            "Endringer fra medlems- eller kundelisten blir ikke tatt inn.",
            "Endringar frå medlems- eller kundelista blir ikkje tekne inn.",
            "Changes from the member or customer list are not taken in.",
        ],
        Stop::Deletion => [
            "Ingenting blir slettet før begrensningen er opphevet.",
            "Ingenting blir sletta før avgrensinga er oppheva.",
            "Nothing is deleted until the restriction is lifted.",
        ],
        Stop::Contact => [
            "Kontaktpersonen blir ikke skrevet til.",
            "Kontaktpersonen blir ikkje skriven til.",
            "The contact person is not written to.",
        ],
        Stop::Marketing => [
            "Nyhetsbrev, kurstilbud og annen markedsføring blir ikke sendt.",
            "Nyheitsbrev, kurstilbod og anna marknadsføring blir ikkje sende.",
            "Newsletters, offers of courses and other marketing are not sent.",
        ],
    };
    say(text, language)
}
