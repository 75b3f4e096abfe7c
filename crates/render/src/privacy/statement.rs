//! The privacy statement: what the policy and the inventory say, in words. Nothing here promises what is not in them.

use super::words::{AUTOMATED, basis, ground, period, purpose, recipient, say, small_group, title, transfer, trigger};
use crate::format::long_date;
use crate::paper::{Block, Paper, Section};
use chrono::NaiveDate;
use domain::customer::Language;
use domain::privacy::{
    AUTHORITY, Custody, Marketing, Policy, Recipient, Region, RelationshipEnd, Role, Rule, RuleId, Transfer,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything a statement is made of, frozen when it is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Its number.
    pub version_no: i64,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// Whose it is.
    pub organisation: Organisation,
    /// The policy.
    pub policy: Policy,
    /// Clocks that something is stored by.
    pub stored: BTreeSet<RuleId>,
    /// Cookies that are set.
    pub cookies: Vec<Cookie>,
    /// Who works for the organisation.
    pub processors: Vec<Processor>,
    /// Where and when it was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
    /// What the organisation says besides, by language code.
    pub own: BTreeMap<String, String>,
}

/// Who answers for the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Registered name.
    pub name: String,
    /// Organisation number.
    pub org_number: Option<String>,
    /// Lines of the postal address.
    pub address: Vec<String>,
    /// Where requests go.
    pub email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Who answers for it: a name or a role.
    pub responsible: Option<String>,
}

/// Where and when a statement was signed; who signed is who answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The town, where it is known.
    pub place: Option<String>,
    /// The day.
    pub on: NaiveDate,
}

/// A cookie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: CookiePurpose,
    /// How long a browser keeps it, in minutes.
    pub minutes: i64,
}

/// What a cookie is for; others are not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CookiePurpose {
    /// Keeps somebody signed in.
    SignedIn,
    /// Shows that a form was ours.
    Form,
    /// Keeps a payer's page open.
    Payer,
}

/// Somebody who works for the organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processor {
    /// Who.
    pub name: String,
    /// As what.
    pub recipient: Recipient,
    /// Where, as a country code.
    pub country: String,
    /// On what ground it is given data outside the EEA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
    /// Reference of the agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement_on: Option<NaiveDate>,
    /// When its risk was last assessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessed_on: Option<NaiveDate>,
}

/// The statement in a language.
pub fn statement(facts: &Statement, language: Language) -> Paper {
    let w = Writer { facts, language };
    let mut sections = vec![w.responsible(), w.what(), w.sources(), w.told(), w.place()];
    sections.extend([w.ending(), w.longer(), w.backups(), w.rights(), w.marketing(), w.automated(), w.cookies()]);
    sections.extend([w.security(), w.changes()]);
    if let Some(own) = facts.own.get(language.as_str()) {
        let heading = w.t(["Mer fra oss", "Meir frå oss", "More from us"]).to_owned();
        let blocks = own.split("\n\n").map(|p| Block::Text(p.trim().replace('\n', " "))).collect();
        sections.push(Section { heading, blocks });
    }
    sections.extend(w.signature());
    let version = [
        format!("Versjon {}, gjelder fra {}", facts.version_no, long_date(facts.valid_from, language)),
        format!("Versjon {}, gjeld frå {}", facts.version_no, long_date(facts.valid_from, language)),
        format!("Version {}, valid from {}", facts.version_no, long_date(facts.valid_from, language)),
    ];
    Paper {
        language,
        title: w.t(["Personvernerklæring", "Personvernerklæring", "Privacy statement"]).to_owned(),
        by: facts.organisation.name.clone(),
        about: vec![w.pick(version)],
        dated: facts.valid_from,
        sections,
    }
}

/// The cookies of a statement, by themselves.
pub fn cookie_declaration(facts: &Statement, language: Language) -> Paper {
    let w = Writer { facts, language };
    Paper {
        language,
        title: w.t(["Informasjonskapsler", "Informasjonskapslar", "Cookies"]).to_owned(),
        by: facts.organisation.name.clone(),
        about: vec![long_date(facts.valid_from, language)],
        dated: facts.valid_from,
        sections: vec![w.cookies()],
    }
}

struct Writer<'a> {
    facts: &'a Statement,
    language: Language,
}

impl Writer<'_> {
    fn t(&self, text: [&'static str; 3]) -> &'static str {
        say(text, self.language)
    }

    fn pick(&self, of: [String; 3]) -> String {
        let [nb, nn, en] = of;
        match self.language {
            Language::Bokmal => nb,
            Language::Nynorsk => nn,
            Language::English => en,
        }
    }

    fn section(&self, heading: [&'static str; 3], texts: Vec<String>) -> Section {
        Section { heading: self.t(heading).to_owned(), blocks: texts.into_iter().map(Block::Text).collect() }
    }

    fn held(&self) -> impl Iterator<Item = &Rule> {
        self.facts.policy.rules.iter().filter(|r| self.facts.stored.contains(&r.id))
    }

    fn how_long(&self, id: RuleId) -> String {
        let rule = self.facts.policy.rule(id);
        rule.and_then(|r| r.period).map(|p| period(p, self.language)).unwrap_or_default()
    }

    fn responsible(&self) -> Section {
        let o = &self.facts.organisation;
        let mut who = o.name.clone();
        if let Some(number) = &o.org_number {
            who = format!("{who} ({} {number})", self.t(["org.nr.", "org.nr.", "org. no."]));
        }
        let who = self.pick([
            format!("{who} er behandlingsansvarlig for opplysningene om kundene sine, de som bruker tjenesten for oss, og andre som er i kontakt med oss."),
            format!("{who} er behandlingsansvarleg for opplysningane om kundane sine, dei som bruker tenesta for oss, og andre som er i kontakt med oss."),
            format!("{who} is the controller of data about its customers, those who use the service for it, and others who are in contact with it."),
        ]);
        let mut texts = vec![who];
        if let Some(responsible) = &o.responsible {
            texts.push(self.pick([
                format!("Ansvaret ligger hos {responsible}."),
                format!("Ansvaret ligg hos {responsible}."),
                format!("{responsible} answers for it."),
            ]));
        }
        let mut contact = o.address.join(", ");
        for more in [o.email.as_deref(), o.phone.as_deref()].into_iter().flatten() {
            if !contact.is_empty() {
                contact.push_str(", ");
            }
            contact.push_str(more);
        }
        if !contact.is_empty() {
            texts.push(format!("{} {contact}.", self.t(["Kontakt oss:", "Kontakt oss:", "Contact us:"])));
        }
        texts.push(
            self.t(match self.facts.policy.role {
                Role::Controller => [
                    "For opplysninger vi behandler i regnskap og reskontro for andre, er oppdragsgiveren behandlingsansvarlig og vi databehandler etter skriftlig avtale.",
                    "For opplysningar vi behandlar i rekneskap og reskontro for andre, er oppdragsgivaren behandlingsansvarleg og vi databehandlar etter skriftleg avtale.",
                    "For data in ledgers we keep for others, the client is the controller and we are its processor under a written agreement.",
                ],
                Role::Processor => [
                    "Den som driver tjenesten for oss, er databehandler etter skriftlig avtale og bruker opplysningene bare som vi bestemmer.",
                    "Den som driv tenesta for oss, er databehandlar etter skriftleg avtale og bruker opplysningane berre slik vi bestemmer.",
                    "Whoever runs the service for us is our processor under a written agreement and uses the data only as we decide.",
                ],
            })
            .to_owned(),
        );
        self.section(["Hvem som er ansvarlig", "Kven som er ansvarleg", "Who is responsible"], texts)
    }

    fn what(&self) -> Section {
        let intro = self.t([
            "Her står alt vi har, hva det brukes til, med hvilken rett og hvor lenge. Annet lagrer vi ikke. Vi ber ikke om sensitive opplysninger, og fødselsnummer tar vi ikke imot.",
            "Her står alt vi har, kva det blir brukt til, med kva rett og kor lenge. Anna lagrar vi ikkje. Vi ber ikkje om sensitive opplysningar, og fødselsnummer tek vi ikkje imot.",
            "This is all we hold, what it is for, on what ground and for how long. We store nothing else. We do not ask for sensitive data, and do not take national identity numbers.",
        ]);
        let head = [
            ["Opplysninger", "Opplysningar", "Data"],
            ["Brukes til å", "Blir brukt til å", "Used"],
            ["Rettslig grunnlag", "Rettsleg grunnlag", "Ground"],
            ["Hvor lenge", "Kor lenge", "How long"],
        ];
        let rows = self.held().map(|rule| {
            let bases: Vec<&str> = rule.bases.iter().map(|b| basis(*b, self.language)).collect();
            vec![
                title(rule.id, self.language).to_owned(),
                purpose(rule.id, self.language).to_owned(),
                bases.join("; "),
                self.until(rule),
            ]
        });
        let table = Block::Table {
            shares: vec![24, 25, 26, 25],
            head: head.map(|h| self.t(h).to_owned()).to_vec(),
            rows: rows.collect(),
        };
        Section {
            heading: self.t(["Hva vi har, og hvorfor", "Kva vi har, og kvifor", "What we hold, and why"]).to_owned(),
            blocks: vec![Block::Text(intro.to_owned()), table],
        }
    }

    fn until(&self, rule: &Rule) -> String {
        let text = match rule.period {
            Some(p) => format!("{} {}", period(p, self.language), trigger(rule.trigger, self.language)),
            None => trigger(rule.trigger, self.language).to_owned(),
        };
        let mut letters = text.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        format!("{first}{}", letters.as_str())
    }

    fn sources(&self) -> Section {
        let text = self.t([
            "Opplysningene kommer fra deg, fra medlems- eller kundesystemet vårt, fra banken når du betaler, og fra bankenes eFaktura-system og det offentlige EHF-registeret når vi slår opp hvordan du vil ha fakturaen.",
            "Opplysningane kjem frå deg, frå medlems- eller kundesystemet vårt, frå banken når du betaler, og frå bankane sitt eFaktura-system og det offentlege EHF-registeret når vi slår opp korleis du vil ha fakturaen.",
            "The data come from you, from our own member or customer system, from the bank when you pay, and from the banks' eFaktura system and the public EHF register when we look up how you want your invoice.",
        ]);
        self.section(
            ["Hvor opplysningene kommer fra", "Kvar opplysningane kjem frå", "Where the data come from"],
            vec![text.to_owned()],
        )
    }

    fn told(&self) -> Section {
        let all: BTreeSet<Recipient> = self.held().flat_map(|r| r.recipients.iter().copied()).collect();
        let names: Vec<&str> = all.iter().map(|r| recipient(*r, self.language)).collect();
        let mut texts = vec![
            format!(
                "{} {}.",
                self.t([
                    "For å levere fakturaer, ta imot betaling og drive tjenesten gir vi det som trengs til:",
                    "For å levere fakturaer, ta imot betaling og drive tenesta gir vi det som trengst til:",
                    "To deliver invoices, take payment and run the service we give what is needed to:",
                ]),
                names.join(", ")
            ),
            self.t([
                "En faktura på e-post går bare til den som skal betale, eller til en foresatt eller en adresse som er oppgitt for det. Vi selger, leier ut eller deler ikke opplysninger med andre, med mindre loven krever det.",
                "Ein faktura på e-post går berre til den som skal betale, eller til ein føresett eller ei adresse som er oppgitt for det. Vi sel, leiger ut eller deler ikkje opplysningar med andre, med mindre lova krev det.",
                "An invoice by e-mail goes only to the one who is to pay, or to a guardian or an address given for it. We do not sell, rent out or share data with others unless the law requires it.",
            ])
            .to_owned(),
        ];
        if !self.facts.processors.is_empty() {
            let names = self.facts.processors.iter().map(|p| {
                let what = recipient(p.recipient, self.language);
                format!("{} ({what}, {})", p.name, p.country)
            });
            texts.push(format!(
                "{} {}.",
                self.t([
                    "Disse arbeider for oss etter databehandleravtale:",
                    "Desse arbeider for oss etter databehandlaravtale:",
                    "These work for us under a data-processing agreement:",
                ]),
                names.collect::<Vec<_>>().join("; ")
            ));
        }
        self.section(["Hvem som får opplysningene", "Kven som får opplysningane", "Who is told"], texts)
    }

    fn place(&self) -> Section {
        let text = self.t(match self.facts.policy.region {
            Region::EeaOnly => [
                "Opplysningene lagres og behandles bare i EU/EØS.",
                "Opplysningane blir lagra og behandla berre i EU/EØS.",
                "The data are stored and processed only in the EU/EEA.",
            ],
            Region::Eea => [
                "Opplysningene lagres og behandles i EU/EØS. Utenfor skjer det bare med et gyldig overføringsgrunnlag som er dokumentert.",
                "Opplysningane blir lagra og behandla i EU/EØS. Utanfor skjer det berre med eit gyldig overføringsgrunnlag som er dokumentert.",
                "The data are stored and processed in the EU/EEA. Elsewhere only on a valid and recorded ground for the transfer.",
            ],
        });
        let mut texts = vec![text.to_owned()];
        let outside = self.facts.processors.iter().filter_map(|p| Some((p, p.transfer?)));
        let outside: Vec<String> =
            outside.map(|(p, on)| format!("{} ({}, {})", p.name, p.country, transfer(on, self.language))).collect();
        if !outside.is_empty() {
            let intro = self.t([
                "Utenfor EØS, med grunnlag:",
                "Utanfor EØS, med grunnlag:",
                "Outside the EEA, and on what ground:",
            ]);
            texts.push(format!("{intro} {}.", outside.join("; ")));
        }
        self.section(["Hvor opplysningene er", "Kvar opplysningane er", "Where the data are"], texts)
    }

    fn ending(&self) -> Section {
        let ends = match self.facts.policy.relationship_end {
            RelationshipEnd::Explicit | RelationshipEnd::Contract => self
                .t([
                    "Kundeforholdet er over når du slutter eller avtalen er slutt.",
                    "Kundeforholdet er over når du sluttar eller avtalen er slutt.",
                    "The relationship is over when you leave or the agreement ends.",
                ])
                .to_owned(),
            RelationshipEnd::Inactivity(after) => {
                let after = period(after, self.language);
                self.pick([
                    format!("Kundeforholdet er over når du sier det, eller {after} etter siste leveranse hvis vi ikke har hatt kontakt siden."),
                    format!("Kundeforholdet er over når du seier det, eller {after} etter siste leveranse om vi ikkje har hatt kontakt sidan."),
                    format!("The relationship is over when you say so, or {after} after the last delivery if there has been no contact since."),
                ])
            }
        };
        let master = self.facts.policy.rule(RuleId::CustomerMaster);
        let master = master.map(|r| self.until(r).to_lowercase()).unwrap_or_default();
        let core = self.how_long(RuleId::CustomerCore);
        let kept = match self.facts.policy.archive_custody {
            Custody::Platform => [
                format!(
                    "Kontaktopplysningene slettes {master}. Det bokføringsloven krever (nummer, navn, fakturaer og betalinger), flyttes til et lukket arkiv uten søk og utsending, der loven alene er grunnlaget, og slettes {core} etter regnskapsåret."
                ),
                format!(
                    "Kontaktopplysningane blir sletta {master}. Det bokføringslova krev (nummer, namn, fakturaer og betalingar), blir flytta til eit lukka arkiv utan søk og utsending, der lova åleine er grunnlaget, og sletta {core} etter rekneskapsåret."
                ),
                format!(
                    "Contact details are deleted {master}. What the bookkeeping act requires (number, name, invoices and payments) moves to a closed archive without search or sending, where the law alone is the ground, and is deleted {core} after the financial year."
                ),
            ],
            Custody::Tenant => [
                format!(
                    "Kontaktopplysningene slettes {master}. Det bokføringsloven krever, overføres til vårt eget arkiv og slettes fra tjenesten; i arkivet slettes det {core} etter regnskapsåret."
                ),
                format!(
                    "Kontaktopplysningane blir sletta {master}. Det bokføringslova krev, blir overført til vårt eige arkiv og sletta frå tenesta; i arkivet blir det sletta {core} etter rekneskapsåret."
                ),
                format!(
                    "Contact details are deleted {master}. What the bookkeeping act requires is handed to our own archive and deleted from the service; in the archive it is deleted {core} after the financial year."
                ),
            ],
        };
        let mut texts = vec![ends, self.pick(kept)];
        if self.held().any(|r| r.id == RuleId::Statistics) {
            let group = small_group(self.facts.policy.small_group, self.language);
            texts.push(self.pick([
                format!("Når regnskapsårene er over, beholder vi bare statistikk: antall og beløp måned for måned, uten noe som peker på noen; {group}."),
                format!("Når rekneskapsåra er over, beheld vi berre statistikk: tal og beløp månad for månad, utan noko som peikar på nokon; {group}."),
                format!("When the financial years are over we keep only statistics: counts and amounts month by month, with nothing that points to anybody; {group}."),
            ]));
        }
        self.section(
            ["Når kundeforholdet er over", "Når kundeforholdet er over", "When the relationship is over"],
            texts,
        )
    }

    fn longer(&self) -> Section {
        let grounds: BTreeSet<_> =
            self.held().flat_map(|r| &r.holds).flat_map(|h| h.grounds().iter().copied()).collect();
        let grounds: Vec<&str> = grounds.into_iter().map(|g| ground(g, self.language)).collect();
        let text = format!(
            "{} {}. {}",
            self.t([
                "Bare i disse tilfellene kan noe bli liggende lenger enn tabellen sier:",
                "Berre i desse tilfella kan noko bli liggjande lenger enn tabellen seier:",
                "Only in these cases may something be kept longer than the table says:",
            ]),
            grounds.join(", "),
            self.t([
                "Da gjelder det bare de opplysningene som trengs, det er skrevet ned hvorfor, og fristen gjelder igjen så snart grunnen er borte.",
                "Då gjeld det berre dei opplysningane som trengst, det er skrive ned kvifor, og fristen gjeld att så snart grunnen er borte.",
                "Then only the data that are needed, with the reason written down, and the time limit applies again as soon as the reason is gone.",
            ]),
        );
        self.section(["Når noe må bli lenger", "Når noko må bli lenger", "When something must stay longer"], vec![text])
    }

    fn backups(&self) -> Section {
        let days = self.how_long(RuleId::Backup);
        let text = self.pick([
            format!("Sikkerhetskopier slettes innen {days}, regnet fra i dag og ikke fra neste kopi. De brukes aldri til oppslag. Blir en kopi tatt i bruk etter en feil, slettes det som var slettet, på nytt før tjenesten åpner."),
            format!("Tryggingskopiar blir sletta innan {days}, rekna frå i dag og ikkje frå neste kopi. Dei blir aldri brukte til oppslag. Blir ein kopi teken i bruk etter ein feil, blir det som var sletta, sletta på nytt før tenesta opnar."),
            format!("Backups are deleted within {days}, counted from today and not from the next backup. They are never used to look things up. If one is restored after a failure, what had been erased is erased again before the service opens."),
        ]);
        self.section(["Sikkerhetskopier", "Tryggingskopiar", "Backups"], vec![text])
    }

    fn rights(&self) -> Section {
        let days = self.facts.policy.request_days;
        let to = self.facts.organisation.email.clone().unwrap_or_else(|| self.facts.organisation.name.clone());
        let texts = vec![
            self.t([
                "Du kan få vite hva vi har om deg og få en kopi, få feil rettet, få slettet det vi ikke må ta vare på, få behandlingen begrenset, få med deg opplysningene i et vanlig format eller få dem sendt til en annen, og protestere mot bruk som bygger på berettiget interesse. Et samtykke kan du trekke tilbake når som helst.",
                "Du kan få vite kva vi har om deg og få ein kopi, få feil retta, få sletta det vi ikkje må ta vare på, få behandlinga avgrensa, få med deg opplysningane i eit vanleg format eller få dei sende til ein annan, og protestere mot bruk som byggjer på rettkomen interesse. Eit samtykke kan du trekkje tilbake når som helst.",
                "You can learn what we hold about you and have a copy, have mistakes corrected, have erased what we need not keep, have the processing restricted, take your data with you in a common format or have them sent to somebody else, and object to use that rests on legitimate interest. You can withdraw a consent at any time.",
            ])
            .to_owned(),
            self.pick([
                format!("Skriv til {to}. Det er gratis, og du får svar innen {days} dager, eller en måned når det er kortere. Vi sender en kode til adressen vi har, for å vite at det er deg; mer ber vi bare om når det er grunn til tvil."),
                format!("Skriv til {to}. Det er gratis, og du får svar innan {days} dagar, eller ein månad når det er kortare. Vi sender ein kode til adressa vi har, for å vite at det er deg; meir ber vi berre om når det er grunn til tvil."),
                format!("Write to {to}. It is free, and you are answered within {days} days, or a month when that is shorter. We send a code to the address we have, to know that it is you; we ask for more only where there is reason for doubt."),
            ]),
            self.t([
                "Begrenser du behandlingen, protesterer eller trekker tilbake et samtykke, kan det som bygger på det, stoppe: fakturaer blir ikke laget eller sendt, og nyhetsbrev og lignende kommer ikke. Vi sier fra om hva som stopper, før det skjer.",
                "Avgrensar du behandlinga, protesterer eller trekkjer tilbake eit samtykke, kan det som byggjer på det, stoppe: fakturaer blir ikkje laga eller sende, og nyheitsbrev og liknande kjem ikkje. Vi seier frå om kva som stoppar, før det skjer.",
                "If you restrict the processing, object or withdraw a consent, what rests on it may stop: invoices are not made or sent, and newsletters and the like do not come. We tell you what stops before it does.",
            ])
            .to_owned(),
            self.complaints(),
        ];
        self.section(["Rettighetene dine", "Rettane dine", "Your rights"], texts)
    }

    fn complaints(&self) -> String {
        let domain::privacy::Authority { postal, visiting, email, phone, .. } = AUTHORITY;
        self.pick([
            format!("Mener du at vi gjør noe galt, si det gjerne til oss: en klage blir skrevet ned og besvart som andre henvendelser. Datatilsynet fører tilsyn, og dit kan du alltid klage, også uten å ha klaget til oss: e-post {email}, telefon {phone}, postadresse {postal}, besøksadresse {visiting}."),
            format!("Meiner du at vi gjer noko gale, sei det gjerne til oss: ei klage blir skriven ned og svart på som andre førespurnader. Datatilsynet fører tilsyn, og dit kan du alltid klage, også utan å ha klaga til oss: e-post {email}, telefon {phone}, postadresse {postal}, besøksadresse {visiting}."),
            format!("If you think we do something wrong, please tell us: a complaint is written down and answered as other requests are. The Norwegian Data Protection Authority, Datatilsynet, supervises, and you can always complain there, also without having complained to us: e-mail {email}, telephone +47 {phone}, postal address {postal}, visiting address {visiting}."),
        ])
    }

    fn automated(&self) -> Section {
        let heading = [
            "Profiler og automatiske avgjørelser",
            "Profilar og automatiske avgjerder",
            "Profiles and automated decisions",
        ];
        self.section(heading, vec![self.t(AUTOMATED).to_owned()])
    }

    /// Place, day, and who answers for it.
    fn signature(&self) -> Option<Section> {
        let (signed, by) = (self.facts.signed.as_ref()?, self.facts.organisation.responsible.as_ref()?);
        let day = long_date(signed.on, self.language);
        let when = signed.place.as_ref().map_or_else(|| day.clone(), |place| format!("{place}, {day}"));
        let name = &self.facts.organisation.name;
        let who = self.pick([
            format!("Underskrevet for {name}: {by}"),
            format!("Underskrive for {name}: {by}"),
            format!("Signed for {name}: {by}"),
        ]);
        let heading = ["Sted, dato og underskrift", "Stad, dato og underskrift", "Place, date and signature"];
        Some(self.section(heading, vec![when, who]))
    }

    fn marketing(&self) -> Section {
        let text = self.t(match self.facts.policy.marketing {
            Marketing::RelationshipOnly => [
                "Vi sender det som hører til medlemskapet eller kundeforholdet. Annen markedsføring sender vi ikke.",
                "Vi sender det som høyrer til medlemskapen eller kundeforholdet. Anna marknadsføring sender vi ikkje.",
                "We send what belongs to the membership or the relationship. We send no other marketing.",
            ],
            Marketing::OptOut => [
                "Markedsføring om egne, lignende varer sender vi bare til kunder i et løpende forhold, og du kan si nei når som helst og i hver melding.",
                "Marknadsføring om eigne, liknande varer sender vi berre til kundar i eit løpande forhold, og du kan seie nei når som helst og i kvar melding.",
                "Marketing of our own, similar goods goes only to customers in a live relationship, and you can say no at any time and in each message.",
            ],
            Marketing::Consent => [
                "Nyhetsbrev og annen markedsføring sender vi bare når du har sagt ja, for hver kanal for seg. Du kan si nei igjen like lett.",
                "Nyheitsbrev og anna marknadsføring sender vi berre når du har sagt ja, for kvar kanal for seg. Du kan seie nei att like lett.",
                "We send newsletters and other marketing only when you have said yes, for each channel by itself. Saying no again is as easy.",
            ],
        });
        self.section(["Markedsføring", "Marknadsføring", "Marketing"], vec![text.to_owned()])
    }

    fn cookies(&self) -> Section {
        let intro = self.t([
            "Disse informasjonskapslene settes, og ingen andre. Alle er nødvendige for det du ber om (ekomloven § 3-15). Ingen følger deg, og ingen settes av andre.",
            "Desse informasjonskapslane blir sette, og ingen andre. Alle er nødvendige for det du ber om (ekomlova § 3-15). Ingen følgjer deg, og ingen blir sette av andre.",
            "These cookies are set, and no others. All are necessary for what you ask for (ekomloven § 3-15). None follows you, and none is set by others.",
        ]);
        let head = [["Navn", "Namn", "Name"], ["Formål", "Føremål", "Purpose"], ["Varighet", "Kor lenge", "Duration"]];
        let rows = self.facts.cookies.iter().map(|c| {
            let purpose = self.t(match c.purpose {
                CookiePurpose::SignedIn => ["holder deg innlogget", "held deg innlogga", "keeps you signed in"],
                CookiePurpose::Form => {
                    ["sikrer at skjemaet er vårt", "sikrar at skjemaet er vårt", "makes sure that the form is ours"]
                }
                CookiePurpose::Payer => {
                    ["holder fakturasiden åpen", "held fakturasida open", "keeps the invoice page open"]
                }
            });
            vec![c.name.clone(), purpose.to_owned(), self.minutes(c.minutes)]
        });
        let table = Block::Table {
            shares: vec![34, 43, 23],
            head: head.map(|h| self.t(h).to_owned()).to_vec(),
            rows: rows.collect(),
        };
        Section {
            heading: self.t(["Informasjonskapsler", "Informasjonskapslar", "Cookies"]).to_owned(),
            blocks: vec![Block::Text(intro.to_owned()), table],
        }
    }

    fn minutes(&self, minutes: i64) -> String {
        match minutes {
            60 => format!("1 {}", self.t(["time", "time", "hour"])),
            m if m % 60 == 0 => format!("{} {}", m / 60, self.t(["timer", "timar", "hours"])),
            m => format!("{m} {}", self.t(["minutter", "minutt", "minutes"])),
        }
    }

    fn security(&self) -> Section {
        let text = self.t([
            "All trafikk er kryptert. Hver virksomhets opplysninger holdes adskilt i databasen selv. Bare de som trenger det, har tilgang, og hver endring blir sporet uten å vise innholdet. Blir noe borte eller kommer på avveie slik at det er høy risiko for deg, sier vi fra uten opphold.",
            "All trafikk er kryptert. Opplysningane til kvar verksemd blir haldne frå kvarandre i databasen sjølv. Berre dei som treng det, har tilgang, og kvar endring blir spora utan å vise innhaldet. Blir noko borte eller kjem på avvegar slik at det er høg risiko for deg, seier vi frå utan opphald.",
            "All traffic is encrypted. The data of each organisation are kept apart by the database itself. Only those who need it have access, and every change is traced without showing what it says. If something is lost or falls into wrong hands so that there is a high risk to you, we tell you without delay.",
        ]);
        self.section(["Sikkerhet", "Tryggleik", "Security"], vec![text.to_owned()])
    }

    fn changes(&self) -> Section {
        let text = self.t([
            "Den gjeldende erklæringen ligger alltid her, og tidligere versjoner er tatt vare på. Endringer som betyr noe for rettighetene dine, varsler vi om.",
            "Den gjeldande erklæringa ligg alltid her, og tidlegare versjonar er tekne vare på. Endringar som betyr noko for rettane dine, varslar vi om.",
            "The statement in force is always here, and earlier versions are kept. We give notice of changes that matter for your rights.",
        ]);
        self.section(["Endringer", "Endringar", "Changes"], vec![text.to_owned()])
    }
}
